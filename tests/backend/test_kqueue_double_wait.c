/* system: linux */
/* poller: none */
/*
 * The test double of kqueue(2): waits, and how threads, timeouts and signals
 * end them (semantics 13 and 15). See test_kqueue_double.c.
 */
#include "support/kqueue/checks.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

static int marker_a; /* an address to recognise */

struct thread_job {
	int kq;
	int ident;
	int count;
	int result;
	int error;
	atomic_bool started;
};

static void *trigger_from_thread(void *argument)
{
	struct thread_job *job = argument;
	int i;

	for (i = 0; i < job->count; i++)
		job->result += trigger(job->kq, job->ident);
	return NULL;
}

/* 13: EVFILT_USER. */
static void a_trigger_from_a_thread_wakes_a_blocked_kevent(void **state)
{
	struct fixture *f = *state;
	struct kevent c, event;
	struct thread_job job = { .kq = f->kq, .ident = 7, .count = 1 };
	pthread_t thread;

	EV_SET(&c, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, &marker_a);
	assert_int_equal(kevent(f->kq, &c, 1, NULL, 0, NULL), 0);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(
		pthread_create(&thread, NULL, trigger_from_thread, &job), 0);

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.ident, 7);
	assert_int_equal(event.filter, EVFILT_USER);
	/* [src] udata is that of the last change, even if that is a trigger. */
	assert_null(event.udata);
	pthread_join(thread, NULL);
	assert_int_equal(job.result, 0);
	assert_int_equal(count_pending(f->kq), 0);
}

/* 13: EVFILT_USER; DESCRIPTION, paragraph 5: events are aggregated. */
static void triggers_coalesce_until_the_event_is_retrieved(void **state)
{
	struct fixture *f = *state;
	int i;

	assert_int_equal(change(f->kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(trigger(f->kq, 7), 0);

	assert_int_equal(count_pending(f->kq), 1);
	assert_int_equal(count_pending(f->kq), 0);
	/* EV_ENABLE tests the condition again, and the event was reset. */
	assert_int_equal(change(f->kq, 7, EVFILT_USER, EV_ENABLE), 0);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(trigger(f->kq, 7), 0);
	assert_int_equal(count_pending(f->kq), 1);
}

/* 13: EVFILT_USER: without EV_CLEAR it stays triggered. */
static void an_uncleared_trigger_stays(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(change(f->kq, 7, EVFILT_USER, EV_ADD), 0);
	assert_int_equal(trigger(f->kq, 7), 0);
	assert_int_equal(count_pending(f->kq), 1);
	assert_int_equal(count_pending(f->kq), 1);
}

/* 13: EVFILT_USER: NOTE_FFAND, NOTE_FFOR, NOTE_FFCOPY, NOTE_FFNOP. */
static void user_flags_are_combined_as_asked(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	static const struct {
		unsigned change, result;
	} steps[] = {
		{ NOTE_FFNOP | 0x111, 0x00f },
		{ NOTE_FFOR | 0x0f0, 0x0ff },
		{ NOTE_FFAND | 0x03c, 0x03c },
		{ NOTE_FFCOPY | 0x123, 0x123 },
	};
	size_t i;

	assert_int_equal(change_notes(f->kq, 7, EVFILT_USER, EV_ADD, 0x00f, 0),
			 0);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(change_notes(f->kq, 7, EVFILT_USER, 0,
					      steps[i].change | NOTE_TRIGGER,
					      0),
				 0);
		assert_int_equal(poll_events(f->kq, &event, 1), 1);
		assert_int_equal(event.fflags, steps[i].result);
	}
}

/* 13: [src] filt_usertouch(): EV_CLEAR in the change undoes the trigger;
 * filt_userattach(): the first EV_ADD does not trigger. */
static void a_trigger_with_clear_or_at_the_first_add_does_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(change_notes(f->kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR,
				      NOTE_TRIGGER, 0),
			 0);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(
		change_notes(f->kq, 7, EVFILT_USER, EV_CLEAR, NOTE_TRIGGER, 0),
		0);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(
		change_notes(f->kq, 7, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0),
		0);
	assert_int_equal(count_pending(f->kq), 1);
}

