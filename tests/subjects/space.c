/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * space HOW LIMIT BYTES PLACES: allocates blocks of so many bytes, from so many backtraces, until there is no
 * memory, and prints how many MB these were; then gives all back and allocates once more. HOW: "none", what
 * limits there are; "as", "data": sets RLIMIT_AS or RLIMIT_DATA to LIMIT KB when it has allocated a little; "other": a
 * child sets RLIMIT_AS for it (prlimit(2)); "child": a forked child does all of it, with RLIMIT_AS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static void *right(unsigned way, int depth, size_t size);
__attribute__((noinline)) static void *left(unsigned way, int depth, size_t size)
{
	void *p = !depth ? malloc(size) : way & 1 ? left(way >> 1, depth - 1, size) : right(way >> 1, depth - 1, size);

	__asm__ volatile("");
	return p;
}

static void *right(unsigned way, int depth, size_t size)
{
	void *p = !depth ? malloc(size) : way & 1 ? left(way >> 1, depth - 1, size) : right(way >> 1, depth - 1, size);

	__asm__ volatile("");
	return p;
}

static unsigned long fill(size_t size, unsigned places)
{
	void **first = NULL, **p;
	unsigned long n = 0;

	/* Linked, so that no other memory is needed. */
	while ((p = left((unsigned)(n % places), 14, size))) {
		*p = first;
		first = p;
		n++;
	}
	while (first) {
		p = *first;
		free(first);
		first = p;
	}
	return n * size >> 20;
}

int main(int argc, char **argv)
{
	const char *how = argc > 4 ? argv[1] : "";
	rlim_t bytes = argc > 4 ? (rlim_t)atol(argv[2]) << 10 : 0;
	struct rlimit limit = { bytes, RLIM_INFINITY };
	size_t size = argc > 4 ? strtoul(argv[3], NULL, 10) : 0;
	unsigned places = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
	unsigned long mb;
	int status = 0;
	pid_t child, parent = getpid();

	if (size < sizeof(void *) || !places)
		return 2;
	for (unsigned i = 0; i < 1000; i++)
		free(left(i, 14, 100));
	fflush(stdout);
	if (!strcmp(how, "child") && (child = fork())) {
		waitpid(child, &status, 0);
		return status != 0;
	}
	if ((!strcmp(how, "as") || !strcmp(how, "child")) && setrlimit(RLIMIT_AS, &limit))
		return 77;
	if (!strcmp(how, "data") && setrlimit(RLIMIT_DATA, &limit))
		return 77;
	if (!strcmp(how, "other")) {
		child = fork();
		if (!child)
			_exit(prlimit(parent, RLIMIT_AS, &limit, NULL) ? 77 : 0);
		waitpid(child, &status, 0);
		if (status)
			return 77;
	}
	mb = fill(size, places);
	fill(size, places);
	printf("%lu\n", mb);
	return 0;
}
