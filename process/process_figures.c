/* SPDX-License-Identifier: GPL-2.0-only */
/* See process_figures.h. */
#include "process_figures.h"

#include "base/proc.h"

#include <string.h>
#include <unistd.h>

/* Reads the beginning of a file in /proc/PID into text[0..room), NUL-terminated. Returns its length, 0 on errors. */
static size_t read_proc(uint32_t pid, const char *file, char *text, size_t room)
{
	int fd = proc_open(pid, file);
	ssize_t n = 0;

	if (fd >= 0) {
		n = read(fd, text, room - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* In "4021 1046 912 4 0 388 0" the first three numbers count all pages, the resident ones and the shared ones
 * (proc(5)). */
static void read_statm(struct model_process *p, uint32_t pid)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), v[3] = { 0 };
	char text[128];
	size_t n = read_proc(pid, "statm", text, sizeof(text));
	int i = 0;

	for (size_t at = 0; at < n && i < 3; at++) {
		if (text[at] >= '0' && text[at] <= '9')
			v[i] = 10 * v[i] + (uint64_t)(text[at] - '0');
		else
			i++;
	}
	if (i < 3)
		return;
	p->statm_known = true;
	p->vss = v[0] * page;
	p->rss = v[1] * page;
	p->shared = v[2] * page;
}

/* The line "VmHWM:	    1234 kB" has the largest resident size that this program image has had. getrusage(2) would
 * tell it without a file, but counts what the process was before it executed the program, too. "Seccomp:	0": there is
 * no filter. */
static void read_status(struct model_process *p, uint32_t pid)
{
	static const char head[] = "\nVmHWM:";
	char text[2048];
	const char *at;

	read_proc(pid, "status", text, sizeof(text));
	p->unfiltered = strstr(text, "\nSeccomp:\t0\n");
	at = strstr(text, head);
	if (!at)
		return;
	p->peak_rss = 0;
	for (at += sizeof(head) - 1; *at == ' ' || *at == '\t'; at++)
		;
	for (; *at >= '0' && *at <= '9'; at++)
		p->peak_rss = 10 * p->peak_rss + (uint64_t)(*at - '0');
	p->peak_rss *= 1024;
}

void process_figures_read(struct model_process *p, uint32_t pid)
{
	read_statm(p, pid);
	read_status(p, pid);
}
