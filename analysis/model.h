/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model of a report: all that is known about one moment of a traced process. It is made once
 * by model_make() and never changes afterwards. format/ turns a model into text, folded stacks, JSON
 * and so on. A model writes nothing and knows no format; a format reads nothing but the model.
 *
 *	table -> view -> rules -> --focus, --hide -> sort, per key -> names for the listed rows -> struct model
 *	-> format
 *
 *	struct model
 *	  process, moment, allocator	whose figures, when and why, what malloc itself says
 *	  memory			where the process's resident memory goes
 *	  totals			sums over the rows
 *	  sections[]			one per sort key: which rows are listed, in which order
 *	      model_row()		  a row: one figure for each sort key
 *	        model_threads()		    the threads that have allocated in it
 *	        model_stack()		    its frames, innermost first
 *	          model_frame()		      an address with its module
 *	            frame_call()		the functions at that address, the inlined ones first
 *	  not_seen, sections[].lacks	what the figures do not cover, which names are missing and why
 *
 * Units: sizes are bytes, counts are blocks or calls, times are nanoseconds of CLOCK_MONOTONIC.
 *
 * Texts are NUL-terminated and come from the traced program (names, paths): they can hold any byte.
 * A format writes them so that they cannot damage its output (out_name() for a terminal).
 *
 * Invariants:
 *	the live sizes of all rows add up to totals.size, unless view memory was short (totals.partial)
 *	of a row: size <= peak-size, count <= peak-count, count <= total-count, temporary <= total-count
 *	the values of a section's key never grow from one listed row to the next
 *
 * Names are resolved for the rows that a section or `all` lists. A frame of any other row has its address, but no
 * function.
 *
 * All functions are async-signal-safe. The model's memory is the caller's arena: the model lives until
 * the arena is released. Where memory is short a model has fewer rows, and says so.
 */
#ifndef ANALYSIS_MODEL_H
#define ANALYSIS_MODEL_H

#include "base/arena.h"
#include "options/options.h"

struct history;
struct model_seen;
struct model_totals;
struct names;
struct names_store;
struct rules;
struct table;
struct view;

/* ---- The request ---- */

/* Which rows a section lists. */
enum model_rows {
	MODEL_ROWS_OF_KEY,	/* at most options.top rows: of a key of the present (model_key_is_live()) those with
				 * live blocks, of a key of the past those whose figure for it is not 0 */
	MODEL_ROWS_WEIGHTS,	/* all rows whose figure for the key is not 0 */
};

/* Whether the key's figures are about blocks that are alive now: size, count, age. */
static inline bool model_key_is_live(enum sort_key key)
{
	return key == SORT_SIZE || key == SORT_COUNT || key == SORT_AGE;
}

/* Whether the key's figures are bytes. */
static inline bool model_key_is_size(enum sort_key key)
{
	return key == SORT_SIZE || key == SORT_PEAK_SIZE || key == SORT_HEAP_PEAK || key == SORT_TOTAL_SIZE;
}

/* The sizes and the counts that belong to a key: for peak-count the peak sizes, for temporary the bytes of all calls.
 * --min-size and --min-count compare these. */
enum sort_key model_size_key(enum sort_key key);
enum sort_key model_count_key(enum sort_key key);

/* Whether --min-size, --min-count and --older-than let something with these figures into a list. size, count: those of
 * the two keys above. */
bool model_is_large(const struct options *o, uint64_t size, uint64_t count, uint64_t age_ns);

/* Adds the figures of a row to sums over rows. The sum of SORT_AGE is the largest age. */
void model_add_values(uint64_t sums[SORT_KEYS], const uint64_t values[SORT_KEYS]);

/* Why a dump is taken. */
enum model_reason {
	REASON_ASKED,		/* a user has called heaptrace --report or --dump */
	REASON_SIGNAL,		/* the process got the signal of --signal-size or --signal-count */
	REASON_ABOVE,		/* the heap has exceeded a multiple of --above */
	REASON_EVERY,		/* the time of --every has passed */
	REASON_EXIT,		/* the process ends */
	REASON_SIGNALLED,	/* the process ends by a signal */
	REASON_DETACH,		/* the process goes on untraced: heaptrace --detach */
	REASON_KILLED,		/* the process ended without a dump: it was killed, or called the bare system call */
};

