/* SPDX-License-Identifier: MIT
 * Events out of bytes: events_parse.h has the rules. */
#include "http/events_parse.h"

#include "http/session.h"
#include "plat/mem.h"

#include <string.h>
#include <weft/time.h>

/* ---- text that grows --------------------------------------------------------------------------------- */

static int reserve(struct wf_http_event_text *text, size_t size)
{
    if (size < text->room)
        return 0;
    size_t room = WF_MAX(text->room * 2, wf_size_with(64, 1, size));
    char *data = wf_realloc(text->data, room);
    if (data == NULL)
        return WEFT_ENOMEM;
    text->data = data;
    text->room = room;
    return 0;
}

static int append(struct wf_http_event_text *text, const char *data, size_t size)
{
    int rc = reserve(text, wf_size_with(text->size, 1, size));
    if (rc < 0)
        return rc;
    if (size > 0)
        memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
    return 0;
}

static int replace(struct wf_http_event_text *text, const char *data, size_t size)
{
    text->size = 0;
    return append(text, data, size);
}

static const char *or_empty(const struct wf_http_event_text *text)
{
    return text->data != NULL ? text->data : "";
}

/* ---- fields ------------------------------------------------------------------------------------------- */

/* Digits alone; a number that is none, or is too large, asks for nothing. */
static void set_retry(struct wf_http_event_parser *parser, const char *text, size_t size)
{
    int64_t ms = 0;
    for (size_t i = 0; i < size; i++)
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(ms, 10, &ms) ||
            __builtin_add_overflow(ms, text[i] - '0', &ms))
            return;
    if (size == 0 || __builtin_mul_overflow(ms, 1000000, &ms))
        return;
    parser->retry_ns = ms;
}

/* What could not be sent back in a header is no id, like one with a 0 byte. */
static int set_id(struct wf_http_event_parser *parser, const char *text, size_t size)
{
    if (memchr(text, '\0', size) != NULL || !wf_http_is_value(text))
        return 0;
    return replace(&parser->next_id, text, size);
}

static int add_data(struct wf_http_event_parser *parser, const char *text, size_t size)
{
    if (parser->data.size + parser->type.size + size + 1 > parser->max_event)
        return WEFT_EHTTPLIMIT;
    int rc = append(&parser->data, text, size);
    return rc < 0 ? rc : append(&parser->data, "\n", 1);
}

static int set_type(struct wf_http_event_parser *parser, const char *text, size_t size)
{
    if (parser->data.size + size > parser->max_event)
        return WEFT_EHTTPLIMIT;
    return replace(&parser->type, text, size);
}

/* The value is ended by 0. Other names, and comments, whose name is empty, mean nothing. */
static int take_field(struct wf_http_event_parser *parser, const char *name, size_t name_size,
                      const char *value, size_t size)
{
    if (name_size == 4 && memcmp(name, "data", 4) == 0)
        return add_data(parser, value, size);
    if (name_size == 5 && memcmp(name, "event", 5) == 0)
        return set_type(parser, value, size);
    if (name_size == 2 && memcmp(name, "id", 2) == 0)
        return set_id(parser, value, size);
    if (name_size == 5 && memcmp(name, "retry", 5) == 0)
        set_retry(parser, value, size);
    return 0;
}

/* Nothing is no wait, and twice nothing none either: a server that asks for that and ends each stream
 * would be asked again without an end, as fast as it answers. */
int64_t wf_http_event_delay(int64_t retry_ns, int64_t most_ns, int n_vain)
{
    int64_t delay_ns = WF_MIN(WF_MAX(retry_ns, WEFT_MS(10)), most_ns);
    for (int i = 0; i < n_vain && delay_ns < most_ns; i++)
        delay_ns = delay_ns <= most_ns / 2 ? delay_ns * 2 : most_ns;
    return delay_ns;
}

/* ---- lines -------------------------------------------------------------------------------------------- */

