// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// How often a case does its n operations, so that few of them take long enough to be measured.
func rounds(n int64) int64 {
	if n < 300000 {
		return 300000 / n
	}
	return 1
}

func scaleSpawn(n int64) {
	var ran int64
	start := time.Now()
	for r := int64(0); r < rounds(n); r++ {
		var all sync.WaitGroup
		all.Add(int(n))
		for i := int64(0); i < n; i++ {
			go func() {
				atomic.AddInt64(&ran, 1)
				all.Done()
			}()
		}
		all.Wait()
	}
	check("tasks", ran, rounds(n)*n)
	perOp(start, ran)
}

func await(count *int64, n int64) {
	for atomic.LoadInt64(count) < n {
		runtime.Gosched()
	}
}

func scaleParkedWake(n int64) {
	var waiting, taken int64
	wakes := rounds(n) * n
	values := make(chan int64)
	for i := int64(0); i < n; i++ {
		go func() {
			atomic.AddInt64(&waiting, 1)
			for value := range values {
				atomic.AddInt64(&taken, value)
			}
		}()
	}
	await(&waiting, n)
	start := time.Now()
	for i := int64(0); i < wakes; i++ {
		values <- 1
	}
	await(&taken, wakes)
	perOp(start, wakes)
}

// The nearest thing to a scope that is cancelled: a context that every task looks at.
func scaleCancel(n int64) {
	took := time.Duration(0)
	for r := int64(0); r < rounds(n); r++ {
		var waiting int64
		var all sync.WaitGroup
		values := make(chan int64)
		ctx, cancel := context.WithCancel(context.Background())
		all.Add(int(n))
		for i := int64(0); i < n; i++ {
			go func() {
				defer all.Done()
				atomic.AddInt64(&waiting, 1)
				select {
				case <-values:
				case <-ctx.Done():
				}
			}()
		}
		await(&waiting, n)
		start := time.Now()
		cancel()
		all.Wait()
		took += time.Since(start)
	}
	fmt.Printf("time %.6g ns\n", float64(took.Nanoseconds())/float64(rounds(n)*n))
}

func scaleTimers(n int64) {
	timers := make([]*time.Timer, n)
	start := time.Now()
	for r := int64(0); r < rounds(n); r++ {
		for i := range timers {
			timers[i] = time.NewTimer(time.Hour + delay(int64(i)))
		}
		for _, timer := range timers {
			timer.Stop()
		}
	}
	perOp(start, rounds(n)*n)
}

func scaleFire(n int64) {
	timers := make([]*time.Timer, n)
	start := time.Now()
	for r := int64(0); r < rounds(n); r++ {
		for i := range timers {
			timers[i] = time.NewTimer(1)
		}
		for _, timer := range timers {
			<-timer.C
		}
	}
	perOp(start, rounds(n)*n)
}

func scaleMessage(n int64) {
	sum := int64(0)
	values := make(chan int64, n)
	start := time.Now()
	for r := int64(0); r < rounds(n); r++ {
		for i := int64(0); i < n; i++ {
			values <- i
		}
		for i := int64(0); i < n; i++ {
			sum += <-values
		}
	}
	perOp(start, rounds(n)*n)
	check("sum of values", sum, rounds(n)*sumTo(n))
}

func channels(n int64, capacity int) []chan int64 {
	all := make([]chan int64, n)
	for i := range all {
		all[i] = make(chan int64, capacity)
	}
	return all
}

func scaleChan(n int64) {
	sum := int64(0)
	all := channels(n, 1)
	start := time.Now()
	for r := int64(0); r < rounds(n); r++ {
		for i, values := range all {
			values <- int64(i)
		}
		for _, values := range all {
			sum += <-values
		}
	}
	perOp(start, rounds(n)*n)
	check("sum of values", sum, rounds(n)*sumTo(n))
}

func scaleSelect(n int64) {
	all := channels(n, 0)
	values, sum := rounds(n), int64(0)
	if values < 16 {
		values = 16
	}
	cases := make([]reflect.SelectCase, n)
	for i, values := range all {
		cases[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(values)}
	}
	start := time.Now()
	go func() {
		for i := int64(0); i < values; i++ {
			all[int64(uint32(i)*2654435761)%n] <- i
		}
	}()
	for i := int64(0); i < values; i++ {
		_, value, _ := reflect.Select(cases)
		sum += value.Int()
	}
	took := time.Since(start)
	check("sum of values", sum, sumTo(values))
	fmt.Printf("time %.6g ns\n", float64(took.Nanoseconds())/float64(values*n))
	fmt.Printf("select %.6g ns\n", float64(took.Nanoseconds())/float64(values))
}
