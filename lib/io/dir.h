/* SPDX-License-Identifier: MIT
 * Folders, for teardown. */
#ifndef WF_IO_DIR_H
#define WF_IO_DIR_H

#include <weft/dir.h>

/* weft_dir_remove_all as a job that no cancel cuts short; path: a char *. */
int wf_dir_remove_all_job(void *path);

#endif
