// SPDX-License-Identifier: MIT
// Boost.Fiber, and for the generator Boost.Coroutine2. With more than one worker its fibers are
// stolen between threads.
#include "common.h"

#include <boost/coroutine2/coroutine.hpp>
#include <boost/fiber/all.hpp>

#include <malloc.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fibers = boost::fibers;
using fibers::fiber;

namespace
{

// 16 KiB, as weft's tasks would need at most; its default of 128 KiB has no room for a million.
template <typename F, typename... Args> fiber start(F &&run, Args &&...args)
{
    return fiber(std::allocator_arg, fibers::fixedsize_stack(16 * 1024), std::forward<F>(run),
                 std::forward<Args>(args)...);
}

// Runs a case on a number of threads that share its fibers. Stealing with idle threads asleep was
// the best of the four ways Boost offers, by far for channels.
void on_threads(int workers, const std::function<void()> &run)
{
    fibers::mutex lock;
    fibers::condition_variable_any has_ended;
    bool is_over = false;
    std::vector<std::thread> threads;
    if (workers == 1)
        return run();
    for (int i = 1; i < workers; i++)
        threads.emplace_back([&] {
            fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers, true);
            std::unique_lock<fibers::mutex> held(lock);
            has_ended.wait(held, [&] { return is_over; });
        });
    fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers, true);
    run();
    {
        std::unique_lock<fibers::mutex> held(lock);
        is_over = true;
    }
    has_ended.notify_all();
    for (auto &thread : threads)
        thread.join();
}

// ---- fibers alone ---------------------------------------------------------------------------

void ctx_switch(int64_t n)
{
    std::array<int64_t, 2> yields{};
    std::vector<fiber> all;
    int64_t start_ns = now_ns();
    for (auto &out : yields)
        all.push_back(start([&out, n] {
            int64_t count = 0;
            for (int64_t i = 0; i < n / 2; i++) {
                boost::this_fiber::yield();
                count++;
            }
            out = count;
        }));
    for (auto &f : all)
        f.join();
    int64_t took_ns = now_ns() - start_ns;
    check("yields", yields[0] + yields[1], n / 2 * 2);
    per_op(took_ns, n);
}

void spawn_join(int64_t n)
{
    std::vector<fiber> all(1000);
    int64_t ended = 0, start_ns = now_ns();
    for (int64_t left = n; left > 0; left -= 1000) {
        int64_t batch = left < 1000 ? left : 1000;
        for (int64_t i = 0; i < batch; i++)
            all[i] = start([] {});
        for (int64_t i = 0; i < batch; i++) {
            all[i].join();
            ended++;
        }
    }
    int64_t took_ns = now_ns() - start_ns;
    check("fibers", ended, n);
    per_op(took_ns, n);
}

void node(int64_t first, int64_t size, int64_t *out_sum)
{
    std::array<int64_t, 10> sums;
    std::array<fiber, 10> children;
    int64_t sum = 0;
    if (size == 1) {
        *out_sum = first;
        return;
    }
    for (int i = 0; i < 10; i++)
        children[i] = fiber(fibers::launch::dispatch, std::allocator_arg,
                            fibers::fixedsize_stack(16 * 1024), node, first + i * (size / 10),
                            size / 10, &sums[i]); // at once: else all leaves have stacks together
    for (int i = 0; i < 10; i++) {
        children[i].join();
        sum += sums[i];
    }
    *out_sum = sum;
}

void skynet(int64_t n)
{
    int64_t sum = 0, start_ns = now_ns();
    start(node, 0, n, &sum).join();
    int64_t took_ns = now_ns() - start_ns;
    check("sum of leaves", sum, sum_to(n));
    in_ms(took_ns);
}

