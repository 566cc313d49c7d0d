/*
 * loop/registration.c - which descriptors the poller watches, and for what.
 *
 *  1. The first watch of a descriptor registers it with the poller, under a
 *     new generation. When the last watch stops, the descriptor is removed
 *     from the kernel; but not if the library closes it next, because then the
 *     close removes it, unless there is a duplicate (5). An event of another
 *     generation belongs to an earlier registration: it is stale, and dropped
 *     (D1).
 *  2. In between, changes of the union of what the watches ask for are noted
 *     in noted[]. Just before the wait the poller is asked for those that
 *     still are changes (D2). noted[] has space for every descriptor of the
 *     table, so noting cannot fail.
 *  3. A program may close a descriptor whose watches are started, and open
 *     another file under its number. So each start has the poller confirm the
 *     file (D4). The start of a stopped watch does that at once, because the
 *     error can be returned to its caller. The start of a started watch leaves
 *     it until the next wait, so that any number of starts cost one call.
 *  4. An error of the file that is there now (EBADF, EPERM) is reported once,
 *     as all events that are wanted. Then nothing is watched until the next
 *     start. Errors that may pass when the kernel has more memory (ENOMEM,
 *     ENOSPC) make each wait try again, and are reported each time.
 *  5. A stale event may come because its registration has ended since the
 *     wait: that is harmless. If it had ended before the wait, its descriptor
 *     was closed, and a duplicate of the file is still open. Then the poller
 *     may have to start over to get rid of such events: see renew.c. As long as
 *     no registration has ended since the wait, a stale event is of the second
 *     kind. While some end in each batch, the two are not told apart; but then
 *     the loop is not kept awake by stale events alone.
 *  6. While the loop's thread is inside the wait without the program's lock,
 *     the kernel may be using the poller's memory. So other threads only note
 *     what they register and remove: ROTAI_FD_ABSENT and ROTAI_FD_LEFT (F1).
 */
#include "loop/registration.h"

#include "base/fd.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "loop/renew.h"

/* (2) */
static void note_change(struct rotai_watches *watches, int fd, unsigned flags)
{
	struct rotai_fd *f = &watches->fds[fd];

	if (!(f->flags & ROTAI_FD_NOTED)) {
		ROTA_ASSERT(watches->noted_count < watches->noted_capacity);
		watches->noted[watches->noted_count++] = fd;
	}
	f->flags |= (uint8_t)(ROTAI_FD_NOTED | flags);
}

static int reserve_entry(struct rota_loop *loop, int fd)
{
	struct rotai_watches *watches = &loop->watches;
	int error;

	if (ROTAI_LIKELY((size_t)fd < watches->fds_capacity &&
			 watches->fds_capacity <= watches->noted_capacity))
		return 0;
	error = rotai_memory_reserve(&loop->allocator, &watches->fds,
				     &watches->fds_capacity, (size_t)fd + 1,
				     sizeof(*watches->fds));
	if (error < 0)
		return error;
	/* noted[] has each descriptor at most once, even if its watches
	 * stop. */
	return rotai_memory_reserve(
		&loop->allocator, &watches->noted, &watches->noted_capacity,
		watches->fds_capacity, sizeof(*watches->noted));
}

/* (6) */
static int begin_later(struct rota_loop *loop, int fd, unsigned wanted)
{
	struct rotai_fd *f;
	int error = rotai_fd_can_be_watched(fd);

	if (error == 0)
		error = reserve_entry(loop, fd);
	if (error < 0)
		return error;
	f = &loop->watches.fds[fd];
	f->generation++;
	f->wanted = (uint8_t)wanted;
	f->again = 0;
	if (f->flags & ROTAI_FD_LEFT) {
		/* It was not removed from the poller yet. */
		f->flags &= (uint8_t)~ROTAI_FD_LEFT;
		note_change(&loop->watches, fd, ROTAI_FD_UNSURE);
	} else {
		note_change(&loop->watches, fd, ROTAI_FD_ABSENT);
	}
	return 0;
}

