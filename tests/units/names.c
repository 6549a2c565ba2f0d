/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests of what analysis/ and format/ make of the names that symbol/ finds, speaking TAP: inlined calls,
 * lines, what is missing, shortening. symbol/ is played by functions below, so that every answer
 * that it can give can be had; tests/units.t builds and runs it.
 */
#include "analysis/rules.h"
#include "format/format.h"
#include "symbol/perfmap.h"
#include "symbol/symbol.h"
#include "table/modules.h"
#include "table/row.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int tests, failures;
static char printed[1 << 16];
static char asked_dirs[64];		/* of the last call */
static bool asked_lines;

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

static void has(const char *want, const char *what)
{
	bool good = strstr(printed, want) != NULL;

	ok(good, what);
	if (!good) {
		printf("# want %s\n", want);
		for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n"))
			printf("# %s\n", line);
	}
}

static void has_not(const char *text, const char *what)
{
	ok(!strstr(printed, text), what);
}

/* ---- symbol/ ---- */

static const struct symbol_call chain[] = {
	{ "_ZNSt6vectorIiE4backEv", "/usr/include/vector.h", 12 },
	{ "plain", "src/\x1bplain.c", 0 },
	{ "_Z1fv", "src/f.cc", 34 },
};
static const struct symbol_call half[] = {
	{ NULL, NULL, 0 }, { NULL, "src/g.cc", 7 },
};
static const struct symbol_call unnamed[] = { { "_Z3fooi", "src/foo.cc", 9 } };

/* The module's path says what is found. */
int symbol_resolve(struct symbol_file *file, struct symbol *syms, size_t n, struct arena *arena)
{
	const char *slash = strrchr(file->path, '/'), *kind = slash ? slash + 1 : file->path;

	(void)arena;
	snprintf(asked_dirs, sizeof(asked_dirs), "%s", file->debug_dirs ? file->debug_dirs : "none");
	asked_lines = file->lines;
	file->unread = !strncmp(kind, "split", 5) ? SYMBOL_UNREAD_SPLIT :
		       !strncmp(kind, "mini", 4) ? SYMBOL_UNREAD_MINIDEBUG :
		       !strncmp(kind, "mismatch", 8) ? SYMBOL_UNREAD_MISMATCH :
		       !strncmp(kind, "dwz", 3) ? SYMBOL_UNREAD_ALTERNATE : 0;
	if (!strncmp(kind, "none", 4))
		return SYMBOL_NO_SYMBOLS;
	if (!strncmp(kind, "gone", 4))
		return SYMBOL_NO_FILE;
	if (!kind[0])
		return SYMBOL_NO_PATH;
	for (size_t i = 0; i < n; i++) {
		struct symbol *s = &syms[i];

		s->start = s->addr & ~(uint64_t)0xff;
		if (!strcmp(kind, "lines") || !strcmp(kind, "dwz-lines")) {
			s->name = "_Z1fv";
			s->calls = file->lines ? chain : NULL;
			s->call_count = file->lines ? 3 : 0;
		} else if (!strcmp(kind, "half") || !strcmp(kind, "dwz-half")) {
			s->name = "g";
			s->calls = half;
			s->call_count = 2;
		} else if (!strncmp(kind, "dwz-plain", 9)) {
			s->name = "h";
		} else if (!strcmp(kind, "unnamed")) {
			s->calls = unnamed;
			s->call_count = 1;
		} else if (!strcmp(kind, "long")) {
			s->name = "_ZNSt3mapIiSt4pairIlcESt4lessIiESaIS0_ISt6vectorIS1_SaIS1_EE"
				  "St6vectorIS3_SaIS3_EEEEE2atES1_S1_S1_S1_";
		} else if (!strncmp(kind, "plain", 5) || !strncmp(kind, "split", 5)) {
			s->name = kind;
		}
	}
	return SYMBOL_OK;
}

