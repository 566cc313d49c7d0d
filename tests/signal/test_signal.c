/*
 * Signals: who is called for which delivery, how often, and what becomes of the
 * program's own dispositions.
 */
#include "support/fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/probe.h"

struct watcher {
	struct rota_signal signal;
	struct rota_loop *loop;
	unsigned calls;
	uint32_t count; /* the sum of what the calls were given */
	unsigned order; /* of the last call, among all */
	enum rota_phase phase;
	void (*act)(struct watcher *w);
	struct watcher *other;
};

static unsigned all_calls;
static volatile sig_atomic_t own_calls;

static void on_signal(struct rota_signal *signal, uint32_t count)
{
	struct watcher *w = rota_container_of(signal, struct watcher, signal);

	w->calls++;
	w->count += count;
	w->order = ++all_calls;
	w->phase = rota_loop_phase(w->loop);
	if (w->act != NULL)
		w->act(w);
}

static void own_handler(int signum)
{
	(void)signum;
	own_calls++;
}

static void open_watcher(struct watcher *w, struct fixture *f)
{
	*w = (struct watcher){ .loop = f->loop };
	assert_int_equal(rota_signal_init(&w->signal, f->loop), 0);
}

static void watch_number(struct watcher *w, struct fixture *f, int number)
{
	open_watcher(w, f);
	assert_int_equal(rota_signal_start(&w->signal, on_signal, number), 0);
}

static void close_watcher(struct watcher *w)
{
	assert_int_equal(rota_handle_close_now(&w->signal.handle), 0);
}

static struct sigaction disposition(int number)
{
	struct sigaction now;

	assert_int_equal(sigaction(number, NULL, &now), 0);
	return now;
}

static void set_disposition(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	assert_int_equal(sigaction(number, &action, NULL), 0);
}

static int set_mask(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return pthread_sigmask(how, &set, NULL);
}

static void a_signal_calls_its_watcher_in_the_poll_phase(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	raise(SIGUSR1);
	assert_int_equal(w.calls, 0); /* never from inside the handler */
	turn(f);

	assert_int_equal(w.calls, 1);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.phase, ROTA_PHASE_POLL);
	turn(f);
	assert_int_equal(w.calls, 1);
	close_watcher(&w);
}

static void raise_it(struct rota_timer *timer)
{
	(void)timer;
	raise(SIGUSR1);
}

static void stop_it(struct watcher *w)
{
	rota_signal_stop(&w->signal);
}

static void a_signal_ends_the_wait(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);
	w.act = stop_it;
	rota_timer_init(&timer, f->loop);
	rota_timer_start(&timer, raise_it, 1);
	rota_timer_unref(&timer);

	/* It sleeps for the signal alone, and is not alive after it. */
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(w.calls, 1);
	close_watcher(&w);
}

static void each_delivery_is_counted(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	for (int i = 0; i < 5; i++)
		raise(SIGUSR1);
	turn(f);

	assert_int_equal(w.calls, 1);
	assert_int_equal(w.count, 5);
	close_watcher(&w);
}

static void the_kernel_merges_standard_signals(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	assert_int_equal(set_mask(SIG_BLOCK, SIGUSR1), 0);
	for (int i = 0; i < 3; i++)
		raise(SIGUSR1);
	assert_int_equal(set_mask(SIG_UNBLOCK, SIGUSR1), 0);
	turn(f);

	assert_int_equal(w.count, 1);
	close_watcher(&w);
}

static void each_real_time_signal_is_counted(void **state)
{
#ifdef __SANITIZE_THREAD__
	/* It delays signals, and keeps one of each number. */
	(void)state;
	skip_test("the thread sanitizer merges signals");
#elif defined(SIGRTMIN)
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGRTMIN);

	assert_int_equal(set_mask(SIG_BLOCK, SIGRTMIN), 0);
	for (int i = 0; i < 3; i++)
		raise(SIGRTMIN);
	assert_int_equal(set_mask(SIG_UNBLOCK, SIGRTMIN), 0);
	turn(f);

	assert_int_equal(w.count, 3);
	close_watcher(&w);
#else
	(void)state;
	skip_elsewhere("the system has no real-time signals");
