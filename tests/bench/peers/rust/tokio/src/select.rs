// SPDX-License-Identifier: MIT
//! Of 4 receivers by the select macro. Of 64 by the faster of two ways: a map of streams, which
//! looks from a random one on, where one is mostly ready, else select_all, which polls what woke.

use crate::common::{check, per_op, sum_to};
use crate::send_share;
use futures_util::stream::{select_all, StreamExt};
use std::time::Instant;
use tokio::sync::mpsc::{channel, Receiver};
use tokio::task::spawn;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::StreamMap;

fn start_senders(n: i64, capacity: usize, count: i64) -> Vec<Receiver<i64>> {
    (0..count)
        .map(|i| {
            let (tx, rx) = channel::<i64>(capacity);
            spawn(send_share(i * n, n, tx));
            rx
        })
        .collect()
}

pub async fn select4(n: i64, capacity: usize) {
    let share = n / 4;
    let start = Instant::now();
    let mut all = start_senders(share, capacity, 4);
    let receiver = spawn(async move {
        let mut sum = 0;
        if let [a, b, c, d] = &mut all[..] {
            loop {
                // A receiver at its end does not match, which disables it.
                tokio::select! {
                    Some(value) = a.recv() => sum += value,
                    Some(value) = b.recv() => sum += value,
                    Some(value) = c.recv() => sum += value,
                    Some(value) = d.recv() => sum += value,
                    else => break,
                }
            }
        }
        sum
    });
    let sum: i64 = receiver.await.unwrap();
    let took = start.elapsed();
    check("sum of values", sum, sum_to(share * 4));
    per_op(took, share * 4);
}

pub async fn select64(n: i64, capacity: usize) {
    let share = n / 64;
    let start = Instant::now();
    let all = start_senders(share, capacity, 64);
    let receiver = spawn(async move {
        let streams = all.into_iter().map(ReceiverStream::new);
        let mut sum = 0;
        if capacity > 1 {
            let mut values: StreamMap<usize, _> = streams.enumerate().collect();
            while let Some((_, value)) = values.next().await {
                sum += value;
            }
        } else {
            let mut values = select_all(streams);
            while let Some(value) = values.next().await {
                sum += value;
            }
        }
        sum
    });
    let sum = receiver.await.unwrap();
    let took = start.elapsed();
    check("sum of values", sum, sum_to(share * 64));
    per_op(took, share * 64);
}
