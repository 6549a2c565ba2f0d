/* SPDX-License-Identifier: GPL-2.0-only */
/* See kernel.h. */
#undef _FORTIFY_SOURCE	/* its inline read() and open() would conflict with these definitions */
#undef _FILE_OFFSET_BITS	/* it would give open() and open64() the same name */
#include "kernel.h"

#include "atomics.h"
#include "reader.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <link.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* ---- The clock ---- */

typedef int clock_function(clockid_t clock, struct timespec *to);

/* The function has one of these names, depending on the architecture (vdso(7)). */
static bool is_clock_name(const char *name)
{
	return name && (!strcmp(name, "__vdso_clock_gettime") || !strcmp(name, "__kernel_clock_gettime"));
}

/* The vdso's symbol table and string table, as offsets from the image's base; 0 if there is none. */
struct vdso {
	const uint8_t *base;
	uint64_t symbols, strings;
};

static uint64_t read_word(struct reader *r)
{
	return sizeof(long) == 8 ? reader_u64(r) : reader_u32(r);
}

/* The image consists of the first loadable segment. The addresses in the dynamic section become offsets when the
 * segment's own address is subtracted. */
static bool read_vdso(struct reader *r, struct vdso *v)
{
	uint64_t dynamic = 0, bias = 0, tag;
	bool loaded = false;
	ElfW(Ehdr) head;
	ElfW(Phdr) segment;

	reader_object(r, &head, sizeof(head));
	for (unsigned i = 0; i < head.e_phnum && !r->bad; i++) {
		reader_seek(r, head.e_phoff + i * sizeof(segment));
		reader_object(r, &segment, sizeof(segment));
		if (segment.p_type == PT_LOAD && !loaded) {
			loaded = true;
			bias = segment.p_vaddr - segment.p_offset;
			*r = reader_over(v->base, segment.p_memsz);
		} else if (segment.p_type == PT_DYNAMIC) {
			dynamic = segment.p_offset;
		}
	}
	reader_seek(r, dynamic);
	while (dynamic && (tag = read_word(r)) != DT_NULL && !r->bad) {
		uint64_t value = read_word(r);

		if (tag == DT_SYMTAB)
			v->symbols = value - bias;
		if (tag == DT_STRTAB)
			v->strings = value - bias;
	}
	return !r->bad && v->symbols && v->strings > v->symbols;
}

/*
 * Finds the clock function of the vdso at base, or returns NULL. The number of symbols follows from the kernel's
 * linker script, which places the strings behind the symbols (arch/x86/entry/vdso/vdso-layout.lds.S).
 */
static clock_function *find_clock(const void *base)
{
	struct vdso v = { .base = base };
	struct reader r = reader_over(base, 4096);
	ElfW(Sym) symbol;
	const char *name;

	if (!read_vdso(&r, &v))
		return NULL;
	for (uint64_t at = v.symbols; at + sizeof(symbol) <= v.strings && !r.bad; at += sizeof(symbol)) {
		reader_seek(&r, at);
		reader_object(&r, &symbol, sizeof(symbol));
		if (symbol.st_shndx == SHN_UNDEF || !symbol.st_value)
			continue;
		reader_seek(&r, v.strings + symbol.st_name);
		name = reader_string(&r);
		if (is_clock_name(name))
			return (clock_function *)(uintptr_t)(v.base + symbol.st_value);
	}
	return NULL;
}

static int ask_kernel(clockid_t clock, struct timespec *to)
{
#ifdef SYS_clock_gettime
	return syscall(SYS_clock_gettime, clock, to) ? -errno : 0;
#else
	return syscall(SYS_clock_gettime64, clock, to) ? -errno : 0;
#endif
}

static int ask_first(clockid_t clock, struct timespec *to);
static clock_function *ask_clock = ask_first;

/* Several threads may come here at the same time; all of them find the same function. */
static __attribute__((cold)) int ask_first(clockid_t clock, struct timespec *to)
{
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
	clock_function *found = vdso ? find_clock((const void *)vdso) : NULL;

	store_release(&ask_clock, found ? found : ask_kernel);
	return (found ? found : ask_kernel)(clock, to);
}

int clock_gettime(clockid_t clock, struct timespec *to)
{
	int result = load_acquire(&ask_clock)(clock, to);

	if (likely(!result))
		return 0;
	errno = -result;
	return -1;
}

/* ---- System calls ---- */

#ifndef KERNEL_BY_LIBC
static long enter(long number, long a, long b, long c, long d, long e, long f)
{
	long result = kernel_enter(number, a, b, c, d, e, f);

	if (unlikely((unsigned long)result > -4096ul)) {	/* errnos are below 4096 */
		errno = (int)-result;
		return -1;
	}
	return result;
}

