/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel says about the memory of a process, for reports. Async-signal-safe, keeps no descriptor open. */
#ifndef PROCESS_PROCESS_FIGURES_H
#define PROCESS_PROCESS_FIGURES_H

#include "analysis/model.h"

/* Sets the sizes in *p that /proc/PID/statm and /proc/PID/status have. pid: the process as seen from here; 0: this
 * process. What cannot be read stays as it is. */
void process_figures_read(struct model_process *p, uint32_t pid);

#endif
