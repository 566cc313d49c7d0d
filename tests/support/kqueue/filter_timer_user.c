/*
 * filter_timer_user.c - the filters that watch no object of the kernel:
 * EVFILT_TIMER and EVFILT_USER.
 *
 * A kqueue has one timerfd, set to the earliest of its timers, so that its
 * descriptor becomes readable on time even if no thread is in kevent().
 */
#include "double.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "wraps.h"

#define NS_PER_SEC UINT64_C(1000000000)

uint64_t kqd_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

static struct kqd_knote *timer_at(struct kqd_link *link)
{
	return kqd_container_of(link, struct kqd_knote, kin);
}

static void set_timerfd(struct kqd_queue *kq)
{
	uint64_t due_ns = UINT64_MAX;
	struct itimerspec setting = { 0 };
	struct kqd_link *link;

	for (link = kq->timers.next; link != &kq->timers; link = link->next)
		if (timer_at(link)->u.timer.due_ns &&
		    timer_at(link)->u.timer.due_ns < due_ns)
			due_ns = timer_at(link)->u.timer.due_ns;

	if (due_ns != UINT64_MAX) {
		setting.it_value.tv_sec = (time_t)(due_ns / NS_PER_SEC);
		setting.it_value.tv_nsec = (long)(due_ns % NS_PER_SEC);
	}
	timerfd_settime(kq->timerfd, TFD_TIMER_ABSTIME, &setting, NULL);
}

static int open_timerfd(struct kqd_queue *kq)
{
	int error;

	if (kq->timerfd >= 0)
		return 0;
	kq->timerfd =
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (kq->timerfd < 0)
		return ENOMEM;
	error = kqd_epoll_add(kq->fd, kq->timerfd, EPOLLIN | EPOLLET,
			      KQD_FROM_TIMERS, 0);
	if (error) {
		__real_close(kq->timerfd);
		kq->timerfd = -1;
	}
	return error;
}

static uint64_t unit_ns(unsigned fflags)
{
	if (fflags & NOTE_SECONDS)
		return NS_PER_SEC;
	if (fflags & NOTE_USECONDS)
		return 1000;
	if (fflags & NOTE_NSECONDS)
		return 1;
	return 1000000;
}

static int start_timer(struct kqd_knote *knote)
{
	uint64_t now_ns, length_ns;
	uint64_t unit = unit_ns(knote->wanted);

	if (knote->threshold < 0 ||
	    (uint64_t)knote->threshold > INT64_MAX / 2 / unit)
		return EINVAL;
	length_ns = (uint64_t)knote->threshold * unit;
	if (knote->wanted & NOTE_ABSTIME) {
		now_ns = kqd_clock_ns(CLOCK_REALTIME);
		length_ns = length_ns > now_ns ? length_ns - now_ns : 0;
		knote->u.timer.period_ns = 0;
	} else {
		/* [src] filt_timervalidate(): the shortest period is 1. */
		if (length_ns == 0)
			length_ns = unit;
		knote->u.timer.period_ns =
			knote->kev.flags & EV_ONESHOT ? 0 : length_ns;
		knote->kev.flags |= EV_CLEAR;
	}
	knote->u.timer.expired = 0;
	knote->u.timer.due_ns = kqd_clock_ns(CLOCK_MONOTONIC) + length_ns;
	return 0;
}

static int attach_timer(struct kqd_knote *knote)
{
	int error = open_timerfd(knote->kq);

	if (!error)
		error = start_timer(knote);
	if (error)
		return error;
	kqd_list_append(&knote->kq->timers, &knote->kin);
	set_timerfd(knote->kq);
	return 0;
}

static void detach_timer(struct kqd_knote *knote)
{
	kqd_list_remove(&knote->kin);
	set_timerfd(knote->kq);
}

/* "If an existing timer is re-added, the existing timer will be effectively
 * canceled (throwing away any undelivered record of previous timer expiration)
 * and re-started" (EVFILT_TIMER). */
static int touch_timer(struct kqd_knote *knote, const struct kevent *change)
{
	unsigned wanted = knote->wanted;
	int64_t threshold = knote->threshold;
	int error;

	if (!(change->flags & EV_ADD))
		return 0;

	knote->wanted = change->fflags;
	knote->threshold = change->data;
	error = start_timer(knote);
	if (error) {
		knote->wanted = wanted;
		knote->threshold = threshold;
		return error;
	}
	kqd_dequeue(knote);
	knote->status &= ~(unsigned)KQD_ACTIVE;
	set_timerfd(knote->kq);
	return 0;
}

static bool timer_expired(struct kqd_knote *knote)
{
	uint64_t now_ns = kqd_clock_ns(CLOCK_MONOTONIC);
	uint64_t due_ns = knote->u.timer.due_ns;
	uint64_t period_ns = knote->u.timer.period_ns;
	uint64_t count = 1;

	if (due_ns && due_ns <= now_ns) {
		if (period_ns)
			count += (now_ns - due_ns) / period_ns;
		knote->u.timer.expired += (int64_t)count;
		knote->u.timer.due_ns =
			period_ns ? due_ns + count * period_ns : 0;
	}
	knote->kev.data = knote->u.timer.expired;
	return knote->u.timer.expired > 0;
}

static void clear_timer(struct kqd_knote *knote)
{
	knote->u.timer.expired = 0;
}

void kqd_timers_due(struct kqd_queue *kq)
{
	struct kqd_link *link;

	/* The data of an active knote is counted at retrieval, but its next
	 * period must be set now. */
	for (link = kq->timers.next; link != &kq->timers; link = link->next)
		if (timer_expired(timer_at(link)))
			kqd_activate(timer_at(link));
	set_timerfd(kq);
}

const struct kqd_filter kqd_filter_timer = {
	.attach = attach_timer,
	.detach = detach_timer,
	.event = timer_expired,
	.touch = touch_timer,
	.clear = clear_timer,
};

static int attach_user(struct kqd_knote *knote)
{
	/* NOTE_TRIGGER has an effect only on an existing knote: [src]
	 * filt_userattach() checks the flag where it is already cleared. */
	knote->wanted &= NOTE_FFLAGSMASK;
	return 0;
}

static void detach_user(struct kqd_knote *knote)
{
	(void)knote;
}

static int touch_user(struct kqd_knote *knote, const struct kevent *change)
{
	unsigned flags = change->fflags & NOTE_FFLAGSMASK;

	switch (change->fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		knote->wanted &= flags;
		break;
	case NOTE_FFOR:
		knote->wanted |= flags;
		break;
	case NOTE_FFCOPY:
		knote->wanted = flags;
		break;
	default:
		break;
	}
	knote->threshold = change->data;
	if (change->fflags & NOTE_TRIGGER)
		knote->u.user.triggered = true;
	/* [src] filt_usertouch(): EV_CLEAR in a change clears the trigger,
	 * after NOTE_TRIGGER has set it. */
	if (change->flags & EV_CLEAR)
		knote->u.user.triggered = false;
	return 0;
}

static bool user_triggered(struct kqd_knote *knote)
{
	knote->kev.fflags = knote->wanted;
	knote->kev.data = knote->threshold;
	return knote->u.user.triggered;
}

static void clear_user(struct kqd_knote *knote)
{
	knote->u.user.triggered = false;
}

const struct kqd_filter kqd_filter_user = {
	.attach = attach_user,
	.detach = detach_user,
	.event = user_triggered,
	.touch = touch_user,
	.clear = clear_user,
};
