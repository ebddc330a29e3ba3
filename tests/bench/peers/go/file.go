// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	nReaders  = 64
	fileSize  = 4096
	blockSize = 4096
	lineSize  = 128
	mib       = 1 << 20
)

func mustFile(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fileFolder() string {
	folder, err := os.MkdirTemp("", "bench-files-")
	mustFile(err)
	return folder
}

func fileReadMany(n int64) {
	folder := fileFolder()
	defer os.RemoveAll(folder)
	data := bytes.Repeat([]byte{'x'}, fileSize)
	want := int64(0)
	for i := int64(0); i < n; i++ {
		data[0] = byte('a' + i%26)
		want += fileSize + int64(data[0])
		mustFile(os.WriteFile(filepath.Join(folder, strconv.FormatInt(i, 10)), data, 0o600))
	}
	var next, sum atomic.Int64
	var readers sync.WaitGroup
	start := time.Now()
	for r := 0; r < nReaders; r++ {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
				data, err := os.ReadFile(folder + "/" + strconv.FormatInt(i, 10))
				mustFile(err)
				sum.Add(int64(len(data)) + int64(data[0]))
			}
		}()
	}
	readers.Wait()
	perOp(start, n)
	check("bytes", sum.Load(), want)
}

// A block where a page begins, as O_DIRECT needs it; not inlined, since a stack may move.
//
//go:noinline
func alignedBlock() []byte {
	room := make([]byte, 2*blockSize)
	skip := -uintptr(unsafe.Pointer(&room[0])) % blockSize
	return room[skip : skip+blockSize]
}

func fileRandom(n int64, flags int) {
	nBlocks := uint64(1024)
	if n >= 10000 {
		nBlocks = 131072
	}
	folder := "" // that of the system may not know O_DIRECT
	if flags != 0 {
		folder = "."
	}
	made, err := os.CreateTemp(folder, "bench-blocks-")
	mustFile(err)
	block := make([]byte, blockSize)
	for i := uint64(0); i < nBlocks; i++ {
		binary.LittleEndian.PutUint64(block, i)
		_, err = made.Write(block)
		mustFile(err)
	}
	mustFile(made.Sync())
	mustFile(made.Close())
	file, err := os.OpenFile(made.Name(), os.O_RDONLY|flags, 0)
	if errors.Is(err, syscall.EINVAL) {
		file, err = os.Open(made.Name())
	}
	os.Remove(made.Name())
	mustFile(err)
	defer file.Close()
	nEach := n/nReaders + 1
	var readers sync.WaitGroup
	start := time.Now()
	for r := uint64(0); r < nReaders; r++ {
		readers.Add(1)
		go func(random uint64) {
			defer readers.Done()
			buf := alignedBlock()
			for i := int64(0); i < nEach; i++ {
				random = random*6364136223846793005 + 1442695040888963407
				at := (random >> 33) % nBlocks
				_, err := file.ReadAt(buf, int64(at*blockSize))
				mustFile(err)
				if binary.LittleEndian.Uint64(buf) != at {
					fail("another block")
				}
			}
		}(r)
	}
	readers.Wait()
	perOp(start, nEach*nReaders)
}

func makeLog(n int64) string {
	data := bytes.Repeat([]byte{'x'}, mib)
	for i := 0; i < mib/lineSize; i++ {
		line := data[i*lineSize : (i+1)*lineSize]
		copy(line, "2026-11-22T00:00:00.000 INFO  [service] request ")
		if i%10 == 0 {
			copy(line[24:], "ERROR")
		}
		line[lineSize-1] = '\n'
	}
	file, err := os.CreateTemp("", "bench-log-")
	mustFile(err)
	for i := int64(0); i < n; i++ {
		_, err = file.Write(data)
		mustFile(err)
	}
	mustFile(file.Close())
	return file.Name()
}

// One line a message; a line that lives on is a copy.
func filePipeline(n int64) {
	path := makeLog(n)
	defer os.Remove(path)
	lines := make(chan []byte, 1024)
	start := time.Now()
	go func() {
		defer close(lines)
		file, err := os.Open(path)
		mustFile(err)
		defer file.Close()
		scanner := bufio.NewScanner(file)
		scanner.Buffer(make([]byte, 128<<10), 1<<20)
		for scanner.Scan() {
			lines <- append([]byte(nil), scanner.Bytes()...)
		}
	}()
	nLines, nErrors, word := int64(0), int64(0), []byte("ERROR")
	for line := range lines {
		nLines++
		if bytes.Contains(line, word) {
			nErrors++
		}
	}
	took := time.Since(start)
	check("lines", nLines, n*mib/lineSize)
	check("errors", nErrors, n*((mib/lineSize+9)/10))
	perOpOf(took, nLines)
	fmt.Printf("speed %.6g MB/s\n", float64(n)*mib/took.Seconds()/1e6)
}
