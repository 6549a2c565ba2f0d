/* SPDX-License-Identifier: GPL-2.0-only */
/* See exec_target.h. */
#include "exec_target.h"

#include "base/out.h"
#include "base/path.h"
#include "base/probe.h"
#include "record.h"
#include "session.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SEGMENTS_MAX	24	/* program headers; who has more is not looked at */
#define NEEDED_MAX	24	/* libraries that are looked at */
#define DYNAMIC_MAX	2048u	/* bytes of the dynamic section */
#define PATH_BYTES	1024	/* on stacks that may be small; longer paths are not looked at */

struct file {
	int fd;
	ElfW(Ehdr) eh;
	ElfW(Phdr) ph[SEGMENTS_MAX];
};

/* UNKNOWN: no ELF file, or not to be read. */
enum kind { KIND_UNKNOWN, KIND_TRACED, KIND_STATIC, KIND_RIGHTS, KIND_SANITIZED, KIND_FOREIGN, KIND_LIBC };

/* What is said of a kind of programs that are not traced, and what becomes of the environment. What
 * a static program starts can be traced again. A set-user-ID program's loader ignores the preload
 * by itself. The others would complain of the library, or end. */
static const struct {
	const char *reason;
	enum inherit_wish wish;
} kinds[] = {
	[KIND_UNKNOWN] = { NULL, INHERIT_KEEP },
	[KIND_TRACED] = { NULL, INHERIT_KEEP },
	[KIND_STATIC] = { " is statically linked: it is not traced (link it without -static)", INHERIT_KEEP },
	[KIND_RIGHTS] = { " runs with another user's or group's rights: it is not traced (trace a copy "
			  "without the set-ID bit or file capabilities)", INHERIT_AS_IS },
	[KIND_SANITIZED] = { " is built with a sanitizer: it is not traced (build it without)", INHERIT_DROP },
	[KIND_FOREIGN] = { " is for another word size or machine: it is not traced (start it by a "
			   "heaptrace of its own)", INHERIT_DROP },
	[KIND_LIBC] = { " uses another C library than glibc: it is not traced", INHERIT_DROP },
};

static bool read_at(int fd, void *to, size_t size_bytes, uint64_t at)
{
	return pread(fd, to, size_bytes, (off_t)at) == (ssize_t)size_bytes;
}

/* What this code is compiled for. */
#if defined(__x86_64__)
#define OWN_MACHINE	EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE	EM_AARCH64
#else
#define OWN_MACHINE	f->eh.e_machine		/* not compared */
#endif

/* Reads the headers. KIND_TRACED: they are here; KIND_UNKNOWN: not an ELF file, or an odd one. */
static enum kind read_headers(struct file *f)
{
	if (!read_at(f->fd, &f->eh, sizeof(f->eh), 0) || memcmp(f->eh.e_ident, ELFMAG, SELFMAG))
		return KIND_UNKNOWN;
	if (f->eh.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    f->eh.e_machine != OWN_MACHINE)
		return KIND_FOREIGN;
	return f->eh.e_phentsize == sizeof(f->ph[0]) && f->eh.e_phnum <= SEGMENTS_MAX &&
	       read_at(f->fd, f->ph, f->eh.e_phnum * sizeof(f->ph[0]), f->eh.e_phoff) ?
	       KIND_TRACED : KIND_UNKNOWN;
}

static const ElfW(Phdr) *find_segment(const struct file *f, uint32_t type)
{
	for (unsigned i = 0; i < f->eh.e_phnum; i++) {
		if (f->ph[i].p_type == type)
			return &f->ph[i];
	}
	return NULL;
}

/* Where in the file an address is; 0: nowhere. */
static uint64_t file_offset(const struct file *f, uint64_t address)
{
	for (unsigned i = 0; i < f->eh.e_phnum; i++) {
		const ElfW(Phdr) *ph = &f->ph[i];

		if (ph->p_type == PT_LOAD && address - ph->p_vaddr < ph->p_filesz)
			return address - ph->p_vaddr + ph->p_offset;
	}
	return 0;
}

