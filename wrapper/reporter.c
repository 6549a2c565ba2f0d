/* SPDX-License-Identifier: GPL-2.0-only */
/* See reporter.h. */
#include "reporter.h"

#include "analysis/history.h"
#include "gate.h"
#include "history_writer.h"
#include "inbox.h"
#include "older.h"
#include "options/outfile.h"
#include "process/dump.h"
#include "process/watch.h"
#include "table/load.h"
#include "table/row.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_MS	60000	/* from look to look at what is due */
#define ATTACHED_MS	2000	/* from look to look whether a process has been let go of that runs on */
#define LATE_MS		1000	/* a child whose parent has ended before it could register has so long to do so */

/* ---- The processes ---- */

/* A process of the run. */
struct process {
	struct process *next;
	int pidfd;
	int table_fd;			/* the memfd or file of its table; -1: it has not registered */
	pid_t pid;			/* its id in the watcher's namespace; 0: unknown */
	uint32_t own_pid;		/* its id in its own namespace */
	uint32_t children;		/* how many of its forked children have registered */
	enum gate_scope scope;		/* whether the limits of --max-* are for it */
	uint64_t next_ms;		/* --every: when the next dump is due */
	struct history_writer history;	/* of the table in table_fd */
};

static struct process *processes;
static unsigned process_count;
static uint32_t awaited_children;	/* children that have not registered, and whose parents have ended */
static int poller;			/* the descriptor of epoll */
static struct reporter reporter;

/* Allows as many descriptors as possible, because each process of the run takes two. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Adds a process, whose pidfd it takes over. NULL: there is no memory, or no room in the kernel. */
static struct process *add_process(int pidfd, pid_t pid)
{
	struct process *p = calloc(1, sizeof(*p));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = p };

	if (processes && !processes->next)
		raise_limit();
	if (!p || epoll_ctl(poller, EPOLL_CTL_ADD, pidfd, &event)) {
		free(p);
		close(pidfd);
		return NULL;
	}
	p->pidfd = pidfd;
	p->table_fd = -1;
	p->pid = pid;
	p->next = processes;
	processes = p;
	process_count++;
	return p;
}

static void remove_process(struct process *gone)
{
	struct process **p = &processes;

	while (*p != gone)
		p = &(*p)->next;
	*p = gone->next;
	process_count--;
	close(gone->pidfd);
	if (gone->table_fd >= 0)
		close(gone->table_fd);
	free(gone);
}

/* Writes some bytes of the header of a process's table. */
static void write_header(const struct process *p, const void *from, size_t bytes, size_t offset)
{
	if (pwrite(p->table_fd, from, bytes, (off_t)offset) < 0)
		errno = 0;	/* then the process counts this dump once more, or prints it once more */
}

/* Notes in a process's table that a dump was taken. h: the header, with the new number of dumps. */
static void note_dump(const struct process *p, const struct table_header *h, uint64_t now, bool final)
{
	uint64_t ns = now > h->begun_ns ? now - h->begun_ns : 0;
	uint32_t dumped = TABLE_DUMPED, place = h->dumps % TIMELINE_DUMPS;

	write_header(p, &h->dumps, sizeof(h->dumps), offsetof(struct table_header, dumps));
	write_header(p, &ns, sizeof(ns), offsetof(struct table_header, timeline.dumps_ns) + place * sizeof(ns));
	write_header(p, h->memory, sizeof(h->memory), offsetof(struct table_header, memory));
	write_header(p, &h->memory_ns, sizeof(h->memory_ns), offsetof(struct table_header, memory_ns));
	if (final)
		write_header(p, &dumped, sizeof(dumped), offsetof(struct table_header, life));
}

/* Writes the newest broken limits, for which nobody waits, where the dump went. */
static void notice_limits(struct dumper *d)
{
	for (const struct gate_case *c = gate_newest(); c; c = c->next) {
		if (c->broken)
			dump_notice(d, c->line);
	}
}

/* Opens the file of --baseline for a process. NULL: there is none, or it is of another program, or damaged. */
static const struct model *open_baseline(struct older *r, const struct table *t)
{
	const struct table_header *h = t->head;
	const char *template = reporter.options->baseline;
	char path[PATH_MAX];

	if (!template || !outfile_expand(template, h->pid, h->command, 1, false, path, sizeof(path)) ||
	    older_open(r, reporter.options, path))
		return NULL;
	if (!strncmp(r->model->process.command, h->command, sizeof(h->command)))
		return r->model;
	older_close(r);
	return NULL;
}

/* Sends the answer to a request of a process that waits for it. final: with this report the process ends. False: the
 * process has stopped waiting. */
