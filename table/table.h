/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table: one row of counters for each distinct backtrace, in one mapping that contains no pointer.
 *
 *	header  uppers  rows     infos    codes    frames   indexes   modules, text    timeline     threads, sets
 *	totals  40 B    32 B     16 B     8 B      2 B      4 B       modules.h        timeline.h   thread_list.h
 *	        of few  counters frames   pc and   codes    of rows
 *	        rows    (row.h)  of row   module   in runs  and codes
 *
 * With --histogram the table also has the sizes of each row's blocks (sizes.h), and with --pages what the program has
 * mapped (regions.h).
 *
 * Each part has addresses for all that it can ever hold, but only its beginning is mapped, and the mapping grows as
 * rows arrive (layout.h). So what is not used counts for no limit. A reader of the table (a report) needs nothing
 * else: the table can be a file, and can belong to a process that is gone.
 *
 * A code is an address together with its module. Where another module has come to lie at the same address, that is
 * another code, so the rows of the two are never mixed.
 *
 * Backtraces share their outer frames. The frames of a row are a run of codes, innermost first, and a link at the end
 * of the run: to a place in an older run, where the outer frames go on, or to 0, which ends the backtrace. The place
 * of a frame is its node. A node thus stands for the frame and all frames outward of it: a suffix of the stack.
 *
 *	frames:  | c d e ->0 |   | a b ->d |   | f ->b |		backtraces c d e;  a b d e;  f b d e
 *
 * A stack that is deeper than the depth may have more frames here than its row shows, as far as the unwinder happened
 * to know them, so that stacks which are cut off at different places still share their outer frames. The frames
 * beyond the depth do not belong to the row. Stacks that differ only there have one row, and the row has the frames of
 * the stack that came first.
 *
 * Rows and codes are never removed. Row 0 means "no row". Row 1 stands for every backtrace that found no room, and has
 * no frames. Rows and codes are found by their hashes (index.h).
 *
 * Invariants (table/invariants.c checks them):
 *	each row from ROW_FIRST on, but for rows_wasted, is in the index once; so is each code
 *	each link leads to a node of an older run, thus to a lower number: there are no cycles
 *	the counts below "What grows" only grow; what lies below both a count and its limit is complete as soon as its
 *	number can be found
 * and those of the counters, at struct row.
 *
 * Everything here is async-signal-safe and may be called in any number of threads, unless it says otherwise.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/atomics.h"
#include "elf/heap.h"
#include "base/suffix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_MAGIC		"heaptrc"	/* 8 bytes with its NUL */
#define TABLE_VERSION		16
#define TABLE_FRAMES_MAX	256	/* frames of one row */
#define TABLE_MEMORY_WORDS	14u
#define TABLE_TRUNCATED		512u	/* places in the set of addresses of truncated.h */

#define ROW_NONE		0u
#define ROW_OVERFLOW		1u
#define ROW_FIRST		2u
#define ROW_ID_BITS		22	/* the block map and the index have room for these */

/*
 * The counters of a row. struct row has those that each allocation and free changes, struct row_info those that
 * change seldom, and struct row_upper the upper parts of the few rows whose figures need more bits. A live block is
 * one that was recorded and is not yet freed. Sizes are bytes.
 *
 * The sums since the start (total_size, total_count, temporary) are kept modulo 2^32. The upper parts note how many
 * quarters of 2^32 (2^30) each sum has reached. The quarters are noted after the sum has changed, and may lag behind
 * by up to three. So the true sum is the only number with these lower 32 bits in [quarters * 2^30, quarters * 2^30 +
 * 2^32) (row_sum()), whatever instruction a kill or a reader came after. A row without upper parts has 0 quarters.
 *
 * live_size is below 2^31. A row becomes wide (ROW_WIDE), for good, at the latest when it has 2^30 bytes. From then on
 * its own live_size stays as it is, and the live_size of its upper parts changes. The live size is the sum of the two,
 * and so are the bytes at the heap's maximum (row.h).
 *
 * Invariants, while no thread is inside the guard, of each row with what is pending in the threads' slots
 * (deltas.h):
 *	live_count <= peak_count, live_size <= peak_size, heap_peak_size <= peak_size
 *	live_count <= total_count, live_size <= total_size, temporary <= total_count
 *	live_count == 0  implies  live_size == 0
 *	the sum of live_size over all rows == totals.live_size
 *	the sum of row_heap_peak() over all rows == totals.peak_size		(in a process of one thread)
 *	live_count, live_size == the number and the bytes of the blocks that name the row in the block map (blocks.h)
 *
 * Without what is pending, live_size and live_count of a row can be negative for a while.
 * live_count has 32 bits: a backtrace with more than 4,294,967,295 live blocks is out of range (the blocks alone would
 * take 128 GB). Where there is no space for a row's upper parts, its sums are modulo 2^32, and its sizes may be wrong
 * while 2^30 bytes or more are live; the totals are right.
 */