/* What is known about the traced process beside its table. */
struct model_process {
	uint32_t pid;
	const char *command;		/* as in /proc/PID/comm */
	bool peak_rss_is_least;		/* peak_rss is the largest that the watcher has seen: the kernel's figure is
					 * gone */
	bool unfiltered;		/* no filter of seccomp(2) is in force that could end the process at system
					 * calls which doc/limits.md does not list */
	bool statm_known;		/* these three sizes could be read in /proc/PID/statm */
	uint64_t vss, rss, shared;
	uint64_t peak_rss;		/* the largest RSS that the process has had; 0: not known */
};

/* See selection_apply(). */
typedef void model_select(struct view *v, struct names *n, const struct options *o, unsigned sections,
			  struct model_totals *totals);

struct model_request {
	struct table *table;
	const struct history *history;		/* of that table (analysis/history.h), or NULL */
	const struct options *options;		/* the limit of rows, and where names are looked up */
	const struct model *older;		/* see struct model */
	const struct rules *rules;		/* of --ignore; may be NULL */
	model_select *select;			/* leaves out what --focus and --hide say; NULL: neither is given, or
						 * this is the traced process, which does not contain that code */
	uint8_t sort[SORT_KEYS];		/* enum sort_key: one section for each */
	uint8_t sort_count;
	enum model_rows rows;
	enum model_reason reason;
	uint8_t signal;				/* with REASON_SIGNAL and REASON_SIGNALLED: its number */
	bool figures;				/* model.allocator, not_seen and the sections' lacks are filled, too */
	bool all_rows;				/* model.all is filled, too */
	bool all_names;				/* its rows have names; otherwise the rows of the sections have them,
						 * and those of model_name_row() */
	bool runtime_apart;			/* in the dump at the end, rows of what the runtime keeps for good are
						 * not listed by keys of the present, but summed up (runtime.h) */
	bool whole;				/* with skip_if_empty: a model is made, too, of a process where nothing
						 * is live any more, if it has ever called malloc() */
	bool skip_if_empty;			/* with MODEL_ROWS_OF_KEY: no model is made where no section lists a
						 * row */
	bool foreign;				/* the table is of another process, whose modules are not in the
						 * memory of this one */
	uint32_t runs_as;			/* if foreign: the pid of that process as seen from here; 0: it has
						 * ended */
	const struct model_seen *seen;		/* figures that come with the table; NULL: what there is is read now */
	struct names_store *store;		/* names that come with the table (names.h); NULL: there are none */
	uint64_t now_ns;			/* the moment of the table; 0: now */
	bool tries_again;			/* the caller handles MODEL_NO_DESCRIPTOR */
	bool heap_still;			/* malloc's free chunks may be read: this process has one thread,
						 * which is not inside malloc, and malloc's data are sound */
	bool apart;				/* the dump is not one of the numbered ones (struct dumper) */
	struct model_process process;
};

/* ---- The model ---- */

struct model_moment {
	uint64_t now_ns;		/* when the figures were taken */
	uint64_t begun_ns;		/* when the table was made: the start of the process; in a forked child, its
					 * parent's */
	uint64_t runtime_ns;		/* from the start to the moment of the figures, by the precise clock */
	uint64_t begun_real_ns;		/* the same moment by CLOCK_REALTIME */
	uint64_t peak_at_ns;		/* when totals.peak_size was reached, since begun_ns: the first look at the
					 * clock that saw it (table/timeline.h) */
	uint32_t number;		/* of this dump among those of the process, from 1 on; 0: it is not one of
					 * them */
	enum model_reason reason;
	uint8_t signal;			/* with REASON_SIGNAL and REASON_SIGNALLED: its number; else 0 */
	bool ended;			/* the process ends, or has ended: what is live is not freed any more */
	bool attached;			/* the start is not the process's, but that of an attach (--pid) */
};

