/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See inflate.h. Unpacked bytes land in `out`; when it is full, its last 32 KB (as far back as a
 * match may reach) move to its front:
 *
 *	               base                base + have
 *	unpacked  -----|===================|------------      kept in out[0..have)
 *	                         ^ adler_at: summed up to here, as far as we ever were
 *	checkpoint     ^         ^         ^ every `spacing` bytes: 32 KB, and where in the stream
 *
 * Unpacking can stop between any two symbols, so it stops where a read or a checkpoint wants it
 * to: a checkpoint inside a block says where its codes stand, which are then built again.
 *
 * The stream is a number of bits, lowest first. `bits` has the next `count` of them, and above
 * these whatever (the bits that follow, or zeros); `p` is where the rest is. Taking 48 bits, the
 * longest match, needs one load of 8 bytes, which never reaches past the input's buffer: at the
 * end of the stream zeros follow, and taking one of them is found out afterwards.
 *
 * Mostly one load and three looks into tables of huffman.h unpack up to two literals and a match:
 * about twice the speed of zlib.
 */
#include "inflate/inflate.h"

#include <endian.h>
#include <string.h>

#include "inflate/huffman.h"

#define WINDOW_BYTES	32768u		/* RFC 1951, section 2: the farthest match */
#define OUT_BYTES	(2 * WINDOW_BYTES)
#define OUT_SLACK	320u		/* 3 literals, a match of 258, copied by 16 bytes */
#define IN_BYTES	16384u
#define IN_SLACK	32u		/* zeros after the end */
#define AHEAD_BYTES	16u		/* two loads */
#define RATIO_MAX	1032u		/* 258 bytes for 2 bits, each a code of its own */

enum phase {
	PHASE_START,	/* of the stream */
	PHASE_HEADER,	/* of a block */
	PHASE_STORED,
	PHASE_CODES,
	PHASE_END,	/* of the last block; Adler-32 and size are right */
};

/* Where the unpacking is, besides the last 32 KB. */
struct place {
	uint64_t bit;			/* in the stream */
	uint64_t codes_bit;		/* PHASE_CODES: where they are defined; 0: fixed ones */
	uint64_t out;			/* the next unpacked byte */
	uint32_t stored_left;		/* PHASE_STORED */
	uint8_t phase;
	bool last;			/* block */
};

struct checkpoint {
	struct place place;
	uint8_t *window;		/* the 32 KB before place.out */
};

struct inflate_state {
	inflate_source *source;
	void *from;
	struct arena *arena;
	uint64_t in_bytes, out_bytes;
	uint64_t in_at;			/* in the stream: of in[0] */
	uint32_t in_have;
	uint64_t bits;
	unsigned count;
	const uint8_t *p;
	uint64_t base;			/* in the unpacked bytes: of out[0] */
	uint32_t have;
	bool bad;
	struct place now;		/* bit and out: of the last stop */
	uint64_t adler_at;
	uint32_t adler_low, adler_high;
	uint64_t spacing;
	uint32_t checkpoints;
	struct checkpoint checkpoint[INFLATE_CHECKPOINTS];
	uint32_t literals[HUFFMAN_LITERAL_ROOM];
	uint32_t distances[HUFFMAN_DISTANCE_ROOM];
	uint8_t in[IN_BYTES + IN_SLACK];
	uint8_t out[OUT_BYTES + OUT_SLACK];
};

/* Input */

static uint64_t load_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* At least AHEAD_BYTES bytes at p, the stream's or zeros behind it; false: too far behind it, or
 * the source has failed. */
static bool more_input(struct inflate_state *z)
{
	uint32_t used = (uint32_t)(z->p - z->in), left, more;
	uint64_t rest;

	if (used + AHEAD_BYTES <= z->in_have)
		return true;
	rest = z->in_bytes - z->in_at - z->in_have;
	if (!rest)
		return used <= z->in_have + 8;
	/* What is in `bits` may be given back: it stays in front of p. */
	used -= used < 8 ? used : 8;
	left = z->in_have - used;
	memmove(z->in, z->in + used, left);
	more = rest < IN_BYTES - left ? (uint32_t)rest : IN_BYTES - left;
	z->in_at += used;
	z->in_have = left;
	z->p -= used;
	if (!z->source(z->from, z->in_at + left, z->in + left, more))
		return false;
	z->in_have += more;
	memset(z->in + z->in_have, 0, IN_SLACK);
	return true;
}

