/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See cfi.h. From an address to its row:
 *
 *	loaded_find(pc) -> the module's .eh_frame_hdr: sorted {function, FDE} pairs -> binary search
 *	-> FDE (frame description entry): does it cover pc? -> its CIE (common information entry)
 *	-> run the CIE's program, then the FDE's, until the row's addresses pass pc
 *
 * The tables are those of a loaded module. C++ exceptions rely on them, too, so they are trusted to lie where the
 * loader says. Of a copy of another process's module (cfi_find_by()) nothing is trusted: no byte outside of it is read.
 * A form that this reader does not understand gives CFI_UNSUPPORTED, and the caller uses another
 * unwinder.
 */
#include "cfi.h"

#include "arch.h"
#include "elf/loaded.h"
#include "base/reader.h"

#ifdef ARCH_DWARF_FP

/* Pointer encodings, LSB Core 5.0, table 10.2 and 10.3. */
enum {
	PE_ABSPTR = 0x00, PE_UDATA2 = 0x02, PE_UDATA4 = 0x03, PE_UDATA8 = 0x04,
	PE_SDATA2 = 0x0a, PE_SDATA4 = 0x0b, PE_SDATA8 = 0x0c,
	PE_PCREL = 0x10, PE_DATAREL = 0x30, PE_INDIRECT = 0x80, PE_OMIT = 0xff,
};

#define STATES_MAX	4	/* nested DW_CFA_remember_state; compilers do not nest them */
#define PROGRAM_MAX	65536	/* instructions; a real program has some hundreds at most */

struct cie {
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_column;
	uint8_t fde_encoding;
	bool augmented, signal_frame;
	struct reader program;
};

bool cfi_init(void)
{
	return loaded_init();
}

/* Reads an encoded pointer. PE_DATAREL is relative to datarel. Indirect pointers are not supported. */
static uintptr_t read_encoded(struct reader *r, uint8_t encoding, uintptr_t datarel)
{
	uintptr_t at = (uintptr_t)r->p, v;

	switch (encoding & 0x0f) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		v = (uintptr_t)reader_u64(r);
		break;
	case PE_UDATA4:
		v = reader_u32(r);
		break;
	case PE_SDATA4:
		v = (uintptr_t)(intptr_t)(int32_t)reader_u32(r);
		break;
	case PE_UDATA2:
		v = reader_u16(r);
		break;
	case PE_SDATA2:
		v = (uintptr_t)(intptr_t)(int16_t)reader_u16(r);
		break;
	default:
		r->bad = true;
		return 0;
	}
	switch (encoding & 0xf0) {
	case 0:
		return v;
	case PE_PCREL:
		return v + at;
	case PE_DATAREL:
		return v + datarel;
	default:
		r->bad = true;
		return 0;
	}
}

/* Returns the FDE of the last function that starts at or before pc. Returns NULL if there is none, or, with *bad set,
 * if the header, at which the reader stands, has a form that is not supported. */
