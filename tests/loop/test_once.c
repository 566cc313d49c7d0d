/*
 * ROTA_RUN_ONCE: a turn that ended after its timers phase continues in the next
 * run. So a series of such runs calls back in the same order as one
 * ROTA_RUN_DEFAULT.
 *
 * ROTA_TEST_SEED repeats the random programs; ROTA_TEST_FULL=1 makes more of
 * them.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <stdlib.h>
#include <string.h>

static struct rota_stats stats_of(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_loop_stats(loop, &stats), 0);
	return stats;
}

static void immediate_and_zero(struct actor *a)
{
	actor_immediate(a->other);
	actor_timer(a->other, 0);
}

/* Run a loop whose turn is cut short: a timer was called, and an immediate and
 * a timer of 0 wait. */
static void cut(struct recorder *r, struct actor *timer, struct actor *other)
{
	actor_init(timer, r, "timer");
	actor_init(other, r, "other");
	timer->then = immediate_and_zero;
	timer->other = other;
	actor_timer(timer, ROTA_MSEC(10));
	recorder_trace(r);
	assert_int_equal(rota_loop_run(r->loop, ROTA_RUN_ONCE), 1);
	assert_string_equal(recorder_take(r), "timers: pending: prepare: poll: "
					      "check: closing: timers: timer");
}

/* T3: this holds for every mode. */
static void the_next_run_goes_on_with_a_turn_that_was_cut(void **state)
{
	static const char *const expected[] = {
		[ROTA_RUN_DEFAULT] =
			("pending: prepare: poll: check: other closing: "
			 "timers: other pending: prepare: poll: check: "
			 "closing:"),
		[ROTA_RUN_ONCE] =
			"pending: prepare: poll: check: other closing:",
		[ROTA_RUN_NOWAIT] =
			"pending: prepare: poll: check: other closing:",
	};
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, other;

	for (int mode = ROTA_RUN_DEFAULT; mode <= ROTA_RUN_NOWAIT; mode++) {
		recorder_init(&r, f->loop);
		cut(&r, &timer, &other);

		rota_loop_run(f->loop, (enum rota_run_mode)mode);

		assert_string_equal(recorder_take(&r), expected[mode]);
		rota_timer_stop(&other.timer);
	}
	rota_loop_trace(f->loop, NULL);
}

/* T3: a turn in two runs is one turn, and each of its phases begins once. */
static void a_turn_that_was_cut_counts_once(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, other;
	struct rota_stats stats;

	recorder_init(&r, f->loop);
	cut(&r, &timer, &other);
	stats = stats_of(f->loop);
	assert_int_equal(stats.turns, 2);
	assert_int_equal(stats.phases[ROTA_PHASE_TIMERS], 2);
	assert_int_equal(stats.phases[ROTA_PHASE_PENDING], 1);
	assert_int_equal(stats.phases[ROTA_PHASE_CLOSING], 1);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	stats = stats_of(f->loop);
	assert_int_equal(stats.turns, 2);
	for (int i = ROTA_PHASE_TIMERS; i < ROTA_PHASE_COUNT; i++)
		assert_int_equal(stats.phases[i], 2);
	rota_timer_stop(&other.timer);
	rota_loop_trace(f->loop, NULL);
}

/* T3, T2: ticks that were queued between the runs come first. */
static void ticks_come_before_the_rest_of_a_turn_that_was_cut(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, other, tick;

	recorder_init(&r, f->loop);
	cut(&r, &timer, &other);
	actor_init(&tick, &r, "tick");
	actor_tick(&tick);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(recorder_take(&r), "tick pending: prepare: poll: "
					       "check: other closing:");
	rota_timer_stop(&other.timer);
	rota_loop_trace(f->loop, NULL);
}

/* T3: if nothing is alive, the turn does not continue. What is started later
 * gets a new turn. */
