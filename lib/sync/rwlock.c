/* SPDX-License-Identifier: MIT
 * The read-write lock. Its word: 0, free; IS_READ and four times the number of readers; or the
 * address of the writer.
 *
 * Strictly in order: while there is a queue newcomers join it, and whoever lets go gives the lock
 * to the first in line, with all readers that follow it if it is one. Each waiter knows which
 * rwlocks it reads, so that it may read again at once (it would wait for a writer that waits for
 * it) and is told when it wants to write.
 *
 * Rejected: overtaking, as the mutex has it. It is for short holds that follow each other; a
 * rwlock is taken where holds are long, and there order is what counts. */
#include "sync/queue.h"

#include <weft/rwlock.h>

WF_SYNC_LAYOUT(weft_rwlock);

#define IS_READ    ((uintptr_t)2)
#define ONE_READER ((uintptr_t)4)
_Static_assert(_Alignof(struct wf_waiter) > (WF_WAITED | IS_READ), "no room in an address");

enum wants { WANTS_READ, WANTS_WRITE };

static struct wf_sync *sync_of(weft_rwlock *rwlock) { return (struct wf_sync *)(void *)rwlock; }

static bool is_read(uintptr_t word) { return (word & IS_READ) != 0; }
static bool is_free(uintptr_t word) { return (word & ~WF_WAITED) == 0; }

/* Of one that is not read. */
static struct wf_waiter *writer(uintptr_t word)
{
    return is_read(word) ? NULL : (struct wf_waiter *)(word & ~WF_WAITED);
}

static void describe(const struct wf_sync *s, struct wf_text *text)
{
    uintptr_t word = wf_load_rlx(&s->word);
    if (is_read(word))
        wf_text_add(text, ", read by %llu", (unsigned long long)(word / ONE_READER));
    else if (writer(word) != NULL)
        wf_text_add(text, ", written by");
    if (writer(word) != NULL)
        wf_sync_name_waiter(writer(word), text);
    wf_text_add(text, ", to be %s next",
                wf_sync_first_locked(s)->wants == WANTS_READ ? "read" : "written");
}

static const struct wf_sync_kind kind = { "rwlock", describe };

/* ---- who reads what: the waiter's own -------------------------------------------------------- */

static const void **find_read(struct wf_waiter *self, const void *what)
{
    for (int i = 0; i < WF_N_READS; i++)
        if (self->reads[i] == what)
            return &self->reads[i];
    return NULL;
}

static bool is_reader(struct wf_waiter *self, const struct wf_sync *s)
{
    return find_read(self, s) != NULL;
}

static void note_read(struct wf_waiter *self, const struct wf_sync *s)
{
    const void **place = find_read(self, NULL);
    if (place != NULL)
        *place = s;
    else
        self->n_unknown_reads++;
    self->n_locks++;
}

