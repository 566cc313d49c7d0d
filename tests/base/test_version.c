/* poller: none */
/*
 * The version in the header, and the version of the library that is linked.
 */
#include "support/fixture.h"

#include <stdio.h>

static void the_number_is_made_of_the_three_parts(void **state)
{
	uint32_t version = ROTA_VERSION;

	(void)state;

	assert_int_equal(version >> 16, ROTA_VERSION_MAJOR);
	assert_int_equal(version >> 8 & 0xff, ROTA_VERSION_MINOR);
	assert_int_equal(version & 0xff, ROTA_VERSION_PATCH);
}

static void the_library_is_of_the_headers_version(void **state)
{
	(void)state;

	assert_int_equal(rota_version(), ROTA_VERSION);
}

static void the_string_tells_the_same(void **state)
{
	char text[32];

	(void)state;
	snprintf(text, sizeof(text), "%d.%d.%d", ROTA_VERSION_MAJOR,
		 ROTA_VERSION_MINOR, ROTA_VERSION_PATCH);

	assert_string_equal(rota_version_string(), text);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_number_is_made_of_the_three_parts),
	cmocka_unit_test(the_library_is_of_the_headers_version),
	cmocka_unit_test(the_string_tells_the_same),
};
FIXTURE_MAIN(tests)
