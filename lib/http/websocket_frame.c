/* SPDX-License-Identifier: MIT
 * Frames in and out: websocket_frame.h. */
#include "http/websocket_frame.h"

#include "plat/mem.h"

#include <string.h>
#include <weft/error.h>

enum {
    FINAL = 0x80,
    RESERVED = 0x70,
    MASKED = 0x80,

    SAYS_PROTOCOL = 1002,
    SAYS_NOTHING = 1005,
    SAYS_NO_TEXT = 1007,
    SAYS_TOO_LONG = 1009,
    SAYS_NO_MEMORY = 1011,
};

static int fail(struct wf_frame_parser *parser, int close_code, int rc)
{
    parser->close_code = close_code;
    return rc;
}

static int break_of_rules(struct wf_frame_parser *parser)
{
    return fail(parser, SAYS_PROTOCOL, WEFT_EHTTPPROTO);
}

/* ---- text ---------------------------------------------------------------------------------------------- */

/* How many bytes the character at text has; 0: it is none. */
static size_t char_size(const unsigned char *text, size_t size)
{
    static const struct {
        unsigned char mask, lead, size;
        uint32_t least;
    } kinds[] = { { 0x80, 0x00, 1, 0 },
                  { 0xe0, 0xc0, 2, 0x80 },
                  { 0xf0, 0xe0, 3, 0x800 },
                  { 0xf8, 0xf0, 4, 0x10000 } };
    for (size_t k = 0; k < WF_ARRAY_SIZE(kinds); k++) {
        if ((text[0] & kinds[k].mask) != kinds[k].lead || kinds[k].size > size)
            continue;
        uint32_t c = text[0] & (uint32_t)~kinds[k].mask;
        for (size_t i = 1; i < kinds[k].size; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | (text[i] & 0x3f);
        }
        bool is_one = c >= kinds[k].least && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        return is_one ? kinds[k].size : 0;
    }
    return 0;
}

