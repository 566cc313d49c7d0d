/*
 * Streams that are ready in the same batch of events, and whose callbacks
 * affect each other. A stream that a callback closes is not called any more,
 * even if its event was already fetched (O2, O4). An old event never reaches
 * the next owner of a descriptor number (D1).
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/streams.h"

enum { MANY = 16 };

static struct connection *all[MANY];
static unsigned calls;

static void let_go(struct connection *c)
{
	memset(c, '#', sizeof(*c));
	test_free(c);
}

/* Close and free the stream, and close its peer. */
static void end_now(unsigned i)
{
	if (all[i] == NULL)
		return;
	connection_end(all[i]);
	let_go(all[i]);
	all[i] = NULL;
}

static void end_all_others(struct connection *c, int status,
			   struct rota_buf buf)
{
	(void)status;
	(void)buf;
	calls++;
	for (unsigned i = 0; i < MANY; i++)
		if (all[i] != c)
			end_now(i);
}

static void open_all(struct fixture *f)
{
	calls = 0;
	for (unsigned i = 0; i < MANY; i++) {
		all[i] = test_malloc(sizeof(*all[i]));
		connection_open_small(all[i], f, NULL);
	}
}

/* O3, O4: the streams that are freed have input, an end, or an error. */
static void what_was_freed_in_the_batch_is_not_called(void **state)
{
	struct fixture *f = *state;

	open_all(f);
	for (unsigned i = 0; i < MANY; i++) {
		all[i]->act = end_all_others;
		connection_read(all[i]);
		if (i % 4 < 3)
			peer_has_sent(all[i], 10);
		if (i % 4 == 1)
			raw_shutdown(all[i]->peer);
		if (i % 4 >= 2)
			peer_reset(all[i]);
		if (i % 4 > 0)
			await_end(all[i]->fd);
	}

	RUN_UNTIL(f, calls > 0);
	turn(f);

	/* The survivor may have got its end as well as its data. */
	for (unsigned i = 0; i < MANY; i++)
		if (all[i] != NULL)
			assert_int_equal(calls, all[i]->reads + all[i]->ends);
	for (unsigned i = 0; i < MANY; i++)
		end_now(i);
	assert_false(rota_loop_alive(f->loop));
}

static void end_others_in_drain(struct connection *c, int status)
{
	end_all_others(c, status, (struct rota_buf){ NULL, 0 });
}

/* The same for writable streams: on_drain is called for an event of the
 * batch. */
static void what_was_freed_in_the_batch_is_not_written_to(void **state)
{
	struct fixture *f = *state;
	static char bytes[CONNECTION_HOLDS];

	open_all(f);
	for (unsigned i = 0; i < MANY; i++) {
		rota_stream_set_watermarks(&all[i]->tcp.stream,
					   CONNECTION_HOLDS * 2,
					   CONNECTION_HOLDS * 2);
		all[i]->act_drain = end_others_in_drain;
		rota_stream_on_drain(&all[i]->tcp.stream, count_drain);
		while (connection_send(all[i], 50000) == 0)
			;
	}
	turn(f);
	for (unsigned i = 0; i < MANY; i++)
		while (raw_try_read(all[i]->peer, bytes, sizeof(bytes)) > 0)
			;

	RUN_UNTIL(f, calls > 0);
	turn(f);

	assert_int_equal(calls, 1);
	for (unsigned i = 0; i < MANY; i++)
		end_now(i);
	assert_false(rota_loop_alive(f->loop));
}

/* The same for streams whose on_drain is due in the same pending phase. */
static void what_was_freed_is_not_told_of_a_drain_that_was_due(void **state)
{
	struct fixture *f = *state;

	for (unsigned round = 0; round < 3; round++) {
		open_all(f);
		for (unsigned i = 0; i < MANY; i++) {
			struct rota_stream *stream = &all[i]->tcp.stream;

			rota_stream_set_watermarks(stream, 0, 0);
			all[i]->act_drain = end_others_in_drain;
			rota_stream_on_drain(stream, count_drain);
			rota_stream_set_cork(stream, 1);
			assert_int_equal(connection_send(all[i], 1), 1);
			rota_stream_set_cork(stream, 0);
		}
		end_now(round == 0 ? 0 : round == 1 ? 7 : MANY - 1);
		run_to_the_end(f);

		assert_int_equal(calls, 1);
		for (unsigned i = 0; i < MANY; i++)
			end_now(i);
	}
}

static struct fixture *fixture;
static struct connection heir; /* gets the number */
static int freed_fd;

/* Close the other stream, and open a new connection with the same descriptor
 * number. */
static void take_the_number_over(struct connection *c, int status,
				 struct rota_buf buf)
{
	struct connection *other = c->arg;
	int fds[2], fd = other->fd;

	(void)status;
	(void)buf;
	if (freed_fd != -1)
		return;
	freed_fd = fd;
	raw_pair(fds);
	assert_int_equal(rota_handle_close_now(&other->tcp.handle), 0);
	assert_int_equal(dup2(fds[0], fd), fd);
	raw_close(fds[0]);
	connection_adopt(&heir, fixture, fd, fds[1], NULL);
	connection_read(&heir);
}

