/*
 * base/counted.h - what is shared by references, and may be so by a room that
 * does not know what it is.
 */
#ifndef ROTAI_BASE_COUNTED_H
#define ROTAI_BASE_COUNTED_H

#include <stdint.h>

/* The start of what is counted. */
struct rotai_counted {
	uint32_t references;
	void (*free)(struct rotai_counted *counted); /* any thread */
};

static inline void rotai_counted_ref(struct rotai_counted *counted)
{
	__atomic_fetch_add(&counted->references, 1, __ATOMIC_RELAXED);
}

static inline void rotai_counted_unref(struct rotai_counted *counted)
{
	/* Releases what this thread did with it to whoever frees it. */
	if (__atomic_sub_fetch(&counted->references, 1, __ATOMIC_ACQ_REL) == 0)
		counted->free(counted);
}

#endif
