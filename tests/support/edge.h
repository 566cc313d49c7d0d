/*
 * tests/support/edge.h - memory at the end of a page, with no page behind it:
 * one byte too far ends the test.
 */
#ifndef TESTS_SUPPORT_EDGE_H
#define TESTS_SUPPORT_EDGE_H

#include <stddef.h>

/* @size bytes, all 0xaa, that end where the page does. One at a time. */
void *edge_new(size_t size);

/* Free what edge_new() made. */
void edge_free(void);

#endif
