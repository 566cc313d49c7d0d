/*
 * Listen groups, turn by turn: the test runs all loops in one thread, so that
 * every order of events can be made.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

#include "server/crew.h"
#include "server/group.h"
#include "support/child.h"
#include "support/fault.h"

enum { STRATEGIES = 3 };

static void say_and_hear(struct crew *c, int fd)
{
	char byte = 0;

	raw_send(fd, "x", 1);
	CREW_UNTIL(c, raw_try_read(fd, &byte, 1) == 1);
	assert_int_equal(byte, 'x');
}

static void clients_are_served_in_every_way(void **state)
{
	struct fixture *f = *state;

	for (int way = 0; way < STRATEGIES; way++) {
		struct crew c;
		int fds[12];

		if (way > 0)
			fixture_begin_real(state), f = *state;
		crew_begin(&c, f, 3, (enum rota_listen_strategy)way, 0);
		crew_open(&c);
		raw_clients(fds, 12, &c.address);
		CREW_UNTIL(&c, crew_accepted(&c) == 12);
		for (int i = 0; i < 12; i++)
			say_and_hear(&c, fds[i]);
		if (way == ROTA_LISTEN_HAND_OVER)
			for (int i = 0; i < 3; i++)
				assert_int_equal(c.hands[i].accepted, 4);
		raw_close_all(fds, 12);
		crew_end(&c, f);
		if (way < STRATEGIES - 1)
			assert_int_equal(fixture_end(state), 0);
	}
}

/* Connections that have gone count no more: the next ones fill the gap. */
static void new_connections_go_where_the_fewest_are(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[30], more[10];

	crew_begin(&c, f, 3, ROTA_LISTEN_HAND_OVER, 0);
	crew_open(&c);
	raw_clients(fds, 30, &c.address);
	CREW_UNTIL(&c, crew_accepted(&c) == 30);
	/* All of the second loop go. */
	while (c.hands[1].open > 0) {
		struct rota_connection *first =
			rota_server_next(c.servers[1], NULL);

		assert_int_equal(rota_connection_reset(first), 0);
		crew_turn(&c);
	}
	raw_clients(more, 10, &c.address);
	CREW_UNTIL(&c, crew_accepted(&c) == 40);
	for (int i = 0; i < 3; i++)
		assert_int_equal(c.hands[i].open, 10);
	raw_close_all(fds, 30);
	raw_close_all(more, 10);
	crew_end(&c, f);
}

static void full_servers_get_no_connections(void **state)
{
	struct fixture *f = *state;

	for (int way = 0; way < ROTA_LISTEN_REUSE_PORT; way++) {
		struct crew c;
		int fds[9];

		if (way > 0)
			fixture_begin_real(state), f = *state;
		crew_begin(&c, f, 3, (enum rota_listen_strategy)way, 2);
		crew_open(&c);
		raw_clients(fds, 9, &c.address);
		CREW_UNTIL(&c, crew_accepted(&c) == 6);
		crew_turns(&c, 10);
		assert_int_equal(crew_accepted(&c), 6);
		for (int i = 0; i < 3; i++)
			assert_int_equal(c.hands[i].open, 2);
		/* Those that wait come one by one, wherever one has gone. */
		for (unsigned i = 0; i < 3; i++) {
			(void)rota_connection_reset(
				rota_server_next(c.servers[i], NULL));
			CREW_UNTIL(&c, crew_accepted(&c) == 7 + i);
			crew_turns(&c, 5);
			assert_int_equal(crew_accepted(&c), 7 + i);
		}
		assert_int_equal(crew_errors(&c), 0);
		raw_close_all(fds, 9);
		crew_end(&c, f);
		if (way == 0)
			assert_int_equal(fixture_end(state), 0);
	}
}

/* --- members that go ------------------------------------------------------ */

