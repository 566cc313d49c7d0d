/*
 * tests/support/netns_linux.c - see netns.h.
 *
 *  1. A process without privileges first becomes the owner of a new user
 *     namespace, in which it has all of them. That needs a process with one
 *     thread. A privileged process needs no such namespace.
 *  2. The link is a pair of virtual Ethernet interfaces: see veth(4). It is
 *     made by messages of rtnetlink(7), so that no tool is needed.
 *  3. IPv6 addresses are usable at once, without the detection of duplicates.
 */
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

enum { BITS_OF_IP4 = 24, BITS_OF_IP6 = 64 };

static const char link_name[] = "link";
static const char peer_name[] = "peer"; /* until it is THERE */
static int hosts[2] = { -1, -1 };       /* their namespaces */

/* A message of rtnetlink(7), which is built from its start. */
struct message {
	struct nlmsghdr head;
	char rest[512];
};

static void *end_of(struct message *message)
{
	return (char *)message + message->head.nlmsg_len;
}

/* Append @data, and zeros up to the next multiple of four bytes. */
static void put(struct message *message, const void *data, size_t size)
{
	void *end = end_of(message);

	memcpy(end, data, size);
	message->head.nlmsg_len += (unsigned)NLMSG_ALIGN(size);
}

static struct rtattr *put_attribute(struct message *message, unsigned type,
				    const void *data, size_t size)
{
	struct rtattr attribute = {
		.rta_len = (unsigned short)RTA_LENGTH(size),
		.rta_type = (unsigned short)type,
	};
	struct rtattr *at = end_of(message);

	put(message, &attribute, sizeof(attribute));
	if (size > 0)
		put(message, data, size);
	return at;
}

/* End an attribute that contains all that was put since. */
static void end_attribute(struct message *message, struct rtattr *attribute)
{
	attribute->rta_len =
		(unsigned short)((char *)end_of(message) - (char *)attribute);
}

static void begin_message(struct message *message, int type, unsigned flags)
{
	memset(message, 0, sizeof(*message));
	message->head.nlmsg_len = NLMSG_HDRLEN;
	message->head.nlmsg_type = (unsigned short)type;
	message->head.nlmsg_flags =
		(unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
}

/* Send it, and return the kernel's answer: 0 or a negative error. */
static int ask_kernel(struct message *message)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} answer;
	int error = -EIO;

	if (fd < 0)
		return -errno;
	if (send(fd, message, message->head.nlmsg_len, 0) < 0)
		error = -errno;
	else if (recv(fd, &answer, sizeof(answer), 0) > 0 &&
		 answer.head.nlmsg_type == NLMSG_ERROR)
		error = answer.error.error;
	close(fd);
	return error;
}

/* (2) */
static int make_link(void)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct message message;
	struct rtattr *link, *data, *peer;

	begin_message(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put(&message, &info, sizeof(info));
	put_attribute(&message, IFLA_IFNAME, link_name, sizeof(link_name));
	link = put_attribute(&message, IFLA_LINKINFO, NULL, 0);
	put_attribute(&message, IFLA_INFO_KIND, "veth", strlen("veth"));
	data = put_attribute(&message, IFLA_INFO_DATA, NULL, 0);
	peer = put_attribute(&message, VETH_INFO_PEER, NULL, 0);
	put(&message, &info, sizeof(info));
	put_attribute(&message, IFLA_IFNAME, peer_name, sizeof(peer_name));
	end_attribute(&message, peer);
	end_attribute(&message, data);
	end_attribute(&message, link);
	return ask_kernel(&message);
}

/* Move the other end of the link THERE, and give it its name. */
static int move_peer(void)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct message message;

	info.ifi_index = (int)if_nametoindex(peer_name);
	begin_message(&message, RTM_NEWLINK, 0);
	put(&message, &info, sizeof(info));
	put_attribute(&message, IFLA_NET_NS_FD, &hosts[THERE],
		      sizeof(hosts[THERE]));
	put_attribute(&message, IFLA_IFNAME, link_name, sizeof(link_name));
	return ask_kernel(&message);
}

static int add_address(int family, const char *text, unsigned char bits)
{
	struct ifaddrmsg info = {
		.ifa_family = (unsigned char)family,
		.ifa_prefixlen = bits,
		.ifa_flags = IFA_F_NODAD, /* (3) */
		.ifa_index = if_nametoindex(link_name),
	};
	struct message message;
	unsigned char ip[16];

	inet_pton(family, text, ip);
	begin_message(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	put(&message, &info, sizeof(info));
	put_attribute(&message, IFA_LOCAL, ip, family == AF_INET ? 4 : 16);
	put_attribute(&message, IFA_ADDRESS, ip, family == AF_INET ? 4 : 16);
	return ask_kernel(&message);
}

/* Set an interface up or down. */
static int set_up(const char *name, int up)
{
	struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)if_nametoindex(name),
		.ifi_flags = up ? IFF_UP | IFF_MULTICAST : IFF_MULTICAST,
		.ifi_change = IFF_UP | IFF_MULTICAST,
	};
	struct message message;

	begin_message(&message, RTM_NEWLINK, 0);
	put(&message, &info, sizeof(info));
	return ask_kernel(&message);
}

