/* SPDX-License-Identifier: GPL-2.0-only */
/* See attach.h. */
#include "attach.h"

#include "attach_allocator.h"
#include "attach_library.h"
#include "attach_refusal.h"
#include "attach_seccomp.h"
#include "environment.h"
#include "held_signals.h"
#include "named_files.h"
#include "options/outfile.h"
#include "prepare_outfile.h"
#include "process/attach.h"
#include "quit.h"
#include "safe_thread.h"
#include "watcher.h"

#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOADER_MS	100u	/* how long a thread waits for the loader's lock before it goes on with what it did */
#define LOADER_SECONDS	5u	/* for how long that is tried, half of which the thread waits */

/* The process, and what is done with it. */
struct attach {
	struct target target;
	struct attach_facts facts;
	struct thread thread;
	struct call call;
	const char *verb;	/* for messages: "traced", "detached" */
};

/* Ends the wrapper with a message. The process is let go of before. */
static _Noreturn void fail(struct attach *a, const char *why)
{
	const char *name = a->facts.command;

	thread_release(&a->thread);
	quit_saying(EXIT_SETUP, "process %d%s%s%s cannot be %s: %s", (int)a->facts.pid, *name ? " (" : "", name,
		    *name ? ")" : "", a->verb, why);
}

/* ---- Signals to the wrapper ---- */

static sigset_t held_before;

/* Holds back what would end the wrapper, from ^C to a broken pipe, while the process needs it. */
static void hold_all(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &held_before);
}

static void release_all(void)
{
	sigprocmask(SIG_SETMASK, &held_before, NULL);
}

/* ---- Calls in the process ---- */

static const char *why_call(const struct attach *a, enum call_status status)
{
	static char text[192];

	switch (status) {
	case CALL_NO_MEMORY:
		snprintf(text, sizeof(text), "it gets no memory: its mmap() fails with '%s' (a limit on address space, "
					     "or a seccomp filter)", strerror(a->call.error));
		return text;
	case CALL_FORBIDDEN:
		snprintf(text, sizeof(text), "its seccomp filter forbids system call %d, which the tracer needs",
			 a->call.error);
		return text;
	case CALL_CRASHED:
		snprintf(text, sizeof(text), "the call that begins or ends it has crashed (signal %d); the process "
					     "goes on, but may be damaged", a->call.error);
		return text;
	case CALL_LOCKED:
		snprintf(text, sizeof(text), "another thread of it has been loading or unloading a library for %u "
					     "seconds, and holds the lock of its dynamic loader: try again",
			 LOADER_SECONDS);
		return text;
	case CALL_LATE:
		return "the call has not come back yet, as the process seems to hold a lock of its loader: it goes on "
		       "by itself when it does";
	case CALL_EXEC:
		return "it has become another program meanwhile: try again";
	case CALL_GONE:
		return "it has ended meanwhile";
	default:
		return attach_refusal_of_kernel(&a->facts, a->call.error);
	}
}

/* Puts the thread back and ends the wrapper if a call has not come back. */
static void check_call(struct attach *a, enum call_status status)
{
	if (status == CALL_DONE)
		return;
	call_end(&a->call, status);
	fail(a, why_call(a, status));
}

/* The address of code in libc, or 0. Its last REGISTERS_CODE_BYTES bytes are not looked at. */
static uint64_t find_code(const struct target *t, bool (*is_searched)(const uint8_t *))
{
	const size_t step = registers_instruction_bytes == 4 ? 4 : 1;
	static uint8_t code[65536];

	for (size_t i = 0; i < t->areas; i++) {
		const struct target_area *a = &t->area[i];

		if (!a->executable || !a->module || a->module->kind != TARGET_LIBC)
			continue;
		for (uint64_t at = a->start; at < a->end; at += sizeof(code) - REGISTERS_CODE_BYTES) {
			size_t bytes = a->end - at < sizeof(code) ? (size_t)(a->end - at) : sizeof(code);

			if (!target_read(t, at, code, bytes))
				break;
			for (size_t k = 0; k + REGISTERS_CODE_BYTES <= bytes; k += step) {
				if (is_searched(code + k))
					return at + k;
			}
		}
	}
	return 0;
}

static struct call_code find_codes(const struct target *t)
{
	struct call_code c = { .signal_return = find_code(t, registers_is_signal_return) };

	if (c.signal_return)
		c.instruction = find_code(t, registers_is_call_and_return);
	if (!c.instruction)
		c = (struct call_code){ .instruction = find_code(t, registers_is_instruction) };
	return c;
}

/* Lets the thread go on. */
static void end(struct attach *a)
{
	if (!call_end(&a->call, CALL_DONE))
		fail(a, why_call(a, CALL_GONE));
	thread_release(&a->thread);
}

