/* SPDX-License-Identifier: GPL-2.0-only */
/* See program.h. */
#include "program.h"

#include "base/path.h"
#include "headers.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>	/* ST_NOSUID */
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define WINDOW_BYTES	512u	/* on stacks that may be small */
#define SEGMENTS_MAX	((unsigned)(65536 / sizeof(Elf32_Phdr)))	/* the kernel takes 64 KB (load_elf_phdrs()) */
#define DYNAMIC_MAX	4096u	/* entries; real files have 20 to 40 */
#define CHAIN_MAX	4096u	/* symbols in one bucket of a hash table */
#define NAMES_MAX	((uint64_t)16 << 20)	/* bytes of dynamic strings that are searched */

/* This module's own ELF header, which the linker defines: it says what this code is compiled for. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* ---- Reading ---- */

/* The file, and the part of it that was read last. */
struct source {
	int fd;
	uint64_t at;			/* the window's offset in the file */
	uint32_t have;			/* valid bytes in the window */
	bool bad;			/* something was asked for that the file does not have */
	bool wide;			/* ELFCLASS64 */
	uint8_t window[WINDOW_BYTES];
};

/* Returns the bytes at an offset, which lie in the window and are valid until the next call. *got: their number,
 * which is `most`, or less at the end of the file. */
static const uint8_t *read_some(struct source *s, uint64_t offset, uint32_t most, uint32_t *got)
{
	if (offset < s->at || offset - s->at > s->have || most > s->have - (offset - s->at)) {
		ssize_t n = offset <= INT64_MAX ? pread(s->fd, s->window, WINDOW_BYTES, (off_t)offset) : 0;

		s->at = offset;
		s->have = n > 0 ? (uint32_t)n : 0;
	}
	*got = s->have - (uint32_t)(offset - s->at);
	if (*got > most)
		*got = most;
	return s->window + (offset - s->at);
}

/* Returns exactly so many bytes. NULL: the file does not have them, and s->bad is set. */
static const uint8_t *read_bytes(struct source *s, uint64_t offset, uint32_t bytes)
{
	uint32_t got;
	const uint8_t *p = read_some(s, offset, bytes, &got);

	if (got == bytes)
		return p;
	s->bad = true;
	return NULL;
}

/* Copies the string at an offset. False: its NUL is not among the first `room` bytes. */
static bool read_string(struct source *s, uint64_t offset, char *to, uint32_t room)
{
	uint32_t got;
	const uint8_t *p = read_some(s, offset, room, &got);
	const uint8_t *nul = memchr(p, 0, got);

	if (nul)
		memcpy(to, p, (size_t)(nul - p) + 1);
	return nul != NULL;
}

