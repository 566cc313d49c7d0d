/*
 * Half-close, end, close and reset never lose bytes that must be delivered, and
 * never report an end twice. Random sequences of sends, writes, shutdowns,
 * ends, closes and resets run on both sides of connections. In between, reading
 * stops and starts, corks are set, streams move to new handles, and the loop
 * makes turns. A model knows how much each side has written, and whether a side
 * has closed early:
 *
 *   - what is read is what was written, from its first byte on, in order;
 *   - if no side closed or reset, it is all of it, and then one end, ROTA_EOF;
 *   - a close by a side that has written and read everything loses nothing;
 *   - otherwise it is the bytes that arrived, and then one end, with any error;
 *   - each request calls back once, and before the close callback.
 *
 * ROTA_TEST_SEED repeats a run; ROTA_TEST_FULL=1 makes it longer.
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/streams_more.h"

enum { BATCH = 4, MOST = 120000, PARTS = 3 };

struct pair;

struct side {
	struct pair *pair;
	struct side *other;
	struct rota_tcp *tcp; /* allocated for it; NULL: closed */

	size_t written; /* all bytes that its writes have accepted */
	size_t read;
	unsigned requests; /* in flight */

	int shut;    /* it must not write any more */
	int ending;  /* rota_stream_end() */
	int closing; /* a close or a reset was called */
	int reset;   /* a reset, and nothing ended it before */
	int reading;
	unsigned ends; /* reports of the end, with `status` */
	int status;
	int failed;  /* a write reported it */
	int pressed; /* a send returned 1, and on_drain was not called since */
	int corked;
};

struct pair {
	struct rota_loop *loop;
	struct side sides[2];
	uint64_t seed;
	int gentle;  /* no close or reset before all is done */
	int broken;  /* there was one, so bytes may be lost */
	int settled; /* nothing more is written */
};

/* A request and the bytes that it writes, in one allocation. */
struct request {
	union {
		struct rota_write write;
		struct rota_shutdown shutdown;
	};
	struct side *side;
	struct rota_const_buf bufs[PARTS];
	size_t size;
	char data[];
};

static uint64_t below(struct pair *p, uint64_t bound)
{
	return random_below(&p->seed, bound);
}

static struct rota_stream *stream_of(struct side *s)
{
	return &s->tcp->stream;
}

static struct side *side_of(struct rota_stream *stream)
{
	return stream->handle.data;
}

/* Whether calls on it are allowed. */
static int is_open(const struct side *s)
{
	return s->tcp != NULL && !s->closing;
}

static int may_write(const struct side *s)
{
	return is_open(s) && !s->shut && !s->pair->settled;
}

/* Callbacks. */

static void on_close(struct rota_handle *handle)
{
	struct side *s = handle->data;

	assert_int_equal(s->requests, 0);
	assert_true(s->closing || s->ending);
	memset(s->tcp, 0xa5, sizeof(*s->tcp));
	free(s->tcp);
	s->tcp = NULL;
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct side *s = side_of(stream);

	assert_true(s->reading);
	assert_false(s->closing || s->ending);
	assert_int_equal(s->ends, 0);
	if (status == 0) {
		assert_true(buf->size > 0);
		assert_true(pattern_is(buf->data, buf->size, s->read));
		s->read += buf->size;
		assert_true(s->read <= s->other->written);
		return;
	}
	s->ends++;
	s->status = status;
	s->reading = 0;
	if (status == ROTA_EOF)
		assert_true(s->other->shut || s->other->closing);
	else
		assert_true(s->pair->broken);
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct side *s = side_of(stream);

	assert_false(s->closing);
	if (status == 0)
		assert_true(s->pressed);
	else
		assert_true(s->pair->broken);
	s->failed |= status < 0;
	s->pressed = 0;
}

static void finish(struct request *r, int status)
{
	struct side *s = r->side;

	assert_true(s->requests > 0);
	assert_non_null(s->tcp);
	s->requests--;
	if (!s->pair->broken && !s->closing)
		assert_int_equal(status, 0);
	assert_true(status <= 0);
	s->failed |= status < 0;
	memset(r, 0xa5, sizeof(*r) + r->size);
	free(r);
}

static void on_write(struct rota_write *write, int status)
{
	finish(rota_container_of(write, struct request, write), status);
}

static void on_shutdown(struct rota_shutdown *shutdown, int status)
{
	finish(rota_container_of(shutdown, struct request, shutdown), status);
}

/* What a side may do. */

static size_t some_size(struct pair *p)
{
	return below(p, 8) == 0 ? 1 + below(p, MOST) : 1 + below(p, 3000);
}

static struct request *new_request(struct side *s, size_t size)
{
	struct request *r = malloc(sizeof(*r) + size);

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->side = s;
	r->size = size;
	pattern_fill(r->data, size, s->written);
	return r;
}

/* A write returns success, or an error if a side has closed early. */
static void expect_taken(struct side *s, ptrdiff_t status)
{
	if (status < 0)
		assert_true(s->pair->broken);
	s->failed |= status < 0 && status != ROTA_EAGAIN;
}

