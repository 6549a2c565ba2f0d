/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The preload library's face: the functions it stands in front of, and its start. No
 * algorithm lives here.
 *
 *	hook -> guard -> real function -> capture -> intern -> counters -> block map
 */
#include "base/arena.h"
#include "base/atomics.h"
#include "base/boot.h"
#include "base/check.h"
#include "elf/deepbind.h"
#include "elf/headers.h"
#include "elf/loaded.h"
#include "elf/lookup.h"
#include "options/options.h"
#include "base/out.h"
#include "base/path.h"
#include "base/probe.h"
#include "base/uninterrupted.h"
#include "base/reserve.h"
#include "capture/capture.h"
#include "process/allocator.h"
#include "process/own_descriptors.h"
#include "hooks/exec.h"
#include "process/guard.h"
#include "process/inherit.h"
#include "process/storage.h"
#include "process/record.h"
#include "process/rights.h"
#include "process/session.h"
#include "hooks/shell.h"
#include "hooks/signal_hooks.h"
#include "process/signals.h"
#include "process/verify.h"
#include "table/layout.h"
#include "table/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* libc's, without the DSO handle that atexit() would add: see start_ends(). */
extern int __cxa_atexit(void (*fn)(void *), void *arg, void *dso);
extern int __cxa_at_quick_exit(void (*fn)(void *), void *dso);

static __thread bool fork_stopped;	/* ...and the other threads' hooks wait meanwhile */
static __thread sigset_t fork_mask;	/* the thread's own, from fork_prepare() on */

/*
 * A page that the kernel clears in a child with memory of its own (MADV_WIPEONFORK, Linux 4.14):
 * one that no fork handler saw finds IDLE there, and is seen before it writes to a table that is
 * its parent's. It has the size and place of a page wherever pages are not larger.
 */
#define PAGE_BYTES	4096
static union {
	enum { IDLE, OFF, TRACING, FORKING } state;
	char page[PAGE_BYTES];
} per_memory __attribute__((aligned(PAGE_BYTES)));
#define state per_memory.state

static struct options options;

/* ---- The real functions ---- */

/* glibc's struct mallinfo2 (2.33), for builds on older systems. */
struct sizes {
	size_t field[10];
};

/* What old or new headers do not declare. */
void cfree(void *p);
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t alignment, size_t size);
struct sizes heaptrace_mallinfo2(void) __asm__("mallinfo2");

/* malloc comes last: when it is there, all are (or this libc has them not). */
#define REAL_FUNCTIONS(X)							\
	X(reallocarray) X(free_sized) X(free_aligned_sized) X(posix_memalign)	\
	X(aligned_alloc) X(memalign) X(valloc) X(pvalloc) X(dlclose)		\
	X(malloc_trim) X(mallopt) X(malloc_info) X(malloc_stats) X(mallinfo)	\
	X(_exit) X(calloc) X(realloc) X(free) X(malloc)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"	/* mallinfo */
static struct {
#define DECLARE(name) __typeof__(name) *name;
	REAL_FUNCTIONS(DECLARE)
	struct sizes (*mallinfo2)(void);
} real HOT_DATA __attribute__((aligned(64)));
#pragma GCC diagnostic pop

static struct boot_pool boot_pool;

static void find_real(void)
{
#define FIND(name) { #name, (void **)(void *)&real.name },
	static const struct lookup list[] = { FIND(mallinfo2) REAL_FUNCTIONS(FIND) };

	guard_enter();
	lookup_next(list, sizeof(list) / sizeof(list[0]));
	guard_drop();
}

/* ---- Recording ---- */

static bool start(void);

/*
 * When a thread ends, libc gives its cache of free blocks back, with locks that a dump must
 * not ask for. A destructor of thread-specific data runs before that.
 */
static pthread_key_t end_key;
static bool end_key_made;

static void thread_ends(void *unused)
{
	struct thread *t = guard_self.thread;

	(void)unused;
	if (guard_self.inside && t)	/* cancelled, or ended by a handler, inside a hook */
		threads_cut_short(t);
	guard_enter();
	guard_self.ending = true;
	guard_self.thread = NULL;
	guard_self.paths = NULL;
	if (t)
		threads_give_back(&recorder.table, t);
	inherit_thread_ends();
	guard_leave();
}

