/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the resident memory of the process goes, as lines of a text dump:
 *
 *	[heaptrace] where RSS goes               :     45.123 MB
 *	[heaptrace] - live blocks, as asked for  :   12.151 MB   26 %
 *	...
 *	[heaptrace] Largest part of RSS: files: the program, its libraries and others.
 *
 * All sizes are in MB, so that they can be compared at a glance.
 */
#include "text.h"

#include "analysis/memory.h"
#include "base/share.h"

#define HEAD_WIDTH	29	/* of the heads of lines */
#define FIGURE_WIDTH	10	/* of "-99999.123" */
#define SHARE_WIDTH	4	/* of "-100"; what was never written may be more */

/* Right-aligned. */
static void write_figure(struct out *out, const struct out *text, size_t width)
{
	if (text->len < width)
		out_repeat(out, ' ', width - text->len);
	out_text(out, out_string(text));
}

/* sign: "", or "-" for what is to be subtracted; before it, "~" for an estimate. */
static void write_size(struct out *out, const char *sign, uint64_t bytes)
{
	char buf[32];
	struct out text = out_memory(buf, sizeof(buf));

	out_text(&text, sign);
	out_thousandths(&text, bytes / 1000);
	write_figure(out, &text, FIGURE_WIDTH);
	out_text(out, " MB");
}

/* Writes a part, if there is one. */
static void write_part(struct out *out, const char *head, const char *sign, uint64_t bytes, uint64_t rss)
{
	uint64_t percent = share_of(bytes, rss, 100);
	char buf[32];
	struct out share = out_memory(buf, sizeof(buf));

	if (bytes < 1000 || !rss)
		return;
	text_line(out, head);
	write_size(out, sign, bytes);
	out_text(&share, percent ? sign : "");
	out_u64(&share, percent);
	out_char(out, ' ');
	write_figure(out, &share, SHARE_WIDTH);
	out_text(out, " %\n");
}

/* With another allocator its free memory is among the mappings. */
static void write_anonymous(const struct model_memory *m, struct out *out)
{
	char buf[32];
	struct out head = out_memory(buf, sizeof(buf));

	if (m->allocator_known) {
		out_text(&head, "- other anonymous mappings   ");
	} else {
		out_text(&head, "- free in ");
		out_text(&head, memory_allocator_name(m->allocator));
		out_text(&head, ", mmap()");
		if (head.len < HEAD_WIDTH)
			out_repeat(&head, ' ', HEAD_WIDTH - head.len);
	}
	write_part(out, out_string(&head), "", m->anonymous, m->rss);
}

static const char *meaning_of(const struct model_memory *m)
{
	switch (m->mostly) {
	case MEMORY_FREE:
		return "free memory that malloc keeps for later.";
	case MEMORY_FRAGMENTED:
		return "free, but between live blocks (fragmentation).";
	case MEMORY_ROUNDING:
		return "headers and rounding of many small blocks.";
	case MEMORY_ANONYMOUS:
		return m->allocator_known ?
			"not from malloc: mmap(), static data." :
			"free in the allocator, or mmap().";
	case MEMORY_FILES:
		return "files: the program, its libraries and others.";
	case MEMORY_STACKS:
		return "the stacks of its threads.";
	case MEMORY_OWN:
		return "heaptrace's own.";
	case MEMORY_LIVE:
		break;
	}
	return NULL;
}

static void write_meaning(const struct model_memory *m, struct out *out)
{
	const char *meaning = meaning_of(m);

	if (meaning) {
		out_text(out, "[heaptrace] Largest part of RSS: ");
		out_text(out, meaning);
		out_char(out, '\n');
	}
	if (m->mostly != MEMORY_FREE && m->mostly != MEMORY_FRAGMENTED && m->trimmable < m->rss / 10)
		return;
	out_text(out, "[heaptrace] malloc_trim(3) would give back ");
	if (m->trimmable) {
		out_text(out, "about ");
		out_size(out, m->trimmable);
	} else {
		out_text(out, "nothing");
	}
	out_text(out, ".\n");
}

/* estimates: the live blocks are. */
static void write_lines(const struct model *model, bool estimates, struct out *out)
{
	const struct model_memory *m = &model->memory;

	if (m->source == MEMORY_UNKNOWN)
		return;
	text_line(out, "where RSS goes               ");
	if (m->source == MEMORY_STATM) {
		out_text(out, "unknown (smaps cannot be read)\n");
		return;
	}
	if (m->source == MEMORY_STATM_LARGE) {
		out_text(out, "ask heaptrace --dump=");	/* reading smaps here would take too long */
		out_u64(out, model->process.pid);
		out_char(out, '\n');
		return;
	}
	write_size(out, "", m->rss);
	if (m->before_ns) {
		out_text(out, ", ");
		out_time(out, m->before_ns);
		out_text(out, " before");
	}
	out_char(out, '\n');
	write_part(out, "- live blocks, as asked for  ", estimates ? "~" : "", m->live, m->rss);
	write_part(out, "- of these not in memory     ", estimates ? "~-" : "-", m->unwritten, m->rss);
	write_part(out, "- rounding and headers       ", "", m->rounding, m->rss);
	write_part(out, "- free in malloc             ", "", m->free, m->rss);
	write_anonymous(m, out);
	write_part(out, "- files and shared memory    ", "", m->files, m->rss);
	write_part(out, "- stacks                     ", "", m->stacks, m->rss);
	write_part(out, "- heaptrace's own            ", "", m->own, m->rss);
	write_meaning(m, out);
}

void text_memory_write(const struct model *m, struct out *out)
{
	bool estimates = out_set_estimates(out, false);

	write_lines(m, estimates, out);
	out_set_estimates(out, estimates);
}
