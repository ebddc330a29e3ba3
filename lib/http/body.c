/* SPDX-License-Identifier: MIT
 * A body, as its reader takes it out of the ring: E4. What has come before an error is given first,
 * then the error, as often as it is asked for. While another drives there may always be more of a body without
 * an end: a cancel is looked for before each piece, and not only where one is waited for. */
#include "http/trace.h"

#include "plat/mem.h"

#include <string.h>
#include <weft/file.h>
#include <weft/iterator.h>
#include <weft/task.h>

/* ---- pieces ----------------------------------------------------------------------------------------- */

static bool has_bytes(void *arg)
{
    const weft_http_response *x = arg;
    return x->in.tail > x->in.head || x->stage == WF_HTTP_OVER;
}

int64_t wf_http_body_wait(weft_http_response *x, const char **out_data)
{
    if (wf_http_has_forked(x->session))
        return WEFT_EFORK;
    int rc = weft_checkpoint();
    if (rc == 0)
        rc = wf_http_wait(x, has_bytes);
    if (rc < 0)
        return rc;
    wf_http_role_lock(&x->session->role);
    size_t size = x->in.tail - x->in.head;
    int code = x->code;
    wf_http_role_unlock(&x->session->role);
    if (size == 0 && x->trace != NULL)
        wf_http_trace_end(x, code);
    if (size == 0)
        return WF_MIN(code, 0);
    size_t at = x->in.head % x->in.room;
    *out_data = x->in.data + at;
    size = WF_MIN(size, x->in.room - at);
    if (x->trace != NULL)
        wf_http_trace_received(x, size);
    return (int64_t)size;
}

void wf_http_body_taken(weft_http_response *x, size_t size)
{
    wf_http_role_lock(&x->session->role);
    x->in.head += size;
    if (x->is_paused && x->in.tail - x->in.head <= x->in.room / 2)
        wf_http_ask_locked(x);
    wf_http_role_unlock(&x->session->role);
}

int64_t weft_http_read(weft_http_response *response, void *buf, size_t size)
{
    const char *data = NULL;
    if (response == NULL || buf == NULL || size == 0)
        return WEFT_EINVAL;
    int64_t n = wf_http_body_wait(response, &data);
    if (n <= 0)
        return n;
    size_t taken = WF_MIN((size_t)n, size);
    memcpy(buf, data, taken);
    wf_http_body_taken(response, taken);
    return (int64_t)taken;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

struct whole {
    char *data;
    size_t size, room, most;
};

/* With one byte more than size, for the 0 at the end. */
static int reserve(struct whole *whole, size_t size)
{
    if (size > whole->most)
        return WEFT_EHTTPLIMIT;
    if (size < whole->room)
        return 0;
    size_t room = WF_MIN(WF_MAX(whole->room * 2, size + 1), whole->most + 1);
    char *data = wf_realloc(whole->data, room);
    if (data == NULL)
        return WEFT_ENOMEM;
    whole->data = data;
    whole->room = room;
    return 0;
}

static int read_whole(weft_http_response *x, struct whole *whole)
{
    const char *data = NULL;
    int64_t n;
    int rc = 0;
    while ((n = wf_http_body_wait(x, &data)) > 0) {
        rc = reserve(whole, whole->size + (size_t)n);
        if (rc < 0)
            return rc;
        memcpy(whole->data + whole->size, data, (size_t)n);
        whole->size += (size_t)n;
        wf_http_body_taken(x, (size_t)n);
    }
    return (int)n;
}

int weft_http_read_all(weft_http_response *response, char **out_data, size_t *out_size)
{
    if (response == NULL || out_data == NULL)
        return WEFT_EINVAL;
    struct whole whole = { .most = response->max_body };
    int64_t length = response->head.length;
    bool has_none = strcmp(response->method, "HEAD") == 0 || response->head.status == 304;
    bool is_known = length > 0 && !response->head.is_encoded && !has_none;
    int rc = reserve(&whole, is_known ? (size_t)length : 0);
    if (rc >= 0)
        rc = read_whole(response, &whole);
    if (rc < 0) {
        wf_free(whole.data);
        return rc;
    }
    whole.data[whole.size] = '\0';
    *out_data = whole.data;
    if (out_size != NULL)
        *out_size = whole.size;
    return 0;
}

int weft_http_text(weft_http_response *response, char **out_text)
{
    return weft_http_read_all(response, out_text, NULL);
}

/* ---- into a file ------------------------------------------------------------------------------------- */

static int save_to(weft_http_response *x, weft_file *file, int64_t *size)
{
    const char *data = NULL;
    int64_t n;
    while ((n = wf_http_body_wait(x, &data)) > 0) {
        size_t n_written;
        int rc = weft_file_write_all(file, data, (size_t)n, &n_written);
        *size += (int64_t)n_written;
        wf_http_body_taken(x, n_written);
        if (rc < 0)
            return rc;
    }
    return (int)n;
}

int weft_http_save(weft_http_response *response, const char *path, int64_t *out_size)
{
    int64_t size = 0;
    weft_file *file = NULL;
    if (response == NULL || path == NULL)
        return WEFT_EINVAL;
    int rc = weft_file_open(path, "w", &file);
    if (rc >= 0)
        rc = save_to(response, file, &size);
    if (out_size != NULL)
        *out_size = size;
    int closed = weft_file_close(file);
    return rc < 0 ? rc : closed;
}

/* ---- as a receiver ------------------------------------------------------------------------------------ */

struct chunks {
    weft_http_response *x;
    size_t lent; /* of the ring, to whoever has the last chunk */
};

static int give_back(void *state)
{
    struct chunks *chunks = state;
    if (chunks->lent > 0)
        wf_http_body_taken(chunks->x, chunks->lent);
    chunks->lent = 0;
    return 0;
}

static int next_chunk(void *state, void *out)
{
    struct chunks *chunks = state;
    const char *data = NULL;
    (void)give_back(state);
    int64_t n = wf_http_body_wait(chunks->x, &data);
    if (n <= 0)
        return (int)n;
    weft_http_chunk chunk = { data, (size_t)n };
    memcpy(out, &chunk, sizeof(chunk));
    chunks->lent = (size_t)n;
    return 1;
}

int weft_http_chunks_open(weft_http_response *response, weft_receiver **out_rx)
{
    if (response == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    struct chunks chunks = { .x = response };
    weft_iterator_opts opts = {
        .size_ = sizeof(opts),
        .name = "HTTP body",
        .next = next_chunk,
        .close = give_back,
        .lends_items = true,
    };
    return weft_iterator_open(&opts, &chunks, sizeof(chunks), sizeof(weft_http_chunk), out_rx);
}

static int64_t read_some(void *x, void *buf, size_t size) { return weft_http_read(x, buf, size); }

int weft_http_lines_open(weft_http_response *response, const weft_lines_opts *opts,
                         weft_receiver **out_rx)
{
    return response != NULL ? weft_lines_read_by(read_some, response, opts, out_rx) : WEFT_EINVAL;
}