static void a_server_that_stops_leaves_its_share_to_the_others(void **state)
{
	struct fixture *f = *state;

	for (int way = 0; way < ROTA_LISTEN_REUSE_PORT; way++) {
		struct crew c;
		int fds[6];

		if (way > 0)
			fixture_begin_real(state), f = *state;
		crew_begin(&c, f, 3, (enum rota_listen_strategy)way, 0);
		crew_open(&c);
		crew_turns(&c, 3);
		/* They wait in the queue as the acceptor stops. */
		raw_clients(fds, 6, &c.address);
		assert_int_equal(rota_server_stop(c.servers[0], 0, NULL), 0);
		CREW_UNTIL(&c, crew_accepted(&c) == 6);
		assert_int_equal(c.hands[0].accepted, 0);
		for (int i = 0; i < 6; i++)
			say_and_hear(&c, fds[i]);
		assert_int_equal(rota_server_stop(c.servers[1], 0, NULL), 0);
		crew_turns(&c, 3);
		raw_close_all(fds, 6);
		raw_clients(fds, 6, &c.address);
		CREW_UNTIL(&c, c.hands[2].open >= 6);
		raw_close_all(fds, 6);
		assert_int_equal(crew_errors(&c), 0);
		crew_end(&c, f);
		if (way == 0)
			assert_int_equal(fixture_end(state), 0);
	}
}

static void a_loop_that_shuts_down_hands_back_what_is_coming(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[8];

	crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
	crew_open(&c);
	crew_turns(&c, 3);
	raw_clients(fds, 8, &c.address);
	/* The first loop accepts them, and the second makes no turn. */
	for (int i = 0; i < 10; i++)
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(c.hands[0].accepted, 4);
	shut_down(&c, f, 1);
	CREW_UNTIL(&c, c.hands[0].accepted == 8);
	for (int i = 0; i < 8; i++)
		say_and_hear(&c, fds[i]);
	raw_close_all(fds, 8);
	crew_end(&c, f);
}

static void a_server_that_stops_hands_back_what_is_coming(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[8];

	crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
	crew_open(&c);
	crew_turns(&c, 3);
	raw_clients(fds, 8, &c.address);
	for (int i = 0; i < 10; i++)
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(rota_server_stop(c.servers[1], 0, NULL), 0);
	CREW_UNTIL(&c, c.hands[0].accepted == 8);
	assert_int_equal(c.hands[1].accepted, 0);
	raw_close_all(fds, 8);
	crew_end(&c, f);
}

/* Nobody is left for them. */
static void what_is_coming_when_all_go_is_closed(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[4];

	crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
	crew_open(&c);
	crew_turns(&c, 3);
	raw_clients(fds, 4, &c.address);
	for (int i = 0; i < 6; i++)
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	rota_listen_group_close(c.group);
	c.group = NULL;
	shut_down(&c, f, 0);
	shut_down(&c, f, 1);
	for (int i = 0; i < 4; i++)
		(void)raw_end(fds[i]);
	raw_close_all(fds, 4);
	crew_end(&c, f);
}

/* A member was appointed, and was closed by then; the thread that did so has
 * found another one's post to it on its way. That one finds that it is closed,
 * and appoints the next. */
static void a_closed_acceptor_is_replaced_by_who_posts_to_it(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[2], late;

	crew_begin(&c, f, 3, ROTA_LISTEN_HAND_OVER, 1);
	crew_open(&c);
	crew_turns(&c, 3);
	shut_down(&c, f, 1);
	raw_clients(fds, 2, &c.address);
	CREW_UNTIL(&c, crew_accepted(&c) == 2);
	crew_turns(&c, 3);
	assert_true(c.group->is_waiting);
	c.group->members[1].state = ROTAI_MEMBER_LISTENING;
	c.group->acceptor = 1;
	raw_clients(&late, 1, &c.address);
	crew_turns(&c, 3);
	assert_int_equal(crew_accepted(&c), 2);

	raw_close(fds[0]);
	CREW_UNTIL(&c, crew_accepted(&c) == 3);
	assert_int_not_equal(c.group->acceptor, 1);
	assert_int_equal(c.group->members[1].state, ROTAI_MEMBER_CLOSED);
	raw_close(fds[1]);
	raw_close(late);
	crew_end(&c, f);
}

/* Its share waits for it. */
static void a_loop_that_runs_later_gets_its_share(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[4];

	crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
	crew_open(&c);
	raw_clients(fds, 4, &c.address);
	for (int i = 0; i < 8; i++)
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_int_equal(c.hands[0].accepted, 2);
	CREW_UNTIL(&c, crew_accepted(&c) == 4);
	assert_int_equal(c.hands[1].accepted, 2);
	raw_close_all(fds, 4);
	crew_end(&c, f);
}

