/* SPDX-License-Identifier: GPL-2.0-only */
/* See reserve.h. Each bit of `taken` stands for a block and is set while the block is in use. */
#include "reserve.h"

#include "arena.h"
#include "atomics.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCKS	((unsigned)(RESERVE_BYTES / RESERVE_BLOCK))
_Static_assert(RESERVE_BYTES / RESERVE_BLOCK == 64, "one word has a bit for each block");

static char *memory;		/* NULL: there is no reserve */
static uint64_t taken;

void reserve_start(void)
{
	if (!memory)
		memory = arena_map(RESERVE_BYTES);
}

/* Returns the number of blocks that hold size_bytes, or BLOCKS + 1 if the reserve is too small. */
static unsigned blocks_of(size_t size_bytes)
{
	return size_bytes > RESERVE_BYTES ? BLOCKS + 1
					  : (unsigned)((size_bytes + RESERVE_BLOCK - 1) / RESERVE_BLOCK);
}

/* The bits of `count` blocks, of which `first` is the first. */
static uint64_t bits_of(unsigned first, unsigned count)
{
	return (count < 64 ? ((uint64_t)1 << count) - 1 : UINT64_MAX) << first;
}

void *reserve_take(size_t size_bytes)
{
	unsigned count = blocks_of(size_bytes), first = 0;
	uint64_t now = load_relaxed(&taken);

	if (!memory || !count)
		return NULL;
	while (first + count <= BLOCKS) {
		uint64_t bits = bits_of(first, count);

		if (now & bits) {
			first++;
		} else if (cas_acq_rel(&taken, &now, now | bits)) {
			return memory + first * RESERVE_BLOCK;
		} else {
			first = 0;
		}
	}
	return NULL;
}

/* madvise() fails on pages that the program has locked in memory. They cannot be given back, so they are
 * cleared. */
static void clear(void *mem, size_t size_bytes)
{
	int saved = errno;

	if (madvise(mem, size_bytes, MADV_DONTNEED))
		memset(mem, 0, size_bytes);
	errno = saved;
}

bool reserve_give(void *mem, size_t size_bytes)
{
	size_t at = (size_t)((uintptr_t)mem - (uintptr_t)memory);
	unsigned count = blocks_of(size_bytes);

	if (!memory || at >= RESERVE_BYTES)
		return false;
	clear(mem, count * RESERVE_BLOCK);
	__atomic_fetch_and(&taken, ~bits_of((unsigned)(at / RESERVE_BLOCK), count), __ATOMIC_ACQ_REL);
	return true;
}

size_t reserve_left(void)
{
	return memory ? (BLOCKS - (unsigned)__builtin_popcountll(load_relaxed(&taken))) * RESERVE_BLOCK : 0;
}

void reserve_forked(void)
{
	if (!memory || !taken)
		return;
	taken = 0;
	clear(memory, RESERVE_BYTES);
}
