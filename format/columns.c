/* SPDX-License-Identifier: GPL-2.0-only */
/* See columns.h. */
#include "columns.h"

#include "analysis/frame.h"
#include "base/path.h"
#include "base/share.h"
#include "base/utf8.h"
#include "shorten.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define USUAL_COLUMNS	80u	/* where the output is neither a terminal nor a file */
#define NAME_LEAST	24u	/* a function's name gets at least so many columns, even if no place stands behind it */
#define NAME_MOST	((size_t)64 << 10)	/* a longer name is not shortened, but cut */

size_t columns_of_table(const struct out *out)
{
	struct stat file;
	int saved = errno;
	bool is_file = out->fd < 0 || (!fstat(out->fd, &file) && S_ISREG(file.st_mode));

	errno = saved;
	return out->columns ? out->columns : is_file ? 0 : USUAL_COLUMNS;
}

/* setlocale(3) says which variables decide the locale. */
bool columns_have_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (unsigned i = 0; i < 3; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

enum sort_key columns_second_key(enum sort_key key)
{
	static const uint8_t seconds[SORT_KEYS] = {
		[SORT_SIZE] = SORT_COUNT, [SORT_COUNT] = SORT_SIZE, [SORT_PEAK_SIZE] = SORT_SIZE,
		[SORT_PEAK_COUNT] = SORT_COUNT, [SORT_HEAP_PEAK] = SORT_SIZE, [SORT_TOTAL_SIZE] = SORT_TOTAL_COUNT,
		[SORT_TOTAL_COUNT] = SORT_TOTAL_SIZE, [SORT_TEMPORARY] = SORT_TOTAL_COUNT, [SORT_AGE] = SORT_SIZE,
	};

	return (enum sort_key)seconds[key];
}

/* ---- Figures ---- */

struct unit {
	uint64_t size;
	const char *name;
};

/* The largest unit that the figure reaches. units: the smallest one first, ending with a size of 0. */
static const struct unit *find_unit(const struct unit *units, uint64_t figure)
{
	while (units[1].size && figure >= units[1].size)
		units++;
	return units;
}

static void write_figure(const struct column *c, uint64_t figure, struct out *out)
{
	if (c->estimated)
		out_char(out, '~');
	if (c->unit > 1)
		out_thousandths(out, figure / (c->unit / 1000));
	else
		out_u64(out, figure);
	out_text(out, c->unit_name);
}

struct column column_make(enum sort_key key, uint64_t largest, bool estimates)
{
	static const struct unit none[] = { { 1, "" }, { 0, NULL } };
	static const struct unit sizes[] = {
		{ 1, " bytes" }, { 1000, " KB" }, { 1000000, " MB" }, { 1000000000, " GB" }, { 0, NULL }
	};
	static const struct unit times[] = {
		{ 1, " ns" }, { 1000, " us" }, { 1000000, " ms" }, { 1000000000, " secs" }, { 0, NULL }
	};
	const struct unit *unit = find_unit(model_key_is_size(key) ? sizes : key == SORT_AGE ? times : none, largest);
	struct column c = {
		.key = key, .unit = unit->size, .unit_name = unit->name,
		.bounds = key == SORT_PEAK_SIZE || key == SORT_PEAK_COUNT, .estimated = estimates && key != SORT_AGE,
	};
	struct out measured = out_memory(NULL, 0);

	write_figure(&c, largest, &measured);
	c.width = (unsigned)out_length(&measured) + (c.bounds ? 3 : 0);
	if (c.width < strlen(options_sort_name(key)))
		c.width = (unsigned)strlen(options_sort_name(key));
	return c;
}

static void pad(size_t width, size_t used, struct out *out)
{
	if (used < width)
		out_repeat(out, ' ', width - used);
}

void columns_right(const char *text, size_t columns, struct out *out)
{
	pad(columns, strlen(text), out);
	out_text(out, text);
}

void column_write_head(const struct column *c, struct out *out)
{
	columns_right(options_sort_name(c->key), c->width, out);
}

void column_write(const struct column *c, uint64_t figure, bool is_bound, struct out *out)
{
	struct out measured = out_memory(NULL, 0);

	write_figure(c, figure, &measured);
	pad(c->width, out_length(&measured) + (is_bound ? 3 : 0), out);
	if (is_bound)
		out_text(out, "<= ");
	write_figure(c, figure, out);
}

void columns_share(uint64_t part, uint64_t whole, struct out *out)
{
	if (!whole) {
		out_repeat(out, ' ', COLUMNS_SHARE);
		return;
	}
	out_tenths(out, share_of(part, whole, 1000), COLUMNS_SHARE - 2);
	out_text(out, " %");
}

/* ---- Names ---- */

static size_t columns_of(const char *text)
{
	return shorten_columns(text, strlen(text));
}

/* Writes the end of the text, as much of it as the columns hold behind "...". */
static void write_end(const char *text, size_t columns, struct out *out)
{
	size_t have = columns_of(text), keep = columns > 3 ? columns - 3 : 0;

	while (*text && have > keep) {
		text = utf8_next(text);
		have--;
	}
	out_text(out, "...");
	out_name(out, text);
}

/* Writes the text, or its end where it takes more columns than there are. columns: 0: any number. */
static void write_fitting(const char *text, size_t columns, struct out *out)
{
	if (!columns || columns_of(text) <= columns)
		out_name(out, text);
	else
		write_end(text, columns, out);
}

/* Takes the "(...)" that shorten() has left away from the end of a name that is still too long. */
static void drop_parameters(char *name)
{
	char *end = strrchr(name, ')');

	if (end && end - name > 4 && !strncmp(end - 4, "(...)", 5))
		end[-4] = '\0';
}

/* A shortened copy of a function's name. NULL: there is no memory, or the name is too long for that. */
static const char *shortened(struct columns_names *n, const char *function, size_t columns)
{
	size_t len = strlen(function);

	if (len >= NAME_MOST)
		return NULL;
	if (len >= n->work_bytes) {
		char *work = arena_alloc_plenty(n->arena, 2 * len + 256);

		if (!work)
			return NULL;
		n->work = work;
		n->work_bytes = 2 * len + 256;
	}
	memcpy(n->work, function, len + 1);
	shorten(n->work, columns);
	if (columns_of(n->work) > columns)
		drop_parameters(n->work);
	return n->work;
}

static void write_function(struct columns_names *n, const char *function, size_t columns, struct out *out)
{
	const char *shorter = columns && columns_of(function) > columns ? shortened(n, function, columns) : NULL;

	write_fitting(shorter ? shorter : function, columns, out);
}

/* How many columns " at FILE:LINE" takes. */
static size_t place_columns(const char *file, uint32_t line)
{
	char digits[16];
	struct out text = out_memory(digits, sizeof(digits));

	out_u64(&text, line);
	return columns_of(file) + out_length(&text) + 5;
}

void columns_place(struct columns_names *n, const char *function, const char *module, const char *file, uint32_t line,
		   size_t columns, struct out *out)
{
	size_t rest, least;

	if (!function) {
		out_char(out, '?');
		if (module) {
			out_text(out, " in ");
			columns_path(module, columns > 5 ? columns - 5 : columns, out);
		}
		return;
	}
	if (file && columns) {
		least = columns_of(function) < NAME_LEAST ? columns_of(function) : NAME_LEAST;
		if (columns_of(function) + place_columns(file, line) > columns)
			file = path_name(file);
		if (least + place_columns(file, line) > columns)
			file = NULL;
	}
	rest = file ? place_columns(file, line) : 0;
	write_function(n, function, columns ? columns - rest : 0, out);
	frame_write_source(file, line, out);
}

void columns_path(const char *path, size_t columns, struct out *out)
{
	write_fitting(columns && columns_of(path) > columns ? path_name(path) : path, columns, out);
}
