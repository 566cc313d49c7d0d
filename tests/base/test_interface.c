/* poller: none */
/*
 * The list of interfaces, compared with what the system says.
 */
#include "support/fixture.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "rota/interface.h"

static const struct rota_interface *list_of_interfaces(void)
{
	const struct rota_interface *list = NULL;

	assert_int_equal(rota_interfaces(&list), 0);
	return list;
}

static const struct rota_interface *
find_interface(const struct rota_interface *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static const struct rota_interface_address *
find_address(const struct rota_interface *in, const struct sockaddr *wanted)
{
	const struct rota_interface_address *at;
	struct rota_address address;

	assert_int_equal(rota_address_from(&address, wanted, sizeof(address)),
			 0);
	for (at = in->addresses; at != NULL; at = at->next)
		if (rota_address_equal(&at->address, &address))
			return at;
	return NULL;
}

/* A change between the two lists is possible, but not in a test machine. */
static void all_interfaces_and_addresses_are_listed_once(void **state)
{
	const struct rota_interface *list = list_of_interfaces(), *at;
	size_t addresses = 0, listed = 0;
	struct ifaddrs *all;

	(void)state;
	assert_int_equal(getifaddrs(&all), 0);
	for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
		char name[IF_NAMESIZE];
		const struct rota_interface *in;

		strcpy(name, a->ifa_name);
		name[strcspn(name, ":")] = 0;
		in = find_interface(list, name);
		assert_non_null(in);
		if (a->ifa_addr == NULL || (a->ifa_addr->sa_family != AF_INET &&
					    a->ifa_addr->sa_family != AF_INET6))
			continue;
		assert_non_null(find_address(in, a->ifa_addr));
		addresses++;
	}
	if (all != NULL)
		freeifaddrs(all);
	for (at = list; at != NULL; at = at->next) {
		const struct rota_interface_address *a;

		for (a = at->addresses; a != NULL; a = a->next)
			listed++;
		assert_ptr_equal(find_interface(list, at->name), at);
		assert_int_equal(at->index, if_nametoindex(at->name));
		if (at->next != NULL)
			assert_true(at->index < at->next->index);
	}
	assert_int_equal(listed, addresses);
	rota_interfaces_free(list);
}

static void loopback_has_its_flags_and_addresses(void **state)
{
	const struct rota_interface *list = list_of_interfaces(), *at = list;
	const struct rota_interface_address *a;
	struct rota_address address;
	unsigned seen = 0;

	(void)state;
	while (at != NULL && !(at->flags & ROTA_INTERFACE_LOOPBACK))
		at = at->next;
	if (at == NULL || !(at->flags & ROTA_INTERFACE_UP)) {
		rota_interfaces_free(list);
		print_message("skip: loopback is not up\n");
		skip();
	}
	assert_int_equal(at->hardware_size, 0);
	assert_false(at->flags & ROTA_INTERFACE_BROADCAST);
	for (a = at->addresses; a != NULL; a = a->next) {
		assert_int_equal(a->peer.size + a->broadcast.size, 0);
		assert_int_equal(rota_address_port(&a->address), 0);
		if (!rota_address_is_loopback(&a->address))
			continue;
		seen++;
		if (a->address.is.any.sa_family == AF_INET6) {
			assert_int_equal(a->prefix, 128);
			continue;
		}
		assert_int_equal(a->prefix, 8);
		assert_int_equal(rota_address_ip(&address, "255.0.0.0", 0), 0);
		assert_true(rota_address_equal(&a->netmask, &address));
	}
	assert_true(seen > 0);
	rota_interfaces_free(list);
}

static void names_and_indexes_lead_to_each_other(void **state)
{
	const struct rota_interface *list = list_of_interfaces(), *at;
	char name[ROTA_INTERFACE_NAME_SIZE];

	(void)state;
	for (at = list; at != NULL; at = at->next) {
		assert_int_equal(rota_interface_index(at->name), at->index);
		assert_int_equal(
			rota_interface_name(at->index, name, sizeof(name)), 0);
		assert_string_equal(name, at->name);
		name[0] = '?';
		assert_int_equal(
			rota_interface_name(at->index, name, strlen(at->name)),
			ROTA_ENOBUFS);
		assert_int_equal(name[0], '?');
		assert_int_equal(rota_interface_name(at->index, name,
						     strlen(at->name) + 1),
				 0);
	}
	rota_interfaces_free(list);
}

static void what_is_no_interface_is_an_error(void **state)
{
	char name[ROTA_INTERFACE_NAME_SIZE];

	(void)state;
	assert_int_equal(rota_interfaces(NULL), ROTA_EINVAL);
	assert_int_equal(rota_interface_index(NULL), ROTA_EINVAL);
	assert_int_equal(rota_interface_index(""), ROTA_ENODEV);
	assert_int_equal(rota_interface_index("no_such_one"), ROTA_ENODEV);
	assert_int_equal(rota_interface_index("a_name_that_is_much_too_long"),
			 ROTA_ENODEV);
	assert_int_equal(rota_interface_name(0, name, sizeof(name)),
			 ROTA_ENODEV);
	assert_int_equal(rota_interface_name(4000000000u, name, sizeof(name)),
			 ROTA_ENODEV);
	rota_interfaces_free(NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_interfaces_and_addresses_are_listed_once),
	cmocka_unit_test(loopback_has_its_flags_and_addresses),
	cmocka_unit_test(names_and_indexes_lead_to_each_other),
	cmocka_unit_test(what_is_no_interface_is_an_error),
};

FIXTURE_MAIN(tests)
