/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes the rules of --ignore: the input up to the first byte 0 is a file of rules, the rest is the name of a function.
 * Checks that the rules are as many texts as are counted, none of them empty or with blanks around it, and that
 * a match is counted for the rule that has been found.
 */
#include "analysis/rules.h"
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_rules(const struct rules *r)
{
	size_t count = 0;

	for (const char *rule = r->text; rule < r->text + r->text_bytes; rule += strlen(rule) + 1) {
		require(*rule && *rule != '#' && !strchr(" \t\r", *rule) && !strchr(" \t\r", rule[strlen(rule) - 1]));
		count++;
	}
	require(count == r->count);
}

static void check_match(const struct rules *r, const char *name)
{
	struct rules_subject subject = { .line = name, .function = name };
	const struct rules_hits *hits;
	struct rules_place place = { .byte = 0 };
	size_t at = 0, unmatched = 0;
	uint32_t number;

	rules_begin(r);
	number = rules_match(r, &subject);
	require(number <= r->count);
	if (number)
		rules_count(r, number, 3, 500);
	hits = r->count ? rules_next_counted(r, &at) : NULL;
	require(number ? hits && at == number && hits->blocks == 3 && hits->bytes == 500 : !hits);
	while (rules_next_unmatched(r, &place))
		unmatched++;
	require(unmatched == rules_unmatched(r) && (number ? unmatched < r->count : unmatched == r->count));
}

/* The name serves as the program's rules, too. Only rules of the file can be named as unmatched. */
static void check_joined(const struct rules *file, const char *name)
{
	struct rules r;

	rules_join(&r, file, name, rules_builtin);
	check_rules(&r);
	require(r.from_file == file->count && r.from_file + r.from_program <= r.count);
	rules_begin(&r);
	rules_match(&r, &(struct rules_subject){ .line = name, .function = name });
	require(rules_unmatched(&r) <= r.from_file);
	rules_release(&r, file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = memchr(data, 0, size);
	size_t rules_size = zero ? (size_t)(zero - data) : size, name_size = zero ? size - rules_size - 1 : 0;
	int fd = memfd_create("rules", 0);
	char path[32], *name = malloc(name_size + 1);
	struct rules r;

	require(fd >= 0 && name);
	memcpy(name, zero ? zero + 1 : data, name_size);
	name[name_size] = '\0';
	require(write(fd, data, rules_size) == (ssize_t)rules_size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(!rules_read(&r, path));
	check_rules(&r);
	check_match(&r, name);
	check_joined(&r, name);
	if (r.hits)
		arena_unmap(r.hits, r.count * sizeof(*r.hits));
	arena_unmap(r.text, RULES_BYTES_MAX + 1);
	close(fd);
	free(name);
	return 0;
}
