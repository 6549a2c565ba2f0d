/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See safe_thread.h. Where the whole process is stopped, its other threads cannot let go of locks: then all of them
 * have to be at safe points, and none is let go on.
 */
#include "safe_thread.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>

#define STOP_MS		100u	/* how long a thread may take to stop, in the first round */
#define STOP_MOST_MS	1600u	/* in later ones: where the machine is busy, it gets no time for that at once */
#define CALL_MS		10u	/* how long a thread may take to its next system call */
#define STEPS		8	/* system calls that a thread is followed through */
#define ROUND_MS	5u
#define THREADS_MAX	512	/* that are looked at in one round */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The third word of /proc/PID/task/TID/stat, behind the name in parentheses: R, S, D, T, t, Z. 0: there is no such
 * thread. */
static char state_of(pid_t pid, pid_t tid)
{
	char path[64], line[512], *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	return end && end[1] == ' ' ? end[2] : 0;
}

bool safe_thread_is_halted(pid_t pid)
{
	return state_of(pid, pid) == 'T';
}

/* Lists the threads, the main thread first. */
static unsigned list_threads(pid_t pid, pid_t tids[THREADS_MAX])
{
	char path[64];
	struct dirent *entry;
	unsigned count = 1;
	DIR *dir;

	tids[0] = pid;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && count < THREADS_MAX && (entry = readdir(dir))) {
		pid_t tid = (pid_t)atoi(entry->d_name);

		if (tid > 0 && tid != pid)
			tids[count++] = tid;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* ---- One thread ---- */

static unsigned stop_ms;		/* in this round */

static void judge(struct safe_point *p, const struct thread *t)
{
	struct registers r;

	if (!registers_read(t->tid, &r)) {
		p->safe = false;
		snprintf(p->why, sizeof(p->why), "%s", "it runs 32-bit code");
		return;
	}
	safe_point_judge(p, t, &r, t->tid == t->target->pid);
}

/* Follows a thread to its next stop at the end of a system call, or stops it where it waits or computes. False: the
 * thread is gone, or the process has become another program. */
static bool follow(struct thread *t)
{
	if (!thread_go_on(t, 0))
		return false;
	for (unsigned waited = 0;; waited++) {
		switch (thread_wait(t, CALL_MS)) {
		case THREAD_ENTRY:
			if (!thread_go_on(t, 0))
				return false;
			break;
		case THREAD_SIGNAL:
			if (!thread_go_on(t, t->signal))
				return false;
			break;
		case THREAD_EXIT:
		case THREAD_STOPPED:
			return true;
		case THREAD_NO_STOP:
			if (!thread_ask(t))
				return false;
			if (waited * CALL_MS < stop_ms)
				break;
			thread_abandon(t);
			return false;
		case THREAD_EXEC:
		case THREAD_GONE:
			return false;
		}
	}
}

/* Whether the stopped thread gets to a safe point within a few system calls. halted: it may not go on. */
static bool gets_safe(struct thread *t, struct safe_point *p, bool halted)
{
	for (int i = 0; i < STEPS; i++) {
		judge(p, t);
		if (p->safe)
			return true;
		if (halted || !follow(t))
			return false;
	}
	return false;
}

/* ---- All threads ---- */

/* Becomes the tracer of a thread and stops it. False: it has not stopped, or the kernel refuses: *error. */
static bool stop(struct thread *t, struct target *target, pid_t tid, struct safe_point *p, int *error)
{
	if (thread_is_abandoned(tid))
		return false;
	if (!thread_seize(t, target, tid)) {
		*error = errno == ESRCH ? 0 : errno;
		return false;
	}
	switch (thread_stop(t, stop_ms)) {
	case THREAD_STOPPED:
		return true;
	case THREAD_NO_STOP:
		snprintf(p->why, sizeof(p->why), "%s", "it sleeps in the kernel where nothing can wake it (state D), "
						       "or is frozen");
		thread_abandon(t);
		return false;
	default:
		return false;
	}
}

/* Whether all threads of a process that is stopped are at safe points. *t gets the main thread. */
static bool all_are_safe(struct thread *t, struct target *target, struct safe_point *p, int *error)
{
	static pid_t tids[THREADS_MAX];
	unsigned count = list_threads(target->pid, tids);

	while (count-- > 0) {	/* the main thread last */
		if (!stop(t, target, tids[count], p, error))
			return false;
		if (!gets_safe(t, p, true) || count)
			thread_release(t);
		if (!p->safe)
			return false;
	}
	return true;
}

/* Whether one of the threads gets to a safe point. */
static bool one_is_safe(struct thread *t, struct target *target, struct safe_point *p, int *error)
{
	static pid_t tids[THREADS_MAX];
	unsigned count = list_threads(target->pid, tids);

	for (unsigned i = 0; i < count && !*error; i++) {
		if (!stop(t, target, tids[i], p, error))
			continue;
		if (gets_safe(t, p, false))
			return true;
		thread_release(t);
	}
	return false;
}

bool safe_thread_find(struct thread *t, struct target *target, char why[SAFE_POINT_WHY_BYTES], int *error)
{
	uint64_t until = now_ms() + SAFE_THREAD_SECONDS * 1000;
	struct timespec pause = { 0, ROUND_MS * 1000000 };
	struct safe_point p = { .safe = false };
	bool halted;

	*error = 0;
	stop_ms = STOP_MS;
	do {
		halted = safe_thread_is_halted(target->pid);
		if (!target_refresh(target)) {
			*error = errno ? errno : ESRCH;
			return false;
		}
		if (halted ? all_are_safe(t, target, &p, error) : one_is_safe(t, target, &p, error))
			return true;
		nanosleep(&pause, NULL);
		thread_release_abandoned();
		stop_ms = stop_ms < STOP_MOST_MS ? 2 * stop_ms : stop_ms;
	} while (!*error && now_ms() < until && state_of(target->pid, target->pid));
	if (!*error && !state_of(target->pid, target->pid))
		*error = ESRCH;
	snprintf(why, SAFE_POINT_WHY_BYTES, "%.110s%s", p.why, halted ? "; the process is stopped: continue it" : "");
	return false;
}
