/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: the input is code. Each place of it is decoded, in a block that ends where the input ends, so that nothing
 * behind the bytes is read; and what is said of an instruction holds together.
 */
#include <stdlib.h>

#include "base/x86_instruction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size; at++) {
		struct x86_instruction i = x86_decode(data + at, size - at), again;

		if (!i.length)
			continue;
		if (i.length > X86_INSTRUCTION_MOST || i.length > size - at || i.flow > X86_CALL_ELSEWHERE)
			abort();
		if (i.offset_bytes && (i.offset_bytes != 1 && i.offset_bytes != 4))
			abort();
		if (i.offset_bytes && (!i.offset_at || i.offset_at + i.offset_bytes > i.length))
			abort();
		if ((i.flow == X86_CALL || i.flow == X86_JUMP || i.flow == X86_BRANCH) && !i.offset_bytes)
			abort();
		/* The bytes behind it make no difference. */
		again = x86_decode(data + at, i.length);
		if (again.length != i.length || again.flow != i.flow || again.offset != i.offset)
			abort();
		if (x86_decode(data + at, i.length - 1u).length)
			abort();
	}
	return 0;
}
