/* SPDX-License-Identifier: GPL-2.0-only */
/* The last script: it starts what the others have prepared. */
(function () {
	"use strict";

	heaptrace.startState();
	heaptrace.startHead();
	heaptrace.startTimeline();
	heaptrace.startShell();
})();
