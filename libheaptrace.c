/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The preload library's face: the functions it stands in front of, and its life in the
 * process: start, signals, fork, the ends. No algorithm lives here.
 *
 *	hook -> guard -> real function -> capture -> intern -> counters -> block map
 *
 * The guard is a counter in thread-local storage. While it is not zero the thread is inside
 * a hook or the tracer: what is allocated then passes through unrecorded (the real function
 * may allocate by way of another hook: the outer call is the one that counts), and a dump
 * that a signal asks for is taken when the hook ends. So a dump never runs while its own
 * thread is inside malloc.
 */
#include "base/atomics.h"
#include "base/options.h"
#include "base/quiet.h"
#include "capture/capture.h"
#include "report/dump.h"
#include "table/blocks.h"
#include "table/modules.h"
#include "table/row.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* libc's, without the DSO handle that atexit() would add: see start_ends(). */
extern int __cxa_atexit(void (*fn)(void *), void *arg, void *dso);
extern int __cxa_at_quick_exit(void (*fn)(void *), void *dso);

enum request { REQUEST_SIZE = 1, REQUEST_COUNT = 2 };	/* bits: dumps asked for by signal */

static __thread struct {
	unsigned inside;	/* the guard */
	unsigned requests;	/* dumps to take when it drops to zero */
	void *last_block;	/* the newest allocation of this thread, if not yet freed */
	unsigned long fork_mask[128 / sizeof(unsigned long)];	/* a sigset_t, from fork_prepare() */
} self;

static enum { IDLE, TRACING, OFF } state;

static struct table table;
static struct blocks blocks;
static struct options options;
static struct dumper dumper;
static uintptr_t loader_start, loader_end;	/* the dynamic loader's code */

/* ---- The real functions ---- */

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*reallocarray)(void *, size_t, size_t);
	void (*free)(void *);
	void (*free_sized)(void *, size_t);
	void (*free_aligned_sized)(void *, size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	int (*sigaction)(int, const struct sigaction *, struct sigaction *);
	void (*exit_now)(int) __attribute__((noreturn));
} real;

/*
 * dlsym() may allocate (glibc before 2.34 does) while the real functions are still being
 * looked up. Those few blocks come from here and are never given back.
 */
static char boot_pool[16384] __attribute__((aligned(16)));
static size_t boot_used;

static void *boot_alloc(size_t size)
{
	size_t at = add_relaxed(&boot_used, (size + 31) & ~(size_t)15);

	if (size > sizeof(boot_pool) || at > sizeof(boot_pool) - size - 16)
		return NULL;
	*(size_t *)(boot_pool + at) = size;
	return boot_pool + at + 16;
}

