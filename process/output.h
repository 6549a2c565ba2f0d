/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The destination of dumps: standard error, standard output, or the file of --outfile. The descriptors
 * are duplicated at start, close-on-exec, above the range that programs get or scan, because
 * programs close their descriptors before they exit. The directory of the file is held open, too, so that
 * its name still leads to it after the program has changed its root directory.
 *
 * Before each use a descriptor is compared with what it was at start (device and inode). So a descriptor
 * that the program has closed, and perhaps opened for something else, is never written to.
 *
 * Async-signal-safe. One thread at a time may use an output. Errors are told once, on standard error.
 */
#ifndef PROCESS_OUTPUT_H
#define PROCESS_OUTPUT_H

#include "options/options.h"

#include <sys/types.h>

struct output_fd {
	int fd;			/* -1: none */
	bool borrowed;		/* it is the program's own descriptor, no duplicate, and is not closed here */
	dev_t dev;
	ino_t ino;
};

struct output {
	const struct options *options;
	const char *command;		/* %c */
	uint32_t pid;			/* %p; the process this output serves */
	bool replaces;			/* each dump is a document of its own (struct format) */
	bool in_place;			/* outfile is no regular file: it is opened once, and all dumps go there */
	bool forked;			/* this is not the program that was started; its id may be the same, in a
					 * namespace of its own */
	bool error_reported;		/* an error has been told */
	int failure;			/* errno of the newest error, told or not; 0: there was none */
	bool tries_again;		/* a lack of descriptors is not told: see dump_write() */
	struct output_fd error, stream;	/* standard error; where dumps go if not to files */
	struct output_fd dir, file;	/* outfile's directory; the file of a text dump */
	/* While a dump is written: */
	int current;
	bool close_it;			/* current is closed when the dump is written */
	char temporary[4096];		/* the file that is renamed to target then, or "" */
	char target[4096];
};

/*
 * At start. options and command have to outlive the output. truncate: this process began the run, and nobody
 * has emptied its outfile yet.
 */
void output_init(struct output *o, const struct options *options, const char *command,
	       uint32_t pid, bool replaces, bool truncate);

/* Opens the file of text dumps now, if that has not been done, because it may be forbidden later. */
void output_open_early(struct output *o);

/* In a child after fork, whose dumps do not go to the parent's file. */
void output_forked(struct output *o, uint32_t pid);

/* Whether lines that are no dump ("initialized", a notice) can stand in the output. They can in a stream, and in
 * the one file of all text dumps. */
bool output_takes_lines(const struct output *o);

/* The descriptor for dump `number`; -1 when there is none (and this has been told). */
int output_begin(struct output *o, uint32_t number);

/* Ends that dump; error: 0 or the errno that writing met. */
void output_end(struct output *o, int error);

/* Tells that another process could not write dump `number`; error: the errno it met. */
void output_failed(struct output *o, uint32_t number, int error);

/* The descriptors that dumps may be written by: where they go, and where errors are told. Returns how
 * many; the same one may stand there twice. */
#define OUTPUT_DESCRIPTORS	6
unsigned output_descriptors(struct output *o, int fds[OUTPUT_DESCRIPTORS]);

/* Closes the descriptors. */
void output_close(struct output *o);

/* Why a file cannot be written, in a few words; NULL: there are none for this errno. */
const char *output_reason(int error);

/* The descriptor for lines to the user that must not stand among the dumps; -1: there is none. */
int output_error_fd(struct output *o);

#endif
