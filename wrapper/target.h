/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process of which this one is, or wants to be, the tracer (ptrace(2)): its memory and its modules, seen from
 * outside.
 *
 *	/proc/PID/maps -> modules: which file, where; by their ELF headers and dynamic sections in the process's memory:
 *			  what they are (the loader, libc, an allocator), and which functions they export
 *
 * Nothing in the process's memory is trusted: a module that does not look like one is code of which nothing is known.
 * The process may change its modules at any moment, unless all of its threads are stopped. What is known here is then
 * out of date, and the caller asks again (target_refresh()).
 *
 * For the wrapper's only thread. Memory comes from malloc(); without any, the wrapper ends.
 */
#ifndef WRAPPER_TARGET_H
#define WRAPPER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a module is, for the question whether a thread that runs in it can be made to call dlopen(). */
enum target_kind {
	TARGET_OTHER,		/* the program, or a library of which nothing special is known */
	TARGET_LOADER,		/* ld.so */
	TARGET_LIBC,		/* libc.so.6, or libpthread.so.0 of an older glibc */
	TARGET_LIBDL,		/* libdl.so.2 */
	TARGET_ALLOCATOR,	/* a library that defines malloc() and is not libc */
	TARGET_OWN_ALLOCATOR,	/* the program itself, which defines malloc() */
	TARGET_UNWINDER,	/* libgcc_s.so.1 */
	TARGET_TRACER,		/* heaptrace's library */
	TARGET_SANITIZER,	/* the run-time library of a sanitizer */
	TARGET_VDSO,
};

struct target_symbol {
	uint64_t start, bytes;		/* start: an address in the process */
	uint32_t name;			/* offset in the module's strings */
};

struct target_module {
	struct target_module *next;
	char *path;			/* as the kernel has it; "[vdso]" */
	uint64_t start, end;		/* its first and its last address, plus 1 */
	uint64_t bias;			/* an address in memory minus the same address as the file has it */
	enum target_kind kind;
	char soname[64];		/* DT_SONAME, cut; "": none */
	uint64_t symbols_at, strings_at, strings_bytes;	/* dynamic symbols; 0: there are none */
	uint64_t hash_at, gnu_hash_at;
	uint64_t unwind_at;		/* .eh_frame_hdr; 0: there is none */
	uint8_t build_id[32];
	uint32_t build_id_bytes;

	/* Filled in at first use. */
	struct target_symbol *symbol;	/* functions, NULL: not read yet */
	size_t symbols;
	char *strings;
	uint8_t *image;			/* see target_image() */
	bool image_tried;
};

/* A stretch of addresses of a process. */
struct target_area {
	uint64_t start, end;
	uint64_t offset, inode;		/* in the file; 0: of none */
	uint32_t device_major, device_minor;
	bool readable, writable, executable, shared;
	bool main_stack;		/* of the process's first thread */
	struct target_module *module;	/* NULL: none */
};

struct target {
	pid_t pid;
	int memory;			/* /proc/PID/mem, or -1 */
	struct target_module *modules;	/* the first one */
	struct target_area *area;	/* sorted by address */
	size_t areas;
};

/* Opens the process. False: errno says why not; target_close() is to be called in any case. */
bool target_open(struct target *t, pid_t pid);
void target_close(struct target *t);

/* Reads the list of modules anew. False: errno says why it cannot be read. */
bool target_refresh(struct target *t);

/* Reads or writes the process's memory. False: not all of it can be. To write, a thread of the process has to be
 * stopped; memory that the process itself may not write is written, too. */
bool target_read(const struct target *t, uint64_t address, void *to, size_t bytes);
bool target_write(const struct target *t, uint64_t address, const void *from, size_t bytes);
/* Reads a text, which is cut to fit into `bytes` bytes. False: it cannot be read. */
bool target_read_text(const struct target *t, uint64_t address, char *to, size_t bytes);

/* Returns the area that holds an address, or NULL. */
const struct target_area *target_area_at(const struct target *t, uint64_t address);

/* Returns the address of a function that a module exports, or 0. */
uint64_t target_function(const struct target *t, struct target_module *m, const char *name);

/* Returns the first module of a kind that exports a function, and in *address where it is; NULL: there is none. */
struct target_module *target_find(struct target *t, enum target_kind kind, const char *name, uint64_t *address);

/*
 * Calls `visit` with the name of each exported function of the module that holds the address. A function that has
 * several names is visited once for each. Returns how many names there are: 0 also where the code at the address
 * belongs to a function that is not exported.
 */
unsigned target_names_at(const struct target *t, struct target_module *m, uint64_t address,
			 void (*visit)(const char *name, void *context), void *context);

/*
 * Returns a copy in this process of the part of the module that has its unwind information. The copy's first byte
 * stands for m->start, and all other bytes are as far from it as in the process. NULL: there is none. The bytes come
 * from the file if that can be opened, because to read them in the process would make them resident there.
 */
const uint8_t *target_image(const struct target *t, struct target_module *m);

#endif