struct row {
	int32_t live_size;
	uint32_t peak_size;		/* the maximum of live_size while the row was not wide */
	union {
		struct {
			int32_t heap_peak_size;	/* live_size at the heap's maximum: row_heap_peak() */
			uint32_t epoch;		/* of totals.epoch, when that was saved; ROW_WIDE */
		};
		uint64_t saved_peak;	/* both, for several threads, which change the two in one step */
	};
	uint32_t live_count, peak_count;
	uint32_t total_size, total_count;
};
#define ROW_WIDE	1u		/* epochs are even */
#define ROW_QUARTER	((uint32_t)1 << 30)

struct row_info {
	uint32_t node;			/* of frame 0 */
	uint32_t since;			/* ticks (row.h): when live_count last left 0. Of a row of mappings:
					 * regions.h */
	uint32_t temporary;
	uint32_t upper;			/* where its upper parts are, or 0 */
};

struct row_upper {
	int64_t live_size;		/* in addition to the row's */
	int64_t heap_peak_size;		/* this live_size at the heap's maximum */
	uint64_t peak_size;		/* the maximum of both parts' sum since the row is wide */
	uint32_t epoch;
	uint32_t total_size, total_count, temporary;	/* quarters */
} __attribute__((aligned(8)));		/* i386 aligns a uint64_t to 4 bytes */

/* A code: the address in the lower 48 bits, above it its module's number plus 1. */
#define CODE_PC_BITS		48
#define CODE_NO_MODULE		0u	/* code in no module */
#define CODE_SPECIAL		0xfffeu	/* no code: a number that stands for what special.h says */
#define CODE_EARLY		0xffffu	/* before the modules were listed */

/*
 * The frames consist of units of 16 bits. A word of them is a code's number, or a link to a node:
 *
 *	0ccccccc cccccccc			a number below 2^15: the codes that came first are most
 *	10cccccc cccccccc  cccccccc cccccccc	any number
 *	11nnnnnn nnnnnnnn  nnnnnnnn nnnnnnnn	a link
 */
#define FRAME_SHORT		0x8000u		/* below: a word of one unit */
#define FRAME_LINK		0x40000000u	/* in a word of two units, with the first one's upper bit gone */

/* Sums over all rows; on a cache line of its own because every allocation writes it. */
struct table_totals {
	uint64_t live_size, peak_size;	/* bytes, and their maximum */
	uint64_t unknown_frees;		/* frees of blocks that were never recorded, though all were to be */
	uint64_t untracked_frees;	/* frees of blocks that were allocated while not each block was recorded */
	uint64_t stale_blocks;		/* blocks whose free was not seen: address came again */
	uint64_t lost_blocks;		/* allocations not recorded for want of memory */
	uint64_t above;			/* bytes: a new maximum of at least these calls table_peak_passed() */
	uint32_t epoch;			/* counts the heap's new maxima, by twos */
	uint32_t own_new;		/* the allocator's operator new does not call malloc */
	uint64_t fallbacks;		/* stacks that the slow unwinder took */
	uint64_t stacks_checked, stacks_disagreed;	/* --unwind=check */
	uint64_t stacks_cut;		/* stacks that consist of the caller only, taken before the unwinder was
					 * ready */
	uint64_t stacks_broken;		/* stacks that end where a frame's caller could not be found */
	uint16_t other_malloc;		/* the program's malloc comes before ours */
	uint16_t namespaces;		/* libraries were loaded into namespaces of their own (dlmopen) */
	uint32_t untraced;		/* programs started that nothing can be preloaded into */
	uint32_t deep_bound;		/* libraries opened with RTLD_DEEPBIND (deepbind.h) */
	char deep_name[32];		/* one of them */
	uint32_t redirected;		/* valgrind's allocator takes the calls before the hooks */
};

