/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a capture calls: nothing. The program is the tracer: its malloc() takes the stack, as
 * the preload library's does, with capture/ linked in. Whatever could allocate, lock, block
 * signals or ask the loader is counted here when it is called during a capture, by name, and
 * the kernel counts the system calls (a seccomp filter turns each into SIGSYS).
 *
 * First the system calls of a thread, for stacks that need none themselves: cold, then the same
 * ones warm. Then the functions, for stacks of every shape (tests/subjects/unwind_shapes.c:
 * signals, coroutines, 160 threads).
 *
 * Prints TAP.
 */
#include "base/kernel_map.h"
#include "capture/capture.h"
#include "capture/recall/recall.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define main shapes_main
#include "../subjects/unwind_shapes.c"
#undef main

static int tests_run, tests_failed;

static void ok(bool right, const char *name)
{
	tests_failed += !right;
	printf("%sok %d - %s\n", right ? "" : "not ", ++tests_run, name);
}

/* ---- What is counted ---- */

static _Thread_local volatile bool inside;	/* in a capture */
static _Thread_local volatile bool pausing;	/* what the program itself asks for: no captures */
static bool tracing;
static unsigned depth = 128;
static unsigned long captures, frames_seen, fell_back;

/* Each function that must not be called, and where the call goes on. */
#define COUNTED(X)											\
	X(int, pthread_mutex_lock, (pthread_mutex_t *a), (a))						\
	X(int, pthread_mutex_trylock, (pthread_mutex_t *a), (a))					\
	X(int, pthread_mutex_unlock, (pthread_mutex_t *a), (a))						\
	X(int, pthread_rwlock_rdlock, (pthread_rwlock_t *a), (a))					\
	X(int, pthread_rwlock_wrlock, (pthread_rwlock_t *a), (a))					\
	X(int, pthread_rwlock_unlock, (pthread_rwlock_t *a), (a))					\
	X(int, pthread_spin_lock, (pthread_spinlock_t *a), (a))						\
	X(int, pthread_once, (pthread_once_t *a, void (*b)(void)), (a, b))				\
	X(int, pthread_getattr_np, (pthread_t a, pthread_attr_t *b), (a, b))				\
	X(int, pthread_sigmask, (int a, const sigset_t *b, sigset_t *c), (a, b, c))			\
	X(int, sigprocmask, (int a, const sigset_t *b, sigset_t *c), (a, b, c))				\
	X(int, sigaction, (int a, const struct sigaction *b, struct sigaction *c), (a, b, c))		\
	X(int, dl_iterate_phdr, (int (*a)(struct dl_phdr_info *, size_t, void *), void *b), (a, b))	\
	X(int, dladdr, (const void *a, Dl_info *b), (a, b))						\
	X(void *, dlopen, (const char *a, int b), (a, b))						\
	X(int, dlclose, (void *a), (a))									\
	X(void *, mmap, (void *a, size_t b, int c, int d, int e, off_t f), (a, b, c, d, e, f))		\
	X(int, munmap, (void *a, size_t b), (a, b))							\
	X(int, mprotect, (void *a, size_t b, int c), (a, b, c))						\
	X(char *, getenv, (const char *a), (a))

struct dl_phdr_info;

enum function {
#define NUMBER(type, name, parameters, arguments) F_##name,
	COUNTED(NUMBER)
	F_malloc, F_calloc, F_realloc, F_free, F_aligned, F_backtrace, FUNCTIONS
};

static const char *const names[FUNCTIONS] = {
#define NAME(type, name, parameters, arguments) #name,
	COUNTED(NAME)
	"malloc", "calloc", "realloc", "free", "memalign and the like", "backtrace",
};
static unsigned long calls[FUNCTIONS];

static void count(enum function f)
{
	if (inside)
		__atomic_fetch_add(&calls[f], 1, __ATOMIC_RELAXED);
}

