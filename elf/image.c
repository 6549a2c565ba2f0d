/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What execve() would make of a file: the ELF headers and the #! line, read from a private
 * mapping through the bounds-checked reader, so that garbage and truncated files give
 * IMAGE_UNKNOWN and never a crash.
 */
#include "image.h"
#include "base/reader.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel reads this much to find the #! line (BINPRM_BUF_SIZE, Linux 5.1; 128 before). */
#define IMAGE_HEAD	256

/* A field of an ELF structure whose place and size depend on the class. */
static uint64_t elf_word(struct reader *r, bool is_64, uint64_t base, size_t at_64, size_t at_32)
{
	reader_seek(r, base + (is_64 ? at_64 : at_32));
	return is_64 ? reader_u64(r) : reader_u32(r);
}
#define EHDR(r, is_64, field) \
	elf_word(r, is_64, 0, offsetof(Elf64_Ehdr, field), offsetof(Elf32_Ehdr, field))
#define PHDR(r, is_64, base, field) \
	elf_word(r, is_64, base, offsetof(Elf64_Phdr, field), offsetof(Elf32_Phdr, field))

struct segments {
	bool is_64;
	uint64_t offset, count, entry_bytes;
};

/* Returns the file offset of the program header of the first segment of a type, for PT_LOAD
 * of the one that holds address; 0 when there is none. */
static uint64_t find_segment(struct reader *r, const struct segments *s, uint32_t type,
			     uint64_t address)
{
	for (uint64_t i = 0; i < s->count && !r->bad; i++) {
		uint64_t at = s->offset + i * s->entry_bytes;

		reader_seek(r, at);
		if (reader_u32(r) != type || r->bad)
			continue;
		if (type != PT_LOAD || address - PHDR(r, s->is_64, at, p_vaddr) <
				       PHDR(r, s->is_64, at, p_filesz))
			return at;
	}
	return 0;
}

/* Where an address lies in the file; 0: nowhere. */
static uint64_t offset_of(struct reader *r, const struct segments *s, uint64_t address)
{
	uint64_t load = find_segment(r, s, PT_LOAD, address);

	return load ? address - PHDR(r, s->is_64, load, p_vaddr) + PHDR(r, s->is_64, load, p_offset) : 0;
}

/* What the dynamic section says of its strings and names. Offsets are those in the file. */
struct dynamic {
	uint64_t entries;
	uint64_t strings, bytes;	/* 0 bytes: not said */
	uint64_t soname;		/* among the strings; 0: none */
	uint64_t hash;			/* DT_GNU_HASH; 0: none */
};

/* The next entry; false: there is none. */
static bool next_entry(struct reader *r, const struct segments *s, uint64_t *tag, uint64_t *value)
{
	*tag = s->is_64 ? reader_u64(r) : reader_u32(r);
	*value = s->is_64 ? reader_u64(r) : reader_u32(r);
	return !r->bad && *tag != DT_NULL;
}

static bool read_dynamic(struct reader *r, const struct segments *s, struct dynamic *d)
{
	uint64_t at = find_segment(r, s, PT_DYNAMIC, 0), tag, value;

	*d = (struct dynamic){ .strings = 0 };
	if (!at)
		return false;
	d->entries = PHDR(r, s->is_64, at, p_offset);
	reader_seek(r, d->entries);
	while (next_entry(r, s, &tag, &value)) {
		if (tag == DT_SONAME)
			d->soname = value;
		if (tag == DT_STRTAB)
			d->strings = value;
		if (tag == DT_STRSZ)
			d->bytes = value;
		if (tag == DT_GNU_HASH)
			d->hash = value;
	}
	d->strings = offset_of(r, s, d->strings);
	if (d->hash)
		d->hash = offset_of(r, s, d->hash);
	return d->strings != 0;
}

/* Whether the DT_SONAME is a loader's: ld-linux-x86-64.so.2, ld64.so.1, ld.so.1 (the names
 * that glibc's shlib-versions gives). */
static bool is_loader(struct reader *r, const struct segments *s)
{
	struct dynamic d;
	const char *name;

	if (!read_dynamic(r, s, &d) || !d.soname)
		return false;
	reader_seek(r, d.strings + d.soname);
	name = reader_string(r);
	return name && (!strncmp(name, "ld-linux", 8) || !strncmp(name, "ld64.so", 7) ||
			!strncmp(name, "ld.so", 5));
}

