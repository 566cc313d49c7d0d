/*
 * Servers: the number of their connections, idle time-outs, graceful stops.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

/* A server with one listener. */
struct house {
	struct rota_server server;
	struct rota_listener listener;
	struct server s;
	unsigned open;    /* clients */
	unsigned refused; /* by rota_connection_start() */
	unsigned stops;   /* calls of on_stop */
	unsigned timeouts;
	unsigned stopped; /* calls of the stop's callback */
	struct client *last;
};

struct client {
	struct rota_connection connection;
	struct rota_tcp tcp;
	struct house *house;
};

static struct house *the_house;

/* What on_stop and on_timeout do besides counting, or NULL. */
static void (*act)(struct client *c);

static struct client *client_of(struct rota_connection *connection)
{
	return rota_container_of(connection, struct client, connection);
}

static void on_close(struct rota_handle *handle)
{
	struct client *c = rota_container_of(handle, struct client, tcp.handle);

	rota_connection_stop(&c->connection);
	c->house->open--;
	test_free(c);
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct client *c = rota_container_of(stream, struct client, tcp.stream);

	(void)buf;
	if (status < 0)
		(void)rota_connection_end(&c->connection);
	else
		rota_connection_touch(&c->connection);
}

static int admit(struct house *h, struct fixture *f, int fd)
{
	struct client *c = test_calloc(1, sizeof(*c));
	int error;

	c->house = h;
	assert_int_equal(rota_tcp_open(&c->tcp, f->loop, fd), 0);
	error = rota_connection_start(&c->connection, &h->server,
				      &c->tcp.stream, on_close);
	if (error < 0) {
		assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
		test_free(c);
		h->refused++;
		return error;
	}
	h->open++;
	h->last = c;
	assert_int_equal(rota_stream_read_start(&c->tcp.stream, on_read), 0);
	return 0;
}

static void admit_client(struct server *s, int status, int fd)
{
	if (status == 0)
		(void)admit(rota_container_of(s, struct house, s), s->f, fd);
}

static void count_stop(struct rota_connection *connection)
{
	struct client *c = client_of(connection);

	c->house->stops++;
	if (act != NULL)
		act(c);
}

static void count_timeout(struct rota_connection *connection)
{
	struct client *c = client_of(connection);

	c->house->timeouts++;
	if (act != NULL)
		act(c);
}

static void count_stopped(struct rota_server *server)
{
	struct house *h = rota_container_of(server, struct house, server);

	h->stopped++;
	assert_int_equal(rota_loop_phase(rota_server_loop(server)),
			 ROTA_PHASE_CHECK);
	memset(server, '?', sizeof(*server)); /* it may be freed */
}

static struct rota_server_options options_of(size_t limit, uint64_t idle_ns)
{
	struct rota_server_options options;

	rota_server_options_init(&options);
	options.limit = limit;
	options.idle_ns = idle_ns;
	options.on_stop = count_stop;
	return options;
}

static void house_open(struct house *h, struct fixture *f,
		       const struct rota_server_options *options)
{
	*h = (struct house){ 0 };
	the_house = h;
	act = NULL;
	assert_int_equal(rota_server_init(&h->server, f->loop, options), 0);
	server_open(&h->s, f, 128);
	h->s.act = admit_client;
	assert_int_equal(rota_listener_start(&h->listener, &h->server,
					     &h->s.tcp.stream, NULL),
			 0);
}

static struct rota_server_stats figures(struct house *h)
{
	struct rota_server_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_server_get_stats(&h->server, &stats), 0);
	return stats;
}

/* Connect @count clients that the server accepts. */
static void connect_all(struct house *h, struct fixture *f, int *fds,
			unsigned count)
{
	uint64_t before = figures(h).accepted;

	raw_clients(fds, count, &h->s.address);
	RUN_UNTIL(f, figures(h).accepted == before + count);
}

static void stop_house(struct house *h, uint64_t grace_ns)
{
	assert_int_equal(rota_server_stop(&h->server, grace_ns, count_stopped),
			 0);
	assert_true(rota_handle_is_closing(&h->s.tcp.handle));
}

/* --- connections ---------------------------------------------------------- */

