/*
 * signal/number.c - one signal handler for the process, and for each number the
 * targets that it counts deliveries in and sends to.
 *
 *  1. The handler takes no lock and allocates nothing. It walks the list of
 *     targets by atomic pointers. Targets are attached and detached with the
 *     lock held, by a single store each, so a walk always sees a whole list.
 *  2. A detached target is unlinked first. Then the detaching thread waits for
 *     the handlers that may have begun their walk before that. Each handler
 *     counts itself in one of two counts, which `epoch` chooses. The detaching
 *     thread changes the epoch, so that new handlers use the other count, and
 *     waits until the old count is 0; and then the same the other way round. So
 *     it waits for handlers that have begun, never for new ones. Counting and
 *     unlinking are sequentially consistent: a handler that is not counted when
 *     the count is read has not read the list yet, and will not find the target
 *     in it. A handler that interrupts the detaching thread itself returns
 *     before the thread goes on.
 *  3. In a forked child the threads of the parent do not exist, and the memory
 *     of their targets, which may be on their stacks, is reused. So a list
 *     belongs to one process, by its generation, and no other one walks it. The
 *     first change in the child empties it. A loop that is rebuilt adopts its
 *     targets. Counts of handlers carry the generation, too, and begin at 0.
 *  4. The description of the latest delivery is guarded by a version, which is
 *     odd while it is written. If two threads handle one number at the same
 *     moment, one of them writes.
 *  5. The handler is installed with the first target and removed with the last,
 *     unless the program has installed another one since.
 */
#include "signal/number.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "base/assert.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/siginfo.h"
#include "base/thread.h"
#include "rota/error.h"

enum { NUMBERS = 129 }; /* 65 on Linux, 33 on macOS, 129 on FreeBSD */

struct description {
	uint32_t version; /* atomic: (4); 0: there is none */
	int code;         /* these are atomics, too */
	int status;
	int pid;
	unsigned user;
	int value;
};

struct number {
	struct rotai_signal_target *first; /* atomic */
	uint32_t generation;               /* atomic: (3) */
	uint32_t epoch;                    /* atomic: (2) */
	uint32_t handlers[2];              /* atomic: (2), (3) */
	struct description latest;

	/* With the lock held. */
	int is_installed;
	struct sigaction before;
};

static struct rotai_lock number_lock; /* for changes of the lists */
static struct number numbers[NUMBERS];

/* The generation of this process, as it is in the upper half of a count. */
static uint32_t handlers_here(void)
{
	return rotai_fork_generation << 16;
}

