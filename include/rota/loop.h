/*
 * rota/loop.h - the loop: make one, run it, take it down.
 */
#ifndef ROTA_LOOP_H
#define ROTA_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "rota/limits.h"
#include "rota/version.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Times and delays are nanoseconds; @n is a whole number. */
#ifdef __cplusplus
#define ROTA_USEC(n) (static_cast<uint64_t>(n) * UINT64_C(1000))
#define ROTA_MSEC(n) (static_cast<uint64_t>(n) * UINT64_C(1000000))
#define ROTA_SEC(n)  (static_cast<uint64_t>(n) * UINT64_C(1000000000))
#define ROTAI_NULL   nullptr
#else
#define ROTAI_NULL   NULL
#define ROTA_USEC(n) ((uint64_t)(n)*UINT64_C(1000))
#define ROTA_MSEC(n) ((uint64_t)(n)*UINT64_C(1000000))
#define ROTA_SEC(n)  ((uint64_t)(n)*UINT64_C(1000000000))
#endif

/** A loop. Opaque, and counted: see rota_loop_ref(). */
struct rota_loop;

struct rota_pool;

/** How long rota_loop_run() runs. */
enum rota_run_mode {
	ROTA_RUN_DEFAULT, /* until nothing keeps the loop alive */
	ROTA_RUN_ONCE,    /* until at least one callback has run */
	ROTA_RUN_NOWAIT,  /* one turn, which does not sleep */
};

/** What rota_loop_run_with() leaves out, or adds. */
enum {
	/** Call no timers, and let none end a sleep: neither the program's nor
	 * deadlines of requests nor rota_set_timeout() and its kin. They fall
	 * due in the next run without this flag. */
	ROTA_RUN_NO_TIMERS = 1 << 0,

	/** Call nothing but watches and what streams call for an event of the
	 * kernel, in the poll phase. Timers, hooks, posts, asyncs, work of a
	 * pool, immediates, put off completions and close callbacks stay queued
	 * for the next run without this flag, and do not end a sleep. Ticks and
	 * microtasks run as ever: as the run begins and after each callback. */
	ROTA_RUN_ONLY_EVENTS = 1 << 1,

	/** Let the run itself keep the loop alive, so that it sleeps although
	 * nothing else does: for a program that another thread wakes. With
	 * ROTA_RUN_DEFAULT it then goes on until it is stopped, by a post for
	 * example that calls rota_loop_stop(). */
	ROTA_RUN_UNTIL_WOKEN = 1 << 2,
};

/** A run with options. Set up by rota_run_init(), then changed. */
struct rota_run {
	size_t size; /* of this struct, where the caller was compiled */

	enum rota_run_mode mode;
	unsigned flags; /* ROTA_RUN_NO_TIMERS, ... */

	/** Filled in: how many callbacks the run has made. Those of hooks do
	 * not count, and those of ticks and microtasks do. */
	uint64_t callbacks;
};

/**
 * Set @run to what rota_loop_run() does with ROTA_RUN_DEFAULT.
 *
 * Thread:  any.
 */
static inline void rota_run_init(struct rota_run *run)
{
	run->size = sizeof(*run);
	run->mode = ROTA_RUN_DEFAULT;
	run->flags = 0;
	run->callbacks = 0;
}

/** The phases of a turn, in the order they run. */
enum rota_phase {
	ROTA_PHASE_NONE,    /* outside a turn */
	ROTA_PHASE_TIMERS,  /* timers that are due */
	ROTA_PHASE_PENDING, /* completions that were put off */
	ROTA_PHASE_PREPARE, /* idle hooks, then prepare hooks */
	ROTA_PHASE_POLL,    /* events of the kernel, then posts */
	ROTA_PHASE_CHECK,   /* check hooks, then immediates */
	ROTA_PHASE_CLOSING, /* close callbacks */
};

enum { ROTA_PHASE_COUNT = ROTA_PHASE_CLOSING + 1 };

/** What a loop goes by. */
enum rota_clock {
	/** The system's monotonic clock. */
	ROTA_CLOCK_MONOTONIC,
	/** A clock that stands still while callbacks run, and jumps to the
	 * next due time when the loop would sleep, unless a thread of a pool is
	 * at work for the loop. It begins at one second. */
	ROTA_CLOCK_VIRTUAL,
};

/**
 * Where a loop's memory comes from. @resize allocates (@pointer NULL, @old 0),
 * changes a size (keeping what fits), or frees (@size 0, returns NULL). It
 * returns memory aligned for any type, or NULL if there is none, and then the
 * old memory is as it was.
 *
 * Thread:  the loop's, and whichever drops the last reference.
 */