/* Bit positions need no more than 64 bits: in_bytes is checked to be less than 2^60. */
static uint64_t bit_place(const struct inflate_state *z)
{
	return (z->in_at + (uint64_t)(z->p - z->in)) * 8 - z->count;
}

static bool seek_bit(struct inflate_state *z, uint64_t bit)
{
	if (bit / 8 > z->in_bytes)
		return false;
	z->in_at = bit / 8;
	z->in_have = 0;
	z->p = z->in;
	z->bits = z->count = 0;
	memset(z->in, 0, IN_SLACK);
	if (!more_input(z))
		return false;
	z->bits = load_u64(z->p) >> bit % 8;
	z->p += 7;
	z->count = 56 - bit % 8;
	return true;
}

/* Makes count at least n <= 56. False, with bad set: too far past the end. */
static __attribute__((noinline)) bool need(struct inflate_state *z, unsigned n)
{
	if (z->count >= n)
		return true;
	if (!more_input(z)) {
		z->bad = true;
		return false;
	}
	z->bits |= load_u64(z->p) << z->count;
	z->p += (63 - z->count) >> 3;
	z->count |= 56;
	return true;
}

/* The next n <= 25 bits of a header; what is past the end is zero or sets bad. */
static __attribute__((noinline)) uint32_t take(struct inflate_state *z, unsigned n)
{
	uint32_t v;

	if (!need(z, n))
		return 0;
	v = (uint32_t)z->bits & ((1u << n) - 1);
	z->bits >>= n;
	z->count -= n;
	return v;
}

/* Output */

/*
 * Adler-32 (RFC 1950, section 8.2) of what is new; 5552 bytes are the most that cannot make the
 * second sum overflow. By 23 times two words, whose even and odd bytes are added up as sums of 16
 * bits side by side; `evens` and `odds` add up what these were before each step, which is how
 * often a step counts in the second sum: 255 * (22 + 21 + .. + 1) just fits. A product has a word's
 * sums, each times a weight, added up in its highest 16 bits.
 */
static void sum_up(struct inflate_state *z)
{
	typedef unsigned long pair __attribute__((vector_size(2 * sizeof(long))));
	const unsigned long bytes = (unsigned long)0x00ff00ff00ff00ff;
	const unsigned long halves = (unsigned long)0x0000ffff0000ffff;
	const unsigned long once = (unsigned long)0x0001000100010001;
	const unsigned long falling = (unsigned long)0x0004000300020001;
	const unsigned size = sizeof(long), top = 8 * size - 16;
	const uint8_t *p, *end = z->out + z->have;
	uint32_t low = z->adler_low, high = z->adler_high;

	if (z->adler_at >= z->base + z->have)
		return;
	p = z->out + (z->adler_at - z->base);
	z->adler_at = z->base + z->have;
	while (p < end) {
		const uint8_t *stop = end - p < 5552 ? end : p + 5552;

		while (stop - p >= 23 * 2 * (int)size) {
			pair even = { 0 }, odd = { 0 }, evens = { 0 }, odds = { 0 };

			high += 23 * 2 * size * low;
			for (int i = 0; i < 23; i++, p += 2 * size) {
				pair v = { (unsigned long)load_u64(p),
					   (unsigned long)load_u64(p + size) };

				evens += even;
				odds += odd;
				even += v & bytes;
				odd += v >> 8 & bytes;
			}
			for (int i = 0; i < 2; i++) {
				uint64_t steps = (evens[i] & halves) + (evens[i] >> 16 & halves) +
						 (odds[i] & halves) + (odds[i] >> 16 & halves);
				uint32_t sum = (uint32_t)((even[i] + odd[i]) * once >> top);

				/* In a word the bytes count 8, 7, 6, .. times (4, 3, ..). */
				high += 2 * size * (uint32_t)(steps + (steps >> 32)) +
					2 * (uint32_t)((even[i] * falling >> top) +
						       (odd[i] * falling >> top)) -
					(uint32_t)(odd[i] * once >> top) + (i ? 0 : size * sum);
				low += sum;
			}
		}
		while (p < stop)
			high += low += *p++;
		low %= 65521;
		high %= 65521;
	}
	z->adler_low = low;
	z->adler_high = high;
}

