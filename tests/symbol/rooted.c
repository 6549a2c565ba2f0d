/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that loses sight of its files, then dumps, by SIGUSR1:
 *
 *	rooted WAY WHERE [WHAT]...
 *	chroot DIR	changes its root
 *	mount FROM:ON	in a mount namespace of its own, FROM lies over ON
 *	remove FILE	removes it
 *	nobody -	gives up its rights
 *	kill -		ends by SIGKILL
 *	wait -		says so, and waits
 *
 * With -DLIBRARY its library, and with -DOTHER another build of both, whose functions have other
 * names. 77: the system does not let it.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#ifdef OTHER
#define NAME(name)	wrong_##name
void *library_keep(void);
void *library_keep(void)
{
	return NULL;
}
int more_data[1000];
#else
#define NAME(name)	name
#endif

void *NAME(library_keep)(void);

#ifdef LIBRARY
static __attribute__((noinline, noclone)) void *NAME(library_hidden)(void)
{
	return malloc(3000);
}

void *NAME(library_keep)(void)
{
	void *p = NAME(library_hidden)();

	__asm__ volatile("");
	return p;
}
#else
void *library_keep(void);
void *NAME(program_exported)(void);
void *kept[3];

static __attribute__((noinline, noclone)) void *NAME(program_hidden)(void)
{
	return malloc(1000);
}

__attribute__((noinline, noclone)) void *NAME(program_exported)(void)
{
	return malloc(2000);
}

static int step(const char *way, char *where)
{
	char *on = strchr(where, ':');

	if (!strcmp(way, "chroot"))
		return chroot(where) || chdir("/");
	if (!strcmp(way, "mount") && on) {
		*on++ = '\0';
		return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		       mount(where, on, NULL, MS_BIND, NULL);
	}
	if (!strcmp(way, "remove"))
		return unlink(where);
	if (!strcmp(way, "nobody"))
		return setgid(65534) || setuid(65534);
	raise(SIGUSR1);
	if (!strcmp(way, "kill"))
		raise(SIGKILL);
	if (!strcmp(way, "wait")) {
		puts("waits");
		fflush(stdout);
		pause();
	}
	return 0;
}

int main(int argc, char **argv)
{
	kept[0] = NAME(program_hidden)();
	kept[1] = NAME(program_exported)();
	kept[2] = library_keep();
	for (int i = 1; i + 1 < argc; i += 2) {
		if (step(argv[i], argv[i + 1]))
			return 77;
	}
	raise(SIGUSR1);
	_exit(0);
}
#endif
