/*
 * Failures (F3): a listener, a connection to it and an echo. The first system
 * call of a kind fails, then the second, and so on, until all succeeds; and the
 * same with allocations. Every error is returned by a call or passed to a
 * callback; nothing hangs, nothing leaks, and the next try succeeds.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>

#include "support/fault.h"
#include "support/streams_more.h"

static const char greeting[] = "hello, is there anybody?";

/* One run of the scene. The first error is kept; then everything is closed. */
struct scene {
	struct fixture *f;
	struct rota_tcp listener, client, accepted;
	int made[3]; /* open handles */
	struct rota_connect connect;
	struct rota_write write;
	struct rota_shutdown shutdown;
	unsigned flights; /* requests */
	int error;        /* the first one */
	size_t echoed;
	int done;
};

enum { LISTENER, CLIENT, ACCEPTED };

static void note(struct scene *s, int status)
{
	if (status < 0 && s->error == 0)
		s->error = status;
}

static struct scene *scene_of(struct rota_stream *stream)
{
	return stream->handle.data;
}

static void on_write(struct rota_write *write, int status)
{
	struct scene *s = rota_container_of(write, struct scene, write);

	s->flights--;
	note(s, status);
}

static void on_shutdown(struct rota_shutdown *shutdown, int status)
{
	struct scene *s = rota_container_of(shutdown, struct scene, shutdown);

	s->flights--;
	note(s, status);
}

static void on_echo(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct scene *s = scene_of(stream);

	if (status == ROTA_EOF) {
		s->done = 1;
	} else if (status < 0) {
		note(s, status);
	} else {
		assert_memory_equal(buf->data, greeting + s->echoed, buf->size);
		s->echoed += buf->size;
	}
}

static void on_connect(struct rota_connect *connect, int status)
{
	struct scene *s = rota_container_of(connect, struct scene, connect);
	struct rota_stream *stream = &s->client.stream;
	struct rota_const_buf bufs[2] = { { greeting, 5 },
					  { (char *)(uintptr_t)greeting + 5,
					    sizeof(greeting) - 5 } };
	static struct rota_const_buf kept[2];

	s->flights--;
	note(s, status);
	if (s->error < 0)
		return;
	memcpy(kept, bufs, sizeof(kept));
	note(s, rota_tcp_set_nodelay(&s->client, 1));
	note(s, rota_stream_read_start(stream, on_echo));
	status = rota_stream_write(&s->write, stream, kept, 2, on_write);
	s->flights += status == 0;
	note(s, status);
	status = rota_stream_shutdown(&s->shutdown, stream, on_shutdown);
	s->flights += status == 0;
	if (status != ROTA_EPIPE) /* its write failed, and calls back */
		note(s, status);
}

static void on_heard(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	struct scene *s = scene_of(stream);

	if (status == ROTA_EOF)
		status = rota_stream_end(stream, NULL);
	else if (status == 0)
		status = rota_stream_send(stream, buf->data, buf->size);
	note(s, status);
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct scene *s = scene_of(stream);

	note(s, status);
	if (status < 0)
		return;
	if (s->made[ACCEPTED]) {
		raw_close(fd); /* of an earlier attempt */
		return;
	}
	status = rota_tcp_open(&s->accepted, s->f->loop, fd);
	note(s, status);
	if (status < 0) {
		raw_close(fd);
		return;
	}
	s->made[ACCEPTED] = 1;
	s->accepted.handle.data = s;
	note(s, rota_stream_read_start(&s->accepted.stream, on_heard));
}

static void begin(struct scene *s)
{
	struct rota_address address;
	int status;

	loopback(&address, AF_INET, 0);
	status = rota_tcp_init(&s->listener, s->f->loop);
	note(s, status);
	s->made[LISTENER] = status == 0;
	s->listener.handle.data = s;
	if (s->error == 0)
		note(s, rota_tcp_bind(&s->listener, &address, 0));
	if (s->error == 0)
		note(s,
		     rota_stream_listen(&s->listener.stream, 8, on_connection));
	if (s->error == 0)
		note(s, rota_tcp_own_address(&s->listener, &address));
	if (s->error < 0)
		return;
	status = rota_tcp_init(&s->client, s->f->loop);
	note(s, status);
	s->made[CLIENT] = status == 0;
	s->client.handle.data = s;
	if (s->error < 0)
		return;
	status =
		rota_tcp_connect(&s->connect, &s->client, &address, on_connect);
	s->flights += status == 0;
	note(s, status);
}

