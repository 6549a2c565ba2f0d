/* SPDX-License-Identifier: GPL-2.0-only */
/* See gzip.h. */
#include "gzip.h"

#include "base/crc32.h"

/* Writes a number, the lowest byte first. */
static void write_number(struct out *out, uint32_t number, unsigned bytes)
{
	for (; bytes; bytes--, number >>= 8)
		out_char(out, (char)(number & 0xff));
}

/* Writes the head of a stored block: a bit that says whether it is the last one, two bits of the block's type, zeros
 * up to the next byte, the length, and its complement. */
static void write_block_head(struct out *out, bool last, uint32_t bytes)
{
	out_char(out, last ? 1 : 0);
	write_number(out, bytes, 2);
	write_number(out, ~bytes, 2);
}

static int take_block(void *context, const char *text, size_t len)
{
	struct gzip *g = context;

	g->crc = crc32_add(g->crc, text, len);
	g->size += (uint32_t)len;
	write_block_head(g->to, false, (uint32_t)len);
	out_bytes(g->to, text, len);
	return g->to->error;
}

struct out *gzip_begin(struct gzip *g, struct out *to)
{
	/* The magic number, the method "deflate"; no flags, no time, nothing about the compression, any system. */
	static const char head[10] = { '\x1f', '\x8b', 8, 0, 0, 0, 0, 0, 0, '\xff' };

	out_bytes(to, head, sizeof(head));
	g->to = to;
	g->crc = g->size = 0;
	g->text = out_to(take_block, g, g->block, sizeof(g->block));
	return &g->text;
}

void gzip_end(struct gzip *g)
{
	out_flush(&g->text);
	write_block_head(g->to, true, 0);
	write_number(g->to, g->crc, 4);
	write_number(g->to, g->size, 4);
}
