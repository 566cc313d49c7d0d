/*
 * Races of deadline, completion and cancel (O1, O6, O8). In thousands of random
 * cases, reads, writes, shutdowns and connects are started, cancelled, given
 * deadlines, and completed by acts of the peer or by closes, inside callbacks
 * and outside, in the same turn or not. Each request completes once, with a
 * status that one of these explains. Then its memory is overwritten and freed.
 * Time is virtual, and the test advances it.
 *
 * The bytes that arrive are compared with the statuses: no byte that a status
 * reports as written is lost, none comes twice, and none of a cancelled write
 * comes.
 *
 * ROTA_TEST_SEED repeats a run; ROTA_TEST_FULL=1 makes it longer.
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/streams_more.h"

enum kind { READ, WRITE, SHUTDOWN, CONNECT };
enum { SLOTS = 4, TIMERS = 2, READ_SIZE = 12, WRITE_SIZE = 6000, LOG = 64 };

struct race;

/* A request in flight, in its own allocation. */
struct flight {
	union {
		struct rota_request request;
		struct rota_read read;
		struct rota_write write;
		struct rota_shutdown shutdown;
		struct rota_connect connect;
	};
	struct rota_deadline deadline;
	struct race *race;
	enum kind kind;
	unsigned slot;
	unsigned entry;  /* a write's index in the log; a connect's number */
	int cancelled;   /* rota_request_cancel() returned 0 */
	int ended;       /* its status is known to be final */
	uint64_t due_ns; /* the earliest deadline that it has had */
	int timed;       /* it has a deadline, */
	uint64_t set_in; /* set in this turn */
	uint64_t until;  /* for this time */
	char data[];
};

/* The result of a write. */
struct entry {
	size_t size;
	size_t pattern; /* where its bytes are in the pattern */
	int ended;
	int status;
	int cancelled; /* by rota_request_cancel() */
};

struct race {
	struct fixture *f;
	struct rota_loop *loop;
	uint64_t seed;
	struct connection c; /* its handle, and a raw peer */
	enum kind kind;      /* what it tests */
	unsigned left;       /* operations */
	struct flight *flights[SLOTS];
	struct rota_timer timers[TIMERS];

	int closed;      /* a close was called */
	unsigned closes; /* close callbacks */
	int peer_shut;
	int peer_gone;
	int failed; /* the writing side has, or may have */
	int connected;
	unsigned connects;       /* started */
	unsigned char seen[256]; /* bytes that were read, by offset */
	struct entry log[LOG];
	unsigned entries;
	size_t blocked; /* bytes before the first write */
	struct rota_address target;
};

static void operate(struct race *r);

static uint64_t below(struct race *r, uint64_t bound)
{
	return random_below(&r->seed, bound);
}

static uint64_t turn_of(const struct race *r)
{
	return stats_of(r->loop).turns;
}

static void operate_some(struct race *r)
{
	for (uint64_t i = below(r, 3); i > 0; i--)
		operate(r);
}

/* Completions. */

/* Check that something that happened explains @status. */
static void expect_explained(const struct flight *fl, int status)
{
	const struct race *r = fl->race;

	if (fl->cancelled)
		assert_int_equal(status, ROTA_ECANCELED);
	switch (status) {
	case 0:
		assert_false(fl->cancelled);
		break;
	case ROTA_ETIMEDOUT:
		assert_true(fl->due_ns <= rota_loop_now(r->loop));
		break;
	case ROTA_ECANCELED:
		assert_true(fl->cancelled || r->closed || r->failed);
		break;
	case ROTA_EOF:
		assert_int_equal(fl->kind, READ);
		assert_true(r->peer_shut || r->peer_gone);
		break;
	case ROTA_ECONNREFUSED:
		assert_int_equal(fl->kind, CONNECT);
		break;
	default:
		/* After a reset, shutdown(2) fails with ENOTCONN. */
		assert_true(status == ROTA_ECONNRESET || status == ROTA_EPIPE ||
			    (status == ROTA_ENOTCONN && fl->kind == SHUTDOWN));
		assert_true(r->peer_gone || r->kind == CONNECT);
	}
}

static size_t size_of(const struct flight *fl)
{
	static const size_t sizes[] = { READ_SIZE, WRITE_SIZE, 0, 0 };

	return sizeof(*fl) + sizes[fl->kind];
}

