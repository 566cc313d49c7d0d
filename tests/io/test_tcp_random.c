/*
 * Random operations on many streams and listeners, with nodes in between,
 * checked against a model of what may be called. Every callback does random
 * things: it starts, stops, sends, writes, reads, cancels, sets deadlines,
 * corks, shuts down, ends, closes, frees, detaches and connects any of them,
 * itself included. Whatever has ended is overwritten and freed at once. The
 * test checks that
 *
 *   - no callback runs inside a call, nor inside another callback (O7);
 *   - no callback comes for what is closed or freed, except those of its
 *     requests in the closing phase and then that of the close, once (O2, O3,
 *     O4);
 *   - each request calls back once (O1), and no tick waits meanwhile (T10);
 *   - what is read is what was written at the other end, in order;
 *   - calls on a stream that is closing, fresh, connected or shut down return
 *     what the headers document;
 *   - when everything is closed, the loop ends and nothing is left.
 *
 * ROTA_TEST_SEED repeats a run; ROTA_TEST_FULL=1 makes it longer.
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "support/streams_more.h"

enum { STREAMS = 12, LISTENERS = 2, NODES = 8, OPERATIONS = 1500 };
enum { WRITE_SIZE = 20000, READ_SIZE = 5000, PORTS = 65536 };

enum state { NONE, FRESH, CONNECTING, CONNECTED, CLOSING };
enum kind { READ, WRITE, SHUTDOWN, CONNECT, KINDS };
enum node_kind { TIMER, TICK, MICRO, IMMEDIATE, POST, HOOK, NODE_KINDS };

struct world;

/* A stream in the model. Its handle has an allocation of its own. */
struct slot {
	struct world *w;
	struct rota_tcp *tcp; /* NULL if the state is NONE */
	enum state state;
	unsigned requests;
	unsigned reads; /* how many of these are reads */
	int flowing;
	int shut;
	int ending;
	int ended;   /* the end of its input was reported */
	int blurred; /* after a short read, its bytes may come later */
	size_t produced, consumed;
	unsigned port; /* the client's port, which identifies the pair */
	int is_server;
};

struct request {
	union {
		struct rota_request request;
		struct rota_read read;
		struct rota_write write;
		struct rota_shutdown shutdown;
		struct rota_connect connect;
	};
	struct rota_deadline deadline;
	struct slot *slot;
	struct request *next, **at; /* in the list of all in flight */
	enum kind kind;
	int cancelled;
	size_t size;
	char data[];
};

struct listener {
	struct world *w;
	struct rota_tcp *tcp; /* NULL: none */
	struct rota_address address;
	int closing;
};

struct node {
	struct world *w;
	enum node_kind kind;
	union {
		void *memory;
		struct rota_timer *timer;
		struct rota_task *task;
		struct rota_hook *hook;
	};
	int active;
	int repeats; /* if it is a timer */
};

struct world {
	struct fixture *f;
	struct rota_loop *loop;
	uint64_t seed;
	unsigned left; /* operations */
	int in_call;   /* in a call of the library, where no callback may run */
	unsigned calls[KINDS + 6];
	struct slot slots[STREAMS];
	struct listener listeners[LISTENERS];
	struct node nodes[NODES];
	struct request *first;
	/* By the client's port, for each side: queued output was removed again,
	 * so its pattern has gaps. */
	unsigned char broken[2][PORTS];
};

static void operate(struct world *w);

static uint64_t below(struct world *w, uint64_t bound)
{
	return random_below(&w->seed, bound);
}

/* Checks that all callbacks make. */

static int is_waiting(const struct world *w, enum node_kind kind)
{
	for (unsigned i = 0; i < NODES; i++)
		if (w->nodes[i].kind == kind && w->nodes[i].active)
			return 1;
	return 0;
}

static void enter(struct world *w, int is_tick)
{
	assert_false(w->in_call);
	if (!is_tick) {
		assert_false(is_waiting(w, TICK));
		assert_false(is_waiting(w, MICRO));
	}
}