#endif
}

static void all_watchers_of_a_number_are_called_in_order_of_starts(void **state)
{
	struct fixture *f = *state;
	struct watcher w[3];

	for (int i = 0; i < 3; i++)
		open_watcher(&w[i], f);
	for (int i = 2; i >= 0; i--)
		assert_int_equal(rota_signal_start(&w[i].signal, on_signal,
						   i == 1 ? SIGUSR2 : SIGUSR1),
				 0);

	raise(SIGUSR1);
	raise(SIGUSR2);
	raise(SIGUSR1);
	turn(f);

	assert_int_equal(w[0].count, 2);
	assert_int_equal(w[1].count, 1);
	assert_int_equal(w[2].count, 2);
	assert_true(w[2].order < w[1].order && w[1].order < w[0].order);
	for (int i = 0; i < 3; i++)
		close_watcher(&w[i]);
}

static void one_call_is_the_last_of_a_start_once(void **state)
{
	struct fixture *f = *state;
	struct watcher once, always;

	open_watcher(&once, f);
	watch_number(&always, f, SIGUSR1);
	assert_int_equal(
		rota_signal_start_once(&once.signal, on_signal, SIGUSR1), 0);

	raise(SIGUSR1);
	raise(SIGUSR1);
	turn(f);
	assert_int_equal(once.count, 2);
	assert_int_equal(rota_signal_number(&once.signal), 0);
	assert_false(rota_handle_is_active(&once.signal.handle));
	raise(SIGUSR1);
	turn(f);

	assert_int_equal(once.calls, 1);
	assert_int_equal(always.count, 3);
	close_watcher(&once);
	close_watcher(&always);
}

static void start_again(struct watcher *w)
{
	if (w->calls == 1)
		assert_int_equal(
			rota_signal_start_once(&w->signal, on_signal, SIGUSR1),
			0);
}

static void a_start_once_can_be_made_again_in_its_call(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	open_watcher(&w, f);
	w.act = start_again;
	assert_int_equal(rota_signal_start_once(&w.signal, on_signal, SIGUSR1),
			 0);

	for (int i = 0; i < 3; i++) {
		raise(SIGUSR1);
		if (i == 2)
			break; /* nobody watches, see below */
		turn(f);
		if (i == 1)
			set_disposition(SIGUSR1, SIG_IGN);
	}

	assert_int_equal(w.calls, 2);
	set_disposition(SIGUSR1, SIG_DFL);
	close_watcher(&w);
}

static void another_start_keeps_what_was_counted(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	raise(SIGUSR1);
	assert_int_equal(rota_signal_start(&w.signal, on_signal, SIGUSR1), 0);
	raise(SIGUSR1);
	turn(f);

	assert_int_equal(w.count, 2);
	close_watcher(&w);
}

static void a_start_with_another_number_leaves_the_first(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	raise(SIGUSR1); /* is dropped */
	assert_int_equal(rota_signal_start(&w.signal, on_signal, SIGUSR2), 0);
	assert_true(disposition(SIGUSR1).sa_handler == SIG_DFL);
	assert_int_equal(rota_signal_number(&w.signal), SIGUSR2);
	turn(f);
	assert_int_equal(w.calls, 0);
	raise(SIGUSR2);
	turn(f);

	assert_int_equal(w.count, 1);
	close_watcher(&w);
}

/* The least number is no exception. */
static void the_first_number_is_like_the_others(void **state)
{
	struct rota_signal_info info = { .size = sizeof(info) };
	struct fixture *f = *state;
	struct watcher w;

	own_calls = 0;
	set_disposition(1, own_handler);
	watch_number(&w, f, 1);
	assert_int_equal(rota_signal_number(&w.signal), 1);
	raise(1);
	turn(f);
	assert_int_equal(w.count, 1);
	assert_int_equal(rota_signal_get_info(&w.signal, &info), 0);

	raise(1); /* is dropped */
	assert_int_equal(rota_signal_start(&w.signal, on_signal, SIGUSR2), 0);
	assert_true(disposition(1).sa_handler == own_handler);
	raise(1);
	turn(f);
	assert_int_equal(w.count, 1);
	raise(SIGUSR2);
	turn(f);
	assert_int_equal(w.count, 2);
	assert_int_equal(rota_signal_start(&w.signal, on_signal, 1), 0);

	fault_fail("sigaction", 1, EIO);
	assert_int_equal(rota_signal_start(&w.signal, on_signal, SIGUSR2),
			 ROTA_EIO);
	assert_int_equal(fault_clear(), 1);
	raise(1);
	turn(f);
	assert_int_equal(w.count, 3);
	assert_int_equal(own_calls, 1);
	close_watcher(&w);
	set_disposition(1, SIG_DFL);
}