/* What only the sanitizers' run times have: symbols of theirs, and the libraries (GCC's libsanitizer, LLVM's
 * compiler-rt), each of whose names has this in it. */
static const char *const run_time_names[] = {
	"__asan_init", "__hwasan_init", "__lsan_init", "__msan_init", "__tsan_init",
	"libasan.so", "libhwasan.so", "liblsan.so", "libtsan.so",
};
#define RUN_TIME_SYMBOLS	5
#define RUN_TIME_PART		"san"

/* Whether one of the libraries that it needs may be a run time. */
static bool needs_run_time(struct reader *r, const struct segments *s, const struct dynamic *d)
{
	uint64_t tag, value;

	reader_seek(r, d->entries);
	while (next_entry(r, s, &tag, &value)) {
		struct reader strings = *r;
		const char *name;

		if (tag != DT_NEEDED)
			continue;
		reader_seek(&strings, d->strings + value);
		name = reader_string(&strings);
		if (name && strstr(name, RUN_TIME_PART))
			return true;
	}
	return false;
}

/*
 * Whether it may define a symbol: the filter of its hash table (DT_GNU_HASH, as glibc's dl-lookup.c reads it) says
 * of most that it has not that these are not there. Without a table: perhaps.
 */
static bool may_define(struct reader *r, const struct segments *s, const struct dynamic *d, const char *name)
{
	unsigned bits = s->is_64 ? 64 : 32;
	uint32_t hash = 5381, words, shift;
	uint64_t word, at;

	if (!d->hash)
		return true;
	while (*name)
		hash = hash * 33 + (unsigned char)*name++;
	reader_seek(r, d->hash + 2 * sizeof(uint32_t));
	words = reader_u32(r);
	shift = reader_u32(r);
	if (r->bad || !words || shift >= 32)
		return true;
	at = d->hash + 4 * sizeof(uint32_t) + (uint64_t)(hash / bits % words) * (bits / 8);
	reader_seek(r, at);
	word = s->is_64 ? reader_u64(r) : reader_u32(r);
	return r->bad || (word >> hash % bits & word >> (hash >> shift) % bits & 1);
}

/* What follows the string at p, by eight bytes at a time: of these one is 0 if the subtraction borrows from a
 * bit that was not set. */
static const char *after_string(const char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word;

	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, sizeof(word));
		if ((word - ones) & ~word & ones << 7)
			break;
	}
	while (p < end && *p++)
		;
	return p;
}

/* Whether one of the names is among the dynamic strings. */
static bool names_run_time(struct reader *r, const struct dynamic *d)
{
	const char *name, *end;

	reader_seek(r, d->strings);
	name = (const char *)reader_bytes(r, d->bytes);
	end = name ? name + d->bytes : NULL;
	for (; name && name < end; name = after_string(name, end)) {
		if (end - name < 2 || !((name[0] == '_' && name[1] == '_') || (name[0] == 'l' && name[1] == 'i')))
			continue;
		for (size_t i = 0; i < sizeof(run_time_names) / sizeof(run_time_names[0]); i++) {
			size_t bytes = strlen(run_time_names[i]);

			if (bytes < (size_t)(end - name) && !strncmp(name, run_time_names[i], bytes))
				return true;
		}
	}
	return false;
}

/* Large programs have megabytes of names, and each start of the program waits for this: all are looked at only
 * where the libraries it needs, or its hash table, do not say that there is no need. */
static bool is_sanitized(struct reader *r, const struct segments *s)
{
	struct dynamic d;
	bool may;

	if (!read_dynamic(r, s, &d))
		return false;
	may = needs_run_time(r, s, &d);
	for (size_t i = 0; i < RUN_TIME_SYMBOLS && !may; i++)
		may = may_define(r, s, &d, run_time_names[i]);
	r->bad = false;		/* whatever of it is damaged, the names may be there */
	return may && names_run_time(r, &d);
}

