/*
 * service/watchdog.c - messages to a service manager that the loop turns.
 *
 *  1. A message goes out each half of the interval. If one could not be sent,
 *     the next attempt comes after a sixteenth of the interval, so that several
 *     fit into the half that is left.
 *  2. A forked child is another process than the one that is watched. Its loop
 *     may run while the parent's is stuck.
 */
#include "rota/systemd.h"

#include <stdlib.h>

#include "base/fork.h"
#include "loop/enter.h"
#include "rota/error.h"
#include "service/environment.h"

enum { PARTS_TO_RETRY = 16 };

int rota_watchdog_interval(uint64_t *interval_ns, unsigned flags)
{
	uint64_t time_us = 0;
	int is_here, found;

	if (interval_ns == NULL || (flags & ~(unsigned)ROTA_SYSTEMD_UNSET))
		return ROTA_EINVAL;
	is_here = rotai_environment_is_here("WATCHDOG_PID", 1);
	if (is_here < 0)
		return is_here;
	found = rotai_environment_number("WATCHDOG_USEC", UINT64_MAX / 1000,
					 &time_us);
	if (found < 0 || (found > 0 && time_us == 0))
		return ROTA_EINVAL;
	*interval_ns = is_here ? time_us * 1000 : 0;
	if (flags & ROTA_SYSTEMD_UNSET) {
		(void)unsetenv("WATCHDOG_USEC");
		(void)unsetenv("WATCHDOG_PID");
	}
	return *interval_ns > 0;
}

static void on_watchdog(struct rota_timer *timer)
{
	struct rota_watchdog *watchdog =
		rota_container_of(timer, struct rota_watchdog, internal.timer);
	uint64_t part_ns = watchdog->internal.interval_ns / 2;

	if (watchdog->internal.generation != rotai_fork_generation)
		return; /* (2) */
	(void)rota_timer_start(timer, on_watchdog, part_ns);
	if (watchdog->internal.fn != NULL && !watchdog->internal.fn(watchdog))
		return; /* it may be freed */
	if (watchdog->internal.interval_ns == 0)
		return;
	if (rota_notifier_send(&watchdog->internal.notifier, "WATCHDOG=1", 0) >=
	    0)
		return;
	part_ns = watchdog->internal.interval_ns / PARTS_TO_RETRY; /* (1) */
	(void)rota_timer_start(timer, on_watchdog, part_ns);
}

int rota_watchdog_start(struct rota_watchdog *watchdog, struct rota_loop *loop,
			const struct rota_notifier *notifier,
			rota_watchdog_fn *fn)
{
	ROTAI_ENTER_LOOP(loop);
	uint64_t interval_ns;
	int found;

	if (notifier == NULL)
		return ROTA_EINVAL;
	if (watchdog->internal.interval_ns > 0)
		return ROTA_EALREADY;
	if (rotai_loop_admits(loop) < 0)
		return rotai_loop_admits(loop);
	found = rota_watchdog_interval(&interval_ns, 0);
	if (found <= 0 || notifier->internal.size == 0)
		return found < 0 ? found : 0;
	watchdog->internal.notifier = *notifier;
	watchdog->internal.fn = fn;
	watchdog->internal.interval_ns = interval_ns;
	watchdog->internal.generation = rotai_fork_generation;
	rota_timer_init(&watchdog->internal.timer, loop);
	rota_timer_unref(&watchdog->internal.timer);
	(void)rota_timer_start(&watchdog->internal.timer, on_watchdog, 0);
	return 1;
}

void rota_watchdog_stop(struct rota_watchdog *watchdog)
{
	ROTAI_ENTER("watchdog", watchdog,
		    watchdog->internal.interval_ns > 0
			    ? watchdog->internal.timer.internal.loop
			    : NULL);
	if (watchdog->internal.interval_ns == 0)
		return;
	rota_timer_stop(&watchdog->internal.timer);
	watchdog->internal.interval_ns = 0;
}
