/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of the source tree inside the program. The assembler puts them there (.incbin), so no tool but the compiler is
 * needed to build. Paths are relative to the directory in which the compiler is called: the top of the tree.
 *
 *	EMBED(report_page, "report/page.html");
 *	out_bytes(out, report_page, (size_t)(report_page_end - report_page));
 *
 * The bytes lie in a section of their own. So the linker leaves them out of a program that does not refer to them, as
 * libheaptrace.so.
 */
#ifndef FORMAT_EMBED_H
#define FORMAT_EMBED_H

/* Defines symbol[] and symbol_end[], which is behind the last byte. Not every assembler takes @progbits, where `@`
 * begins a comment; all take %progbits. */
#define EMBED(symbol, path) \
	__asm__(".pushsection .rodata." #symbol ",\"a\",%progbits\n" \
		".globl " #symbol "\n.hidden " #symbol "\n" #symbol ":\n" \
		".incbin \"" path "\"\n" \
		".globl " #symbol "_end\n.hidden " #symbol "_end\n" #symbol "_end:\n" \
		".byte 0\n.popsection\n"); \
	extern const char symbol[] __attribute__((visibility("hidden"))), \
			  symbol##_end[] __attribute__((visibility("hidden")))

#endif