/* Moves the last 32 KB to the front. */
static void slide(struct inflate_state *z)
{
	uint32_t drop = z->have - WINDOW_BYTES;

	memmove(z->out, z->out + drop, WINDOW_BYTES);
	z->base += drop;
	z->have = WINDOW_BYTES;
}

static uint64_t next_checkpoint(const struct inflate_state *z)
{
	if (z->checkpoints == INFLATE_CHECKPOINTS)
		return UINT64_MAX;
	return (z->checkpoints + (uint64_t)1) * z->spacing;
}

/* Without memory there is one checkpoint less. */
static void set_checkpoint(struct inflate_state *z)
{
	struct checkpoint *c = &z->checkpoint[z->checkpoints];

	c->window = arena_alloc(z->arena, WINDOW_BYTES);
	if (!c->window) {
		z->spacing = UINT64_MAX / (INFLATE_CHECKPOINTS + 1);
		return;
	}
	memcpy(c->window, z->out + z->have - WINDOW_BYTES, WINDOW_BYTES);
	c->place = z->now;
	z->checkpoints++;
}

/* Blocks */

/* The code lengths of both codes, as one sequence (RFC 1951, section 3.2.7). */
static bool read_lengths(struct inflate_state *z, uint8_t *lengths, unsigned total)
{
	static const uint8_t order[19] = {
		16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
	};
	uint32_t *table = z->distances;		/* not yet in use */
	uint8_t own[19] = { 0 };
	unsigned used = take(z, 4) + 4, n = 0;

	for (unsigned i = 0; i < used; i++)
		own[order[i]] = (uint8_t)take(z, 3);
	if (z->bad || !huffman_build(table, HUFFMAN_ORDER, own, 19, NULL))
		return false;
	while (n < total) {
		uint32_t entry;
		unsigned symbol, repeat;
		uint8_t length = 0;

		if (!need(z, HUFFMAN_ORDER_BITS))
			return false;
		entry = table[z->bits & (HUFFMAN_ORDER_ROOM - 1)];
		if (!(entry & HUFFMAN_LITERAL))
			return false;
		take(z, entry & 63);
		symbol = HUFFMAN_VALUE(entry);
		if (symbol < 16) {
			lengths[n++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16) {
			if (!n)
				return false;
			length = lengths[n - 1];
		}
		repeat = symbol == 16 ? 3 + take(z, 2) : symbol == 17 ? 3 + take(z, 3)
								      : 11 + take(z, 7);
		if (repeat > total - n)
			return false;
		memset(lengths + n, length, repeat);
		n += repeat;
	}
	return !z->bad;
}

/* The codes of a block: the fixed ones of section 3.2.6, or what the stream defines. */
static bool read_codes(struct inflate_state *z, uint64_t codes_bit)
{
	uint8_t lengths[288 + 32];
	unsigned literals = 288, distances = 32;

	z->now.codes_bit = codes_bit;
	if (codes_bit) {
		literals = take(z, 5) + 257;
		distances = take(z, 5) + 1;
		if (z->bad || literals > 286 || distances > 30 ||
		    !read_lengths(z, lengths, literals + distances))
			return false;
	} else {
		for (unsigned i = 0; i < 288; i++)
			lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
		memset(lengths + literals, 5, distances);
	}
	/* Without a code for its end no block can end. */
	return lengths[256] &&
	       huffman_build(z->distances, HUFFMAN_DISTANCES, lengths + literals, distances, NULL) &&
	       huffman_build(z->literals, HUFFMAN_LITERALS, lengths, literals, z->distances);
}

static bool read_header(struct inflate_state *z)
{
	unsigned type;

	z->now.last = take(z, 1);
	type = take(z, 2);
	if (type == 0) {
		uint32_t length, check;

		take(z, z->count & 7);		/* to a byte's end */
		length = take(z, 16);
		check = take(z, 16);
		z->now.stored_left = length;
		z->now.phase = PHASE_STORED;
		return !z->bad && (length ^ check) == 0xffff;
	}
	z->now.phase = PHASE_CODES;
	return type != 3 && !z->bad && read_codes(z, type == 2 ? bit_place(z) : 0);
}

/* Copies stored bytes until `have` reaches limit or the block ends. */
static bool unpack_stored(struct inflate_state *z, uint32_t limit)
{
	/* Whole bytes: what is in `bits` goes back. */
	z->p -= z->count / 8;
	z->bits = z->count = 0;
	while (z->have < limit && z->now.stored_left) {
		uint32_t bytes = limit - z->have, there;

		if (!more_input(z) || z->p >= z->in + z->in_have)
			return false;
		there = z->in_have - (uint32_t)(z->p - z->in);
		if (bytes > z->now.stored_left)
			bytes = z->now.stored_left;
		if (bytes > there)
			bytes = there;
		memcpy(z->out + z->have, z->p, bytes);
		z->p += bytes;
		z->have += bytes;
		z->now.stored_left -= bytes;
	}
	if (!z->now.stored_left)
		z->now.phase = PHASE_HEADER;
	return true;
}

/* A match: length bytes from distance back, which may overlap what they become. May write 15
 * bytes more. */
static inline void copy_match(uint8_t *to, uint32_t distance, uint32_t length)
{
	const uint8_t *from = to - distance, *end = to + length;

	if (distance >= 8) {
		do {
			memcpy(to, from, 8);
			memcpy(to + 8, from + 8, 8);
			to += 16;
			from += 16;
		} while (to < end);
	} else {
		/* As many bytes as there are before `to` are right at once. */
		do {
			memcpy(to, from, 8);
			to += distance;
			from += distance;
		} while (to < end);
	}
}

/* What the extra bits of a distance's symbol add to (RFC 1951, section 3.2.5), and how far from
 * the end of the bits taken, and the two below, they begin: modulo 64, downward. */
#define FAR(base, extra) ((base) << 6 | ((2 - (extra)) & 63))
static const uint32_t far[30] = {
	FAR(1, 0), FAR(2, 0), FAR(3, 0), FAR(4, 0), FAR(5, 1), FAR(7, 1), FAR(9, 2), FAR(13, 2),
	FAR(17, 3), FAR(25, 3), FAR(33, 4), FAR(49, 4), FAR(65, 5), FAR(97, 5), FAR(129, 6),
	FAR(193, 6), FAR(257, 7), FAR(385, 7), FAR(513, 8), FAR(769, 8), FAR(1025, 9), FAR(1537, 9),
	FAR(2049, 10), FAR(3073, 10), FAR(4097, 11), FAR(6145, 11), FAR(8193, 12), FAR(12289, 12),
	FAR(16385, 13), FAR(24577, 13),
};

/*
 * Unpacks symbols until `have` reaches limit (it may pass it by OUT_SLACK) or the block ends.
 * What happens per byte happens here.
 *
 * Nearly all of its time is one chain: the bits, their entry, the bits behind it. So `bits` are
 * here above two others, whatever these are, which makes them an offset into a table of 4 bytes
 * each; and up to two literals are taken without asking, as a wrongly predicted branch takes
 * longer than to look in vain. Of `count` only the lowest 6 bits mean anything. One load has 54
 * bits: 2 literals (22) and a length (20), or with its distance from the first table (11 + 13).
 */
static bool unpack_codes(struct inflate_state *z, uint32_t limit)
{
	/* Registers: an address that z's, the index and an offset make takes a cycle more. */
	const uint32_t *const literals = z->literals, *const distances = z->distances;
	const uint8_t *near_end = z->in;	/* at first: look whether there is input */
	const uint8_t *p = z->p - z->count / 8;
	uint8_t *out = z->out + z->have, *const stop = z->out + limit;
	unsigned count = z->count % 8 + 2;
	uint64_t bits = (z->bits & ((1u << z->count % 8) - 1)) << 2;
	bool good = true;

#define LOAD() (bits |= load_u64(p) << (count & 63), p += 7 - (count >> 3 & 7), count |= 56)
#define DROP(n) (bits >>= (n) & 63, count -= (n))
#define FIRST(table, n) (*(const uint32_t *)((const char *)(table) + (bits & ((4u << (n)) - 4))))
#define SECOND(table) ((table)[HUFFMAN_BEGIN(entry) + \
			       (bits >> 2 & ((1u << HUFFMAN_TAKE(entry)) - 1))])
	/* Nothing if it is none. */