static void connections_are_counted(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, 0);
	struct house h;
	int fds[3];

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 3);
	assert_int_equal(figures(&h).open, 3);
	assert_false(rota_server_is_full(&h.server));
	assert_ptr_equal(rota_server_loop(&h.server), f->loop);
	assert_ptr_equal(rota_connection_server(&h.last->connection),
			 &h.server);
	assert_ptr_equal(rota_connection_stream(&h.last->connection),
			 &h.last->tcp.stream);

	raw_close(fds[1]);
	RUN_UNTIL(f, h.open == 2);
	assert_int_equal(figures(&h).open, 2);
	assert_int_equal(figures(&h).accepted, 3);
	raw_close(fds[0]);
	raw_close(fds[2]);
	RUN_UNTIL(f, h.open == 0);
	assert_null(rota_server_next(&h.server, NULL));
	rota_listener_stop(&h.listener);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

static void connections_are_in_the_order_of_their_starts(void **state)
{
	struct fixture *f = *state;
	struct house h;
	struct rota_connection *at = NULL;
	struct client *first, *second;
	int fds[2];

	house_open(&h, f, NULL);
	connect_all(&h, f, &fds[0], 1);
	first = h.last;
	connect_all(&h, f, &fds[1], 1);
	second = h.last;
	at = rota_server_next(&h.server, NULL);
	assert_ptr_equal(at, &first->connection);
	at = rota_server_next(&h.server, at);
	assert_ptr_equal(at, &second->connection);
	assert_null(rota_server_next(&h.server, at));
	raw_close_all(fds, 2);
	RUN_UNTIL(f, h.open == 0);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

static void at_the_limit_the_listeners_pause(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(3, 0);
	struct rota_listener other = { 0 };
	struct server s;
	struct house h;
	int fds[5], late;

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 2);
	assert_false(rota_server_is_full(&h.server));
	connect_all(&h, f, fds + 2, 1);
	assert_true(rota_server_is_full(&h.server));
	server_open(&s, f, 8);
	assert_int_equal(
		rota_listener_start(&other, &h.server, &s.tcp.stream, NULL),
		0); /* paused at once */
	raw_clients(fds + 3, 2, &h.s.address);
	late = raw_client(&s.address);
	for (int i = 0; i < 5; i++)
		turn(f);
	assert_int_equal(h.open, 3);
	assert_int_equal(s.accepted, 0);

	raw_close(fds[0]); /* one goes, the next one comes */
	RUN_UNTIL(f, h.open == 3 && figures(&h).accepted == 4);
	assert_int_equal(h.refused, 0);
	for (int i = 1; i < 5; i++)
		raw_close(fds[i]);
	RUN_UNTIL(f, h.open == 0 && figures(&h).accepted == 5);
	RUN_UNTIL(f, s.accepted == 1);
	raw_close(late);
	rota_listener_stop(&h.listener);
	rota_listener_stop(&other);
	server_end(&h.s);
	server_end(&s);
}

/* A child stops connections before it rebuilds the loop, perhaps all of them:
 * its listeners go on afterwards. */
static void leave_in_child(void *arg)
{
	struct house *h = arg;
	struct rota_connection *first = rota_server_next(&h->server, NULL);
	struct rota_loop *loop = rota_server_loop(&h->server);
	struct rota_connection *second = rota_server_next(&h->server, first);

	rota_connection_stop(first);
	rota_connection_stop(second);
	EXPECT(!rota_server_is_full(&h->server));
	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) >= 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) >= 0);
	EXPECT(figures(h).accepted == 3); /* who has waited */
}

static void in_a_child_the_listeners_go_on(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(2, 0);
	struct house h;
	int fds[3];

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 2);
	raw_clients(fds + 2, 1, &h.s.address);
	turn(f);
	in_a_child(leave_in_child, &h);
	raw_close_all(fds, 3);
	RUN_UNTIL(f, h.open == 0);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

/* It says so also when the connections have gone. */
static void a_stopped_server_is_not_full(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(1, 0);
	struct house h;
	int fds[1];

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 1);
	assert_true(rota_server_is_full(&h.server));
	assert_int_equal(rota_server_stop(&h.server, 0, NULL), 0);
	raw_close(fds[0]);
	RUN_UNTIL(f, h.open == 0);
	assert_false(rota_server_is_full(&h.server));
	run_to_the_end(f);
}

static void above_the_limit_a_connection_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(1, 0);
	struct house h;
	int fds[1], pair[2];

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 1);
	raw_pair(pair);
	assert_int_equal(admit(&h, f, pair[0]), ROTA_EBUSY);
	assert_int_equal(figures(&h).refused, 1);
	assert_int_equal(figures(&h).accepted, 1);
	raw_close(pair[1]);
	raw_close(fds[0]);
	RUN_UNTIL(f, h.open == 0);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

