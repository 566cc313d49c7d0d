/*
 * tests/support/netns.h - tests with networks of their own (Linux): two hosts,
 * joined by a link, which are network namespaces of this process alone.
 *
 *     HERE    lo and "link"; 10.77.0.1/24 and fd77::1/64 on "link"
 *     THERE   lo and "link"; 10.77.0.2/24 and fd77::2/64 on "link"
 *
 * lo is up in both, and both links are up and have multicast. Nothing leads out
 * of the two hosts. A test that needs them begins with need_hosts(), which
 * skips the test where they cannot be made.
 */
#ifndef TESTS_SUPPORT_NETNS_H
#define TESTS_SUPPORT_NETNS_H

#include "fixture.h"

enum host { HERE, THERE };

/* Go to HERE, for the rest of this process's life. The calling thread, and
 * those that it makes afterwards, are there; sockets that exist are not. @f may
 * be NULL, in a child; else it gets to know the descriptors that stay open.
 * Returns 0; or a negative error, and the process is where it was. */
int enter_hosts(struct fixture *f);

/* The same, in a test: skip it if there is an error. */
void need_hosts(struct fixture *f);

/* Run @in_child(@arg) HERE, in a child, which must exit with success: see
 * child.h. This process is not moved. Skips the test if that is impossible. */
void in_a_child_of_hosts(void (*in_child)(void *arg), void *arg);

/* Move the calling thread to that host: sockets that it makes from now on are
 * there. Those that it has stay where they are. */
void visit_host(enum host host);

/* The address of a host on the link, as text, and the index that its "link"
 * has there. */
const char *host_ip4(enum host host);
const char *host_ip6(enum host host);
unsigned host_interface(enum host host);

/* On the host of the calling thread: let packets to the network @ip of that
 * many bits go to the gateway @by. If @mtu is not 0, the path takes packets of
 * so many bytes. Forward the packets of other hosts, or do not. */
void add_route(int family, const char *ip, unsigned char bits, const char *by,
	       unsigned mtu);
void set_forwarding(int on);

/* Take the link down, or up again, on the host of the calling thread. */
void set_link_up(int up);

#endif