/* By the libraries it needs: GCC's libsanitizer. */
static bool needs_sanitizer(const struct file *f)
{
	const ElfW(Phdr) *ph = find_segment(f, PT_DYNAMIC);
	uint64_t strings = 0, needed[NEEDED_MAX];
	unsigned count = 0;
	ElfW(Dyn) d;

	for (uint64_t at = 0; ph && at < ph->p_filesz && at < DYNAMIC_MAX; at += sizeof(d)) {
		if (!read_at(f->fd, &d, sizeof(d), ph->p_offset + at) || d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_STRTAB)
			strings = file_offset(f, d.d_un.d_ptr);
		if (d.d_tag == DT_NEEDED && count < NEEDED_MAX)
			needed[count++] = d.d_un.d_val;
	}
	for (unsigned i = 0; strings && i < count; i++) {
		char name[11];

		if (read_at(f->fd, name, sizeof(name), strings + needed[i]) &&
		    (!memcmp(name, "libasan.so", 10) || !memcmp(name, "liblsan.so", 10) ||
		     !memcmp(name, "libtsan.so", 10) || !memcmp(name, "libhwasan.s", 11)))
			return true;
	}
	return false;
}

/* As the kernel decides it (bprm_fill_uid(), cap_bprm_creds_from_file()). */
static bool has_other_rights(int fd, const struct stat *st)
{
	return (st->st_mode & S_ISUID && st->st_uid != getuid()) ||
	       ((st->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st->st_gid != getgid()) ||
	       (getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0);
}

/* "#!/bin/sh -e": interpreter gets the name; false: it is no script. */
static bool read_script(int fd, char *interpreter, size_t bytes)
{
	ssize_t n = pread(fd, interpreter, bytes - 1, 0);
	size_t from = 2, to;

	if (n < 2 || memcmp(interpreter, "#!", 2))
		return false;
	interpreter[n] = '\0';
	from += strspn(interpreter + from, " \t");
	to = from + strcspn(interpreter + from, " \t\n");
	memmove(interpreter, interpreter + from, to - from);
	interpreter[to - from] = '\0';
	return to < (size_t)n;
}

/* "/lib64/ld-linux-x86-64.so.2" is glibc's loader, "/lib/ld-musl-x86_64.so.1" another's. */
static bool has_other_libc(const struct file *f)
{
	const ElfW(Phdr) *ph = find_segment(f, PT_INTERP);
	char loader[128];
	const char *name;
	ssize_t n;

	n = ph ? pread(f->fd, loader, sizeof(loader) - 1, (off_t)ph->p_offset) : 0;
	if (n <= 0)
		return false;
	loader[n] = '\0';
	name = path_name(loader);
	return !strncmp(name, "ld-musl", 7) || !strncmp(name, "ld-uClibc", 9);
}

/* "/usr/libexec/valgrind/memcheck-amd64-linux": a static program which loads another one and preloads
 * into that what it finds in LD_PRELOAD. */
static bool is_valgrind(const char *path)
{
	static const char end[] = "-linux";
	size_t len = strlen(path);

	return strstr(path, "/valgrind/") && len >= sizeof(end) && !strcmp(path + len - (sizeof(end) - 1), end);
}

static enum kind kind_of_elf(const struct file *f, const struct stat *st, const char *path)
{
	const char *name = path_name(path);

	if (has_other_rights(f->fd, st))
		return KIND_RIGHTS;
	if (!find_segment(f, PT_INTERP) && strncmp(name, "ld-linux", 8) && strncmp(name, "ld.so", 5))
		return is_valgrind(path) ? KIND_UNKNOWN : KIND_STATIC;
	if (has_other_libc(f))
		return KIND_LIBC;
	return needs_sanitizer(f) ? KIND_SANITIZED : KIND_TRACED;
}

/* What a file is. Of a script: *script gets its interpreter's name; else "". */
static enum kind kind_of(const char *path, char *script, size_t script_bytes)
{
	struct file f = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) };
	enum kind kind = KIND_UNKNOWN;
	struct stat st;

	*script = '\0';
	if (f.fd < 0)
		return kind;
	if (!fstat(f.fd, &st) && S_ISREG(st.st_mode)) {
		kind = read_headers(&f);
		if (kind == KIND_TRACED)
			kind = kind_of_elf(&f, &st, path);
		else if (kind == KIND_UNKNOWN && !read_script(f.fd, script, script_bytes))
			*script = '\0';
	}
	close(f.fd);
	return kind;
}

