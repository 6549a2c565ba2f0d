/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inflate STREAM BYTES: inflate/inflate alone. Writes the BYTES bytes that a zlib stream unpacks
 * to on standard output; exit status 1 when it is damaged.
 *
 *	-r N RAW	no output: N reads at random places, of which some go forward and some
 *			backward, compared with the file RAW; then the rate of reading it all
 *	-d RAW		no output: every byte of the stream changed in several ways, then the
 *			stream cut at every length: either an error, or what RAW has
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inflate/inflate.h"

struct bytes {
	uint8_t *at;
	size_t size;
};

static struct bytes slurp(const char *path)
{
	struct bytes b = { NULL, 0 };
	FILE *f = fopen(path, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
		perror(path);
		exit(2);
	}
	rewind(f);
	b.size = (size_t)size;
	b.at = malloc(b.size + 1);
	if (!b.at || fread(b.at, 1, b.size, f) != b.size)
		exit(2);
	fclose(f);
	return b;
}

static bool source(void *from, uint64_t offset, void *buf, size_t size_bytes)
{
	const struct bytes *b = from;

	if (offset > b->size || size_bytes > b->size - offset)
		return false;
	memcpy(buf, b->at + offset, size_bytes);
	return true;
}

static uint32_t random_below(uint32_t bound)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * bound >> 32);
}

static int random_reads(struct bytes *in, const struct bytes *raw, long reads)
{
	struct arena arena = { .chunk = NULL };
	struct timespec a, b;
	struct inflate z;
	uint8_t *buf = malloc(raw->size + 1);
	uint64_t offset = 0;

	if (!buf || !inflate_open(&z, source, in, in->size, raw->size, &arena))
		return 2;
	for (long i = 0; i < reads; i++) {
		uint32_t size = random_below(random_below(4) ? 100 : 100000);

		if (random_below(3) == 0)
			offset = random_below((uint32_t)raw->size + 1);
		else if (random_below(2))
			offset = offset > 40000 ? offset - random_below(40000) : 0;
		if (offset > raw->size)
			offset = raw->size;
		if (size > raw->size - offset)
			size = (uint32_t)(raw->size - offset);
		if (!inflate_read(&z, offset, buf, size) ||
		    memcmp(buf, raw->at + offset, size)) {
			printf("read %ld: %u bytes at %llu differ\n", i, size,
			       (unsigned long long)offset);
			return 1;
		}
		offset += size;
	}
	if (inflate_read(&z, raw->size, buf, 1) || inflate_read(&z, UINT64_MAX, buf, 2) ||
	    inflate_read(&z, 1, buf, SIZE_MAX)) {
		puts("a read past the end");
		return 1;
	}
	arena_release(&arena);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	if (!inflate_open(&z, source, in, in->size, raw->size, &arena) ||
	    !inflate_read(&z, 0, buf, raw->size) || memcmp(buf, raw->at, raw->size)) {
		puts("the whole differs");
		return 1;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	printf("%.1f MB/s\n", (double)raw->size / 1e6 /
	       ((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9));
	arena_release(&arena);
	free(buf);
	return 0;
}

/* Whether what comes out of a damaged stream is an error or what it should be. */
static bool is_honest(struct bytes *in, size_t size, const struct bytes *raw, uint8_t *buf)
{
	struct arena arena = { .chunk = NULL };
	struct inflate z;
	bool good;

	if (!inflate_open(&z, source, in, size, raw->size, &arena))
		exit(2);
	good = !inflate_read(&z, 0, buf, raw->size) || !memcmp(buf, raw->at, raw->size);
	/* And once more, from wherever it stands. */
	if (inflate_read(&z, raw->size / 2, buf, 1) && raw->at[raw->size / 2] != buf[0])
		good = false;
	arena_release(&arena);
	return good;
}

static int damage(struct bytes *in, const struct bytes *raw)
{
	uint8_t *buf = malloc(raw->size + 1);
	long wrong = 0;

	if (!buf || !raw->size)
		return 2;
	for (size_t i = 0; i < in->size; i++) {
		static const uint8_t change[] = { 1, 4, 32, 128, 255 };

		for (size_t j = 0; j < sizeof(change); j++) {
			in->at[i] ^= change[j];
			wrong += !is_honest(in, in->size, raw, buf);
			in->at[i] ^= change[j];
		}
	}
	for (size_t size = 0; size < in->size; size++) {
		struct arena arena = { .chunk = NULL };
		struct inflate z;
		struct bytes cut = { in->at, size };

		/* Both when the reader is told, and when it finds out. */
		if (!inflate_open(&z, source, &cut, size, raw->size, &arena))
			return 2;
		wrong += inflate_read(&z, 0, buf, raw->size);
		if (!inflate_open(&z, source, &cut, in->size, raw->size, &arena))
			return 2;
		wrong += inflate_read(&z, 0, buf, raw->size);
		arena_release(&arena);
	}
	printf("%ld wrong\n", wrong);
	free(buf);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	struct arena arena = { .chunk = NULL };
	struct bytes in;
	struct inflate z;
	size_t size;
	uint8_t *buf;
	bool good;

	if (argc == 5 && !strcmp(argv[1], "-r")) {
		struct bytes raw = slurp(argv[4]);

		in = slurp(argv[3]);
		return random_reads(&in, &raw, atol(argv[2]));
	}
	if (argc == 4 && !strcmp(argv[1], "-d")) {
		struct bytes raw = slurp(argv[3]);

		in = slurp(argv[2]);
		return damage(&in, &raw);
	}
	if (argc != 3) {
		fputs("usage: inflate STREAM BYTES | -r N STREAM RAW | -d STREAM RAW\n", stderr);
		return 2;
	}
	in = slurp(argv[1]);
	size = strtoull(argv[2], NULL, 0);
	buf = malloc(size + 1);
	if (!buf || !inflate_open(&z, source, &in, in.size, size, &arena))
		return 2;
	good = inflate_read(&z, 0, buf, size);
	if (good)
		fwrite(buf, 1, size, stdout);
	arena_release(&arena);
	free(buf);
	free(in.at);
	return !good;
}