#define WRAPPER(type, name, parameters, arguments)			\
	type name parameters						\
	{								\
		static type (*next) parameters;				\
									\
		count(F_##name);					\
		if (!next)						\
			*(void **)&next = dlsym(RTLD_NEXT, #name);	\
		return next arguments;					\
	}
COUNTED(WRAPPER)

/* The tracer's own mappings (base/kernel_map.h) are made by the functions that are counted. */
void *kernel_mmap(void *at, size_t size_bytes, int protection, int flags, int fd, uint64_t offset)
{
	return mmap(at, size_bytes, protection, flags, fd, (off_t)offset);
}

int kernel_munmap(void *at, size_t size_bytes)
{
	return munmap(at, size_bytes);
}

void *kernel_mremap(void *old, size_t old_bytes, size_t new_bytes, int flags, void *to)
{
	return mremap(old, old_bytes, new_bytes, flags, to);
}

/* The other unwinder, which starts with pthread_once(): what it calls is not our promise, but it
 * must not be needed for any of these stacks. */
int backtrace(void **to, int max)
{
	static int (*next)(void **to, int max);

	count(F_backtrace);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "backtrace");
	return next(to, max);
}

/* ---- The hooks: every allocation takes its stack ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);
extern void *__libc_memalign(size_t alignment, size_t size);

/* What main's thread has recognized so far: value i stands for known[i]. */
#define KNOWN_MAX	65536
static struct {
	unsigned count;
	uintptr_t frames[64];	/* the innermost of them */
} known[KNOWN_MAX];
static unsigned known_count, recognized, mistaken;
static __thread struct recall *memory;

/* The hash of frames and of the suffix outward of them. */
static uint64_t chain_hash(uint64_t outer, const uintptr_t *frames, unsigned n)
{
	while (n-- > 0)
		outer = suffix_mix(outer, frames[n]);
	return outer;
}

/* The hash of the first n frames of a suffix, given the hash of the suffix and that of the frames outward of them. */
static uint64_t window_hash(uint64_t hash, unsigned n, uint64_t outer)
{
	while (n-- > 0)
		outer *= SUFFIX_STEP;
	return hash - outer;
}

/* A number for each hash, as the table has a node for each suffix. */
static uint32_t node_of(uint64_t hash)
{
	static uint64_t hashes[1 << 22];
	uint32_t at = (uint32_t)(hash >> 40) % (sizeof(hashes) / sizeof(*hashes));

	while (hashes[at] && hashes[at] != hash)
		at = (at + 1) % (sizeof(hashes) / sizeof(*hashes));
	hashes[at] = hash;
	return at + 1;
}

/* Whether the captured stack has these frames outward of frame 0. The stack may give the outermost ones only as a
 * suffix, and that suffix may have more frames than are asked for. */
static bool is_captured(const struct captured *c, const uintptr_t *frames, unsigned n)
{
	unsigned fresh = c->count - c->known, told = fresh < n + 1 ? fresh : n + 1;
	bool more = c->count > depth + 1;

	if ((more ? depth + 1 : c->count) != n + 1 || c->hash != chain_hash(0, frames, n) * SUFFIX_STEP + SUFFIX_FACTOR)
		return false;
	for (unsigned i = 1; i < told; i++) {
		if (c->walked[i].pc != frames[i - 1])
			return false;
	}
	return !c->known || fresh > n ||
	       chain_hash(0, frames + fresh - 1, n + 1 - fresh) ==
	       window_hash(c->suffixes[fresh].hash, n + 1 - fresh, more ? c->suffixes[n + 1].hash : 0);
}

/*
 * Takes the same stack with a memory, as the table does. Every other stack that is deeper than the depth is treated as
 * if its row had existed before, with other frames past the depth.
 */
static void recognize(const struct capture_point *at, const uintptr_t *frames, unsigned n)
{
	uint32_t value = recall_find(memory, 1, at->pc, at->sp, at->fp);
	struct captured *c = recall_captured(memory);
	unsigned least = n < 64 ? n : 64, fresh = c->count - c->known;
	bool whole;

	if (value) {
		recognized++;
		mistaken += known[value].count != n || memcmp(known[value].frames, frames, least * sizeof(*frames));
	} else if (c->count) {
		mistaken += !is_captured(c, frames, n);
		whole = c->count <= depth + 1 || fresh > depth + 1 || known_count % 2;
		for (unsigned i = fresh; i-- > 0; ) {
			c->suffixes[i].hash = suffix_mix(i + 1 < c->count ? c->suffixes[i + 1].hash : 0, c->walked[i].pc);
			c->nodes[i] = node_of(c->suffixes[i].hash);
			recall_number(memory, c->walked[i].pc, (uint32_t)c->walked[i].pc | 1);
		}
		for (unsigned i = 0; i < fresh && !whole; i++)
			c->nodes[i] = node_of(window_hash(c->suffixes[i].hash, depth + 1 - i, c->suffixes[depth + 1].hash));
		if (++known_count < KNOWN_MAX) {
			known[known_count].count = n;
			memcpy(known[known_count].frames, frames, least * sizeof(*frames));
			recall_learn(memory, known_count, true, whole);
		}
	}
}

static void take(const struct capture_point *at)
{
	uintptr_t frames[CAPTURE_MAX];
	unsigned notes, n;

	if (!tracing || inside || pausing)
		return;
	inside = true;
	n = capture_stack(at, frames, depth, &notes);
	if (memory)
		recognize(at, frames, n);
	inside = false;
	__atomic_fetch_add(&captures, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&frames_seen, n, __ATOMIC_RELAXED);
	if (notes)
		__atomic_fetch_add(&fell_back, 1, __ATOMIC_RELAXED);
}

#define TAKE() do {						\
	struct capture_point at = CAPTURE_POINT();		\
								\
	take(&at);						\
} while (0)

