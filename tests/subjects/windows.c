/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations by steps, whose figures in each window of the recording can be computed by hand. It reads a byte for each
 * step from its standard input, and answers by a byte:
 *
 *	a	site_a() allocates 10 blocks of 100 bytes and keeps them
 *	b	site_b() allocates 3 blocks of 1000 bytes and keeps them
 *	x	4 of the kept blocks of site_a() are freed, the oldest first
 *	y	2 of those of site_b()
 *	t	site_t() allocates and frees 5 blocks of 77 bytes, one after the other
 *	r	site_r() makes the oldest block of site_b() 2000 bytes long
 *	k	a child process, which takes one step `a`, and is waited for
 *	e	the program becomes itself again, by exec
 *
 * Between the steps tick() allocates and frees a block of 24 bytes every 10 ms, so that commands are obeyed; with the
 * argument "idle" it does not.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SITE	__attribute__((noinline))
#define MOST	4096

struct kept {
	void *blocks[MOST];
	int first, end;
};

static struct kept a, b;
static void *volatile last;

static void keep(struct kept *k, void *p) { k->blocks[k->end++ % MOST] = p; }
static void drop(struct kept *k, int count)
{
	while (count-- > 0 && k->first < k->end)
		free(k->blocks[k->first++ % MOST]);
}

SITE static void *site_a(void) { return last = malloc(100); }
SITE static void *site_b(void) { return last = malloc(1000); }
SITE static void site_t(int times)
{
	while (times-- > 0) {
		last = malloc(77);
		free(last);
	}
}
SITE static void *site_r(void *p) { return last = realloc(p, 2000); }
SITE static void tick(void) { last = malloc(24); free(last); }

SITE static void all_a(void)
{
	for (int i = 0; i < 10; i++)
		keep(&a, site_a());
}

static void child(void)
{
	pid_t pid = fork();

	if (!pid) {
		all_a();
		exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void step(char c, char **argv)
{
	switch (c) {
	case 'a':
		all_a();
		break;
	case 'b':
		for (int i = 0; i < 3; i++)
			keep(&b, site_b());
		break;
	case 'x':
		drop(&a, 4);
		break;
	case 'y':
		drop(&b, 2);
		break;
	case 't':
		site_t(5);
		break;
	case 'r':
		b.blocks[b.first % MOST] = site_r(b.blocks[b.first % MOST]);
		break;
	case 'k':
		child();
		break;
	case 'e':
		if (write(1, "e", 1) == 1)
			execv("/proc/self/exe", argv);
		break;
	}
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char c;

	for (;;) {
		while (poll(&in, 1, 10) == 0) {
			if (argc < 2 || strcmp(argv[1], "idle"))
				tick();
		}
		if (read(0, &c, 1) != 1)
			return 0;
		step(c, argv);
		if (write(1, &c, 1) != 1)
			return 1;
	}
}
