/*
 * Listeners and connects in a forked child (F2): before rota_loop_fork() each
 * call is refused and does not affect the parent. After it they continue.
 * Connected streams are tested in test_stream_fork.c.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

enum { MANY_TURNS = 100000 };

struct family {
	struct fixture *f;
	struct server s;      /* listens */
	struct server bound;  /* does not listen yet */
	struct rota_tcp idle; /* has no socket */
	struct rota_tcp away; /* connects to the full listener */
	struct attempt a;     /* of `away` */
	struct jam jam;
};

/* In the child no cmocka assertion may fail: see support/child.h. */
static void keep_quietly(struct rota_stream *stream, int status, int fd)
{
	struct server *s = rota_container_of(stream, struct server, tcp.stream);

	EXPECT(status == 0);
	s->accepted++;
	if (fd >= 0)
		close(fd);
}

static void family_begin(struct family *all, struct fixture *f)
{
	all->f = f;
	all->a = (struct attempt){ 0 };
	server_bind(&all->s, f, AF_INET);
	assert_int_equal(
		rota_stream_listen(&all->s.tcp.stream, 16, keep_quietly), 0);
	server_bind(&all->bound, f, AF_INET);
	assert_int_equal(rota_tcp_init(&all->idle, f->loop), 0);
	assert_int_equal(rota_tcp_init(&all->away, f->loop), 0);
	jam_open(&all->jam, AF_INET);
	assert_int_equal(attempt_begin(&all->a, &all->away, &all->jam.address),
			 0);
	turn(f);
}

/* In the parent: everything continues as if there were no child. */
static void family_end(struct family *all)
{
	struct fixture *f = all->f;
	struct attempt a = { 0 };
	int client;

	client = raw_client(&all->s.address);
	RUN_UNTIL(f, all->s.accepted > 0);
	assert_int_equal(all->s.accepted, 1);
	raw_close(client);
	assert_int_equal(
		rota_stream_listen(&all->bound.tcp.stream, 16, keep_quietly),
		0);
	assert_int_equal(attempt_begin(&a, &all->idle, &all->bound.address), 0);
	assert_int_equal(attempt_end(f, &a), 0);
	RUN_UNTIL(f, all->bound.accepted > 0);
	assert_int_equal(all->a.calls, 0);
	assert_int_equal(rota_handle_close(&all->away.handle, NULL), 0);
	assert_int_equal(attempt_end(f, &all->a), ROTA_ECANCELED);
	assert_int_equal(rota_handle_close_now(&all->idle.handle), 0);
	server_end(&all->s);
	server_end(&all->bound);
	jam_close(&all->jam);
}

static unsigned made_calls(void)
{
	static const char *const names[] = {
		"socket",      "bind",        "listen",   "connect",
		"accept4",     "getsockopt",  "close",    "setsockopt",
		"getsockname", "getpeername", "shutdown", "open",
	};
	unsigned sum = fault_count(NULL);

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sum += fault_count(names[i]);
	return sum;
}

static void try_everything(void *arg)
{
	struct family *all = arg;
	struct rota_tcp *const handles[] = { &all->s.tcp, &all->bound.tcp,
					     &all->idle, &all->away };
	struct rota_loop *loop = all->f->loop;
	struct rota_address address = all->s.address;
	struct rota_deadline deadline;
	struct rota_connect connect;
	struct rota_tcp tcp;

	fault_count_reset();
	for (unsigned i = 0; i < 4; i++) {
		struct rota_tcp *h = handles[i];

		EXPECT(rota_stream_listen(&h->stream, 8, keep_quietly) ==
		       ROTA_ECHILD);
		EXPECT(rota_tcp_bind(h, &address, 0) == ROTA_ECHILD);
		EXPECT(rota_tcp_create(h, AF_INET) == ROTA_ECHILD);
		EXPECT(rota_tcp_connect_fast(&connect, h, &address,
					     rota_bytes("x", 1),
					     attempt_called) == ROTA_ECHILD);
		EXPECT(rota_tcp_send_urgent(h, '!') == ROTA_ECHILD);
		EXPECT(rota_tcp_on_urgent(h, NULL) == ROTA_ECHILD);
		EXPECT(rota_tcp_connect(&connect, h, &address,
					attempt_called) == ROTA_ECHILD);
		EXPECT(rota_stream_detach(&h->stream) == ROTA_ECHILD);
		EXPECT(rota_stream_end(&h->stream, NULL) == ROTA_ECHILD);
		EXPECT(rota_stream_close_reset(&h->stream, NULL) ==
		       ROTA_ECHILD);
		EXPECT(rota_handle_close(&h->handle, NULL) == ROTA_ECHILD);
		EXPECT(rota_handle_close_now(&h->handle) == ROTA_ECHILD);
		EXPECT(!rota_handle_is_closing(&h->handle));
	}
	EXPECT(rota_tcp_init(&tcp, loop) == ROTA_ECHILD);
	EXPECT(rota_tcp_open(&tcp, loop, all->jam.filler) == ROTA_ECHILD);
	EXPECT(rota_request_cancel(&all->a.connect.request) == ROTA_ECHILD);
	EXPECT(rota_request_set_deadline(&all->a.connect.request, &deadline,
					 0) == ROTA_ECHILD);
	EXPECT(rota_stream_shed(&all->s.tcp.stream) == 0);
	EXPECT(rota_handle_is_active(&all->s.tcp.handle));
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
	EXPECT(made_calls() == 0); /* no kernel object was touched */
	EXPECT(all->s.accepted + all->a.calls == 0);
}

