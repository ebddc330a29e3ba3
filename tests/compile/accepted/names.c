/* SPDX-License-Identifier: MIT */
/* Parameters may have any name, those that the macros' own code and the library's structs use
 * included. */
#include <weft.h>

typedef struct door {
    int fd;
} door;
int door_close(door *it);
WEFT_DEFINE_AUTO(door, door_close)

WEFT_TASK(names_of_spawn, (weft_scope *, scope), (const weft_spawn_opts *, opts), (int, args),
          (int, copies), (const char *, file), (int, line), (size_t, stack_size), (int, size_))
{
    return scope != NULL && opts != NULL && file != NULL ? args + copies + line + size_
                                                         : (int)stack_size;
}
WEFT_TASK(names_of_owned, (rx, int, out_rx), (tx, int, tx), (auto, door, self), (rx, int, rx),
          (int, rc), (int, what), (int, name), (int, drop))
{
    return !out_rx + !tx + !rx + self->fd + rc + what + name + drop;
}
WEFT_TASK(names_of_callables, (int, enter), (int, clone), (int, args_size), (int, value),
          (int, item), (int, slot), (int, fn), (int, T))
{
    return enter + clone + args_size + value + item + slot + fn + T;
}
WEFT_GENERATOR(names_of_generators, weft_rx(int), (int, opts), (int, out_rx), (int, args),
               (int, caller), (int, self), (int, handle), (int, opener), (int, first))
{
    return weft_yield(opts + out_rx + args + caller + self + handle + opener + first);
}
WEFT_MANAGER(names_of_managers, int, (int, opts), (int, out_lease), (int, lease), (int, out),
             (int, args), (int, caller), (int, self), (int, T))
{
    return weft_yield(opts + out_lease + lease + out + args + caller + self + T);
}
WEFT_MAP(names_of_maps, int, out_rx, int, source, (int, opts), (int, args), (int, step), (int, in),
         (int, out), (int, self), (int, call), (int, open))
{
    *out_rx = source + opts + args + step + in + out + self + call + open;
    return 0;
}
WEFT_FILTER(names_of_filters, int, in, (int, out), (int, item), (int, keep))
{
    return in + out + item + keep > 0;
}
WEFT_SCAN(names_of_scans, int, first, int, source, (int, opts), (int, args), (int, step), (int, in),
          (int, out), (int, from), (int, acc), (int, rc))
{
    *first += source + opts + args + step + in + out + from + acc + rc;
    return 0;
}
WEFT_DISTINCT(names_of_distincts, int, last, next_one, (int, in), (int, out), (int, args))
{
    return last + in + out + args == next_one;
}
WEFT_FLAT_MAP(names_of_flat_maps, int, inner, int, in, (int, out), (int, rc), (int, slot))
{
    (void)inner;
    return in + out + rc + slot;
}
WEFT_PAGES(names_of_pages, int, number, (int, page), (int, args), (int, opts), (int, out))
{
    return weft_page_add(number, &(int){ page + args + opts + out }, sizeof(int));
}
WEFT_MAP(names_in_order, int, in, int, out)
{
    *in = out;
    return 0;
}

static int next(int *state, int *out)
{
    *out = ++*state;
    return 1;
}
static int close(int *state) { return *state; }
WEFT_ITERATOR(state, int, int, next, close);

int use_locks(weft_mutex *locked, weft_rwlock *rwlock, weft_semaphore *semaphore, int n);
int use_locks(weft_mutex *locked, weft_rwlock *rwlock, weft_semaphore *semaphore, int n)
{
    weft_mutex *mutex = locked, *lock = locked;
    weft_semaphore *permits = semaphore;
    WEFT_LOCK(locked);
    WEFT_LOCK(mutex); /* two in one line of the brace; the second is refused when it runs */
    WEFT_READ_LOCK(rwlock);
    WEFT_WRITE_LOCK(rwlock);
    WEFT_ACQUIRE(permits, (uint32_t)n);
    return lock != NULL;
}

int use_names(weft_scope *opts);
int use_names(weft_scope *opts)
{
    WEFT_RX(int, rx);
    WEFT_RX(int, copies);
    WEFT_RX(int, out);
    WEFT_TX(int, tx);
    WEFT_AUTO(door, rc);
    WEFT_AUTO(weft_lease, self);
    int value;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(weft_spawn(opts, names_of_spawn, opts, NULL, 1, 2, "file", 3, 4, 5));
    WEFT_TRY(weft_spawn_n(opts, 2, names_of_callables, 1, 2, 3, 4, 5, 6, 7, 8));
    WEFT_TRY(weft_spawn(opts, names_of_owned, weft_ref(rx), WEFT_MOVE(tx), WEFT_MOVE(rc),
                        WEFT_MOVE(rx), 1, 2, 3, 4));
    WEFT_TRY(names_of_generators(1, 2, 3, 4, 5, 6, 7, 8, &rx));
    WEFT_TRY(names_of_managers(1, 2, 3, 4, 5, 6, 7, 8, &self, &value));
    WEFT_TRY(names_of_maps(WEFT_MOVE(rx), 1, 2, 3, 4, 5, 6, 7, 8, &out));
    WEFT_TRY(names_in_order(WEFT_MOVE(out), &rx));
    WEFT_TRY(names_of_filters(WEFT_MOVE(rx), 1, 2, 3, &out));
    return state(0, &copies);
}
