/* SPDX-License-Identifier: MIT
 * Last words and reports: the only places where weft prints. */
#ifndef WF_BASE_PANIC_H
#define WF_BASE_PANIC_H

#include "plat/cc.h"

/* An invariant or memory safety is gone: writes "weft: fatal: <sentence>" and where it happened
 * (the task, by the hook below) as one block to stderr and to the report hook, then aborts. */
WF_NORETURN WF_PRINTF(1, 2) void wf_panic(const char *format, ...);

/* Appends " task #3 "name" spawned at file:line" to a panic; set by the sched layer. */
void wf_panic_context(size_t (*describe)(char *buf, size_t size));

/* Checks an invariant. Level 1 always, 2 and 3 in builds with that WEFT_CHECK. */
#ifndef WEFT_CHECK
#define WEFT_CHECK 0
#endif
#define WF_CHECK(level, condition, ...)            \
    do {                                           \
        if ((level) <= WEFT_CHECK && !(condition)) \
            wf_panic(__VA_ARGS__);                 \
    } while (0)
#define WF_MUST(condition, ...)        \
    do {                               \
        if (WF_UNLIKELY(!(condition))) \
            wf_panic(__VA_ARGS__);     \
    } while (0)

/* A report that is written in pieces and leaves as one block. Grows; when memory ends it is cut
 * short (is_cut). */
struct wf_text {
    char *data;
    size_t size, room;
    bool is_cut;
    char first[256];
};

void wf_text_init(struct wf_text *text);
WF_PRINTF(2, 3) void wf_text_add(struct wf_text *text, const char *format, ...);
void wf_text_free(struct wf_text *text);

/* Gives a report to the hook, or writes it to stderr. */
void wf_report(const char *text, size_t size);
void wf_report_hook(void (*hook)(const char *text, size_t size, void *arg), void *arg);

#endif