/* The first that runs accepts, and the second cannot open its member. */
static void a_loop_that_cannot_open_hands_back_its_share(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[4];

	crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
	crew_open(&c);
	raw_clients(fds, 4, &c.address);
	for (int i = 0; i < 8; i++)
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	fault_fail("listen", 1, ENOBUFS);
	(void)rota_loop_run(c.hands[1].loop, ROTA_RUN_NOWAIT);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(c.hands[1].error, ROTA_ENOBUFS);
	CREW_UNTIL(&c, c.hands[0].accepted == 4);
	raw_close_all(fds, 4);
	crew_end(&c, f);
}

static void a_group_that_is_closed_listens_no_more(void **state)
{
	struct fixture *f = *state;

	for (int way = 0; way < STRATEGIES; way++) {
		struct rota_address own;
		struct crew c;
		int fds[2];

		if (way > 0)
			fixture_begin_real(state), f = *state;
		crew_begin(&c, f, 2, (enum rota_listen_strategy)way, 0);
		crew_open(&c);
		raw_clients(fds, 2, &c.address);
		CREW_UNTIL(&c, crew_accepted(&c) == 2);
		rota_listen_group_close(c.group);
		crew_turns(&c, 3);
		/* Another may have the address, and the clients stay. */
		own = c.address;
		assert_int_equal(
			rota_listen_group_tcp(&c.group, &c.options, &own, 0),
			0);
		say_and_hear(&c, fds[0]);
		/* Close it before any member is open. */
		rota_listen_group_close(c.group);
		c.group = NULL;
		crew_turns(&c, 3);
		raw_close_all(fds, 2);
		crew_end(&c, f);
		if (way < STRATEGIES - 1)
			assert_int_equal(fixture_end(state), 0);
	}
}

/* --- callbacks that end things -------------------------------------------- */

static int what_to_end;

static void end_something(struct rota_listen_group *group,
			  struct rota_server *server, int status, int fd)
{
	struct crew *c = rota_listen_group_data(group);

	crew_called(group, server, status, fd);
	if (what_to_end == 0 && c->group != NULL) {
		rota_listen_group_close(group);
		c->group = NULL;
	} else if (what_to_end == 1) {
		(void)rota_server_stop(server, 0, NULL);
	} else if (what_to_end == 2) {
		for (unsigned i = 0; i < c->count; i++)
			if (rota_server_loop(server) == c->hands[i].loop)
				(void)rota_server_stop(c->servers[i], 0, NULL);
	}
}

static void the_function_may_end_anything(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3 * STRATEGIES; i++) {
		struct crew c;
		int fds[6];

		if (i > 0)
			fixture_begin_real(state), f = *state;
		crew_begin(&c, f, 3, (enum rota_listen_strategy)(i / 3), 0);
		c.options.fn = end_something;
		what_to_end = i % 3;
		crew_open(&c);
		raw_clients(fds, 6, &c.address);
		CREW_UNTIL(&c, crew_accepted(&c) > 0);
		crew_turns(&c, 10);
		raw_close_all(fds, 6);
		crew_end(&c, f);
		if (i < 3 * STRATEGIES - 1)
			assert_int_equal(fixture_end(state), 0);
	}
}

/* --- forks ---------------------------------------------------------------- */

static void use_group_in_child(void *arg)
{
	struct crew *c = arg;

	rota_listen_group_close(c->group); /* it changes nothing yet */
	for (unsigned i = 0; i < c->count; i++) {
		EXPECT(rota_loop_fork(c->hands[i].loop) == 0);
		EXPECT(rota_loop_run(c->hands[i].loop, ROTA_RUN_NOWAIT) >= 0);
		EXPECT(rota_loop_shutdown(c->hands[i].loop, UINT64_MAX) == 0);
	}
}

static void a_child_does_not_touch_the_group(void **state)
{
	struct fixture *f = *state;

	for (int way = 0; way < STRATEGIES; way++) {
		struct crew c;
		int fds[6];

		if (way > 0)
			fixture_begin_real(state), f = *state;
		crew_begin(&c, f, 2, (enum rota_listen_strategy)way, 0);
		crew_open(&c);
		crew_turns(&c, 3);
		in_a_child(use_group_in_child, &c);
		raw_clients(fds, 6, &c.address);
		CREW_UNTIL(&c, crew_accepted(&c) == 6);
		say_and_hear(&c, fds[5]);
		raw_close_all(fds, 6);
		crew_end(&c, f);
		if (way < STRATEGIES - 1)
			assert_int_equal(fixture_end(state), 0);
	}
}

