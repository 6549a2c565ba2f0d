/* SPDX-License-Identifier: GPL-2.0-only */
/* See inherit.h. */
#include "inherit.h"

#include "base/arena.h"
#include "base/out.h"
#include "options/options.h"
#include "options/outfile.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRELOAD_ENV	"LD_PRELOAD"
#define NOWHERE		SIZE_MAX

/* The values for the two variables. They are copied at the start, because a program may overwrite the strings of its
 * first environment (setproctitle() does). */
static struct {
	const char *library;	/* the path for LD_PRELOAD; "": there is none that can stand there */
	size_t library_len;
	const char *options;	/* "HEAPTRACE_OPTIONS=...", without `held` and `added`; NULL: none */
	size_t options_len;
	bool named;		/* LD_PRELOAD named the library when this process started */
	bool by_system;		/* not named, and /etc/ld.so.preload names the library, so no variable is needed */
} remembered = { .library = "" };

/* The mapping for environments that do not fit on the stack. A vfork child shares this variable with the thread that
 * made it, which is stopped meanwhile, so one mapping for each thread suffices. */
static __thread struct {
	void *memory;
	size_t bytes;
} large;

/* The value, if entry is "name=value"; otherwise NULL. */
static const char *value_of(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(entry, name, len) && entry[len] == '=' ? entry + len + 1 : NULL;
}

/* Whether a part of LD_PRELOAD names this library, of any word size and in any directory. */
static bool is_ours(const char *at, size_t len)
{
	static const char own[] = "libheaptrace";
	const char *slash = memrchr(at, '/', len);

	if (slash) {
		len -= (size_t)(slash + 1 - at);
		at = slash + 1;
	}
	return len >= sizeof(own) - 1 && !memcmp(at, own, sizeof(own) - 1);
}

/* The part of LD_PRELOAD's value that names this library, and the length of that part; NULL: there is none. The
 * loader takes colons and spaces as separators. */
static const char *find_ours(const char *value, size_t *len)
{
	while (*value) {
		*len = strcspn(value, ": ");
		if (is_ours(value, *len))
			return value;
		value += *len + (value[*len] != 0);
	}
	return NULL;
}

/* ---- At start ---- */

