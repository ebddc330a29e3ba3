/* SPDX-License-Identifier: MIT
 * weft_run outside a simulated run, in the library weft_sim. */
#ifndef WF_TASK_SIM_MAIN_H
#define WF_TASK_SIM_MAIN_H

int wf_sim_main(int (*main_task)(void *arg), void *arg);

#endif