/* F2 */
static void inherited_listeners_and_connects_refuse_everything(void **state)
{
	struct family all;

	family_begin(&all, *state);

	in_a_child(try_everything, &all);

	family_end(&all);
}

/* F2: the child must not set options of a shared socket either. */
static void try_options(void *arg)
{
	struct family *all = arg;

	fault_count_reset();
	EXPECT(rota_tcp_set_nodelay(&all->s.tcp, 1) == ROTA_ECHILD);
	EXPECT(rota_tcp_set_keepalive(&all->s.tcp, 10) == ROTA_ECHILD);
	EXPECT(rota_tcp_set_keepalive(&all->s.tcp, 0) == ROTA_ECHILD);
	EXPECT(rota_tcp_set_keepalive_with(&all->s.tcp, 1, 1, 1) ==
	       ROTA_ECHILD);
	EXPECT(rota_tcp_set_user_timeout(&all->s.tcp, 1) == ROTA_ECHILD);
	EXPECT(rota_tcp_set_fast_open(&all->s.tcp, 1) == ROTA_ECHILD);
	EXPECT(rota_tcp_set_device(&all->s.tcp, "lo") == ROTA_ECHILD);
	EXPECT(rota_tcp_set_mark(&all->s.tcp, 1) == ROTA_ECHILD);
	EXPECT(rota_tcp_set_priority(&all->s.tcp, 1) == ROTA_ECHILD);
	EXPECT(rota_tcp_set_urgent_inline(&all->s.tcp, 1) == ROTA_ECHILD);
	EXPECT(fault_count("setsockopt") == 0);
}

static void an_inherited_socket_keeps_its_options(void **state)
{
	struct family all;

	family_begin(&all, *state);

	in_a_child(try_options, &all);

	family_end(&all);
}

static void run_until(struct fixture *f, const unsigned *count, unsigned wanted)
{
	for (unsigned i = 0; i < MANY_TURNS && *count < wanted; i++)
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
	EXPECT(*count == wanted);
}

