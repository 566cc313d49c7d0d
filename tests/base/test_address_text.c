/* poller: none */
/*
 * The text of an address with its port, and names of Unix sockets: what is
 * read, what is refused and why, and that what is written is read as the same.
 *
 * ROTA_TEST_SEED repeats a run.
 */
#include "support/fixture.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/unix.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { TEXT_SIZE = ROTA_ADDRESS_TEXT_SIZE };
enum { UNIX_SPACE = sizeof(((struct sockaddr_un *)0)->sun_path) };
enum { UNIX_AT = offsetof(struct sockaddr_un, sun_path) };

static void need_abstract_names(void)
{
	if (!rotai_unix_has_abstract) {
		print_message("skip: the system has no abstract names\n");
		skip();
	}
}

static void expect_text(const struct rota_address *address, const char *wanted)
{
	char text[TEXT_SIZE];

	assert_int_equal(rota_address_text(address, text, sizeof(text)), 0);
	assert_string_equal(text, wanted);
}

static void expect_parsed(const char *text, const char *wanted)
{
	struct rota_address address;
	int error = rota_address_parse(&address, text, 7);

	if (error != 0)
		fail_msg("\"%s\": %s", text, rota_error_name(error));
	expect_text(&address, wanted);
}

static void expect_error(const char *text, int wanted)
{
	struct rota_address address, same;
	int error;

	memset(&address, 0x5a, sizeof(address));
	same = address;
	error = rota_address_parse(&address, text, 7);

	if (error != wanted)
		fail_msg("\"%.80s\": %s", text, rota_error_name(error));
	assert_memory_equal(&address, &same, sizeof(same));
}

