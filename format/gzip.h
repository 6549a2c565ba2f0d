/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The framing of gzip (RFC 1952) around a document, without compression: the bytes stand in stored blocks (RFC 1951,
 * 3.2.4), so that the tools which expect a .gz file can read it. It becomes 0.1 % larger.
 *
 *	struct gzip gzip;
 *	struct out *text = gzip_begin(&gzip, out);
 *	out_text(text, ...);
 *	gzip_end(&gzip);
 *
 * The memory is the caller's struct. Errors of writing are in the outs.
 */
#ifndef FORMAT_GZIP_H
#define FORMAT_GZIP_H

#include "base/out.h"

#define GZIP_BLOCK_BYTES	4096u	/* at most 65535 */

struct gzip {
	struct out text;		/* what is written here ... */
	struct out *to;			/* ... goes there, with the framing */
	uint32_t crc;			/* of the text so far (base/crc32.h) */
	uint32_t size;			/* its bytes, modulo 2^32 */
	char block[GZIP_BLOCK_BYTES];
};

/* Writes the header. Returns the out for the text, which is valid until gzip_end(). g must not be moved meanwhile. */
struct out *gzip_begin(struct gzip *g, struct out *to);

/* Writes what is left, and the trailer. */
void gzip_end(struct gzip *g);

#endif