struct rota_allocator {
	void *(*resize)(void *context, void *pointer, size_t old, size_t size);
	void *context;
};

/** How to make a loop. Set up by rota_loop_options_init(), then changed. */
struct rota_loop_options {
	size_t size; /* of this struct, where the caller was compiled */

	/** "epoll", "kqueue" or "poll". NULL: what the environment variable
	 * ROTA_POLLER says, else the system's best. */
	const char *backend;

	enum rota_clock clock;

	/** Measure the time that each phase takes: one reading of the clock
	 * more for each. */
	int measure;

	/** Ticks and microtasks in a row; 0: no limit. */
	uint64_t tick_budget;

	/** NULL: malloc. Copied; its context must outlive the loop. */
	const struct rota_allocator *allocator;

	/** The threads for files and other work; NULL: rota_pool_default().
	 * The loop holds a reference. */
	struct rota_pool *pool;

	/** Bytes of the buffer that the loop lends to read callbacks. */
	size_t buffer_size;
};

/**
 * Set @options to the defaults.
 *
 * Thread:  any.
 */
static inline void rota_loop_options_init(struct rota_loop_options *options)
{
	options->size = sizeof(*options);
	options->backend = ROTAI_NULL;
	options->clock = ROTA_CLOCK_MONOTONIC;
	options->measure = 0;
	options->tick_budget = ROTA_TICK_BUDGET;
	options->allocator = ROTAI_NULL;
	options->pool = ROTAI_NULL;
	options->buffer_size = ROTA_BUFFER_SIZE;
}

/**
 * Make a loop, by a header of version @version: rota_loop_new() passes it.
 *
 * Thread:  any.
 * Errors:  as rota_loop_new()
 */
int rota_loop_new_version(struct rota_loop **loop,
			  const struct rota_loop_options *options,
			  uint32_t version);

/**
 * Make a loop and store it in *@loop. It takes two descriptors, or with kqueue
 * one. @options NULL stands for the defaults.
 *
 * The loop's thread, of which every page here speaks, is the one that runs it.
 * Until the first run, and between runs, it may be used by another if the two
 * take turns: made and set up in one thread, say, and run in the next.
 *
 * Thread:  any.
 * Owner:   the caller, who ends it with rota_loop_close().
 * Errors:  ROTA_EINVAL   @loop is NULL, the header does not fit the library,
 *                        or an option is out of range
 *          ROTA_ENOTSUP  no backend of that name was built
 *          ROTA_ENOMEM, ROTA_EMFILE, ROTA_ENFILE
 *          After any of them *@loop is as it was, and nothing is left open.
 */
static inline int rota_loop_new(struct rota_loop **loop,
				const struct rota_loop_options *options)
{
	return rota_loop_new_version(loop, options, ROTA_VERSION);
}

/**
 * End a loop that is at rest, and drop the reference that came with it.
 *
 * Thread:  the loop's.
 * Owner:   @loop is gone on return, unless somebody holds a reference: then
 *          its memory and the descriptors that wake it stay until that goes,
 *          and all that may still be called is a post, a send, and
 *          rota_loop_ref() and _unref().
 * Errors:  ROTA_EBUSY   a node is started, a task queued, a handle open, or a
 *                       turn runs: nothing has changed. rota_loop_dump() tells
 *                       which.
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 */
int rota_loop_close(struct rota_loop *loop);

/**
 * Stop all nodes, close all handles, run what is queued, and close the loop.
 * Tasks already posted or queued still run, and so do the callbacks of
 * requests and of closing handles; meanwhile starting a node or posting a task
 * returns ROTA_ESHUTDOWN. Nodes are stopped without a callback: a program that
 * embeds them in memory to be freed keeps a list of it, and frees it
 * afterwards. Handles have the callback of rota_handle_on_shutdown().
 *
 * Thread:  the loop's.
 * Owner:   as rota_loop_close()
 * Errors:  ROTA_ETIMEDOUT  the clock has reached @deadline_ns, in the time of
 *                          rota_loop_now(), and something goes on: the loop is
 *                          open and can be used or shut down again
 *          ROTA_EBUSY      inside a callback
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          Any other       of the wait: the loop is open
 */
int rota_loop_shutdown(struct rota_loop *loop, uint64_t deadline_ns);

/**
 * Hold on to @loop's memory, so that another thread may post to it, whatever
 * the loop's thread does. Returns @loop.
 *
 * Thread:  any that holds a reference already.
 */
