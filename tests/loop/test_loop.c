/*
 * Loops: options, references, and closing a loop at rest. Ending a loop that
 * still has work is tested in test_shutdown.c.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* O5 */
static void a_loop_is_made_with_no_more_than_its_defaults(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *loop = NULL;

	(void)f;
	rota_loop_options_init(&options);
	assert_int_equal(options.size, sizeof(options));
	assert_null(options.backend);
	assert_int_equal(options.clock, ROTA_CLOCK_MONOTONIC);
	assert_int_equal(options.measure, 0);
	assert_int_equal(options.tick_budget, 65536);
	assert_null(options.allocator);

	assert_int_equal(rota_loop_new(&loop, &options), 0);

	assert_non_null(loop);
	assert_int_equal(rota_loop_close(loop), 0);
}

static void a_loop_knows_the_name_of_its_backend(void **state)
{
	static const char *const names[] = { "epoll", "kqueue", "poll" };
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *loop;
	unsigned made = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int status;

		fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
		options.backend = names[i];
		status = rota_loop_new(&loop, &options);
		if (status == ROTA_ENOTSUP)
			continue; /* not built here */
		assert_int_equal(status, 0);
		assert_string_equal(rota_loop_backend_name(loop), names[i]);
		assert_int_equal(rota_loop_close(loop), 0);
		made++;
	}
	assert_in_range(made, 1, 3); /* poll(2) always exists */
}

/* The environment chooses the backend if the options do not. */
static void the_environment_chooses_a_backend(void **state)
{
	struct fixture *f = *state;
	const char *now = getenv("ROTA_POLLER");
	char *before = now != NULL ? strdup(now) : NULL;
	struct rota_loop_options options;
	struct rota_loop *loop = NULL;

	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	setenv("ROTA_POLLER", "poll", 1);
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	assert_string_equal(rota_loop_backend_name(loop), "poll");
	assert_int_equal(rota_loop_close(loop), 0);

	setenv("ROTA_POLLER", "no such poller", 1);
	assert_int_equal(rota_loop_new(&loop, &options), ROTA_ENOTSUP);
	options.backend = "poll";
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	assert_int_equal(rota_loop_close(loop), 0);

	if (before != NULL)
		setenv("ROTA_POLLER", before, 1);
	else
		unsetenv("ROTA_POLLER");
	free(before);
}

/* Options of a program with a longer header: the library's, followed by
 * more. */
struct longer_options {
	struct rota_loop_options options;
	char tail[16];
};

/* F3: after an error *loop is unchanged. The fixture checks that nothing is
 * left open. */
static void options_out_of_range_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *const before = (struct rota_loop *)(void *)f;
	struct rota_loop *loop = before;
	struct longer_options longer;
	struct rota_loop_options *o = &longer.options;

	memset(&longer, 0, sizeof(longer));
	fixture_options(f, ROTA_CLOCK_VIRTUAL, o);
	assert_int_equal(rota_loop_new(NULL, o), ROTA_EINVAL);

	o->backend = "no such backend";
	assert_int_equal(rota_loop_new(&loop, o), ROTA_ENOTSUP);
	o->backend = "";
	assert_int_equal(rota_loop_new(&loop, o), ROTA_ENOTSUP);

	fixture_options(f, (enum rota_clock)7, o);
	assert_int_equal(rota_loop_new(&loop, o), ROTA_EINVAL);

	fixture_options(f, ROTA_CLOCK_VIRTUAL, o);
	o->size = 0;
	assert_int_equal(rota_loop_new(&loop, o), ROTA_EINVAL);

	fixture_options(f, ROTA_CLOCK_VIRTUAL, o);
	o->size = sizeof(longer);
	longer.tail[15] = 1;
	assert_int_equal(rota_loop_new(&loop, o), ROTA_EINVAL);
	assert_ptr_equal(loop, before);
}

/* Unknown members that are zero ask for nothing. */
static void longer_options_are_taken_if_the_rest_is_zero(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *loop = NULL;
	struct longer_options longer;

	memset(&longer, 0, sizeof(longer));
	fixture_options(f, ROTA_CLOCK_VIRTUAL, &longer.options);
	longer.options.size = sizeof(longer);

	assert_int_equal(rota_loop_new(&loop, &longer.options), 0);

	assert_int_equal(rota_loop_close(loop), 0);
}

