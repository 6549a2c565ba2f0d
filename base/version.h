/* SPDX-License-Identifier: GPL-2.0-only */
/* The version of heaptrace, which the Makefile defines, as a literal. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#ifndef HEAPTRACE_VERSION
#define HEAPTRACE_VERSION "unknown"	/* a test that compiles single files */
#endif

#endif
