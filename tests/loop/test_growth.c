/*
 * Programs that were compiled with structs of another version. Shorter structs
 * lie at the end of a page, with no page behind it. The minimum sizes are
 * numbers: they are those of the first version, whatever is appended later.
 */
#include "support/edge.h"
#include "support/fixture.h"

#include <string.h>

#include "rota/address.h"
#include "rota/buf.h"
#include "rota/pool.h"

enum { WORD = sizeof(void *) };

/* The structs of the first version, written out. */
struct first_options {
	size_t size;
	const char *backend;
	enum rota_clock clock;
	int measure;
	uint64_t tick_budget;
	const struct rota_allocator *allocator;
};

struct first_stats {
	size_t size;
	uint64_t counts[7];
	uint64_t callbacks[7];
	uint64_t phases[7];
	uint64_t phase_ns[7];
	uint64_t idle_ns;
	uint64_t lateness[32];
};

struct first_tracer {
	size_t size;
	void *data;
	void (*functions[4])(void);
};

static int make(const void *options)
{
	struct rota_loop *loop;
	int status = rota_loop_new(&loop, options);

	if (status == 0)
		assert_int_equal(rota_loop_close(loop), 0);
	return status;
}

static void options_of_the_first_version_still_do(void **state)
{
	const size_t least = offsetof(struct first_options, allocator) + WORD;
	struct fixture *f = *state;
	struct rota_loop_options all;
	struct rota_loop_options *o = edge_new(least);

	fixture_options(f, ROTA_CLOCK_VIRTUAL, &all);
	memcpy(o, &all, least);
	for (o->size = 0; o->size < least; o->size++)
		assert_int_equal(make(o), ROTA_EINVAL);
	assert_int_equal(make(o), 0);
	edge_free();
}

/* Members that only a later version knows must not be set. */
static void longer_options_have_nothing_unknown_set(void **state)
{
	struct {
		struct rota_loop_options options;
		unsigned char more[24];
	} *o = edge_new(sizeof(*o));
	struct fixture *f = *state;

	fixture_options(f, ROTA_CLOCK_VIRTUAL, &o->options);
	o->options.size = sizeof(*o);
	memset(o->more, 0, sizeof(o->more));
	for (size_t i = 0; i < sizeof(o->more); i++) {
		o->more[i] = 1;
		assert_int_equal(make(o), ROTA_EINVAL);
		o->more[i] = 0;
	}
	assert_int_equal(make(o), 0);
	edge_free();
}

static void stats_of_the_first_version_are_filled_to_their_end(void **state)
{
	const size_t least = sizeof(struct first_stats);
	struct fixture *f = *state;
	struct rota_stats *stats = edge_new(least);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	for (stats->size = 0; stats->size < least; stats->size++)
		assert_int_equal(rota_loop_stats(f->loop, stats), ROTA_EINVAL);
	assert_int_equal(rota_loop_stats(f->loop, stats), 0);
	assert_int_equal(stats->size, least);
	assert_int_equal(stats->turns, 0);
	assert_int_equal(stats->lateness[ROTA_LATENESS_BUCKETS - 1], 0);
	edge_free();
}

static void longer_stats_end_with_zeroes(void **state)
{
	struct {
		struct rota_stats stats;
		unsigned char more[24];
	} *stats = edge_new(sizeof(*stats));
	static const unsigned char zeroes[sizeof(stats->more)];
	struct fixture *f = *state;

	stats->stats.size = sizeof(*stats);
	assert_int_equal(rota_loop_stats(f->loop, &stats->stats), 0);
	assert_int_equal(stats->stats.size, sizeof(*stats));
	assert_memory_equal(stats->more, zeroes, sizeof(zeroes));
	edge_free();
}

static void count_call(void *arg)
{
	++*(unsigned *)arg;
}

static void count_begin(struct rota_tracer *tracer, const char *type,
			const char *name, const void *object)
{
	(void)type, (void)name, (void)object;
	count_call(tracer->data);
}

