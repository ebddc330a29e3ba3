/* SPDX-License-Identifier: MIT */
/* busy: computes until its stdin ends, so that it can't outlive whoever holds the other end. */
#include <poll.h>

int main(void)
{
    struct pollfd in = { .fd = 0, .events = POLLIN };
    while (poll(&in, 1, 0) == 0)
        for (volatile int i = 0; i < 100000; i++)
            ;
    return 0;
}