static bool send_answer(const struct process *p, int fd, int32_t error, bool final)
{
	struct {
		struct watch_answer answer;
		char text[WATCH_TEXT_BYTES];
	} message = { .answer = { .error = error } };
	struct out text = out_memory(message.text, sizeof(message.text));

	gate_write_newest(&text);
	if (final && p->pid == reporter.program_pid && options_has_limits(reporter.options)) {
		gate_write_verdict(reporter.options, &text);
		message.answer.exit_status = gate_status(reporter.options);
	}
	return write(fd, &message, sizeof(message.answer) + text.len) >= 0;
}

/* Whether later dumps show what this one had: then the history gets a snapshot of its moment. */
static bool is_looked_back_at(void)
{
	return reporter.options->growth_ms || options_format(reporter.options) == OUTPUT_PERFETTO;
}

/*
 * Writes a dump of a process's table. o: the run's options, or those of a dump to a file of its own. answer_fd: where
 * the process waits for the answer, which tells it of broken limits; -1: it does not wait. runs: the process has not
 * ended, so /proc has figures of it. Then the dump's number is noted in the table, because the process goes on counting
 * from there, and also whether the dump was the final one.
 */
static void dump(struct process *p, const struct dump_request *r, const struct options *o, int answer_fd, bool runs)
{
	static struct dumper d;
	static struct history history;
	static struct older baseline;
	struct arena arena = { 0 };
	bool apart = o != reporter.options;
	uint64_t now = now_precise_ns();
	struct table t;

	gate_begin();
	inbox_collect_begin();
	if (load_table(&t, p->table_fd, 0) != LOAD_OK) {
		inbox_collect_end();
		if (answer_fd >= 0)
			send_answer(p, answer_fd, WATCH_UNREADABLE, r->final);
		return;
	}
	memset(&d, 0, sizeof(d));
	if (is_looked_back_at() && runs && !r->final && !apart)
		history_writer_snapshot(&p->history, now);
	history_load(&history, &t, p->table_fd, now, &arena);
	history_select(&history, &t, events_rows(&t, reporter.options->window), &arena);
	dump_attach(&d, &t, o, reporter.rules, false, now);
	d.apart = d.output.error_reported = apart;	/* by the process, which knows the whole name of the file */
	d.history = &history;
	d.runs_as = runs ? (uint32_t)p->pid : 0;
	d.judge = options_has_limits(reporter.options) && !apart ? gate_judge : NULL;
	d.judge_context = &p->scope;
	d.older = d.judge && r->final && p->scope != GATE_OUTSIDE ? open_baseline(&baseline, &t) : NULL;
	dump_write(&d, r);
	if (runs && !apart)
		note_dump(p, t.head, now, r->final);
	if (p->pid == reporter.program_pid && r->final)
		gate_settle();
	if (!(answer_fd >= 0 && send_answer(p, answer_fd, d.output.failure, r->final)) && d.judge && r->final)
		notice_limits(&d);
	dump_detach(&d);
	if (d.older)
		older_close(&baseline);
	load_release(&t);
	arena_release(&arena);
	inbox_collect_end();
}

/* Writes a dump that no process has requested: one of --every, or the last one of a process that was killed, or could
 * not request it. */
static void dump_unasked(struct process *p, enum model_reason reason)
{
	bool runs = reason == REASON_EVERY;

	dump(p, &(struct dump_request){
		.sort = reporter.options->sort, .sort_count = reporter.options->sort_count,
		.reason = reason, .final = !runs,
	}, reporter.options, -1, runs);
}

/* To be called when a process has ended, or has become another program. Those of its forked children that have not
 * registered yet are awaited. */
static void await_children(const struct process *p, const struct table_header *h)
{
	if (h->forks > p->children)
		awaited_children += h->forks - p->children;
}

/* Notes the moment of a process's end in its file of --record, because --report computes ages up to that moment. */
static void note_end(int fd)
{
	uint64_t now = now_precise_ns();

	if (pwrite(fd, &now, sizeof(now), offsetof(struct table_header, ended_ns)) < 0)
		errno = 0;	/* then --report takes the time of the file's last change */
}

/* Handles the end of a process: writes its last dump, if the process has not done so. */
static void handle_end(struct process *p)
{
	struct table_header h;

	if (p->table_fd >= 0 && load_header(&h, p->table_fd, 0) == LOAD_OK) {
		await_children(p, &h);
		history_writer_end(&p->history, h.life == TABLE_LIVES);
		if (h.life == TABLE_LIVES && reporter.options->record && !h.ended_ns)
			note_end(p->table_fd);
		if (h.life == TABLE_LIVES && (!reporter.options->record || options_by_reporter(reporter.options)))
			dump_unasked(p, h.ended_ns ? REASON_EXIT : REASON_KILLED);
	}
	history_writer_end(&p->history, false);
	remove_process(p);
}