void parked(int64_t n)
{
    fibers::unbuffered_channel<int64_t> values;
    std::atomic<int64_t> waiting{ 0 }, ended{ 0 };
    std::vector<fiber> all(n);
    int64_t before = resident_size(), start_ns = now_ns();
    for (auto &f : all)
        f = start([&] {
            int64_t value;
            waiting++;
            while (values.pop(value) == fibers::channel_op_status::success)
                fail("a value that nobody sent");
            ended++;
        });
    while (waiting < n)
        boost::this_fiber::yield();
    int64_t took_ns = now_ns() - start_ns, after = resident_size();
    values.close();
    for (auto &f : all)
        f.join();
    check("fibers", ended, n);
    printf("memory %.6g B\n", static_cast<double>(after - before) / static_cast<double>(n));
    per_op(took_ns, n);
}

// ---- channels ---------------------------------------------------------------------------------

using unbuffered = fibers::unbuffered_channel<int64_t>;
using buffered = fibers::buffered_channel<int64_t>;

template <typename Channel> void pingpong(int64_t n, Channel &there, Channel &back)
{
    int64_t sum = 0, start_ns = now_ns();
    fiber pong = start([&] {
        for (int64_t value : there)
            back.push(value + 1);
    });
    fiber ping = start([&] {
        for (int64_t i = 0; i < n; i++) {
            there.push(i);
            sum += back.value_pop();
        }
        there.close();
    });
    ping.join();
    pong.join();
    int64_t took_ns = now_ns() - start_ns;
    check("sum of answers", sum, sum_to(n) + n);
    per_op(took_ns, n);
}

void pingpong_unbuf(int64_t n)
{
    unbuffered there, back;
    pingpong(n, there, back);
}

// A buffered channel of 2 has room for one.
void pingpong_cap1(int64_t n)
{
    buffered there(2), back(2);
    pingpong(n, there, back);
}

void stream(int64_t n, size_t capacity, int senders, int receivers, int rounds)
{
    buffered values(capacity);
    std::array<uint64_t, 4> sums{};
    std::vector<fiber> sending, receiving;
    int64_t share = n / senders, start_ns = now_ns();
    for (int i = 0; i < senders; i++)
        sending.push_back(start([&values, share, i] {
            for (int64_t value = i * share; value < (i + 1) * share; value++)
                values.push(value);
        }));
    for (int i = 0; i < receivers; i++)
        receiving.push_back(start([&values, &sums, i, rounds] {
            uint64_t sum = 0, a = lcg_a, c = lcg_c;
            int64_t value;
            while (values.pop(value) == fibers::channel_op_status::success)
                sum += work(static_cast<uint64_t>(value), rounds, a, c);
            sums[i] = sum;
        }));
    for (auto &f : sending)
        f.join();
    values.close();
    for (auto &f : receiving)
        f.join();
    int64_t took_ns = now_ns() - start_ns;
    uint64_t sum = sums[0] + sums[1] + sums[2] + sums[3];
    check("sum of values", static_cast<int64_t>(sum),
          static_cast<int64_t>(sum_of_work(share * senders, rounds)));
    per_op(took_ns, share * senders);
}

void stream64(int64_t n)
{
    fibers::buffered_channel<std::array<int64_t, 8>> values(128);
    int64_t sum = 0, start_ns = now_ns();
    fiber sender = start([&] {
        for (int64_t i = 0; i < n; i++)
            values.push({ i, 0, 0, 0, 0, 0, 0, i });
        values.close();
    });
    fiber receiver = start([&] {
        std::array<int64_t, 8> value;
        while (values.pop(value) == fibers::channel_op_status::success)
            sum += value[0] + value[7];
    });
    sender.join();
    receiver.join();
    int64_t took_ns = now_ns() - start_ns;
    check("sum of values", sum, 2 * sum_to(n));
    per_op(took_ns, n);
}