static void close_one(struct rota_tcp *tcp, int made)
{
	if (made && !rota_handle_is_closing(&tcp->handle))
		assert_int_equal(rota_handle_close(&tcp->handle, NULL), 0);
}

/* Run the scene once, with the armed fault. Returns the first error, or 0. */
static int play(struct fixture *f)
{
	struct scene s = { .f = f };

	begin(&s);
	RUN_UNTIL(f, s.error < 0 || s.done);

	if (s.error == 0)
		assert_int_equal(s.echoed, sizeof(greeting));
	close_one(&s.client, s.made[CLIENT]);
	close_one(&s.accepted, s.made[ACCEPTED]);
	close_one(&s.listener, s.made[LISTENER]);
	run_to_the_end(f);
	assert_int_equal(s.flights, 0);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	return s.error;
}

/* Run it with the first call of @name failing, then with the second, and so on.
 * Returns how often a call failed. */
static unsigned sweep(struct fixture *f, const char *name, int error,
		      int may_be_told)
{
	int descriptors = count_descriptors();
	unsigned hit, nth = 0;

	do {
		int first;

		fault_fail(name, ++nth, error);
		first = play(f);
		hit = fault_clear();
		assert_int_equal(count_descriptors(), descriptors);
		if (first != 0 && (!may_be_told || first != -error))
			fail_msg("%s no. %u failed with %s: told %s", name, nth,
				 rota_error_name(-error),
				 rota_error_name(first));
	} while (hit > 0);
	return nth - 1;
}

static void each_system_call_may_fail(void **state)
{
	static const char *const names[] = {
		"socket",      "bind",       "listen", "connect",
		"getsockopt",  "setsockopt", "fcntl",  "getsockname",
		"getpeername", "recv",       "send",   "sendmsg",
		"shutdown",    "epoll_ctl",  "open",   "fstat",
	};
	struct fixture *f = *state;
	unsigned failed = 0;

	assert_int_equal(play(f), 0); /* allocates what the loop keeps */
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		failed += sweep(f, names[i], EIO, 1);
	assert_true(failed >= 8);
	assert_true(sweep(f, "accept4", ENOBUFS, 1) > 0);
	assert_int_equal(play(f), 0);
}

/* System calls that a signal interrupts are made again, without a report. A
 * connect continues by itself; a close is done. */
static void each_system_call_may_be_interrupted(void **state)
{
	static const char *const names[] = { "accept4", "recv", "send",
					     "sendmsg", "close" };
	struct fixture *f = *state;
	unsigned failed = 0;

	assert_int_equal(play(f), 0);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		failed += sweep(f, names[i], EINTR, 0);
	assert_true(failed >= 5);
}

/* A connection that has gone is skipped, and the listener stays open. */
static void a_connection_may_be_gone_before_it_is_accepted(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(play(f), 0);
	assert_true(sweep(f, "accept4", ECONNABORTED, 0) > 0);
	assert_true(sweep(f, "accept4", EPROTO, 0) > 0);
}

/* Each allocation fails once, in a loop that has made no stream yet. What the
 * loop keeps is freed with it. */
static void each_allocation_may_fail(void **state)
{
	struct fixture *f = *state;
	size_t failed, nth = 0;

	do {
		int first;

		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + ++nth;
		first = play(f);
		f->memory.fail_at = 0;
		failed = f->memory.failed;
		if (first != 0)
			assert_int_equal(first, ROTA_ENOMEM);
		if (failed == 0)
			assert_int_equal(first, 0);
		/* Make a new loop, so that nothing is kept from before. */
		assert_int_equal(rota_loop_close(f->loop), 0);
		assert_int_equal(f->memory.bytes, 0);
		f->loop = NULL;
		if (failed > 0) {
			struct rota_loop_options options;

			fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
			assert_int_equal(rota_loop_new(&f->loop, &options), 0);
		}
	} while (failed > 0);
	assert_true(nth > 3);
}

static const struct CMUnitTest tests[] = {
	REAL(each_system_call_may_fail),
	REAL(each_system_call_may_be_interrupted),
	REAL(a_connection_may_be_gone_before_it_is_accepted),
	REAL(each_allocation_may_fail),
};

FIXTURE_MAIN(tests)