#define LITERAL() (*out = (uint8_t)(entry >> 16), out += entry >> 31, DROP(entry))
	while (out < stop) {
		uint32_t entry, length, distance;
		uint64_t before;

		if (p >= near_end) {
			z->p = p;
			good = more_input(z);
			if (!good)
				break;
			p = z->p;
			if (z->in_have > AHEAD_BYTES)
				near_end = z->in + z->in_have - AHEAD_BYTES;
		}
		LOAD();
		entry = FIRST(literals, HUFFMAN_LITERAL_BITS);
		LITERAL();
		entry = FIRST(literals, HUFFMAN_LITERAL_BITS);
		LITERAL();
		entry = FIRST(literals, HUFFMAN_LITERAL_BITS);
		if (entry & HUFFMAN_LITERAL) {
			LITERAL();
			continue;
		}
		length = 3 + HUFFMAN_VALUE(entry);
		if (__builtin_expect(entry & (HUFFMAN_SPECIAL | HUFFMAN_APART), 0)) {
			if (HUFFMAN_KIND(entry) == HUFFMAN_SECOND) {
				DROP(HUFFMAN_LITERAL_BITS);
				entry = SECOND(literals);
				if (entry & HUFFMAN_LITERAL) {
					LITERAL();
					continue;
				}
				length = 3 + HUFFMAN_VALUE(entry);
			}
			DROP(HUFFMAN_TAKE(entry));
			if (HUFFMAN_KIND(entry) != HUFFMAN_PLAIN) {
				good = HUFFMAN_KIND(entry) == HUFFMAN_END;
				z->now.phase = PHASE_HEADER;
				break;
			}
			if (entry & HUFFMAN_SPECIAL) {
				length += bits >> 2 & ((1u << HUFFMAN_EXTRA(entry)) - 1);
				DROP(HUFFMAN_EXTRA(entry));
			}
			LOAD();
			entry = FIRST(distances, HUFFMAN_DISTANCE_BITS);
			if (HUFFMAN_KIND(entry) == HUFFMAN_SECOND) {
				DROP(HUFFMAN_DISTANCE_BITS);
				entry = SECOND(distances);
			}
			good = HUFFMAN_KIND(entry) == HUFFMAN_PLAIN;
			if (!good)
				break;
		}
		before = bits & ~((uint64_t)-4 << HUFFMAN_TAKE(entry));
		DROP(entry >> 8);
		distance = far[entry >> 24];
		distance = (distance >> 6) +
			   (uint32_t)(before >> (((entry >> 8) + distance) & 63));
		good = distance <= (uint32_t)(out - z->out);
		if (!good)
			break;
		copy_match(out, distance, length);
		out += length;
	}