/* The request has called back, so its memory may be freed. */
static void end(struct flight *fl, int status)
{
	struct race *r = fl->race;

	assert_ptr_equal(r->flights[fl->slot], fl);
	r->flights[fl->slot] = NULL;
	expect_explained(fl, status);
	if (fl->kind == WRITE) {
		assert_false(r->log[fl->entry].ended);
		r->log[fl->entry].ended = 1;
		r->log[fl->entry].status = status;
		r->log[fl->entry].cancelled = fl->cancelled;
	}
	if (fl->kind != READ && status < 0 && !fl->cancelled)
		r->failed = 1;
	memset(fl, 0xa5, size_of(fl));
	free(fl);
	operate_some(r);
}

/* A case sends fewer than 251 bytes, so each byte is its own offset. */
static void on_read(struct rota_read *read, int status)
{
	struct flight *fl = rota_container_of(read, struct flight, read);
	struct race *r = fl->race;

	if (status == 0)
		assert_true(read->size > 0);
	assert_true(read->size <= READ_SIZE);
	for (size_t i = 0; i < read->size; i++) {
		unsigned char byte = (unsigned char)fl->data[i];

		assert_int_equal(byte, (unsigned char)fl->data[0] + i);
		assert_true(byte < r->c.sent);
		assert_false(r->seen[byte]);
		r->seen[byte] = 1;
	}
	end(fl, status);
}

static void on_write(struct rota_write *write, int status)
{
	end(rota_container_of(write, struct flight, write), status);
}

static void on_shutdown(struct rota_shutdown *shutdown, int status)
{
	end(rota_container_of(shutdown, struct flight, shutdown), status);
}

static void on_connect(struct rota_connect *connect, int status)
{
	struct flight *fl = rota_container_of(connect, struct flight, connect);
	struct race *r = fl->race;

	/* After a cancel, another connect may have begun, or even succeeded,
	 * before this callback. */
	if (!r->closed && fl->entry == r->connects) {
		r->connected = status == 0;
		assert_int_equal(handle_fd(&r->c.tcp.handle) >= 0, status == 0);
	}
	end(fl, status);
}

static void on_close(struct rota_handle *handle)
{
	struct race *r = handle->data;

	for (unsigned i = 0; i < SLOTS; i++)
		assert_null(r->flights[i]);
	r->closes++;
}

/* Operations. */

static struct flight *new_flight(struct race *r, enum kind kind, unsigned slot)
{
	struct flight sample = { .kind = kind };
	struct flight *fl = malloc(size_of(&sample));

	assert_non_null(fl);
	memset(fl, 0x5a, size_of(&sample));
	fl->race = r;
	fl->kind = kind;
	fl->slot = slot;
	fl->cancelled = fl->ended = fl->timed = 0;
	fl->due_ns = UINT64_MAX;
	return fl;
}

static int begin_write_flight(struct race *r, struct flight *fl)
{
	size_t size = 1 + below(r, WRITE_SIZE);
	struct rota_const_buf bufs[1] = { { fl->data, size } };
	struct entry *entry = &r->log[r->entries];
	int status;

	if (r->entries == LOG)
		return ROTA_EINVAL;
	entry->size = size;
	entry->pattern = 1000 + (size_t)r->entries * 9973;
	pattern_fill(fl->data, size, entry->pattern);
	fl->entry = r->entries;
	status = rota_stream_write(&fl->write, &r->c.tcp.stream, bufs, 1,
				   on_write);
	if (status == 0)
		r->entries++;
	return status;
}

static int begin_read_flight(struct race *r, struct flight *fl)
{
	struct rota_buf buf = { fl->data, 1 + below(r, READ_SIZE) };

	return rota_stream_read(&fl->read, &r->c.tcp.stream, buf,
				below(r, buf.size + 1), on_read);
}

