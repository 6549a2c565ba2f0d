/* SPDX-License-Identifier: GPL-2.0-only */
/* See started.h. */
#include "started.h"

#include "base/arena.h"
#include "base/options_text.h"
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

struct file {
	int fd;
	ElfW(Ehdr) eh;
	ElfW(Phdr) ph[SEGMENTS_MAX];
};

/* UNKNOWN: no file of our kind, or not to be read. */
enum kind { KIND_UNKNOWN, KIND_TRACED, KIND_STATIC, KIND_RIGHTS, KIND_SANITIZED };

static const char *const reasons[] = {
	[KIND_STATIC] = " is statically linked: it is not traced",
	[KIND_RIGHTS] = " runs with another user's or group's rights: it is not traced",
	[KIND_SANITIZED] = " is built with a sanitizer: it is not traced",
};

static bool read_at(int fd, void *to, size_t size_bytes, uint64_t at)
{
	return pread(fd, to, size_bytes, (off_t)at) == (ssize_t)size_bytes;
}

/* Reads the headers; false: not an ELF file of our kind. */
static bool read_headers(struct file *f)
{
	return read_at(f->fd, &f->eh, sizeof(f->eh), 0) && !memcmp(f->eh.e_ident, ELFMAG, SELFMAG) &&
	       f->eh.e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
	       f->eh.e_phentsize == sizeof(f->ph[0]) && f->eh.e_phnum <= SEGMENTS_MAX &&
	       read_at(f->fd, f->ph, f->eh.e_phnum * sizeof(f->ph[0]), f->eh.e_phoff);
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

static enum kind kind_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct file f = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) };
	enum kind kind = KIND_UNKNOWN;
	struct stat st;

	if (f.fd < 0)
		return kind;
	if (!fstat(f.fd, &st) && S_ISREG(st.st_mode) && read_headers(&f)) {
		kind = KIND_TRACED;
		if (has_other_rights(f.fd, &st))
			kind = KIND_RIGHTS;
		else if (!find_segment(&f, PT_INTERP) && strncmp(name, "ld-linux", 8) &&
			 strncmp(name, "ld.so", 5))
			kind = KIND_STATIC;
		else if (needs_sanitizer(&f))
			kind = KIND_SANITIZED;
	}
	close(f.fd);
	return kind;
}

static void say(const char *file, const char *why)
{
	char line[320];
	struct text text = text_into(line, sizeof(line));

	add_foreign(&text, file, strlen(file));
	add(&text, why);
	add_relaxed(&recorder.table.head->totals.untraced, 1);
	session_notice(line);
}

static const char *value_of(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(entry, name, len) && entry[len] == '=' ? entry + len + 1 : NULL;
}

/* The part [at, at + len) of LD_PRELOAD: whether it is this library. */
static bool is_ours(const char *at, size_t len)
{
	static const char own[] = "libheaptrace";

	for (size_t i = 0; i + sizeof(own) - 1 <= len; i++) {
		if (!memcmp(at + i, own, sizeof(own) - 1))
			return true;
	}
	return false;
}

/* A copy of the environment without us; not freed, since there is nobody to do that after an
 * exec that failed. NULL: no memory. */
static char *const *without_us(char *const *env)
{
	size_t count = 0, bytes = 0, at = 0;
	char **copy, *to;

	for (; env[count]; count++) {
		if (value_of(env[count], "LD_PRELOAD"))
			bytes += strlen(env[count]) + 1;
	}
	copy = arena_map((count + 1) * sizeof(*copy) + bytes);
	if (!copy)
		return NULL;
	to = (char *)(copy + count + 1);
	for (size_t i = 0; i < count; i++) {
		const char *value = value_of(env[i], "LD_PRELOAD");

		copy[at++] = value ? to : env[i];
		if (!value)
			continue;
		memcpy(to, "LD_PRELOAD=", 11);
		to += 11;
		while (*value) {
			size_t len = strcspn(value, ": "), whole = len + (value[len] != 0);

			if (!is_ours(value, len)) {
				memcpy(to, value, whole);
				to += whole;
			}
			value += whole;
		}
		*to++ = 0;
	}
	return copy;
}

/* Whether a script's interpreter is traced; what it is otherwise is not said. */
static bool runs_traced(const char *script)
{
	int fd = open(script, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char interpreter[128];
	bool found;

	if (fd < 0)
		return false;
	found = read_script(fd, interpreter, sizeof(interpreter));
	close(fd);
	return found && kind_of(interpreter) == KIND_TRACED;
}

static char *const *look(const char *file, char *const *env, bool *traced)
{
	enum kind kind = kind_of(file);
	char *const *other = NULL;

	*traced = kind == KIND_TRACED || (kind == KIND_UNKNOWN && runs_traced(file));
	if (kind > KIND_TRACED)
		say(file, reasons[kind]);
	if (kind == KIND_SANITIZED && env)
		other = without_us(env);
	return other ? other : env;
}

static const char *search_path(void)
{
	for (char **e = environ; e && *e; e++) {
		const char *value = value_of(*e, "PATH");

		if (value)
			return value;
	}
	return NULL;
}

char *const *started_look(const char *file, bool search, char *const *env, bool *traced)
{
	const char *dir = search_path();
	int saved = errno;
	char path[512];

	*traced = false;
	if (!file)
		return env;
	if (!search || strchr(file, '/')) {
		env = look(file, env, traced);
		dir = NULL;
	}
	while (dir && *file) {
		size_t len = strcspn(dir, ":"), name_len = strlen(file);

		if (len + name_len + 2 <= sizeof(path)) {
			memcpy(path, dir, len);
			path[len] = '/';
			memcpy(path + len + 1, file, name_len + 1);
			if (!access(len ? path : file, X_OK)) {
				env = look(len ? path : file, env, traced);
				break;
			}
		}
		dir = dir[len] ? dir + len + 1 : NULL;
	}
	errno = saved;
	return env;
}

char *const *started_hold(char *const *env, unsigned held, struct started_hold *h)
{
	const char *text = NULL, *at = NULL;
	size_t count = 0, len, before;
	bool preloaded = false;

	for (; env && env[count]; count++) {
		const char *preload = value_of(env[count], "LD_PRELOAD");

		if (count == STARTED_ENTRIES)
			return NULL;
		preloaded |= preload && is_ours(preload, strlen(preload));
		h->env[count] = env[count];
		if (!value_of(env[count], OPTIONS_ENV))
			continue;
		h->env[count] = h->text;
		text = env[count];
	}
	len = text ? strlen(text) : 0;
	if (!preloaded || !text || len + sizeof(":held=0") > sizeof(h->text))
		return NULL;
	h->env[count] = NULL;
	/* The last one: file names come before it. */
	for (const char *found = text; (found = strstr(found, ":held=")); found++)
		at = found;
	before = at && at[6] ? (size_t)(at - text) : len;
	memcpy(h->text, text, len + 1);
	memcpy(h->text + before, ":held=", 6);
	h->text[before + 6] = (char)('0' + held);
	if (before == len)
		h->text[len + 7] = '\0';
	return h->env;
}
