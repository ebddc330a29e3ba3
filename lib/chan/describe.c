/* SPDX-License-Identifier: MIT
 * A channel in one line, for dumps and the deadlock report:
 *
 *   channel "jobs" (main.c:12) 3/64, 1 sender (made at main.c:12, held by task #4 "producer"),
 *   2 receivers (...; ...), ended */
#include "chan/chan.h"
#include "chan/weight.h"

enum { MAX_NAMED = 8 }; /* halves of one kind that are named */

static void describe_half(const struct wf_half *half, struct wf_text *text)
{
    wf_text_add(text, "%smade at %s:%d",
                half->kind == WF_HALF_PERMIT      ? "permit of a sender "
                : half->kind == WF_HALF_COMPLETER ? "completion "
                                                  : "",
                half->file != NULL ? half->file : "?", half->line);
    uint64_t holder_id = wf_load_rlx_raw(&half->holder_id);
    if (holder_id == 0)
        return;
    wf_text_add(text, ", held by %s #%llu", half->is_holder_task ? "task" : "thread",
                (unsigned long long)holder_id);
    if (half->holder_name[0] != '\0')
        wf_text_add(text, " \"%s\"", half->holder_name);
}

static void describe_halves(struct wf_list *halves, uint32_t n, const char *noun,
                            struct wf_text *text)
{
    wf_text_add(text, ", %u %s%s", n, noun, n == 1 ? "" : "s");
    unsigned n_named = 0;
    wf_list_each (link, halves) {
        if (n_named == MAX_NAMED) {
            wf_text_add(text, "; and %u more", n - n_named);
            break;
        }
        wf_text_add(text, n_named++ == 0 ? " (" : "; ");
        describe_half(WF_CONTAINER(link, struct wf_half, link), text);
    }
    if (n_named > 0)
        wf_text_add(text, ")");
}

void wf_chan_describe(struct wf_chan *ch, struct wf_text *text)
{
    wf_chan_lock(ch);
    wf_text_add(text, "%s \"%s\" (%s:%d)", ch->sink != NULL ? ch->sink->kind : "channel",
                ch->name != NULL ? ch->name : "", ch->file != NULL ? ch->file : "?", ch->line);
    if (ch->sink == NULL)
        wf_text_add(text, " %u/%u", wf_ring_n_full(&ch->ring), ch->ring.capacity);
    if (ch->is_weighed)
        wf_text_add(text, " of weight %llu/%llu", (unsigned long long)wf_weights_now(ch),
                    (unsigned long long)ch->weights->max);
    if (ch->n_reserved > 0)
        wf_text_add(text, " and %u reserved", ch->n_reserved);
    describe_halves(&ch->tx_halves, ch->n_senders, "sender", text);
    bool stands = ch->sink != NULL && ch->sink->has_standing_receiver;
    describe_halves(&ch->rx_halves, ch->n_receivers - stands, "receiver", text);
    if (ch->has_ended)
        wf_text_add(text, ", ended");
    wf_chan_unlock(ch);
}
