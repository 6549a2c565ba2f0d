/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that are started with an environment of the caller's making: environment WAY FORM
 * [VALUE]. WAY says what becomes of the environment:
 *
 *	same		nothing
 *	null		NULL is given to the function that takes an environment; else as clear
 *	clear		clearenv()
 *	empty		`environ` is an array without entries
 *	unset		unsetenv("LD_PRELOAD")
 *	options		unsetenv("HEAPTRACE_OPTIONS")
 *	both		both of these
 *	replace		setenv("LD_PRELOAD", VALUE)
 *	put		putenv("LD_PRELOAD=" VALUE), and no HEAPTRACE_OPTIONS
 *	many		clearenv(), and then 2000 variables
 *
 * and FORM by which function `environment child` is started then. That prints its environment, as
 * `environ` has it, main()'s third argument and getenv(), and keeps 333 bytes by keep_child(). The
 * first process prints what status it got and whether its own environment is what it was.
 *
 *	environment WAY cancel	cancels a thread in system(), and prints what that leaves
 *	environment WAY maps	starts /bin/true 300 times by vfork, and prints by how many lines
 *				/proc/self/maps has grown
 *	environment WAY chroot DIR	chroot to DIR before, where this program is /subject
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

static void *volatile kept[2];
static char self[4096], putted[4096];

__attribute__((noinline)) void keep_child(void)
{
	kept[1] = malloc(333);
}

/* Prints as read from the array itself; the auxiliary vector lies behind the first one. */
static int child(int argc, char **argv, char **envp)
{
	const char *preload = getenv("LD_PRELOAD"), *options = getenv("HEAPTRACE_OPTIONS");
	char **end = argv + argc + 1;

	keep_child();
	printf("environ:");
	for (char **e = environ; e && *e; e++) {
		if (strncmp(*e, "HEAPTRACE_OPTIONS=", 18))
			printf(" %.60s", *e);
	}
	printf("\nsame as main()'s: %d, LD_PRELOAD: %s, options: %d\n", envp == environ,
	       preload ? preload : "none", options != NULL);
	/* Only in an environment of its own does a program without entries have no vector there. */
	while (*end)
		end++;
	if (environ && *environ)
		printf("auxiliary vector behind it: %d\n",
		       ((unsigned long *)(end + 1))[0] != 0 && getauxval(AT_PAGESZ) != 0);
	fflush(stdout);
	return 7;
}

static char **set_way(const char *way, const char *value)
{
	static char *none[] = { NULL };

	if (!strcmp(way, "null") || !strcmp(way, "clear") || !strcmp(way, "many"))
		clearenv();
	if (!strcmp(way, "empty"))
		environ = none;
	if (!strcmp(way, "unset") || !strcmp(way, "both"))
		unsetenv("LD_PRELOAD");
	if (!strcmp(way, "options") || !strcmp(way, "both") || !strcmp(way, "put"))
		unsetenv("HEAPTRACE_OPTIONS");
	if (!strcmp(way, "replace"))
		setenv("LD_PRELOAD", value, 1);
	if (!strcmp(way, "put")) {
		snprintf(putted, sizeof(putted), "LD_PRELOAD=%s", value);
		putenv(putted);
	}
	for (int i = 0; !strcmp(way, "many") && i < 2000; i++) {
		char name[20];

		snprintf(name, sizeof(name), "V%d", i);
		setenv(name, "value", 1);
	}
	return !strcmp(way, "null") ? NULL : environ;
}

static char *child_argv[] = { self, (char *)(uintptr_t)"child", NULL };

