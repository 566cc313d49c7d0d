/*
 * base/entropy.h - random bytes from the kernel.
 */
#ifndef ROTAI_BASE_ENTROPY_H
#define ROTAI_BASE_ENTROPY_H

#include <stddef.h>

/* Fill @size bytes at @bytes. If @waits is 0, and the kernel has no entropy
 * yet, do not wait for it. Returns 0 or an error: ROTA_EAGAIN if it would have
 * to wait. */
int rotai_entropy_read(void *bytes, size_t size, int waits);

/* The same from /dev/urandom, for a kernel without a call for it. It does not
 * wait for entropy. */
int rotai_entropy_from_device(void *bytes, size_t size);

#endif
