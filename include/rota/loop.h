/*
 * rota/loop.h - the loop: make one, run it, and close it.
 *
 * Words used here: a turn is one pass through the phases of enum rota_phase. A
 * node is a task, timer, hook, async or watch (rota/object.h). Ticks and
 * microtasks are tasks that run between two callbacks (rota/task.h).
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

/** All times and delays are in nanoseconds. These convert the whole number @n
 * from microseconds, milliseconds or seconds. */
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

/** A loop. Opaque. It has a reference count: see rota_loop_ref(). */
struct rota_loop;

struct rota_pool;

/** How long rota_loop_run() runs. */
enum rota_run_mode {
	ROTA_RUN_DEFAULT, /* until nothing keeps the loop alive */
	ROTA_RUN_ONCE,    /* until at least one callback has run */
	ROTA_RUN_NOWAIT,  /* one turn, without sleeping */
};

/** Flags for rota_loop_run_with(). */
enum {
	/** Call no timers, and let no timer end a sleep. This includes the
	 * deadlines of requests, rota_set_timeout() and rota_set_interval().
	 * What falls due is called by the next run without this flag. */
	ROTA_RUN_NO_TIMERS = 1 << 0,

	/** Call only watches, and those callbacks of streams that follow from
	 * an event of the kernel, in the poll phase. Everything else (timers,
	 * hooks, posts, asyncs, jobs of a pool, immediates, completions in the
	 * pending phase and close callbacks) stays queued for the next run
	 * without this flag and does not end a sleep. Ticks and microtasks
	 * still run, as the run begins and after each callback. */
	ROTA_RUN_ONLY_EVENTS = 1 << 1,

	/** Let the run itself keep the loop alive, so that it sleeps although
	 * nothing else does. This is for a program that another thread wakes.
	 * With ROTA_RUN_DEFAULT the run then goes on until it is stopped, for
	 * example by a posted task that calls rota_loop_stop(). */
	ROTA_RUN_UNTIL_WOKEN = 1 << 2,
};

/** The options of a run. Call rota_run_init(), then change members. */
struct rota_run {
	size_t size; /* of this struct, as the caller was compiled */

	enum rota_run_mode mode;
	unsigned flags; /* ROTA_RUN_NO_TIMERS, ... */

	/** Set by the run: how many callbacks it has made. Hooks are not
	 * counted, ticks and microtasks are. */
	uint64_t callbacks;
};

/**
 * Set *@run to the options of rota_loop_run() with ROTA_RUN_DEFAULT.
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

/** The phases of a turn, in the order in which they run. */
enum rota_phase {
	ROTA_PHASE_NONE,    /* outside a turn */
	ROTA_PHASE_TIMERS,  /* timers that are due */
	ROTA_PHASE_PENDING, /* completions that were put off */
	ROTA_PHASE_PREPARE, /* idle hooks, then prepare hooks */
	ROTA_PHASE_POLL,    /* the wait, poll hooks, events, then posts */
	ROTA_PHASE_CHECK,   /* check hooks, then immediates */
	ROTA_PHASE_CLOSING, /* close callbacks */
};

/** The size of an array that is indexed by enum rota_phase. */
enum { ROTA_PHASE_COUNT = ROTA_PHASE_CLOSING + 1 };

/** The clock of a loop. */
enum rota_clock {
	/** The monotonic clock of the system: see clock_gettime(2). */
	ROTA_CLOCK_MONOTONIC,
	/** A clock that stands still while callbacks run. When the loop would
	 * sleep, the clock jumps to the next due time instead, unless a thread
	 * of a pool has a job of this loop. It begins at one second. */
	ROTA_CLOCK_VIRTUAL,
};

/**
 * Allocates and frees the memory of a loop. @resize allocates @size bytes
 * (@pointer is NULL and @old is 0), or changes the size of a block from @old to
 * @size bytes and keeps its content as far as it fits, or frees a block (@size
 * is 0; it then returns NULL). It returns memory aligned for any type; or NULL
 * if there is none, and then the old block is unchanged.
 *
 * Thread:  the loop's, and the one that drops the last reference; after the
 *          loop was closed, also one that calls rota_buf_release().
 * Owner:   the loop copies the struct. What @context points to must outlive the
 *          loop and every reference to it.
 */
struct rota_allocator {
	void *(*resize)(void *context, void *pointer, size_t old, size_t size);
	void *context;
};

/** The options of a loop. Call rota_loop_options_init(), then change
 * members. */
