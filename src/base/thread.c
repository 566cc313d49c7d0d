/*
 * base/thread.c - see thread.h.
 *
 * Darwin cannot set the clock of a condition variable, but it has a wait with a
 * relative time-out.
 */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/processor.h"

/* These signals are raised by faults, and stay unblocked: if such a signal is
 * blocked, the fault ends the process without calling the program's handler. */
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };

enum { FAULT_COUNT = sizeof(faults) / sizeof(faults[0]) };

static int set_stack(pthread_attr_t *attributes, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (size == 0)
		return 0;
	if (size > SIZE_MAX - page)
		return EINVAL;
	/* Darwin requires whole pages. */
	size = (size + page - 1) / page * page;
	return pthread_attr_setstacksize(attributes, size);
}

/* pthread_create(3), with all signals except those of faults blocked meanwhile:
 * a thread inherits the signal mask of the thread that makes it. */
static int create_blocked(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*run)(void *arg), void *arg)
{
	sigset_t blocked, before;
	int error;

	sigfillset(&blocked);
	for (size_t i = 0; i < FAULT_COUNT; i++)
		sigdelset(&blocked, faults[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	error = pthread_create(thread, attributes, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int rotai_thread_start(void *(*run)(void *arg), void *arg, size_t stack_size)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error = pthread_attr_init(&attributes);

	if (error != 0)
		return -error;
	error = pthread_attr_setdetachstate(&attributes,
					    PTHREAD_CREATE_DETACHED);
	if (error == 0)
		error = set_stack(&attributes, stack_size);
	if (error == 0)
		error = create_blocked(&thread, &attributes, run, arg);
	pthread_attr_destroy(&attributes);
	return -error;
}

int rotai_thread_start_joinable(pthread_t *thread, void *(*run)(void *arg),
				void *arg, size_t stack_size, int inherits)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error != 0)
		return -error;
	error = set_stack(&attributes, stack_size);
	if (error == 0)
		error = inherits
				? pthread_create(thread, &attributes, run, arg)
				: create_blocked(thread, &attributes, run, arg);
	pthread_attr_destroy(&attributes);
	return -error;
}

int rotai_thread_check_stack(size_t stack_size)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error != 0)
		return -error;
	error = set_stack(&attributes, stack_size);
	pthread_attr_destroy(&attributes);
	return -error;
}

void rotai_thread_pause(unsigned tries)
{
	const struct timespec moment = { .tv_nsec = 50000 };
	enum { YIELDS = 100 };

	int cancel;

	if (tries < YIELDS) {
		sched_yield();
		return;
	}
	/* The caller may hold a lock. */
	cancel = rotai_thread_disable_cancel();
	nanosleep(&moment, NULL);
	rotai_thread_restore_cancel(cancel);
}

int rotai_thread_disable_cancel(void)
{
	int before = PTHREAD_CANCEL_ENABLE;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

void rotai_thread_restore_cancel(int before)
{
	int ours;

	(void)pthread_setcancelstate(before, &ours);
}

/* How many nanoseconds it takes to busy-wait for @pauses. The loop does not
 * read the clock, because that is a system call on some machines. */
static uint64_t time_pauses(uint32_t pauses)
{
	uint64_t from_ns = rotai_clock_monotonic();
	static const int unchanged;

	while (pauses-- > 0 &&
	       __atomic_load_n(&unchanged, __ATOMIC_RELAXED) == 0)
		rotai_processor_relax();
	return rotai_clock_monotonic() - from_ns;
}

struct rotai_spin rotai_thread_spin(uint64_t ns)
{
	enum { TIMED_PAUSES = 1000, TRIES = 3 };
	struct rotai_spin spin = { .ns = ns };
	uint64_t least_ns = UINT64_MAX;

	if (ns == 0 || rotai_thread_processors() == 1)
		return spin;
	/* The shortest counts: the other tries may have been interrupted. */
	for (int i = 0; i < TRIES; i++) {
		uint64_t took_ns = time_pauses(TIMED_PAUSES);

		if (took_ns < least_ns)
			least_ns = took_ns;
	}
	/* + 1, as a coarse clock may have measured 0. */
	spin.pauses = (uint32_t)(1 + ns * TIMED_PAUSES / (least_ns + 1));
	return spin;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};
}

#ifdef __APPLE__

int rotai_condition_init(pthread_cond_t *condition)
{
	return -pthread_cond_init(condition, NULL);
}

static int wait_for(pthread_cond_t *condition, pthread_mutex_t *lock,
		    uint64_t timeout_ns)
{
	struct timespec timeout = timespec_of(timeout_ns);

	return pthread_cond_timedwait_relative_np(condition, lock, &timeout);
}

#else

int rotai_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error != 0)
		return -error;
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (error == 0)
		error = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return -error;
}

static int wait_for(pthread_cond_t *condition, pthread_mutex_t *lock,
		    uint64_t timeout_ns)
{
	struct timespec due = timespec_of(
		rotai_add_saturated(rotai_clock_monotonic(), timeout_ns));

	return pthread_cond_timedwait(condition, lock, &due);
}

#endif

int rotai_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
			 uint64_t timeout_ns)
{
	if (timeout_ns == UINT64_MAX)
		return pthread_cond_wait(condition, lock) != ETIMEDOUT;
	return wait_for(condition, lock, timeout_ns) != ETIMEDOUT;
}