static void begin_one(struct race *r)
{
	unsigned slot = (unsigned)below(r, SLOTS);
	enum kind kind = r->kind;
	struct flight *fl;
	int status;

	if (r->flights[slot] != NULL)
		return;
	if (kind == CONNECT && below(r, 3) == 0)
		kind = WRITE;
	else if (kind == WRITE && below(r, 6) == 0)
		kind = SHUTDOWN;
	fl = new_flight(r, kind, slot);
	if (kind == READ)
		status = begin_read_flight(r, fl);
	else if (kind == WRITE)
		status = begin_write_flight(r, fl);
	else if (kind == SHUTDOWN)
		status = rota_stream_shutdown(&fl->shutdown, &r->c.tcp.stream,
					      on_shutdown);
	else
		status = rota_tcp_connect(&fl->connect, &r->c.tcp, &r->target,
					  on_connect);
	if (status == 0) {
		r->flights[slot] = fl;
		if (kind == CONNECT)
			fl->entry = ++r->connects;
		return;
	}
	if (r->closed)
		assert_int_equal(status, ROTA_EINVAL);
	free(fl);
}

static struct flight *some_flight(struct race *r)
{
	return r->flights[below(r, SLOTS)];
}

static void cancel_one(struct race *r)
{
	struct flight *fl = some_flight(r);
	int status;

	if (fl == NULL)
		return;
	status = rota_request_cancel(&fl->request);
	if (fl->cancelled || fl->ended || r->closed)
		assert_int_equal(status, ROTA_EALREADY);
	if (status == 0) {
		fl->cancelled = 1;
		/* Queued output for the connection is cancelled with it. */
		r->failed |= fl->kind == CONNECT;
	} else if (status == ROTA_EBUSY) {
		assert_int_equal(fl->kind, WRITE);
	} else {
		assert_int_equal(status, ROTA_EALREADY);
		fl->ended = 1;
	}
	assert_true(rota_request_is_active(&fl->request));
}

static void set_deadline(struct race *r)
{
	struct flight *fl = some_flight(r);
	uint64_t now = rota_loop_now(r->loop), due;
	int status;

	if (fl == NULL)
		return;
	due = now - ROTA_MSEC(1) + ROTA_MSEC(below(r, 4));
	status = rota_request_set_deadline(&fl->request, &fl->deadline, due);
	if (fl->cancelled || fl->ended || r->closed)
		assert_int_equal(status, ROTA_EINVAL);
	if (status < 0) {
		assert_int_equal(status, ROTA_EINVAL);
		fl->ended = 1;
		return;
	}
	if (due < fl->due_ns)
		fl->due_ns = due;
	fl->timed = 1;
	fl->until = due;
	fl->set_in = turn_of(r);
}

static void clear_deadline(struct race *r)
{
	struct flight *fl = some_flight(r);

	if (fl == NULL)
		return;
	rota_request_clear_deadline(&fl->request);
	fl->timed = 0; /* it may have passed already */
}

static void peer_acts(struct race *r)
{
	uint64_t what = below(r, 16);

	if (r->peer_gone || r->c.peer == -1)
		return;
	if (what == 0) {
		raw_reset(r->c.peer);
		r->c.peer = -1;
		r->peer_gone = 1;
		r->failed = 1;
	} else if (what == 1 && !r->peer_shut && !r->closed) {
		raw_shutdown(r->c.peer);
		r->peer_shut = 1;
	} else if (r->kind == READ && !r->peer_shut && !r->closed &&
		   r->c.sent < 230) {
		(void)peer_tries_to_send(&r->c, 1 + below(r, 20));
	}
}

static void close_it(struct race *r)
{
	if (r->closed)
		return;
	r->closed = 1;
	assert_int_equal(rota_handle_close(&r->c.tcp.handle, on_close), 0);
	assert_int_equal(rota_handle_close(&r->c.tcp.handle, on_close),
			 ROTA_EALREADY);
}

static void on_timer(struct rota_timer *timer)
{
	operate_some(timer->data);
}

static void start_timer(struct race *r)
{
	assert_int_equal(rota_timer_start(&r->timers[below(r, TIMERS)],
					  on_timer, ROTA_MSEC(below(r, 3))),
			 0);
}

static void operate(struct race *r)
{
	uint64_t what = below(r, 40);

	if (r->left == 0)
		return;
	r->left--;
	if (what < 14)
		begin_one(r);
	else if (what < 20)
		cancel_one(r);
	else if (what < 27)
		set_deadline(r);
	else if (what < 28)
		clear_deadline(r);
	else if (what < 35)
		peer_acts(r);
	else if (what < 39)
		start_timer(r);
	else if (below(r, 3) == 0)
		close_it(r);
}

/* A case. */

/* O8: a deadline is not late. If it has passed, its request has completed by
 * the next pending phase, unless it was set during that turn. */
