/* SPDX-License-Identifier: GPL-2.0-only */
/* See elf_file.h: string tables. */
#include "symbol/elf_file.h"

#include <string.h>

#define WINDOW_BYTES	4096u

bool elf_strings_open(struct elf_strings *s, struct elf *e, uint64_t offset, uint64_t size_bytes,
		      struct arena *arena)
{
	uint64_t room = offset <= e->size_bytes ? e->size_bytes - offset : 0;

	if (size_bytes > room) {
		e->damaged = true;
		size_bytes = room;
	}
	*s = (struct elf_strings){
		.elf = e, .offset = offset, .size_bytes = size_bytes, .fills_left = ELF_FILLS_MAX,
		.window = arena_alloc_buffer(arena, WINDOW_BYTES),
	};
	return s->window != NULL;
}

/* Returns the table's bytes from `at` on, and in *bytes how many of them the window has, at least 1.
 * Valid until the next call. NULL: they cannot be read, or fills_left is used up. */
static const uint8_t *strings_at(struct elf_strings *s, uint64_t at, uint32_t *bytes)
{
	if (at >= s->size_bytes)
		return NULL;
	if (at < s->window_at || at - s->window_at >= s->window_bytes) {
		uint64_t want = s->size_bytes - at;

		if (want > WINDOW_BYTES)
			want = WINDOW_BYTES;
		s->window_at = at;
		s->window_bytes = 0;
		if (!s->fills_left) {
			s->elf->damaged = true;
			return NULL;
		}
		s->fills_left--;
		if (!elf_read(s->elf, s->offset + at, s->window, want))
			return NULL;
		s->window_bytes = (uint32_t)want;
	}
	*bytes = s->window_bytes - (uint32_t)(at - s->window_at);
	return s->window + (at - s->window_at);
}

uint32_t elf_string_length(struct elf_strings *s, uint32_t at, char head[2])
{
	uint32_t length = 0, version = 0;

	memset(head, 0, 2);
	while (length <= ELF_NAME_MAX) {
		uint32_t bytes;
		const uint8_t *p = strings_at(s, (uint64_t)at + length, &bytes);
		const uint8_t *nul, *sign;

		if (!p)
			return 0;
		nul = memchr(p, 0, bytes);
		if (nul)
			bytes = (uint32_t)(nul - p);
		for (uint32_t i = length; i < 2 && i - length < bytes; i++)
			head[i] = (char)p[i - length];
		sign = version ? NULL : memchr(p, '@', bytes);
		if (sign)
			version = length + (uint32_t)(sign - p);
		length += bytes;
		if (nul)
			return length > ELF_NAME_MAX ? 0 : version ? version : length;
	}
	return 0;
}

bool elf_string_copy(struct elf_strings *s, uint64_t at, uint32_t len, char *to)
{
	uint32_t done = 0;

	while (done < len) {
		uint32_t bytes;
		const uint8_t *p = strings_at(s, at + done, &bytes);

		if (!p)
			return false;
		if (bytes > len - done)
			bytes = len - done;
		memcpy(to + done, p, bytes);
		done += bytes;
	}
	to[done] = '\0';
	return true;
}

int elf_string_compare(struct elf_strings *s, uint32_t a, uint32_t b, uint32_t len)
{
	char piece_a[129], piece_b[129];

	for (uint32_t done = 0; done < len; done += 128) {
		uint32_t bytes = len - done < 128 ? len - done : 128;
		int order;

		if (!elf_string_copy(s, (uint64_t)a + done, bytes, piece_a) ||
		    !elf_string_copy(s, (uint64_t)b + done, bytes, piece_b))
			return 0;
		order = memcmp(piece_a, piece_b, bytes);
		if (order)
			return order;
	}
	return 0;
}
