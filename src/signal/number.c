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
 *     first change in the child empties it, and a loop that is rebuilt attaches
 *     its targets again. Counts of handlers carry the generation, too, and
 *     begin at 0. A child of vfork(2) shares all memory with its parent, and
 *     may be killed inside the handler. It has another process id, and its
 *     handler changes nothing.
 *  4. The description of the latest delivery is guarded by a version, which is
 *     odd while it is written. If two threads handle one number at the same
 *     moment, one of them writes. A target has been delivered to if the version
 *     is another one than when it was attached.
 *  5. The handler is installed with the first target and removed with the last,
 *     unless the program has installed another one since. Which one is there is
 *     asked of the kernel, and not remembered: a program may restore a handler
 *     of ours that it had saved, and a fork may come between an installation
 *     and the note of it. `before` is written only while ours is not there, so
 *     a fork cannot leave half of it in use.
 *  6. A thread that is cancelled in the handler would leave its count behind,
 *     and its last send may be lost. So cancellation is off in the handler.
 *  7. A thread may be on its way into the handler, or out of it, without being
 *     counted. So the image that contains it is never unloaded: see
 *     rotai_image_keep().
 */
#include "signal/number.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/image.h"
#include "base/lock.h"
#include "base/siginfo.h"
#include "base/thread.h"
#include "rota/error.h"

enum { NUMBERS = 129 }; /* 65 on Linux, 33 on macOS, 129 on FreeBSD */

struct description {
	uint32_t version; /* atomic: (4) */
	int code;         /* these are atomics, too */
	int status;
	int pid;
	unsigned user;
	int value;
};

struct number {
	struct rotai_signal_target *first; /* atomic */
	uint32_t owner; /* atomic: 0, or 1 more than the generation: (3) */
	uint32_t epoch; /* atomic: (2) */
	uint32_t handlers[2]; /* atomic: (2), (3) */
	struct description latest;

	pid_t process;           /* whose list it is: (3) */
	struct sigaction before; /* with the lock held: (5) */
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
	return __atomic_load_n(&number->owner, __ATOMIC_SEQ_CST) ==
	       rotai_fork_generation + 1;
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

static void deliver(struct number *number, int signum, const siginfo_t *info)
{
	uint32_t *count = enter_handler(number);
	struct rotai_signal_target *at =
		__atomic_load_n(&number->first, __ATOMIC_SEQ_CST);

	if (at != NULL)
		describe(&number->latest, signum, info);
	while (at != NULL) {
		/* The send releases the count. */
		__atomic_fetch_add(&at->count, 1, __ATOMIC_RELAXED);
		(void)rota_async_send(at->async);
		at = __atomic_load_n(&at->next, __ATOMIC_SEQ_CST); /* (2) */
	}
	leave_handler(count);
}

static void handle_signal(int signum, siginfo_t *info, void *context)
{
	int error = errno;
	int cancel = rotai_thread_disable_cancel(); /* (6) */
	struct number *number = &numbers[signum];

	(void)context;
	if (is_ours(number) && number->process == getpid()) /* (3) */
		deliver(number, signum, info);
	rotai_thread_restore_cancel(cancel);
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

static int is_handler(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) &&
	       action->sa_sigaction == handle_signal;
}

/* With the lock held: have the handler be there. (5) */
static int install(struct number *number, int signum)
{
	struct sigaction action = { .sa_sigaction = handle_signal };
	struct sigaction now;

	if (sigaction(signum, NULL, &now) < 0)
		return -errno;
	if (is_handler(&now))
		return 0;
	number->before = now;
	rotai_image_keep(); /* (7) */
	action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
	/* So that it is never in the way of itself. */
	(void)sigfillset(&action.sa_mask);
	return sigaction(signum, &action, NULL) < 0 ? -errno : 0;
}

/* With the lock held. (5) */
static void uninstall(const struct number *number, int signum)
{
	struct sigaction now;

	if (sigaction(signum, NULL, &now) == 0 && is_handler(&now))
		(void)sigaction(signum, &number->before, NULL);
}

/* With the lock held: have the list be this process's. (3) */
static void take_over(struct number *number)
{
	uint32_t version =
		__atomic_load_n(&number->latest.version, __ATOMIC_RELAXED);

	if (is_ours(number))
		return;
	__atomic_store_n(&number->first, NULL, __ATOMIC_SEQ_CST);
	/* A thread of the parent may have been writing the description. */
	__atomic_store_n(&number->latest.version, (version + 1) & ~UINT32_C(1),
			 __ATOMIC_RELAXED);
	number->process = getpid();
	__atomic_store_n(&number->owner, rotai_fork_generation + 1,
			 __ATOMIC_SEQ_CST);
}

/* With the lock held: put @target, whose count and version are set, first. */
static void link_target(struct number *number,
			struct rotai_signal_target *target)
{
	__atomic_store_n(&target->next, number->first, __ATOMIC_RELAXED);
	/* Releases the target to the handlers. */
	__atomic_store_n(&number->first, target, __ATOMIC_SEQ_CST);
}

/* With the lock held: take @target out. When this returns no thread uses it.
 * (2) */
static void unlink_target(struct number *number,
			  struct rotai_signal_target *target)
{
	struct rotai_signal_target **at = &number->first;

	while (*at != target)
		at = &(*at)->next;
	__atomic_store_n(at, target->next, __ATOMIC_SEQ_CST);
	await_handlers(number);
}

/* With the lock held: 0, or an error with nothing changed. */
static int attach(int signum, struct rotai_signal_target *target)
{
	struct number *number = &numbers[signum];
	struct rotai_signal_target before = *target;
	int error = 0;
	int is_first;

	take_over(number);
	is_first = number->first == NULL;
	target->since =
		__atomic_load_n(&number->latest.version, __ATOMIC_RELAXED) &
		~UINT32_C(1);
	__atomic_store_n(&target->count, 0, __ATOMIC_RELAXED);
	link_target(number, target);
	if (is_first)
		error = install(number, signum);
	if (error < 0) {
		unlink_target(number, target);
		*target = before;
	}
	return error;
}

int rotai_number_move(int from, int to, struct rotai_signal_target *target)
{
	struct sigaction now;
	int error = 0;

	/* The C library keeps some numbers for itself, and refuses them. */
	if (to > 0 && sigaction(to, NULL, &now) < 0)
		return -errno;
	rotai_lock_take(&number_lock);
	if (from > 0)
		unlink_target(&numbers[from], target);
	if (to > 0)
		error = attach(to, target);
	if (error < 0 && from > 0)
		link_target(&numbers[from], target);
	else if (from > 0 && numbers[from].first == NULL)
		uninstall(&numbers[from], from);
	rotai_lock_release(&number_lock);
	return error;
}

int rotai_number_describe(int signum, const struct rotai_signal_target *target,
			  struct rota_signal_info *info)
{
	struct description *latest = &numbers[signum].latest;
	unsigned tries = 0;
	uint32_t version;

	if (!is_ours(&numbers[signum]))
		return ROTA_ENODATA; /* (3) */
	for (;;) {
		version = __atomic_load_n(&latest->version, __ATOMIC_ACQUIRE);
		if (version == target->since)
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
