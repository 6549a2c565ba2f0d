/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's part of the unwinder; without ARCH_DWARF_FP there is no fast one. */
#ifndef CAPTURE_ARCH_H
#define CAPTURE_ARCH_H

#if defined(__x86_64__)
#include "arch_x86_64.h"
#endif

#endif
