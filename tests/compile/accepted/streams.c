/* SPDX-License-Identifier: MIT
 * Streams as a program writes them. */
#include <weft.h>

struct numbered {
    uint64_t index;
    weft_line item;
};
struct pair {
    int first;
    int second;
};
struct batch {
    size_t n;
    int items[16];
};

WEFT_FILTER_MAP(number_in, int, out, weft_line, line)
{
    *out = (int)line.size;
    return line.size > 0;
}
WEFT_TAKE_WHILE(below, int, n, (int, limit)) { return n < limit; }
WEFT_DROP_WHILE(negative, int, n) { return n < 0; }
WEFT_SCAN(running_sum, long, sum, int, n, (rx, int, other))
{
    int more;
    *sum += WEFT_TRY(weft_recv(other, &more)) > 0 ? n + more : n;
    return 0;
}
WEFT_DISTINCT(same_ten, int, last, next, (int, ten)) { return last / ten == next / ten; }
WEFT_FLAT_MAP(up_to, int64_t, out_rx, int, n) { return weft_range(0, n, 1, out_rx); }
WEFT_PAGES(pages_of, int, page, (uint64_t, last))
{
    int n = (int)page->number;
    WEFT_TRY(weft_page_add(page, &n, sizeof n));
    return page->number < last;
}

WEFT_RETRY(tried_range, int64_t, out_rx, (int64_t, end)) { return weft_range(0, end, 1, out_rx); }
WEFT_FOLD(total, long, sum, int64_t, n, (long, factor))
{
    *sum += factor * (long)n;
    return 0;
}
WEFT_CATCH(or_nothing, int64_t, code, out_rx)
{
    return code == WEFT_ETIMEDOUT ? 0 : weft_range(0, 1, 1, out_rx);
}
WEFT_ON_END(noted, int64_t, code, (int *, out_code)) { return *out_code = code; }

WEFT_MAP_PARALLEL(squared, int64_t, out, int64_t, n, (tx, int64_t, log))
{
    *out = n * n;
    return weft_send(log, n);
}
WEFT_FOR_EACH(logged, int64_t, n, (tx, int64_t, log)) { return weft_send(log, n); }

int use_tasks(weft_tx(int64_t) * log);
int use_tasks(weft_tx(int64_t) * log)
{
    WEFT_RX(int64_t, a);
    WEFT_RX(int64_t, b);
    WEFT_TRY(weft_range(0, 9, 1, &a));
    WEFT_TRY(squared(WEFT_MOVE(a), weft_ref(*log), &b));
    WEFT_TRY(weft_buffer(WEFT_MOVE(b), 4, &a));
    WEFT_TRY(squared_with(WEFT_OPTS(parallel, .limit = 2), WEFT_MOVE(a), weft_ref(*log), &b));
    return logged(4, WEFT_MOVE(b), log);
}

int use_time(void);
int use_time(void)
{
    WEFT_RX(int64_t, a);
    WEFT_RX(int64_t, b);
    int64_t *items;
    size_t n;
    int code;
    long sum = 0;
    WEFT_TRY(tried_range(3, &a));
    WEFT_TRY(tried_range_with(WEFT_OPTS(retry, .tries = 3), 3, &a));
    WEFT_TRY(or_nothing(WEFT_MOVE(a), &b));
    WEFT_TRY(noted(WEFT_MOVE(b), &code, &a));
    WEFT_TRY(weft_throttle(WEFT_MOVE(a), WEFT_MS(1), &b));
    WEFT_TRY(total(WEFT_MOVE(b), 2, &sum));
    WEFT_TRY(weft_range(0, 9, 1, &a));
    WEFT_TRY(weft_conflate(WEFT_MOVE(a), &b));
    WEFT_TRY(weft_range(0, 9, 1, &a));
    WEFT_TRY(weft_debounce(WEFT_MOVE(a), WEFT_MS(1), &b));
    WEFT_TRY(weft_range(0, 9, 1, &a));
    WEFT_TRY(weft_sample(WEFT_MOVE(a), WEFT_MS(1), &b));
    WEFT_TRY(weft_range(0, 9, 1, &a));
    WEFT_TRY(weft_item_timeout(WEFT_MOVE(a), WEFT_MS(1), &b));
    WEFT_TRY(weft_collect(WEFT_MOVE(b), &items, &n));
    weft_free(items);
    return sum > 0;
}

