/* SPDX-License-Identifier: MIT */
/* read_lines -> filter_lines: each stage owns the one before it, and memory stays constant
 * whatever the size of the file. examples/logpipe is the same idea grown up. */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <string.h>
#include <weft.h>

WEFT_GENERATOR(read_lines, weft_rx(weft_line), (const char *, path))
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_lines(path, NULL, &lines));
    weft_each (line, lines)
        WEFT_TRY(weft_yield(line));
    return weft_error(lines);
}

WEFT_GENERATOR(filter_lines, weft_rx(weft_line), (rx, weft_line, lines), (const char *, keyword))
{
    weft_each (line, lines)
        if (memmem(line.data, line.size, keyword, strlen(keyword)) != NULL)
            WEFT_TRY(weft_yield(line)); /* the consumer left: what is open here is closed here */
    return weft_error(lines);           /* 0, or why the stream ended early */
}

static int make_log(const char *path)
{
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_file_open(path, "w", &file));
    for (int i = 1; i <= 1000; i++) {
        char line[64];
        int size = snprintf(line, sizeof line, "%s request %d\n", i % 250 == 0 ? "ERROR" : "INFO",
                            i);
        WEFT_TRY(weft_file_write(file, line, (size_t)size));
    }
    return weft_close_with(file, 0);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_RX(weft_line, raw_lines);
    WEFT_RX(weft_line, error_lines);
    WEFT_TRY(make_log("server.log"));
    WEFT_TRY(read_lines("server.log", &raw_lines));
    WEFT_TRY(filter_lines(WEFT_MOVE(raw_lines), "ERROR", &error_lines));

    weft_each (line, error_lines)
        printf("%.*s\n", (int)line.size, line.data);
    return weft_error(error_lines);
}

int main(void) { return weft_run(main_task, NULL) < 0; }