static void what_is_invalid_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(1, 0);
	struct rota_server_stats stats = { .size = 8 };
	struct rota_connection connection = { 0 };
	struct rota_listener listener = { 0 };
	struct rota_server server;
	struct connection c;
	struct house h;

	options.size = 8;
	assert_int_equal(rota_server_init(&server, f->loop, &options),
			 ROTA_EINVAL);
	house_open(&h, f, NULL);
	assert_int_equal(rota_server_get_stats(&h.server, &stats), ROTA_EINVAL);
	assert_int_equal(rota_server_get_stats(&h.server, NULL), ROTA_EINVAL);
	connection_open(&c, f, NULL);
	assert_int_equal(
		rota_listener_start(&listener, &h.server, &c.tcp.stream, NULL),
		ROTA_EINVAL);
	assert_int_equal(rota_listener_start(&h.listener, &h.server,
					     &h.s.tcp.stream, NULL),
			 ROTA_EALREADY);
	assert_int_equal(rota_connection_start(&connection, &h.server,
					       &c.tcp.stream, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_connection_start(&connection, &h.server,
					       &c.tcp.stream, on_close),
			 0);
	assert_int_equal(rota_connection_start(&connection, &h.server,
					       &c.tcp.stream, on_close),
			 ROTA_EALREADY);
	rota_connection_stop(&connection);
	rota_connection_stop(&connection);
	rota_connection_touch(&connection);
	rota_connection_set_idle(&connection, 1);
	rota_connection_set_busy(&connection, 0);
	assert_int_equal(rota_connection_end(&connection), ROTA_EINVAL);
	assert_int_equal(rota_connection_reset(&connection), ROTA_EINVAL);
	assert_null(rota_connection_stream(&connection));
	assert_null(rota_connection_server(&connection));
	rota_handle_close(&c.tcp.handle, NULL);
	assert_int_equal(rota_connection_start(&connection, &h.server,
					       &c.tcp.stream, on_close),
			 ROTA_EINVAL);
	connection_end(&c);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
	run_to_the_end(f);
}

/* --- idle times ----------------------------------------------------------- */

/* Make a house with one client, in virtual time. */
static void open_one(struct house *h, struct fixture *f,
		     const struct rota_server_options *options, int *fd)
{
	house_open(h, f, options);
	connect_all(h, f, fd, 1);
}

static void advance(struct fixture *f, uint64_t ns)
{
	assert_int_equal(rota_loop_advance(f->loop, ns), 0);
	turn(f);
}

static void an_idle_connection_is_ended(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(10));
	struct house h;
	char byte;
	int fd;

	open_one(&h, f, &options, &fd);
	advance(f, ROTA_SEC(10) - 1);
	assert_int_equal(figures(&h).timed_out, 0);
	advance(f, 1);
	assert_int_equal(figures(&h).timed_out, 1);
	assert_true(rota_stream_is_ending(&h.last->tcp.stream));
	await_end(fd);
	assert_int_equal(raw_try_read(fd, &byte, 1), 0);

	/* The client does not end its side: it is reset after 5 s. */
	advance(f, ROTA_SEC(5) - 1);
	assert_int_equal(h.open, 1);
	advance(f, 1);
	RUN_UNTIL(f, h.open == 0);
	assert_int_equal(figures(&h).reset, 1);
	assert_int_equal(figures(&h).timed_out, 1);
	raw_close(fd);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

/* A touch counts from the time of the event, and starts no timer. */
static void a_touch_begins_the_idle_time_again(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(10));
	struct house h;
	size_t calls;
	int fd;

	open_one(&h, f, &options, &fd);
	calls = f->memory.calls;
	for (int i = 0; i < 50; i++) {
		advance(f, ROTA_SEC(3));
		rota_connection_touch(&h.last->connection);
	}
	assert_int_equal(f->memory.calls, calls);
	advance(f, ROTA_SEC(10) - 1);
	assert_int_equal(figures(&h).timed_out, 0);
	advance(f, 1);
	assert_int_equal(figures(&h).timed_out, 1);
	raw_close(fd);
	RUN_UNTIL(f, h.open == 0);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

