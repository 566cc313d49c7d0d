/*
 * lifetime.c - the lock, the table of kqueues, and how they end: by close(2),
 * which also ends the knotes of a descriptor, and by fork(2).
 *
 *  1. The lock is held with all signals blocked, so a handler that calls
 *     kevent() or close() never finds that its own thread holds the lock.
 *  2. A kqueue's descriptor is closed when no thread sleeps on it any more: the
 *     number must not be reused while a thread sleeps on it.
 *  3. A vfork(2) child shares this memory but is another process: its calls go
 *     straight to libc.
 */
#include "double.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "wraps.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sleeper_left = PTHREAD_COND_INITIALIZER;
static sigset_t mask_before_fork;

/* Set while the lock is held, and during the sleep in kevent(). */
static _Thread_local bool inside;

static struct kqd_link queues = { &queues, &queues };

/* The process that owns these kqueues; 0 while there are none. Relaxed: it only
 * saves taking the lock, under which everything else is read. */
static _Atomic pid_t owner;

void kqd_lock(sigset_t *saved)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, saved);
	pthread_mutex_lock(&lock);
	inside = true;
}

void kqd_unlock(const sigset_t *saved)
{
	inside = false;
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

bool kqd_is_inside(void)
{
	return inside;
}

bool kqd_in_use(void)
{
	pid_t pid = atomic_load_explicit(&owner, memory_order_relaxed);

	return pid && pid == getpid();
}

struct kqd_queue *kqd_queue_find(int fd)
{
	struct kqd_link *link;
	struct kqd_queue *kq;

	for (link = queues.next; link != &queues; link = link->next) {
		kq = kqd_container_of(link, struct kqd_queue, link);
		if (kq->fd == fd && !kq->closing)
			return kq;
	}
	return NULL;
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		__real_close(*fd);
	*fd = -1;
}

void kqd_queue_close_descriptors(struct kqd_queue *kq)
{
	close_if_open(&kq->inotify);
	close_if_open(&kq->timerfd);
	close_if_open(&kq->wake);
	close_if_open(&kq->except_set);
	close_if_open(&kq->write_set);
	close_if_open(&kq->fd);
}

static void destroy(struct kqd_queue *kq)
{
	size_t i;

	for (i = 0; i < kq->bucket_count; i++)
		while (kq->buckets[i])
			kqd_knote_drop(kq->buckets[i]);
	kqd_queue_close_descriptors(kq);
	kqd_list_remove(&kq->link);
	if (kqd_list_empty(&queues))
		atomic_store_explicit(&owner, 0, memory_order_relaxed);
	free(kq->buckets);
	free(kq);
}

/* Drop the child's copy. The parent uses the same epoll sets, so descriptors
 * may be closed, but nothing may be removed from a set. */
static void abandon(struct kqd_queue *kq)
{
	struct kqd_knote *knote;
	size_t i;

	for (i = 0; i < kq->bucket_count; i++) {
		while ((knote = kq->buckets[i])) {
			kq->buckets[i] = knote->next;
			if (knote->kev.filter == EVFILT_PROC)
				__real_close(knote->u.proc.pidfd);
			free(knote);
		}
	}
	kqd_queue_close_descriptors(kq);
	kq->closing = true;
	if (kq->sleepers)
		return; /* perhaps this thread, forking in a handler */
	kqd_list_remove(&kq->link);
	free(kq->buckets);
	free(kq);
}

/* "The queue is not inherited by a child created with fork" (DESCRIPTION). */
static void before_fork(void)
{
	sigset_t saved;

	kqd_lock(&saved);
	mask_before_fork = saved;
}

static void after_fork_in_parent(void)
{
	sigset_t saved = mask_before_fork;

	kqd_unlock(&saved);
}

static void after_fork_in_child(void)
{
	sigset_t saved = mask_before_fork;
	struct kqd_link *link, *next;

	kqd_signals_after_fork();
	for (link = queues.next; link != &queues; link = next) {
		next = link->next;
		abandon(kqd_container_of(link, struct kqd_queue, link));
	}
	atomic_store_explicit(&owner, 0, memory_order_relaxed);
	kqd_socket_errors_drop_all();
	pthread_cond_init(&sleeper_left, NULL);
	kqd_unlock(&saved);
}

static int fork_handlers_error;

static void install_fork_handlers(void)
{
	fork_handlers_error = pthread_atfork(before_fork, after_fork_in_parent,
					     after_fork_in_child);
}

int kqd_queue_publish(struct kqd_queue *kq)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install_fork_handlers);
	if (fork_handlers_error)
		return fork_handlers_error;

	kqd_list_append(&queues, &kq->link);
	atomic_store_explicit(&owner, getpid(), memory_order_relaxed);
	return 0;
}