/* 13: no trigger is lost in a race with the thread that waits. */
static void triggers_from_many_threads_all_reach_the_waiter(void **state)
{
	enum { THREADS = 4, ROUNDS = 200 };
	struct fixture *f = *state;
	struct thread_job jobs[THREADS];
	pthread_t threads[THREADS];
	struct kevent events[THREADS];
	int i, count, left, seen[THREADS] = { 0 };

	for (i = 0; i < THREADS; i++) {
		jobs[i] = (struct thread_job){ .kq = f->kq,
					       .ident = i,
					       .count = ROUNDS };
		assert_int_equal(
			change(f->kq, i, EVFILT_USER, EV_ADD | EV_CLEAR), 0);
		assert_int_equal(pthread_create(&threads[i], NULL,
						trigger_from_thread, &jobs[i]),
				 0);
	}

	/* Each event is reported at least once, and once again if it is pending
	 * at the end. */
	for (left = THREADS; left > 0;) {
		count = wait_events(f->kq, events, THREADS);
		assert_true(count > 0);
		for (i = 0; i < count; i++)
			if (seen[events[i].ident]++ == 0)
				left--;
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(jobs[i].result, 0);
		assert_true(seen[i] <= ROUNDS);
	}
	count_pending(f->kq);
	assert_int_equal(count_pending(f->kq), 0);
}

static void *wait_in_thread(void *argument)
{
	struct thread_job *job = argument;
	struct kevent event;

	atomic_store(&job->started, true);
	job->result = wait_events(job->kq, &event, 1);
	job->error = errno;
	job->ident = job->result > 0 ? (int)event.ident : -1;
	return NULL;
}

static void start_waiter(pthread_t *thread, struct thread_job *job)
{
	static const struct timespec millisecond = { 0, NS_PER_MS };

	assert_int_equal(pthread_create(thread, NULL, wait_in_thread, job), 0);
	while (!atomic_load(&job->started))
		sched_yield();
	/* The thread most likely sleeps by now. If not, the test is still
	 * valid. */
	nanosleep(&millisecond, NULL);
}

/* 13: changes reach a kevent() that is already blocked. */
static void a_change_from_a_thread_is_seen_by_a_blocked_kevent(void **state)
{
	struct fixture *f = *state;
	struct thread_job job = { .kq = f->kq };
	pthread_t thread;

	start_waiter(&thread, &job);
	put(f->pair[1], "x");
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	pthread_join(thread, NULL);

	assert_int_equal(job.result, 1);
	assert_int_equal(job.ident, f->pair[0]);
}

/* 4: while another thread waits. */
static void closing_a_watched_descriptor_does_not_end_the_wait(void **state)
{
	struct fixture *f = *state;
	struct thread_job job = { .kq = f->kq };
	pthread_t thread;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(change(f->kq, ends[0], EVFILT_READ, EV_ADD), 0);
	assert_int_equal(change(f->kq, 9, EVFILT_USER, EV_ADD), 0);
	start_waiter(&thread, &job);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(trigger(f->kq, 9), 0);
	pthread_join(thread, NULL);

	assert_int_equal(job.result, 1);
	assert_int_equal(job.ident, 9);
}

/* ERRORS, EBADF; [src] kqueue_drain(). */
static void closing_the_kqueue_ends_the_wait(void **state)
{
	struct thread_job job = { .kq = kqueue() };
	pthread_t thread;

	(void)state;
	start_waiter(&thread, &job);
	assert_int_equal(close(job.kq), 0);
	pthread_join(thread, NULL);

	assert_int_equal(job.result, -1);
	assert_int_equal(job.error, EBADF);
}

static volatile sig_atomic_t kqueue_of_handler;

static volatile sig_atomic_t handled;

/* Install a signal handler for the duration of a test. */
static void handle(int number, void (*handler)(int), struct sigaction *before)
{
	struct sigaction wanted = { .sa_handler = handler };

	handled = 0;
	sigemptyset(&wanted.sa_mask);
	assert_int_equal(sigaction(number, &wanted, before), 0);
}

