/* SPDX-License-Identifier: GPL-2.0-only */
/* The histograms of sizes in a JSON report: see json.h. */
#include "json.h"

#include "analysis/histogram.h"

/* Writes a list of bins. Sizes of blocks are there in bins by class. */
static void write_bins(const struct histogram *h, const struct histogram_bin *bins, unsigned count, struct out *out)
{
	out_char(out, '[');
	for (unsigned i = 0; i < count; i++) {
		const struct histogram_bin *b = &bins[i];

		out_text(out, i ? ",\n{" : "{");
		json_first_number(out, "from-bytes", b->from);
		json_add_number(out, "to-bytes", b->to);
		if (b->block_to) {
			json_add_number(out, "block-from-bytes", b->block_from);
			json_add_number(out, "block-to-bytes", b->block_to);
		}
		json_add_number(out, "calls", b->figures.calls);
		json_add_number(out, "count", b->figures.count);
		json_add_number(out, "size", b->figures.size);
		if (h->waste_known)
			json_add_number(out, "waste-bytes", b->figures.waste > 0 ? (uint64_t)b->figures.waste : 0);
		else
			json_add_text(out, "waste-bytes", NULL);
		out_char(out, '}');
	}
	out_char(out, ']');
}

void json_write_histogram(struct histograms *all, uint32_t row, struct out *out)
{
	const struct histogram *h = histogram_read(all, row);
	struct histogram_bin *bins;

	if (!h) {
		out_text(out, "null");
		return;
	}
	bins = histogram_bins(all);
	json_begin(out, NULL, '{');
	json_first_number(out, "block-header-bytes", h->header_bytes);
	json_add_bool(out, "partial", h->is_partial);
	json_write_name(out, false, "powers");
	write_bins(h, bins, histogram_by_power(h, bins), out);
	json_write_name(out, false, "classes");
	if (h->waste_known)
		write_bins(h, bins, histogram_by_class(h, bins), out);
	else
		out_text(out, "null");
	out_char(out, '}');
}
