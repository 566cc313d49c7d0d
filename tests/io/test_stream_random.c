/*
 * Random use. Both ends of some links, one of each class, are streams of the
 * loop. In callbacks and between turns they send, write, try, cork, read
 * continuously or by requests, stop and start, and use buckets of limited rates
 * and leave them. All copies of the loop have a limit. All bytes arrive in
 * order, each request calls back once, and each end is reported once and last.
 */
#include "support/fixture.h"

#include <stdlib.h>

#include "support/link.h"

enum {
	PAIRS = LINK_KINDS,
	ENDS = 2 * PAIRS,
	REQUESTS = 6, /* of each kind in flight, at each end */
	ROUNDS = 700,
	LARGEST = 30000,
	BUCKETS = 3,
	COPIES = 400000, /* of all streams together */
};

struct writing {
	struct rota_write request;
	struct rota_const_buf bufs[3];
	struct player *player;
	char *bytes;
	int active;
};

struct reading {
	struct rota_read request;
	struct player *player;
	char *bytes;
	size_t least;
	int active;
};

struct player {
	struct end *end; /* reads the other end's pattern */
	struct writing writes[REQUESTS];
	struct reading reads[REQUESTS];
	struct rota_shutdown shutdown;
	unsigned in_flight; /* writes */
	unsigned waiting;   /* reads */
	int flowing;
	int pressed;
	int refused;
	int shut;     /* 1: started; 2: called back */
	int finished; /* it has read the end */
};

static struct link links[PAIRS];
static struct player players[ENDS];
static struct rota_bucket buckets[BUCKETS];
static uint64_t seed;
static int quiet; /* callbacks start nothing more */

static struct player *player_of(const struct end *end)
{
	unsigned i = 0;

	while (players[i].end != end)
		i++;
	return &players[i];
}

static size_t below(size_t bound)
{
	return random_below(&seed, bound);
}

static size_t some_size(void)
{
	return below(3) > 0 ? 1 + below(100) : 1 + below(LARGEST);
}

static void do_anything(struct player *e);

static void do_more(struct player *e)
{
	if (!quiet && below(2) == 0)
		do_anything(e);
}

/* Writing. */

static void on_write(struct rota_write *request, int status)
{
	struct writing *w = request->request.data;

	assert_int_equal(status, 0);
	assert_true(w->active);
	assert_true(rota_loop_phase(rota_handle_loop(
			    &w->player->end->stream->handle)) ==
		    ROTA_PHASE_PENDING);
	w->active = 0;
	w->player->in_flight--;
	test_free(w->bytes);
	do_more(w->player);
}

static void write_some(struct player *e)
{
	size_t size = some_size(), first = below(size + 1);
	struct writing *w = NULL;

	for (unsigned i = 0; i < REQUESTS; i++)
		if (!e->writes[i].active)
			w = &e->writes[i];
	if (w == NULL)
		return;
	w->bytes = test_malloc(size);
	pattern_fill(w->bytes, size, e->end->sent);
	w->bufs[0] = (struct rota_const_buf){ w->bytes, first };
	w->bufs[1] = (struct rota_const_buf){ NULL, 0 };
	w->bufs[2] = (struct rota_const_buf){ w->bytes + first, size - first };
	w->player = e;
	w->request.request.data = w;
	w->active = 1;
	e->in_flight++;
	assert_int_equal(rota_stream_write(&w->request, e->end->stream, w->bufs,
					   3, on_write),
			 0);
	e->end->sent += size;
}

static void send_some(struct player *e)
{
	int status;

	if (rota_stream_queued(e->end->stream) > 10 * LARGEST)
		return;
	status = end_send(e->end, some_size());
	if (status == 1)
		e->pressed = 1;
	else if (status == ROTA_ENOBUFS)
		e->refused = 1;
	else
		assert_int_equal(status, 0);
}

static void try_some(struct player *e)
{
	size_t size = some_size();
	char *bytes = test_malloc(size);
	struct rota_const_buf buf = { bytes, size };
	ptrdiff_t n;

	pattern_fill(bytes, size, e->end->sent);
	n = rota_stream_try_write(e->end->stream, &buf, 1);
	if (n > 0)
		e->end->sent += (size_t)n;
	else
		assert_int_equal(n, ROTA_EAGAIN);
	test_free(bytes);
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct player *e = player_of(stream->handle.data);

	assert_int_equal(status, 0);
	assert_true(e->pressed || e->refused);
	assert_true(e->refused ||
		    rota_stream_queued(stream) <= ROTA_LOW_WATERMARK);
	e->pressed = 0;
	e->refused = 0;
	do_more(e);
}

static void on_shutdown(struct rota_shutdown *shutdown, int status)
{
	struct player *e = rota_container_of(shutdown, struct player, shutdown);

	assert_int_equal(status, 0);
	assert_int_equal(e->shut, 1);
	assert_int_equal(rota_stream_queued(e->end->stream), 0);
	e->shut = 2;
}

/* Reading. */

static void on_flow(struct end *end, int status)
{
	struct player *e = player_of(end);

	assert_true(e->flowing);
	assert_false(e->finished);
	assert_int_equal(e->waiting, 0);
	if (status < 0) {
		assert_int_equal(status, ROTA_EOF);
		e->finished = 1;
		e->flowing = 0;
		return;
	}
	do_more(e);
}

