/*
 * kqueue.c - kqueue(), kevent(), registration and retrieval.
 *
 * kevent() applies all changes. Then it takes events from the queue of active
 * knotes, and sleeps on the kqueue's own descriptor while there are none. That
 * descriptor is an epoll set that contains everything that is watched, and the
 * eventfd `wake`, which is readable while the queue is not empty. So poll(2) or
 * another kqueue may watch it too.
 *
 *  1. Every epoll entry is edge-triggered, except `wake` and the two inner
 *     sets: harvesting empties the sets, and kqd_settle() keeps `wake` exact.
 *  2. Changing an existing knote allocates nothing, so that NOTE_TRIGGER works
 *     in a signal handler, as a system call would.
 */
#include "double.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NS_PER_SEC UINT64_C(1000000000)

/* BUGS: longer timeouts are silently taken as 24 hours. */
#define LONGEST_NS (24 * 60 * 60 * NS_PER_SEC)

enum { BATCH = 64 };

const struct kqd_filter *kqd_filter_of(int filter)
{
	switch (filter) {
	case EVFILT_READ:
		return &kqd_filter_read;
	case EVFILT_WRITE:
		return &kqd_filter_write;
	case EVFILT_EXCEPT:
		return &kqd_filter_except;
	case EVFILT_VNODE:
		return &kqd_filter_vnode;
	case EVFILT_PROC:
		return &kqd_filter_proc;
	case EVFILT_SIGNAL:
		return &kqd_filter_signal;
	case EVFILT_TIMER:
		return &kqd_filter_timer;
	case EVFILT_USER:
		return &kqd_filter_user;
	default:
		return NULL;
	}
}

int kqd_epoll_add(int set, int fd, uint32_t events, enum kqd_source source,
		  uint32_t ident)
{
	struct epoll_event entry = {
		.events = events,
		.data.u64 = (uint64_t)source << 32 | ident,
	};

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &entry) ? errno : 0;
}

static int open_descriptors(struct kqd_queue *kq)
{
	kq->fd = epoll_create1(EPOLL_CLOEXEC);
	if (kq->fd < 0)
		return errno;
	kq->write_set = epoll_create1(EPOLL_CLOEXEC);
	if (kq->write_set < 0)
		return errno;
	kq->except_set = epoll_create1(EPOLL_CLOEXEC);
	if (kq->except_set < 0)
		return errno;
	kq->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (kq->wake < 0)
		return errno;
	return 0;
}

static int join_descriptors(struct kqd_queue *kq)
{
	int error = kqd_epoll_add(kq->fd, kq->wake, EPOLLIN, KQD_FROM_WAKE, 0);

	if (!error)
		error = kqd_epoll_add(kq->fd, kq->write_set, EPOLLIN,
				      KQD_FROM_WRITE_SET, 0);
	if (!error)
		error = kqd_epoll_add(kq->fd, kq->except_set, EPOLLIN,
				      KQD_FROM_EXCEPT_SET, 0);
	return error;
}

/* Return 0 or an errno. Takes the lock only so that its calls are known to be
 * the double's own. */
static int open_queue(struct kqd_queue **result)
{
	struct kqd_queue *kq = calloc(1, sizeof(*kq));
	int error;

	if (!kq)
		return ENOMEM;
	kq->fd = kq->write_set = kq->except_set = kq->wake = -1;
	kq->timerfd = kq->inotify = -1;
	kqd_list_init(&kq->active);
	kqd_list_init(&kq->signals);
	kqd_list_init(&kq->timers);
	kqd_list_init(&kq->files);

	error = kqd_index_init(kq);
	if (error)
		goto free_queue;
	error = open_descriptors(kq);
	if (!error)
		error = join_descriptors(kq);
	if (!error)
		error = kqd_queue_publish(kq);
	if (error)
		goto close_descriptors;

	*result = kq;
	return 0;

close_descriptors:
	kqd_queue_close_descriptors(kq);
free_queue:
	free(kq->buckets);
	free(kq);
	return error;
}

int kqueue(void)
{
	struct kqd_queue *kq = NULL;
	sigset_t saved;
	int error, fd = -1;

	kqd_lock(&saved);
	error = open_queue(&kq);
	if (!error)
		fd = kq->fd;
	kqd_unlock(&saved);

	if (error)
		errno = error;
	return fd;
}

/* Registration. */