static void trigger_in_handler(int number)
{
	(void)number;
	handled++;
	trigger(kqueue_of_handler, 7);
}

/* 13: kevent() is a system call, so it may be called wherever write(2) may. */
static void a_trigger_in_a_signal_handler_is_seen(void **state)
{
	struct fixture *f = *state;
	struct sigaction before;
	struct kevent event;

	kqueue_of_handler = f->kq;
	assert_int_equal(change(f->kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR), 0);
	handle(SIGUSR2, trigger_in_handler, &before);
	assert_int_equal(kill(getpid(), SIGUSR2), 0);

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.ident, 7);
	assert_int_equal(handled, 1);
	assert_int_equal(sigaction(SIGUSR2, &before, NULL), 0);
}

/* 15: DESCRIPTION, the paragraph on kevent(). */
static void a_timeout_is_never_early_and_finer_than_a_millisecond(void **state)
{
	struct fixture *f = *state;
	struct timespec timeout = { 0, 300000 };
	struct kevent event;
	int64_t start, length, shortest = INT64_MAX;
	int i;

	/* On a busy machine many waits take longer. */
	for (i = 0; i < 10 || (i < 2000 && shortest >= NS_PER_MS); i++) {
		start = now_ns();
		assert_int_equal(kevent(f->kq, NULL, 0, &event, 1, &timeout),
				 0);
		length = now_ns() - start;
		assert_true(length >= timeout.tv_nsec);
		if (length < shortest)
			shortest = length;
	}
	assert_true(shortest < NS_PER_MS);
}

/* 15: ERRORS, EINVAL. */
static void an_invalid_timeout_is_EINVAL(void **state)
{
	struct fixture *f = *state;
	static const struct timespec bad[] = {
		{ 0, 1000000000 },
		{ 0, -1 },
		{ -1, 0 },
	};
	struct kevent event;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(kevent(f->kq, NULL, 0, &event, 1, &bad[i]),
				 -1);
		assert_int_equal(errno, EINVAL);
	}
}

/* 15: a timeout that 64 bits of nanoseconds cannot hold counts as a long
 * one. */
static void the_longest_timeout_does_not_overflow(void **state)
{
	struct fixture *f = *state;
	struct timespec longest = { INT64_MAX, 999999999 };
	struct thread_job job = { .kq = f->kq, .ident = 7, .count = 1 };
	struct kevent event;
	pthread_t thread;

	assert_int_equal(change(f->kq, 7, EVFILT_USER, EV_ADD), 0);
	assert_int_equal(
		pthread_create(&thread, NULL, trigger_from_thread, &job), 0);
	assert_int_equal(kevent(f->kq, NULL, 0, &event, 1, &longest), 1);
	pthread_join(thread, NULL);
}

static void count_handled(int number)
{
	(void)number;
	handled++;
}

struct interruption {
	pthread_t target;
	atomic_bool over;
};

static void *interrupt(void *argument)
{
	static const struct timespec millisecond = { 0, NS_PER_MS };
	struct interruption *i = argument;

	while (!atomic_load(&i->over)) {
		nanosleep(&millisecond, NULL);
		pthread_kill(i->target, SIGUSR2);
	}
	return NULL;
}

/* 15: ERRORS: on EINTR "all changes in the changelist have been applied".
 * SA_RESTART does not restart kevent(). */
static void an_interrupted_wait_has_applied_its_changes(void **state)
{
	struct fixture *f = *state;
	struct sigaction before;
	struct sigaction restarting = { .sa_handler = count_handled,
					.sa_flags = SA_RESTART };
	struct interruption i = { .target = pthread_self() };
	struct kevent c, event;
	pthread_t thread;
	int result, error;

	handled = 0;
	sigemptyset(&restarting.sa_mask);
	assert_int_equal(sigaction(SIGUSR2, &restarting, &before), 0);
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &i), 0);
	EV_SET(&c, f->pair[0], EVFILT_READ, EV_ADD, 0, 0, &marker_a);
	result = kevent(f->kq, &c, 1, &event, 1, NULL);
	error = errno;
	atomic_store(&i.over, true);
	pthread_join(thread, NULL);

	assert_int_equal(result, -1);
	assert_int_equal(error, EINTR);
	assert_true(handled > 0);
	put(f->pair[1], "x");
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_ptr_equal(event.udata, &marker_a);
	assert_int_equal(sigaction(SIGUSR2, &before, NULL), 0);
}

