/*
 * base/fork.h - to know a forked child from its parent without asking the
 * kernel: getpid(2) has been a system call since glibc 2.25.
 */
#ifndef ROTAI_BASE_FORK_H
#define ROTAI_BASE_FORK_H

#include <stdint.h>

/* Goes up by one or more in each forked child. What was made under another
 * number was made by an ancestor. Written only while a process has one
 * thread, right after the fork. Hidden, so that its address needs no load. */
extern uint32_t rotai_fork_generation __attribute__((visibility("hidden")));

/* Have the number counted from now on: 0 or an error. */
int rotai_fork_observe(void);

#endif