static void on_read(struct rota_read *request, int status)
{
	struct reading *r = request->request.data;
	struct end *end = r->player->end;

	assert_true(r->active);
	assert_true(status == ROTA_EOF || status == ROTA_ECANCELED ||
		    request->size >= r->least);
	assert_true(pattern_is(r->bytes, request->size, end->got));
	end->got += request->size;
	test_free(r->bytes);
	r->active = 0;
	r->player->waiting--;
	if (status == ROTA_EOF)
		r->player->finished = 1;
	else
		do_more(r->player);
}

static void read_some(struct player *e)
{
	size_t size = some_size();
	struct reading *r = NULL;

	for (unsigned i = 0; i < REQUESTS; i++)
		if (!e->reads[i].active)
			r = &e->reads[i];
	if (r == NULL || e->flowing || e->finished)
		return;
	r->bytes = test_malloc(size);
	r->least = below(size + 1);
	r->player = e;
	r->request.request.data = r;
	r->active = 1;
	e->waiting++;
	assert_int_equal(rota_stream_read(&r->request, e->end->stream,
					  (struct rota_buf){ r->bytes, size },
					  r->least, on_read),
			 0);
}

/* Only the first in the queue: one in the middle cannot have bytes. */
static void cancel_some(struct player *e)
{
	for (unsigned i = 0; i < REQUESTS; i++)
		if (e->reads[i].active && e->waiting == 1)
			(void)rota_request_cancel(&e->reads[i].request.request);
}

static void start(struct player *e)
{
	if (e->waiting > 0 || e->finished)
		return;
	e->flowing = 1;
	end_start(e->end);
}

static void stop(struct player *e)
{
	e->flowing = 0;
	rota_stream_read_stop(e->end->stream);
}

static struct rota_bucket *some_bucket(void)
{
	unsigned i = (unsigned)below(BUCKETS + 2);

	return i < BUCKETS ? &buckets[i] : NULL;
}

static void do_anything(struct player *e)
{
	struct rota_stream *stream = e->end->stream;

	switch (below(11)) {
	case 0:
	case 1:
		send_some(e);
		break;
	case 2:
	case 3:
		write_some(e);
		break;
	case 4:
		try_some(e);
		break;
	case 5:
		rota_stream_set_cork(stream, (int)below(2));
		break;
	case 6:
		stop(e);
		break;
	case 7:
		read_some(e);
		break;
	case 8:
		cancel_some(e);
		break;
	case 9:
		assert_int_equal(rota_stream_set_rate(stream, some_bucket(),
						      some_bucket()),
				 0);
		break;
	default:
		start(e);
	}
}

/* The test. */

static void open_pairs(struct fixture *f)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct rota_rate rate = { sizeof(rate), 40000000u << 2 * i,
					  1000 + below(100000) };

		assert_int_equal(rota_bucket_init(&buckets[i], f->loop, &rate),
				 0);
	}
	assert_int_equal(rota_loop_set_output_limit(f->loop, COPIES), 0);
	for (unsigned i = 0; i < PAIRS; i++) {
		link_open(&links[i], f, (enum link_kind)i);
		players[2 * i] = (struct player){ .end = &links[i].a };
		players[2 * i + 1] = (struct player){ .end = &links[i].b };
	}
	for (unsigned i = 0; i < ENDS; i++) {
		players[i].end->act = on_flow;
		rota_stream_on_drain(players[i].end->stream, on_drain);
	}
}

static int all_finished(void)
{
	int finished = 1;

	for (unsigned i = 0; i < ENDS; i++) {
		if (!players[i].finished && !players[i].flowing)
			start(&players[i]);
		finished &= players[i].finished && players[i].shut == 2;
	}
	return finished;
}

static void all_bytes_arrive_whatever_streams_do(void **state)
{
	struct fixture *f = *state;

	seed = random_seed();
	quiet = 0;
	open_pairs(f);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned n = 0; n < 4; n++)
			do_anything(&players[below(ENDS)]);
		turn(f);
	}
	quiet = 1;
	for (unsigned i = 0; i < ENDS; i++) {
		players[i].shut = 1;
		assert_int_equal(rota_stream_shutdown(&players[i].shutdown,
						      players[i].end->stream,
						      on_shutdown),
				 0);
	}
	RUN_UNTIL(f, all_finished());
	turn(f);

	for (unsigned i = 0; i < ENDS; i++) {
		assert_int_equal(players[i].end->got, players[i ^ 1].end->sent);
		assert_int_equal(players[i].end->wrong, 0);
		assert_int_equal(players[i].in_flight + players[i].waiting, 0);
	}
	for (unsigned i = 0; i < PAIRS; i++)
		link_end(&links[i]);
	for (unsigned i = 0; i < BUCKETS; i++)
		assert_int_equal(rota_bucket_users(&buckets[i]), 0);
	assert_int_equal(stats_of(f->loop).output_bytes, 0);
}

static const struct CMUnitTest tests[] = {
	REAL(all_bytes_arrive_whatever_streams_do),
};

FIXTURE_MAIN(tests)
