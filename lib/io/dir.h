/* SPDX-License-Identifier: MIT
 * Folders, for what makes or removes more than one. */
#ifndef WF_IO_DIR_H
#define WF_IO_DIR_H

#include "plat/cc.h"

#include <weft/dir.h>

/* weft_dir_remove_all as a job that no cancel cuts short; path: a char *. */
int wf_dir_remove_all_job(void *path);

/* As weft_dir_make_all, in a job. */
WF_MUST_CHECK int wf_dir_make_all(const char *path, unsigned mode);

#endif
