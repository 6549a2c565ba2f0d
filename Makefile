# SPDX-License-Identifier: GPL-2.0-only
#
# `make help` lists the targets. Everything that is built lands in build/, but for the two
# products, which lie at the top so that they find each other.

VERSION	:= 0.1
prefix	?= /usr/local
bindir	?= $(prefix)/bin
libdir	?= $(prefix)/lib
mandir	?= $(prefix)/share/man
includedir ?= $(prefix)/include
compdir	?= $(prefix)/share/bash-completion/completions

CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
ifdef WERROR
WARN	+= -Werror
endif
# gcc 12 puts a walk's words side by side into vector registers: a step takes twice the time.
NO_SLP	:= -fno-tree-slp-vectorize
# Frames of ours are unwound by backtrace(); exceptions pass through the hooks.
CODE	:= -std=gnu11 -D_GNU_SOURCE -I. -fPIC -fvisibility=hidden -ftls-model=initial-exec \
	   -fasynchronous-unwind-tables -ffunction-sections -fdata-sections -fno-builtin-malloc -fno-builtin-calloc \
	   -fno-builtin-realloc -fno-builtin-free $(NO_SLP) -DHEAPTRACE_VERSION='"$(VERSION)"'
ifdef DEPTH
CODE	+= -DHEAPTRACE_DEPTH=$(DEPTH)
endif
BUILD	:= build
ifdef M32
CODE	+= -m32
BUILD	:= build/m32
LIB	:= libheaptrace32.so
else
LIB	:= libheaptrace.so
PROGRAM	:= heaptrace
endif
# With the invariants of base/check.h, in a folder of their own: a wrapper finds the library beside itself.
ifdef CHECK
CODE	+= -DHEAPTRACE_CHECK
BUILD	:= $(BUILD)/check
LIB	:= build/check/$(LIB)
PROGRAM	:= $(PROGRAM:%=build/check/%)
endif

