/*
 * filter_signal.c - EVFILT_SIGNAL, in addition to the program's own handlers.
 *
 * A watched signal gets our handler, which counts it and then does what the
 * program asked for. sigaction(2) and signal(3) are wrapped and show the
 * program only its own settings. An eventfd, written on each signal and never
 * read, gives every kqueue an edge.
 *
 *  1. `actions` contains the program's settings, under the lock. The handler
 *     reads the atomics that publish() sets.
 *  2. The eventfd is closed only when no handler is about to write to it:
 *     `writers` counts them.
 *
 * Not modelled: a blocked signal counts when it is delivered, not when it is
 * sent; and SIG_IGN of a watched signal does not survive vfork(2) and exec.
 */
#include "double.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "wraps.h"

typedef void detailed_handler(int number, siginfo_t *info, void *context);

static struct sigaction actions[KQD_SIGNALS];
static unsigned watchers[KQD_SIGNALS];
static unsigned watcher_count;

/* All are sequentially consistent: a signal is rare, and (2) needs the order of
 * `writers` and `bell` on both sides. */
static atomic_uint_fast64_t counts[KQD_SIGNALS];
static atomic_uintptr_t handlers[KQD_SIGNALS];
static atomic_int handler_flags[KQD_SIGNALS];
static atomic_int bell = -1;
static atomic_uint writers;

/* Set by our handler if the program ignores the signal. */
static _Thread_local volatile sig_atomic_t ignored;

bool kqd_signal_was_ignored(void)
{
	bool was = ignored != 0;

	ignored = 0;
	return was;
}

static bool is_ignored_by_default(int number)
{
	return number == SIGCHLD || number == SIGURG || number == SIGWINCH ||
	       number == SIGCONT;
}

/* Do to the process what SIG_DFL does for this signal. */
static void act_by_default(int number)
{
	struct sigaction by_default = { .sa_handler = SIG_DFL };

	if (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) {
		raise(SIGSTOP);
		return;
	}
	/* The signal is blocked until our handler returns. Then it ends the
	 * process. */
	__real_sigaction(number, &by_default, NULL);
	raise(number);
}

static void reset_to_default(int number)
{
	sigset_t saved;

	kqd_lock(&saved);
	actions[number].sa_handler = SIG_DFL;
	actions[number].sa_flags &= ~SA_SIGINFO;
	atomic_store(&handlers[number], (uintptr_t)SIG_DFL);
	atomic_store(&handler_flags[number], actions[number].sa_flags);
	kqd_unlock(&saved);
}

static void count_signal(int number)
{
	uint64_t one = 1;
	int fd;

	atomic_fetch_add(&counts[number], 1);
	atomic_fetch_add(&writers, 1);
	fd = atomic_load(&bell);
	/* Cannot fail: the counter has room for 2^64 signals. */
	if (fd >= 0)
		__real_write(fd, &one, sizeof(one));
	atomic_fetch_sub(&writers, 1);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	int flags = atomic_load(&handler_flags[number]);
	uintptr_t handler = atomic_load(&handlers[number]);

	count_signal(number);
	if (handler == (uintptr_t)SIG_IGN ||
	    (handler == (uintptr_t)SIG_DFL && is_ignored_by_default(number))) {
		ignored = 1;
	} else if (handler == (uintptr_t)SIG_DFL) {
		act_by_default(number);
	} else {
		if (flags & (int)SA_RESETHAND)
			reset_to_default(number);
		if (flags & SA_SIGINFO)
			((detailed_handler *)handler)(number, info, context);
		else
			((kqd_signal_handler *)handler)(number);
	}
	errno = saved;
}

/* Install our handler instead of the program's. */
static int publish(int number)
{
	struct sigaction ours = actions[number];
	bool detailed = ours.sa_flags & SA_SIGINFO;
	uintptr_t handler = detailed ? (uintptr_t)ours.sa_sigaction
				     : (uintptr_t)ours.sa_handler;

	atomic_store(&handlers[number], handler);
	atomic_store(&handler_flags[number], ours.sa_flags);

	/* "Except for SIGCHLD, which, if ignored, will not be recorded"; and
	 * ignoring it for real is what makes children vanish. */
	if (number == SIGCHLD && handler == (uintptr_t)SIG_IGN)
		return __real_sigaction(number, &ours, NULL);

	/* A signal that is ignored interrupts no system call. */
	if (handler == (uintptr_t)SIG_IGN || handler == (uintptr_t)SIG_DFL)
		ours.sa_flags |= SA_RESTART;
	ours.sa_flags &= ~(int)SA_RESETHAND;
	ours.sa_flags |= SA_SIGINFO;
	ours.sa_sigaction = on_signal;
	return __real_sigaction(number, &ours, NULL);
}