/* Returns a copy that is never freed; NULL: there is no memory. */
static const char *copy_of(const char *text, size_t len)
{
	char *copy = arena_map(len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

/* Remembers an absolute path of the library: LD_PRELOAD's, or the one where the loader found it. */
static void remember_library(const char *named, size_t len)
{
	char path[PATH_MAX];
	struct out text = out_memory(path, sizeof(path));
	const char *copy;
	Dl_info info;

	if (*named != '/') {
		if (!dladdr(&remembered, &info) || !info.dli_fname)
			return;
		named = info.dli_fname;
		len = strlen(named);
		if (*named != '/') {
			if (syscall(SYS_getcwd, path, sizeof(path)) <= 0 || *path != '/')
				return;
			text.len = strlen(path);
			out_char(&text, '/');
		}
	}
	out_bytes(&text, named, len);
	if (text.lost || strpbrk(path, ": "))
		return;
	copy = copy_of(path, text.len);
	if (!copy)
		return;
	remembered.library = copy;
	remembered.library_len = text.len;
}

/* Reads the first page of /etc/ld.so.preload only: the file never has more than a few lines. */
static bool is_preloaded_by_system(void)
{
	int fd = open("/etc/ld.so.preload", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char text[4096];
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n > 0 && memmem(text, (size_t)n, "libheaptrace", 12);
}

/* Remembers both variables, as `environ` has them. */
static void remember_variables(void)
{
	const char *preload = NULL, *found = NULL;
	size_t len = 0;

	for (char **e = environ; e && *e; e++) {
		const char *value = value_of(*e, PRELOAD_ENV);

		if (value)
			preload = value;
		if (value_of(*e, OPTIONS_ENV) && !remembered.options) {
			remembered.options_len = options_env_base(*e);
			remembered.options = copy_of(*e, remembered.options_len);
		}
	}
	if (preload)
		found = find_ours(preload, &len);
	remembered.named = found;
	if (found)
		remember_library(found, len);
	else
		remembered.by_system = is_preloaded_by_system();
}

/*
 * Removes the entries from `environ` that were added for this library.
 *
 * The other entries move towards the array's end, and the gap is at its beginning: the auxiliary vector lies
 * behind the end, and some programs look for it there. The gap is filled with copies of the first entry, for code
 * that expects the environment to begin right behind the arguments, as the loader does for constructors.
 */
static void remove_added(unsigned added)
{
	size_t count = 0, first;

	while (environ && environ[count])
		count++;
	first = count;
	for (size_t i = count; i-- > 0; ) {
		char *entry = environ[i];
		const char *value = value_of(entry, PRELOAD_ENV), *ours;
		size_t len;

		if ((added & INHERIT_PRELOAD && value) ||
		    (added & INHERIT_OPTIONS && value_of(entry, OPTIONS_ENV)))
			continue;
		ours = added & INHERIT_PRELOAD_FRONT && value ? find_ours(value, &len) : NULL;
		if (ours == value && ours) {
			const char *rest = value + len + (value[len] != 0);
			char *copy = arena_map(sizeof(PRELOAD_ENV "=") + strlen(rest));

			if (copy) {
				memcpy(copy, PRELOAD_ENV "=", sizeof(PRELOAD_ENV));
				strcpy(copy + sizeof(PRELOAD_ENV), rest);
				entry = copy;
			}
		}
		environ[--first] = entry;
	}
	for (size_t i = 0; i < first; i++)
		environ[i] = environ[first];
	if (count)
		environ += first;
}

/* Sets the options that are for this process alone to 0, as in "top=3:run=4711:held=0:added=0". The text
 * keeps its length, because some programs write over their environment as a whole. */
static void clear_private(char *text)
{
	for (char *c = text + options_env_base(text); *c; c++) {
		if (*c == '=' && c[1])
			c[1] = '0';
	}
}

/* Adds the variable with these options to `environ`, in a new array. Returns its value. */
static const char *add_options(struct options *o)
{
	size_t count = 0, bytes, at = 0;
	char **copy, *text, cwd[1024];
	static char outfile_is[OUTFILE_TEXT_BYTES];

	outfile_resolve(o, outfile_is);
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		cwd[0] = '\0';
	o->run = (uint32_t)getpid();
	o->no_watch = true;	/* without a wrapper nobody expects a watcher */
	while (environ && environ[count])
		count++;
	bytes = options_print_env(o, cwd, NULL, 0) + sizeof(OPTIONS_ENV) + 1;
	copy = arena_map((count + 2) * sizeof(*copy) + bytes);
	if (!copy)
		return NULL;
	text = (char *)(copy + count + 2);
	memcpy(text, OPTIONS_ENV "=", sizeof(OPTIONS_ENV));
	options_print_env(o, cwd, text + sizeof(OPTIONS_ENV), bytes - sizeof(OPTIONS_ENV));
	for (size_t i = 0; i < count; i++) {
		if (!value_of(environ[i], OPTIONS_ENV))
			copy[at++] = environ[i];
	}
	copy[at++] = text;
	environ = copy;
	return text + sizeof(OPTIONS_ENV);
}

const char *inherit_init(struct options *options, char *text)
{
	const char *added = NULL;

	if (!options->run)
		added = add_options(options);
	else if (text)
		clear_private(text);
	remember_variables();
	if (options->added)
		remove_added(options->added);
	return added;
}

/* ---- When a program is started ---- */

/* An environment, and where the two variables are in it. */
struct plan {
	char *const *env;
	size_t count;			/* of its entries */
	size_t preload, options;	/* which entries are the two variables, or NOWHERE */
	const char *ours;		/* the part of LD_PRELOAD that names this library, or NULL */
	size_t ours_len;		/* the length of that part */
};

/* Finds the two variables. If an environment has one of them twice, the loader uses the last LD_PRELOAD, and this
 * library the first HEAPTRACE_OPTIONS. */
static struct plan find_variables(char *const *env)
{
	struct plan p = { .env = env, .preload = NOWHERE, .options = NOWHERE };

	for (; env && env[p.count]; p.count++) {
		if (value_of(env[p.count], PRELOAD_ENV))
			p.preload = p.count;
		if (p.options == NOWHERE && value_of(env[p.count], OPTIONS_ENV))
			p.options = p.count;
	}
	if (p.preload != NOWHERE)
		p.ours = find_ours(env[p.preload] + sizeof(PRELOAD_ENV), &p.ours_len);
	return p;
}

bool inherit_is_incomplete(char *const *env)
{
	struct plan p = find_variables(env);

	return (!p.ours && !remembered.by_system) || p.options == NOWHERE;
}

/* Returns memory for the new environment: room if that is large enough, otherwise the thread's mapping. NULL: there is
 * no memory. */
static void *take_memory(size_t bytes, struct inherit_room *room)
{
	if (bytes <= sizeof(*room))
		return room;
	if (bytes > large.bytes) {
		arena_unmap(large.memory, large.bytes);
		large.memory = arena_map(bytes);
		large.bytes = large.memory ? bytes : 0;
	}
	return large.memory;
}

void inherit_thread_ends(void)
{
	arena_unmap(large.memory, large.bytes);
	large.memory = NULL;
	large.bytes = 0;
}

/* Returns the end of the copy. */
static char *append(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

/* "LD_PRELOAD=" and its value without this library, or with it in front. Returns the end. */
static char *write_preload(const struct plan *p, bool drop, char *to)
{
	const char *value = p->preload == NOWHERE ? "" : p->env[p->preload] + sizeof(PRELOAD_ENV);

	to = append(to, PRELOAD_ENV "=", sizeof(PRELOAD_ENV));
	if (!drop) {
		to = append(to, remembered.library, remembered.library_len);
		if (p->preload != NOWHERE)
			*to++ = ':';
		to = append(to, value, strlen(value));
	}
	while (drop && *value) {
		size_t len = strcspn(value, ": "), whole = len + (value[len] != 0);

		if (!is_ours(value, len))
			to = append(to, value, whole);
		value += whole;
	}
	*to++ = '\0';
	return to;
}

/* Writes the options, followed by `held` and, if anything was added, `added`. */
static void write_options(const struct plan *p, unsigned held, unsigned added, char *to)
{
	const char *text = p->options == NOWHERE ? remembered.options : p->env[p->options];
	size_t len = p->options == NOWHERE ? remembered.options_len : options_env_base(text);

	to = append(to, text, len);
	to = append(to, ":held=", 6);
	*to++ = (char)('0' + held);
	if (added) {
		to = append(to, ":added=", 7);
		*to++ = (char)('0' + added);
	}
	*to = '\0';
}

/*
 * Makes the new array: the entries of the old one, with LD_PRELOAD and HEAPTRACE_OPTIONS replaced or appended. With
 * drop, only LD_PRELOAD is new, without this library. Otherwise HEAPTRACE_OPTIONS is new, and LD_PRELOAD if `added`
 * says so. NULL: there is no memory.
 */
static char *const *build_environment(const struct plan *p, bool drop, unsigned held, unsigned added,
			  struct inherit_room *room)
{
	bool new_preload = drop || added & (INHERIT_PRELOAD | INHERIT_PRELOAD_FRONT), new_options = !drop;
	size_t at = 0, texts = 0, pointers = (p->count + 3) * sizeof(char *);
	char **array, *text, *options_text;

	if (new_preload)
		texts = sizeof(PRELOAD_ENV) + remembered.library_len + 2 +
			(p->preload == NOWHERE ? 0 : strlen(p->env[p->preload]));
	if (new_options)
		texts += 16 + (p->options == NOWHERE ? remembered.options_len : strlen(p->env[p->options]));
	array = take_memory(pointers + texts, room);
	if (!array)
		return NULL;
	text = options_text = (char *)array + pointers;
	if (new_preload)
		options_text = write_preload(p, drop, text);
	if (new_options)
		write_options(p, held, added, options_text);
	for (size_t i = 0; i < p->count; i++)
		array[at++] = new_preload && i == p->preload ? text :
			      new_options && i == p->options ? options_text : p->env[i];
	if (new_preload && p->preload == NOWHERE)
		array[at++] = text;
	if (new_options && p->options == NOWHERE)
		array[at++] = options_text;
	array[at] = NULL;
	return array;
}

/* Whether the library, by its path in an environment, cannot be read. False for names that the loader would have to
 * search or to expand: nothing is known of these. */
static bool is_unreachable(const char *path, size_t len)
{
	char name[1024];	/* less than PATH_MAX, because the stack may be small */

	if (*path != '/' || len >= sizeof(name) || memchr(path, '$', len))
		return false;
	memcpy(name, path, len);
	name[len] = '\0';
	return access(name, R_OK);
}

/* Whether a program with this environment can be traced: INHERIT_DONE, or the reason why not. */
static enum inherit_result check_tracing(const struct plan *p)
{
	const char *library = p->ours ? p->ours : remembered.library;
	size_t len = p->ours ? p->ours_len : remembered.library_len;

	if (!p->ours && !remembered.by_system && !remembered.named)
		return INHERIT_NOT_OURS;
	if ((!p->ours && !remembered.by_system && !len) || (p->options == NOWHERE && !remembered.options))
		return INHERIT_NO_WAY;
	return len && is_unreachable(library, len) ? INHERIT_NO_LIBRARY : INHERIT_DONE;
}

char *const *inherit_environment(char *const *env, enum inherit_policy policy, unsigned held,
				 struct inherit_room *room, enum inherit_result *result)
{
	struct plan p = find_variables(env);
	char *const *changed;
	unsigned added = 0;

	*result = policy == INHERIT_TRACED ? check_tracing(&p) : INHERIT_DONE;
	if (*result == INHERIT_NO_LIBRARY)
		policy = INHERIT_WITHOUT_LIBRARY;
	else if (*result != INHERIT_DONE)
		return env;
	if (policy == INHERIT_TRACED) {
		if (!p.ours && !remembered.by_system)
			added = p.preload == NOWHERE ? INHERIT_PRELOAD : INHERIT_PRELOAD_FRONT;
		if (p.options == NOWHERE)
			added |= INHERIT_OPTIONS;
	}
	if (policy == INHERIT_TRACED ? !added && !held : policy == INHERIT_UNCHANGED || !p.ours)
		return env;
	changed = build_environment(&p, policy == INHERIT_WITHOUT_LIBRARY, held, added, room);
	if (!changed)
		*result = INHERIT_NO_WAY;
	return changed ? changed : env;
}
