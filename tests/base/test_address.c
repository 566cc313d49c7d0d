/*
 * Socket addresses: what is accepted as an address and what is refused (D6),
 * and that an address survives the conversion to text and back.
 *
 * ROTA_TEST_SEED repeats a run.
 */
/* poller: none */
#include "support/fixture.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { HUGE_SIZE = 1 << 20, TEXT_SIZE = ROTA_ADDRESS_TEXT_SIZE };

/* An address that no function here makes. It shows that an output is
 * unchanged. */
static struct rota_address odd(void)
{
	struct rota_address address;

	memset(&address, 0x5a, sizeof(address));
	return address;
}

static void expect_odd(const struct rota_address *address)
{
	struct rota_address same = odd();

	assert_memory_equal(address, &same, sizeof(same));
}

static void expect_refused(const char *ip, int wanted)
{
	struct rota_address address = odd();
	int error = rota_address_ip(&address, ip, 80);

	if (error != wanted)
		fail_msg("\"%.80s\": %s", ip, rota_error_name(error));
	expect_odd(&address);
}

static void expect_text(const struct rota_address *address, const char *wanted)
{
	char text[TEXT_SIZE];

	assert_int_equal(rota_address_text(address, text, sizeof(text)), 0);
	assert_string_equal(text, wanted);
}

/* Copy the part before the port, without brackets. */
static void ip_of(const struct rota_address *address, char ip[TEXT_SIZE])
{
	char text[TEXT_SIZE], *end;
	size_t size;

	assert_int_equal(rota_address_text(address, text, sizeof(text)), 0);
	end = strrchr(text, ':');
	assert_non_null(end);
	*end = '\0';
	size = strlen(text);
	if (text[0] == '[') {
		assert_int_equal(text[size - 1], ']');
		text[size - 1] = '\0';
		memmove(text, text + 1, size - 1);
	}
	memcpy(ip, text, sizeof(text));
}

static void expect_round_trip(const struct rota_address *address)
{
	struct rota_address again;
	char ip[TEXT_SIZE];

	ip_of(address, ip);
	assert_int_equal(
		rota_address_ip(&again, ip, rota_address_port(address)), 0);

	assert_int_equal(again.size, address->size);
	assert_memory_equal(&again.is, &address->is, address->size);
}

static void an_address_of_version_4_is_what_its_text_says(void **state)
{
	struct rota_address address;

	(void)state;
	assert_int_equal(rota_address_ip(&address, "192.0.2.1", 8080), 0);

	assert_int_equal(address.size, sizeof(struct sockaddr_in));
	assert_int_equal(address.is.any.sa_family, AF_INET);
	assert_int_equal(address.is.ip4.sin_port, htons(8080));
	assert_int_equal(ntohl(address.is.ip4.sin_addr.s_addr), 0xc0000201);
	assert_int_equal(rota_address_port(&address), 8080);
	expect_text(&address, "192.0.2.1:8080");
}

static void an_address_of_version_6_is_what_its_text_says(void **state)
{
	struct in6_addr expected;
	struct rota_address address;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &expected), 1);
	assert_int_equal(rota_address_ip(&address, "2001:db8::1", 80), 0);

	assert_int_equal(address.size, sizeof(struct sockaddr_in6));
	assert_int_equal(address.is.any.sa_family, AF_INET6);
	assert_int_equal(address.is.ip6.sin6_port, htons(80));
	assert_int_equal(address.is.ip6.sin6_scope_id, 0);
	assert_int_equal(address.is.ip6.sin6_flowinfo, 0);
	assert_memory_equal(&address.is.ip6.sin6_addr, &expected,
			    sizeof(expected));
	assert_int_equal(rota_address_port(&address), 80);
	expect_text(&address, "[2001:db8::1]:80");
}

