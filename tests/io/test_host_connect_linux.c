/*
 * Connects by name: the lookup, the order and the delays of attempts, errors,
 * and options. The ends of connects are in test_host_connect_end_linux.c.
 */
#include "io/hosts.h"

#include <errno.h>
#include <netinet/tcp.h>

/* Set up a virtual loop with a pool of its own, the double, and silence. */
struct scene {
	struct fixture *f;
	struct rota_pool *pool;
	struct silence s;
	struct rota_tcp tcp;
	struct guest g;
	uint64_t start_ns;
};

static void scene_begin(struct scene *x, struct fixture *f)
{
	*x = (struct scene){ .f = f };
	x->pool = names_begin(f, 2, ROTA_CLOCK_VIRTUAL);
	silence_begin(&x->s);
	tcp_init(&x->tcp, f);
	x->start_ns = rota_loop_now(f->loop);
}

static void scene_end(struct scene *x)
{
	tcp_end(&x->tcp);
	silence_end(&x->s);
	names_end(x->pool);
}

static void begin(struct scene *x, const char *host)
{
	assert_int_equal(guest_begin(&x->g, &x->tcp, host, x->s.port), 0);
}

static int end(struct scene *x)
{
	return guest_end(x->f, &x->g);
}

static unsigned passed_ms(const struct scene *x)
{
	return (unsigned)((x->g.at_ns - x->start_ns) / ROTA_MSEC(1));
}

static void a_host_is_connected_by_its_name(void **state)
{
	struct scene x;
	char text[8];
	int fd;

	scene_begin(&x, *state);
	fd = silence_break(&x.s, "127.0.0.2");
	resolver_add("host.test", "127.0.0.2");
	begin(&x, "host.test");
	/* As with any connect, output is queued. */
	assert_int_equal(rota_stream_send(&x.tcp.stream, "hello", 5), 0);
	assert_int_equal(rota_stream_queued(&x.tcp.stream), 5);
	assert_int_equal(rota_stream_fd(&x.tcp.stream), ROTA_EBADF);

	assert_int_equal(end(&x), 0);

	assert_int_equal(x.g.phase, ROTA_PHASE_POLL);
	assert_int_equal(passed_ms(&x), 0);
	fd = take_connection(fd);
	raw_read(fd, text, 5);
	assert_memory_equal(text, "hello", 5);
	raw_close(fd);
	scene_end(&x);
}

/* The stream reads and writes like any other. */
static void the_winner_is_a_stream_like_any_other(void **state)
{
	struct connection c = { .peer = -1 };
	struct scene x;
	struct guest g = { .calls = 0 };
	int fd;

	scene_begin(&x, *state);
	fd = silence_break(&x.s, "127.0.0.2");
	resolver_add("host.test", "::ffff:127.0.0.2");
	tcp_init(&c.tcp, x.f);
	assert_int_equal(guest_begin(&g, &c.tcp, "host.test", x.s.port), 0);
	assert_int_equal(guest_end(x.f, &g), 0);
	c.fd = rota_stream_fd(&c.tcp.stream);
	c.peer = take_connection(fd);
	c.tcp.handle.data = &c;

	connection_expect_talk(x.f, &c);
	peer_close(&c);
	RUN_UNTIL(x.f, c.ends > 0);
	assert_int_equal(c.status, ROTA_EOF);
	tcp_end(&c.tcp);
	scene_end(&x);
}

static void an_address_needs_no_thread(void **state)
{
	struct scene x;

	scene_begin(&x, *state);
	silence_break(&x.s, "127.0.0.2");
	begin(&x, "127.0.0.2");

	assert_int_equal(end(&x), 0);
	assert_int_equal(lane_stats(x.pool, BLOCKING).started, 0);
	assert_int_equal(resolver_count(NULL), 0);
	scene_end(&x);
}

static void the_next_attempt_begins_when_one_has_failed(void **state)
{
	struct scene x;

	scene_begin(&x, *state);
	silence_break(&x.s, "127.0.0.2");
	resolver_add("host.test", "::1"); /* nobody listens there */
	resolver_add("host.test", "127.0.0.2");
	begin(&x, "host.test");

	assert_int_equal(end(&x), 0);
	assert_int_equal(passed_ms(&x), 0);
	scene_end(&x);
}