#undef LOAD
#undef DROP
#undef FIRST
#undef SECOND
#undef LITERAL
	z->p = p;
	z->bits = bits >> 2;
	z->count = (count & 63) - 2;
	z->have = (uint32_t)(out - z->out);
	return good;
}

/* The stream */

/* CMF and FLG (RFC 1950, section 2.2): deflate with at most a 32 KB window, no dictionary. */
static bool read_start(struct inflate_state *z)
{
	unsigned method = take(z, 8), flags = take(z, 8);

	z->now.phase = PHASE_HEADER;
	return !z->bad && (method & 15) == 8 && method >> 4 <= 7 && !(flags & 0x20) &&
	       (method << 8 | flags) % 31 == 0;
}

static bool read_end(struct inflate_state *z)
{
	uint32_t sum = 0;

	take(z, z->count & 7);
	for (int i = 0; i < 4; i++)
		sum = sum << 8 | take(z, 8);
	z->now.phase = PHASE_END;
	return !z->bad && bit_place(z) <= z->in_bytes * 8 && z->base + z->have == z->out_bytes &&
	       sum == (z->adler_high << 16 | z->adler_low);
}

/* One block's header, or its bytes until `have` reaches limit, or the end. */
static bool unpack_some(struct inflate_state *z, uint32_t limit)
{
	bool good = false;

	switch ((enum phase)z->now.phase) {
	case PHASE_START:
		return read_start(z);
	case PHASE_HEADER:
		return z->now.last ? read_end(z) : read_header(z);
	case PHASE_STORED:
		good = unpack_stored(z, limit);
		break;
	case PHASE_CODES:
		good = unpack_codes(z, limit);
		break;
	case PHASE_END:
		return false;
	}
	if (good && z->base + z->have > z->out_bytes)
		good = false;
	if (good)
		sum_up(z);
	return good;
}

