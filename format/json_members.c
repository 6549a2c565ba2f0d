/* SPDX-License-Identifier: GPL-2.0-only */
/* The members of objects in a JSON report: see json.h. */
#include "json.h"

#include "json_text.h"

void json_begin(struct out *out, const char *name, char bracket)
{
	if (name)
		json_write_name(out, true, name);
	out_char(out, bracket);
}

void json_write_name(struct out *out, bool first, const char *name)
{
	if (!first)
		out_char(out, ',');
	json_text_write(name, out);
	out_char(out, ':');
}

void json_first_number(struct out *out, const char *name, uint64_t value)
{
	json_write_name(out, true, name);
	out_u64(out, value);
}

void json_add_number(struct out *out, const char *name, uint64_t value)
{
	json_write_name(out, false, name);
	out_u64(out, value);
}

void json_write_known(struct out *out, uint64_t value, uint64_t unknown)
{
	if (value == unknown)
		out_text(out, "null");
	else
		out_u64(out, value);
}

void json_add_known(struct out *out, const char *name, uint64_t value, uint64_t unknown)
{
	json_write_name(out, false, name);
	json_write_known(out, value, unknown);
}

void json_add_text(struct out *out, const char *name, const char *text)
{
	json_write_name(out, false, name);
	json_text_write(text, out);
}

void json_add_bool(struct out *out, const char *name, bool value)
{
	json_write_name(out, false, name);
	out_text(out, value ? "true" : "false");
}

void json_add_address(struct out *out, const char *name, uint64_t address)
{
	json_write_name(out, false, name);
	out_char(out, '"');
	out_hex(out, address);
	out_char(out, '"');
}
