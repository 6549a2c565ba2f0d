/* SPDX-License-Identifier: GPL-2.0-only */
/* Lives for argv[1] milliseconds whatever signals come, or with "-" until its standard input ends, and
 * ends with 7. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void *volatile kept;

int main(int argc, char **argv)
{
	struct timespec rest = { 0, argc > 1 ? atoi(argv[1]) * 1000000L : 0 };

	char c;

	kept = malloc(100);
	if (argc > 1 && !strcmp(argv[1], "-")) {
		while (read(STDIN_FILENO, &c, 1) > 0 || errno == EINTR)
			errno = 0;
	}
	while (nanosleep(&rest, &rest))
		;
	return 7;
}
