// SPDX-License-Identifier: MIT
//! tokio's tasks and channels. One worker is its current-thread runtime.

mod common;
mod file;
mod scale;
mod select;
mod streams;

use common::{check, delay, in_ms, per_op, resident_size, run, sum_of_primes, sum_to, Case};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{channel, Sender};
use tokio::sync::watch;
use tokio::task::{spawn, yield_now};

const CASES: &[Case] = &[
    ("ctx_switch", 1, |n, w| on(w, ctx_switch(n))),
    ("spawn_join_b1000", 1, |n, w| on(w, spawn_join(n))),
    ("spawn_join_b1000_batch", 1, |n, w| on(w, spawn_join(n))),
    ("skynet", 1, |n, w| on(w, skynet(n))),
    ("parked_1M", 1, |n, w| on(w, parked(n))),
    ("chan_pingpong_cap1", 1, |n, w| on(w, pingpong(n))),
    ("chan_spsc8_cap128", 1, |n, w| on(w, stream8(n, 128))),
    ("chan_spsc8_cap1024", 1, |n, w| on(w, stream8(n, 1024))),
    ("chan_spsc64_cap128", 1, |n, w| on(w, stream64(n))),
    ("select4_unbuf", 1, |n, w| on(w, select::select4(n, 1))),
    ("select4_cap128", 1, |n, w| on(w, select::select4(n, 128))),
    ("select64_unbuf", 1, |n, w| on(w, select::select64(n, 1))),
    ("select64_cap128", 1, |n, w| on(w, select::select64(n, 128))),
    ("ring503", 1, |n, w| on(w, ring(n))),
    ("sieve2000", 1, |n, w| on(w, sieve(n))),
    ("timers_1M", 1, |n, w| on(w, timers_sleep(n))),
    ("pinned_stream", 1, |n, w| on(w, scale::pinned_stream(n))),
    ("pinned_latency", 1, |n, w| on(w, scale::pinned_latency(n))),
    ("scale_spawn", 1, |n, w| on(w, scale::spawn_all(n))),
    ("scale_parked_wake", 1, |n, w| on(w, scale::parked_wake(n))),
    ("generator", 1, |n, w| on(w, streams::generator(n))),
    ("stream_fused", 1, |n, w| on(w, streams::fused(n))),
    ("pmap_alone", 1, |n, w| on(w, streams::pmap_alone(n, 400))),
    ("pmap_ordered", 1, |n, w| on(w, streams::pmap_ordered(n, 400))),
    ("pmap_alone_25us", 1, |n, w| on(w, streams::pmap_alone(n, 8000))),
    ("pmap_ordered_25us", 1, |n, w| on(w, streams::pmap_ordered(n, 8000))),
    ("pipeline_4stage", 1, |n, w| on(w, streams::pipeline(n))),
    ("chan_try8", 1, |n, w| on(w, try8(n))),
    ("to_thread", 100, |n, w| on(w, call_from(n, 1, What::Trivial))),
    ("to_thread_c64", 20, |n, w| on(w, call_from(n, 64, What::Trivial))),
    ("to_thread_100us", 1, |n, w| on(w, call_from(n, 1, What::Computes))),
    ("blocking_sleep1ms", 1, |n, w| on(w, call_from(n, 64, What::Sleeps))),
    ("blocking_sleep1ms_c1", 1, |n, w| on(w, call_from(n, 1, What::Sleeps))),
    ("blocking_sleep1ms_c1000", 1, |n, w| on(w, call_from(n, 1000, What::Sleeps))),
    ("file_read_many_10k_c64", 1, |n, w| on(w, file::read_many(n))),
    ("file_random_4k", 10, |n, w| on(w, file::read_random(n))),
    ("file_pipeline_line_cap1024", 4, |n, w| on(w, file::filter_log(n))),
];

fn main() {
    run(CASES, "-");
}

fn on<F: Future<Output = ()> + Send + 'static>(workers: usize, case: F) {
    let runtime = if workers == 1 {
        Builder::new_current_thread().enable_time().build()
    } else {
        Builder::new_multi_thread().worker_threads(workers).enable_time().build()
    };
    let runtime = runtime.unwrap();
    // Spawned, so that it runs on a worker as all others do.
    runtime.block_on(async { spawn(case).await.unwrap() });
    runtime.shutdown_background();
}