int perfmap_resolve(const char *path, struct symbol *syms, size_t n, struct arena *arena)
{
	(void)arena;
	for (size_t i = 0; !strcmp(path, "/tmp/perf-321.map") && i < n; i++) {
		if (syms[i].addr >= 0x45000 && syms[i].addr < 0x45100) {
			syms[i].name = "LazyCompile:*f /x.js:1";
			syms[i].start = 0x45000;
		}
	}
	return SYMBOL_OK;
}

const char *symbol_error_text(int error)
{
	return error == SYMBOL_NO_SYMBOLS ? "no symbols" : "cannot be read";
}

/* ---- a table with one row for each module ---- */

static struct table table;

/* Frame 1 of three is in the module; path NULL: in none. Returns the row. */
static uint32_t add_row(const char *path, uintptr_t pc, size_t size_bytes)
{
	struct table_header *h = table.head;
	struct suffix suffixes[3];
	uint32_t row, codes[TABLE_FRAMES_MAX];

	if (path) {
		struct module *m = &table.modules[h->module_count++];

		m->start = pc & ~(uintptr_t)0xffff;
		m->end = m->start + 0x10000;
		m->bias = m->start;
		m->path = h->text_used;
		strcpy(table.text + h->text_used, path);
		h->text_used += (uint32_t)strlen(path) + 1;
	}
	row = table_intern(&table, (uintptr_t[]){ 0x1, pc, 0x77 }, 3, 0, suffixes, NULL);
	table_frames(&table, row, codes);
	if (path)
		table.codes[codes[1]] |= (uint64_t)h->module_count << CODE_PC_BITS;
	row_alloc(&table, row, size_bytes);
	return row;
}

static void fresh_table(void)
{
	memset(&table, 0, sizeof(table));
	ok(table_create(&table), "a table");
	table.head->text_used = 1;
}

/* The report in `printed`, or where fd leads to. */
static void print(const char *text_options, const char *rule, int fd)
{
	static char store[256], error[256];
	struct options o;
	struct rules rules = { 0 };
	struct model_request q = { .table = &table, .options = &o, .rules = &rules };
	const struct format *format;
	struct model *model;
	struct arena arena = { 0 };
	struct out out;

	options_init(&o);
	ok(options_parse_env(text_options, &o, store, sizeof(store), error, sizeof(error)), text_options);
	if (rule) {
		rules.text = (char *)(uintptr_t)rule;
		rules.text_bytes = strlen(rule) + 1;
		rules.count = 1;
	}
	format = format_of(&o);
	q.sort_count = o.sort_count < format->sections_max ? o.sort_count : format->sections_max;
	memcpy(q.sort, o.sort, o.sort_count);
	q.rows = format->rows;
	q.figures = format->figures;
	q.process.command = "test";
	q.process.pid = 321;
	out_init(&out, fd, printed, sizeof(printed) - 1);
	out_fit_terminal(&out);
	if (model_make(&model, &q, &arena) == MODEL_DONE)
		format->write(model, &arena, &out);
	else
		ok(false, "a model");
	if (fd < 0)
		out_string(&out);
	else
		out_flush(&out);
	arena_release(&arena);
}