static void a_cut_is_forgotten_when_nothing_is_alive(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, other, late;

	recorder_init(&r, f->loop);
	cut(&r, &timer, &other);
	rota_timer_stop(&other.timer);
	rota_task_cancel(&other.task);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);
	assert_string_equal(recorder_take(&r), "");

	actor_init(&late, &r, "late");
	actor_timer(&late, 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);

	assert_string_equal(recorder_take(&r), "timers: late pending: prepare: "
					       "poll: check: closing:");
	assert_int_equal(stats_of(f->loop).phases[ROTA_PHASE_PENDING], 2);
	rota_loop_trace(f->loop, NULL);
}

/* T3: the same if the run that cut the turn short has returned 0. */
static void a_run_that_returns_0_leaves_no_turn_behind(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer;

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_timer(&timer, ROTA_MSEC(10));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);

	actor_timer(&timer, 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 0);

	assert_string_equal(recorder_take(&r), "timer timer");
}

/* T3, T5: a run that was stopped before it began leaves the rest of the turn to
 * the next run. */
static void a_run_that_is_stopped_before_leaves_the_cut(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, other;

	recorder_init(&r, f->loop);
	cut(&r, &timer, &other);
	rota_loop_stop(f->loop);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_string_equal(recorder_take(&r), "");

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(recorder_take(&r),
			    "pending: prepare: poll: check: other closing:");
	rota_timer_stop(&other.timer);
	rota_loop_trace(f->loop, NULL);
}

static void stop_loop(struct actor *a)
{
	actor_immediate(a->other);
	rota_loop_stop(a->recorder->loop);
}

/* T5: after a stop in the callback of a timer, too, the turn is completed. */
static void a_turn_in_which_a_timer_stops_the_loop_is_not_cut(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, other;

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&other, &r, "other");
	timer.then = stop_loop;
	timer.other = &other;
	actor_timer(&timer, ROTA_MSEC(10));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);

	assert_string_equal(recorder_take(&r), "timer other");
}

/* T3, O5 */
static void a_shutdown_goes_on_with_a_turn_that_was_cut(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, other;

	recorder_init(&r, f->loop);
	cut(&r, &timer, &other);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_string_equal(recorder_take(&r),
			    "pending: prepare: poll: check: other closing:");
}

/*
 * Random programs. What a callback does depends on the seed, on which callback
 * it is, and on how many came before it. So two runs of a program behave the
 * same until their order first differs.
 */

enum { NODES = 8, OPERATIONS = 60, EVENTS = 512 };

struct program;

struct node {
	struct program *program;
	struct rota_timer timer;
	struct rota_task immediate, post, tick;
	struct rota_tcp tcp;
	int open;
};

struct program {
	struct rota_loop *loop;
	uint64_t seed;
	unsigned left; /* operations */
	unsigned count;
	struct {
		char kind;
		unsigned char node;
		uint64_t now_ns;
	} events[EVENTS];
	struct node nodes[NODES];
};

static void happen(struct node *node, char kind);

static void on_timer(struct rota_timer *timer)
{
	happen(timer->data, 't');
}

static void on_immediate(struct rota_task *task)
{
	happen(task->data, 'i');
}

static void on_post(struct rota_task *task)
{
	happen(task->data, 'p');
}

static void on_tick(struct rota_task *task)
{
	happen(task->data, 'k');
}

static void on_close(struct rota_handle *handle)
{
	struct node *node = handle->data;

	node->open = 0;
	happen(node, 'c');
}

static void operate(struct program *p)
{
	static const uint64_t delays_ms[] = { 0, 0, 1, 2, 5 };
	struct node *node = &p->nodes[random_below(&p->seed, NODES)];
	uint64_t delay_ns = ROTA_MSEC(delays_ms[random_below(&p->seed, 5)]);

	switch (random_below(&p->seed, 8)) {
	case 0:
	case 1:
		rota_timer_start(&node->timer, on_timer, delay_ns);
		break;
	case 2:
		rota_timer_every(&node->timer, on_timer, delay_ns + 1,
				 ROTA_REPEAT_RATE);
		break;
	case 3:
		rota_timer_stop(&node->timer);
		break;
	case 4:
		rota_task_immediate(&node->immediate, on_immediate);
		break;
	case 5:
		rota_task_post(&node->post, on_post);
		break;
	case 6:
		rota_task_next_tick(&node->tick, on_tick);
		break;
	default:
		if (node->open)
			rota_handle_close(&node->tcp.handle, on_close);
		break;
	}
}

