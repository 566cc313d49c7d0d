/*
 * http/sized.h - public structs that begin with their size, as compiled into
 * the caller, and may grow in later versions.
 *
 *  1. The least size is where the last member of the first version ends.
 *  2. Nothing beyond the caller's size is read or written.
 */
#ifndef ROTAI_HTTP_SIZED_H
#define ROTAI_HTTP_SIZED_H

#include <stddef.h>

/* The size of a version of @type that ended with @member. */
#define ROTAI_HTTP_SIZE_UP_TO(type, member)                                    \
	(offsetof(type, member) + sizeof(((type *)0)->member))

/* Copy @ours, of @size bytes, to the caller's struct @to, which has as many
 * bytes as its first member says. What is unknown here becomes 0. Returns 0, or
 * ROTA_EINVAL if @to is NULL or smaller than @least. */
int rotai_http_sized_give(void *to, size_t least, const void *ours,
			  size_t size);

/* Copy the caller's struct @given over the begin of @ours, of @size bytes. The
 * size in @ours stays. Returns 0, or ROTA_EINVAL if @given is smaller than
 * @least, or if a member that is unknown here is not 0. */
int rotai_http_sized_take(void *ours, size_t size, const void *given,
			  size_t least);

#endif
