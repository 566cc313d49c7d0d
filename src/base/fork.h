/*
 * base/fork.h - lets the library recognise a forked child without a system
 * call: getpid(2) has been one since glibc 2.25.
 */
#ifndef ROTAI_BASE_FORK_H
#define ROTAI_BASE_FORK_H

#include <stdint.h>

/* Incremented at least once in each forked child. An object made under another
 * number was made by an ancestor of this process. Written only right after the
 * fork, while the child has one thread. The visibility is hidden, so that the
 * address needs no load. */
extern uint32_t rotai_fork_generation __attribute__((visibility("hidden")));

/* Start to count forks. Returns 0 or an error. */
int rotai_fork_observe(void);

#endif
