/* poller: none */
/* system: linux */
/*
 * The two hosts of tests/support/netns.h reach each other, and nothing else.
 */
#include "support/child.h"
#include "support/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Return a datagram socket that is bound to an address of @host. */
static int socket_on(enum host host, struct sockaddr_in6 *address)
{
	socklen_t size = sizeof(*address);
	int fd;

	visit_host(host);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	visit_host(HERE);
	*address = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	inet_pton(AF_INET6, host_ip6(host), &address->sin6_addr);
	EXPECT(bind(fd, (struct sockaddr *)address, sizeof(*address)) == 0);
	EXPECT(getsockname(fd, (struct sockaddr *)address, &size) == 0);
	return fd;
}

/* Return whether a byte from @from to @address arrives at @to. */
static int reaches(int from, int to, const struct sockaddr_in6 *address)
{
	struct pollfd ready = { .fd = to, .events = POLLIN };
	char byte = 0;

	if (sendto(from, "x", 1, 0, (const struct sockaddr *)address,
		   sizeof(*address)) != 1)
		return 0;
	return poll(&ready, 1, 10000) == 1 && recv(to, &byte, 1, 0) == 1 &&
	       byte == 'x';
}

static void talk(void *arg)
{
	struct sockaddr_in6 here_is, there_is, far_is;
	int here = socket_on(HERE, &here_is);
	int there = socket_on(THERE, &there_is);

	(void)arg;
	far_is = there_is;
	inet_pton(AF_INET6, "2001:db8::1", &far_is.sin6_addr);

	EXPECT(reaches(here, there, &there_is));
	EXPECT(reaches(there, here, &here_is));
	EXPECT(!reaches(here, there, &far_is) && errno == ENETUNREACH);
	EXPECT(host_interface(HERE) > 0 && host_interface(THERE) > 0);

	set_link_up(0);
	EXPECT(!reaches(here, there, &there_is));
	set_link_up(1);
	close(here);
	close(there);
}

static void the_hosts_reach_each_other_only(void **state)
{
	(void)state;
	in_a_child_of_hosts(talk, NULL);
}

static void a_test_in_the_hosts_keeps_its_own_descriptors(void **state)
{
	struct fixture *f = *state;
	int descriptors = f->descriptors;

	need_hosts(f);

	assert_in_range(f->descriptors, descriptors, descriptors + 2);
}

static const struct CMUnitTest tests[] = {
	REAL(the_hosts_reach_each_other_only),
	REAL(a_test_in_the_hosts_keeps_its_own_descriptors),
};

FIXTURE_MAIN(tests)
