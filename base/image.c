/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What execve() would make of a file: the ELF headers and the #! line, read from a private
 * mapping through the bounds-checked reader, so that garbage and truncated files give
 * IMAGE_UNKNOWN and never a crash.
 */
#include "image.h"
#include "reader.h"

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

/* What the dynamic section says of its strings. */
struct dynamic {
	uint64_t strings, bytes;	/* offset in the file; 0 bytes: not said */
	uint64_t soname;		/* among the strings; 0: none */
};

static bool read_dynamic(struct reader *r, const struct segments *s, struct dynamic *d)
{
	uint64_t at = find_segment(r, s, PT_DYNAMIC, 0), load;

	*d = (struct dynamic){ .strings = 0 };
	if (!at)
		return false;
	reader_seek(r, PHDR(r, s->is_64, at, p_offset));
	while (!r->bad) {
		uint64_t tag = s->is_64 ? reader_u64(r) : reader_u32(r);
		uint64_t value = s->is_64 ? reader_u64(r) : reader_u32(r);

		if (tag == DT_NULL)
			break;
		if (tag == DT_SONAME)
			d->soname = value;
		if (tag == DT_STRTAB)
			d->strings = value;
		if (tag == DT_STRSZ)
			d->bytes = value;
	}
	load = find_segment(r, s, PT_LOAD, d->strings);
	if (!load)
		return false;
	d->strings -= PHDR(r, s->is_64, load, p_vaddr);
	d->strings += PHDR(r, s->is_64, load, p_offset);
	return true;
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

/*
 * Whether names that only the sanitizers' run times have are among its dynamic strings: symbols of
 * theirs, or the libraries (GCC's libsanitizer, LLVM's compiler-rt). Large programs have megabytes of
 * strings, and each start of the program waits for this.
 */
static bool is_sanitized(struct reader *r, const struct segments *s)
{
	static const char *const names[] = {
		"__asan_init", "__hwasan_init", "__lsan_init", "__msan_init", "__tsan_init",
		"libasan.so", "libhwasan.so", "liblsan.so", "libtsan.so",
	};
	struct dynamic d;
	const char *name, *end;

	if (!read_dynamic(r, s, &d))
		return false;
	reader_seek(r, d.strings);
	name = (const char *)reader_bytes(r, d.bytes);
	end = name ? name + d.bytes : NULL;
	for (; name && name < end; name = after_string(name, end)) {
		if (end - name < 2 || (memcmp(name, "__", 2) && memcmp(name, "li", 2)))
			continue;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (strlen(names[i]) < (size_t)(end - name) &&
			    !strncmp(name, names[i], strlen(names[i])))
				return true;
		}
	}
	return false;
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