static void make_a_turn(struct race *r)
{
	uint64_t now = rota_loop_update_now(r->loop), turn_before;

	turn(r->f);
	turn_before = turn_of(r);
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct flight *fl = r->flights[i];

		if (fl != NULL && fl->timed && fl->set_in < turn_before)
			assert_true(fl->until > now);
	}
}

static void pass_a_while(struct race *r)
{
	for (uint64_t i = below(r, 4); i > 0; i--)
		operate(r);
	if (below(r, 2))
		assert_int_equal(
			rota_loop_advance(r->loop, ROTA_MSEC(below(r, 3))), 0);
	make_a_turn(r);
}

static void race_begin(struct race *r, struct fixture *f, enum kind kind,
		       uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->f = f;
	r->loop = f->loop;
	r->seed = seed;
	r->kind = kind;
	r->left = 60;
	r->c.peer = -1;
	for (unsigned i = 0; i < TIMERS; i++) {
		rota_timer_init(&r->timers[i], r->loop);
		r->timers[i].data = r;
	}
}

static int in_flight(const struct race *r)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		count += r->flights[i] != NULL;
	return (int)count;
}

/* Close the handle if it is open. Then all requests have called back. */
static void race_end(struct race *r)
{
	r->left = 0;
	for (unsigned i = 0; i < TIMERS; i++)
		rota_timer_stop(&r->timers[i]);
	close_it(r);
	run_to_the_end(r->f);
	assert_int_equal(r->closes, 1);
	assert_int_equal(in_flight(r), 0);
	peer_close(&r->c);
}

static void race_reads(struct fixture *f, uint64_t seed)
{
	struct race r;
	size_t seen = 0;

	race_begin(&r, f, READ, seed);
	connection_open(&r.c, f, NULL);
	r.c.tcp.handle.data = &r;
	while (r.left > 0)
		pass_a_while(&r);

	/* A read that was cancelled with some bytes calls back in the next
	 * turn. */
	if (!r.closed)
		make_a_turn(&r);

	/* Bytes that were not read come next in the stream. */
	while (seen < sizeof(r.seen) && r.seen[seen])
		seen++;
	for (size_t i = seen; i < sizeof(r.seen); i++)
		assert_false(r.seen[i]);
	if (!r.closed && !r.peer_gone && in_flight(&r) == 0 &&
	    seen < r.c.sent) {
		r.c.size = seen;
		if (rota_stream_read_start(&r.c.tcp.stream, collect) == 0)
			RUN_UNTIL(f, r.c.size == r.c.sent);
		assert_int_equal(r.c.wrong, 0);
	}
	race_end(&r);
}

/* What the peer has received: first the blocking bytes, then each write of
 * which a part has left, in order. */
static void expect_what_was_written(const struct race *r, const char *data,
				    size_t size)
{
	size_t at = r->blocked;

	if (size < at) {
		assert_true(pattern_is(data, size, 0));
		return;
	}
	assert_true(pattern_is(data, at, 0));
	for (unsigned i = 0; i < r->entries; i++) {
		const struct entry *e = &r->log[i];
		size_t left = size - at;
		size_t part = left < e->size ? left : e->size;

		if (e->ended && e->status == ROTA_ECANCELED) {
			/* No byte of it, except for the write that was in
			 * progress when the handle was closed. */
			if (r->closed && !e->cancelled &&
			    pattern_is(data + at, part, e->pattern))
				at += part;
			continue;
		}
		if (part > 0 && !pattern_is(data + at, part, e->pattern))
			fail_msg("write %u, of %zu bytes, status %d", i,
				 e->size, e->status);
		at += part;
		if (part < e->size)
			break;
	}
	assert_int_equal(at, size);
}

/* How many bytes must arrive, because their writes have succeeded, unless the
 * peer has gone or the handle was closed. */
static size_t known_to_have_gone(const struct race *r)
{
	size_t sum = r->blocked;

	for (unsigned i = 0; i < r->entries; i++)
		if (r->log[i].ended && r->log[i].status == 0)
			sum += r->log[i].size;
	return sum;
}

static size_t take(int fd, char *data, size_t room, size_t size)
{
	ptrdiff_t n = raw_try_read(fd, data + size, room - size);

	return n > 0 ? size + (size_t)n : size;
}

