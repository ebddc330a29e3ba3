/* SPDX-License-Identifier: MIT */
/* select: a receive, a send, a timer and a disabled case; the first that is ready is done. */
#include <stdio.h>
#include <weft.h>

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TX(int, job_tx);
    WEFT_RX(int, jobs);
    WEFT_TX(const char *, log_tx);
    WEFT_RX(const char *, log);
    WEFT_TRY(weft_chan_open(&job_tx, &jobs, 4));
    WEFT_TRY(weft_chan_open(&log_tx, &log, 1));
    WEFT_TRY(weft_send(job_tx, 7));
    WEFT_DROP(job_tx); /* no more jobs will come */

    weft_rx(int) extra = NULL; /* a NULL half is a case that never happens */
    const char *text = "hello";
    for (bool is_busy = true; is_busy;) {
        enum { JOB, LOG, EXTRA, LATE };
        int job, rc;
        /* Ordered: of several that are ready, the first. weft_select makes a fair choice. */
        switch (weft_select_ordered(
            &rc, [JOB] = weft_on_recv(jobs, &job), [LOG] = weft_on_send(log_tx, &text),
            [EXTRA] = weft_on_recv(extra, &job), [LATE] = weft_on_after(WEFT_MS(50)))) {
        case JOB:
            if (rc > 0) {
                printf("job %d\n", job);
            } else {
                puts("end of jobs");
                WEFT_DROP(jobs); /* NULL now: the case disables itself */
            }
            break;
        case LOG: puts("logged"); break;
        case LATE:
            puts("nothing for 50 ms"); /* the log is full: only the timer is left */
            is_busy = false;
            break;
        default: return WEFT_ECANCELED;
        }
    }
    return 0;
}

int main(void) { return weft_run(main_task, NULL) < 0; }
