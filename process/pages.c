/* SPDX-License-Identifier: GPL-2.0-only */
/* See pages.h. */
#include "pages.h"

#include "base/out.h"
#include "base/proc.h"
#include "record.h"
#include "table/regions.h"
#include "table/special.h"
#include "table/thread_list.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAMES	384u	/* of the names that the table has room for, so many may be files' */

uint32_t pages_mode;

__attribute__((cold)) void pages_start(bool wanted)
{
	store_relaxed(&pages_mode, wanted && regions_start(&recorder.table) ? PAGES_ON : PAGES_OFF);
}

/* ---- Names ---- */

static void write_file(struct out *name, int fd)
{
	static const char deleted[] = " (deleted)", memfd[] = "/memfd:";
	char link[PROC_PATH_BYTES], path[512];
	struct out text = out_memory(link, sizeof(link));
	const char *from = path;
	ssize_t bytes;
	size_t room;

	out_text(&text, "/proc/self/fd/");
	out_u64(&text, (unsigned)fd);
	bytes = readlink(out_string(&text), path, sizeof(path) - 1);
	if (bytes <= 0) {
		out_text(name, "(file)");
		return;
	}
	path[bytes] = '\0';
	if (!strncmp(path, memfd, sizeof(memfd) - 1)) {
		size_t tail = sizeof(deleted) - 1;

		from++;
		if ((size_t)bytes > tail && !strcmp(path + bytes - tail, deleted))
			path[bytes - (ssize_t)tail] = '\0';
	}
	room = SPECIAL_NAME_BYTES - 1 - name->len;
	if (strlen(from) > room) {
		out_text(name, "...");
		from += strlen(from) - (room - 3);
	}
	out_text(name, from);
}

/* The number of the name. Files share one name when there are too many. */
static uint32_t name_of(enum pages_entry entry, const struct pages_new *made)
{
	struct table *t = &recorder.table;
	char buf[SPECIAL_NAME_BYTES];
	struct out name = out_memory(buf, sizeof(buf));
	uint32_t number;

	out_text(&name, made->call);
	if (entry == PAGES_NESTED) {
		out_text(&name, " (allocator)");
	} else if (made->what) {
		out_text(&name, made->what);
	} else if (made->fd >= 0) {
		out_char(&name, ' ');
		if (load_relaxed(&t->head->special_count) < FILE_NAMES)
			write_file(&name, made->fd);
		else
			out_text(&name, "(file)");
	}
	number = special_name_number(t, out_string(&name));
	return number ? number : special_name_number(t, made->call);
}

/* ---- Recording ---- */

static uint32_t row_of(enum pages_entry entry, uintptr_t frame, const struct capture_point *from)
{
	uintptr_t frames[2] = { frame, from->pc };
	struct suffix suffixes[2];

	if (entry == PAGES_ENTERED)
		return record_find_row(frame, from->pc, from->sp, from->fp);
	return table_intern(&recorder.table, frames, recorder.depth > 1 ? 2 : 1, 0, suffixes, NULL);
}

void pages_mapped(enum pages_entry entry, const void *at, size_t size_bytes, const struct pages_new *made,
		  const struct capture_point *from)
{
	struct table *t = &recorder.table;
	int saved = errno;
	uint32_t row;

	if (entry == PAGES_PASSES || !size_bytes)
		return;
	if (control_mode(recorder.mode) >= CONTROL_OFF) {
		pages_unmapped(pages_unmapping(at, size_bytes), true);	/* of what was mapped there before */
		return;
	}
	row = row_of(entry, special_frame(SPECIAL_PAGES, name_of(entry, made)), from);
	if (!process_has_one_thread())
		thread_list_note_slow(t, row, guard_self.number);
	regions_add(t, (uintptr_t)at, (uintptr_t)at + size_bytes, row);
	errno = saved;
}

uint32_t pages_unmapping(const void *at, size_t size_bytes)
{
	uintptr_t start = (uintptr_t)at, end = start + size_bytes;

	return end > start ? regions_take(&recorder.table, start, end) : 0;
}

void pages_unmapped(uint32_t taken, bool done)
{
	if (done)
		regions_gone(&recorder.table, taken);
	else
		regions_put_back(&recorder.table, taken);
}

size_t pages_mapping_bytes(const void *at)
{
	uint64_t end = regions_end_of_mapping(&recorder.table, (uintptr_t)at);

	return end ? (size_t)(end - (uintptr_t)at) : 0;
}

void pages_forked(void)
{
	if (load_relaxed(&pages_mode) == PAGES_ON)
		regions_forked(&recorder.table);
}
