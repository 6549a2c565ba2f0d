/* SPDX-License-Identifier: GPL-2.0-only */
/* See ptrace_call.h. */
#include "ptrace_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES	(1024u * 1024)
#define FRAME_BYTES	(64u * 1024)	/* above the stack: the signal frame */
#define CODE_BYTES	4096u		/* above that: the instructions */
#define GUARD_BYTES	4096u		/* below the stack, inaccessible; a multiple of the page size is made of it */
#define CALL_MS		20000u
#define RED_ZONE_BYTES	128u		/* below the stack pointer, which the program may use (System V ABI) */
#define STEP_MS		2000u		/* for one system call, which waits for nothing */

/* ---- The thread's own state ---- */

/* Signals that report a fault stay unblocked: if such a signal is blocked when the fault comes, the kernel takes the
 * program's handler away. */
static uint64_t faults(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };
	uint64_t mask = 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		mask |= (uint64_t)1 << (signals[i] - 1);
	return mask;
}

static bool set_mask(const struct thread *t, uint64_t mask)
{
	return !ptrace(PTRACE_SETSIGMASK, t->tid, (void *)sizeof(mask), &mask);
}

/* A signal that has no effect on the program: it has no handler for it, and by default it is ignored. 0: there is
 * none. */
static int choose_signal(const struct thread *t)
{
	static const int signals[] = { SIGURG, SIGWINCH, SIGCHLD };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (!(thread_caught_signals(t, false) >> (signals[i] - 1) & 1))
			return signals[i];
	}
	return 0;
}

/* The registers with which the thread has to resume if nobody puts it back: it executes an interrupted call once
 * more. */
static struct registers resumed(const struct call *c)
{
	struct registers r = c->before;
	uint64_t at = registers_pc(&r) - (registers_are_to_restart(&r) ? registers_instruction_bytes : 0);
	uint8_t code[REGISTERS_NUMBER_BYTES];

	if (target_read(c->thread->target, at - sizeof(code), code, sizeof(code)))
		registers_name_call(&r, code);
	if (c->interrupted || registers_are_to_restart(&r))
		registers_restart(&r, &c->thread->waiting);
	return r;
}

/* Makes the signal frame that is to lie at an address. NULL: it has no room, or there is no memory. */
static uint8_t *make_frame(const struct call *c, uint64_t at, size_t *bytes)
{
	struct registers r = resumed(c);
	struct registers_vector v = { 0 };
	uint8_t *buf = malloc(FRAME_BYTES);

	*bytes = 0;
	if (buf && registers_read_vector(c->thread->tid, &v, true))
		*bytes = registers_signal_frame(&r, &v, c->mask, at, buf, FRAME_BYTES);
	free(v.state);
	if (*bytes)
		return buf;
	free(buf);
	return NULL;
}

/* Whether the addresses from `low` to the thread's stack pointer are its stack, of which nothing else is a part. */
static bool is_own_stack(const struct call *c, uint64_t low)
{
	uint64_t sp = registers_sp(&c->before), tp = registers_thread_pointer(&c->before);
	const struct target_area *a = target_area_at(c->thread->target, sp);

	return a && a->writable && low >= a->start && low < sp && (a->main_stack || (tp > sp && tp < a->end));
}

/* Writes a signal frame below the thread's stack, and lets the thread return to that. */
static void cover_stack(struct call *c)
{
	const struct target *target = c->thread->target;
	uint64_t at, sp = registers_sp(&c->before);
	struct registers r = c->before;
	size_t bytes;
	uint8_t *frame = make_frame(c, 0, &bytes);	/* to know how long it is */

	free(frame);
	at = (sp - RED_ZONE_BYTES - bytes) & ~UINT64_C(63);
	if (!bytes || !c->code.signal_return || !is_own_stack(c, at - sizeof(uint64_t)))
		return;
	c->covered_bytes = sizeof(uint64_t) + bytes;
	c->covered = malloc(c->covered_bytes);
	frame = make_frame(c, at, &bytes);
	if (frame && c->covered && target_read(target, at - sizeof(uint64_t), c->covered, c->covered_bytes) &&
	    target_write(target, at, frame, bytes) &&
	    target_write(target, at - sizeof(uint64_t), &c->code.signal_return, sizeof(uint64_t))) {
		c->resume = at - sizeof(uint64_t);
		registers_set_system_call(&r, c->code.instruction, SYS_getpid, (uint64_t[6]){ 0 });
		registers_set_sp(&r, c->resume);
		registers_write(c->thread->tid, &r);
	}
	free(frame);
}