static void race_writes(struct fixture *f, uint64_t seed)
{
	enum { BLOCK = 120000, ROOM = BLOCK + LOG * WRITE_SIZE };
	static char data[ROOM];
	size_t size = 0;
	struct race r;
	int fds[2], sends = 8192;

	race_begin(&r, f, WRITE, seed);
	raw_pair(fds);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &sends,
				    sizeof(sends)),
			 0);
	connection_adopt(&r.c, f, fds[0], fds[1], NULL);
	r.c.tcp.handle.data = &r;
	r.blocked = below(&r, 4) == 0 ? 0 : BLOCK;
	if (r.blocked > 0)
		assert_true(connection_send(&r.c, r.blocked) >= 0);
	while (r.left > 0) {
		if (r.c.peer != -1 && below(&r, 3) == 0)
			size = take(r.c.peer, data,
				    size + 1 + below(&r, ROOM - size), size);
		pass_a_while(&r);
	}

	if (r.c.peer != -1 && !r.closed)
		RUN_UNTIL(f,
			  (size = take(r.c.peer, data, ROOM, size),
			   in_flight(&r) == 0 &&
				   rota_stream_queued(&r.c.tcp.stream) == 0));
	if (!r.closed && r.c.peer != -1) {
		size_t known = known_to_have_gone(&r);

		RUN_UNTIL(f,
			  r.failed || (size = take(r.c.peer, data, ROOM, size),
				       size >= known));
	}
	expect_what_was_written(&r, data, size);
	race_end(&r);
}

static void race_connects(struct fixture *f, uint64_t seed,
			  const struct rota_address *targets, unsigned count)
{
	struct race r;

	race_begin(&r, f, CONNECT, seed);
	r.left = 30;
	r.target = targets[below(&r, count)];
	assert_int_equal(rota_tcp_init(&r.c.tcp, f->loop), 0);
	r.c.tcp.handle.data = &r;
	while (r.left > 0) {
		pass_a_while(&r);
		/* Make the handle new, so that it can connect again. */
		if (r.connected && !r.closed && in_flight(&r) == 0 &&
		    below(&r, 4) == 0) {
			int fd = rota_stream_detach(&r.c.tcp.stream);

			if (fd == ROTA_EPIPE) /* one side has failed */
				assert_int_equal(
					rota_handle_close_now(&r.c.tcp.handle),
					0);
			else
				raw_close(fd);
			assert_int_equal(rota_tcp_init(&r.c.tcp, f->loop), 0);
			r.c.tcp.handle.data = &r;
			r.connected = r.failed = 0;
		}
	}
	race_end(&r);
}

static unsigned cases(unsigned usual)
{
	if (test_is_full())
		return usual * 10;
	return test_is_sanitized() ? usual / 3 : usual;
}

static void reads_end_once_however_they_end(void **state)
{
	uint64_t seed = random_seed();

	for (unsigned i = 0; i < cases(2000); i++)
		race_reads(*state, seed + i * 7919);
}

static void writes_and_shutdowns_end_once_however_they_end(void **state)
{
	uint64_t seed = random_seed();

	for (unsigned i = 0; i < cases(600); i++)
		race_writes(*state, seed + i * 7919);
}

static void drop(struct server *s, int status, int fd)
{
	(void)s;
	assert_int_equal(status, 0);
	raw_close(fd);
}

static void connects_end_once_however_they_end(void **state)
{
	struct fixture *f = *state;
	struct rota_address targets[4] = { { .is.any.sa_family = AF_INET } };
	uint64_t seed = random_seed();
	int unheard = raw_unheard(&targets[0]);
	struct server s;
	struct jam jam;

	jam_open(&jam, AF_INET);
	server_open(&s, f, 128);
	s.act = drop;
	rota_handle_unref(&s.tcp.handle);
	targets[1] = jam.address;
	targets[2] = s.address;
	targets[3] = s.address;

	for (unsigned i = 0; i < cases(2000); i++)
		race_connects(f, seed + i * 7919, targets, 4);

	server_end(&s);
	jam_close(&jam);
	raw_close(unheard);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(reads_end_once_however_they_end),
	VIRTUAL(writes_and_shutdowns_end_once_however_they_end),
	VIRTUAL(connects_end_once_however_they_end),
};

FIXTURE_MAIN(tests)
