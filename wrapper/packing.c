/* SPDX-License-Identifier: GPL-2.0-only */
/* See packing.h. */
#include "packing.h"

#include "base/errno_text.h"
#include "base/out.h"
#include "base/safe_open.h"
#include "options/outfile.h"
#include "pack/names.h"
#include "pack/pack.h"
#include "process/dump.h"
#include "quit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reports why the packed record could not be made. Returns "". */
static const char *complain(const char *path, const char *why)
{
	say("%s cannot be made: %s", path, why);
	return "";
}

static const char *reason(int error)
{
	return error == EINVAL ? "it is not a regular file" :
	       error == ENOENT || error == ENOTDIR ? "no such directory" :
	       error == EFBIG ? "it would be too large" : strerror(error);
}

/* ---- What is known of a process that runs ---- */

static struct model_seen seen;

/* A format that writes nothing, but keeps the figures of the process. */
static void keep_figures(const struct model *m, struct arena *arena, struct out *out)
{
	(void)arena, (void)out;
	seen = (struct model_seen){
		.statm_known = m->process.statm_known, .vss = m->process.vss, .rss = m->process.rss,
		.shared = m->process.shared, .peak_rss = m->process.peak_rss, .allocator = m->allocator, .memory = m->memory,
	};
}

/* Has a dump made of the process, if it runs, of which only these figures are kept. NULL: it does not run, and nothing
 * is known of it. */
static const struct model_seen *look_at_process(const struct options *options, struct record_file *r)
{
	static const struct format figures = { .name = "figures", .figures = true, .sections_max = 1, .write = keep_figures };
	static struct dumper d;
	struct options o = *options;
	uint32_t dumps = r->table.head->dumps;

	if (!r->runs_as)
		return r->seen;
	o.outfile = "-";
	o.top = 1;
	o.no_lines = true;
	dump_attach(&d, &r->table, &o, &(struct rules){ .text = NULL }, false, r->moment_ns);
	d.format = &figures;
	d.runs_as = r->runs_as;
	dump_write(&d, &(struct dump_request){ .sort = o.sort, .sort_count = 1, .reason = REASON_ASKED });
	dump_detach(&d);
	r->table.head->dumps = dumps;
	return &seen;
}

/* ---- Writing ---- */

/* Writes everything to fd. Returns 0 or an errno. */
static int write_record(int fd, const struct options *o, struct record_file *r)
{
	struct pack_array arrays[PACK_NAMES_ARRAYS];
	struct pack_collector *names = NULL;
	struct pack_source source = {
		.table = &r->table, .fd = r->fd, .moment_ns = r->moment_ns,
		.flags = r->end_unknown ? PACK_END_UNKNOWN : 0, .names = arrays,
		.seen = look_at_process(o, r),
	};
	int error;

	if (o->with_names) {
		names = pack_names_collect(&(struct model_request){
			.table = &r->table, .options = o, .foreign = true, .runs_as = r->runs_as,
			.process.pid = r->table.head->pid, .store = o->sysroot ? NULL : r->names,
		}, arrays);
		if (!names)
			return ENOMEM;
		source.names_count = PACK_NAMES_ARRAYS;
	}
	error = pack_write(fd, &source);
	pack_names_free(names);
	return error;
}

/* Whether both are the same file. */
static bool is_same(int fd, const char *path)
{
	struct stat a, b;

	return fd >= 0 && !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Prints how large the packed record is, and how large the record. path NULL: it went to standard output. */
static void print_size(int fd, const char *path, const struct options *o)
{
	char buf[PATH_MAX + 256];
	struct stat packed, record;
	struct out out;

	out_init(&out, path ? STDOUT_FILENO : STDERR_FILENO, buf, sizeof(buf));
	out_name(&out, path ? path : "standard output");
	if (!fstat(fd, &packed) && S_ISREG(packed.st_mode)) {
		out_text(&out, ": ");
		out_size(&out, (uint64_t)packed.st_size);
	}
	out_text(&out, o->with_names ? ", with names" : ", without names");
	if (o->report && !stat(o->report, &record)) {
		out_text(&out, " (");
		out_name(&out, o->report);
		out_text(&out, ": ");
		out_size(&out, (uint64_t)record.st_blocks * 512);
		out_text(&out, " on the disk)");
	}
	out_char(&out, '\n');
	out_flush(&out);
}

/* Makes a file, which gets its name when it is complete. Returns 0 or an errno. */
static int make_file(const char *path, const struct options *o, struct record_file *r)
{
	char temporary[PATH_MAX];
	bool named = safe_open_name_temporary(path, (uint32_t)getpid(), 0, temporary, sizeof(temporary));
	int nameless = named ? safe_open_nameless(path) : -1;
	int fd = nameless < 0 ? safe_open_replacement(path, temporary) : nameless, error;

	if (fd < 0)
		return errno;
	error = write_record(fd, o, r);
	if (!error && ((nameless >= 0 && !safe_open_name(fd, temporary)) || rename(temporary, path)))
		error = errno;
	if (error)
		unlink(temporary);
	else
		print_size(fd, path, o);
	close(fd);
	return error;
}

const char *packing_write(const struct options *o, struct record_file *r)
{
	const struct table_header *h = r->table.head;
	char path[PATH_MAX];
	int error;

	signal(SIGXFSZ, SIG_IGN);	/* a limit on the size of files is an error like others */
	if (!outfile_expand(o->pack, h->pid, h->command, h->dumps + 1, false, path, sizeof(path)))
		return complain(o->pack, reason(ENAMETOOLONG));
	if (!strcmp(path, "-")) {
		if (isatty(STDOUT_FILENO))
			return complain("standard output", "it is a terminal: name a file, or lead it into a pipe");
		error = write_record(STDOUT_FILENO, o, r);
		if (!error)
			print_size(STDOUT_FILENO, NULL, o);
		return error ? complain("standard output", reason(error)) : NULL;
	}
	if (is_same(r->fd, path))
		return complain(path, "it is the record itself: give the small file a name of its own");
	error = make_file(path, o, r);
	return error ? complain(path, reason(error)) : NULL;
}
