/* SPDX-License-Identifier: GPL-2.0-only */
/* See entry_patch.h. */
#include "entry_patch.h"

#if defined(__x86_64__) && defined(__LP64__)

#include "base/kernel_map.h"
#include "base/mappings.h"
#include "base/proc.h"
#include "base/safe_open.h"
#include "base/uninterrupted.h"
#include "base/x86_instruction.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096u
#define SLOT_BYTES	96u		/* of one function: the stub, then the trampoline */
#define NEAR_BYTES	((ENTRY_PATCHES_MOST * SLOT_BYTES + 16 + PAGE - 1) / PAGE * PAGE)
#define STUB_BYTES	11u		/* push $number; jmp *hook */
#define JUMP_BYTES	5u		/* jmp, with an offset of 4 bytes */
#define NEAR_LEAST	((uint64_t)64 << 10)	/* vm.mmap_min_addr */
#define COLD_MOST	256u		/* instructions that are looked at where a function goes on elsewhere */

const char *entry_patch_lacks(void)
{
	return NULL;
}

static const uint8_t endbr64[4] = { 0xf3, 0x0f, 0x1e, 0xfa };

/* ---- Memory near the functions ---- */

/* The number of threads: the 20th field of /proc/self/stat (proc(5)), of which the second one, a name in parentheses,
 * can contain anything. 0: it cannot be read. */
static unsigned count_threads(void)
{
	int fd = proc_open(0, "stat");
	char text[512], *at;
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	unsigned threads = 0;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strrchr(text, ')');
	for (int blanks = 0; at && blanks < 18; blanks++)
		at = strchr(at + 1, ' ');
	for (at += at != NULL; at && *at >= '0' && *at <= '9'; at++)
		threads = threads * 10 + (unsigned)(*at - '0');
	return threads;
}

/*
 * Finds the mapping that holds the function, and the first gap below it that has room: there neither the heap grows
 * (brk(2)) nor a stack. Returns the place of the memory in the gap; 0: there is none.
 */
static uint64_t find_mapping(struct entry_plan *p, uintptr_t entry)
{
	uint64_t place = 0, before = NEAR_LEAST;
	struct mappings list;
	struct mapping m;

	if (!mappings_open(&list, 0))
		return 0;
	while (mappings_next(&list, &m) && m.start <= entry) {
		/* A page is left free on both sides, so that no overflow from here reaches another mapping. */
		if (m.start >= before + NEAR_BYTES + 2 * PAGE && strcmp(m.path, "[stack]"))
			place = m.start - NEAR_BYTES - PAGE;
		before = m.end;
		if (entry < m.end && !strncmp(m.access, "r-xp", 4) && strlen(m.path) < sizeof(p->path)) {
			p->start = m.start;
			p->end = m.end;
			strcpy(p->path, m.path);
		}
	}
	mappings_close(&list);
	return p->start && p->end - place < INT32_MAX ? place : 0;
}

/* Whether the kernel lets a changed page of the file be executed. */
static bool may_change_code(const char *path)
{
	int fd = safe_open_read(AT_FDCWD, path, O_RDONLY);
	uint8_t *page = fd < 0 ? MAP_FAILED : kernel_mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	bool may = page != MAP_FAILED && !mprotect(page, PAGE, PROT_READ | PROT_WRITE);

	if (may) {
		*(volatile uint8_t *)page = *page;
		may = !mprotect(page, PAGE, PROT_READ | PROT_EXEC);
	}
	if (page != MAP_FAILED)
		kernel_munmap(page, PAGE);
	if (fd >= 0)
		close(fd);
	return may;
}

