/* SPDX-License-Identifier: GPL-2.0-only */
/* See proc.h. */
#include "proc.h"

#include "out.h"
#include "safe_open.h"

#include <fcntl.h>

void proc_path(char path[PROC_PATH_BYTES], uint32_t pid, const char *name)
{
	struct out text = out_memory(path, PROC_PATH_BYTES);

	out_text(&text, "/proc/");
	if (pid)
		out_u64(&text, pid);
	else
		out_text(&text, "self");
	out_char(&text, '/');
	out_text(&text, name);
}

int proc_open(uint32_t pid, const char *name)
{
	char path[PROC_PATH_BYTES];

	proc_path(path, pid, name);
	return safe_open_read(AT_FDCWD, path, O_RDONLY);
}
