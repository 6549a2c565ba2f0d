/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The encoding of messages by Protocol Buffers (https://protobuf.dev/programming-guides/encoding/), as far as a profile
 * for pprof has need of it. A message is a sequence of fields; each begins with its number and the kind of its value.
 *
 *	08 96 01		field 1, a number: 150
 *	12 03 61 62 63		field 2, of three bytes: a text, a message, or several numbers
 *
 * A field of bytes begins with their number, so it is written twice: once to an out that only measures. No message is
 * ever in memory as a whole. Async-signal-safe, for any thread; allocates nothing.
 */
#ifndef FORMAT_PPROF_WIRE_H
#define FORMAT_PPROF_WIRE_H

#include "base/out.h"

/* A number, as a varint (base/leb128.h). */
void pprof_wire_number(struct out *out, uint64_t value);

/* A field that is a number. Where it is 0, nothing is written, because that is what a field is which is not there. */
void pprof_wire_field(struct out *out, unsigned field, uint64_t value);

/* A part of a message. context: what it is written from; n: which one of several it is. */
typedef void pprof_wire_part(const void *context, uint32_t n, struct out *out);

/* A field of those bytes that the part writes. The part must write the same each time. */
void pprof_wire_bytes(struct out *out, unsigned field, pprof_wire_part *part, const void *context, uint32_t n);

#endif