static void test_lines(void)
{
	static const char frames[] =
		" 1 [      0x101020] std::vector<int>::back() (inlined) at /usr/include/vector.h:12\n"
		" 2 [      0x101020] plain (inlined) at src/?plain.c:?\n"
		" 3 [      0x101020] f() +0x20 at src/f.cc:34\n"
		" 4 [          0x77] ?\n";

	fresh_table();
	add_row("/x/lines", 0x101020, 100);
	print("top=10", NULL, -1);
	has(frames, "inlined calls are frames");
	has_not("missing", "nothing is missing");
	print("no-lines", NULL, -1);
	has(" 1 [      0x101020] f() +0x20\n 2 [          0x77] ?\n", "--no-lines");
	ok(!asked_lines && !strcmp(asked_dirs, "none"), "which asks for none");
	print("no-demangle:debug-dir=/a:debug-dir=/b", NULL, -1);
	has("_ZNSt6vectorIiE4backEv (inlined)", "--no-demangle");
	has("] _Z1fv +0x20 at src/f.cc:34\n", "in every frame");
	ok(asked_lines && !strcmp(asked_dirs, "/a:/b"), "--debug-dir");
	print("flame-graph", NULL, -1);
	ok(!strcmp(printed, "?;f();plain (inlined);std::vector<int>::back() (inlined);? 100\n"),
	   "folded: frames too");
	print("top=10", "vector.h:12", -1);
	has("backtrace : 0\n", "--ignore: an inlined call's line");
	print("top=10", "f() +0x20 at src/f.cc", -1);
	has("backtrace : 0\n", "the function's");
	print("top=10", "0x101020] plain (inl", -1);
	has("left out by --ignore    : 1 ", "from the address on");
	print("top=10", "g.cc", -1);
	has(frames, "or no frame's");

	add_row("/x/half", 0x201020, 50);
	add_row("/x/unnamed", 0x301020, 40);
	print("top=10", NULL, -1);
	has(" 1 [      0x201020] ? (inlined)\n 2 [      0x201020] g +0x20 at src/g.cc:7\n",
	    "what is not known of a call");
	has(" 1 [      0x301020] foo(int) at src/foo.cc:9\n", "a function that only its lines tell of");
	add_row(NULL, 0x45020, 30);
	add_row(NULL, 0x45220, 20);
	print("top=10", NULL, -1);
	has(" 1 [       0x45020] LazyCompile:*f /x.js:1 +0x20\n", "compiled code has the program's names");
	has(" 1 [       0x45220] ?\n", "or none");
	has_not("missing", "which is as it should be");
	print("flame-graph", NULL, -1);
	has("?;LazyCompile:*f /x.js:1;? 30\n", "in folded stacks too");
}

/* Frame 0 is the allocation function, at its first byte: no line, and none is missed. */
static void test_entry(void)
{
	uint32_t row, codes[TABLE_FRAMES_MAX];
	struct suffix suffix;

	fresh_table();
	add_row("/x/lines", 0x101020, 1);
	add_row("/x/split", 0x201020, 1);
	for (int module = 1; module <= 2; module++) {
		row = table_intern(&table, (uintptr_t[]){ (uintptr_t)module << 20 | 0x1801 }, 1, 0, &suffix, NULL);
		table_frames(&table, row, codes);
		table.codes[codes[0]] |= (uint64_t)module << CODE_PC_BITS;
		row_alloc(&table, row, 1000);
	}
	print("top=10", NULL, -1);
	has(" 0 [      0x101801] f() +0x1\n", "the allocation function has no line");
	print("top=2", NULL, -1);
	has_not("missing", "and misses none");
}

static void test_missing(void)
{
	fresh_table();
	add_row("/x/plain", 0x101020, 100);
	add_row("/x/mini", 0x201020, 1);
	print("top=1", NULL, -1);
	has_not("missing", "what is not shown is not missed");
	print("top=2", NULL, -1);
	has("stat" "m info", "a summary");
	has("\n[heaptrace] names missing                : mini (.gnu_debugdata is not read)\n=====",
	    "what is shown is");
	add_row("/x/none1", 0x301020, 99);
	add_row("/y/none1", 0x311020, 99);
	add_row("/x/none1", 0x321020, 99);
	print("top=10", NULL, -1);
	has("none1 (no symbols), none1 (no symbols)", "modules of the same name");
	has_not("none1 (no symbols), none1 (no symbols), none1", "but each is told of once");
	add_row("/x/gone1", 0x401020, 99);
	add_row("/x/gone\n2", 0x501020, 99);
	add_row("/x/split1", 0x601020, 99);
	print("top=10", NULL, -1);
	has(" (cannot be read), ", "each with its reason");
	has(", and 2 more; lines missing: split1 (inlined calls, which are in split DWARF)\n", "three of them, and lines");
	print("top=10:no-lines", NULL, -1);
	has(", and 2 more\n", "lines that nobody wants are not missed");
	print("flame-graph", NULL, -1);
	has_not("missing", "folded stacks have no such line");

	fresh_table();
	add_row("/x/dwz-lines", 0x101020, 1);
	add_row("/x/dwz-plain", 0x201020, 1);
	print("top=0", NULL, -1);
	has_not("missing", "of a module that dwz has worked on, whose lines and names are there, nothing lacks, "
		"nor do lines where there are none");
	add_row("/x/dwz-half", 0x301020, 1);
	add_row("/x/dwz", 0x401020, 1);
	print("top=0", NULL, -1);
	has("\n[heaptrace] names missing                : dwz-half (those of inlined calls, which are in a debug file of dwz), "
	    "dwz (no symbols there)\n=====", "a name of an inlined call does, and only that");
	print("top=0:no-lines", NULL, -1);
	has("\n[heaptrace] names missing                : dwz (no symbols there)\n=====", "unless no lines are wanted");

	fresh_table();
	add_row("/x/split2", 0x101020, 1);
	add_row("/x/plain2", 0x201020, 1);
	print("top=0", NULL, -1);
	has("\n[heaptrace] lines missing                : split2 (inlined calls, which are in split DWARF)\n", "lines alone");
	add_row("/x/mismatch", 0x301020, 1);
	print("top=0", NULL, -1);
	has("\n[heaptrace] names missing                : mismatch (its debug file is another version's); "
	    "lines missing: split2 (inlined calls, which are in split DWARF)\n", "one reason is told once for names and lines");
}

