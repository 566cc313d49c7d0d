/* poller: none */
/*
 * The table of objects in checked builds: it grows, finds what is in it and
 * nothing else, and takes no memory when it is empty.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/registry.h"

#ifdef ROTAI_WATCHFUL

enum { MANY = 3000 };

static char objects[MANY];
static char loops[2];

static void add_object(int i)
{
	rotai_registry_add(&(struct rotai_registered){
		.key = &objects[i],
		.live = ROTAI_LIVE_NODE,
		.kind = "object",
		.object = &objects[i],
		.loop = &loops[i % 2],
	});
}

static void expect_in_table(const unsigned char *is_in)
{
	for (int i = 0; i < MANY; i++)
		assert_int_equal(rotai_registry_has(&objects[i]), is_in[i]);
}

static void what_is_in_it_is_found_and_nothing_else(void **state)
{
	static unsigned char is_in[MANY];
	uint64_t seed = random_seed();

	(void)state;
	memset(is_in, 0, sizeof(is_in));
	for (int i = 0; i < MANY; i++) {
		add_object(i);
		is_in[i] = 1;
		assert_true(rotai_registry_check(&objects[i]));
		if (i % 100 == 0)
			expect_in_table(is_in);
	}
	expect_in_table(is_in);
	for (int n = 0; n < 4 * MANY; n++) {
		int i = (int)random_below(&seed, MANY);

		if (!is_in[i])
			add_object(i);
		else
			rotai_registry_remove(&objects[i]);
		is_in[i] = !is_in[i];
		if (n % 500 == 0)
			expect_in_table(is_in);
	}
	expect_in_table(is_in);
	for (int i = 0; i < MANY; i++)
		rotai_registry_remove(&objects[i]);
	memset(is_in, 0, sizeof(is_in));
	expect_in_table(is_in);
}

static void a_loop_is_forgotten_with_its_objects(void **state)
{
	static unsigned char is_in[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		add_object(i);
		is_in[i] = i % 2 == 1;
	}
	rotai_registry_forget(&loops[0]);
	expect_in_table(is_in);
	rotai_registry_forget(&loops[1]);
	memset(is_in, 0, sizeof(is_in));
	expect_in_table(is_in);
}

/* The pages of this process, without an allocation on the way. */
static long mapped_pages(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strtol(text, NULL, 10);
}

static void an_empty_table_takes_no_memory(void **state)
{
	long before = mapped_pages();

	(void)state;
	if (before == 0)
		skip_test("no /proc/self/statm");
	for (int n = 0; n < 3; n++) {
		for (int i = 0; i < MANY; i++)
			add_object(i);
		assert_true(mapped_pages() > before);
		for (int i = 0; i < MANY; i++)
			rotai_registry_remove(&objects[i]);
		assert_int_equal(mapped_pages(), before);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_in_it_is_found_and_nothing_else),
	cmocka_unit_test(a_loop_is_forgotten_with_its_objects),
	cmocka_unit_test(an_empty_table_takes_no_memory),
};

#else

static void there_is_no_table(void **state)
{
	(void)state;
	skip_test("only checked builds have a table");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(there_is_no_table),
};

#endif

FIXTURE_MAIN(tests)