void ring(int64_t n)
{
    constexpr int64_t size = 503;
    std::vector<std::unique_ptr<unbuffered>> channels;
    std::vector<fiber> all;
    int64_t last = -1;
    for (int64_t i = 0; i < size; i++)
        channels.push_back(std::make_unique<unbuffered>());
    for (int64_t i = 0; i < size; i++)
        all.push_back(start([&channels, &last, i] {
            unbuffered &out = *channels[(i + 1) % size];
            for (int64_t hops : *channels[i]) {
                if (hops == 0) {
                    last = i;
                    break;
                }
                out.push(hops - 1);
            }
            out.close(); // ends the next one in turn
        }));
    int64_t start_ns = now_ns();
    channels[0]->push(n);
    for (auto &f : all)
        f.join();
    int64_t took_ns = now_ns() - start_ns;
    check("last fiber", last, n % size);
    per_op(took_ns, n);
}

void sieve(int64_t n)
{
    std::vector<std::unique_ptr<unbuffered>> channels;
    std::vector<fiber> all;
    int64_t sum = 0, start_ns = now_ns();
    channels.push_back(std::make_unique<unbuffered>());
    all.push_back(start([out = channels[0].get()] {
        for (int64_t i = 2; out->push(i) == fibers::channel_op_status::success; i++)
            ;
    }));
    for (int64_t i = 0; i < n; i++) {
        unbuffered *in = channels.back().get();
        int64_t prime = in->value_pop();
        sum += prime;
        channels.push_back(std::make_unique<unbuffered>());
        all.push_back(start([prime, in, out = channels.back().get()] {
            for (int64_t value : *in)
                if (value % prime != 0 && out->push(value) != fibers::channel_op_status::success)
                    break;
            in->close();
        }));
    }
    int64_t took_ns = now_ns() - start_ns;
    channels.back()->close();
    for (auto &f : all)
        f.join();
    check("sum of primes", sum, sum_of_primes(n));
    in_ms(took_ns);
}

void generator(int64_t n)
{
    using coroutine = boost::coroutines2::coroutine<int64_t>;
    int64_t sum = 0, start_ns = now_ns();
    coroutine::pull_type numbers([n](coroutine::push_type &yield) {
        for (int64_t i = 0; i < n; i++)
            yield(i);
    });
    for (int64_t number : numbers)
        sum += number;
    int64_t took_ns = now_ns() - start_ns;
    check("sum of items", sum, sum_to(n));
    per_op(took_ns, n);
}

#define CASE(name, ...)                                                                    \
    {                                                                                      \
        name, 1, [](int64_t n, int workers) { on_threads(workers, [n] { __VA_ARGS__; }); } \
    }

const bench_case cases[] = {
    CASE("ctx_switch", ctx_switch(n)),
    CASE("spawn_join_b1000", spawn_join(n)),
    CASE("spawn_join_b1000_batch", spawn_join(n)),
    CASE("skynet", skynet(n)),
    CASE("parked_1M", parked(n)),
    CASE("chan_pingpong_unbuf", pingpong_unbuf(n)),
    CASE("chan_pingpong_cap1", pingpong_cap1(n)),
    CASE("chan_spsc8_cap128", stream(n, 128, 1, 1, 0)),
    CASE("chan_spsc8_cap1024", stream(n, 1024, 1, 1, 0)),
    CASE("chan_spsc64_cap128", stream64(n)),
    CASE("chan_mpmc4x4_cap128", stream(n, 128, 4, 4, 0)),
    CASE("ring503", ring(n)),
    CASE("sieve2000", sieve(n)),
    CASE("spread_125ns", stream(n, 128, 1, 4, 94)),
    CASE("spread_250ns", stream(n, 128, 1, 4, 188)),
    CASE("spread_500ns", stream(n, 128, 1, 4, 376)),
    { "generator", 1, [](int64_t n, int) { generator(n); } },
    { nullptr, 0, nullptr },
};

} // namespace

int main(int argc, char **argv)
{
    // Freed stacks stay with the process, else each batch of fibers touches new pages.
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    return run_cases(cases, "-", argc, argv);
}
