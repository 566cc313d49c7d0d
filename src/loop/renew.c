/*
 * loop/renew.c - pollers that have to start over, and what the loop does as
 * long as they cannot.
 *
 *  1. The poller needs a new descriptor to start over, and there may be none.
 *     Then it goes on with what it has, and tries again if stale events still
 *     arrive after PAUSE_NS.
 *  2. Meanwhile stale events may end every wait. So they are dropped before the
 *     loop sees them. After a wait that found nothing else, the next sleep
 *     begins with a rest of at most PAUSE_NS, which the poller cannot end.
 *     Events and posts that arrive in a rest are called at its end. Timers are
 *     on time.
 */
#include "loop/renew.h"

#include "base/clock.h"
#include "base/fd.h"
#include "loop/loop.h"

static const int64_t PAUSE_NS = (int64_t)ROTA_MSEC(10);

void rotai_poller_replaced(struct rota_loop *loop)
{
	loop->wait_flags &= (uint8_t)~ROTAI_WAIT_STUCK;
	loop->watches.saw_stale = 0;
	loop->watches.rests = 0;
}

int rotai_poller_renew(struct rota_loop *loop)
{
	struct rotai_watches *watches = &loop->watches;
	int status;

	watches->saw_stale = 0;
	if (loop->ops->renew == NULL ||
	    ((loop->wait_flags & ROTAI_WAIT_STUCK) &&
	     rotai_clock_monotonic() < watches->renew_at_ns))
		return 0;
	status = loop->ops->renew(loop->poller);
	if (status < 0) {
		loop->wait_flags |= ROTAI_WAIT_STUCK;
		watches->renew_at_ns =
			rotai_clock_monotonic() + (uint64_t)PAUSE_NS; /* (1) */
		return 0;
	}
	rotai_poller_replaced(loop);
	return status;
}

int rotai_poller_wait(struct rota_loop *loop, int64_t timeout_ns,
		      struct rotai_ready *ready, int max)
{
	if (loop->watches.rests && timeout_ns != 0) {
		if (timeout_ns < 0 || timeout_ns > PAUSE_NS)
			timeout_ns = PAUSE_NS;
		(void)rotai_fd_poll(NULL, 0, timeout_ns); /* (2) */
		timeout_ns = 0;
	}
	return loop->ops->wait(loop->poller, timeout_ns, ready, max);
}

int rotai_stale_drop(struct rota_loop *loop, struct rotai_ready *ready, int n)
{
	struct rotai_watches *watches = &loop->watches;
	int left = 0;

	for (int i = 0; i < n; i++)
		if (watches->fds[ready[i].fd].generation == ready[i].generation)
			ready[left++] = ready[i];
	if (n < 0)
		return n;
	watches->rests = n > 0 && left == 0;
	if (left < n)
		watches->saw_stale = 1;
	loop->stats.events += (unsigned)(n - left);
	loop->stats.stale += (unsigned)(n - left);
	return left;
}
