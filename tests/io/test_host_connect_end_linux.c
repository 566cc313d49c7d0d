/*
 * Connects by name that end early: by a cancel, a deadline, a close, an end of
 * the stream or a shutdown of the loop, in each of their stages. Each calls
 * back once, and nothing is left.
 */
#include "io/hosts.h"

#include <stdlib.h>

#include "pool/back.h"
#include "support/child.h"

enum stage {
	QUEUED,   /* the lookup waits for a thread */
	HANGING,  /* a thread is stuck in it */
	FOUND,    /* it is on its way back to the loop */
	FIRST,    /* one attempt is in progress */
	SECOND,   /* two are */
	ANSWERED, /* the kernel has connected, and the loop does not know */
	STAGES,
};

/* The handle and the request are in memory that their callbacks free. */
struct life {
	struct rota_tcp tcp;
	struct guest g;
	struct rota_write write;
};

struct scene {
	struct fixture *f;
	struct rota_pool *pool;
	struct silence s;
	struct look blocker;
	int listener;
	int descriptors;
	struct life *life;
};

static struct scene *scene;
static unsigned closes;

static void write_called(struct rota_write *write, int status)
{
	journal_note_status(rota_handle_loop(&scene->life->tcp.handle), "write",
			    status);
	(void)write;
}

static void note_guest(struct guest *g, int status)
{
	journal_note_status(rota_handle_loop(&g->tcp->handle), "connect",
			    status);
}

static void life_closed(struct rota_handle *handle)
{
	struct life *life = rota_container_of(handle, struct life, tcp.handle);

	closes++;
	memset(life, 0xa5, sizeof(*life));
	free(life);
	scene->life = NULL;
}

static void begin_guest(struct scene *x, const char *host)
{
	struct rota_const_buf buf = { "queued", 6 };
	struct life *life = x->life;

	assert_int_equal(guest_begin(&life->g, &life->tcp, host, x->s.port), 0);
	life->g.act = note_guest;
	assert_int_equal(rota_stream_write(&life->write, &life->tcp.stream,
					   &buf, 1, write_called),
			 0);
}

static void until_found(const struct guest *g)
{
	const uint8_t *at = &g->connect.internal.waiter.item.state;

	while (__atomic_load_n(at, __ATOMIC_ACQUIRE) != ROTAI_ITEM_ENDED)
		sched_yield();
}

static void reach(struct scene *x, enum stage stage)
{
	if (stage == QUEUED) {
		resolver_hang("blocker.test");
		look_must(&x->blocker, x->f->loop, "blocker.test");
		resolver_await(1);
	}
	if (stage == HANGING || stage == FOUND)
		resolver_hang("host.test");
	fault_count_reset();
	begin_guest(x, stage == ANSWERED ? "127.0.0.2" : "host.test");
	if (stage == HANGING || stage == FOUND)
		resolver_await(1);
	if (stage == FOUND) {
		resolver_release("host.test");
		until_found(&x->life->g);
	}
	while (stage == FIRST && fault_count("connect") < 1)
		turn(x->f);
	while (stage == SECOND && fault_count("connect") < 2) {
		turn(x->f);
		if (fault_count("connect") == 1)
			assert_int_equal(
				rota_loop_advance(x->f->loop, ROTA_MSEC(250)),
				0);
	}
}

static void scene_begin(struct scene *x, struct fixture *f, enum stage stage)
{
	*x = (struct scene){ .f = f, .life = calloc(1, sizeof(*x->life)) };
	assert_non_null(x->life);
	scene = x;
	closes = 0;
	x->pool = names_begin(f, 1, ROTA_CLOCK_VIRTUAL);
	silence_begin(&x->s);
	x->listener = silence_break(&x->s, "127.0.0.2");
	resolver_add("host.test", "127.0.0.3");
	resolver_add("host.test", "127.0.0.4");
	tcp_init(&x->life->tcp, f);
	x->descriptors = count_descriptors();
	reach(x, stage);
	journal_take();
}