/* When the thread has its registers again. */
static void uncover_stack(struct call *c, bool good)
{
	if (good && c->resume)
		target_write(c->thread->target, c->resume, c->covered, c->covered_bytes);
	free(c->covered);
	c->covered = NULL;
}

static bool save(struct call *c)
{
	struct thread *t = c->thread;
	uint8_t code[16] = { 0 };

	c->signal = choose_signal(t);
	if (!registers_read(t->tid, &c->before) || !registers_read_vector(t->tid, &c->vector, false) ||
	    ptrace(PTRACE_GETSIGMASK, t->tid, (void *)sizeof(c->mask), &c->mask))
		return false;
	c->interrupted = t->at_request && registers_are_interrupted(&c->before) &&
			 target_read(t->target, registers_pc(&c->before) - registers_instruction_bytes, code,
				     registers_instruction_bytes) && registers_is_instruction(code);
	cover_stack(c);
	return set_mask(t, ~(faults() | (c->signal ? (uint64_t)1 << (c->signal - 1) : 0)));
}

/* ---- Stops on the way ---- */

static void put_off(struct call *c, int signal)
{
	for (unsigned i = 0; i < c->put_off_count; i++) {
		/* A second one would have been merged with the first. */
		if (c->put_off[i] == signal && signal < SIGRTMIN)
			return;
	}
	if (c->put_off_count < THREAD_SIGNALS_MAX)
		c->put_off[c->put_off_count++] = signal;
}

/* Whether the thread has made the signal itself, by what it has just executed. */
static bool is_own_fault(struct call *c, int signal)
{
	siginfo_t info;

	if (!(faults() >> (signal - 1) & 1) || ptrace(PTRACE_GETSIGINFO, c->thread->tid, NULL, &info))
		return false;
	c->error = signal == SIGSYS ? info.si_syscall : signal;
	return info.si_code > 0;
}

/* Whether the thread has returned from a function to the code that sends a signal. */
static bool has_sent_signal(const struct call *c)
{
	struct registers r;

	return c->lands_itself && c->thread->signal == c->signal && registers_read(c->thread->tid, &r) &&
	       registers_pc(&r) == c->stop && registers_sp(&r) == c->frame;
}

/* Lets the thread go on to the next stop, if it does not run yet. by_calls: the next entry or end of a system call is
 * one, by_request: PTRACE_INTERRUPT makes one. *stop: what it is. */
static enum call_status to_any_stop(struct call *c, bool by_calls, bool by_request, unsigned milliseconds,
				    enum thread_stop *stop)
{
	if (by_request && !thread_ask(c->thread))
		return CALL_GONE;
	if (!c->thread->running && !thread_run(c->thread, by_calls))
		return CALL_GONE;
	for (;;) {
		*stop = thread_wait(c->thread, milliseconds);
		switch (*stop) {
		case THREAD_ENTRY:
		case THREAD_EXIT:
			return CALL_DONE;
		case THREAD_NO_STOP:
			return CALL_LATE;
		case THREAD_GONE:
			return CALL_GONE;
		case THREAD_EXEC:
			return CALL_EXEC;
		case THREAD_SIGNAL:
			if (has_sent_signal(c))
				return CALL_DONE;
			if (is_own_fault(c, c->thread->signal))
				return c->thread->signal == SIGSYS ? CALL_FORBIDDEN : CALL_CRASHED;
			put_off(c, c->thread->signal);
			break;
		case THREAD_STOPPED:
			if (by_request)
				return CALL_DONE;
			break;		/* the whole process is stopped; this thread ends the call nevertheless */
		}
		if ((by_request && !thread_ask(c->thread)) || !thread_run(c->thread, by_calls))
			return CALL_GONE;
	}
}

