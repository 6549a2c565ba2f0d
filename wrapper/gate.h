/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate for builds: judges processes by the limits of --max-*, keeps the verdicts of a run, and writes them as
 * lines and as a test report (wrapper/junit.h). Whoever makes a dump of a process that has ended calls gate_judge():
 * the watcher for the processes of the run, --report for one.
 *
 * A run such as `heaptrace --max-leak=0 make check` has many processes that nobody wants to judge: make, shells,
 * compilers, which give their memory back by ending. So the watcher judges those whose programs lie below the directory
 * that the run was started in. If there are none, it judges PROGRAM, the process that was started. With --judge it
 * judges those whose paths contain one of its texts.
 *
 * For the only thread of the watcher or the wrapper.
 */
#ifndef WRAPPER_GATE_H
#define WRAPPER_GATE_H

#include "analysis/limits.h"
#include "base/out.h"

#define GATE_LINE_BYTES	512u

/* What came of one limit for one process. */
struct gate_case {
	struct gate_case *next;		/* in the order of judging */
	bool broken;
	enum limit limit;
	uint64_t runtime_ns;
	char process[64];		/* "make (pid 4711)" */
	char option[64];		/* "--max-leak=0" */
	char *stack;			/* broken: the backtrace to blame, in lines; or NULL */
	char line[GATE_LINE_BYTES];	/* broken: the line that says so, without a newline */
};

/* Whether the limits are for a process. */
enum gate_scope {
	GATE_OUTSIDE,			/* they are not */
	GATE_PROGRAM,			/* they are if there is none inside: it is PROGRAM */
	GATE_INSIDE,			/* they are */
};

/* Finds the scope of a process by the file of its program, for the directory of the run's start. is_program: it is
 * PROGRAM. */
enum gate_scope gate_scope_of(const struct options *o, const char *directory, const char *file, bool is_program);

/* To be called before the report of a process, which may fail before it judges: there are no newest results then. */
void gate_begin(void);

/*
 * Judges the process of a model, which has model.all, if the options have limits and the process has ended. Has the
 * form of dumper.judge, whose context is the enum gate_scope. Where there is no memory for a result, it is left out,
 * but gate_status() has it.
 */
void gate_judge(void *scope, const struct model *m);

/* The results of gate_judge() since gate_begin(), from the first one on; NULL: there are none. */
const struct gate_case *gate_newest(void);

/* All results. */
const struct gate_case *gate_all(void);

/* Writes a line for each limit that the newest process has broken, and before them one, if not all that it has done was
 * recorded. */
void gate_write_newest(struct out *text);

/* To be called when the program has ended, before its lines are written: decides whether it counts. */
void gate_settle(void);

/* To be called when the program has ended: writes the file of --junit, and lines about the run as a whole: how many of
 * its processes broke a limit, and why that file could not be written. */
void gate_write_verdict(const struct options *o, struct out *text);

/* The exit status that the run gets if its program ends with 0: that of --error-exitcode, or 0. */
int gate_status(const struct options *o);

#endif
