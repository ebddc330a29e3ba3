/* SPDX-License-Identifier: MIT
 * Where a task's last call of weft's was made, which the watchdog tells: in the caller's code, also if
 * the call makes others for it. Whoever calls lies in a section of its own, whose bounds are known. */
#include "plat/symbol.h"
#include "sched/wait.h"
#include "wt_test.h"

#include <string.h>
#include <unistd.h>
#include <weft.h>

#define CALLER __attribute__((section("last_call_here"), noinline))
extern const char __start_last_call_here[], __stop_last_call_here[];

static bool is_noted_here(void)
{
    const char *site = wf_noted_call();
    return site > __start_last_call_here && site <= __stop_last_call_here;
}

/* Another call that is made elsewhere comes before each. */
static WF_NOINLINE void call_from_elsewhere(void)
{
    ck_assert_int_eq(weft_checkpoint(), 0);
    ck_assert(!is_noted_here());
}

#define CHECK(call)                                             \
    do {                                                        \
        call_from_elsewhere();                                  \
        call;                                                   \
        ck_assert_msg(is_noted_here(), "%s: not noted", #call); \
    } while (0)
#define CHECK_OK(call)       CHECK(ck_assert_int_ge((call), 0))
#define CHECK_IS(call, code) CHECK(ck_assert_int_eq((call), (code)))

WEFT_TASK(do_nothing) { return 0; }

static int enter_nothing(void *args, void *self) { return (void)args, (void)self, 0; }

static int clone_nothing(void *args) { return (void)args, 0; }

static const weft_callable nothing = { .enter = enter_nothing,
                                       .clone = clone_nothing,
                                       .name = "nothing",
                                       .file = __FILE__,
                                       .line = __LINE__ };

static CALLER void use_channels(void)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    weft_permit(int) place = NULL;
    int value, rc;
    CHECK_OK(weft_chan_open(&tx, &rx, 4));
    CHECK_OK(weft_send(tx, 1));
    CHECK_OK(weft_try_send(tx, 2));
    CHECK_OK(weft_recv(rx, &value));
    CHECK_OK(weft_try_recv(rx, &value));
    CHECK_IS(weft_try_recv(rx, &value), WEFT_EAGAIN);
    CHECK_OK(weft_reserve(tx, &place));
    CHECK_OK(weft_commit(place, 3));
    CHECK_OK(weft_select(&rc, weft_on_recv(rx, &value)));
    CHECK_OK(weft_select_ordered(&rc, weft_on_nothing()));
    CHECK_OK(weft_end(tx, 0));
    CHECK_IS(weft_send(tx, 4), WEFT_ECLOSED);
}

/* A spawn, and a blocking call by its macro, are made by functions that WEFT_TASK has put beside the
 * task: they are the user's, but not in this section. */
static CALLER void use_scopes(void)
{
    weft_task *task = NULL;
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn_task(&scope, &task, do_nothing), 0);
    CHECK_OK(weft_task_join(task, NULL, NULL, 0));
    CHECK(weft_task_close(task));
    CHECK_OK(weft_scope_wait(&scope));
    CHECK(weft_scope_cancel(&scope)); /* there is nothing left of it */
}

static CALLER void use_streams(void)
{
    static const int numbers[] = { 1, 2, 3 };
    WEFT_RX(int, rx);
    WEFT_RX(int, taken);
    int value;
    ck_assert_int_eq(weft_array(numbers, 3, &rx), 0);
    CHECK_OK(weft_recv(rx, &value));
    ck_assert_int_eq(weft_take(WEFT_MOVE(rx), 1, &taken), 0);
    CHECK_OK(weft_recv(taken, &value));
    CHECK_OK(weft_recv(taken, &value));
}

static int64_t read_lines(void *arg, void *buf, size_t size)
{
    static const char lines[] = "a\nb\nc\n";
    size_t *n = arg, left = sizeof lines - 1 - *n;
    size = size < left ? size : left;
    memcpy(buf, lines + *n, size);
    *n += size;
    return (int64_t)size;
}

/* Its receivers take runs of items by a mutex of weft's. */
static CALLER void use_shared_buffer(void)
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, ahead);
    WEFT_RX(weft_line, other);
    weft_line line;
    size_t n = 0;
    ck_assert_int_eq(weft_lines_read_by(read_lines, &n, NULL, (weft_receiver **)(void *)&lines), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(lines), 4, &ahead), 0);
    other = *weft_ref(ahead);
    CHECK_OK(weft_recv(ahead, &line));
    CHECK_OK(weft_recv(other, &line));
    CHECK_OK(weft_recv(ahead, &line));
    CHECK_IS(weft_recv(other, &line), 0);
}

static CALLER void emit_noted(weft_emitter_half *emitter)
{
    int value = 1;
    CHECK_OK(weft_emitter_emit(emitter, &value, sizeof value));
}

WEFT_STAGE_FLAT_MAP(emit_one, int, out, int, in)
{
    emit_noted((weft_emitter_half *)(void *)out);
    return in < 0 ? in : 0;
}

