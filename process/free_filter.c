/* SPDX-License-Identifier: GPL-2.0-only */
/* See free_filter.h. */
#include "free_filter.h"

#include "base/bootstrap.h"
#include "base/check.h"

#include <string.h>

uint8_t free_filter[FREE_FILTER_BYTES];

static bool started;

/* Adds 1 or -1, modulo 256, to the byte of p. One that is 0 stays 0. */
static void change(const void *p, uint8_t by)
{
	uint8_t *at = free_filter_at(p), n = load_relaxed(at);

	while (p && n && !cas_relaxed(at, &n, (uint8_t)(n + by)))
		;
	check(!p || !n || by != 1 || n != FREE_FILTER_NONE, "a block that leaves the free filter is counted there");
}

void free_filter_add(const void *p)
{
	change(p, (uint8_t)-1);
}

void free_filter_remove(const void *p)
{
	change(p, 1);
}

void free_filter_start(void)
{
	const char *pool = bootstrap_pool.bytes;

	started = true;
	memset(free_filter, FREE_FILTER_NONE, sizeof(free_filter));
	for (unsigned at = 0; at < BOOTSTRAP_BYTES; at += BOOTSTRAP_ALIGN)
		store_relaxed(free_filter_at(pool + at), 0);
}

void free_filter_stop(void)
{
	if (started)	/* so that a process which never starts the filter needs no memory for it */
		memset(free_filter, 0, sizeof(free_filter));
	started = false;
}
