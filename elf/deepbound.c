/* SPDX-License-Identifier: GPL-2.0-only */
/* See deepbound.h. */
#include "deepbound.h"

#include "base/atomics.h"
#include "base/mappings.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define ASKED_MAX	16	/* libraries that are told apart */

enum asked_state {
	ASKED_FREE,		/* the slot is not used, or is being written */
	ASKED_UNKNOWN,		/* it is not known whether it has been loaded */
	ASKED_LOADED,
};

struct asked {
	uint32_t state;				/* enum asked_state */
	char name[DEEPBOUND_NAME_BYTES];	/* as given, without its directory */
	uint64_t inode;				/* of a file that was given with its directory; or 0 */
};

static struct asked asked[ASKED_MAX];
static uint32_t asked_count;	/* may run past ASKED_MAX */

static bool is_known(const char *name)
{
	for (unsigned i = 0; i < ASKED_MAX; i++) {
		if (load_acquire(&asked[i].state) != ASKED_FREE &&
		    !strncmp(asked[i].name, name, DEEPBOUND_NAME_BYTES - 1))
			return true;
	}
	return false;
}

/* The file that libfoo.so is a link to is known by its inode, or by the beginning of its name, as
 * libfoo.so.1.2. */
static bool is_mapping_of(const struct mapping *m, const struct asked *a)
{
	if (m->path[0] != '/')
		return false;
	if (a->inode)
		return m->inode == a->inode;
	return !strncmp(path_name(m->path), a->name, strlen(a->name));
}

/* Whether a library is there already: then it stays bound as it is, whatever the flag. */
static bool is_loaded(const struct asked *a)
{
	struct mappings list;
	struct mapping m;
	bool found = false;

	if (!mappings_open(&list, 0))
		return false;
	while (!found && mappings_next(&list, &m))
		found = is_mapping_of(&m, a);
	mappings_close(&list);
	return found;
}

void deepbound_asked(const char *file)
{
	const char *name = path_name(file);
	struct asked a = { .state = ASKED_FREE };
	int saved = errno;
	struct stat st = { 0 };
	uint32_t slot = ASKED_MAX;

	strncpy(a.name, name, DEEPBOUND_NAME_BYTES - 1);
	/* The loader does not search for a name with a slash: no file, no library. */
	if (!is_known(name) && (name == file || !fstatat(AT_FDCWD, file, &st, 0))) {
		a.inode = name != file ? st.st_ino : 0;
		if (!is_loaded(&a))
			slot = add_relaxed(&asked_count, 1);
	}
	if (slot < ASKED_MAX) {
		asked[slot] = a;
		store_release(&asked[slot].state, ASKED_UNKNOWN);
	}
	errno = saved;
}

static void look_at_mapping(const struct mapping *m)
{
	for (unsigned i = 0; i < ASKED_MAX; i++) {
		if (load_acquire(&asked[i].state) == ASKED_UNKNOWN && is_mapping_of(m, &asked[i]))
			store_release(&asked[i].state, ASKED_LOADED);
	}
}

static bool is_any(uint32_t state)
{
	for (unsigned i = 0; i < ASKED_MAX; i++) {
		if (load_acquire(&asked[i].state) == state)
			return true;
	}
	return false;
}

/* All of them are taken for loaded where there is no /proc. */
static void look_at_maps(void)
{
	struct mappings list;
	struct mapping m;

	if (!mappings_open(&list, 0)) {
		for (unsigned i = 0; i < ASKED_MAX; i++) {
			if (load_acquire(&asked[i].state) == ASKED_UNKNOWN)
				store_release(&asked[i].state, ASKED_LOADED);
		}
		return;
	}
	while (is_any(ASKED_UNKNOWN) && mappings_next(&list, &m))
		look_at_mapping(&m);
	mappings_close(&list);
}

void deepbound_find(struct deepbound *d)
{
	int saved = errno;

	*d = (struct deepbound){ 0 };
	if (is_any(ASKED_UNKNOWN))
		look_at_maps();
	for (unsigned i = 0; i < ASKED_MAX; i++) {
		if (load_acquire(&asked[i].state) == ASKED_LOADED && !d->count++)
			memcpy(d->name, asked[i].name, sizeof(d->name));
	}
	errno = saved;
}
