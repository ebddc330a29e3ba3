// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"
)

func mutex(n int64, goroutines int64) {
	var lock sync.Mutex
	var all sync.WaitGroup
	count, share := int64(0), n/goroutines
	start := time.Now()
	for i := int64(0); i < goroutines; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := int64(0); i < share; i++ {
				lock.Lock()
				count++
				lock.Unlock()
			}
		}()
	}
	all.Wait()
	check("locks", count, share*goroutines)
	perOp(start, share*goroutines)
}