static void all_forms_of_an_address_are_read(void **state)
{
	static const char *const texts[][2] = {
		{ "192.0.2.1:80", "192.0.2.1:80" },
		{ "192.0.2.1", "192.0.2.1:7" },
		{ "0.0.0.0:0", "0.0.0.0:0" },
		{ "127.0.0.1:65535", "127.0.0.1:65535" },
		{ "127.0.0.1:00080", "127.0.0.1:80" },
		{ "[2001:db8::1]:80", "[2001:db8::1]:80" },
		{ "[fe80::1%3]:80", "[fe80::1%3]:80" },
		{ "[fe80::1%3]", "[fe80::1%3]:7" },
		{ "fe80::1%3", "[fe80::1%3]:7" },
		{ "[::1]", "[::1]:7" },
		{ "::1", "[::1]:7" },
		{ "::", "[::]:7" },
		{ "::80", "[::80]:7" },
		{ "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:7" },
		{ "unix:/run/name", "unix:/run/name" },
		{ "unix:name:80", "unix:name:80" },
		{ "unix:a b", "unix:a b" },
		{ "unix:\\x40name", "unix:\\x40name" },
		{ "unix:\\x2Fname", "unix:/name" },
		{ "unix:a\\\\b", "unix:a\\\\b" },
		{ "unix:\xc3\xa4\n", "unix:\\xc3\\xa4\\x0a" },
		{ "unix:", "unix:" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		expect_parsed(texts[i][0], texts[i][1]);
}

/* Each kind of mistake has an error that says which. */
static void what_is_wrong_is_refused_with_its_error(void **state)
{
	static const struct {
		const char *text;
		int error;
	} wrong[] = {
		{ NULL, ROTA_EINVAL },
		{ "", ROTA_EINVAL },
		{ ":", ROTA_EINVAL },
		{ ":80", ROTA_EINVAL },
		{ "80", ROTA_EINVAL },
		{ "*:80", ROTA_EINVAL },
		{ "127.0.0.1:", ROTA_EINVAL },
		{ "127.0.0.1:http", ROTA_EINVAL },
		{ "127.0.0.1:80x", ROTA_EINVAL },
		{ "127.0.0.1:+80", ROTA_EINVAL },
		{ "127.0.0.1:-1", ROTA_EINVAL },
		{ "127.0.0.1: 80", ROTA_EINVAL },
		{ "127.0.0.1:80 ", ROTA_EINVAL },
		{ "127.0.0.1:65536", ROTA_ERANGE },
		{ "127.0.0.1:18446744073709551696", ROTA_ERANGE },
		{ "127.0.0.256:80", ROTA_EINVAL },
		{ "127.0.0.1/8", ROTA_EINVAL },
		{ "[::1", ROTA_EINVAL },
		{ "[::1:80", ROTA_EINVAL },
		{ "::1]", ROTA_EINVAL },
		{ "::1]:80", ROTA_EINVAL },
		{ "[::1]80", ROTA_EINVAL },
		{ "[::1]:", ROTA_EINVAL },
		{ "[::1] ", ROTA_EINVAL },
		{ "[::1]:80:80", ROTA_EINVAL },
		{ "[[::1]]:80", ROTA_EINVAL },
		{ "[]:80", ROTA_EINVAL },
		{ "[127.0.0.1]:80", ROTA_EINVAL },
		{ "[localhost]:80", ROTA_EINVAL },
		{ "[::1]:99999", ROTA_ERANGE },
		{ "[fe80::1%]:80", ROTA_EINVAL },
		{ "[fe80::1%no_such_one]:80", ROTA_ENODEV },
		{ "1:2:3", ROTA_EINVAL },
		{ "unix:\\", ROTA_EINVAL },
		{ "unix:\\n", ROTA_EINVAL },
		{ "unix:\\x", ROTA_EINVAL },
		{ "unix:\\x4", ROTA_EINVAL },
		{ "unix:\\x4g", ROTA_EINVAL },
		{ "unix:\\x00name", ROTA_EINVAL },
		{ "unix:name\\x00", ROTA_EINVAL },
	};
	struct rota_address address;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		expect_error(wrong[i].text, wrong[i].error);
	assert_int_equal(rota_address_parse(&address, "::1", 65536),
			 ROTA_EINVAL);
}

/* It is not looked up, and the error says which function does that. */
static void a_host_name_is_refused_with_an_error_of_its_own(void **state)
{
	static const char *const names[] = {
		"localhost",
		"localhost:80",
		"localhost.",
		"example.com",
		"example.com:443",
		"EXAMPLE.com:http",
		"xn--bcher-kva.example",
		"b\303\274cher.example",
		"_http._tcp.example",
		"1host",
		"127.0.0.1x",
		"a-b.c",
	};
	static const char *const others[] = {
		"-a.example", "a-.example", "a..example", ".example",
		"..",         "127.0.0",    "127.1.",     "0x7f.0.0.1",
		"0x7f",       "a b",        "a/b",
	};
	struct rota_address address;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		expect_error(names[i], ROTA_ENOTNUMERIC);
	assert_int_equal(rota_address_ip(&address, "localhost", 80),
			 ROTA_ENOTNUMERIC);
	for (size_t i = 0; i < COUNT(others); i++)
		expect_error(others[i], ROTA_EINVAL);
	assert_non_null(
		strstr(rota_error_text(ROTA_ENOTNUMERIC), "rota_lookup()"));
}

/* D6 */
static void text_that_is_too_long_is_refused(void **state)
{
	char text[5000];
	size_t sizes[] = { 256, 257, 300, 4999 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		memset(text, 'a', sizeof(text));
		text[sizes[i]] = 0;
		expect_error(text, ROTA_ENAMETOOLONG);
		memcpy(text, "unix:", 5);
		expect_error(text, ROTA_ENAMETOOLONG);
	}
	memset(text, 'a', sizeof(text));
	text[64] = 0; /* a label has at most 63 bytes */
	expect_error(text, ROTA_EINVAL);
	text[63] = 0;
	expect_error(text, ROTA_ENOTNUMERIC);
	memset(text, '1', sizeof(text));
	memcpy(text, "[::", 3);
	memcpy(text + 4000, "]", 2);
	expect_error(text, ROTA_ENAMETOOLONG);
}

/* D6: at the limit it is taken whole, and above it refused. */
static void a_path_is_never_cut(void **state)
{
	char path[UNIX_SPACE + 1], text[UNIX_SPACE + 10];
	struct rota_address address;
	const char *name;
	size_t size;

	(void)state;
	memset(path, 'p', sizeof(path));
	for (size_t i = 1; i < UNIX_SPACE; i += UNIX_SPACE - 2) {
		assert_int_equal(rota_address_unix(&address, path, i), 0);

		name = rota_address_unix_name(&address, &size);
		assert_int_equal(size, i);
		assert_memory_equal(name, path, i);
		assert_int_equal(name[i], 0);
		assert_int_equal(address.size, UNIX_AT + i + 1);
		snprintf(text, sizeof(text), "unix:%.*s", (int)i, path);
		expect_text(&address, text);
	}
	for (size_t i = UNIX_SPACE; i <= sizeof(path); i++)
		assert_int_equal(rota_address_unix(&address, path, i),
				 ROTA_ENAMETOOLONG);
	assert_int_equal(rota_address_unix(&address, path, (size_t)-1),
			 ROTA_ENAMETOOLONG);
	assert_int_equal(rota_address_unix(&address, NULL, 1), ROTA_EINVAL);
	assert_int_equal(rota_address_unix(&address, "a\0b", 3), ROTA_EINVAL);
}

static void an_abstract_name_is_any_bytes(void **state)
{
	char bytes[UNIX_SPACE + 1] = { 0 };
	struct rota_address address;
	size_t size;

	(void)state;
	need_abstract_names();
	assert_int_equal(rota_address_unix(&address, "\0a\\\0\xff@", 6), 0);
	expect_text(&address, "unix:@a\\\\\\x00\\xff@");
	expect_parsed("unix:@", "unix:@");
	expect_parsed("unix:@name", "unix:@name");
	expect_parsed("unix:@@name", "unix:@@name");
	expect_parsed("unix:@\\x00", "unix:@\\x00");

	memset(bytes + 1, 0xfe, UNIX_SPACE);
	assert_int_equal(rota_address_unix(&address, bytes, UNIX_SPACE), 0);
	assert_memory_equal(rota_address_unix_name(&address, &size), bytes,
			    UNIX_SPACE);
	assert_int_equal(size, UNIX_SPACE);
	assert_int_equal(rota_address_unix(&address, bytes, UNIX_SPACE + 1),
			 ROTA_ENAMETOOLONG);
}

static void expect_unix_from(const void *from, size_t size, const char *wanted)
{
	struct rota_address address;

	memset(&address, 0x5a, sizeof(address));
	assert_int_equal(rota_address_from(&address, from, size), 0);
	assert_int_equal(address.is.any.sa_family, AF_UNIX);
	expect_text(&address, wanted);
}

/* The systems store a path with or without a byte 0 behind it, and may say that
 * more bytes are used. */
static void a_unix_name_from_the_system_is_taken_whole(void **state)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		char bytes[256];
	} from;
	struct rota_address address;
	char text[UNIX_SPACE + 10];

	(void)state;
	memset(&from, 0, sizeof(from));
	from.un.sun_family = AF_UNIX;
	expect_unix_from(&from, UNIX_AT, "unix:");
	strcpy(from.un.sun_path, "/name");
	expect_unix_from(&from, UNIX_AT + 5, "unix:/name");
	expect_unix_from(&from, UNIX_AT + 6, "unix:/name");
	expect_unix_from(&from, sizeof(from.un), "unix:/name");
	expect_unix_from(&from, sizeof(from), "unix:/name");
	expect_unix_from(&from, UNIX_AT + 3, "unix:/na");

	memset(from.un.sun_path, 'p', UNIX_SPACE);
	snprintf(text, sizeof(text), "unix:%.*s", (int)UNIX_SPACE,
		 from.un.sun_path);
	expect_unix_from(&from, sizeof(from.un), text);
	expect_unix_from(&from, UNIX_AT + UNIX_SPACE + 1, text);
	from.bytes[UNIX_AT + UNIX_SPACE] = 'p';
	assert_int_equal(rota_address_from(&address, &from.any, sizeof(from)),
			 ROTA_ENAMETOOLONG);
	if (!rotai_unix_has_abstract)
		return;
	memset(from.un.sun_path, 0, UNIX_SPACE);
	expect_unix_from(&from, UNIX_AT + 2, "unix:@\\x00");
	assert_int_equal(rota_address_from(&address, &from.any, sizeof(from)),
			 ROTA_ENAMETOOLONG);
}