#define SIGNAL_RETURNS_MAX	16	/* programs have one, or two: their own and libc's */

/* Whether somebody still has to print the dump of a table whose process is gone. */
enum table_life {
	TABLE_LIVES,
	TABLE_DUMPED,			/* the final dump has been printed */
	TABLE_EXECS,			/* the process is about to become another program */
};

#define TABLE_SLOTS	256u	/* rows for which each thread has slots; a power of two */

/* Sums over the memory that the program has mapped itself (regions.h), in bytes. */
struct table_pages {
	uint64_t live, peak;		/* of all regions, and their maximum */
	uint64_t missed;		/* what was mapped and could not be recorded, or whose record was lost */
};

#define TIMELINE_DUMPS	64u

/* What belongs to the timeline beside its points (timeline.h). Times are in nanoseconds since begun_ns. */
struct table_timeline {
	uint64_t peak_size;		/* totals.peak_size, and when that was first seen */
	uint64_t peak_ns;
	uint64_t dumps_ns[TIMELINE_DUMPS];	/* when dump n was taken, at n % TIMELINE_DUMPS: the newest ones; 0:
						 * none */
	uint32_t spacing;		/* ticks (row.h) from point to point, at least */
};

/*
 * What happened to the recording itself (events.h). From an event that begins a window on, backtraces get new rows, so
 * a window's rows are those from `first` on, up to those of the next window.
 */
enum event_kind {
	EVENT_NONE,			/* not yet complete */
	EVENT_ON,			/* blocks are recorded from now on; begins a window */
	EVENT_OFF,			/* new blocks are not recorded any more */
	EVENT_CLEAR,			/* the figures begin anew; begins a window */
	EVENT_SAMPLE,			/* another rate of sampling, or none; begins a window */
	EVENT_MARK,			/* a moment that the user has named */
	EVENT_ATTACH, EVENT_DETACH,
	EVENT_KINDS
};

#define EVENT_TEXT_BYTES	48u
#define EVENTS_MOST		128u
#define EVENTS_MARKS_MOST	(EVENTS_MOST - 32)	/* the rest of the list is for events that begin or end a
							 * window... */
#define EVENTS_BEGIN_MOST	(EVENTS_MOST - 1)	/* ...and the last place for the end of the last one */

struct table_event {
	uint64_t ns;			/* since begun_precise_ns */
	uint64_t sample_bytes;		/* the rate of sampling from then on; 0: each block is recorded */
	uint64_t live_size;		/* totals.live_size at that moment */
	uint32_t first;			/* the window begins with this row; 0: none begins here */
	uint32_t kind;			/* enum event_kind; released last */
	char text[EVENT_TEXT_BYTES];	/* of EVENT_MARK, UTF-8, ends with NUL */
};

/* What is recorded: a word that each allocation looks at. Beside the mode it can have CONTROL_PENDING. */
enum control_mode {
	CONTROL_EXACT,			/* each block */
	CONTROL_SAMPLED,		/* some blocks, by chance. Each time that this mode begins, the word is another
					 * one, up to CONTROL_OFF - 1, so that threads see that their chances have
					 * changed */
	CONTROL_OFF = 0x10000,		/* none; frees of blocks that are known are recorded */
	CONTROL_WAITING,		/* as CONTROL_OFF, until the moment of --start-after */
};
#define CONTROL_PENDING	((uint32_t)1 << 31)	/* a command waits in `table_control` */

/* The mode in such a word. */
static inline uint32_t control_mode(const uint32_t *word)
{
	return load_relaxed(word) & ~CONTROL_PENDING;
}

enum control_command {
	CONTROL_COMMAND_NONE,
	CONTROL_COMMAND_ON, CONTROL_COMMAND_OFF, CONTROL_COMMAND_CLEAR,
	CONTROL_COMMAND_SAMPLE,		/* value: bytes, 0 for each block */
	CONTROL_COMMAND_DUMP,
	CONTROL_COMMAND_MARK,		/* text */
};

/*
 * By this another process controls what this one records, without a signal: it writes the command, then `asked`, one
 * more than `done`, and then CONTROL_PENDING into `mode`. A thread of this process that allocates next obeys, and sets
 * `done` to `asked`. One command at a time.
 */
