/* SPDX-License-Identifier: MIT
 * Running a process to its end, with all that it writes captured.
 *
 *     weft_output output = { 0 };
 *     WEFT_TRY(weft_process_run(argv, NULL, text, size, &output));
 *     ...
 *     weft_output_drop(&output);
 */
#ifndef WEFT_PROCESS_RUN_H
#define WEFT_PROCESS_RUN_H

#include <weft/base.h>
#include <weft/line.h>
#include <weft/process.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a process wrote, each ended by a 0 byte that its size does not count. */
typedef struct weft_output {
    weft_exit exit;              /* .code -ECHILD: somebody else took how it has ended */
    weft_text out, err;          /* data is NULL for a stream that went elsewhere */
} weft_output;

/* Writes input to its stdin and ends that, reads stdout and stderr to their ends, all at the
 * same time, and waits for it. Streams that are no pipes, or were handed over, are left out.
 *
 * *out_output is the caller's to drop. A pipe ends when the last process that has it is gone.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes; what was read is lost
 * From     any thread, one at a time
 * Returns  0               also when it did not read all of its input; and however it ended
 *          WEFT_EOVERFLOW  more than .max_output on one stream: the rest is not read
 *          WEFT_ECANCELED, WEFT_ENOMEM, -errno                                              */
WEFT_API WEFT_MUST_CHECK int weft_process_communicate(weft_process *process, const void *input,
                                                      size_t size, weft_output *out_output);

/* Opens a process, communicates with it and closes it. input may be NULL: then its stdin is
 * what opts say; stdout and stderr are captured where they don't say anything.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes; then the process is ended as by a close
 * From     any thread
 * Returns  0               however it ended: *out_output says how, and is the caller's to drop
 *          those of weft_process_open and weft_process_communicate                          */
WEFT_API WEFT_MUST_CHECK int weft_process_run(const char *const argv[],
                                              const weft_process_opts *opts, const void *input,
                                              size_t size, weft_output *out_output);

/* Frees what it holds, and empties it.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_output_drop(weft_output *output);

#ifdef __cplusplus
}
#endif
#endif
