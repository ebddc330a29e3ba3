/* SPDX-License-Identifier: MIT */
/* fetch_pages: a function that waits for each page and yields it. It runs only while its consumer
 * waits for a page; a consumer that leaves early closes it, and it cleans up. */
#include <stdio.h>
#include <weft.h>

struct page {
    int number;
    char data[40];
};

static int fetch(const char *base_url, int number, struct page *out)
{
    (void)base_url;
    WEFT_TRY(weft_sleep(WEFT_MS(10))); /* stands for the request */
    *out = (struct page){ .number = number };
    snprintf(out->data, sizeof out->data, "Content of page %d", number);
    return 0;
}

WEFT_GENERATOR(fetch_pages, weft_rx(struct page), (const char *, base_url), (int, total_pages))
{
    int rc = 0;
    printf("%s: begin\n", base_url);
    for (int n = 1; rc >= 0 && n <= total_pages; n++) {
        struct page page;
        rc = fetch(base_url, n, &page);
        if (rc >= 0)
            rc = weft_yield(page);
    }
    printf("%s: %s\n", base_url, rc == WEFT_ECLOSED ? "nobody wants more" : "done");
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_RX(struct page, pages);
    WEFT_TRY(fetch_pages("https://api.example.com", 3, &pages));
    weft_each (page, pages)
        printf("Processing page %d: %s\n", page.number, page.data);
    WEFT_TRY(weft_error(pages));

    WEFT_RX(struct page, others);
    WEFT_TRY(fetch_pages("https://www.example.org", 1000, &others));
    struct page first;
    if (WEFT_TRY(weft_recv(others, &first)) > 0) /* one item by hand */
        printf("First: %s\n", first.data);
    weft_each (page, others) {
        printf("Processing page %d\n", page.number);
        if (page.number == 3)
            break; /* the rest is never fetched */
    }
    return weft_close(others); /* waits for the clean-up; the brace would do it too */
}

int main(void) { return weft_run(main_task, NULL) < 0; }
