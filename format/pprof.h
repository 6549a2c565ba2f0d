/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A profile for pprof, while it is written: what its parts have in common. The message is Profile of profile.proto
 * (https://github.com/google/pprof/blob/main/proto/profile.proto); enums have the numbers of fields.
 *
 *	Profile	 sample_type	what the values of a sample are: alloc_space in bytes, inuse_space in bytes, ...
 *		 sample		a row: numbers of locations, innermost first, and its values
 *		 location	an address, with a line for each function that it lies in, the inlined ones first
 *		 function	name and file
 *		 mapping	a module: where its code lay, and its build id
 *		 string_table	all texts, which the others refer to by their places there
 *
 * Texts are numbered before the first one is written:
 *	0			""
 *	from 1 on		those of the catalog, by their numbers there
 *	from texts_fixed on	those of enum pprof_text
 *	from texts_modules on	for each module: the name of its code that has no names, and its build id
 *	from texts_threads on	those of labels.list: which threads have allocated
 */
#ifndef FORMAT_PPROF_H
#define FORMAT_PPROF_H

#include "stacks.h"

#include "analysis/labels.h"
#include "base/out.h"

/* The fields of the message Profile. keep_frames (8) and doc_url (15) are not written. */
enum {
	PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE, PROFILE_MAPPING, PROFILE_LOCATION, PROFILE_FUNCTION,
	PROFILE_STRING_TABLE, PROFILE_DROP_FRAMES, PROFILE_TIME_NANOS = 9, PROFILE_DURATION_NANOS, PROFILE_PERIOD_TYPE,
	PROFILE_PERIOD, PROFILE_COMMENT, PROFILE_DEFAULT_SAMPLE_TYPE,
};

/* The texts that are none of the catalog's. */
enum pprof_text {
	PPROF_FIRST_TYPE,				/* the names of the sample types, in their order */
	PPROF_LAST_TYPE = PPROF_FIRST_TYPE + 5,
	PPROF_COUNT, PPROF_BYTES, PPROF_SPACE,		/* units, and the type of the period */
	PPROF_DROP_FRAMES,
	PPROF_THREADS,					/* the name of a label */
	PPROF_FIRST_SPECIAL,				/* those of enum stacks_special */
	PPROF_LAST_SPECIAL = PPROF_FIRST_SPECIAL + STACKS_SPECIALS - 1,
	PPROF_FIRST_COMMENT,
	PPROF_LAST_COMMENT = PPROF_FIRST_COMMENT + 3,
	PPROF_TEXTS
};

#define PPROF_TYPES	(PPROF_LAST_TYPE - PPROF_FIRST_TYPE + 1)

struct pprof {
	const struct model *model;
	struct arena *arena;
	const struct catalog *catalog;	/* NULL: there was no memory, and the profile has sums only */
	struct stacks_things functions;	/* their ids are numbers + 1 */
	struct labels *labels;		/* of the rows' threads. NULL: all are of the main thread, or there was no
					 * memory */
	uint32_t *threads;		/* of each row: the number of the text that names its threads; NULL likewise */
	uint32_t *mapping_ids;		/* of each module of the catalog, in numbers from 1 on */
	uint32_t *mappings;		/* of each mapping, from its id 1 on: the number of the module */
	uint32_t texts_fixed, texts_modules, texts_threads;
	bool special[STACKS_SPECIALS];	/* which of them occur. Their ids are those behind all others */
	uint64_t rest[SORT_KEYS];	/* see stacks_rest() */
};

/* The numbers of the texts that a module has. */
static inline uint32_t pprof_unnamed(const struct pprof *p, uint32_t module)
{
	return p->texts_modules + 2 * module;
}

static inline uint32_t pprof_build_id(const struct pprof *p, uint32_t module)
{
	return p->texts_modules + 2 * module + 1;
}

/* Writes all texts, as the fields string_table of a profile: pprof_texts.c. */
void pprof_texts_write(const struct pprof *p, struct out *out);

/* Writes the modules, as the fields mapping of a profile: pprof_mappings.c. The modules have their ids
 * (mapping_ids). */
void pprof_mappings_write(const struct pprof *p, struct out *out);

#endif
