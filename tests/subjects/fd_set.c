/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shows its descriptors, or attacks the ones that are not its own (argv[1]):
 *
 *	show		what open() gives; the numbers open below the soft limit, with their flags
 *	low		the numbers open in the lower half of the soft limit
 *	dumps		the same after two dumps by signal
 *	replace DIR	puts files of DIR at every number above 2 that it did not open, takes
 *			dumps, and tells which of these files was written to
 *	lines		one line on standard output, after a dump
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void *volatile kept;

static void show(unsigned below)
{
	for (unsigned fd = 0; fd < below; fd++) {
		int flags = fcntl((int)fd, F_GETFD);

		if (flags >= 0)
			printf("fd %u flags %d\n", fd, flags);
	}
}

static unsigned soft_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	printf("limits %ju %ju\n", (uintmax_t)limit.rlim_cur, (uintmax_t)limit.rlim_max);
	return limit.rlim_cur > 70000 ? 70000 : (unsigned)limit.rlim_cur;
}

static void dumps(void)
{
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
}

static void replace(const char *directory)
{
	char path[4096];
	int numbers[1024], count = 0;
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	while ((e = readdir(d)) && count < 1024) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] != '.' && fd > 2 && fd != dirfd(d))
			numbers[count++] = fd;
	}
	closedir(d);
	for (int i = 0; i < count; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%d", directory, numbers[i]);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0)
			exit(9);
		dup2(fd, numbers[i]);
		close(fd);
	}
	dumps();
	for (int i = 0; i < count; i++) {
		struct stat st;

		if (fstat(numbers[i], &st) || st.st_size)
			printf("written to or closed: %d\n", numbers[i]);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned limit = soft_limit();

	kept = malloc(100);
	if (!strcmp(what, "replace")) {
		replace(argv[2]);
		return 0;
	}
	if (!strcmp(what, "dumps") || !strcmp(what, "lines"))
		dumps();
	if (!strcmp(what, "lines")) {
		puts("line");
		return 4;
	}
	printf("open %d\n", open("/dev/null", O_RDONLY));
	show(strcmp(what, "low") ? limit : limit / 2);
	fflush(stdout);
	if (!strcmp(what, "exec"))
		execl("/proc/self/exe", "fd_set", "show", (char *)NULL);
	return 0;
}
