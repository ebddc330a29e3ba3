/* SPDX-License-Identifier: MIT
 * Weft's reports, caught in a buffer. The hook may run on any thread and on a task's stack, and
 * must call nothing that waits: it claims its place in the buffer with one atomic addition. */
#define WEFT_KEEP_ERRNO
#include "wt_internal.h"

#include <weft/runtime.h>

#include <stdatomic.h>
#include <string.h>

#define REPORTS_SIZE ((size_t)64 * 1024)

__attribute__((weak)) __typeof__(weft_on_report) weft_on_report;

static char buffer[REPORTS_SIZE];
static _Atomic size_t used;
static bool is_capturing;

static void keep(const char *text, size_t size, void *arg)
{
    (void)arg;
    size_t at = atomic_fetch_add(&used, size);
    if (at >= REPORTS_SIZE - 1)
        return;
    size_t room = REPORTS_SIZE - 1 - at;
    memcpy(buffer + at, text, size < room ? size : room);
}

void wt_capture_reports(void)
{
    ck_assert_msg(weft_on_report != NULL, "there is no runtime whose reports could be caught");
    is_capturing = true;
    weft_on_report(keep, NULL);
}

const char *wt_reports(void) { return buffer; }

bool wt_has_report(void) { return atomic_load(&used) > 0; }

void wt_reports_reset(void)
{
    if (!is_capturing)
        return;
    weft_on_report(NULL, NULL);
    is_capturing = false;
    memset(buffer, 0, sizeof buffer);
    atomic_store(&used, 0);
}
