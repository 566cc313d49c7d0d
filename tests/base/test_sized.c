/* poller: none */
/*
 * Structs that begin with their size. The program may have been compiled with
 * fewer members than the library knows, or with more.
 */
#include "base/sized.h"

#include <string.h>

#include "support/edge.h"
#include "support/fixture.h"

/* The library's struct of today. In the first version it ended with `one`. */
struct sample {
	size_t size;
	uint64_t one;
	uint64_t two;
	uint64_t three;
};

/* The struct as a program of a later version sees it. */
struct later {
	struct sample known;
	uint64_t four;
	uint64_t five;
};

ROTAI_SIZED(struct sample, three);

enum { LEAST = ROTAI_SIZE_UP_TO(struct sample, one) };

static const struct sample ours = { sizeof(ours), 1, 2, 3 };

static int give(void *to)
{
	return rotai_sized_give(to, LEAST, &ours, sizeof(ours));
}

static void the_least_size_stays_when_members_are_appended(void **state)
{
	(void)state;
	assert_int_equal(LEAST, offsetof(struct sample, two));
	assert_int_equal(ROTAI_SIZE_UP_TO(struct later, known.one), LEAST);
	assert_true(ROTAI_SIZE_HAS(LEAST, struct sample, one));
	assert_false(ROTAI_SIZE_HAS(LEAST, struct sample, two));
}

static void a_shorter_struct_is_filled_to_its_end(void **state)
{
	(void)state;
	for (size_t size = LEAST; size <= sizeof(ours);
	     size += sizeof(uint64_t)) {
		struct sample *to = edge_new(size);

		to->size = size;
		assert_int_equal(give(to), 0);
		assert_int_equal(to->size, size);
		assert_memory_equal((char *)to + sizeof(size_t),
				    (const char *)&ours + sizeof(size_t),
				    size - sizeof(size_t));
		edge_free();
	}
}

static void a_longer_struct_is_filled_with_zeroes(void **state)
{
	struct later *to = edge_new(sizeof(*to));

	(void)state;
	to->known.size = sizeof(*to);

	assert_int_equal(give(to), 0);

	assert_int_equal(to->known.size, sizeof(*to));
	assert_int_equal(to->known.three, 3);
	assert_int_equal(to->four, 0);
	assert_int_equal(to->five, 0);
	edge_free();
}

static void a_struct_that_is_too_short_is_left_alone(void **state)
{
	size_t *to = edge_new(sizeof(*to));

	(void)state;
	for (*to = 0; *to < LEAST; ++*to) {
		size_t size = *to;

		assert_int_equal(give(to), ROTA_EINVAL);
		assert_int_equal(*to, size);
	}
	assert_int_equal(give(NULL), ROTA_EINVAL);
	edge_free();
}

static void a_shorter_struct_is_read_to_its_end(void **state)
{
	(void)state;
	for (size_t size = LEAST; size <= sizeof(ours);
	     size += sizeof(uint64_t)) {
		struct sample taken = { sizeof(taken), 7, 8, 9 };
		struct sample expected = taken;
		struct sample *given = edge_new(size);

		memcpy(given, &ours, size);
		memcpy(&expected, &ours, size);
		given->size = size;
		assert_int_equal(rotai_sized_check(given, LEAST, sizeof(taken)),
				 0);
		assert_int_equal(
			rotai_sized_take(&taken, sizeof(taken), given, LEAST),
			0);
		assert_memory_equal(&taken, &expected, sizeof(taken));
		edge_free();
	}
}

static void a_longer_struct_may_have_nothing_unknown_set(void **state)
{
	struct sample taken = { sizeof(taken), 7, 8, 9 };
	struct later *given = edge_new(sizeof(*given));

	(void)state;
	given->known = ours;
	given->known.size = sizeof(*given);
	given->four = 0;
	given->five = UINT64_C(1) << 56;
	assert_int_equal(rotai_sized_take(&taken, sizeof(taken), given, LEAST),
			 ROTA_EINVAL);
	given->five = 1;
	assert_int_equal(rotai_sized_take(&taken, sizeof(taken), given, LEAST),
			 ROTA_EINVAL);
	assert_int_equal(taken.one, 7);

	given->five = 0;
	assert_int_equal(rotai_sized_take(&taken, sizeof(taken), given, LEAST),
			 0);

	assert_memory_equal(&taken, &ours, sizeof(ours));
	edge_free();
}

static void a_struct_that_is_too_short_is_not_read(void **state)
{
	struct sample taken = { sizeof(taken), 7, 8, 9 };
	size_t *given = edge_new(sizeof(*given));

	(void)state;
	for (*given = 0; *given < LEAST; ++*given)
		assert_int_equal(
			rotai_sized_take(&taken, sizeof(taken), given, LEAST),
			ROTA_EINVAL);
	assert_int_equal(taken.one, 7);
	edge_free();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_least_size_stays_when_members_are_appended),
	cmocka_unit_test(a_shorter_struct_is_filled_to_its_end),
	cmocka_unit_test(a_longer_struct_is_filled_with_zeroes),
	cmocka_unit_test(a_struct_that_is_too_short_is_left_alone),
	cmocka_unit_test(a_shorter_struct_is_read_to_its_end),
	cmocka_unit_test(a_longer_struct_may_have_nothing_unknown_set),
	cmocka_unit_test(a_struct_that_is_too_short_is_not_read),
};
FIXTURE_MAIN(tests)
