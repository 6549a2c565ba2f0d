/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay [-v] FILE...: runs a fuzz target over files without a fuzzer, so that the ordinary
 * tests (any compiler, sanitizers or none) go through the corpus. -v names each file on
 * standard error before it runs: the last one is the one that crashed.
 *
 * The input is a heap block of exactly its size, for the sanitizer to see one byte too many.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
		perror(path);
		if (f)
			fclose(f);
		return 1;
	}
	rewind(f);
	data = malloc((size_t)size);
	if ((size && !data) || fread(data, 1, (size_t)size, f) != (size_t)size) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		fclose(f);
		free(data);
		return 1;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int verbose = argc > 1 && !strcmp(argv[1], "-v");
	int failed = 0;

	for (int i = 1 + verbose; i < argc; i++) {
		if (verbose)
			fprintf(stderr, "%s\n", argv[i]);
		failed |= replay(argv[i]);
	}
	return failed;
}