/* (1) */
int rotai_registration_begin(struct rota_loop *loop, int fd, unsigned wanted)
{
	const struct rotai_watches *watches = &loop->watches;
	uint32_t generation = 1;
	struct rotai_fd *f;
	int error;

	if (fd < 0)
		return ROTA_EBADF;
	if (loop->is_unlocked)
		return begin_later(loop, fd, wanted);
	if ((size_t)fd < watches->fds_capacity) {
		if (watches->fds[fd].flags & ROTAI_FD_LEFT)
			rotai_registration_end(loop, fd, 0);
		generation = watches->fds[fd].generation + 1;
	}
	/* Ask the kernel first: a number that is not open may be too large for
	 * any table. */
	error = loop->ops->add(loop->poller, fd, generation, wanted);
	if (error < 0)
		return error;
	error = reserve_entry(loop, fd);
	if (error < 0) {
		loop->ops->remove(loop->poller, fd);
		return error;
	}
	f = &loop->watches.fds[fd];
	f->generation = generation;
	f->wanted = (uint8_t)wanted;
	f->asked = (uint8_t)wanted;
	f->again = 0;
	f->flags &= ROTAI_FD_OF_NUMBER;
	return 0;
}

/* (1) */
static void remove_from_poller(struct rota_loop *loop, int fd, int closing)
{
	if (!closing) {
		loop->ops->remove(loop->poller, fd);
		return;
	}
	loop->ops->forget(loop->poller, fd);
	if (loop->ops->renew != NULL)
		loop->watches.fds[fd].flags |= ROTAI_FD_CLOSED;
}

void rotai_registration_end(struct rota_loop *loop, int fd, int closing)
{
	struct rotai_fd *f = &loop->watches.fds[fd];

	f->generation++; /* events that still arrive are stale */
	f->again = 0;
	loop->watches.ended_in = loop->watches.batch; /* (5) */
	if (loop->is_unlocked && !(f->flags & ROTAI_FD_ABSENT)) {
		note_change(&loop->watches, fd, ROTAI_FD_LEFT); /* (6) */
		return;
	}
	/* In a forked child the registration is the parent's (F2). */
	if (!(f->flags & ROTAI_FD_ABSENT) && rotai_loop_inherited(loop) == 0)
		remove_from_poller(loop, fd, closing);
	f->flags &= ROTAI_FD_OF_NUMBER;
}

void rotai_registration_want(struct rotai_watches *watches, int fd,
			     unsigned wanted)
{
	struct rotai_fd *f = &watches->fds[fd];

	f->wanted = (uint8_t)wanted;
	if (f->wanted != f->asked)
		note_change(watches, fd, 0);
}

void rotai_registration_doubt(struct rotai_watches *watches, int fd)
{
	note_change(watches, fd, ROTAI_FD_UNSURE);
}

void rotai_registration_report(struct rotai_watches *watches, int fd,
			       unsigned events)
{
	watches->fds[fd].again |= (uint8_t)events;
	note_change(watches, fd, 0);
}

void rotai_registration_again(struct rotai_watches *watches, int fd,
			      unsigned events)
{
	const struct rotai_fd *f = &watches->fds[fd];

	/* Look at both: what is wanted may be changed back before the wait, and
	 * then the poller reports nothing by itself. */
	if ((f->wanted | f->asked) & ROTAI_EDGE)
		rotai_registration_report(watches, fd, events);
}

/* Call the poller's function @fn. If the poller has no space left, submit what
 * it has and call @fn again. */
static int call_poller(struct rota_loop *loop,
		       int (*fn)(struct rotai_poller *poller, int fd,
				 uint32_t generation, unsigned was,
				 unsigned wanted),
		       int fd, unsigned wanted)
{
	const struct rotai_fd *f = &loop->watches.fds[fd];
	int status = fn(loop->poller, fd, f->generation, f->asked, wanted);

	if (status != ROTA_EAGAIN)
		return status;
	loop->ops->submit(loop->poller);
	return fn(loop->poller, fd, f->generation, f->asked, wanted);
}

/* (3) */
static int confirm_file(struct rota_loop *loop, int fd, unsigned wanted)
{
	struct rotai_fd *f = &loop->watches.fds[fd];
	int status;

	/* The file may have been here before, and its registration may be left
	 * (5). Events of the file that was here since then are stale. */
	if (f->flags & (ROTAI_FD_ABSENT | ROTAI_FD_CLOSED))
		f->generation++;
	if (f->flags & ROTAI_FD_ABSENT)
		status =
			loop->ops->add(loop->poller, fd, f->generation, wanted);
	else
		status = call_poller(loop, loop->ops->confirm, fd, wanted);
	if (status < 0) {
		/* Events of the file that was there before are stale. */
		if (status != ROTA_EAGAIN)
			f->generation++;
		return status;
	}
	f->generation += (unsigned)status;
	f->wanted = (uint8_t)wanted;
	f->asked = (uint8_t)wanted;
	if (f->flags & ROTAI_FD_DEAD)
		f->again = 0; /* those events were the dead file's */
	f->flags &=
		(uint8_t) ~(ROTAI_FD_UNSURE | ROTAI_FD_ABSENT | ROTAI_FD_DEAD);
	return 0;
}

int rotai_registration_confirm(struct rota_loop *loop, int fd, unsigned wanted)
{
	struct rotai_watches *watches = &loop->watches;
	uint32_t generation = watches->fds[fd].generation;
	int error;

	if (!loop->is_unlocked) {
		error = confirm_file(loop, fd, wanted);
		if (watches->fds[fd].generation != generation)
			watches->ended_in = watches->batch; /* (5) */
		return error;
	}
	error = rotai_fd_can_be_watched(fd); /* (6) */
	if (error == 0)
		rotai_registration_doubt(watches, fd);
	return error;
}

/* Have the poller do what is noted for @fd, which has watches: 0 or an
 * error. */
static int report_ready(struct rota_loop *loop, int fd)
{
	struct rotai_fd *f = &loop->watches.fds[fd];
	int status;

	if (f->flags & (ROTAI_FD_UNSURE | ROTAI_FD_ABSENT))
		return confirm_file(loop, fd, f->wanted);
	if (f->wanted == f->asked)
		return 0;
	status = call_poller(loop, loop->ops->change, fd, f->wanted);
	if (status < 0) /* the number may refer to another file */
		return confirm_file(loop, fd, f->wanted);
	f->asked = f->wanted;
	return 0;
}

/* Do what is noted for @fd. Returns what the next wait must report for it in
 * addition to the poller's events. Clears the note, unless it must be tried
 * again. */
static unsigned take_note(struct rota_loop *loop, int fd)
{
	struct rotai_fd *f = &loop->watches.fds[fd];
	unsigned events = 0;
	int status;

	if (f->first == NULL) {
		if (f->flags & ROTAI_FD_LEFT)
			loop->ops->remove(loop->poller, fd); /* (6) */
		f->flags &= ROTAI_FD_TOLD | ROTAI_FD_CLOSED;
		return 0;
	}
	status = report_ready(loop, fd);
	if (status < 0)
		events = ROTAI_EVERYTHING; /* (4) */
	if (status == ROTA_ENOMEM || status == ROTA_ENOSPC ||
	    status == ROTA_EAGAIN) {
		f->flags |= ROTAI_FD_UNSURE;
		return events;
	}
	if (status < 0) {
		f->asked = f->wanted;
		f->flags &= (uint8_t)~ROTAI_FD_UNSURE;
		f->flags |= ROTAI_FD_DEAD;
	}
	f->flags &= (uint8_t)~ROTAI_FD_NOTED;
	return events | f->again;
}

/* The poller has started over: note all descriptors with watches, to be added
 * again. (5) */
static void add_all_again(struct rotai_watches *watches)
{
	for (size_t fd = 0; fd < watches->fds_capacity; fd++) {
		struct rotai_fd *f = &watches->fds[fd];

		f->flags &= (uint8_t)~ROTAI_FD_CLOSED;
		if (f->first == NULL)
			f->flags &= (uint8_t)~ROTAI_FD_LEFT;
		else if (f->flags & ROTAI_FD_DEAD)
			f->flags |= ROTAI_FD_ABSENT; /* it was reported (4) */
		else
			note_change(watches, (int)fd, ROTAI_FD_ABSENT);
	}
}

int rotai_watches_flush(struct rota_loop *loop, struct rotai_ready *ready,
			int max)
{
	struct rotai_watches *watches = &loop->watches;
	uint32_t kept = 0;
	int reported = 0;

	if (ROTAI_UNLIKELY(watches->saw_stale) && rotai_poller_renew(loop))
		add_all_again(watches);

	for (uint32_t i = 0; i < watches->noted_count; i++) {
		int fd = watches->noted[i];
		struct rotai_fd *f = &watches->fds[fd];
		unsigned events = take_note(loop, fd);

		if (events != 0 && reported++ < max) {
			ready[reported - 1] = (struct rotai_ready){
				.fd = fd,
				.generation = f->generation,
				.events = events,
			};
			f->again = 0;
			f->flags &= (uint8_t)~ROTAI_FD_TOLD;
		} else if (events != 0) {
			f->again |= (uint8_t)events;
			f->flags |= ROTAI_FD_NOTED;
		}
		if (f->flags & ROTAI_FD_NOTED)
			watches->noted[kept++] = fd;
	}
	watches->noted_count = kept;
	return reported;
}

void rotai_watches_put_back(struct rota_loop *loop,
			    const struct rotai_ready *ready, int n)
{
	for (int i = 0; i < n; i++) {
		struct rotai_fd *f = &loop->watches.fds[ready[i].fd];

		/* Its watches may have been stopped during the wait (6). */
		if (f->generation != ready[i].generation)
			continue;
		if ((f->flags & (ROTAI_FD_UNSURE | ROTAI_FD_DEAD)) ==
		    ROTAI_FD_UNSURE)
			continue; /* it is tried again anyway (4) */
		f->again |= (uint8_t)ready[i].events;
		note_change(&loop->watches, ready[i].fd, 0);
	}
}

int rotai_told_mark(struct rota_loop *loop, const struct rotai_ready *ready,
		    int n, int *told)
{
	int count = 0;

	for (int i = 0; i < n; i++) {
		struct rotai_fd *f = &loop->watches.fds[ready[i].fd];

		if (f->generation != ready[i].generation ||
		    (f->asked & ROTAI_EDGE) || (f->flags & ROTAI_FD_TOLD))
			continue;
		f->flags |= ROTAI_FD_TOLD;
		told[count++] = ready[i].fd;
	}
	return count;
}

int rotai_told_drop(struct rota_loop *loop, struct rotai_ready *ready, int n)
{
	int left = 0;

	for (int i = 0; i < n; i++) {
		const struct rotai_fd *f = &loop->watches.fds[ready[i].fd];

		/* An event that is reported only once must not be lost. */
		if (!(f->flags & ROTAI_FD_TOLD) || (f->asked & ROTAI_EDGE) ||
		    (ready[i].events & ROTAI_ONCE))
			ready[left++] = ready[i];
	}
	return n < 0 ? n : left;
}

void rotai_told_forget(struct rota_loop *loop, const int *told, int count)
{
	for (int i = 0; i < count; i++)
		loop->watches.fds[told[i]].flags &= (uint8_t)~ROTAI_FD_TOLD;
}

/* Whether @error means that the file cannot be watched any more. The move does
 * not fail because of that. */
static int is_gone(int error)
{
	return error == ROTA_EBADF || error == ROTA_EPERM;
}

int rotai_watches_move(struct rota_loop *loop, struct rotai_poller *to)
{
	struct rotai_watches *watches = &loop->watches;
	int error;

	for (size_t fd = 0; fd < watches->fds_capacity; fd++) {
		struct rotai_fd *f = &watches->fds[fd];

		f->flags &= (uint8_t) ~(ROTAI_FD_GONE | ROTAI_FD_CLOSED);
		if (f->first == NULL)
			continue;
		error = loop->ops->add(to, (int)fd, f->generation + 1,
				       f->wanted);
		if (is_gone(error))
			f->flags |= ROTAI_FD_GONE;
		else if (error < 0)
			return error;
	}
	/* The new poller has all of them. From here on nothing can fail. */
	for (size_t fd = 0; fd < watches->fds_capacity; fd++) {
		struct rotai_fd *f = &watches->fds[fd];

		f->generation++;
		f->asked = f->wanted;
		f->flags &= ROTAI_FD_NOTED | ROTAI_FD_GONE;
		if (f->flags & ROTAI_FD_GONE) /* (4) */
			note_change(watches, (int)fd, ROTAI_FD_ABSENT);
	}
	rotai_poller_replaced(loop);
	return 0;
}

void rotai_watches_free(struct rota_loop *loop)
{
	struct rotai_watches *watches = &loop->watches;

	rotai_memory_free(&loop->allocator, watches->fds,
			  watches->fds_capacity * sizeof(*watches->fds));
	rotai_memory_free(&loop->allocator, watches->noted,
			  watches->noted_capacity * sizeof(*watches->noted));
}