static void scene_end(struct scene *x)
{
	if (x->blocker.lookup.request.internal.loop != NULL && x->f->loop &&
	    x->blocker.calls == 0)
		look_cancel(&x->blocker);
	if (x->life != NULL) {
		if (x->f->loop != NULL)
			tcp_end(&x->life->tcp);
		free(x->life);
	}
	silence_end(&x->s);
	names_end(x->pool);
}

static void until_called(struct scene *x)
{
	while (x->life != NULL && x->life->g.calls == 0)
		assert_in_range(rota_loop_run(x->f->loop, ROTA_RUN_ONCE), 0, 1);
}

/* The handle is at once as new, and may connect again before the callback. */
static void expect_fresh_and_connect(struct scene *x)
{
	struct guest again = { .calls = 0 };

	tcp_expect_fresh(&x->life->tcp);
	assert_int_equal(count_descriptors(), x->descriptors);
	assert_int_equal(
		guest_begin(&again, &x->life->tcp, "127.0.0.2", x->s.port), 0);
	assert_int_equal(guest_end(x->f, &again), 0);
	until_called(x);
}

static void a_cancel_ends_it_in_each_stage(void **state)
{
	for (enum stage stage = 0; stage < STAGES; stage++) {
		struct scene x;

		scene_begin(&x, *state, stage);
		assert_int_equal(
			rota_request_cancel(&x.life->g.connect.request), 0);
		assert_int_equal(
			rota_request_cancel(&x.life->g.connect.request),
			ROTA_EALREADY);
		assert_int_equal(x.life->g.calls, 0); /* O7 */

		expect_fresh_and_connect(&x);
		assert_int_equal(x.life->g.calls, 1);
		assert_int_equal(x.life->g.status, ROTA_ECANCELED);
		assert_int_equal(x.life->g.phase, ROTA_PHASE_PENDING);
		assert_non_null(strstr(journal_take(), "write=ECANCELED"));
		scene_end(&x);
	}
}

static void a_deadline_ends_it_in_each_stage(void **state)
{
	for (enum stage stage = 0; stage < STAGES; stage++) {
		struct scene x;

		scene_begin(&x, *state, stage);
		guest_must_end(&x.life->g, 0);
		(void)rota_loop_run(x.f->loop, ROTA_RUN_NOWAIT);
		until_called(&x);

		assert_int_equal(x.life->g.calls, 1);
		assert_int_equal(x.life->g.status, ROTA_ETIMEDOUT);
		assert_int_equal(x.life->g.phase, ROTA_PHASE_PENDING);
		expect_fresh_and_connect(&x);
		scene_end(&x);
	}
}

/* O2: the connect, what was written, and then the close. */
static void a_close_ends_it_in_each_stage(void **state)
{
	for (enum stage stage = 0; stage < STAGES; stage++) {
		struct scene x;

		scene_begin(&x, *state, stage);
		assert_int_equal(rota_handle_close_now(&x.life->tcp.handle),
				 ROTA_EBUSY);
		assert_int_equal(
			stage % 2 == 0
				? rota_handle_close(&x.life->tcp.handle,
						    life_closed)
				: rota_stream_close_reset(&x.life->tcp.stream,
							  life_closed),
			0);
		assert_int_equal(count_descriptors(), x.descriptors);
		assert_int_equal(
			rota_request_cancel(&x.life->g.connect.request),
			ROTA_EALREADY);
		while (closes == 0)
			assert_in_range(rota_loop_run(x.f->loop, ROTA_RUN_ONCE),
					0, 1);
		/* The request may be kept until the thread's result is back. */
		assert_string_equal(
			journal_take(),
			stage == FOUND
				? "closing: write=ECANCELED connect=ECANCELED"
				: "closing: connect=ECANCELED write=ECANCELED");
		scene_end(&x);
	}
}