/* The moment of the figures since the start of the process, as the history counts (history.h). */
static inline uint64_t model_moment_ns(const struct model_moment *t)
{
	return t->now_ns > t->begun_ns ? t->now_ns - t->begun_ns : 0;
}

/* Sums over the rows that neither a rule of --ignore nor --focus has left out. */
struct model_totals {
	uint32_t live_rows;		/* rows with live blocks, listed or not */
	uint64_t size, count;		/* of the live blocks */
	uint64_t heap_peak, total_size, total_count, temporary;
	uint64_t peak_size;		/* the largest size that the whole heap has ever had, ignored rows included */
	uint32_t ignored_rows;		/* rows with live blocks that a rule has left out */
	uint64_t ignored_size;		/* their live bytes */
	uint32_t unfocused_rows;	/* of the others: rows with live blocks without a frame that --focus matches */
	uint64_t unfocused_size;	/* their live bytes */
	bool partial;			/* memory was short: live_rows and size are right, the other sums are not */
	uint32_t outside_rows;		/* rows with live blocks that are not in the chosen windows, or are from before
					 * the last clear: no other figure has them */
	uint64_t outside_size, outside_count;	/* their live bytes and blocks */
	uint64_t left_weight;		/* if partial: the sum, for the first key, of the rows without room in the
					 * model */
};

/* How much memory malloc has, and how much of it the program has (allocator.h). */
struct model_allocator {
	bool virtual_known, virtual_estimated;	/* of virtual_bytes */
	bool estimated;			/* handed_bytes is an estimate */
	uint64_t virtual_bytes;		/* what malloc has got from the kernel */
	uint64_t handed_bytes;		/* the part of it that is handed out to the program */
	bool parts_known;		/* the next three, because malloc is glibc's */
	uint64_t arenas_bytes;		/* the part of virtual_bytes in heaps of many blocks, */
	uint64_t mapped_bytes, mapped_count;	/* and that of blocks that have a mapping each */
	uint64_t chunks_bytes;		/* an estimate of what live blocks take of arenas_bytes, malloc's headers and
					 * the rounding of sizes included; it has nothing that was freed */
	const char *unknown;		/* why virtual_bytes is not known, in words for the user */
};

/* Where the figures of struct model_memory come from. */
enum memory_source {
	MEMORY_UNKNOWN,			/* the process has ended, or nothing may be read: all figures are 0 */
	MEMORY_STATM,			/* /proc/PID/statm, because smaps may not be read: of the parts only `files` and
					 * `anonymous`, which is all the rest, are known */
	MEMORY_STATM_LARGE,		/* the same, because reading smaps would stop the program for too long */
	MEMORY_SMAPS,			/* /proc/PID/smaps */
};

/* Other allocators than glibc's, which are known by the names of their libraries. */
enum memory_allocator { ALLOCATOR_UNNAMED, ALLOCATOR_JEMALLOC, ALLOCATOR_TCMALLOC, ALLOCATOR_MIMALLOC };

/* What most of RSS is, where it is not live blocks. */
enum memory_mostly {
	MEMORY_LIVE,			/* it is live blocks, or nothing stands out */
	MEMORY_FREE,			/* free memory of malloc, most of which malloc_trim(3) gives back */
	MEMORY_FRAGMENTED,		/* free memory of malloc, most of which malloc_trim(3) cannot give back */
	MEMORY_ROUNDING, MEMORY_ANONYMOUS, MEMORY_FILES, MEMORY_STACKS, MEMORY_OWN,
};

/*
 * Where the process's resident memory goes, in bytes of RSS:
 *
 *	live - unwritten + rounding + free + anonymous + files + stacks + own == rss
 *
 * With another malloc than glibc's rounding and free are 0: they are a part of anonymous.
 */
