/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_source.h. */
#include "watch_source.h"

#include "process/process_figures.h"
#include "table/load.h"
#include "table/row.h"
#include "traced.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PID_MOST	INT32_MAX
#define FILE_PAUSE_NS	500000000u
#define FILE_TIME_NS	30000000000u	/* within which the watcher of a busy machine has come */

uint32_t watch_source_pid(const char *what)
{
	uint64_t pid = 0;

	if (!*what || what[strspn(what, "0123456789")])
		return 0;
	for (; *what && pid <= PID_MOST; what++)
		pid = 10 * pid + (uint64_t)(*what - '0');
	return pid <= PID_MOST ? (uint32_t)pid : 0;
}

static void open_pidfd(struct watch_source *s)
{
	s->pidfd = s->record.runs_as ? (int)syscall(SYS_pidfd_open, (pid_t)s->record.runs_as, 0) : -1;
}

/* Reads the table through the file or memfd that holds it, or else through the memory of the process. */
static enum load_status load(struct watch_source *s, uint32_t pid)
{
	enum load_status status = LOAD_CANNOT_READ;
	struct traced place;

	s->record.fd = s->fd = traced_open_file(pid);
	if (s->fd >= 0)
		status = load_table(&s->record.table, s->fd, 0);
	if (status == LOAD_OK)
		return status;
	if (s->fd >= 0)
		close(s->fd);
	s->record.fd = s->fd = -1;
	status = traced_open(&place, pid);
	if (status == LOAD_OK)
		status = load_table(&s->record.table, place.fd, place.start);
	s->fd = place.fd;
	s->start = place.start;
	return status;
}

static const char *open_process(struct watch_source *s, uint32_t pid)
{
	enum load_status status;
	int error;

	s->record.runs_as = pid;
	open_pidfd(s);
	status = load(s, pid);
	if (status != LOAD_OK) {
		error = errno;
		watch_source_close(s);
		return traced_why_not(status, error);
	}
	s->record.moment_ns = now_precise_ns();
	record_file_load_history(&s->record);
	return NULL;
}

static const char *open_file(struct watch_source *s, const char *path)
{
	const char *why = record_file_open(&s->record, path);

	if (why)
		return why;
	open_pidfd(s);
	if (s->record.runs_as)
		s->fd = s->record.fd;
	return NULL;
}

/* The kernel's figure of the peak is an estimate, which can become smaller. Of a process that is about to end, or whose first
 * thread has ended, /proc/PID/statm says that it has no memory: then the figures stay what they were. */
static void read_figures(struct watch_source *s)
{
	struct model_process before = s->process;

	process_figures_read(&s->process, s->record.runs_as);
	if (!s->process.rss)
		s->process = before;
	if (s->process.peak_rss < before.peak_rss)
		s->process.peak_rss = before.peak_rss;
}

const char *watch_source_open(struct watch_source *s, const char *what)
{
	uint32_t pid = watch_source_pid(what);
	const char *why;

	*s = (struct watch_source){ .record.fd = -1, .fd = -1, .pidfd = -1 };
	why = pid ? open_process(s, pid) : open_file(s, what);
	if (why)
		return why;
	s->process = (struct model_process){ .pid = s->record.table.head->pid, .command = s->record.table.head->command };
	if (s->record.seen) {
		s->process.rss = s->record.seen->rss;
		s->process.peak_rss = s->record.seen->peak_rss;
	}
	if (s->record.history.rss_peak > s->process.peak_rss)
		s->process.peak_rss = s->record.history.rss_peak;
	if (s->record.runs_as)
		read_figures(s);
	return NULL;
}

static bool has_ended(const struct watch_source *s)
{
	struct pollfd end = { .fd = s->pidfd, .events = POLLIN };

	if (s->pidfd >= 0)
		return poll(&end, 1, 0) > 0;
	return kill((pid_t)s->record.runs_as, 0) && errno == ESRCH;
}

/* When the view was opened, the watcher of a process that had just begun may not have been there yet. By the memfd that the
 * watcher holds the table can be read when the process has ended, too, and by the memory of the process it cannot. */
static void prefer_file(struct watch_source *s)
{
	uint64_t now;
	int fd;

	if (!s->start)
		return;
	now = now_precise_ns();
	if (!s->file_last_ns)
		s->file_last_ns = now + FILE_TIME_NS;
	if (now < s->file_due_ns || now > s->file_last_ns)
		return;
	s->file_due_ns = now + FILE_PAUSE_NS;
	fd = traced_open_file(s->record.runs_as);
	if (fd < 0)
		return;
	close(s->fd);
	s->record.fd = s->fd = fd;
	s->start = 0;
}

void watch_source_read(struct watch_source *s, bool threads)
{
	struct table_header *h = s->record.table.head;
	/* This comes first: then the figures of a process that has ended are those of its end. */
	bool ended = !watch_source_ended(s) && has_ended(s);
	enum load_status status;

	if (watch_source_ended(s))
		return;
	if (!ended)
		prefer_file(s);
	status = load_again(&s->record.table, s->fd, s->start, threads);
	if (status == LOAD_OK)
		s->record.moment_ns = now_precise_ns();
	if (!ended)
		read_figures(s);
	s->replaced = !ended && (status == LOAD_NO_TABLE || h->life == TABLE_EXECS);
	if (!ended && !s->replaced)
		return;
	if (ended && h->ended_ns > h->begun_precise_ns && h->ended_ns < s->record.moment_ns)
		s->record.moment_ns = h->ended_ns;
	if (s->fd != s->record.fd)
		close(s->fd);
	s->fd = -1;
	s->record.runs_as = 0;
}

void watch_source_close(struct watch_source *s)
{
	if (s->fd >= 0 && s->fd != s->record.fd)
		close(s->fd);
	if (s->pidfd >= 0)
		close(s->pidfd);
	s->fd = s->pidfd = -1;
	record_file_close(&s->record);
}
