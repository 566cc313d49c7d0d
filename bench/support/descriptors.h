/*
 * support/descriptors.h - how many descriptors this process has.
 */
#ifndef BENCH_SUPPORT_DESCRIPTORS_H
#define BENCH_SUPPORT_DESCRIPTORS_H

#include <stddef.h>

/* The count itself opens some, so use only differences. */
size_t descriptors_open(void);

#endif
