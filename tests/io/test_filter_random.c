/*
 * Filters at random. Shaky filters, which take and make random amounts and wait
 * at random, stand over each other and over a small pair in memory. In
 * callbacks and between turns both ends send, write, cork, read continuously or
 * by requests, stop and start, and are called again without a reason. All bytes
 * arrive in order, and then the ends. Or one side closes in the middle.
 */
#include "support/fixture.h"

#include <stdlib.h>

#include "support/codecs.h"
#include "support/link.h"

enum { LAYERS = 2, ROUNDS = 400, LARGEST = 5000 };

/* One end, and what it does. */
struct player {
	struct end end;
	struct codec layers[LAYERS];
	struct rota_read read;
	struct rota_write write;
	char in[LARGEST];
	char out[LARGEST];
	int reads;  /* the request is in flight */
	int writes; /* likewise */
	int closed;
};

static struct player players[2];
static struct link nobody;
static uint64_t seed;
static int quiet;

static size_t below(size_t bound)
{
	return (size_t)random_below(&seed, bound);
}

static void do_anything(struct player *p);

static struct player *player_of(struct end *end)
{
	return rota_container_of(end, struct player, end);
}

static void do_more(struct player *p)
{
	if (!quiet && below(2) == 0)
		do_anything(p);
}

static void on_flow(struct end *end, int status)
{
	if (status == 0)
		do_more(player_of(end));
}

static void on_read(struct rota_read *read, int status)
{
	struct player *p = rota_container_of(read, struct player, read);

	p->reads = 0;
	p->end.wrong += !pattern_is(p->in, read->size, p->end.got);
	p->end.got += read->size;
	if (status == ROTA_EOF)
		p->end.ends++;
	else if (!p->closed)
		do_more(p);
}

static void on_write(struct rota_write *write, int status)
{
	struct player *p = rota_container_of(write, struct player, write);

	p->writes = 0;
	if (status == 0 && !p->closed)
		do_more(p);
}

static void write_some(struct player *p)
{
	struct rota_const_buf buf = { p->out, 1 + below(LARGEST) };

	if (p->writes)
		return;
	pattern_fill(p->out, buf.size, p->end.sent);
	if (rota_stream_write(&p->write, p->end.stream, &buf, 1, on_write) < 0)
		return;
	p->writes = 1;
	p->end.sent += buf.size;
}

static void read_some(struct player *p)
{
	struct rota_buf buf = { p->in, 1 + below(LARGEST) };

	if (!p->reads && rota_stream_read(&p->read, p->end.stream, buf,
					  1 + below(buf.size), on_read) == 0)
		p->reads = 1;
}

static void do_anything(struct player *p)
{
	switch (below(9)) {
	case 0:
	case 1:
		if (rota_stream_queued(p->end.stream) < 10 * LARGEST)
			(void)end_send(&p->end, 1 + below(LARGEST));
		break;
	case 2:
		write_some(p);
		break;
	case 3:
		rota_stream_set_cork(p->end.stream, (int)below(2));
		break;
	case 4:
		rota_stream_read_stop(p->end.stream);
		break;
	case 5:
		read_some(p);
		break;
	case 6:
		rota_filter_again(&p->layers[below(LAYERS)].filter,
				  (unsigned)below(4));
		break;
	default:
		(void)rota_stream_read_start(p->end.stream, end_read);
	}
}

static void open_player(struct player *p, struct rota_stream *stream)
{
	for (int i = 0; i < LAYERS; i++) {
		(void)rota_stream_set_watermarks(stream, 100, 3000);
		codec_open(&p->layers[i], stream, &shaky_class, 0);
		p->layers[i].seed = 1 + below(1000000);
		stream = &p->layers[i].stream;
	}
	p->end.stream = stream;
	p->end.link = &nobody;
	p->end.act = on_flow;
	stream->handle.data = &p->end;
}

static void open_players(struct fixture *f)
{
	static const struct player none;

	quiet = 0;
	nobody.f = f;
	for (int i = 0; i < 2; i++)
		players[i] = none;
	assert_int_equal(rota_memory_stream_pair(&players[0].end.memory,
						 &players[1].end.memory,
						 f->loop, 2000),
			 0);
	for (int i = 0; i < 2; i++)
		open_player(&players[i], &players[i].end.memory.stream);
}

static void play(struct fixture *f, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned n = 0; n < 4; n++)
			do_anything(&players[below(2)]);
		turn(f);
	}
}

static int all_have_ended(void)
{
	for (int i = 0; i < 2; i++)
		(void)rota_stream_read_start(players[i].end.stream, end_read);
	return players[0].end.ends > 0 && players[1].end.ends > 0 &&
	       !players[0].writes && !players[1].writes;
}

static void all_bytes_arrive_whatever_filters_do(void **state)
{
	struct fixture *f = *state;

	seed = random_seed();
	open_players(f);
	play(f, ROUNDS);
	quiet = 1;
	for (int i = 0; i < 2; i++)
		assert_true(rota_stream_shutdown(NULL, players[i].end.stream,
						 NULL) >= 0);
	RUN_UNTIL(f, all_have_ended());
	for (int i = 0; i < 2; i++) {
		assert_int_equal(players[i].end.got, players[1 - i].end.sent);
		assert_int_equal(players[i].end.wrong, 0);
		assert_int_equal(
			rota_handle_close_now(&players[i].end.stream->handle),
			0);
	}
	assert_true(players[0].end.sent > 0);
}

static void close_player(struct player *p)
{
	p->closed = 1;
	if (below(2) == 0)
		assert_int_equal(
			rota_handle_close(&p->end.stream->handle, end_closed),
			0);
	else
		assert_int_equal(
			rota_stream_close_reset(p->end.stream, end_closed), 0);
}

/* Also a layer in the middle may be closed. */
static void one_side_closes_in_the_middle(void **state)
{
	struct fixture *f = *state;

	seed = random_seed();
	for (int i = 0; i < 20; i++) {
		open_players(f);
		play(f, (unsigned)below(30));
		quiet = 1;
		if (below(2) == 0)
			assert_int_equal(
				rota_handle_close(&players[0].layers[0].handle,
						  NULL),
				0);
		turn(f);
		close_player(&players[0]);
		turn(f);
		assert_int_equal(players[0].end.closes, 1);
		close_player(&players[1]);
		run_to_the_end(f);
		assert_int_equal(players[1].end.closes, 1);
		assert_int_equal(players[1].end.wrong, 0);
		for (int n = 0; n < 2 * LAYERS; n++)
			assert_int_equal(players[n & 1].layers[n >> 1].closes,
					 1);
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(all_bytes_arrive_whatever_filters_do),
	VIRTUAL(one_side_closes_in_the_middle),
};
FIXTURE_MAIN(tests)