MODULES	:= base elf options capture capture/recall table symbol inflate demangle analysis format process
CORE	:= $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(MODULES:%=%/*.c)))
WRAPPER	:= $(patsubst %.c,$(BUILD)/%.o,heaptrace.c $(wildcard wrapper/*.c pack/*.c))
HOOKS	:= $(patsubst %.c,$(BUILD)/%.o,libheaptrace.c $(wildcard hooks/*.c))
OBJECTS	:= $(CORE) $(HOOKS) $(WRAPPER)

# The library needs libc.so.6 only and binds its own calls to itself. It is never unloaded: a program that was attached to
# may keep pointers to its functions.
LIBFLAGS := -shared -Wl,-soname,libheaptrace.so -Wl,-Bsymbolic-functions -Wl,-z,now \
	    -Wl,-z,relro -Wl,-z,noseparate-code -Wl,-z,defs -Wl,-z,nodelete -Wl,--as-needed -Wl,--gc-sections
# Parts of libc.so.6 since glibc 2.34, and empty there.
LIBS	:= -ldl -lpthread

all: $(LIB) $(PROGRAM) $(if $(PROGRAM),build/heaptrace.bash)

$(LIB): $(HOOKS) $(CORE)
	$(CC) $(CODE) $(CFLAGS) $(LIBFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/heaptrace heaptrace: $(WRAPPER) $(CORE)
	$(CC) $(CODE) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# What only the start, a fork or a dump runs is built small. What hooks run through is built for speed, and so is the
# loop that a dump spends most of its time in where a unit's line table is long.
SMALL_DIRS := elf options symbol inflate demangle analysis format
FAST_FILES := base/probe.c process/record.c symbol/dwarf_line.c \
	$(addprefix table/,blocks.c deltas.c hints.c row.c table.c)
SMALL_FILES := $(filter-out $(FAST_FILES),$(wildcard base/*.c hooks/*.c process/*.c table/*.c $(SMALL_DIRS:%=%/*.c))) \
	$(addprefix capture/,capture.c cfi.c execinfo.c prologue.c slow.c)
$(SMALL_FILES:%.c=$(BUILD)/%.o): SMALL = $(if $(filter -O2,$(CFLAGS)),$(or $(SMALLEST),-Os))

# Nobody unwinds through the code that makes and prints reports: all signals are blocked during a dump, and nothing that
# it calls throws. A debugger reads the tables in the debug data. So it needs no place for them in the library. The same
# holds for what only the start, a fork and an end call. Code that waits with signals let through, or runs a handler of
# the program's, keeps its tables: a thread can be cancelled there, and a handler can throw or look at the stack.
TABLES_KEPT := $(addprefix process/,fatal_signal.c guard.c lifecycle.c lifecycle_threads.c own_stack.c session.c signals.c \
	threads.c) $(filter-out hooks/api.c hooks/own_allocator.c,$(wildcard hooks/*.c)) $(wildcard capture/*.c) base/kernel.c
TABLELESS := $(SMALL_DIRS:%=%/%) $(basename $(filter-out $(TABLES_KEPT),$(SMALL_FILES)))
$(TABLELESS:%=$(BUILD)/%.o): NO_TABLES := -fno-asynchronous-unwind-tables
# It can be smaller still: gcc knows -Oz from 12 on, and pushes and pops small numbers then, which its tables do not tell.
OZ	:= $(shell $(CC) -Oz -E -x c /dev/null >/dev/null 2>&1 && echo -Oz)
$(TABLELESS:%=$(BUILD)/%.o): SMALLEST := $(OZ)

# The hooks run on the stack that the program has at a call of malloc. Code in assembly, coroutines and compiled
# scripts may not keep it at a multiple of 16, which glibc's malloc seldom notices; but a compiler that may use
# x86_64's vector registers stores them with instructions that do. So what the hooks run through does without.
# (32-bit code has no vector registers here, and needs others for its atomic operations.)
HOOK_DIRS := base elf options capture table process hooks
ifndef M32
NO_VECTORS := $(if $(filter x86_64-%,$(shell $(CC) -dumpmachine)),-mgeneral-regs-only)
$(HOOK_DIRS:%=$(BUILD)/%/%.o) $(BUILD)/libheaptrace.o: HOOK_FLAGS := $(NO_VECTORS)
endif
# malloc() ends in a jump to the function that does its work, which finds the program's call site on the stack.
$(BUILD)/libheaptrace.o: HOOK_FLAGS += -foptimize-sibling-calls

# A changed compiler, DEPTH or CFLAGS rebuilds: the flags are a prerequisite of every object.
FLAGS	:= $(CC) $(CODE) $(WARN) $(CFLAGS) $(LDFLAGS) $(LIBS) $(SMALL_DIRS) $(SMALL_FILES) $(TABLELESS) $(OZ) $(NO_VECTORS) $(HOOK_DIRS)
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || echo '$(subst ','\'',$(FLAGS))' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CODE) $(WARN) $(CFLAGS) $(SMALL) $(NO_TABLES) $(HOOK_FLAGS) -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)

# The assembler puts the files of report/ into these objects, and the compiler does not list them as prerequisites.
$(BUILD)/format/html.o $(BUILD)/format/svg.o: $(wildcard report/*)

# The completion for bash. The preprocessor reads the table of options, awk makes the script.
build/heaptrace.bash: $(wildcard wrapper/completion.*) options/table.def
	@mkdir -p $(@D)
	$(CC) -E -P -x c -I. -o build/completion.rows wrapper/completion.in
	awk -v directory=wrapper -f wrapper/completion.awk build/completion.rows > $@

install: all
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(compdir) \
		$(DESTDIR)$(includedir)
	install -m 644 include/heaptrace.h $(DESTDIR)$(includedir)/heaptrace.h
	printf '%s\n' 'prefix=$(prefix)' 'includedir=$(includedir)' '' 'Name: heaptrace' \
		'Description: what a program can ask of heaptrace' 'Version: $(VERSION)' 'Cflags: -I$${includedir}' \
		> $(DESTDIR)$(libdir)/pkgconfig/heaptrace.pc
	install -m 755 heaptrace $(DESTDIR)$(bindir)/heaptrace
	install -m 755 libheaptrace.so $(DESTDIR)$(libdir)/libheaptrace.so
	if [ -f libheaptrace32.so ]; then \
		install -m 755 libheaptrace32.so $(DESTDIR)$(libdir)/libheaptrace32.so; fi
	install -m 644 heaptrace.1 $(DESTDIR)$(mandir)/man1/heaptrace.1
	install -m 644 build/heaptrace.bash $(DESTDIR)$(compdir)/heaptrace

uninstall:
	rm -f $(DESTDIR)$(includedir)/heaptrace.h $(DESTDIR)$(libdir)/pkgconfig/heaptrace.pc
	rm -f $(DESTDIR)$(bindir)/heaptrace $(DESTDIR)$(libdir)/libheaptrace.so \
		$(DESTDIR)$(libdir)/libheaptrace32.so $(DESTDIR)$(mandir)/man1/heaptrace.1 \
		$(DESTDIR)$(compdir)/heaptrace

test: all
	prove -j2 tests/

# How much time and memory tracing takes, beside every peer that is installed; see
# tests/bench/run for the variables. The library is timed as installed, with its own CFLAGS;
# the subjects always with these.
BENCH	:= $(patsubst tests/bench/%.c,build/bench/%,$(wildcard tests/bench/*.c))
bench: all $(BENCH)
	@CC='$(CC)' tests/bench/run

build/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -pthread -o $@ $<

# Each fuzzer for FUZZ_SECONDS, from its corpus; what it finds is left in build/fuzz/NAME. The bounds
# on what a file may cost are lower, and no time goes into weighing inputs: both made it ten times
# slower than it has to be.
FUZZ_SECONDS ?= 60
FUZZ_FLAGS := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DDWARF_BUDGET_BYTES=4194304 -DDWARF_STEPS=262144
fuzz: $(patsubst tests/fuzz/%.c,fuzz-%,$(filter-out %/replay.c,$(wildcard tests/fuzz/*.c)))
fuzz-%: tests/fuzz/%.c
	@mkdir -p build/fuzz/$*
	clang $(CODE) -O1 -g $(FUZZ_FLAGS) -o build/fuzz/$*/fuzzer $< \
		$(wildcard base/*.c elf/*.c options/*.c symbol/*.c inflate/*.c demangle/*.c table/*.c analysis/*.c format/*.c pack/*.c)
	cp -n tests/fuzz/corpus/$*/* build/fuzz/$*/
	cd build/fuzz/$* && ./fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -entropic=0 .

clean:
	rm -rf build heaptrace libheaptrace.so libheaptrace32.so

help:
	@echo 'make               build ./heaptrace and ./libheaptrace.so'
	@echo 'make M32=1         build ./libheaptrace32.so, for 32-bit programs'
	@echo 'make CHECK=1       the same in build/check/, checking its invariants, for tests'
	@echo 'make DEPTH=NUM     frames kept per backtrace in text dumps, 1 to 255 (8)'
	@echo 'make test          run the tests (TAP, under prove)'
	@echo 'make fuzz          run the fuzzers (clang), FUZZ_SECONDS=60 each'
	@echo 'make bench         time and memory beside the peers that are installed;'
	@echo '                   BENCH_ONLY="jq depth-8", BENCH_ROUNDS=7 and BENCH_SIZE=100'
	@echo '                   (percent) make it shorter, BENCH_RESULTS=DIR keeps results'
	@echo 'make install       into prefix=$(prefix), below DESTDIR'
	@echo 'make uninstall     take that away again'
	@echo 'make clean         remove everything built'
	@echo 'CC=clang, CFLAGS=... and WERROR=1 (warnings are errors) work with each;'
	@echo 'CC=aarch64-linux-gnu-gcc and the like build for another machine'

.PHONY: all install uninstall test bench fuzz clean help FORCE
.DELETE_ON_ERROR:
