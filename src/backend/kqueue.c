/*
 * backend/kqueue.c - the poller for macOS and the BSDs. See kqueue(2).
 *
 * A registration is one knote for each filter. kqueue_add() makes the knotes,
 * and later changes enable and disable them. Changes are collected until the
 * wait, which submits them, so they cost no system call of their own.
 *
 *  1. kqueue_add() makes both the read and the write knote, and disables the
 *     one that is not wanted, so that a later change needs no new memory in the
 *     kernel. If the kernel refuses a knote that is not wanted yet, that is no
 *     error.
 *  2. EV_ADD and EV_ENABLE always go together: the manual says that EV_ADD
 *     enables, but FreeBSD's kernel enables only for EV_ENABLE.
 *  3. If only ROTAI_DISCONNECT is wanted, data that nobody reads must not end
 *     every wait. The read knote then has EV_CLEAR, so data ends at most one
 *     wait. When the knote has reported the end, it is enabled again with the
 *     next wait. The kernel then tests it again, so the end is reported as long
 *     as it lasts. A knote keeps the EV_CLEAR that it was made with, so a
 *     change to or from EV_CLEAR takes EV_DELETE and EV_ADD.
 *  4. A change that the kernel refuses comes back as an EV_ERROR entry, and is
 *     reported as everything wanted.
 *  5. A forked child does not inherit a kqueue: it has no descriptor to close,
 *     and another open file may have the number.
 *  6. Reading and writing are two events of the kernel and one of the loop: a
 *     descriptor that is ready for both is reported once, as on the other
 *     pollers.
 *  7. A knote is deleted when its descriptor is closed, even if there are
 *     duplicates. So before a close no call is needed. The kernel refuses a
 *     change of a deleted knote with ENOENT, which is not reported.
 */
#include <fcntl.h>
#include <stdint.h>
#include <time.h>

#include "backend/poller.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/fork.h"
#include "base/kevent.h"
#include "base/memory.h"
#include "rota/error.h"
#include "rota/object.h"

enum {
	/* The changes of one descriptor: EV_DELETE and EV_ADD for reading, one
	 * for writing, one for priority, and one that (3) may have queued. */
	CHANGES_PER_FD = 5,
	CHANGES_MAX = 128,

	WAKE_IDENT = 0, /* of the EVFILT_USER knote */
};

/* What one wait reports, and a hash table from descriptor to index in it. The
 * table is at most half full. */
enum { REPORT_PLACES = 2 * ROTA_EVENTS_PER_WAIT };

struct report {
	struct rotai_ready *ready;
	int count;
	int16_t places[REPORT_PLACES]; /* indexes in ready[]; -1: free */
};

struct kqueue_poller {
	struct rotai_poller poller;
	int kq;
	uint32_t fork_generation; /* (5) */
	int count;
	struct kevent changes[CHANGES_MAX];
};

static struct kqueue_poller *kqueue_of(const struct rotai_poller *poller)
{
	return rota_container_of(poller, struct kqueue_poller, poller);
}

static void set_change(struct kevent *change, int fd, int filter,
		       unsigned flags, uint32_t generation)
{
	EV_SET(change, (uintptr_t)fd, (short)filter, (unsigned short)flags, 0,
	       0, (void *)(uintptr_t)generation);
	if (filter == ROTAI_EVFILT_EXCEPT)
		change->fflags = (unsigned)ROTAI_NOTE_OOB;
}

static void queue_change(struct kqueue_poller *queue, int fd, int filter,
			 unsigned flags, uint32_t generation)
{
	ROTA_ASSERT(queue->count < CHANGES_MAX);
	set_change(&queue->changes[queue->count++], fd, filter, flags,
		   generation);
}

static unsigned enabled_if(unsigned wanted)
{
	return wanted != 0 ? EV_ADD | EV_ENABLE : EV_ADD | EV_DISABLE; /* (2) */
}

/* (3) */
static int wants_end_alone(unsigned wanted)
{
	return (wanted & (ROTAI_READABLE | ROTAI_DISCONNECT)) ==
	       ROTAI_DISCONNECT;
}

static unsigned read_flags(unsigned wanted)
{
	return enabled_if(wanted & (ROTAI_READABLE | ROTAI_DISCONNECT)) |
	       (wants_end_alone(wanted) ? EV_CLEAR : 0u);
}

static int open_queue(struct kqueue_poller *queue)
{
	struct kevent wake;
	int error;

	queue->kq = rotai_fd_raise(kqueue());
	if (queue->kq < 0)
		return queue->kq;
	if (fcntl(queue->kq, F_SETFD, FD_CLOEXEC) < 0)
		goto failed;
	EV_SET(&wake, WAKE_IDENT, EVFILT_USER, EV_ADD | EV_ENABLE | EV_CLEAR, 0,
	       0, NULL);
	if (kevent(queue->kq, &wake, 1, NULL, 0, NULL) < 0)
		goto failed;
	return 0;

failed:
	error = -errno;
	rotai_fd_close(queue->kq);
	return error;
}

static int kqueue_open_poller(struct rotai_poller **poller,
			      const struct rota_allocator *allocator)
{
	struct kqueue_poller *queue;
	int error;

	queue = rotai_memory_new(allocator, sizeof(*queue));
	if (queue == NULL)
		return ROTA_ENOMEM;
	queue->poller.ops = &rotai_kqueue_ops;
	queue->poller.allocator = allocator;
	queue->fork_generation = rotai_fork_generation;
	queue->count = 0;
	error = open_queue(queue);
	if (error < 0) {
		rotai_memory_free(allocator, queue, sizeof(*queue));
		return error;
	}
	*poller = &queue->poller;
	return 0;
}

static void kqueue_close_poller(struct rotai_poller *poller)
{
	struct kqueue_poller *queue = kqueue_of(poller);

	if (queue->fork_generation == rotai_fork_generation) /* (5) */
		rotai_fd_close(queue->kq);
	rotai_memory_free(poller->allocator, queue, sizeof(*queue));
}

/* The kernel's error for the change that @receipt answers. 0 if nothing wants
 * its knote yet (1). */
static int error_of(const struct kevent *receipt, unsigned wanted)
{
	if (receipt->data == 0)
		return 0;
	if (receipt->filter == EVFILT_WRITE && !(wanted & ROTAI_WRITABLE))
		return 0;
	if (receipt->filter == EVFILT_READ &&
	    !(wanted & (ROTAI_READABLE | ROTAI_DISCONNECT)))
		return 0;
	return -(int)receipt->data;
}

/* Drop the changes of @fd that (3) has queued: they would apply to the next
 * file with this number. */
static void drop_changes(struct kqueue_poller *queue, int fd)
{
	int kept = 0;

	for (int i = 0; i < queue->count; i++)
		if (queue->changes[i].ident != (uintptr_t)fd)
			queue->changes[kept++] = queue->changes[i];
	queue->count = kept;
}

static void kqueue_remove(struct rotai_poller *poller, int fd)
{
	static const int filters[] = { EVFILT_READ, EVFILT_WRITE,
				       ROTAI_EVFILT_EXCEPT };
	enum { FILTERS = 2 + ROTAI_HAS_EXCEPT };
	struct kqueue_poller *queue = kqueue_of(poller);
	struct kevent changes[FILTERS];
	struct kevent receipts[FILTERS];

	drop_changes(queue, fd);
	for (int i = 0; i < FILTERS; i++)
		set_change(&changes[i], fd, filters[i], EV_DELETE | EV_RECEIPT,
			   0);
	/* The kernel refuses those that were never made, which does no harm. */
	(void)kevent(queue->kq, changes, FILTERS, receipts, FILTERS, NULL);
}

/* (7) */
static void kqueue_forget(struct rotai_poller *poller, int fd)
{
	drop_changes(kqueue_of(poller), fd);
}

static int kqueue_add(struct rotai_poller *poller, int fd, uint32_t generation,
		      unsigned wanted)
{
	struct kqueue_poller *queue = kqueue_of(poller);
	struct kevent changes[3];
	struct kevent receipts[3];
	int error = rotai_fd_can_be_watched(fd);
	int count = 2;
	int n;

	if (error < 0)
		return error;
	set_change(&changes[0], fd, EVFILT_READ,
		   read_flags(wanted) | EV_RECEIPT, generation);
	set_change(&changes[1], fd, EVFILT_WRITE,
		   enabled_if(wanted & ROTAI_WRITABLE) | EV_RECEIPT,
		   generation);
	if (wanted & ROTAI_PRIORITY)
		set_change(&changes[count++], fd, ROTAI_EVFILT_EXCEPT,
			   EV_ADD | EV_ENABLE | EV_RECEIPT, generation);

	n = kevent(queue->kq, changes, count, receipts, count, NULL);
	if (n < 0)
		error = -errno;
	for (int i = 0; i < n && error == 0; i++)
		error = error_of(&receipts[i], wanted);
	if (error < 0)
		kqueue_remove(poller, fd);
	return error;
}

static int kqueue_change(struct rotai_poller *poller, int fd,
			 uint32_t generation, unsigned was, unsigned wanted)
{
	const unsigned reading = ROTAI_READABLE | ROTAI_DISCONNECT;
	struct kqueue_poller *queue = kqueue_of(poller);
	unsigned differs = was ^ wanted;

	if (queue->count > CHANGES_MAX - CHANGES_PER_FD)
		return ROTA_EAGAIN;
	if (wants_end_alone(was) != wants_end_alone(wanted))
		queue_change(queue, fd, EVFILT_READ, EV_DELETE, generation);
	if (differs & reading)
		queue_change(queue, fd, EVFILT_READ, read_flags(wanted),
			     generation);
	if (differs & ROTAI_WRITABLE)
		queue_change(queue, fd, EVFILT_WRITE,
			     enabled_if(wanted & ROTAI_WRITABLE), generation);
	if (differs & ROTAI_PRIORITY)
		queue_change(queue, fd, ROTAI_EVFILT_EXCEPT,
			     enabled_if(wanted & ROTAI_PRIORITY), generation);
	return 0;
}

static int kqueue_confirm(struct rotai_poller *poller, int fd,
			  uint32_t generation, unsigned was, unsigned wanted)
{
	struct kqueue_poller *queue = kqueue_of(poller);
	unsigned either = was | wanted;
	int error = rotai_fd_can_be_watched(fd);

	if (error < 0)
		return error;
	if (queue->count > CHANGES_MAX - CHANGES_PER_FD)
		return ROTA_EAGAIN;
	/* If the file was closed, its knotes were deleted: (7). */
	if (wants_end_alone(was) != wants_end_alone(wanted))
		queue_change(queue, fd, EVFILT_READ, EV_DELETE, generation);
	if (either & (ROTAI_READABLE | ROTAI_DISCONNECT))
		queue_change(queue, fd, EVFILT_READ, read_flags(wanted),
			     generation);
	if (either & ROTAI_WRITABLE)
		queue_change(queue, fd, EVFILT_WRITE,
			     enabled_if(wanted & ROTAI_WRITABLE), generation);
	if (either & ROTAI_PRIORITY)
		queue_change(queue, fd, ROTAI_EVFILT_EXCEPT,
			     enabled_if(wanted & ROTAI_PRIORITY), generation);
	return 0;
}

static int kqueue_submit(struct rotai_poller *poller)
{
	static const struct timespec at_once = { 0, 0 };
	struct kqueue_poller *queue = kqueue_of(poller);
	struct kevent receipts[CHANGES_MAX];
	int refused = 0;
	int n;

	if (queue->count == 0)
		return 0;
	for (int i = 0; i < queue->count; i++)
		queue->changes[i].flags |= EV_RECEIPT;
	n = kevent(queue->kq, queue->changes, queue->count, receipts,
		   CHANGES_MAX, &at_once);
	for (int i = 0; i < queue->count; i++)
		queue->changes[i].flags &= (unsigned short)~EV_RECEIPT;
	/* Refused changes stay queued, and the next wait reports them (4). */
	for (int i = 0; i < n; i++)
		if (receipts[i].data != 0 && receipts[i].data != ENOENT)
			queue->changes[refused++] = queue->changes[i];
	if (n >= 0)
		queue->count = refused;
	return queue->count;
}

static unsigned kqueue_events_of(const struct kevent *event)
{
	if (event->flags & EV_ERROR)
		return ROTAI_EVERYTHING | ROTAI_ONCE; /* (4) */
	if (event->filter == EVFILT_WRITE)
		return event->flags & EV_EOF ? ROTAI_EVERYTHING
					     : ROTAI_WRITABLE;
	if (event->filter != EVFILT_READ)
		return ROTAI_PRIORITY;
	if (!(event->flags & EV_EOF))
		return ROTAI_READABLE;
	return event->fflags != 0 ? ROTAI_EVERYTHING
				  : ROTAI_READABLE | ROTAI_DISCONNECT;
}

/* Make a knote that has reported the end report it again. (3) */
static void test_again(struct kqueue_poller *queue, const struct kevent *event)
{
	unsigned both = EV_EOF | EV_CLEAR;

	if (event->filter != EVFILT_READ || (event->flags & both) != both)
		return;
	if (queue->count == CHANGES_MAX)
		kqueue_submit(&queue->poller);
	if (queue->count < CHANGES_MAX)
		queue_change(queue, (int)event->ident, EVFILT_READ, EV_ENABLE,
			     (uint32_t)(uintptr_t)event->udata);
}

static void init_report(struct report *report, struct rotai_ready *ready)
{
	report->ready = ready;
	report->count = 0;
	for (int i = 0; i < REPORT_PLACES; i++)
		report->places[i] = -1;
}

/* (6) */
static void add_to_report(struct report *report, const struct kevent *event)
{
	struct rotai_ready *ready = report->ready;
	int fd = (int)event->ident;
	uint32_t generation = (uint32_t)(uintptr_t)event->udata;
	unsigned place = (unsigned)fd % REPORT_PLACES;
	int at;

	while ((at = report->places[place]) >= 0 &&
	       (ready[at].fd != fd || ready[at].generation != generation))
		place = (place + 1) % REPORT_PLACES;
	if (at >= 0) {
		ready[at].events |= kqueue_events_of(event);
		return;
	}
	report->places[place] = (int16_t)report->count;
	ready[report->count++] = (struct rotai_ready){
		.fd = fd,
		.generation = generation,
		.events = kqueue_events_of(event),
	};
}

static int kqueue_wait_ready(struct rotai_poller *poller, int64_t timeout_ns,
			     struct rotai_ready *ready, int max)
{
	struct kqueue_poller *queue = kqueue_of(poller);
	struct kevent events[ROTA_EVENTS_PER_WAIT];
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000),
		.tv_nsec = (long)(timeout_ns % 1000000000),
	};
	struct report report;
	int n;

	if (max > ROTA_EVENTS_PER_WAIT)
		max = ROTA_EVENTS_PER_WAIT;
	/* The kernel stops at the first change whose refusal does not fit into
	 * events[]. So there must be room for the refusal of each. */
	if (queue->count > max && kqueue_submit(poller) > max)
		queue->count = max;
	n = kevent(queue->kq, queue->changes, queue->count, events, max,
		   timeout_ns < 0 ? NULL : &timeout);
	if (n < 0 && errno != EINTR)
		return -errno;
	queue->count = 0; /* after EINTR, too, the changes are applied */
	if (n < 0)
		return 0;

	init_report(&report, ready);
	for (const struct kevent *e = events; e < events + n; e++) {
		if (e->filter == EVFILT_USER ||
		    ((e->flags & EV_ERROR) && e->data == ENOENT)) /* (7) */
			continue;
		add_to_report(&report, e);
		test_again(queue, e);
	}
	return report.count;
}

static void kqueue_wake(struct rotai_poller *poller)
{
	struct kevent trigger;
	int saved = errno;

	EV_SET(&trigger, WAKE_IDENT, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	(void)kevent(kqueue_of(poller)->kq, &trigger, 1, NULL, 0, NULL);
	errno = saved;
}

static int kqueue_backend_fd(struct rotai_poller *poller)
{
	return kqueue_of(poller)->kq;
}

const struct rotai_poller_ops rotai_kqueue_ops = {
	.name = "kqueue",
	.lacks = ROTAI_HAS_EXCEPT ? 0 : ROTAI_PRIORITY,
	.open = kqueue_open_poller,
	.close = kqueue_close_poller,
	.add = kqueue_add,
	.change = kqueue_change,
	.confirm = kqueue_confirm,
	.remove = kqueue_remove,
	.forget = kqueue_forget,
	.submit = kqueue_submit,
	.wait = kqueue_wait_ready,
	.wake = kqueue_wake,
	.fd = kqueue_backend_fd,
};