long syscall(long number, ...)
{
	long a[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return enter(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#define CALL0(number)			enter(number, 0, 0, 0, 0, 0, 0)
#define CALL1(number, a)		enter(number, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(number, a, b)		enter(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(number, a, b, c)		enter(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(number, a, b, c, d)	enter(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

ssize_t read(int fd, void *to, size_t size_bytes)
{
	return CALL3(SYS_read, fd, to, size_bytes);
}

ssize_t write(int fd, const void *from, size_t size_bytes)
{
	return CALL3(SYS_write, fd, from, size_bytes);
}

ssize_t pread(int fd, void *to, size_t size_bytes, off_t at)
{
	return CALL4(SYS_pread64, fd, to, size_bytes, at);
}

ssize_t pwrite(int fd, const void *from, size_t size_bytes, off_t at)
{
	return CALL4(SYS_pwrite64, fd, from, size_bytes, at);
}

/* Reads the last argument of open() and openat(), which exists only if the call may create a file. */
#define TAKE_MODE(flags, mode) do {						\
	va_list list_;								\
										\
	va_start(list_, flags);							\
	if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE)		\
		mode = va_arg(list_, mode_t);					\
	va_end(list_);								\
} while (0)

int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(flags, mode);
	return (int)CALL4(SYS_openat, dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(flags, mode);
	return (int)CALL4(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* Source files with _FILE_OFFSET_BITS 64 call open() and pread() by the names open64() and pread64(). */
int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(flags, mode);
	return (int)CALL4(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t pread64(int fd, void *to, size_t size_bytes, off64_t at)
{
	return CALL4(SYS_pread64, fd, to, size_bytes, at);
}

int close(int fd)
{
	return (int)CALL1(SYS_close, fd);
}

/* The third argument is a number or an address, or does not exist. */
int fcntl(int fd, int command, ...)
{
	va_list list;
	long value;

	va_start(list, command);
	value = va_arg(list, long);
	va_end(list);
	return (int)CALL3(SYS_fcntl, fd, command, value);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *argument;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	return (int)CALL3(SYS_ioctl, fd, request, argument);
}

int ftruncate(int fd, off_t size_bytes)
{
	return (int)CALL2(SYS_ftruncate, fd, size_bytes);
}

int unlinkat(int dir, const char *path, int flags)
{
	return (int)CALL3(SYS_unlinkat, dir, path, flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)CALL4(SYS_renameat, from_dir, from, to_dir, to);
}

int mprotect(void *at, size_t size_bytes, int protection)
{
	return (int)CALL3(SYS_mprotect, at, size_bytes, protection);
}

int madvise(void *at, size_t size_bytes, int advice)
{
	return (int)CALL3(SYS_madvise, at, size_bytes, advice);
}

int mincore(void *at, size_t size_bytes, unsigned char *resident)
{
	return (int)CALL3(SYS_mincore, at, size_bytes, resident);
}

/* On these machines libc's struct stat is the kernel's. */
int fstatat(int dir, const char *path, struct stat *to, int flags)
{
	return (int)CALL4(SYS_newfstatat, dir, path, to, flags);
}

int lstat(const char *path, struct stat *to)
{
	return (int)CALL4(SYS_newfstatat, AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *to)
{
	return (int)CALL2(SYS_fstat, fd, to);
}

int fstat64(int fd, struct stat64 *to)
{
	return (int)CALL2(SYS_fstat, fd, to);
}

ssize_t readlink(const char *path, char *to, size_t size_bytes)
{
#ifdef SYS_readlink
	return CALL3(SYS_readlink, path, to, size_bytes);
#else
	return CALL4(SYS_readlinkat, AT_FDCWD, path, to, size_bytes);
#endif
}

int access(const char *path, int mode)
{
#ifdef SYS_access
	return (int)CALL2(SYS_access, path, mode);
#else
	return (int)CALL3(SYS_faccessat, AT_FDCWD, path, mode);
#endif
}

int poll(struct pollfd *fds, nfds_t count, int wait_ms)
{
#ifdef SYS_poll
	return (int)CALL3(SYS_poll, fds, count, wait_ms);
#else
	struct timespec wait = { wait_ms / 1000, wait_ms % 1000 * 1000000L };

	return (int)CALL4(SYS_ppoll, fds, count, wait_ms < 0 ? NULL : &wait, NULL);
#endif
}

ssize_t fgetxattr(int fd, const char *name, void *to, size_t size_bytes)
{
	return CALL4(SYS_fgetxattr, fd, name, to, size_bytes);
}

int getrlimit(__rlimit_resource_t limit, struct rlimit *to)
{
	return (int)CALL4(SYS_prlimit64, 0, limit, NULL, to);
}

int setrlimit(__rlimit_resource_t limit, const struct rlimit *to)
{
	return (int)CALL4(SYS_prlimit64, 0, limit, to, NULL);
}

pid_t waitpid(pid_t process, int *status, int flags)
{
	return (pid_t)CALL4(SYS_wait4, process, status, flags, NULL);
}

int kill(pid_t process, int sig)
{
	return (int)CALL2(SYS_kill, process, sig);
}

int memfd_create(const char *name, unsigned flags)
{
	return (int)CALL2(SYS_memfd_create, name, flags);
}

int socket(int family, int type, int protocol)
{
	return (int)CALL3(SYS_socket, family, type, protocol);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size_bytes)
{
	return (int)enter(SYS_setsockopt, fd, level, option, (long)value, size_bytes, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return CALL3(SYS_sendmsg, fd, message, flags);
}

uid_t getuid(void)
{
	return (uid_t)CALL0(SYS_getuid);
}

uid_t geteuid(void)
{
	return (uid_t)CALL0(SYS_geteuid);
}

gid_t getgid(void)
{
	return (gid_t)CALL0(SYS_getgid);
}

gid_t getegid(void)
{
	return (gid_t)CALL0(SYS_getegid);
}

pid_t getpid(void)
{
	return (pid_t)CALL0(SYS_getpid);
}

int sched_yield(void)
{
	return (int)CALL0(SYS_sched_yield);
}

/* By futex(2), on a word that nobody changes: nanosleep(2) overwrites what the kernel keeps of the program's own sleep
 * when a tracer has interrupted that (restart_syscall(2)), and heaptrace_attach() is called by such a thread. *left is
 * not set. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	uint32_t never = 0;

	(void)left;
	return CALL4(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, time) && errno != ETIMEDOUT ? -1 : 0;
}
#endif