static int add_knote(struct kqd_queue *kq, const struct kqd_filter *filter,
		     const struct kevent *change)
{
	struct kqd_knote *knote = calloc(1, sizeof(*knote));
	int error;

	if (!knote)
		return ENOMEM;
	knote->kq = kq;
	kqd_list_init(&knote->active);
	kqd_list_init(&knote->kin);
	knote->inotify_watch = -1;
	knote->kev = *change;
	knote->kev.flags &=
		(unsigned short)~(EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE);
	knote->kev.fflags = 0;
	knote->kev.data = 0;
	knote->wanted = change->fflags;
	knote->threshold = change->data;
	if (change->flags & EV_DISABLE)
		knote->status = KQD_DISABLED;

	error = filter->attach(knote);
	if (error) {
		free(knote);
		return error;
	}
	kqd_index_insert(knote);

	/* (2) A condition that already holds is reported. The condition of a
	 * disabled knote is not checked, [src] kqueue_register(); EV_ENABLE
	 * does that. */
	if (!(knote->status & KQD_DISABLED))
		kqd_knote_test(knote);
	return 0;
}

/* (8) EV_ADD of an existing knote changes its parameters and keeps EV_CLEAR,
 * EV_ONESHOT and EV_DISPATCH as they were. It does not enable the knote,
 * although the page says so: [src] only EV_ENABLE does. */
static int change_knote(struct kqd_knote *knote,
			const struct kqd_filter *filter,
			const struct kevent *change)
{
	int error;

	if (filter->touch) {
		error = filter->touch(knote, change);
		if (error)
			return error;
	} else {
		knote->wanted = change->fflags;
		knote->threshold = change->data;
	}
	knote->kev.udata = change->udata;

	if (change->flags & EV_ENABLE)
		knote->status &= ~(unsigned)KQD_DISABLED;
	else if (change->flags & EV_DISABLE)
		knote->status |= KQD_DISABLED;
	if (knote->status & KQD_DISABLED) {
		kqd_dequeue(knote);
		return 0;
	}

	kqd_knote_test(knote);
	if (knote->status & KQD_ACTIVE)
		kqd_enqueue(knote);
	return 0;
}

/* 0, or the errno that goes into the EV_ERROR entry. */
static int apply_change(struct kqd_queue *kq, const struct kevent *change)
{
	const struct kqd_filter *filter = kqd_filter_of(change->filter);
	struct kqd_knote *knote;

	if (!filter)
		return EINVAL;
	if (filter->is_fd &&
	    (change->ident > INT_MAX || fcntl((int)change->ident, F_GETFD) < 0))
		return EBADF;

	knote = kqd_index_find(kq, change->ident, change->filter);
	if (!knote && !(change->flags & EV_ADD))
		return ENOENT;
	if (!knote)
		return add_knote(kq, filter, change);
	if (change->flags & EV_DELETE) {
		kqd_knote_drop(knote);
		return 0;
	}
	return change_knote(knote, filter, change);
}

/* Returns the number of EV_ERROR entries, or a negative errno. */
static int apply_changes(struct kqd_queue *kq, const struct kevent *changes,
			 int change_count, struct kevent *events, int room)
{
	struct kevent change;
	int entries = 0;
	int i, error;

	for (i = 0; i < change_count; i++) {
		/* A copy: one array may serve as both (DESCRIPTION). */
		change = changes[i];
		change.flags &= (unsigned short)~EV_SYSFLAGS;
		error = apply_change(kq, &change);
		if (!error && !(change.flags & EV_RECEIPT))
			continue;

		/* If there is no room, an error ends the call, and so does a
		 * receipt: "subsequent changes will not get processed". */
		if (entries == room)
			return error ? -error : entries;
		change.flags = EV_ERROR;
		change.data = error;
		events[entries++] = change;
	}
	return entries;
}

/* Retrieval. */

static void harvest_set(struct kqd_queue *kq, int set);

static void take_in(struct kqd_queue *kq, enum kqd_source source,
		    uint32_t ident)
{
	struct kqd_knote *knote = NULL;
	struct kqd_link *link;

	switch (source) {
	case KQD_FROM_WAKE:
		break;
	case KQD_FROM_READ:
		knote = kqd_index_find(kq, ident, EVFILT_READ);
		break;
	case KQD_FROM_WRITE:
		knote = kqd_index_find(kq, ident, EVFILT_WRITE);
		break;
	case KQD_FROM_EXCEPT:
		knote = kqd_index_find(kq, ident, EVFILT_EXCEPT);
		break;
	case KQD_FROM_PROC:
		knote = kqd_index_find(kq, ident, EVFILT_PROC);
		break;
	case KQD_FROM_WRITE_SET:
		harvest_set(kq, kq->write_set);
		break;
	case KQD_FROM_EXCEPT_SET:
		harvest_set(kq, kq->except_set);
		break;
	case KQD_FROM_SIGNALS:
		for (link = kq->signals.next; link != &kq->signals;
		     link = link->next)
			kqd_knote_test(
				kqd_container_of(link, struct kqd_knote, kin));
		break;
	case KQD_FROM_TIMERS:
		kqd_timers_due(kq);
		break;
	case KQD_FROM_FILES:
		kqd_files_changed(kq);
		break;
	}
	if (knote)
		kqd_knote_test(knote);
}