static void watch_thread(void)
{
	guard_self.fresh = 0;
	pthread_setspecific(end_key, &guard_self);
	guard_self.thread = threads_take(&recorder.table, recorder.depth);
	if (guard_self.thread && !capture_checking)	/* what it knows is to be compared */
		guard_self.paths = guard_self.thread->paths;
}

/*
 * While another thread forks, its child's copy of the table and of the block map have to be of
 * one moment: nobody changes them. But the fork may wait for something that this thread holds
 * (stdio's lock), so after a while this one goes on.
 */
#define FORK_TRIES	200	/* of 100 us */
static uint32_t forks;		/* under way */

static void wait_for_fork(void)
{
	struct timespec pause = { 0, 100000 };
	int saved = errno;

	for (unsigned tries = 0; load_acquire(&state) == FORKING &&
	     (tries < FORK_TRIES || (CHECKING && verify_is_running())); tries++) {
		if (tries < 10)
			sched_yield();
		else
			nanosleep(&pause, NULL);
	}
	if (CHECKING && load_acquire(&state) == FORKING)
		verify_fork_overtaken();
	errno = saved;
}

/* The guard has been entered; false: it has been left. */
static bool __attribute__((noinline)) enter_slowly(void)
{
	for (unsigned times = 0; ; times++) {
		if (load_relaxed(&state) == FORKING && times < 2) {
			guard_leave();
			wait_for_fork();
			guard_enter();
		} else if (load_relaxed(&state) >= TRACING || start()) {
			return true;
		} else {
			guard_leave();
			return false;
		}
	}
}

/*
 * A hook that comes upon a guard that is held, or is the thread's first, or the process's. False:
 * pass the call through.
 */
static bool __attribute__((noinline)) enter_first(unsigned calls)
{
	if (unlikely(!real.malloc)) {
		if (guard_self.inside)
			return false;
		find_real();
	}
	if (guard_self.inside && !guard_recover(calls + 1))
		return false;
	if (guard_self.fresh && end_key_made && load_relaxed(&state) == TRACING) {
		guard_enter();
		watch_thread();
		guard_drop();
	}
	return true;
}

/*
 * Begins a hook. False: pass the call through. Each that was true needs a guard_leave(). calls: 1
 * in the hook itself, 2 in a function that it calls.
 */
static inline __attribute__((always_inline)) bool enter(unsigned calls)
{
	if (unlikely(guard_self.unready) && !enter_first(calls))
		return false;
	guard_enter();
	return likely(load_relaxed(&state) == TRACING) || enter_slowly();
}

/* What stands for a function as frame 0: see record_alloc(). */
#define CALLED(function) ((uintptr_t)(function) + 1)
/* In a hook: what the program called, and from where. */
#define RECORD(p, size, function) do {						\
	struct capture_point from = CAPTURE_POINT();				\
										\
	record_alloc((p), CALLED(function), from.pc, from.sp, from.fp, (size));	\
} while (0)

/* ---- The hooks. Each does for the program exactly what the real function does. ---- */

static void *__attribute__((noinline)) malloc_untraced(size_t size)
{
	return real.malloc ? real.malloc(size) : boot_alloc(&boot_pool, size);
}

EXPORT HOT_CODE void *malloc(size_t size)
{
	void *p;

	if (unlikely(!enter(1)))
		return malloc_untraced(size);
	p = real.malloc(size);
	if (likely(p != NULL))
		record_alloc_inline(p, CALLED(malloc), size);
	guard_leave();
	return p;
}

static void *__attribute__((noinline)) calloc_untraced(size_t count, size_t size)
{
	if (real.malloc)
		return real.calloc(count, size);
	return count && size > SIZE_MAX / count ? NULL : boot_alloc(&boot_pool, count * size);
}

EXPORT HOT_CODE void *calloc(size_t count, size_t size)
{
	void *p;

	if (unlikely(!enter(1)))
		return calloc_untraced(count, size);
	p = real.calloc(count, size);
	if (likely(p != NULL))
		record_alloc_inline(p, CALLED(calloc), count * size);
	guard_leave();
	return p;
}

/* A block from the boot pool moves to the real heap. */
static void *leave_boot(void *old, size_t size)
{
	size_t old_size = boot_size(old);
	void *p = malloc(size);

	if (p)
		memcpy(p, old, old_size < size ? old_size : size);
	return p;
}

