/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The types of options: how text becomes the value of a field, and how the value is printed in the
 * environment form. A row of the table names the field and the type; no function here is for a single
 * option. Async-signal-safe, for any thread.
 */
#ifndef OPTIONS_TYPES_H
#define OPTIONS_TYPES_H

#include "options.h"

/* Adds "name=value: ", the start of every complaint about a value, which may be NULL. */
void types_complain(struct out *error, const struct option_entry *e, const char *value);

/* Sets the field from a value, which is NULL for the types without one. For a bad value *o stays as it
 * was, a message is added to *error, and the result is false. */
bool types_set(struct options *o, const struct option_entry *e, const char *value, struct out *error);

/* Whether the field refers to the text of the value, so that this text has to outlive the options. */
bool types_keeps_text(const struct option_entry *e);

/* Adds "name=value" to an environment form, several times for a list of directories. cwd: see
 * options_print_env(). */
void types_print(struct out *t, const struct options *o, const struct option_entry *e, const char *cwd);

#endif
