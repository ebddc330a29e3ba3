/* SPDX-License-Identifier: MIT
 * Completions: a channel of one place that ends with what is put there first, a value or an error.
 *
 * So its receiver is a channel's, with all that it can do. The completing side counts as a sender,
 * as a permit does: the last that goes without a result ends the channel with WEFT_ABANDONED. Under
 * one hold of the lock the value is put and the channel ended, so whoever comes second finds it
 * ended: that is what makes it happen once.
 *
 * A callback may run on a thread that weft has never seen, so nothing here needs a record of it. */
#include "chan/chan.h"
#include "base/opts.h"
#include "plat/mem.h"

#include <weft/completion.h>

#include <string.h>

struct weft_completer {
    struct wf_half half;
    struct wf_chan *chan;
    size_t elem_size;
};

static bool is_after_fork(void) { return wf_no_waiter() == WEFT_EFORK; }

/* ---- opening and sharing --------------------------------------------------------------------- */

static weft_completer *make_completer(struct wf_chan *ch, const char *file, int line)
{
    weft_completer *done = wf_alloc(1, sizeof *done);
    if (done == NULL)
        return NULL;
    wf_half_init(&done->half, WF_HALF_COMPLETER, file, line);
    done->chan = ch;
    done->elem_size = ch->ring.elem_size;
    return done;
}

static void count_in(weft_completer *done)
{
    wf_chan_lock(done->chan);
    wf_chan_add_sender_locked(done->chan, &done->half);
    wf_chan_unlock(done->chan);
}

static weft_chan_opts read_opts(const weft_completion_opts *opts)
{
    weft_completion_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    return (weft_chan_opts){ .capacity = 1, .name = all.name, .drop = all.drop };
}

int weft_completer_open(size_t elem_size, const weft_completion_opts *opts,
                        weft_completer **out_done, weft_receiver **out_rx, const char *file,
                        int line)
{
    wf_note_call();
    weft_chan_opts all = read_opts(opts);
    weft_sender *tx;
    weft_receiver *rx;
    if (out_done == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    int rc = wf_chan_open(elem_size, &all, file, line, &tx, &rx);
    if (rc < 0)
        return rc;
    weft_completer *done = make_completer(tx->chan, file, line);
    if (done != NULL) {
        count_in(done);
        memcpy(out_done, &done, sizeof done);
        memcpy(out_rx, &rx, sizeof rx);
    } else {
        weft_half_drop(&rx);
    }
    weft_half_drop(&tx);
    return done != NULL ? 0 : WEFT_ENOMEM;
}

weft_completer *weft_completer_ref(weft_completer *done, const char *file, int line)
{
    if (done == NULL)
        return NULL;
    wf_half_must_be(&done->half, WF_HALF_COMPLETER, "weft_completion_ref", "done");
    weft_completer *copy = is_after_fork() ? NULL : make_completer(done->chan, file, line);
    if (copy != NULL)
        count_in(copy);
    return copy;
}

/* ---- completing ------------------------------------------------------------------------------ */

static int put_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores)
{
    int rc = wf_chan_try_send_locked(ch, value, chores); /* never full: it ends with the first */
    if (rc == 0)
        wf_chan_end_locked(ch, 0, chores);
    return rc;
}

static int end_locked(struct wf_chan *ch, int cause, struct wf_chores *chores)
{
    if (ch->refuses_values)
        return WEFT_ECLOSED;
    wf_chan_end_locked(ch, cause, chores);
    return 0;
}

/* Brings the value or, NULL, the cause, < 0; 0: neither. Uses the reference up. */
static int finish(weft_completer *done, const void *value, int cause)
{
    struct wf_chan *ch = done->chan;
    struct wf_chores chores = { 0 };
    int rc = 0;
    wf_chan_lock(ch);
    if (value != NULL)
        rc = put_locked(ch, value, &chores);
    else if (cause < 0)
        rc = end_locked(ch, cause, &chores);
    if (ch->n_senders == 1)
        wf_chan_end_locked(ch, WEFT_ABANDONED, &chores); /* not if it has ended */
    wf_chan_remove_sender_locked(ch, &done->half, &chores);
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    wf_half_free(&done->half);
    wf_chan_unref(ch);
    return rc;
}

int weft_completer_complete(weft_completer *done, const void *value, size_t size)
{
    wf_note_call();
    if (done == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&done->half, WF_HALF_COMPLETER, "weft_complete", "done");
    if (is_after_fork())
        return WEFT_EFORK;
    bool fits = size == done->elem_size && value != NULL;
    int rc = finish(done, fits ? value : NULL, 0);
    return fits ? rc : value == NULL ? WEFT_EINVAL : WEFT_EMSGSIZE;
}

int weft_completer_fail(weft_completer *done, int code)
{
    wf_note_call();
    if (done == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&done->half, WF_HALF_COMPLETER, "weft_fail", "done");
    if (is_after_fork())
        return WEFT_EFORK;
    int rc = finish(done, NULL, WF_MIN(code, 0));
    return code < 0 ? rc : WEFT_EINVAL;
}

void weft_completer_drop(void *slot)
{
    wf_note_call();
    weft_completer *done = weft_slot_take(slot);
    if (done == NULL)
        return;
    wf_half_must_be(&done->half, WF_HALF_COMPLETER, "WEFT_COMPLETION", "done");
    if (!is_after_fork())
        (void)finish(done, NULL, 0);
}