static void the_idle_time_can_be_set(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(10));
	struct house h;
	int fd;

	options.on_timeout = count_timeout;
	open_one(&h, f, &options, &fd);
	rota_connection_set_idle(&h.last->connection, ROTA_SEC(3));
	advance(f, ROTA_SEC(3) - 1);
	assert_int_equal(h.timeouts, 0);
	advance(f, 1);
	assert_int_equal(h.timeouts, 1);
	advance(f, ROTA_SEC(3) - 1); /* still open: the next idle time */
	assert_int_equal(h.timeouts, 1);
	advance(f, 1);
	assert_int_equal(h.timeouts, 2);
	rota_connection_set_idle(&h.last->connection, ROTA_SEC(20));
	advance(f, ROTA_SEC(20) - 1);
	assert_int_equal(h.timeouts, 2);
	rota_connection_set_idle(&h.last->connection, 0);
	advance(f, ROTA_SEC(10000));
	assert_int_equal(h.timeouts, 2);
	rota_connection_set_idle(&h.last->connection, UINT64_MAX);
	advance(f, ROTA_SEC(10000));
	assert_int_equal(h.timeouts, 2);
	assert_int_equal(figures(&h).timed_out, 2);
	raw_close(fd);
	RUN_UNTIL(f, h.open == 0);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

static void free_client(struct client *c)
{
	rota_connection_stop(&c->connection);
	assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
	c->house->open--;
	memset(c, '?', sizeof(*c));
	test_free(c);
}

/* O4 */
static void the_callback_of_a_timeout_may_free_the_connection(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(10));
	struct house h;
	int fd;

	options.on_timeout = count_timeout;
	open_one(&h, f, &options, &fd);
	act = free_client;
	advance(f, ROTA_SEC(10));
	assert_int_equal(h.open, 0);
	raw_close(fd);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

/* --- stops ---------------------------------------------------------------- */

static void a_stop_ends_all_that_are_idle(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(10));
	struct house h;
	char byte;
	int fds[3];

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 3);
	assert_false(rota_server_is_stopping(&h.server));
	stop_house(&h, ROTA_SEC(30));
	assert_true(rota_server_is_stopping(&h.server));
	assert_int_equal(h.stops, 0);
	assert_int_equal(rota_server_stop(&h.server, 0, count_stopped),
			 ROTA_EALREADY);
	assert_int_equal(rota_listener_start(&h.listener, &h.server,
					     &h.s.tcp.stream, NULL),
			 ROTA_ESHUTDOWN);
	turn(f);
	assert_int_equal(h.stops, 3);
	for (int i = 0; i < 3; i++) {
		await_end(fds[i]);
		assert_int_equal(raw_try_read(fds[i], &byte, 1), 0);
		assert_int_equal(h.stopped, 0);
		raw_close(fds[i]);
	}
	RUN_UNTIL(f, h.stopped == 1);
	run_to_the_end(f);
	assert_int_equal(h.stopped, 1);
	assert_int_equal(h.open, 0);
}

static void be_busy(struct client *c)
{
	rota_connection_set_busy(&c->connection, 1);
}

static void a_busy_connection_ends_when_it_is_done(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, 0);
	struct house h;
	int fd;

	open_one(&h, f, &options, &fd);
	be_busy(h.last);
	rota_connection_set_busy(&h.last->connection, 0);
	be_busy(h.last);
	stop_house(&h, ROTA_SEC(30));
	turn(f);
	turn(f);
	assert_false(rota_stream_is_ending(&h.last->tcp.stream));
	assert_int_equal(rota_stream_send(&h.last->tcp.stream, "done", 4), 0);
	rota_connection_set_busy(&h.last->connection, 0);
	turn(f);
	be_busy(h.last); /* again, before the turn is over */
	for (int i = 0; i < 5; i++)
		turn(f);
	assert_false(rota_stream_is_ending(&h.last->tcp.stream));
	rota_connection_set_busy(&h.last->connection, 0);
	rota_connection_set_idle(&h.last->connection, ROTA_SEC(60));
	for (int i = 0; i < 3; i++)
		turn(f);
	assert_true(rota_stream_is_ending(&h.last->tcp.stream));
	rota_connection_set_busy(&h.last->connection, 0); /* as it is */
	await_bytes(fd, 4);
	raw_close(fd);
	RUN_UNTIL(f, h.stopped == 1);
}

static struct rota_framer framer;
static unsigned records;

static void pause_at_record(struct rota_framer *of, int status,
			    const struct rota_record *record)
{
	struct house *h = of->data;

	(void)record;
	if (status < 0)
		return;
	records++;
	rota_frame_pause(of);
	rota_connection_set_busy(&h->last->connection, 1);
}

