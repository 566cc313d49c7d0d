/* system: linux */
/* poller: none */
/*
 * The list of interfaces, compared with what ip(8) prints, on links that the
 * test makes: with several addresses, labels, peers and broadcast addresses,
 * up and down.
 */
#include "support/fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rota/interface.h"
#include "support/child.h"
#include "support/netns.h"

enum { LISTED = 4096, PRINTED = 32768 };

/* The interfaces in a form of our own: a line for each of them, and for each
 * address. */
struct listed {
	char text[LISTED];
	size_t size;
};

static void add_text(struct listed *list, const char *text)
{
	size_t size = strlen(text);

	EXPECT(size < LISTED - list->size);
	if (size >= LISTED - list->size)
		return;
	memcpy(list->text + list->size, text, size + 1);
	list->size += size;
}

static void add_ip(struct listed *list, const char *what,
		   const struct rota_address *address)
{
	char text[INET6_ADDRSTRLEN];
	int family = address->is.any.sa_family;

	if (address->size == 0)
		return;
	inet_ntop(family,
		  family == AF_INET ? (const void *)&address->is.ip4.sin_addr
				    : (const void *)&address->is.ip6.sin6_addr,
		  text, sizeof(text));
	add_text(list, what);
	add_text(list, text);
}

static void list_ours(struct listed *list)
{
	const struct rota_interface *all = NULL, *at;
	const struct rota_interface_address *a;
	char text[64];

	*list = (struct listed){ .size = 0 };
	EXPECT(rota_interfaces(&all) == 0);
	for (at = all; at != NULL; at = at->next) {
		snprintf(text, sizeof(text), "%u %s%s%s", at->index, at->name,
			 at->flags & ROTA_INTERFACE_UP ? " UP" : "",
			 at->hardware_size == 6 ? " " : "");
		add_text(list, text);
		for (size_t i = 0; i < at->hardware_size; i++) {
			snprintf(text, sizeof(text), "%s%02x", i > 0 ? ":" : "",
				 at->hardware[i]);
			add_text(list, at->hardware_size == 6 ? text : "");
		}
		for (a = at->addresses; a != NULL; a = a->next) {
			add_ip(list, "\n  ", &a->address);
			snprintf(text, sizeof(text), "/%u", a->prefix);
			add_text(list, text);
			add_ip(list, " all ", &a->broadcast);
			add_ip(list, " peer ", &a->peer);
		}
		add_text(list, "\n");
	}
	rota_interfaces_free(all);
}

/* Copy the value of "@key" in the object of JSON at @at, before @end, to @value
 * of 64 bytes. Returns whether it is there. */
static int value_of(const char *at, const char *end, const char *key,
		    char *value)
{
	char name[32];
	size_t size;

	snprintf(name, sizeof(name), "\"%s\":", key);
	at = strstr(at, name);
	if (at == NULL || at >= end)
		return 0;
	at += strlen(name);
	at += *at == '"';
	size = strcspn(at, "\",}");
	size = size < 63 ? size : 63;
	memcpy(value, at, size);
	value[size] = 0;
	return 1;
}

static void list_address(struct listed *list, const char *at)
{
	const char *end = strchr(at, '}');
	char value[64];

	EXPECT(value_of(at, end, "local", value));
	add_text(list, "\n  ");
	add_text(list, value);
	EXPECT(value_of(at, end, "prefixlen", value));
	add_text(list, "/");
	add_text(list, value);
	if (value_of(at, end, "broadcast", value)) {
		add_text(list, " all ");
		add_text(list, value);
	}
	if (value_of(at, end, "address", value)) {
		add_text(list, " peer ");
		add_text(list, value);
	}
}

/* The same from the output of ip(8). */
static void list_theirs(struct listed *list)
{
	static char json[PRINTED];
	FILE *printed = popen("ip -j addr", "r");
	const char *at = json, *addresses;
	char value[64];

	*list = (struct listed){ .size = 0 };
	EXPECT(printed != NULL);
	json[fread(json, 1, sizeof(json) - 1, printed)] = 0;
	EXPECT(pclose(printed) == 0);
	while ((at = strstr(at, "\"ifindex\":")) != NULL) {
		addresses = strstr(at, "\"addr_info\":[");
		EXPECT(addresses != NULL);
		value_of(at, addresses, "ifindex", value);
		add_text(list, value);
		add_text(list, " ");
		value_of(at, addresses, "ifname", value);
		add_text(list, value);
		if (strstr(at, "\"UP\"") != NULL &&
		    strstr(at, "\"UP\"") < addresses)
			add_text(list, " UP");
		value_of(at, addresses, "link_type", value);
		if (strcmp(value, "ether") == 0 &&
		    value_of(at, addresses, "address", value)) {
			add_text(list, " ");
			add_text(list, value);
		}
		at = addresses + strlen("\"addr_info\":[");
		for (; *at == '{'; at += *at == ',') {
			list_address(list, at);
			at = strchr(at, '}') + 1;
		}
		add_text(list, "\n");
	}
}

static void compare_lists(void *arg)
{
	static const char make[] =
		"ip link add one type veth peer name name-of-15-byte && "
		"ip addr add 10.1.0.1/24 broadcast + dev one && "
		"ip addr add 10.1.0.2/24 broadcast 10.1.0.255 label one:x "
		"dev one && "
		"ip addr add 10.2.0.1/16 dev one && "
		"ip addr add 10.3.0.1 peer 10.3.0.2/32 dev one && "
		"ip addr add 10.4.0.1 peer 10.4.0.2/24 dev one && "
		"ip addr add 10.5.0.0/31 dev one && "
		"ip addr add fd99::1/64 dev one nodad && "
		"ip addr add fd98::1 peer fd98::2/128 dev one nodad && "
		"ip link set one up && "
		"ip link add two address 02:00:00:00:00:07 type veth && "
		"ip addr add 10.6.0.1/8 broadcast 255.255.255.255 dev two";
	static struct listed ours, theirs, again;
	int same = 0;

	(void)arg;
	EXPECT(system(make) == 0);
	/* The system may be adding link-local addresses. */
	for (int i = 0; i < 100 && !same; i++) {
		list_ours(&again);
		list_theirs(&theirs);
		list_ours(&ours);
		same = strcmp(ours.text, again.text) == 0;
	}
	if (strcmp(ours.text, theirs.text) != 0)
		fprintf(stderr, "ours:\n%stheirs:\n%s", ours.text, theirs.text);
	EXPECT(strcmp(ours.text, theirs.text) == 0);
	EXPECT(strstr(ours.text, "name-of-15-byte") != NULL);
}

static void the_list_is_that_of_the_system_s_own_tool(void **state)
{
	(void)state;
	if (system("ip -j addr >/dev/null 2>&1 && ip link add help 2>&1 | "
		   "grep -q veth") != 0)
		skip_test("no ip(8) with JSON");
	in_a_child_of_hosts(compare_lists, NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_list_is_that_of_the_system_s_own_tool),
};

FIXTURE_MAIN(tests)
