/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of options, and the functions that set and print one option of a type. Only options/types*.c
 * include this header; types.h is what others use. Async-signal-safe, for any thread; no malloc, stdio or locale.
 */
#ifndef OPTIONS_TYPES_PARTS_H
#define OPTIONS_TYPES_PARTS_H

#include "types.h"

/* Complains about the value, and says why. Always returns false. */
bool types_refuse(const struct option_entry *e, const char *value, const char *why, struct out *error);

/* The field of a row, and the count of its elements if it is an array. */
static inline void *types_field(struct options *o, const struct option_entry *e)
{
	return (char *)o + e->offset;
}

static inline const void *types_value(const struct options *o, const struct option_entry *e)
{
	return (const char *)o + e->offset;
}

static inline uint8_t *types_count(struct options *o, const struct option_entry *e)
{
	return (uint8_t *)o + e->count_offset;
}

static inline uint8_t types_elements(const struct options *o, const struct option_entry *e)
{
	return *((const uint8_t *)o + e->count_offset);
}

/* A number in a field of 1, 4 or 8 bytes. */
void types_store_number(struct options *o, const struct option_entry *e, uint64_t v);
uint64_t types_load_number(const struct options *o, const struct option_entry *e);

/* Sets the field from a value, as types_set() does. */
typedef bool types_setter(struct options *o, const struct option_entry *e, const char *value, struct out *error);
/* Prints the value of the field. */
typedef void types_printer(struct out *t, const struct options *o, const struct option_entry *e);

/* types_word.c */
types_setter types_set_flag, types_set_preset, types_set_yes_no, types_set_word, types_set_keys;
types_printer types_print_yes_no, types_print_word, types_print_keys;

/* types_number.c */
types_setter types_set_number, types_set_size, types_set_time, types_set_share, types_set_window;
types_printer types_print_number, types_print_time, types_print_share, types_print_window;

#endif