static void a_header_of_another_version_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *loop = NULL;
	struct rota_loop_options options;

	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	assert_int_equal(
		rota_loop_new_version(&loop, &options, ROTA_VERSION + 0x100),
		ROTA_EINVAL);
	assert_int_equal(
		rota_loop_new_version(&loop, &options, ROTA_VERSION - 0x100),
		ROTA_EINVAL);
	assert_int_equal(
		rota_loop_new_version(&loop, &options, ROTA_VERSION + 0x10000),
		ROTA_EINVAL);
	assert_int_equal(rota_loop_new_version(&loop, &options,
					       ROTA_VERSION + 0x1000000),
			 ROTA_EINVAL);
	assert_int_equal(rota_loop_new_version(&loop, &options, 0),
			 ROTA_EINVAL);
	assert_null(loop);
}

/* A patch release changes no struct. */
static void a_header_of_another_patch_is_accepted(void **state)
{
	static const uint32_t patches[] = { 0, 1, 77, 255 };
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *loop;

	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
		uint32_t version = (ROTA_VERSION & 0xffff00) | patches[i];

		assert_int_equal(
			rota_loop_new_version(&loop, &options, version), 0);
		assert_int_equal(rota_loop_close(loop), 0);
	}
}

static void memory_comes_from_the_allocator_of_the_options(void **state)
{
	struct fixture *f = *state;
	size_t calls = f->memory.calls;
	size_t bytes = f->memory.bytes;
	struct rota_loop_options options;
	struct rota_loop *loop;

	assert_true(calls > 0);
	assert_true(bytes > 0);
	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	assert_true(f->memory.calls > calls);
	assert_true(f->memory.bytes > bytes);

	assert_int_equal(rota_loop_close(loop), 0);

	assert_int_equal(f->memory.bytes, bytes);
}

static void a_loop_takes_two_descriptors(void **state)
{
	struct fixture *f = *state;

	if (poller_is(f, "kqueue")) {
		print_message("skip: kqueue needs one, its double more\n");
		skip();
	}
	assert_int_equal(count_descriptors(), f->descriptors + 2);

	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	assert_int_equal(count_descriptors(), f->descriptors);
}

static void a_loop_keeps_a_pointer_of_the_caller(void **state)
{
	struct fixture *f = *state;

	assert_null(rota_loop_get_data(f->loop));
	rota_loop_set_data(f->loop, f);
	assert_ptr_equal(rota_loop_get_data(f->loop), f);
	rota_loop_set_data(f->loop, NULL);
	assert_null(rota_loop_get_data(f->loop));
}

/* rota_loop_close() must return ROTA_EBUSY and change nothing, whether the
 * object is referenced or not. */
static void expect_busy(struct rota_loop *loop)
{
	assert_int_equal(rota_loop_dump(loop, NULL, NULL), 1);
	assert_int_equal(rota_loop_close(loop), ROTA_EBUSY);
	assert_int_equal(rota_loop_close(loop), ROTA_EBUSY);
	assert_int_equal(rota_loop_dump(loop, NULL, NULL), 1);
}

/* O5 */
static void close_is_refused_while_a_node_is_started(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");

	actor_timer(&a, UINT64_MAX);
	expect_busy(f->loop);
	rota_timer_unref(&a.timer);
	expect_busy(f->loop);
	rota_timer_stop(&a.timer);

	for (int kind = ROTA_HOOK_IDLE; kind <= ROTA_HOOK_CHECK; kind++) {
		actor_hook(&a, (enum rota_hook_kind)kind);
		expect_busy(f->loop);
		rota_hook_unref(&a.hook);
		expect_busy(f->loop);
		rota_hook_stop(&a.hook);
	}

	actor_async(&a);
	expect_busy(f->loop);
	rota_async_unref(&a.async);
	expect_busy(f->loop);
	rota_async_stop(&a.async);

	actor_watch(&a, fds[0], 0);
	expect_busy(f->loop);
	rota_watch_unref(&a.watch);
	expect_busy(f->loop);
	rota_watch_stop(&a.watch);
	close(fds[0]);
	close(fds[1]);
}

/* O5 */
static void close_is_refused_while_a_task_is_queued(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	void (*const queue[])(struct actor *) = {
		actor_tick,
		actor_microtask,
		actor_immediate,
		actor_post,
	};

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	for (size_t i = 0; i < sizeof(queue) / sizeof(queue[0]); i++) {
		queue[i](&a);
		expect_busy(f->loop);
		rota_task_unref(&a.task);
		expect_busy(f->loop);

		rota_task_ref(&a.task);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
		assert_string_equal(recorder_take(&r), "a");
	}
}