static void the_previous_disposition_comes_back_with_the_last_stop(void **state)
{
	struct fixture *f = *state;
	struct watcher a, b;

	own_calls = 0;
	set_disposition(SIGUSR1, own_handler);

	watch_number(&a, f, SIGUSR1);
	watch_number(&b, f, SIGUSR1);
	raise(SIGUSR1);
	assert_int_equal(own_calls, 0);
	rota_signal_stop(&a.signal);
	assert_true(disposition(SIGUSR1).sa_handler != own_handler);
	rota_signal_stop(&b.signal);
	assert_true(disposition(SIGUSR1).sa_handler == own_handler);
	raise(SIGUSR1);

	assert_int_equal(own_calls, 1);
	turn(f);
	assert_int_equal(a.calls + b.calls, 0); /* stopped before */
	set_disposition(SIGUSR1, SIG_DFL);
	close_watcher(&a);
	close_watcher(&b);
}

static void a_newer_handler_of_the_program_stays(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	set_disposition(SIGUSR1, own_handler);
	close_watcher(&w);

	assert_true(disposition(SIGUSR1).sa_handler == own_handler);
	set_disposition(SIGUSR1, SIG_DFL);
}

static void other_signals_and_the_mask_are_left_alone(void **state)
{
	struct fixture *f = *state;
	struct watcher w;
	sigset_t before, after;

	set_disposition(SIGUSR2, own_handler);
	pthread_sigmask(SIG_SETMASK, NULL, &before);

	watch_number(&w, f, SIGUSR1);

	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int number = 1; number < 32; number++) {
		struct sigaction now = disposition(number);

		assert_int_equal(sigismember(&before, number),
				 sigismember(&after, number));
		if (number == SIGUSR1)
			assert_int_equal(now.sa_flags &
						 (SA_RESTART | SA_ONSTACK),
					 SA_RESTART | SA_ONSTACK);
		if (number == SIGUSR2)
			assert_true(now.sa_handler == own_handler);
	}
	set_disposition(SIGUSR2, SIG_DFL);
	close_watcher(&w);
}

static void errno_survives_a_delivery(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	errno = E2BIG;
	raise(SIGUSR1);

	assert_int_equal(errno, E2BIG);
	turn(f);
	close_watcher(&w);
}

static void what_cannot_be_watched_is_refused(void **state)
{
	static const int numbers[] = { 0,       -1,     SIGKILL, SIGSTOP,
				       SIGSEGV, SIGBUS, SIGFPE,  SIGILL,
				       129,     100000 };
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_int_equal(
			rota_signal_start(&w.signal, on_signal, numbers[i]),
			ROTA_EINVAL);
	assert_int_equal(rota_signal_start(&w.signal, NULL, SIGUSR2),
			 ROTA_EINVAL);
	assert_int_equal(rota_signal_start_once(&w.signal, NULL, SIGUSR1),
			 ROTA_EINVAL);

	assert_int_equal(rota_signal_number(&w.signal), SIGUSR1);
	raise(SIGUSR1);
	turn(f);
	assert_int_equal(w.count, 1); /* it is as it was */
	close_watcher(&w);
}

