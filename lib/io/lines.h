/* SPDX-License-Identifier: MIT */
#ifndef WF_IO_LINES_H
#define WF_IO_LINES_H

#include <weft/line.h>

/* The lines of what fd, which does not block, is open on. On success fd is the receiver's. Waits for
 * nothing. 0, WEFT_ENOMEM, WEFT_EINVAL. */
WEFT_MUST_CHECK int wf_lines_of_fd(int fd, const weft_lines_opts *opts, weft_receiver **out_rx);

#endif
