/* SPDX-License-Identifier: GPL-2.0-only */
/* The texts of a profile for pprof, in the order of their numbers: see pprof.h. */
#include "pprof.h"

#include "base/version.h"
#include "plain_text.h"
#include "pprof_wire.h"

/*
 * Names and units are those of the heap profiles of Go (runtime/pprof) and tcmalloc, in Go's order, in which bytes in use
 * come last: that is what a tool shows which does not read default_sample_type.
 *
 * The tracer's own frames, and operator new, stand for no use of memory: as drop_frames they tell pprof to begin each
 * stack with who has called them. pprof matches this regular expression against whole names without parameters.
 */
static const char *const fixed[PPROF_TEXTS] = {
	[PPROF_FIRST_TYPE] = "temporary_objects", "alloc_objects", "alloc_space", "peak_space", "inuse_objects", "inuse_space",
	[PPROF_COUNT] = "count",
	[PPROF_BYTES] = "bytes",
	[PPROF_SPACE] = "space",
	[PPROF_DROP_FRAMES] = ("(__libc_)?(malloc|calloc|realloc|memalign|valloc|pvalloc)|reallocarray|posix_memalign|"
			       "aligned_alloc|(.*::)?operator new(\\[\\])?"),
	[PPROF_THREADS] = "threads",
};

static void write_comment(const struct pprof *p, unsigned number, struct out *out)
{
	const struct model *m = p->model;

	switch (number) {
	case 0:
		out_text(out, "written by heaptrace " HEAPTRACE_VERSION);
		break;
	case 1:
		out_text(out, "process ");
		out_u64(out, m->process.pid);
		out_text(out, " (");
		plain_text_write(m->process.command, 0, out);
		out_text(out, "), dump ");
		out_u64(out, m->moment.number);
		out_text(out, m->moment.ended ? ", at its end" : "");
		if (m->sample_bytes) {
			out_text(out, "; all values are estimates (~), from one block in about ");
			out_size(out, m->sample_bytes);
		}
		break;
	case 2:
		out_text(out, "peak_space: alive when the whole heap was largest, ");
		out_time(out, m->moment.peak_at_ns < m->moment.runtime_ns ? m->moment.peak_at_ns : m->moment.runtime_ns);
		out_text(out, m->moment.attached ? " after the attach" : " after the start");
		break;
	default:
		out_text(out, "temporary_objects: freed before their thread's next allocation");
	}
}

static void write_fixed(const void *context, uint32_t n, struct out *out)
{
	if (n >= PPROF_FIRST_SPECIAL && n <= PPROF_LAST_SPECIAL)
		out_text(out, stacks_special_text((enum stacks_special)(n - PPROF_FIRST_SPECIAL)));
	else if (n >= PPROF_FIRST_COMMENT && n <= PPROF_LAST_COMMENT)
		write_comment(context, n - PPROF_FIRST_COMMENT, out);
	else
		out_text(out, fixed[n]);
}

/* Text n of the catalog, or the text "" where there is none. */
static void write_catalog_text(const void *context, uint32_t n, struct out *out)
{
	const struct pprof *p = context;

	if (p->catalog)
		plain_text_write(p->catalog->texts[n], 0, out);
}

static void write_unnamed(const void *context, uint32_t module, struct out *out)
{
	const struct catalog *c = ((const struct pprof *)context)->catalog;

	out_char(out, '?');
	if (module == CATALOG_NO_MODULE)
		return;
	out_text(out, " in ");
	plain_text_write(c->texts[c->modules[module].path], 0, out);
}

static void write_build_id(const void *context, uint32_t module, struct out *out)
{
	const struct catalog_module *m = &((const struct pprof *)context)->catalog->modules[module];

	out_hex_bytes(out, m->build_id, m->build_id_bytes);
}

static void write_threads(const void *context, uint32_t label, struct out *out)
{
	const char *text = ((const struct pprof *)context)->labels->list[label].function;

	plain_text_write(text ? text : "", 0, out);
}

void pprof_texts_write(const struct pprof *p, struct out *out)
{
	for (uint32_t n = 0; n < p->texts_fixed; n++)
		pprof_wire_bytes(out, PROFILE_STRING_TABLE, write_catalog_text, p, n);
	for (uint32_t n = 0; n < PPROF_TEXTS; n++)
		pprof_wire_bytes(out, PROFILE_STRING_TABLE, write_fixed, p, n);
	for (uint32_t n = 0; p->catalog && n < p->catalog->module_count; n++) {
		pprof_wire_bytes(out, PROFILE_STRING_TABLE, write_unnamed, p, n);
		pprof_wire_bytes(out, PROFILE_STRING_TABLE, write_build_id, p, n);
	}
	for (uint32_t n = 0; p->labels && n < p->labels->count; n++)
		pprof_wire_bytes(out, PROFILE_STRING_TABLE, write_threads, p, n);
}
