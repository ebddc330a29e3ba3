/* SPDX-License-Identifier: MIT */
#ifndef WF_PLAT_SIGNAL_H
#define WF_PLAT_SIGNAL_H

/* In a handler of that signal: does what the signal does where no handler is, which ends the process,
 * stops it for a while, or is nothing. The handler stays installed. Async-signal-safe. */
void wf_signal_do_default(int number);

#endif
