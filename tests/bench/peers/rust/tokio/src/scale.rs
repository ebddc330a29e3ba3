// SPDX-License-Identifier: MIT
//! What one operation costs when n tasks exist at once, and what is left to others while a task
//! computes and never waits.

use crate::common::{check, per_op, sum_to};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::channel;
use tokio::sync::Semaphore;
use tokio::task::{spawn, yield_now};

/// A small n is repeated until the clock can see it.
fn rounds(n: i64) -> i64 {
    (300_000 / n).max(1)
}

async fn until(count: &AtomicI64, n: i64) {
    while count.load(Relaxed) < n {
        yield_now().await;
    }
}

pub async fn spawn_all(n: i64) {
    let ran = Arc::new(AtomicI64::new(0));
    let start = Instant::now();
    for _ in 0..rounds(n) {
        let tasks: Vec<_> = (0..n)
            .map(|_| {
                let ran = ran.clone();
                spawn(async move { ran.fetch_add(1, Relaxed) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    let took = start.elapsed();
    check("tasks", ran.load(Relaxed), rounds(n) * n);
    per_op(took, rounds(n) * n);
}

/// Its channels have one receiver, so that many wait for a semaphore's permits, first come first
/// served; all wait again before the next round.
pub async fn parked_wake(n: i64) {
    let permits = Arc::new(Semaphore::new(0));
    let waiting = Arc::new(AtomicI64::new(0));
    let taken = Arc::new(AtomicI64::new(0));
    for _ in 0..n {
        let (permits, waiting, taken) = (permits.clone(), waiting.clone(), taken.clone());
        spawn(async move {
            waiting.fetch_add(1, Relaxed);
            while let Ok(permit) = permits.acquire().await {
                permit.forget();
                taken.fetch_add(1, Relaxed);
            }
        });
    }
    until(&waiting, n).await;
    let start = Instant::now();
    for round in 1..=rounds(n) {
        for _ in 0..n {
            permits.add_permits(1);
        }
        until(&taken, round * n).await;
    }
    per_op(start.elapsed(), rounds(n) * n);
    permits.close();
}

static SINK: AtomicI64 = AtomicI64::new(0);

/// Computes until the others are done, for 200 ms at most.
fn compute_until(over: &AtomicBool) {
    let began = Instant::now();
    while !over.load(Relaxed) && began.elapsed() < Duration::from_millis(200) {
        for i in 0..1000 {
            SINK.store(i, Relaxed);
        }
    }
}

pub async fn pinned_stream(n: i64) {
    let over = Arc::new(AtomicBool::new(false));
    let (tx, mut rx) = channel(128);
    let start = Instant::now();
    let hog = spawn(async move {
        let is_over = over.clone();
        spawn(async move {
            for i in 0..n {
                tx.send(i).await.unwrap();
            }
        });
        let sum = spawn(async move {
            let mut sum = 0;
            while let Some(value) = rx.recv().await {
                sum += value;
            }
            is_over.store(true, Relaxed);
            sum
        });
        compute_until(&over);
        sum
    });
    let sum = hog.await.unwrap().await.unwrap();
    per_op(start.elapsed(), n);
    check("sum of values", sum, sum_to(n));
}

async fn sleep_again_and_again(n: i64, mut due: Instant) -> Vec<u128> {
    let mut late = Vec::new();
    for _ in 0..n {
        tokio::time::sleep_until(due.into()).await;
        let now = Instant::now();
        late.push((now - due).as_nanos());
        due = now + Duration::from_millis(1);
    }
    late
}

pub async fn pinned_latency(n: i64) {
    let over = Arc::new(AtomicBool::new(false));
    let hog = spawn(async move {
        let is_over = over.clone();
        let due = Instant::now() + Duration::from_millis(1);
        let sleeper = spawn(async move {
            let late = sleep_again_and_again(n, due).await;
            is_over.store(true, Relaxed);
            late
        });
        compute_until(&over);
        sleeper
    });
    let mut late = hog.await.unwrap().await.unwrap();
    late.sort_unstable();
    println!("time {} ns", late[late.len() / 2]);
    println!("latest {} ns", late[late.len() - 1]);
}