/* Stops a thread and makes it ready for calls. */
static void begin_calls(struct attach *a, struct call_code code)
{
	char unsafe[SAFE_POINT_WHY_BYTES] = "", text[SAFE_POINT_WHY_BYTES + 160];
	const char *why;
	int error;

	if (!safe_thread_find(&a->thread, &a->target, unsafe, &error)) {
		if (error)
			fail(a, attach_refusal_of_kernel(&a->facts, error));
		snprintf(text, sizeof(text), "none of its threads has come to a point where it can load a library, for "
					     "%d seconds; the last one looked at: %s; try again",
			 SAFE_THREAD_SECONDS, unsafe);
		fail(a, text);
	}
	why = a->facts.seccomp == SECCOMP_MODE_FILTER ? attach_seccomp_refusal(a->thread.tid) : NULL;
	if (why)
		fail(a, why);
	check_call(a, call_begin(&a->call, &a->thread, code));
}

/* Whether the loader's lock is free, as far as that can be found out. It may be taken again at any moment. */
static bool is_loader_free(struct attach *a)
{
	uint64_t function = attach_library_find_lock(&a->target);
	enum call_status status = function ? call_lock(&a->call, function, LOADER_MS) : CALL_DONE;

	if (status != CALL_LOCKED)
		check_call(a, status);
	return status == CALL_DONE;
}

/* Checks that the process can be traced, stops a thread of it and makes it ready for calls. */
static void begin(struct attach *a, pid_t pid)
{
	const char *why = attach_refusal_of_process(&a->facts, pid);
	struct call_code code;
	struct timespec pause = { 0, LOADER_MS * 1000000 };
	unsigned tries = 0;

	if (!registers_supported)
		fail(a, "--pid and --detach are for x86_64 and aarch64");
	if (why)
		fail(a, why);
	if (!target_open(&a->target, pid))
		fail(a, attach_refusal_of_kernel(&a->facts, errno));
	why = attach_refusal_of_modules(&a->facts, &a->target);
	if (why)
		fail(a, why);
	code = find_codes(&a->target);
	if (!code.instruction)
		fail(a, "its C library is none that is known here");
	hold_all();
	for (begin_calls(a, code); !is_loader_free(a); begin_calls(a, code)) {
		if (++tries * 2 * LOADER_MS >= LOADER_SECONDS * 1000)
			check_call(a, CALL_LOCKED);
		/* The thread goes on meanwhile: the other one may wait for it. */
		end(a);
		nanosleep(&pause, NULL);
	}
}

/* Calls a function of the library with a text, or NULL. */
static int call_library(struct attach *a, uint64_t function, const char *text)
{
	uint64_t at = text ? call_put(&a->call, text, strlen(text) + 1) : 0, result = 0;

	if (text && !at) {
		call_end(&a->call, CALL_DONE);
		fail(a, "the options are too long for it");
	}
	check_call(a, call_function(&a->call, function, at, 0, 0, &result));
	return (int)(uint32_t)result;
}

/* ---- --pid ---- */

/* Finds heaptrace_attach() in the process, which loads the library for that, if it has not done so at an earlier
 * --pid. */
static uint64_t find_attach(struct attach *a, const char *library)
{
	static char why[ATTACH_LIBRARY_WHY_BYTES], text[ATTACH_LIBRARY_WHY_BYTES + 64];
	uint64_t function = 0;
	struct target_module *m = attach_library_find(&a->target, "heaptrace_attach", &function);
	enum call_status status;

	if (m && !attach_library_is(m, library)) {
		call_end(&a->call, CALL_DONE);
		fail(a, "another build of heaptrace's library is in it, which stays there until it ends: use the "
			"heaptrace that it belongs to");
	}
	if (m)
		return function;
	if (!attach_library_load(&a->call, library, &status, why)) {
		check_call(a, status);
		call_end(&a->call, CALL_DONE);
		snprintf(text, sizeof(text), "it cannot load the library: %s", why);
		fail(a, text);
	}
	if (!attach_library_find(&a->target, "heaptrace_attach", &function)) {
		call_end(&a->call, CALL_DONE);
		fail(a, "it has loaded the library, but does not show it");
	}
	return function;
}

/* Prepares the outfile. Text dumps are written by the process itself: where this makes the file, and the process
 * belongs to another user, the file becomes that user's. */
static void prepare_out(const struct attach *a, const struct options *o, const char *command)
{
	uint32_t pid = (uint32_t)a->facts.inner_pid;
	char path[PATH_MAX];
	struct stat st;
	bool is_new = o->outfile && strcmp(o->outfile, "-") &&
		      outfile_expand(o->outfile, pid, command, 1, false, path, sizeof(path)) && stat(path, &st);

	prepare_outfile(o, pid, command);
	if (is_new && !stat(path, &st) && st.st_uid != a->facts.uid[1] && lchown(path, a->facts.uid[1], a->facts.gid))
		say("outfile %s may not be writable for the process: %s", path, strerror(errno));
}

