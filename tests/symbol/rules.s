/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every rule for choosing a symbol, 16 bytes each, in an order of symbols that a reader has
 * to sort out itself. tests/symbol.t has the expected names. Directives only: any CPU.
 */
	.section rules,"ax",%progbits
	.globl	rules_start
	.type	rules_start,%object		/* where the test counts from; names nothing */
rules_start:
	.globl	outer
	.type	outer,%function
outer:	.zero	16			/*   0 outer */
	.type	inner,%function
inner:	.zero	16			/*  16 inner: nested */
	.size	inner, 16
label:	.zero	16			/*  32 outer: a label inside is not its end */
	.size	outer, 48
	.zero	16			/*  48 ??: neither outer nor label */
bare:	.zero	16			/*  64 bare: unsized, no type */
"$d":	.zero	16			/*  80 bare: mapping symbols are no names */
.Lkept:	.zero	16			/*  96 bare: nor are assembler labels (-Wa,-L) */
	.type	second,%function
second:	.zero	16			/* 112 second: typed, but unsized */
	.type	table,%object
table:	.zero	16			/* 128 ??: data in code */
	.size	table, 16
	.zero	16			/* 144 ??: second ended at the data */
	.globl	alias_long, alias_b, alias_a
	.weak	weak
	.type	alias_long,%function
	.type	alias_a,%function
	.type	alias_b,%function
	.type	weak,%function
	.type	x,%function
	.size	alias_long, 16
	.size	alias_b, 16
	.size	alias_a, 16
	.size	weak, 16
	.size	x, 16
alias_long:
alias_b:
alias_a:
weak:
x:	.zero	16			/* 160 alias_a: global, shortest, first */
	.weak	weak_too
	.type	weak_too,%function
	.type	y,%function
	.size	weak_too, 16
	.size	y, 16
y:
weak_too:
	.zero	16			/* 176 weak_too: weak before local */
	.globl	unsized_alias
	.type	sized,%function
	.size	sized, 16
sized:
unsized_alias:
	.zero	16			/* 192 sized: local, but sized */
	.zero	16			/* 208 ??: where sized ends, its alias does */
	.type	versioned,%function
	.size	versioned, 16
versioned:
	.zero	16			/* 224 versioned, renamed to versioned@@V1 */
last:	.zero	16			/* 240 last */
at_end:					/* stands in this section, at the address of the next */
	.section rules_two,"ax",%progbits
	.zero	16			/* 256 ??: another section, neither last nor at_end */
own:	.zero	16			/* 272 own */