/*
 * What all reallocs share. The slot is cleared before the call, because from the moment the
 * real function frees the old block its address can be another thread's, and restored when
 * the call fails. A zero size that gives NULL has freed the block (glibc).
 */
static HOT_CODE __attribute__((noinline)) void *reallocate(void *old, size_t size, bool by_array, size_t count, size_t each,
			uintptr_t function, const struct capture_point *from)
{
	bool recording = enter(2);
	struct block b = state >= TRACING && old ? record_take(old) : NO_BLOCK;
	bool was_newest = b.row != ROW_NONE && record_is_newest(old, b.slot);
	void *p = by_array ? real.reallocarray(old, count, each) : real.realloc(old, size);

	if (p && recording) {
		if (old && b.row == ROW_NONE)
			add_relaxed(&recorder.table.head->totals.unknown_frees, 1);
		record_realloc(p, size, b, function, from);
	} else if (p || (!size && old)) {
		/* The block is freed, and nothing allocated: as free() would. */
		if (b.row != ROW_NONE)
			record_uncount(b, was_newest, !recording);
		if (was_newest)
			guard_self.last_block = NULL;
	} else if (b.row != ROW_NONE) {
		record_put_back(old, b);
	}
	if (recording)
		guard_leave();
	return p;
}

EXPORT HOT_CODE void *realloc(void *old, size_t size)
{
	struct capture_point from;

	if (unlikely(!real.malloc)) {
		if (guard_self.inside)
			return old ? leave_boot(old, size) : boot_alloc(&boot_pool, size);
		find_real();
	}
	if (unlikely(boot_owns(&boot_pool, old)))
		return leave_boot(old, size);
	from = CAPTURE_POINT();
	return reallocate(old, size, false, 0, 0, CALLED(realloc), &from);
}

EXPORT void *reallocarray(void *old, size_t count, size_t each)
{
	struct capture_point from;
	size_t size;

	if (unlikely(!real.malloc))
		find_real();
	if (__builtin_mul_overflow(count, each, &size)) {
		errno = ENOMEM;
		return NULL;
	}
	if (unlikely(boot_owns(&boot_pool, old)))
		return leave_boot(old, size);
	from = CAPTURE_POINT();
	return reallocate(old, size, real.reallocarray != NULL, count, each,
			  CALLED(reallocarray), &from);
}

/* Of a block that is in the map no more, if it ever was: whether the real function knows it. */
static bool __attribute__((noinline)) free_unknown(const void *p)
{
	if (boot_owns(&boot_pool, p))
		return false;
	add_relaxed(&recorder.table.head->totals.unknown_frees, 1);
	return true;
}

/* When passing through, a block that was recorded must not stay in the map either. */
static bool __attribute__((noinline)) free_untraced(void *p)
{
	if (boot_owns(&boot_pool, p))
		return false;
	if (!real.malloc)
		find_real();
	if (state >= TRACING)
		record_free(p, true);
	return true;
}

#define FREE(p, known, call) do {				\
	if (unlikely(!p))					\
		return;						\
	if (likely(enter(1))) {					\
		if (likely(known) || free_unknown(p))		\
			call;					\
		guard_leave();					\
	} else if (free_untraced(p)) {				\
		call;						\
	}							\
} while (0)

EXPORT HOT_CODE void free(void *p)
{
	FREE(p, record_free_inline(p), real.free(p));
}

/* These are seldom called: for size. */
EXPORT __attribute__((cold)) void cfree(void *p)	/* gone since glibc 2.26; old programs still call it */
{
	FREE(p, record_free(p, false), real.free(p));
}

EXPORT __attribute__((cold)) void free_sized(void *p, size_t size)	/* C23 */
{
	FREE(p, record_free(p, false), real.free_sized ? real.free_sized(p, size) : real.free(p));
}

EXPORT __attribute__((cold)) void free_aligned_sized(void *p, size_t alignment, size_t size)	/* C23 */
{
	FREE(p, record_free(p, false), real.free_aligned_sized ? real.free_aligned_sized(p, alignment, size) :
	     real.free(p));
}

EXPORT int posix_memalign(void **p, size_t alignment, size_t size)
{
	int error;

	if (unlikely(!real.malloc))
		find_real();
	if (!enter(1))
		return real.posix_memalign(p, alignment, size);
	error = real.posix_memalign(p, alignment, size);
	if (!error && *p)
		RECORD(*p, size, posix_memalign);
	guard_leave();
	return error;
}

