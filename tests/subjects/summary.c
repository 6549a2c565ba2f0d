/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For summary.t, with figures computed by hand. "keep": 1,000 calls of which 301 are temporary; at most 5,050,000 bytes;
 * 7 blocks of 100 bytes are left. "free": the same, and nothing is left. The peak is reached after 200 ms of 400.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *volatile kept[700];

int main(int argc, char **argv)
{
	void *volatile large;
	int left = argc > 1 && !strcmp(argv[1], "keep") ? 7 : 0;

	for (int i = 0; i < 699; i++)
		kept[i] = malloc(100);
	for (int i = 0; i < 300; i++) {
		void *volatile p = malloc(16);

		free(p);
	}
	for (int i = 0; i < 199; i++)
		free(kept[i]);
	usleep(200000);
	large = malloc(5000000);
	usleep(200000);
	free(large);
	for (int i = 199; i < 699 - left; i++)
		free(kept[i]);
	if (argc > 2)
		raise(atoi(argv[2]));
	return 0;
}
