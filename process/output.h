/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The destination of dumps: standard error, standard output, or the file of --outfile. Because programs close
 * their descriptors before they exit, the descriptors are duplicated at the start, close-on-exec, to numbers above
 * those that programs get or scan. The directory of the file is held open, too, so that the file can still be
 * reached after the program has changed its root directory.
 *
 * Before each use the device and inode of a descriptor are compared with those at the start. So a number that
 * the program has closed, and perhaps opened for another file, is never written to.
 *
 * Async-signal-safe, keeps errno. One thread at a time may use an output. Only the first error is reported, on
 * standard error.
 */
#ifndef PROCESS_OUTPUT_H
#define PROCESS_OUTPUT_H

#include "options/options.h"

#include <sys/types.h>

/* A descriptor that is held open, and the file that it was opened for. */
struct output_fd {
	int fd;			/* -1: none */
	bool borrowed;		/* it is the program's own descriptor and no duplicate, so it is not closed here */
	dev_t dev;
	ino_t ino;
};

struct output {
	const struct options *options;
	const char *command;		/* for %c */
	uint32_t pid;			/* for %p: the process whose dumps these are */
	bool replaces;			/* each dump is a document of its own (struct format) */
	bool apart;			/* see output_set_apart() */
	bool in_place;			/* outfile is no regular file: it is opened once, and all dumps go there */
	bool foreign;			/* to be set before output_init() by another process than the one whose dumps
					 * these are: the watcher, --report and --dump */
	bool forked;			/* the process is a child of the program that was started. In a namespace
					 * of its own it may have the same id, so that does not tell */
	bool error_reported;		/* further errors are not reported */
	int failure;			/* errno of the newest error since output_begin(), reported or not; 0: there was
					 * none */
	bool tries_again;		/* a lack of descriptors is not reported: see dump_write() */
	struct output_fd error;		/* standard error */
	struct output_fd stream;	/* the standard stream that dumps go to, if they do not go to files */
	struct output_fd dir;		/* the directory of outfile */
	struct output_fd file;		/* the one file of all dumps, if there is one */
	/* While a dump is written: */
	int current;			/* the descriptor that it is written to */
	bool close_it;			/* current is closed when the dump is written */
	bool nameless;			/* it has no name until the dump is written: see safe_open_nameless() */
	char temporary[4096];		/* the file that is then renamed to target, or ""; nameless: its later name */
	char target[4096];		/* the name of the dump's file */
};

/*
 * To be called at the start. options and command have to outlive the output. replaces: each dump is a document of
 * its own (struct format). truncate: the file of text dumps is emptied, because this process began the run, and the
 * wrapper has not emptied it.
 */
void output_init(struct output *o, const struct options *options, const char *command,
	       uint32_t pid, bool replaces, bool truncate);

/* Opens the one file of all dumps now if it is not open, because a filter of seccomp may forbid that later. */
void output_open_early(struct output *o);

/* To be called after fork in the child, whose dumps do not go to the parent's file. pid: the child's. */
void output_forked(struct output *o, uint32_t pid);

/*
 * Makes *o, which is a copy of an output, the output of one dump to the file that options->outfile names. That is a
 * whole name as it stands, without placeholders, and has less than PATH_MAX bytes. The file is replaced as a document
 * is, whatever its format. The copy has no descriptors of its own, so it is just forgotten afterwards; of errors only
 * the first one of both is reported if `error_reported` is kept.
 */
void output_set_apart(struct output *o, const struct options *options);

/* Whether other lines than dumps ("initialized", a notice) can stand in the output. They can if dumps are text, and
 * go to a stream or to one file. */
bool output_takes_lines(const struct output *o);

/* Begins dump `number`. Returns the descriptor to write it to; -1: there is none, and that has been reported. */
int output_begin(struct output *o, uint32_t number);

/* To be called after output_begin() if the process whose dumps these are was killed: removes the temporary file that it
 * has left if it was writing a dump then. */
void output_remove_left(struct output *o);

/* Ends the dump that output_begin() began. error: 0, or the errno with which writing failed. A document is put in its
 * place unless there was an error. */
void output_end(struct output *o, int error);

/* Ends the dump that output_begin() began as if it had not been begun: what is in a document's place stays there. */
void output_abandon(struct output *o);

/* Reports that another process could not write dump `number`. error: the errno with which that failed. */
void output_failed(struct output *o, uint32_t number, int error);

/* Finds the descriptors that a dump needs: those that it may be written to, and the one for errors. Returns how many
 * they are; the same one can be there twice. */
#define OUTPUT_DESCRIPTORS	6
unsigned output_descriptors(struct output *o, int fds[OUTPUT_DESCRIPTORS]);

/* Closes the descriptors of this output. */
void output_close(struct output *o);

/* Why a file cannot be written, in a few words; NULL: there are no words for this errno. */
const char *output_reason(int error);

/* The descriptor for lines to the user that must not stand between dumps; -1: there is none. */
int output_error_fd(struct output *o);

#endif