static void operate_some(struct program *p)
{
	for (uint64_t n = random_below(&p->seed, 4); n > 0; n--)
		if (p->left > 0) {
			p->left--;
			operate(p);
		}
	/* At the end, stop the timers that repeat. */
	for (unsigned i = 0; p->left == 0 && i < NODES; i++)
		if (random_below(&p->seed, 2))
			rota_timer_stop(&p->nodes[i].timer);
}

static void happen(struct node *node, char kind)
{
	struct program *p = node->program;

	assert_true(p->count < EVENTS);
	p->events[p->count].kind = kind;
	p->events[p->count].node = (unsigned char)(node - p->nodes);
	p->events[p->count].now_ns = rota_loop_now(p->loop);
	p->count++;
	operate_some(p);
}

static void program_begin(struct program *p, struct fixture *f, uint64_t seed)
{
	struct rota_loop_options options;

	memset(p, 0, sizeof(*p));
	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	assert_int_equal(rota_loop_new(&p->loop, &options), 0);
	p->seed = seed;
	p->left = OPERATIONS;
	for (unsigned i = 0; i < NODES; i++) {
		struct node *node = &p->nodes[i];

		node->program = p;
		rota_timer_init(&node->timer, p->loop);
		rota_task_init(&node->immediate, p->loop);
		rota_task_init(&node->post, p->loop);
		rota_task_init(&node->tick, p->loop);
		node->timer.data = node->immediate.data = node->post.data =
			node->tick.data = node;
		assert_int_equal(rota_tcp_init(&node->tcp, p->loop), 0);
		node->tcp.handle.data = node;
		node->open = 1;
	}
	for (unsigned i = 0; i < 6; i++)
		operate(p);
}

static void program_end(struct program *p)
{
	assert_int_equal(rota_loop_shutdown(p->loop, UINT64_MAX), 0);
}

/* T3 */
static void a_chain_of_once_calls_back_as_one_default_run(void **state)
{
	struct fixture *f = *state;
	unsigned programs = getenv("ROTA_TEST_FULL") != NULL ? 20000 : 300;
	uint64_t seed = random_seed();
	struct program *a = malloc(sizeof(*a));
	struct program *b = malloc(sizeof(*b));
	unsigned cuts = 0;

	assert_true(a != NULL && b != NULL);
	for (unsigned i = 0; i < programs; i++) {
		uint64_t its_seed = random_below(&seed, UINT64_MAX - 1) + 1;
		struct rota_stats stats;

		program_begin(a, f, its_seed);
		program_begin(b, f, its_seed);
		assert_int_equal(rota_loop_run(a->loop, ROTA_RUN_DEFAULT), 0);
		while (rota_loop_run(b->loop, ROTA_RUN_ONCE) == 1) {
			stats = stats_of(b->loop);
			cuts += stats.phases[ROTA_PHASE_TIMERS] !=
				stats.phases[ROTA_PHASE_POLL];
		}

		assert_int_equal(a->count, b->count);
		assert_memory_equal(a->events, b->events, sizeof(a->events));
		program_end(a);
		program_end(b);
	}
	assert_true(cuts > programs); /* else the test would show nothing */
	free(a);
	free(b);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(the_next_run_goes_on_with_a_turn_that_was_cut),
	VIRTUAL(a_turn_that_was_cut_counts_once),
	VIRTUAL(ticks_come_before_the_rest_of_a_turn_that_was_cut),
	VIRTUAL(a_cut_is_forgotten_when_nothing_is_alive),
	VIRTUAL(a_run_that_returns_0_leaves_no_turn_behind),
	VIRTUAL(a_run_that_is_stopped_before_leaves_the_cut),
	VIRTUAL(a_turn_in_which_a_timer_stops_the_loop_is_not_cut),
	VIRTUAL(a_shutdown_goes_on_with_a_turn_that_was_cut),
	VIRTUAL(a_chain_of_once_calls_back_as_one_default_run),
};
FIXTURE_MAIN(tests)
