/* SPDX-License-Identifier: MIT */
/* 2026-11-22T05:12:33.123 ERROR [svc-3] text: the hour and the service, each if it is there. */
#include <string.h>

#include "logpipe.h"

struct span {
    const char *data;
    size_t size;
};

static bool is_blank(char c) { return c == ' ' || c == '\r' || c == '\n'; }

/* Cuts the next word, which spaces separate, off the text. */
static struct span next_word(struct span *text)
{
    while (text->size > 0 && is_blank(text->data[0]))
        text->data++, text->size--;
    struct span word = { text->data, 0 };
    while (word.size < text->size && !is_blank(word.data[word.size]))
        word.size++;
    text->data += word.size;
    text->size -= word.size;
    return word;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int hour_of(struct span time)
{
    static const char shape[] = "dddd-dd-ddTdd:dd";
    if (time.size < strlen(shape))
        return N_HOURS;
    for (size_t i = 0; shape[i] != '\0'; i++)
        if (shape[i] == 'd' ? !is_digit(time.data[i]) : time.data[i] != shape[i])
            return N_HOURS;
    int hour = (time.data[11] - '0') * 10 + (time.data[12] - '0');
    return hour < N_HOURS ? hour : N_HOURS;
}

/* Only what can be printed as it is: nothing in a log reaches the terminal as an escape. */
static bool is_name(struct span name)
{
    if (name.size == 0 || name.size >= SERVICE_SIZE)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == '[' || name.data[i] == ']')
            return false;
    return true;
}

struct finding parse_line(const weft_text *line)
{
    struct span text = { line->data, line->size };
    struct finding found = { .service = "?", .hour = hour_of(next_word(&text)) };
    (void)next_word(&text); /* the level */
    struct span word = next_word(&text);
    if (word.size < 2 || word.data[0] != '[' || word.data[word.size - 1] != ']')
        return found;
    struct span name = { word.data + 1, word.size - 2 };
    if (is_name(name)) {
        memcpy(found.service, name.data, name.size);
        found.service[name.size] = '\0';
    }
    return found;
}