async fn ctx_switch(n: i64) {
    let start = Instant::now();
    let tasks: Vec<_> = (0..2)
        .map(|_| {
            spawn(async move {
                let mut yields = 0;
                for _ in 0..n / 2 {
                    yield_now().await;
                    yields += 1;
                }
                yields
            })
        })
        .collect();
    let mut yields = 0;
    for task in tasks {
        yields += task.await.unwrap();
    }
    let took = start.elapsed();
    check("yields", yields, n / 2 * 2);
    per_op(took, n);
}

async fn spawn_join(n: i64) {
    let start = Instant::now();
    let (mut left, mut ended) = (n, 0);
    while left > 0 {
        let tasks: Vec<_> = (0..left.min(1000)).map(|_| spawn(async {})).collect();
        for task in tasks {
            task.await.unwrap();
            ended += 1;
        }
        left -= 1000;
    }
    let took = start.elapsed();
    check("tasks", ended, n);
    per_op(took, n);
}

fn node(first: i64, size: i64) -> Pin<Box<dyn Future<Output = i64> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return first;
        }
        let tasks: Vec<_> =
            (0..10).map(|i| spawn(node(first + i * (size / 10), size / 10))).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    })
}

async fn skynet(n: i64) {
    let start = Instant::now();
    let sum = spawn(node(0, n)).await.unwrap();
    let took = start.elapsed();
    check("sum of leaves", sum, sum_to(n));
    in_ms(took);
}

/// Its channel has one receiver: that of watch can be cloned, and waits just so.
async fn parked(n: i64) {
    let (tx, rx) = watch::channel(0i64);
    let waiting = Arc::new(AtomicI64::new(0));
    let ended = Arc::new(AtomicI64::new(0));
    let before = resident_size();
    let start = Instant::now();
    for _ in 0..n {
        let (mut rx, waiting, ended) = (rx.clone(), waiting.clone(), ended.clone());
        spawn(async move {
            waiting.fetch_add(1, Relaxed);
            while rx.changed().await.is_ok() {}
            ended.fetch_add(1, Relaxed);
        });
    }
    while waiting.load(Relaxed) < n {
        yield_now().await;
    }
    let took = start.elapsed();
    let size = resident_size() - before;
    drop(tx);
    while ended.load(Relaxed) < n {
        yield_now().await;
    }
    println!("memory {:.6} B", size as f64 / n as f64);
    per_op(took, n);
}

async fn pingpong(n: i64) {
    let (there_tx, mut there_rx) = channel::<i64>(1);
    let (back_tx, mut back_rx) = channel::<i64>(1);
    let start = Instant::now();
    let pong = spawn(async move {
        while let Some(value) = there_rx.recv().await {
            back_tx.send(value + 1).await.unwrap();
        }
    });
    let ping = spawn(async move {
        let mut sum = 0;
        for i in 0..n {
            there_tx.send(i).await.unwrap();
            sum += back_rx.recv().await.unwrap();
        }
        sum
    });
    let sum = ping.await.unwrap();
    pong.await.unwrap();
    let took = start.elapsed();
    check("sum of answers", sum, sum_to(n) + n);
    per_op(took, n);
}

pub async fn send_share(first: i64, n: i64, out: Sender<i64>) {
    for i in first..first + n {
        out.send(i).await.unwrap();
    }
}

async fn stream8(n: i64, capacity: usize) {
    let (tx, mut rx) = channel::<i64>(capacity);
    let start = Instant::now();
    let sender = spawn(send_share(0, n, tx));
    let receiver = spawn(async move {
        let mut sum = 0;
        while let Some(value) = rx.recv().await {
            sum += value;
        }
        sum
    });
    sender.await.unwrap();
    let sum = receiver.await.unwrap();
    let took = start.elapsed();
    check("sum of values", sum, sum_to(n));
    per_op(took, n);
}