struct rota_loop *rota_loop_ref(struct rota_loop *loop);

/**
 * Drop a reference. With the last one of a closed loop its memory goes.
 *
 * Thread:  any.
 */
void rota_loop_unref(struct rota_loop *loop);

/**
 * Run the loop. First runs the ticks and microtasks that were queued outside
 * callbacks, then turns:
 *
 * ROTA_RUN_DEFAULT  until nothing keeps the loop alive, or it is stopped.
 * ROTA_RUN_ONCE     until at least one callback other than a hook's has run.
 *                   The turn in which it ran is completed without sleeping; if
 *                   only a timer fell due, the run ends after the timers phase
 *                   of the next turn, and the next run of any mode goes on
 *                   with the rest of that turn. So a chain of such runs calls
 *                   back in the order of ROTA_RUN_DEFAULT.
 * ROTA_RUN_NOWAIT   one turn, or the rest of one, without sleeping. This is
 *                   also the turn by hand for a loop inside another: see
 *                   rota_loop_backend_fd().
 *
 * If nothing keeps the loop alive, there is no turn in any of them.
 *
 * Returns 1 if the loop is still alive, 0 if not. A run that has ended because
 * nothing kept the loop alive returns 0: a post that another thread makes after
 * the run has looked for the last time is for the next run.
 *
 * Thread:  the loop's, which is the one that calls this.
 * Errors:  ROTA_EINVAL  @mode is none
 *          ROTA_EBUSY   inside a callback of this loop
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          Any other    the wait failed; nothing is lost, and the next run
 *                       goes on
 */
int rota_loop_run(struct rota_loop *loop, enum rota_run_mode mode);

/**
 * Run the loop as @how says, and store in @how->callbacks how many callbacks
 * that were. Returns as rota_loop_run().
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @how is NULL, its size is less than any version had, or
 *                       its mode or flags mean nothing; nothing has changed
 *          Others       as rota_loop_run()
 */
int rota_loop_run_with(struct rota_loop *loop, struct rota_run *how);

/**
 * Have the next wait not sleep, as if something were queued. It is for one
 * wait: in a callback before the poll phase that is the wait of this turn, else
 * the one of the next turn. rota_loop_next_timeout() is 0 until then.
 *
 * Thread:  the loop's.
 */
void rota_loop_skip_sleep(struct rota_loop *loop);

/**
 * End the run: inside a callback, when the turn is complete, without
 * sleeping. In a tick that runs before the first turn there is none to
 * complete, and none is made. Outside, the next run returns at once and runs
 * nothing.
 *
 * Thread:  the loop's. From another, post a task that calls this.
 */
void rota_loop_stop(struct rota_loop *loop);

/**
 * Tell whether anything keeps the loop alive: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_loop_alive(struct rota_loop *loop);

/**
 * Tell the time as the loop last read it: after the wait, and at the top of a
 * turn. All callbacks of one phase see the same.
 *
 * Thread:  the loop's.
 */
uint64_t rota_loop_now(const struct rota_loop *loop);

/**
 * Read the clock, and have rota_loop_now() tell this reading. Returns it.
 *
 * Thread:  the loop's.
 */
uint64_t rota_loop_update_now(struct rota_loop *loop);

/**
 * Move a virtual clock on by @delta_ns. It stops short of UINT64_MAX. As with
 * any clock, rota_loop_now() tells it at the next reading, and timers that fall
 * due are called in the next timers phase.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOTSUP  the clock is not virtual
 */
int rota_loop_advance(struct rota_loop *loop, uint64_t delta_ns);

/**
 * Tell whether a virtual clock may be moved, as the loop itself does where it
 * would sleep: 1 or 0. What holds it is work that a thread of a pool has to do
 * for this loop, and what is queued. Idle hooks and immediates no longer hold
 * it once ROTA_VIRTUAL_TURNS turns in a row have done nothing else. For a host
 * that sleeps by its own means: it has found the backend's descriptor not
 * readable, and then advances by what rota_loop_next_timeout() says.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOTSUP  the clock is not virtual
 */
int rota_loop_may_advance(struct rota_loop *loop);

/**
 * Tell the phase that runs now; ROTA_PHASE_NONE outside a turn.
 *
 * Thread:  the loop's.
 */
enum rota_phase rota_loop_phase(const struct rota_loop *loop);