/* aligned_alloc, memalign, valloc, pvalloc differ in their arguments only. */
#define ALIGNED_HOOK(name, size, parameters, arguments)	\
	EXPORT __attribute__((cold)) void *name parameters \
	{						\
		void *p;				\
							\
		if (unlikely(!real.malloc))		\
			find_real();			\
		if (!enter(1))				\
			return real.name arguments;	\
		p = real.name arguments;		\
		if (p)					\
			RECORD(p, size, name);		\
		guard_leave();				\
		return p;				\
	}

ALIGNED_HOOK(aligned_alloc, size, (size_t alignment, size_t size), (alignment, size))
ALIGNED_HOOK(memalign, size, (size_t alignment, size_t size), (alignment, size))
ALIGNED_HOOK(valloc, size, (size_t size), (size))
ALIGNED_HOOK(pvalloc, size, (size_t size), (size))

/* ---- What takes malloc's locks and allocates nothing: dumps wait ---- */

#define BUSY_HOOK(type, name, parameters, arguments)	\
	EXPORT type name parameters			\
	{						\
		type result;				\
							\
		if (unlikely(!real.malloc))		\
			find_real();			\
		guard_busy();				\
		result = real.name arguments;		\
		guard_idle();				\
		return result;				\
	}

static bool trim_reached;	/* see look_for_redirection() */

EXPORT int malloc_trim(size_t pad)
{
	int result;

	trim_reached = true;
	if (unlikely(!real.malloc))
		find_real();
	guard_busy();
	result = real.malloc_trim(pad);
	guard_idle();
	return result;
}
BUSY_HOOK(int, mallopt, (int parameter, int value), (parameter, value))
BUSY_HOOK(int, malloc_info, (int options_, FILE *to), (options_, to))

/* Not by their prototypes: the one is deprecated, the other not in older headers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
BUSY_HOOK(struct mallinfo, mallinfo, (void), ())
#pragma GCC diagnostic pop
EXPORT struct sizes heaptrace_mallinfo2(void)
{
	struct sizes result = { { 0 } };

	if (unlikely(!real.malloc))
		find_real();
	guard_busy();
	if (real.mallinfo2)
		result = real.mallinfo2();
	guard_idle();
	return result;
}

EXPORT void malloc_stats(void)
{
	if (unlikely(!real.malloc))
		find_real();
	guard_busy();
	real.malloc_stats();
	guard_idle();
}

/* ---- dlclose: the addresses can be another module's from now on ---- */

EXPORT int dlclose(void *handle)
{
	struct deepbind unused;
	bool tracing;
	int result;

	if (unlikely(!real.malloc))
		find_real();
	deepbind_find(&unused);	/* what goes is to have been seen */
	capture_unloading();
	tracing = state >= TRACING;
	if (tracing)
		modules_unloading(&recorder.table);
	result = real.dlclose(handle);
	loaded_forget();
	if (tracing)
		modules_unloaded(&recorder.table);
	capture_unloaded();
	return result;
}

/* ---- fork ---- */

/* The other threads' hooks wait, or have been waited for, until the fork is over: those that have
 * come in before the barrier are seen to be inside, those after it see that they must wait. False: one
 * was not seen outside. */
static bool stop_recording(void)
{
	bool ordered;

	add_relaxed(&forks, 1);
	store_release(&state, FORKING);
	ordered = !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	fork_stopped = true;
	return threads_wait_outside(guard_self.thread) && ordered;
}

static void go_on_recording(void)
{
	if (fork_stopped && sub_relaxed(&forks, 1) == 1)
		store_release(&state, TRACING);
	fork_stopped = false;
}

/* Around fork malloc's locks are held: the guard makes dumps wait. */
static void fork_prepare(void)
{
	bool all_wait = process_has_one_thread(), outside = !guard_is_held();

	guard_enter();
	guard_self.forking = true;
	signals_hold(&fork_mask);
	if (recorder.table.shared && !process_has_one_thread())
		all_wait = stop_recording();
	check_costly(verify_fork(outside, all_wait));
	storage_fork_prepare();
}

static void fork_ends(void)
{
	signals_release(&fork_mask);
	guard_self.forking = false;
	guard_leave();
}

static void fork_parent(void)
{
	storage_fork_parent();
	go_on_recording();
	fork_ends();
}

