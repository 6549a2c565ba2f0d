/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text dump, for people. Its form is the contract of the command line:
 *
 *	=== backtrace #1 === [count/peak: 43/60] [size/peak: 22.704 KB/31.680 KB] [age: 6.236 ms]
 *	 0 [0x7fe72e46476c] malloc +0x1b
 *	 1 [      0xf27811] /usr/bin/node (+0xf27811)
 *	 2 [      0xf2e57d] next(char const*) (inlined) at src/next.h:12
 *	 3 [      0xf2e57d] parse(char const*) +0x1b at src/parse.cc:214
 */
#include "text.h"

#include <errno.h>
#include <sys/ioctl.h>

#define TERMINAL_WIDTH	120u
#define TERMINAL_LEAST	60u	/* a narrower terminal breaks lines in any case */

/* How many columns a line may take. 0: any number, because the dump goes to a file. For a terminal that reports no
 * width or a very small one, and for a stream that is no terminal, that is TERMINAL_WIDTH. */
static size_t line_columns(const struct model *m, const struct out *out)
{
	struct winsize size;
	int saved = errno;
	bool terminal = out->fd >= 0 && !ioctl(out->fd, TIOCGWINSZ, &size);

	errno = saved;
	if (terminal && size.ws_col >= TERMINAL_LEAST)
		return size.ws_col;
	return terminal || !m->options->outfile ? TERMINAL_WIDTH : 0;
}

void text_begin(struct text *t, const struct model *m, struct arena *arena, struct out *out)
{
	*t = (struct text){ .model = m, .out = out, .arena = arena, .columns = line_columns(m, out) };
}

void text_write_head(const struct text *t, const struct model_section *s)
{
	out_repeat(t->out, '=', TEXT_RULE_WIDTH);
	out_text(t->out, "\n[heaptrace] dump allocation status for /proc/");
	out_u64(t->out, t->model->process.pid);
	out_text(t->out, "/maps (");
	out_name(t->out, t->model->process.command);
	out_text(t->out, "), sorted by ");
	out_text(t->out, options_sort_name(s->key));
	out_char(t->out, '\n');
}

static void write_text(const struct model *m, struct arena *arena, struct out *out)
{
	struct text t;

	text_begin(&t, m, arena, out);
	for (unsigned i = 0; i < m->section_count; i++) {
		const struct model_section *s = &m->sections[i];

		text_write_head(&t, s);
		for (uint32_t n = 0; n < s->count; n++) {
			struct model_row row = model_row(m, s, n);

			text_write_row(&t, s, &row, n + 1);
			text_write_frames(&t, &row);
			out_char(out, '\n');
		}
		text_write_figures(&t, s);
	}
}

const struct format text_format = {
	.name = "text", .figures = true, .rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_text,
};
