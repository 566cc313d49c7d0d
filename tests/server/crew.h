/*
 * crew.h - servers on several loops, for the tests of listen groups: each
 * connection is counted and echoed. The loops run in threads, or the test makes
 * their turns. This is a header because only these test programs use it.
 */
#ifndef TESTS_SERVER_CREW_H
#define TESTS_SERVER_CREW_H

#include "support/fixture.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/streams_more.h"

enum { CREW = 8 };

struct crew;

struct hand {
	struct rota_server server;
	struct rota_loop *loop;
	struct crew *crew;
	unsigned index;
	/* Others read these. */
	atomic_uint accepted;
	atomic_uint open;
	atomic_int error; /* the last that the group's function got */
	atomic_uint errors;
};

struct crew {
	struct hand hands[CREW];
	struct rota_server *servers[CREW];
	struct rota_listen_group_options options;
	struct rota_listen_group *group;
	struct rota_address address;
	unsigned count;
	int is_unix;
	size_t limit; /* of each server */
};

struct guest {
	struct rota_connection connection;
	union {
		struct rota_handle handle;
		struct rota_stream stream;
		struct rota_tcp tcp;
		struct rota_pipe pipe;
	} by;
	struct hand *hand;
};

static inline void guest_closed(struct rota_handle *handle)
{
	struct guest *g = rota_container_of(handle, struct guest, by.handle);

	rota_connection_stop(&g->connection);
	g->hand->open--;
	free(g);
}

static inline void guest_read(struct rota_stream *stream, int status,
			      const struct rota_buf *buf)
{
	struct guest *g = rota_container_of(stream, struct guest, by.stream);

	if (status < 0)
		(void)rota_handle_close(&g->by.handle, guest_closed);
	else
		(void)rota_stream_send(stream, buf->data, buf->size);
}

static inline void crew_called(struct rota_listen_group *group,
			       struct rota_server *server, int status, int fd)
{
	struct hand *h = rota_container_of(server, struct hand, server);
	struct guest *g;
	int error;

	assert_ptr_equal(rota_listen_group_data(group), h->crew);
	if (status < 0) {
		assert_int_equal(fd, -1);
		h->error = status;
		h->errors++;
		return;
	}
	g = calloc(1, sizeof(*g));
	g->hand = h;
	error = h->crew->is_unix ? rota_pipe_open(&g->by.pipe, h->loop, fd)
				 : rota_tcp_open(&g->by.tcp, h->loop, fd);
	if (error < 0) {
		close(fd);
		free(g);
		return;
	}
	h->open++;
	if (rota_connection_start(&g->connection, server, &g->by.stream,
				  guest_closed) < 0) {
		h->error = ROTA_EBUSY;
		h->errors++;
		(void)rota_handle_close(&g->by.handle, guest_closed);
		return;
	}
	h->accepted++;
	assert_int_equal(rota_stream_read_start(&g->by.stream, guest_read), 0);
}

static inline void crew_init(struct crew *c, unsigned count,
			     enum rota_listen_strategy strategy)
{
	memset(c, 0, sizeof(*c));
	c->count = count;
	for (unsigned i = 0; i < count; i++) {
		c->servers[i] = &c->hands[i].server;
		c->hands[i].crew = c;
		c->hands[i].index = i;
	}
	rota_listen_group_options_init(&c->options);
	c->options.servers = c->servers;
	c->options.count = count;
	c->options.fn = crew_called;
	c->options.strategy = strategy;
	c->options.data = c;
}

static inline int hand_init(struct crew *c, unsigned index,
			    struct rota_loop *loop)
{
	struct rota_server_options options;

	rota_server_options_init(&options);
	options.limit = c->limit;
	c->hands[index].loop = loop;
	return rota_server_init(&c->hands[index].server, loop, &options);
}

static inline void crew_open(struct crew *c)
{
	struct rota_address any;

	loopback(&any, AF_INET, 0);
	assert_int_equal(rota_listen_group_tcp(&c->group, &c->options, &any, 0),
			 0);
	assert_int_equal(rota_listen_group_address(c->group, &c->address), 0);
}

static inline unsigned crew_accepted(struct crew *c)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < c->count; i++)
		sum += c->hands[i].accepted;
	return sum;
}

static inline unsigned crew_errors(struct crew *c)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < c->count; i++)
		sum += c->hands[i].errors;
	return sum;
}

/* --- all loops in one thread ---------------------------------------------- */

/* Make a crew whose first loop is the fixture's. */
static inline void crew_begin(struct crew *c, struct fixture *f, unsigned count,
			      enum rota_listen_strategy strategy, size_t limit)
{
	struct rota_loop_options options;

	crew_init(c, count, strategy);
	c->limit = limit;
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	for (unsigned i = 0; i < count; i++) {
		struct rota_loop *loop = f->loop;

		if (i > 0)
			assert_int_equal(rota_loop_new(&loop, &options), 0);
		assert_int_equal(hand_init(c, i, loop), 0);
	}
}

static inline void crew_turn(struct crew *c)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->hands[i].loop != NULL)
			assert_true(rota_loop_run(c->hands[i].loop,
						  ROTA_RUN_NOWAIT) >= 0);
}

#define CREW_UNTIL(c, condition)                                               \
	for (uint64_t until_ = real_now() + ROTA_SEC(60); !(condition);)       \
		if (crew_turn(c), real_now() > until_)                         \
	out_of_time(until_, __FILE__, __LINE__)

static inline void crew_turns(struct crew *c, unsigned turns)
{
	while (turns-- > 0)
		crew_turn(c);
}

/* Shut down one loop; the first one is the fixture's. */
static inline void shut_down(struct crew *c, struct fixture *f, unsigned index)
{
	assert_int_equal(rota_loop_shutdown(c->hands[index].loop, UINT64_MAX),
			 0);
	if (index == 0)
		f->loop = NULL;
	c->hands[index].loop = NULL;
}

static inline void crew_end(struct crew *c, struct fixture *f)
{
	if (c->group != NULL)
		rota_listen_group_close(c->group);
	for (unsigned i = 0; i < c->count; i++)
		if (c->hands[i].loop != NULL)
			shut_down(c, f, i);
	for (unsigned i = 0; i < c->count; i++)
		assert_int_equal(c->hands[i].open, 0);
}

#endif
