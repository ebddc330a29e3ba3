/* SPDX-License-Identifier: MIT */
/* The channels' companions, each typed call once, in the shapes that programs use. */
#include <weft.h>

struct job {
    int id;
};

/* ---- completions ---- */

void on_done(void *arg, int error);
void on_done(void *arg, int error)
{
    WEFT_COMPLETION(struct job, done);
    weft_completion(struct job) again = weft_completion_of(struct job, arg);
    done = again;
    if (error != 0)
        weft_fail(done, -error);
    else if (weft_complete(done, (struct job){ .id = 3 }) < 0)
        return;
}

int use_completions(void (*start)(void (*callback)(void *arg, int error), void *arg));
int use_completions(void (*start)(void (*callback)(void *arg, int error), void *arg))
{
    WEFT_COMPLETION(struct job, done);
    WEFT_COMPLETION(struct job, other);
    WEFT_RX(struct job, rx);
    struct job job;
    WEFT_TRY(weft_completion_open(&done, &rx));
    WEFT_TRY(weft_completion_open(&done, &rx, .name = "answer", .drop = NULL));
    other = weft_completion_ref(done);
    start(on_done, weft_completion_arg(done));
    weft_completer_drop(&other);
    return WEFT_TRY(weft_recv(rx, &job)) > 0 ? job.id : weft_error(rx);
}
