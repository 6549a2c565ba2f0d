/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds options that contradict each other or the command. For the wrapper. Any thread may call these functions. */
#ifndef OPTIONS_CONFLICTS_H
#define OPTIONS_CONFLICTS_H

#include "options.h"

/*
 * Whether the command line has an option without an effect on the command: with --report or --dump an option for
 * tracing a program, or without these --sysroot. given: for each enum option_id, whether the command line has the
 * option. Options of the environment are allowed with every command, and are ignored where they have no effect.
 * If the result is true, a message is added to *why.
 */
bool conflicts_with_command(const struct options *o, const bool given[OPTIONS], struct out *why);

/* Whether the option of the command line that was set last has changed the value that another option of the
 * command line had set. before: the options without the last one. If so, a message is added to *why. */
bool conflicts_by_change(const struct options *before, const struct options *o, const bool given[OPTIONS],
			 struct out *why);

/* Whether the command line has an option that only has an effect together with another one, which is given nowhere. If
 * so, a message is added to *why. */
bool conflicts_by_lack(const struct options *o, const bool given[OPTIONS], struct out *why);

/* Whether two options, wherever they were given, contradict each other. If so, a message is added to *why. */
bool conflicts_among(const struct options *o, struct out *why);

#endif
