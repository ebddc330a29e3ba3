// SPDX-License-Identifier: MIT
//! What the Rust programs share: the command line, the clock, the checks. Copied into each.
#![allow(dead_code)]

use std::time::{Duration, Instant};

/// A name, the part of the operations it does (one in so many), the case.
pub type Case = (&'static str, i64, fn(i64, usize));

/// `PROGRAM CASE N WORKERS` runs a case; `PROGRAM --list` names them.
pub fn run(cases: &[Case], flags: &str) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["--list"] {
        for (name, divisor, _) in cases {
            println!("{} {} {}", name, divisor, flags);
        }
        return;
    }
    if let [name, n, workers] = &arguments[..] {
        let case = cases.iter().find(|case| case.0 == name);
        if let (Some(case), Ok(n), Ok(workers)) = (case, n.parse(), workers.parse()) {
            case.2(n, workers);
            return;
        }
    }
    eprintln!("usage: PROGRAM CASE N WORKERS | --list");
    std::process::exit(2);
}

pub fn check(what: &str, got: i64, want: i64) {
    if got != want {
        eprintln!("{}: {} instead of {}", what, got, want);
        std::process::exit(1);
    }
}

pub fn sum_to(n: i64) -> i64 {
    if n % 2 == 0 {
        n / 2 * (n - 1)
    } else {
        (n - 1) / 2 * n
    }
}

pub fn per_op(took: Duration, n: i64) {
    println!("time {:.6} ns", took.as_nanos() as f64 / n as f64);
}

pub fn in_ms(took: Duration) {
    println!("time {:.6} ms", took.as_nanos() as f64 / 1e6);
}

/// 0 to 1 s, the same for the same index in every program that is compared.
pub fn delay(index: i64) -> Duration {
    let mixed = (index as u32).wrapping_mul(2654435761);
    Duration::from_nanos((mixed as u64 * 1_000_000_000) >> 32)
}

pub fn resident_size() -> i64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: i64 = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    pages * 4096
}

pub fn sum_of_primes(mut n: i64) -> i64 {
    let mut sum = 0;
    let mut i = 2;
    while n > 0 {
        let mut divisor = 2;
        while divisor * divisor <= i && i % divisor != 0 {
            divisor += 1;
        }
        if divisor * divisor > i {
            sum += i;
            n -= 1;
        }
        i += 1;
    }
    sum
}

pub struct Work {
    rounds: i32,
    a: u64,
    c: u64,
}

impl Work {
    /// The multiplier passes through the clock's hands, so that no compiler folds the rounds.
    pub fn new(rounds: i32) -> Work {
        let zero = (Instant::now().elapsed().as_secs() >> 32) as u64;
        Work { rounds, a: 6364136223846793005 ^ zero, c: 1442695040888963407 ^ zero }
    }

    pub fn on(&self, item: i64) -> u64 {
        let mut x = item as u64;
        for _ in 0..self.rounds {
            x = x.wrapping_mul(self.a).wrapping_add(self.c);
        }
        x
    }

    /// What the work on 0 to n - 1 adds up to: all rounds make one such round.
    pub fn sum_to(&self, n: i64) -> u64 {
        let (mut a, mut c) = (1u64, 0u64);
        for _ in 0..self.rounds {
            a = a.wrapping_mul(self.a);
            c = c.wrapping_mul(self.a).wrapping_add(self.c);
        }
        a.wrapping_mul(sum_to(n) as u64).wrapping_add(c.wrapping_mul(n as u64))
    }
}