struct model_memory {
	enum memory_source source;
	enum memory_mostly mostly;
	bool allocator_known;		/* malloc is glibc's */
	enum memory_allocator allocator;	/* which other one it is */
	uint64_t rss;
	uint64_t live;			/* live blocks, as the program has asked for; ignored rows included */
	uint64_t unwritten;		/* the part of them, and of their rounding, that is not in memory */
	uint64_t rounding;		/* malloc's headers in live blocks, and the rounding of sizes */
	uint64_t free;			/* the part that is in memory of what malloc keeps free */
	uint64_t trimmable;		/* the part of `free` that malloc_trim(3) would give back */
	uint64_t anonymous;		/* other mappings without a file */
	uint64_t files;			/* mappings of files, and shared memory */
	uint64_t stacks;		/* of all threads */
	uint64_t own;			/* heaptrace's own */
	uint64_t swapped;		/* not in RSS: what is swapped out */
	uint64_t before_ns;		/* how long before the moment of the model that was; 0: at that moment */
};

#define MODEL_TRUNCATED_MODULES	16u

/* What the figures do not cover. */
struct model_not_seen {
	uint64_t lost_blocks;		/* allocations that were not recorded for want of memory */
	uint64_t overflow_calls;	/* allocations that share one row because the table was full */
	bool no_space;			/* new backtraces get no row any more */
	uint64_t stacks_cut;		/* stacks of which only the caller of malloc could be seen */
	uint64_t stacks_broken;		/* stacks that end where a frame's caller could not be found */
	uint64_t slow_stacks;		/* stacks that the slow unwinder took */
	uint64_t unknown_frees;		/* frees of blocks that were never recorded */
	uint64_t untracked_frees;	/* frees of blocks that were allocated while not each block was recorded: */
	bool before_attach;		/* before heaptrace was attached to the process */
	bool in_pause;			/* in a pause of the recording, or when blocks were sampled */
	uint64_t known_frees;		/* frees that were not seen, of recorded blocks: malloc returned the address
					 * again */
	uint32_t untraced;		/* programs that were started and could not be traced */
	bool own_new;			/* the allocator's operator new does not call malloc */
	const char *own_allocators;	/* allocators of the program's own that are seen, in words; NULL: there is
					 * none */
	bool other_malloc;		/* the program's own malloc comes before heaptrace's, or an allocator of its
					 * own that --allocator names could not be hooked */
	bool valgrind;			/* valgrind's own allocator takes the calls */
	bool namespaces;		/* dlmopen() has loaded libraries in namespaces of their own */
	uint32_t deep_bound;		/* libraries opened with RTLD_DEEPBIND, and the name of one */
	char deep_name[33];
	/* Rows with live blocks whose stack ends at code without unwind information: in no file (compiled
	 * at run time), or in a module. The modules' paths stand here once each, as many as there is room for. */
	uint32_t truncated_no_file, truncated_in_modules;
	const char *truncated_modules[MODEL_TRUNCATED_MODULES];
	unsigned truncated_module_count;
	/* With --unwind=check: stacks that both unwinders have taken, and those on which they disagreed. */
	uint64_t stacks_checked, stacks_disagreed;
};

/* A module whose listed frames have no names or no lines, though the module could have some. */
struct model_lack {
	const char *module;		/* its path */
	const char *why;		/* in words: "no symbols" */
	int error;			/* the errno of opening its file, where that explains the rest; or 0 */
};

struct model_lacks {
	const struct model_lack *names, *lines;
	unsigned name_count, line_count;
	unsigned unknown_modules;	/* modules without names whose paths are not known */
	bool modules_full;		/* further modules were loaded for which the table had no room */
};

/* Who keeps blocks for good that are not listed: see runtime.h. */
enum model_kept_part {
	MODEL_KEPT_POOL,		/* libstdc++: its emergency pool */
	MODEL_KEPT_STREAMS,		/* libc: buffers of stdin, stdout, stderr */
	MODEL_KEPT_LOADER,		/* ld.so */
	MODEL_KEPT_PARTS
};

struct model_kept {
	uint64_t size, count;		/* of live blocks */
};