bool wf_is_utf8(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        size_t n = *at < 0x80 ? 1 : char_size(at, (size_t)(end - at));
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

/* ---- the head of a frame ------------------------------------------------------------------------------- */

static unsigned head_size(const struct wf_frame_parser *parser)
{
    if (parser->n_head < 2)
        return 2;
    int length = parser->head[1] & 0x7f;
    return length == 126 ? 4 : length == 127 ? 10 : 2;
}

/* False: it is longer than it need be, or a number that is none. */
static bool read_length(struct wf_frame_parser *parser)
{
    unsigned n = head_size(parser);
    uint64_t length = n == 2 ? parser->head[1] & 0x7f : 0;
    for (unsigned i = 2; i < n; i++)
        length = length << 8 | parser->head[i];
    parser->left = length;
    return n == 2 || (n == 4 && length > 125) || (n == 10 && length > 0xffff && length >> 63 == 0);
}

static bool is_control(const struct wf_frame_parser *parser)
{
    return parser->opcode >= WF_FRAME_CLOSE;
}

static int begin_message_frame(struct wf_frame_parser *parser)
{
    bool continues = parser->opcode == WF_FRAME_CONTINUED;
    if (parser->opcode > WF_FRAME_BINARY || continues != (parser->type != 0))
        return break_of_rules(parser);
    if (!continues)
        parser->type = parser->opcode;
    if (parser->left > parser->max_message - parser->size)
        return fail(parser, SAYS_TOO_LONG, WEFT_EHTTPLIMIT);
    return 0;
}

static int begin_frame(struct wf_frame_parser *parser)
{
    parser->opcode = parser->head[0] & 0x0f;
    parser->is_final = (parser->head[0] & FINAL) != 0;
    if ((parser->head[0] & RESERVED) != 0 || (parser->head[1] & MASKED) != 0 ||
        !read_length(parser))
        return break_of_rules(parser);
    if (!is_control(parser))
        return begin_message_frame(parser);
    parser->n_control = 0;
    if (parser->opcode > WF_FRAME_PONG || !parser->is_final || parser->left > WF_FRAME_CONTROL_MOST)
        return break_of_rules(parser);
    return 0;
}

/* ---- what it carries ----------------------------------------------------------------------------------- */

/* As it comes, and not as it is announced: a head costs no memory. One byte more, for a 0. */
static int append(struct wf_frame_parser *parser, const char *data, size_t size)
{
    if (is_control(parser)) {
        memcpy(parser->control + parser->n_control, data, size);
        parser->n_control += (unsigned)size;
        return 0;
    }
    if (parser->size + size + 1 > parser->room) {
        size_t room = WF_MAX(parser->room * 2, parser->size + size + 1);
        char *grown = wf_realloc(parser->data, room);
        if (grown == NULL)
            return fail(parser, SAYS_NO_MEMORY, WEFT_ENOMEM);
        parser->data = grown;
        parser->room = room;
    }
    if (size > 0)
        memcpy(parser->data + parser->size, data, size);
    parser->size += size;
    return 0;
}

static bool may_be_said(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static int end_close(struct wf_frame_parser *parser)
{
    const unsigned char *at = (const unsigned char *)parser->control;
    parser->close_code = SAYS_NOTHING;
    if (parser->n_control == 0)
        return WF_FRAME_CLOSE;
    int code = parser->n_control == 1 ? 0 : at[0] << 8 | at[1];
    if (!may_be_said(code))
        return break_of_rules(parser);
    if (!wf_is_utf8(parser->control + 2, parser->n_control - 2))
        return fail(parser, SAYS_NO_TEXT, WEFT_EHTTPPROTO);
    parser->close_code = code;
    return WF_FRAME_CLOSE;
}

static int end_frame(struct wf_frame_parser *parser)
{
    parser->has_head = false;
    parser->n_head = 0;
    if (is_control(parser)) {
        parser->control[parser->n_control] = '\0';
        return parser->opcode == WF_FRAME_CLOSE ? end_close(parser) : parser->opcode;
    }
    if (!parser->is_final)
        return 0;
    int rc = append(parser, NULL, 0);
    if (rc < 0)
        return rc;
    parser->data[parser->size] = '\0';
    parser->has_given = true;
    if (parser->type == WF_FRAME_TEXT && !wf_is_utf8(parser->data, parser->size))
        return fail(parser, SAYS_NO_TEXT, WEFT_EHTTPPROTO);
    return parser->type;
}

/* ---- the parser ----------------------------------------------------------------------------------------- */

static int parse_head(struct wf_frame_parser *parser, const char *data, size_t size, size_t *at)
{
    while (*at < size && parser->n_head < head_size(parser))
        parser->head[parser->n_head++] = (unsigned char)data[(*at)++];
    if (parser->n_head < head_size(parser))
        return 0;
    parser->has_head = true;
    return begin_frame(parser);
}

static int parse_rest(struct wf_frame_parser *parser, const char *data, size_t size, size_t *at)
{
    size_t n = (size_t)WF_MIN(parser->left, (uint64_t)(size - *at));
    int rc = append(parser, data + *at, n);
    *at += n;
    parser->left -= n;
    return rc < 0 || parser->left > 0 ? rc : end_frame(parser);
}

int wf_frame_parse(struct wf_frame_parser *parser, const char *data, size_t size, size_t *n_taken)
{
    int rc = 0;
    size_t at = 0;
    if (parser->has_given) {
        parser->has_given = false;
        parser->size = 0;
        parser->type = 0;
    }
    while (rc == 0 && at < size) {
        if (!parser->has_head)
            rc = parse_head(parser, data, size, &at);
        if (rc == 0 && parser->has_head)
            rc = parse_rest(parser, data, size, &at);
    }
    *n_taken = at;
    return rc;
}

void wf_frame_parser_init(struct wf_frame_parser *parser, size_t max_message)
{
    *parser = (struct wf_frame_parser){ .max_message = max_message };
}

void wf_frame_parser_destroy(struct wf_frame_parser *parser) { wf_free(parser->data); }

/* ---- frames out ------------------------------------------------------------------------------------------ */

size_t wf_frame_write(char *to, int opcode, bool is_final, const unsigned char mask[4],
                      const void *data, size_t size)
{
    unsigned char *at = (unsigned char *)to;
    const unsigned char *from = data;
    int n_length = size < 126 ? 0 : size <= 0xffff ? 2 : 8;
    *at++ = (unsigned char)(opcode | (is_final ? FINAL : 0));
    *at++ = (unsigned char)(MASKED | (n_length == 0 ? (int)size : n_length == 2 ? 126 : 127));
    for (int i = n_length - 1; i >= 0; i--)
        *at++ = (unsigned char)((uint64_t)size >> 8 * i);
    memcpy(at, mask, 4);
    at += 4;
    for (size_t i = 0; i < size; i++)
        *at++ = from[i] ^ mask[i % 4];
    return (size_t)((char *)at - to);
}