int kqd_sigaction(int number, const struct sigaction *wanted,
		  struct sigaction *previous)
{
	struct sigaction before;
	sigset_t saved;
	int result = 0;
	int error;

	if (number < 1 || number >= KQD_SIGNALS || !kqd_in_use())
		return __real_sigaction(number, wanted, previous);

	kqd_lock(&saved);
	if (!watchers[number]) {
		result = __real_sigaction(number, wanted, previous);
	} else {
		before = actions[number];
		if (wanted) {
			actions[number] = *wanted;
			result = publish(number);
		}
		if (previous && !result)
			*previous = before;
	}
	error = errno;
	kqd_unlock(&saved);
	errno = error;
	return result;
}

kqd_signal_handler *kqd_signal(int number, kqd_signal_handler *handler)
{
	struct sigaction previous;
	struct sigaction wanted = { .sa_handler = handler,
				    .sa_flags = SA_RESTART };

	sigemptyset(&wanted.sa_mask);
	sigaddset(&wanted.sa_mask, number);
	if (kqd_sigaction(number, &wanted, &previous))
		return SIG_ERR;
	return previous.sa_handler;
}

static int open_bell(void)
{
	int fd;

	if (atomic_load(&bell) >= 0)
		return 0;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return ENOMEM;
	atomic_store(&bell, fd);
	return 0;
}

static void close_bell(void)
{
	int fd = atomic_exchange(&bell, -1);

	while (atomic_load(&writers))
		sched_yield();
	if (fd >= 0)
		__real_close(fd);
}

static int join_bell(struct kqd_queue *kq)
{
	int error = open_bell();

	if (error)
		return error;
	error = kqd_epoll_add(kq->fd, atomic_load(&bell), EPOLLIN | EPOLLET,
			      KQD_FROM_SIGNALS, 0);
	return error == EEXIST ? 0 : error;
}

/* Install our handler for the first knote that watches the signal: 0 or an
 * errno. */
static int start_watching(int number)
{
	if (watchers[number])
		return 0;
	if (__real_sigaction(number, NULL, &actions[number]) || publish(number))
		return errno;
	return 0;
}

static int attach(struct kqd_knote *knote)
{
	uintptr_t number = knote->kev.ident;
	int error;

	if (number < 1 || number >= KQD_SIGNALS)
		return EINVAL;
	error = join_bell(knote->kq);
	if (!error)
		error = start_watching((int)number);
	if (error) {
		if (!watcher_count)
			close_bell();
		return error;
	}

	watchers[number]++;
	watcher_count++;
	knote->kev.flags |= EV_CLEAR;
	knote->u.signal.seen = atomic_load(&counts[number]);
	kqd_list_append(&knote->kq->signals, &knote->kin);
	return 0;
}

static void detach(struct kqd_knote *knote)
{
	int number = (int)knote->kev.ident;

	kqd_list_remove(&knote->kin);
	if (--watchers[number] == 0)
		__real_sigaction(number, &actions[number], NULL);
	if (--watcher_count == 0)
		close_bell();
}

static bool occurred(struct kqd_knote *knote)
{
	uint64_t count = atomic_load(&counts[knote->kev.ident]);

	knote->kev.data = (int64_t)(count - knote->u.signal.seen);
	return knote->kev.data > 0;
}

static void clear(struct kqd_knote *knote)
{
	/* Only the signals that were reported, and none that came since. */
	knote->u.signal.seen += (uint64_t)knote->kev.data;
}

/* The child has no kqueue, and so only the program's own dispositions. */
void kqd_signals_after_fork(void)
{
	int fd = atomic_exchange(&bell, -1);
	int number;

	atomic_store(&writers, 0);
	if (fd >= 0)
		__real_close(fd);
	for (number = 1; number < KQD_SIGNALS; number++) {
		if (watchers[number])
			__real_sigaction(number, &actions[number], NULL);
		watchers[number] = 0;
	}
	watcher_count = 0;
}

const struct kqd_filter kqd_filter_signal = {
	.attach = attach,
	.detach = detach,
	.event = occurred,
	.clear = clear,
};