static void act(struct world *w)
{
	w->in_call++;
	for (uint64_t i = below(w, 4); i > 0; i--)
		operate(w);
	w->in_call--;
}

static void expect_phase(struct world *w, enum rota_phase first,
			 enum rota_phase second)
{
	enum rota_phase phase = rota_loop_phase(w->loop);

	assert_true(phase == first || phase == second);
}

static void poison(void *memory, size_t size)
{
	memset(memory, 0xa5, size);
	free(memory);
}

/* Streams. */

static struct slot *slot_of(struct rota_handle *handle)
{
	return handle->data;
}

static void slot_is_gone(struct slot *s)
{
	assert_int_equal(s->requests, 0);
	poison(s->tcp, sizeof(*s->tcp));
	*s = (struct slot){ .w = s->w };
}

static void on_close(struct rota_handle *handle)
{
	struct slot *s = slot_of(handle);
	struct world *w = s->w;

	enter(w, 0);
	assert_true(s->state == CLOSING || s->ending);
	expect_phase(w, ROTA_PHASE_CLOSING, ROTA_PHASE_CLOSING);
	slot_is_gone(s);
	w->calls[KINDS]++;
	act(w);
}

static void check_bytes(struct slot *s, const char *data, size_t size)
{
	if (!s->blurred && !s->w->broken[!s->is_server][s->port])
		assert_true(pattern_is(data, size, s->consumed));
	s->consumed += size;
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct slot *s = slot_of(&stream->handle);
	struct world *w = s->w;

	enter(w, 0);
	expect_phase(w, ROTA_PHASE_POLL, ROTA_PHASE_POLL);
	assert_int_equal(s->state, CONNECTED);
	assert_true(s->flowing && !s->ended && !s->ending);
	if (status < 0) {
		s->flowing = 0;
		s->ended = 1;
	} else {
		check_bytes(s, buf->data, buf->size);
	}
	w->calls[KINDS + 1]++;
	act(w);
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct slot *s = slot_of(&stream->handle);

	(void)status;
	enter(s->w, 0);
	expect_phase(s->w, ROTA_PHASE_POLL, ROTA_PHASE_PENDING);
	assert_int_not_equal(s->state, CLOSING);
	s->w->calls[KINDS + 2]++;
	act(s->w);
}

/* Checks for each request. The caller owns it again, and frees it. */
static struct slot *finish(struct request *r, int status)
{
	struct slot *s = r->slot;

	enter(s->w, 0);
	assert_non_null(s->tcp);
	assert_true(s->requests > 0);
	assert_true(status <= 0);
	if (s->state == CLOSING)
		expect_phase(s->w, ROTA_PHASE_CLOSING, ROTA_PHASE_CLOSING);
	else if (!s->ending)
		expect_phase(s->w, ROTA_PHASE_POLL, ROTA_PHASE_PENDING);
	if (r->cancelled)
		assert_int_equal(status, ROTA_ECANCELED);
	assert_false(rota_request_is_active(&r->request));
	s->requests--;
	s->reads -= r->kind == READ;
	s->w->calls[r->kind]++;
	*r->at = r->next;
	if (r->next != NULL)
		r->next->at = r->at;
	return s;
}

static void release(struct request *r)
{
	poison(r, sizeof(*r) + r->size);
}

static void on_read_done(struct rota_read *read, int status)
{
	struct request *r = rota_container_of(read, struct request, read);
	struct slot *s = finish(r, status);

	if (status == 0)
		assert_true(read->size > 0);
	if (read->size > 0)
		check_bytes(s, r->data, read->size);
	/* All queued reads get the end. */
	if (status < 0 && status != ROTA_ECANCELED && status != ROTA_ETIMEDOUT)
		s->ended = 1;
	release(r);
	act(s->w);
}

static void on_write(struct rota_write *write, int status)
{
	struct request *r = rota_container_of(write, struct request, write);
	struct slot *s = finish(r, status);

	release(r);
	act(s->w);
}