static const char *prepare(struct entry_plan *p, uintptr_t entry)
{
	unsigned threads = count_threads();
	uint64_t place = threads == 1 ? find_mapping(p, entry) : 0;
	void *near;

	if (threads != 1)
		return threads ? "the process has several threads already" : "/proc/self/stat cannot be read";
	if (!place)
		return p->start ? "there is no free memory near it" : "its code is not in the list of mappings";
	near = kernel_mmap((void *)(uintptr_t)place, NEAR_BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (near == MAP_FAILED)
		return "there is no free memory near it";
	p->near = near;
	if (near != (void *)(uintptr_t)place)	/* a kernel before 4.17 takes the address for a wish */
		return "there is no free memory near it";
	memcpy(p->near, &p->hook, sizeof(p->hook));
	return may_change_code(p->path) ? NULL : "the kernel does not let changed code be executed";
}

/* ---- What the function's instructions allow ---- */

/* Decodes an instruction of the mapping. */
static struct x86_instruction decode(const struct entry_plan *p, const uint8_t *at)
{
	if ((uintptr_t)at < p->start || (uintptr_t)at >= p->end)
		return (struct x86_instruction){ .length = 0 };
	return x86_decode(at, p->end - (uintptr_t)at);
}

static bool jumps_between(const struct x86_instruction *i, const uint8_t *next, const uint8_t *from, const uint8_t *to)
{
	return (i->flow == X86_JUMP || i->flow == X86_BRANCH) && next + i->offset >= from && next + i->offset < to;
}

/* Whether code to which the function jumps, such as the part of it that the compiler has put elsewhere because it is
 * seldom executed, jumps back to the replaced bytes. Looks as far as the code can be followed without a jump. */
static bool returns_between(const struct entry_plan *p, const uint8_t *at, const uint8_t *from, const uint8_t *to)
{
	for (unsigned n = 0; n < COLD_MOST; n++) {
		struct x86_instruction i = decode(p, at);

		at += i.length;
		if (!i.length || i.flow == X86_ELSEWHERE)
			return false;
		if (jumps_between(&i, at, from, to))
			return true;
		if (i.flow == X86_JUMP)
			return false;
	}
	return false;
}

/* Looks at the whole function. */
static const char *examine(const struct entry_plan *p, const uint8_t *entry, size_t bytes, const uint8_t *from,
			   const uint8_t *to, bool *calls_nothing)
{
	const uint8_t *at = entry, *end = entry + bytes;

	*calls_nothing = true;
	while (at < end) {
		struct x86_instruction i = decode(p, at);
		const uint8_t *target = at + i.length + i.offset;

		at += i.length;
		if (!i.length || at > end)
			return "it has an instruction that heaptrace does not know";
		if (i.flow == X86_CALL || i.flow == X86_CALL_ELSEWHERE)
			*calls_nothing = false;
		if (jumps_between(&i, at, from, to))
			return "it jumps back to its beginning";
		if ((i.flow == X86_JUMP || i.flow == X86_BRANCH) && (target < entry || target >= end)) {
			*calls_nothing = false;		/* it calls there at its end, or goes on in a part of it */
			if (returns_between(p, target, from, to))
				return "a part of it jumps back to its beginning";
		}
	}
	return NULL;
}

/* Whether the bytes are what compilers and assemblers put between functions: int3 and nops. */
static bool is_padding(const uint8_t *at, const struct x86_instruction *i)
{
	unsigned skip = 0;

	while (skip < i->length && (at[skip] == 0x66 || at[skip] == 0x2e))
		skip++;
	return at[skip] == 0xcc || at[skip] == 0x90 || (at[skip] == 0x0f && at[skip + 1] == 0x1f);
}

/* ---- The trampoline ---- */

/* Appends an instruction whose offset counts from another place now, behind `code`. */
static uint8_t *put_offset(uint8_t *to, const uint8_t *code, unsigned code_bytes, const uint8_t *target)
{
	ptrdiff_t distance;
	int32_t offset;

	memcpy(to, code, code_bytes);
	to += code_bytes;
	distance = target - (to + sizeof(offset));
	offset = (int32_t)distance;
	memcpy(to, &offset, sizeof(offset));
	return distance == offset ? to + sizeof(offset) : NULL;
}

/*
 * Puts a jump where a call was, which returns to the function itself. So no return address is ever in the trampoline, for
 * which there is no unwind information. The call is the last of the replaced instructions, as it is so long.
 *
 *	push return(%rip)		or	push return(%rip)
 *	jmp target				jmp *pointer(%rip)
 *	return: .quad address			return: .quad address
 */
static uint8_t *put_call(uint8_t *to, const uint8_t *next, bool by_pointer, const uint8_t *target)
{
	unsigned jump = by_pointer ? 2 : 1;

	to = put_offset(to, (const uint8_t *)"\xff\x35", 2, to + 6 + jump + 4);
	if (to)
		to = put_offset(to, (const uint8_t *)(by_pointer ? "\xff\x25" : "\xe9"), jump, target);
	if (to)
		memcpy(to, &next, sizeof(next));
	return to ? to + sizeof(next) : NULL;
}

/* Copies one instruction from `at` to `to`. Returns the end of the copy; NULL: it cannot be adapted. */
static uint8_t *move(const uint8_t *at, const struct x86_instruction *i, uint8_t *to)
{
	const uint8_t *next = at + i->length, *target = next + i->offset;
	uint8_t code[2] = { 0x0f };
	int32_t offset;
	ptrdiff_t distance;

	switch (i->flow) {
	case X86_JUMP:
		code[0] = 0xe9;
		return put_offset(to, code, 1, target);
	case X86_BRANCH:
		/* The condition is in the last 4 bits of the opcode, 7x or 0F 8x. Loops (Ex) have no such form. */
		if (i->offset_bytes == 1 && (at[i->offset_at - 1] & 0xf0) != 0x70)
			return NULL;
		code[1] = (uint8_t)(0x80 | (at[i->offset_at - 1] & 15));
		return put_offset(to, code, 2, target);
	case X86_CALL:
		return i->length == 5 ? put_call(to, next, false, target) : NULL;
	case X86_CALL_ELSEWHERE:
		return i->length == 6 && i->offset_bytes == 4 && at[0] == 0xff ? put_call(to, next, true, target) : NULL;
	}
	memcpy(to, at, i->length);
	if (i->offset_bytes) {
		distance = target - (to + i->length);
		offset = (int32_t)distance;
		memcpy(to + i->offset_at, &offset, sizeof(offset));
		if (distance != offset)
			return NULL;
	}
	return to + i->length;
}

/*
 * Makes the trampoline of the instructions from `from` on that the jump replaces. A function that ends before may be
 * followed by bytes that are nothing. Returns the end of what is replaced; NULL, and *why: it is not possible.
 */
static const uint8_t *make_trampoline(const struct entry_plan *p, const uint8_t *from, const uint8_t *end, uint8_t *to,
				      const char **why)
{
	const uint8_t *at = from, *code_jump = (const uint8_t *)"\xe9";
	bool ends = false;

	*why = "its first instructions cannot be moved";
	while (at < from + JUMP_BYTES) {
		struct x86_instruction i = decode(p, at);

		if (!i.length)
			return NULL;
		if (at >= end || ends) {
			*why = "it is too short";
			if (!ends || !is_padding(at, &i))
				return NULL;
		} else {
			to = move(at, &i, to);
			if (!to)
				return NULL;
			ends = i.flow == X86_JUMP || i.flow == X86_ELSEWHERE;
		}
		at += i.length;
	}
	if (!put_offset(to, code_jump, 1, at))
		return NULL;
	return at;
}

/* push $number; jmp *hook, whose address lies at the beginning of the near memory. */
static void make_stub(const struct entry_plan *p, uint8_t *to, uint32_t number)
{
	*to++ = 0x68;
	memcpy(to, &number, sizeof(number));
	put_offset(to + sizeof(number), (const uint8_t *)"\xff\x25", 2, p->near);
}

/* ---- The plan ---- */

void entry_patch_begin(struct entry_plan *p, void (*hook)(void))
{
	memset(p, 0, sizeof(*p));
	p->hook = hook;
}

const char *entry_patch_add(struct entry_plan *p, void *entry, size_t bytes, uint32_t number, void **real,
			    bool *calls_nothing)
{
	uint8_t *start = entry, *from = start, *slot;
	const uint8_t *to;
	const char *why = p->near ? NULL : prepare(p, (uintptr_t)entry);

	if (why)
		return why;
	if ((uintptr_t)entry < p->start || (uintptr_t)entry >= p->end || bytes > p->end - (uintptr_t)entry)
		return "its code lies elsewhere";
	if (!bytes)
		return "its length is not known";
	if (p->count == ENTRY_PATCHES_MOST)
		return "there are too many functions";
	if (bytes >= sizeof(endbr64) && !memcmp(from, endbr64, sizeof(endbr64)))
		from += sizeof(endbr64);
	slot = p->near + 16 + p->count * SLOT_BYTES;
	to = make_trampoline(p, from, start + bytes, slot + 16, &why);
	if (!to)
		return why;
	why = examine(p, start, bytes, from, to, calls_nothing);
	if (why)
		return why;
	make_stub(p, slot, number);
	*real = slot + 16;
	p->patches[p->count++] = (struct entry_patch){ from, (int32_t)(slot - (from + JUMP_BYTES)) };
	return NULL;
}

void entry_patch_drop(struct entry_plan *p)
{
	if (p->near)
		kernel_munmap(p->near, NEAR_BYTES);
	p->near = NULL;
	p->count = 0;
}

bool entry_patch_made(const struct entry_plan *p, const void *real)
{
	return p->near && (uintptr_t)real - (uintptr_t)p->near < NEAR_BYTES;
}

/* Byte by byte, as memcpy() may be a function of the program's that lies in the same mapping, and cannot be executed
 * while that is written to. */
static void write_jump(const struct entry_patch *patch)
{
	volatile uint8_t *at = patch->at;

	at[0] = 0xe9;
	for (unsigned i = 0; i < sizeof(patch->distance); i++)
		at[1 + i] = (uint8_t)((uint32_t)patch->distance >> 8 * i);
}

const char *entry_patch_apply(struct entry_plan *p)
{
	uintptr_t first = UINTPTR_MAX, last = 0;
	struct uninterrupted span;
	bool may;

	for (uint32_t i = 0; i < p->count; i++) {
		uintptr_t at = (uintptr_t)p->patches[i].at;

		first = at < first ? at : first;
		last = at > last ? at : last;
	}
	if (!p->count)
		return NULL;
	if (mprotect(p->near, NEAR_BYTES, PROT_READ | PROT_EXEC))
		return "the kernel does not let made code be executed";
	first &= ~(uintptr_t)(PAGE - 1);
	last = (last + JUMP_BYTES + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uninterrupted_begin(&span);
	may = !mprotect((void *)first, last - first, PROT_READ | PROT_WRITE);
	for (uint32_t i = 0; may && i < p->count; i++)
		write_jump(&p->patches[i]);
	mprotect((void *)first, last - first, PROT_READ | PROT_EXEC);
	uninterrupted_end(&span);
	return may ? NULL : "the kernel does not let its code be changed";
}

#else

#define LACKS	"heaptrace can hook a program's own functions on x86_64 only"

const char *entry_patch_lacks(void)
{
	return LACKS;
}

void entry_patch_begin(struct entry_plan *p, void (*hook)(void))
{
	p->path[0] = '\0';
	p->count = 0;
	(void)hook;
}

const char *entry_patch_add(struct entry_plan *p, void *entry, size_t bytes, uint32_t number, void **real,
			    bool *calls_nothing)
{
	(void)p;
	(void)entry;
	(void)bytes;
	(void)number;
	(void)real;
	(void)calls_nothing;
	return LACKS;
}

const char *entry_patch_apply(struct entry_plan *p)
{
	(void)p;
	return NULL;
}

void entry_patch_drop(struct entry_plan *p)
{
	(void)p;
}

bool entry_patch_made(const struct entry_plan *p, const void *real)
{
	(void)p;
	(void)real;
	return false;
}

#endif
