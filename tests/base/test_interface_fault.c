/* poller: none */
/* system: linux */
/*
 * What the list of interfaces does when a call fails: it reports the error,
 * changes nothing, and leaks nothing.
 */
#include "support/fixture.h"

#include <sched.h>
#include <string.h>

#include "rota/interface.h"
#include "support/child.h"
#include "support/fault.h"

static void expect_failure(const char *call, unsigned nth, int error)
{
	const struct rota_interface *list = (void *)&list, *same = list;

	fault_fail(call, nth, error);
	assert_int_equal(rota_interfaces(&list), -error);
	assert_int_equal(fault_clear(), 1);
	assert_ptr_equal(list, same);
}

static void a_call_that_fails_is_reported_and_leaks_nothing(void **state)
{
	const struct rota_interface *list;

	(void)state;
	expect_failure("getifaddrs", 1, EMFILE);
	expect_failure("getifaddrs", 1, ENOMEM);
	/* Those of getifaddrs() itself are not caught. */
	expect_failure("malloc", 1, ENOMEM);
	expect_failure("calloc", 1, ENOMEM);
	assert_int_equal(rota_interfaces(&list), 0);
	rota_interfaces_free(list);
}

/* A shortage is not taken for an interface that does not exist. */
static void a_scope_that_cannot_be_looked_up_says_why(void **state)
{
	struct rota_address address;

	(void)state;
	fault_fail("if_nametoindex", 1, EMFILE);
	assert_int_equal(rota_address_parse(&address, "[fe80::1%eth0]:80", 0),
			 ROTA_EMFILE);
	fault_fail("if_nametoindex", 1, ENODEV);
	assert_int_equal(rota_address_parse(&address, "[fe80::1%eth0]:80", 0),
			 ROTA_ENODEV);
	assert_int_equal(fault_clear(), 1);
}

static void list_in_an_empty_network(void *arg)
{
	const struct rota_interface *list = NULL;

	(void)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWNET) < 0)
		child_skips();
	EXPECT(rota_interfaces(&list) == 0);
	EXPECT(list != NULL && list->next == NULL && list->index == 1);
	EXPECT(list != NULL && strcmp(list->name, "lo") == 0);
	EXPECT(list != NULL && list->flags == ROTA_INTERFACE_LOOPBACK);
	EXPECT(list != NULL && list->addresses == NULL);
	rota_interfaces_free(list);
}

/* A new network namespace has loopback alone, and it is not up. */
static void an_interface_that_is_down_is_listed_without_addresses(void **state)
{
	(void)state;
	if (!in_a_child_or_skip(list_in_an_empty_network, NULL))
		skip_test("network namespaces are not allowed");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_call_that_fails_is_reported_and_leaks_nothing),
	cmocka_unit_test(a_scope_that_cannot_be_looked_up_says_why),
	cmocka_unit_test(an_interface_that_is_down_is_listed_without_addresses),
};

FIXTURE_MAIN(tests)
