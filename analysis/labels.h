/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions as small numbers, for what adds up many rows by function. A label is a function of a module; all code of
 * a module that has no names is one label, and all code in no module another one.
 *
 *	row -> labels_read() -> labels of its calls, innermost first -> labels.list[] -> function, module
 *
 * The memory is the caller's arena. One thread at a time may use an object.
 */
#ifndef ANALYSIS_LABELS_H
#define ANALYSIS_LABELS_H

#include "model.h"

#include "base/hash_index.h"

#define LABEL_TABLE_FULL	0u	/* stands for the frames of the overflow row */
#define LABEL_HIDDEN		1u	/* stands for the frames of rows of which --hide has taken every frame out */

struct label {
	const char *function;		/* NULL: unknown */
	const char *module;		/* the path; NULL: code in no module */
	bool wrapper;			/* an allocation function, or a wrapper of one (wrappers.h, --skip) */
	uint32_t mark;			/* for the users of labels: 0 at first */
};

struct labels_name;

struct labels {
	const struct model *model;
	struct arena *arena;
	struct label *list;
	uint32_t count, room;
	struct hash_index index;	/* of labels by function and module */
	struct labels_name *names;	/* the struct names whose labels are known */
	uint32_t name_count, name_room;
	struct hash_index name_index;	/* of these */
	uint64_t thread_set;		/* the newest argument of labels_of_threads(), and its label + 1 */
	uint32_t thread_label;
	uint32_t *calls;		/* the labels of each struct name's calls */
	uint32_t call_count, call_room;
};

/* A call of a row: a function that one of its frames' addresses lies in. */
struct labels_call {
	uint32_t label;
	uint8_t frame;			/* for model_frame() */
	uint8_t call;			/* for frame_call() */
};

#define LABELS_CALLS_MAX	2048u	/* calls of a row; those further out are left out */

/* A row with its calls. It is too large for a stack. */
struct labels_row {
	struct model_row row;
	struct model_stack stack;	/* its frames */
	struct labels_call calls[LABELS_CALLS_MAX];	/* innermost first */
	unsigned count;			/* how many calls these are, at least 1 */
};

/* Prepares *l for the rows of a model. False: there is no memory. */
bool labels_init(struct labels *l, const struct model *m, struct arena *arena);

/* Finds or makes the label of a pair of texts, which have to outlive *l. False: there is no memory. */
bool labels_find(struct labels *l, const char *function, const char *module, uint32_t *label);

/* Reads row n of model.all and its calls. Successive frames without names in the same module are one call. False: there
 * is no memory. */
bool labels_read(struct labels *l, uint32_t n, struct labels_row *row);

/* The same for a row that the caller has put into row->row, of which id, overflow and threads are used. */
bool labels_read_row(struct labels *l, struct labels_row *row);

/*
 * The place in row->calls of the first call outward of the allocation functions: the one that uses the memory. Where
 * all are allocation functions, it is the outermost one. Code without a name counts as the function that has called it,
 * if that is in the same module: in a library without static symbols, "one of jv_object_set() and what it calls" says
 * more than "something in libjq.so".
 */
unsigned labels_user(const struct labels *l, const struct labels_row *row);

/* The label of a row's threads, as text: "redis 4711, bio_aof 4713". False: there is no memory. */
bool labels_of_threads(struct labels *l, uint64_t set, uint32_t *label);

#endif
