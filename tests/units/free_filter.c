/* SPDX-License-Identifier: GPL-2.0-only */
/* The filter in front of the block map (process/free_filter.h): counts of several threads, of more blocks than a byte can
 * count, and before and after its time. */
#include "process/free_filter.h"

#include "base/bootstrap.h"

#include <pthread.h>
#include <stdio.h>

#define PAGE	((uintptr_t)4096)

static unsigned tests;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

static const void *at(uintptr_t address)
{
	return (const void *)address;
}

/* How many pages the filter knows nothing to be in. */
static unsigned lacks(void)
{
	unsigned count = 0;

	for (uintptr_t i = 0; i < FREE_FILTER_BYTES; i++)
		count += free_filter_lacks(at(i * PAGE));
	return count;
}

/* Counts a block in a page that all threads use, and one in a page of its own, and sees both. */
static void *work(void *number)
{
	uintptr_t own = 100 * PAGE + (uintptr_t)number * PAGE, seen = 1;

	for (unsigned i = 0; i < 100000; i++) {
		free_filter_add(at(99 * PAGE + 32));
		free_filter_add(at(own));
		seen &= !free_filter_lacks(at(99 * PAGE + 4064)) && !free_filter_lacks(at(own));
		free_filter_remove(at(own));
		free_filter_remove(at(99 * PAGE + 32));
		seen &= free_filter_lacks(at(own));
	}
	return (void *)seen;
}

static void test_threads(void)
{
	pthread_t threads[4];
	bool seen = true;

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (unsigned i = 0; i < 4; i++) {
		void *result;

		pthread_join(threads[i], &result);
		seen &= (uintptr_t)result;
	}
	ok(seen, "a block that is counted is not missed, whatever other threads count");
	ok(free_filter_lacks(at(99 * PAGE)), "... and none is left of those that are gone");
}

/* A page has more blocks than its byte can count. */
static void test_many(void)
{
	for (unsigned i = 0; i < 254; i++)
		free_filter_add(at(7 * PAGE + i));
	for (unsigned i = 0; i < 254; i++)
		free_filter_remove(at(7 * PAGE + i));
	ok(free_filter_lacks(at(7 * PAGE)), "254 blocks in a page, and none");
	for (unsigned i = 0; i < 300; i++)
		free_filter_add(at(7 * PAGE + i));
	for (unsigned i = 0; i < 300; i++)
		free_filter_remove(at(7 * PAGE + i));
	ok(!free_filter_lacks(at(7 * PAGE)), "after more of them nobody knows");
	free_filter_start();
	ok(free_filter_lacks(at(7 * PAGE)), "... until the filter is started anew");
}

int main(void)
{
	ok(!lacks(), "before the start nobody knows what there is");
	free_filter_add(at(5 * PAGE));
	free_filter_remove(at(5 * PAGE));
	free_filter_remove(at(5 * PAGE));
	ok(!lacks(), "... and nothing is counted");
	free_filter_start();
	ok(!free_filter_lacks(bootstrap_pool.bytes) && !free_filter_lacks(bootstrap_pool.bytes + BOOTSTRAP_BYTES - 1),
	   "then there are the blocks of the bootstrap pool");
	ok(lacks() >= FREE_FILTER_BYTES - BOOTSTRAP_BYTES / PAGE - 1, "... and no others");
	free_filter_add(NULL);
	free_filter_remove(NULL);
	free_filter_add(at(5 * PAGE + 16));
	ok(free_filter_lacks(NULL) && !free_filter_lacks(at(5 * PAGE)) && free_filter_lacks(at(4 * PAGE)) &&
	   free_filter_lacks(at(6 * PAGE)), "a block is counted in its page");
	free_filter_remove(at(5 * PAGE + 16));
	ok(free_filter_lacks(at(5 * PAGE)), "... until it is gone");
	test_threads();
	test_many();
	free_filter_add(at(5 * PAGE));
	free_filter_stop();
	free_filter_remove(at(5 * PAGE));
	ok(!lacks(), "after the stop nobody knows");
	printf("1..%u\n", tests);
	return 0;
}