static void an_end_waits_for_it_in_each_stage(void **state)
{
	for (enum stage stage = 0; stage < STAGES; stage++) {
		struct scene x;
		int fd;

		scene_begin(&x, *state, stage);
		assert_int_equal(
			rota_stream_end(&x.life->tcp.stream, life_closed), 0);
		turn(x.f);
		if (stage == ANSWERED) {
			char text[6];

			fd = take_connection(x.listener);
			raw_read(fd, text, 6);
			assert_memory_equal(text, "queued", 6);
			raw_shutdown(fd);
			RUN_UNTIL(x.f, closes > 0);
			raw_close(fd);
			assert_non_null(strstr(journal_take(), "connect=0"));
		} else {
			guest_must_end(&x.life->g, 0);
			while (closes == 0)
				(void)rota_loop_run(x.f->loop, ROTA_RUN_NOWAIT);
			assert_non_null(
				strstr(journal_take(), "connect=ETIMEDOUT"));
		}
		assert_int_equal(count_descriptors(), x.descriptors);
		scene_end(&x);
	}
}

/* O5 */
static void a_shutdown_ends_it_in_each_stage(void **state)
{
	for (enum stage stage = 0; stage < STAGES; stage++) {
		struct scene x;

		scene_begin(&x, *state, stage);
		rota_handle_on_shutdown(&x.life->tcp.handle, life_closed);
		assert_int_equal(rota_loop_shutdown(x.f->loop, UINT64_MAX), 0);
		x.f->loop = NULL;

		assert_int_equal(closes, 1);
		assert_non_null(strstr(journal_take(), "connect=ECANCELED"));
		scene_end(&x);
		assert_int_equal(fixture_end(state), 0);
		assert_int_equal(fixture_begin_virtual(state), 0);
	}
}

static void free_both(struct guest *g, int status)
{
	struct life *life = rota_container_of(g, struct life, g);

	(void)status;
	assert_int_equal(rota_handle_close(&life->tcp.handle, life_closed), 0);
}

static void its_callback_may_close_and_free(void **state)
{
	for (int fails = 0; fails < 2; fails++) {
		struct scene x;

		scene_begin(&x, *state, fails ? FIRST : ANSWERED);
		x.life->g.act = free_both;
		if (fails)
			guest_must_end(&x.life->g, 0);
		RUN_UNTIL(x.f, closes > 0);
		assert_int_equal(count_descriptors(), x.descriptors);
		scene_end(&x);
	}
}

/* F2 */
static void go_on_in_a_child(void *arg)
{
	struct scene *x = arg;
	struct rota_host_connect connect;
	struct guest *g = &x->life->g;

	EXPECT(rota_tcp_connect_host(&connect, &x->life->tcp, "::1", 80, NULL,
				     guest_called) == ROTA_ECHILD);
	EXPECT(rota_request_cancel(&g->connect.request) == ROTA_ECHILD);
	EXPECT(rota_handle_close(&x->life->tcp.handle, NULL) == ROTA_ECHILD);
	EXPECT(rota_loop_fork(x->f->loop) == 0);
	if (g->connect.internal.race == NULL) {
		/* The thread that looked it up is not here. */
		EXPECT(rota_request_cancel(&g->connect.request) ==
		       ROTA_EALREADY);
	} else {
		EXPECT(rota_request_cancel(&g->connect.request) == 0);
	}
	EXPECT(rota_loop_run(x->f->loop, ROTA_RUN_NOWAIT) >= 0);
	EXPECT(g->calls == 1 && g->status == ROTA_ECANCELED);
	EXPECT(rota_stream_fd(&x->life->tcp.stream) < 0);
	EXPECT(rota_handle_close_now(&x->life->tcp.handle) == 0);
}