/**
 * Rebuild the loop in a forked child. What was started stays started; until
 * this call the loop returns ROTA_ECHILD, and stops take effect in memory
 * alone. May be called inside a callback. A child that calls nothing may exit.
 *
 * The fork is noticed by pthread_atfork(3): children made by a bare clone(2)
 * are not. A child that is forked inside a callback and does not call this may
 * return from the callback: the run ends with ROTA_ECHILD when it comes to its
 * wait. Call it before closing descriptors that were inherited: the loop's are
 * among them. A task that another thread was posting at the moment of the fork
 * is of no use in the child until it is initialized again.
 *
 * Thread:  the child's only one.
 * Errors:  ROTA_ENOMEM, ROTA_EMFILE or whatever the kernel says to a
 *          descriptor that is open: the loop is as before, and the call may be
 *          made again.
 *          ROTA_EBUSY: the loop was running, and it was not its thread that
 *          forked: what that thread was at is lost, and the loop with it.
 *          In a process that did not fork it does nothing and returns 0.
 */
int rota_loop_fork(struct rota_loop *loop);

/**
 * Tell the name of the poller: "epoll", "kqueue" or "poll".
 *
 * Thread:  any that holds a reference.
 * Owner:   the string is static.
 */
const char *rota_loop_backend_name(const struct rota_loop *loop);

/**
 * Give a descriptor that another loop can watch for readability: it is
 * readable when a turn would have events or posts to handle. The host sleeps
 * on it for as long as rota_loop_next_timeout() says, and then makes one turn
 * with ROTA_RUN_NOWAIT. That makes no turn when nothing keeps the loop alive,
 * and then the descriptor may stay readable, for what is unreferenced: a host
 * stops watching it when rota_loop_run() has returned 0. A host that uses
 * epoll(7) adds the descriptor again after closing one, anywhere, whose watch
 * was stopped too late: the loop may have put a new instance in its place.
 *
 * Thread:  the loop's.
 * Owner:   the loop. Do not read or close it.
 * Errors:  ROTA_ENOTSUP  the poller, poll(2), has none
 *          ROTA_ECHILD   in a forked child, before rota_loop_fork()
 */
int rota_loop_backend_fd(const struct rota_loop *loop);

/**
 * Get ready for a host to sleep on the backend's descriptor, and store in
 * *@timeout_ns how long it may: 0 if something is queued that the next run
 * calls, and -1 for no limit, also if nothing keeps the loop alive. Then there
 * is no turn, and only ticks and microtasks count, which any run drains. After
 * any call to this library from outside a turn, ask again. With a virtual clock
 * it is virtual time, which the host moves by rota_loop_advance() if
 * rota_loop_may_advance().
 *
 * Thread:  the loop's, outside a turn.
 * Errors:  ROTA_EINVAL  @timeout_ns is NULL
 *          ROTA_EBUSY   inside a callback
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 */
int rota_loop_next_timeout(struct rota_loop *loop, int64_t *timeout_ns);

/**
 * Release or acquire a lock of the program's: see rota_loop_set_lock().
 *
 * Phase:   poll, just before and just after a wait. It must not call the
 *          library.
 */
typedef void rota_lock_fn(struct rota_loop *loop, void *arg);

/**
 * Let several threads take turns with @loop, under a lock of the program's. The
 * thread that runs the loop holds that lock, and calls @release(@loop, @arg)
 * before each wait and @acquire(@loop, @arg) after it. While it waits, a
 * thread that holds the lock may call whatever the loop's own thread may, but
 * for a run, a shutdown and rota_loop_close(): it may start and stop nodes,
 * close handles, begin requests, and free memory that it may free elsewhere.
 *
 * What it changes takes effect after the wait, and the loop still sleeps as
 * long as it was about to: end the sleep by rota_async_send(). Two promises
 * are weaker meanwhile. A descriptor that is stopped or closed leaves the
 * kernel before the next wait, not on return. And the first start of a watch
 * returns only what can be seen without the poller: what that refuses is
 * reported as everything that the watch asked for.
 *
 * Both functions NULL: no lock, which is how a loop starts.
 *
 * Thread:  the loop's, while it does not wait.
 * Errors:  ROTA_EINVAL  only one of the functions is NULL
 *          ROTA_EBUSY   the loop waits
 */
int rota_loop_set_lock(struct rota_loop *loop, rota_lock_fn *release,
		       rota_lock_fn *acquire, void *arg);

/**
 * Keep a pointer of the caller's with the loop.
 *
 * Thread:  the loop's.
 */
void rota_loop_set_data(struct rota_loop *loop, void *data);

/**
 * Give the pointer that rota_loop_set_data() was given, at first NULL.
 *
 * Thread:  the loop's.
 */
void *rota_loop_get_data(const struct rota_loop *loop);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