static uint32_t read_u32(struct source *s, uint64_t offset)
{
	const uint8_t *p = read_bytes(s, offset, 4);
	uint32_t value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

/* Reads 8 bytes in a file of 64 bits, and 4 in one of 32 bits. */
static uint64_t read_word(struct source *s, uint64_t offset)
{
	const uint8_t *p = read_bytes(s, offset, s->wide ? 8 : 4);
	uint64_t wide = 0;
	uint32_t narrow = 0;

	if (p && s->wide)
		memcpy(&wide, p, sizeof(wide));
	else if (p)
		memcpy(&narrow, p, sizeof(narrow));
	return s->wide ? wide : narrow;
}

/* Finds the first segment of a type; of type PT_LOAD, the one that contains an address. False: there is none. */
static bool find_segment(struct source *s, const struct elf_header *h, uint32_t type, uint64_t address,
			 struct elf_segment *to)
{
	uint32_t bytes = headers_segment_bytes(s->wide);

	for (unsigned i = 0; i < h->segments; i++) {
		const uint8_t *record = read_bytes(s, h->segment_offset + (uint64_t)i * bytes, bytes);

		if (!record)
			return false;
		headers_decode_segment(record, s->wide, to);
		if (to->type == type && (type != PT_LOAD || address - to->addr < to->file_bytes))
			return true;
	}
	return false;
}

/* The offset in the file of an address; 0: the file does not contain the address. */
static uint64_t offset_of(struct source *s, const struct elf_header *h, uint64_t address)
{
	struct elf_segment load;

	return address && find_segment(s, h, PT_LOAD, address, &load) ? address - load.addr + load.offset : 0;
}

/* The entries of the dynamic section that are needed here. Offsets are those in the file; 0: there is no such entry. */
struct dynamic {
	uint64_t at, entries;		/* of the section itself */
	uint64_t strings, string_bytes;
	uint64_t symbols;
	uint64_t soname;		/* among the strings */
	uint64_t hash;			/* DT_GNU_HASH */
};

/* Reads entry i. False: there are no more. */
static bool read_entry(struct source *s, const struct dynamic *d, uint64_t i, uint64_t *tag, uint64_t *value)
{
	uint32_t bytes = headers_dynamic_bytes(s->wide);
	const uint8_t *record = i < d->entries ? read_bytes(s, d->at + i * bytes, bytes) : NULL;

	if (!record)
		return false;
	headers_decode_dynamic(record, s->wide, tag, value);
	return *tag != DT_NULL;
}

/* False: there is no dynamic section, or it has no strings. */
static bool read_dynamic(struct source *s, const struct elf_header *h, struct dynamic *d)
{
	struct elf_segment segment;
	uint64_t tag, value;

	*d = (struct dynamic){ .at = 0 };
	if (!find_segment(s, h, PT_DYNAMIC, 0, &segment))
		return false;
	d->at = segment.offset;
	d->entries = segment.file_bytes / headers_dynamic_bytes(s->wide);
	if (d->entries > DYNAMIC_MAX)
		d->entries = DYNAMIC_MAX;
	for (uint64_t i = 0; read_entry(s, d, i, &tag, &value); i++) {
		switch (tag) {
		case DT_STRTAB:		d->strings = value; break;
		case DT_STRSZ:		d->string_bytes = value; break;
		case DT_SYMTAB:		d->symbols = value; break;
		case DT_SONAME:		d->soname = value; break;
		case DT_GNU_HASH:	d->hash = value; break;
		}
	}
	d->strings = offset_of(s, h, d->strings);
	d->symbols = offset_of(s, h, d->symbols);
	d->hash = offset_of(s, h, d->hash);
	return d->strings != 0;
}

/* ---- Loaders ---- */

/* The names of glibc's loader, as its shlib-versions files give them: ld-linux-x86-64.so.2, ld64.so.1, ld.so.1. */
static bool is_loader(struct source *s, const struct dynamic *d)
{
	char name[PROGRAM_NAME_BYTES];

	return d->soname && read_string(s, d->strings + d->soname, name, sizeof(name)) &&
	       (!strncmp(name, "ld-linux", 8) || !strncmp(name, "ld64.so", 7) || !strncmp(name, "ld.so", 5));
}

/* "/lib64/ld-linux-x86-64.so.2" is glibc's loader, "/lib/ld-musl-x86_64.so.1" another's. */
static bool is_other_libc(const char *interpreter)
{
	const char *name = path_name(interpreter);

	return !strncmp(name, "ld-musl", 7) || !strncmp(name, "ld-uClibc", 9);
}

/* "/usr/libexec/valgrind/memcheck-amd64-linux" */
static bool is_valgrind(const char *path)
{
	static const char end[] = "-linux";
	size_t len = strlen(path);

	return strstr(path, "/valgrind/") && len >= sizeof(end) && !strcmp(path + len - (sizeof(end) - 1), end);
}

/* ---- Sanitizers ---- */

/* Only the run times of sanitizers (GCC's libsanitizer, LLVM's compiler-rt) define these symbols and have these
 * names. "san" is in the name of each such library. */
static const char run_time_names[][14] = {
	"__asan_init", "__hwasan_init", "__lsan_init", "__msan_init", "__tsan_init",
	"libasan.so", "libhwasan.so", "liblsan.so", "libtsan.so",
};
#define RUN_TIME_NAMES		(sizeof(run_time_names) / sizeof(run_time_names[0]))
#define RUN_TIME_SYMBOLS	5
#define RUN_TIME_PART		"san"
#define RUN_TIME_NAME_BYTES	16u	/* more than the longest one */

/* Whether one of the libraries that the program needs may be a run time. */
static bool needs_run_time(struct source *s, const struct dynamic *d)
{
	char name[PROGRAM_NAME_BYTES];
	uint64_t tag, value;

	for (uint64_t i = 0; read_entry(s, d, i, &tag, &value); i++) {
		if (tag == DT_NEEDED && read_string(s, d->strings + value, name, sizeof(name)) &&
		    strstr(name, RUN_TIME_PART))
			return true;
	}
	return false;
}

static bool is_symbol_named(struct source *s, const struct dynamic *d, uint64_t symbol, const char *name)
{
	uint32_t bytes = s->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	char found[RUN_TIME_NAME_BYTES];

	/* st_name comes first in both classes. */
	return read_string(s, d->strings + read_u32(s, d->symbols + symbol * bytes), found, sizeof(found)) &&
	       !strcmp(found, name);
}

/* Whether the program defines a symbol, by its hash table (DT_GNU_HASH, as glibc's dl-lookup.c reads it). A
 * Bloom filter in front of the table says of most symbols at once that the program does not define them. */
static bool defines(struct source *s, const struct dynamic *d, const char *name)
{
	unsigned bits = s->wide ? 64 : 32;
	uint32_t buckets = read_u32(s, d->hash), first = read_u32(s, d->hash + 4);
	uint32_t words = read_u32(s, d->hash + 8), shift = read_u32(s, d->hash + 12);
	uint64_t filter = d->hash + 16, bucket = filter + (uint64_t)words * (bits / 8);
	uint64_t chain = bucket + (uint64_t)buckets * 4, word;
	uint32_t hash = headers_gnu_hash(name), symbol;

	if (s->bad || !words || !buckets || shift >= 32)
		return false;
	word = read_word(s, filter + (uint64_t)(hash / bits % words) * (bits / 8));
	if (!(word >> hash % bits & word >> (hash >> shift) % bits & 1))
		return false;
	symbol = read_u32(s, bucket + (uint64_t)(hash % buckets) * 4);
	for (unsigned i = 0; i < CHAIN_MAX && symbol >= first && !s->bad; i++, symbol++) {
		uint32_t seen = read_u32(s, chain + (uint64_t)(symbol - first) * 4);

		if ((seen | 1) == (hash | 1) && is_symbol_named(s, d, symbol, name))
			return true;
		if (seen & 1)		/* the last one of its bucket */
			return false;
	}
	return false;
}

static bool begins_with_run_time(const uint8_t *p, uint32_t left)
{
	for (size_t i = 0; i < RUN_TIME_NAMES; i++) {
		size_t bytes = strlen(run_time_names[i]);

		if (bytes < left && !memcmp(p, run_time_names[i], bytes))
			return true;
	}
	return false;
}

/* Whether one of the names is among the dynamic strings. */
static bool names_run_time(struct source *s, const struct dynamic *d)
{
	uint64_t at = 0, bytes = d->string_bytes < NAMES_MAX ? d->string_bytes : NAMES_MAX;
	bool begins = true;		/* a string begins at the next byte */

	while (at < bytes) {
		uint32_t most = bytes - at < WINDOW_BYTES ? (uint32_t)(bytes - at) : WINDOW_BYTES, got, i;
		const uint8_t *p = read_some(s, d->strings + at, most, &got);
		bool is_last = got < WINDOW_BYTES;

		/* A name that may continue behind the window is looked at in the next one. */
		for (i = 0; i < got && (is_last || got - i >= RUN_TIME_NAME_BYTES); i++) {
			if (begins && begins_with_run_time(p + i, got - i))
				return true;
			begins = !p[i];
		}
		if (is_last)
			return false;
		at += i;
	}
	return false;
}

/*
 * Large programs have megabytes of names, and each start of the program waits for this function: all names are
 * searched only if a needed library may be a run time, or if there is no hash table that says what the program
 * defines.
 */
static bool is_sanitized(struct source *s, const struct dynamic *d)
{
	if (!d->hash || !d->symbols || needs_run_time(s, d))
		return names_run_time(s, d);
	for (size_t i = 0; i < RUN_TIME_SYMBOLS; i++) {
		if (defines(s, d, run_time_names[i]))
			return true;
	}
	if (!s->bad)
		return false;
	s->bad = false;		/* the hash table is damaged, but the names may be readable */
	return names_run_time(s, d);
}

/* ---- Rights ---- */

/* Whether the file has capabilities that a user can get by executing it. */
static bool has_capabilities(int fd, const char *path)
{
	/* struct vfs_cap_data of <linux/capability.h>, revisions 2 and 3 */
	struct {
		uint32_t magic, permitted_0, inheritable_0, permitted_1, inheritable_1, rootid;
	} caps;
	ssize_t n;

	memset(&caps, 0, sizeof(caps));
	n = fd >= 0 ? fgetxattr(fd, "security.capability", &caps, sizeof(caps))
		    : syscall(SYS_getxattr, path, "security.capability", &caps, sizeof(caps));
	return n > 0 && (caps.permitted_0 || caps.permitted_1);
}

/* Whether the kernel ignores the set-ID bits and the capabilities of this file. f_flags is set since Linux 2.6.36. */
static bool rights_are_refused(const char *path)
{
	struct statfs fs;

	return syscall(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	       (!syscall(SYS_statfs, path, &fs) && fs.f_flags & ST_NOSUID);
}

/*
 * Whether the kernel would start the program with AT_SECURE set, so that the loader ignores LD_PRELOAD: this
 * process already runs with another user's rights, or a set-ID bit or a file capability gives it more
 * (bprm_fill_uid() and cap_bprm_creds_from_file()). Returns which, or NULL.
 */
static const char *find_rights(int fd, const char *path, const struct stat *st)
{
	uid_t own_user = getuid(), user = geteuid();
	gid_t own_group = getgid(), group = getegid();
	bool sets_user = st->st_mode & S_ISUID;
	bool sets_group = (st->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
	const char *rights = "this process runs with another user's rights";

	if ((sets_user || sets_group) && !rights_are_refused(path)) {
		if (sets_user) {
			user = st->st_uid;
			rights = "its set-user-ID bit is on";
		}
		if (sets_group) {
			group = st->st_gid;
			if (user == own_user)
				rights = "its set-group-ID bit is on";
		}
	}
	if (user != own_user || group != own_group)
		return rights;
	return own_user && has_capabilities(fd, path) && !rights_are_refused(path) ? "it has file capabilities" : NULL;
}

/* ---- The answer ---- */

/* Word sizes of one machine that differ in e_machine. */
static const uint16_t word_twins[][2] = {
	{ EM_X86_64, EM_386 }, { EM_AARCH64, EM_ARM }, { EM_PPC64, EM_PPC },
	{ EM_SPARCV9, EM_SPARC }, { EM_SPARCV9, EM_SPARC32PLUS },
};

/* Whether the two differ in word size only, as i386 and x86-64 do: a processor that runs the one usually runs
 * the other. x32 is not the other word size of x86-64, but a third thing. */
static bool is_other_word_size(uint16_t a, uint16_t b)
{
	for (size_t i = 0; i < sizeof(word_twins) / sizeof(word_twins[0]); i++) {
		if ((a == word_twins[i][0] && b == word_twins[i][1]) ||
		    (a == word_twins[i][1] && b == word_twins[i][0]))
			return true;
	}
	return a == b && a != EM_X86_64;
}

static enum program_obstacle compare_machine(const struct program_file *p)
{
	const unsigned char *own = __ehdr_start.e_ident;

	if (p->data != own[EI_DATA])
		return PROGRAM_IS_FOREIGN;
	if (p->class != own[EI_CLASS])
		return is_other_word_size(p->machine, __ehdr_start.e_machine) ? PROGRAM_OTHER_WORD_SIZE
									       : PROGRAM_IS_FOREIGN;
	return p->machine == __ehdr_start.e_machine ? PROGRAM_TRACEABLE : PROGRAM_IS_FOREIGN;
}

/* Fills in p->interpreter. False: the file is damaged, and the kernel will refuse it. */
static bool read_interpreter(struct source *s, const struct elf_header *h, struct program_file *p, bool *has_one)
{
	struct elf_segment segment;

	*has_one = find_segment(s, h, PT_INTERP, 0, &segment);
	if (*has_one && segment.file_bytes <= sizeof(p->interpreter) &&
	    !read_string(s, segment.offset, p->interpreter, (uint32_t)segment.file_bytes))
		return false;
	return !s->bad;
}

static enum program_obstacle examine_segments(struct source *s, const struct elf_header *h,
					      struct program_file *p, const char *path, bool has_interpreter)
{
	struct dynamic d;
	bool has_dynamic = read_dynamic(s, h, &d);

	s->bad = false;		/* the loader will refuse a program with a damaged dynamic section */
	if (!has_interpreter && has_dynamic && is_loader(s, &d))
		return PROGRAM_TRACEABLE;
	if (!has_interpreter)
		return is_valgrind(path) ? PROGRAM_IS_VALGRIND : PROGRAM_IS_STATIC;
	if (has_dynamic && is_sanitized(s, &d))
		return PROGRAM_IS_SANITIZED;
	return is_other_libc(p->interpreter) ? PROGRAM_OTHER_LIBC : PROGRAM_TRACEABLE;
}

static void examine_elf(struct source *s, const struct elf_header *h, struct program_file *p, const char *path)
{
	enum program_obstacle machine;
	bool has_interpreter;

	p->class = h->class;
	p->data = h->data;
	p->machine = h->machine;
	machine = compare_machine(p);
	s->wide = h->wide;
	if (machine == PROGRAM_IS_FOREIGN) {
		p->obstacle = machine;
	} else {
		if (h->segment_bytes != headers_segment_bytes(h->wide) || h->segments > SEGMENTS_MAX ||
		    !read_interpreter(s, h, p, &has_interpreter))
			return;
		p->obstacle = examine_segments(s, h, p, path, has_interpreter);
		if (p->obstacle == PROGRAM_TRACEABLE)
			p->obstacle = machine;
	}
	p->kind = PROGRAM_ELF;
}

/*
 * "#!/bin/sh -e": the name ends at a blank, NUL or the end of the line, and it must end in the file's first
 * PROGRAM_NAME_BYTES bytes (binfmt_script.c). A file without NUL in its first line is one that shells run.
 */
static void examine_text(struct source *s, struct program_file *p)
{
	char head[PROGRAM_NAME_BYTES + 1];
	uint32_t bytes;
	const uint8_t *start = read_some(s, 0, PROGRAM_NAME_BYTES, &bytes);
	const char *end, *line;
	size_t len;

	memcpy(head, start, bytes);
	head[bytes] = '\0';
	end = memchr(head, '\n', bytes);
	if (!memchr(head, 0, end ? (size_t)(end - head) : bytes))
		p->kind = PROGRAM_TEXT;
	if (bytes < 2 || memcmp(head, "#!", 2))
		return;
	line = head + 2 + strspn(head + 2, " \t");
	len = strcspn(line, " \t\n");
	if (!len || line + len >= head + PROGRAM_NAME_BYTES)
		return;
	memcpy(p->interpreter, line, len);
	p->interpreter[len] = '\0';
	p->kind = PROGRAM_SCRIPT;
}

static void examine_contents(struct source *s, struct program_file *p, const char *path)
{
	struct elf_header h;
	uint32_t bytes;
	const uint8_t *head = read_some(s, 0, HEADERS_BYTES, &bytes);

	switch (headers_decode(head, bytes, &h)) {
	case HEADERS_OK:
	case HEADERS_OTHER_ORDER:
		examine_elf(s, &h, p, path);
		break;
	case HEADERS_NOT_ELF:
		if (bytes < SELFMAG || memcmp(head, ELFMAG, SELFMAG))
			examine_text(s, p);
		break;
	case HEADERS_TRUNCATED:
		break;
	}
}

void program_examine(struct program_file *p, const char *path)
{
	struct source s = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) };
	struct stat st;

	*p = (struct program_file){ .kind = PROGRAM_UNKNOWN };
	/* A program may be executable and not readable, as set-user-ID programs often are. */
	if ((s.fd >= 0 ? fstat(s.fd, &st) : fstatat(AT_FDCWD, path, &st, 0)) || !S_ISREG(st.st_mode)) {
		if (s.fd >= 0)
			close(s.fd);
		return;
	}
	if (s.fd >= 0)
		examine_contents(&s, p, path);
	if (st.st_size && !s.have && p->kind == PROGRAM_TEXT)
		p->kind = PROGRAM_UNKNOWN;	/* the file is not empty, so reading has failed */
	if (p->kind == PROGRAM_ELF || p->kind == PROGRAM_UNKNOWN) {
		p->rights = find_rights(s.fd, path, &st);
		if (p->rights)
			p->obstacle = PROGRAM_HAS_RIGHTS;
	}
	if (s.fd >= 0)
		close(s.fd);
}

bool program_is_same_machine(const struct program_file *a, const struct program_file *b)
{
	return a->kind == PROGRAM_ELF && b->kind == PROGRAM_ELF && a->class == b->class && a->data == b->data &&
	       a->machine == b->machine;
}

uint16_t program_own_machine(void)
{
	return __ehdr_start.e_machine;
}
