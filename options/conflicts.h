/* SPDX-License-Identifier: GPL-2.0-only */
/* Which options make no sense together. For the wrapper; any thread, async-signal-safe. */
#ifndef OPTIONS_CONFLICTS_H
#define OPTIONS_CONFLICTS_H

#include "options.h"

/*
 * Whether an option of the command line says nothing about the command: an option that says how a program
 * is traced with --report or --dump, or --sysroot without them. given: whether the command line has the
 * option, by enum option_id. Options of the environment go with every command, and are ignored where they
 * say nothing. why gets a message.
 */
bool conflicts_with_command(const struct options *o, const bool given[OPTIONS], struct out *why);

/* Whether the option that the command line has just set takes back what another one has set before; before: the
 * options without it. why gets a message. */
bool conflicts_by_change(const struct options *before, const struct options *o, const bool given[OPTIONS],
			 struct out *why);

/* Whether two options, wherever they were given, contradict each other; why gets a message. */
bool conflicts_among(const struct options *o, struct out *why);

#endif