static void addresses_of_all_shapes_are_taken(void **state)
{
	static const char *const ips[][2] = {
		{ "0.0.0.0", "0.0.0.0:7" },
		{ "255.255.255.255", "255.255.255.255:7" },
		{ "127.0.0.1", "127.0.0.1:7" },
		{ "::", "[::]:7" },
		{ "::1", "[::1]:7" },
		{ "0:0:0:0:0:0:0:1", "[::1]:7" },
		{ "FE80::ABCD", "[fe80::abcd]:7" },
		{ "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:7" },
		{ "1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:7" },
	};
	struct rota_address address;

	(void)state;
	for (size_t i = 0; i < COUNT(ips); i++) {
		assert_int_equal(rota_address_ip(&address, ips[i][0], 7), 0);

		expect_text(&address, ips[i][1]);
		expect_round_trip(&address);
	}
}

/* D6 */
static void what_is_no_address_is_refused_and_changes_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		".",
		":",
		":::",
		" 127.0.0.1",
		"127.0.0.1 ",
		"127.0.0.1\n",
		"127.0.0.1.",
		"127.0.0.1:80",
		"127.0.0.1/8",
		"127.0.0",
		"127.1",
		"2130706433",
		"127.0.0.0.1",
		"127.0.0.256",
		"127.0.0.-1",
		"127.0.0.0x1",
		"127..0.1",
		"0x7f.0.0.1",
		"[::1]",
		"[::1]:80",
		"::1]",
		"::1 ",
		" ::1",
		"::1/64",
		"::1::2",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::12345",
		"::g",
		"::1.2.3",
		"::1.2.3.4.5",
		"::256.0.0.1",
		"1:2:3:4:5:6:7:1.2.3.4",
		"%1",
		"%lo",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		expect_refused(texts[i], ROTA_EINVAL);
	expect_refused(NULL, ROTA_EINVAL);
}

/* D6: no text is truncated to make it fit. */
static void a_text_of_a_megabyte_is_refused(void **state)
{
	static const char *const starts[] = { "",        "127.0.0.1",
					      "::1",     "2001:db8::1%",
					      "fe80::1", "fe80::1%1" };
	static const char fillers[] = { '1', '0', '.', ':', ' ', '%', 'a' };
	char *text = test_malloc(HUGE_SIZE + 1);

	(void)state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		for (size_t k = 0; k < sizeof(fillers); k++) {
			memset(text, fillers[k], HUGE_SIZE);
			memcpy(text, starts[i], strlen(starts[i]));
			text[HUGE_SIZE] = '\0';

			expect_refused(text, ROTA_ENAMETOOLONG);
		}
	}
	test_free(text);
}

/* D6: a text ends at its 0 byte, whatever follows. */
static void a_text_inside_another_is_taken_to_its_end(void **state)
{
	char text[] = "127.0.0.1,::1";
	struct rota_address address;

	(void)state;
	expect_refused(text, ROTA_EINVAL);
	text[9] = '\0';

	assert_int_equal(rota_address_ip(&address, text, 1), 0);
	expect_text(&address, "127.0.0.1:1");
	assert_int_equal(rota_address_ip(&address, text + 10, 1), 0);
	expect_text(&address, "[::1]:1");
	assert_int_equal(rota_address_ip(&address, text + 1, 1), 0);
	expect_text(&address, "27.0.0.1:1");
}

/* D6 */
static void a_port_is_16_bits(void **state)
{
	static const unsigned good[] = { 0, 1, 80, 32768, 65535 };
	static const unsigned bad[] = { 65536, 65616, 1u << 31, UINT32_MAX };
	static const char *const ips[] = { "127.0.0.1", "::1" };
	struct rota_address address;

	(void)state;
	for (size_t i = 0; i < COUNT(ips); i++) {
		for (size_t k = 0; k < COUNT(good); k++) {
			assert_int_equal(
				rota_address_ip(&address, ips[i], good[k]), 0);
			assert_int_equal(rota_address_port(&address), good[k]);
			expect_round_trip(&address);
		}
		for (size_t k = 0; k < COUNT(bad); k++) {
			address = odd();
			assert_int_equal(
				rota_address_ip(&address, ips[i], bad[k]),
				ROTA_EINVAL);
			expect_odd(&address);
		}
	}
}