/* ---- Messages ---- */

static struct process *find_process(pid_t pid)
{
	struct process *p = processes;

	while (p && !(pid && p->pid == pid))
		p = p->next;
	return p;
}

/* Counts a forked child that has registered. parent: the parent's id in its own namespace. */
static void count_child(uint32_t parent)
{
	for (struct process *p = processes; p; p = p->next) {
		if (p->own_pid == parent) {
			p->children++;
			return;
		}
	}
	if (awaited_children)
		awaited_children--;
}

/* Whether the process has ended, though that has not been handled yet. */
static bool has_ended(const struct process *p)
{
	struct pollfd end = { .fd = p->pidfd, .events = POLLIN };

	return poll(&end, 1, 0) > 0;
}

/* Finds out whether the limits of --max-* are for a process. */
static void find_scope(struct process *p)
{
	char link[32], file[PATH_MAX];
	ssize_t len;

	if (!options_has_limits(reporter.options))
		return;
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)p->pid);
	len = readlink(link, file, sizeof(file) - 1);
	file[len < 0 ? 0 : len] = '\0';
	p->scope = gate_scope_of(reporter.options, reporter.directory, file, p->pid == reporter.program_pid);
}

/* Handles WATCH_TABLE: a new process has begun, or a known one has become another program, so that its older table
 * is of no use any more. */
static void take_table(struct received *s)
{
	struct process *p = find_process(s->pid);

	if (s->fds[0] < 0 || s->fds[1] < 0) {
		inbox_close(s);
		return;
	}
	if (s->message.parent)
		count_child(s->message.parent);
	if (p && has_ended(p)) {	/* its id may be another process's by now, so nothing is looked up by it any
					 * more */
		p->pid = 0;
		p = NULL;
	}
	if (p) {
		struct table_header h;

		if (p->table_fd >= 0 && load_header(&h, p->table_fd, 0) == LOAD_OK)
			await_children(p, &h);
		if (p->table_fd >= 0)
			close(p->table_fd);
		close(s->fds[1]);
		history_writer_end(&p->history, false);
		p->children = 0;
	} else {
		p = add_process(s->fds[1], s->pid);
		if (!p) {
			close(s->fds[0]);
			return;
		}
	}
	p->own_pid = s->message.pid;
	p->table_fd = s->fds[0];
	find_scope(p);
	history_writer_begin(&p->history, p->table_fd, s->pid, now_ns());
}

/* Handles the processes that have ended before the program did, so that the program's verdict has theirs. */
static void handle_earlier_ends(const struct process *program)
{
	for (struct process *p = processes, *next; p; p = next) {
		next = p->next;
		if (p != program && has_ended(p))
			handle_end(p);
	}
}

/*
 * The options of a dump to a file of its own, which is open as fd. Its name is looked at for the format only, so
 * characters that have a meaning in --outfile are replaced. text: memory for one of the options. False: there is no
 * such file.
 */
static bool options_apart(struct options *o, int fd, char name[NAME_MAX + 1], char text[OUTFILE_TEXT_BYTES])
{
	name[NAME_MAX] = '\0';
	for (char *c = name; (c = strpbrk(c, "%-")) != NULL; )
		*c = '_';
	*o = *reporter.options;
	o->outfile = name;
	o->format = OUTPUT_UNSET;
	return name[0] && outfile_set_descriptor(o, fd, text);
}

/* Handles WATCH_REPORT: writes the report, and sends the answer if the process waits for one. The process may have
 * ended meanwhile; its table is then as it was at the end. */
static void take_request(struct received *s)
{
	struct watch_message *m = &s->message;
	const struct options *o = reporter.options;
	struct options own;
	char text[OUTFILE_TEXT_BYTES];
	struct process *p = find_process(s->pid);
	struct dump_request r = {
		.sort = m->sort, .sort_count = m->sort_count, .reason = m->reason, .signal = m->signal,
		.final = m->final,
	};
	bool good = m->sort_count && m->sort_count <= SORT_KEYS &&
		    m->reason <= REASON_KILLED && m->signal < _NSIG;

	for (unsigned i = 0; good && i < m->sort_count; i++)
		good = m->sort[i] < SORT_KEYS;
	if (m->file[0] && good) {
		o = &own;
		good = options_apart(&own, s->fds[1], m->file, text);
	}
	if (p && m->final && p->pid == reporter.program_pid && options_has_limits(reporter.options))
		handle_earlier_ends(p);
	if (p && p->table_fd >= 0 && good)
		dump(p, &r, o, s->fds[0], true);
	inbox_close(s);
}

