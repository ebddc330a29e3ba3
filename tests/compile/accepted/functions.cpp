// SPDX-License-Identifier: MIT
// A C++ program uses the functions; the macros that type them are C's.
#include <cerrno>
#include <weft.h>

#ifdef weft_send
#error "the typed layer is for C alone"
#endif

static int add(void *args, void *)
{
    int *numbers = static_cast<int *>(args);
    return numbers[0] + numbers[1];
}

static int main_task(void *)
{
    weft_sender *tx = nullptr;
    weft_receiver *rx = nullptr;
    weft_chan_opts opts = {};
    opts.capacity = 4;
    int rc = weft_channel_open(sizeof(int), &opts, &tx, &rx, __FILE__, __LINE__);
    if (rc < 0)
        return rc;

    static const weft_callable callable = { add, nullptr, nullptr, 2 * sizeof(int), "add", __FILE__, __LINE__ };
    weft_scope scope = {};
    int args[2] = { 1, 2 };
    weft_scope_enter(&scope, __FILE__, __LINE__);
    rc = weft_scope_spawn(&scope, nullptr, &callable, args, __FILE__, __LINE__);
    if (rc >= 0)
        rc = weft_sender_send(tx, &args[0], sizeof args[0]);
    if (rc >= 0)
        rc = weft_receiver_recv(rx, &args[1], sizeof args[1]);
    const weft_case cases[] = { weft_case_recv(rx, &args[0], sizeof args[0]), weft_on_nothing() };
    if (rc >= 0)
        rc = weft_select_from(cases, 2, nullptr);
    weft_scope_leave(&scope);
    weft_half_drop(&tx);
    weft_half_drop(&rx);
    errno = 0;
    return rc == WEFT_EAGAIN ? -errno : rc;
}

int main()
{
    return weft_run(main_task, nullptr) < 0;
}
