// SPDX-License-Identifier: MIT
//! crossbeam-channel between threads of the system.

mod common;

use common::{check, per_op, run, sum_to, Case, Work};
use crossbeam_channel::{bounded, Receiver, Select, Sender};
use std::thread::{spawn, JoinHandle};
use std::time::Instant;

const CASES: &[Case] = &[
    ("chan_pingpong_unbuf", 10, |n, _| pingpong(n, 0)),
    ("chan_pingpong_unbuf_os", 1, |n, _| pingpong(n, 0)),
    ("chan_pingpong_cap1", 10, |n, _| pingpong(n, 1)),
    ("chan_spsc8_cap128", 1, |n, _| stream8(n, 128, 1)),
    ("chan_spsc8_cap128_os", 1, |n, _| stream8(n, 128, 1)),
    ("chan_spsc8_cap1024", 1, |n, _| stream8(n, 1024, 1)),
    ("chan_spsc64_cap128", 1, |n, _| stream64(n)),
    ("chan_mpmc4x4_cap128", 1, |n, _| stream8(n, 128, 4)),
    ("select4_unbuf", 10, |n, _| select(n, 0, 4)),
    ("select4_cap128", 10, |n, _| select(n, 128, 4)),
    ("select64_unbuf", 10, |n, _| select(n, 0, 64)),
    ("select64_cap128", 10, |n, _| select(n, 128, 64)),
    ("spread_125ns", 1, |n, _| spread(n, 94)),
    ("spread_250ns", 1, |n, _| spread(n, 188)),
    ("spread_500ns", 1, |n, _| spread(n, 376)),
    ("chan_try8", 1, |n, _| try8(n)),
];

fn main() {
    run(CASES, "os");
}

fn pingpong(n: i64, capacity: usize) {
    let (there_tx, there_rx) = bounded::<i64>(capacity);
    let (back_tx, back_rx) = bounded::<i64>(capacity);
    let start = Instant::now();
    let pong = spawn(move || {
        for value in there_rx {
            back_tx.send(value + 1).unwrap();
        }
    });
    let mut sum = 0;
    for i in 0..n {
        there_tx.send(i).unwrap();
        sum += back_rx.recv().unwrap();
    }
    drop(there_tx);
    pong.join().unwrap();
    let took = start.elapsed();
    check("sum of answers", sum, sum_to(n) + n);
    per_op(took, n);
}

fn send_share(first: i64, n: i64, out: Sender<i64>) -> JoinHandle<()> {
    spawn(move || {
        for i in first..first + n {
            out.send(i).unwrap();
        }
    })
}

fn stream8(n: i64, capacity: usize, sides: i64) {
    let (tx, rx) = bounded::<i64>(capacity);
    let share = n / sides;
    let mut senders = Vec::new();
    let mut receivers = Vec::new();
    let start = Instant::now();
    for i in 0..sides {
        senders.push(send_share(i * share, share, tx.clone()));
        let rx: Receiver<i64> = rx.clone();
        receivers.push(spawn(move || rx.iter().sum::<i64>()));
    }
    drop(tx);
    let sum: i64 = receivers.into_iter().map(|thread| thread.join().unwrap()).sum();
    senders.into_iter().for_each(|thread| thread.join().unwrap());
    let took = start.elapsed();
    check("sum of values", sum, sum_to(share * sides));
    per_op(took, share * sides);
}

fn stream64(n: i64) {
    let (tx, rx) = bounded::<[i64; 8]>(128);
    let start = Instant::now();
    let sender = spawn(move || {
        for i in 0..n {
            tx.send([i, 0, 0, 0, 0, 0, 0, i]).unwrap();
        }
    });
    let sum: i64 = rx.iter().map(|value| value[0] + value[7]).sum();
    sender.join().unwrap();
    let took = start.elapsed();
    check("sum of values", sum, 2 * sum_to(n));
    per_op(took, n);
}

fn select(n: i64, capacity: usize, count: i64) {
    let share = n / count;
    let start = Instant::now();
    let mut receivers = Vec::new();
    let mut threads = Vec::new();
    for i in 0..count {
        let (tx, rx) = bounded::<i64>(capacity);
        threads.push(send_share(i * share, share, tx));
        receivers.push(rx);
    }
    let mut set = Select::new();
    for rx in &receivers {
        set.recv(rx);
    }
    let (mut sum, mut open) = (0, count);
    while open > 0 {
        let ready = set.select();
        let i = ready.index();
        match ready.recv(&receivers[i]) {
            Ok(value) => sum += value,
            Err(_) => {
                set.remove(i);
                open -= 1;
            }
        }
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let took = start.elapsed();
    check("sum of values", sum, sum_to(share * count));
    per_op(took, share * count);
}

fn try8(n: i64) {
    let (tx, rx) = bounded::<i64>(128);
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

fn spread(n: i64, rounds: i32) {
    let (tx, rx) = bounded::<i64>(128);
    let start = Instant::now();
    let producer = send_share(0, n, tx);
    let mut workers = Vec::new();
    for _ in 0..4 {
        let rx: Receiver<i64> = rx.clone();
        let work = Work::new(rounds);
        workers.push(spawn(move || {
            rx.iter().fold(0u64, |sum, item| sum.wrapping_add(work.on(item)))
        }));
    }
    drop(rx);
    let sum = workers.into_iter().fold(0u64, |sum, thread| sum.wrapping_add(thread.join().unwrap()));
    producer.join().unwrap();
    let took = start.elapsed();
    check("sum of work", sum as i64, Work::new(rounds).sum_to(n) as i64);
    per_op(took, n);
}