static enum call_status to_stop(struct call *c, bool by_calls, unsigned milliseconds, enum thread_stop *stop)
{
	return to_any_stop(c, by_calls, false, milliseconds, stop);
}

/* ---- System calls ---- */

/* Ends a stop at an entry without making the call. */
static enum call_status skip_entry(struct call *c, struct registers *r)
{
	enum thread_stop stop;

	if (!c->thread->in_call)
		return CALL_DONE;
	if (!registers_skip_system_call(c->thread->tid, r))
		return CALL_GONE;
	return to_stop(c, true, STEP_MS, &stop);
}

enum call_status call_system(struct call *c, long number, const uint64_t arguments[6], int64_t *result)
{
	struct registers r = c->before;
	enum call_status status;
	enum thread_stop stop;

	registers_set_system_call(&r, c->code.instruction, number, arguments);
	if (c->resume)
		registers_set_sp(&r, c->resume);
	if (!registers_write(c->thread->tid, &r))
		return CALL_GONE;
	for (unsigned i = 0; i < 2; i++) {
		status = to_stop(c, true, STEP_MS, &stop);
		if (status != CALL_DONE)
			return status;
	}
	if (!registers_read(c->thread->tid, &r))
		return CALL_GONE;
	*result = (int64_t)registers_result(&r);
	return CALL_DONE;
}

/* Maps memory in the process. protection: PROT_*. The result is an address, or 0 with c->error. */
static enum call_status map(struct call *c, size_t bytes, int protection, uint64_t *address)
{
	const uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uint64_t arguments[6] = { 0, bytes, (uint64_t)protection, flags, (uint64_t)-1, 0 };
	int64_t result = 0;
	enum call_status status = call_system(c, SYS_mmap, arguments, &result);

	*address = result < 0 && result > -4096 ? 0 : (uint64_t)result;
	c->error = *address ? 0 : (int)-result;
	return status;
}

static enum call_status protect(struct call *c, uint64_t at, size_t bytes, int protection, int64_t *result)
{
	return call_system(c, SYS_mprotect, (uint64_t[6]){ at, bytes, (uint64_t)protection }, result);
}

/* ---- The memory ---- */

/* Writes the signal frame. False: the frame has no room, or the memory is gone. */
static bool write_frame(struct call *c)
{
	size_t bytes;
	uint8_t *frame = make_frame(c, c->frame, &bytes);
	bool written = frame && target_write(c->thread->target, c->frame, frame, bytes);

	free(frame);
	return written;
}

/* The id of the thread in the process's namespace: the last one of "NSpid:\t4711\t12" in its status. */
static pid_t inner_tid(const struct thread *t, pid_t tid)
{
	char path[64], line[256];
	const char *last;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)t->target->pid, (int)tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		last = strncmp(line, "NSpid:", 6) ? NULL : strrchr(line, '\t');
		if (last)
			tid = (pid_t)atoi(last + 1);
	}
	if (file)
		fclose(file);
	return tid;
}

/* Makes the instructions, or chooses others where the process may have none of its own. */
static enum call_status make_landing(struct call *c)
{
	uint64_t at = c->memory + c->memory_bytes - CODE_BYTES;
	const struct thread *t = c->thread;
	uint8_t code[REGISTERS_LANDING_MAX];
	size_t stop, bytes = registers_make_landing(code, inner_tid(t, t->target->pid), inner_tid(t, t->tid),
						    c->signal, &stop);
	int64_t result = 0;
	enum call_status status;