static void the_next_attempt_begins_after_250_ms(void **state)
{
	int descriptors;
	struct scene x;

	scene_begin(&x, *state);
	silence_break(&x.s, "127.0.0.2");
	resolver_add("host.test", "127.0.0.3");
	resolver_add("host.test", "127.0.0.2");
	descriptors = count_descriptors();
	begin(&x, "host.test");

	assert_int_equal(end(&x), 0);
	assert_int_equal(passed_ms(&x), 250);
	assert_int_equal(count_descriptors(), descriptors + 1);
	scene_end(&x);
}

/* An attempt that has begun goes on while later ones are made. */
static void a_slow_attempt_may_still_win(void **state)
{
	struct rota_address peer;
	struct scene x;
	char text[ROTA_ADDRESS_TEXT_SIZE];

	if (!test_is_full())
		skip_test("it takes a second");
	scene_begin(&x, *state);
	resolver_add("host.test", "127.0.0.3");
	resolver_add("host.test", "127.0.0.4");
	resolver_add("host.test", "127.0.0.5");
	begin(&x, "host.test");
	fault_count_reset();
	while (fault_count("connect") < 3)
		pass_a_moment(x.f, 0);
	assert_int_equal(x.g.calls, 0);
	/* Make room in the queue. The kernel asks again after a second. */
	raw_close(raw_accept(x.s.listener));

	assert_int_equal(end(&x), 0);
	assert_int_equal(rota_tcp_peer_address(&x.tcp, &peer), 0);
	assert_int_equal(rota_address_text(&peer, text, sizeof(text)), 0);
	assert_memory_equal(text, "127.0.0.", 8);
	scene_end(&x);
}

/* RFC 8305, section 4: the families in turn, the first one first. Only one of
 * the addresses answers; the time tells when its turn was. */
static void the_families_take_turns(void **state)
{
	static const char *const ips[] = {
		"::ffff:127.0.0.2", "::ffff:127.0.0.3", "::ffff:127.0.0.4",
		"127.0.0.5",        "127.0.0.6",
	};
	static const unsigned turns[] = { 0, 2, 4, 1, 3 };

	for (unsigned i = 0; i < 5; i++) {
		struct scene x;

		scene_begin(&x, *state);
		silence_break(&x.s, strrchr(ips[i], ':') != NULL
					    ? strrchr(ips[i], ':') + 1
					    : ips[i]);
		for (unsigned j = 0; j < 5; j++)
			resolver_add("host.test", ips[j]);
		begin(&x, "host.test");
		assert_int_equal(end(&x), 0);
		assert_int_equal(passed_ms(&x), 250 * turns[i]);
		scene_end(&x);
	}
}

static void options_choose_delay_and_family(void **state)
{
	struct rota_host_connect_options options;
	struct scene x;

	scene_begin(&x, *state);
	silence_break(&x.s, "127.0.0.2");
	resolver_add("host.test", "::1");
	resolver_add("host.test", "127.0.0.3");
	resolver_add("host.test", "127.0.0.2");
	rota_host_connect_options_init(&options);
	options.family = AF_INET;
	options.attempt_delay_ns = ROTA_MSEC(10);
	fault_count_reset();
	x.g.tcp = &x.tcp;
	assert_int_equal(rota_tcp_connect_host(&x.g.connect, &x.tcp,
					       "host.test", x.s.port, &options,
					       guest_called),
			 0);

	assert_int_equal(end(&x), 0);
	assert_int_equal(passed_ms(&x), 10);
	assert_int_equal(fault_count("connect"), 2);
	scene_end(&x);
}

static void of_many_addresses_32_are_tried(void **state)
{
	static char ips[40][16];
	struct scene x;

	scene_begin(&x, *state);
	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(ips[i], sizeof(ips[i]), "127.0.1.%u", i);
		resolver_add("host.test", ips[i]);
	}
	begin(&x, "host.test");
	fault_count_reset();
	guest_must_end(&x.g, 60000);

	assert_int_equal(end(&x), ROTA_ETIMEDOUT);
	assert_int_equal(passed_ms(&x), 60000);
	assert_int_equal(fault_count("connect"), 32);
	scene_end(&x);
}

/* If all fail, the error that says most is told. */

static unsigned error_at;
static const int *errors_to_give;

static void give_next_error(void *arg)
{
	(void)arg;
	error_at++;
	if (errors_to_give[error_at] != 0)
		fault_fail_after("connect", 1, errors_to_give[error_at],
				 give_next_error, NULL);
}