static inline bool is_boot(const void *p)
{
	return (uintptr_t)p - (uintptr_t)boot_pool < sizeof(boot_pool);
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static void find_real(void)
{
	self.inside++;
	*(void **)&real.calloc = next("calloc");
	*(void **)&real.realloc = next("realloc");
	*(void **)&real.reallocarray = next("reallocarray");
	*(void **)&real.free = next("free");
	*(void **)&real.free_sized = next("free_sized");
	*(void **)&real.free_aligned_sized = next("free_aligned_sized");
	*(void **)&real.posix_memalign = next("posix_memalign");
	*(void **)&real.aligned_alloc = next("aligned_alloc");
	*(void **)&real.memalign = next("memalign");
	*(void **)&real.valloc = next("valloc");
	*(void **)&real.pvalloc = next("pvalloc");
	*(void **)&real.sigaction = next("sigaction");
	*(void **)&real.exit_now = next("_exit");
	/* The last one: when it is there, all are. */
	*(void **)&real.malloc = next("malloc");
	self.inside--;
}

/* ---- Recording ---- */

static void take_requests(void);
static bool start(void);

/* Begins a hook. False: pass the call through. Every enter() that was true needs a leave(). */
static inline bool enter(void)
{
	if (unlikely(self.inside))
		return false;
	if (unlikely(state != TRACING) && !start())
		return false;
	self.inside = 1;
	signal_fence();
	return true;
}

static inline void leave(void)
{
	signal_fence();
	self.inside = 0;
	signal_fence();
	if (unlikely(self.requests))
		take_requests();
}

/*
 * The unwinder's first call loads a library, so it must not come from inside the loader;
 * from a constructor (libstdc++'s allocates long before ours runs) it may.
 */
static void ready_capture(uintptr_t caller)
{
	if (caller < loader_start || caller >= loader_end)
		capture_init();
}

static void uncount(struct block b, bool temporary)
{
	if (b.row != ROW_NONE)
		row_free(&table, b.row, b.size_bytes, temporary);
}

/*
 * The calling backtrace's row. Frame 0 is the function that the program called; the address
 * after its first byte stands for it, so that it reads like the return addresses that
 * follow.
 */
static uint32_t find_row(const void *function, uintptr_t caller)
{
	uintptr_t frames[options.depth];
	unsigned count = 1;
	bool is_new;
	uint32_t row;

	if (unlikely(!capture_ready()))
		ready_capture(caller);
	frames[0] = (uintptr_t)function + 1;
	if (options.depth > 1)
		count += capture_stack(caller, frames + 1, options.depth - 1u);
	row = table_intern(&table, frames, count, &is_new);
	if (unlikely(is_new)) {
		modules_note(&table, frames, count);
		store_relaxed(&table.infos[row].modules_seen,
			      load_relaxed(&table.head->module_count));
	}
	return row;
}

/* A new block at p; old: what realloc() made it from. Keeps errno. */
static void record(void *p, size_t size, struct block old, const void *function, uintptr_t caller)
{
	struct block b = { find_row(function, caller), size }, stale;

	self.last_block = p;
	if (unlikely(!blocks_put(&blocks, p, b, &stale))) {
		uncount(old, false);
		add_relaxed(&table.head->totals.lost_blocks, 1);
		return;
	}
	if (old.row == b.row) {
		row_resize(&table, b.row, old.size_bytes, size);
	} else {
		uncount(old, false);
		row_alloc(&table, b.row, size);
	}
	if (unlikely(stale.row != ROW_NONE)) {
		uncount(stale, false);
		add_relaxed(&table.head->totals.stale_blocks, 1);
	}
}

#define NO_BLOCK ((struct block){ ROW_NONE, 0 })
/* In a hook: what the program called, and from where. */
#define RECORD(p, size, function) \
	record((p), (size), NO_BLOCK, (const void *)(function), \
	       (uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)))

/* Before a free. Also when passing through: a block that was recorded must not stay. */
static inline void forget(void *p)
{
	struct block b;

	if (unlikely(state != TRACING))
		return;
	b = blocks_take(&blocks, p);
	if (likely(b.row != ROW_NONE)) {
		bool newest = self.last_block == p;

		if (newest)
			self.last_block = NULL;
		uncount(b, newest);
	} else if (!self.inside) {
		add_relaxed(&table.head->totals.unknown_frees, 1);
	}
}

/* ---- The hooks. Each does for the program exactly what the real function does. ---- */

EXPORT void *malloc(size_t size)
{
	void *p;

	if (unlikely(!real.malloc)) {
		if (self.inside)
			return boot_alloc(size);
		find_real();
	}
	if (!enter())
		return real.malloc(size);
	p = real.malloc(size);
	if (likely(p != NULL))
		RECORD(p, size, malloc);
	leave();
	return p;
}

EXPORT void *calloc(size_t count, size_t size)
{
	void *p;

	if (unlikely(!real.malloc)) {
		if (self.inside)
			return count && size > SIZE_MAX / count ? NULL : boot_alloc(count * size);
		find_real();
	}
	if (!enter())
		return real.calloc(count, size);
	p = real.calloc(count, size);
	if (likely(p != NULL))
		RECORD(p, count * size, calloc);
	leave();
	return p;
}

