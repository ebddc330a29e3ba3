// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"net"
	"sort"
	"sync"
	"time"
)

const echoSize = 64

func echo(peer net.Conn) {
	defer peer.Close()
	buf := make([]byte, 1024)
	for {
		n, err := peer.Read(buf)
		if err == io.EOF {
			return
		}
		if err == nil {
			_, err = peer.Write(buf[:n])
		}
		if err != nil {
			fail(err.Error())
		}
	}
}

func exchange(peer net.Conn, request, reply []byte) {
	if _, err := peer.Write(request); err != nil {
		fail(err.Error())
	}
	for got := 0; got < echoSize; {
		n, err := peer.Read(reply[got:])
		if err != nil {
			fail(err.Error())
		}
		got += n
	}
}

func tcpEcho(n int64, clients int) {
	each := n / int64(clients)
	if each == 0 {
		each = 1
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err.Error())
	}
	go func() {
		for i := 0; i < clients; i++ {
			peer, err := door.Accept()
			if err != nil {
				fail(err.Error())
			}
			go echo(peer)
		}
	}()
	delays := make([]int64, each*int64(clients))
	goOn := make(chan struct{})
	var ready, done sync.WaitGroup
	ready.Add(clients)
	done.Add(clients)
	for i := 0; i < clients; i++ {
		own := delays[int64(i)*each : int64(i+1)*each]
		go func() {
			peer, err := net.Dial("tcp", door.Addr().String())
			if err != nil {
				fail(err.Error())
			}
			request, reply := make([]byte, echoSize), make([]byte, 1024)
			exchange(peer, request, reply) // the server has begun
			ready.Done()
			<-goOn
			for i := range own {
				start := time.Now()
				exchange(peer, request, reply)
				own[i] = time.Since(start).Nanoseconds()
			}
			peer.Close()
			done.Done()
		}()
	}
	ready.Wait()
	start := time.Now()
	close(goOn)
	done.Wait()
	perOp(start, int64(len(delays)))
	sort.Slice(delays, func(i, j int) bool { return delays[i] < delays[j] })
	fmt.Printf("p99 %.6g us\n", float64(delays[len(delays)-1-len(delays)/100])/1e3)
}