static void on_shutdown(struct rota_shutdown *shutdown, int status)
{
	struct request *r =
		rota_container_of(shutdown, struct request, shutdown);
	struct slot *s = finish(r, status);

	release(r);
	act(s->w);
}

static void note_port(struct slot *s, unsigned port, int is_server)
{
	s->port = port;
	s->is_server = is_server;
}

static void on_connect(struct rota_connect *connect, int status)
{
	struct request *r = rota_container_of(connect, struct request, connect);
	struct slot *s = finish(r, status);

	release(r);
	if (s->state == CONNECTING) {
		s->state = status == 0 ? CONNECTED : FRESH;
		if (status < 0) {
			s->shut = 0;
			s->produced = 0;
		}
	}
	act(s->w);
}

static struct request *new_request(struct slot *s, enum kind kind, size_t size)
{
	struct request *r = malloc(sizeof(*r) + size);

	assert_non_null(r);
	memset(r, 0x5a, sizeof(*r) + size);
	r->slot = s;
	r->kind = kind;
	r->cancelled = 0;
	r->size = size;
	return r;
}

/* Keep the request if @status, the result of the call that starts it, is 0. */
static void begun(struct request *r, int status)
{
	struct world *w = r->slot->w;

	if (status < 0) {
		free(r);
		return;
	}
	r->slot->requests++;
	r->slot->reads += r->kind == READ;
	r->next = w->first;
	r->at = &w->first;
	if (w->first != NULL)
		w->first->at = &r->next;
	w->first = r;
}

/* What a write returns because of the state alone: 0 if it may succeed. */
static int expected(const struct slot *s)
{
	if (s->state == CLOSING)
		return ROTA_EINVAL;
	if (s->state == FRESH)
		return ROTA_ENOTCONN;
	if (s->shut || s->ending)
		return ROTA_EPIPE;
	return 0;
}

/* Its connect has failed, but did not call back yet. */
static int has_failed(const struct slot *s, ptrdiff_t status)
{
	return s->state == CONNECTING && status == ROTA_ENOTCONN;
}

static void expect_status(const struct slot *s, ptrdiff_t status)
{
	if (s->ending && status == ROTA_EINVAL)
		return; /* it has closed by itself */
	if (has_failed(s, status))
		return;
	if (expected(s) < 0)
		assert_int_equal(status, expected(s));
	else if (status < 0)
		assert_true(status == ROTA_EPIPE || status == ROTA_ECONNRESET ||
			    status == ROTA_EAGAIN);
}

static void send_some(struct slot *s)
{
	static char data[WRITE_SIZE];
	size_t size = 1 + below(s->w, WRITE_SIZE);
	int status;

	pattern_fill(data, size, s->produced);
	status = rota_stream_send(&s->tcp->stream, data, size);
	expect_status(s, status);
	if (status >= 0)
		s->produced += size;
}

static void try_some(struct slot *s)
{
	static char data[WRITE_SIZE];
	struct rota_const_buf buf = { data, 1 + below(s->w, WRITE_SIZE) };
	ptrdiff_t n;

	pattern_fill(data, buf.size, s->produced);
	n = rota_stream_try_write(&s->tcp->stream, &buf, 1);
	expect_status(s, n);
	if (n > 0)
		s->produced += (size_t)n;
}

static void write_some(struct slot *s)
{
	size_t size = 1 + below(s->w, WRITE_SIZE);
	struct request *r = new_request(s, WRITE, size);
	struct rota_const_buf buf = { r->data, size };
	int status;

	pattern_fill(r->data, size, s->produced);
	status = rota_stream_write(&r->write, &s->tcp->stream, &buf, 1,
				   on_write);
	expect_status(s, status);
	if (status == 0)
		s->produced += size;
	begun(r, status);
}

