// SPDX-License-Identifier: MIT
//! Files: many small ones, reads at random places, a log filtered by two stages.

use crate::common::{check, per_op};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc::channel;
use tokio::task::{spawn, spawn_blocking};

const N_READERS: i64 = 64;
const FILE_SIZE: usize = 4096;
const BLOCK_SIZE: usize = 4096;
const LINE_SIZE: usize = 128;
const MIB: usize = 1 << 20;

/// A folder that is removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let name = format!("bench-files-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub async fn read_many(n: i64) {
    let folder = Arc::new(Folder::new());
    let mut data = [b'x'; FILE_SIZE];
    let mut want = 0;
    for i in 0..n {
        data[0] = b'a' + (i % 26) as u8;
        want += FILE_SIZE as i64 + data[0] as i64;
        std::fs::write(folder.0.join(i.to_string()), data).unwrap();
    }
    let next = Arc::new(AtomicI64::new(0));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..N_READERS {
        let (folder, next) = (folder.clone(), next.clone());
        tasks.push(spawn(async move {
            let mut sum = 0;
            loop {
                let i = next.fetch_add(1, Relaxed);
                if i >= n {
                    return sum;
                }
                let data = tokio::fs::read(folder.0.join(i.to_string())).await.unwrap();
                sum += data.len() as i64 + data[0] as i64;
            }
        }));
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    let took = start.elapsed();
    check("bytes", sum, want);
    per_op(took, n);
}

/// Its file has no read at a place: that of the standard library is called on its pool.
pub async fn read_random(n: i64) {
    let n_blocks: u64 = if n >= 10000 { 131072 } else { 1024 };
    let folder = Folder::new();
    let path = folder.0.join("blocks");
    let mut file = File::create(&path).unwrap();
    let mut block = [0; BLOCK_SIZE];
    for i in 0..n_blocks {
        block[..8].copy_from_slice(&i.to_le_bytes());
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
    let file = Arc::new(File::open(&path).unwrap());
    let n_each = (n / N_READERS).max(1);
    let start = Instant::now();
    let mut tasks = Vec::new();
    for reader in 0..N_READERS {
        let file = file.clone();
        tasks.push(spawn(async move {
            let mut random = reader as u64;
            let mut buf = vec![0; BLOCK_SIZE];
            for _ in 0..n_each {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let at = (random >> 33) % n_blocks;
                let file = file.clone();
                let read = move || {
                    file.read_exact_at(&mut buf, at * BLOCK_SIZE as u64).unwrap();
                    buf
                };
                buf = spawn_blocking(read).await.unwrap();
                let found = u64::from_le_bytes(buf[..8].try_into().unwrap());
                check("block", found as i64, at as i64);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    per_op(start.elapsed(), n_each * N_READERS);
}

fn make_log(path: &PathBuf, n_mib: i64) {
    let mut data = vec![b'x'; MIB];
    for (i, line) in data.chunks_exact_mut(LINE_SIZE).enumerate() {
        let start = b"2026-11-22T00:00:00.000 INFO  [service] request ";
        line[..start.len()].copy_from_slice(start);
        if i % 10 == 0 {
            line[24..29].copy_from_slice(b"ERROR");
        }
        line[LINE_SIZE - 1] = b'\n';
    }
    let mut file = File::create(path).unwrap();
    for _ in 0..n_mib {
        file.write_all(&data).unwrap();
    }
}

/// One line a message; a line that lives on is a string of its own.
pub async fn filter_log(n_mib: i64) {
    let folder = Folder::new();
    let path = folder.0.join("log");
    make_log(&path, n_mib);
    let (tx, mut rx) = channel::<String>(1024);
    let start = Instant::now();
    let reader = spawn(async move {
        let file = tokio::fs::File::open(path).await.unwrap();
        let mut lines = BufReader::with_capacity(128 << 10, file).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            tx.send(line).await.unwrap();
        }
    });
    let (mut n_lines, mut n_errors) = (0, 0);
    while let Some(line) = rx.recv().await {
        n_lines += 1;
        n_errors += line.contains("ERROR") as i64;
    }
    reader.await.unwrap();
    let took = start.elapsed();
    let lines_in_mib = MIB / LINE_SIZE;
    check("lines", n_lines, n_mib * lines_in_mib as i64);
    check("errors", n_errors, n_mib * ((lines_in_mib as i64 + 9) / 10));
    per_op(took, n_lines);
    println!("speed {:.6} MB/s", n_mib as f64 * MIB as f64 * 1e3 / took.as_nanos() as f64);
}
