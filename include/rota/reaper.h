/*
 * rota/reaper.h - waits for the children that nobody else waits for: for the
 * first process of a container, and for supervisors.
 *
 * A process whose parent ends becomes a child of process 1 of its PID
 * namespace, or of the next ancestor that is a subreaper: see
 * PR_SET_CHILD_SUBREAPER in prctl(2). That one has to wait for it; otherwise it
 * stays a zombie.
 */
#ifndef ROTA_REAPER_H
#define ROTA_REAPER_H

#include "rota/process.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_reaper;

/**
 * Called for each process that was waited for.
 *
 * Phase:   poll. The callback may close or free any object, @reaper included.
 * Thread:  the loop's.
 * Owner:   @exit is valid during the call.
 */
typedef void rota_reaped_fn(struct rota_reaper *reaper, int pid,
			    const struct rota_exit *exit);

/** Flags for rota_reaper_start(). */
enum {
	/** Orphaned descendants become children of this process. Linux. */
	ROTA_REAPER_SUBREAPER = 1 << 0,
};

/**
 * Waits for all children of this process except those of a struct rota_process,
 * whose exit goes to its own callback. A started reaper keeps its loop alive
 * unless it is unreferenced.
 *
 * While it is started, no other part of the program can wait for a child of its
 * own, as system(3) and pclose(3) do: give such a child to
 * rota_process_adopt(). The reaper learns of exits by SIGCHLD, for which it
 * installs a handler as rota_signal_start() does, and the stop restores the
 * previous one. Watchers of SIGCHLD work as well.
 *
 * Owner:   as struct rota_handle
 */
struct rota_reaper {
	union {
		struct rota_handle handle;
	};
	struct {
		rota_reaped_fn *fn;
		int was_subreaper;
		int is_subreaper;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @reaper as an open handle of @loop. It does not wait yet. Returns
 * 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  as rota_process_init()
 */
int rota_reaper_init(struct rota_reaper *reaper, struct rota_loop *loop);

/**
 * Wait for children from now on, also for those that have ended before, and
 * call @fn for each; @fn may be NULL. Only one reaper of the process can be
 * started at a time. Returns 0.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @flags has undefined bits, or @reaper is closing or
 *                         was never initialized
 *          ROTA_EALREADY  a reaper is started
 *          ROTA_ENOTSUP   ROTA_REAPER_SUBREAPER, which this system does not
 *                         have
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_process_init()
 *          After any of them nothing has changed.
 */
int rota_reaper_start(struct rota_reaper *reaper, rota_reaped_fn *fn,
		      unsigned flags);

/**
 * Stop @reaper. This process is a subreaper afterwards if it was one before the
 * start. Stopping a stopped reaper does nothing.
 *
 * Thread:  the loop's.
 */
void rota_reaper_stop(struct rota_reaper *reaper);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
