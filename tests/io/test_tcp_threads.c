/*
 * Connections that move between loops in different threads (F1). One loop
 * accepts them and others serve them, or they move while data is being sent. No
 * byte is lost, duplicated or out of order.
 *
 * ROTA_TEST_SEED repeats a run; ROTA_TEST_FULL=1 makes it longer.
 */
#include "support/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/streams_more.h"

/* A loop in a thread. */

struct worker {
	struct rota_loop *loop;
	struct rota_async keeper; /* keeps the loop alive if nothing is open */
	struct rota_task stop;
	pthread_t thread;
	unsigned served; /* used by the thread */
};

static void keep(struct rota_async *async)
{
	(void)async;
}

static void stop_keeping(struct rota_task *task)
{
	struct worker *w = rota_container_of(task, struct worker, stop);

	rota_async_stop(&w->keeper);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	/* What is still open when the loop is told to stop continues. */
	return (void *)(intptr_t)rota_loop_run(w->loop, ROTA_RUN_DEFAULT);
}

static void worker_begin(struct worker *w, struct fixture *f)
{
	struct rota_loop_options options;

	memset(w, 0, sizeof(*w));
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.allocator = NULL; /* the fixture's is not thread-safe */
	assert_int_equal(rota_loop_new(&w->loop, &options), 0);
	rota_async_init(&w->keeper, w->loop);
	assert_int_equal(rota_async_start(&w->keeper, keep), 0);
	rota_task_init(&w->stop, w->loop);
	assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

/* First all threads end, as each may still be posting to another's loop. */
static void workers_end(struct worker *workers, unsigned count)
{
	void *status;

	for (unsigned i = 0; i < count; i++) {
		struct worker *w = &workers[i];

		assert_int_equal(rota_task_post(&w->stop, stop_keeping), 0);
		assert_int_equal(pthread_join(w->thread, &status), 0);
		assert_int_equal((intptr_t)status, 0);
	}
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(rota_loop_close(workers[i].loop), 0);
}

/* Accepted by one loop, served by others. */

enum { WORKERS = 4 };

/* A descriptor on its way to a worker, which then echoes. A thread must not
 * fail a test, so it counts errors. */
struct job {
	struct rota_task task;
	struct rota_tcp tcp;
	struct worker *worker;
	int fd;
};

static atomic_uint strange;

static void expect_true(int holds)
{
	if (!holds)
		atomic_fetch_add(&strange, 1);
}

static void job_closed(struct rota_handle *handle)
{
	free(rota_container_of(handle, struct job, tcp.handle));
}

static void echo(struct rota_stream *stream, int status,
		 const struct rota_buf *buf)
{
	if (status < 0) {
		expect_true(status == ROTA_EOF);
		expect_true(rota_stream_end(stream, job_closed) == 0);
	} else {
		expect_true(rota_stream_send(stream, buf->data, buf->size) >=
			    0);
	}
}

static void serve(struct rota_task *task)
{
	struct job *job = rota_container_of(task, struct job, task);

	job->worker->served++;
	expect_true(rota_tcp_open(&job->tcp, job->worker->loop, job->fd) == 0);
	expect_true(rota_stream_read_start(&job->tcp.stream, echo) == 0);
}

struct service {
	struct worker workers[WORKERS];
	unsigned next;
};

static void hand_out(struct server *s, int status, int fd)
{
	struct service *service = s->arg;
	struct job *job = malloc(sizeof(*job));

	assert_int_equal(status, 0);
	assert_non_null(job);
	job->fd = fd;
	job->worker = &service->workers[service->next++ % WORKERS];
	rota_task_init(&job->task, job->worker->loop);
	assert_int_equal(rota_task_post(&job->task, serve), 0);
}

/* A client that sends its own data and reads it back to the end. */
struct caller {
	int fd;
	size_t said;
	size_t heard;
	size_t size;
	int ended;
};

/* Returns whether it is done. */
static int caller_goes_on(struct caller *c)
{
	struct connection peer = { .peer = c->fd,
				   .sent = c->said,
				   .taken = c->heard };
	ptrdiff_t n;

	if (c->ended)
		return 1;
	if (c->said < c->size) {
		(void)peer_tries_to_send(&peer, c->size - c->said);
		c->said = peer.sent;
		if (c->said == c->size)
			raw_shutdown(c->fd);
	}
	n = peer_takes(&peer);
	c->heard = peer.taken;
	assert_true(n == 0 || n == -EAGAIN);
	c->ended = n == 0;
	return c->ended;
}

static int all_are_done(struct caller *callers, unsigned count)
{
	int done = 1;

	for (unsigned i = 0; i < count; i++)
		done &= caller_goes_on(&callers[i]);
	return done;
}

/* F1: many loops, and one that accepts for all. */
static void accepted_connections_are_served_by_loops_in_threads(void **state)
{
	enum { CALLERS = 120 };
	struct fixture *f = *state;
	struct caller callers[CALLERS];
	struct service service = { .next = 0 };
	uint64_t seed = random_seed();
	unsigned served = 0;
	struct server s;

	need_descriptors(3 * CALLERS);
	atomic_store(&strange, 0);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_begin(&service.workers[i], f);
	server_open(&s, f, 256);
	s.act = hand_out;
	s.arg = &service;
	for (unsigned i = 0; i < CALLERS; i++)
		callers[i] = (struct caller){
			.fd = raw_begin_connect(&s.address),
			.size = 1 + random_below(&seed, 60000),
		};

	for (unsigned i = 0; i < CALLERS; i++)
		await_room(callers[i].fd);
	RUN_UNTIL(f, all_are_done(callers, CALLERS) && s.accepted == CALLERS);

	for (unsigned i = 0; i < CALLERS; i++) {
		assert_int_equal(callers[i].heard, callers[i].size);
		raw_close(callers[i].fd);
	}
	server_end(&s);
	workers_end(service.workers, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_int_equal(service.workers[i].served, CALLERS / WORKERS);
		served += service.workers[i].served;
	}
	assert_int_equal(served, CALLERS);
	assert_int_equal(atomic_load(&strange), 0);
}

/* Moved while data is being sent. */

enum { STATIONS = 3 };

/* One connection that moves. Each owner reads some of the pattern, sends as
 * much of its own, and then passes it on. */
struct wanderer {
	struct rota_task task;
	struct rota_tcp tcp;
	struct worker *stations;
	unsigned at; /* index of its station */
	int fd;
	uint64_t seed;
	size_t size;    /* total bytes to read */
	size_t read;    /* read so far */
	size_t written; /* written so far */
	size_t leave;   /* passes it on at this offset */
	unsigned moves;
	int waits; /* until its output has left, to move */
	atomic_int ended;
};

static void arrive(struct rota_task *task);

static void move_on(struct wanderer *w)
{
	rota_stream_read_stop(&w->tcp.stream);
	w->fd = rota_stream_detach(&w->tcp.stream);
	if (w->fd == ROTA_EBUSY) { /* output is still queued */
		w->waits = 1;
		return;
	}
	expect_true(w->fd >= 0);
	w->waits = 0;
	w->moves++;
	w->at = (w->at + 1 + (unsigned)random_below(&w->seed, STATIONS - 1)) %
		STATIONS;
	rota_task_init(&w->task, w->stations[w->at].loop);
	expect_true(rota_task_post(&w->task, arrive) == 0);
}

static void wanderer_closed(struct rota_handle *handle)
{
	struct wanderer *w =
		rota_container_of(handle, struct wanderer, tcp.handle);

	atomic_store(&w->ended, 1);
}

static void wander(struct rota_stream *stream, int status,
		   const struct rota_buf *buf)
{
	struct wanderer *w =
		rota_container_of(stream, struct wanderer, tcp.stream);
	static _Thread_local char answer[ROTA_BUFFER_SIZE];

	if (status < 0) {
		expect_true(status == ROTA_EOF);
		expect_true(w->read == w->size);
		expect_true(rota_stream_end(stream, wanderer_closed) == 0);
		return;
	}
	expect_true(pattern_is(buf->data, buf->size, w->read));
	w->read += buf->size;
	pattern_fill(answer, buf->size, w->written);
	expect_true(rota_stream_send(stream, answer, buf->size) >= 0);
	w->written += buf->size;
	if (w->read >= w->leave)
		move_on(w);
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct wanderer *w =
		rota_container_of(stream, struct wanderer, tcp.stream);

	expect_true(status == 0);
	if (w->waits)
		move_on(w);
}

static void arrive(struct rota_task *task)
{
	struct wanderer *w = rota_container_of(task, struct wanderer, task);

	w->leave = w->read + 1 + random_below(&w->seed, 40000);
	expect_true(rota_tcp_open(&w->tcp, w->stations[w->at].loop, w->fd) ==
		    0);
	/* With these, on_drain means that nothing is queued, and every send
	 * waits for it. */
	expect_true(rota_stream_set_watermarks(&w->tcp.stream, 0, 0) == 0);
	rota_stream_on_drain(&w->tcp.stream, on_drain);
	expect_true(rota_stream_read_start(&w->tcp.stream, wander) == 0);
}

/* A live connection moves in the middle of the stream, and no byte is lost. */
static void connections_move_between_threads_in_midstream(void **state)
{
	enum { WANDERERS = 6 };
	struct fixture *f = *state;
	struct wanderer wanderers[WANDERERS];
	struct worker stations[STATIONS];
	struct caller callers[WANDERERS];
	uint64_t seed = random_seed();
	uint64_t until = real_now() + ROTA_SEC(100);
	size_t size = test_is_full() ? 64 << 20 : 2 << 20;
	int ended = 0;

	atomic_store(&strange, 0);
	for (unsigned i = 0; i < STATIONS; i++)
		worker_begin(&stations[i], f);
	for (unsigned i = 0; i < WANDERERS; i++) {
		struct wanderer *w = &wanderers[i];
		int fds[2];

		raw_pair(fds);
		memset(w, 0, sizeof(*w));
		w->stations = stations;
		w->at = i % STATIONS;
		w->fd = fds[0];
		w->seed = seed + i * 7919;
		w->size = size;
		callers[i] = (struct caller){ .fd = fds[1], .size = size };
		rota_task_init(&w->task, stations[w->at].loop);
		assert_int_equal(rota_task_post(&w->task, arrive), 0);
	}

	while (!all_are_done(callers, WANDERERS))
		out_of_time(until, __FILE__, __LINE__);
	for (unsigned i = 0; i < WANDERERS; i++)
		raw_close(callers[i].fd);
	while (!ended) {
		ended = 1;
		for (unsigned i = 0; i < WANDERERS; i++)
			ended &= atomic_load(&wanderers[i].ended);
		out_of_time(until, __FILE__, __LINE__);
	}

	workers_end(stations, STATIONS);
	for (unsigned i = 0; i < WANDERERS; i++) {
		assert_int_equal(callers[i].heard, size);
		assert_int_equal(wanderers[i].read, size);
		assert_true(wanderers[i].moves > 10);
	}
	assert_int_equal(atomic_load(&strange), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(accepted_connections_are_served_by_loops_in_threads),
	REAL(connections_move_between_threads_in_midstream),
};

FIXTURE_MAIN(tests)