struct model_section {
	enum sort_key key;
	uint32_t count;			/* rows that are listed */
	uint32_t left_out;		/* how many more rows would be listed if there were memory for them */
	uint32_t filtered;		/* how many rows are not listed because of --min-size, --min-count or
					 * --older-than... */
	uint64_t filtered_size;		/* ...and their bytes, of the size that belongs to the key (model_size_key()) */
	struct model_lacks lacks;	/* what the listed rows' frames lack */
	struct model_kept kept[MODEL_KEPT_PARTS];	/* with request.runtime_apart: rows that would be among the
							 * listed ones; the totals have them */
	struct sort_entry *rows;	/* for model_row() */
};

struct model {
	const struct options *options;
	const struct model *older;	/* of another run, with `all`, to compare this one with (analysis/diff.h); or
					 * NULL */
	const struct rules *rules;	/* NULL: there are none. rules_next_unmatched() lists those that matched
					 * nothing */
	const struct history *history;	/* the earlier moments of the run: its timeline and snapshots
					 * (analysis/history.h); NULL in a report that the traced process makes
					 * itself */
	struct model_process process;
	const char *program;		/* the path of the module that was started, as struct frame has it; NULL:
					 * unknown */
	struct model_moment moment;
	uint64_t sample_bytes;			/* on average one block in so many bytes was recorded, at least for a
						 * part of the run, and figures of rows are estimates; 0: all are
						 * exact */
	struct model_totals totals;
	struct model_allocator allocator;
	struct model_memory memory;
	struct model_not_seen not_seen;
	struct model_section sections[SORT_KEYS];
	unsigned section_count;
	struct model_section all;		/* with request.all_rows: every row, those without live blocks too, by
						 * the first key; with request.all_names they have names, and it has
						 * their lacks */
	struct model_parts *parts;		/* for the functions below */
};

/* Figures of a process that ran, as a model of that moment had them. A report that is made later can have them from
 * here only. pack/figures.c has a list of these figures. */
struct model_seen {
	bool statm_known;		/* these five as in struct model_process */
	uint64_t vss, rss, shared, peak_rss;
	struct model_allocator allocator;
	struct model_memory memory;
};

enum model_result {
	MODEL_DONE,
	MODEL_EMPTY,		/* request.skip_if_empty is set, and no section would list a row. Of the model only
				 * the totals are there */
	MODEL_NO_MEMORY,
	MODEL_NO_DESCRIPTOR,	/* request.tries_again is set, and a file could not be read because the process
				 * has no descriptor left (base/safe_open.h): the caller frees some, and calls
				 * again. Of the model nothing may be used */
};

/* Makes the model of this moment, with a section for each of request.sort[0..sort_count). The table of another
 * process must not change meanwhile. *m must not be used if the result is MODEL_NO_MEMORY. */
enum model_result model_make(struct model **m, const struct model_request *request, struct arena *arena);

/*
 * Makes a model without rows and figures, for a caller that keeps these itself, and that reads the same table again and
 * again (load_again()): model_stack(), model_frame(), model_threads(), model_name_rows() and labels work with it, for
 * rows of which the caller fills in id, overflow and threads. What has been looked up stays known. NULL: there is no
 * memory.
 */
struct model *model_for_names(const struct model_request *request, struct arena *arena);

/* The table that the model was made of, for other parts of analysis/ that read figures of their own. */
const struct table *model_table(const struct model *m);

/* The pid of the process as /proc has it here, in a report by another process; 0: it has ended. */
uint32_t model_runs_as(const struct model *m);

/* Which row of the model the figures of a row of the table are in: where a backtrace has a row in each of several
 * windows, one stands for all. 0: in none, because the row is not of the chosen windows, or from before the last
 * clear. */
uint32_t model_row_of(const struct model *m, uint32_t row);

/* A pool of the program's (process/pools.h) that has live blocks or backings: sums over the model's rows, so that
 * --ignore, --window... leave out of them what they leave out of the totals. Backings are in no row, and all are
 * here. */
struct model_pool {
	const char *name;		/* foreign text; empty: of all pools for whose names there was no room */
	uint64_t size, count;		/* bytes and number of the live blocks */
	uint64_t backing_size, backing_count;	/* of the blocks of which the pool makes its own */
};