struct rota_loop_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** The poller: "epoll", "kqueue" or "poll". NULL: the one that the
	 * environment variable ROTA_POLLER names, or else the best one that
	 * was built for the system. */
	const char *backend;

	enum rota_clock clock;

	/** Not 0: measure how long each phase takes. This costs a reading of
	 * the clock for each phase. */
	int measure;

	/** How many ticks and microtasks may run in a row; 0: no limit. The
	 * rest waits for the next pending phase. */
	uint64_t tick_budget;

	/** NULL: malloc(3). */
	const struct rota_allocator *allocator;

	/** The pool for file operations and other jobs; NULL: the one of
	 * rota_pool_default(). The loop holds a reference to it. */
	struct rota_pool *pool;

	/** Bytes of the buffer that the loop lends to read callbacks: at least
	 * ROTA_LEAST_BUFFER_SIZE. */
	size_t buffer_size;
};

/**
 * Set *@options to the defaults.
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
 * Make a loop for a program that was compiled with headers of version
 * @version. Programs call rota_loop_new(), which passes that.
 *
 * Thread:  any.
 * Owner:   as rota_loop_new()
 * Errors:  as rota_loop_new()
 */
int rota_loop_new_version(struct rota_loop **loop,
			  const struct rota_loop_options *options,
			  uint32_t version);

/**
 * Make a loop and store it in *@loop. @options NULL means the defaults. The
 * loop opens two descriptors, or one with kqueue. Returns 0.
 *
 * The comments of all headers speak of the loop's thread. It is the thread that
 * runs the loop. Before the first run and between runs any thread may use the
 * loop, one at a time: for example, one thread makes it and sets it up, and
 * another runs it.
 *
 * Thread:  any.
 * Owner:   the caller, who ends the loop by rota_loop_close() or
 *          rota_loop_shutdown(). *@options is not used after the call.
 * Errors:  ROTA_EINVAL   @loop is NULL; the version of the headers does not fit
 *                        that of the library; an option is out of range, or is
 *                        set and not known to this version of the library
 *          ROTA_ENOTSUP  no poller of that name was built
 *          ROTA_ENOMEM, ROTA_EMFILE, ROTA_ENFILE
 *          After any of them *@loop is unchanged, and nothing is left open.
 */
static inline int rota_loop_new(struct rota_loop **loop,
				const struct rota_loop_options *options)
{
	return rota_loop_new_version(loop, options, ROTA_VERSION);
}

/**
 * Close a loop that has nothing started, queued or open, and drop the reference
 * of rota_loop_new(). Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   if this was the last reference, @loop is freed. Otherwise its
 *          memory, and the descriptors that wake it, stay until the last
 *          reference is dropped. Until then posts, sends, rota_buf_release(),
 *          rota_loop_backend_name(), rota_loop_ref() and rota_loop_unref() may
 *          be called, and nothing else.
 * Errors:  ROTA_EBUSY   a node is started, a task is queued, a request has not
 *                       been called back, a handle is open, or the loop runs.
 *                       rota_loop_dump() lists these objects.
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          After either nothing has changed.
 */
int rota_loop_close(struct rota_loop *loop);

/**
 * Stop all started nodes, close all handles, cancel requests, run what is
 * queued, and close the loop. Returns 0.
 *
 * Tasks that are already queued or posted still run, and so do the callbacks of
 * requests and of closing handles. Meanwhile, starting a node or posting a task
 * returns ROTA_ESHUTDOWN; ticks, microtasks and immediates can still be queued.
 * Nodes are stopped without a callback: a program that allocates them has to
 * keep a list, and free them after the shutdown. Handles are closed with the
 * callback of rota_handle_on_shutdown().
 *
 * Thread:  the loop's.
 * Owner:   as rota_loop_close()
 * Errors:  ROTA_ETIMEDOUT  the clock has reached @deadline_ns, on the scale of
 *                          rota_loop_now() (UINT64_MAX: no deadline), and
 *                          something is not finished
 *          ROTA_EBUSY      inside a callback; nothing has changed
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          Others          the wait failed
 *          After any of them the loop is open: it can be used, or shut down
 *          again. What was stopped or closed by then stays so.
 */
int rota_loop_shutdown(struct rota_loop *loop, uint64_t deadline_ns);

/**
 * Take a reference to @loop: its memory stays, whatever the loop's thread does,
 * so that another thread can post to it. Returns @loop.
 *
 * Thread:  any that holds a reference already.
 * Owner:   the caller, who drops the reference by rota_loop_unref().
 */
struct rota_loop *rota_loop_ref(struct rota_loop *loop);

/**
 * Drop a reference to @loop. The last one, of a closed loop, frees it.
 *
 * Thread:  any.
 */
void rota_loop_unref(struct rota_loop *loop);