/* What the framer has left is answered, although each record pauses it. */
static void a_stop_waits_for_a_paused_framer(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, 0);
	struct rota_frame_options lines;
	struct house h;
	int fd;

	open_one(&h, f, &options, &fd);
	rota_frame_options_init(&lines, ROTA_FRAME_LINE);
	framer = (struct rota_framer){ .data = &h };
	records = 0;
	assert_int_equal(rota_frame_start(&framer, &h.last->tcp.stream, &lines,
					  pause_at_record),
			 0);
	assert_int_equal(write(fd, "a\nb\nc\nd\n", 8), 8);
	RUN_UNTIL(f, records == 1);
	stop_house(&h, ROTA_SEC(30));
	turn(f);
	for (unsigned i = 2; i <= 4; i++) {
		assert_int_equal(rota_frame_resume(&framer), 0);
		rota_connection_set_busy(&h.last->connection, 0);
		for (int turns = 0; turns < 4; turns++)
			turn(f);
		assert_int_equal(records, i);
		assert_false(rota_stream_is_ending(&h.last->tcp.stream));
	}
	assert_int_equal(rota_frame_resume(&framer), 0);
	rota_connection_set_busy(&h.last->connection, 0);
	for (int turns = 0; turns < 4; turns++)
		turn(f);
	await_end(fd);
	rota_frame_stop(&framer);
	raw_close(fd);
	RUN_UNTIL(f, h.stopped == 1);
}

/* The stop and the resume come in one phase, the stop first. */
static void a_stop_waits_for_a_framer_that_is_resumed_with_it(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, 0);
	struct rota_frame_options lines;
	struct house h;
	int fd;

	open_one(&h, f, &options, &fd);
	rota_frame_options_init(&lines, ROTA_FRAME_LINE);
	framer = (struct rota_framer){ .data = &h };
	records = 0;
	assert_int_equal(rota_frame_start(&framer, &h.last->tcp.stream, &lines,
					  pause_at_record),
			 0);
	assert_int_equal(write(fd, "a\nb\n", 4), 4);
	RUN_UNTIL(f, records == 1);
	stop_house(&h, ROTA_SEC(30));
	assert_int_equal(rota_frame_resume(&framer), 0);
	rota_connection_set_busy(&h.last->connection, 0);
	for (int turns = 0; turns < 5; turns++)
		turn(f);
	assert_int_equal(records, 2);
	assert_int_equal(rota_frame_resume(&framer), 0);
	rota_connection_set_busy(&h.last->connection, 0);
	for (int turns = 0; turns < 4; turns++)
		turn(f);
	await_end(fd);
	rota_frame_stop(&framer);
	raw_close(fd);
	RUN_UNTIL(f, h.stopped == 1);
}

/* A connection that is busy again is as idle as it was. */
static void busy_again_leaves_the_idle_time(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(10));
	struct house h;
	int fd;

	open_one(&h, f, &options, &fd);
	be_busy(h.last);
	stop_house(&h, ROTA_SEC(100));
	advance(f, ROTA_SEC(4));
	rota_connection_set_busy(&h.last->connection, 0);
	be_busy(h.last);
	be_busy(h.last);
	advance(f, ROTA_SEC(6) - 1);
	assert_false(rota_stream_is_ending(&h.last->tcp.stream));
	advance(f, 1);
	assert_true(rota_stream_is_ending(&h.last->tcp.stream));
	raw_close(fd);
	RUN_UNTIL(f, h.stopped == 1);
}

static void after_the_grace_the_rest_is_reset(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, 0);
	struct house h;
	int fds[2];

	options.end_ns = 0;
	house_open(&h, f, &options);
	act = be_busy;
	connect_all(&h, f, fds, 2);
	stop_house(&h, ROTA_SEC(30));
	turn(f);
	rota_connection_set_busy(&h.last->connection, 0); /* ends: no answer */
	advance(f, ROTA_SEC(30) - 1);
	assert_int_equal(h.open, 2);
	assert_int_equal(rota_loop_advance(f->loop, 1), 0);
	RUN_UNTIL(f, h.open == 0);
	assert_int_equal(raw_end(fds[0]), -ECONNRESET);
	raw_end(fds[1]);
	raw_close_all(fds, 2);
	RUN_UNTIL(f, h.stopped == 1);
}

static void a_stop_without_grace_resets_at_once(void **state)
{
	struct fixture *f = *state;
	struct house h;
	int fd;

	open_one(&h, f, NULL, &fd);
	stop_house(&h, 0);
	RUN_UNTIL(f, h.stopped == 1);
	raw_close(fd);
}