/* A block from the boot pool moves to the real heap. */
static void *leave_boot(void *old, size_t size)
{
	size_t old_size = *(size_t *)((char *)old - 16);
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
static void *reallocate(void *old, size_t size, bool by_array, size_t count, size_t each,
			const void *function, uintptr_t caller)
{
	bool recording = enter();
	struct block b = state == TRACING && old ? blocks_take(&blocks, old) : NO_BLOCK, stale;
	bool was_newest = old && self.last_block == old;
	void *p = by_array ? real.reallocarray(old, count, each) : real.realloc(old, size);

	if (p && recording) {
		if (old && b.row == ROW_NONE)
			add_relaxed(&table.head->totals.unknown_frees, 1);
		record(p, size, b, function, caller);
	} else if (p || (!size && old)) {
		uncount(b, false);
		if (was_newest)
			self.last_block = NULL;
	} else if (b.row != ROW_NONE) {
		blocks_put(&blocks, old, b, &stale);
	}
	if (recording)
		leave();
	return p;
}

EXPORT void *realloc(void *old, size_t size)
{
	if (unlikely(!real.malloc)) {
		if (self.inside)
			return old ? leave_boot(old, size) : boot_alloc(size);
		find_real();
	}
	if (unlikely(is_boot(old)))
		return leave_boot(old, size);
	return reallocate(old, size, false, 0, 0, (const void *)realloc,
			  (uintptr_t)__builtin_return_address(0));
}

EXPORT void *reallocarray(void *old, size_t count, size_t each)
{
	size_t size;

	if (unlikely(!real.malloc))
		find_real();
	if (__builtin_mul_overflow(count, each, &size)) {
		errno = ENOMEM;
		return NULL;
	}
	if (unlikely(is_boot(old)))
		return leave_boot(old, size);
	return reallocate(old, size, real.reallocarray != NULL, count, each,
			  (const void *)reallocarray, (uintptr_t)__builtin_return_address(0));
}

/* Whether there is something to pass on to the real function. */
static inline bool free_begins(void *p)
{
	if (unlikely(!p || is_boot(p)))
		return false;
	if (unlikely(!real.malloc))
		find_real();
	forget(p);
	return true;
}

/* Frees do not unwind, but the guard stands around them too: a dump must wait. */
#define FREE(p, call) do {			\
	bool entered;				\
						\
	if (!free_begins(p))			\
		return;				\
	entered = enter();			\
	call;					\
	if (entered)				\
		leave();			\
} while (0)

EXPORT void free(void *p)
{
	FREE(p, real.free(p));
}

EXPORT void cfree(void *p);
EXPORT void cfree(void *p)	/* gone since glibc 2.26; old programs still call it */
{
	FREE(p, real.free(p));
}

EXPORT void free_sized(void *p, size_t size);
EXPORT void free_sized(void *p, size_t size)	/* C23 */
{
	FREE(p, real.free_sized ? real.free_sized(p, size) : real.free(p));
}

EXPORT void free_aligned_sized(void *p, size_t alignment, size_t size);
EXPORT void free_aligned_sized(void *p, size_t alignment, size_t size)	/* C23 */
{
	FREE(p, real.free_aligned_sized ? real.free_aligned_sized(p, alignment, size) :
	     real.free(p));
}

EXPORT int posix_memalign(void **p, size_t alignment, size_t size)
{
	int error;

	if (unlikely(!real.malloc))
		find_real();
	if (!enter())
		return real.posix_memalign(p, alignment, size);
	error = real.posix_memalign(p, alignment, size);
	if (!error && *p)
		RECORD(*p, size, posix_memalign);
	leave();
	return error;
}

/* aligned_alloc, memalign, valloc, pvalloc differ in their arguments only. */
#define ALIGNED_HOOK(name, size, parameters, arguments)	\
	EXPORT void *name parameters			\
	{						\
		void *p;				\
							\
		if (unlikely(!real.malloc))		\
			find_real();			\
		if (!enter())				\
			return real.name arguments;	\
		p = real.name arguments;		\
		if (p)					\
			RECORD(p, size, name);		\
		leave();				\
		return p;				\
	}

