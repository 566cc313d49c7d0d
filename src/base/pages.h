/*
 * base/pages.h - memory in whole pages, straight from the system. A page takes
 * no memory until it is first written.
 */
#ifndef ROTAI_BASE_PAGES_H
#define ROTAI_BASE_PAGES_H

#include <stddef.h>

/* Returns NULL if there is no room. The bytes are zero. */
void *rotai_pages_new(size_t size);

void rotai_pages_free(void *pages, size_t size);

/* Give the memory back to the system, and keep the addresses. What the bytes
 * are afterwards is undefined. */
void rotai_pages_clear(void *pages, size_t size);

#endif