/* Checks the files that the options name, and prepares the outfile, as for a program that is started. */
static void prepare_files(struct attach *a, struct options *o, char outfile_is[OUTFILE_TEXT_BYTES])
{
	char why[NAMED_FILES_WHY_BYTES], command[16];

	snprintf(command, sizeof(command), "%.15s", a->facts.command);
	if (!named_files_check(o, why) || !named_files_check_record(o, command, why))
		quit_saying(EXIT_SETUP, "%s", why);
	outfile_resolve(o, outfile_is);
	if (o->outfile_is)
		quit_saying(EXIT_SETUP, "outfile %s is a descriptor of heaptrace, which the process does not have: "
					"name a file",
			    o->outfile);
	prepare_out(a, o, command);
	o->run = (uint32_t)a->facts.inner_pid;
	o->held = 0;
}

/* Where the figures go: the name of a file as it will be, but for the number of a dump. */
static const char *place_of_figures(const struct attach *a, const struct options *o, char path[PATH_MAX])
{
	const char *template = o->record ? o->record : o->outfile;
	char command[16];

	if (!template)
		return "its standard error";
	if (!strcmp(template, "-"))
		return "its standard output";
	snprintf(command, sizeof(command), "%.15s", a->facts.command);
	if (outfile_is_numbered(template) ||
	    !outfile_expand(template, (uint32_t)a->facts.inner_pid, command, 1, false, path, PATH_MAX))
		return template;
	return path;
}

static void say_traced(struct attach *a, const struct options *o)
{
	unsigned pid = (unsigned)a->facts.pid;
	char allocators[ATTACH_ALLOCATOR_BYTES], path[PATH_MAX];
	const char *to = place_of_figures(a, o, path);

	if (o->quiet)
		return;
	say("process %u (%s) is traced from now on; %s%s at its end; heaptrace --dump=%u shows it now, heaptrace "
	    "--detach=%u ends it",
	    pid, a->facts.command, o->record ? "its figures are kept in " : "a dump goes to ", to, pid, pid);
	if (attach_allocator_find(&a->target, o->allocator, allocators))
		say("process %u has an allocator of its own: %s; what it calls there is not seen, because code that "
		    "threads may be executing is not changed: start it with heaptrace for that", pid, allocators);
}

static _Noreturn void trace(struct attach *a, struct options *o, const char *library, int argc, char **argv)
{
	char address[WATCHER_ADDRESS_BYTES], outfile_is[OUTFILE_TEXT_BYTES], *text;
	uint64_t function;
	int result;
	const char *why = attach_refusal_of_process(&a->facts, (pid_t)o->pid);

	if (why)
		fail(a, why);
	prepare_files(a, o, outfile_is);
	o->watcher = o->no_watch || !watcher_open_for(address, a->facts.pid) ? NULL : address;
	if (!o->watcher && o->every_ms)
		fail(a, "--every needs a watcher, which this process cannot have here: no descriptor is left, or the "
			"system has no pidfd_open()");
	o->library = library;
	text = environment_options(o);
	begin(a, (pid_t)o->pid);
	function = find_attach(a, library);
	result = call_library(a, function, text);
	end(a);
	if (result != ATTACH_DONE)
		fail(a, attach_reason(result));
	if (o->watcher)
		watcher_spawn_for(o, text, argc, argv);
	release_all();
	say_traced(a, o);
	quit(0);
}

/* ---- --detach ---- */

static _Noreturn void let_go(struct attach *a, pid_t pid)
{
	uint64_t function = 0;
	int result;

	begin(a, pid);
	if (!attach_library_find(&a->target, "heaptrace_detach", &function)) {
		call_end(&a->call, CALL_DONE);
		fail(a, "it is not traced");
	}
	result = call_library(a, function, NULL);
	end(a);
	if (result != ATTACH_DONE)
		fail(a, attach_reason(result));
	release_all();
	say("process %d (%s) is traced no longer; its last dump is written", (int)pid, a->facts.command);
	quit(0);
}

void attach_execute(struct options *o, const char *library, int argc, char **argv)
{
	static struct attach a;

	held_signals_release();		/* no program is started that these signals could hit too early */
	a.facts.pid = (pid_t)(o->pid ? o->pid : o->detach);
	a.verb = o->pid ? "traced" : "detached";
	if (o->detach)
		let_go(&a, a.facts.pid);
	trace(&a, o, library, argc, argv);
}
