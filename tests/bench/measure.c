/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a command and prints what it took, on one line:
 *
 *	SECONDS CPU-SECONDS PEAK-KB
 *
 * wall time and user + system time per run, and the largest resident size of any run.
 *
 *	measure [-n RUNS] [-t SECONDS] [-o FILE] [-e NAME=VALUE]... COMMAND [ARG...]
 *
 * -o: the command's standard output goes to FILE instead of /dev/null. -t: each run is killed
 * after that time. Exit status: 0, or 124 when a run took too long, or 1 when it failed.
 *
 * Why not hyperfine: it runs all rounds of one command before the next, and called once per
 * step it has neither the peak of memory (before 1.18) nor an environment of the command's
 * own, so that a preload would be in hyperfine, or env's start in the time of `ls`.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENV	16

struct plan {
	char **command;
	char *env[MAX_ENV];
	int env_count;
	const char *output;
	long runs, limit_seconds;
};

struct cost {
	double wall_s, cpu_s;
	long peak_kb;
};

static volatile pid_t child;
static volatile sig_atomic_t late;

static void on_alarm(int sig)
{
	(void)sig;
	late = 1;
	kill(child, SIGKILL);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

/* In the child. Does not return. */
static void start(const struct plan *plan)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open(plan->output, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	/* Interrupted, the harness leaves no benchmark behind. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0) {
		perror(plan->output);
		_exit(126);
	}
	close(in);
	close(out);
	for (int i = 0; i < plan->env_count; i++)
		putenv(plan->env[i]);
	execvp(plan->command[0], plan->command);
	perror(plan->command[0]);
	_exit(127);
}

/* One run. Returns its wait status; adds what it took to *cost. */
static int run(const struct plan *plan, struct cost *cost)
{
	struct itimerval limit = { .it_value.tv_sec = plan->limit_seconds }, none = { 0 };
	double begin = now_s();
	struct rusage used;
	int status;

	child = fork();
	if (child < 0)
		return -1;
	if (!child)
		start(plan);
	setitimer(ITIMER_REAL, &limit, NULL);
	while (wait4(child, &status, 0, &used) < 0)
		if (errno != EINTR)
			return -1;
	cost->wall_s += now_s() - begin;
	setitimer(ITIMER_REAL, &none, NULL);
	cost->cpu_s += seconds(used.ru_utime) + seconds(used.ru_stime);
	if (used.ru_maxrss > cost->peak_kb)
		cost->peak_kb = used.ru_maxrss;
	return status;
}

static int usage(void)
{
	fputs("usage: measure [-n RUNS] [-t SECONDS] [-o FILE] [-e NAME=VALUE]... COMMAND...\n",
	      stderr);
	return 1;
}

int main(int argc, char **argv)
{
	struct plan plan = { .output = "/dev/null", .runs = 1 };
	struct cost cost = { 0 };
	int option;

	while ((option = getopt(argc, argv, "+n:t:o:e:")) != -1) {
		if (option == 'n')
			plan.runs = atol(optarg);
		else if (option == 't')
			plan.limit_seconds = atol(optarg);
		else if (option == 'o')
			plan.output = optarg;
		else if (option == 'e' && plan.env_count < MAX_ENV)
			plan.env[plan.env_count++] = optarg;
		else
			return usage();
	}
	plan.command = argv + optind;
	if (!*plan.command || plan.runs < 1)
		return usage();
	signal(SIGALRM, on_alarm);
	for (long i = 0; i < plan.runs; i++) {
		int status = run(&plan, &cost);

		if (late)
			return 124;
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "measure: %s: wait status %#x\n", *plan.command, status);
			return 1;
		}
	}
	printf("%.6f %.6f %ld\n", cost.wall_s / (double)plan.runs, cost.cpu_s / (double)plan.runs,
	       cost.peak_kb);
	return 0;
}
