/* SPDX-License-Identifier: MIT */
/* weft: lightweight tasks on all cores, channels between them, scopes that end them.
 *
 * This header brings in the whole core, in reading order. Each header below also
 * compiles alone and opens with its smallest working example.
 *
 *     #include <weft.h>
 *     #include <stdio.h>
 *
 *     static int main_task(void *arg)
 *     {
 *         (void)arg;
 *         WEFT_TRY(weft_sleep(WEFT_MS(100)));
 *         puts("hello from a task");
 *         return 0;
 *     }
 *
 *     int main(void) { return weft_run(main_task, NULL) < 0; }
 */
#ifndef WEFT_H
#define WEFT_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/cleanup.h>
#include <weft/defer.h>
#include <weft/exit_stack.h>
#include <weft/resource.h>
#include <weft/runtime.h>
#include <weft/scope.h>
#include <weft/cancel.h>
#include <weft/join.h>
#include <weft/task.h>
#include <weft/local.h>
#include <weft/time.h>
#include <weft/ticker.h>
#include <weft/chan.h>
#include <weft/select.h>
#include <weft/broadcast.h>
#include <weft/watch.h>
#include <weft/completion.h>
#include <weft/pollable.h>
#include <weft/sync.h>
#include <weft/generator.h>
#include <weft/iterator.h>
#include <weft/manager.h>
#include <weft/stream.h>
#include <weft/stream_source.h>
#include <weft/stream_join.h>
#include <weft/stream_time.h>
#include <weft/stream_end.h>
#include <weft/stream_task.h>
#include <weft/stream_tee.h>
#include <weft/pipeline.h>
#include <weft/blocking.h>
#include <weft/file.h>
#include <weft/file_at.h>
#include <weft/file_line.h>
#include <weft/file_lock.h>
#include <weft/whole.h>
#include <weft/path.h>
#include <weft/line.h>
#include <weft/dir.h>
#include <weft/temp.h>
#include <weft/replace.h>
#include <weft/fd.h>
#include <weft/address.h>
#include <weft/socket.h>
#include <weft/listener.h>
#include <weft/udp.h>
#include <weft/reader.h>
#include <weft/writer.h>
#include <weft/signal.h>
#include <weft/process.h>
#include <weft/process_run.h>

#endif
