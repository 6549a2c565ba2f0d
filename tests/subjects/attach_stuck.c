/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program with a malloc() of its own, in which a second thread waits for input: --detach has to wait for it. The first
 * thread sleeps meanwhile, and says so if it is woken.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STUCK_BYTES	4242

static _Alignas(16) char room[1 << 20];
static size_t used;

void *malloc(size_t bytes)
{
	char byte;

	if (bytes == STUCK_BYTES && (write(STDOUT_FILENO, "inside\n", 7) != 7 || read(STDIN_FILENO, &byte, 1) < 0))
		_exit(1);
	return room + __atomic_fetch_add(&used, (bytes + 15) / 16 * 16, __ATOMIC_RELAXED);
}

void free(void *block) { (void)block; }
void *calloc(size_t count, size_t bytes) { return malloc(count * bytes); }
void *realloc(void *block, size_t bytes) { return block ? memmove(malloc(bytes), block, bytes) : malloc(bytes); }

/* libc's strdup() calls malloc() by way of the loader. */
static void *copy(void *text)
{
	char byte;

	return read(STDIN_FILENO, &byte, 1) == 1 ? strdup(text) : NULL;
}

int main(void)
{
	static char text[STUCK_BYTES];
	struct timespec hour = { 3600, 0 };
	pthread_t thread;

	memset(text, 'x', sizeof(text) - 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	pthread_create(&thread, NULL, copy, text);
	puts("ready");
	for (;;)
		printf("woken: %d\n", nanosleep(&hour, NULL));
}
