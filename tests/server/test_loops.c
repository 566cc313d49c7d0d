/*
 * Several loops with a thread each: their start, stop and join (F1, F3).
 */
#include "support/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

enum { COUNT = 3, MOST = 8 };

/* What the members have done. Each index is one thread's; the rest is ordered
 * by the join. */
static struct {
	pthread_t thread[MOST];
	unsigned order[MOST];
	unsigned set_up;          /* how many, in their order */
	unsigned torn_down[MOST]; /* calls */
	unsigned stopped[MOST];   /* calls */
	unsigned calls[MOST];     /* of posts */
	int error_of[MOST];       /* for set_up to return */
	int bad_order[MOST];
	void (*act)(struct rota_loops *loops, unsigned index);
} seen;

static int set_up(struct rota_loops *loops, unsigned index)
{
	seen.thread[index] = pthread_self();
	seen.order[seen.set_up++] = index;
	assert_non_null(rota_loops_get(loops, index));
	if (seen.act != NULL)
		seen.act(loops, index);
	return seen.error_of[index];
}

static void stop(struct rota_loops *loops, unsigned index)
{
	(void)loops;
	seen.stopped[index]++;
}

static void tear_down(struct rota_loops *loops, unsigned index)
{
	assert_ptr_equal(rota_loops_data(loops), &seen);
	seen.torn_down[index]++;
}

static struct rota_loops_options options_of(unsigned count)
{
	struct rota_loops_options options;

	memset(&seen, 0, sizeof(seen));
	rota_loops_options_init(&options);
	options.count = count;
	options.set_up = set_up;
	options.tear_down = tear_down;
	options.data = &seen;
	return options;
}

static struct rota_loops *start_set(const struct rota_loops_options *options)
{
	struct rota_loops *loops;

	assert_int_equal(rota_loops_start(&loops, options), 0);
	return loops;
}