struct table_control {
	uint32_t mode;			/* enum control_mode, perhaps with CONTROL_PENDING */
	uint32_t asked, done;
	uint32_t command;		/* enum control_command */
	uint64_t value;
	uint64_t asked_ns;		/* when (clock of now_precise_ns()) */
	char text[EVENT_TEXT_BYTES];
};

#define SPECIAL_NAMES	512u

/* The blocks that a pool makes its own blocks of. They are in no row, because the pool's blocks are. */
struct pool_backing {
	uint64_t bytes;
	uint32_t count;
	uint32_t unused;
};

enum table_lack {
	TABLE_NO_SPACE = 1,		/* the disk is full, or memory: that is for good */
	TABLE_NO_ADDRESSES,		/* the kernel refused to make a mapping longer: a limit */
};

struct table_header {
	char magic[8];
	uint32_t version;
	uint32_t word_bits;		/* 32 or 64, of the traced program */
	uint64_t size_bytes;		/* of the whole mapping */
	uint64_t rows_offset, infos_offset, uppers_offset, codes_offset, frames_offset, row_index_offset,
		 code_index_offset, shares_offset, deltas_offset, modules_offset, text_offset, timeline_offset,
		 threads_offset, sets_offset, sizes_offset, size_heads_offset, regions_offset,
		 page_rows_offset;
	uint32_t rows_log2;		/* the layout follows from this */
	uint32_t pid;
	char command[16];
	uint32_t parent;		/* the pid of the process whose rows a fork has copied, or 0 */
	uint32_t dumps;			/* that the process has taken */
	uint32_t forks;			/* children that have got a table of their own */
	uint32_t life;			/* enum table_life */
	uint64_t begun_ns;		/* when the table was made (clock of now_ns) */
	uint64_t begun_real_ns;		/* the same moment by CLOCK_REALTIME, as the times of files are */
	uint64_t begun_precise_ns;	/* the same moment by now_precise_ns() */
	uint64_t ended_ns;		/* when the process ended (now_precise_ns()), as it or the watcher has noted, or
					 * 0 */
	uint32_t watched;		/* 1: the watcher holds the table, writes reports from it, and notes the end
					 * in a file of --record */
	uint64_t inode;			/* of the file of --record in which the table was made, or 0; a copy of the file
					 * has another inode */
	struct heap_places heap;	/* where malloc has its figures, in the process */
	/* Where the tracer's own memory is, in the process: the area of addresses (base/arena.h), and the library. */
	uint64_t own_area, own_area_end, own_library, own_library_end;
	/* Where the process's memory went at its newest dump that could tell, for reports after its end;
	 * analysis/memory.h knows the words. memory_ns: when that was (clock of now_ns); 0: no dump could tell. */
	uint64_t memory_ns, memory[TABLE_MEMORY_WORDS];

	/* What may be used of each part (layout.h). */
	uint32_t row_limit, code_limit, frame_limit, deltas_limit, module_limit, text_limit, timeline_limit;
	uint32_t upper_limit, row_levels, code_levels, shares_log2, thread_limit, set_limit;
	uint32_t size_limit, size_heads_log2;	/* 0, but with --histogram */
	uint32_t region_limit, page_row_limit;	/* 0, but with --pages */
	uint32_t no_space;		/* 0, or enum table_lack: a part could not grow */
	uint32_t depth;			/* the most frames of a row; the frames part may have more outward of them */