static void a_stop_without_connections_is_told_as_well(void **state)
{
	struct fixture *f = *state;
	struct house h;

	house_open(&h, f, NULL);
	stop_house(&h, UINT64_MAX);
	assert_int_equal(h.stopped, 0); /* not inside the call */
	run_to_the_end(f);
	assert_int_equal(h.stopped, 1);

	house_open(&h, f, NULL);
	assert_int_equal(rota_server_stop(&h.server, UINT64_MAX, NULL), 0);
	run_to_the_end(f);
}

static void no_connection_is_started_during_a_stop(void **state)
{
	struct fixture *f = *state;
	struct house h;
	int pair[2];

	house_open(&h, f, NULL);
	stop_house(&h, ROTA_SEC(1));
	raw_pair(pair);
	assert_int_equal(admit(&h, f, pair[0]), ROTA_ESHUTDOWN);
	raw_close(pair[1]);
	run_to_the_end(f);
	assert_int_equal(h.stopped, 1);
}

static void reset_all(struct client *c)
{
	rota_server_reset(&c->house->server);
}

static void free_next(struct client *c)
{
	struct rota_connection *next =
		rota_server_next(&c->house->server, &c->connection);

	if (next != NULL)
		free_client(client_of(next));
	free_client(c);
}

static void end_it(struct client *c)
{
	assert_int_equal(rota_connection_end(&c->connection), 0);
	assert_int_equal(rota_connection_end(&c->connection), ROTA_EALREADY);
}

static void stop_again(struct client *c)
{
	assert_int_equal(rota_server_stop(&c->house->server, 0, count_stopped),
			 ROTA_EALREADY);
}

/* O4: on_stop may free itself and others, and end what it likes. */
static void on_stop_may_do_anything(void **state)
{
	static void (*const acts[])(struct client * c) = {
		free_client, free_next, reset_all, end_it, stop_again,
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		struct rota_server_options options = options_of(0, 0);
		struct house h;
		int fds[4];

		house_open(&h, f, &options);
		act = acts[i];
		connect_all(&h, f, fds, 4);
		stop_house(&h, ROTA_SEC(30));
		turn(f);
		raw_close_all(fds, 4);
		RUN_UNTIL(f, h.stopped == 1);
		assert_int_equal(h.open, 0);
		/* What closes already is not told (O2). */
		assert_int_equal(h.stops, acts[i] == free_next   ? 2
					  : acts[i] == reset_all ? 1
								 : 4);
	}
}

static pid_t forked;

static void fork_once(struct client *c)
{
	(void)c;
	act = NULL;
	forked = child_fork();
}

static void run_rebuilt(struct house *h, struct fixture *f)
{
	struct rota_connection *at = NULL;

	EXPECT(rota_loop_fork(f->loop) == 0);
	for (int i = 0; i < 3; i++)
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
	EXPECT(h->stops == 3);
	while ((at = rota_server_next(&h->server, at)) != NULL)
		EXPECT(rota_stream_is_ending(rota_connection_stream(at)));
	child_ends();
}

/* Both processes return from the callback, and the stop goes on in both. */
static void on_stop_may_fork(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, 0);
	struct house h;
	int fds[3];

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 3);
	stop_house(&h, UINT64_MAX);
	act = fork_once;
	RUN_UNTIL(f, act == NULL);
	if (forked == 0)
		run_rebuilt(&h, f);
	expect_success(forked);
	assert_int_equal(h.stops, 3);
	raw_close_all(fds, 3);
	RUN_UNTIL(f, h.stopped == 1);
}

static void stop_in_callback(struct server *s, int status, int fd)
{
	struct house *h = rota_container_of(s, struct house, s);

	if (status < 0)
		return;
	assert_int_equal(admit(h, s->f, fd), 0);
	stop_house(h, ROTA_SEC(30));
}

/* A stop in the callback of the listener. */
static void a_listener_may_stop_the_server(void **state)
{
	struct fixture *f = *state;
	struct house h;
	int fds[3];

	house_open(&h, f, NULL);
	h.s.act = stop_in_callback;
	raw_clients(fds, 3, &h.s.address);
	RUN_UNTIL(f, h.open == 1);
	raw_close_all(fds, 3);
	RUN_UNTIL(f, h.stopped == 1);
}

static void stop_at_timeout(struct client *c)
{
	stop_house(c->house, ROTA_SEC(30));
}