static void read_some(struct slot *s)
{
	size_t size = 1 + below(s->w, READ_SIZE);
	struct request *r = new_request(s, READ, size);
	struct rota_buf buf = { r->data, size };
	int status = rota_stream_read(&r->read, &s->tcp->stream, buf,
				      below(s->w, size + 1), on_read_done);

	if (s->state == CLOSING)
		assert_int_equal(status, ROTA_EINVAL);
	else if (s->ending)
		assert_true(status == ROTA_EINVAL || status == ROTA_ENOTCONN);
	else if (s->state != CONNECTED)
		assert_int_equal(status, ROTA_ENOTCONN);
	else
		assert_int_equal(status, s->flowing ? ROTA_EBUSY : 0);
	begun(r, status);
}

static void flow_or_not(struct slot *s)
{
	int status;

	if (s->flowing && below(s->w, 2)) {
		rota_stream_read_stop(&s->tcp->stream);
		s->flowing = 0;
		return;
	}
	status = rota_stream_read_start(&s->tcp->stream, on_read);
	if (s->state == CLOSING)
		assert_int_equal(status, ROTA_EINVAL);
	else if (s->ending)
		assert_true(status == ROTA_EINVAL || status == ROTA_ENOTCONN);
	else if (s->state != CONNECTED)
		assert_int_equal(status, ROTA_ENOTCONN);
	else if (s->ended)
		assert_int_equal(status, ROTA_EOF);
	else if (s->reads > 0 && status < 0) /* they may have just ended */
		assert_true(status == ROTA_EBUSY || status == ROTA_EOF);
	else
		assert_true(status == 0 || status == ROTA_EOF);
	if (status == 0)
		s->flowing = 1;
	else if (status == ROTA_EOF)
		s->ended = 1;
}

static void shut_down(struct slot *s)
{
	struct request *r = new_request(s, SHUTDOWN, 0);
	int status = rota_stream_shutdown(&r->shutdown, &s->tcp->stream,
					  on_shutdown);

	if (s->state == CLOSING)
		assert_int_equal(status, ROTA_EINVAL);
	else if (s->ending)
		assert_true(status < 0);
	else if (s->state == FRESH)
		assert_int_equal(status, ROTA_ENOTCONN);
	else if (status == 0)
		s->shut = 1;
	else
		assert_true(status == ROTA_EALREADY || status == ROTA_EPIPE ||
			    has_failed(s, status));
	begun(r, status);
}

static void close_it(struct slot *s)
{
	int status =
		below(s->w, 3) == 0
			? rota_stream_close_reset(&s->tcp->stream, on_close)
			: rota_handle_close(&s->tcp->handle, on_close);

	if (s->ending && status == ROTA_EALREADY)
		return; /* it has closed by itself */
	assert_int_equal(status, s->state == CLOSING ? ROTA_EALREADY : 0);
	s->state = CLOSING;
}

static void close_now(struct slot *s)
{
	int status = rota_handle_close_now(&s->tcp->handle);

	if (s->state == CLOSING || (s->ending && status == ROTA_EALREADY))
		assert_int_equal(status, ROTA_EALREADY);
	else if (s->requests > 0)
		assert_int_equal(status, ROTA_EBUSY);
	else
		assert_int_equal(status, 0);
	if (status == 0)
		slot_is_gone(s);
}

static void end_it(struct slot *s)
{
	int status = rota_stream_end(&s->tcp->stream, on_close);

	if (s->state == CLOSING)
		assert_int_equal(status, ROTA_EINVAL);
	else if (s->ending)
		assert_true(status == ROTA_EALREADY || status == ROTA_EINVAL);
	else
		assert_int_equal(status, 0); /* reads are cancelled */
	if (status == 0) {
		s->ending = 1;
		s->flowing = 0;
		if (s->state == FRESH)
			s->state = CLOSING;
	}
}

static struct slot *free_slot(struct world *w)
{
	unsigned start = (unsigned)below(w, STREAMS);

	for (unsigned i = 0; i < STREAMS; i++)
		if (w->slots[(start + i) % STREAMS].state == NONE)
			return &w->slots[(start + i) % STREAMS];
	return NULL;
}