static int set_up_host(enum host host)
{
	int error = set_up("lo", 1);

	if (error == 0)
		error = set_up(link_name, 1);
	if (error == 0)
		error = add_address(AF_INET, host_ip4(host), BITS_OF_IP4);
	if (error == 0)
		error = add_address(AF_INET6, host_ip6(host), BITS_OF_IP6);
	return error;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* Own a new user namespace, and keep the numbers of user and group. (1) */
static int own_users(void)
{
	char users[64], groups[64];

	snprintf(users, sizeof(users), "%d %d 1", (int)geteuid(),
		 (int)geteuid());
	snprintf(groups, sizeof(groups), "%d %d 1", (int)getegid(),
		 (int)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -errno;
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/gid_map", groups);
	return write_file("/proc/self/uid_map", users);
}

/* Return the namespace of the calling thread, as a descriptor. */
static int own_network(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int make_hosts(void)
{
	int error = 0;

	hosts[HERE] = own_network();
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	hosts[THERE] = own_network();
	if (hosts[HERE] < 0 || hosts[THERE] < 0)
		return -EMFILE;
	visit_host(HERE);
	error = make_link();
	if (error == 0)
		error = move_peer();
	if (error == 0)
		error = set_up_host(HERE);
	visit_host(THERE);
	if (error == 0)
		error = set_up_host(THERE);
	visit_host(HERE);
	return error;
}

/* Go back to the network @before, and forget the hosts. */
static void undo_hosts(int before)
{
	int i;

	(void)setns(before, CLONE_NEWNET);
	for (i = 0; i < 2; i++) {
		if (hosts[i] >= 0)
			close(hosts[i]);
		hosts[i] = -1;
	}
}

int enter_hosts(struct fixture *f)
{
	int before;
	int error = 0;

	if (hosts[HERE] >= 0) {
		visit_host(HERE);
		return 0;
	}
	before = own_network();
	if (unshare(CLONE_NEWNET) < 0)
		error = own_users();
	if (error == 0)
		error = make_hosts();
	if (error < 0)
		undo_hosts(before);
	else if (f != NULL)
		f->descriptors += 2; /* hosts */
	close(before);
	return error;
}

void need_hosts(struct fixture *f)
{
	int error = enter_hosts(f);

	if (error == 0)
		return;
	print_message("skip: no network namespaces: %s\n", strerror(-error));
	skip();
}

static int may_enter_hosts(void)
{
	pid_t child = child_fork();

	if (child == 0)
		enter_hosts(NULL) == 0 ? child_ends() : child_skips();
	return expect_success_or_skip(child);
}

void in_a_child_of_hosts(void (*in_child)(void *arg), void *arg)
{
	pid_t child;

	if (!may_enter_hosts())
		skip_test("no network namespaces");
	child = child_fork();
	if (child == 0) {
		EXPECT(enter_hosts(NULL) == 0);
		in_child(arg);
		child_ends();
	}
	expect_success(child);
}

void visit_host(enum host host)
{
	if (setns(hosts[host], CLONE_NEWNET) < 0)
		abort();
}

const char *host_ip4(enum host host)
{
	return host == HERE ? "10.77.0.1" : "10.77.0.2";
}

const char *host_ip6(enum host host)
{
	return host == HERE ? "fd77::1" : "fd77::2";
}

unsigned host_interface(enum host host)
{
	unsigned index;

	visit_host(host);
	index = if_nametoindex(link_name);
	visit_host(HERE);
	return index;
}

void add_route(int family, const char *ip, unsigned char bits, const char *by,
	       unsigned mtu)
{
	struct rtmsg route = {
		.rtm_family = (unsigned char)family,
		.rtm_dst_len = bits,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	unsigned locked = 1 << RTAX_MTU;
	struct message message;
	struct rtattr *metrics;
	unsigned char bytes[16];

	begin_message(&message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	put(&message, &route, sizeof(route));
	inet_pton(family, ip, bytes);
	put_attribute(&message, RTA_DST, bytes, family == AF_INET ? 4 : 16);
	inet_pton(family, by, bytes);
	put_attribute(&message, RTA_GATEWAY, bytes, family == AF_INET ? 4 : 16);
	if (mtu > 0) {
		metrics = put_attribute(&message, RTA_METRICS, NULL, 0);
		put_attribute(&message, RTAX_LOCK, &locked, sizeof(locked));
		put_attribute(&message, RTAX_MTU, &mtu, sizeof(mtu));
		end_attribute(&message, metrics);
	}
	if (ask_kernel(&message) < 0)
		abort();
}

void set_forwarding(int on)
{
	if (write_file("/proc/sys/net/ipv4/ip_forward", on ? "1" : "0") < 0 ||
	    write_file("/proc/sys/net/ipv6/conf/all/forwarding",
		       on ? "1" : "0") < 0)
		abort();
}

void set_link_up(int up)
{
	if (set_up(link_name, up) < 0)
		abort();
}