/* Each section tells of what its own rows lack. */
static void test_sections(void)
{
	char *second;

	fresh_table();
	add_row("/x/none1", 0x101020, 1000);
	for (uint32_t row = add_row("/x/none2", 0x201020, 1), i = 0; i < 5; i++)
		row_alloc(&table, row, 1);
	print("top=1:sort=size,count", NULL, -1);
	second = strstr(printed, "sorted by count");
	ok(second && strstr(second, "missing                : none2 (no symbols)\n"), "the section that shows a module");
	if (second)
		*second = '\0';
	has("missing                : none1 (no symbols)\n", "and the other one");
}

/* The same address as what a call returns to, and as what a signal has interrupted. */
static void test_signals(void)
{
	struct suffix suffixes[5];
	uint32_t row, codes[TABLE_FRAMES_MAX];

	fresh_table();
	add_row("/x/lines", 0x101100, 100);
	row = table_intern(&table, (uintptr_t[]){ 0x1, 0x45555, 0x101100, 0x77 }, 4, 0, suffixes, NULL);
	table_frames(&table, row, codes);
	row_alloc(&table, row, 50);
	print("no-lines", NULL, -1);
	has(" 1 [       0x45555] ?\n 2 [      0x101100] f() +0x100\n", "a call, and no signal");
	table.head->signal_return_count = 4;
	table.head->signal_returns[3] = codes[1];
	print("no-lines", NULL, -1);
	has(" 1 [       0x45555] <signal handler called>\n 2 [      0x101100] f() +0x0\n", "what was interrupted");
	has(" 1 [      0x101100] f() +0x100\n", "what a call returns to");
	print("flame-graph", NULL, -1);
	has("?;f();plain (inlined);std::vector<int>::back() (inlined);<signal handler called>;? 50\n", "folded");
	print("no-lines", "f() +0x0", -1);
	has("left out by --ignore    : 1 backtrace, 50 bytes", "a rule");
}

/* A module whose path could not be noted, and one that could not be listed at all. */
static void test_unknown(void)
{
	fresh_table();
	add_row("/x/plain", 0x101020, 100);
	add_row("", 0x201020, 90);
	print("top=10", NULL, -1);
	has(" 1 [      0x201020] ? (+0x1020)\n", "a frame of a module without a path");
	has("\n[heaptrace] names missing                : 1 module (its path is not known)\n=====", "is told of");
	print("flame-graph", NULL, -1);
	has("?;? (+0x1020);? 90\n", "folded: too");
	print("top=1", NULL, -1);
	has_not("missing", "when it is shown");
	add_row("", 0x301020, 90);
	add_row("/x/none", 0x401020, 90);
	print("top=10", NULL, -1);
	has("missing                : 2 modules (their paths are not known), none (no symbols)\n", "two of them");
	table.head->modules_full = 1;
	print("top=1", NULL, -1);
	has("missing                : what was loaded last (more modules than there is room for)\n", "more modules than the list has room for");
}

