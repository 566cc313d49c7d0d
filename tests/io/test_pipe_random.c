/*
 * Random passing of descriptors in both directions, with small buffers, pauses,
 * corks and partial writes. A model knows for each message at which byte it
 * begins and which descriptors go with it.
 */
#include "support/fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/pipes.h"

enum { POOL = 12, WRITES = 24, LARGEST = 40000, ROUNDS = 400, QUEUE = 4096 };

struct message {
	size_t at; /* its first byte */
	unsigned count;
	unsigned char members[8]; /* of the pool */
};

struct side;

struct request {
	struct rota_pass pass;
	struct side *side;
	struct rota_const_buf bufs[2];
	int fds[8];
	char *data;
	int active;
};

struct side {
	struct pipe_end end;
	struct side *peer;
	struct run *run;
	size_t produced;
	struct message queue[QUEUE]; /* that it has sent */
	size_t first, used;
	struct request requests[WRITES];
};

struct run {
	struct fixture *f;
	uint64_t seed;
	int fds[POOL];
	int others[POOL];
	size_t passed;
	struct side sides[2];
};

static void request_done(struct rota_write *write, int status)
{
	struct request *r =
		rota_container_of(write, struct request, pass.write);

	assert_int_equal(status, 0);
	test_free(r->data);
	r->active = 0;
}

/* Take what has come with the bytes up to @end, and compare. */
static void take_and_compare(struct side *s, size_t end)
{
	struct side *from = s->peer;

	while (from->used > 0) {
		struct message *m = &from->queue[from->first % QUEUE];
		int fds[8];

		if (m->at >= end)
			break;
		for (unsigned got = 0; got < m->count;) {
			ptrdiff_t n = rota_pipe_take_descriptors(
				&s->end.pipe, fds, m->count - got);

			assert_true(n > 0);
			for (ptrdiff_t i = 0; i < n; i++) {
				assert_true(is_same_file(
					fds[i],
					s->run->fds[m->members[got++]]));
				raw_close(fds[i]);
			}
		}
		from->first++;
		from->used--;
	}
	assert_int_equal(rota_pipe_descriptors(&s->end.pipe), 0);
}

static void take_random(struct pipe_end *e, int status,
			const struct rota_buf *buf)
{
	struct side *s = rota_container_of(e, struct side, end);

	assert_int_equal(status, 0);
	(void)buf;
	assert_int_equal(e->wrong, 0);
	take_and_compare(s, e->size);
	if (random_below(&s->run->seed, 8) == 0)
		rota_stream_read_stop(&e->pipe.stream);
}

static void pass_some(struct side *s)
{
	struct run *run = s->run;
	struct request *r = &s->requests[random_below(&run->seed, WRITES)];
	size_t size =
		1 + random_below(&run->seed, random_below(&run->seed, 3) == 0
						     ? LARGEST
						     : 60);
	size_t half = random_below(&run->seed, size + 1);
	struct message *m = &s->queue[(s->first + s->used) % QUEUE];

	if (r->active || s->used == QUEUE)
		return;
	m->at = s->produced;
	m->count = 1 + (unsigned)random_below(&run->seed, 8);
	r->data = test_malloc(size);
	pattern_fill(r->data, size, s->produced);
	for (unsigned i = 0; i < m->count; i++) {
		m->members[i] = (unsigned char)random_below(&run->seed, POOL);
		r->fds[i] = run->fds[m->members[i]];
	}
	r->bufs[0] = rota_bytes(r->data, half);
	r->bufs[1] = rota_bytes(r->data + half, size - half);
	r->active = 1;
	s->used++;
	s->produced += size;
	run->passed += m->count;
	assert_int_equal(rota_pipe_write(&r->pass, &s->end.pipe, r->bufs, 2,
					 r->fds, m->count, request_done),
			 0);
}

static void send_some(struct side *s)
{
	static char data[LARGEST];
	size_t size = random_below(&s->run->seed, 3000);
	struct rota_const_buf buf = rota_bytes(data, size);

	pattern_fill(data, size, s->produced);
	if (random_below(&s->run->seed, 2) == 0) {
		ptrdiff_t n =
			rota_stream_try_write(&s->end.pipe.stream, &buf, 1);

		s->produced += n > 0 ? (size_t)n : 0;
		return;
	}
	assert_true(rota_stream_send(&s->end.pipe.stream, data, size) >= 0);
	s->produced += size;
}

static void act(struct run *run)
{
	struct side *s = &run->sides[random_below(&run->seed, 2)];

	switch (random_below(&run->seed, 8)) {
	case 0:
	case 1:
	case 2:
		pass_some(s);
		break;
	case 3:
		send_some(s);
		break;
	case 4:
		rota_stream_set_cork(&s->end.pipe.stream,
				     (int)random_below(&run->seed, 2));
		break;
	case 5:
		pipe_read(&s->end);
		break;
	default:
		turn(run->f);
	}
}

/* The callbacks may have stopped to read. */
static int all_has_come(struct run *run)
{
	pipe_read(&run->sides[0].end);
	pipe_read(&run->sides[1].end);
	return run->sides[0].end.size == run->sides[1].produced &&
	       run->sides[1].end.size == run->sides[0].produced;
}

static void run_random(struct fixture *f, uint64_t seed)
{
	static struct run run;

	memset(&run, 0, sizeof(run));
	run.f = f;
	run.seed = seed;
	for (unsigned i = 0; i < POOL; i++) {
		int fds[2];

		make_pipe(fds);
		run.fds[i] = fds[0];
		run.others[i] = fds[1];
	}
	assert_int_equal(rota_pipe_pair(&run.sides[0].end.pipe,
					&run.sides[1].end.pipe, f->loop),
			 0);
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &run.sides[i];
		int size = 4096;

		s->run = &run;
		s->peer = &run.sides[!i];
		s->end.act = take_random;
		s->end.peer = -1;
		setsockopt(rota_stream_fd(&s->end.pipe.stream), SOL_SOCKET,
			   SO_SNDBUF, &size, sizeof(size));
		assert_int_equal(rota_pipe_accept_descriptors(&s->end.pipe, 8),
				 0);
	}
	for (unsigned i = 0; i < ROUNDS; i++)
		act(&run);
	for (unsigned i = 0; i < 2; i++)
		rota_stream_set_cork(&run.sides[i].end.pipe.stream, 0);
	RUN_UNTIL(f, all_has_come(&run));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(run.sides[i].used, 0);
		rota_stream_read_stop(&run.sides[i].end.pipe.stream);
	}
	run_to_the_end(f);
	for (unsigned i = 0; i < 2; i++)
		pipe_end_close(&run.sides[i].end);
	for (unsigned i = 0; i < POOL; i++) {
		raw_close(run.fds[i]);
		raw_close(run.others[i]);
	}
	assert_true(run.passed > 0);
}

static void bytes_and_descriptors_keep_their_order(void **state)
{
	uint64_t seed = random_seed();

	for (unsigned i = 0; i < 10; i++)
		run_random(*state, seed + i);
}

static const struct CMUnitTest tests[] = {
	REAL(bytes_and_descriptors_keep_their_order),
};
FIXTURE_MAIN(tests)
