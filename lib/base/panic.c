/* SPDX-License-Identifier: MIT */
#include "base/panic.h"

#include "base/lock.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A long sentence leaves room for the place. */
enum { PANIC_SIZE = 768, PANIC_SENTENCE = 512 };

static struct {
    struct wf_lock lock;
    void (*hook)(const char *text, size_t size, void *arg);
    void *arg;
    size_t (*describe)(char *buf, size_t size);
} reports = { .lock = WF_LOCK_INIT(WF_RANK_NONE) };

static void write_all(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = wf_sys_real.write(2, data, size);
        if (n <= 0)
            return;
        data += n;
        size -= (size_t)n;
    }
}

void wf_report(const char *text, size_t size)
{
    wf_lock_acquire(&reports.lock);
    void (*hook)(const char *, size_t, void *) = reports.hook;
    void *arg = reports.arg;
    wf_lock_release(&reports.lock);
    if (hook != NULL)
        hook(text, size, arg);
    else
        write_all(text, size);
}

void wf_report_hook(void (*hook)(const char *text, size_t size, void *arg), void *arg)
{
    wf_lock_acquire(&reports.lock);
    reports.hook = hook;
    reports.arg = arg;
    wf_lock_release(&reports.lock);
}

void wf_panic_context(size_t (*describe)(char *buf, size_t size)) { reports.describe = describe; }

/* Uses no memory but its own frame and takes no lock: it may run in a signal handler, with the
 * heap broken. So the report hook is not called either: stderr gets the words. */
void wf_panic(const char *format, ...)
{
    char text[PANIC_SIZE];
    size_t size = (size_t)snprintf(text, sizeof text, "weft: fatal: ");
    size_t room = PANIC_SENTENCE - size;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + size, room, format, args);
    va_end(args);
    if (n > 0)
        size += WF_MIN((size_t)n, room - 1);
    if (reports.describe != NULL)
        size += reports.describe(text + size, sizeof text - 1 - size);
    text[size++] = '\n';
    write_all(text, size);
    abort();
}

void wf_text_init(struct wf_text *text)
{
    text->data = text->first;
    text->size = 0;
    text->room = sizeof text->first;
    text->is_cut = false;
}

static bool make_room(struct wf_text *text, size_t more)
{
    size_t room = text->room;
    while (room - text->size <= more)
        room *= 2;
    if (room == text->room)
        return true;
    char *data = wf_alloc(1, room);
    if (data == NULL)
        return false;
    memcpy(data, text->data, text->size);
    wf_text_free(text);
    text->data = data;
    text->room = room;
    return true;
}

void wf_text_add(struct wf_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n <= 0 || text->is_cut)
        return;
    text->is_cut = !make_room(text, (size_t)n);
    if (text->is_cut)
        return;
    va_start(args, format);
    (void)vsnprintf(text->data + text->size, text->room - text->size, format, args);
    va_end(args);
    text->size += (size_t)n;
}

void wf_text_free(struct wf_text *text)
{
    if (text->data != text->first)
        wf_free(text->data);
}