	c->landing = c->code.instruction;
	c->lands_itself = false;
	if (!c->signal || !target_write(t->target, at, code, bytes))
		return CALL_DONE;
	status = protect(c, at, CODE_BYTES, PROT_READ | PROT_EXEC, &result);
	if (status == CALL_DONE && !result && write_frame(c)) {
		c->landing = at;
		c->stop = at + stop;
		c->lands_itself = true;
	}
	return status;
}

enum call_status call_begin(struct call *c, struct thread *thread, struct call_code code)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), guard = page > GUARD_BYTES ? page : GUARD_BYTES;
	enum call_status status;
	int64_t result = 0;

	*c = (struct call){ .thread = thread, .code = code };
	if (!save(c)) {
		c->error = errno;
		return CALL_REFUSED;
	}
	c->memory_bytes = guard + STACK_BYTES + FRAME_BYTES + (page > CODE_BYTES ? page : CODE_BYTES);
	status = map(c, c->memory_bytes, PROT_READ | PROT_WRITE, &c->memory);
	if (status != CALL_DONE)
		return status;
	if (!c->memory)
		return CALL_NO_MEMORY;
	c->frame = (c->memory + guard + STACK_BYTES + 63) & ~UINT64_C(63);
	status = protect(c, c->memory, guard, PROT_NONE, &result);
	return status == CALL_DONE ? make_landing(c) : status;
}

uint64_t call_put(struct call *c, const void *bytes, size_t size_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t at = c->memory + (page > GUARD_BYTES ? page : GUARD_BYTES);

	return size_bytes <= CALL_PUT_MAX && target_write(c->thread->target, at, bytes, size_bytes) ? at : 0;
}

/* ---- Functions ---- */

/* Whether the thread, which is at the entry of a system call, has returned from a function to that. */
static bool has_landed(const struct call *c, const struct registers *r)
{
	return registers_pc(r) == c->landing + registers_instruction_bytes && registers_sp(r) == c->frame;
}

/* Waits until the function has returned to a system call instruction. */
static enum call_status await_system_call(struct call *c, unsigned milliseconds, uint64_t *result)
{
	struct registers r;
	enum call_status status;
	enum thread_stop stop;

	do {
		status = to_stop(c, true, milliseconds, &stop);
		if (status != CALL_DONE)
			return status;
		if (stop == THREAD_ENTRY && !registers_read(c->thread->tid, &r))
			return CALL_GONE;
	} while (stop != THREAD_ENTRY || !has_landed(c, &r));
	*result = registers_result(&r);
	return skip_entry(c, &r);
}

/* Makes the thread call the function as soon as it goes on. */
static bool prepare_call(struct call *c, uint64_t function, const uint64_t arguments[3])
{
	struct registers r = c->before;

	registers_set_call(&r, function, arguments, c->frame, c->landing);
	return target_write(c->thread->target, c->frame - 8, &c->landing, sizeof(c->landing)) &&
	       registers_write(c->thread->tid, &r);
}

/* Waits until the function has returned. CALL_LATE: it has not in so many milliseconds, and the thread runs. */
static enum call_status await_return(struct call *c, unsigned milliseconds, uint64_t *result)
{
	uint64_t result_at = c->frame + (uint64_t)(int64_t)registers_result_at;
	enum call_status status;
	enum thread_stop stop;

	if (!c->lands_itself)
		return await_system_call(c, milliseconds, result);
	status = to_stop(c, false, milliseconds, &stop);
	if (status == CALL_DONE && !target_read(c->thread->target, result_at, result, sizeof(*result)))
		return CALL_GONE;
	return status;
}

enum call_status call_function(struct call *c, uint64_t function, uint64_t first, uint64_t second, uint64_t third,
			       uint64_t *result)
{
	uint64_t arguments[3] = { first, second, third };

	return prepare_call(c, function, arguments) ? await_return(c, CALL_MS, result) : CALL_GONE;
}

