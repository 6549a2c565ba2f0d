/* SPDX-License-Identifier: GPL-2.0-only */
/* The last script: it starts what the others have prepared. */
"use strict";

document.title = "heaptrace " + heaptrace.document.process.command;
