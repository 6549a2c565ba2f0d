/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions by which a program maps memory, in front of libc's, for --pages (process/pages.h). Without that option
 * each costs one comparison. libc's own mappings (of its malloc, of threads' stacks, of libraries) do not come here,
 * because libc and the loader call functions of their own.
 *
 * A call that unmaps is recorded before it is made, since another thread may get the addresses as soon as the kernel has
 * unmapped them; a call that maps is recorded after it.
 *
 * The real functions are those that come after this library in the loader's order. Another preloaded library may have
 * its own. A call that comes before they have been found, from another library's constructor, is made as a system call,
 * or looks them up.
 */
#include "base/kernel_map.h"
#include "elf/lookup.h"
#include "enter.h"
#include "export.h"
#include "process/pages.h"

#include <stdarg.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4	/* Linux 5.7 */
#endif

#define HUGE_LOG2	21u	/* of the huge pages of most machines, where MAP_HUGETLB does not say which */
#define HUGE_SHIFT	26	/* MAP_HUGE_SHIFT of mmap(2): a logarithm of 6 bits in the flags */

/* sbrk comes last: when it has been found, all others have. */
#define REAL_FUNCTIONS(X)	X(mmap) X(mmap64) X(munmap) X(mremap) X(shmat) X(shmdt) X(brk) X(sbrk)

static struct {
	REAL_FUNCTIONS(LOOKUP_POINTER)
} libc;

__attribute__((constructor(LOOKUPS))) static void find_real(void)
{
	lookup_next(REAL_FUNCTIONS(LOOKUP_NAME), LOOKUP_COUNT(libc), &libc);
}

/* Of the functions that are no bare system calls in libc. */
static void need_real(void)
{
	if (unlikely(!load_acquire(&libc.sbrk)))
		find_real();
}

/* Whether mappings are recorded. The first call of the process may begin the recording. */
static inline bool are_kept(void)
{
	uint32_t mode = load_relaxed(&pages_mode);

	return unlikely(mode != PAGES_OFF) && (mode == PAGES_ON || (enter_start() && load_relaxed(&pages_mode) == PAGES_ON));
}

/* calls: see enter(); this function comes in addition. */
static enum pages_entry __attribute__((noinline)) begin(unsigned calls)
{
	if (enter(calls + 1))
		return PAGES_ENTERED;
	return guard_self.inside && lifecycle_is_tracing() ? PAGES_NESTED : PAGES_PASSES;
}

static void leave(enum pages_entry entry)
{
	if (entry == PAGES_ENTERED)
		guard_leave();
}

/* The bytes that the kernel maps for a request of so many. */
static size_t whole_pages(size_t size_bytes, int flags)
{
	size_t page = (size_t)getauxval(AT_PAGESZ);
	unsigned log2 = (unsigned)flags >> HUGE_SHIFT & 63;

	if (flags & MAP_HUGETLB)
		page = (size_t)1 << (log2 ? log2 : HUGE_LOG2);
	return (size_bytes + page - 1) & ~(page - 1);
}

/* Whether munmap(2) accepts these. A call that it refuses for other reasons is put back. */
static bool is_stretch(const void *at, size_t size_bytes)
{
	return size_bytes && !((uintptr_t)at & (getauxval(AT_PAGESZ) - 1));
}

static const char *describe(int protection, int flags)
{
	if (!(flags & MAP_ANONYMOUS))
		return NULL;
	if (flags & MAP_STACK)
		return " (stack)";
	if (flags & MAP_HUGETLB)
		return " (huge pages)";
	if (flags & MAP_SHARED)
		return " (shared)";
	return protection == PROT_NONE ? " (no access)" : " (anonymous)";
}

static void __attribute__((noinline)) note_new(void *at, size_t size_bytes, const struct pages_new *made,
					       const struct capture_point *from)
{
	enum pages_entry entry = begin(3);

	pages_mapped(entry, at, size_bytes, made, from);
	leave(entry);
}

static void __attribute__((noinline)) note_mmap(void *at, size_t size_bytes, int protection, int flags, int fd,
						const struct capture_point *from)
{
	struct pages_new made = { "mmap", describe(protection, flags), fd };

	note_new(at, whole_pages(size_bytes, flags), &made, from);
}

EXPORT void *mmap(void *at, size_t size_bytes, int protection, int flags, int fd, off_t offset)
{
	struct capture_point from = CAPTURE_POINT();
	void *p = likely(libc.mmap != NULL) ? libc.mmap(at, size_bytes, protection, flags, fd, offset) :
		  kernel_mmap(at, size_bytes, protection, flags, fd, (uint64_t)offset);

	if (are_kept() && p != MAP_FAILED)
		note_mmap(p, size_bytes, protection, flags, fd, &from);
	return p;
}

#if defined(__LP64__)
EXPORT void *mmap64(void *at, size_t size_bytes, int protection, int flags, int fd, off64_t offset)
	__attribute__((alias("mmap")));
#else
EXPORT void *mmap64(void *at, size_t size_bytes, int protection, int flags, int fd, off64_t offset)
{
	struct capture_point from = CAPTURE_POINT();
	void *p = likely(libc.mmap64 != NULL) ? libc.mmap64(at, size_bytes, protection, flags, fd, offset) :
		  kernel_mmap(at, size_bytes, protection, flags, fd, (uint64_t)offset);

	if (are_kept() && p != MAP_FAILED)
		note_mmap(p, size_bytes, protection, flags, fd, &from);
	return p;
}
#endif

static int unmap(void *at, size_t size_bytes)
{
	return likely(libc.munmap != NULL) ? libc.munmap(at, size_bytes) : kernel_munmap(at, size_bytes);
}