static const char *first_interface(char name[IF_NAMESIZE])
{
	if (if_indextoname(1, name) == NULL) {
		print_message(
			"skip: there is no interface with the number 1\n");
		skip();
	}
	return name;
}

/* The scope is the name or the number of an interface, and is preserved. */
static void a_scope_may_be_a_name_or_a_number(void **state)
{
	char name[IF_NAMESIZE], ip[TEXT_SIZE];
	struct rota_address address;

	(void)state;
	assert_int_equal(rota_address_ip(&address, "fe80::1%1", 5), 0);
	assert_int_equal(address.is.ip6.sin6_scope_id, 1);
	expect_round_trip(&address);

	snprintf(ip, sizeof(ip), "fe80::1%%%s", first_interface(name));
	assert_int_equal(rota_address_ip(&address, ip, 5), 0);
	assert_int_equal(address.is.ip6.sin6_scope_id, 1);
	expect_round_trip(&address);
}

/* It need not be there now, and has 32 bits; the text that comes back is read
 * as the same. */
static void the_number_of_a_scope_may_be_large(void **state)
{
	static const uint32_t numbers[] = { 9,         10,         429496727,
					    429496728, 429496729,  4000000000,
					    999999999, 1000000000, 4294967289,
					    4294967295 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct rota_address address;
		char ip[TEXT_SIZE];

		snprintf(ip, sizeof(ip), "fe80::1%%%" PRIu32, numbers[i]);
		assert_int_equal(rota_address_ip(&address, ip, 5), 0);
		assert_int_equal(address.is.ip6.sin6_scope_id, numbers[i]);
		expect_round_trip(&address);
	}
}