/*
 * Goes on until the byte before `to` is in `out`; at the end of the unpacked bytes, until the
 * end of the stream. False: damaged.
 */
static bool unpack_to(struct inflate_state *z, uint64_t to)
{
	while (to == z->out_bytes ? z->now.phase != PHASE_END : z->base + z->have < to) {
		uint64_t limit = z->base + OUT_BYTES, checkpoint = next_checkpoint(z);

		if (z->have >= OUT_BYTES) {
			slide(z);
			continue;
		}
		/* At the end, what the stream has and out_bytes does not is looked for. */
		if (limit > to && z->base + z->have < to)
			limit = to;
		if (limit > checkpoint)
			limit = checkpoint;
		if (!unpack_some(z, (uint32_t)(limit - z->base)))
			return false;
		z->now.out = z->base + z->have;
		z->now.bit = bit_place(z);
		if (z->now.bit > z->in_bytes * 8)
			return false;
		if (z->now.out >= checkpoint)
			set_checkpoint(z);
	}
	return true;
}

/* The last checkpoint whose window, or what follows it, has the byte at an offset; or NULL. */
static const struct checkpoint *find_checkpoint(const struct inflate_state *z, uint64_t offset)
{
	uint32_t i = z->checkpoints;

	while (i && z->checkpoint[i - 1].place.out - WINDOW_BYTES > offset)
		i--;
	return i ? &z->checkpoint[i - 1] : NULL;
}

/* Goes on from a checkpoint, or with NULL from the start of the stream. */
static bool restart(struct inflate_state *z, const struct checkpoint *c)
{
	z->now = c ? c->place : (struct place){ .phase = PHASE_START };
	z->have = c ? WINDOW_BYTES : 0;
	z->base = z->now.out - z->have;
	if (c)
		memcpy(z->out, c->window, WINDOW_BYTES);
	if (z->now.phase == PHASE_CODES) {
		uint64_t codes_bit = z->now.codes_bit;

		if ((codes_bit && !seek_bit(z, codes_bit)) || !read_codes(z, codes_bit))
			return false;
	}
	return seek_bit(z, z->now.bit);
}

/* Makes `out` begin at or before an offset, and no farther before it than it has to. */
static bool seek_out(struct inflate_state *z, uint64_t offset)
{
	const struct checkpoint *c = find_checkpoint(z, offset);

	if (offset >= z->base && (!c || c->place.out <= z->base + z->have))
		return true;
	return restart(z, c);
}

bool inflate_open(struct inflate *z, inflate_source *source, void *from, uint64_t in_bytes,
		  uint64_t out_bytes, struct arena *arena)
{
	struct inflate_state *s = arena_alloc(arena, sizeof(*s));

	z->state = s;
	if (!s)
		return false;
	s->source = source;
	s->from = from;
	s->arena = arena;
	s->in_bytes = in_bytes;
	s->out_bytes = out_bytes;
	s->p = s->in;
	s->adler_low = 1;
	s->spacing = out_bytes / INFLATE_CHECKPOINTS + 1;
	if (s->spacing < INFLATE_SPACING)
		s->spacing = INFLATE_SPACING;
	s->bad = in_bytes >= (uint64_t)1 << 50 || out_bytes / RATIO_MAX > in_bytes;
	return true;
}

bool inflate_read(struct inflate *handle, uint64_t offset, void *buf, size_t size_bytes)
{
	struct inflate_state *z = handle->state;
	char *to = buf;

	if (z->bad || offset > z->out_bytes || size_bytes > z->out_bytes - offset)
		return false;
	if (!seek_out(z, offset)) {
		z->bad = true;
		return false;
	}
	while (size_bytes) {
		uint64_t end = offset + size_bytes;
		uint32_t there;

		/* No more than can be there at once. */
		if (end > offset + WINDOW_BYTES / 2)
			end = offset + WINDOW_BYTES / 2;
		if (end > z->base + z->have || end == z->out_bytes) {
			if (!unpack_to(z, end)) {
				z->bad = true;
				return false;
			}
		}
		there = (uint32_t)(end - offset);
		memcpy(to, z->out + (offset - z->base), there);
		to += there;
		offset += there;
		size_bytes -= there;
	}
	return true;
}