KEEP void *malloc(size_t size)
{
	count(F_malloc);
	TAKE();
	return __libc_malloc(size);
}

KEEP void *calloc(size_t n, size_t size)
{
	count(F_calloc);
	TAKE();
	return __libc_calloc(n, size);
}

KEEP void *realloc(void *p, size_t size)
{
	count(F_realloc);
	TAKE();
	return __libc_realloc(p, size);
}

void free(void *p)
{
	count(F_free);
	__libc_free(p);
}

void *memalign(size_t alignment, size_t size)
{
	count(F_aligned);
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	*p = memalign(alignment, size);
	return *p ? 0 : ENOMEM;
}

/* ---- System calls: the filter traps them, but for one instruction and what signals need ---- */

#ifdef __x86_64__
extern const char trapdoor_end[];

static long trapdoor(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;

	__asm__ volatile("syscall\n.globl trapdoor_end\ntrapdoor_end:"
			 : "+a"(number)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return number;
}
static long (*volatile through)(long, long, long, long, long, long, long) = trapdoor;

#define NUMBERS	512
static volatile unsigned system_calls[NUMBERS];	/* during captures */

static void on_trap(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig;
	if (inside)
		system_calls[info->si_syscall % NUMBERS]++;
	else if (info->si_syscall == SYS_getppid)
		with_alloca(5);		/* a stack with a signal's frame in it */
	r[REG_RAX] = through(info->si_syscall, r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8],
			     r[REG_R9]);
}

/* False: this system has no seccomp filters. */
static bool trap_system_calls(void)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER };
	uintptr_t end = (uintptr_t)trapdoor_end;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 5, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)end, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(end >> 32), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	return !sigaction(SIGSYS, &sa, NULL) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static unsigned system_calls_but(long allowed)
{
	unsigned n = 0;

	for (long i = 0; i < NUMBERS; i++) {
		if (system_calls[i] && i != allowed) {
			printf("# system call %ld: %u times\n", i, system_calls[i]);
			n += system_calls[i];
		}
	}
	return n;
}
#else
static bool trap_system_calls(void)
{
	return false;
}
#endif

/* ---- The tests ---- */

static unsigned long forbidden_calls(void)
{
	unsigned long n = 0;

	for (int i = 0; i < FUNCTIONS; i++) {
		if (i == F_backtrace || (i == F_pthread_once && calls[i] == calls[F_backtrace]))
			continue;
		if (calls[i])
			printf("# %s: %lu times\n", names[i], calls[i]);
		n += calls[i];
	}
	return n;
}


static void forget_counts(void)
{
	captures = frames_seen = fell_back = 0;
	memset(calls, 0, sizeof(calls));
}