static void what_the_system_refuses_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct watcher w;
	struct sigaction action = { .sa_handler = SIG_DFL };
	int number = 32; /* of the C library's own, with glibc and musl */

	if (sigaction(number, &action, NULL) == 0)
		skip_test("the C library keeps no signal for itself");
	watch_number(&w, f, SIGUSR1);

	assert_int_equal(rota_signal_start(&w.signal, on_signal, number),
			 ROTA_EINVAL);

	assert_int_equal(rota_signal_number(&w.signal), SIGUSR1);
	raise(SIGUSR1);
	turn(f);
	assert_int_equal(w.count, 1);
	rota_signal_stop(&w.signal);
	assert_int_equal(rota_signal_start(&w.signal, on_signal, number),
			 ROTA_EINVAL);
	assert_false(rota_handle_is_active(&w.signal.handle));
	close_watcher(&w);
}

/* Neither is what was counted lost, nor is the first number without a handler
 * for a moment. */
static void a_failed_change_of_number_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_signal_info info = { .size = sizeof(info) };
	struct watcher w;

	for (unsigned nth = 1; nth <= 2; nth++) {
		watch_number(&w, f, SIGUSR1);
		raise(SIGUSR1);

		fault_fail("sigaction", nth, EPERM);
		assert_int_equal(
			rota_signal_start(&w.signal, on_signal, SIGUSR2),
			ROTA_EPERM);
		assert_int_equal(fault_clear(), 1);

		assert_int_equal(rota_signal_number(&w.signal), SIGUSR1);
		assert_true(disposition(SIGUSR2).sa_handler == SIG_DFL);
		assert_int_equal(rota_signal_get_info(&w.signal, &info), 0);
		raise(SIGUSR1);
		turn(f);
		assert_int_equal(w.count, 2);
		close_watcher(&w);
		assert_true(disposition(SIGUSR1).sa_handler == SIG_DFL);
	}
}

static void a_first_start_that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	open_watcher(&w, f);
	for (unsigned nth = 1; nth <= 2; nth++) {
		fault_fail("sigaction", nth, EPERM);
		assert_int_equal(
			rota_signal_start(&w.signal, on_signal, SIGUSR1),
			ROTA_EPERM);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(rota_signal_number(&w.signal), 0);
		assert_false(rota_loop_alive(f->loop));
	}

	assert_int_equal(rota_signal_start(&w.signal, on_signal, SIGUSR1), 0);
	raise(SIGUSR1);
	turn(f);
	assert_int_equal(w.count, 1);
	close_watcher(&w);
}

/* A program saves the handler that it replaces, which may be the library's, and
 * restores it later. That is not the disposition to come back to. */
static void a_handler_of_ours_is_never_the_previous_one(void **state)
{
	struct fixture *f = *state;
	struct sigaction ours, mine = { .sa_handler = own_handler };
	struct watcher w;

	for (int round = 0; round < 2; round++) {
		watch_number(&w, f, SIGUSR1);
		assert_int_equal(sigaction(SIGUSR1, &mine, &ours), 0);
		rota_signal_stop(&w.signal);
		assert_true(disposition(SIGUSR1).sa_handler == own_handler);
		assert_int_equal(sigaction(SIGUSR1, &ours, NULL), 0);
		raise(SIGUSR1); /* nobody watches */
		assert_int_equal(
			rota_signal_start(&w.signal, on_signal, SIGUSR1), 0);
		raise(SIGUSR1);
		turn(f);
		assert_int_equal(w.count, 1);
		close_watcher(&w);
		assert_true(disposition(SIGUSR1).sa_handler == SIG_DFL);
	}
}

static void start_second_and_describe(struct watcher *w)
{
	struct rota_signal_info info = { .size = sizeof(info) };

	assert_int_equal(
		rota_signal_start(&w->other->signal, on_signal, SIGUSR1), 0);
	assert_int_equal(rota_signal_get_info(&w->other->signal, &info),
			 ROTA_ENODATA);
	assert_int_equal(rota_signal_get_info(&w->signal, &info), 0);
	assert_int_equal(info.pid, getpid());
}

/* In its callback it is stopped, and the handler may be installed anew. */
static void a_start_once_has_its_description_in_its_call(void **state)
{
	struct fixture *f = *state;
	struct watcher a, b;

	open_watcher(&a, f);
	open_watcher(&b, f);
	a.act = start_second_and_describe;
	a.other = &b;
	assert_int_equal(rota_signal_start_once(&a.signal, on_signal, SIGUSR1),
			 0);

	raise(SIGUSR1);
	turn(f);

	assert_int_equal(a.calls, 1);
	close_watcher(&a);
	close_watcher(&b);
}