/* Becomes the child, by the function that form names. */
static void become(const char *form, char **env)
{
	const char *name = strrchr(self, '/') + 1;

	if (!strcmp(form, "execve"))
		execve(self, child_argv, env);
	else if (!strcmp(form, "execv"))
		execv(self, child_argv);
	else if (!strcmp(form, "execvp"))
		execvp(self, child_argv);
	else if (!strcmp(form, "execvpe"))
		execvpe(self, child_argv, env);
	else if (!strcmp(form, "execl"))
		execl(self, self, "child", NULL);
	else if (!strcmp(form, "execle"))
		execle(self, self, "child", NULL, env);
	else if (!strcmp(form, "execlp"))
		execlp(self, self, "child", NULL);
	else if (!strcmp(form, "fexecve"))
		fexecve(open(self, O_RDONLY | O_CLOEXEC), child_argv, env ? env : environ);
	else if (!strcmp(form, "execveat"))
		execveat(AT_FDCWD, self, child_argv, env, 0);
	else if (!strcmp(form, "execveat_fd"))
		execveat(open(self, O_PATH | O_CLOEXEC), "", child_argv, env, AT_EMPTY_PATH);
	else if (!strcmp(form, "execveat_dir") && !chdir("/")) {
		self[strlen(self) - strlen(name) - 1] = '\0';
		execveat(open(self, O_PATH | O_CLOEXEC), name, child_argv, env, 0);
	}
	_exit(90);
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int by_popen(void)
{
	char command[5000], text[4096];
	FILE *stream;
	size_t n;

	snprintf(command, sizeof(command), "'%s' child; exit $?", self);
	stream = popen(command, "r");
	if (!stream)
		return -1;
	while ((n = fread(text, 1, sizeof(text), stream)) > 0)
		fwrite(text, 1, n, stdout);
	fflush(stdout);
	return pclose(stream);
}

static int by_system(void)
{
	char command[5000];

	snprintf(command, sizeof(command), "'%s' child; exit $?", self);
	return system(command);
}

/* Starts the child; its status. */
static int start(const char *form, char **env)
{
	pid_t pid;

	if (!strcmp(form, "posix_spawn"))
		return posix_spawn(&pid, self, NULL, NULL, child_argv, env) ? -1 : wait_for(pid);
	if (!strcmp(form, "posix_spawnp"))
		return posix_spawnp(&pid, self, NULL, NULL, child_argv, env) ? -1 : wait_for(pid);
	if (!strcmp(form, "system"))
		return by_system();
	if (!strcmp(form, "popen"))
		return by_popen();
	if (!strcmp(form, "wordexp")) {
		wordexp_t words;
		int error = wordexp("$(/bin/echo word)", &words, 0);

		puts(error ? "error" : words.we_wordv[0]);
		return error << 8;
	}
	pid = strncmp(form, "vfork_", 6) ? fork() : vfork();
	if (!pid)
		become(strchr(form, '_') && !strncmp(form, "vfork_", 6) ? form + 6 : form, env);
	return wait_for(pid);
}

static void *run_system(void *unused)
{
	if (system("exec sleep 50"))
		return NULL;
	return unused;
}

static void on_interrupt(int sig)
{
	(void)sig;
}

static void cancel(void)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	sigset_t blocked;
	pthread_t thread;
	void *result;

	sigaction(SIGINT, &action, NULL);
	pthread_create(&thread, NULL, run_system, NULL);
	do {
		usleep(10000);
		sigaction(SIGINT, NULL, &action);
	} while (action.sa_handler != SIG_IGN);
	usleep(100000);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	sigaction(SIGINT, NULL, &action);
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	printf("cancelled: %d, SIGINT is the program's: %d, SIGCHLD is blocked: %d, children: %d\n",
	       result == PTHREAD_CANCELED, action.sa_handler == on_interrupt,
	       sigismember(&blocked, SIGCHLD), waitpid(-1, NULL, WNOHANG) < 0 ? errno : 0);
}

static int count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int lines = 0, c;

	while ((c = getc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	return lines;
}

static void start_many(char **env)
{
	char *argv[] = { (char *)(uintptr_t)"true", NULL };
	volatile int before = 0;

	for (volatile int i = 0; i < 300; i++) {
		pid_t pid = vfork();

		if (!pid) {
			execve("/bin/true", argv, env);
			_exit(90);
		}
		wait_for(pid);
		if (i == 10)
			before = count_maps();
	}
	printf("more maps: %d\n", count_maps() - before);
}

static void *sleep_on(void *unused)
{
	pause();
	return unused;
}

/* popen() again and again beside another thread, each time with another environment. */
static void popen_many(void)
{
	volatile int before = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_on, NULL);
	for (volatile int i = 0; i < 120; i++) {
		char value[20];

		snprintf(value, sizeof(value), "%d", i);
		setenv("NUMBER", value, 1);
		pclose(popen("exit", "r"));
		if (i == 90)
			before = count_maps();
	}
	printf("more maps: %d\n", count_maps() - before);
}

int main(int argc, char **argv, char **envp)
{
	const char *way = argc > 2 ? argv[1] : "", *form = argc > 2 ? argv[2] : "";
	char **env, **before, *entries[3000];
	size_t count = 0, now = 0;
	int status;

	if (argc > 1 && !strcmp(argv[1], "child"))
		return child(argc, argv, envp);
	if (!realpath(argv[0], self))
		return 91;
	env = set_way(way, argc > 3 ? argv[3] : "");
	if (!strcmp(form, "maps")) {
		start_many(env);
		return 0;
	}
	if (!strcmp(form, "popen_many")) {
		popen_many();
		return 0;
	}
	if (!strcmp(form, "cancel")) {
		cancel();
		return 0;
	}
	if (!strcmp(form, "chroot")) {
		if (chroot(argv[3]) || chdir("/"))
			return 92;
		strcpy(self, "/subject");
		form = "execve";
	}
	before = environ;
	for (; environ && environ[count]; count++)
		entries[count] = environ[count];
	execve("/nonexistent/program", child_argv, env);
	status = start(form, env);
	while (environ && environ[now] && now < count && environ[now] == entries[now])
		now++;
	printf("status %d, environment unchanged: %d\n", status,
	       environ == before && now == count && (!environ || !environ[now]));
	return 0;
}
