/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the figures of glibc's malloc, at a bounded cost and without its locks.
 *
 * mallinfo2(3) takes the lock of each arena and visits each free chunk. With two million chunks
 * this takes 200 ms, in which no thread of the program can allocate. So the figures are read from the
 * same variables that mallinfo2() reads (glibc's malloc/malloc.c):
 *
 *	libc.so.6, writable data			heaps, anywhere
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
 *	  system_mem: bytes that the kernel gave it	  ...
 *	  max_system_mem				  ...
 *	mp_ (struct malloc_par)
 *	  ... n_mmaps, n_mmaps_max, max_n_mmaps, no_dyn_threshold   4 bytes each
 *	  mmapped_mem: bytes of blocks that have a mapping each
 *	  max_mmapped_mem, sbrk_base
 *
 * None of these has a symbol, and nobody promises that the layout stays as it is. So heap_find() searches them once, at
 * the start, when the heap is small and mallinfo2() is cheap, by the values that they must contain: an arena must
 * give the figures that mallinfo2() gives, and mp_ must be the only place with the expected values. With another
 * allocator, or a glibc that has changed, nothing is found, and a dump says that the figures are unknown.
 */
#ifndef ELF_HEAP_H
#define ELF_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* The addresses of the variables in the process. They are a part of the table's header (table/table.h), because other
 * processes read the figures, too. */
struct heap_places {
	uint64_t arena;			/* of main_arena; 0: not known */
	uint64_t mapped;		/* of mp_.mmapped_mem; 0: not known */
	uint64_t mapped_count;		/* of mp_.n_mmaps; 0: not known */
	uint32_t fastbins, top, bins, next;	/* offsets in struct malloc_state */
	uint32_t safe_links;		/* a fastbin's links are combined with their address (glibc 2.32) */
	uint32_t other_malloc;		/* malloc() is not glibc's, though it may call glibc's */
};

/* The figures of mallinfo2(3) that are compared. */
struct heap_mallinfo {
	uint64_t arena, hblks, hblkhd, uordblks, fordblks;
};

/* Reads memory of the process to which the places belong. */
struct heap_reader {
	/* Reads the word at address (4 or 8 bytes, as the process has them). False: it cannot be read. */
	bool (*word)(struct heap_reader *self, uint64_t address, uint64_t *to);
	uint32_t pid;			/* of heap_foreign_reader() */
	int fd;				/* of heap_file_reader() */
	/* Of heap_own_reader(): */
	uint64_t page;			/* the last address of the page that was last found to be readable */
	struct heap_range { uint64_t start, end; } readable[2];	/* known to be readable, without a probe */
};

/* The figures at the time of reading. One that is not known means nothing. */
struct heap_figures {
	bool arenas_known, mapped_known, free_known;
	uint64_t arena_bytes;		/* of all arenas: the memory that the kernel gave them */
	uint64_t mapped_bytes, mapped_count;	/* of blocks that have a mapping each */
	uint64_t free_bytes;		/* the part of arena_bytes in free chunks, without those in threads' caches */
};

/*
 * Searches the places. in_libc: an address in libc.so.6; known: the figures that mallinfo2() gives now. False: the
 * places were not found, and all of *p is 0. True: main_arena was found, and mp_ perhaps. To be called once, at the
 * start, when no other thread allocates, after loaded_init().
 */
bool heap_find(struct heap_places *p, const void *in_libc, const struct heap_mallinfo *known);

/*
 * Reads the figures. count_free: the process has one thread, and that thread is not inside malloc(). Only then are free
 * chunks added up, at most HEAP_CHUNKS_MAX; with more of them free_known is false, and free_bytes is a part of the
 * sum. Figures that cannot be read, or that cannot be true, are not known. Async-signal-safe, takes no lock, and
 * needs at most some milliseconds.
 */
void heap_read(const struct heap_places *p, struct heap_reader *reader, bool count_free,
	       struct heap_figures *to);

#define HEAP_CHUNKS_MAX	16384

/* A reader of this process's memory, for one heap_read(). Memory that is not mapped is not read, so nothing faults. */
struct heap_reader heap_own_reader(void);

/* A reader of another process's memory, by process_vm_readv(2), if that is permitted. The process must have this
 * one's word size. */
struct heap_reader heap_foreign_reader(uint32_t pid);

/* A reader of the memory of this process or of another one with the same word size, by the file /proc/PID/mem, which
 * is open for reading. Other threads may unmap what is being read: nothing faults. */
struct heap_reader heap_file_reader(int fd);

/* What heap_visit_free() calls. */
struct heap_visitor {
	/* The bytes [start, end) of a free chunk, without the words in which malloc keeps its links. trimmed:
	 * malloc_trim(3) gives the whole pages among them back to the kernel. */
	void (*part)(struct heap_visitor *self, uint64_t start, uint64_t end, bool trimmed);
};

/*
 * Visits the free memory in which whole pages can lie: in each arena the chunk at the heap's end, and the chunks that
 * are too large for the lists of small ones, the largest first; at most so many chunks. While the process's threads
 * allocate some may be left out, and some be in use. Async-signal-safe.
 */
void heap_visit_free(const struct heap_places *p, struct heap_reader *reader, unsigned chunks,
		     struct heap_visitor *visitor);

/*
 * The bytes of memory that malloc has got from mmap() and that begins at an address, which is a multiple of a page; 0:
 * the address is not such a beginning. *heap: this is a heap of an arena; otherwise it is a block with a mapping of its
 * own. What is there is only known to look so. The bytes may be more than are mapped.
 */
uint64_t heap_mapped_at(struct heap_reader *reader, uint64_t address, bool *heap);

/* An address of which each heap of an arena, but for that of main_arena, is a multiple. */
#define HEAP_ALIGN_BYTES	((uint64_t)1 << (sizeof(uintptr_t) == 8 ? 26 : 20))

#endif