	/* What grows. */
	__attribute__((aligned(64))) uint32_t row_count;	/* row 0 and 1 included */
	uint32_t code_count;		/* code 0 included */
	uint32_t frames_used;		/* units; may run past frame_limit when it is full */
	uint32_t module_count;
	uint32_t text_used;
	uint32_t rows_wasted;		/* lost a race to intern the same backtrace */
	uint32_t module_changes;	/* added, or come back to their old place */
	uint32_t early;			/* the modules are not yet listed */
	uint32_t timeline_count;	/* points */
	uint32_t deltas_used;		/* may run past deltas_limit */
	uint32_t uppers_used;		/* 0 included; may run past upper_limit when it is full */
	uint32_t sizes_used;		/* may run past size_limit when it is full */
	uint32_t regions_used, page_rows_used;	/* 0 included */
	uint32_t sizes;			/* bits of sizes.h; 0: sizes are not counted */
	uint32_t frozen;		/* 1: a view collects, and nothing moves from a slot to a row (deltas.h) */
	uint32_t modules_full;		/* 1: code of a module was met that the list has no room for */
	uint32_t threads_used;		/* 0, the main thread, included; may run past thread_limit when it is full */
	uint32_t sets_full;		/* 1: there was no space for the set of threads of some row */
	uint32_t suppressions;		/* the place in the text of those that the program brings along; 0: it has
					 * none */
	uint32_t own_allocators;	/* the same of the allocators of the program's own that are traced */
	uint32_t signal_return_count;	/* may run past SIGNAL_RETURNS_MAX */
	uint32_t signal_returns[SIGNAL_RETURNS_MAX];	/* codes: table_is_signal_return() */

	__attribute__((aligned(64))) struct table_totals totals;

	struct table_pages pages;

	struct table_timeline timeline;

	/* Upper bounds of the frees that are pending in all threads' slots of each number (deltas.h). */
	uint32_t pending_frees[TABLE_SLOTS];

	__attribute__((aligned(64))) uint64_t truncated[TABLE_TRUNCATED];	/* truncated.h; 0: a free place */

	__attribute__((aligned(64))) struct table_control control;
	uint64_t sample_bytes;		/* the rate of sampling in force; 0: each block is recorded */
	uint64_t start_ns;		/* with CONTROL_WAITING: when the recording begins (clock of now_ns()) */
	uint32_t window_row;		/* rows below it get no new blocks: they belong to earlier windows */
	uint32_t figures_row;		/* rows below it have blocks from before the last EVENT_CLEAR, which no figure
					 * counts; ROW_OVERFLOW: there are none */
	uint32_t event_count;		/* may run past EVENTS_MOST when the list is full */
	uint32_t special_count;		/* names in use, from 1 on; may run past SPECIAL_NAMES */
	uint32_t special_names[SPECIAL_NAMES];	/* special.h: their places in the text */
	struct pool_backing backings[SPECIAL_NAMES];	/* of the pool whose name has this number; 0: of all those
							 * without one */
	struct table_event events[EVENTS_MOST];
};

_Static_assert(sizeof(struct row) == 32, "two rows a cache line");
_Static_assert(sizeof(struct row_info) == 16, "four infos a cache line");
_Static_assert(sizeof(struct row_upper) == 40, "the same in programs of 32 bits");

#define TABLE_WINDOWS	19

#define TABLE_PAGES_READ	256u
#define TABLE_CODE_HINTS	((uint32_t)1 << 12)
#define TABLE_MODULE_HINTS	64u
#define TABLE_ROW_LOCKS		16u	/* of the rows that take the same slot of a thread: one cache line */
#define TABLE_PATH_BYTES	4096u	/* PATH_MAX */

/*
 * What the process that fills a table keeps of it in memory of its own. Nobody who reads the table needs any of
 * this, so it is not in the mapping; and a table that was loaded (load.h) has none. Hints are believed only
 * after a look at what they name. In a child after fork it goes on as it was, but for what modules_forked() and
 * deltas_forked() reset.
 */
struct table_local {
	uint64_t pages_read[TABLE_PAGES_READ];	/* pages of modules' code that could be read, by their numbers */
	uint32_t code_hints[TABLE_CODE_HINTS];	/* index_hint() of the code found last for such a hash */
	uint64_t *row_hints;			/* the same of rows, and above it the row's node (hints.h) */
	uint32_t row_hints_mask, row_hints_mapped;	/* the numbers of its buckets in use, and mapped, minus 1 */
	bool row_hints_placed;			/* more buckets can be mapped behind these */
	uint32_t module_hints[TABLE_MODULE_HINTS];	/* modules noted last, by their addresses: numbers plus 1 */
	/* deltas.c: rows that a thread flushes to. Only rows that take the same slot of a thread share a line. */
	__attribute__((aligned(64))) uint32_t row_locks[TABLE_SLOTS][TABLE_ROW_LOCKS];
	uint64_t depth_power;			/* the hash's factor to the power of the depth */
	uint64_t peak_step_bytes;		/* table_notify_peaks() */
	void (*notify_peak)(void);
	uint32_t modules_have_gone;		/* 1: some module has been unloaded, or is just about to be */
	uint32_t unloading;			/* threads that are unloading modules */
	uint32_t adds_point;			/* 1: a thread adds a point to the timeline */
	char program_path[TABLE_PATH_BYTES];	/* the loader's name for the program is "" */
};

