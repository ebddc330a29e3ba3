// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"
)

func pingpong(n int64, capacity int) {
	there, back := make(chan int64, capacity), make(chan int64, capacity)
	done := make(chan int64)
	start := time.Now()
	go func() {
		for value := range there {
			back <- value + 1
		}
	}()
	go func() {
		sum := int64(0)
		for i := int64(0); i < n; i++ {
			there <- i
			sum += <-back
		}
		close(there)
		done <- sum
	}()
	check("sum of answers", <-done, sumTo(n)+n)
	perOp(start, n)
}

func sendShare(first, n int64, out chan<- int64) {
	for i := first; i < first+n; i++ {
		out <- i
	}
}

func stream8(n int64, capacity int, sides int64) {
	values := make(chan int64, capacity)
	sums := make([]int64, sides)
	share := n / sides
	var senders, receivers sync.WaitGroup
	start := time.Now()
	senders.Add(int(sides))
	receivers.Add(int(sides))
	for i := int64(0); i < sides; i++ {
		go func(i int64) {
			defer senders.Done()
			sendShare(i*share, share, values)
		}(i)
		go func(out *int64) {
			defer receivers.Done()
			sum := int64(0)
			for value := range values {
				sum += value
			}
			*out = sum
		}(&sums[i])
	}
	senders.Wait()
	close(values)
	receivers.Wait()
	total := int64(0)
	for _, sum := range sums {
		total += sum
	}
	check("sum of values", total, sumTo(share*sides))
	perOp(start, share*sides)
}

type batch struct {
	size   int
	values [64]int64
}

// No calls for many values: two arrays of 64 in the channel are as many values.
func batches(n int64) {
	values := make(chan batch, 2)
	done := make(chan int64)
	start := time.Now()
	go func() {
		for i := int64(0); i < n; {
			var b batch
			for b.size < len(b.values) && i < n {
				b.values[b.size] = i
				b.size++
				i++
			}
			values <- b
		}
		close(values)
	}()
	go func() {
		sum := int64(0)
		for b := range values {
			for _, value := range b.values[:b.size] {
				sum += value
			}
		}
		done <- sum
	}()
	check("sum of values", <-done, sumTo(n))
	perOp(start, n)
}

type value64 struct {
	words [8]int64
}

func stream64(n int64) {
	values := make(chan value64, 128)
	done := make(chan int64)
	start := time.Now()
	go func() {
		for i := int64(0); i < n; i++ {
			values <- value64{[8]int64{0: i, 7: i}}
		}
		close(values)
	}()
	go func() {
		sum := int64(0)
		for value := range values {
			sum += value.words[0] + value.words[7]
		}
		done <- sum
	}()
	check("sum of values", <-done, 2*sumTo(n))
	perOp(start, n)
}

func ring(n int64) {
	const size = 503
	last := make(chan int64)
	first := make(chan int64)
	in := first
	for i := int64(0); i < size; i++ {
		out := first
		if i < size-1 {
			out = make(chan int64)
		}
		go func(place int64, in <-chan int64, out chan<- int64) {
			for hops := range in {
				if hops == 0 {
					last <- place
					return
				}
				out <- hops - 1
			}
		}(i, in, out)
		in = out
	}
	start := time.Now()
	first <- n
	check("last task", <-last, n%size)
	perOp(start, n)
}

func sumOfPrimes(n int64) int64 {
	sum := int64(0)
	for i := int64(2); n > 0; i++ {
		divisor := int64(2)
		for divisor*divisor <= i && i%divisor != 0 {
			divisor++
		}
		if divisor*divisor > i {
			sum += i
			n--
		}
	}
	return sum
}

func sieve(n int64) {
	start := time.Now()
	numbers := make(chan int64)
	go func(out chan<- int64) {
		for i := int64(2); ; i++ {
			out <- i
		}
	}(numbers)
	sum := int64(0)
	for i := int64(0); i < n; i++ {
		prime := <-numbers
		sum += prime
		next := make(chan int64)
		go func(prime int64, in <-chan int64, out chan<- int64) {
			for value := range in {
				if value%prime != 0 {
					out <- value
				}
			}
		}(prime, numbers, next)
		numbers = next
	}
	inMs(start)
	check("sum of primes", sum, sumOfPrimes(n))
}

// A generator of this Go is a goroutine behind a channel.
func generator(n int64) {
	numbers := make(chan int64)
	start := time.Now()
	go func() {
		sendShare(0, n, numbers)
		close(numbers)
	}()
	sum := int64(0)
	for number := range numbers {
		sum += number
	}
	check("sum of items", sum, sumTo(n))
	perOp(start, n)
}

// Variables, so that no compiler folds the rounds.
var lcgA, lcgC uint64 = 6364136223846793005, 1442695040888963407

func work(x uint64, rounds int, a, c uint64) uint64 {
	for i := 0; i < rounds; i++ {
		x = x*a + c
	}
	return x
}

func spread(n int64, rounds int) {
	items := make(chan int64, 128)
	var sums [4]uint64
	var workers sync.WaitGroup
	start := time.Now()
	go func() {
		sendShare(0, n, items)
		close(items)
	}()
	workers.Add(len(sums))
	for i := range sums {
		go func(out *uint64) {
			defer workers.Done()
			sum, a, c := uint64(0), lcgA, lcgC
			for item := range items {
				sum += work(uint64(item), rounds, a, c)
			}
			*out = sum
		}(&sums[i])
	}
	workers.Wait()
	a, c := uint64(1), uint64(0)
	for i := 0; i < rounds; i++ {
		a, c = a*lcgA, c*lcgA+lcgC
	}
	want := a*uint64(sumTo(n)) + c*uint64(n)
	check("sum of work", int64(sums[0]+sums[1]+sums[2]+sums[3]), int64(want))
	perOp(start, n)
}