static void make_stream(struct slot *s)
{
	s->tcp = malloc(sizeof(*s->tcp));
	assert_non_null(s->tcp);
	memset(s->tcp, 0x5a, sizeof(*s->tcp));
}

static void set_up(struct slot *s, enum state state)
{
	struct world *w = s->w;

	s->state = state;
	s->tcp->handle.data = s;
	if (below(w, 2))
		rota_stream_on_drain(&s->tcp->stream, on_drain);
	if (below(w, 3) == 0)
		assert_int_equal(rota_stream_set_watermarks(
					 &s->tcp->stream, below(w, 1000),
					 below(w, 30000) + 1000),
				 0);
}

static void open_fresh(struct world *w)
{
	struct slot *s = free_slot(w);

	if (s == NULL)
		return;
	make_stream(s);
	assert_int_equal(rota_tcp_init(s->tcp, w->loop), 0);
	set_up(s, FRESH);
}

static void connect_it(struct slot *s)
{
	struct world *w = s->w;
	struct listener *l = &w->listeners[below(w, LISTENERS)];
	struct rota_address own;
	struct request *r;
	int status;

	if (l->address.size == 0 || s->ending)
		return;
	/* After a cancel the handle is fresh before the callback runs, so wait
	 * for it. */
	if (s->state == CONNECTING || (s->state == FRESH && s->requests > 0))
		return;
	r = new_request(s, CONNECT, 0);
	status = rota_tcp_connect(&r->connect, s->tcp, &l->address, on_connect);
	if (s->state == CLOSING)
		assert_int_equal(status, ROTA_EINVAL);
	else if (s->state == CONNECTED)
		assert_int_equal(status, ROTA_EISCONN);
	else if (s->state == FRESH)
		assert_int_equal(status, 0);
	begun(r, status);
	if (s->state != FRESH)
		return;
	s->state = CONNECTING;
	s->produced = s->consumed = 0;
	s->shut = s->ended = s->blurred = 0;
	if (rota_tcp_own_address(s->tcp, &own) == 0) {
		note_port(s, rota_address_port(&own), 0);
		w->broken[0][s->port] = w->broken[1][s->port] = 0;
	}
}

/* Detach the descriptor, and open it in a new handle or close it. */
static void move(struct slot *s)
{
	struct slot kept = *s;
	int fd = rota_stream_detach(&s->tcp->stream);

	if (s->state == CLOSING)
		assert_int_equal(fd, ROTA_EALREADY);
	else if (s->ending)
		assert_true(fd < 0);
	else if (s->state == FRESH)
		assert_int_equal(fd, ROTA_ENOTCONN);
	else if (s->requests > 0)
		assert_true(fd == ROTA_EBUSY || fd == ROTA_EPIPE ||
			    has_failed(s, fd));
	if (fd < 0)
		return;
	assert_int_equal(kept.state, CONNECTED);
	slot_is_gone(s);
	if (kept.shut || kept.ended || below(s->w, 3) == 0) {
		raw_close(fd);
		return;
	}
	make_stream(s);
	assert_int_equal(rota_tcp_open(s->tcp, s->w->loop, fd), 0);
	set_up(s, CONNECTED);
	s->produced = kept.produced;
	s->consumed = kept.consumed;
	s->blurred = kept.blurred;
	note_port(s, kept.port, kept.is_server);
	/* A socket that was reset has no peer any more: then close it. */
	if (rota_tcp_peer_address(s->tcp, &(struct rota_address){ 0 }) < 0)
		close_now(s);
}

