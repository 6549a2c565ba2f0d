/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a line, keeps 54,321 bytes, and does what its arguments say, one after the other:
 *
 *	close		closes every descriptor below 256, as programs do that check what they have written
 *	usr1		sends itself SIGUSR1
 *	fork		has a child that keeps 54,321 bytes, too
 *	kill		ends by SIGKILL
 *	exec N FILE	puts FILE in the place of descriptor N, which the next program gets, and
 *			becomes itself, without arguments
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;

__attribute__((noinline)) void keep(void)
{
	kept = malloc(54321);
}

static int become(const char *self, int number, const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || dup2(fd, number) < 0)
		return 3;
	execl(self, "streams", (char *)NULL);
	return 4;
}

int main(int argc, char **argv)
{
	if (write(1, "own\n", 4) != 4)
		return 2;
	keep();
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "close")) {
			for (int fd = 0; fd < 256; fd++)
				close(fd);
		} else if (!strcmp(argv[i], "usr1")) {
			raise(SIGUSR1);
		} else if (!strcmp(argv[i], "fork")) {
			pid_t child = fork();

			if (!child)
				_exit(0);
			if (child < 0 || waitpid(child, NULL, 0) != child)
				return 5;
		} else if (!strcmp(argv[i], "kill")) {
			kill(getpid(), SIGKILL);
		} else if (!strcmp(argv[i], "exec") && i + 2 < argc) {
			return become(argv[0], atoi(argv[i + 1]), argv[i + 2]);
		}
	}
	return 0;
}
