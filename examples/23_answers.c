/* SPDX-License-Identifier: MIT */
/* A generator that is answered: each demand of its consumer may bring a value to the yield, or an
 * error. And one that reads ahead: the next pages are fetched while one is being used. */
#include <errno.h>
#include <stdio.h>
#include <weft.h>

/* Yields the mean of the samples it has been sent; -EDOM thrown in makes it begin anew. */
WEFT_GENERATOR(running_mean, weft_rx(double, int))
{
    double sum = 0, mean = 0;
    for (int n = 0;;) {
        int sample;
        int rc = weft_yield_into(&sample, mean);
        if (rc == -EDOM) {
            sum = mean = n = 0;
            continue;
        }
        if (rc < 0)
            return rc; /* nobody wants more */
        if (rc == 1)
            mean = (sum += sample) / ++n;
    }
}

static int means(void)
{
    WEFT_RX(double, mean, int);
    double m;
    WEFT_TRY(running_mean(&mean));
    WEFT_TRY(weft_recv(mean, &m)); /* to its first yield: there is nothing to answer before */
    for (int sample = 10; sample <= 30; sample += 10) {
        WEFT_TRY(weft_resume(mean, &m, sample));
        printf("%d makes the mean %.1f\n", sample, m);
    }
    WEFT_TRY(weft_throw(mean, &m, -EDOM));
    WEFT_TRY(weft_resume(mean, &m, 7));
    printf("begun anew, 7 makes it %.1f\n", m);
    return weft_close(mean);
}

struct page {
    int number;
    char text[24];
};

WEFT_GENERATOR(pages, weft_rx(struct page), (int, last))
{
    for (int n = 1; n <= last; n++) {
        struct page page = { .number = n };
        WEFT_TRY(weft_sleep(WEFT_MS(1))); /* stands for the request */
        snprintf(page.text, sizeof page.text, "text of page %d", n);
        WEFT_TRY(weft_yield(page));
    }
    return -ENODATA;
}

static int read_pages(void)
{
    WEFT_RX(struct page, ahead);
    WEFT_TRY(pages_with(WEFT_OPTS(generator, .read_ahead = 2), 4, &ahead));
    weft_each (page, ahead) {
        WEFT_TRY(weft_sleep(WEFT_MS(1))); /* meanwhile two more are on their way */
        printf("%s\n", page.text);
    }
    int rc = weft_error(ahead); /* after the items, though it came earlier */
    if (rc != -ENODATA)
        return rc;
    printf("then: %s\n", weft_strerror(rc));
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(means());
    return read_pages();
}

int main(void) { return weft_run(main_task, NULL) < 0; }
