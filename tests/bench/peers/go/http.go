// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func httpGet(client *http.Client, url string) int64 {
	response, err := client.Get(url)
	if err != nil {
		fail(err.Error())
	}
	defer response.Body.Close()
	size, err := io.Copy(io.Discard, response.Body)
	if err != nil || response.StatusCode != 200 {
		fail("an answer")
	}
	return size
}

func httpAsk(server, path string, n int64, clients int) time.Duration {
	url := os.Getenv(server) + path
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: clients, MaxIdleConnsPerHost: clients}}
	var bytes atomic.Int64
	var left atomic.Int64
	var all sync.WaitGroup
	left.Store(n)
	start := time.Now()
	for i := 0; i < clients; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for left.Add(-1) >= 0 {
				bytes.Add(httpGet(client, url))
			}
		}()
	}
	all.Wait()
	took := time.Since(start)
	check("bytes", bytes.Load(), n*1024)
	return took
}

func httpSmall(server, path string, n int64, clients int) {
	perOpOf(httpAsk(server, path, n, clients), n)
}

func httpSlow(n int64) {
	took := httpAsk("BENCH_SLOW", "/later", n, int(n))
	fmt.Printf("time %.6g ms\n", float64(took.Nanoseconds())/1e6)
}

func httpStream(n int64) {
	start := time.Now()
	size := httpGet(&http.Client{}, fmt.Sprintf("%s/%dm", os.Getenv("BENCH_HTTP"), n))
	took := time.Since(start)
	check("bytes", size, n<<20)
	fmt.Printf("speed %.6g MB/s\n", float64(size)/took.Seconds()/1e6)
}
