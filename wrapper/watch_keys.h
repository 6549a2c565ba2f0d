/* SPDX-License-Identifier: GPL-2.0-only */
/* What the keys of a live view do: watch_screen.c has the list for its help page. */
#ifndef WRAPPER_WATCH_KEYS_H
#define WRAPPER_WATCH_KEYS_H

#include "watch_view.h"

/* Does what the key means. t: the terminal, of which everything is drawn anew if the user asks for that. */
void watch_keys_press(struct watch_view *v, struct terminal *t, uint32_t key);

#endif
