/*
 * base/sized.h - structs that cross the library's border and may grow: they
 * begin with their size, as the caller was compiled.
 *
 *  1. The least size of such a struct is where the last member of its first
 *     version ends. ROTAI_SIZE_UP_TO() names that member, so the number stays
 *     when members are appended.
 *  2. Nothing beyond the caller's size is read or written.
 *  3. Such a struct has no padding at its end: the padding of a caller is not
 *     zero, and a later version might have a member there. ROTAI_SIZED() checks
 *     that, but where pointers have 32 bits: there the same members may leave
 *     some, and a member that is appended must be one of 8 bytes.
 */
#ifndef ROTAI_BASE_SIZED_H
#define ROTAI_BASE_SIZED_H

#include <stddef.h>

/* The size of a version of @type that ended with @member. */
#define ROTAI_SIZE_UP_TO(type, member)                                         \
	(offsetof(type, member) + sizeof(((type *)0)->member))

/* State that @type begins with its size and ends with @last. (3) */
#define ROTAI_SIZED(type, last)                                                \
	_Static_assert(                                                        \
		offsetof(type, size) == 0 &&                                   \
			sizeof(((type *)0)->size) == sizeof(size_t) &&         \
			(ROTAI_SIZE_UP_TO(type, last) == sizeof(type) ||       \
			 sizeof(void *) < 8),                                  \
		"size comes first, and no padding last")

/* Whether a struct of the caller's, of @size bytes, has @member of @type. */
#define ROTAI_SIZE_HAS(given_size, type, member)                               \
	((given_size) >= ROTAI_SIZE_UP_TO(type, member))

/* Fill the caller's struct @to from @ours, of @size bytes: as far as its size
 * says, and with 0 where it is the longer. 0, or ROTA_EINVAL if @to is NULL or
 * its size less than @least. */
int rotai_sized_give(void *to, size_t least, const void *ours, size_t size);

/* Replace the start of @ours, of @size bytes, by the caller's struct @given.
 * 0, or ROTA_EINVAL if the size of @given is less than @least, or something is
 * set in it that we do not know of. The size in @ours stays. */
int rotai_sized_take(void *ours, size_t size, const void *given, size_t least);

/* 0, or ROTA_EINVAL as rotai_sized_take() has it, for a struct that stays where
 * it is. */
int rotai_sized_check(const void *given, size_t least, size_t size);

#endif