/**
 * Run the loop: first the ticks and microtasks that were queued outside
 * callbacks, then turns.
 *
 * ROTA_RUN_DEFAULT  until nothing keeps the loop alive, or it is stopped.
 * ROTA_RUN_ONCE     until at least one callback has run, hooks not counted. The
 *                   turn in which it ran is completed without sleeping. If the
 *                   sleep ended only because a timer fell due, the run ends
 *                   after the timers phase of the next turn, and the next run,
 *                   in any mode, goes on with the rest of that turn. So a
 *                   sequence of such runs makes callbacks in the same order as
 *                   ROTA_RUN_DEFAULT.
 * ROTA_RUN_NOWAIT   one turn, or the rest of one, without sleeping. Use this to
 *                   run the loop inside another: see rota_loop_backend_fd().
 *
 * In every mode there is no turn if nothing keeps the loop alive.
 *
 * Returns 1 if the loop is still alive, 0 if not. A run that ended because
 * nothing kept the loop alive returns 0, even if another thread has posted
 * since the run looked for the last time. The next run calls that post.
 *
 * Phase:   callbacks run inside this call, in the phases of enum rota_phase.
 * Thread:  the loop's, which is the one that calls this.
 * Errors:  ROTA_EINVAL  @mode is not a mode
 *          ROTA_EBUSY   inside a callback of this loop
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          Others       the wait failed
 *          After any of them nothing is lost, and the loop can be run again.
 */
int rota_loop_run(struct rota_loop *loop, enum rota_run_mode mode);

/**
 * Run the loop with the options *@how, and store in how->callbacks how many
 * callbacks it has made. Returns as rota_loop_run().
 *
 * Phase:   as rota_loop_run()
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @how is NULL, its size is smaller than in the first
 *                       version, its mode or flags are not valid, or it sets
 *                       something that this version of the library does not
 *                       know: nothing has run, and *@how is unchanged
 *          Others       as rota_loop_run()
 */
int rota_loop_run_with(struct rota_loop *loop, struct rota_run *how);

/**
 * Let the next wait not sleep, as if something were queued. This holds for one
 * wait: that of the current turn if a callback calls this before the poll
 * phase, else that of the next turn. Until then rota_loop_next_timeout() stores
 * 0, if anything keeps the loop alive.
 *
 * Thread:  the loop's.
 */
void rota_loop_skip_sleep(struct rota_loop *loop);

/**
 * Stop the run. Inside a callback, the current turn is completed without
 * sleeping, and then the run ends. If the callback is a tick or microtask that
 * runs before the first turn, no turn is made. Outside a run, the next run
 * returns at once and calls nothing. This does not end a shutdown.
 *
 * Thread:  the loop's. From another thread, post a task that calls this.
 */
void rota_loop_stop(struct rota_loop *loop);

/**
 * Return 1 if anything keeps the loop alive, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_loop_alive(struct rota_loop *loop);

/**
 * Return the time in nanoseconds, as the loop last read its clock: as a run
 * begins, at the start of a turn if a callback has run since, and after the
 * wait. All callbacks of a phase see the same time, unless one of them calls
 * rota_loop_update_now().
 *
 * Thread:  the loop's.
 */
uint64_t rota_loop_now(const struct rota_loop *loop);

/**
 * Read the clock now. Returns the time, which rota_loop_now() returns as well
 * from now on.
 *
 * Thread:  the loop's.
 */
uint64_t rota_loop_update_now(struct rota_loop *loop);

/**
 * Move a virtual clock forward by @delta_ns, at most to one nanosecond before
 * UINT64_MAX. rota_loop_now() returns the new time after the next reading of
 * the clock. Timers that have fallen due are called in the next timers phase.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOTSUP  the clock is not virtual
 */
int rota_loop_advance(struct rota_loop *loop, uint64_t delta_ns);

/**
 * Return 1 if a virtual clock may be moved now, as the loop itself does where
 * it would sleep; 0 if not. It may not be moved while a thread of a pool has a
 * job of this loop, or while something is queued. Idle hooks and immediates
 * count as queued only until ROTA_VIRTUAL_TURNS turns in a row have done
 * nothing else.
 *
 * This is for a host that sleeps in its own way. When it has found that the
 * descriptor of rota_loop_backend_fd() is not readable, it advances the clock
 * by what rota_loop_next_timeout() has stored.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOTSUP  the clock is not virtual
 */
int rota_loop_may_advance(struct rota_loop *loop);

/**
 * Return the phase that is running; ROTA_PHASE_NONE outside a turn.
 *
 * Thread:  the loop's.
 */
enum rota_phase rota_loop_phase(const struct rota_loop *loop);

