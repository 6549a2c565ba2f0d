/* SPDX-License-Identifier: GPL-2.0-only */
/* See junit.h. */
#include "junit.h"

#include "base/out.h"
#include "base/printable.h"
#include "base/safe_open.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Writes a text of the program's as XML: what would end it is escaped, what is not UTF-8 or a control character is
 * replaced by `?`. */
static void write_text(struct out *out, const char *text)
{
	for (size_t left = strlen(text), n; left; text += n, left -= n) {
		bool printable;

		n = printable_character(text, left, &printable);
		if (*text == '&')
			out_text(out, "&amp;");
		else if (*text == '<')
			out_text(out, "&lt;");
		else if (*text == '>')
			out_text(out, "&gt;");
		else if (*text == '"')
			out_text(out, "&quot;");
		else if ((!printable && *text != '\n') || (n == 1 && *text & 0x80))
			out_char(out, '?');
		else
			out_bytes(out, text, n);
	}
}

static void write_attribute(struct out *out, const char *name, const char *value)
{
	out_char(out, ' ');
	out_text(out, name);
	out_text(out, "=\"");
	write_text(out, value);
	out_char(out, '"');
}

static void write_count(struct out *out, const char *name, uint64_t count)
{
	char text[24];
	struct out number = out_memory(text, sizeof(text));

	out_u64(&number, count);
	write_attribute(out, name, text);
}

/* In seconds. */
static void write_seconds(struct out *out, uint64_t ns)
{
	char text[32];
	struct out seconds = out_memory(text, sizeof(text));

	out_thousandths(&seconds, ns / 1000000);
	write_attribute(out, "time", text);
}

static void write_case(struct out *out, const struct gate_case *c)
{
	out_text(out, "  <testcase");
	write_attribute(out, "classname", c->process);
	write_attribute(out, "name", c->option);
	write_seconds(out, c->runtime_ns);
	if (!c->broken) {
		out_text(out, "/>\n");
		return;
	}
	out_text(out, ">\n   <failure type=\"limit\"");
	write_attribute(out, "message", c->line);
	out_char(out, '>');
	if (c->stack)
		write_text(out, c->stack);
	out_text(out, "</failure>\n  </testcase>\n");
}

static void write_counts(struct out *out, unsigned cases, unsigned broken)
{
	write_attribute(out, "name", "heaptrace");
	write_count(out, "tests", cases);
	write_count(out, "failures", broken);
	out_text(out, ">\n");
}

static void write_document(struct out *out)
{
	const struct gate_case *all = gate_all();
	unsigned cases = 0, broken = 0;

	for (const struct gate_case *c = all; c; c = c->next) {
		cases++;
		broken += c->broken;
	}
	out_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	write_counts(out, cases, broken);
	out_text(out, " <testsuite");
	write_counts(out, cases, broken);
	for (const struct gate_case *c = all; c; c = c->next)
		write_case(out, c);
	out_text(out, " </testsuite>\n</testsuites>\n");
}

int junit_write(const char *path)
{
	char temporary[PATH_MAX], buf[4096];
	int fd = safe_open_replacement(path, temporary), error;
	struct out out;

	if (fd < 0)
		return errno;
	out_init(&out, fd, buf, sizeof(buf));
	write_document(&out);
	out_flush(&out);
	error = out.error;
	if (close(fd) && !error)
		error = errno;
	if (!error && rename(temporary, path))
		error = errno;
	if (error)
		unlink(temporary);
	return error;
}