/* The table of this process, or one that was loaded: the addresses of its parts. */
struct table {
	struct table_header *head;	/* NULL: there is no table */
	struct row *rows;
	struct row_info *infos;
	struct row_upper *uppers;
	uint64_t *codes;
	uint16_t *frames;
	uint32_t *row_index, *code_index;
	uint32_t *shares;		/* nodes by the hash of their suffix; each is verified before it is used */
	struct deltas *deltas;		/* deltas.h */
	struct module *modules;		/* modules.h */
	char *text;			/* the modules' paths */
	struct timeline_point *timeline;	/* timeline.h */
	struct listed_thread *threads;	/* thread_list.h */
	uint64_t *thread_sets;		/* of the rows */
	struct size_entry *sizes;	/* sizes.h */
	uint32_t *size_heads;		/* its chains */
	struct region *regions;		/* regions.h */
	struct page_row *page_rows;
	uint32_t *region_order;		/* their numbers, sorted by address; NULL: no regions are kept, or the table was
					 * loaded */
	uint32_t region_count;		/* in the order */
	uint32_t region_free;		/* the first free one, or 0 */
	uint32_t regions_locked;	/* 1: a thread changes the regions */
	struct table_local *local;	/* NULL: the table was loaded */
	bool shared;			/* in a file or a memfd, not in memory of its own */
	bool populates;			/* shared, and pages have to be reserved before they are touched */
	uint32_t timeline_due;		/* ticks (row.h): when the timeline gets its next point */
	uint32_t refused;		/* mappings that could not grow */
	uint64_t mapped[TABLE_WINDOWS];	/* bytes of each part from its beginning on (layout.h) */
};

/*
 * Makes a table in memory of this process alone. Under a limit on the address space (RLIMIT_AS, RLIMIT_DATA) its
 * largest size is a part of the limit. False when the kernel refuses even the smallest table. Call once, before
 * there are threads. The caller has zeroed *t, or it is that of a table that table_unmap() has ended.
 */
bool table_create(struct table *t);

/* Unmaps a table that nobody uses any more. Afterwards, and for a table that was never made, head is NULL. */
void table_unmap(struct table *t);

/*
 * The same, but the page with the mode of recording (struct table_control) reads as zeros from then on: hooks look at
 * the mode outside the guard, so some thread may be just about to. For the table of a process that goes on without one.
 */
void table_retire(struct table *t);

/*
 * As table_create(), but the table is made in a file (or memfd), which is open for reading and writing, is empty, and
 * belongs to nobody else. The file becomes sparse and large, and may be closed afterwards. Returns 0 or an errno: EFBIG
 * (RLIMIT_FSIZE; no signal is sent), ENOSPC, ENOMEM, ...
 */
int table_create_in(struct table *t, int fd);

/*
 * A copy of what is in use, as a table for table_move() in another such file. Returns 0 or an errno. Other threads and
 * other processes may add rows meanwhile and change counters: each row in the copy's index is whole, and counters are
 * copied as they are when their turn comes.
 */
int table_copy(struct table *t, int fd);

/*
 * In a child after fork whose parent has made the copy in fd before the fork, while threads went on: adds the rows that
 * have come since, which blocks of the child may belong to. They are not in the copy's index, so the child may make a
 * second row for such a backtrace. t is still the parent's table, in memory that both share. Returns 0 or an errno.
 */
int table_copy_complete(struct table *t, int fd);

/* Replaces the mapping of the table, at its old address, by one of fd, which table_copy() has written, or (fd -1) by
 * memory of this process alone. For a child after fork. Returns 0, or an errno: then a part of the table may still be
 * in the old mapping. */
int table_move(struct table *t, int fd);

/* Sets how many frames a row has at most, 1 to TABLE_FRAMES_MAX (the value before). Once, at start. */
void table_set_depth(struct table *t, unsigned depth);

