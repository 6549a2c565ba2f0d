/* SPDX-License-Identifier: GPL-2.0-only */
/* A library that allocates in its constructor and frees in its destructor; with -DPROGRAM,
 * the program that uses it and keeps nothing else. */
#include <stdlib.h>

extern void *library_block;

#ifdef PROGRAM
int main(void)
{
	return library_block ? 0 : 1;
}
#else
void *library_block;

__attribute__((constructor)) static void begin(void)
{
	library_block = malloc(12345);
}

__attribute__((destructor)) static void end(void)
{
	free(library_block);
}
#endif
