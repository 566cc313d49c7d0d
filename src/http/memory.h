/*
 * http/memory.h - what the parts of the library do with memory in the same way.
 */
#ifndef ROTAI_HTTP_MEMORY_H
#define ROTAI_HTTP_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "rota/loop.h"

/* The allocator of callers who have given none: malloc(3). */
extern const struct rota_allocator rotai_http_malloc;

/* FNV-1a. A peer that chooses the keys can find equal hashes: a table that uses
 * it has a bounded number of entries. */
uint32_t rotai_http_hash(const void *key, size_t size);

#endif
