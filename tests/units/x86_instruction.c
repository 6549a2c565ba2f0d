/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decoder of instructions against a disassembler: standard input has the lines of
 *
 *	objdump -dw --insn-width=15 --no-show-raw-insn=no FILE
 *
 * Each instruction that it names must have the length that the decoder finds, and each target and each address
 * relative to the instruction pointer must be what it prints. Instructions that it prints as "(bad)", and the prefixes
 * that it prints as instructions of their own, are left out. So are those that the decoder refuses, if they are few:
 * the argument says how many of a million may be refused.
 *
 * Prints TAP: one line for the lengths, one for the targets, one for what is refused.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/x86_instruction.h"

static unsigned long instructions, lengths, targets, refused, compared;

/* Reads "48 8b 05 ..." up to the tab. Returns the number of bytes. */
static size_t read_bytes(const char **at, uint8_t code[16])
{
	size_t n = 0;

	while (n < 16 && isxdigit((unsigned char)(*at)[0]) && isxdigit((unsigned char)(*at)[1]) && (*at)[2] == ' ') {
		code[n++] = (uint8_t)strtoul(*at, NULL, 16);
		*at += 3;
	}
	return n;
}

/* The address that the disassembler prints for a jump, a call or a relative operand. False: there is none. */
static bool printed_target(const char *text, bool jump, unsigned long *target)
{
	const char *at = jump ? strrchr(text, '<') : strstr(text, "# ");
	char *end;

	if (jump && at) {
		while (at > text && at[-1] == ' ')
			at--;
		while (at > text && isxdigit((unsigned char)at[-1]))
			at--;
	} else if (at) {
		at += strncmp(at + 2, "0x", 2) ? 2 : 4;
	}
	if (!at)
		return false;
	*target = strtoul(at, &end, 16);
	return end != at;
}

static void examine(unsigned long address, const uint8_t *code, size_t bytes, const char *text)
{
	struct x86_instruction i = x86_decode(code, bytes);
	bool jump = i.flow == X86_JUMP || i.flow == X86_BRANCH || i.flow == X86_CALL;
	unsigned long target;

	instructions++;
	if (!i.length) {
		if (refused++ < 5)
			printf("# refused: %lx %s\n", address, text);
		return;
	}
	if (i.length != bytes) {
		if (lengths++ < 5)
			printf("# %u bytes, not %zu: %lx %s\n", i.length, bytes, address, text);
		return;
	}
	if (!printed_target(text, jump, &target))
		return;
	compared++;
	if ((!i.offset_bytes || address + i.length + (unsigned long)(long)i.offset != target) && targets++ < 5)
		printf("# target: %lx %s\n", address, text);
}

/* A prefix that stands alone, because what follows makes no use of it. */
static bool is_odd(const char *text)
{
	static const char *const odd[] = { "(bad)", ".byte", "rex", "data16\n", "data16 rex", "addr32\n", "cs\n", "ds\n", "es\n",
					   "fs\n", "gs\n", "ss\n", "lock\n", "repz\n", "repnz\n", "bnd\n" };

	if (strstr(text, "(bad)"))
		return true;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (!strncmp(text, odd[i], strlen(odd[i])))
			return true;
	}
	return false;
}

int main(int count, char **arguments)
{
	unsigned long most = count > 1 ? strtoul(arguments[1], NULL, 10) : 0;
	static char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		char *colon = strstr(line, ":\t");
		const char *at;
		uint8_t code[16];
		size_t bytes;

		if (!colon || !isspace((unsigned char)line[0]))
			continue;
		at = colon + 2;
		bytes = read_bytes(&at, code);
		while (*at == ' ' || *at == '\t')
			at++;
		if (bytes && *at && !is_odd(at))
			examine(strtoul(line, NULL, 16), code, bytes, at);
	}
	printf("# %lu instructions, %lu targets, %lu refused\n", instructions, compared, refused);
	printf("%sok - the lengths of instructions are a disassembler's\n", instructions > 10000 && !lengths ? "" : "not ");
	printf("%sok - their targets are, too\n", compared > 1000 && !targets ? "" : "not ");
	printf("%sok - hardly any is refused\n", refused * 1000000.0 <= (double)most * (double)instructions ? "" : "not ");
	printf("1..3\n");
	return 0;
}
