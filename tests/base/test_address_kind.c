/* poller: none */
/*
 * Addresses compared, and the kinds of IP addresses.
 */
#include "support/fixture.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rota_address parsed(const char *text)
{
	struct rota_address address;

	assert_int_equal(rota_address_parse(&address, text, 80), 0);
	return address;
}

static void addresses_are_equal_if_all_that_counts_is(void **state)
{
	static const char *const all[] = {
		"192.0.2.1:80",
		"192.0.2.1:81",
		"192.0.2.2:80",
		"[2001:db8::1]:80",
		"[2001:db8::2]:80",
		"[2001:db8::1]:81",
		"[2001:db8::1%1]:80",
		"[::ffff:192.0.2.1]:80",
		"unix:/a",
		"unix:/ab",
		"unix:a",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++)
		for (size_t k = 0; k < COUNT(all); k++) {
			struct rota_address a = parsed(all[i]);
			struct rota_address b = parsed(all[k]);

			assert_int_equal(rota_address_equal(&a, &b), i == k);
		}
}

static void what_does_not_count_is_not_compared(void **state)
{
	struct rota_address a = parsed("[2001:db8::1]:80");
	struct rota_address b = a, none = { .size = 0 };

	(void)state;
	b.is.ip6.sin6_flowinfo = htonl(12345);
	assert_true(rota_address_equal(&a, &b));

	/* Nobody knows whether they are the same socket. */
	a = parsed("unix:");
	assert_false(rota_address_equal(&a, &a));
	assert_false(rota_address_equal(&none, &none));
	assert_false(rota_address_equal(&none, &b));
}

enum kind { LOOPBACK = 1, ANY = 2, MULTICAST = 4, LINK_LOCAL = 8, MAPPED = 16 };

static void each_kind_is_recognized(void **state)
{
	static const struct {
		const char *text;
		int kinds;
	} all[] = {
		{ "127.0.0.1", LOOPBACK },
		{ "127.255.255.255", LOOPBACK },
		{ "126.255.255.255", 0 },
		{ "128.0.0.0", 0 },
		{ "0.0.0.0", ANY },
		{ "0.0.0.1", 0 },
		{ "223.255.255.255", 0 },
		{ "224.0.0.0", MULTICAST },
		{ "239.255.255.255", MULTICAST },
		{ "240.0.0.0", 0 },
		{ "255.255.255.255", 0 },
		{ "169.254.0.0", LINK_LOCAL },
		{ "169.254.255.255", LINK_LOCAL },
		{ "169.253.255.255", 0 },
		{ "169.255.0.0", 0 },
		{ "::1", LOOPBACK },
		{ "::2", 0 },
		{ "::", ANY },
		{ "ff02::1", MULTICAST },
		{ "feff::1", 0 },
		{ "fe80::", LINK_LOCAL },
		{ "febf:ffff::1", LINK_LOCAL },
		{ "fec0::1", 0 },
		{ "2001:db8::1", 0 },
		{ "::ffff:192.0.2.1", MAPPED },
		{ "::ffff:127.0.0.1", MAPPED | LOOPBACK },
		{ "::ffff:0.0.0.0", MAPPED | ANY },
		{ "::ffff:224.0.0.1", MAPPED | MULTICAST },
		{ "::ffff:169.254.0.1", MAPPED | LINK_LOCAL },
		{ "::127.0.0.1", 0 },
		{ "unix:/a", 0 },
		{ "unix:", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct rota_address a = parsed(all[i].text);
		int kinds = (rota_address_is_loopback(&a) ? LOOPBACK : 0) |
			    (rota_address_is_any(&a) ? ANY : 0) |
			    (rota_address_is_multicast(&a) ? MULTICAST : 0) |
			    (rota_address_is_link_local(&a) ? LINK_LOCAL : 0) |
			    (rota_address_is_mapped(&a) ? MAPPED : 0);

		if (kinds != all[i].kinds)
			fail_msg("%s: %d", all[i].text, kinds);
	}
}

static void a_mapped_address_becomes_the_address_itself(void **state)
{
	struct rota_address a = parsed("[::ffff:192.0.2.1]:99");
	struct rota_address wanted = parsed("192.0.2.1:99");
	struct rota_address other = parsed("[::1]:99"), same = other;

	(void)state;
	assert_int_equal(rota_address_unmap(&a), 1);
	assert_memory_equal(&a, &wanted, sizeof(a));
	assert_int_equal(rota_address_unmap(&a), 0);
	assert_memory_equal(&a, &wanted, sizeof(a));

	assert_int_equal(rota_address_unmap(&other), 0);
	assert_memory_equal(&other, &same, sizeof(same));
}

static void only_an_ip_address_has_a_port(void **state)
{
	static const char *const ips[] = { "192.0.2.1", "::1" };
	struct rota_address address;

	(void)state;
	for (size_t i = 0; i < COUNT(ips); i++) {
		address = parsed(ips[i]);
		assert_int_equal(rota_address_set_port(&address, 65535), 0);
		assert_int_equal(rota_address_port(&address), 65535);
		assert_int_equal(rota_address_set_port(&address, 65536),
				 ROTA_EINVAL);
		assert_int_equal(rota_address_port(&address), 65535);
	}
	address = parsed("unix:/name");
	assert_int_equal(rota_address_set_port(&address, 1), ROTA_EINVAL);
	assert_int_equal(rota_address_port(&address), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(addresses_are_equal_if_all_that_counts_is),
	cmocka_unit_test(what_does_not_count_is_not_compared),
	cmocka_unit_test(each_kind_is_recognized),
	cmocka_unit_test(a_mapped_address_becomes_the_address_itself),
	cmocka_unit_test(only_an_ip_address_has_a_port),
};

FIXTURE_MAIN(tests)
