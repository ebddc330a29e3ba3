/* SPDX-License-Identifier: MIT
 * Where in the program an address of code lies, for people. */
#ifndef WF_PLAT_SYMBOL_H
#define WF_PLAT_SYMBOL_H

#include "plat/cc.h"

struct wf_symbol {
    const char *module;   /* the file's name without its folders; NULL: it is in none */
    uintptr_t in_module;  /* as addr2line wants it */
    const char *function; /* NULL: not among the symbols that the module exports */
    uintptr_t in_function;
};

/* Of the call that returns there. May wait for whoever loads a library just now: with no lock held. */
void wf_symbol_of_return(const void *address, struct wf_symbol *out_symbol);

#endif
