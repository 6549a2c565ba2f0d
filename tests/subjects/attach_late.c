/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads the library by dlopen() while it runs, and calls heaptrace_attach() and heaptrace_detach() itself. The first
 * argument is the library, the second the options, the third says what is done in between. What is printed is compared
 * with what the test expects; allocations are made in functions whose names the test looks for in the dump.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAIN	__attribute__((noinline, noclone))
#define COUNT	10

extern char **environ;

static int (*heaptrace_attach)(const char *);
static int (*heaptrace_detach)(void);
static const char *options;
static void *kept[1000];
static int keeps;

static void keep(void *p)
{
	if (!p)
		abort();
	kept[keeps++] = p;
}

/* A pointer in the data, which the loader has filled in. */
static void *(*volatile in_data)(size_t) = malloc;
static void (*volatile free_in_data)(void *) = free;

PLAIN static void by_malloc(int n) { while (n--) keep(malloc(100)); }
PLAIN static void by_calloc(int n) { while (n--) keep(calloc(3, 40)); }
PLAIN static void by_realloc(int n) { while (n--) keep(realloc(malloc(10), 200)); }
PLAIN static void by_strdup(int n) { while (n--) keep(strdup("0123456789")); }
PLAIN static void by_pointer(int n) { while (n--) keep(in_data(70)); }
PLAIN static void by_dlsym(int n) { while (n--) keep(((void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc"))(60)); }
PLAIN static void by_resize(void **before, int n) { while (n--) keep(realloc(before[n], 3000)); }

PLAIN static void by_memalign(int n)
{
	void *p;

	while (n--) {
		if (posix_memalign(&p, 64, 640))
			abort();
		keep(p);
	}
}

/* ---- Threads ---- */

static pthread_barrier_t ready, go, done, end;
static void *of_threads[3][COUNT];

PLAIN static void by_thread(void **blocks, int n)
{
	while (n--)
		blocks[n] = malloc(1000);
	free(blocks[0]);
}

static void *thread(void *blocks)
{
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&go);
	by_thread(blocks, COUNT);
	pthread_barrier_wait(&done);
	pthread_barrier_wait(&end);
	return NULL;
}

static void *late_thread(void *blocks)
{
	by_thread(blocks, COUNT);
	pthread_barrier_wait(&done);
	pthread_barrier_wait(&end);
	return NULL;
}

/* ---- What has to be as before after a detach ---- */

/* The protections of what is mapped of files, but of the tracer's. The kernel may show neighbours with the same protection
 * as one mapping or as several. */
static void list_protections(char *to, size_t bytes)
{
	unsigned long start, end, first = 0, last = 0;
	char line[512], protection[8], path[300], shown[400] = "", now[400];
	FILE *maps = fopen("/proc/self/maps", "r");
	size_t at = 0;

	while (maps && fgets(line, sizeof(line), maps)) {
		*path = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %299s", &start, &end, protection, path) < 4 || *path != '/' ||
		    strstr(path, "heaptrace"))
			continue;
		snprintf(now, sizeof(now), "%s %s", protection, path);
		if (start != last || strcmp(now, shown)) {
			if (*shown)
				at += (size_t)snprintf(to + at, bytes - at, "%lx-%lx %s\n", first, last, shown);
			strcpy(shown, now);
			first = start;
		}
		last = end;
	}
	snprintf(to + at, bytes - at, "%lx-%lx %s\n", first, last, shown);
	if (maps)
		fclose(maps);
}

static void handler(int sig) { (void)sig; }

static void show_action(const char *name, int sig)
{
	struct sigaction a;

	sigaction(sig, NULL, &a);
	printf("%s %s %d %d\n", name, a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ? "ignored" :
	       a.sa_handler == handler ? "own" : "other", !!(a.sa_flags & SA_RESTART), sigismember(&a.sa_mask, SIGHUP));
}

static void show_actions(const char *when)
{
	printf("actions %s\n", when);
	show_action("usr1", SIGUSR1);
	show_action("usr2", SIGUSR2);
	show_action("term", SIGTERM);
	show_action("segv", SIGSEGV);
	show_action("pipe", SIGPIPE);
}

/* ---- The modes ---- */

static void attach(void) { printf("attach %d\n", heaptrace_attach(options)); }
static void detach(void) { printf("detach %d\n", heaptrace_detach()); }

static void load_library(const char *path, bool again)
{
	void *(*alloc)(void) = NULL;
	void *handle = dlopen(path, RTLD_LAZY);

	if (handle)
		*(void **)&alloc = dlsym(handle, "library_alloc");
	if (!alloc) {
		printf("%s\n", dlerror());
		exit(1);
	}
	if (again) {
		for (int i = 0; i < 5; i++)
			keep(alloc());
	}
}

static void counts(char **libraries)
{
	static char before_maps[65536], after_maps[65536];
	struct sigaction a = { .sa_handler = SIG_DFL, .sa_flags = SA_RESTART };
	void *before[COUNT], *pointer = (void *)in_data, *found = dlsym(RTLD_DEFAULT, "malloc");
	pthread_t threads[3];

	sigaddset(&a.sa_mask, SIGHUP);
	sigaction(SIGTERM, &a, NULL);
	signal(SIGUSR1, handler);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < COUNT; i++)
		before[i] = malloc(50);
	load_library(libraries[0], false);
	pthread_barrier_init(&ready, NULL, 3);
	pthread_barrier_init(&go, NULL, 3);
	pthread_barrier_init(&done, NULL, 4);
	pthread_barrier_init(&end, NULL, 4);
	pthread_create(&threads[0], NULL, thread, of_threads[0]);
	pthread_create(&threads[1], NULL, thread, of_threads[1]);
	pthread_barrier_wait(&ready);
	show_actions("before");
	list_protections(before_maps, sizeof(before_maps));
	attach();
	show_actions("attached");

	by_malloc(10);
	by_calloc(5);
	by_realloc(4);
	by_strdup(3);
	by_memalign(2);
	by_pointer(7);
	by_dlsym(6);
	by_resize(before, 2);
	for (int i = 2; i < 5; i++)
		free(before[i]);
	free_in_data(before[5]);
	load_library(libraries[0], true);
	load_library(libraries[1], true);
	pthread_create(&threads[2], NULL, late_thread, of_threads[2]);
	pthread_barrier_wait(&go);
	pthread_barrier_wait(&done);

	detach();
	by_malloc(3);
	list_protections(after_maps, sizeof(after_maps));
	show_actions("after");
	printf("pointer %s\n", pointer == (void *)in_data ? "restored" : "changed");
	printf("dlsym %s\n", found == dlsym(RTLD_DEFAULT, "malloc") ? "restored" : "changed");
	/* The library that was opened meanwhile is in the second list only. */
	for (char *line = strtok(before_maps, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strstr(after_maps, line))
			printf("protection of %s\n", line);
	}
	pthread_barrier_wait(&end);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void again(void)
{
	attach();
	by_malloc(10);
	by_calloc(5);
	detach();
	by_malloc(10);
	attach();
	free(kept[0]);		/* it was recorded the last time, and is unknown now */
	by_malloc(4);
	kill(getpid(), SIGUSR2);
	detach();
}

/* ---- Ends ---- */

static void *freed_at_end;
static void at_end(void) { free(freed_at_end); }
__attribute__((destructor)) static void destroy(void) { free(in_data == malloc ? kept[0] : NULL); }

static void ends(const char *how)
{
	attach();
	by_malloc(2);
	keeps = 2;
	freed_at_end = calloc(1, 5000);
	atexit(at_end);
	if (!strcmp(how, "_exit"))
		_exit(3);
	if (!strcmp(how, "quick_exit"))
		quick_exit(3);
	if (!strcmp(how, "signal"))
		raise(SIGTERM);
	if (!strcmp(how, "detached")) {
		detach();
		raise(SIGTERM);
	}
	exit(3);
}

static void starts(char *self)
{
	char *args[] = { self, NULL };
	int status;
	pid_t pid;

	attach();
	by_malloc(2);
	pid = fork();
	if (!pid) {
		by_calloc(3);
		exit(4);
	}
	waitpid(pid, &status, 0);
	printf("forked %d\n", WEXITSTATUS(status));
	printf("system %d\n", WEXITSTATUS(system("exit 5")));
	if (posix_spawnp(&pid, "true", NULL, NULL, args, environ))
		abort();
	waitpid(pid, &status, 0);
	printf("spawned %d\n", WEXITSTATUS(status));
	pid = fork();
	if (!pid) {
		execlp("sh", "sh", "-c", "env | grep -c HEAPTRACE; exit 6", NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("executed %d\n", WEXITSTATUS(status));
	detach();
	pid = fork();
	if (!pid) {
		by_malloc(1);
		attach();
			by_calloc(4);
		exit(7);
	}
	waitpid(pid, &status, 0);
	printf("child attached %d\n", WEXITSTATUS(status));
}

/* ---- Under load ---- */

static atomic_int stop;
static atomic_long operations;

static void *churn(void *number)
{
	unsigned seed = (unsigned)(uintptr_t)number;
	void *blocks[64] = { NULL };

	while (!stop) {
		void **b = &blocks[rand_r(&seed) % 64];

		errno = 77;
		free(*b);
		switch (rand_r(&seed) % 4) {
		case 0: *b = malloc((size_t)rand_r(&seed) % 3000); break;
		case 1: *b = calloc(1, (size_t)rand_r(&seed) % 300000); break;
		case 2: *b = realloc(malloc(10), 1 + (size_t)rand_r(&seed) % 5000); break;
		case 3: *b = strdup("text"); break;
		}
		if (errno != 77)
			printf("errno %d\n", errno), abort();
		operations++;
	}
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	return NULL;
}

/* Not free() itself: libc would keep a pointer to that, which nobody can find. */
static void destroy_value(void *value) { free(value); }

static pthread_key_t key;
static void *short_lived(void *unused)
{
	pthread_setspecific(key, malloc(30));
	pthread_setname_np(pthread_self(), "short");
	return unused;
}

static void *spawner(void *unused)
{
	pthread_t t;

	for (; !stop; usleep(100)) {
		if (!pthread_create(&t, NULL, short_lived, NULL))
			pthread_join(t, NULL);
	}
	return unused;
}

static void *forker(void *unused)
{
	int status;

	for (; !stop; usleep(2000)) {
		pid_t pid = fork();

		if (!pid) {
			free(malloc(100));
			_exit(7);
		}
		if (waitpid(pid, &status, 0) != pid || status != 7 << 8)
			printf("a child ended with %x\n", (unsigned)status), abort();
	}
	return unused;
}

static void *opener(void *path)
{
	for (; !stop; usleep(500)) {
		void *handle = dlopen(path, RTLD_LAZY);
		void *(*alloc)(void) = handle ? dlsym(handle, "library_alloc") : NULL;

		if (!alloc)
			abort();
		free(alloc());
		dlclose(handle);
	}
	return NULL;
}

static void load(int rounds, char *library)
{
	static void *(*const bodies[])(void *) = { churn, churn, spawner, forker, opener };
	pthread_t threads[5];
	int failed = 0;

	pthread_key_create(&key, destroy_value);
	for (uintptr_t i = 0; i < 5; i++)
		pthread_create(&threads[i], NULL, bodies[i], i < 4 ? (void *)(i + 1) : library);
	for (int i = 0; i < rounds; i++) {
		char text[1000];

		snprintf(text, sizeof(text), "%s:depth=%d", options, 1 + i % 20);
		failed += heaptrace_attach(text) != 0;
		usleep(2000);
		failed += heaptrace_detach() != 0;
		usleep(1000);
	}
	stop = 1;
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	printf("failed %d\n", failed);
}

/* ---- The library from a memfd, as the wrapper brings it where its file is not to be seen ---- */

static void *open_copy(const char *library)
{
	int fd = memfd_create("libheaptrace.so", MFD_CLOEXEC), from = open(library, O_RDONLY | O_CLOEXEC);
	char path[64];
	struct stat st;
	void *handle;

	if (from < 0 || fstat(from, &st) || sendfile(fd, from, NULL, (size_t)st.st_size) != st.st_size)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	handle = dlopen(path, RTLD_NOW);
	close(from);
	close(fd);
	open("/dev/null", O_RDONLY);	/* the number is another file's from now on */
	return handle;
}

static void refusals(const char *library)
{
	struct rlimit limit = { 1 << 20, RLIM_INFINITY };
	int (*other)(const char *) = NULL;

	detach();
	options = "depth=none";
	attach();
	setrlimit(RLIMIT_AS, &limit);
	options = "";
	attach();
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_AS, &limit);
	options = "outfile=/dev/null";
	attach();
	attach();
	detach();
	detach();
	*(void **)&other = dlsym(open_copy(library), "heaptrace_attach");
	if (other)
		printf("copy %d\n", other(options));
}

/* ---- Pools, which a program may report to a library that it has found by dlsym() ---- */

static void pools(void *library)
{
	unsigned (*pool_of)(const char *), pool;
	int (*change)(unsigned, void *, void *, size_t);
	void (*report)(void *, size_t);
	static char memory[4][64];

	*(void **)&pool_of = dlsym(library, "heaptrace_api_pool");
	*(void **)&change = dlsym(library, "heaptrace_api_pool_change");
	*(void **)&report = dlsym(library, "heaptrack_report_alloc");
	attach();
	report(memory[0], 16);
	change(pool_of("first"), NULL, memory[1], 32);
	detach();
	attach();
	pool = pool_of("second");
	change(pool, NULL, memory[2], 48);
	report(memory[3], 64);
	printf("unknown %d\n", change(pool, memory[0], NULL, 0));
	printf("known %d\n", change(pool, memory[2], NULL, 0));
	detach();
}

int main(int argc, char **argv)
{
	bool copied = argc > 4 && !strcmp(argv[4], "copied");
	void *handle;

	setvbuf(stdout, NULL, _IONBF, 0);	/* so that no buffer is among the blocks, and no child has it */
	handle = copied ? open_copy(argv[1]) : dlopen(argv[1], RTLD_NOW);
	if (!handle) {
		printf("%s\n", dlerror());
		return 1;
	}
	*(void **)&heaptrace_attach = dlsym(handle, "heaptrace_attach");
	*(void **)&heaptrace_detach = dlsym(handle, "heaptrace_detach");
	options = argv[2];
	if (!strcmp(argv[3], "counts"))
		counts(argv + 4);
	else if (!strcmp(argv[3], "again"))
		again();
	else if (!strcmp(argv[3], "ends"))
		ends(argv[4]);
	else if (!strcmp(argv[3], "starts"))
		starts(argv[0]);
	else if (!strcmp(argv[3], "load"))
		load(atoi(argv[4]), argv[5]);
	else if (!strcmp(argv[3], "pools"))
		pools(handle);
	else if (!strcmp(argv[3], "refusals"))
		refusals(argv[1]);
	return 0;
}