/*
 * Stops the thread inside of the function. CALL_LOCKED: it is there, and has been waiting for a lock up to now, which
 * it has not got: the kernel is about to repeat the system call futex(2), and so has not woken the thread. CALL_DONE:
 * the function has returned. CALL_LATE: it does something else.
 */
static enum call_status stop_waiting(struct call *c)
{
	struct thread *t = c->thread;
	enum thread_stop stop;
	enum call_status status;
	struct registers r;

	do {
		status = to_any_stop(c, !c->lands_itself, true, STEP_MS, &stop);
		if (status != CALL_DONE)
			return status;
		if (!registers_read(t->tid, &r))
			return CALL_GONE;
		if (stop == THREAD_SIGNAL)
			return CALL_DONE;
		if (stop == THREAD_ENTRY && has_landed(c, &r))
			return skip_entry(c, &r);
	} while (stop != THREAD_STOPPED);
	return thread_repeats_call(t, &r) == SYS_futex ? CALL_LOCKED : CALL_LATE;
}

enum call_status call_lock(struct call *c, uint64_t function, unsigned milliseconds)
{
	uint64_t result;
	enum call_status status;

	if (!prepare_call(c, function, (uint64_t[3]){ 0 }))
		return CALL_GONE;
	for (unsigned waited = 0;; waited += milliseconds) {
		status = await_return(c, milliseconds, &result);
		if (status == CALL_LATE)
			status = stop_waiting(c);
		if (status != CALL_LATE || waited >= CALL_MS)
			return status;
	}
}

/* ---- The end ---- */

/* Stops the thread where the kernel looks after interrupted system calls when it goes on: at a stop at the end of a
 * system call it would not any more. No instruction of the program is executed on the way. */
static bool to_request(struct call *c)
{
	struct thread *t = c->thread;

	if (t->at_request)
		return true;
	for (;;) {
		enum thread_stop stop;

		if (!thread_ask(t) || ptrace(PTRACE_CONT, t->tid, NULL, NULL))
			return false;
		stop = thread_wait(t, STEP_MS);
		if (stop == THREAD_STOPPED)
			return true;
		if (stop != THREAD_SIGNAL)
			return false;
		put_off(c, t->signal);
	}
}

static void send_again(const struct call *c)
{
	for (unsigned i = 0; i < c->put_off_count; i++) {
		if (c->put_off[i] == SIGSTOP)
			kill(c->thread->target->pid, SIGSTOP);
		else
			syscall(SYS_tgkill, c->thread->target->pid, c->thread->tid, c->put_off[i]);
	}
}

bool call_end(struct call *c, enum call_status last)
{
	struct thread *t = c->thread;
	struct registers r;
	int64_t result;
	bool good = last != CALL_GONE && last != CALL_EXEC && last != CALL_REFUSED;

	if (last == CALL_LATE) {
		/* The thread resumes by itself, and gets its signals then. The kernel detaches when the wrapper
		 * ends. */
		t->seized = false;
		free(c->vector.state);
		uncover_stack(c, false);
		return true;
	}
	/* After a fault of the function the thread is neither at the entry nor at the end of a system call. */
	if (good && t->in_call)
		good = registers_read(t->tid, &r) && skip_entry(c, &r) == CALL_DONE;
	if (good && c->memory)
		good = call_system(c, SYS_munmap, (uint64_t[6]){ c->memory, c->memory_bytes }, &result) == CALL_DONE;
	if (good)
		good = to_request(c) && registers_write_vector(t->tid, &c->vector) && set_mask(t, c->mask) &&
		       registers_write(t->tid, &c->before);	/* last: until then the thread resumes by its frame */
	uncover_stack(c, good);
	t->at_request = c->interrupted;	/* thread_release() then makes the thread execute the call again */
	if (good)
		send_again(c);
	free(c->vector.state);
	c->vector.state = NULL;
	return good;
}