static void send_some(struct side *s)
{
	struct request *r = new_request(s, some_size(s->pair));
	int status = rota_stream_send(stream_of(s), r->data, r->size);

	expect_taken(s, status);
	if (status >= 0)
		s->written += r->size;
	if (status == 1)
		s->pressed = 1;
	free(r);
}

/* Cut it into random parts. */
static size_t cut(struct pair *p, struct request *r)
{
	size_t count = 1 + below(p, PARTS), at = 0;

	for (size_t i = 0; i < count; i++) {
		size_t left = r->size - at;

		r->bufs[i].data = r->data + at;
		r->bufs[i].size = i + 1 < count ? below(p, left + 1) : left;
		at += r->bufs[i].size;
	}
	return count;
}

static void write_some(struct side *s)
{
	struct request *r = new_request(s, some_size(s->pair));
	size_t count = cut(s->pair, r), size = r->size;
	int status;

	s->requests++;
	s->written += size; /* the other side may get it at once */
	status = rota_stream_write(&r->write, stream_of(s), r->bufs, count,
				   on_write);
	if (status == 0)
		return;
	expect_taken(s, status);
	s->requests--;
	s->written -= size;
	free(r);
}

static void try_some(struct side *s)
{
	struct request *r = new_request(s, some_size(s->pair));
	size_t count = cut(s->pair, r);
	ptrdiff_t n = rota_stream_try_write(stream_of(s), r->bufs, count);

	if (n != ROTA_EAGAIN)
		expect_taken(s, n);
	if (n > 0) {
		assert_true((size_t)n <= r->size);
		s->written += (size_t)n;
	}
	free(r);
}

static void shut_down(struct side *s)
{
	struct request *r = new_request(s, 0);
	int status;

	s->requests++;
	status = rota_stream_shutdown(&r->shutdown, stream_of(s), on_shutdown);
	if (status < 0) {
		assert_true(s->pair->broken);
		s->failed = 1;
		s->requests--;
		free(r);
	}
	s->shut = 1;
	assert_int_equal(rota_stream_send(stream_of(s), "x", 1), ROTA_EPIPE);
}

static void start_or_stop(struct side *s)
{
	int status;

	if (s->reading) {
		rota_stream_read_stop(stream_of(s));
		s->reading = 0;
		return;
	}
	status = rota_stream_read_start(stream_of(s), on_read);
	if (s->ends > 0)
		assert_int_equal(status, ROTA_EOF);
	else
		assert_int_equal(status, 0);
	s->reading = status == 0;
}

static void end_it(struct side *s)
{
	s->reading = 0;
	s->shut = 1;
	s->ending = 1;
	assert_int_equal(rota_stream_end(stream_of(s), on_close), 0);
}

/* A close after everything was written and read is as good as an end, if the
 * other side writes no more. */
static int closes_cleanly(const struct side *s)
{
	return s->requests == 0 && !s->corked && !s->shut &&
	       rota_stream_queued(&s->tcp->stream) == 0 &&
	       s->read == s->other->written && !s->pair->broken;
}

static void close_it(struct side *s)
{
	if (closes_cleanly(s) && is_open(s->other) && !s->other->ending)
		s->pair->settled = 1;
	else
		s->pair->broken = 1;
	s->closing = 1;
	assert_int_equal(rota_handle_close(&s->tcp->handle, on_close), 0);
}

static void reset_it(struct side *s)
{
	s->pair->broken = 1;
	s->closing = 1;
	s->reset = !s->shut;
	assert_int_equal(rota_stream_close_reset(stream_of(s), on_close), 0);
}

static void flip_cork(struct side *s)
{
	s->corked = !s->corked;
	rota_stream_set_cork(stream_of(s), s->corked);
}

static void open_handle(struct side *s, int fd)
{
	s->tcp = malloc(sizeof(*s->tcp));
	assert_non_null(s->tcp);
	assert_int_equal(rota_tcp_open(s->tcp, s->pair->loop, fd), 0);
	s->tcp->handle.data = s;
	rota_stream_on_drain(stream_of(s), on_drain);
	if (below(s->pair, 2))
		assert_int_equal(rota_stream_set_watermarks(
					 stream_of(s), below(s->pair, 1000),
					 1000 + below(s->pair, 20000)),
				 0);
	s->corked = 0;
}

/* Move to another handle. The new one does not know of a shutdown or an end, so
 * streams with either do not move. */
static void move(struct side *s)
{
	int fd;

	if (s->shut || s->ends > 0 || s->pair->broken || s->pair->settled)
		return;
	fd = rota_stream_detach(stream_of(s));
	if (fd == ROTA_EBUSY) {
		assert_true(s->requests > 0 ||
			    rota_stream_queued(stream_of(s)) > 0 || s->pressed);
		return;
	}
	assert_true(fd >= 0);
	assert_int_equal(s->requests, 0);
	memset(s->tcp, 0xa5, sizeof(*s->tcp));
	free(s->tcp);
	s->reading = 0;
	s->pressed = 0;
	open_handle(s, fd);
}

