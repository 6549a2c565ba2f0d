/* SPDX-License-Identifier: GPL-2.0-only */
/* See special.h. */
#include "special.h"

#include "modules.h"

#include <string.h>

static uint32_t known_names(const struct table *t)
{
	uint32_t count = load_acquire(&t->head->special_count);

	return count < SPECIAL_NAMES ? count : SPECIAL_NAMES - 1;
}

const char *special_name(const struct table *t, uint32_t number)
{
	uint32_t place = number && number < SPECIAL_NAMES ? load_acquire(&t->head->special_names[number]) : 0;

	return place < load_relaxed(&t->head->text_limit) ? t->text + place : "";
}

uint32_t special_name_number(struct table *t, const char *name)
{
	size_t bytes = strnlen(name, SPECIAL_NAME_BYTES - 1);
	uint32_t known = known_names(t), number, place;

	for (number = 1; number <= known; number++) {
		const char *other = special_name(t, number);

		if (!strncmp(other, name, bytes) && !other[bytes])
			return number;
	}
	if (known == SPECIAL_NAMES - 1)
		return 0;
	place = modules_keep_text(t, name, bytes);
	number = place ? add_relaxed(&t->head->special_count, 1) + 1 : 0;
	if (!number || number >= SPECIAL_NAMES)
		return 0;
	store_release(&t->head->special_names[number], place);
	return number;
}

uint64_t special_of_row(const struct table *t, uint32_t row)
{
	uint32_t code = table_first_code(t, row);

	return code && t->codes[code] >> CODE_PC_BITS == CODE_SPECIAL ? table_code_pc(t, code) : 0;
}
