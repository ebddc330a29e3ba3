// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"
)

// next gives an item, or false at the end: how this Go pulls, which has no iter.Pull.
type next func() (int64, bool)

func fromSlice(items []int64) next {
	i := 0
	return func() (int64, bool) {
		if i == len(items) {
			return 0, false
		}
		i++
		return items[i-1], true
	}
}

func mapped(source next, step func(int64) int64) next {
	return func() (int64, bool) {
		item, ok := source()
		if !ok {
			return 0, false
		}
		return step(item), true
	}
}

func filtered(source next, keeps func(int64) bool) next {
	return func() (int64, bool) {
		for {
			item, ok := source()
			if !ok || keeps(item) {
				return item, ok
			}
		}
	}
}

func taken(source next, n int) next {
	return func() (int64, bool) {
		if n == 0 {
			return 0, false
		}
		n--
		return source()
	}
}

const nItems = 4096

func sumByHand(n int64) int64 {
	sum := int64(0)
	for i := int64(0); i < n; i++ {
		if 3*i%7 != 0 {
			sum += 3 * i
		}
	}
	return sum
}

func least(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func streamFused(n int64) {
	items := make([]int64, nItems)
	for i := range items {
		items[i] = int64(i)
	}
	sum, wanted := int64(0), int64(0)
	start := time.Now()
	for left := n; left > 0; left -= nItems {
		all := fromSlice(items[:least(left, nItems)])
		more := mapped(all, func(item int64) int64 { return 3 * item })
		some := filtered(more, func(item int64) bool { return item%7 != 0 })
		few := taken(some, nItems)
		for item, ok := few(); ok; item, ok = few() {
			sum += item
		}
	}
	took := time.Since(start)
	for left := n; left > 0; left -= nItems {
		wanted += sumByHand(least(left, nItems))
	}
	check("sum of items", sum, wanted)
	perOpOf(took, n)
}

// One in eight takes sixteen times as long as the others.
func unevenWork(n int64, rounds int) int64 {
	if n%8 == 0 {
		rounds *= 16
	}
	return int64(work(uint64(n), rounds, lcgA, 1)&1) + n
}

func checkResults(n, inOrder int64, start time.Time) {
	took := time.Since(start)
	check("results in order", inOrder, n)
	perOpOf(took, n)
}

func pmapAlone(n int64, rounds int) {
	inOrder := int64(0)
	start := time.Now()
	for i := int64(0); i < n; i++ {
		if result := unevenWork(i, rounds); result == i || result == i+1 {
			inOrder++
		}
	}
	checkResults(n, inOrder, start)
}

type job struct {
	item   int64
	result chan int64
}

// 64 goroutines work; a job waits in the channel of those that are not yet given.
func pmapOrdered(n int64, rounds int) {
	const limit = 64
	jobs, pending := make(chan job, limit), make(chan chan int64, limit)
	var workers sync.WaitGroup
	start := time.Now()
	workers.Add(limit)
	for i := 0; i < limit; i++ {
		go func() {
			defer workers.Done()
			for next := range jobs {
				next.result <- unevenWork(next.item, rounds)
			}
		}()
	}
	go func() {
		for i := int64(0); i < n; i++ {
			result := make(chan int64, 1)
			pending <- result
			jobs <- job{i, result}
		}
		close(jobs)
		close(pending)
	}()
	i, inOrder := int64(0), int64(0)
	for result := range pending {
		if value := <-result; value == i || value == i+1 {
			inOrder++
		}
		i++
	}
	workers.Wait()
	checkResults(n, inOrder, start)
}

func addOne(in <-chan int64, out chan<- int64) {
	for value := range in {
		out <- value + 1
	}
	close(out)
}

func pipeline4(n int64) {
	first, second, third := make(chan int64, 128), make(chan int64, 128), make(chan int64, 128)
	sum := int64(0)
	start := time.Now()
	go func() {
		sendShare(0, n, first)
		close(first)
	}()
	go addOne(first, second)
	go addOne(second, third)
	for value := range third {
		sum += value
	}
	perOp(start, n)
	check("sum", sum, sumTo(n)+2*n)
}
