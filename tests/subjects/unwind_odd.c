/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations from where stacks are not what they usually are: vfork children, coroutines that
 * change threads or whose stack's place has shrunk, handlers on alternate stacks (of overflows,
 * of calls to nowhere, within each other), long jumps, cancelled threads, spawned programs, stacks
 * whose first frame has some old word as its return address, stacks that are no multiple of 16 at a call.
 *
 * Argument: one of the names below; prints "done" when all of it went as it should.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noclone))

extern char **environ;
static void *volatile sink;

KEEP static int allocate(int n)
{
	volatile char fill[40 + n * 8 % 500];
	void *p = malloc((size_t)n + 1);

	fill[0] = 1;
	sink = p;
	p = realloc(p, 200);
	free(p);
	return n > 0 ? allocate(n - 1) + fill[0] : fill[0];
}

static void check(int right, const char *what)
{
	if (right)
		return;
	printf("wrong: %s\n", what);
	exit(1);
}

/* ---- Children that share our memory ---- */

KEEP static void vfork_child(int how)
{
	char *const argv[] = { (char *)"true", NULL };
	int status = 0;
	pid_t pid = vfork();

	check(pid >= 0, "vfork");
	if (!pid) {
		allocate(6);
		if (how == 1)
			execvp("true", argv);
		_exit(how == 1 ? 127 : 7);
	}
	allocate(3);
	check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == (how == 1 ? 0 : 7), "vfork's child");
}

static void *vforks(void *arg)
{
	for (int i = 0; i < 50; i++)
		vfork_child(0);
	vfork_child(1);
	return arg;
}

KEEP static void spawn(void)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 5", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int status = 0;
	FILE *f;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 5, "/dev/null", 0, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	check(!posix_spawnp(&pid, "sh", &actions, &attributes, argv, environ), "posix_spawnp");
	allocate(5);
	check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5, "the spawned child");
	check(posix_spawnp(&pid, "/nowhere/at/all", NULL, NULL, argv, environ), "posix_spawnp of nothing");
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	check(WEXITSTATUS(system("exit 3")) == 3, "system");
	f = popen("exit 4", "r");
	check(f && WEXITSTATUS(pclose(f)) == 4, "popen");
}

