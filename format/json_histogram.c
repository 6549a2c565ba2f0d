/* SPDX-License-Identifier: GPL-2.0-only */
/* The histograms of sizes in a JSON report: see doc/json.md. */
#include "json.h"

#include "analysis/histogram.h"

static void member(struct out *out, const char *name, uint64_t value)
{
	out_text(out, name);
	out_u64(out, value);
}

/* Writes a list of bins. Sizes of blocks are there in bins by class. */
static void write_bins(const struct histogram *h, const struct histogram_bin *bins, unsigned count, struct out *out)
{
	out_char(out, '[');
	for (unsigned i = 0; i < count; i++) {
		const struct histogram_bin *b = &bins[i];

		member(out, i ? ",\n{\"from\":" : "{\"from\":", b->from);
		member(out, ",\"to\":", b->to);
		if (b->block_to) {
			member(out, ",\"block-from\":", b->block_from);
			member(out, ",\"block-to\":", b->block_to);
		}
		member(out, ",\"calls\":", b->figures.calls);
		member(out, ",\"count\":", b->figures.count);
		member(out, ",\"size\":", b->figures.size);
		if (h->waste_known)
			member(out, ",\"waste\":", b->figures.waste > 0 ? (uint64_t)b->figures.waste : 0);
		else
			out_text(out, ",\"waste\":null");
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
	member(out, "{\"block-header\":", h->header_bytes);
	out_text(out, h->is_partial ? ",\"partial\":true" : ",\"partial\":false");
	out_text(out, ",\"powers\":");
	write_bins(h, bins, histogram_by_power(h, bins), out);
	out_text(out, ",\"classes\":");
	if (h->waste_known)
		write_bins(h, bins, histogram_by_class(h, bins), out);
	else
		out_text(out, "null");
	out_char(out, '}');
}
