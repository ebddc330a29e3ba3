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

/* ---- broadcasts and watches ---- */

int clone_text(void *copy, const void *item);
void drop_text(void *item);

int use_broadcasts(void);
int use_broadcasts(void)
{
    WEFT_TX(char *, tx);
    WEFT_RX(char *, rx);
    WEFT_RX(char *, other);
    WEFT_TRY(weft_broadcast_open(&tx, &rx, 64));
    WEFT_TRY(weft_broadcast_open(&tx, &rx, 64, .clone = clone_text, .drop = drop_text));
    WEFT_TRY(weft_subscribe(tx, &other));
    weft_each (text, other)
        drop_text(&text);
    return weft_missed(other) > 0 ? weft_error(other) : 0;
}

int use_watches(void);
int use_watches(void)
{
    WEFT_TX(struct job, tx);
    WEFT_RX(struct job, rx);
    struct job job;
    WEFT_TRY(weft_watch_open(&tx, &rx));
    WEFT_TRY(weft_watch_open(&tx, &rx, .name = "job"));
    WEFT_TRY(weft_send(tx, (struct job){ 1 }));
    return WEFT_TRY(weft_latest(rx, &job)) > 0 ? job.id : 0;
}

/* ---- signals ---- */

int use_signals(void);
int use_signals(void)
{
    WEFT_RX(weft_signal, signals);
    WEFT_SCOPE(scope);
    WEFT_AUTO(weft_interrupt, interrupt);
    WEFT_TRY(weft_interrupt_open(&scope, &interrupt));
    WEFT_TRY(weft_signals(&signals, 1, 2));
    weft_each (signal, signals)
        WEFT_TRY((int)signal.count + signal.number);
    return weft_interrupt_signal(interrupt);
}

/* ---- processes ---- */

int use_processes(void);
int use_processes(void)
{
    const char *const argv[] = { "cat", NULL };
    WEFT_AUTO(weft_process, process);
    WEFT_TX(weft_text, input);
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, chunks);
    weft_output output;
    WEFT_TRY(weft_process_open(argv,
                               WEFT_OPTS(process, .in = WEFT_PIPE, .out = WEFT_AT_FILE("x"),
                                         .err = WEFT_LIKE_STDOUT, .new_group = true),
                               &process));
    WEFT_TRY(weft_process_input(process, 8, &input));
    WEFT_TRY(weft_process_lines(process, WEFT_STDOUT, WEFT_OPTS(lines, .keep_ends = true), &lines));
    WEFT_TRY(weft_process_chunks(process, WEFT_STDERR, &chunks));
    WEFT_TRY(
        weft_process_run(argv, WEFT_OPTS(process, .err = WEFT_APPENDED("x")), "x", 1, &output));
    weft_output_drop(&output);
    return weft_close_with(process, 0);
}

/* ---- what sockets give as receivers ---- */

int use_socket_receivers(weft_listener *door, weft_reader *reader);
int use_socket_receivers(weft_listener *door, weft_reader *reader)
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_socket *, peers);
    WEFT_TRY(weft_reader_lines(reader, WEFT_OPTS(lines, .keep_ends = true), &lines));
    WEFT_TRY(weft_listener_connections(WEFT_MOVE(door), &peers));
    weft_each (peer, peers)
        WEFT_TRY(weft_socket_close(peer));
    return weft_error(peers);
}

/* ---- tickers ---- */

int use_tickers(void);
int use_tickers(void)
{
    WEFT_RX(int64_t, ticks);
    WEFT_TRY(weft_ticker(WEFT_SEC(1), &ticks));
    WEFT_TRY(weft_ticker(WEFT_SEC(1), &ticks, .missed = WEFT_TICKS_SKIP, .first_ns = -1));
    WEFT_TRY(weft_ticker_reset(ticks, WEFT_MS(5)));
    weft_each (due_ns, ticks)
        if (due_ns > 0)
            weft_ticker_stop(ticks);
    return weft_error(ticks);
}

/* ---- pollable receivers ---- */

int use_pollables(weft_rx(struct job) * jobs, weft_rx(weft_line) * lines);
int use_pollables(weft_rx(struct job) * jobs, weft_rx(weft_line) * lines)
{
    WEFT_RX(struct job, polled);
    WEFT_RX(weft_line, polled_lines);
    WEFT_RX(struct job, rx);
    int fd;
    WEFT_TRY(weft_pollable(WEFT_MOVE(rx), &polled, &fd));
    WEFT_TRY(weft_pollable(jobs, &polled, &fd));
    return weft_pollable(lines, &polled_lines, &fd);
}
