/* SPDX-License-Identifier: GPL-2.0-only */
/* See pprof_wire.h. */
#include "pprof_wire.h"

#include "base/leb128.h"

/* The kinds of values, in the lowest three bits of what a field begins with. */
enum kind { KIND_NUMBER = 0, KIND_BYTES = 2 };

static void write_head(struct out *out, unsigned field, enum kind kind)
{
	pprof_wire_number(out, (uint64_t)field << 3 | kind);
}

void pprof_wire_number(struct out *out, uint64_t value)
{
	uint8_t bytes[LEB128_BYTES_MAX];

	out_bytes(out, (const char *)bytes, (size_t)(leb128_put(bytes, value) - bytes));
}

void pprof_wire_field(struct out *out, unsigned field, uint64_t value)
{
	if (!value)
		return;
	write_head(out, field, KIND_NUMBER);
	pprof_wire_number(out, value);
}

void pprof_wire_bytes(struct out *out, unsigned field, pprof_wire_part *part, const void *context, uint32_t n)
{
	struct out measure = out_memory(NULL, 0);

	part(context, n, &measure);
	write_head(out, field, KIND_BYTES);
	pprof_wire_number(out, out_length(&measure));
	part(context, n, out);
}
