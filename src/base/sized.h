/*
 * base/sized.h - public structs that may grow in later versions. Each begins
 * with its size, as compiled into the caller.
 *
 *  1. The least size of such a struct is where the last member of its first
 *     version ends. ROTAI_SIZE_UP_TO() names that member, so the number does
 *     not change when members are appended.
 *  2. Nothing beyond the caller's size is read or written.
 *  3. Such a struct has no padding at its end: the padding in a caller's struct
 *     need not be zero, and a later version might have a member there.
 *     ROTAI_SIZED() checks that, except where pointers have 32 bits. There the
 *     same members may leave padding, so an appended member must have 8 bytes.
 */
#ifndef ROTAI_BASE_SIZED_H
#define ROTAI_BASE_SIZED_H

#include <stddef.h>

/* The size of a version of @type that ended with @member. */
#define ROTAI_SIZE_UP_TO(type, member)                                         \
	(offsetof(type, member) + sizeof(((type *)0)->member))

/* Check at compile time that @type begins with its size and ends with @last.
 * (3) */
#define ROTAI_SIZED(type, last)                                                \
	_Static_assert(                                                        \
		offsetof(type, size) == 0 &&                                   \
			sizeof(((type *)0)->size) == sizeof(size_t) &&         \
			(ROTAI_SIZE_UP_TO(type, last) == sizeof(type) ||       \
			 sizeof(void *) < 8),                                  \
		"size comes first, and no padding last")

/* Whether the caller's struct, of @given_size bytes, has @member of @type. */
#define ROTAI_SIZE_HAS(given_size, type, member)                               \
	((given_size) >= ROTAI_SIZE_UP_TO(type, member))

/* Copy @ours, of @size bytes, to the caller's struct @to, as far as the size of
 * @to allows. If @to is longer, the rest of it becomes 0. The size in @to does
 * not change. Returns 0, or ROTA_EINVAL if @to is NULL or its size is less than
 * @least. */
int rotai_sized_give(void *to, size_t least, const void *ours, size_t size);

/* Copy the caller's struct @given over the start of @ours, of @size bytes. The
 * size in @ours does not change. Returns 0, or ROTA_EINVAL if the size of
 * @given is less than @least, or if a member that this version does not know is
 * not 0. */
int rotai_sized_take(void *ours, size_t size, const void *given, size_t least);

/* Make the same checks of a struct that is not copied. Returns 0 or
 * ROTA_EINVAL. */
int rotai_sized_check(const void *given, size_t least, size_t size);

#endif
