/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The figures of glibc's malloc, at a bounded cost and without its locks.
 *
 * mallinfo2(3) takes the lock of each arena and visits each free chunk: with two million of them
 * that is 200 ms, in which no thread of the program can allocate. So its figures are read from where
 * mallinfo2() itself has them (glibc's malloc/malloc.c):
 *
 *	libc.so.6, data that can be written		heaps, anywhere
 *
 *	main_arena (struct malloc_state)		another arena, the same struct
 *	  mutex, flags, have_fastchunks   4 bytes each	  ...
 *	  fastbins   lists of small free chunks		  ...
 *	  top        the chunk at the heap's end	  ...
 *	  last_remainder				  ...
 *	  bins       2 words for each of 127 lists	  ...
 *	  binmap     16 bytes				  ...
 *	  next      ------------------------------->	  next   ----> ... and back to main_arena
 *	  next_free, attached_threads			  ...
 *	  system_mem: bytes that it has from the kernel	  ...
 *	  max_system_mem				  ...
 *	mp_ (struct malloc_par)
 *	  ... n_mmaps, n_mmaps_max, max_n_mmaps, no_dyn_threshold   4 bytes each
 *	  mmapped_mem: bytes of blocks that are mappings of their own
 *	  max_mmapped_mem, sbrk_base
 *
 * None of these has a symbol, and nobody promises that they stay so. So they are looked for once, at the
 * start, when the heap is small and mallinfo2() is cheap: by what they must contain. What was found counts only if
 * it is the only place of that kind, and if the figures that are read there are those that mallinfo2() gives. Of
 * another allocator, or of a glibc that has changed, nothing is known then, and a dump says so.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* Where things are, in the process; a part of the table's header, for who looks from outside. Offsets
 * are those in struct malloc_state. */
struct heap_places {
	uint64_t arena;			/* main_arena's address; 0: not known */
	uint64_t mapped;		/* mp_.mmapped_mem's; 0: not known */
	uint64_t mapped_count;		/* mp_.n_mmaps' */
	uint32_t fastbins, top, bins, next;
	uint32_t hidden_links;		/* fastbins' links are combined with their address (glibc 2.32) */
	uint32_t other;			/* malloc is not glibc's: another allocator, or what calls glibc's in turn */
};

/* What mallinfo2(3) says. */
struct heap_known {
	uint64_t arena, hblks, hblkhd, uordblks, fordblks;
};

/* Reads memory of the process that the places are in. */
struct heap_reader {
	/* The word at address (4 or 8 bytes, as the process has them). False: it cannot be read. */
	bool (*word)(struct heap_reader *self, uint64_t address, uint64_t *to);
	uint32_t pid;			/* of another process */
	/* Of our own: */
	uint64_t page;			/* the last address of the page that was last seen to be readable */
	struct heap_range { uint64_t start, end; } sure[2];	/* known to be readable */
};

struct heap_figures {
	bool arenas_known, mapped_known, free_known;
	uint64_t arena_bytes;		/* of all arenas: what they have from the kernel */
	uint64_t mapped_bytes, mapped_count;	/* of blocks that are mappings of their own */
	uint64_t free_bytes;		/* of arena_bytes: in free chunks (not those that threads keep at hand) */
};

/*
 * Looks for the places. in_libc: an address in libc.so.6; known: what mallinfo2()
 * says now. False: they are not to be found, and *p says that nothing is known. Once, at start,
 * in the only thread that allocates: asks the loader (dladdr()).
 */
bool heap_find(struct heap_places *p, const void *in_libc, const struct heap_known *known);

/*
 * Reads the figures. count_free: the process has one thread, which is not inside malloc; then free chunks are
 * added up, HEAP_CHUNKS_MAX at most: with more of them free_known stays false, and free_bytes is
 * a part of the sum. Async-signal-safe, no lock, at most some milliseconds.
 */
void heap_read(const struct heap_places *p, struct heap_reader *reader, bool count_free,
	       struct heap_figures *to);

#define HEAP_CHUNKS_MAX	16384

/* This process's own memory, for one heap_read(). What is not mapped cannot be read; nothing faults. */
struct heap_reader heap_own_reader(void);

/* Another process's, by process_vm_readv(2), where that is permitted. Its words have our size. */
struct heap_reader heap_foreign_reader(uint32_t pid);

#endif
