// SPDX-License-Identifier: MIT
//! Streams of futures-util, which tokio's tasks drive.

use crate::common::{check, per_op, sum_to, Work};
use futures_util::future::ready;
use futures_util::stream::{iter, unfold, StreamExt};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::{channel, Receiver, Sender};
use tokio::task::spawn;

/// This Rust has no generators: a stream made of its state stands for one.
pub async fn generator(n: i64) {
    let start = Instant::now();
    let numbers = unfold(0, |i| async move { if i < n { Some((i, i + 1)) } else { None } });
    tokio::pin!(numbers);
    let mut sum = 0;
    while let Some(number) = numbers.next().await {
        sum += number;
    }
    let took = start.elapsed();
    check("sum of items", sum, sum_to(n));
    per_op(took, n);
}

const N_ITEMS: i64 = 4096;

pub async fn fused(n: i64) {
    let items: Vec<i64> = (0..N_ITEMS).collect();
    let (mut sum, mut wanted) = (0, 0);
    let start = Instant::now();
    let mut left = n;
    while left > 0 {
        let mut few = iter(items[..left.min(N_ITEMS) as usize].iter().copied())
            .map(|item| 3 * item)
            .filter(|item| ready(item % 7 != 0))
            .take(N_ITEMS as usize);
        while let Some(item) = few.next().await {
            sum += item;
        }
        left -= N_ITEMS;
    }
    let took = start.elapsed();
    left = n;
    while left > 0 {
        wanted += (0..left.min(N_ITEMS)).map(|i| 3 * i).filter(|i| i % 7 != 0).sum::<i64>();
        left -= N_ITEMS;
    }
    check("sum of items", sum, wanted);
    per_op(took, n);
}

/// One in eight takes sixteen times as long as the others.
struct Uneven {
    short: Work,
    long: Work,
}

impl Uneven {
    fn new(rounds: i32) -> Uneven {
        Uneven { short: Work::new(rounds), long: Work::new(16 * rounds) }
    }

    fn on(&self, item: i64) -> i64 {
        let work = if item % 8 == 0 { &self.long } else { &self.short };
        let result = (work.on(item) & 1) as i64 + item;
        // Read back, or the compiler knows that the results are right without any work.
        unsafe { std::ptr::read_volatile(&result) }
    }
}

pub async fn pmap_alone(n: i64, rounds: i32) {
    let uneven = Uneven::new(rounds);
    let start = Instant::now();
    let in_order = (0..n).filter(|&i| [i, i + 1].contains(&uneven.on(i))).count();
    let took = start.elapsed();
    check("results in order", in_order as i64, n);
    per_op(took, n);
}

pub async fn pmap_ordered(n: i64, rounds: i32) {
    let uneven = Arc::new(Uneven::new(rounds));
    let (mut i, mut in_order) = (0, 0);
    let start = Instant::now();
    let mut results = iter(0..n)
        .map(|item| {
            let uneven = uneven.clone();
            spawn(async move { uneven.on(item) })
        })
        .buffered(64);
    while let Some(result) = results.next().await {
        in_order += [i, i + 1].contains(&result.unwrap()) as i64;
        i += 1;
    }
    let took = start.elapsed();
    check("results in order", in_order, n);
    per_op(took, n);
}

async fn add_one(mut from: Receiver<i64>, to: Sender<i64>) {
    while let Some(value) = from.recv().await {
        to.send(value + 1).await.unwrap();
    }
}

pub async fn pipeline(n: i64) {
    let (first, second, third) = (channel(128), channel(128), channel(128));
    let start = Instant::now();
    let tx = first.0;
    spawn(async move {
        for i in 0..n {
            tx.send(i).await.unwrap();
        }
    });
    spawn(add_one(first.1, second.0));
    spawn(add_one(second.1, third.0));
    let sum = spawn(async move {
        let (mut rx, mut sum) = (third.1, 0);
        while let Some(value) = rx.recv().await {
            sum += value;
        }
        sum
    });
    let sum = sum.await.unwrap();
    let took = start.elapsed();
    check("sum", sum, sum_to(n) + 2 * n);
    per_op(took, n);
}