/* What the text does not say is at its default: no flow label. */
static struct rota_address random_address(uint64_t *seed)
{
	struct rota_address address;
	char name[UNIX_SPACE];
	size_t size;

	memset(&address, 0, sizeof(address));
	switch (random_below(seed, rotai_unix_has_abstract ? 4 : 3)) {
	case 0:
		address.size = sizeof(address.is.ip4);
		address.is.ip4.sin_family = AF_INET;
		address.is.ip4.sin_port = (in_port_t)random_below(seed, 65536);
		address.is.ip4.sin_addr.s_addr =
			(uint32_t)random_below(seed, 1ull << 32);
		return address;
	case 1:
		address.size = sizeof(address.is.ip6);
		address.is.ip6.sin6_family = AF_INET6;
		address.is.ip6.sin6_port = (in_port_t)random_below(seed, 65536);
		for (size_t i = 0; i < 16; i++)
			address.is.ip6.sin6_addr.s6_addr[i] =
				(uint8_t)(random_below(seed, 256) &
					  random_below(seed, 256));
		if (random_below(seed, 2))
			address.is.ip6.sin6_scope_id =
				(uint32_t)random_below(seed, 1ull << 32);
		return address;
	case 2:
		size = (size_t)random_below(seed, UNIX_SPACE);
		for (size_t i = 0; i < size; i++)
			name[i] = (char)(1 + random_below(seed, 255));
		break;
	default:
		size = 1 + (size_t)random_below(seed, UNIX_SPACE);
		name[0] = 0;
		for (size_t i = 1; i < size; i++)
			name[i] = (char)random_below(seed, 256);
		break;
	}
	assert_int_equal(rota_address_unix(&address, name, size), 0);
	return address;
}