static void a_child_may_end_it_and_the_parent_goes_on(void **state)
{
	for (enum stage stage = 0; stage <= SECOND; stage++) {
		struct scene x;

		scene_begin(&x, *state, stage);
		in_a_child(go_on_in_a_child, &x);
		guest_must_end(&x.life->g, stage >= FOUND ? 1000 : 0);
		until_called(&x);
		assert_int_equal(x.life->g.status, ROTA_ETIMEDOUT);
		scene_end(&x);
	}
}

/* Many at a time, of the same few hosts, that end in all ways. */
enum { GUESTS = 12, ROUNDS = 30 };

static unsigned random_calls;

static void count_closed(struct rota_handle *handle)
{
	(void)handle;
	closes++;
}

static void count_call(struct guest *g, int status)
{
	(void)g;
	assert_true(status == 0 || status == ROTA_ECANCELED ||
		    status == ROTA_ETIMEDOUT || status == ROTA_EAI_NONAME);
	random_calls++;
}

static void do_one(struct scene *x, struct life *life, uint64_t *seed)
{
	static const char *const hosts[] = { "host.test", "quick.test",
					     "nowhere.test", "127.0.0.2" };

	switch (random_below(seed, 6)) {
	case 0:
		(void)rota_request_cancel(&life->g.connect.request);
		break;
	case 1:
		if (life->g.calls == 0)
			(void)rota_request_set_deadline(
				&life->g.connect.request, &life->g.deadline,
				rota_loop_now(x->f->loop) +
					ROTA_MSEC(random_below(seed, 600)));
		break;
	case 2:
		if (life->g.calls == 1 &&
		    rota_handle_close_now(&life->tcp.handle) == 0)
			tcp_init(&life->tcp, x->f);
		break;
	default:
		if (life->g.calls == 0)
			return;
		life->g.calls = 0;
		life->g.tcp = &life->tcp;
		life->g.act = count_call;
		if (rota_tcp_connect_host(&life->g.connect, &life->tcp,
					  hosts[random_below(seed, 4)],
					  x->s.port, NULL, guest_called) < 0)
			life->g.calls = 1;
	}
}

static void many_end_in_all_ways(void **state)
{
	static struct life lives[GUESTS];
	uint64_t seed = random_seed();
	struct scene x;
	unsigned rounds = test_is_full() ? 100 * ROUNDS : ROUNDS;

	scene_begin(&x, *state, ANSWERED);
	until_called(&x);
	memset(lives, 0, sizeof(lives));
	random_calls = 0;
	resolver_add("quick.test", "127.0.0.2");
	for (int i = 0; i < GUESTS; i++) {
		tcp_init(&lives[i].tcp, x.f);
		lives[i].g.calls = 1;
	}
	for (unsigned i = 0; i < rounds; i++) {
		for (int j = 0; j < GUESTS; j++)
			do_one(&x, &lives[j], &seed);
		if (random_below(&seed, 3) == 0)
			assert_int_equal(
				rota_loop_advance(x.f->loop, ROTA_MSEC(100)),
				0);
		turn(x.f);
	}
	for (int i = 0; i < GUESTS; i++)
		assert_int_equal(
			rota_handle_close(&lives[i].tcp.handle, count_closed),
			0);
	RUN_UNTIL(x.f, closes == GUESTS);
	for (int i = 0; i < GUESTS; i++)
		assert_int_equal(lives[i].g.calls, 1);
	assert_true(random_calls > 0);
	scene_end(&x);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_cancel_ends_it_in_each_stage),
	VIRTUAL(a_deadline_ends_it_in_each_stage),
	VIRTUAL(a_close_ends_it_in_each_stage),
	VIRTUAL(an_end_waits_for_it_in_each_stage),
	VIRTUAL(a_shutdown_ends_it_in_each_stage),
	VIRTUAL(its_callback_may_close_and_free),
	VIRTUAL(a_child_may_end_it_and_the_parent_goes_on),
	VIRTUAL(many_end_in_all_ways),
};
FIXTURE_MAIN(tests)