/* False: it does not read it. */
static bool forget_read(struct wf_waiter *self, const struct wf_sync *s)
{
    const void **place = find_read(self, s);
    if (place == NULL && self->n_unknown_reads == 0)
        return false;
    if (place != NULL)
        *place = NULL;
    else
        self->n_unknown_reads--;
    self->n_locks--;
    return true;
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* What the word would be with self in it; 0: it can't be had now. */
static uintptr_t with(uintptr_t word, struct wf_waiter *self, enum wants wants)
{
    if (wants == WANTS_WRITE)
        return is_free(word) ? (uintptr_t)self : 0;
    if (!is_free(word) && !is_read(word))
        return 0;
    return ((word & ~WF_WAITED) | IS_READ) + ONE_READER;
}

static bool take_unless_waited(struct wf_sync *s, struct wf_waiter *self, enum wants wants)
{
    uintptr_t seen = wf_load_rlx(&s->word), word;
    while ((seen & WF_WAITED) == 0 && (word = with(seen, self, wants)) != 0)
        /* acquire [rwlock] */
        if (wf_cas_acq(&s->word, &seen, word))
            return true;
    return false;
}

/* False: it has to wait, and WF_WAITED is set. */
static bool take_or_mark_locked(struct wf_sync *s, struct wf_waiter *self, enum wants wants,
                                bool is_first)
{
    for (;;) {
        if (take_unless_waited(s, self, wants))
            return true;
        uintptr_t seen = wf_load_rlx(&s->word), word = with(seen, self, wants);
        if ((seen & WF_WAITED) != 0 && is_first && word != 0) {
            wf_store_rlx(&s->word, word | wf_sync_waited(s));
            return true;
        }
        if (((seen & WF_WAITED) != 0 || word == 0) && wf_sync_mark_locked(s, seen))
            return false;
    }
}

/* To the first in line, and to the readers behind it, as long as they can have it. */
static void grant_locked(struct wf_sync *s, struct wf_sync_wakes *wakes)
{
    uintptr_t word = wf_load_rlx(&s->word) & ~WF_WAITED, next;
    while (wf_sync_has_queue(s)) {
        struct wf_sync_node *node = wf_sync_first_locked(s);
        next = with(word, node->waiter, (enum wants)node->wants);
        if (next == 0)
            break;
        if (wf_sync_claim_locked(s, node, WF_SYNC_GRANTED, wakes))
            word = next;
    }
    /* release [rwlock] */
    wf_store_rel(&s->word, word | wf_sync_waited(s));
}

static WF_NOINLINE int lock_slow(struct wf_sync *s, struct wf_waiter *self, enum wants wants)
{
    struct wf_sync_node node = { .waiter = self, .kind = &kind, .wants = wants };
    bool reads_already = is_reader(self, s);
    wf_sync_lock(s);
    while (!take_or_mark_locked(s, self, wants, node.has_queued || reads_already)) {
        int how = wf_sync_wait(s, &node);
        if (how == WF_SYNC_GRANTED)
            return 0;
        if (how < 0) {
            struct wf_sync_wakes wakes = { NULL, NULL };
            if ((wf_load_rlx(&s->word) & WF_WAITED) != 0)
                grant_locked(s, &wakes); /* Q5 */
            wf_sync_unlock(s);
            wf_sync_wake(&wakes);
            return how;
        }
    }
    wf_sync_unlock(s);
    return 0;
}

/* Would it wait for itself? */
static bool is_deadlock(struct wf_sync *s, struct wf_waiter *self, enum wants wants)
{
    return writer(wf_load_rlx(&s->word)) == self || (wants == WANTS_WRITE && is_reader(self, s));
}

static void note(struct wf_sync *s, struct wf_waiter *self, enum wants wants)
{
    if (wants == WANTS_READ)
        note_read(self, s);
    else
        self->n_locks++;
}

static int lock(struct wf_sync *s, enum wants wants)
{
    struct wf_waiter *self = wf_waiter_self();
    int rc = wf_sync_enter(s, self);
    if (WF_UNLIKELY(rc < 0))
        return rc;
    if (WF_UNLIKELY(!take_unless_waited(s, self, wants)))
        rc = is_deadlock(s, self, wants) ? WEFT_EDEADLK : lock_slow(s, self, wants);
    if (WF_LIKELY(rc == 0))
        note(s, self, wants);
    return rc;
}

static int try_lock(struct wf_sync *s, enum wants wants)
{
    struct wf_waiter *self = wf_waiter_self();
    if (s == NULL)
        return WEFT_EINVAL;
    if (self == NULL)
        return wf_no_waiter();
    if (take_unless_waited(s, self, wants)) {
        note(s, self, wants);
        return 0;
    }
    return is_deadlock(s, self, wants) ? WEFT_EDEADLK : WEFT_EAGAIN;
}

int weft_rwlock_read(weft_rwlock *rwlock)
{
    wf_note_call();
    return lock(sync_of(rwlock), WANTS_READ);
}
int weft_rwlock_write(weft_rwlock *rwlock)
{
    wf_note_call();
    return lock(sync_of(rwlock), WANTS_WRITE);
}
int weft_rwlock_try_read(weft_rwlock *rwlock)
{
    wf_note_call();
    return try_lock(sync_of(rwlock), WANTS_READ);
}
int weft_rwlock_try_write(weft_rwlock *rwlock)
{
    wf_note_call();
    return try_lock(sync_of(rwlock), WANTS_WRITE);
}

/* ---- letting go ------------------------------------------------------------------------------ */

/* The word without the caller, who is its writer or a reader. */
static uintptr_t without(uintptr_t word)
{
    uintptr_t left = word - ONE_READER;
    return is_read(word) && left >= ONE_READER ? left : word & WF_WAITED;
}

static WF_NOINLINE void unlock_slow(struct wf_sync *s)
{
    struct wf_sync_wakes wakes = { NULL, NULL };
    wf_sync_lock(s);
    uintptr_t seen = wf_load_rlx(&s->word);
    while ((seen & WF_WAITED) == 0) /* the last has left meanwhile */
        if (wf_cas_acq_rel(&s->word, &seen, without(seen)))
            goto out;
    wf_store_rlx(&s->word, without(seen));
    grant_locked(s, &wakes);
out:
    wf_sync_unlock(s);
    wf_sync_wake(&wakes);
}

static bool is_held_by(struct wf_sync *s, struct wf_waiter *self)
{
    uintptr_t word = wf_load_rlx(&s->word);
    if (is_read(word))
        return forget_read(self, s);
    if (writer(word) != self)
        return false;
    self->n_locks--;
    return true;
}

void weft_rwlock_unlock(weft_rwlock *rwlock)
{
    struct wf_sync *s = sync_of(rwlock);
    struct wf_waiter *self = wf_caller();
    if (WF_UNLIKELY(self == NULL)) /* a forked child: others may have held what this needs */
        return;
    if (WF_UNLIKELY(s == NULL || !is_held_by(s, self)))
        wf_sync_misuse(s, "weft_rwlock_unlock", kind.noun, "is not held by the caller");
    uintptr_t seen = wf_load_rlx(&s->word);
    while ((seen & WF_WAITED) == 0)
        /* release [rwlock] */
        if (wf_cas_acq_rel(&s->word, &seen, without(seen)))
            return;
    unlock_slow(s);
}

void weft_rwlock_destroy(weft_rwlock *rwlock)
{
    wf_note_call();
    if (rwlock != NULL && wf_load_acq(&sync_of(rwlock)->word) != 0)
        wf_sync_misuse(sync_of(rwlock), "weft_rwlock_destroy", kind.noun, "is held, or waited for");
}
