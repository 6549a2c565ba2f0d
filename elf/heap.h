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
 * None of these has a symbol, and nobody promises that they stay as they are. So they are searched once, at the
 * start, when the heap is small and mallinfo2() is cheap, by the values that they must contain. A place counts only
 * if it is the only one of its kind, and if the figures that are read there are those that mallinfo2() gives. With
 * another allocator, or a glibc that has changed, no place is found, and a dump says that the figures are unknown.
 */
#ifndef ELF_HEAP_H
#define ELF_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* The addresses in the process. They are a part of the table's header (table/table.h), because other processes
 * read the figures, too. Offsets are those in struct malloc_state. */
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
 * Searches the places. in_libc: an address in libc.so.6; known: the figures that mallinfo2() gives now. False: the
 * places were not found, and *p says that nothing is known. To be called once, at the start, in the only thread
 * that allocates, because it asks the loader (dladdr()).
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