/* D1: the new stream gets its own input, and no input, end or error of the old
 * one. */
static void an_event_of_the_past_does_not_reach_the_heir(void **state)
{
	struct fixture *f = fixture = *state;

	for (unsigned how = 0; how < 3; how++) {
		struct connection c[2];

		freed_fd = -1;
		for (unsigned i = 0; i < 2; i++) {
			connection_open(&c[i], f, NULL);
			c[i].act = take_the_number_over;
			c[i].arg = &c[1 - i]; /* each knows the other */
			connection_read(&c[i]);
			if (how < 2)
				peer_has_sent(&c[i], 10);
			if (how == 1)
				raw_shutdown(c[i].peer);
			if (how == 2)
				peer_reset(&c[i]);
			if (how > 0)
				await_end(c[i].fd);
		}
		RUN_UNTIL(f, freed_fd != -1);
		turn(f);
		turn(f);

		assert_int_equal(heir.reads + heir.ends, 0);
		peer_has_sent(&heir, 7);
		RUN_UNTIL(f, heir.size == 7);
		assert_int_equal(heir.ends, 0);
		connection_end(&heir);
		connection_end(&c[0]);
		connection_end(&c[1]);
	}
}

/* The same between turns, without a callback. A poller may have kept the
 * event. */
static void an_event_from_before_a_turn_does_not_reach_the_heir(void **state)
{
	struct fixture *f = *state;
	struct connection old, fresh;
	int fds[2];

	for (unsigned i = 0; i < 10; i++) {
		connection_open(&old, f, NULL);
		connection_read(&old);
		turn(f);
		peer_has_sent(&old, 10);
		raw_pair(fds);
		assert_int_equal(rota_handle_close_now(&old.tcp.handle), 0);
		assert_int_equal(dup2(fds[0], old.fd), old.fd);
		raw_close(fds[0]);
		connection_adopt(&fresh, f, old.fd, fds[1], NULL);
		connection_read(&fresh);
		turn(f);
		turn(f);
		assert_int_equal(fresh.reads + fresh.ends, 0);
		peer_has_sent(&fresh, 3);
		RUN_UNTIL(f, fresh.size == 3);
		connection_end(&fresh);
		peer_close(&old);
	}
}

static uint64_t seed;
static unsigned alive;

static void anything(struct connection *c, int status, struct rota_buf buf);

static void free_closed(struct rota_handle *handle)
{
	let_go(rota_container_of(handle, struct connection, tcp.handle));
	alive--;
}

/* Close a stream in a random way. It may be the one whose callback runs. */
static void close_one(unsigned i)
{
	struct connection *c = all[i];

	if (c == NULL)
		return;
	all[i] = NULL;
	if (random_below(&seed, 2) == 0)
		peer_close(c);
	if (c->peer != -1)
		peer_reset(c);
	switch (random_below(&seed, 4)) {
	case 0:
		assert_int_equal(
			rota_stream_close_reset(&c->tcp.stream, free_closed),
			0);
		break;
	case 1:
		assert_int_equal(rota_handle_close(&c->tcp.handle, free_closed),
				 0);
		break;
	case 2:
		assert_int_equal(rota_stream_end(&c->tcp.stream, free_closed),
				 0);
		break;
	default:
		assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
		let_go(c);
		alive--;
	}
}

static void open_one(unsigned i)
{
	if (all[i] != NULL)
		return;
	all[i] = test_malloc(sizeof(*all[i]));
	connection_open_small(all[i], fixture, NULL);
	all[i]->act = anything;
	rota_stream_set_cork(&all[i]->tcp.stream, (int)random_below(&seed, 2));
	connection_read(all[i]);
	peer_sends(all[i], 1 + random_below(&seed, 5000));
	if (random_below(&seed, 4) == 0)
		raw_shutdown(all[i]->peer);
	alive++;
}

static void anything(struct connection *c, int status, struct rota_buf buf)
{
	(void)buf;
	if (status == 0 && random_below(&seed, 2) == 0)
		connection_send(c, 1 + random_below(&seed, 60000));
	for (uint64_t n = random_below(&seed, 4); n > 0; n--)
		close_one((unsigned)random_below(&seed, MANY));
}

/* O4: random closes among many streams, all of which have input and output. */
static void anyone_may_close_anyone(void **state)
{
	seed = random_seed();
	fixture = *state;
	memset(all, 0, sizeof(all));
	for (unsigned round = 0; round < 150; round++) {
		for (unsigned i = 0; i < MANY; i++)
			open_one(i);
		turn(fixture);
	}
	for (unsigned i = 0; i < MANY; i++)
		close_one(i);

	run_to_the_end(fixture);

	assert_int_equal(alive, 0);
}

static const struct CMUnitTest tests[] = {
	REAL(what_was_freed_in_the_batch_is_not_called),
	REAL(what_was_freed_in_the_batch_is_not_written_to),
	REAL(what_was_freed_is_not_told_of_a_drain_that_was_due),
	REAL(an_event_of_the_past_does_not_reach_the_heir),
	REAL(an_event_from_before_a_turn_does_not_reach_the_heir),
	REAL(anyone_may_close_anyone),
};

FIXTURE_MAIN(tests)