/* Whatever bytes a name holds, a JSON document stays valid UTF-8 and one that a terminal can show. */
static void test_json(void)
{
	static char store[256], error[256];
	struct options o;
	struct model_request q = {
		.table = &table, .options = &o, .rows = json_format.rows, .sort_count = 1, .figures = json_format.figures,
		.all_rows = json_format.all_rows, .all_names = json_format.all_names,
	};
	struct arena arena = { 0 };
	struct model *model;
	struct out out;

	fresh_table();
	add_row("/x/\xff\"q\\\n\x1b[</script>\xc2\x9b\xc3\x9b\xed\xa0\x80\xe2\x80\xa8\xe2\x80\xae\xf0\x9f\x8e\x84\xe2\x80", 0x101020, 1);
	options_init(&o);
	ok(options_parse_env("top=0", &o, store, sizeof(store), error, sizeof(error)), "options");
	q.process.command = "co\x7fmm\xc0\x80";
	out_init(&out, -1, printed, sizeof(printed) - 1);
	ok(model_make(&model, &q, &arena) == MODEL_DONE, "a model for JSON");
	json_format.write(model, &arena, &out);
	out_string(&out);
	has("\"/x/\\ufffd\\\"q\\\\\\u000a\\u001b[\\u003c/script>\\u009b\xc3\x9b\\ufffd\\ufffd\\ufffd\\u2028\\u202e\xf0\x9f\x8e\x84\\ufffd\\ufffd\"",
	    "JSON: a path of all kinds of bytes");
	has("\"command\":\"co\\u007fmm\\ufffd\\ufffd\"", "and a command name");
	has("\"key\":\"size\",\"rows\":[2],", "a section");
	arena_release(&arena);
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	for (; *text; text += *text == '\n') {
		size_t len = strcspn(text, "\n");

		if (len > longest)
			longest = len;
		text += len;
	}
	return longest;
}

static void test_width(void)
{
	int pty = posix_openpt(O_RDWR | O_NOCTTY), end, null = open("/dev/null", O_WRONLY);
	static const char whole[] = "std::map<int, std::pair<long, char>, std::less<int>, "
		"std::allocator<std::pair<std::vector<";
	struct winsize size = { .ws_col = 100 };
	char name[128];

	fresh_table();
	add_row("/x/long", 0x101020, 1);
	print("top=1", NULL, -1);
	has("] std::map<int, ...>::at(std::pair<...>, std::pair<...>, std::pair<...>, std::pair<...>) +0x20\n", "a long name is shortened");
	ok(longest_line(printed) <= 120, "to what a terminal shows");
	print("outfile=x", NULL, -1);
	has(whole, "but not in a file");
	print("flame-graph", NULL, -1);
	has(whole, "nor in folded stacks");
	print("top=1", "std::vector<", -1);
	has("backtrace : 0\n", "rules are for whole names");
	if (pty < 0 || grantpt(pty) || unlockpt(pty) || ptsname_r(pty, name, sizeof(name)) ||
	    (end = open(name, O_RDWR | O_NOCTTY)) < 0 || ioctl(end, TIOCSWINSZ, &size)) {
		printf("ok %d # SKIP no pseudo-terminal\n", ++tests);
	} else {
		ssize_t n;

		print("outfile=-", NULL, end);
		n = read(pty, printed, sizeof(printed) - 1);
		printed[n > 0 ? n : 0] = '\0';
		for (char *cr; (cr = strchr(printed, '\r')); )
			memmove(cr, cr + 1, strlen(cr));
		ok(n > 0 && longest_line(printed) <= 100, "a terminal's own width");
		has("::at(", "shortened to that");
		close(end);
	}
	print("outfile=x", NULL, null);
	close(null);
	close(pty);
}

int main(void)
{
	test_lines();
	test_entry();
	test_missing();
	test_sections();
	test_signals();
	test_unknown();
	test_json();
	test_width();
	printf("1..%d\n", tests);
	return failures != 0;
}