static void everything_goes_on(void *arg)
{
	struct family *all = arg;
	struct fixture *f = all->f;
	struct attempt a = { 0 };
	int clients[3];

	EXPECT(rota_loop_fork(f->loop) == 0);
	for (unsigned i = 0; i < 3; i++) {
		clients[i] = raw_client(&all->s.address);
		run_until(f, &all->s.accepted, i + 1);
	}
	EXPECT(rota_stream_listen(&all->bound.tcp.stream, 8, keep_quietly) ==
	       0);
	EXPECT(attempt_begin(&a, &all->idle, &all->bound.address) == 0);
	run_until(f, &a.calls, 1);
	EXPECT(a.status == 0);
	run_until(f, &all->bound.accepted, 1);
	EXPECT(rota_request_cancel(&all->a.connect.request) == 0);
	run_until(f, &all->a.calls, 1);
	EXPECT(all->a.status == ROTA_ECANCELED);
	for (unsigned i = 0; i < 3; i++)
		close(clients[i]);

	EXPECT(rota_handle_close_now(&all->s.tcp.handle) == 0);
	EXPECT(rota_handle_close(&all->bound.tcp.handle, NULL) == 0);
	EXPECT(rota_handle_close_now(&all->idle.handle) == 0);
	EXPECT(rota_handle_close_now(&all->away.handle) == 0);
	EXPECT(rota_loop_run(f->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(rota_loop_close(f->loop) == 0);
	EXPECT(f->memory.bytes == 0);
}

/* F2: what was started stays started. Here only the child uses the connections,
 * as the parent does not run. */
static void listeners_and_connects_go_on_in_a_rebuilt_loop(void **state)
{
	struct fixture *f = *state;
	struct family all;

	family_begin(&all, f);

	in_a_child(everything_goes_on, &all);

	assert_int_equal(rota_handle_close(&all.away.handle, NULL), 0);
	assert_int_equal(rota_handle_close_now(&all.idle.handle), 0);
	server_end(&all.s);
	server_end(&all.bound);
	run_to_the_end(f);
	assert_int_equal(all.a.calls, 1);
	jam_close(&all.jam);
}

static void close_everything(void *arg)
{
	struct family *all = arg;

	EXPECT(rota_loop_fork(all->f->loop) == 0);
	EXPECT(rota_loop_shutdown(all->f->loop, UINT64_MAX) == 0);
	EXPECT(all->f->memory.bytes == 0);
}

/* F2: neither a watch nor a listening socket. */
static void a_child_that_closes_all_takes_nothing_from_the_parent(void **state)
{
	struct family all;

	family_begin(&all, *state);

	in_a_child(close_everything, &all);

	assert_int_equal(all.a.calls, 0);
	family_end(&all);
}

static void wait_and_go_on(void *arg)
{
	struct family *all = arg;
	struct fixture *f = all->f;

	EXPECT(rota_loop_fork(f->loop) == 0);
	fault_clear();
	for (unsigned i = 0; i < 100 && all->s.accepted == 0; i++) {
		EXPECT(rota_loop_advance(f->loop, ROTA_MSEC(100)) == 0);
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
	}
	EXPECT(all->s.accepted == 1);
}

static void count_only(struct rota_stream *stream, int status, int fd)
{
	struct server *s = rota_container_of(stream, struct server, tcp.stream);

	if (status < 0)
		s->failures++;
	else
		s->accepted++;
	if (fd >= 0)
		close(fd);
}

/* D3, F2: the timer of the back-off is on the loop, so it continues. */
static void a_listener_that_backs_off_goes_on_in_the_child(void **state)
{
	struct fixture *f = *state;
	struct family all = { .f = f };
	int client;

	server_bind(&all.s, f, AF_INET);
	assert_int_equal(rota_stream_listen(&all.s.tcp.stream, 16, count_only),
			 0);
	client = raw_client(&all.s.address);
	fault_fail_from("accept4", 1, ENOBUFS);
	RUN_UNTIL(f, all.s.failures > 0);

	in_a_child(wait_and_go_on, &all);

	fault_clear();
	assert_int_equal(all.s.accepted, 0);
	raw_close(client);
	server_end(&all.s);
}

static pid_t forked;

static void fork_in_timer(struct rota_timer *timer)
{
	(void)timer;
	forked = child_fork();
}

/* F2: a timer of the library that is due in the same phase as the timer whose
 * callback forks. In the child its work waits for the rebuilt loop. */
static void a_deadline_waits_for_the_rebuilt_loop(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_timer timer;
	struct connection c;
	struct rota_read read;
	char byte;
	int status = 0;

	connection_open(&c, f, NULL);
	assert_int_equal(begin_read(&c, &read, "read", &byte, 1, 0), 0);
	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start_at(&timer, fork_in_timer,
					     rota_loop_now(f->loop) + 1000),
			 0);
	assert_int_equal(
		rota_request_set_deadline(&read.request, &deadline,
					  rota_loop_now(f->loop) + 1000),
		0);
	forked = -1;
	while (forked == -1)
		status = rota_loop_run(f->loop, ROTA_RUN_ONCE);
	if (forked == 0) {
		while (status >= 0)
			status = rota_loop_run(f->loop, ROTA_RUN_ONCE);
		EXPECT(status == ROTA_ECHILD);
		EXPECT(rota_request_cancel(&read.request) == ROTA_ECHILD);
		EXPECT(c.tcp.stream.internal.front.read == &read);
		EXPECT(rota_loop_fork(f->loop) == 0);
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_ONCE) >= 0);
		EXPECT(!rota_request_is_active(&read.request));
		child_ends();
	}
	expect_success(forked);
	RUN_UNTIL(f, !rota_request_is_active(&read.request));
	assert_non_null(strstr(journal_take(), "read=ETIMEDOUT"));
	connection_end(&c);
}

static void fork_in_call(struct rota_stream *stream, int status, int fd)
{
	struct server *s = rota_container_of(stream, struct server, tcp.stream);

	count_only(stream, status, fd);
	if (s->accepted > 1)
		return;
	forked = child_fork();
	if (forked == 0)
		EXPECT(rota_loop_fork(s->f->loop) == 0);
}

/* F2: the child rebuilds the loop inside the callback, and both return to the
 * turn. */
static void a_connection_callback_may_fork(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int clients[3];

	server_bind(&s, f, AF_INET);
	assert_int_equal(rota_stream_listen(&s.tcp.stream, 16, fork_in_call),
			 0);
	clients[0] = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted > 0);
	if (forked == 0) {
		clients[1] = raw_client(&s.address);
		run_until(f, &s.accepted, 2);
		clients[2] = raw_client(&s.address);
		run_until(f, &s.accepted, 3);
		EXPECT(rota_handle_close_now(&s.tcp.handle) == 0);
		EXPECT(rota_loop_close(f->loop) == 0);
		EXPECT(f->memory.bytes == 0);
		child_ends();
	}

	expect_success(forked);
	clients[1] = raw_client(&s.address);
	RUN_UNTIL(f, s.accepted == 2);
	raw_close(clients[0]);
	raw_close(clients[1]);
	server_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(inherited_listeners_and_connects_refuse_everything),
	REAL(an_inherited_socket_keeps_its_options),
	REAL(listeners_and_connects_go_on_in_a_rebuilt_loop),
	REAL(a_child_that_closes_all_takes_nothing_from_the_parent),
	VIRTUAL(a_listener_that_backs_off_goes_on_in_the_child),
	REAL(a_connection_callback_may_fork),
	VIRTUAL(a_deadline_waits_for_the_rebuilt_loop),
};

FIXTURE_MAIN(tests)