static CALLER void use_pipeline(unsigned workers)
{
    static const int numbers[] = { 1, 2, 3 };
    WEFT_RX(int, from);
    WEFT_RX(int, emitted);
    WEFT_PIPELINE(pipeline);
    int value, n = 0;
    ck_assert_int_eq(weft_array(numbers, 3, &from), 0);
    ck_assert_int_eq(emit_one(&pipeline,
                              WEFT_OPTS(stage, .workers = workers, .ordered = workers > 1),
                              WEFT_MOVE(from), &emitted),
                     0);
    while (weft_recv(emitted, &value) > 0)
        n += value;
    ck_assert_int_eq(n, 3);
    CHECK_OK(weft_pipeline_wait(&pipeline));
}

/* What their macros call. */
static CALLER void use_parallel(void)
{
    static const int numbers[] = { 1, 2, 3 };
    weft_pipeline pipeline = { .scope.opts.size_ = sizeof(weft_scope_opts) };
    WEFT_RX(int, from);
    WEFT_RX(int, made);
    weft_pipeline_enter(&pipeline, __FILE__, __LINE__);
    CHECK_OK(weft_pipeline_wait(&pipeline)); /* it was not refused */
    CHECK(weft_pipeline_leave(&pipeline));
    ck_assert_int_eq(weft_array(numbers, 3, &from), 0);
    CHECK_OK(weft_for_each_run(&nothing, NULL, weft_half_take(WEFT_MOVE(from)), sizeof(int), 2));
    ck_assert_int_eq(weft_array(numbers, 3, &from), 0);
    CHECK_OK(weft_map_parallel_open(&nothing, NULL, weft_half_take(WEFT_MOVE(from)), sizeof(int),
                                    sizeof(int), NULL, (weft_receiver **)(void *)&made));
}

static CALLER void use_time(void)
{
    CHECK_OK(weft_pause());
    CHECK_OK(weft_checkpoint());
    CHECK_OK(weft_sleep(0));
    CHECK_OK(weft_sleep(WEFT_US(1)));
    CHECK_OK(weft_sleep_until(0));
    CHECK_OK(weft_call_blocking(&nothing, NULL));
}

static CALLER void use_locks(void)
{
    weft_mutex mutex = WEFT_MUTEX_INIT(.name = "mutex");
    weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(1);
    CHECK_OK(weft_mutex_lock(&mutex));
    CHECK(weft_mutex_unlock(&mutex));
    CHECK_OK(weft_mutex_try_lock(&mutex));
    CHECK(weft_mutex_unlock(&mutex));
    CHECK_OK(weft_semaphore_acquire(&semaphore, 1));
    CHECK(weft_semaphore_release(&semaphore, 1));
}

static CALLER void use_files(void)
{
    weft_file *file = NULL;
    char byte, *line = NULL;
    CHECK_OK(weft_temp_open(NULL, &file));
    CHECK_OK(weft_file_write(file, "ab", 2));
    CHECK_OK(weft_file_seek(file, 0, SEEK_SET));
    CHECK_OK(weft_file_read(file, &byte, 1));
    CHECK_OK(weft_file_read_line(file, 0, &line));
    weft_free(line);
    CHECK_OK(weft_file_close(file));
    CHECK_OK(weft_path_exists("/"));
}

static CALLER void use_sockets(void)
{
    weft_listener *listener = NULL;
    weft_socket *client = NULL, *server = NULL;
    weft_address here;
    char byte;
    CHECK_OK(weft_listen("127.0.0.1:0", NULL, &listener));
    ck_assert_int_eq(weft_listener_address(listener, &here), 0);
    CHECK_OK(weft_connect_to(&here, NULL, &client));
    CHECK_OK(weft_accept(listener, &server));
    CHECK_OK(weft_socket_write(client, "a", 1));
    CHECK_OK(weft_socket_read(server, &byte, 1));
    CHECK_OK(weft_socket_close(client));
    CHECK_OK(weft_socket_close(server));
    CHECK_OK(weft_listener_close(listener));
}

static int use_all(void *arg)
{
    (void)arg;
    use_channels();
    use_scopes();
    use_streams();
    use_shared_buffer();
    use_pipeline(1);
    use_pipeline(2);
    use_parallel();
    use_time();
    use_locks();
    use_files();
    use_sockets();
    return 0;
}

WT_TEST(it_is_noted_in_the_callers_code)
{
    wt_seeds_at_most(20);
    ck_assert_int_eq(weft_run(use_all, NULL), 0);
}

/* ---- a place ---------------------------------------------------------------------------------- */

WT_TEST(a_place_is_in_the_module_that_has_it)
{
    struct wf_symbol place, next;
    wf_symbol_of_return(__start_last_call_here + 1, &place);
    wf_symbol_of_return(__start_last_call_here + 5, &next);
    ck_assert_ptr_nonnull(place.module);
    ck_assert_ptr_nonnull(strstr(place.module, "last_call"));
    ck_assert_uint_eq(next.in_module - place.in_module, 4);
}

WT_TEST(what_is_no_code_has_no_place)
{
    struct wf_symbol place;
    wf_symbol_of_return((const char *)8, &place);
    ck_assert_ptr_null(place.module);
}

WT_MAIN("last_call")