static int __attribute__((noinline)) unmap_recorded(void *at, size_t size_bytes)
{
	enum pages_entry entry = begin(2);
	uint32_t taken = entry != PAGES_PASSES && is_stretch(at, size_bytes) ?
		pages_unmapping(at, whole_pages(size_bytes, 0)) : 0;
	int result = unmap(at, size_bytes);

	if (taken)
		pages_unmapped(taken, !result);
	leave(entry);
	return result;
}

EXPORT int munmap(void *at, size_t size_bytes)
{
	return are_kept() ? unmap_recorded(at, size_bytes) : unmap(at, size_bytes);
}

static void *remap(void *old, size_t old_bytes, size_t new_bytes, int flags, void *to)
{
	return likely(libc.mremap != NULL) ? libc.mremap(old, old_bytes, new_bytes, flags, to) :
	       kernel_mremap(old, old_bytes, new_bytes, flags, to);
}

/* With an old size of 0, and with MREMAP_DONTUNMAP, what was mapped before stays. */
static void *__attribute__((noinline)) remap_recorded(void *old, size_t old_bytes, size_t new_bytes, int flags, void *to,
						      const struct capture_point *from)
{
	static const struct pages_new made = { "mremap", NULL, -1 };
	enum pages_entry entry = begin(2);
	bool moves = entry != PAGES_PASSES && is_stretch(old, old_bytes) && !(flags & MREMAP_DONTUNMAP);
	uint32_t taken = moves ? pages_unmapping(old, whole_pages(old_bytes, 0)) : 0;
	void *p = remap(old, old_bytes, new_bytes, flags, to);

	if (taken)
		pages_unmapped(taken, p != MAP_FAILED);
	/* What was mapped by somebody whose calls are not seen, libc for instance, stays unknown. */
	if (p != MAP_FAILED && (taken || !moves))
		pages_mapped(entry, p, whole_pages(new_bytes, 0), &made, from);
	leave(entry);
	return p;
}

EXPORT void *mremap(void *old, size_t old_bytes, size_t new_bytes, int flags, ...)
{
	struct capture_point from = CAPTURE_POINT();
	va_list list;
	void *to;

	va_start(list, flags);
	to = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? va_arg(list, void *) : NULL;
	va_end(list);
	return are_kept() ? remap_recorded(old, old_bytes, new_bytes, flags, to, &from) :
	       remap(old, old_bytes, new_bytes, flags, to);
}

/* ---- The end of the data segment ---- */

static const struct pages_new by_brk = { "brk", NULL, -1 }, by_sbrk = { "sbrk", NULL, -1 };

EXPORT int brk(void *end)
{
	struct capture_point from = CAPTURE_POINT();
	enum pages_entry entry;
	char *before;
	uint32_t taken;
	int result;

	need_real();
	if (!are_kept())
		return libc.brk(end);
	entry = begin(1);
	before = libc.sbrk(0);
	taken = entry != PAGES_PASSES && (char *)end < before ? pages_unmapping(end, (size_t)(before - (char *)end)) : 0;
	result = libc.brk(end);
	if (taken)
		pages_unmapped(taken, !result);
	if (!result && (char *)end > before)
		pages_mapped(entry, before, (size_t)((char *)end - before), &by_brk, &from);
	leave(entry);
	return result;
}

EXPORT void *sbrk(intptr_t change)
{
	struct capture_point from = CAPTURE_POINT();
	enum pages_entry entry;
	uint32_t taken = 0;
	void *before;

	need_real();
	if (!change || !are_kept())
		return libc.sbrk(change);
	entry = begin(1);
	if (change < 0 && entry != PAGES_PASSES)
		taken = pages_unmapping((char *)libc.sbrk(0) + change, (size_t)-change);
	before = libc.sbrk(change);
	if (taken)
		pages_unmapped(taken, before != (void *)-1);
	if (change > 0 && before != (void *)-1)
		pages_mapped(entry, before, (size_t)change, &by_sbrk, &from);
	leave(entry);
	return before;
}

/* ---- Shared memory of System V ---- */

/* The size of a segment; 0: this process may not ask for it. */
static size_t segment_bytes(int id)
{
	struct shmid_ds ds;
	long result;

	memset(&ds, 0, sizeof(ds));
#if defined(SYS_shmctl) && defined(__LP64__)
	result = syscall(SYS_shmctl, (long)id, (long)IPC_STAT, &ds);	/* where libc's struct is the kernel's */
#else
	result = shmctl(id, IPC_STAT, &ds);
#endif
	return result ? 0 : ds.shm_segsz;
}

EXPORT void *shmat(int id, const void *at, int flags)
{
	static const struct pages_new made = { "shmat", NULL, -1 };
	struct capture_point from = CAPTURE_POINT();
	void *p;

	need_real();
	p = libc.shmat(id, at, flags);
	if (are_kept() && p != (void *)-1)
		note_new(p, whole_pages(segment_bytes(id), 0), &made, &from);
	return p;
}

static int __attribute__((noinline)) detach_recorded(const void *at)
{
	enum pages_entry entry = begin(2);
	size_t bytes = entry != PAGES_PASSES ? pages_mapping_bytes(at) : 0;
	uint32_t taken = bytes ? pages_unmapping(at, bytes) : 0;
	int result = libc.shmdt(at);

	if (taken)
		pages_unmapped(taken, !result);
	leave(entry);
	return result;
}

EXPORT int shmdt(const void *at)
{
	need_real();
	return are_kept() ? detach_recorded(at) : libc.shmdt(at);
}