static int is_unnamed(const struct rota_address *address)
{
	return address->is.any.sa_family == AF_UNIX && address->size == UNIX_AT;
}

static void what_is_written_is_read_as_the_same_address(void **state)
{
	uint64_t seed = random_seed();

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct rota_address address = random_address(&seed), again;
		char text[TEXT_SIZE];

		assert_int_equal(
			rota_address_text_with(&address, text, sizeof(text),
					       random_below(&seed, 2)
						       ? ROTA_ADDRESS_SCOPE_NAME
						       : 0),
			0);
		for (const char *c = text; *c != 0; c++)
			assert_true(*c >= ' ' && *c <= '~');
		assert_int_equal(rota_address_parse(&again, text, 1), 0);

		assert_int_equal(again.size, address.size);
		assert_memory_equal(&again.is, &address.is, address.size);
		assert_int_equal(rota_address_equal(&again, &address),
				 !is_unnamed(&address));
		assert_int_equal(rota_address_from(&again, &address.is.any,
						   address.size),
				 0);
		assert_memory_equal(&again, &address, sizeof(again));
	}
}

/* Whatever the bytes are, nothing is read or written outside of them, and what
 * is read is an address. The sanitizers watch. */
static void random_bytes_are_an_address_or_an_error(void **state)
{
	static const char *const starts[] = { "",      "[",       "unix:@",
					      "unix:", "127.0.0", "[fe80::1%" };
	static const char letters[] = "0123456789abcdefx::..[]%\\@/- \xff\x01";
	uint64_t seed = random_seed();
	unsigned good = 0;

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		const char *start = starts[random_below(&seed, COUNT(starts))];
		size_t at = strlen(start);
		size_t size =
			at + (size_t)random_below(
				     &seed, random_below(&seed, 20) ? 12 : 300);
		char *text = test_malloc(size + 1); /* exact, for ASan */
		struct rota_address address, again;
		char written[TEXT_SIZE];

		memcpy(text, start, at);
		for (size_t k = at; k < size; k++)
			text[k] = letters[random_below(&seed,
						       sizeof(letters) - 1)];
		text[size] = 0;
		if (rota_address_parse(&address, text, 9) == 0) {
			good++;
			assert_int_equal(rota_address_text(&address, written,
							   sizeof(written)),
					 0);
			assert_int_equal(rota_address_parse(&again, written, 1),
					 0);
			assert_int_equal(rota_address_equal(&again, &address),
					 !is_unnamed(&address));
		}
		test_free(text);
	}
	assert_true(good > 1000);
}

