/* SPDX-License-Identifier: GPL-2.0-only */
/* See ptrace_thread.h. */
#include "ptrace_thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#define SYSTEM_CALL_STOP	(SIGTRAP | 0x80)	/* PTRACE_O_TRACESYSGOOD */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool thread_seize(struct thread *t, struct target *target, pid_t tid)
{
	*t = (struct thread){ .target = target, .tid = tid };
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)))
		return false;
	t->seized = t->running = true;
	return true;
}

/* Reads "232 0x4 0x7ffd... 0x20 0xffffffff 0x0 0x8 0x7ffd... 0x7f1c...": the system call in which a thread waits. */
static void read_waiting(struct thread *t)
{
	struct registers_waiting *w = &t->waiting;
	unsigned long long a[6], sp, pc;
	char path[64];
	FILE *file;

	w->known = false;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)t->target->pid, (int)t->tid);
	file = fopen(path, "re");
	if (!file)
		return;
	w->known = fscanf(file, "%ld %llx %llx %llx %llx %llx %llx %llx %llx", &w->number,
			  a, a + 1, a + 2, a + 3, a + 4, a + 5, &sp, &pc) == 9 && w->number >= 0;
	for (unsigned i = 0; w->known && i < 6; i++)
		w->argument[i] = a[i];
	if (w->known) {
		w->sp = sp;
		w->pc = pc;
	}
	fclose(file);
}

/* What a status of waitpid() says. */
static enum thread_stop classify(struct thread *t, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (!WIFSTOPPED(status)) {
		t->seized = t->running = false;
		return THREAD_GONE;
	}
	t->running = t->asked = t->at_request = false;
	if (event == PTRACE_EVENT_EXEC)
		return THREAD_EXEC;
	if (event == PTRACE_EVENT_STOP) {
		t->at_request = true;
		return THREAD_STOPPED;
	}
	if (signal == SYSTEM_CALL_STOP) {
		t->in_call = !t->in_call;
		t->repeats = false;
		return t->in_call ? THREAD_ENTRY : THREAD_EXIT;
	}
	t->signal = signal;
	return THREAD_SIGNAL;
}

bool thread_ask(struct thread *t)
{
	if (!t->asked)
		t->asked = !ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
	return t->asked;
}

/* ---- Threads that have not stopped in time ---- */

static struct thread abandoned[THREAD_ABANDONED_MAX];
static unsigned abandoned_count;

bool thread_abandon(struct thread *t)
{
	if (abandoned_count == THREAD_ABANDONED_MAX)
		return false;
	abandoned[abandoned_count++] = *t;
	t->seized = t->running = false;		/* of the caller's copy */
	return true;
}

bool thread_is_abandoned(pid_t tid)
{
	for (unsigned i = 0; i < abandoned_count; i++) {
		if (abandoned[i].tid == tid)
			return true;
	}
	return false;
}

void thread_release_abandoned(void)
{
	for (unsigned i = abandoned_count; i-- > 0;) {
		struct thread *t = &abandoned[i];
		int status;
		pid_t pid = waitpid(t->tid, &status, __WALL | WNOHANG);
		enum thread_stop stop;

		if (!pid)
			continue;
		stop = pid < 0 ? THREAD_GONE : classify(t, status);
		if (stop == THREAD_SIGNAL || stop == THREAD_ENTRY) {
			thread_ask(t);
			ptrace(PTRACE_CONT, t->tid, NULL, (void *)(intptr_t)(stop == THREAD_SIGNAL ? t->signal : 0));
			continue;
		}
		if (stop != THREAD_GONE)
			thread_release(t);
		abandoned[i] = abandoned[--abandoned_count];
	}
}

/* ---- Stops ---- */

enum thread_stop thread_wait(struct thread *t, unsigned milliseconds)
{
	uint64_t until = now_ms() + milliseconds, now;
	sigset_t child, before;
	int status;
	pid_t pid;