/* --- other sockets -------------------------------------------------------- */

static void unix_sockets_are_shared_as_well(void **state)
{
	static const char NAME[] = "\0rota-group";
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	struct rota_pipe pipe;
	struct rota_address address;
	struct crew c;
	socklen_t size;
	int fds[6];

	crew_begin(&c, f, 3, ROTA_LISTEN_HAND_OVER, 0);
	c.is_unix = 1;
	assert_int_equal(rota_pipe_init(&pipe, f->loop), 0);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			   sizeof(NAME) - 1);
	memcpy(name.sun_path, NAME, sizeof(NAME) - 1);
	if (rota_pipe_bind(&pipe, NAME, sizeof(NAME) - 1, NULL) < 0) {
		rota_handle_close_now(&pipe.handle);
		crew_end(&c, f);
		skip_elsewhere("no abstract names");
	}
	assert_int_equal(rota_listen_group_open(&c.group, &c.options,
						rota_stream_fd(&pipe.stream)),
			 0);
	assert_int_equal(rota_listen_group_address(c.group, &address),
			 ROTA_ENOTSUP);
	assert_int_equal(rota_handle_close_now(&pipe.handle), 0);
	for (int i = 0; i < 6; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(fds[i], (void *)&name, size), 0);
	}
	CREW_UNTIL(&c, crew_accepted(&c) == 6);
	for (int i = 0; i < 3; i++)
		assert_int_equal(c.hands[i].accepted, 2);
	raw_close_all(fds, 6);
	crew_end(&c, f);
}

static void a_socket_that_listens_already_is_taken(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[4], listener;

	crew_begin(&c, f, 2, ROTA_LISTEN_SHARED, 0);
	listener = raw_listen(&c.address);
	raw_clients(fds, 4, &c.address);
	assert_int_equal(rota_listen_group_open(&c.group, &c.options, listener),
			 0);
	raw_close(listener);
	CREW_UNTIL(&c, crew_accepted(&c) == 4);
	raw_close_all(fds, 4);
	crew_end(&c, f);
}

/* --- errors --------------------------------------------------------------- */

static void what_is_invalid_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_server *none[1] = { NULL };
	struct rota_listen_group *group = NULL;
	struct rota_listen_group_options options;
	struct rota_address any;
	struct crew c;
	int pair[2], plain;

	crew_begin(&c, f, 1, ROTA_LISTEN_HAND_OVER, 0);
	loopback(&any, AF_INET, 0);
#define REFUSED(change, error)                                                 \
	options = c.options;                                                   \
	change;                                                                \
	assert_int_equal(rota_listen_group_tcp(&group, &options, &any, 0),     \
			 error)

	REFUSED(options.size = 8, ROTA_EINVAL);
	REFUSED(options.servers = NULL, ROTA_EINVAL);
	REFUSED(options.servers = none, ROTA_EINVAL);
	REFUSED(options.count = 0, ROTA_EINVAL);
	REFUSED(options.fn = NULL, ROTA_EINVAL);
	REFUSED(options.backlog = 0, ROTA_EINVAL);
	REFUSED(options.strategy = (enum rota_listen_strategy)3, ROTA_EINVAL);
#undef REFUSED
	assert_int_equal(rota_listen_group_tcp(&group, NULL, &any, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_listen_group_tcp(NULL, &c.options, &any, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_listen_group_tcp(&group, &c.options, NULL, 0),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_listen_group_tcp(&group, &c.options, &any, 1u << 30),
		ROTA_EINVAL);
	assert_int_equal(rota_listen_group_open(&group, &c.options, -1),
			 ROTA_EBADF);
	make_pipe(pair);
	assert_int_equal(rota_listen_group_open(&group, &c.options, pair[0]),
			 ROTA_ENOTSOCK);
	close(pair[0]);
	close(pair[1]);
	plain = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(rota_listen_group_open(&group, &c.options, plain),
			 ROTA_EINVAL); /* it is not bound */
	c.options.strategy = ROTA_LISTEN_REUSE_PORT;
	assert_int_equal(rota_listen_group_open(&group, &c.options, plain),
			 ROTA_ENOTSUP);
	close(plain);
	assert_null(group);
	crew_end(&c, f);
}

static void an_address_in_use_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct rota_address address;
	int listener = raw_listen(&address);
	struct crew c;

	crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
	for (int way = 0; way < STRATEGIES; way++) {
		c.options.strategy = (enum rota_listen_strategy)way;
		assert_int_equal(rota_listen_group_tcp(&c.group, &c.options,
						       &address, 0),
				 ROTA_EADDRINUSE);
	}
	raw_close(listener);
	crew_end(&c, f);
}

