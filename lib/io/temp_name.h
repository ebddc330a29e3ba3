/* SPDX-License-Identifier: MIT
 * Names that nobody else has. */
#ifndef WF_IO_TEMP_NAME_H
#define WF_IO_TEMP_NAME_H

#include "plat/cc.h"

#include <weft/temp.h>

/* temp.c: the options with their defaults. */
void wf_temp_read_opts(const weft_temp_opts *user_opts, weft_temp_opts *out);

/* In a job: writes "folder/prefix" + 16 letters + "suffix", from the root on, to a new piece of memory until
 * make(path, arg) says something other than -EEXIST. What it said last; with *out_path, to be freed,
 * if that is not negative. */
WF_MUST_CHECK int wf_temp_make(const char *folder, const char *prefix, const char *suffix,
                               int (*make)(const char *path, void *arg), void *arg,
                               char **out_path);

/* absolute.c: in a job: a copy of the path from the root on, to be freed. */
WF_MUST_CHECK int wf_path_make_absolute(const char *path, char **out_path);

/* In a job: opens a file without a name in the folder. */
WF_MUST_CHECK int wf_temp_open_unnamed(const char *folder);

#endif