static void a_timeout_may_stop_the_server(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(1));
	struct house h;
	int fd;

	options.on_timeout = count_timeout;
	options.on_stop = NULL;
	open_one(&h, f, &options, &fd);
	act = stop_at_timeout;
	advance(f, ROTA_SEC(1));
	raw_close(fd);
	RUN_UNTIL(f, h.stopped == 1);
}

/* The last connection goes between the stop and its task. */
static void the_last_may_go_before_it_is_told(void **state)
{
	struct fixture *f = *state;
	struct house h;
	int fd;

	open_one(&h, f, NULL, &fd);
	stop_house(&h, UINT64_MAX);
	free_client(h.last);
	run_to_the_end(f);
	assert_int_equal(h.stopped, 1);
	raw_close(fd);
}

static void a_stream_that_ends_already_gets_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, 0);
	struct house h;
	int fd;

	options.end_ns = ROTA_SEC(2);
	open_one(&h, f, &options, &fd);
	assert_int_equal(rota_stream_end(&h.last->tcp.stream, on_close), 0);
	advance(f, ROTA_SEC(100));
	assert_int_equal(h.open, 1);
	assert_int_equal(rota_connection_end(&h.last->connection), 0);
	rota_connection_set_idle(&h.last->connection, 1); /* too late */
	advance(f, ROTA_SEC(2) - 1);
	assert_int_equal(h.open, 1);
	advance(f, 1);
	RUN_UNTIL(f, h.open == 0);
	raw_close(fd);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

/* A shutdown closes all; during a stop, its callback comes as well. */
static void a_shutdown_of_the_loop_ends_the_server(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(1));
	struct house h;
	int fds[2];

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 2);
	act = be_busy;
	stop_house(&h, ROTA_SEC(30));
	turn(f);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_int_equal(h.open, 0);
	assert_int_equal(h.stopped, 1);
	raw_close_all(fds, 2);
}

static void a_shutdown_without_a_stop_frees_connections(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(1));
	struct house h;
	int fds[2];

	house_open(&h, f, &options);
	connect_all(&h, f, fds, 2);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_int_equal(h.open, 0);
	assert_int_equal(h.stopped, 0);
	raw_close_all(fds, 2);
}

/* A connection of another class: its stream is an end of a pair in memory. */
struct guest {
	struct rota_connection connection;
	struct rota_memory_stream end;
	unsigned closes;
};

static void on_guest_close(struct rota_handle *handle)
{
	struct guest *g = rota_container_of(handle, struct guest, end.handle);

	rota_connection_stop(&g->connection);
	g->closes++;
}

static void streams_of_another_class_are_connections(void **state)
{
	struct fixture *f = *state;
	struct rota_server_options options = options_of(0, ROTA_SEC(10));
	struct rota_memory_stream peers[2];
	struct guest guests[2] = { 0 };
	struct house h;

	options.on_stop = NULL;
	house_open(&h, f, &options);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rota_memory_stream_pair(&guests[i].end,
							 &peers[i], f->loop, 0),
				 0);
		assert_int_equal(rota_connection_start(
					 &guests[i].connection, &h.server,
					 &guests[i].end.stream, on_guest_close),
				 0);
	}
	advance(f, ROTA_SEC(9));
	rota_connection_touch(&guests[1].connection);
	advance(f, ROTA_SEC(1));
	assert_int_equal(figures(&h).timed_out, 1);
	assert_true(rota_stream_is_ending(&guests[0].end.stream));
	assert_int_equal(rota_handle_close_now(&peers[0].handle), 0);
	RUN_UNTIL(f, guests[0].closes == 1);

	stop_house(&h, ROTA_SEC(1));
	turn(f);
	assert_true(rota_stream_is_ending(&guests[1].end.stream));
	advance(f, ROTA_SEC(1)); /* the peer does not end its side: a reset */
	RUN_UNTIL(f, h.stopped == 1);
	assert_int_equal(guests[1].closes, 1);
	assert_int_equal(rota_handle_close_now(&peers[1].handle), 0);
}

/* D3: what a listener sheds is in the statistics, also once it is closed. */
static void shed_connections_are_counted(void **state)
{
	struct fixture *f = *state;
	struct house h;
	int fds[2];

	house_open(&h, f, NULL);
	raw_clients(fds, 2, &h.s.address);
	fault_fail("accept4", 1, EMFILE);
	RUN_UNTIL(f, figures(&h).shed == 2);
	fault_clear();
	rota_listener_stop(&h.listener);
	assert_int_equal(figures(&h).shed, 2);
	raw_close_all(fds, 2);
	server_end(&h.s);
}