static const uint8_t *search_header(const struct reader *module, uintptr_t pc, bool *bad)
{
	const uint8_t *header = module->p;
	struct reader r = *module;
	uint8_t frame_encoding, count_encoding, table_encoding;
	uint64_t low = 0, high;
	const uint8_t *table;

	*bad = true;
	if (reader_u8(&r) != 1)
		return NULL;
	frame_encoding = reader_u8(&r);
	count_encoding = reader_u8(&r);
	table_encoding = reader_u8(&r);
	if (frame_encoding != PE_OMIT)
		read_encoded(&r, frame_encoding, (uintptr_t)header);
	/* All linkers write this form of table, and no other form can be searched. */
	if (count_encoding != PE_UDATA4 || table_encoding != (PE_DATAREL | PE_SDATA4))
		return NULL;
	high = reader_u32(&r);
	table = reader_bytes(&r, high * 8);
	if (!table || (uintptr_t)table % 4)
		return NULL;
	*bad = false;
	while (low < high) {
		uint64_t middle = (low + high) / 2;
		const int32_t *pair = (const int32_t *)(table + middle * 8);

		if ((uintptr_t)header + (uintptr_t)(intptr_t)pair[0] <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	return (const uint8_t *)((uintptr_t)header + (uintptr_t)(intptr_t)((const int32_t *)(table + (low - 1) * 8))[1]);
}

/* Opens the record (a CIE or an FDE) at p: *r gets its bytes behind the first two words, the length and *id. */
static bool open_record(struct reader *r, const struct reader *module, const uint8_t *p, uint32_t *id)
{
	uint32_t length;

	*r = *module;
	if (p < module->start || p >= module->end)
		return false;
	reader_seek(r, (uint64_t)(p - module->start));
	length = reader_u32(r);
	if (r->bad || length >= 0xfffffff0 || length > reader_left(r) || length < 4)
		return false;	/* 64-bit records do not occur in .eh_frame */
	*r = reader_over(r->p, length);
	*id = reader_u32(r);
	return true;
}

static bool read_cie(struct cie *cie, const struct reader *module, const uint8_t *p)
{
	const char *augmentation;
	struct reader r;
	uint32_t id;
	uint8_t version;

	memset(cie, 0, sizeof(*cie));
	if (!open_record(&r, module, p, &id) || id)
		return false;
	version = reader_u8(&r);
	if (version != 1 && version != 3)
		return false;
	augmentation = reader_string(&r);
	cie->code_align = reader_uleb(&r);
	cie->data_align = reader_sleb(&r);
	cie->ra_column = version == 1 ? reader_u8(&r) : reader_uleb(&r);
	if (!augmentation)
		return false;
	if (*augmentation == 'z') {
		uint64_t size = reader_uleb(&r);
		struct reader data = r;

		cie->augmented = true;
		reader_skip(&r, size);
		while (*++augmentation) {
			uint8_t encoding;

			switch (*augmentation) {
			case 'R':
				cie->fde_encoding = reader_u8(&data);
				break;
			case 'S':
				cie->signal_frame = true;
				break;
			case 'P':	/* personality routine: only has to be skipped, indirect or not */
				encoding = reader_u8(&data);
				read_encoded(&data, encoding & 0x7f, 0);
				break;
			case 'L':
				reader_u8(&data);
				break;
			case 'B':	/* aarch64: signed with the B key; xpaclri strips both kinds */
			case 'G':	/* aarch64: memory tagging */
				break;
			default:
				return false;
			}
		}
		if (data.bad)
			return false;
	} else if (*augmentation) {
		return false;
	}
	cie->program = r;
	return !r.bad;
}

/* Returns the row's entry for a register, or NULL for a register that no walk needs (vector registers). */
static struct cfi_saved *followed(struct cfi_state *s, uint64_t reg)
{
	return reg < ARCH_REGISTERS ? &s->saved[reg] : NULL;
}

static void set(struct cfi_state *s, uint64_t reg, enum cfi_where where, int64_t offset)
{
	struct cfi_saved *saved = followed(s, reg);

	if (saved)
		*saved = (struct cfi_saved){ where, offset };
}

/* DW_CFA_expression gives the address at which reg is saved, and DW_CFA_val_expression its value. For the frame
 * pointer of a realigned frame GCC writes an expression of one operation, DW_OP_breg of the frame pointer. */
static void set_expression(struct cfi_state *s, uint64_t reg, struct reader *r, bool value)
{
	const uint8_t *block = r->p;
	uint64_t size = reader_uleb(r);
	const uint8_t *p = reader_bytes(r, size);
	struct reader e;
	int64_t offset;

	if (!p || !followed(s, reg))
		return;
	e = reader_over(p, size);
	if (!value && reader_u8(&e) == 0x70 + ARCH_DWARF_FP) {	/* DW_OP_breg0 is 0x70 */
		offset = reader_sleb(&e);
		if (!e.bad && e.p == e.end) {
			set(s, reg, CFI_AT_FP, offset);
			return;
		}
	}
	set(s, reg, value ? CFI_VALUE : CFI_EXPRESSION, (int64_t)(intptr_t)block);
}

/* DWARF 5, section 6.4.2 and figure 7.24. */
enum {
	CFA_ADVANCE = 0x40, CFA_OFFSET = 0x80, CFA_RESTORE = 0xc0,
	CFA_NOP = 0, CFA_SET_LOC, CFA_ADVANCE1, CFA_ADVANCE2, CFA_ADVANCE4, CFA_OFFSET_EXTENDED,
	CFA_RESTORE_EXTENDED, CFA_UNDEFINED, CFA_SAME_VALUE, CFA_REGISTER, CFA_REMEMBER,
	CFA_RESTORE_STATE, CFA_DEF_CFA, CFA_DEF_CFA_REGISTER, CFA_DEF_CFA_OFFSET,
	CFA_DEF_CFA_EXPRESSION, CFA_EXPRESSION, CFA_OFFSET_EXTENDED_SF, CFA_DEF_CFA_SF,
	CFA_DEF_CFA_OFFSET_SF, CFA_VAL_OFFSET, CFA_VAL_OFFSET_SF, CFA_VAL_EXPRESSION,
	CFA_NEGATE_RA_STATE = 0x2d, CFA_GNU_ARGS_SIZE = 0x2e, CFA_GNU_NEGATIVE_OFFSET = 0x2f,
};

/* The state of a program: the current row, the address that it begins at, and earlier rows to go back to. */
struct machine {
	const struct cie *cie;
	struct cfi_state now, initial, remembered[STATES_MAX];
	unsigned remembered_count;
	uintptr_t location, pc;
};

/* A factored offset. Any number can stand in the information, so that it may overflow. */
static int64_t product(uint64_t number, int64_t align)
{
	return (int64_t)(number * (uint64_t)align);
}

/* Executes an instruction that defines the CFA. Returns false for other instructions. */
static bool define_cfa(struct cfi_state *s, uint8_t op, int64_t align, struct reader *r)
{
	switch (op) {
	case CFA_DEF_CFA:
	case CFA_DEF_CFA_SF:
		s->cfa_register = reader_uleb(r);
		s->cfa_offset = op == CFA_DEF_CFA ? (int64_t)reader_uleb(r) : product((uint64_t)reader_sleb(r), align);
		s->cfa_expression = NULL;
		return true;
	case CFA_DEF_CFA_REGISTER:
		s->cfa_register = reader_uleb(r);
		return true;
	case CFA_DEF_CFA_OFFSET:
		s->cfa_offset = (int64_t)reader_uleb(r);
		return true;
	case CFA_DEF_CFA_OFFSET_SF:
		s->cfa_offset = product((uint64_t)reader_sleb(r), align);
		return true;
	case CFA_DEF_CFA_EXPRESSION:
		s->cfa_expression_size = reader_uleb(r);
		s->cfa_expression = reader_bytes(r, s->cfa_expression_size);
		return s->cfa_expression != NULL;
	default:
		return false;
	}
}

/* Executes an instruction that does not advance the location. Returns false if it is not supported. */
static bool execute(struct machine *m, uint8_t op, struct reader *r)
{
	int64_t align = m->cie->data_align;
	struct cfi_state *s = &m->now;
	uint64_t reg;

	if ((op & 0xc0) == CFA_OFFSET) {
		set(s, op & 0x3f, CFI_AT_CFA, product(reader_uleb(r), align));
		return true;
	}
	if ((op & 0xc0) == CFA_RESTORE || op == CFA_RESTORE_EXTENDED) {
		reg = op == CFA_RESTORE_EXTENDED ? reader_uleb(r) : op & 0x3fu;
		if (followed(s, reg))
			*followed(s, reg) = *followed(&m->initial, reg);
		return true;
	}
	switch (op) {
	case CFA_NOP:
	case CFA_NEGATE_RA_STATE:	/* the signature is stripped in any case: see arch_return_address() */
		return true;
	case CFA_OFFSET_EXTENDED:
		reg = reader_uleb(r);
		set(s, reg, CFI_AT_CFA, product(reader_uleb(r), align));
		return true;
	case CFA_OFFSET_EXTENDED_SF:
		reg = reader_uleb(r);
		set(s, reg, CFI_AT_CFA, product((uint64_t)reader_sleb(r), align));
		return true;
	case CFA_GNU_NEGATIVE_OFFSET:
		reg = reader_uleb(r);
		set(s, reg, CFI_AT_CFA, product(-reader_uleb(r), align));
		return true;
	case CFA_UNDEFINED:
		set(s, reader_uleb(r), CFI_UNDEFINED, 0);
		return true;
	case CFA_SAME_VALUE:
		set(s, reader_uleb(r), CFI_SAME, 0);
		return true;
	case CFA_REGISTER:
		reg = reader_uleb(r);
		set(s, reg, CFI_REGISTER, (int64_t)reader_uleb(r));
		return true;
	case CFA_VAL_OFFSET:
	case CFA_VAL_OFFSET_SF:
		set(s, reader_uleb(r), CFI_OTHER, 0);
		reader_uleb(r);
		return true;
	case CFA_EXPRESSION:
	case CFA_VAL_EXPRESSION:
		reg = reader_uleb(r);
		set_expression(s, reg, r, op == CFA_VAL_EXPRESSION);
		return true;
	case CFA_REMEMBER:
		if (m->remembered_count == STATES_MAX)
			return false;
		m->remembered[m->remembered_count++] = *s;
		return true;
	case CFA_RESTORE_STATE:
		if (!m->remembered_count)
			return false;
		*s = m->remembered[--m->remembered_count];
		return true;
	case CFA_GNU_ARGS_SIZE:
		reader_uleb(r);
		return true;
	default:
		return define_cfa(s, op, align, r);
	}
}

/* Executes an instruction that advances the location. Returns false for other instructions. */
static bool advance(struct machine *m, uint8_t op, struct reader *r)
{
	uint64_t distance;

	if ((op & 0xc0) == CFA_ADVANCE)
		distance = op & 0x3f;
	else if (op == CFA_ADVANCE1)
		distance = reader_u8(r);
	else if (op == CFA_ADVANCE2)
		distance = reader_u16(r);
	else if (op == CFA_ADVANCE4)
		distance = reader_u32(r);
	else if (op == CFA_SET_LOC) {
		m->location = read_encoded(r, m->cie->fde_encoding, 0);
		return true;
	} else {
		return false;
	}
	m->location += distance * m->cie->code_align;
	return true;
}

/* Runs a program until its location passes pc. Returns false if an instruction is not supported. */
static bool run(struct machine *m, struct reader r)
{
	for (int i = 0; r.p < r.end && i < PROGRAM_MAX; i++) {
		uint8_t op = reader_u8(&r);

		if (advance(m, op, &r)) {
			if (m->location > m->pc)
				return !r.bad;
		} else if (!execute(m, op, &r)) {
			return false;
		}
		if (r.bad)
			return false;
	}
	return true;
}

/* Makes a row from the state at pc. Returns CFI_UNSUPPORTED if the CFA has a form that the row cannot express. */
static enum cfi_status resolve(const struct cfi_state *s, uintptr_t pc, struct cfi_row *row)
{
	row->fp = s->saved[ARCH_DWARF_FP];
	row->ra = s->saved[ARCH_DWARF_RA];
	row->cfa_deref = false;
	row->cfa_offset = s->cfa_offset;
	if (s->cfa_expression) {
		struct reader e = reader_over(s->cfa_expression, s->cfa_expression_size);
		int64_t plt = arch_plt_cfa(s->cfa_expression, s->cfa_expression_size, pc);

		if (plt) {
			row->cfa_is_fp = false;
			row->cfa_offset = plt;
			return CFI_FOUND;
		}
		/* A realigned frame (DRAP, dynamic realign argument pointer): DW_OP_breg(fp) offset; DW_OP_deref */
		if (reader_u8(&e) != 0x70 + ARCH_DWARF_FP)
			return CFI_UNSUPPORTED;
		row->cfa_is_fp = row->cfa_deref = true;
		row->cfa_offset = reader_sleb(&e);
		/* DW_OP_deref is 0x06. */
		return reader_u8(&e) == 0x06 && !e.bad && e.p == e.end ? CFI_FOUND : CFI_UNSUPPORTED;
	}
	if (s->cfa_register != ARCH_DWARF_FP && s->cfa_register != ARCH_DWARF_SP)
		return CFI_UNSUPPORTED;
	row->cfa_is_fp = s->cfa_register == ARCH_DWARF_FP;
	return CFI_FOUND;
}

/*
 * A reader at the header, over the bytes that offsets of 32 bits can reach from there. The module's start and end
 * cannot be the bounds, because in a module with gaps they are those of the segment that holds pc.
 */
static struct reader around(const uint8_t *header)
{
	uintptr_t at = (uintptr_t)header, reach = (uintptr_t)INT32_MAX;
	uintptr_t start = at > reach ? at - reach : 1, end = at < UINTPTR_MAX - reach ? at + reach : UINTPTR_MAX;

	return (struct reader){ .start = (const uint8_t *)start, .p = header, .end = (const uint8_t *)end };
}

/* Finds the module's header of unwind information. *gap_start: see struct cfi_row. */
static enum cfi_status find_header(uintptr_t pc, const uint8_t **header, uintptr_t *gap_start)
{
	struct loaded_module loaded;

	*gap_start = 0;
	switch (loaded_find(pc, &loaded)) {
	case LOADED_FOUND:
		break;
	case LOADED_NONE:
		return CFI_NONE;
	case LOADED_UNKNOWN:
		return CFI_UNKNOWN;
	}
	*gap_start = loaded.start;
	*header = loaded.eh_frame_header;
	return *header ? CFI_FOUND : CFI_NONE;
}

/* Finds the FDE of the function that holds pc, in the module at whose header the reader stands. *r gets its bytes
 * behind the two addresses, and *start the function's start. *gap_start: see struct cfi_row. */
static enum cfi_status find_fde(const struct reader *module, uintptr_t pc, struct reader *r, struct cie *cie,
				uintptr_t *start, uintptr_t *gap_start)
{
	const uint8_t *fde, *id_at;
	uintptr_t size;
	uint32_t id;
	bool bad;

	fde = search_header(module, pc, &bad);
	if (!fde)
		return bad ? CFI_UNSUPPORTED : CFI_NONE;
	if (!open_record(r, module, fde, &id) || !id)
		return CFI_UNSUPPORTED;
	id_at = r->start;
	if (!read_cie(cie, module, (const uint8_t *)((uintptr_t)id_at - id)) || cie->ra_column != ARCH_DWARF_RA)
		return CFI_UNSUPPORTED;
	*start = read_encoded(r, cie->fde_encoding, 0);
	size = read_encoded(r, cie->fde_encoding & 0x0f, 0);
	if (r->bad || pc < *start)
		return CFI_UNSUPPORTED;
	if (pc - *start < size)
		return CFI_FOUND;
	*gap_start = *start + size;	/* pc lies between two functions */
	return CFI_NONE;
}

/* Runs the programs of the CIE and the FDE up to pc; m->now becomes the state there. */
static enum cfi_status find_state(const struct reader *module, uintptr_t pc, struct machine *m, struct cie *cie,
				  uintptr_t *gap_start)
{
	struct reader r;
	uintptr_t start;
	enum cfi_status status = find_fde(module, pc, &r, cie, &start, gap_start);

	if (status != CFI_FOUND)
		return status;
	if (cie->augmented)
		reader_skip(&r, reader_uleb(&r));
	memset(m, 0, sizeof(*m));
	m->cie = cie;
	m->location = start;
	m->pc = pc;
	if (r.bad || !run(m, cie->program))
		return CFI_UNSUPPORTED;
	m->initial = m->now;
	m->location = start;
	return run(m, r) ? CFI_FOUND : CFI_UNSUPPORTED;
}

static enum cfi_status find_row(const struct reader *module, uintptr_t pc, struct cfi_row *row)
{
	struct machine m;
	struct cie cie;
	enum cfi_status status = find_state(module, pc, &m, &cie, &row->gap_start);

	if (status != CFI_FOUND)
		return status;
	row->signal_frame = cie.signal_frame;
	if (row->signal_frame)	/* its rules are expressions, one for each register (x86_64's __restore_rt) */
		return CFI_FOUND;
	return resolve(&m.now, pc, row);
}

enum cfi_status cfi_find_by(const uint8_t *image, size_t bytes, size_t header_at, uintptr_t pc, struct cfi_row *row)
{
	struct reader module = reader_over(image, bytes);

	reader_seek(&module, header_at);
	return find_row(&module, pc, row);
}

enum cfi_status cfi_find(uintptr_t pc, struct cfi_row *row)
{
	const uint8_t *header;
	enum cfi_status status = find_header(pc, &header, &row->gap_start);
	struct reader module;

	if (status != CFI_FOUND)
		return status;
	module = around(header);
	return find_row(&module, pc, row);
}

enum cfi_status cfi_find_state(uintptr_t pc, struct cfi_state *state)
{
	struct machine m;
	struct cie cie;
	uintptr_t gap_start;
	const uint8_t *header;
	enum cfi_status status = find_header(pc, &header, &gap_start);
	struct reader module;

	if (status == CFI_FOUND) {
		module = around(header);
		status = find_state(&module, pc, &m, &cie, &gap_start);
	}
	if (status == CFI_FOUND) {
		*state = m.now;
		state->signal_frame = cie.signal_frame;
	}
	return status;
}

#else

bool cfi_init(void)
{
	return false;
}

enum cfi_status cfi_find(uintptr_t pc, struct cfi_row *row)
{
	(void)pc;
	(void)row;
	return CFI_UNSUPPORTED;
}

enum cfi_status cfi_find_by(const uint8_t *image, size_t bytes, size_t header_at, uintptr_t pc, struct cfi_row *row)
{
	(void)image;
	(void)bytes;
	(void)header_at;
	return cfi_find(pc, row);
}

#endif