/* Return the count that was increased. (2) */
static uint32_t *enter_handler(struct number *number)
{
	uint32_t epoch = __atomic_load_n(&number->epoch, __ATOMIC_SEQ_CST);
	uint32_t *count = &number->handlers[epoch & 1];
	uint32_t found = __atomic_load_n(count, __ATOMIC_RELAXED);
	uint32_t wanted;

	do {
		wanted = (found & ~UINT32_C(0xffff)) == handlers_here()
				 ? found + 1
				 : handlers_here() + 1;
	} while (!__atomic_compare_exchange_n(
		count, &found, wanted, 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return count;
}

static void leave_handler(uint32_t *count)
{
	/* Releases the last use of the targets. */
	__atomic_fetch_sub(count, 1, __ATOMIC_RELEASE);
}

static int is_handled(const uint32_t *count)
{
	uint32_t found = __atomic_load_n(count, __ATOMIC_SEQ_CST);

	return (found & ~UINT32_C(0xffff)) == handlers_here() &&
	       (found & 0xffff) != 0;
}

/* With the lock held: wait for the handlers that have begun. (2) */
static void await_handlers(struct number *number)
{
	for (int i = 0; i < 2; i++) {
		uint32_t old =
			__atomic_fetch_add(&number->epoch, 1, __ATOMIC_SEQ_CST);
		unsigned tries = 0;

		while (is_handled(&number->handlers[old & 1]))
			rotai_thread_pause(tries++);
	}
}

/* Whether the list of targets is this process's. (3) */
static int is_ours(const struct number *number)
{
	return __atomic_load_n(&number->generation, __ATOMIC_SEQ_CST) ==
	       rotai_fork_generation;
}

static void store(int *at, int value)
{
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
}

static int load(const int *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

/* Which members are there depends on the code: sigaction(2). */
static void describe(struct description *latest, int signum,
		     const siginfo_t *info)
{
	int has_sender = rotai_siginfo_has_sender(info);
	int of_child = signum == SIGCHLD && !has_sender && info->si_code > 0;
	uint32_t version = __atomic_load_n(&latest->version, __ATOMIC_RELAXED);

	if ((version & 1) || !__atomic_compare_exchange_n(
				     &latest->version, &version, version + 1, 0,
				     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return; /* (4) */
	store(&latest->code, info->si_code);
	store(&latest->status, of_child ? info->si_status : 0);
	store(&latest->pid, has_sender || of_child ? info->si_pid : 0);
	__atomic_store_n(&latest->user,
			 has_sender || of_child ? info->si_uid : 0,
			 __ATOMIC_RELAXED);
	store(&latest->value,
	      info->si_code == SI_QUEUE ? info->si_value.sival_int : 0);
	__atomic_store_n(&latest->version, version + 2, __ATOMIC_RELEASE);
}

static void handle_signal(int signum, siginfo_t *info, void *context)
{
	int error = errno;
	struct number *number = &numbers[signum];
	uint32_t *count = enter_handler(number);
	struct rotai_signal_target *at = NULL;

	(void)context;
	if (is_ours(number))
		at = __atomic_load_n(&number->first, __ATOMIC_SEQ_CST);
	if (at != NULL)
		describe(&number->latest, signum, info);
	while (at != NULL) {
		/* The send releases the count. */
		__atomic_fetch_add(&at->count, 1, __ATOMIC_RELAXED);
		(void)rota_async_send(at->async);
		at = __atomic_load_n(&at->next, __ATOMIC_SEQ_CST); /* (2) */
	}
	leave_handler(count);
	errno = error;
}

int rotai_number_check(int number)
{
	switch (number) {
	case SIGKILL:
	case SIGSTOP:
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
		return ROTA_EINVAL;
	default:
		return number > 0 && number < NUMBERS ? 0 : ROTA_EINVAL;
	}
}

static int install(struct number *number, int signum)
{
	struct sigaction action = { .sa_sigaction = handle_signal };

	action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
	/* So that it is never in the way of itself. */
	(void)sigfillset(&action.sa_mask);
	return sigaction(signum, &action, &number->before) < 0 ? -errno : 0;
}

/* (5) */
static void uninstall(const struct number *number, int signum)
{
	struct sigaction now;

	if (sigaction(signum, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
	    now.sa_sigaction == handle_signal)
		(void)sigaction(signum, &number->before, NULL);
}

/* With the lock held: have the list be this process's. (3) */
static void take_over(struct number *number)
{
	if (is_ours(number))
		return;
	__atomic_store_n(&number->first, NULL, __ATOMIC_SEQ_CST);
	__atomic_store_n(&number->generation, rotai_fork_generation,
			 __ATOMIC_SEQ_CST);
	/* A thread of the parent may have been writing it. */
	__atomic_store_n(&number->latest.version, 0, __ATOMIC_RELAXED);
}

/* With the lock held. */
static void link_target(struct number *number,
			struct rotai_signal_target *target)
{
	take_over(number);
	__atomic_store_n(&target->next, number->first, __ATOMIC_RELAXED);
	__atomic_store_n(&target->count, 0, __ATOMIC_RELAXED);
	/* Releases the target to the handlers. */
	__atomic_store_n(&number->first, target, __ATOMIC_SEQ_CST);
}

int rotai_number_attach(int signum, struct rotai_signal_target *target)
{
	struct number *number = &numbers[signum];
	int error = 0;

	rotai_lock_take(&number_lock);
	if (!number->is_installed)
		__atomic_store_n(&number->latest.version, 0, __ATOMIC_RELAXED);
	link_target(number, target);
	if (!number->is_installed) {
		error = install(number, signum);
		number->is_installed = error == 0;
		if (error < 0)
			__atomic_store_n(&number->first, NULL,
					 __ATOMIC_SEQ_CST);
	}
	rotai_lock_release(&number_lock);
	return error;
}

void rotai_number_adopt(int signum, struct rotai_signal_target *target)
{
	rotai_lock_take(&number_lock);
	link_target(&numbers[signum], target);
	rotai_lock_release(&number_lock);
}

void rotai_number_detach(int signum, struct rotai_signal_target *target)
{
	struct number *number = &numbers[signum];
	struct rotai_signal_target **at = &number->first;

	rotai_lock_take(&number_lock);
	while (*at != target)
		at = &(*at)->next;
	__atomic_store_n(at, target->next, __ATOMIC_SEQ_CST); /* (2) */
	if (number->first == NULL) {
		uninstall(number, signum);
		number->is_installed = 0;
	}
	await_handlers(number);
	rotai_lock_release(&number_lock);
}

int rotai_number_describe(int signum, struct rota_signal_info *info)
{
	struct description *latest = &numbers[signum].latest;
	unsigned tries = 0;
	uint32_t version;

	for (;;) {
		version = __atomic_load_n(&latest->version, __ATOMIC_ACQUIRE);
		if (version == 0)
			return ROTA_ENODATA;
		info->code = load(&latest->code);
		info->status = load(&latest->status);
		info->pid = load(&latest->pid);
		info->user = __atomic_load_n(&latest->user, __ATOMIC_RELAXED);
		info->value = load(&latest->value);
		/* A read-modify-write, so that the loads stay above it. */
		if (!(version & 1) &&
		    __atomic_fetch_add(&latest->version, 0, __ATOMIC_ACQ_REL) ==
			    version)
			return 0;
		rotai_thread_pause(tries++);
	}
}
