/* SPDX-License-Identifier: GPL-2.0-only */
/* A hash of texts, for hash tables of this run: FNV-1a of 64 bits, with a last step that spreads the bits. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

/* The hash of a NUL-terminated text. Any thread, async-signal-safe. */
static inline uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

/* The hash of a sequence of things, of which all but the last have the hash `sum`, and the last one has `hash`. */
static inline uint64_t hash_add(uint64_t sum, uint64_t hash)
{
	sum = (sum ^ hash) * 0x9e3779b97f4a7c15u;
	return sum ^ sum >> 32;
}

#endif