static void the_error_that_says_most_is_told(void **state)
{
	static const int cases[][4] = {
		{ ENETUNREACH, ECONNREFUSED, 0, ECONNREFUSED },
		{ ECONNREFUSED, ENETUNREACH, 0, ECONNREFUSED },
		{ EADDRNOTAVAIL, ENETUNREACH, 0, EADDRNOTAVAIL },
		{ EHOSTUNREACH, ENETUNREACH, 0, EHOSTUNREACH },
		{ ENETUNREACH, EACCES, 0, EACCES },
		{ EHOSTUNREACH, ECONNRESET, 0, ECONNRESET },
		{ ECONNREFUSED, ENOBUFS, 0, ENOBUFS },
		{ ENOBUFS, ECONNREFUSED, 0, ENOBUFS },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene x;

		scene_begin(&x, *state);
		resolver_add("host.test", "127.0.0.2");
		resolver_add("host.test", "127.0.0.3");
		errors_to_give = cases[i];
		error_at = 0;
		fault_fail_after("connect", 1, cases[i][0], give_next_error,
				 NULL);
		begin(&x, "host.test");
		assert_int_equal(end(&x), -cases[i][3]);
		fault_clear();
		assert_int_equal(error_at, 2);
		tcp_expect_fresh(&x.tcp);
		scene_end(&x);
	}
}

static void errors_of_the_lookup_are_told(void **state)
{
	struct scene x;

	scene_begin(&x, *state);
	resolver_fail("host.test", EAI_AGAIN);
	begin(&x, "host.test");
	assert_int_equal(rota_stream_send(&x.tcp.stream, "lost", 4), 0);

	assert_int_equal(end(&x), ROTA_EAI_AGAIN);
	assert_int_equal(x.g.phase, ROTA_PHASE_PENDING);
	tcp_expect_fresh(&x.tcp);
	begin(&x, "nowhere.test");
	assert_int_equal(end(&x), ROTA_EAI_NONAME);
	scene_end(&x);
}

static int refused(struct scene *x, const char *host, unsigned port)
{
	struct guest g = { .calls = 0 };
	int status = guest_begin(&g, &x->tcp, host, port);

	assert_true(status < 0);
	turn(x->f);
	assert_int_equal(g.calls, 0);
	return status;
}

static void bad_arguments_are_refused(void **state)
{
	struct rota_host_connect_options options;
	struct rota_host_connect connect;
	char longer[257];
	struct scene x;

	scene_begin(&x, *state);
	memset(longer, 'a', 256);
	longer[256] = 0;
	assert_int_equal(refused(&x, NULL, 80), ROTA_EINVAL);
	assert_int_equal(refused(&x, "", 80), ROTA_EINVAL);
	assert_int_equal(refused(&x, "a b", 80), ROTA_EINVAL);
	assert_int_equal(refused(&x, "127.1", 80), ROTA_EINVAL);
	assert_int_equal(refused(&x, "host.test", 65536), ROTA_EINVAL);
	assert_int_equal(refused(&x, longer, 80), ROTA_ENAMETOOLONG);
	assert_int_equal(
		rota_tcp_connect_host(&connect, &x.tcp, "::1", 80, NULL, NULL),
		ROTA_EINVAL);
	assert_int_equal(rota_tcp_connect_host(NULL, &x.tcp, "::1", 80, NULL,
					       guest_called),
			 ROTA_EINVAL);
	rota_host_connect_options_init(&options);
	options.attempt_delay_ns = ROTA_MSEC(10) - 1;
	assert_int_equal(rota_tcp_connect_host(&connect, &x.tcp, "::1", 80,
					       &options, guest_called),
			 ROTA_EINVAL);
	rota_host_connect_options_init(&options);
	options.family = AF_INET;
	assert_int_equal(rota_tcp_connect_host(&connect, &x.tcp, "::1", 80,
					       &options, guest_called),
			 ROTA_EAI_ADDRFAMILY);
	options.lookup_flags = 1 << 20;
	assert_int_equal(rota_tcp_connect_host(&connect, &x.tcp, "::1", 80,
					       &options, guest_called),
			 ROTA_EINVAL);
	options.size = 4;
	assert_int_equal(rota_tcp_connect_host(&connect, &x.tcp, "::1", 80,
					       &options, guest_called),
			 ROTA_EINVAL);
	tcp_expect_fresh(&x.tcp);
	scene_end(&x);
}

