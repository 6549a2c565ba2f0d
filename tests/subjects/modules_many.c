/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens the libraries among the second and all further arguments (what has ".so" in its name), and
 * calls many_allocates() in each. The first argument says how the program goes on:
 *
 *	end	it ends
 *	fork	a child opens the libraries, and ends
 *	kill	it kills itself
 *	wait	it prints "waits" and its process id, and waits until its standard input ends
 *	chdir	it goes to the directory / when a library is open, before it calls many_allocates()
 *	chroot	the second argument is a directory, which becomes its root before it opens libraries
 *
 * With -DLIBRARY this is such a library.
 */
#include <stdlib.h>

#ifdef LIBRARY

void *volatile many_kept;

__attribute__((noinline)) void many_allocates(void)
{
	many_kept = malloc(100);
}

#else

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef NEEDED
void many_allocates(void);
#endif

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "end";

#ifdef NEEDED
	many_allocates();
	setvbuf(stdout, NULL, _IOFBF, 4096);
	puts("a block that libc allocates");
#endif
	if (!strcmp(how, "fork") && fork()) {
		wait(NULL);
		return 0;
	}
	if (!strcmp(how, "chroot") && (chroot(argv[2]) || chdir("/")))
		return 1;
	for (int i = 2; i < argc; i++) {
		void (*allocates)(void) = NULL;
		void *library;

		if (!strstr(argv[i], ".so"))
			continue;
		library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
		if (library)
			*(void **)&allocates = dlsym(library, "many_allocates");
		if (!allocates) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		if (!strcmp(how, "chdir") && chdir("/"))
			return 1;
		allocates();
	}
	if (!strcmp(how, "kill"))
		raise(SIGKILL);
	if (!strcmp(how, "wait")) {
		printf("waits %d\n", (int)getpid());
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return 0;
}

#endif
