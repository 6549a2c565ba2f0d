/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of a text dump, one file each. Only format/text*.c include this header; format.h is what others use.
 * All functions are async-signal-safe. Errors of writing are in the struct out.
 */
#ifndef FORMAT_TEXT_H
#define FORMAT_TEXT_H

#include "format.h"

#define TEXT_RULE_WIDTH		65	/* of the lines that open and close a dump */

/* The dump that is being written. */
struct text {
	const struct model *model;
	struct out *out;
	struct arena *arena;
	size_t columns;			/* of a line; 0: any number, because the dump goes to a file */
	uint64_t so_far;		/* the sum of the section's key over the rows that are written */
	char *work;			/* work space of text_frames.c, in which names are shortened */
	size_t work_bytes;
	struct histograms *histograms;	/* of text_histogram.c; NULL: not looked for yet, or there are none */
	/* Writes what else there is to say of a row, below its frames. NULL: nothing. */
	void (*write_more)(struct text *t, const struct model_row *row);
};

/* Prepares *t for a dump of the model. */
void text_begin(struct text *t, const struct model *m, struct arena *arena, struct out *out);

/* Writes a dump: for each section its head, what write_rows() writes, and the closing figures; the summary stands in
 * the first one. With --short there is nothing but the summary, and what write_rows() writes then if it is another than
 * text_write_rows(). */
void text_write_dump(struct text *t, void (*write_rows)(struct text *t, const struct model_section *s));

/* Writes the rows of a section, with their frames and what t->write_more writes. */
void text_write_rows(struct text *t, const struct model_section *s);

/* Writes the line that opens or closes a dump. */
void text_write_rule(struct out *out);

/* Writes the lines that open the dump of a section. In the first section one of them says why and when the dump was
 * taken. */
void text_write_head(struct text *t, const struct model_section *s);

/* Writes the summary of the whole dump, which opens its first section (text_summary.c). */
void text_write_summary(const struct text *t);

/* Writes which windows of the recording there have been, and which of them the figures are about (text_windows.c). */
void text_write_windows(const struct text *t);

/* Writes the head line of a row (text_row.c). number: its place in the section, from 1 on. The rows of a section are
 * written in their order, because the line says which share of the whole they have together so far. */
void text_write_row(struct text *t, const struct model_section *s, const struct model_row *row, uint32_t number);

/* Writes the frames of a row, a line each (text_frames.c). */
void text_write_frames(struct text *t, const struct model_row *row);

/* Begins a line of figures: "[heaptrace] HEAD: ". */
void text_line(struct out *out, const char *head);

/* Writes why and when the dump was taken: "dump 3 by SIGUSR1, 2026-11-29 22:14:05 UTC, 12.345 secs after the start". */
void text_write_moment(const struct model_moment *t, struct out *out);

/* Writes the line that says that figures are estimates, if they are. */
void text_write_sampled(const struct model *m, struct out *out);

/* Writes a figure of the key: bytes, a number or a time. */
void text_write_value(enum sort_key key, uint64_t value, struct out *out);

/* Writes the figures of the heap and the process that close a section (text_figures.c). */
void text_write_figures(const struct text *t, const struct model_section *s);

/* Writes where the process's resident memory goes, in up to 11 lines, and what that means (text_memory.c). */
void text_memory_write(const struct model *m, struct out *out);

/* Writes what the options leave out of a section: --ignore with its rules, --min-size... (text_left_out.c). */
void text_write_left_out(const struct text *t, const struct model_section *s);

/* Writes which modules lack names and lines, if any do, and what the figures do not cover (text_unseen.c). */
void text_write_missing(const struct model_lacks *lacks, struct out *out);
void text_write_not_seen(const struct model_not_seen *n, uint32_t left_out, struct out *out);

#endif