/* Finds the pools, in the order in which the program has named them. Returns how many there are: 0 where there is no
 * memory for the list, or where totals.partial says that the model lacks rows. */
uint32_t model_pools(const struct model *m, struct model_pool **pools, struct arena *arena);

/* ---- Rows and frames ---- */

struct model_row {
	uint64_t values[SORT_KEYS];	/* by enum sort_key; SORT_AGE in nanoseconds, 0 without live blocks */
	uint32_t id;			/* the same for the same backtrace in all dumps of a process */
	bool overflow;			/* the overflow row, which has no frames: all allocations without a row of their
					 * own */
	uint64_t threads;		/* for model_threads() */
};

/* Row n of a section, n < section.count. */
struct model_row model_row(const struct model *m, const struct model_section *s, uint32_t n);

#define MODEL_THREADS	4u

/* Threads that have allocated with the same backtrace, the main thread first, then by their ids. */
struct model_threads {
	bool many;			/* there are others, which are not in the list */
	bool main_alone;		/* the list is the main thread */
	unsigned count;
	struct model_thread {
		uint32_t id;		/* the kernel's, as gettid() has it; the main thread has that of the process */
		char name[16];		/* as last set; empty: unknown */
		bool main;
	} list[MODEL_THREADS];
};

/* The threads of a row, from its set row.threads. A report that groups rows makes larger sets with thread_set_add()
 * (table/thread_list.h). */
void model_threads(const struct model *m, uint64_t set, struct model_threads *threads);

/* What reports have in place of the frames of rows that have none. */
#define MODEL_TABLE_FULL	"(table full)"			/* of the overflow row */
#define MODEL_ALL_HIDDEN	"(all frames are hidden)"	/* of a row of which --hide has taken every frame out */
/* Of the rows for which the model has no room. */
#define MODEL_NO_ROWS		"(no memory for more backtraces)"

/* The frames of a row, which model_frame() reads one by one. It takes about 1.25 KB. Those that --hide matches are not
 * among them, so a row can have none. */
struct model_stack {
	unsigned count;
	const struct model_parts *parts;
	uint32_t codes[OPTIONS_DEPTH_MAX + 1];
	uint8_t shown[OPTIONS_DEPTH_MAX + 1];	/* the index of each frame in codes */
};

/* Finds the frames of a row. */
void model_stack(const struct model *m, const struct model_row *row, struct model_stack *stack);

/* Looks up the names of a row's frames, if they have none: see model_request.all_names. */
void model_name_row(const struct model *m, const struct model_row *row);

/* The same for several rows, by their ids, in one pass over each file. Reads no file if all names are known. */
void model_name_rows(const struct model *m, const uint32_t *ids, uint32_t count);

/* A frame: an address in the code, with the functions that it lies in. */
struct frame {
	uint64_t pc;
	const char *module;		/* the path, "?" where that is not known; NULL: code in no module */
	uint64_t module_offset;		/* the address in that file, as addr2line takes it */
	unsigned call_count;		/* at least 1; more than 1 where functions are inlined */
	const struct name *name;	/* for frame_call(); NULL: no name was looked up */
};

/* Frame i of a stack, 0 <= i < stack.count, innermost first. */
struct frame model_frame(const struct model_stack *stack, unsigned i);

#define FRAME_NO_OFFSET	UINT64_MAX

/*
 * A function that a frame's address lies in. Call 0 is the innermost one. All but the last are inlined, each
 * into the next one; the last one's code is at the address.
 *
 *	call 0	   std::vector<int>::push_back(int&&), inlined, /usr/include/c++/12/bits/stl_vector.h:1294
 *	call 1	   parse(char const*), offset 0x1b, src/parse.cc:214
 */
struct frame_call {
	const char *function;		/* NULL: unknown */
	uint64_t offset;		/* pc minus the function's start, or FRAME_NO_OFFSET */
	const char *file;		/* NULL: unknown */
	uint32_t line;			/* 0: unknown */
	bool inlined;
};

/* Call i of a frame, i < frame.call_count. */
struct frame_call frame_call(const struct frame *f, unsigned i);

#endif
