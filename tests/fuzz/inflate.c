/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: the input is a zlib stream behind three bytes that say how many bytes it is to
 * unpack to. Read forward, then here and there: what is read twice has to be the same.
 */
#include <stdlib.h>
#include <string.h>

#include "inflate/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stream {
	const uint8_t *at;
	size_t size;
};

static bool source(void *from, uint64_t offset, void *buf, size_t size_bytes)
{
	const struct stream *s = from;

	/* The promise: nothing outside in_bytes is asked for. */
	if (offset > s->size || size_bytes > s->size - offset)
		abort();
	memcpy(buf, s->at + offset, size_bytes);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .chunk = NULL };
	struct stream stream = { data + 3, size - 3 };
	struct inflate z;
	uint8_t *whole, again[300];
	size_t bytes;

	if (size < 3)
		return 0;
	bytes = data[0] | (size_t)data[1] << 8 | (size_t)(data[2] & 31) << 16;
	whole = malloc(bytes + 1);
	if (!whole || !inflate_open(&z, source, &stream, stream.size, bytes, &arena))
		abort();
	for (size_t at = 0; at < bytes; at += 10000) {
		if (!inflate_read(&z, at, whole + at, bytes - at < 10000 ? bytes - at : 10000)) {
			bytes = 0;	/* damaged: and so it stays */
			if (inflate_read(&z, 0, again, 1))
				abort();
		}
	}
	for (size_t i = 1; i < 20 && bytes; i++) {
		size_t at = i * 0x9e3779b1u % bytes;
		size_t some = bytes - at < sizeof(again) ? bytes - at : sizeof(again);

		if (!inflate_read(&z, at, again, some) || memcmp(again, whole + at, some))
			abort();
	}
	arena_release(&arena);
	free(whole);
	return 0;
}