int use_transforms(weft_rx(weft_line) * lines, weft_rx(int) * other);
int use_transforms(weft_rx(weft_line) * lines, weft_rx(int) * other)
{
    WEFT_RX(weft_line, some);
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    WEFT_RX(int, c);
    WEFT_RX(long, sums);
    WEFT_TRY(weft_skip(lines, 2, &some));
    WEFT_TRY(number_in(WEFT_MOVE(some), &a));
    WEFT_TRY(below_with(WEFT_OPTS(stream, .never_waits = true), WEFT_MOVE(a), 7, &b));
    WEFT_TRY(negative(WEFT_MOVE(b), &c));
    WEFT_TRY(running_sum(WEFT_MOVE(c), 0, other, &sums));
    return weft_close(sums);
}

int use_joins(weft_rx(weft_line) * lines);
int use_joins(weft_rx(weft_line) * lines)
{
    static const int few[] = { 1, 2 };
    WEFT_RX(struct numbered, numbered);
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    WEFT_RX(int, c);
    WEFT_RX(struct pair, pairs);
    WEFT_RX(struct batch, batches);
    WEFT_RX(int64_t, all);
    WEFT_TRY(weft_enumerate(lines, &numbered));
    WEFT_TRY(weft_array(few, 2, &a));
    WEFT_TRY(pages_of(7, &b));
    WEFT_TRY(weft_zip(WEFT_MOVE(a), WEFT_MOVE(b), &pairs));
    WEFT_TRY(weft_array_with(WEFT_OPTS(stream, .name = "few"), few, 2, &a));
    WEFT_TRY(pages_of_with(WEFT_OPTS(stream, .name = "pages"), 7, &b));
    WEFT_TRY(weft_merge(&c, WEFT_MOVE(a), weft_ref(b)));
    WEFT_TRY(weft_chain(&a, WEFT_MOVE(b), WEFT_MOVE(c)));
    WEFT_TRY(weft_distinct(WEFT_MOVE(a), &b));
    WEFT_TRY(same_ten(WEFT_MOVE(b), 10, &a));
    WEFT_TRY(weft_chunks(WEFT_MOVE(a), &batches));
    WEFT_TRY(weft_array(few, 2, &a));
    WEFT_TRY(weft_chunks_timed(WEFT_MOVE(a), WEFT_MS(1), &batches));
    WEFT_TRY(weft_array(few, 2, &a));
    WEFT_TRY(weft_pairwise(WEFT_MOVE(a), &pairs));
    WEFT_TRY(weft_array(few, 2, &a));
    WEFT_TRY(up_to(WEFT_MOVE(a), &all));
    return weft_close(all);
}

/* ---- pipelines ----------------------------------------------------------------------------- */

WEFT_STAGE_SOURCE(staged_lines, weft_text, out, (const char *, path), (tx, int, log))
{
    WEFT_TRY(weft_send(log, 1));
    return path != NULL ? weft_send(out, (weft_text){ NULL, 0 }) : 0;
}
WEFT_STAGE(staged, int, out, weft_text, in)
{
    weft_each (text, in) {
        int size = (int)text.size;
        weft_text_drop(&text);
        WEFT_TRY(weft_send(out, size));
    }
    return weft_error(in);
}
WEFT_STAGE_MAP(staged_map, long, out, int, in, (int, opts))
{
    *out = in + opts;
    return 0;
}
WEFT_STAGE_FILTER_MAP(staged_some, long, out, long, in)
{
    *out = in;
    return in > 0;
}
WEFT_STAGE_FLAT_MAP(staged_many, long, out, long, in, (int, n))
{
    WEFT_TRY(weft_emit(out, in + n));
    return weft_emit(out, 1);
}
WEFT_STAGE_SINK(staged_end, long, in, (long *, sum))
{
    weft_each (n, in)
        *sum += n;
    return weft_error(in);
}

int use_stages(weft_tx(int) log);
int use_stages(weft_tx(int) log)
{
    long sum = 0;
    const char *name = NULL;
    WEFT_RX(weft_text, lines);
    WEFT_RX(int, sizes);
    WEFT_RX(long, a);
    WEFT_RX(long, b);
    WEFT_PIPELINE(p, .name = "staged");
    WEFT_TRY(
        staged_lines(&p, WEFT_OPTS(stage, .drop = weft_text_drop), "x", weft_ref(log), &lines));
    WEFT_TRY(staged(&p, NULL, WEFT_MOVE(lines), &sizes));
    WEFT_TRY(staged_map(&p, WEFT_OPTS(stage, .workers = 2), WEFT_MOVE(sizes), 1, &a));
    WEFT_TRY(staged_some(&p, WEFT_OPTS(stage, .ordered = true), WEFT_MOVE(a), &b));
    WEFT_TRY(staged_end(&p, NULL, WEFT_MOVE(b), &sum));
    WEFT_TRY(weft_pipeline_wait(&p));
    WEFT_TRY(weft_pipeline_print(&p, stdout));
    return weft_pipeline_error(&p, &name);
}