static void end_set(struct rota_loops *loops)
{
	assert_int_equal(rota_loops_stop(loops), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
}

static void each_loop_has_a_thread(void **state)
{
	struct rota_loops_options options = options_of(COUNT);
	struct rota_loops *loops = start_set(&options);

	(void)state;
	assert_int_equal(rota_loops_count(loops), COUNT);
	assert_null(rota_loops_get(loops, COUNT));
	assert_ptr_not_equal(rota_loops_get(loops, 0),
			     rota_loops_get(loops, 1));
	end_set(loops);
	assert_int_equal(seen.set_up, COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(seen.order[i], i);
		assert_int_equal(seen.torn_down[i], 1);
		assert_false(pthread_equal(seen.thread[i], pthread_self()));
	}
	assert_false(pthread_equal(seen.thread[0], seen.thread[1]));
}

static void without_options_there_is_a_loop_for_each_processor(void **state)
{
	struct rota_loops *loops;

	(void)state;
	assert_true(rota_loops_processors() >= 1);
	assert_int_equal(rota_loops_start(&loops, NULL), 0);
	assert_int_equal(rota_loops_count(loops), rota_loops_processors());
	assert_null(rota_loops_data(loops));
	end_set(loops);
}

enum { POSTS = 200 };

static unsigned numbers[POSTS];

static void take_number(struct rota_loops *loops, unsigned index, void *arg)
{
	unsigned *number = arg;

	(void)loops;
	seen.bad_order[index] |=
		*number != seen.calls[index] ||
		!pthread_equal(seen.thread[index], pthread_self());
	seen.calls[index]++;
}

static void posts_are_called_in_their_order(void **state)
{
	struct rota_loops_options options = options_of(2);
	struct rota_loops *loops = start_set(&options);

	(void)state;
	for (unsigned i = 0; i < POSTS; i++) {
		numbers[i] = i;
		assert_int_equal(
			rota_loops_post(loops, 0, take_number, &numbers[i]), 0);
		assert_int_equal(
			rota_loops_post(loops, 1, take_number, &numbers[i]), 0);
	}
	end_set(loops); /* what was posted before runs all the same */
	assert_int_equal(seen.calls[0], POSTS);
	assert_int_equal(seen.calls[1], POSTS);
	assert_false(seen.bad_order[0]);
	assert_false(seen.bad_order[1]);
}

/* --- errors --------------------------------------------------------------- */

static void a_member_that_is_not_prepared_ends_all(void **state)
{
	(void)state;
	for (unsigned bad = 0; bad < COUNT; bad++) {
		struct rota_loops_options options = options_of(COUNT);
		struct rota_loops *loops = (void *)&options;

		seen.error_of[bad] = ROTA_ENOSPC;
		assert_int_equal(rota_loops_start(&loops, &options),
				 ROTA_ENOSPC);
		assert_null(loops);
		assert_int_equal(seen.set_up, bad + 1);
		for (unsigned i = 0; i < COUNT; i++)
			assert_int_equal(seen.torn_down[i], i < bad);
	}
}

/* Whatever fails, there is an error, and nothing leaks: the fixture checks
 * that. */
static void a_start_that_fails_leaves_nothing(void **state)
{
	static const char *const names[] = {
		"realloc",
		"pthread_mutex_init",
		"pthread_cond_init",
		"pthread_condattr_init",
		"pthread_attr_init",
		"pthread_create",
		"epoll_create1",
		"eventfd",
		"kqueue",
		"pipe2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned failed = 1;

		for (unsigned nth = 1; failed > 0; nth++) {
			struct rota_loops_options options = options_of(2);
			struct rota_loops *loops;
			int error;

			fault_fail(names[i], nth, EAGAIN);
			error = rota_loops_start(&loops, &options);
			failed = fault_clear();
			if (error == 0)
				end_set(loops);
			else
				assert_null(loops);
			if (failed > 0 && error == 0)
				fail_msg("%s %u: no error", names[i], nth);
			assert_int_equal(seen.torn_down[0], error == 0);
		}
	}
}

static void count_call(struct rota_loops *loops, unsigned index, void *arg)
{
	(void)loops;
	(void)arg;
	seen.calls[index]++;
}

static void post_to_all(struct rota_loops *loops, unsigned index)
{
	for (unsigned i = 0; index == 0 && i < COUNT; i++)
		assert_int_equal(rota_loops_post(loops, i, count_call, NULL),
				 0);
}

/* What a post would use is not there. */
static void a_member_that_is_not_prepared_gets_no_posts(void **state)
{
	struct rota_loops_options options = options_of(COUNT);
	struct rota_loops *loops;

	(void)state;
	seen.act = post_to_all;
	seen.error_of[1] = ROTA_ENOSPC;
	assert_int_equal(rota_loops_start(&loops, &options), ROTA_ENOSPC);
	assert_int_equal(seen.calls[0], 1);
	assert_int_equal(seen.calls[1], 0);
	assert_int_equal(seen.calls[2], 0);
}

static void wake(struct rota_loops *loops, unsigned index, void *arg)
{
	(void)loops;
	(void)index;
	(void)arg;
}

/* The loop that waits next fails. All end, and the error is told. */
static void a_run_that_fails_stops_the_others(void **state)
{
	struct fixture *f = *state;
	const char *wait = poller_is(f, "epoll") ? "epoll_wait" : "ppoll";
	struct rota_loops_options options = options_of(COUNT);
	struct rota_loops *loops = start_set(&options);
	unsigned failed = MOST;

	if (poller_is(f, "kqueue")) {
		end_set(loops);
		skip_test("kqueue wakes a loop by the same call");
	}
	fault_fail(wait, 1, ENOMEM);
	assert_int_equal(rota_loops_post(loops, 1, wake, NULL), 0);
	assert_int_equal(rota_loops_join(loops, &failed), ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_in_range(failed, 0, COUNT - 1);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(seen.torn_down[i], 1);
}

static void stop_loop(struct rota_loops *loops, unsigned index, void *arg)
{
	(void)arg;
	rota_loop_stop(rota_loops_get(loops, index));
}

static void a_loop_that_is_stopped_stops_the_others(void **state)
{
	struct rota_loops_options options = options_of(COUNT);
	struct rota_loops *loops;
	unsigned failed = MOST;

	(void)state;
	options.stop = stop;
	loops = start_set(&options);
	assert_int_equal(rota_loops_post(loops, 2, stop_loop, NULL), 0);
	assert_int_equal(rota_loops_join(loops, &failed), 0);
	assert_int_equal(failed, MOST);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(seen.stopped[i], 1);
		assert_int_equal(seen.torn_down[i], 1);
	}
}

enum { FAILED_WAITS = 8 };

static atomic_uint fails_left;
static atomic_int has_begun;
static const char *wait_call;
static struct rota_work lasting;

static void fail_again(void *arg)
{
	(void)arg;
	if (--fails_left > 0)
		fault_fail_after(wait_call, 1, ENOMEM, fail_again, NULL);
}

static int last_until_waits_fail(struct rota_work *work)
{
	(void)work;
	has_begun = 1;
	while (fails_left > 0)
		sched_yield();
	return 0;
}

static void note_work(struct rota_work *work, int status)
{
	(void)work;
	seen.calls[0] += status == 0;
}

/* The shutdown has to wait for a job. */
static void begin_lasting(struct rota_loops *loops, unsigned index, void *arg)
{
	(void)arg;
	rota_work_init(&lasting, rota_loops_get(loops, index));
	assert_int_equal(rota_work_queue(&lasting, ROTA_LANE_CPU,
					 last_until_waits_fail, note_work),
			 0);
}

static void fail_and_stop(struct rota_loops *loops, unsigned index, void *arg)
{
	(void)arg;
	fault_fail_after(wait_call, 1, ENOMEM, fail_again, NULL);
	rota_loop_stop(rota_loops_get(loops, index));
}

static void tear_down_closed(struct rota_loops *loops, unsigned index)
{
	assert_int_equal(rota_loops_post(loops, index, wake, NULL),
			 ROTA_ESHUTDOWN);
	seen.torn_down[index]++;
}

static void a_shutdown_that_fails_is_tried_again(void **state)
{
	struct fixture *f = *state;
	struct rota_loops_options options = options_of(1);
	struct rota_loops *loops;

	if (poller_is(f, "kqueue"))
		skip_test("kqueue wakes a loop by the same call");
	options.tear_down = tear_down_closed;
	wait_call = poller_is(f, "epoll") ? "epoll_wait" : "ppoll";
	has_begun = 0;
	fails_left = FAILED_WAITS;
	loops = start_set(&options);
	assert_int_equal(rota_loops_post(loops, 0, begin_lasting, NULL), 0);
	while (!has_begun)
		sched_yield();
	assert_int_equal(rota_loops_post(loops, 0, fail_and_stop, NULL), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	assert_int_equal(fault_clear(), 1); /* the last one */
	assert_int_equal(seen.calls[0], 1);
	assert_int_equal(seen.torn_down[0], 1);
}

static void what_is_invalid_is_refused(void **state)
{
	struct rota_loops_options options = options_of(COUNT);
	struct rota_loops *loops;

	(void)state;
	assert_int_equal(rota_loops_start(NULL, &options), ROTA_EINVAL);
	options.size = 8;
	assert_int_equal(rota_loops_start(&loops, &options), ROTA_EINVAL);
	options = options_of(1000000);
	assert_int_equal(rota_loops_start(&loops, &options), ROTA_EINVAL);
	options = options_of(1);
	options.stack_size = 1;
	assert_int_equal(rota_loops_start(&loops, &options), ROTA_EINVAL);
	options = options_of(1);
	loops = start_set(&options);
	assert_int_equal(rota_loops_post(loops, 1, stop_loop, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_loops_post(loops, 0, NULL, NULL), ROTA_EINVAL);
	assert_int_equal(rota_loops_stop(loops), 0);
	assert_int_equal(rota_loops_stop(loops), ROTA_EALREADY);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
}

static void try_join(struct rota_loops *loops, unsigned index, void *arg)
{
	int *result = arg;

	(void)index;
	*result = rota_loops_join(loops, NULL);
	(void)rota_loops_stop(loops);
}

static void a_member_cannot_join(void **state)
{
	struct rota_loops_options options = options_of(2);
	struct rota_loops *loops = start_set(&options);
	int result = 0;

	(void)state;
	assert_int_equal(rota_loops_post(loops, 1, try_join, &result), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	assert_int_equal(result, ROTA_EDEADLK);
}

static void a_post_needs_memory(void **state)
{
	struct rota_loops_options options = options_of(1);
	struct rota_loops *loops = start_set(&options);

	(void)state;
	fault_fail("realloc", 1, ENOMEM);
	assert_int_equal(rota_loops_post(loops, 0, stop_loop, NULL),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	end_set(loops);
}

static void stop_at_once(struct rota_loops *loops, unsigned index)
{
	if (index == 0)
		assert_int_equal(rota_loops_stop(loops), 0);
}

static void a_set_may_be_stopped_while_it_starts(void **state)
{
	struct rota_loops_options options = options_of(COUNT);
	struct rota_loops *loops;

	(void)state;
	seen.act = stop_at_once;
	assert_int_equal(rota_loops_start(&loops, &options), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	assert_int_equal(seen.set_up, COUNT);
}

static void leave_threads_alone(void *arg)
{
	struct rota_loops *loops = arg;

	EXPECT(rota_loops_stop(loops) == ROTA_ECHILD);
	EXPECT(rota_loops_join(loops, NULL) == ROTA_ECHILD);
	EXPECT(rota_loops_post(loops, 0, stop_loop, NULL) == ROTA_ECHILD);
}

static void a_child_has_no_threads(void **state)
{
	struct rota_loops_options options = options_of(2);
	struct rota_loops *loops = start_set(&options);

	(void)state;
	in_a_child(leave_threads_alone, loops);
	end_set(loops);
}

enum { CHILD_SECONDS = 60, THREAD_ENDED = 7, TOOK_PART = 8 };

static pthread_key_t at_end;
static pid_t parent;

static void end_child(void *arg)
{
	(void)arg;
	_exit(THREAD_ENDED);
}

static void take_part(struct rota_loops *loops, unsigned index)
{
	if (getpid() != parent)
		_exit(TOOK_PART);
	stop(loops, index);
}

static void fork_in_member(struct rota_loops *loops, unsigned index, void *arg)
{
	pid_t child = fork();

	(void)loops;
	(void)index;
	if (child == 0) {
		alarm(CHILD_SECONDS);
		(void)pthread_setspecific(at_end, arg);
		return; /* as a callback does that has forgotten to exit */
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, arg, 0), child);
}

static void a_child_that_a_member_forks_takes_no_part(void **state)
{
	struct rota_loops_options options = options_of(2);
	struct rota_loops *loops;
	int status = 0;

	(void)state;
	parent = getpid();
	assert_int_equal(pthread_key_create(&at_end, end_child), 0);
	options.stop = take_part;
	options.tear_down = take_part;
	loops = start_set(&options);
	assert_int_equal(rota_loops_post(loops, 1, fork_in_member, &status), 0);
	end_set(loops);
	assert_int_equal(pthread_key_delete(at_end), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), THREAD_ENDED);
	assert_int_equal(seen.stopped[1], 2);
}

/* --- the end -------------------------------------------------------------- */

static struct rota_timer timers[MOST];
static unsigned fired[MOST];

static void on_timer(struct rota_timer *timer)
{
	fired[timer - timers]++;
}

/* An hour of virtual time passes before the loops end. */
static void begin_an_hour(struct rota_loops *loops, unsigned index)
{
	rota_timer_init(&timers[index], rota_loops_get(loops, index));
	assert_int_equal(
		rota_timer_start(&timers[index], on_timer, ROTA_SEC(3600)), 0);
}

static void run_for_an_hour(uint64_t grace_ns)
{
	struct rota_loops_options options = options_of(2);
	struct rota_loop_options virtual;

	memset(fired, 0, sizeof(fired));
	rota_loop_options_init(&virtual);
	virtual.clock = ROTA_CLOCK_VIRTUAL;
	options.loop = &virtual;
	options.stop = begin_an_hour;
	options.grace_ns = grace_ns;
	end_set(start_set(&options));
}

static void after_the_stop_loops_finish_their_work(void **state)
{
	(void)state;
	run_for_an_hour(UINT64_MAX);
	assert_int_equal(fired[0], 1);
	assert_int_equal(fired[1], 1);
}

/* The member that is the first to stop has its time as well. */
static void a_loop_that_stops_itself_finishes_its_work(void **state)
{
	struct rota_loops_options options = options_of(2);
	struct rota_loop_options virtual;
	struct rota_loops *loops;

	(void)state;
	memset(fired, 0, sizeof(fired));
	rota_loop_options_init(&virtual);
	virtual.clock = ROTA_CLOCK_VIRTUAL;
	options.loop = &virtual;
	options.stop = begin_an_hour;
	loops = start_set(&options);
	assert_int_equal(rota_loops_post(loops, 1, stop_loop, NULL), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	assert_int_equal(fired[0], 1);
	assert_int_equal(fired[1], 1);
}

static void after_the_grace_they_are_shut_down(void **state)
{
	(void)state;
	run_for_an_hour(ROTA_SEC(3599));
	assert_int_equal(fired[0], 0);
	assert_int_equal(fired[1], 0);
	assert_false(rota_timer_is_active(&timers[0]));
}

/* --- threads -------------------------------------------------------------- */

static int is_blocked[2];

static void look_at_mask(struct rota_loops *loops, unsigned index)
{
	sigset_t mask;

	(void)loops;
	(void)index;
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	is_blocked[0] = sigismember(&mask, SIGTERM);
	is_blocked[1] = sigismember(&mask, SIGSEGV);
}

static void signals_are_blocked_unless_inherited(void **state)
{
	struct rota_loops_options options = options_of(1);

	(void)state;
	seen.act = look_at_mask;
	end_set(start_set(&options));
	assert_true(is_blocked[0]);
	assert_false(is_blocked[1]);

	options = options_of(1);
	options.inherits_signals = 1;
	seen.act = look_at_mask;
	end_set(start_set(&options));
	assert_false(is_blocked[0]);
}

static void options_may_grow(void **state)
{
	struct {
		struct rota_loops_options options;
		char more[8];
	} grown = { .options = options_of(1) };
	struct rota_loops *loops;

	(void)state;
	grown.options.size = sizeof(grown);
	end_set(start_set(&grown.options));
	grown.more[0] = 1;
	assert_int_equal(rota_loops_start(&loops, &grown.options), ROTA_EINVAL);
	rota_loops_options_init_size(&grown.options, sizeof(grown));
	assert_int_equal(grown.more[0], 0);
}

/* --- a connection moves --------------------------------------------------- */

/* A connection that loops echo in turn: after some bytes, it goes to the other
 * loop, with what was not read and what was not sent. */
enum { LEG = 5000, TOTAL = 400 * 1000 };

struct traveller {
	struct rota_tcp tcp;
	struct rota_detached detached;
	struct rota_loops *loops;
	unsigned index;
	unsigned moves;
	size_t on_leg;
	struct rota_task task;
};

static void arrive(struct rota_loops *loops, unsigned index, void *arg);

static void leave(struct rota_task *task)
{
	struct traveller *t = rota_container_of(task, struct traveller, task);

	assert_int_equal(rota_stream_detach_with(&t->tcp.stream, &t->detached),
			 0);
	t->moves++;
	assert_int_equal(rota_loops_post(t->loops, !t->index, arrive, t), 0);
}

static void echo(struct rota_stream *stream, int status,
		 const struct rota_buf *buf)
{
	struct traveller *t =
		rota_container_of(stream, struct traveller, tcp.stream);

	if (status < 0) {
		assert_int_equal(status, ROTA_EOF);
		assert_int_equal(rota_handle_close(&t->tcp.handle, NULL), 0);
		(void)rota_loops_stop(t->loops);
		return;
	}
	assert_true(rota_stream_send(stream, buf->data, buf->size) >= 0);
	t->on_leg += buf->size;
	if (t->on_leg >= LEG && !rota_task_is_queued(&t->task))
		assert_int_equal(rota_task_next_tick(&t->task, leave), 0);
}

static void arrive(struct rota_loops *loops, unsigned index, void *arg)
{
	struct traveller *t = arg;
	struct rota_loop *loop = rota_loops_get(loops, index);

	t->index = index;
	t->on_leg = 0;
	rota_task_init(&t->task, loop);
	assert_int_equal(rota_tcp_attach(&t->tcp, loop, &t->detached), 0);
	assert_int_equal(rota_stream_read_start(&t->tcp.stream, echo), 0);
}

static void *send_pattern(void *arg)
{
	char data[1000];

	for (size_t sent = 0; sent < TOTAL; sent += sizeof(data)) {
		pattern_fill(data, sizeof(data), sent);
		raw_send(*(int *)arg, data, sizeof(data));
	}
	raw_shutdown(*(int *)arg);
	return NULL;
}

static void a_connection_moves_between_loops_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	struct rota_loops_options options = options_of(2);
	struct rota_loops *loops = start_set(&options);
	struct traveller t = { .loops = loops };
	struct rota_tcp first;
	char data[1000];
	pthread_t sender;
	int fds[2];

	raw_pair(fds);
	assert_int_equal(rota_tcp_open(&first, f->loop, fds[0]), 0);
	assert_int_equal(rota_stream_detach_with(&first.stream, &t.detached),
			 0);
	assert_int_equal(rota_loops_post(loops, 0, arrive, &t), 0);
	assert_int_equal(pthread_create(&sender, NULL, send_pattern, &fds[1]),
			 0);
	for (size_t got = 0; got < TOTAL; got += sizeof(data)) {
		raw_read(fds[1], data, sizeof(data));
		assert_true(pattern_is(data, sizeof(data), got));
	}
	await_end(fds[1]);
	assert_int_equal(pthread_join(sender, NULL), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	raw_close(fds[1]);
	assert_true(t.moves > 2);
	print_message("moved %u times\n", t.moves);
}

static const struct CMUnitTest tests[] = {
	REAL(each_loop_has_a_thread),
	REAL(without_options_there_is_a_loop_for_each_processor),
	REAL(posts_are_called_in_their_order),
	REAL(a_member_that_is_not_prepared_ends_all),
	REAL(a_member_that_is_not_prepared_gets_no_posts),
	REAL(a_start_that_fails_leaves_nothing),
	REAL(a_run_that_fails_stops_the_others),
	REAL(a_loop_that_is_stopped_stops_the_others),
	REAL(a_shutdown_that_fails_is_tried_again),
	REAL(what_is_invalid_is_refused),
	REAL(a_member_cannot_join),
	REAL(a_post_needs_memory),
	REAL(a_set_may_be_stopped_while_it_starts),
	REAL(a_child_has_no_threads),
	REAL(a_child_that_a_member_forks_takes_no_part),
	REAL(after_the_stop_loops_finish_their_work),
	REAL(a_loop_that_stops_itself_finishes_its_work),
	REAL(after_the_grace_they_are_shut_down),
	REAL(signals_are_blocked_unless_inherited),
	REAL(options_may_grow),
	REAL(a_connection_moves_between_loops_byte_for_byte),
};

FIXTURE_MAIN(tests)