/**
 * Make the loop usable in a forked child. What was started stays started. Until
 * this call, functions that would reach the kernel return ROTA_ECHILD, and
 * stops take effect in memory only. A child that does not use the loop need not
 * call this before it exits. May be called inside a callback. Returns 0, also
 * in a process that was not forked, where it does nothing.
 *
 * The library notices a fork by pthread_atfork(3), so it does not notice a
 * child made by clone(2) directly. A child that was forked inside a callback,
 * and has not called this, may return from the callback: the run then returns
 * ROTA_ECHILD when it comes to its wait. Call this before closing inherited
 * descriptors, as those of the loop are among them. A task that another thread
 * was posting at the moment of the fork cannot be used in the child until it is
 * initialized again.
 *
 * Thread:  the only one of the child.
 * Errors:  ROTA_EBUSY  the loop was running, and another thread than the loop's
 *                      has forked. What the loop's thread was doing is lost,
 *                      and the loop cannot be used.
 *          ROTA_ENOMEM, ROTA_EMFILE, or what the kernel reports for a
 *          descriptor that is open: the loop is unchanged, and the call can be
 *          repeated.
 */
int rota_loop_fork(struct rota_loop *loop);

/**
 * Return the name of the poller: "epoll", "kqueue" or "poll".
 *
 * Thread:  any that holds a reference.
 * Owner:   the string is static.
 */
const char *rota_loop_backend_name(const struct rota_loop *loop);

/**
 * Return a descriptor by which another loop, the host, can run this one. It is
 * readable when a turn would have events or posts to call. The host sleeps on
 * it for as long as rota_loop_next_timeout() allows, and then makes one turn
 * with ROTA_RUN_NOWAIT.
 *
 * That run makes no turn if nothing keeps the loop alive, and then unreferenced
 * objects may keep the descriptor readable. So the host stops watching it when
 * rota_loop_run() has returned 0. A host that uses epoll(7) has to add the
 * descriptor again after any descriptor was closed before its watch was
 * stopped: the loop may then have put a new epoll instance in its place. It may
 * do that, too, if a handle was closed before the first call of this function,
 * and a forked child still has the handle's file. So call it before the first
 * run.
 *
 * Thread:  the loop's.
 * Owner:   the loop. Do not read or close the descriptor.
 * Errors:  ROTA_ENOTSUP  the poller, poll(2), has no descriptor
 *          ROTA_ECHILD   in a forked child, before rota_loop_fork()
 */
int rota_loop_backend_fd(const struct rota_loop *loop);

/**
 * Prepare the loop for a host that sleeps on the descriptor of
 * rota_loop_backend_fd(), and store in *@timeout_ns how long the host may
 * sleep: 0 if the next run has something to call, -1 if there is no limit. If
 * nothing keeps the loop alive, only queued ticks and microtasks count, which
 * every run calls: it stores 0 for them, else -1. Returns 0.
 *
 * Call this again after any other call to the library from outside a turn. With
 * a virtual clock the result is virtual time: if rota_loop_may_advance(), the
 * host moves the clock by rota_loop_advance().
 *
 * Thread:  the loop's, outside a turn.
 * Errors:  ROTA_EINVAL  @timeout_ns is NULL
 *          ROTA_EBUSY   inside a callback
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_loop_next_timeout(struct rota_loop *loop, int64_t *timeout_ns);

/**
 * Releases or acquires a lock of the program: see rota_loop_set_lock(). It must
 * not call the library.
 *
 * Phase:   poll, just before and just after a wait.
 * Thread:  the loop's.
 */
typedef void rota_lock_fn(struct rota_loop *loop, void *arg);

/**
 * Let several threads use @loop under a lock of the program. The thread that
 * runs the loop holds the lock. It calls @release(@loop, @arg) before each wait
 * and @acquire(@loop, @arg) after it. During the wait, a thread that holds the
 * lock may call whatever the loop's own thread may, except for a run, a
 * shutdown and rota_loop_close(). So it may start and stop nodes, close
 * handles, start requests, and free what such calls release. Returns 0.
 *
 * Changes take effect after the wait, and they do not shorten it: end it by
 * rota_async_send(). Two guarantees are weaker during the wait. A descriptor
 * that is stopped or closed leaves the kernel before the next wait, and not
 * before the call returns. And the first start of a watch returns only errors
 * that can be found without the poller. If the poller refuses the watch later,
 * the watch is called with all events that it asked for.
 *
 * With both functions NULL, the default, there is no lock.
 *
 * Phase:   the functions run in the poll phase.
 * Thread:  the loop's, while it does not wait.
 * Errors:  ROTA_EINVAL  only one of the functions is NULL
 *          ROTA_EBUSY   the loop waits
 *          After either nothing has changed.
 */
int rota_loop_set_lock(struct rota_loop *loop, rota_lock_fn *release,
		       rota_lock_fn *acquire, void *arg);

/**
 * Store a pointer of the caller's in the loop.
 *
 * Thread:  the loop's.
 * Owner:   the library does not use what @data points to.
 */
void rota_loop_set_data(struct rota_loop *loop, void *data);

/**
 * Return the pointer that rota_loop_set_data() has stored, or NULL.
 *
 * Thread:  the loop's.
 */
void *rota_loop_get_data(const struct rota_loop *loop);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
