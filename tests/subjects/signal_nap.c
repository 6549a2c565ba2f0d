/* SPDX-License-Identifier: GPL-2.0-only */
/* Lives for argv[1] milliseconds whatever signals come, and ends with 7. */
#include <stdlib.h>
#include <time.h>

void *volatile kept;

int main(int argc, char **argv)
{
	struct timespec rest = { 0, argc > 1 ? atoi(argv[1]) * 1000000L : 0 };

	kept = malloc(100);
	while (nanosleep(&rest, &rest))
		;
	return 7;
}
