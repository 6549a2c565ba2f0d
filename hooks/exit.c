/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions by which a process ends past its exit handlers, in front of libc's: _exit() and
 * _Exit(), and daemon(), which ends the parent inside libc.
 */
#include "elf/lookup.h"
#include "export.h"
#include "process/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static __typeof__(_exit) *real_exit;

__attribute__((constructor(LOOKUPS))) static void find_real(void)
{
	lookup_next("_exit", 1, &real_exit);
}

EXPORT void _exit(int status)
{
	status = lifecycle_end_with(status);
	if (!real_exit)
		find_real();
	real_exit(status);
	__builtin_unreachable();
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

/* Opens the standard streams on /dev/null, if the file of that name is the device, as glibc does. */
static int open_null(void)
{
	int fd = open(_PATH_DEVNULL, O_RDWR);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
		close(fd);
		errno = ENODEV;
		return -1;
	}
	for (int stream = 0; stream < 3; stream++)
		dup2(fd, stream);
	if (fd > 2)
		close(fd);
	return 0;
}

/*
 * daemon(3). glibc's ends the parent by an _exit() that does not come through the function above: the
 * parent's last dump would be missing, or would be the watcher's, which takes the parent for killed
 * (tmux and cron call it).
 */
EXPORT int daemon(int no_chdir, int no_close)
{
	pid_t child = fork();

	if (child < 0)
		return -1;
	if (child)
		_exit(0);
	if (setsid() < 0)
		return -1;
	if (!no_chdir && chdir("/")) {
		/* glibc does not mind */
	}
	return no_close ? 0 : open_null();
}
