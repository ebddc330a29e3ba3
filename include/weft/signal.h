/* SPDX-License-Identifier: MIT */
/* Signals: received by a task, or turned into a cancel.
 *
 *     WEFT_RX(weft_signal, signals);
 *     WEFT_TRY(weft_signals(&signals, SIGHUP, SIGUSR1));
 *     weft_each (signal, signals)
 *         WEFT_TRY(signal.number == SIGHUP ? reload() : report());
 *     return weft_error(signals);
 *
 * What Ctrl-C should do to a program, in one line:
 *
 *     WEFT_SCOPE(scope);
 *     WEFT_AUTO(weft_interrupt, interrupt);
 *     WEFT_TRY(weft_interrupt_open(&scope, &interrupt));
 *     // the first SIGINT or SIGTERM cancels scope, a second one kills
 *
 * As long as somebody receives a signal, what it does by default is not done; a handler that
 * the program had before is called as well, and is in force again when the last receiver of
 * the signal is closed, unless another was installed meanwhile. Weft's own threads take no
 * signals: a thread of the program has to leave them open, as the main thread does.
 */
#ifndef WEFT_SIGNAL_H
#define WEFT_SIGNAL_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/half.h>
#include <weft/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One signal, however often it came since this receiver had it last. The system merges too:
 * one that is sent again before it is delivered is delivered once. */
typedef struct weft_signal {
    int number;
    unsigned count;              /* deliveries, 1 or more */
} weft_signal;

/* Opens a receiver of the n signals in numbers.
 *
 * Each receiver gets all of its signals, whoever else receives them. They have no end and
 * no order: of several that are pending each has its turn. Written by memcpy: *out_rx may be
 * a typed handle. The caller drops it. In a select put weft_buffer in front. Usually called by
 * weft_signals.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     one that can't be caught, or tells of a fault in the program
 *          WEFT_ENOMEM, or why there is no descriptor (-EMFILE)                            */
WEFT_API WEFT_MUST_CHECK int weft_signals_open(const int *numbers, size_t n,
                                               weft_receiver **out_rx);

/* A scope that ends when the user says so. */
typedef struct weft_interrupt weft_interrupt;

/* From here to the close the first SIGINT or SIGTERM cancels scope; NULL: the caller's root
 * scope, that of weft_run. A second one does what it does by default: it ends the process.
 *
 * Also of one that was ignored, as in a shell's background job. A thread of weft's own
 * cancels, so that this works when all workers are held up, too. Declared after the scope it
 * is closed before it.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     no scope is given, and the caller is in none
 *          WEFT_ENOMEM, WEFT_EAGAIN    no memory, no thread could be made for it           */
WEFT_API WEFT_MUST_CHECK int weft_interrupt_open(weft_scope *scope,
                                                 weft_interrupt **out_interrupt);

/* Which signal came.
 *
 * Waits    no
 * From     any thread
 * Returns  its number; 0: none has                                                         */
WEFT_API int weft_interrupt_signal(const weft_interrupt *interrupt);

/* Ends it: the signals do what they did before. NULL is 0.
 *
 * Waits    no, but for a cancel that is just being made
 * From     any thread
 * Returns  0                                                                               */
WEFT_API int weft_interrupt_close(weft_interrupt *interrupt);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_interrupt, weft_interrupt_close)

/* weft_signals(&rx, SIGHUP, SIGUSR1): opens rx, a weft_rx(weft_signal). */
#define weft_signals(rx, ...)                                                              \
    weft_signals_open((const int[]){ __VA_ARGS__ },                                        \
                      sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int),                  \
                      WEFT_RX_SLOT_(weft_signal, rx))

#endif
#endif
