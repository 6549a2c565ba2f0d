/* SPDX-License-Identifier: GPL-2.0-only */
/* See attach_refusal.h. */
#include "attach_refusal.h"

#include "quit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads a line of /proc/PID/status, "TracerPid:\t0". */
static void read_line(struct attach_facts *f, const char *line)
{
	const char *at;
	int pid;

	sscanf(line, "State: %c", &f->state);
	if (sscanf(line, "Tgid: %d", &pid) == 1)
		f->group = pid;
	if (sscanf(line, "TracerPid: %d", &pid) == 1)
		f->tracer = pid;
	sscanf(line, "Uid: %u %u %u %u", &f->uid[0], &f->uid[1], &f->uid[2], &f->uid[3]);
	sscanf(line, "Gid: %*u %u", &f->gid);
	sscanf(line, "Seccomp: %u", &f->seccomp);
	if (!strncmp(line, "NSpid:", 6)) {	/* the last one is that of its own namespace */
		at = strrchr(line, '\t');
		f->inner_pid = at ? (pid_t)atoi(at + 1) : f->pid;
	}
	if (!strncmp(line, "Kthread:\t1", 10))
		f->is_kernel_thread = true;
}

static bool read_status(struct attach_facts *f)
{
	char path[64], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)f->pid);
	file = fopen(path, "re");
	if (file && fgets(f->command, sizeof(f->command), file))
		f->command[strcspn(f->command, "\n")] = 0;
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)f->pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		read_line(f, line);
	if (file)
		fclose(file);
	return f->state != 0;
}

/* Whether the loader has given a 64-bit process other rights than its caller's, by AT_SECURE in /proc/PID/auxv. */
static bool is_secure(pid_t pid)
{
	Elf64_auxv_t entry;
	bool secure = false;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && read(fd, &entry, sizeof(entry)) == (ssize_t)sizeof(entry) && entry.a_type != AT_NULL)
		secure |= entry.a_type == AT_SECURE && entry.a_un.a_val;
	if (fd >= 0)
		close(fd);
	return secure;
}

static const char *refusal_of_program(const struct attach_facts *f)
{
	switch (f->program.obstacle) {
	case PROGRAM_IS_FOREIGN:
		return "it is a program for another machine, which an emulator runs";
	case PROGRAM_IS_VALGRIND:
		return "it runs under valgrind: trace it without";
	case PROGRAM_IS_STATIC:
		return "it is statically linked, so no library can be loaded into it: link it dynamically (without "
		       "-static) to trace it";
	case PROGRAM_IS_SANITIZED:
		return "it is built with a sanitizer (-fsanitize=address, leak, thread, ...), whose own malloc cannot "
		       "be combined with the tracer: build it without the sanitizer";
	case PROGRAM_OTHER_LIBC:
		return "it uses another C library: only programs that use glibc can be traced";
	case PROGRAM_OTHER_WORD_SIZE:
		return "it is a 32-bit program, and --pid is for 64-bit programs: start it with heaptrace instead (it "
		       "needs 'make M32=1')";
	default:
		return NULL;
	}
}

const char *attach_refusal_of_process(struct attach_facts *f, pid_t pid)
{
	static char text[256];
	char path[64], tracer[64] = "?";
	const char *why;
	struct stat st;
	FILE *file;

	*f = (struct attach_facts){ .pid = pid, .inner_pid = pid };
	if (!read_status(f))
		return "there is no such process";
	if (f->group && f->group != pid) {
		snprintf(text, sizeof(text), "it is a thread of process %d: name that", (int)f->group);
		return text;
	}
	if (f->state == 'Z' || f->state == 'X')
		return "it has ended already, and only its parent has not taken notice of that (a zombie)";
	if (pid == getpid())
		return "it is heaptrace itself";
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (f->is_kernel_thread || (lstat(path, &st) && errno == ENOENT))
		return "it is a thread of the kernel";
	if (f->tracer) {
		snprintf(path, sizeof(path), "/proc/%d/comm", (int)f->tracer);
		file = fopen(path, "re");
		if (file && fgets(tracer, sizeof(tracer), file))
			tracer[strcspn(tracer, "\n")] = 0;
		if (file)
			fclose(file);
		snprintf(text, sizeof(text), "process %d (%s) is its tracer already, and a process can have only one "
					     "(a debugger, or strace: detach it first)", (int)f->tracer, tracer);
		return text;
	}
	if (f->seccomp == SECCOMP_MODE_STRICT)
		return "it may make no system calls but read and write (the strict mode of seccomp)";
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	program_examine(&f->program, path);
	why = refusal_of_program(f);
	if (!why && is_secure(pid))
		why = "it was started with other rights than its caller's (set-user-ID, set-group-ID or file "
		      "capabilities)";
	return why;
}

