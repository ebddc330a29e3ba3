// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

var sink int64

// Computes until the others are done, for 200 ms at most.
func computeUntil(over *int32) {
	for began := time.Now(); atomic.LoadInt32(over) == 0 && time.Since(began) < 200*time.Millisecond; {
		for i := 0; i < 1000; i++ {
			atomic.StoreInt64(&sink, int64(i))
		}
	}
}

func pinnedStream(n int64) {
	var over int32
	var all sync.WaitGroup
	sum := int64(0)
	values := make(chan int64, 128)
	start := time.Now()
	all.Add(2)
	go func() {
		defer all.Done()
		go func() {
			sendShare(0, n, values)
			close(values)
		}()
		go func() {
			defer all.Done()
			for value := range values {
				sum += value
			}
			atomic.StoreInt32(&over, 1)
		}()
		computeUntil(&over)
	}()
	all.Wait()
	perOp(start, n)
	check("sum of values", sum, sumTo(n))
}

func pinnedLatency(n int64) {
	var over int32
	var all sync.WaitGroup
	late := make([]float64, n)
	all.Add(2)
	go func() {
		defer all.Done()
		due := time.Now().Add(time.Millisecond)
		go func() {
			defer all.Done()
			for i := range late {
				time.Sleep(time.Until(due))
				now := time.Now()
				late[i] = float64(now.Sub(due).Nanoseconds())
				due = now.Add(time.Millisecond)
			}
			atomic.StoreInt32(&over, 1)
		}()
		computeUntil(&over)
	}()
	all.Wait()
	sort.Float64s(late)
	fmt.Printf("time %.6g ns\n", late[n/2])
	fmt.Printf("latest %.6g ns\n", late[n-1])
}
