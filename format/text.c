/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text dump, for people. Its form is the contract of the command line:
 *
 *	=== backtrace #1 === [count/peak: 43/60] [size/peak: 22.704 KB/31.680 KB] [age: 6.236 ms] [share: 43.2 %]
 *	 0 [0x7fe72e46476c] malloc +0x1b
 *	 1 [      0xf27811] /usr/bin/node (+0xf27811)
 *	 2 [      0xf2e57d] next(char const*) (inlined) at src/next.h:12
 *	 3 [      0xf2e57d] parse(char const*) +0x1b at src/parse.cc:214
 */
#include "text.h"

#define STREAM_COLUMNS	120u	/* of a stream that is neither a terminal nor a file */

/* How many columns a line may take. 0: any number, because the dump goes to a file. */
static size_t line_columns(const struct model *m, const struct out *out)
{
	return out->columns ? out->columns : m->options->outfile ? 0 : STREAM_COLUMNS;
}

void text_begin(struct text *t, const struct model *m, struct arena *arena, struct out *out)
{
	*t = (struct text){ .model = m, .out = out, .arena = arena, .columns = line_columns(m, out) };
	out->estimates = m->sample_bytes || (m->older && m->older->sample_bytes);
}

/* Writes "2026-11-29 22:14:05 UTC". The local time would take files and functions that a signal handler must not use. */
static void write_date(uint64_t unix_secs, struct out *out)
{
	uint64_t days = unix_secs / 86400 + 719468;	/* since 0000-03-01, as a year that begins in March ends in a leap day */
	unsigned secs = (unsigned)(unix_secs % 86400), day = (unsigned)(days % 146097);	/* days of 400 years */
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365, month;

	day -= 365 * year + year / 4 - year / 100;	/* of the year */
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;			/* of the month */
	out_u64(out, days / 146097 * 400 + year + (month > 9));
	out_char(out, '-');
	out_two_digits(out, month > 9 ? month - 9 : month + 3);
	out_char(out, '-');
	out_two_digits(out, day + 1);
	for (unsigned unit = 3600; unit; unit /= 60) {
		out_char(out, unit == 3600 ? ' ' : ':');
		out_two_digits(out, secs / unit % (unit == 3600 ? 24 : 60));
	}
	out_text(out, " UTC");
}

void text_write_moment(const struct model_moment *t, struct out *out)
{
	static const char reasons[][28] = {
		[REASON_ASKED] = " on request", [REASON_SIGNAL] = " by SIG", [REASON_ABOVE] = " by --above",
		[REASON_EVERY] = " by --every", [REASON_EXIT] = " on exit", [REASON_SIGNALLED] = " before the end by SIG",
		[REASON_DETACH] = " on detach", [REASON_KILLED] = " after a kill",
	};
	char buf[OPTIONS_SIGNAL_BYTES];

	out_text(out, "dump");
	if (t->number) {
		out_char(out, ' ');
		out_u64(out, t->number);
	}
	out_text(out, reasons[t->reason]);
	if (t->signal)
		out_text(out, options_signal_name(t->signal, buf));
	out_text(out, ", ");
	write_date((t->begun_real_ns + t->runtime_ns) / 1000000000, out);
	out_text(out, ", ");
	out_time(out, t->runtime_ns);
	out_text(out, t->attached ? " after the attach" : " after the start");
}

void text_write_head(struct text *t, const struct model_section *s)
{
	t->so_far = 0;
	text_write_rule(t->out);
	out_text(t->out, "[heaptrace] dump allocation status for /proc/");
	out_u64(t->out, t->model->process.pid);
	out_text(t->out, "/maps (");
	out_name(t->out, t->model->process.command);
	out_text(t->out, "), sorted by ");
	out_text(t->out, options_sort_name(s->key));
	out_char(t->out, '\n');
	if (s != t->model->sections)
		return;
	out_text(t->out, "[heaptrace] ");
	text_write_moment(&t->model->moment, t->out);
	out_char(t->out, '\n');
	text_write_sampled(t->model, t->out);
}

void text_write_rows(struct text *t, const struct model_section *s)
{
	for (uint32_t n = 0; n < s->count; n++) {
		struct model_row row = model_row(t->model, s, n);

		text_write_row(t, s, &row, n + 1);
		text_write_frames(t, &row);
		if (t->write_more)
			t->write_more(t, &row);
		out_char(t->out, '\n');
	}
}

void text_write_rule(struct out *out)
{
	out_repeat(out, '=', TEXT_RULE_WIDTH);
	out_char(out, '\n');
}

void text_write_dump(struct text *t, void (*write_rows)(struct text *t, const struct model_section *s))
{
	const struct model *m = t->model;

	for (unsigned i = 0; i < m->section_count; i++) {
		const struct model_section *s = &m->sections[i];

		text_write_head(t, s);
		if (!i) {
			text_write_summary(t);
			text_memory_write(m, t->out);
		}
		if (m->options->brief) {
			if (write_rows != text_write_rows)
				write_rows(t, s);
			text_write_not_seen(&m->not_seen, 0, t->out);
			text_write_rule(t->out);
			return;
		}
		write_rows(t, s);
		text_write_figures(t, s);
	}
}

static void write_text(const struct model *m, struct arena *arena, struct out *out)
{
	struct text t;

	text_begin(&t, m, arena, out);
	text_write_dump(&t, text_write_rows);
}

const struct format text_format = {
	.name = "text", .figures = true, .runtime_apart = true, .rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS,
	.write = write_text,
};