/* A loop that has ended is in the middle. */
static void a_closed_loop_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct rota_address any;
	struct rota_loop *middle;
	struct crew c;

	crew_begin(&c, f, 3, ROTA_LISTEN_HAND_OVER, 0);
	loopback(&any, AF_INET, 0);
	middle = rota_loop_ref(c.hands[1].loop);
	shut_down(&c, f, 1);
	for (int way = 0; way < STRATEGIES; way++) {
		c.options.strategy = (enum rota_listen_strategy)way;
		assert_int_equal(
			rota_listen_group_tcp(&c.group, &c.options, &any, 0),
			ROTA_ESHUTDOWN);
		crew_turns(&c, 2);
	}
	assert_null(c.group);
	rota_loop_unref(middle);
	crew_end(&c, f);
}

/* Every call of the open fails once. */
static void an_open_that_fails_leaves_nothing(void **state)
{
	static const char *const calls[] = { "realloc",    "socket",
					     "bind",       "listen",
					     "fcntl",      "getsockname",
					     "setsockopt", "getsockopt" };
	struct fixture *f = *state;
	struct rota_address any;
	struct crew c;

	crew_begin(&c, f, 3, ROTA_LISTEN_HAND_OVER, 0);
	loopback(&any, AF_INET, 0);
	for (unsigned i = 0; i < STRATEGIES * sizeof(calls) / sizeof(calls[0]);
	     i++) {
		const char *call = calls[i / STRATEGIES];
		unsigned failed = 1;

		c.options.strategy =
			(enum rota_listen_strategy)(i % STRATEGIES);
		for (unsigned nth = 1; failed > 0; nth++) {
			int open = count_descriptors();
			int error;

			fault_fail(call, nth, ENOBUFS);
			error = rota_listen_group_tcp(&c.group, &c.options,
						      &any, 0);
			failed = fault_clear();
			assert_int_equal(error<0, failed> 0);
			if (error == 0)
				rota_listen_group_close(c.group);
			c.group = NULL;
			crew_turns(&c, 2);
			assert_int_equal(count_descriptors(), open);
		}
	}
	crew_end(&c, f);
}

/* A call that the first loop makes as it opens its member fails: the others
 * serve. */
static void a_member_that_cannot_listen_leaves_it_to_the_others(void **state)
{
	static const char *const calls[] = { "listen", "fcntl", "getsockname",
					     "epoll_ctl" };
	struct fixture *f = *state;

	for (unsigned i = 0; i < STRATEGIES * sizeof(calls) / sizeof(calls[0]);
	     i++) {
		struct crew c;
		int fd;

		if (i > 0)
			fixture_begin_real(state), f = *state;
		crew_begin(&c, f, 2,
			   (enum rota_listen_strategy)(i % STRATEGIES), 0);
		crew_open(&c);
		fault_fail(calls[i / STRATEGIES], 1, ENOMEM);
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		if (fault_clear() > 0) {
			assert_int_equal(c.hands[0].error, ROTA_ENOMEM);
			raw_clients(&fd, 1, &c.address);
			CREW_UNTIL(&c, c.hands[1].accepted == 1);
			raw_close(fd);
		}
		crew_end(&c, f);
		if (i < STRATEGIES * sizeof(calls) / sizeof(calls[0]) - 1)
			assert_int_equal(fixture_end(state), 0);
	}
}

