// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"time"
)

func try8(n int64) {
	values := make(chan int64, 128)
	sum := int64(0)
	start := time.Now()
	for i := int64(0); i < n; i++ {
		select {
		case values <- i:
		default:
			fail("a channel is full")
		}
		select {
		case value := <-values:
			sum += value
		default:
			fail("a channel is empty")
		}
	}
	perOp(start, n)
	check("sum of values", sum, sumTo(n))
}

// A context that can be cancelled, in another one, is the nearest thing to a scope.
func contextEnterLeave(n int64) {
	outer, cancelOuter := context.WithCancel(context.Background())
	defer cancelOuter()
	start := time.Now()
	for i := int64(0); i < n; i++ {
		_, cancel := context.WithCancel(outer)
		cancel()
	}
	perOp(start, n)
}

// A context with a deadline that is never reached.
func contextDeadline(n int64) {
	start := time.Now()
	for i := int64(0); i < n; i++ {
		_, cancel := context.WithTimeout(context.Background(), time.Hour)
		cancel()
	}
	perOp(start, n)
}

func timerStartCancel(n int64) {
	start := time.Now()
	for i := int64(0); i < n; i++ {
		time.NewTimer(time.Hour).Stop()
	}
	perOp(start, n)
}