/* F2 */
static void in_the_child(void *arg)
{
	struct house *h = arg;
	struct rota_connection connection = { 0 };
	struct rota_listener other = { 0 };
	struct rota_stream *stream = &h->last->tcp.stream;

	EXPECT(rota_server_stop(&h->server, 0, NULL) == ROTA_ECHILD);
	EXPECT(!rota_server_is_stopping(&h->server));
	EXPECT(rota_connection_start(&connection, &h->server, stream,
				     on_close) == ROTA_ECHILD);
	EXPECT(rota_listener_start(&other, &h->server, &h->s.tcp.stream,
				   NULL) == ROTA_ECHILD);
	EXPECT(rota_connection_end(&h->last->connection) == ROTA_ECHILD);
	EXPECT(rota_connection_reset(&h->last->connection) == ROTA_ECHILD);
}

static void a_child_does_not_touch_the_server(void **state)
{
	struct fixture *f = *state;
	struct house h;
	int fd;

	open_one(&h, f, NULL, &fd);
	in_a_child(in_the_child, &h);
	raw_close(fd);
	RUN_UNTIL(f, h.open == 0);
	rota_listener_stop(&h.listener);
	server_end(&h.s);
}

static void servers_keep_to_their_budgets(void **state)
{
	(void)state;
	if (sizeof(void *) != 8)
		skip_test("the budgets are for 64 bits");
	assert_in_range(sizeof(struct rota_connection), 1, 144);
	assert_in_range(sizeof(struct rota_framer), 1, 176);
	assert_in_range(sizeof(struct rota_splitter), 1, 80);
}

static void server_options_may_grow(void **state)
{
	struct fixture *f = *state;
	struct {
		struct rota_server_options options;
		char more[8];
	} grown = { .options = options_of(1, 2) };
	struct rota_server server;

	grown.options.size = sizeof(grown);
	assert_int_equal(rota_server_init(&server, f->loop, &grown.options), 0);
	grown.more[0] = 1;
	assert_int_equal(rota_server_init(&server, f->loop, &grown.options),
			 ROTA_EINVAL);
	rota_server_options_init_size(&grown.options, sizeof(grown));
	assert_int_equal(grown.more[0], 0);
	assert_int_equal(grown.options.end_ns, ROTA_SEC(5));
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(connections_are_counted),
	VIRTUAL(connections_are_in_the_order_of_their_starts),
	VIRTUAL(at_the_limit_the_listeners_pause),
	VIRTUAL(above_the_limit_a_connection_is_refused),
	REAL(in_a_child_the_listeners_go_on),
	REAL(a_stopped_server_is_not_full),
	VIRTUAL(what_is_invalid_is_refused),
	VIRTUAL(an_idle_connection_is_ended),
	VIRTUAL(a_touch_begins_the_idle_time_again),
	VIRTUAL(the_idle_time_can_be_set),
	VIRTUAL(the_callback_of_a_timeout_may_free_the_connection),
	VIRTUAL(a_stop_ends_all_that_are_idle),
	VIRTUAL(a_busy_connection_ends_when_it_is_done),
	VIRTUAL(a_stop_waits_for_a_paused_framer),
	VIRTUAL(a_stop_waits_for_a_framer_that_is_resumed_with_it),
	VIRTUAL(busy_again_leaves_the_idle_time),
	VIRTUAL(after_the_grace_the_rest_is_reset),
	VIRTUAL(a_stop_without_grace_resets_at_once),
	VIRTUAL(a_stop_without_connections_is_told_as_well),
	VIRTUAL(no_connection_is_started_during_a_stop),
	VIRTUAL(on_stop_may_do_anything),
	REAL(on_stop_may_fork),
	VIRTUAL(a_listener_may_stop_the_server),
	VIRTUAL(a_timeout_may_stop_the_server),
	VIRTUAL(the_last_may_go_before_it_is_told),
	VIRTUAL(a_stream_that_ends_already_gets_the_deadline),
	VIRTUAL(a_shutdown_of_the_loop_ends_the_server),
	VIRTUAL(a_shutdown_without_a_stop_frees_connections),
	VIRTUAL(streams_of_another_class_are_connections),
	REAL(shed_connections_are_counted),
	VIRTUAL(a_child_does_not_touch_the_server),
	VIRTUAL(servers_keep_to_their_budgets),
	VIRTUAL(server_options_may_grow),
};

FIXTURE_MAIN(tests)
