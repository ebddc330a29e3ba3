// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func ctxSwitch(n int64) {
	var yields [2]int64
	var all sync.WaitGroup
	start := time.Now()
	for i := range yields {
		all.Add(1)
		go func(out *int64) {
			defer all.Done()
			count := int64(0)
			for i := int64(0); i < n/2; i++ {
				runtime.Gosched()
				count++
			}
			*out = count
		}(&yields[i])
	}
	all.Wait()
	check("yields", yields[0]+yields[1], n/2*2)
	perOp(start, n)
}

func spawnJoin(n int64) {
	start := time.Now()
	ended := int64(0)
	for left := n; left > 0; left -= 1000 {
		var all sync.WaitGroup
		batch := left
		if batch > 1000 {
			batch = 1000
		}
		all.Add(int(batch))
		for i := int64(0); i < batch; i++ {
			go all.Done()
		}
		all.Wait()
		ended += batch
	}
	check("tasks", ended, n)
	perOp(start, n)
}

// One goroutine at a time, waited for.
func spawnJoinOne(n int64) {
	nRun := int64(0)
	start := time.Now()
	for i := int64(0); i < n; i++ {
		var one sync.WaitGroup
		one.Add(1)
		go func() {
			nRun++
			one.Done()
		}()
		one.Wait()
	}
	perOp(start, n)
	check("tasks", nRun, n)
}

func node(first, size int64, out *int64, all *sync.WaitGroup) {
	defer all.Done()
	if size == 1 {
		*out = first
		return
	}
	var sums [10]int64
	var children sync.WaitGroup
	children.Add(len(sums))
	for i := range sums {
		go node(first+int64(i)*(size/10), size/10, &sums[i], &children)
	}
	children.Wait()
	sum := int64(0)
	for _, part := range sums {
		sum += part
	}
	*out = sum
}

func skynet(n int64) {
	var sum int64
	var all sync.WaitGroup
	start := time.Now()
	all.Add(1)
	go node(0, n, &sum, &all)
	all.Wait()
	check("sum of leaves", sum, sumTo(n))
	inMs(start)
}

func parked(n int64) {
	var waiting, ended int64
	var all sync.WaitGroup
	values := make(chan int64)
	before := residentSize()
	start := time.Now()
	all.Add(int(n))
	for i := int64(0); i < n; i++ {
		go func() {
			defer all.Done()
			atomic.AddInt64(&waiting, 1)
			for range values {
				fail("a value that nobody sent")
			}
			atomic.AddInt64(&ended, 1)
		}()
	}
	for atomic.LoadInt64(&waiting) < n {
		runtime.Gosched()
	}
	took := time.Since(start)
	size := residentSize() - before
	close(values)
	all.Wait()
	check("tasks", ended, n)
	fmt.Printf("memory %.6g B\n", float64(size)/float64(n))
	fmt.Printf("time %.6g ns\n", float64(took.Nanoseconds())/float64(n))
}

func timersAfter(n int64) {
	var all sync.WaitGroup
	var early int64
	start := time.Now()
	all.Add(int(n))
	for i := int64(0); i < n; i++ {
		d, from := delay(i), time.Now()
		time.AfterFunc(d, func() {
			if time.Since(from) < d {
				atomic.AddInt64(&early, 1)
			}
			all.Done()
		})
	}
	all.Wait()
	check("early timers", early, 0)
	inMs(start)
}

func timersSleep(n int64) {
	var all sync.WaitGroup
	var woken int64
	start := time.Now()
	all.Add(int(n))
	for i := int64(0); i < n; i++ {
		go func(d time.Duration) {
			defer all.Done()
			from := time.Now()
			time.Sleep(d)
			if time.Since(from) < d {
				fail("an early sleeper")
			}
			atomic.AddInt64(&woken, 1)
		}(delay(i))
	}
	all.Wait()
	check("sleepers", woken, n)
	inMs(start)
}