static void a_started_watcher_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	open_watcher(&w, f);
	assert_false(rota_loop_alive(f->loop));

	assert_int_equal(rota_signal_start(&w.signal, on_signal, SIGUSR1), 0);
	assert_true(rota_loop_alive(f->loop));
	rota_handle_unref(&w.signal.handle);
	assert_false(rota_loop_alive(f->loop));
	rota_handle_ref(&w.signal.handle);
	rota_signal_stop(&w.signal);
	assert_false(rota_loop_alive(f->loop));
	rota_signal_stop(&w.signal);

	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY); /* it is open */
	close_watcher(&w);
}

static void a_stop_drops_what_was_counted(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);

	raise(SIGUSR1);
	rota_signal_stop(&w.signal);
	close_watcher(&w);
	/* No send is left that would keep the loop open. */
	assert_int_equal(rota_loop_close(f->loop), 0);

	f->loop = NULL;
	assert_int_equal(w.calls, 0);
}

static void stop_other(struct watcher *w)
{
	rota_signal_stop(&w->other->signal);
}

static void a_watcher_stopped_by_another_is_not_called(void **state)
{
	struct fixture *f = *state;
	struct watcher a, b, c;

	watch_number(&a, f, SIGUSR1);
	watch_number(&b, f, SIGUSR1);
	watch_number(&c, f, SIGUSR1);
	a.act = stop_other;
	a.other = &b;
	c.act = stop_other; /* one that was called already */
	c.other = &a;

	raise(SIGUSR1);
	turn(f);

	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	assert_int_equal(c.calls, 1);
	close_watcher(&a);
	close_watcher(&b);
	close_watcher(&c);
}

static unsigned freed;

static void free_watcher(struct rota_handle *handle)
{
	freed++;
	free(rota_container_of(handle, struct watcher, signal.handle));
}

static void close_both(struct watcher *w)
{
	assert_int_equal(rota_handle_close_now(&w->other->signal.handle), 0);
	free(w->other);
	assert_int_equal(rota_handle_close(&w->signal.handle, free_watcher), 0);
}

static void a_callback_may_free_itself_and_others(void **state)
{
	struct fixture *f = *state;
	struct watcher *a = malloc(sizeof(*a));
	struct watcher *b = malloc(sizeof(*b));
	struct watcher last;

	watch_number(a, f, SIGUSR1);
	watch_number(b, f, SIGUSR1);
	watch_number(&last, f, SIGUSR1);
	a->act = close_both;
	a->other = b;
	freed = 0;

	raise(SIGUSR1);
	turn(f);

	assert_int_equal(freed, 1);
	assert_int_equal(last.calls, 1);
	close_watcher(&last);
}

static void free_at_once(struct watcher *w)
{
	assert_int_equal(rota_handle_close_now(&w->signal.handle), 0);
	free(w);
}

static void a_callback_may_close_itself_at_once(void **state)
{
	struct fixture *f = *state;
	struct watcher *w = malloc(sizeof(*w));

	watch_number(w, f, SIGUSR1);
	w->act = free_at_once;

	raise(SIGUSR1);
	turn(f);

	assert_true(disposition(SIGUSR1).sa_handler == SIG_DFL);
}

static void start_other_and_raise(struct watcher *w)
{
	if (w->calls > 1)
		return;
	assert_int_equal(
		rota_signal_start(&w->other->signal, on_signal, SIGUSR1), 0);
	raise(SIGUSR1);
	assert_int_equal(w->other->calls, 0);
}

static void what_is_started_in_a_callback_is_called_next_turn(void **state)
{
	struct fixture *f = *state;
	struct watcher a, b;

	watch_number(&a, f, SIGUSR1);
	open_watcher(&b, f);
	a.act = start_other_and_raise;
	a.other = &b;

	raise(SIGUSR1);
	turn(f);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	turn(f);

	assert_int_equal(a.calls, 2);
	assert_int_equal(b.count, 1);
	close_watcher(&a);
	close_watcher(&b);
}