static void fork_child(void)
{
	guard_self.requests &= SESSION_FATAL_SIGNAL;	/* session_forked() sees to that */
	layout_forked(&recorder.table);
	blocks_forked(&recorder.blocks);
	storage_fork_child();
	forks = 0;
	fork_stopped = false;
	reserve_forked();
	state = TRACING;
	threads_forked(&recorder.table, guard_self.thread);
	loaded_forked();
	modules_forked(&recorder.table);
	shell_forked();
	session_forked();
	if (!options.children) {
		state = OFF;
		signals_stop();
	} else {
		signals_forked();
	}
	fork_ends();
}

/* ---- The ends ---- */

static void at_end(void *unused)
{
	(void)unused;
	session_final(true);
}

/*
 * Exit handlers run in reverse order, and the loader's, which runs all destructors, is
 * registered only when constructors like ours are through: ours runs after it, when the
 * libraries have freed what they free. (A DSO handle would make it run with our own
 * destructors instead.)
 */
static void start_ends(void)
{
	__cxa_atexit(at_end, NULL, NULL);
	__cxa_at_quick_exit(at_end, NULL);
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

EXPORT void _exit(int status)
{
	session_final(true);
	if (!real._exit)
		find_real();
	real._exit(status);
	__builtin_unreachable();
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

/*
 * In the strict mode of seccomp(2) a process may read, write and return from signals: a dump
 * at its end would kill it. So the last dump is taken before, and that was all.
 *
 * An allocator of the program's own may call this while it initializes itself (chromium's names
 * its mappings), so there is nothing here that may allocate.
 */
EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	bool strict;
	int result;
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS)
		own_descriptors_forbid();
	strict = option == PR_SET_SECCOMP && a[0] == SECCOMP_MODE_STRICT && state >= TRACING;
	if (strict) {
		session_final(true);
		state = OFF;
	}
	result = (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
	if (strict && result)
		state = TRACING;
	return result;
}

/* ---- Start ---- */

/* The environment as the process got it: before libc's own constructor has run there is
 * only the stack (argc, argv, NULL, envp), whose place the loader exports. */
static char **first_environment(void)
{
	void **stack_end;

	if (environ)
		return environ;
	stack_end = lookup_first("__libc_stack_end");
	return stack_end ? (char **)*stack_end + 1 + *(long *)*stack_end + 1 : NULL;
}

/* The value of a variable; name: with its '='. */
static const char *first_value(const char *name)
{
	char **e = first_environment();
	size_t length = strlen(name);

	for (; e && *e; e++) {
		if (!strncmp(*e, name, length))
			return *e + length;
	}
	return NULL;
}

static const char *environment_text(void)
{
	return first_value(OPTIONS_ENV "=");
}

/* What valgrind preloads: for all its tools, and for memcheck alone. */
#define VALGRIND_CORE		"/vgpreload_core-"
#define VALGRIND_MEMCHECK	"/vgpreload_memcheck-"

static bool is_preloaded(const char *library)
{
	const char *preloaded = first_value("LD_PRELOAD=");

	return preloaded && strstr(preloaded, library);
}

#define OPTIONS_PREFIX	"HEAPTRACE_OPTIONS: "

static char start_error[256];

static void parse_options(const char *text)
{
	size_t bytes = strlen(text) + 16;
	char *store = arena_map(bytes), error[sizeof(start_error) - sizeof(OPTIONS_PREFIX)];

	options_init(&options);
	if (store && !options_parse_env(text, &options, store, bytes, error, sizeof(error)))
		strcat(strcpy(start_error, OPTIONS_PREFIX), error);
}

static void find_loader(void)
{
	uintptr_t base = (uintptr_t)getauxval(AT_BASE), first;

	if (base && headers_extent(base, base, 0, &first, &recorder.loader_end))
		recorder.loader_start = base;
	else
		recorder.loader_start = recorder.loader_end = base;
}

/* The first part, at the first allocation: what recording needs. */
static bool start(void)
{
	const char *text;
	bool valgrind;

	if (rights_are_more())
		state = OFF;
	if (state == OFF)
		return false;
	guard_enter();
	if (recorder.table.head) {
		if (!session_own_process())
			storage_leave_parent();
		state = TRACING;
		guard_drop();
		return true;
	}
	if (!real.malloc)
		find_real();
	text = environment_text();
	parse_options(text ? text : "");
	if (!options.children && options.run && options.run != (uint32_t)getpid()) {
		state = OFF;
		guard_drop();
		return false;
	}
	recorder.depth = options_depth(&options);
	recorder.one_thread = record_one_thread();
	recorder.unwind = options.unwind;
	find_loader();
	/* valgrind tells on the program's standard error of calls that it does not know, as 3.19 does of
	 * pidfd_open(), so nobody watches there; and of those that are handed unwritten memory. */
	valgrind = is_preloaded(VALGRIND_CORE);
	if (valgrind) {
		probe_without_reading(is_preloaded(VALGRIND_MEMCHECK));
		own_descriptors_forbid();
	}
	state = storage_start(&recorder.table, &options, !valgrind, start_error,
			   sizeof(start_error)) &&
		blocks_create(&recorder.blocks, allocator_is_libc()) ? TRACING : OFF;
	if (state == TRACING)
		table_set_depth(&recorder.table, options_depth(&options));
	if (state == TRACING && recorder.table.shared &&
	    madvise(&per_memory, PAGE_BYTES, MADV_WIPEONFORK))
		storage_make_private();
	if (recorder.table.shared)
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	guard_drop();
	return state == TRACING;
}

/* Nothing else can be told of there, and to no other place. */
static void say_untraced(void)
{
	static const char line[] =
		"[heaptrace] no memory for the table (a limit on address space? see ulimit -v): nothing is traced\n";
	struct uninterrupted span;

	uninterrupted_begin(&span);
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		errno = 0;
	uninterrupted_end(&span);
}

/* A program or a library before this one that brings a malloc is asked first. */
static void look_for_other_malloc(void)
{
	void *first = lookup_first("malloc");
	const char *name;
	struct out text;
	Dl_info info;
	char line[256];

	if (!first || first == (void *)malloc)
		return;
	recorder.table.head->totals.other_malloc = 1;
	name = path_name(dladdr(first, &info) && info.dli_fname ? info.dli_fname : "?");
	text = out_memory(line, sizeof(line));
	out_foreign(&text, name, strlen(name));
	out_text(&text, " has a malloc of its own, before heaptrace's: what it serves is not seen");
	session_notice(line);
}

/*
 * valgrind's tools with an allocator of their own (memcheck, massif, helgrind, ...) send every function
 * that is called malloc, in whatever library, to that allocator: the hooks are not reached. Whether
 * they are is tried with malloc_trim(), which is sent there with the others and does nothing there.
 */
static void look_for_redirection(void)
{
	int (*volatile trim)(size_t) = malloc_trim;

	if (!is_preloaded(VALGRIND_CORE))
		return;
	trim_reached = false;
	trim(0);
	if (trim_reached)
		return;
	recorder.table.head->totals.redirected = 1;
	session_notice("valgrind's own allocator takes the calls of malloc and free before heaptrace sees them: "
		       "run valgrind --soname-synonyms=somalloc=nouserintercepts PROGRAM to trace them, or heaptrace without valgrind");
}

/* The second part, when libc is ready for anything. */
__attribute__((constructor)) static void init(void)
{
	const char *text;
	bool first;

	if (state == IDLE)
		start();
	if (state != TRACING) {
		signals_drop(&options);
		if (rights_are_more())
			rights_clear(environ);
		else if (options.children)
			say_untraced();
		return;
	}
	guard_enter();
	end_key_made = !pthread_key_create(&end_key, thread_ends);
	if (!capture_ready())
		capture_init(options.unwind);
	modules_init(&recorder.table);
	recorder.table.head->totals.own_new = lookup_next_together("malloc", "_Znwm");	/* operator new */
	allocator_find(&recorder.table.head->heap);
	first = !options.run;
	text = inherit_init(&options, (char *)(uintptr_t)environment_text());
	if (text)
		parse_options(text);	/* with names made absolute */
	if (!start_error[0] && options.every_ms && !options.watch)
		strcpy(start_error, "every: needs the watcher, so no dump comes by itself: start the program as "
		       "heaptrace --every=SECONDS PROGRAM");
	session_init(&recorder.table, &options, first, start_error);
	exec_init();
	shell_init();
	look_for_other_malloc();
	look_for_redirection();
	start_ends();
	signals_start(signal_hooks_init(), &options);
	guard_leave();
}