/*
 * Finds or makes the row of a backtrace of `count` frames, innermost first, at least 1. Frames outward of the depth
 * do not decide which row it is. Returns the row's id, or ROW_OVERFLOW when there is no room for a new row.
 *
 * suffixes has an entry for each frame, and the call fills in those of the new frames. The outermost `known` frames are
 * those of a suffix that an earlier call has filled in. The caller has put this suffix into suffixes[count - known];
 * the known frames themselves, and the suffixes outward of that one, are not looked at. One exception: when there are
 * more frames than the depth, the hash in suffixes[depth] must be right.
 *
 * *whole (if not NULL) says whether the nodes in suffixes stand for these frames up to the outermost one. If it is
 * false, they do so only as far as the depth, and lead to the frames of another stack from there on.
 */
uint32_t table_intern(struct table *t, const uintptr_t *frames, unsigned count, unsigned known,
		      struct suffix *suffixes, bool *whole);

/*
 * Finds the row of a backtrace by the codes of its `fresh` innermost frames, which are in frames[].step. `outer` is the
 * suffix outward of them; NULL: the stack ends there, or there are more frames than the depth. hash is that of the
 * first frames up to the depth, as suffix_mix() makes it.
 *
 * Returns 0 if the row is not found, which does not mean that there is none: this is the fast path of table_intern(),
 * which only looks at the hints (hints.h) and makes nothing. nodes gets the nodes of the suffixes that begin with the
 * fresh frames; *whole is as that of table_intern(). Async-signal-safe, any number of threads.
 */
uint32_t table_find(const struct table *t, const struct walked *frames, unsigned fresh, const struct suffix *outer,
		    uint64_t hash, uint32_t *nodes, bool *whole);

/* The code at a node that table_intern() has returned. */
uint32_t table_code_at(const struct table *t, uint32_t node);

/*
 * The frames of a row as codes, innermost first, at most TABLE_FRAMES_MAX. Returns how many: 0
 * for ROW_OVERFLOW. Bounds-checked: of a damaged table, what can be read.
 */
unsigned table_frames(const struct table *t, uint32_t row, uint32_t *codes);

/* The hash by which the index has the row, or the code; and the code at a node of the frames, with the node
 * outward of it (0: none), and whether a link leads there. For checks (invariants.h). */
uint64_t table_row_hash(const struct table *t, uint32_t row);
uint64_t table_code_hash(const struct table *t, uint32_t code);
uint32_t table_node_code(const struct table *t, uint32_t node, uint32_t *out, bool *linked);

/*
 * From now on `passed` is called, in the thread that allocates and inside the guard, whenever the heap's size is a new
 * maximum and has reached a multiple of step_bytes for the first time. Once, at start.
 */
void table_notify_peaks(struct table *t, uint64_t step_bytes, void (*passed)(void));

/* A new maximum has reached totals.above. */
void table_peak_passed(struct table *t, uint64_t live);

/* The code of a row's frame 0, or 0. Bounds-checked as table_frames(). */
uint32_t table_first_code(const struct table *t, uint32_t row);

static inline uint64_t table_code_pc(const struct table *t, uint32_t code)
{
	return t->codes[code] & (((uint64_t)1 << CODE_PC_BITS) - 1);
}

/* Whether the row has counted a call. A sum of calls that is 0 again, modulo 2^32, has upper parts. */
static inline bool table_was_called(const struct table *t, uint32_t row)
{
	return load_relaxed(&t->rows[row].total_count) || load_relaxed(&t->infos[row].upper);
}

/*
 * Whether a code is the code that signal handlers return to (base/sigreturn.h). The next frame outward was interrupted
 * by the signal, so its address is the instruction that comes next, while the addresses of all other frames are those
 * that a call returns to.
 */
static inline bool table_is_signal_return(const struct table *t, uint32_t code)
{
	uint32_t count = load_relaxed(&t->head->signal_return_count);

	for (uint32_t i = 0; i < SIGNAL_RETURNS_MAX && i < count && code; i++) {
		if (load_relaxed(&t->head->signal_returns[i]) == code)
			return true;
	}
	return false;
}

/* Row ids in use are below this. */
static inline uint32_t table_row_end(const struct table *t)
{
	uint32_t count = load_acquire(&t->head->row_count);

	return count < t->head->row_limit ? count : t->head->row_limit;
}

#endif