static void say(const char *file, const char *why)
{
	char line[320];
	struct out text = out_memory(line, sizeof(line));

	out_foreign(&text, file, strlen(file));
	out_text(&text, why);
	add_relaxed(&recorder.table.head->totals.untraced, 1);
	session_notice(line);
}

/* Sets t->env as t->wish wants it; a wish that cannot be fulfilled is said. */
static void set_environment(struct exec_target *t)
{
	enum inherit_result result;

	t->env = inherit_environment(t->given, t->wish, 0, &t->room, &result);
	if (result == INHERIT_DONE)
		return;
	t->traced = false;
	if (result == INHERIT_NO_LIBRARY)
		say(t->file, " cannot reach heaptrace's library from its root directory: it is not traced "
		    "(put a copy of the library there, under the same path)");
	else if (result == INHERIT_NO_WAY)
		say(t->file, " gets an environment without LD_PRELOAD, which cannot be put back (no memory, "
		    "or a blank or colon in the library's path): it is not traced");
}

static void look(struct exec_target *t, const char *file)
{
	char script[128], other[128];
	enum kind kind = kind_of(file, script, sizeof(script));

	t->file = file;
	if (*script)	/* a script of a script is taken for one that is traced */
		kind = kind_of(script, other, sizeof(other));
	t->traced = kind == KIND_TRACED;
	t->wish = kinds[kind].wish;
	if (kinds[kind].reason)
		say(*script ? script : file, kinds[kind].reason);
	set_environment(t);
}

/* What execvp() searches: PATH, or without it what confstr(_CS_PATH) has in glibc. */
static const char *search_path(void)
{
	for (char **e = environ; e && *e; e++) {
		if (!strncmp(*e, "PATH=", 5))
			return *e + 5;
	}
	return "/bin:/usr/bin";
}

static void look_in_path(struct exec_target *t, const char *file)
{
	const char *dir = search_path();
	size_t name_len = strlen(file);
	char path[PATH_BYTES];

	while (dir && *file) {
		size_t len = strcspn(dir, ":");

		if (len + name_len + 2 <= sizeof(path)) {
			memcpy(path, dir, len);
			path[len] = '/';
			memcpy(path + len + 1, file, name_len + 1);
			if (!access(len ? path : file, X_OK)) {
				look(t, len ? path : file);
				break;
			}
		}
		dir = dir[len] ? dir + len + 1 : NULL;
	}
	t->file = file;		/* path is gone */
}

/*
 * The kernel answers EFAULT to a path or an environment that cannot be read, and so must these functions,
 * which natively do not look at either.
 */
static bool can_be_read(const char *file, char *const *env)
{
	uintptr_t sure_of_array = 1, sure = 1;

	if (!probe_text(file, &sure))
		return false;
	for (; env; env++) {
		if (!probe_bytes(env, sizeof(*env), &sure_of_array))
			return false;
		if (!*env)
			break;
		if (!probe_text(*env, &sure))
			return false;
	}
	return true;
}

void exec_target_examine(struct exec_target *t, const char *file, bool search, bool becomes, char *const *env)
{
	int saved = errno;

	t->env = t->given = env;
	t->traced = false;
	t->wish = INHERIT_AS_IS;
	t->file = file;
	if (!file || !(becomes || session_follows_children()) || !can_be_read(file, env))
		return;
	if (search && !strchr(file, '/'))
		look_in_path(t, file);
	else
		look(t, file);
	errno = saved;
}

bool exec_target_hold_signals(struct exec_target *t, unsigned held)
{
	enum inherit_result result;
	char *const *env;
	int saved = errno;

	env = inherit_environment(t->given, t->wish, held, &t->room, &result);
	errno = saved;
	if (result == INHERIT_DONE && t->wish == INHERIT_KEEP) {
		t->env = env;
		return true;
	}
	/* The room may have been written over. */
	t->env = inherit_environment(t->given, t->wish, 0, &t->room, &result);
	errno = saved;
	return false;
}
