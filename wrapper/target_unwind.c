/* SPDX-License-Identifier: GPL-2.0-only */
/* See target_unwind.h. */
#include "target_unwind.h"

#include "base/sigreturn.h"
#include "capture/arch.h"
#include "capture/cfi.h"

void target_unwind_begin(struct target_frame *f, const struct registers *r)
{
	*f = (struct target_frame){
		.pc = registers_pc(r), .sp = registers_sp(r), .fp = registers_fp(r),
		.link = registers_link(r), .interrupted = true,
	};
}

#ifdef ARCH_DWARF_FP

#define FRAME_MAX	(UINT64_C(64) << 20)	/* bytes between two frame records: more is no stack */

static bool load(const struct target *t, uint64_t address, uint64_t *value)
{
	return target_read(t, address, value, sizeof(*value));
}

/* From a signal trampoline to the frame that the signal has interrupted. */
static enum target_step step_signal(const struct target *t, struct target_frame *f)
{
	struct target_frame outer = { .interrupted = true };

	if (!load(t, f->sp + ARCH_SIGNAL_PC, &outer.pc) || !load(t, f->sp + ARCH_SIGNAL_SP, &outer.sp) ||
	    !load(t, f->sp + ARCH_SIGNAL_FP, &outer.fp) ||
	    (ARCH_LINK_REGISTER && !load(t, f->sp + ARCH_SIGNAL_LR, &outer.link)))
		return TARGET_LOST;
	*f = outer;
	return TARGET_OUTWARD;
}

/* From code without unwind information, by the frame record that most such code stores: JIT compilers' does. */
static enum target_step step_record(const struct target *t, struct target_frame *f)
{
	uint64_t fp, ra;
	const struct target_area *a;

	if (f->fp < f->sp || f->fp - f->sp > FRAME_MAX || f->fp % 8 || !load(t, f->fp, &fp) || !load(t, f->fp + 8, &ra))
		return TARGET_LOST;
	ra = arch_return_address(ra);
	a = target_area_at(t, ra);
	if (!a || !a->executable)
		return TARGET_LOST;
	*f = (struct target_frame){ .pc = ra, .sp = f->fp + 16, .fp = fp };
	return TARGET_OUTWARD;
}

/* Finds the value that was saved of a register. */
static bool find_saved(const struct target *t, const struct target_frame *f, const struct cfi_saved *s, uint64_t cfa,
		       uint64_t same, uint64_t *value)
{
	switch (s->where) {
	case CFI_SAME:
		*value = same;
		return true;
	case CFI_AT_CFA:
		return load(t, cfa + (uint64_t)s->offset, value);
	case CFI_AT_FP:
		return load(t, f->fp + (uint64_t)s->offset, value);
	default:
		return false;
	}
}

static enum target_step step_row(const struct target *t, struct target_frame *f, const struct cfi_row *row)
{
	struct target_frame outer = { 0 };
	uint64_t cfa = (row->cfa_is_fp ? f->fp : f->sp) + (uint64_t)row->cfa_offset;

	if (row->ra.where == CFI_UNDEFINED)
		return TARGET_OUTERMOST;
	/* A return address that has not been saved is in the link register, as long as the function has made no
	 * call. */
	if (row->ra.where == CFI_SAME && !(ARCH_LINK_REGISTER && f->interrupted))
		return TARGET_LOST;
	if ((row->cfa_deref && !load(t, cfa, &cfa)) || cfa < f->sp || (cfa == f->sp && !f->interrupted) ||
	    !find_saved(t, f, &row->ra, cfa, f->link, &outer.pc))
		return TARGET_LOST;
	/* Where the frame pointer is lost, the frames that need it are not found. */
	if (!find_saved(t, f, &row->fp, cfa, f->fp, &outer.fp))
		outer.fp = 0;
	outer.pc = arch_return_address(outer.pc);
	outer.sp = cfa;
	*f = outer;
	return outer.pc ? TARGET_OUTWARD : TARGET_OUTERMOST;
}

bool target_unwind_is_trampoline(const struct target *t, uint64_t pc)
{
	uint8_t code[SIGRETURN_BYTES];

	return target_read(t, pc, code, sizeof(code)) && sigreturn_is_at((uintptr_t)code);
}

enum target_step target_unwind_step(const struct target *t, struct target_frame *f)
{
	const struct target_area *a = target_area_at(t, f->pc);
	struct target_module *m = a ? a->module : NULL;
	const uint8_t *image;
	struct cfi_row row;
	enum cfi_status status = CFI_NONE;

	if (!a || !a->executable)
		return TARGET_LOST;
	if (target_unwind_is_trampoline(t, f->pc))
		return step_signal(t, f);
	image = m ? target_image(t, m) : NULL;
	if (image)
		status = cfi_find_by(image, m->end - m->start, m->unwind_at - m->start,
				     (uintptr_t)image + (f->pc - m->start) - (f->interrupted ? 0 : 1), &row);
	if (status == CFI_FOUND)
		return row.signal_frame ? step_signal(t, f) : step_row(t, f, &row);
	return status == CFI_NONE ? step_record(t, f) : TARGET_LOST;
}

#else

bool target_unwind_is_trampoline(const struct target *t, uint64_t pc)
{
	(void)t;
	(void)pc;
	return false;
}

enum target_step target_unwind_step(const struct target *t, struct target_frame *f)
{
	(void)t;
	(void)f;
	return TARGET_LOST;
}

#endif
