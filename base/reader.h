/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bounds-checked reader over bytes in memory, with a sticky error: a read past the end returns 0 and sets
 * `bad`, and so do all later reads. So parsing code needs no check after each read: it looks at `bad` once,
 * before it uses the values. Async-signal-safe; allocates nothing.
 *
 * Invariant: start <= p <= end, always, bad or not.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
	const uint8_t *start;
	const uint8_t *p;	/* next byte to read */
	const uint8_t *end;
	bool bad;		/* a read went past the end, or a number or text was malformed */
};

static inline struct reader reader_over(const void *mem, size_t size_bytes)
{
	const uint8_t *p = mem;

	return (struct reader){ .start = p, .p = p, .end = p + size_bytes };
}

static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

/* Returns a pointer to the next size_bytes bytes and moves past them, or returns NULL and sets bad. */
static inline const uint8_t *reader_bytes(struct reader *r, uint64_t size_bytes)
{
	const uint8_t *p = r->p;

	if (r->bad || size_bytes > reader_left(r)) {
		r->bad = true;
		return NULL;
	}
	r->p += size_bytes;
	return p;
}

static inline void reader_skip(struct reader *r, uint64_t size_bytes)
{
	reader_bytes(r, size_bytes);
}

/* Moves to an offset from the start. An offset past the end sets bad. */
static inline void reader_seek(struct reader *r, uint64_t offset)
{
	if (r->bad || offset > (uint64_t)(r->end - r->start))
		r->bad = true;
	else
		r->p = r->start + offset;
}

/* Copies a fixed-size object in the machine's byte order. The source need not be aligned. Returns false, and
 * clears the object, if there are too few bytes. */
static inline bool reader_object(struct reader *r, void *object, size_t size_bytes)
{
	const uint8_t *p = reader_bytes(r, size_bytes);

	if (!p) {
		memset(object, 0, size_bytes);
		return false;
	}
	memcpy(object, p, size_bytes);
	return true;
}

/* This one does not go through reader_object(), because the programs of unwind information, which consist of
 * single bytes, are read often. */
static inline uint8_t reader_u8(struct reader *r)
{
	if (r->bad || r->p == r->end) {
		r->bad = true;
		return 0;
	}
	return *r->p++;
}

#define READER_FIXED(name, type)				\
	static inline type name(struct reader *r)		\
	{							\
		type v;						\
								\
		reader_object(r, &v, sizeof(v));		\
		return v;					\
	}
READER_FIXED(reader_u16, uint16_t)
READER_FIXED(reader_u32, uint32_t)
READER_FIXED(reader_u64, uint64_t)
#undef READER_FIXED

/* Numbers in LEB128 form, unsigned and signed (DWARF 5, section 7.6). A number of more than 64 bits gives 0 and
 * sets bad. */
static inline uint64_t reader_uleb(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = reader_u8(r);

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

static inline int64_t reader_sleb(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; ) {
		uint8_t byte = reader_u8(r);

		v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80))
			return (int64_t)(byte & 0x40 && shift < 64 ? v | -((uint64_t)1 << shift) : v);
	}
	r->bad = true;
	return 0;
}

/* Returns a pointer to a NUL-terminated string and moves past its NUL. Returns NULL and sets bad when no NUL
 * comes before the end. */
static inline const char *reader_string(struct reader *r)
{
	const uint8_t *p = r->p;
	const uint8_t *nul = r->bad ? NULL : memchr(p, 0, reader_left(r));

	if (!nul) {
		r->bad = true;
		return NULL;
	}
	r->p = nul + 1;
	return (const char *)p;
}

#endif
