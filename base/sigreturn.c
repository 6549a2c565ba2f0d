/* SPDX-License-Identifier: GPL-2.0-only */
/* See sigreturn.h. Debuggers and libgcc recognize this code by its bytes, too. */
#include "sigreturn.h"

#include <stddef.h>
#include <string.h>

struct form {
	uint8_t bytes;
	uint8_t code[SIGRETURN_BYTES];
};

static const struct form forms[] = {
#if defined(__x86_64__)
	{ 9, { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 } },	/* mov $15,%rax; syscall */
#elif defined(__i386__)
	{ 7, { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80 } },		/* mov $173,%eax; int $0x80 */
	{ 8, { 0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80 } },	/* pop %eax; mov $119,%eax; int $0x80 */
#elif defined(__aarch64__)
	/* mov x8, #139; svc #0. Instructions are little-endian on big-endian machines, too. */
	{ 8, { 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4 } },
#endif
	{ 0, { 0 } },
};

bool sigreturn_is_at(uintptr_t pc)
{
	for (const struct form *f = forms; f->bytes; f++) {
		if (!memcmp((const void *)pc, f->code, f->bytes))
			return true;
	}
	return false;
}