static void test_shapes(void)
{
	static const unsigned depths[] = { 8, 20, 128, CAPTURE_MAX };
	char name[200];
	int hits_before;

	for (size_t i = 0; i < sizeof(depths) / sizeof(*depths); i++) {
		forget_counts();
		depth = depths[i];
		hits_before = hits;
		memory = recall_create(12, depth);
		recall_begin(memory, getauxval(AT_EXECFN));
		known_count = recognized = 0;
		tracing = true;
		shapes_main(1, (char *[]){ "shapes", NULL });
		tracing = false;
		snprintf(name, sizeof(name), "shapes, depth %u: nothing is called in %lu captures of %lu frames",
			 depth, captures, frames_seen);
		ok(!forbidden_calls() && captures > 100000 && frames_seen > captures, name);
		/* In the first instructions of a realigned function the CFA is in another register:
		 * a signal that hits there is given up. Each takes 12 stacks. */
		snprintf(name, sizeof(name), "shapes, depth %u: %lu are given up for %d signals", depth, fell_back,
			 hits - hits_before);
		ok(fell_back < 6 * (unsigned long)(hits - hits_before), name);
		snprintf(name, sizeof(name), "of the main thread's, %u are recognized, %u as others than they are",
			 recognized, mistaken);
		ok(recognized > 1000 && !mistaken, name);
		memory = NULL;
	}
}

/* The shapes that need no system call of their own (getppid() is trapped, for its frame). */
KEEP static void rounds(int n)
{
	for (int i = 0; i < n; i++) {
		with_alloca(30);
		with_array(10);
		realigned(10);
		realigned_alloca(10);
		many_arguments(1, 2, 3, 4, 5, 6, 7, 8, 9);
		tail(5);
		calls_that_end();
		deep(200);
		callbacks();
		getppid();
	}
}

/* In a thread of its own: the filter is this thread's, and its stack is one never seen. */
static void *test_system_calls(void *unused)
{
#ifdef __x86_64__
	char name[200];
	unsigned futexes;

	forget_counts();
	depth = CAPTURE_MAX;
	memory = recall_create(12, depth);
	recall_begin(memory, (uintptr_t)&memory);
	/* The heap has grown and the symbols are bound; no stack of these has been taken. */
	rounds(1);
	if (!trap_system_calls()) {
		ok(true, "system calls # SKIP no seccomp filters here");
		return unused;
	}
	tracing = true;
	rounds(1);
	tracing = false;
	futexes = system_calls[SYS_futex];
	snprintf(name, sizeof(name), "cold: %lu captures, %u tries of a stack page, no other system call", captures,
		 futexes);
	ok(!system_calls_but(SYS_futex) && futexes < 100 && captures > 500, name);
	memset((void *)system_calls, 0, sizeof(system_calls));
	forget_counts();
	tracing = true;
	rounds(200);
	tracing = false;
	snprintf(name, sizeof(name), "warm: no system call in %lu captures of %lu frames", captures, frames_seen);
	ok(!system_calls_but(-1) && captures > 100000, name);
	ok(!forbidden_calls(), "nor any call of these functions");
	ok(!fell_back, "none of them is given up");
	system_calls[0] = 0;
	inside = true;
	getppid();
	inside = false;
	ok(system_calls[SYS_getppid] == 1, "(the filter sees system calls)");
#endif
	return unused;
}

int main(void)
{
	pthread_t thread;
	sigset_t set;

	if (!dlsym(RTLD_DEFAULT, "_dl_find_object")) {
		puts("1..0 # SKIP no fast unwinder with this libc");
		return 0;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	inside = true;
	free(malloc(1));
	sigprocmask(SIG_BLOCK, NULL, &set);
	inside = false;
	ok(calls[F_malloc] == 1 && calls[F_free] == 1 && calls[F_sigprocmask] == 1, "calls are counted");
	capture_init(UNWIND_FAST);
	if (pthread_create(&thread, NULL, test_system_calls, NULL))
		return 1;
	pthread_join(thread, NULL);
	test_shapes();
	printf("1..%d\n", tests_run);
	return tests_failed > 0;
}