static void harvest_set(struct kqd_queue *kq, int set)
{
	struct epoll_event ready[BATCH];
	int i, count;

	do {
		count = epoll_wait(set, ready, BATCH, 0);
		for (i = 0; i < count; i++)
			take_in(kq, (enum kqd_source)(ready[i].data.u64 >> 32),
				(uint32_t)ready[i].data.u64);
	} while (count == BATCH);
}

void kqd_harvest(struct kqd_queue *kq)
{
	harvest_set(kq, kq->fd);
}

/* The knote has left the queue, and its condition holds. */
static void deliver(struct kqd_knote *knote, struct kevent *event)
{
	const struct kqd_filter *filter = kqd_filter_of(knote->kev.filter);

	*event = knote->kev;
	if (knote->kev.flags & EV_ONESHOT) {
		kqd_knote_drop(knote);
		return;
	}

	if (knote->kev.flags & EV_CLEAR) {
		if (filter->clear)
			filter->clear(knote);
		knote->kev.data = 0;
		knote->kev.fflags = 0;
	}
	if (knote->kev.flags & EV_DISPATCH)
		knote->status |= KQD_DISABLED;
	if (knote->kev.flags & (EV_CLEAR | EV_DISPATCH))
		knote->status &= ~(unsigned)KQD_ACTIVE;
	else
		kqd_enqueue(knote);
}

static int retrieve(struct kqd_queue *kq, struct kevent *events, int max)
{
	struct kqd_knote *knote;
	unsigned left;
	int count = 0;

	kqd_harvest(kq);

	/* A condition that stays true goes to the end of the queue; nothing is
	 * reported twice in one call. */
	for (left = kq->active_count; left > 0 && count < max; left--) {
		knote = kqd_container_of(kq->active.next, struct kqd_knote,
					 active);
		kqd_dequeue(knote);
		/* (3) A condition that is gone is not returned. */
		if (kqd_filter_of(knote->kev.filter)->event(knote))
			deliver(knote, &events[count++]);
		else
			knote->status &= ~(unsigned)KQD_ACTIVE;
	}
	kqd_settle(kq);
	return count;
}

static bool timeout_is_valid(const struct timespec *timeout)
{
	return !timeout || (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 &&
			    (uint64_t)timeout->tv_nsec < NS_PER_SEC);
}

static uint64_t deadline_of(const struct timespec *timeout)
{
	uint64_t length;

	if (!timeout)
		return UINT64_MAX;
	if ((uint64_t)timeout->tv_sec >= LONGEST_NS / NS_PER_SEC)
		length = LONGEST_NS;
	else
		length = (uint64_t)timeout->tv_sec * NS_PER_SEC +
			 (uint64_t)timeout->tv_nsec;

	/* {0, 0} polls, without reading the clock. */
	return length ? kqd_clock_ns(CLOCK_MONOTONIC) + length : 0;
}

/* (15) Returns the number of events, or a negative errno. */
static int wait_for_events(struct kqd_queue *kq, struct kevent *events, int max,
			   uint64_t deadline_ns, const sigset_t *mask)
{
	uint64_t now_ns, left_ns;
	int count, error;

	for (;;) {
		count = retrieve(kq, events, max);
		if (count || deadline_ns == 0)
			return count;

		left_ns = UINT64_MAX;
		if (deadline_ns != UINT64_MAX) {
			now_ns = kqd_clock_ns(CLOCK_MONOTONIC);
			if (now_ns >= deadline_ns)
				return 0;
			left_ns = deadline_ns - now_ns;
		}

		error = kqd_queue_sleep(kq, left_ns, mask);
		if (error == EINTR) {
			/* ERRORS: only "before any events were placed on the
			 * kqueue for return". */
			count = retrieve(kq, events, max);
			return count ? count : -EINTR;
		}
		if (error)
			return -error;
	}
}

int kevent(int fd, const struct kevent *changes, int change_count,
	   struct kevent *events, int max, const struct timespec *timeout)
{
	struct kqd_queue *kq;
	sigset_t mask;
	int result;

	kqd_lock(&mask);
	kq = kqd_queue_find(fd);
	if (!kq) {
		result = -EBADF;
	} else if (change_count < 0 || max < 0) {
		result = -EINVAL;
	} else if ((change_count && !changes) || (max && !events)) {
		result = -EFAULT;
	} else {
		result = apply_changes(kq, changes, change_count, events, max);
		kqd_settle(kq);
		/* (6) With an EV_ERROR entry kevent() returns at once; and also
		 * "when nevents is zero", whatever the timeout. */
		if (result == 0 && max > 0)
			result = timeout_is_valid(timeout)
					 ? wait_for_events(kq, events, max,
							   deadline_of(timeout),
							   &mask)
					 : -EINVAL;
	}
	kqd_unlock(&mask);

	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}