	/* While SIGCHLD is blocked, none can be missed between waitpid() and sigtimedwait(). */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	for (;;) {
		struct timespec left;

		pid = waitpid(t->tid, &status, __WALL | WNOHANG);
		thread_release_abandoned();
		now = now_ms();
		if (pid || now >= until)
			break;
		left = (struct timespec){ (time_t)((until - now) / 1000), (long)((until - now) % 1000) * 1000000 };
		sigtimedwait(&child, NULL, &left);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		t->seized = t->running = false;
		return THREAD_GONE;
	}
	return pid ? classify(t, status) : THREAD_NO_STOP;
}

enum thread_stop thread_stop(struct thread *t, unsigned milliseconds)
{
	uint64_t until = now_ms() + milliseconds, now;
	enum thread_stop stop;

	if (!t->asked)
		read_waiting(t);
	do {
		if (!thread_ask(t))
			return THREAD_GONE;
		now = now_ms();
		stop = thread_wait(t, now < until ? (unsigned)(until - now) : 0);
		/* A signal comes first: its handler begins, and the thread stops there. */
		if (stop == THREAD_SIGNAL && thread_ask(t))
			ptrace(PTRACE_CONT, t->tid, NULL, (void *)(intptr_t)t->signal);
	} while (stop == THREAD_SIGNAL);
	return stop;
}

uint64_t thread_caught_signals(const struct thread *t, bool pending)
{
	static const char *const names[] = { "SigPnd:", "ShdPnd:", "SigBlk:", "SigCgt:" };
	unsigned long long set[4] = { 0 };
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)t->target->pid, (int)t->tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		for (unsigned i = 0; i < 4; i++) {
			if (!strncmp(line, names[i], strlen(names[i])))
				sscanf(line + strlen(names[i]), "%llx", &set[i]);
		}
	}
	if (file)
		fclose(file);
	return set[3] & (pending ? (set[0] | set[1]) & ~set[2] : ~0ull);
}

/* Whether the thread has been stopped in a system call that has ended with EINTR because of that. */
static bool is_interrupted(const struct thread *t, const struct registers *r)
{
	uint8_t code[16] = { 0 };
	unsigned bytes = registers_instruction_bytes;

	return t->at_request && registers_are_interrupted(r) &&
	       target_read(t->target, registers_pc(r) - bytes, code, 2 * bytes) &&
	       registers_system_call(r, code, code + bytes) != REGISTERS_NO_CALL && registers_is_instruction(code);
}

long thread_repeats_call(const struct thread *t, const struct registers *r)
{
	uint8_t code[16] = { 0 };
	unsigned bytes = registers_instruction_bytes;

	if (!target_read(t->target, registers_pc(r) - bytes, code, 2 * bytes) ||
	    !registers_repeat_call(r, code + bytes))
		return REGISTERS_NO_CALL;
	return registers_system_call(r, code, code + bytes);
}

/* Makes the thread execute its interrupted system call again. */
static void repeat(struct thread *t)
{
	struct registers again;

	if (!registers_read(t->tid, &t->ended) || !is_interrupted(t, &t->ended))
		return;
	again = t->ended;
	t->repeats = registers_restart(&again, &t->waiting) && registers_write(t->tid, &again);
}

static bool run(struct thread *t, bool by_calls, int signal)
{
	if (ptrace(by_calls ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, NULL, (void *)(intptr_t)signal))
		return false;
	t->running = true;
	return true;
}

bool thread_run(struct thread *t, bool by_calls)
{
	return run(t, by_calls, 0);
}

/* The call is not repeated, but has ended with EINTR, because the handler of a signal is to run. */
static void end_call(struct thread *t)
{
	registers_write(t->tid, &t->ended);
	t->repeats = false;
}

bool thread_go_on(struct thread *t, int signal)
{
	if (!t->repeats)
		repeat(t);
	if (t->repeats && signal && thread_caught_signals(t, false) >> (signal - 1) & 1)
		end_call(t);
	return run(t, true, signal);
}

void thread_release(struct thread *t)
{
	if (!t->seized)
		return;
	if (!t->repeats)
		repeat(t);
	if (t->repeats && thread_caught_signals(t, true))
		end_call(t);
	ptrace(PTRACE_DETACH, t->tid, NULL, NULL);
	t->seized = t->running = false;
}
