/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where dumps go: standard error, standard output, or the file of --outfile. The descriptors
 * are duplicated at start, close-on-exec, above the range that programs get or scan, because
 * programs close theirs before they exit. A file's directory is held open too, so that a
 * program which changes its root can still be followed.
 *
 * Before each use a descriptor is compared with what it was at start (device and inode): one
 * that the program closed, and perhaps opened anew, is never written to.
 *
 * Async-signal-safe; one user at a time. Errors are told once, on standard error.
 */
#ifndef PROCESS_OUTPUT_H
#define PROCESS_OUTPUT_H

#include "options/options.h"

#include <sys/types.h>

struct output_fd {
	int fd;			/* -1: none */
	bool borrowed;		/* it is the program's own, no duplicate, and not to be closed here */
	dev_t dev;
	ino_t ino;
};

struct output {
	const struct options *options;
	const char *command;		/* %c */
	uint32_t pid;			/* %p; the process this output serves */
	bool replaces;			/* a dump is a document of its own */
	bool in_place;			/* outfile is no regular file: it is opened once and written to */
	bool forked;			/* not what was started, whatever its id is in its namespace */
	bool told;			/* an error has been told */
	bool tries_again;		/* a lack of descriptors need not be told: see dump.h */
	struct output_fd error, stream;	/* standard error; where dumps go if not to files */
	struct output_fd dir, file;	/* outfile's directory; the file of a text dump */
	/* While a dump is written: */
	int current;
	bool close_it;			/* current is not kept */
	char temporary[4096], target[4096];	/* to be renamed; "" if not */
};

/*
 * At start. options and command are kept. `truncate`: this process began the run and nobody
 * has emptied its outfile yet.
 */
void output_init(struct output *s, const struct options *options, const char *command,
	       uint32_t pid, bool replaces, bool truncate);

/* Opens the file of text dumps if that has not been done: later it may not be allowed. */
void output_keep(struct output *s);

/* In a child after fork: the parent's file is not ours. */
void output_forked(struct output *s, uint32_t pid);

/* Whether lines that are no dump (a banner, a notice) can stand in the output: a stream, or the
 * one file of all text dumps. */
bool output_takes_lines(const struct output *s);

/* The descriptor for dump `number`; -1 when there is none (and this has been told). */
int output_begin(struct output *s, uint32_t number);

/* Ends that dump; error: 0 or the errno that writing met. */
void output_end(struct output *s, int error);

/* The descriptors that dumps may be written by: where they go, and where errors are told. Returns how
 * many; the same one may stand there twice. */
#define OUTPUT_DESCRIPTORS	6
unsigned output_descriptors(struct output *s, int fds[OUTPUT_DESCRIPTORS]);

/* Gives back the descriptors. */
void output_close(struct output *s);

/* Why a file cannot be written, in a few words; NULL: an errno without. */
const char *output_reason(int error);

/* Where a line for the user goes when it must not stand among the dumps; may be -1. */
int output_error_fd(struct output *s);

#endif
