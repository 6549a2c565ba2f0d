/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes demangle(): the input is a name, its first byte how large the output may be. Also
 * checks the contract: a result is terminated where its length says, nothing is written
 * behind out, and less room gives the same text or none.
 *
 *	clang -g -O1 -std=gnu11 -I. -fsanitize=fuzzer,address,undefined -o fuzz \
 *		tests/fuzz/demangle.c demangle/[a-z]*.c
 *	./fuzz -max_len=400 tests/fuzz/corpus/demangle
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "demangle/demangle.h"

#define OUT_BYTES	(64 * 1024)

static void require(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(16) char work[DEMANGLE_WORK_BYTES];
	static char out[OUT_BYTES];
	size_t small, len, again;
	char *name, *tight;

	if (!size)
		return 0;
	small = 1 + data[0];
	name = malloc(size);		/* of its own, so that a read beyond its end shows */
	memcpy(name, data + 1, size - 1);
	name[size - 1] = '\0';

	memset(work, 0xa5, 4096);	/* any content */
	len = demangle(name, work, out, sizeof(out));
	require(len < sizeof(out) && strlen(out) == len);

	tight = malloc(small);
	again = demangle(name, work, tight, small);
	require(strlen(tight) == again);
	if (again)
		require(again == len && !memcmp(tight, out, len));
	if (len)
		require(again || len >= small);
	free(tight);
	free(name);
	return 0;
}