static void operate_on_stream(struct world *w)
{
	struct slot *s = &w->slots[below(w, STREAMS)];
	uint64_t what = below(w, 100);

	if (s->state == NONE)
		open_fresh(w);
	else if (s->state == FRESH && what < 70)
		connect_it(s);
	else if (what < 25)
		send_some(s);
	else if (what < 40)
		write_some(s);
	else if (what < 46)
		try_some(s);
	else if (what < 60)
		flow_or_not(s);
	else if (what < 70)
		read_some(s);
	else if (what < 77)
		rota_stream_set_cork(&s->tcp->stream, (int)below(w, 2));
	else if (what < 81)
		shut_down(s);
	else if (what < 84)
		end_it(s);
	else if (what < 87)
		close_it(s);
	else if (what < 91)
		close_now(s);
	else if (what < 94)
		move(s);
	else if (what < 96)
		connect_it(s);
	else if (below(w, 2))
		rota_handle_unref(&s->tcp->handle);
	else
		rota_handle_ref(&s->tcp->handle);
}

/* Requests. */

static struct request *some_request(struct world *w)
{
	struct request *r = w->first;

	for (uint64_t i = below(w, 8); r != NULL && i > 0; i--)
		r = r->next;
	return r;
}

/* Some of its bytes may be missing, or come later than others. */
static void may_be_cut_short(struct request *r)
{
	struct slot *s = r->slot;

	if (r->kind == READ)
		s->blurred = 1;
	else
		s->w->broken[s->is_server][s->port] = 1;
}

static void cancel_one(struct world *w)
{
	struct request *r = some_request(w);
	int status;

	if (r == NULL)
		return;
	status = rota_request_cancel(&r->request);
	if (r->cancelled || r->slot->state == CLOSING)
		assert_int_equal(status, ROTA_EALREADY);
	if (status == 0) {
		r->cancelled = 1;
		may_be_cut_short(r);
		/* test_stream_shutdown.c tests whether it can be shut down
		 * again. */
		if (r->kind == SHUTDOWN)
			close_it(r->slot);
	} else {
		assert_true(status == ROTA_EALREADY ||
			    (status == ROTA_EBUSY && r->kind == WRITE));
	}
}

static void set_deadline(struct world *w)
{
	struct request *r = some_request(w);
	int status;

	if (r == NULL || r->kind == SHUTDOWN)
		return;
	status = rota_request_set_deadline(&r->request, &r->deadline,
					   rota_loop_now(w->loop) +
						   ROTA_MSEC(below(w, 5)));
	if (r->cancelled || r->slot->state == CLOSING)
		assert_int_equal(status, ROTA_EINVAL);
	else
		assert_true(status == 0 || status == ROTA_EINVAL);
	if (status == 0)
		may_be_cut_short(r);
}

/* Listeners. */

static void on_listener_close(struct rota_handle *handle)
{
	struct listener *l = handle->data;

	enter(l->w, 0);
	assert_true(l->closing);
	expect_phase(l->w, ROTA_PHASE_CLOSING, ROTA_PHASE_CLOSING);
	poison(l->tcp, sizeof(*l->tcp));
	l->tcp = NULL;
	l->closing = 0;
	act(l->w);
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct listener *l = stream->handle.data;
	struct world *w = l->w;
	struct rota_address peer;
	struct slot *s;

	enter(w, 0);
	assert_int_equal(status, 0);
	assert_false(l->closing);
	expect_phase(w, ROTA_PHASE_POLL, ROTA_PHASE_POLL);
	s = free_slot(w);
	if (s == NULL || below(w, 10) == 0) {
		raw_close(fd);
	} else {
		make_stream(s);
		assert_int_equal(rota_tcp_open(s->tcp, w->loop, fd), 0);
		set_up(s, CONNECTED);
		if (rota_tcp_peer_address(s->tcp, &peer) == 0)
			note_port(s, rota_address_port(&peer), 1);
		else
			close_now(s);
	}
	w->calls[KINDS + 3]++;
	act(w);
}

