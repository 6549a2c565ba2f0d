/* SPDX-License-Identifier: GPL-2.0-only */
/* See start.h. */
#include "start.h"

#include "allocator.h"
#include "base/arena.h"
#include "base/path.h"
#include "base/probe.h"
#include "base/out.h"
#include "base/uninterrupted.h"
#include "capture/capture.h"
#include "elf/headers.h"
#include "elf/loaded.h"
#include "elf/lookup.h"
#include "elf/program_symbol.h"
#include "control.h"
#include "guard.h"
#include "inherit.h"
#include "lifecycle.h"
#include "own_descriptors.h"
#include "pages.h"
#include "pools.h"
#include "record.h"
#include "rights.h"
#include "session.h"
#include "signals.h"
#include "storage.h"
#include "table/events.h"
#include "table/modules.h"
#include "table/row.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static struct options options;

/* ---- The environment ---- */

/* The environment as the process got it. Before libc's own constructor has run `environ` is not set; then
 * there is only the stack (argc, argv, NULL, envp), whose place the loader exports. */
static char **first_environment(void)
{
	void **stack_end;

	if (environ)
		return environ;
	stack_end = lookup_first("__libc_stack_end");
	return stack_end ? (char **)*stack_end + 1 + *(long *)*stack_end + 1 : NULL;
}

/* The value of a variable, or NULL. name: with its '='. */
static const char *first_value(const char *name)
{
	char **e = first_environment();
	size_t length = strlen(name);

	for (; e && *e; e++) {
		if (!strncmp(*e, name, length))
			return *e + length;
	}
	return NULL;
}

/* The libraries that valgrind preloads: one for all its tools, one for memcheck alone. */
#define VALGRIND_CORE		"/vgpreload_core-"
#define VALGRIND_MEMCHECK	"/vgpreload_memcheck-"

static bool is_preloaded(const char *library)
{
	const char *preloaded = first_value("LD_PRELOAD=");

	return preloaded && strstr(preloaded, library);
}

bool start_is_under_valgrind(void)
{
	return is_preloaded(VALGRIND_CORE);
}

/* ---- The options ---- */

#define OPTIONS_PREFIX	"HEAPTRACE_OPTIONS: "

static char start_error[256];

/* The texts of the options stay in memory of their own, until the next call by which a process is attached to. */
static void parse_options(const char *text)
{
	static char *old;
	static size_t old_bytes;
	size_t bytes = strlen(text) + 16;
	char *store = arena_map(bytes), error[sizeof(start_error) - sizeof(OPTIONS_PREFIX)];

	if (lifecycle_is_asleep()) {
		arena_unmap(old, old_bytes);
		old = store;
		old_bytes = bytes;
	}
	options_init(&options);
	if (store && !options_parse_env(text, &options, store, bytes, error, sizeof(error)))
		strcat(strcpy(start_error, OPTIONS_PREFIX), error);
}

/* Whether this process is a child that --children=no leaves untraced. */
static bool is_excluded_child(void)
{
	return !options.children && options.run && options.run != (uint32_t)getpid();
}

/* ---- The first part ---- */

/* Where the dynamic loader's code lies: the unwinder must not be initialized from inside it. */
static void find_loader(void)
{
	uintptr_t base = (uintptr_t)getauxval(AT_BASE), first;

	if (base && headers_extent(base, base, 0, &first, &recorder.loader_end))
		recorder.loader_start = base;
	else
		recorder.loader_start = recorder.loader_end = base;
}

/*
 * valgrind writes to the program's standard error when it meets a system call that it does not know, as
 * 3.19 does for pidfd_open(): so the watcher is not told of such a process. It also does when a system
 * call is handed memory that has not been written. True: valgrind runs this process.
 */
static bool adapt_to_valgrind(void)
{
	if (!start_is_under_valgrind())
		return false;
	probe_without_reading(is_preloaded(VALGRIND_MEMCHECK));
	own_descriptors_forbid();
	return true;
}

/* The linker's names for the library's beginning and end in memory. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* Notes in the table where the tracer's own memory is, for reports of where the process's memory goes. */
static void note_own_memory(struct table_header *h)
{
	arena_area(&h->own_area, &h->own_area_end);
	h->own_library = (uintptr_t)__ehdr_start;
	h->own_library_end = (uintptr_t)_end;
}

static bool make_table(void)
{
	bool watch = !adapt_to_valgrind();

	if (!storage_start(&recorder.table, &options, watch, start_error, sizeof(start_error)) ||
	    (!recorder.blocks.regions && !blocks_create(&recorder.blocks, allocator_is_libc())))
		return false;
	table_set_depth(&recorder.table, options_depth(&options));
	note_own_memory(recorder.table.head);
	control_start(&options);
	if (options.histogram)
		record_sizes();
	pages_start(options.pages);
	return true;
}

static void set_up_recorder(void)
{
	recorder.depth = options_depth(&options);
	recorder.one_thread = recorder.simple = recorder.careful = record_one_thread();
	recorder.unwind = options.unwind;
	find_loader();
}

static bool begin(void)
{
	const char *text = first_value(OPTIONS_ENV "=");
	bool made;

	parse_options(text ? text : "");
	if (is_excluded_child())
		return lifecycle_begin(false), false;
	set_up_recorder();
	made = make_table();
	if (!lifecycle_begin(made))
		storage_make_private();
	return made;
}

