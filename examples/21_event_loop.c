/* SPDX-License-Identifier: MIT */
/* A program with an event loop of its own: tasks tell it by a descriptor that they have results, and
 * a library's callback, which runs on a thread of the library's, brings what a task waits for. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <weft.h>

/* ---- a library as there are many ---- */

struct question {
    int number;
    void (*callback)(void *arg, int error, int answer);
    void *arg;
};

static void *library_thread(void *arg)
{
    struct question *question = arg;
    bool is_known = question->number != 3;
    question->callback(question->arg, is_known ? 0 : ENOENT, 10 * question->number);
    return NULL;
}

/* ---- the bridge to it ---- */

static void on_answer(void *arg, int error, int answer)
{
    WEFT_COMPLETION(int, done); /* if we forgot to say anything, the task would hear of that too */
    done = weft_completion_of(int, arg);
    if (error != 0)
        weft_fail(done, -error);
    else if (weft_complete(done, answer) < 0)
        puts("nobody waits any more");
}

WEFT_TASK(ask, (int, number), (tx, int, results))
{
    WEFT_COMPLETION(int, done);
    WEFT_RX(int, answers);
    pthread_t thread;
    int answer = 0;
    WEFT_TRY(weft_completion_open(&done, &answers, .name = "answer"));
    struct question question = { number, on_answer, weft_completion_arg(done) };
    if (pthread_create(&thread, NULL, library_thread, &question) != 0) {
        weft_completer_drop(&question.arg);
        return WEFT_EAGAIN;
    }
    int rc = weft_recv(answers, &answer); /* the task waits; its worker runs others */
    pthread_join(thread, NULL);
    return weft_send(results, rc > 0 ? answer : 0);
}

/* ---- the loop ---- */

static int run_loop(void)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, results);
    struct pollfd entry = { .fd = -1, .events = POLLIN };
    int sum = 0, n = 0, result, rc;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 4));
    for (int i = 1; i <= 4; i++)
        WEFT_TRY(weft_spawn(&scope, ask, i, weft_ref(tx)));
    WEFT_DROP(tx);
    WEFT_TRY(weft_pollable(WEFT_MOVE(rx), &results, &entry.fd));
    do {
        if (poll(&entry, 1, -1) < 0) /* and whatever else the program listens to */
            return -errno;
        while ((rc = weft_try_recv(results, &result)) > 0) {
            sum += result;
            n++;
        }
    } while (rc == WEFT_EAGAIN);
    printf("%d results, their sum is %d\n", n, sum);
    return rc < 0 ? rc : weft_scope_wait(&scope);
}

int main(void) { return run_loop() < 0; }