static void the_state_of_the_handle_is_checked(void **state)
{
	struct rota_connect plain;
	struct rota_address address;
	struct server server;
	struct scene x;

	scene_begin(&x, *state);
	resolver_hang("stuck.test");
	begin(&x, "stuck.test");
	loopback(&address, AF_INET, 80);
	assert_int_equal(refused(&x, "::1", 80), ROTA_EALREADY);
	assert_int_equal(
		rota_tcp_connect(&plain, &x.tcp, &address, attempt_called),
		ROTA_EALREADY);
	assert_int_equal(rota_tcp_create(&x.tcp, AF_INET), ROTA_EALREADY);
	assert_int_equal(rota_tcp_bind(&x.tcp, &address, 0), ROTA_EINVAL);
	assert_int_equal(rota_stream_listen(&x.tcp.stream, 1, server_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_tcp_set_nodelay(&x.tcp, 1), ROTA_EBADF);
	assert_int_equal(rota_tcp_own_address(&x.tcp, &address), ROTA_EBADF);
	assert_int_equal(rota_stream_detach(&x.tcp.stream), ROTA_ENOTCONN);
	assert_int_equal(rota_handle_close_now(&x.tcp.handle), ROTA_EBUSY);
	assert_int_equal(rota_stream_read_start(&x.tcp.stream, collect),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_request_cancel(&x.g.connect.request), 0);
	assert_int_equal(end(&x), ROTA_ECANCELED);

	server_open(&server, x.f, 8);
	assert_int_equal(guest_begin(&x.g, &server.tcp, "::1", 80),
			 ROTA_EINVAL);
	assert_int_equal(guest_begin(&x.g, &x.tcp, "127.0.0.1",
				     rota_address_port(&server.address)),
			 0);
	assert_int_equal(end(&x), 0);
	assert_int_equal(refused(&x, "::1", 80), ROTA_EISCONN);
	server_end(&server);
	server_bind(&server, x.f, AF_INET);
	assert_int_equal(guest_begin(&x.g, &server.tcp, "::1", 80),
			 ROTA_EINVAL);
	tcp_end(&server.tcp);
	scene_end(&x);
}

static void set_options(struct rota_tcp *tcp)
{
	static const int bytes = 20000;

	assert_int_equal(rota_tcp_create(tcp, AF_INET6), 0);
	assert_int_equal(setsockopt(rota_stream_fd(&tcp->stream), SOL_SOCKET,
				    SO_RCVBUF, &bytes, sizeof(bytes)),
			 0);
	assert_int_equal(rota_tcp_set_nodelay(tcp, 1), 0);
	assert_int_equal(
		rota_tcp_set_keepalive_with(tcp, ROTA_SEC(77), ROTA_SEC(7), 5),
		0);
	assert_int_equal(rota_tcp_set_user_timeout(tcp, ROTA_MSEC(1234)), 0);
	assert_int_equal(rota_tcp_set_priority(tcp, 5), 0);
	assert_int_equal(rota_tcp_set_urgent_inline(tcp, 1), 0);
}

/* Of whatever family the winner is. */
static void options_of_the_socket_hold_for_every_attempt(void **state)
{
	static const char *const ips[] = { "127.0.0.2", "::ffff:127.0.0.2" };

	need_ip6();
	for (int i = 0; i < 2; i++) {
		int descriptors, fd;
		struct scene x;

		scene_begin(&x, *state);
		silence_break(&x.s, "127.0.0.2");
		resolver_add("host.test", "127.0.0.3");
		resolver_add("host.test", ips[i]);
		descriptors = count_descriptors();
		set_options(&x.tcp);
		begin(&x, "host.test");
		assert_int_equal(end(&x), 0);
		assert_int_equal(passed_ms(&x), 250);
		fd = rota_stream_fd(&x.tcp.stream);
		assert_true(raw_option(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
		assert_true(raw_option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0);
		assert_int_equal(raw_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
		assert_int_equal(raw_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
		assert_int_equal(raw_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 5);
		assert_int_equal(raw_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT),
				 1234);
		assert_int_equal(raw_option(fd, SOL_SOCKET, SO_PRIORITY), 5);
		assert_true(raw_option(fd, SOL_SOCKET, SO_OOBINLINE) != 0);
		assert_int_equal(raw_option(fd, SOL_SOCKET, SO_RCVBUF), 40000);
		assert_int_equal(count_descriptors(), descriptors + 1);
		scene_end(&x);
	}
}

static void the_device_holds_for_every_attempt(void **state)
{
	char name[16] = "";
	socklen_t size = sizeof(name);
	struct scene x;
	int status;

	scene_begin(&x, *state);
	silence_break(&x.s, "127.0.0.2");
	resolver_add("host.test", "127.0.0.2");
	assert_int_equal(rota_tcp_create(&x.tcp, AF_INET), 0);
	status = rota_tcp_set_device(&x.tcp, "lo");
	if (status == 0) {
		begin(&x, "host.test");
		assert_int_equal(end(&x), 0);
		assert_int_equal(getsockopt(rota_stream_fd(&x.tcp.stream),
					    SOL_SOCKET, SO_BINDTODEVICE, name,
					    &size),
				 0);
		assert_string_equal(name, "lo");
	}
	scene_end(&x);
	if (status < 0)
		skip_test("the device cannot be set");
}

/* F3. Each fails once: the attempt fails, the next one connects; or the whole
 * connect fails with that error, and nothing is left. */
static void each_system_call_may_fail(void **state)
{
	static const char *const names[] = { "socket",        "connect",
					     "getsockopt",    "setsockopt",
					     "epoll_ctl",     "getaddrinfo",
					     "pthread_create" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (unsigned nth = 1, hit = 1; hit > 0; nth++) {
			int descriptors, status;
			struct scene x;

			scene_begin(&x, *state);
			silence_break(&x.s, "127.0.0.2");
			resolver_add("host.test", "127.0.0.3");
			resolver_add("host.test", "127.0.0.2");
			set_options(&x.tcp);
			descriptors = count_descriptors();
			fault_fail(names[i], nth, EIO);
			begin(&x, "host.test");
			guest_must_end(&x.g, 60000);
			status = end(&x);
			hit = fault_clear();
			if (status != 0) {
				assert_int_equal(hit, 1);
				/* In the second attempt, or before. */
				assert_true(status == ROTA_ETIMEDOUT ||
					    status == ROTA_EIO ||
					    status == ROTA_EAGAIN);
				tcp_expect_fresh(&x.tcp);
				descriptors--;
			}
			assert_int_equal(count_descriptors(), descriptors);
			scene_end(&x);
		}
}

static void each_allocation_may_fail(void **state)
{
	struct fixture *f = *state;
	size_t failed, nth = 0;

	do {
		struct scene x;
		int status;

		scene_begin(&x, f);
		silence_break(&x.s, "127.0.0.2");
		resolver_add("host.test", "127.0.0.3");
		resolver_add("host.test", "127.0.0.2");
		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + ++nth;
		status = guest_begin(&x.g, &x.tcp, "host.test", x.s.port);
		if (status == 0) {
			guest_must_end(&x.g, 60000);
			status = end(&x);
		}
		f->memory.fail_at = 0;
		failed = f->memory.failed;
		/* In the second attempt, in the first, or before. */
		assert_true(status == ROTA_ETIMEDOUT || status == 0 ||
			    status == ROTA_ENOMEM);
		if (failed == 0)
			assert_int_equal(status, 0);
		scene_end(&x);
	} while (failed > 0);
	assert_true(nth > 2);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_host_is_connected_by_its_name),
	VIRTUAL(the_winner_is_a_stream_like_any_other),
	VIRTUAL(an_address_needs_no_thread),
	VIRTUAL(the_next_attempt_begins_when_one_has_failed),
	VIRTUAL(the_next_attempt_begins_after_250_ms),
	VIRTUAL(a_slow_attempt_may_still_win),
	VIRTUAL(the_families_take_turns),
	VIRTUAL(options_choose_delay_and_family),
	VIRTUAL(of_many_addresses_32_are_tried),
	VIRTUAL(the_error_that_says_most_is_told),
	VIRTUAL(errors_of_the_lookup_are_told),
	VIRTUAL(bad_arguments_are_refused),
	VIRTUAL(the_state_of_the_handle_is_checked),
	VIRTUAL(options_of_the_socket_hold_for_every_attempt),
	VIRTUAL(the_device_holds_for_every_attempt),
	VIRTUAL(each_system_call_may_fail),
	VIRTUAL(each_allocation_may_fail),
};
FIXTURE_MAIN(tests)