static void take_messages(void)
{
	struct received s;

	while (inbox_take(&s)) {
		if (s.message.kind == WATCH_REPORT)
			take_request(&s);
		else
			take_table(&s);
	}
}

/* ---- --every ---- */

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/*
 * The process whose dump has been due for the longest time; NULL: none is due. So where dumps take longer than
 * the time of --every, the processes take turns. *wait becomes the milliseconds until a dump is due; -1: none
 * will be.
 */
static struct process *find_due(uint64_t now, int *wait)
{
	struct process *first = NULL;

	for (struct process *p = processes; p; p = p->next) {
		if (p->table_fd < 0)
			continue;
		if (!p->next_ms)
			p->next_ms = now + reporter.options->every_ms;
		if (!first || p->next_ms < first->next_ms)
			first = p;
	}
	*wait = !first ? -1 : first->next_ms > now ? (int)(first->next_ms - now) : 0;
	return first && first->next_ms <= now ? first : NULL;
}

/*
 * Takes one dump that is due, if there is one. Messages are taken before the next dump, because a process may be
 * waiting for an answer. Returns the milliseconds until the next dump is due; -1: none will be.
 */
static int take_due_dump(void)
{
	uint64_t every = reporter.options->every_ms, now = every ? clock_ms() : 0;
	struct table_header h;
	struct process *p;
	int wait = -1;

	while (every && (p = find_due(now, &wait))) {
		/* The moments that have passed during a slow dump are left out. */
		p->next_ms += (now - p->next_ms) / every * every + every;
		if (load_header(&h, p->table_fd, 0) == LOAD_OK && h.life == TABLE_LIVES) {
			dump_unasked(p, REASON_EVERY);
			return 0;
		}
	}
	return wait;
}

/* ---- Histories ---- */

/* Adds to the histories that are due. Returns the milliseconds until one is due; -1: none will be. */
static int write_histories(void)
{
	uint64_t now = now_ns(), next = UINT64_MAX;

	for (struct process *p = processes; p; p = p->next) {
		if (p->table_fd < 0)
			continue;
		history_writer_work(&p->history, now, process_count);
		if (p->history.due_ns && p->history.due_ns < next)
			next = p->history.due_ns;
	}
	if (next == UINT64_MAX)
		return -1;
	now = now_ns();
	if (next > now + LONGEST_MS * UINT64_C(1000000))
		return LONGEST_MS;
	return next > now ? (int)((next - now) / 1000000) + 1 : 0;
}

/* Lets go of the processes that are not traced any more, but go on: --detach has noted an end in their tables. */
static void forget_detached(void)
{
	struct table_header h;

	for (struct process *p = processes, *next; p; p = next) {
		next = p->next;
		if (p->table_fd >= 0 && load_header(&h, p->table_fd, 0) == LOAD_OK && h.life == TABLE_DUMPED)
			handle_end(p);
	}
}

/* The smaller one of two times, of which each may be -1, which stands for no time. */
static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Handles the end that an event has told of. A message that was taken since then may have led to the same end, and to a
 * new process in its place, so p is compared only. */
static void take_end(const void *p)
{
	struct process *ended = processes;

	while (ended && ended != p)
		ended = ended->next;
	if (ended && has_ended(ended))
		handle_end(ended);
}

/* Messages are handled before the ends of processes, because a process's last message may have come just before its
 * end, and after them, because the inbox may have collected some during the report of an end. */
void reporter_run(void)
{
	struct out nowhere = out_memory(NULL, 0);
	struct epoll_event events[64];
	int count, wait;

	for (;;) {
		take_messages();
		if (reporter.attached)
			forget_detached();
		if (!processes && !awaited_children)
			break;
		wait = sooner(take_due_dump(), write_histories());
		if (reporter.attached)
			wait = sooner(wait, ATTACHED_MS);
		count = epoll_wait(poller, events, 64, processes ? wait : LATE_MS);
		if (count < 0 && errno == EINTR)
			continue;
		if (!count && processes)
			continue;
		if (count <= 0)
			break;
		take_messages();
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				take_end(events[i].data.ptr);
		}
	}
	gate_write_verdict(reporter.options, &nowhere);	/* again, with the processes that have outlived the program */
}

bool reporter_start(const struct reporter *r)
{
	struct epoll_event event = { .events = EPOLLIN };

	reporter = *r;
	poller = epoll_create1(EPOLL_CLOEXEC);
	inbox_start(reporter.listener, reporter.password);	/* where that fails, long reports delay senders */
	return !epoll_ctl(poller, EPOLL_CTL_ADD, reporter.listener, &event) &&
	       add_process(reporter.program, reporter.program_pid);
}
