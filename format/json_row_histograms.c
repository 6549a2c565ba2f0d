/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The histograms of all rows in a page, packed: see json.h and json_numbers.h. The bins of all rows stand one behind
 * the other, figure by figure. Which sizes a bin has is written once, for all rows.
 *
 *	"powers":{"from-bytes":[17,33],"to-bytes":[32,64],	which bins there are
 *	"bins":"=221"						how many each row has: the first 2, the second 1
 *	"bin":"=3010","calls":...				which: 0 and 1, then 0; and their figures
 */
#include "json_numbers.h"

#include "analysis/histogram.h"
#include "base/room.h"

#include <string.h>

struct entry {
	struct histogram_figures figures;
	uint32_t bin;			/* in bins */
};

/* The bins of all rows, of one kind. */
struct rows {
	struct arena *arena;
	bool by_class;
	struct entry *entries;
	uint32_t *counts;		/* of each row: how many entries it has */
	struct histogram_bin *bins;	/* without figures */
	uint32_t count, room, bin_count, bin_room;
	uint32_t found;			/* the bin that was looked up last */
};

static bool same_bin(const struct histogram_bin *a, const struct histogram_bin *b)
{
	return a->from == b->from && a->to == b->to && a->block_from == b->block_from && a->block_to == b->block_to;
}

/* Finds the number of a bin, mostly behind that of the one before: r->found. False: there is no memory. */
static bool find_bin(struct rows *r, const struct histogram_bin *bin)
{
	for (uint32_t i = 0; i < r->bin_count; i++) {
		uint32_t at = (r->found + i) % r->bin_count;

		if (same_bin(&r->bins[at], bin)) {
			r->found = at;
			return true;
		}
	}
	if (!room_make(r->arena, &r->bins, sizeof(*r->bins), &r->bin_room, r->bin_count + 1))
		return false;
	r->found = r->bin_count;
	r->bins[r->bin_count++] = *bin;
	return true;
}

static bool read_row(struct rows *r, struct histograms *all, uint32_t row, uint32_t *bins_of_row)
{
	const struct histogram *h = histogram_read(all, row);
	struct histogram_bin *bins = histogram_bins(all);
	unsigned count = r->by_class ? histogram_by_class(h, bins) : histogram_by_power(h, bins);

	for (unsigned i = 0; i < count; i++) {
		const struct histogram_figures *f = &bins[i].figures;

		if (!f->calls && !f->count)
			continue;
		if (!find_bin(r, &bins[i]) ||
		    !room_make(r->arena, &r->entries, sizeof(*r->entries), &r->room, r->count + 1))
			return false;
		r->entries[r->count++] = (struct entry){ *f, r->found };
		++*bins_of_row;
	}
	return true;
}

static bool read_rows(struct rows *r, const struct model *m, struct histograms *all)
{
	r->counts = arena_alloc(r->arena, (m->all.count + (size_t)1) * sizeof(*r->counts));
	for (uint32_t n = 0; r->counts && n < m->all.count; n++) {
		if (!read_row(r, all, model_row(m, &m->all, n).id, &r->counts[n]))
			return false;
	}
	return r->counts != NULL;
}

static void write_rows(const struct rows *r, const struct model *m, bool waste_known, struct numbers_packing *packing,
		       struct out *out)
{
	out_char(out, '{');
	NUMBERS_WRITE(out, NULL, true, "from-bytes", NUMBERS_PLAIN, r->bin_count, v, v = r->bins[i].from);
	NUMBERS_WRITE(out, NULL, false, "to-bytes", NUMBERS_PLAIN, r->bin_count, v, v = r->bins[i].to);
	NUMBERS_WRITE(out, NULL, false, "block-from-bytes", NUMBERS_PLAIN, r->bin_count, v, v = r->bins[i].block_from);
	NUMBERS_WRITE(out, NULL, false, "block-to-bytes", NUMBERS_PLAIN, r->bin_count, v, v = r->bins[i].block_to);
	NUMBERS_WRITE(out, packing, false, "bins", NUMBERS_PACKED, m->all.count, v, v = r->counts[i]);
	NUMBERS_WRITE(out, packing, false, "bin", NUMBERS_PACKED, r->count, v, v = r->entries[i].bin);
	NUMBERS_WRITE(out, packing, false, "calls", NUMBERS_PACKED, r->count, v, v = r->entries[i].figures.calls);
	NUMBERS_WRITE(out, packing, false, "count", NUMBERS_PACKED, r->count, v, v = r->entries[i].figures.count);
	NUMBERS_WRITE(out, packing, false, "size", NUMBERS_PACKED, r->count, v, v = r->entries[i].figures.size);
	if (waste_known)
		NUMBERS_WRITE(out, packing, false, "waste-bytes", NUMBERS_PACKED, r->count, v,
			      int64_t waste = r->entries[i].figures.waste; v = waste > 0 ? (uint64_t)waste : 0);
	else
		json_add_text(out, "waste-bytes", NULL);
	out_char(out, '}');
}

void json_write_row_histograms(const struct model *m, struct histograms *all, struct numbers_packing *packing,
				struct out *out)
{
	struct rows powers = { .arena = packing->arena }, classes = { .arena = packing->arena, .by_class = true };
	const struct histogram *h = histogram_read(all, 0);
	bool waste_known = h && h->waste_known;

	if (!h || !read_rows(&powers, m, all) || (waste_known && !read_rows(&classes, m, all))) {
		out_text(out, "null");
		return;
	}
	h = histogram_read(all, m->all.count ? model_row(m, &m->all, 0).id : 0);
	out_char(out, '{');
	json_first_number(out, "block-header-bytes", h->header_bytes);
	json_add_bool(out, "partial", h->is_partial);
	json_write_name(out, false, "powers");
	write_rows(&powers, m, waste_known, packing, out);
	json_write_name(out, false, "classes");
	if (waste_known)
		write_rows(&classes, m, waste_known, packing, out);
	else
		out_text(out, "null");
	out_char(out, '}');
}
