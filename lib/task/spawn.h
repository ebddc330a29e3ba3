/* SPDX-License-Identifier: MIT
 * Spawning, between the plain case (spawn.c) and what rules and handles add to it
 * (spawn_rules.c). */
#ifndef WF_TASK_SPAWN_H
#define WF_TASK_SPAWN_H

#include "task/scope.h"

/* Makes the tasks, linked by next; args are theirs on success, the caller's else. */
int wf_spawn_make(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                  void *args, const char *file, int line, struct wf_task **out_tasks);

/* Gives them up, and what their arguments own. */
void wf_spawn_unmake(struct wf_task *tasks);

/* Drops what the arguments own, and returns rc. */
int wf_spawn_refuse(const weft_callable *what, void *args, int rc);

/* weft_scope_spawn, checked, into a scope that has rules, or with a handle or "ready" asked for. */
int wf_spawn_by_rules(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                      void *args, const char *file, int line);

#endif