/* D6 */
static void a_scope_that_is_none_is_refused(void **state)
{
	static const char *const unknown[] = {
		"fe80::1%%1",
		"fe80::1%1%1",
		"fe80::1%1x",
		"fe80::1%-1",
		"fe80::1%+1",
		"fe80::1% 1",
		"fe80::1%1 ",
		"fe80::1%no_such_interface",
		"fe80::1%a_name_longer_than_any_interface_can_have",
	};
	static const char *const texts[] = {
		"fe80::1%",
		"fe80::1%0",
		"fe80::1%4294967296",
		"fe80::1%4294967297",
		"fe80::1%18446744073709551617",
		"fe80::1%340282366920938463463374607431768211457",
		"127.0.0.1%1",
		"192.0.2.1%lo",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		expect_refused(texts[i], ROTA_EINVAL);
	for (size_t i = 0; i < COUNT(unknown); i++)
		expect_refused(unknown[i], ROTA_ENODEV);
}

/* The longest possible addresses. */
static void every_address_fits_into_the_size_given_for_text(void **state)
{
	static const unsigned scopes[] = { 0, 1, UINT32_MAX };
	struct sockaddr_in6 longest = { .sin6_family = AF_INET6,
					.sin6_port = htons(65535) };
	struct rota_address address;
	char text[TEXT_SIZE];

	(void)state;
	memset(&longest.sin6_addr, 0xff, sizeof(longest.sin6_addr));
	for (size_t i = 0; i < COUNT(scopes); i++) {
		longest.sin6_scope_id = scopes[i];
		assert_int_equal(rota_address_from(&address,
						   (struct sockaddr *)&longest,
						   sizeof(longest)),
				 0);

		assert_int_equal(
			rota_address_text(&address, text, sizeof(text)), 0);

		assert_int_equal(strncmp(text, "[ffff:", 6), 0);
		assert_string_equal(strrchr(text, ']'), "]:65535");
		assert_int_equal(strchr(text, '%') != NULL, scopes[i] != 0);
	}
}

/* D6 */
static void a_text_that_does_not_fit_is_not_written(void **state)
{
	static const char *const ips[] = { "192.0.2.1", "2001:db8::1",
					   "fe80::1%1", "0.0.0.0", "::" };
	char text[TEXT_SIZE + 1], whole[TEXT_SIZE], untouched[TEXT_SIZE + 1];
	struct rota_address address;

	(void)state;
	memset(untouched, '?', sizeof(untouched));
	for (size_t i = 0; i < COUNT(ips); i++) {
		size_t needed;

		assert_int_equal(rota_address_ip(&address, ips[i], 443), 0);
		assert_int_equal(
			rota_address_text(&address, whole, sizeof(whole)), 0);
		needed = strlen(whole) + 1;
		for (size_t size = 0; size < needed; size++) {
			memset(text, '?', sizeof(text));
			assert_int_equal(
				rota_address_text(&address, text, size),
				ROTA_ENOBUFS);
			assert_memory_equal(text, untouched, sizeof(text));
		}
		memset(text, '?', sizeof(text));
		assert_int_equal(rota_address_text(&address, text, needed), 0);
		assert_string_equal(text, whole);
		assert_memory_equal(text + needed, untouched,
				    sizeof(text) - needed);
	}
}

static void what_is_no_address_has_no_text(void **state)
{
	struct rota_address address;
	char text[TEXT_SIZE] = "as it was";

	(void)state;
	memset(&address, 0, sizeof(address));

	assert_int_equal(rota_address_text(&address, text, sizeof(text)),
			 ROTA_EINVAL);
	assert_string_equal(text, "as it was");
}

static void expect_from(const void *from, size_t size, int status)
{
	struct rota_address address = odd();

	assert_int_equal(rota_address_from(&address, from, size), status);
	if (status < 0)
		expect_odd(&address);
}

/* D6 */
static void what_the_system_gives_is_taken_whole(void **state)
{
	struct sockaddr_storage wide = { .ss_family = AF_INET6 };
	struct sockaddr_in six_as_four = { .sin_family = AF_INET6 };
	struct sockaddr_in ip4 = { .sin_family = AF_INET,
				   .sin_port = htons(99) };
	struct sockaddr_in6 ip6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(99),
				    .sin6_flowinfo = htonl(12345),
				    .sin6_scope_id = 3 };
	struct rota_address address;

	(void)state;
	ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ip6.sin6_addr = in6addr_loopback;
	assert_int_equal(rota_address_from(&address, (struct sockaddr *)&ip4,
					   sizeof(ip4)),
			 0);
	expect_text(&address, "127.0.0.1:99");
	assert_int_equal(rota_address_from(&address, (struct sockaddr *)&ip6,
					   sizeof(ip6)),
			 0);
	assert_int_equal(address.size, sizeof(ip6));
	assert_memory_equal(&address.is.ip6, &ip6, sizeof(ip6));

	/* A struct that has space for all families, as a program gives to
	 * accept(). */
	assert_int_equal(rota_address_from(&address, (struct sockaddr *)&wide,
					   sizeof(wide)),
			 0);
	assert_int_equal(address.size, sizeof(ip6));
	expect_text(&address, "[::]:0");
	wide.ss_family = AF_INET;
	assert_int_equal(rota_address_from(&address, (struct sockaddr *)&wide,
					   sizeof(wide)),
			 0);
	assert_int_equal(address.size, sizeof(ip4));

	expect_from(&ip4, sizeof(ip4) - 1, ROTA_EINVAL);
	expect_from(&ip4, sizeof(ip4.sin_family), ROTA_EINVAL);
	expect_from(&ip6, sizeof(ip6) - 1, ROTA_EINVAL);
	expect_from(&six_as_four, sizeof(six_as_four), ROTA_EINVAL);
	for (size_t size = 0; size < sizeof(ip4); size++)
		expect_from(&ip4, size, ROTA_EINVAL);
}