/* 1: there is an event; one without data is none, but its id counts (V2). */
static int end_event(struct wf_http_event_parser *parser, weft_http_event *out)
{
    int rc = replace(&parser->id, or_empty(&parser->next_id), parser->next_id.size);
    if (rc < 0)
        return rc;
    parser->has_given = true;
    if (parser->data.size == 0)
        return 0;
    parser->data.data[--parser->data.size] = '\0'; /* the \n after the last line */
    *out = (weft_http_event){
        .type = parser->type.size > 0 ? parser->type.data : "message",
        .data = parser->data.data,
        .size = parser->data.size,
        .id = parser->id.data,
        .retry_ns = parser->retry_ns,
    };
    return 1;
}

static int end_line(struct wf_http_event_parser *parser, weft_http_event *out)
{
    const char *line = parser->line.data;
    size_t size = parser->line.size;
    parser->line.size = 0;
    if (!parser->has_line && size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3, size -= 3;
    parser->has_line = true;
    if (size == 0)
        return end_event(parser, out);
    const char *colon = memchr(line, ':', size);
    size_t name_size = colon != NULL ? (size_t)(colon - line) : size;
    const char *value = colon != NULL ? colon + 1 : line + size;
    if (colon != NULL && *value == ' ')
        value++;
    return take_field(parser, line, name_size, value, (size_t)(line + size - value));
}

static size_t length_of_line(const char *data, size_t size)
{
    size_t n = 0;
    while (n < size && data[n] != '\n' && data[n] != '\r')
        n++;
    return n;
}

static void begin_event(struct wf_http_event_parser *parser)
{
    parser->has_given = false;
    parser->data.size = parser->type.size = 0;
}

/* ---- the parser --------------------------------------------------------------------------------------- */

/* One line, or the rest of the bytes. */
static int parse_line(struct wf_http_event_parser *parser, const char *data, size_t size,
                      size_t *n_taken, weft_http_event *out)
{
    size_t n = length_of_line(data, size);
    *n_taken = n;
    if (parser->line.size + n > parser->max_event)
        return WEFT_EHTTPLIMIT;
    int rc = append(&parser->line, data, n);
    if (rc < 0 || n == size)
        return rc;
    *n_taken = n + 1;
    parser->is_after_cr = data[n] == '\r';
    return end_line(parser, out);
}

int wf_http_event_parse(struct wf_http_event_parser *parser, const char *data, size_t size,
                        size_t *n_taken, weft_http_event *out)
{
    int rc = 0;
    size_t at = 0, n = 0;
    for (; rc == 0 && at < size; at += n) {
        if (parser->has_given)
            begin_event(parser);
        bool is_rest = parser->is_after_cr && data[at] == '\n';
        parser->is_after_cr = false;
        n = 1;
        if (!is_rest)
            rc = parse_line(parser, data + at, size - at, &n, out);
    }
    *n_taken = at;
    return rc;
}

const char *wf_http_event_id(const struct wf_http_event_parser *parser)
{
    return or_empty(&parser->id);
}

int wf_http_event_parser_init(struct wf_http_event_parser *parser, size_t max_event,
                              int64_t retry_ns, const char *id)
{
    *parser = (struct wf_http_event_parser){ .max_event = max_event, .retry_ns = retry_ns };
    size_t size = id != NULL ? strlen(id) : 0;
    int rc = replace(&parser->id, id, size);
    return rc < 0 ? rc : replace(&parser->next_id, id, size);
}

void wf_http_event_parser_destroy(struct wf_http_event_parser *parser)
{
    wf_free(parser->line.data);
    wf_free(parser->data.data);
    wf_free(parser->type.data);
    wf_free(parser->id.data);
    wf_free(parser->next_id.data);
}

void wf_http_event_parser_restart(struct wf_http_event_parser *parser)
{
    begin_event(parser);
    parser->line.size = 0;
    parser->has_line = parser->is_after_cr = false;
    int rc = replace(&parser->next_id, or_empty(&parser->id), parser->id.size);
    (void)rc; /* it has room: the id came from there */
}