/* ---- Rights ---- */

/* The value of kernel.yama.ptrace_scope; 0 where there is no yama (Documentation/admin-guide/LSM/Yama.rst). */
static int yama_scope(void)
{
	FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (file && fscanf(file, "%d", &scope) != 1)
		scope = 0;
	if (file)
		fclose(file);
	return scope;
}

static const char *user_name(unsigned uid, char buf[32])
{
	struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(buf, 32, "%.31s", user->pw_name);
	else
		snprintf(buf, 32, "user %u", uid);
	return buf;
}

const char *attach_refusal_of_kernel(const struct attach_facts *f, int error)
{
	static char text[320];
	char user[32], path[64];
	struct stat st;
	int scope = yama_scope();
	bool root = !geteuid();

	if (error == ESRCH || error == ENOENT)
		return "it has ended meanwhile";
	if (error != EPERM && error != EACCES)
		return strerror(error);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)f->pid);
	if (scope == 3)
		return "the system allows nobody to trace processes that run already (kernel.yama.ptrace_scope is 3, "
		       "until the next boot): start the program with heaptrace";
	if (root)
		return "the rights of root do not suffice here: this seems to be a container without CAP_SYS_PTRACE "
		       "(docker run --cap-add=SYS_PTRACE), or one whose processes are in another user namespace: run "
		       "heaptrace outside of it";
	if (f->uid[0] != geteuid() || f->uid[1] != geteuid() || f->uid[2] != geteuid()) {
		snprintf(text, sizeof(text), "it belongs to %s: run heaptrace as this user, or as root",
			 user_name(f->uid[1] != geteuid() ? f->uid[1] :
				   f->uid[0] != geteuid() ? f->uid[0] : f->uid[2], user));
		return text;
	}
	if (!stat(path, &st) && st.st_uid != geteuid())
		return "it has made itself unreadable for its own user (prctl PR_SET_DUMPABLE, or a change of its "
		       "rights): run heaptrace as root";
	if (scope == 2)
		return "only root may trace processes that run already (kernel.yama.ptrace_scope is 2): run heaptrace "
		       "as root, or start the program with heaptrace";
	if (scope == 1)
		return "a user may trace only processes that descend from the tracer, and heaptrace has not started "
		       "this one (kernel.yama.ptrace_scope is 1): run heaptrace as root, start the program with "
		       "heaptrace, or let root set kernel.yama.ptrace_scope to 0 (sysctl)";
	return "the kernel does not allow it (a security module, or a process with more capabilities than this one): "
	       "run heaptrace as root";
}

/* ---- Modules ---- */

const char *attach_refusal_of_modules(const struct attach_facts *f, struct target *target)
{
	static char text[PATH_MAX + 128];
	bool loader = false, libc = false;

	(void)f;
	for (struct target_module *m = target->modules; m; m = m->next) {
		loader |= m->kind == TARGET_LOADER;
		libc |= m->kind == TARGET_LIBC;
		if (m->kind != TARGET_SANITIZER)
			continue;
		snprintf(text, sizeof(text), "it runs with a sanitizer (%s), whose own malloc cannot be combined with "
					     "the tracer", m->path);
		return text;
	}
	if (!loader || !libc)
		return "it has not loaded glibc (libc.so.6): only dynamically linked programs that use glibc can be "
		       "traced";
	return NULL;
}