static void the_scope_may_be_written_as_a_name(void **state)
{
	char name[IF_NAMESIZE], wanted[TEXT_SIZE], text[TEXT_SIZE];
	struct rota_address address, again;

	(void)state;
	if (if_indextoname(1, name) == NULL) {
		print_message("skip: there is no interface 1\n");
		skip();
	}
	assert_int_equal(rota_address_parse(&address, "[fe80::1%1]:80", 0), 0);

	assert_int_equal(rota_address_text_with(&address, text, sizeof(text),
						ROTA_ADDRESS_SCOPE_NAME),
			 0);
	snprintf(wanted, sizeof(wanted), "[fe80::1%%%s]:80", name);
	assert_string_equal(text, wanted);
	assert_int_equal(rota_address_parse(&again, text, 0), 0);
	assert_true(rota_address_equal(&again, &address));

	/* No interface has this number. */
	address.is.ip6.sin6_scope_id = 4294967295u;
	assert_int_equal(rota_address_text_with(&address, text, sizeof(text),
						ROTA_ADDRESS_SCOPE_NAME |
							ROTA_ADDRESS_NO_PORT),
			 0);
	assert_string_equal(text, "fe80::1%4294967295");
}

static void the_port_may_be_left_out(void **state)
{
	static const char *const texts[][2] = {
		{ "192.0.2.1:80", "192.0.2.1" },
		{ "[::1]:80", "::1" },
		{ "[fe80::1%2]:80", "fe80::1%2" },
		{ "unix:/name", "unix:/name" },
	};
	struct rota_address address;
	char text[TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(rota_address_parse(&address, texts[i][0], 0),
				 0);
		assert_int_equal(rota_address_text_with(&address, text,
							sizeof(text),
							ROTA_ADDRESS_NO_PORT),
				 0);
		assert_string_equal(text, texts[i][1]);
	}
	assert_int_equal(
		rota_address_text_with(&address, text, sizeof(text), 4),
		ROTA_EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_forms_of_an_address_are_read),
	cmocka_unit_test(what_is_wrong_is_refused_with_its_error),
	cmocka_unit_test(a_host_name_is_refused_with_an_error_of_its_own),
	cmocka_unit_test(text_that_is_too_long_is_refused),
	cmocka_unit_test(a_path_is_never_cut),
	cmocka_unit_test(an_abstract_name_is_any_bytes),
	cmocka_unit_test(a_unix_name_from_the_system_is_taken_whole),
	cmocka_unit_test(what_is_written_is_read_as_the_same_address),
	cmocka_unit_test(random_bytes_are_an_address_or_an_error),
	cmocka_unit_test(the_scope_may_be_written_as_a_name),
	cmocka_unit_test(the_port_may_be_left_out),
};

FIXTURE_MAIN(tests)
