/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A library to preload before heaptrace, whose functions are none that heaptrace may rely on: each has the
 * name of one that heaptrace's hooks and dumps use, and does something else. FALSE_ONLY names the one that
 * is replaced; the others then do what libc's do.
 *
 * libfaketime (clock_gettime, nanosleep), torsocks (close, syscall) and fakechroot (open) are such
 * libraries; a program with functions of these names of its own has the same effect.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ASK6(n, a, b, c, d, e, f) ask((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define ASK(n, a, b, c, d) ASK6(n, a, b, c, d, 0, 0)

extern char **environ;

static long ask(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall" : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	if ((unsigned long)result > -4096ul) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

static int is_false(const char *name)
{
	for (char **e = environ; e && *e; e++) {
		if (!strncmp(*e, "FALSE_ONLY=", 11))
			return !strcmp(*e + 11, name);
	}
	return 0;
}

/* A thousand times as fast. */
int clock_gettime(clockid_t clock, struct timespec *to)
{
	long result = ASK(SYS_clock_gettime, clock, to, 0, 0);

	if (is_false("clock_gettime")) {
		unsigned long long ns = ((unsigned long long)to->tv_sec * 1000000000 + to->tv_nsec) % 1000000000000000 * 1000;

		to->tv_sec = ns / 1000000000;
		to->tv_nsec = ns % 1000000000;
	}
	return (int)result;
}

pid_t getpid(void)
{
	return (pid_t)ASK(SYS_getpid, 0, 0, 0, 0) + 1000000 * is_false("getpid");
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	struct timespec minute = { 60, 0 };

	return (int)ASK(SYS_nanosleep, is_false("nanosleep") ? &minute : time, left, 0, 0);
}

int sched_yield(void)
{
	return is_false("sched_yield") ? -1 : (int)ASK(SYS_sched_yield, 0, 0, 0, 0);
}

#define OPEN(name)									\
	int name(const char *path, int flags, ...)					\
	{										\
		const char *real = is_false(#name) ? "/dev/null" : path;		\
		mode_t mode;								\
		va_list list;								\
											\
		va_start(list, flags);							\
		mode = va_arg(list, mode_t);						\
		va_end(list);								\
		return (int)ASK(SYS_openat, AT_FDCWD, real, flags, mode);		\
	}
OPEN(open)
OPEN(open64)

int close(int fd)
{
	return is_false("close") ? -1 : (int)ASK(SYS_close, fd, 0, 0, 0);
}

ssize_t read(int fd, void *to, size_t size)
{
	return is_false("read") ? 0 : ASK(SYS_read, fd, to, size, 0);
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	return is_false("pread") ? 0 : ASK(SYS_pread64, fd, to, size, at);
}

ssize_t pread64(int fd, void *to, size_t size, off_t at)
{
	return is_false("pread64") ? 0 : ASK(SYS_pread64, fd, to, size, at);
}

ssize_t write(int fd, const void *from, size_t size)
{
	return is_false("write") ? (ssize_t)size : ASK(SYS_write, fd, from, size, 0);
}

int fcntl(int fd, int command, ...)
{
	va_list list;
	long value;

	va_start(list, command);
	value = va_arg(list, long);
	va_end(list);
	return is_false("fcntl") ? -1 : (int)ASK(SYS_fcntl, fd, command, value, 0);
}

int fstat(int fd, struct stat *to)
{
	memset(to, 0, sizeof(*to));
	return is_false("fstat") ? 0 : (int)ASK(SYS_fstat, fd, to, 0, 0);
}

int lstat(const char *path, struct stat *to)
{
	memset(to, 0, sizeof(*to));
	return is_false("lstat") ? 0 : (int)ASK(SYS_newfstatat, AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

int poll(struct pollfd *fds, nfds_t count, int wait_ms)
{
	return is_false("poll") ? -1 : (int)ASK(SYS_poll, fds, count, wait_ms, 0);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return is_false("mmap") ? MAP_FAILED : (void *)ASK6(SYS_mmap, at, size, protection, flags, fd, offset);
}

int munmap(void *at, size_t size)
{
	return is_false("munmap") ? -1 : (int)ASK(SYS_munmap, at, size, 0, 0);
}

int madvise(void *at, size_t size, int advice)
{
	return is_false("madvise") ? -1 : (int)ASK(SYS_madvise, at, size, advice, 0);
}

long syscall(long number, ...)
{
	long a[6];
	va_list list;

	if (is_false("syscall")) {
		errno = EPERM;
		return -1;
	}
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return ask(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
