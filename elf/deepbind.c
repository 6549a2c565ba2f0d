/* SPDX-License-Identifier: GPL-2.0-only */
/* See deepbind.h. */
#include "deepbind.h"

#include "base/atomics.h"
#include "base/mappings.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define REQUESTS_MAX	16	/* libraries that can be recorded; later ones are not counted */

enum request_state {
	REQUEST_FREE,		/* the slot is unused, or a thread is writing it */
	REQUEST_UNKNOWN,	/* it is not known whether it has been loaded */
	REQUEST_LOADED,
};

struct request {
	uint32_t state;			/* enum request_state */
	char name[DEEPBIND_NAME_BYTES];	/* as the caller wrote it, without its directory */
	uint64_t inode;			/* of the file, when the caller gave a directory; else 0 */
};

static struct request requests[REQUESTS_MAX];
static uint32_t request_count;	/* can be larger than REQUESTS_MAX */

static bool is_known(const char *name)
{
	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		if (load_acquire(&requests[i].state) != REQUEST_FREE &&
		    !strncmp(requests[i].name, name, DEEPBIND_NAME_BYTES - 1))
			return true;
	}
	return false;
}

/* libfoo.so is often a symbolic link, and the mapping has the name of its target, for example
 * libfoo.so.1.2. So the inode is compared, or, where it is not known, the beginning of the name. */
static bool is_mapping_of(const struct mapping *m, const struct request *r)
{
	if (m->path[0] != '/')
		return false;
	if (r->inode)
		return m->inode == r->inode;
	return !strncmp(path_name(m->path), r->name, strlen(r->name));
}

/* Whether a library is loaded already: then it keeps its bindings, whatever the flag. */
static bool is_loaded(const struct request *r)
{
	struct mappings list;
	struct mapping m;
	bool found = false;

	if (!mappings_open(&list, 0))
		return false;
	while (!found && mappings_next(&list, &m))
		found = is_mapping_of(&m, r);
	mappings_close(&list);
	return found;
}

void deepbind_requested(const char *file)
{
	const char *name = path_name(file);
	struct request r = { .state = REQUEST_FREE };
	int saved = errno;
	struct stat st = { 0 };
	uint32_t slot = REQUESTS_MAX;

	strncpy(r.name, name, DEEPBIND_NAME_BYTES - 1);
	/* The loader does not search for a name with a slash: without the file, dlopen() fails. */
	if (!is_known(name) && (name == file || !fstatat(AT_FDCWD, file, &st, 0))) {
		r.inode = name != file ? st.st_ino : 0;
		if (!is_loaded(&r))
			slot = add_relaxed(&request_count, 1);
	}
	if (slot < REQUESTS_MAX) {
		requests[slot] = r;
		store_release(&requests[slot].state, REQUEST_UNKNOWN);
	}
	errno = saved;
}

static void check_mapping(const struct mapping *m)
{
	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		if (load_acquire(&requests[i].state) == REQUEST_UNKNOWN && is_mapping_of(m, &requests[i]))
			store_release(&requests[i].state, REQUEST_LOADED);
	}
}

static bool any_request_is(uint32_t state)
{
	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		if (load_acquire(&requests[i].state) == state)
			return true;
	}
	return false;
}

/* Where there is no /proc, all requested libraries are taken for loaded. */
static void check_mappings(void)
{
	struct mappings list;
	struct mapping m;

	if (!mappings_open(&list, 0)) {
		for (unsigned i = 0; i < REQUESTS_MAX; i++) {
			if (load_acquire(&requests[i].state) == REQUEST_UNKNOWN)
				store_release(&requests[i].state, REQUEST_LOADED);
		}
		return;
	}
	while (any_request_is(REQUEST_UNKNOWN) && mappings_next(&list, &m))
		check_mapping(&m);
	mappings_close(&list);
}

void deepbind_find(struct deepbind *d)
{
	int saved = errno;

	*d = (struct deepbind){ 0 };
	if (any_request_is(REQUEST_UNKNOWN))
		check_mappings();
	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		if (load_acquire(&requests[i].state) == REQUEST_LOADED && !d->count++)
			memcpy(d->name, requests[i].name, sizeof(d->name));
	}
	errno = saved;
}
