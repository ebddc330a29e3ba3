/* SPDX-License-Identifier: MIT */
/* Files, and any blocking call: other tasks go on meanwhile. As with aiofiles and to_thread. */
#include <stdio.h>
#include <string.h>
#include <weft.h>

static int write_file(const char *path, const char *data)
{
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_file_open(path, "w", &file));
    int rc = weft_file_write(file, data, strlen(data));
    return weft_close_with(file, rc); /* the error of the close counts */
}

static int read_file(const char *path, char **out_text)
{
    WEFT_AUTO(weft_file, file);
    size_t size;
    WEFT_TRY(weft_file_open(path, "r", &file));
    return weft_file_read_all(file, out_text, &size);
}

/* Any blocking code, with typed arguments: it runs on a thread of its own and may use it. */
WEFT_TASK(read_with_stdio, (const char *, path), (char *, buffer), (size_t, size))
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -errno;
    size_t n = fread(buffer, 1, size - 1, file);
    buffer[n] = '\0';
    fclose(file);
    return (int)n;
}

static int main_task(void *arg)
{
    (void)arg;
    char buffer[64], *content = NULL;
    WEFT_TRY(write_file("output.txt", "Hello, async world!"));
    WEFT_TRY(read_file("output.txt", &content));
    printf("%s\n", content);
    weft_free(content);

    int n = WEFT_TRY(weft_blocking(read_with_stdio, "output.txt", buffer, sizeof buffer));
    printf("%d bytes: %s\n", n, buffer);

    int rc = weft_blocking(read_with_stdio, "no such file", buffer, sizeof buffer);
    printf("%s: %s\n", weft_errname(rc), weft_strerror(rc));
    return 0;
}

int main(void) { return weft_run(main_task, NULL) < 0; }