static void a_closed_watcher_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);
	assert_int_equal(rota_handle_close(&w.signal.handle, NULL), 0);
	assert_true(disposition(SIGUSR1).sa_handler == SIG_DFL);

	assert_int_equal(rota_signal_start(&w.signal, on_signal, SIGUSR1),
			 ROTA_EINVAL);
	assert_int_equal(rota_signal_number(&w.signal), 0);
	rota_signal_stop(&w.signal);
	turn(f);

	assert_int_equal(w.calls, 0);
}

static void a_watcher_of_zeroes_is_none(void **state)
{
	struct rota_signal_info info = { .size = sizeof(info) };
	struct rota_signal zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));

	assert_int_equal(rota_signal_start(&zero, on_signal, SIGUSR1),
			 ROTA_EINVAL);
	rota_signal_stop(&zero);
	assert_int_equal(rota_signal_number(&zero), 0);
	assert_int_equal(rota_signal_get_info(&zero, &info), ROTA_ENODATA);
	assert_int_equal(rota_handle_close(&zero.handle, NULL), ROTA_EINVAL);
}

static void a_shutdown_closes_watchers(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);
	raise(SIGUSR1);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_int_equal(w.calls, 0);
	assert_true(disposition(SIGUSR1).sa_handler == SIG_DFL);
}

static void without_memory_nothing_is_opened(void **state)
{
	struct fixture *f = *state;
	struct watcher w = { .loop = f->loop };

	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_signal_init(&w.signal, f->loop), ROTA_ENOMEM);
	f->memory.fail_at = 0;

	watch_number(&w, f, SIGUSR1);
	raise(SIGUSR1);
	turn(f);
	assert_int_equal(w.count, 1);
	close_watcher(&w);
}

static void the_sender_is_described(void **state)
{
	struct fixture *f = *state;
	struct rota_signal_info info = { .size = sizeof(info) };
	struct watcher w;

	watch_number(&w, f, SIGUSR1);
	assert_int_equal(rota_signal_get_info(&w.signal, &info), ROTA_ENODATA);

	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	turn(f);

	assert_int_equal(w.count, 1);
	assert_int_equal(rota_signal_get_info(&w.signal, &info), 0);
	assert_int_equal(info.code, SI_USER);
	assert_int_equal(info.pid, getpid());
	assert_int_equal(info.user, getuid());
	assert_int_equal(info.value, 0);
	assert_int_equal(info.status, 0);
	close_watcher(&w);
}

static void a_queued_value_is_described(void **state)
{
#ifdef SIGRTMIN
	struct fixture *f = *state;
	struct rota_signal_info info = { .size = sizeof(info) };
	union sigval value = { .sival_int = -4711 };
	struct watcher w;

	watch_number(&w, f, SIGRTMIN);

	assert_int_equal(sigqueue(getpid(), SIGRTMIN, value), 0);
	turn(f);

	assert_int_equal(w.count, 1);
	assert_int_equal(rota_signal_get_info(&w.signal, &info), 0);
	assert_int_equal(info.code, SI_QUEUE);
	assert_int_equal(info.value, -4711);
	assert_int_equal(info.pid, getpid());
	close_watcher(&w);
#else
	(void)state;
	skip_elsewhere("the system has no sigqueue(3)");
#endif
}

static void a_description_has_the_size_of_its_caller(void **state)
{
	struct fixture *f = *state;
	struct {
		struct rota_signal_info info;
		uint64_t later;
	} longer = { .info = { .size = sizeof(longer) }, .later = 1 };
	struct rota_signal_info shorter = { .size = sizeof(shorter) - 1 };
	struct watcher w;

	watch_number(&w, f, SIGUSR1);
	raise(SIGUSR1);
	turn(f);

	assert_int_equal(rota_signal_get_info(&w.signal, NULL), ROTA_EINVAL);
	assert_int_equal(rota_signal_get_info(&w.signal, &shorter),
			 ROTA_EINVAL);
	assert_int_equal(rota_signal_get_info(&w.signal, &longer.info), 0);

	assert_int_equal(longer.info.pid, getpid());
	assert_int_equal(longer.later, 0); /* a member of later versions */
	close_watcher(&w);
}

