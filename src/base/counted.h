/*
 * base/counted.h - reference counts. A module can hold a reference to an object
 * without knowing its type.
 */
#ifndef ROTAI_BASE_COUNTED_H
#define ROTAI_BASE_COUNTED_H

#include <stdint.h>

/* The first member of every counted object. */
struct rotai_counted {
	uint32_t references;
	void (*free)(struct rotai_counted *counted); /* called on any thread */
};

static inline void rotai_counted_ref(struct rotai_counted *counted)
{
	__atomic_fetch_add(&counted->references, 1, __ATOMIC_RELAXED);
}

static inline void rotai_counted_unref(struct rotai_counted *counted)
{
	/* The thread that frees the object sees what all others wrote before
	 * they dropped their references. */
	if (__atomic_sub_fetch(&counted->references, 1, __ATOMIC_ACQ_REL) == 0)
		counted->free(counted);
}

#endif