static void an_address_of_another_family_is_refused(void **state)
{
	struct sockaddr_storage other = { .ss_family = AF_UNSPEC };

	(void)state;
	expect_from(&other, sizeof(other), ROTA_EAFNOSUPPORT);
	other.ss_family = 255;
	expect_from(&other, sizeof(other), ROTA_EAFNOSUPPORT);
}

static void random_bytes(uint64_t *seed, void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)bytes)[i] =
			random_below(seed, 3) == 0
				? 0
				: (unsigned char)random_below(seed, 256);
}

/* Compared with the system's own functions. */
static void random_addresses_come_back_from_their_text(void **state)
{
	uint64_t seed = random_seed();
	char ip[INET6_ADDRSTRLEN], wanted[TEXT_SIZE];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned port = (unsigned)random_below(&seed, 65536);
		int family = random_below(&seed, 2) ? AF_INET : AF_INET6;
		struct rota_address address;
		unsigned char bytes[16];

		random_bytes(&seed, bytes, sizeof(bytes));
		assert_non_null(inet_ntop(family, bytes, ip, sizeof(ip)));
		assert_int_equal(rota_address_ip(&address, ip, port), 0);

		assert_int_equal(address.is.any.sa_family, family);
		snprintf(wanted, sizeof(wanted),
			 family == AF_INET ? "%s:%u" : "[%s]:%u", ip, port);
		expect_text(&address, wanted);
		expect_round_trip(&address);
	}
}

/* D6: exactly the texts that the system accepts are addresses. */
static void random_text_is_an_address_only_if_the_system_says_so(void **state)
{
	static const char letters[] = "0000111223456789abfF::::....x ";
	uint64_t seed = random_seed();
	unsigned taken = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		size_t size = random_below(&seed, 12);
		struct rota_address address;
		unsigned char bytes[16];
		char text[16];
		int good, error;

		for (size_t k = 0; k < size; k++)
			text[k] = letters[random_below(&seed,
						       sizeof(letters) - 1)];
		text[size] = '\0';
		good = inet_pton(AF_INET, text, bytes) == 1 ||
		       inet_pton(AF_INET6, text, bytes) == 1;

		error = rota_address_ip(&address, text, 1);
		if (good ? error != 0
			 : error != ROTA_EINVAL && error != ROTA_ENOTNUMERIC)
			fail_msg("\"%s\"", text);
		taken += (unsigned)good;
	}
	assert_true(taken > 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_address_of_version_4_is_what_its_text_says),
	cmocka_unit_test(an_address_of_version_6_is_what_its_text_says),
	cmocka_unit_test(addresses_of_all_shapes_are_taken),
	cmocka_unit_test(what_is_no_address_is_refused_and_changes_nothing),
	cmocka_unit_test(a_text_of_a_megabyte_is_refused),
	cmocka_unit_test(a_text_inside_another_is_taken_to_its_end),
	cmocka_unit_test(a_port_is_16_bits),
	cmocka_unit_test(a_scope_may_be_a_name_or_a_number),
	cmocka_unit_test(the_number_of_a_scope_may_be_large),
	cmocka_unit_test(a_scope_that_is_none_is_refused),
	cmocka_unit_test(every_address_fits_into_the_size_given_for_text),
	cmocka_unit_test(a_text_that_does_not_fit_is_not_written),
	cmocka_unit_test(what_is_no_address_has_no_text),
	cmocka_unit_test(what_the_system_gives_is_taken_whole),
	cmocka_unit_test(an_address_of_another_family_is_refused),
	cmocka_unit_test(random_addresses_come_back_from_their_text),
	cmocka_unit_test(random_text_is_an_address_only_if_the_system_says_so),
};

FIXTURE_MAIN(tests)
