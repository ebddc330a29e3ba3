// SPDX-License-Identifier: MIT

// bench CASE N WORKERS runs one case once; bench --list names them.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"syscall"
	"time"
)

var cases = map[string]func(n int64){
	"ctx_switch":                 ctxSwitch,
	"spawn_join_b1000":           spawnJoin,
	"spawn_join_b1000_batch":     spawnJoin,
	"skynet":                     skynet,
	"parked_1M":                  parked,
	"chan_pingpong_unbuf":        func(n int64) { pingpong(n, 0) },
	"chan_pingpong_cap1":         func(n int64) { pingpong(n, 1) },
	"chan_spsc8_cap128":          func(n int64) { stream8(n, 128, 1) },
	"chan_spsc8_cap128_batch64":  batches,
	"chan_spsc8_cap1024":         func(n int64) { stream8(n, 1024, 1) },
	"chan_spsc64_cap128":         stream64,
	"chan_mpmc4x4_cap128":        func(n int64) { stream8(n, 128, 4) },
	"select4_unbuf":              func(n int64) { selectN(n, 0, 4) },
	"select4_cap128":             func(n int64) { selectN(n, 128, 4) },
	"select64_unbuf":             func(n int64) { selectN(n, 0, 64) },
	"select64_cap128":            func(n int64) { selectN(n, 128, 64) },
	"ring503":                    ring,
	"sieve2000":                  sieve,
	"timers_1M":                  timersSleep,
	"timers_1M_after":            timersAfter,
	"generator":                  generator,
	"stream_fused":               streamFused,
	"pmap_alone":                 func(n int64) { pmapAlone(n, 400) },
	"pmap_ordered":               func(n int64) { pmapOrdered(n, 400) },
	"pmap_alone_25us":            func(n int64) { pmapAlone(n, 8000) },
	"pmap_ordered_25us":          func(n int64) { pmapOrdered(n, 8000) },
	"pipeline_4stage":            pipeline4,
	"mutex_alone":                func(n int64) { mutex(n, 1) },
	"mutex_contended4":           func(n int64) { mutex(n, 4) },
	"spread_125ns":               func(n int64) { spread(n, 94) },
	"spread_250ns":               func(n int64) { spread(n, 188) },
	"spread_500ns":               func(n int64) { spread(n, 376) },
	"chan_try8":                  try8,
	"scope_enter_leave":          contextEnterLeave,
	"scope_spawn_join":           spawnJoinOne,
	"deadline_scope":             contextDeadline,
	"timer_start_cancel":         timerStartCancel,
	"tcp_echo_c1":                func(n int64) { tcpEcho(n, 1) },
	"tcp_echo_c64":               func(n int64) { tcpEcho(n, 64) },
	"tcp_echo_c1000":             func(n int64) { tcpEcho(n, 1000) },
	"file_read_many_10k_c64":     fileReadMany,
	"file_random_4k":             func(n int64) { fileRandom(n, 0) },
	"file_random_4k_direct":      func(n int64) { fileRandom(n, syscall.O_DIRECT) },
	"file_pipeline_line_cap1024": filePipeline,
	"http_many":                  func(n int64) { httpSmall("BENCH_HTTP", "/1k", n, 64) },
	"http_many_c5000":            func(n int64) { httpSmall("BENCH_SLOW", "/now", n, 5000) },
	"http_seq":                   func(n int64) { httpSmall("BENCH_HTTP", "/1k", n, 1) },
	"http_stream":                httpStream,
	"http_stream_2g":             httpStream,
	"http_slow_8k_conc":          httpSlow,
	"scale_spawn":                scaleSpawn,
	"scale_parked_wake":          scaleParkedWake,
	"scale_message":              scaleMessage,
	"scale_chan":                 scaleChan,
	"scale_select":               scaleSelect,
	"scale_timers":               scaleTimers,
	"scale_fire":                 scaleFire,
	"scale_cancel":               scaleCancel,
	"pinned_stream":              pinnedStream,
	"pinned_latency":             pinnedLatency,
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--list" {
		names := make([]string, 0, len(cases))
		for name := range cases {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Println(name, 1, "-")
		}
		return
	}
	if len(os.Args) != 4 || cases[os.Args[1]] == nil {
		fail("usage: bench CASE N WORKERS | --list")
	}
	n, _ := strconv.ParseInt(os.Args[2], 10, 64)
	workers, _ := strconv.Atoi(os.Args[3])
	if n <= 0 || workers <= 0 {
		fail("N and WORKERS are numbers from 1 on")
	}
	runtime.GOMAXPROCS(workers)
	cases[os.Args[1]](n)
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "bench:", text)
	os.Exit(1)
}

func check(what string, got, want int64) {
	if got != want {
		fail(fmt.Sprintf("%s: %d instead of %d", what, got, want))
	}
}

func sumTo(n int64) int64 {
	if n%2 == 0 {
		return n / 2 * (n - 1)
	}
	return (n - 1) / 2 * n
}

func perOp(start time.Time, n int64) {
	perOpOf(time.Since(start), n)
}

func perOpOf(took time.Duration, n int64) {
	fmt.Printf("time %.6g ns\n", float64(took.Nanoseconds())/float64(n))
}

func inMs(start time.Time) {
	fmt.Printf("time %.6g ms\n", float64(time.Since(start).Nanoseconds())/1e6)
}

// delay is 0 to 1 s, the same for the same index in every program that is compared.
func delay(index int64) time.Duration {
	return time.Duration(uint64(uint32(index)*2654435761) * 1000000000 >> 32)
}

func residentSize() int64 {
	var total, resident int64
	data, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		fmt.Sscan(string(data), &total, &resident)
	}
	return resident * int64(os.Getpagesize())
}
