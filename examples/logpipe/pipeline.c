/* SPDX-License-Identifier: MIT */
/* The pipeline. Each stage ends by itself when the one before it has.
 *
 * A signal cancels the reading alone. What was read by then still runs through, so that even a
 * partial result counts every line that it says was read. */
#include <stdio.h>
#include <string.h>

#include "logpipe.h"

enum { N_PARSERS = 3, CHANNEL_CAPACITY = 512, BLOCK_SIZE = 1 << 20 };

static void count_line(struct pipeline *p, struct input *input, size_t size)
{
    uint64_t n_bytes = atomic_load_explicit(&p->n_bytes, memory_order_relaxed) + size;
    atomic_store_explicit(&p->n_bytes, n_bytes, memory_order_relaxed);
    input->n_bytes += size;
    input->n_lines++;
}

/* memmem would first make a table of the word, which takes longer than a line of this length. */
static bool has_error(weft_line line)
{
    static const char word[] = { 'E', 'R', 'R', 'O', 'R' };
    const char *end = line.data + line.size;
    for (const char *at = line.data; (at = memchr(at, 'E', (size_t)(end - at))) != NULL; at++)
        if ((size_t)(end - at) >= sizeof word && memcmp(at, word, sizeof word) == 0)
            return true;
    return false;
}

WEFT_FILTER(only_errors, weft_line, line, (struct pipeline *, p), (struct input *, input))
{
    count_line(p, input, line.size);
    return has_error(line);
}

/* A line is a view into the reader's block: what goes through a channel is a copy. */
static int read_log(struct pipeline *p, struct input *input, weft_tx(weft_text) out)
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, errors);
    WEFT_TRY(weft_lines(input->path, WEFT_OPTS(lines, .keep_ends = true, .block_size = BLOCK_SIZE),
                        &lines));
    WEFT_TRY(only_errors(WEFT_MOVE(lines), p, input, &errors));
    weft_each (line, errors) {
        weft_text text;
        WEFT_TRY(weft_text_copy(line, &text));
        int rc = weft_send(out, text);
        if (rc < 0) {
            weft_text_drop(&text);
            return rc;
        }
    }
    return weft_error(errors);
}

/* Progress is shown by a task in the scope of the reading, which ends when that is cancelled: by a
 * signal, or here at the end. An error of it is the reading's. */
WEFT_STAGE_SOURCE(read_logs, weft_text, out, (struct pipeline *, p))
{
    WEFT_SCOPE(reading, .name = "reading");
    WEFT_AUTO(weft_interrupt, interrupt);
    WEFT_TRY(weft_interrupt_open(&reading, &interrupt));
    if (p->shows_progress)
        WEFT_TRY(start_progress(&reading, p));
    for (size_t i = 0; i < p->n_inputs; i++) {
        struct input *input = &p->inputs[i];
        input->rc = read_log(p, input, out);
        if (weft_scope_is_cancelled(&reading)) {
            p->signal = weft_interrupt_signal(interrupt);
            input->rc = 0;
            break;
        }
    }
    weft_scope_cancel(&reading);
    return weft_scope_wait(&reading);
}

WEFT_STAGE(parse_lines, struct finding, out, weft_text, lines)
{
    weft_each (line, lines) {
        struct finding finding = parse_line(&line);
        weft_text_drop(&line);
        WEFT_TRY(weft_send(out, finding));
    }
    return weft_error(lines);
}

int count_errors(void *arg)
{
    struct pipeline *p = arg;
    WEFT_RX(weft_text, lines);
    WEFT_RX(struct finding, findings);
    WEFT_PIPELINE(stages, .name = "pipeline");

    int64_t began_ns = weft_now_ns();
    WEFT_TRY(read_logs(&stages,
                       WEFT_OPTS(stage, .capacity = CHANNEL_CAPACITY, .drop = weft_text_drop), p,
                       &lines));
    WEFT_TRY(parse_lines(&stages,
                         WEFT_OPTS(stage, .workers = N_PARSERS, .capacity = CHANNEL_CAPACITY),
                         WEFT_MOVE(lines), &findings));
    weft_each (finding, findings)
        WEFT_TRY(tally_add(&p->tally, &finding));
    int rc = weft_pipeline_wait(&stages);
    p->took_ns = weft_now_ns() - began_ns;
    if (p->shows_stages)
        (void)weft_pipeline_print(&stages, stderr);
    return rc;
}