static void open_listener(struct listener *l)
{
	l->tcp = malloc(sizeof(*l->tcp));
	assert_non_null(l->tcp);
	memset(l->tcp, 0x5a, sizeof(*l->tcp));
	loopback(&l->address, AF_INET, 0);
	assert_int_equal(rota_tcp_init(l->tcp, l->w->loop), 0);
	l->tcp->handle.data = l;
	assert_int_equal(rota_tcp_bind(l->tcp, &l->address, 0), 0);
	assert_int_equal(rota_stream_listen(&l->tcp->stream, 32, on_connection),
			 0);
	assert_int_equal(rota_tcp_own_address(l->tcp, &l->address), 0);
}

static void operate_on_listener(struct world *w)
{
	struct listener *l = &w->listeners[below(w, LISTENERS)];
	uint64_t what = below(w, 8);

	if (l->tcp == NULL) {
		open_listener(l);
	} else if (l->closing) {
		assert_int_equal(rota_handle_close_now(&l->tcp->handle),
				 ROTA_EALREADY);
	} else if (what == 0) {
		assert_int_equal(rota_handle_close_now(&l->tcp->handle), 0);
		poison(l->tcp, sizeof(*l->tcp));
		l->tcp = NULL;
	} else if (what == 1) {
		assert_int_equal(
			rota_handle_close(&l->tcp->handle, on_listener_close),
			0);
		l->closing = 1;
	} else if (what == 2) {
		rota_handle_unref(&l->tcp->handle);
	} else {
		rota_handle_ref(&l->tcp->handle);
	}
}

/* Nodes. */

static void on_node(struct node *n)
{
	enter(n->w, n->kind == TICK || n->kind == MICRO);
	assert_true(n->active);
	if (n->kind != HOOK && !n->repeats)
		n->active = 0;
	n->w->calls[KINDS + 4]++;
	act(n->w);
}

static void on_timer(struct rota_timer *timer)
{
	on_node(timer->data);
}

static void on_task(struct rota_task *task)
{
	on_node(task->data);
}

static void on_hook(struct rota_hook *hook)
{
	on_node(hook->data);
}

static void node_make(struct node *n)
{
	static const size_t sizes[NODE_KINDS] = {
		sizeof(struct rota_timer), sizeof(struct rota_task),
		sizeof(struct rota_task),  sizeof(struct rota_task),
		sizeof(struct rota_task),  sizeof(struct rota_hook),
	};

	n->memory = malloc(sizes[n->kind]);
	assert_non_null(n->memory);
	n->active = 0;
	if (n->kind == TIMER)
		rota_timer_init(n->timer, n->w->loop);
	else if (n->kind == HOOK)
		rota_hook_init(n->hook, n->w->loop);
	else
		rota_task_init(n->task, n->w->loop);
	*(void **)n->memory = n; /* `data` is the first member of all */
}

static void node_start(struct node *n)
{
	struct world *w = n->w;
	int status = 0;

	n->repeats = n->kind == TIMER && below(w, 3) == 0;
	if (n->kind == TIMER && n->repeats)
		status = rota_timer_every(n->timer, on_timer,
					  ROTA_MSEC(1 + below(w, 9)),
					  ROTA_REPEAT_RATE);
	else if (n->kind == TIMER)
		status = rota_timer_start(n->timer, on_timer,
					  ROTA_MSEC(below(w, 9)));
	else if (n->kind == TICK)
		status = rota_task_next_tick(n->task, on_task);
	else if (n->kind == MICRO)
		status = rota_task_microtask(n->task, on_task);
	else if (n->kind == IMMEDIATE)
		status = rota_task_immediate(n->task, on_task);
	else if (n->kind == POST)
		status = rota_task_post(n->task, on_task);
	else
		status =
			rota_hook_start(n->hook, on_hook,
					(enum rota_hook_kind)(1 + below(w, 3)));
	assert_true(status == 0 || status == ROTA_EALREADY);
	n->active = 1;
}

static void node_stop(struct node *n)
{
	if (n->kind == TIMER)
		rota_timer_stop(n->timer);
	else if (n->kind == HOOK)
		rota_hook_stop(n->hook);
	else
		assert_int_equal(rota_task_cancel(n->task),
				 n->active ? 0 : ROTA_ENOENT);
	n->active = 0;
}