/* O5: the run is as if there had been no attempt. */
static void a_refused_close_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_timer(&a, ROTA_MSEC(5));
	actor_post(&b);
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "b@0 a@5");
}

/* O5: a reference keeps the memory, so posting is safe. */
static void a_closed_loop_stays_until_its_last_reference_goes(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *loop = f->loop;
	struct recorder r;
	struct actor a;

	recorder_init(&r, loop);
	actor_init(&a, &r, "a");
	assert_ptr_equal(rota_loop_ref(loop), loop);
	assert_ptr_equal(rota_loop_ref(loop), loop);

	assert_int_equal(rota_loop_close(loop), 0);
	f->loop = NULL;

	assert_true(f->memory.bytes > 0);
	assert_int_equal(rota_task_post(&a.task, actor_on_task),
			 ROTA_ESHUTDOWN);
	assert_int_equal(rota_task_is_queued(&a.task), 0);
	rota_loop_unref(loop);
	assert_int_equal(rota_task_post(&a.task, actor_on_task),
			 ROTA_ESHUTDOWN);
	assert_true(f->memory.bytes > 0);
	rota_loop_unref(loop);
	assert_int_equal(f->memory.bytes, 0);
}

/* O5 */
static void a_reference_that_went_before_the_close_holds_nothing(void **state)
{
	struct fixture *f = *state;

	rota_loop_unref(rota_loop_ref(f->loop));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(rota_loop_close(f->loop), 0);
	f->loop = NULL;

	assert_int_equal(f->memory.bytes, 0);
}

static void two_loops_keep_apart(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *other;
	struct recorder r, s;
	struct actor a, b;

	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	assert_int_equal(rota_loop_new(&other, &options), 0);
	recorder_init(&r, f->loop);
	recorder_init(&s, other);
	r.times = s.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &s, "b");
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_MSEC(2));

	assert_int_equal(rota_loop_run(other, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(recorder_take(&r), "");
	assert_string_equal(recorder_take(&s), "b@2");
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@1");
	assert_int_equal(rota_loop_close(other), 0);
}

static void run_other_loop(struct actor *a)
{
	assert_int_equal(
		rota_loop_run(a->other->recorder->loop, ROTA_RUN_DEFAULT), 0);
}

/* T6 is about one loop: another one may be run in its callbacks. */
static void a_loop_may_run_inside_a_callback_of_another(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *other;
	struct recorder r, s;
	struct actor a, b;

	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	assert_int_equal(rota_loop_new(&other, &options), 0);
	recorder_init(&r, f->loop);
	recorder_init(&s, other);
	actor_init(&a, &r, "a");
	actor_init(&b, &s, "b");
	a.then = run_other_loop;
	a.other = &b;
	actor_timer(&a, ROTA_MSEC(1));
	actor_timer(&b, ROTA_MSEC(2));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a");
	assert_string_equal(recorder_take(&s), "b");
	assert_int_equal(rota_loop_close(other), 0);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_loop_is_made_with_no_more_than_its_defaults),
	VIRTUAL(a_loop_knows_the_name_of_its_backend),
	VIRTUAL(the_environment_chooses_a_backend),
	VIRTUAL(options_out_of_range_are_refused),
	VIRTUAL(longer_options_are_taken_if_the_rest_is_zero),
	VIRTUAL(a_header_of_another_version_is_refused),
	VIRTUAL(a_header_of_another_patch_is_accepted),
	VIRTUAL(memory_comes_from_the_allocator_of_the_options),
	VIRTUAL(a_loop_takes_two_descriptors),
	VIRTUAL(a_loop_keeps_a_pointer_of_the_caller),
	VIRTUAL(close_is_refused_while_a_node_is_started),
	VIRTUAL(close_is_refused_while_a_task_is_queued),
	VIRTUAL(a_refused_close_changes_nothing),
	VIRTUAL(a_closed_loop_stays_until_its_last_reference_goes),
	VIRTUAL(a_reference_that_went_before_the_close_holds_nothing),
	VIRTUAL(two_loops_keep_apart),
	VIRTUAL(a_loop_may_run_inside_a_callback_of_another),
};
FIXTURE_MAIN(tests)
