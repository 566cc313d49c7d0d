/*
 * tests/support/edge.h - memory at the end of a page, with no page behind it:
 * an access one byte too far ends the test.
 */
#ifndef TESTS_SUPPORT_EDGE_H
#define TESTS_SUPPORT_EDGE_H

#include <stddef.h>

/* Allocate @size bytes, all 0xaa, that end where the page ends. One at a
 * time. */
void *edge_new(size_t size);

/* Free the memory of edge_new(). */
void edge_free(void);

#endif