static void operate_on_node(struct world *w)
{
	struct node *n = &w->nodes[below(w, NODES)];
	uint64_t what = below(w, 8);

	if (what < 5) {
		node_start(n);
		return;
	}
	node_stop(n);
	if (what < 7)
		return;
	free(n->memory);
	node_make(n);
}

/* The world. */

static void operate(struct world *w)
{
	uint64_t what = below(w, 64);

	if (w->left == 0)
		return;
	w->left--;
	w->in_call++;
	if (what < 44)
		operate_on_stream(w);
	else if (what < 48)
		cancel_one(w);
	else if (what < 52)
		set_deadline(w);
	else if (what < 54)
		operate_on_listener(w);
	else if (what < 62)
		operate_on_node(w);
	else if (what == 62)
		assert_int_equal(rota_loop_close(w->loop), ROTA_EBUSY);
	else if (below(w, 8) == 0)
		rota_loop_stop(w->loop);
	w->in_call--;
}

static void world_begin(struct world *w, struct fixture *f, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->f = f;
	w->loop = f->loop;
	w->seed = seed;
	w->left = OPERATIONS;
	for (unsigned i = 0; i < STREAMS; i++)
		w->slots[i].w = w;
	for (unsigned i = 0; i < LISTENERS; i++) {
		w->listeners[i].w = w;
		open_listener(&w->listeners[i]);
	}
	for (unsigned i = 0; i < NODES; i++) {
		w->nodes[i].w = w;
		w->nodes[i].kind = (enum node_kind)(i % NODE_KINDS);
		node_make(&w->nodes[i]);
	}
}

static void world_end(struct world *w)
{
	w->left = 0;
	for (unsigned i = 0; i < NODES; i++) {
		node_stop(&w->nodes[i]);
		free(w->nodes[i].memory);
	}
	for (unsigned i = 0; i < STREAMS; i++)
		if (w->slots[i].state != NONE && w->slots[i].state != CLOSING)
			close_it(&w->slots[i]);
	for (unsigned i = 0; i < LISTENERS; i++) {
		struct listener *l = &w->listeners[i];

		if (l->tcp == NULL || l->closing)
			continue;
		l->closing = 1;
		assert_int_equal(
			rota_handle_close(&l->tcp->handle, on_listener_close),
			0);
	}
	while (rota_loop_run(w->loop, ROTA_RUN_DEFAULT) != 0)
		continue; /* a stop was pending */
	for (unsigned i = 0; i < STREAMS; i++)
		assert_int_equal(w->slots[i].state, NONE);
	for (unsigned i = 0; i < LISTENERS; i++)
		assert_null(w->listeners[i].tcp);
	assert_null(w->first);
	assert_int_equal(rota_loop_dump(w->loop, NULL, NULL), 0);
}

static void random_streams_agree_with_the_model(void **state)
{
	unsigned rounds = test_is_full() ? 1000 : test_is_sanitized() ? 20 : 40;
	uint64_t seed = random_seed();
	unsigned calls[KINDS + 6] = { 0 };

	for (unsigned round = 0; round < rounds; round++) {
		struct world *w = test_calloc(1, sizeof(*w));

		world_begin(w, *state, seed + round * 7919);
		while (w->left > 0) {
			for (uint64_t i = below(w, 6); i > 0; i--)
				operate(w);
			if (below(w, 2))
				assert_int_equal(
					rota_loop_advance(
						w->loop,
						ROTA_USEC(below(w, 3000))),
					0);
			assert_true(rota_loop_run(w->loop, ROTA_RUN_NOWAIT) >=
				    0);
		}
		world_end(w);
		for (unsigned i = 0; i < KINDS + 6; i++)
			calls[i] += w->calls[i];
		test_free(w);
	}
	for (unsigned i = 0; i < KINDS + 5; i++)
		assert_true(calls[i] > 0); /* each was called */
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(random_streams_agree_with_the_model),
};

FIXTURE_MAIN(tests)