async fn stream64(n: i64) {
    let (tx, mut rx) = channel::<[i64; 8]>(128);
    let start = Instant::now();
    let sender = spawn(async move {
        for i in 0..n {
            tx.send([i, 0, 0, 0, 0, 0, 0, i]).await.unwrap();
        }
    });
    let receiver = spawn(async move {
        let mut sum = 0;
        while let Some(value) = rx.recv().await {
            sum += value[0] + value[7];
        }
        sum
    });
    sender.await.unwrap();
    let sum = receiver.await.unwrap();
    let took = start.elapsed();
    check("sum of values", sum, 2 * sum_to(n));
    per_op(took, n);
}

async fn try8(n: i64) {
    let (tx, mut rx) = channel::<i64>(128);
    let mut sum = 0;
    let start = Instant::now();
    for i in 0..n {
        tx.try_send(i).unwrap();
        sum += rx.try_recv().unwrap();
    }
    let took = start.elapsed();
    check("sum of values", sum, sum_to(n));
    per_op(took, n);
}

async fn ring(n: i64) {
    const SIZE: i64 = 503;
    let (last_tx, mut last_rx) = channel::<i64>(1);
    let (first_tx, mut rx) = channel::<i64>(1);
    for place in 0..SIZE {
        let (next_tx, next_rx) = channel::<i64>(1);
        let out = if place == SIZE - 1 { first_tx.clone() } else { next_tx };
        let mut input = std::mem::replace(&mut rx, next_rx);
        let last = last_tx.clone();
        spawn(async move {
            while let Some(hops) = input.recv().await {
                if hops == 0 {
                    last.send(place).await.unwrap();
                    return;
                }
                out.send(hops - 1).await.unwrap();
            }
        });
    }
    let start = Instant::now();
    first_tx.send(n).await.unwrap();
    let last = last_rx.recv().await.unwrap();
    let took = start.elapsed();
    check("last task", last, n % SIZE);
    per_op(took, n);
}

async fn sieve(n: i64) {
    let start = Instant::now();
    let (tx, mut rx) = channel::<i64>(1);
    spawn(async move {
        let mut i = 2;
        while tx.send(i).await.is_ok() {
            i += 1;
        }
    });
    let mut sum = 0;
    for _ in 0..n {
        let prime = rx.recv().await.unwrap();
        sum += prime;
        let (next_tx, next_rx) = channel::<i64>(1);
        let mut input = std::mem::replace(&mut rx, next_rx);
        spawn(async move {
            while let Some(value) = input.recv().await {
                if value % prime != 0 && next_tx.send(value).await.is_err() {
                    return;
                }
            }
        });
    }
    let took = start.elapsed();
    check("sum of primes", sum, sum_of_primes(n));
    in_ms(took);
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    Trivial,
    Computes,
    Sleeps,
}

fn compute_100us() {
    let began = Instant::now();
    while began.elapsed() < std::time::Duration::from_micros(100) {}
}

async fn call_from(n: i64, n_callers: i64, what: What) {
    let n_each = (n / n_callers).max(1);
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..n_callers {
        tasks.push(spawn(async move {
            let mut sum = 0;
            for i in 0..n_each {
                let call = move || {
                    if what == What::Computes {
                        compute_100us();
                    }
                    if what == What::Sleeps {
                        std::thread::sleep(std::time::Duration::from_millis(1));
                    }
                    i & 1
                };
                sum += tokio::task::spawn_blocking(call).await.unwrap();
            }
            sum
        }));
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    let took = start.elapsed();
    check("calls", sum, n_each / 2 * n_callers);
    if what == What::Sleeps {
        in_ms(took);
    } else {
        per_op(took, n_each * n_callers);
    }
}

async fn timers_sleep(n: i64) {
    let woken = Arc::new(AtomicI64::new(0));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for i in 0..n {
        let woken = woken.clone();
        tasks.push(spawn(async move {
            let from = Instant::now();
            tokio::time::sleep(delay(i)).await;
            check("early sleepers", (from.elapsed() < delay(i)) as i64, 0);
            woken.fetch_add(1, Relaxed);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let took = start.elapsed();
    check("sleepers", woken.load(Relaxed), n);
    in_ms(took);
}