static void children(void)
{
	pthread_t t[4];

	vforks(NULL);
	for (int i = 0; i < 4; i++)
		check(!pthread_create(&t[i], NULL, vforks, NULL), "pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 5; i++)
		spawn();
}

/* ---- Coroutines ---- */

struct coroutine {
	ucontext_t self, back;
	char *stack;
	size_t size;
	int steps;
};

static void run(unsigned high, unsigned low)
{
	struct coroutine *c = (struct coroutine *)((uintptr_t)high << 32 | low);

	for (;;) {
		allocate(4);
		c->steps++;
		swapcontext(&c->self, &c->back);
	}
}

static void begin(struct coroutine *c, char *stack, size_t size)
{
	memset(c, 0, sizeof(*c));
	getcontext(&c->self);
	c->stack = stack;
	c->self.uc_stack.ss_sp = stack;
	c->self.uc_stack.ss_size = c->size = size;
	makecontext(&c->self, (void (*)(void))run, 2, (unsigned)((uintptr_t)c >> 32), (unsigned)(uintptr_t)c);
}

KEEP static void step(struct coroutine *c)
{
	swapcontext(&c->back, &c->self);
}

#define COROUTINES	64
#define STACK		(32 << 10)

static struct coroutine all[COROUTINES];
static pthread_barrier_t barrier;

/* Each coroutine is continued by another thread each time. */
static void *continues(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < COROUTINES; i++)
			if ((i + round) % 4 == me)
				step(&all[i]);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* One place, each time with less of it mapped: what was readable is not any more. */
KEEP static void shrinking(void)
{
	size_t most = 256 << 10;
	char *place = mmap(NULL, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct coroutine c;

	check(place != MAP_FAILED, "mmap");
	for (size_t size = most; size >= 16 << 10; size -= 16 << 10) {
		char *stack = mmap(place, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		check(stack == place, "mmap");
		begin(&c, stack, size);
		for (int i = 0; i < 5; i++)
			step(&c);
		mmap(place, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	munmap(place, most);
}

static struct coroutine outer, inner;

static void run_inner(void)
{
	begin(&inner, malloc(STACK), STACK);
	for (int i = 0; i < 10; i++) {
		step(&inner);
		allocate(3);
		swapcontext(&outer.self, &outer.back);
	}
}

static void coroutines(void)
{
	pthread_t t[4];

	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < COROUTINES; i++)
		begin(&all[i], malloc(STACK), STACK);
	for (int i = 0; i < 4; i++)
		check(!pthread_create(&t[i], NULL, continues, (void *)(intptr_t)i), "pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < COROUTINES; i++)
		check(all[i].steps == 40, "steps");
	shrinking();
	getcontext(&outer.self);
	outer.self.uc_stack.ss_sp = malloc(STACK);
	outer.self.uc_stack.ss_size = STACK;
	makecontext(&outer.self, run_inner, 0);
	for (int i = 0; i < 10; i++)
		step(&outer);
	check(inner.steps == 10, "nested coroutines");
}

/* ---- Handlers ---- */

static _Thread_local sigjmp_buf over;
static volatile sig_atomic_t handled;

static void alternate(void)
{
	stack_t s = { .ss_sp = malloc(64 << 10), .ss_size = 64 << 10 };

	check(!sigaltstack(&s, NULL), "sigaltstack");
}

static void on_fault(int sig)
{
	(void)sig;
	allocate(6);
	handled++;
	siglongjmp(over, 1);
}

static void on_inner(int sig)
{
	(void)sig;
	allocate(2);
	handled++;
}

static void on_outer(int sig)
{
	(void)sig;
	allocate(2);
	raise(SIGVTALRM);
	allocate(2);
}

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	check(!sigaction(sig, &sa, NULL), "sigaction");
}

KEEP static int overflow(int n)
{
	volatile char fill[3000];

	fill[0] = (char)n;
	return n < 0 ? 0 : overflow(n + 1) + fill[0];
}

static int (*volatile nowhere)(int);

/*
 * A function whose first instruction faults: that is where its frame begins, while one byte
 * before is the end of another function, with a large frame; one that faults where its frame
 * has just grown; and one whose frame pointer is as its caller's again when it calls.
 */
#ifdef __x86_64__
__asm__(".text\n"
	"before:	.cfi_startproc\n"
	"	sub $1000, %rsp\n"
	"	.cfi_adjust_cfa_offset 1000\n"
	"	call before\n"
	"	.cfi_endproc\n"
	"faults_first: .cfi_startproc\n"
	"	ud2\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"faults_second: .cfi_startproc\n"
	"	sub $2008, %rsp\n"
	"	.cfi_adjust_cfa_offset 2008\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	"restores: .cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_offset %rbp, -16\n"
	"	pop %rbp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_restore %rbp\n"
	"	sub $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	movq $-1, (%rsp)\n"
	"	call *%rdi\n"
	"	add $8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	ret\n"
	"	.cfi_endproc\n");
extern void faults_first(void), faults_second(void), restores(void (*call)(void));
#else
static void faults_first(void)
{
	raise(SIGILL);
}
static void faults_second(void)
{
	raise(SIGILL);
}
static void restores(void (*call)(void))
{
	call();
}
#endif

KEEP static void called(void)
{
	allocate(2);
}

/* Its frame is found by the frame pointer that restores() leaves as it was. */
KEEP static void by_frame_pointer(int n)
{
	volatile char fill[n];

	fill[0] = 1;
	restores(called);
	fill[n - 1] = 1;
}

KEEP static void faults(int rounds, uintptr_t address)
{
	for (volatile int i = 0; i < rounds; i++) {
		if (!sigsetjmp(over, 1))
			sink = (void *)(intptr_t)overflow(0);
		nowhere = (int (*)(int))address;
		if (!sigsetjmp(over, 1))
			sink = (void *)(intptr_t)nowhere(1);
		if (!sigsetjmp(over, 1))
			faults_first();
		if (!sigsetjmp(over, 1))
			faults_second();
	}
}

KEEP static void raise_inside(void)
{
	allocate(1);
	raise(SIGALRM);
	allocate(1);
}

static void raising(void)
{
	for (;;) {
		raise_inside();
		all[0].steps++;
		swapcontext(&all[0].self, &all[0].back);
	}
}

static void *handlers(void *arg)
{
	struct coroutine *c = &all[0];

	alternate();
	faults(20, (uintptr_t)arg);
	for (int i = 0; i < 50; i++)
		raise_inside();
	/* An alternate stack while a coroutine runs. */
	getcontext(&c->self);
	c->self.uc_stack.ss_sp = malloc(STACK);
	c->self.uc_stack.ss_size = STACK;
	makecontext(&c->self, raising, 0);
	for (int i = 0; i < 20; i++)
		step(c);
	return arg;
}

static void all_handlers(uintptr_t address)
{
	pthread_t t;

	handle(SIGSEGV, on_fault, SA_ONSTACK);
	handle(SIGBUS, on_fault, SA_ONSTACK);
	handle(SIGILL, on_fault, SA_ONSTACK);
	handle(SIGALRM, on_outer, SA_ONSTACK);
	handle(SIGVTALRM, on_inner, SA_ONSTACK);
	handlers((void *)address);
	handle(SIGALRM, on_outer, 0);
	check(!pthread_create(&t, NULL, handlers, (void *)address), "pthread_create");
	pthread_join(t, NULL);
	check(handled == 2 * (4 * 20 + 50 + 20), "signals");
}

/* ---- Stacks that do not end as they should ---- */

#ifdef __x86_64__
static jmp_buf home;
static uintptr_t old_words[16];
static int old_count;

/* A return address that was valid once: of the function that calls this. */
KEEP static void remember(void)
{
	old_words[old_count++] = (uintptr_t)__builtin_return_address(0);
}

static void remember_returning_handler(int sig)
{
	(void)sig;
	remember();
	old_words[old_count++] = (uintptr_t)__builtin_return_address(0);
}

/* Its frame is larger than what a stack has beyond its first word. */
KEEP static void remember_large(void)
{
	volatile char fill[5000];

	fill[0] = 1;
	remember();
	fill[4999] = 1;
}

/* Its frame is found by frame pointer; and, realigned, by what lies beside that. */
KEEP static void remember_variable(int n)
{
	volatile char fill[n];

	fill[0] = 1;
	remember();
	fill[n - 1] = 1;
}

KEEP static void remember_realigned(void)
{
	volatile char fill[100] __attribute__((aligned(64)));

	fill[0] = 1;
	remember();
	fill[99] = 1;
}

/* Its frame is found by a register that no unwinder of ours keeps in its rules; and one of whose code
 * nothing is known but that it has a frame record. */
__asm__(".text\n.type by_rbx, @function\nby_rbx:\n.cfi_startproc\n"
	"push %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_offset %rbx, -16\n"
	"mov %rsp, %rbx\n.cfi_def_cfa_register %rbx\n"
	"sub $1024, %rsp\ncall *%rdi\nmov %rbx, %rsp\n"
	"pop %rbx\n.cfi_def_cfa %rsp, 8\nret\n.cfi_endproc\n.size by_rbx, . - by_rbx\n"
	".type by_record, @function\nby_record:\n"
	"push %rbp\nmov %rsp, %rbp\ncall *%rdi\npop %rbp\nret\n.size by_record, . - by_record\n");
extern void by_rbx(void (*call)(void)), by_record(void (*call)(void));

KEEP void keep_on_broken_stack(void)
{
	sink = malloc(1001);
}

KEEP static void in_the_middle(void)
{
	keep_on_broken_stack();
	free(malloc(20));
	__asm__ volatile("");
}

static void first_on_broken_stack(void)
{
	in_the_middle();
	longjmp(home, 1);
}

/* Calls first_on_broken_stack() as if the word at `top` were its return address; the other registers that a walk
 * uses become `garbage`. */
__asm__(".text\nenter_broken:\n"
	"mov %rdi, %rsp\nmov %rsi, %rbp\nmov %rsi, %rbx\n"
	"jmp *%rdx\n");
extern void enter_broken(uintptr_t top, uintptr_t garbage, void (*first)(void));

static void *broken_once(void *arg)
{
	size_t size = 64 << 10;
	char *stack = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t *top = (uintptr_t *)(void *)(stack + size) - 1;
	/* What a frame pointer can be: nothing, odd, the stack's last word, nowhere, what is not canonical. */
	uintptr_t garbage[] = { 0, 77, (uintptr_t)top, (uintptr_t)top - 8, (uintptr_t)top + 64, 0x6000000000, (uintptr_t)1 << 62 };

	check(stack != MAP_FAILED && !munmap(stack + size, 4096), "mmap");
	for (volatile int i = 0; i < old_count; i++) {
		for (volatile unsigned j = 0; j < sizeof(garbage) / sizeof(garbage[0]); j++) {
			*top = old_words[i];
			if (!setjmp(home))
				enter_broken((uintptr_t)top, garbage[j], first_on_broken_stack);
		}
	}
	munmap(stack, size);
	return arg;
}

/* Notes the words of stacks with frames of each kind. */
static void remember_all_kinds(void)
{
	remember();
	remember_large();
	remember_variable(100);
	remember_realigned();
	by_rbx(remember);
	by_record(remember);
	handle(SIGUSR2, remember_returning_handler, 0);
	raise(SIGUSR2);
}

static void broken(void)
{
	pthread_t t;

	remember_all_kinds();
	old_words[old_count++] = (uintptr_t)malloc;	/* a function's first byte, which follows no call */
	old_words[old_count++] = (uintptr_t)old_words;	/* data of a module */
	old_words[old_count++] = (uintptr_t)&t;
	for (int i = 0; i < 5; i++)
		broken_once(NULL);
	check(!pthread_create(&t, NULL, broken_once, NULL), "pthread_create");
	pthread_join(t, NULL);
}
static uint64_t seed = 1;

static uintptr_t any(uintptr_t most)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uintptr_t)(seed >> 33) % most;
}

/* The upper 64 words of a stack are old return addresses, code of libc and of this program, addresses on the stack
 * and beyond it, and small numbers. */
static void scrambled(void)
{
	size_t size = 16 << 10, words = 64;
	uintptr_t *stack = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t *top = stack + size / sizeof(*stack) - words;

	check(stack != MAP_FAILED && !munmap((char *)stack + size, 4096), "mmap");
	remember_all_kinds();
	for (volatile int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < words; j++) {
			switch (any(6)) {
			case 0:
				top[j] = old_words[any((uintptr_t)old_count)];
				break;
			case 1:
				top[j] = (uintptr_t)qsort + any(1 << 18);
				break;
			case 2:
				top[j] = (uintptr_t)remember + any(4096);
				break;
			case 3:
				top[j] = any(300);
				break;
			default:
				top[j] = (uintptr_t)(top + any(words + 8));
			}
		}
		if (!setjmp(home))
			enter_broken((uintptr_t)(top + any(words / 2) * 2 + 1), (uintptr_t)(top + any(words + 8)),
				     first_on_broken_stack);
	}
}
#else
static void broken(void)
{
}
static void scrambled(void)
{
}
#endif

/* ---- Threads that end otherwise ---- */

static void cleanup(void *arg)
{
	allocate((int)(intptr_t)arg);
}

KEEP static void deep_sleep(int n)
{
	pthread_cleanup_push(cleanup, (void *)(intptr_t)n);
	allocate(1);
	if (n)
		deep_sleep(n - 1);
	else
		pause();
	pthread_cleanup_pop(1);
}

static void *sleeps(void *arg)
{
	deep_sleep(10);
	return arg;
}

static void *exits(void *arg)
{
	pthread_cleanup_push(cleanup, arg);
	pthread_exit(NULL);
	pthread_cleanup_pop(1);
	return arg;
}

static void ends(void)
{
	pthread_t t;
	void *result;

	for (int i = 0; i < 100; i++) {
		by_frame_pointer(i + 20);
		check(!pthread_create(&t, NULL, sleeps, NULL), "pthread_create");
		pthread_cancel(t);
		pthread_join(t, &result);
		check(result == PTHREAD_CANCELED, "cancelled");
		check(!pthread_create(&t, NULL, exits, (void *)8), "pthread_create");
		pthread_join(t, NULL);
	}
}

/* ---- Stacks that are no multiple of 16 at a call ---- */

#ifdef __x86_64__
void *call_misaligned(void *function, uintptr_t first, uintptr_t second);
__asm__(".text\n.type call_misaligned, @function\ncall_misaligned:\n.cfi_startproc\n"
	"push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset %rbp, -16\n"
	"mov %rsp, %rbp\n.cfi_def_cfa_register %rbp\n"
	"and $-16, %rsp\nsub $8, %rsp\n"
	"mov %rdi, %rax\nmov %rsi, %rdi\nmov %rdx, %rsi\ncall *%rax\n"
	"leave\n.cfi_def_cfa %rsp, 8\nret\n.cfi_endproc\n.size call_misaligned, . - call_misaligned\n");

/* In assembly, since only malloc's functions are to run there: no compiler's code of this file. */
KEEP static int allocate_misaligned(int n)
{
	void *p = call_misaligned((void *)malloc, (uintptr_t)n + 1, 0), *q;

	p = call_misaligned((void *)realloc, (uintptr_t)p, 200);
	q = call_misaligned((void *)calloc, 3, (uintptr_t)n + 1);
	call_misaligned((void *)free, (uintptr_t)p, 0);
	call_misaligned((void *)free, (uintptr_t)q, 0);
	q = call_misaligned((void *)aligned_alloc, 64, 640);
	call_misaligned((void *)free, (uintptr_t)q, 0);
	return n > 0 ? allocate_misaligned(n - 1) + 1 : 0;
}

static void *misaligned_thread(void *unused)
{
	(void)unused;
	free(malloc(1));	/* glibc makes an arena for a thread's first block, and minds the stack there */
	allocate_misaligned(10);
	return NULL;
}

static void misaligned(void)
{
	pthread_t t;

	sink = call_misaligned((void *)malloc, 777, 0);
	for (int i = 0; i < 100; i++) {
		allocate_misaligned(i % 40);
		check(!pthread_create(&t, NULL, misaligned_thread, NULL), "pthread_create");
		allocate_misaligned(i % 7);
		pthread_join(t, NULL);
	}
}
#else
static void misaligned(void)
{
	sink = malloc(777);	/* the processor keeps it at a multiple of 16, or nobody has to */
}
#endif

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "children"))
		children();
	else if (!strcmp(what, "coroutines"))
		coroutines();
	else if (!strcmp(what, "handlers"))
		all_handlers(0);
	else if (!strcmp(what, "wild"))
		all_handlers(0x1234);	/* an address that is in no module and cannot be read */
	else if (!strcmp(what, "ends"))
		ends();
	else if (!strcmp(what, "misaligned"))
		misaligned();
	else if (!strcmp(what, "broken"))
		broken();
	else if (!strcmp(what, "scrambled"))
		scrambled();
	else
		return 2;
	puts("done");
	return 0;
}
