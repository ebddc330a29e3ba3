// SPDX-License-Identifier: MIT

package main

import "time"

func selectN(n int64, capacity, senders int) {
	var channels [64]chan int64
	share := n / int64(senders)
	start := time.Now()
	for i := 0; i < senders; i++ {
		channels[i] = make(chan int64, capacity)
		go func(first int64, out chan<- int64) {
			sendShare(first, share, out)
			close(out)
		}(int64(i)*share, channels[i])
	}
	done := make(chan int64)
	go func() {
		sum := int64(0)
		for open := senders; open > 0; {
			var i int
			var value int64
			var ok bool
			if senders == 4 {
				i, value, ok = select4(&channels)
			} else {
				i, value, ok = select64(&channels)
			}
			sum += value
			if !ok {
				channels[i] = nil
				open--
			}
		}
		done <- sum
	}()
	check("sum of values", <-done, sumTo(share*int64(senders)))
	perOp(start, share*int64(senders))
}

// Written out: reflect.Select takes slices at run time, and is several times slower.
func select4(c *[64]chan int64) (i int, value int64, ok bool) {
	select {
	case value, ok = <-c[0]:
		i = 0
	case value, ok = <-c[1]:
		i = 1
	case value, ok = <-c[2]:
		i = 2
	case value, ok = <-c[3]:
		i = 3
	}
	return
}

func select64(c *[64]chan int64) (i int, value int64, ok bool) {
	select {
	case value, ok = <-c[0]:
		i = 0
	case value, ok = <-c[1]:
		i = 1
	case value, ok = <-c[2]:
		i = 2
	case value, ok = <-c[3]:
		i = 3
	case value, ok = <-c[4]:
		i = 4
	case value, ok = <-c[5]:
		i = 5
	case value, ok = <-c[6]:
		i = 6
	case value, ok = <-c[7]:
		i = 7
	case value, ok = <-c[8]:
		i = 8
	case value, ok = <-c[9]:
		i = 9
	case value, ok = <-c[10]:
		i = 10
	case value, ok = <-c[11]:
		i = 11
	case value, ok = <-c[12]:
		i = 12
	case value, ok = <-c[13]:
		i = 13
	case value, ok = <-c[14]:
		i = 14
	case value, ok = <-c[15]:
		i = 15
	case value, ok = <-c[16]:
		i = 16
	case value, ok = <-c[17]:
		i = 17
	case value, ok = <-c[18]:
		i = 18
	case value, ok = <-c[19]:
		i = 19
	case value, ok = <-c[20]:
		i = 20
	case value, ok = <-c[21]:
		i = 21
	case value, ok = <-c[22]:
		i = 22
	case value, ok = <-c[23]:
		i = 23
	case value, ok = <-c[24]:
		i = 24
	case value, ok = <-c[25]:
		i = 25
	case value, ok = <-c[26]:
		i = 26
	case value, ok = <-c[27]:
		i = 27
	case value, ok = <-c[28]:
		i = 28
	case value, ok = <-c[29]:
		i = 29
	case value, ok = <-c[30]:
		i = 30
	case value, ok = <-c[31]:
		i = 31
	case value, ok = <-c[32]:
		i = 32
	case value, ok = <-c[33]:
		i = 33
	case value, ok = <-c[34]:
		i = 34
	case value, ok = <-c[35]:
		i = 35
	case value, ok = <-c[36]:
		i = 36
	case value, ok = <-c[37]:
		i = 37
	case value, ok = <-c[38]:
		i = 38
	case value, ok = <-c[39]:
		i = 39
	case value, ok = <-c[40]:
		i = 40
	case value, ok = <-c[41]:
		i = 41
	case value, ok = <-c[42]:
		i = 42
	case value, ok = <-c[43]:
		i = 43
	case value, ok = <-c[44]:
		i = 44
	case value, ok = <-c[45]:
		i = 45
	case value, ok = <-c[46]:
		i = 46
	case value, ok = <-c[47]:
		i = 47
	case value, ok = <-c[48]:
		i = 48
	case value, ok = <-c[49]:
		i = 49
	case value, ok = <-c[50]:
		i = 50
	case value, ok = <-c[51]:
		i = 51
	case value, ok = <-c[52]:
		i = 52
	case value, ok = <-c[53]:
		i = 53
	case value, ok = <-c[54]:
		i = 54
	case value, ok = <-c[55]:
		i = 55
	case value, ok = <-c[56]:
		i = 56
	case value, ok = <-c[57]:
		i = 57
	case value, ok = <-c[58]:
		i = 58
	case value, ok = <-c[59]:
		i = 59
	case value, ok = <-c[60]:
		i = 60
	case value, ok = <-c[61]:
		i = 61
	case value, ok = <-c[62]:
		i = 62
	case value, ok = <-c[63]:
		i = 63
	}
	return
}
