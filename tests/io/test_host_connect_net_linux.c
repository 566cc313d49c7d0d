/* poller: none */
/*
 * Connects by name in a network where the first address of a host does not
 * answer: see support/netns.h. The time is real.
 */
#include "io/hosts.h"

#include "support/child.h"
#include "support/netns.h"

static int listen_there(unsigned *port)
{
	struct rota_address address;
	struct sockaddr_in bound;
	socklen_t size = sizeof(bound);
	int fd;

	visit_host(THERE);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(rota_address_ip(&address, host_ip4(THERE), 0) == 0);
	EXPECT(bind(fd, &address.is.any, (socklen_t)address.size) == 0);
	EXPECT(listen(fd, 8) == 0);
	EXPECT(getsockname(fd, (struct sockaddr *)(void *)&bound, &size) == 0);
	*port = ntohs(bound.sin_port);
	visit_host(HERE);
	return fd;
}

static void connect_past_a_hole(void *arg)
{
	struct rota_loop *loop = NULL;
	struct guest g = { .calls = 0 };
	struct rota_tcp tcp;
	unsigned port = 0;
	uint64_t start_ns;
	int fd = listen_there(&port);

	(void)arg;
	resolver_begin();
	resolver_add("host.test", "fd77::9"); /* on the link, and nobody's */
	resolver_add("host.test", "10.77.0.9");
	resolver_add("host.test", host_ip4(THERE));
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	EXPECT(rota_tcp_init(&tcp, loop) == 0);
	g.tcp = &tcp;
	start_ns = real_now();
	fault_count_reset();
	EXPECT(rota_tcp_connect_host(&g.connect, &tcp, "host.test", port, NULL,
				     guest_called) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(g.calls == 1 && g.status == 0);
	/* Two delays: both holes stay silent for seconds. */
	EXPECT(fault_count("connect") == 3);
	EXPECT(real_now() - start_ns >= ROTA_MSEC(500));
	EXPECT(rota_handle_close_now(&tcp.handle) == 0);
	EXPECT(rota_loop_close(loop) == 0);
	close(fd);
	resolver_end();
}

static void a_host_with_silent_addresses_is_connected(void **state)
{
	(void)state;
	in_a_child_of_hosts(connect_past_a_hole, NULL);
}

static const struct CMUnitTest tests[] = {
	REAL(a_host_with_silent_addresses_is_connected),
};
FIXTURE_MAIN(tests)