int kqd_queue_sleep(struct kqd_queue *kq, uint64_t left_ns,
		    const sigset_t *mask)
{
	struct pollfd ready = { .fd = kq->fd, .events = POLLIN };
	struct timespec left = {
		.tv_sec = (time_t)(left_ns / 1000000000),
		.tv_nsec = (long)(left_ns % 1000000000),
	};
	int cancelable, error = 0;

	kq->sleepers++;
	pthread_mutex_unlock(&lock);

	/* ppoll() unblocks the signals: one that came since the call began
	 * interrupts it, as it would in the kernel. If the thread were
	 * cancelled, it would still count as a sleeper. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelable);
	if (ppoll(&ready, 1, left_ns == UINT64_MAX ? NULL : &left, mask) < 0)
		error = errno;
	pthread_setcancelstate(cancelable, NULL);
	if (error == EINTR && kqd_signal_was_ignored())
		error = 0;

	pthread_mutex_lock(&lock);
	inside = true;
	kq->sleepers--;
	if (kq->closing) {
		pthread_cond_broadcast(&sleeper_left);
		return EBADF;
	}
	return error;
}

static void close_queue(struct kqd_queue *kq)
{
	uint64_t one = 1;

	kq->closing = true;
	if (!kq->woken)
		kq->woken = __real_write(kq->wake, &one, sizeof(one)) > 0;
	while (kq->sleepers)
		pthread_cond_wait(&sleeper_left, &lock);
	destroy(kq);
}

/* (4) "Calling close on a file descriptor will remove any kevents that
 * reference the descriptor" (DESCRIPTION). Does not close fd, unless it is a
 * kqueue, and then returns true. */
static bool forget_descriptor(int fd)
{
	static const short filters[] = { EVFILT_READ, EVFILT_WRITE,
					 EVFILT_EXCEPT, EVFILT_VNODE };
	struct kqd_queue *kq = kqd_queue_find(fd);
	struct kqd_knote *knote;
	struct kqd_link *link;
	size_t i;

	kqd_socket_error_drop(fd);
	for (link = queues.next; link != &queues; link = link->next) {
		struct kqd_queue *other =
			kqd_container_of(link, struct kqd_queue, link);

		for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
			knote = kqd_index_find(other, (uintptr_t)fd,
					       filters[i]);
			if (knote)
				kqd_knote_drop(knote);
		}
		if (!other->closing)
			kqd_settle(other);
	}
	if (!kq)
		return false;
	close_queue(kq);
	return true;
}

int kqd_close(int fd)
{
	sigset_t saved;
	int result = 0;
	int error;

	if (fd < 0 || !kqd_in_use())
		return __real_close(fd);

	/* Under the lock, so that no knote is added for the number that is
	 * being closed. */
	kqd_lock(&saved);
	if (!forget_descriptor(fd))
		result = __real_close(fd);
	error = errno;
	kqd_unlock(&saved);
	errno = error;
	return result;
}

int kqd_dup3(int from, int to, int flags)
{
	sigset_t saved;
	int result, error;

	if (from == to || to < 0 || !kqd_in_use())
		return __real_dup3(from, to, flags);

	/* A call that fails does not close `to`. */
	kqd_lock(&saved);
	if (fcntl(from, F_GETFD) >= 0)
		forget_descriptor(to);
	result = __real_dup3(from, to, flags);
	error = errno;
	kqd_unlock(&saved);
	errno = error;
	return result;
}

int kqd_dup2(int from, int to)
{
	if (from == to)
		return __real_dup2(from, to);
	return kqd_dup3(from, to, 0);
}

int kqd_close_range(unsigned first, unsigned last, int flags)
{
	sigset_t saved;
	int result, error;
	unsigned fd, end;
	long limit = sysconf(_SC_OPEN_MAX);

	if (first > last || (flags & (int)CLOSE_RANGE_CLOEXEC) || !kqd_in_use())
		return __real_close_range(first, last, flags);

	kqd_lock(&saved);
	end = limit > 0 && last >= (unsigned)limit ? (unsigned)limit - 1 : last;
	for (fd = first; fd <= end; fd++)
		forget_descriptor((int)fd);
	result = __real_close_range(first, last, flags);
	error = errno;
	kqd_unlock(&saved);
	errno = error;
	return result;
}
