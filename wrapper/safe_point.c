/* SPDX-License-Identifier: GPL-2.0-only */
/* See safe_point.h. */
#include "safe_point.h"

#include "base/path.h"
#include "target_unwind.h"

#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define FRAMES_MAX	256
#define SCAN_BYTES_MAX	(256u * 1024)

/* ---- Names and numbers ---- */

/* Functions of libc whose locks dlopen(), malloc() or the tracer's start need, or during which what they use is
 * half changed. Of the allocation functions those of other allocators, too, which a program may have inside. */
static const char *const unsafe_names[] = {
	"malloc", "free", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc", "posix_memalign", "valloc",
	"pvalloc", "cfree", "malloc_trim", "malloc_stats", "malloc_info", "mallinfo", "mallinfo2", "mallopt", "fork",
	"vfork", "_Fork", "forkpty", "daemon", "posix_spawn", "posix_spawnp", "system", "popen", "pclose", "exit",
	"_exit", "_Exit", "quick_exit", "abort", "atexit", "on_exit", "at_quick_exit", "cxa_atexit",
	"cxa_at_quick_exit", "cxa_finalize", "cxa_thread_atexit_impl", "register_atfork", "pthread_atfork",
	"pthread_create", "pthread_exit", "freeres", "thread_freeres", "dl_iterate_phdr", "dlopen", "dlmopen",
	"dlclose", "dlsym", "dlvsym", "dladdr", "dladdr1", "dlinfo", "dlerror", "dlopen_mode", "setuid", "setgid",
	"seteuid", "setegid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "Znwm", "Znam", "ZdlPv",
	"ZdaPv", "ZdlPvm", "ZdaPvm",
};

static bool begins_with(const char **name, const char *prefix)
{
	size_t bytes = strlen(prefix);

	if (strncmp(*name, prefix, bytes))
		return false;
	*name += bytes;
	return true;
}

static bool is_unsafe_name(const char *name)
{
	if (!strcmp(name, "_exit") || !strcmp(name, "_Exit") || !strcmp(name, "_Fork"))
		return true;
	while (begins_with(&name, "__libc_") || begins_with(&name, "__GI_") || begins_with(&name, "__") ||
	       begins_with(&name, "_") || begins_with(&name, "je_") || begins_with(&name, "mi_") ||
	       begins_with(&name, "tc_") || begins_with(&name, "rjem_"))
		;
	for (size_t i = 0; i < sizeof(unsafe_names) / sizeof(unsafe_names[0]); i++) {
		if (!strcmp(name, unsafe_names[i]))
			return true;
	}
	return false;
}

bool safe_point_is_wait(long system_call)
{
	switch (system_call) {
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
	case SYS_poll:
	case SYS_select:
	case SYS_pause:
#endif
	case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_accept:
	case SYS_accept4:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_rt_sigtimedwait:
	case SYS_rt_sigsuspend:
	case SYS_msgrcv:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_io_getevents:
		return true;
	default:
		return false;
	}
}

/* Whether the thread is in such a call. Condition variables, semaphores and the end of a thread are waited for by
 * FUTEX_WAIT_BITSET, which libc's own locks never use. */