void *memalign(size_t alignment, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
ALIGNED_HOOK(aligned_alloc, size, (size_t alignment, size_t size), (alignment, size))
ALIGNED_HOOK(memalign, size, (size_t alignment, size_t size), (alignment, size))
ALIGNED_HOOK(valloc, size, (size_t size), (size))
ALIGNED_HOOK(pvalloc, size, (size_t size), (size))

/* ---- Which process is this ---- */

/*
 * A page that the kernel clears in a child with memory of its own (MADV_WIPEONFORK, Linux
 * 4.14), so that a child that no fork handler saw (clone, _Fork) is known from one that
 * shares its parent's memory (vfork).
 */
static volatile char *same_memory;

static void become_child(uint32_t pid);

/* False in a vfork child: nothing here is its own. */
static bool own_process(void)
{
	uint32_t pid = (uint32_t)getpid();

	if (pid == dumper.pid)
		return true;
	if (!same_memory || *same_memory)
		return false;
	become_child(pid);
	return true;
}

/* ---- Dumps ---- */

/*
 * One dump at a time. Who finds another one under way leaves its wish in `wanted`, and the
 * one under way sees to it: nobody waits (but the end of the process, for a while).
 */
static uint32_t dumping;		/* id of the thread that dumps, or 0 */
static uint32_t wanted;			/* enum request bits */
static uint32_t finished;		/* the final dump has been taken */

static uint32_t thread_id(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static void serve(bool heap_locks_free)
{
	uint32_t nobody = 0, me = thread_id();

	while (load_acquire(&wanted) && cas_acq_rel(&dumping, &nobody, me)) {
		uint32_t bits = exchange_acq_rel(&wanted, 0);
		struct quiet quiet;

		quiet_begin(&quiet);
		if (bits & REQUEST_SIZE)
			dump_write(&dumper, (uint8_t[]){ SORT_SIZE }, 1, false, heap_locks_free);
		if (bits & REQUEST_COUNT)
			dump_write(&dumper, (uint8_t[]){ SORT_COUNT }, 1, false, heap_locks_free);
		store_release(&dumping, 0);
		quiet_end(&quiet);
		nobody = 0;
	}
}

/* Asks for dumps, with the guard held by the caller. */
static void request(uint32_t bits, bool heap_locks_free)
{
	if (load_acquire(&finished) || !own_process())
		return;
	or_acq_rel(&wanted, bits);
	serve(heap_locks_free);
}

/* At the end of a hook: the dumps that signals asked for inside it. */
static void take_requests(void)
{
	int saved = errno;

	self.inside++;
	while (self.requests) {
		unsigned bits = __atomic_exchange_n(&self.requests, 0, __ATOMIC_RELAXED);

		request(bits, true);
	}
	self.inside--;
	errno = saved;
}

/* The end of the process, or of all that this thread will see of it. */
static void final_dump(void)
{
	uint32_t nobody = 0, me = thread_id();
	bool outside = !self.inside;
	struct quiet quiet;

	if (state != TRACING || !own_process() || exchange_acq_rel(&finished, 1))
		return;
	self.inside++;
	quiet_begin(&quiet);
	/* A dump under way in another thread may take its time (a slow pipe); in this thread
	 * it is one that a signal handler has left for good. */
	for (int tries = 0; tries < 1000 && !cas_acq_rel(&dumping, &nobody, me); tries++) {
		struct timespec ms10 = { 0, 10000000 };

		if (nobody == me)
			break;
		nobody = 0;
		nanosleep(&ms10, NULL);
	}
	dump_write(&dumper, options.sort, options.sort_count, true, outside);
	store_release(&dumping, 0);
	quiet_end(&quiet);
	self.inside--;
}

/* ---- Signals ---- */

static void on_signal(int sig)
{
	unsigned bit = sig == SIGUSR1 ? REQUEST_SIZE : REQUEST_COUNT;
	int saved = errno;

	if (self.inside) {
		__atomic_fetch_or(&self.requests, bit, __ATOMIC_RELAXED);
		return;
	}
	self.inside = 1;
	signal_fence();
	request(bit, true);
	leave();
	errno = saved;
}

static bool is_ours(int sig)
{
	struct sigaction now;

	return (sig == SIGUSR1 || sig == SIGUSR2) && state == TRACING &&
	       !real.sigaction(sig, NULL, &now) && now.sa_handler == on_signal;
}

static void install(int sig)
{
	struct sigaction ours = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK };

	sigfillset(&ours.sa_mask);
	real.sigaction(sig, &ours, NULL);
}

/* The program has taken a signal for itself. Said once. */
static void step_back(int sig)
{
	static uint32_t told;
	struct quiet quiet;
	uint32_t nobody = 0;

	if (load_relaxed(&told) || !own_process() || !cas_acq_rel(&dumping, &nobody, thread_id()))
		return;
	self.inside++;
	quiet_begin(&quiet);
	if (!exchange_relaxed(&told, 1)) {
		if (is_ours(sig == SIGUSR1 ? SIGUSR2 : SIGUSR1))
			dump_notice(&dumper, sig == SIGUSR1 ?
				    "the program handles SIGUSR1 itself: SIGUSR2 still gives a dump "
				    "(by count), and there is one at exit" :
				    "the program handles SIGUSR2 itself: SIGUSR1 still gives a dump "
				    "(by size), and there is one at exit");
		else
			dump_notice(&dumper, "the program handles SIGUSR1 and SIGUSR2 itself: "
				    "there is a dump at exit");
	}
	store_release(&dumping, 0);
	quiet_end(&quiet);
	self.inside--;
}

/*
 * While a signal is ours the program must not notice: it is told the default action, and
 * when it asks for the default it has it already.
 */
EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	bool ours, keep;
	int result;

	if (unlikely(!real.sigaction))
		find_real();
	ours = is_ours(sig);
	keep = ours && act && !(act->sa_flags & SA_SIGINFO) && act->sa_handler == SIG_DFL;
	result = real.sigaction(sig, keep ? NULL : act, old);
	if (result || !ours)
		return result;
	if (old) {
		memset(old, 0, sizeof(*old));
		old->sa_handler = SIG_DFL;
	}
	if (act && !keep)
		step_back(sig);
	return 0;
}

/* signal() and its relatives, each with its own flags: the real one does what it does, and
 * only the default is ours to answer. */
#define SIGNAL_HOOK(name)						\
	EXPORT sighandler_t name(int sig, sighandler_t handler);	\
	EXPORT sighandler_t name(int sig, sighandler_t handler)		\
	{								\
		static sighandler_t (*real_one)(int, sighandler_t);	\
		sighandler_t old;					\
		bool ours;						\
									\
		if (unlikely(!real.sigaction))				\
			find_real();					\
		if (unlikely(!real_one))				\
			*(void **)&real_one = next(#name);		\
		ours = is_ours(sig);					\
		if (ours && handler == SIG_DFL)				\
			return SIG_DFL;					\
		old = real_one(sig, handler);				\
		if (!ours || old == SIG_ERR)				\
			return old;					\
		step_back(sig);						\
		return SIG_DFL;						\
	}
SIGNAL_HOOK(signal)
SIGNAL_HOOK(bsd_signal)
SIGNAL_HOOK(ssignal)
SIGNAL_HOOK(sysv_signal)
SIGNAL_HOOK(__sysv_signal)
SIGNAL_HOOK(sigset)

/* The wrapper held both signals back until here; what came meanwhile comes now. */
static void start_signals(void)
{
	static const int signals[] = { SIGUSR1, SIGUSR2 };
	sigset_t held;

	sigemptyset(&held);
	for (unsigned i = 0; i < 2; i++) {
		struct sigaction now;

		if (real.sigaction(signals[i], NULL, &now))
			continue;
		if (now.sa_handler == SIG_DFL)
			install(signals[i]);
		else
			step_back(signals[i]);
		if (options.held & 1u << i)
			sigaddset(&held, signals[i]);
	}
	if (options.held)
		sigprocmask(SIG_UNBLOCK, &held, NULL);
}

/* ---- fork ---- */

/*
 * Around fork malloc's locks are held. The guard makes dumps wait, and the two signals are
 * held back in the kernel, so that each reaches the process it was meant for.
 */
static void fork_prepare(void)
{
	sigset_t both, old;

	self.inside++;
	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	sigprocmask(SIG_BLOCK, &both, &old);
	memcpy(self.fork_mask, &old, sizeof(old));
}

static void fork_done(void)
{
	sigset_t old;

	memcpy(&old, self.fork_mask, sizeof(old));
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (self.inside == 1)
		leave();
	else
		self.inside--;
}

static void become_child(uint32_t pid)
{
	store_relaxed(&dumping, 0);
	store_relaxed(&wanted, 0);
	store_relaxed(&finished, 0);
	if (same_memory)
		*same_memory = 1;
	dump_forked(&dumper, pid);
}

static void fork_child(void)
{
	self.requests = 0;
	become_child((uint32_t)getpid());
	fork_done();
}

/* ---- The ends ---- */

static void at_end(void *unused)
{
	(void)unused;
	final_dump();
}

static void at_quick_end(void *unused)
{
	(void)unused;
	final_dump();
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
	__cxa_at_quick_exit(at_quick_end, NULL);
	pthread_atfork(fork_prepare, fork_done, fork_child);
}

EXPORT void _exit(int status)
{
	final_dump();
	if (!real.exit_now)
		find_real();
	real.exit_now(status);
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

/* ---- Start ---- */

/* The environment as the process got it: before libc's own constructor has run there is
 * only the stack (argc, argv, NULL, envp), whose place the loader exports. */
static char **first_environment(void)
{
	void **stack_end;

	if (environ)
		return environ;
	stack_end = dlsym(RTLD_DEFAULT, "__libc_stack_end");
	return stack_end ? (char **)*stack_end + 1 + *(long *)*stack_end + 1 : NULL;
}

static const char *environment_text(void)
{
	char **e = first_environment();

	for (; e && *e; e++) {
		if (!strncmp(*e, OPTIONS_ENV "=", sizeof(OPTIONS_ENV)))
			return *e + sizeof(OPTIONS_ENV);
	}
	return NULL;
}

static char start_error[256];

static void parse_options(const char *text)
{
	size_t bytes = strlen(text) + 16;
	char *store = arena_map(bytes), error[sizeof(start_error)];

	options_init(&options);
	if (store && !options_parse_env(text, &options, store, bytes, error, sizeof(error)))
		memcpy(start_error, error, sizeof(error));
}

static void find_loader(void)
{
	const ElfW(Ehdr) *eh = (const ElfW(Ehdr) *)getauxval(AT_BASE);
	const ElfW(Phdr) *ph;

	if (!eh)
		return;
	loader_start = loader_end = (uintptr_t)eh;
	ph = (const ElfW(Phdr) *)(loader_start + eh->e_phoff);
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		uintptr_t end = loader_start + ph[i].p_vaddr + ph[i].p_memsz;

		if (ph[i].p_type == PT_LOAD && end > loader_end)
			loader_end = end;
	}
}

/* The first part, at the first allocation: what recording needs. */
static bool start(void)
{
	const char *text;
	void *libc_malloc;

	if (state == OFF)
		return false;
	self.inside++;
	if (!real.malloc)
		find_real();
	text = environment_text();
	parse_options(text ? text : "");
	find_loader();
	*(void **)&libc_malloc = next("__libc_malloc");
	state = table_create(&table) && blocks_create(&blocks, (void *)real.malloc == libc_malloc) ?
		TRACING : OFF;
	self.inside--;
	return state == TRACING;
}

/*
 * Without the wrapper nobody has said which process began the run, so that one says it to
 * its children, in the environment it hands on. With it, `held` must not reach them.
 */
static void set_environment(void)
{
	size_t count = 0, bytes, at = 0;
	char **copy, *text, cwd[1024];
	char *held = (char *)(uintptr_t)environment_text();

	if (options.run) {
		held = held ? strstr(held, ":held=") : NULL;
		if (held && held[6])
			held[6] = '0';
		return;
	}
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		cwd[0] = '\0';
	options.run = (uint32_t)getpid();
	while (environ && environ[count])
		count++;
	bytes = options_print_env(&options, cwd, NULL, 0) + sizeof(OPTIONS_ENV) + 1;
	copy = arena_map((count + 2) * sizeof(*copy) + bytes);
	if (!copy)
		return;
	text = (char *)(copy + count + 2);
	memcpy(text, OPTIONS_ENV "=", sizeof(OPTIONS_ENV));
	options_print_env(&options, cwd, text + sizeof(OPTIONS_ENV), bytes - sizeof(OPTIONS_ENV));
	for (size_t i = 0; i < count; i++) {
		if (strncmp(environ[i], OPTIONS_ENV "=", sizeof(OPTIONS_ENV)))
			copy[at++] = environ[i];
	}
	copy[at++] = text;
	environ = copy;
	parse_options(text + sizeof(OPTIONS_ENV));	/* with names made absolute */
}

/* The second part, when libc is ready for anything. */
__attribute__((constructor)) static void init(void)
{
	bool first = false;

	if (state == IDLE)
		start();
	if (state != TRACING)
		return;
	self.inside++;
	if (!capture_ready())
		capture_init();
	modules_init(&table);
	first = !options.run;
	set_environment();
	same_memory = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (same_memory == MAP_FAILED || madvise((void *)same_memory, 1, MADV_WIPEONFORK))
		same_memory = NULL;
	else
		*same_memory = 1;
	dump_init(&dumper, &table, &options, first);
	if (start_error[0])
		dump_notice(&dumper, start_error);
	start_ends();
	start_signals();
	self.inside--;
	if (self.requests)
		take_requests();
}
