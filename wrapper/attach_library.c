/* SPDX-License-Identifier: GPL-2.0-only */
/* See attach_library.h. */
#include "attach_library.h"

#include "quit.h"
#include "symbol/symbol.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC	0x10u		/* Linux 6.3 */
#endif
#define MEMFD_NAME	"libheaptrace.so"
#define LIBC_DLOPEN_MODE	((uint64_t)1 << 31)	/* __RTLD_DLOPEN, which __libc_dlopen_mode() wants */

struct target_module *attach_library_find(struct target *target, const char *name, uint64_t *address)
{
	for (struct target_module *m = target->modules; m; m = m->next) {
		if (!strcmp(m->soname, "libheaptrace.so") && (*address = target_function(target, m, name)) != 0)
			return m;
	}
	return NULL;
}

bool attach_library_is(const struct target_module *m, const char *path)
{
	uint8_t id[sizeof(m->build_id)];
	int bytes = symbol_build_id(path, id, sizeof(id));

	return bytes > 0 && (uint32_t)bytes == m->build_id_bytes && !memcmp(id, m->build_id, (size_t)bytes);
}

/* ---- dlopen() ---- */

/* Where the process's dlopen() is: in libc since 2.34, in libdl before, if that is loaded; libc has always had one of
 * its own for itself. *mode: what that one wants besides. */
static uint64_t find_dlopen(struct target *t, uint64_t *mode)
{
	uint64_t address = 0;

	*mode = 0;
	if (target_find(t, TARGET_LIBC, "dlopen", &address) || target_find(t, TARGET_LIBDL, "dlopen", &address))
		return address;
	*mode = LIBC_DLOPEN_MODE;
	target_find(t, TARGET_LIBC, "__libc_dlopen_mode", &address);
	return address;
}

/* dladdr() asks which module has an address, and none has 0. libc has always had one of its own for itself, _dl_addr(),
 * whose fourth argument it looks at only if there is such a module. */
uint64_t attach_library_find_lock(struct target *t)
{
	uint64_t address = 0;

	if (!target_find(t, TARGET_LIBC, "dladdr", &address) && !target_find(t, TARGET_LIBDL, "dladdr", &address))
		target_find(t, TARGET_LIBC, "_dl_addr", &address);
	return address;
}

/* Reads what dlerror() says. */
static enum call_status read_error(struct call *c, char why[ATTACH_LIBRARY_WHY_BYTES])
{
	struct target *t = c->thread->target;
	uint64_t address, text = 0;
	enum call_status status;

	snprintf(why, ATTACH_LIBRARY_WHY_BYTES, "%s", "its dlopen() does not say why");
	if (!target_find(t, TARGET_LIBC, "dlerror", &address) && !target_find(t, TARGET_LIBDL, "dlerror", &address))
		return CALL_DONE;
	status = call_function(c, address, 0, 0, 0, &text);
	if (status == CALL_DONE && text)
		target_read_text(t, text, why, ATTACH_LIBRARY_WHY_BYTES);
	return status;
}

/* Calls dlopen() in the process. *handle is 0 if it fails. */
static enum call_status open_there(struct call *c, const char *name, uint64_t *handle,
				   char why[ATTACH_LIBRARY_WHY_BYTES])
{
	uint64_t mode, function = find_dlopen(c->thread->target, &mode), text;
	enum call_status status;

	*handle = 0;
	if (!function) {
		snprintf(why, ATTACH_LIBRARY_WHY_BYTES, "%s", "its C library has no dlopen()");
		return CALL_DONE;
	}
	text = call_put(c, name, strlen(name) + 1);
	if (!text) {
		snprintf(why, ATTACH_LIBRARY_WHY_BYTES, "%s", "its memory cannot be written");
		return CALL_DONE;
	}
	status = call_function(c, function, text, RTLD_NOW | RTLD_LOCAL | mode, 0, handle);
	return status == CALL_DONE && !*handle ? read_error(c, why) : status;
}

/* ---- The file ---- */

/* Whether the path leads to the same file in the process's mount namespace and root directory. */
static bool is_same_there(const struct call *c, const char *path)
{
	char *there = formatted("/proc/%d/root%s", (int)c->thread->target->pid, path);
	struct stat a, b;
	bool same = !stat(path, &a) && !stat(there, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;

	free(there);
	return same;
}

/* Copies a file. False: errno says why it cannot be. */
static bool copy_file(const char *from, int to)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	static char buf[65536];
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t done = 0, part; done < n; done += part) {
			part = write(to, buf + done, (size_t)(n - done));
			if (part < 0) {
				close(fd);
				return false;
			}
		}
	}
	if (fd >= 0)
		close(fd);
	return !n;
}

/* Makes a memfd in the process and copies the library into it. *number: its descriptor there, or the errno of
 * memfd_create() as a negative number. */
static enum call_status make_memfd(struct call *c, const char *path, int64_t *number,
				   char why[ATTACH_LIBRARY_WHY_BYTES])
{
	uint64_t name = call_put(c, MEMFD_NAME, sizeof(MEMFD_NAME));
	enum call_status status;
	char *there;
	int fd;

	status = call_system(c, SYS_memfd_create, (uint64_t[6]){ name, MFD_CLOEXEC | MFD_EXEC }, number);
	if (status == CALL_DONE && *number == -EINVAL)
		status = call_system(c, SYS_memfd_create, (uint64_t[6]){ name, MFD_CLOEXEC }, number);
	if (status != CALL_DONE)
		return status;
	if (*number < 0) {
		snprintf(why, ATTACH_LIBRARY_WHY_BYTES, "its memfd_create() fails: %s", strerror((int)-*number));
		return CALL_DONE;
	}
	there = formatted("/proc/%d/fd/%d", (int)c->thread->target->pid, (int)*number);
	fd = open(there, O_WRONLY | O_CLOEXEC);
	free(there);
	if (fd >= 0 && copy_file(path, fd)) {
		close(fd);
		return CALL_DONE;
	}
	snprintf(why, ATTACH_LIBRARY_WHY_BYTES, "the library cannot be copied into it: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	status = call_system(c, SYS_close, (uint64_t[6]){ (uint64_t)*number }, number);
	*number = -1;
	return status;
}

/* Loads the library from a memfd, whose descriptor is closed afterwards. */
static enum call_status load_memfd(struct call *c, const char *path, uint64_t *handle,
				   char why[ATTACH_LIBRARY_WHY_BYTES])
{
	int64_t number, ignored;
	char name[64];
	enum call_status status = make_memfd(c, path, &number, why);

	if (status != CALL_DONE || number < 0)
		return status;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", (int)number);
	status = open_there(c, name, handle, why);
	if (status != CALL_DONE)
		return status;
	return call_system(c, SYS_close, (uint64_t[6]){ (uint64_t)number }, &ignored);
}

bool attach_library_load(struct call *c, const char *path, enum call_status *status,
			 char why[ATTACH_LIBRARY_WHY_BYTES])
{
	uint64_t handle = 0;

	why[0] = 0;
	*status = CALL_DONE;
	if (is_same_there(c, path))
		*status = open_there(c, path, &handle, why);
	/* The process may not be allowed to open the file, or to map it executable where it lies. */
	if (*status == CALL_DONE && !handle)
		*status = load_memfd(c, path, &handle, why);
	return *status == CALL_DONE && handle && target_refresh(c->thread->target);
}