static void run_one(struct fixture *f)
{
	unsigned calls = 0;

	assert_int_not_equal(rota_set_immediate(f->loop, count_call, &calls),
			     0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(calls, 1);
}

static void a_tracer_of_the_first_version_still_traces(void **state)
{
	const size_t least = sizeof(struct first_tracer);
	struct fixture *f = *state;
	struct rota_tracer *tracer = edge_new(least);
	unsigned traced = 0;

	memset(tracer, 0, least);
	tracer->data = &traced;
	tracer->callback_begin = count_begin;
	for (tracer->size = 0; tracer->size < least; tracer->size++)
		assert_int_equal(rota_loop_trace(f->loop, tracer), ROTA_EINVAL);
	run_one(f);
	assert_int_equal(traced, 0);
	assert_int_equal(rota_loop_trace(f->loop, tracer), 0);

	run_one(f);

	assert_int_equal(traced, 1);
	assert_int_equal(rota_loop_trace(f->loop, NULL), 0);
	edge_free();
}

static void a_longer_tracer_has_no_unknown_function(void **state)
{
	struct {
		struct rota_tracer tracer;
		void (*more[3])(void);
	} *t = edge_new(sizeof(*t));
	struct fixture *f = *state;
	struct rota_tracer before = { .size = sizeof(before) };
	unsigned traced = 0;

	before.data = &traced;
	before.callback_begin = count_begin;
	assert_int_equal(rota_loop_trace(f->loop, &before), 0);
	memset(t, 0, sizeof(*t));
	t->tracer.size = sizeof(*t);
	t->more[2] = edge_free;
	assert_int_equal(rota_loop_trace(f->loop, &t->tracer), ROTA_EINVAL);
	run_one(f); /* still the previous one */
	assert_int_equal(traced, 1);

	t->more[2] = NULL;
	assert_int_equal(rota_loop_trace(f->loop, &t->tracer), 0);
	run_one(f);

	assert_int_equal(traced, 1);
	assert_int_equal(rota_loop_trace(f->loop, NULL), 0);
	edge_free();
}

static void note_entry(void *arg, const struct rota_dump_entry *entry)
{
	*(struct rota_dump_entry *)arg = *entry;
}

static void a_dump_entry_says_how_much_of_it_is_filled(void **state)
{
	struct fixture *f = *state;
	struct rota_dump_entry seen = { .size = 0 };

	rota_set_timeout(f->loop, count_call, NULL, UINT64_MAX);
	assert_int_equal(rota_loop_dump(f->loop, note_entry, &seen), 1);

	assert_int_equal(seen.size, sizeof(seen));
	assert_in_range(seen.size, offsetof(struct rota_dump_entry, due_ns) + 8,
			SIZE_MAX);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
}

/* These structs never grow: programs contain arrays of them and embed them in
 * other structs. A new feature gets a new struct and a new function. */
_Static_assert(offsetof(struct rota_buf, data) == 0 &&
		       offsetof(struct rota_buf, size) == WORD &&
		       sizeof(struct rota_buf) == 2 * WORD,
	       "rota_buf is as it was");
_Static_assert(offsetof(struct rota_allocator, resize) == 0 &&
		       offsetof(struct rota_allocator, context) == WORD &&
		       sizeof(struct rota_allocator) == 2 * WORD,
	       "rota_allocator is as it was");
_Static_assert(offsetof(struct rota_detachable, run) == 0 &&
		       offsetof(struct rota_detachable, discard) == WORD &&
		       offsetof(struct rota_detachable, context) == 2 * WORD &&
		       sizeof(struct rota_detachable) == 3 * WORD,
	       "rota_detachable is as it was");
_Static_assert(offsetof(struct rota_address, size) == 0 &&
		       offsetof(struct rota_address, is) == WORD &&
		       sizeof(((struct rota_address *)NULL)->is) ==
			       (sizeof(struct sockaddr_un) + 3) / 4 * 4,
	       "rota_address is as it was");
_Static_assert(sizeof(struct rota_link) == 2 * WORD &&
		       sizeof(struct rota_entry) == 2 * WORD,
	       "what nodes are linked by is as it was");
_Static_assert(sizeof(struct rota_lane_options) == 32 &&
		       sizeof(((struct rota_pool_options *)NULL)->lanes) ==
			       8 * 32,
	       "the lanes of pool options keep their places");

static const struct CMUnitTest tests[] = {
	VIRTUAL(options_of_the_first_version_still_do),
	VIRTUAL(longer_options_have_nothing_unknown_set),
	VIRTUAL(stats_of_the_first_version_are_filled_to_their_end),
	VIRTUAL(longer_stats_end_with_zeroes),
	VIRTUAL(a_tracer_of_the_first_version_still_traces),
	VIRTUAL(a_longer_tracer_has_no_unknown_function),
	VIRTUAL(a_dump_entry_says_how_much_of_it_is_filled),
};
FIXTURE_MAIN(tests)