bool start_recording(void)
{
	bool records;

	if (rights_are_elevated())
		lifecycle_begin(false);
	if (load_relaxed(&lifecycle.state) == LIFECYCLE_OFF || lifecycle_is_asleep())
		return false;
	guard_enter();
	records = recorder.table.head ? lifecycle_adopt_child() : begin();
	guard_drop();
	return records;
}

/* Where there is no memory for the table, no output has been opened either: the line goes to standard error. */
static void say_untraced(void)
{
	static const char line[] =
		"[heaptrace] no memory for the table (a limit on address space? see ulimit -v): nothing is traced\n";
	struct uninterrupted span;

	uninterrupted_begin(&span);
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		errno = 0;
	uninterrupted_end(&span);
}

void start_untraced(void)
{
	signals_discard_held(&options);
	if (rights_are_elevated())
		rights_remove_options(environ);
	else if (options.children)
		say_untraced();
}

/* ---- The second part ---- */

/*
 * Notes the suppressions that the program brings along for LeakSanitizer: the text that its function returns is kept
 * where the watcher finds it, too. The function is called as early as LeakSanitizer calls it, before the program's
 * constructors. What is longer than the table has room for is cut behind a whole line.
 */
static void keep_suppressions(void)
{
	static const char name[] = "__lsan_default_suppressions";
	const char *(*suppressions)(void);
	const char *text = NULL;
	size_t bytes;

	if (options.default_ignore == DEFAULT_IGNORE_NO)
		return;
	suppressions = (const char *(*)(void))(uintptr_t)lookup_first(name);
	if (!suppressions)
		suppressions = (const char *(*)(void))(uintptr_t)program_symbol(name);
	if (suppressions)
		text = suppressions();
	if (!text || !*text)
		return;
	bytes = strnlen(text, MODULES_TEXT_MAX);
	while (bytes == MODULES_TEXT_MAX || (bytes && text[bytes] && text[bytes] != '\n'))
		bytes--;
	recorder.table.head->suppressions = modules_keep_text(&recorder.table, text, bytes);
}

/* Notes what is loaded. */
static void look_around(void)
{
	modules_init(&recorder.table);
	recorder.table.head->totals.own_new = lookup_next_together("malloc", "_Znwm");	/* operator new */
	allocator_find(&recorder.table.head->heap);
}

const struct options *start_reporting(void)
{
	const char *text;
	bool first;

	if (!capture_ready())
		capture_init(options.unwind);
	look_around();
	first = !options.run;
	text = inherit_init(&options, (char *)(uintptr_t)first_value(OPTIONS_ENV "="));
	if (text)
		parse_options(text);	/* once more, with names that are absolute now */
	if (!start_error[0] && options.every_ms && !options.watcher)
		strcpy(start_error, "every: needs the watcher, so no dump comes by itself: start the program as "
		       "heaptrace --every=SECONDS PROGRAM");
	keep_suppressions();
	session_init(&recorder.table, &options, first, start_error);
	return &options;
}

/* ---- The start in a process that runs already ---- */

/* Unmaps the table of the time before, and forgets all that belongs to it. */
static void drop_table(void)
{
	if (!recorder.table.head)
		return;
	record_forget();
	threads_leave_table();
	table_retire(&recorder.table);
	blocks_forget(&recorder.blocks);
	pools_forget();
}

enum attach_result start_attached(const char *text, const struct options **kept)
{
	bool first;

	if (!lifecycle_settle())
		return ATTACH_BUSY;
	drop_table();
	start_error[0] = '\0';
	parse_options(text);
	if (start_error[0])
		return ATTACH_OPTIONS;
	first = !options.run;
	if (first)
		options.run = (uint32_t)getpid();
	set_up_recorder();
	if (!make_table()) {
		drop_table();
		return ATTACH_MEMORY;
	}
	events_add(&recorder.table, EVENT_ATTACH, now_precise_ns(), 0, NULL);
	capture_init(options.unwind);
	capture_modules_changed();
	loaded_forget();
	threads_join_table(&recorder.table, recorder.depth);
	look_around();
	if (options.library)
		modules_rename(&recorder.table, (uintptr_t)__ehdr_start, options.library);
	keep_suppressions();
	session_init(&recorder.table, &options, first, start_error);
	*kept = &options;
	return ATTACH_DONE;
}

void start_detached(bool outside)
{
	session_close();
	if (outside)
		drop_table();
}

/* ---- Warnings ---- */

void start_warn_of_other_malloc(const void *own_malloc, const char *function, const char *why)
{
	void *first = lookup_first("malloc");
	const char *name;
	struct out text;
	Dl_info info;
	char line[512];

	if (!first || first == own_malloc)
		return;
	recorder.table.head->totals.other_malloc = 1;
	name = path_name(dladdr(first, &info) && info.dli_fname ? info.dli_fname : "?");
	text = out_memory(line, sizeof(line));
	out_foreign(&text, name, strlen(name));
	out_text(&text, " has a malloc of its own, before heaptrace's: the blocks that it hands out are not seen, "
		 "unless it takes them from libc's malloc");
	if (why) {
		out_text(&text, " (it cannot be hooked: ");
		out_name(&text, function);
		out_text(&text, function[0] ? ": " : "");
		out_text(&text, why);
		out_char(&text, ')');
	}
	session_notice(line);
}

void start_warn_of_redirection(void)
{
	recorder.table.head->totals.redirected = 1;
	session_notice("valgrind's own allocator takes the calls of malloc and free before heaptrace sees them: "
		       "run valgrind --soname-synonyms=somalloc=nouserintercepts PROGRAM to trace them, or heaptrace without valgrind");
}