/* The same if it has no memory: each allocation fails once. */
static void a_member_without_memory_leaves_it_to_the_others(void **state)
{
	struct fixture *f = *state;
	size_t failed = 1;

	for (size_t nth = 1; failed > 0; nth++) {
		struct crew c;
		int fd;

		if (nth > 1) {
			assert_int_equal(fixture_end(state), 0);
			assert_int_equal(fixture_begin_real(state), 0);
			f = *state;
		}
		crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
		crew_open(&c);
		f->memory.fail_at = f->memory.calls + nth;
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
		f->memory.fail_at = 0;
		failed = f->memory.failed;
		if (failed > 0) {
			assert_int_equal(c.hands[0].error, ROTA_ENOMEM);
			raw_clients(&fd, 1, &c.address);
			CREW_UNTIL(&c, c.hands[1].accepted == 1);
			raw_close(fd);
		}
		crew_end(&c, f);
	}
}

/* Without memory for a hand-over, the acceptor keeps the connection. */
static void a_hand_over_without_memory_keeps_the_connection(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fds[8], late;

	crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
	crew_open(&c);
	raw_clients(fds, 8, &c.address); /* the tables grow */
	CREW_UNTIL(&c, crew_accepted(&c) == 8);
	(void)rota_connection_reset(rota_server_next(c.servers[1], NULL));
	CREW_UNTIL(&c, c.hands[1].open == 3);
	raw_clients(&late, 1, &c.address);
	fault_fail("realloc", 1, ENOMEM);
	CREW_UNTIL(&c, crew_accepted(&c) == 9);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(c.hands[0].open, 5);
	raw_close_all(fds, 8);
	raw_close(late);
	crew_end(&c, f);
}

static void a_shortage_is_told_to_who_accepts(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	int fd;

	crew_begin(&c, f, 2, ROTA_LISTEN_HAND_OVER, 0);
	crew_open(&c);
	crew_turns(&c, 3);
	raw_clients(&fd, 1, &c.address);
	fault_fail("accept4", 1, EMFILE);
	CREW_UNTIL(&c, crew_errors(&c) == 1);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(c.hands[0].error, ROTA_EMFILE);
	raw_close(fd);
	crew_end(&c, f);
}

static void options_may_grow(void **state)
{
	struct {
		struct rota_listen_group_options options;
		char more[8];
	} grown = { .more = { 0 } };
	struct fixture *f = *state;
	struct rota_address any;
	struct crew c;

	crew_begin(&c, f, 1, ROTA_LISTEN_HAND_OVER, 0);
	loopback(&any, AF_INET, 0);
	grown.options = c.options;
	grown.options.size = sizeof(grown);
	grown.more[0] = 1;
	assert_int_equal(
		rota_listen_group_tcp(&c.group, &grown.options, &any, 0),
		ROTA_EINVAL);
	grown.more[0] = 0;
	assert_int_equal(
		rota_listen_group_tcp(&c.group, &grown.options, &any, 0), 0);
	crew_end(&c, f);
	rota_listen_group_options_init_size(&grown.options, sizeof(grown));
	assert_int_equal(grown.options.backlog, 1024);
}

static const struct CMUnitTest tests[] = {
	REAL(clients_are_served_in_every_way),
	REAL(new_connections_go_where_the_fewest_are),
	REAL(full_servers_get_no_connections),
	REAL(a_server_that_stops_leaves_its_share_to_the_others),
	REAL(a_loop_that_shuts_down_hands_back_what_is_coming),
	REAL(a_server_that_stops_hands_back_what_is_coming),
	REAL(what_is_coming_when_all_go_is_closed),
	REAL(a_closed_acceptor_is_replaced_by_who_posts_to_it),
	REAL(a_loop_that_runs_later_gets_its_share),
	REAL(a_loop_that_cannot_open_hands_back_its_share),
	REAL(a_group_that_is_closed_listens_no_more),
	REAL(the_function_may_end_anything),
	REAL(a_child_does_not_touch_the_group),
	REAL(unix_sockets_are_shared_as_well),
	REAL(a_socket_that_listens_already_is_taken),
	REAL(what_is_invalid_is_refused),
	REAL(an_address_in_use_is_an_error),
	REAL(a_closed_loop_is_an_error),
	REAL(an_open_that_fails_leaves_nothing),
	REAL(a_member_that_cannot_listen_leaves_it_to_the_others),
	REAL(a_member_without_memory_leaves_it_to_the_others),
	REAL(a_hand_over_without_memory_keeps_the_connection),
	REAL(a_shortage_is_told_to_who_accepts),
	REAL(options_may_grow),
};

FIXTURE_MAIN(tests)