static void a_new_first_watcher_has_no_old_description(void **state)
{
	struct fixture *f = *state;
	struct rota_signal_info info = { .size = sizeof(info) };
	struct watcher w;

	watch_number(&w, f, SIGUSR1);
	raise(SIGUSR1);
	turn(f);
	assert_int_equal(rota_signal_get_info(&w.signal, &info), 0);
	rota_signal_stop(&w.signal);
	assert_int_equal(rota_signal_start(&w.signal, on_signal, SIGUSR1), 0);

	assert_int_equal(rota_signal_get_info(&w.signal, &info), ROTA_ENODATA);
	close_watcher(&w);
}

static void the_loop_sleeps_again_after_a_signal(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);
	raise(SIGUSR1);
	turn(f);

	assert_true(waits_within(f, 20) <= 3);
	assert_int_equal(w.calls, 1);
	close_watcher(&w);
}

static unsigned dumped;

static void on_entry(void *arg, const struct rota_dump_entry *entry)
{
	if (strcmp(entry->type, "signal") == 0 && entry->object == arg) {
		assert_int_equal(entry->fd, -1);
		dumped++;
	}
}

static void a_dump_lists_watchers(void **state)
{
	struct fixture *f = *state;
	struct watcher w;

	watch_number(&w, f, SIGUSR1);
	dumped = 0;

	rota_loop_dump(f->loop, on_entry, &w.signal);

	assert_int_equal(dumped, 1);
	close_watcher(&w);
}

static void signals_have_names(void **state)
{
	(void)state;
	assert_string_equal(rota_signal_name(SIGTERM), "SIGTERM");
	assert_string_equal(rota_signal_name(SIGWINCH), "SIGWINCH");
	assert_string_equal(rota_signal_name(0), "unknown");
	assert_string_equal(rota_signal_name(-1), "unknown");
	assert_string_equal(rota_signal_name(50), "unknown");
}

static const struct CMUnitTest tests[] = {
	REAL(a_signal_calls_its_watcher_in_the_poll_phase),
	REAL(a_signal_ends_the_wait),
	REAL(each_delivery_is_counted),
	REAL(the_kernel_merges_standard_signals),
	REAL(each_real_time_signal_is_counted),
	REAL(all_watchers_of_a_number_are_called_in_order_of_starts),
	REAL(one_call_is_the_last_of_a_start_once),
	REAL(a_start_once_can_be_made_again_in_its_call),
	REAL(another_start_keeps_what_was_counted),
	REAL(a_start_with_another_number_leaves_the_first),
	REAL(the_first_number_is_like_the_others),
	REAL(the_previous_disposition_comes_back_with_the_last_stop),
	REAL(a_newer_handler_of_the_program_stays),
	REAL(other_signals_and_the_mask_are_left_alone),
	REAL(errno_survives_a_delivery),
	REAL(what_cannot_be_watched_is_refused),
	REAL(what_the_system_refuses_changes_nothing),
	REAL(a_failed_change_of_number_changes_nothing),
	REAL(a_first_start_that_fails_changes_nothing),
	REAL(a_handler_of_ours_is_never_the_previous_one),
	REAL(a_start_once_has_its_description_in_its_call),
	REAL(a_started_watcher_keeps_the_loop_alive),
	REAL(a_stop_drops_what_was_counted),
	REAL(a_watcher_stopped_by_another_is_not_called),
	REAL(a_callback_may_free_itself_and_others),
	REAL(a_callback_may_close_itself_at_once),
	REAL(what_is_started_in_a_callback_is_called_next_turn),
	REAL(a_closed_watcher_is_an_error),
	REAL(a_watcher_of_zeroes_is_none),
	REAL(a_shutdown_closes_watchers),
	REAL(without_memory_nothing_is_opened),
	REAL(the_sender_is_described),
	REAL(a_queued_value_is_described),
	REAL(a_description_has_the_size_of_its_caller),
	REAL(a_new_first_watcher_has_no_old_description),
	REAL(the_loop_sleeps_again_after_a_signal),
	REAL(a_dump_lists_watchers),
	VIRTUAL(signals_have_names),
};
FIXTURE_MAIN(tests)
