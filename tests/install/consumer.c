/* SPDX-License-Identifier: MIT */
/* A program outside the tree: it links, it runs a task, and header and library are of one
 * version. Valid C and C++. */
#include <weft.h>

#include <stdio.h>

static int double_it(void *arg) { return 2 * *(int *)arg; }

int main(void)
{
    int number = 21;
    int rc = weft_run(double_it, &number);
    printf("weft %u: %d\n", weft_version(), rc);
    return rc != 42 || weft_version() != WEFT_VERSION_NUM;
}