static void act(struct side *s)
{
	struct pair *p = s->pair;
	uint64_t what = below(p, 100);

	if (!is_open(s) || s->ending)
		return;
	if (what < 62) {
		if (!may_write(s))
			return;
		if (what < 30)
			send_some(s);
		else if (what < 50)
			write_some(s);
		else if (what < 58)
			try_some(s);
		else
			shut_down(s);
	} else if (what < 76) {
		start_or_stop(s);
	} else if (what < 84) {
		flip_cork(s);
	} else if (what < 90) {
		move(s);
	} else if (what < 93) {
		end_it(s);
	} else if (!p->gentle) {
		if (what < 97)
			close_it(s);
		else
			reset_it(s);
	}
}

/* A sequence. */

/* Limit the send buffer. With a small receive buffer, TCP itself would be
 * slow. */
static void little_room(int fd)
{
	int size = 4096;

	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
}

static void pair_begin(struct pair *p, struct rota_loop *loop, uint64_t seed)
{
	int fds[2];

	memset(p, 0, sizeof(*p));
	p->loop = loop;
	p->seed = seed;
	p->gentle = (int)below(p, 2);
	raw_pair(fds);
	for (unsigned i = 0; i < 2; i++) {
		if (below(p, 2))
			little_room(fds[i]);
		p->sides[i].pair = p;
		p->sides[i].other = &p->sides[1 - i];
		open_handle(&p->sides[i], fds[i]);
		if (below(p, 4) > 0)
			start_or_stop(&p->sides[i]);
	}
}

/* Let all writes complete. From now on no side closes early. */
static void wind_up(struct side *s)
{
	if (!is_open(s) || s->ending)
		return;
	if (s->corked)
		flip_cork(s);
	if (!s->reading && s->ends == 0)
		start_or_stop(s);
	if (s->shut)
		return;
	if (below(s->pair, 4) == 0)
		end_it(s);
	else
		shut_down(s);
}

static int is_done(const struct side *s)
{
	return s->tcp == NULL ||
	       (s->requests == 0 && s->ends > 0 && !s->closing && !s->ending);
}

/* Check what the rules at the top of this file say. */
static void expect_delivered(const struct side *s)
{
	const struct pair *p = s->pair;

	assert_int_equal(s->requests, 0);
	if (s->closing || s->ending)
		return; /* it has discarded the rest */
	assert_int_equal(s->ends, 1);
	/* A reset is not reported as ROTA_EOF, unless a write has reported
	 * it. */
	if (s->other->reset && s->status == ROTA_EOF)
		assert_true(s->failed);
	if (p->broken)
		return;
	assert_int_equal(s->status, ROTA_EOF);
	assert_int_equal(s->read, s->other->written);
	assert_false(s->pressed && !p->settled);
}

static void close_what_is_left(struct side *s)
{
	if (s->tcp == NULL || s->closing)
		return;
	s->closing = 1;
	assert_int_equal(rota_handle_close(&s->tcp->handle, on_close), 0);
}

static void run_batch(struct fixture *f, uint64_t seed)
{
	struct pair *pairs = test_calloc(BATCH, sizeof(*pairs));
	struct side *sides[2 * BATCH];
	uint64_t steps = 20 + random_below(&seed, 120);

	for (unsigned i = 0; i < BATCH; i++) {
		pair_begin(&pairs[i], f->loop, seed + i * 104729 + 1);
		sides[2 * i] = &pairs[i].sides[0];
		sides[2 * i + 1] = &pairs[i].sides[1];
	}

	for (uint64_t i = 0; i < steps; i++) {
		act(sides[random_below(&seed, (uint64_t)2 * BATCH)]);
		if (random_below(&seed, 3) == 0)
			turn(f);
	}
	for (unsigned i = 0; i < 2 * BATCH; i++)
		wind_up(sides[i]);
	for (unsigned i = 0; i < 2 * BATCH; i++)
		RUN_UNTIL(f, is_done(sides[i]));
	turn(f);
	for (unsigned i = 0; i < 2 * BATCH; i++)
		expect_delivered(sides[i]);

	for (unsigned i = 0; i < 2 * BATCH; i++)
		close_what_is_left(sides[i]);
	run_to_the_end(f);
	for (unsigned i = 0; i < 2 * BATCH; i++)
		assert_null(sides[i]->tcp);
	test_free(pairs);
}

/* Half-close, EOF and RST never lose data. */
static void random_ends_lose_nothing_and_are_told_once(void **state)
{
	unsigned sequences = test_is_full()        ? 10000
			     : test_is_sanitized() ? 400
						   : 1200;
	uint64_t seed = random_seed();

	for (unsigned i = 0; i < sequences / BATCH; i++)
		run_batch(*state, seed + i * 7919);
}

static const struct CMUnitTest tests[] = {
	REAL(random_ends_lose_nothing_and_are_told_once),
};

FIXTURE_MAIN(tests)