/* 15: ERRORS, EINTR: only a signal that has a handler interrupts a wait. */
static void an_ignored_signal_does_not_interrupt_another_kqueue(void **state)
{
	struct fixture *f = *state;
	struct timespec timeout = { 0, 5 * NS_PER_MS };
	struct interruption i = { .target = pthread_self() };
	int other = kqueue();
	struct kevent event;
	pthread_t thread;
	void (*before)(int) = signal(SIGUSR2, SIG_IGN);

	assert_int_equal(change(other, SIGUSR2, EVFILT_SIGNAL, EV_ADD), 0);
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &i), 0);
	assert_int_equal(kevent(f->kq, NULL, 0, &event, 1, &timeout), 0);
	atomic_store(&i.over, true);
	pthread_join(thread, NULL);
	close(other);
	signal(SIGUSR2, before);
}

/* EVFILT_TIMER: periods are counted while nobody calls kevent(). */
static void a_timer_repeats_and_counts(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int64_t start = now_ns();

	assert_int_equal(change_notes(f->kq, 3, EVFILT_TIMER, EV_ADD,
				      NOTE_USECONDS, 500),
			 0);

	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_true(now_ns() - start >= NS_PER_MS / 2);
	assert_int_equal(event.ident, 3);
	assert_true(event.data >= 1);
	assert_int_equal(event.flags & EV_CLEAR, EV_CLEAR);
	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_true(now_ns() - start >= NS_PER_MS);
}

/* EVFILT_TIMER: EV_ADD again discards earlier expirations. */
static void a_timer_makes_the_kqueue_readable_and_can_be_restarted(void **state)
{
	struct fixture *f = *state;
	struct pollfd answer = { .fd = f->kq, .events = POLLIN };
	struct kevent event;

	assert_int_equal(change_notes(f->kq, 3, EVFILT_TIMER,
				      EV_ADD | EV_ONESHOT, NOTE_NSECONDS, 1),
			 0);
	assert_int_equal(poll(&answer, 1, 5000), 1);
	assert_int_equal(change_notes(f->kq, 3, EVFILT_TIMER, EV_ADD,
				      NOTE_SECONDS, 1000),
			 0);
	assert_int_equal(count_pending(f->kq), 0);

	assert_int_equal(
		change_notes(f->kq, 3, EVFILT_TIMER, EV_ADD, NOTE_NSECONDS, 1),
		0);
	assert_int_equal(wait_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 1);
	assert_int_equal(change(f->kq, 3, EVFILT_TIMER, EV_DELETE), -1);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_trigger_from_a_thread_wakes_a_blocked_kevent),
		TEST(triggers_coalesce_until_the_event_is_retrieved),
		TEST(an_uncleared_trigger_stays),
		TEST(user_flags_are_combined_as_asked),
		TEST(a_trigger_with_clear_or_at_the_first_add_does_nothing),
		TEST(triggers_from_many_threads_all_reach_the_waiter),
		TEST(a_change_from_a_thread_is_seen_by_a_blocked_kevent),
		TEST(closing_a_watched_descriptor_does_not_end_the_wait),
		TEST(closing_the_kqueue_ends_the_wait),
		TEST(a_trigger_in_a_signal_handler_is_seen),
		TEST(a_timeout_is_never_early_and_finer_than_a_millisecond),
		TEST(an_invalid_timeout_is_EINVAL),
		TEST(the_longest_timeout_does_not_overflow),
		TEST(an_interrupted_wait_has_applied_its_changes),
		TEST(an_ignored_signal_does_not_interrupt_another_kqueue),
		TEST(a_timer_repeats_and_counts),
		TEST(a_timer_makes_the_kqueue_readable_and_can_be_restarted),
	};

	choose_tests();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