static bool is_waiting(const struct thread *t, const struct registers *r)
{
	unsigned bytes = registers_instruction_bytes;
	uint8_t code[16] = { 0 };
	long number;

	if (!target_read(t->target, registers_pc(r) - bytes, code, 2 * bytes))
		return false;
	number = registers_system_call(r, code, code + bytes);
	return safe_point_is_wait(number) ||
	       (number == SYS_futex && (registers_argument(r, 1) & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET);
}

/* ---- The stack ---- */

struct stack {
	const struct target *target;
	struct target_frame frame[FRAMES_MAX];	/* the innermost first */
	struct target_module *module[FRAMES_MAX];	/* of each; NULL: none */
	bool trampoline[FRAMES_MAX];
	unsigned frames;
	enum target_step end;
	struct safe_point *point;
};

static void say_unsafe(struct safe_point *p, const char *where, const struct target_module *m)
{
	p->safe = false;
	snprintf(p->why, sizeof(p->why), "it is in %s%s%s", where, m ? " of " : "", m ? path_name(m->path) : "");
}

static void unwind(struct stack *s, const struct registers *r)
{
	struct target_frame f;

	target_unwind_begin(&f, r);
	for (s->frames = 0, s->end = TARGET_OUTWARD; s->end == TARGET_OUTWARD && s->frames < FRAMES_MAX; s->frames++) {
		const struct target_area *a = target_area_at(s->target, f.pc);

		s->frame[s->frames] = f;
		s->module[s->frames] = a ? a->module : NULL;
		s->trampoline[s->frames] = target_unwind_is_trampoline(s->target, f.pc);
		s->end = target_unwind_step(s->target, &f);
	}
}

static enum target_kind kind_at(const struct stack *s, unsigned i)
{
	return s->module[i] && !s->trampoline[i] ? s->module[i]->kind : TARGET_OTHER;
}

/* The first of the outermost frames that are libc's: those that have called the thread's first function, and perhaps
 * one of the program, _start(), which has called them. s->frames: there are none. */
static unsigned outer_libc(const struct stack *s)
{
	unsigned end = s->frames, first;

	if (s->end != TARGET_OUTERMOST)
		return end;
	if (end > 1 && kind_at(s, end - 1) != TARGET_LIBC)
		end--;
	for (first = end; first > 0 && kind_at(s, first - 1) == TARGET_LIBC; first--)
		;
	return first == end ? s->frames : first;
}

static void see_name(const char *name, void *context)
{
	struct safe_point *p = context;

	if (p->safe && is_unsafe_name(name)) {
		char where[80];

		snprintf(where, sizeof(where), "%.70s()", name);
		say_unsafe(p, where, NULL);
	}
}

/* How many names the function of frame i has. An unsafe one makes the answer. */
static unsigned names_at(const struct stack *s, unsigned i)
{
	uint64_t pc = s->frame[i].pc - (s->frame[i].interrupted ? 0 : 1);

	return target_names_at(s->target, s->module[i], pc, see_name, s->point);
}

/* Judges frame i, which is libc's. waiting: the innermost frames, before `inner`, are of a system call that only waits.
 * outer: see outer_libc(). */
static void judge_libc(const struct stack *s, unsigned i, unsigned inner, unsigned outer)
{
	unsigned last = i;

	if (names_at(s, i) || i < inner || (i >= outer && outer > 0))
		return;
	while (last + 1 < s->frames && kind_at(s, last + 1) == TARGET_LIBC)
		last++;
	if (last == i || last >= outer || !names_at(s, last))
		say_unsafe(s->point, "a function without a name", s->module[i]);
}

/* Judges all frames that were found. */
static void judge_frames(const struct stack *s, bool waiting)
{
	unsigned outer = outer_libc(s), inner = 0;

	while (waiting && inner < s->frames && kind_at(s, inner) == TARGET_LIBC)
		inner++;
	for (unsigned i = 0; i < s->frames && s->point->safe; i++) {
		switch (kind_at(s, i)) {
		case TARGET_LOADER:
		case TARGET_LIBDL:
			say_unsafe(s->point, "the dynamic loader", NULL);
			break;
		case TARGET_ALLOCATOR:
			say_unsafe(s->point, "its allocator", s->module[i]);
			break;
		case TARGET_TRACER:
			say_unsafe(s->point, "heaptrace's own code", NULL);
			break;
		case TARGET_UNWINDER:
		case TARGET_SANITIZER:
			say_unsafe(s->point, "a function", s->module[i]);
			break;
		case TARGET_OWN_ALLOCATOR:
			names_at(s, i);
			if (!i && s->point->safe)
				say_unsafe(s->point, "code of the program that may be its own malloc()", NULL);
			break;
		case TARGET_LIBC:
			judge_libc(s, i, inner, outer);
			break;
		case TARGET_OTHER:
		case TARGET_VDSO:
			break;
		}
	}
}

/* Judges all words from the outermost frame on that can be return addresses. */
static void scan(const struct stack *s)
{
	uint64_t sp = s->frame[s->frames - 1].sp & ~UINT64_C(7), word;
	const struct target_area *stack = target_area_at(s->target, sp);
	uint64_t end = stack ? stack->end : sp;

	if (end - sp > SCAN_BYTES_MAX)
		end = sp + SCAN_BYTES_MAX;
	for (; sp < end && s->point->safe; sp += sizeof(word)) {
		uint8_t before[REGISTERS_CALL_BYTES];
		const struct target_area *a;

		if (!target_read(s->target, sp, &word, sizeof(word)))
			return;
		a = target_area_at(s->target, word);
		if (!a || !a->executable || !a->module || a->module->kind == TARGET_OTHER ||
		    a->module->kind == TARGET_VDSO ||
		    !target_read(s->target, word - sizeof(before), before, sizeof(before)) ||
		    !registers_is_call(before))
			continue;
		if (a->module->kind == TARGET_LIBC || a->module->kind == TARGET_OWN_ALLOCATOR)
			target_names_at(s->target, a->module, word - 1, see_name, s->point);
		else
			say_unsafe(s->point, "perhaps a function", a->module);
	}
}

void safe_point_judge(struct safe_point *p, const struct thread *t, const struct registers *r, bool first)
{
	static struct stack s;
	bool waiting = is_waiting(t, r);

	*p = (struct safe_point){ .safe = true };
	s = (struct stack){ .target = t->target, .point = p };
	unwind(&s, r);
	judge_frames(&s, waiting);
	if (!p->safe || s.end == TARGET_OUTERMOST) {
		if (p->safe && !first && outer_libc(&s) == s.frames)
			say_unsafe(p, "a thread that pthread_create() has not made", NULL);
		return;
	}
	if (!waiting || !first)
		say_unsafe(p, "code whose callers cannot be found (there is no unwind information for it)", NULL);
	else
		scan(&s);
}