static void inspect_elf(struct reader *r, struct image *image)
{
	struct segments s = { 0 };
	const uint8_t *ident = reader_bytes(r, EI_NIDENT + 4);	/* up to e_machine */
	uint64_t at;
	bool little;

	if (!ident)
		return;
	image->class = ident[EI_CLASS];
	image->is_64 = image->class == ELFCLASS64;
	image->data = ident[EI_DATA];
	little = image->data == ELFDATA2LSB;
	image->machine = (uint16_t)(little ? ident[18] | ident[19] << 8
					   : ident[18] << 8 | ident[19]);
	image->kind = IMAGE_ELF;
	if (little != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__))
		return;		/* not of this machine, and no more is asked then */

	s.is_64 = image->class == ELFCLASS64;
	s.offset = EHDR(r, s.is_64, e_phoff);
	reader_seek(r, s.is_64 ? offsetof(Elf64_Ehdr, e_phentsize)
			       : offsetof(Elf32_Ehdr, e_phentsize));
	s.entry_bytes = reader_u16(r);
	s.count = reader_u16(r);	/* e_phnum follows */
	at = find_segment(r, &s, PT_INTERP, 0);
	if (at) {
		const char *name;

		reader_seek(r, PHDR(r, s.is_64, at, p_offset));
		name = reader_string(r);
		if (name && strlen(name) < sizeof(image->interpreter)) {
			struct reader again = reader_over(r->start, (size_t)(r->end - r->start));

			strcpy(image->interpreter, name);
			image->sanitized = is_sanitized(&again, &s);
		} else {
			r->bad = true;
		}
	} else if (!r->bad) {
		struct reader again = reader_over(r->start, (size_t)(r->end - r->start));

		image->loads_itself = is_loader(&again, &s);
	}
	if (r->bad)
		image->kind = IMAGE_UNKNOWN;
}

/* The #! line by the kernel's rules (binfmt_script.c): the name ends at a blank, NUL or the
 * end of the line and has to end within the head. */
static void inspect_script(const char *head, struct image *image)
{
	const char *line = head + 2 + strspn(head + 2, " \t");
	size_t len = strcspn(line, " \t\n");

	if (!len || line + len >= head + IMAGE_HEAD)
		return;
	memcpy(image->interpreter, line, len);
	image->interpreter[len] = 0;
	image->kind = IMAGE_SCRIPT;
}

void image_read(const char *path, struct image *image)
{
	char head[IMAGE_HEAD + 1] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct reader r;
	struct stat st;
	void *mem;
	size_t size;

	*image = (struct image){ .kind = IMAGE_UNKNOWN };
	if (fd < 0)
		return;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return;
	}
	size = (size_t)st.st_size;
	mem = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	close(fd);
	if (mem == MAP_FAILED) {
		image->kind = size ? IMAGE_UNKNOWN : IMAGE_TEXT;
		return;
	}
	memcpy(head, mem, size < IMAGE_HEAD ? size : IMAGE_HEAD);
	r = reader_over(mem, size);
	if (!strncmp(head, ELFMAG, SELFMAG)) {
		inspect_elf(&r, image);
	} else {
		/* A shell runs what has no NUL in its first line. */
		size_t line = size < IMAGE_HEAD ? size : IMAGE_HEAD;
		const char *end = memchr(head, '\n', line);

		if (!memchr(head, 0, end ? (size_t)(end - head) : line))
			image->kind = IMAGE_TEXT;
		if (!strncmp(head, "#!", 2))
			inspect_script(head, image);
	}
	munmap(mem, size);
}

/* Word sizes of one machine that differ in e_machine. */
static const uint16_t word_twins[][2] = {
	{ EM_X86_64, EM_386 }, { EM_AARCH64, EM_ARM }, { EM_PPC64, EM_PPC },
	{ EM_SPARCV9, EM_SPARC }, { EM_SPARCV9, EM_SPARC32PLUS },
};

bool image_is_other_word_size(const struct image *a, const struct image *b)
{
	if (a->class == b->class || a->data != b->data)
		return false;
	for (size_t i = 0; i < sizeof(word_twins) / sizeof(word_twins[0]); i++)
		if ((a->machine == word_twins[i][0] && b->machine == word_twins[i][1]) ||
		    (a->machine == word_twins[i][1] && b->machine == word_twins[i][0]))
			return true;
	return a->machine == b->machine && a->machine != EM_X86_64;	/* x32 */
}

bool image_is_same_machine(const struct image *a, const struct image *b)
{
	return a->class == b->class && a->data == b->data && a->machine == b->machine;
}
