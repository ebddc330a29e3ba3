/* SPDX-License-Identifier: MIT */
/* The synchronisers: what tasks and plain threads share memory by, all at once.
 *
 *     weft_mutex        one at a time                           weft/mutex.h
 *     weft_rwlock       many readers or one writer              weft/rwlock.h
 *     weft_cond         until something has changed             weft/cond.h
 *     weft_semaphore    so many at a time                       weft/semaphore.h
 *     weft_event        until it has happened                   weft/event.h
 *     weft_once         set up by the first                     weft/once.h
 *     weft_barrier      all parties, round by round             weft/barrier.h
 *     weft_wait_group   until nothing is left to be done        weft/wait_group.h
 *
 * What they have in common: each lives where its owner puts it, static, in a struct or in a
 * frame, is made by its _INIT macro and needs no end. Each call works in a task and in a
 * plain thread, and both may wait for each other. Each wait ends by its event, by a cancel
 * or by a deadline of the scope around it; who was given what it waited for has it, cancelled
 * or not, and who was cancelled has taken nothing. A dump and the deadlock report say who
 * waits for which, and who holds it.
 */
#ifndef WEFT_SYNC_H
#define WEFT_SYNC_H

#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/mutex.h>
#include <weft/once.h>
#include <weft/rwlock.h>
#include <weft/semaphore.h>
#include <weft/wait_group.h>

#endif
