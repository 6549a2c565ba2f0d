# SPDX-License-Identifier: GPL-2.0-only
# Lines of an assembler file (-g), for x86-64.
	.text
	.globl assembled
	.type assembled, @function
assembled:
	leal 1(%rdi), %eax

	imull %eax, %eax
	.rept 3
	addl $1, %eax
	.endr
	ret
	.size assembled, . - assembled

	.section .text.far,"ax",@progbits
	.type far_away, @function
far_away:
	xorl %eax, %eax
	ret
	.size far_away, . - far_away
	.section .note.GNU-stack,"",@progbits
