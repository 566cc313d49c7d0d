/*
 * rota/pool.h - threads for what would block the loop: file I/O, name lookups,
 * and work of your own.
 *
 * A pool has three lanes, each with threads of its own, so that what is stuck
 * in one delays nothing in the others. Threads are made when there is work and
 * end when there has been none for a while. Several loops may share a pool.
 */
#ifndef ROTA_POOL_H
#define ROTA_POOL_H

#include <stddef.h>

#include "rota/object.h"
#include "rota/request.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_pool;
struct rota_work;
struct rotai_item;
struct rotai_detached;
struct rotai_pool_client;

/** Which threads do it. */
enum rota_lane {
	ROTA_LANE_IO,       /* files: short waits for a disk */
	ROTA_LANE_BLOCKING, /* what may wait for long: names, FIFOs, devices */
	ROTA_LANE_CPU,      /* what computes */
};

enum { ROTA_LANE_COUNT = ROTA_LANE_CPU + 1 };

/** For how many lanes a struct has room, so that it can have more one day. */
enum { ROTA_LANE_ROOM = 8 };

/** How many threads a lane may have. */
struct rota_lane_options {
	unsigned min_threads; /* once made, these stay */
	unsigned max_threads; /* 0: none; the loop itself does the work, in its
			       * pending phase */
	unsigned reserved[6]; /* 0 */
};

/** How to make a pool. Set up by rota_pool_options_init(), then changed. */
struct rota_pool_options {
	size_t size; /* of this struct, where the caller was compiled */

	/** By enum rota_lane. Those after the last lane are 0. */
	struct rota_lane_options lanes[ROTA_LANE_ROOM];

	/** How long a thread without work waits for some before it ends;
	 * UINT64_MAX: forever. */
	uint64_t idle_ns;

	/** Of each thread, in bytes; 0: the system's default. */
	size_t stack_size;

	/** For how long to spin (to busy-wait) before a sleep; at most 1 ms; 0,
	 * the default: not at all. One idle thread of each lane spins for jobs,
	 * and a loop whose jobs are with the threads spins for their ends and
	 * for posts. If these come soon, that is quicker than a sleep and a
	 * wake-up; if not, it keeps a processor busy for nothing. While a loop
	 * spins it does not look at descriptors, so their events may be late by
	 * this time; timers are not late. The time is approximate: it is
	 * counted in pauses of the processor. A thread or a loop that finds
	 * nothing in more than half of its tries, as on a busy machine, spins
	 * less often, down to some 4 waits of 1000, until it pays again. There
	 * is no spinning if the process may run on one processor alone as the
	 * pool is made, nor in a loop with a virtual clock. */
	uint64_t spin_ns;
};

/** What one lane has done, and is doing. A later version may have more at the
 * end. */
struct rota_lane_stats {
	size_t size; /* of this struct, set by the caller */

	uint64_t queued;  /* jobs that wait now */
	uint64_t running; /* jobs at which a thread is now */
	uint64_t done;    /* jobs that threads have ended */
	uint64_t started; /* threads made so far */
	unsigned threads; /* that there are now */
	unsigned idle;    /* of these, without work */
};

/**
 * Set @options, of @size bytes where the caller was compiled, to the defaults:
 * rota_pool_options_init() passes the size.
 *
 * Thread:  any.
 */
void rota_pool_options_init_size(struct rota_pool_options *options,
				 size_t size);

/**
 * Set @options to the defaults: up to 4 threads in the io lane, up to 16 in the
 * blocking one, as many as there are processors in the cpu lane; none of them
 * kept; 10 seconds; no spinning.
 *
 * Thread:  any.
 */
static inline void rota_pool_options_init(struct rota_pool_options *options)
{
	rota_pool_options_init_size(options, sizeof(*options));
}

/**
 * Make a pool and store it in *@pool. It has no thread until there is work. A
 * loop uses it if it is made with the option pool. @options NULL stands for the
 * defaults.
 *
 * Thread:  any.
 * Owner:   the caller, who drops it with rota_pool_unref(). Every loop that
 *          uses it holds a reference as well.
 * Errors:  ROTA_EINVAL  @pool is NULL, the size of @options is less than that
 *                       of the first version, something is set that the library
 *                       does not know, min_threads is more than max_threads,
 *                       no thread can have a stack of stack_size, or spin_ns is
 *                       more than 1 ms
 *          ROTA_ENOMEM
 */
int rota_pool_new(struct rota_pool **pool,
		  const struct rota_pool_options *options);

/**
 * Give the process's own pool, with the default options: the one that loops
 * use which were made without. It lasts until rota_pool_end(), and its threads
 * never keep the process from ending. The first call makes it, and returns NULL
 * if there is no memory; then the next one tries again.
 *
 * Thread:  any.
 * Owner:   the library.
 */
struct rota_pool *rota_pool_default(void);

/**
 * End the process's own pool, for a program that wants no thread of the library
 * to be left, or the library unloaded: wait until its threads have ended, and
 * the threads of pools that were dropped as well, if no other pool is in use. A
 * thread that is at work is waited for. The next rota_pool_default(), or a loop
 * that needs one, makes a new pool.
 *
 * The first thread of any pool has the library's code stay mapped, so that a
 * dlclose(3) by the program is safe at any time: it does nothing. Once this has
 * returned 0 and no pool has a thread, it unmaps the library again.
 *
 * A program need not call this before it ends.
 *
 * Thread:  any but those of pools. Nobody uses what rota_pool_default() gave.
 * Errors:  ROTA_EBUSY      a loop that is not closed uses the pool, somebody
 *                          has a reference, or another thread is in this call;
 *                          nothing has changed
 *          ROTA_ETIMEDOUT  the monotonic clock has reached @deadline_ns
 *                          (UINT64_MAX: no deadline), and a thread is still
 *                          there; it ends when it is done. Call again to wait
 *                          for more
 *          ROTA_ENOMEM     there was no memory to note when a thread leaves:
 *                          the code stays mapped
 */
int rota_pool_end(uint64_t deadline_ns);

/**
 * Hold on to @pool. Returns it.
 *
 * Thread:  any that holds a reference.
 */
struct rota_pool *rota_pool_ref(struct rota_pool *pool);

/**
 * Drop a reference. With the last, the threads end: those at work when it is
 * done. Nobody waits for them.
 *
 * Thread:  any.
 */
void rota_pool_unref(struct rota_pool *pool);

/**
 * Fill *@stats with the figures of @lane, as far as @stats->size says. What
 * only a later version than the library's knows is set to 0.
 *
 * Thread:  any that holds a reference.
 * Errors:  ROTA_EINVAL  @lane is none, @stats is NULL, or its size is less than
 *                       that of the first version
 */
int rota_pool_stats(struct rota_pool *pool, enum rota_lane lane,
		    struct rota_lane_stats *stats);

/**
 * Does the work of @work: 0, or an error, which its rota_work_done_fn is told.
 * It may use what the caller keeps around @work, and must not call the library,
 * but for what any thread may.
 *
 * Thread:  one of the lane's, or the loop's if the lane has none. In the lane's
 *          all signals are blocked, but for those that a fault of its own
 *          raises (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP).
 */
typedef int rota_work_fn(struct rota_work *work);

/**
 * Called when @work has ended. @status is what its function returned, or
 * ROTA_ECANCELED or ROTA_ETIMEDOUT, or ROTA_EAGAIN: the lane has no thread and
 * none could be made. After a fork, in the child: ROTA_ECANCELED.
 *
 * Phase:   poll, or pending. The callback may free @work, or queue it again.
 */
typedef void rota_work_done_fn(struct rota_work *work, int status);

/** For requests of the library: one job in a lane. */
struct rotai_item {
	struct rota_link link;
	void (*run)(struct rotai_item *item);
	void (*ended)(struct rotai_item *item, int error);
	struct rotai_pool_client *client; /* of the loop */
	struct rotai_item **slot;         /* a thread has taken it there */
	uint8_t lane;
	uint8_t state;
	uint8_t canceled;
	uint8_t detachable; /* it may be let go of */
};

/**
 * Work for a pool.
 *
 * Owner:   the caller, who keeps it alive and in place until the callback.
 */
struct rota_work {
	struct rota_request request;
	struct {
		struct rotai_item item;
		rota_work_fn *fn;
		rota_work_done_fn *done;
		struct rotai_detached *detached; /* or NULL */
		int status;
		int late; /* its deadline passed while a thread was at it */
	} internal;       /* the library's: neither read nor write it */
};

/** Work whose memory is the library's and the threads', so that it need not be
 * waited for. Set all of it. */
struct rota_detachable {
	/** Does the work, as a rota_work_fn does: 0 or an error. */
	int (*run)(void *context);

	/** Frees @context, if it does not go back to the caller: see
	 * rota_work_queue_detachable(). Must not call the library. */
	void (*discard)(void *context);

	void *context;
};

/**
 * Make @work ready for use on @loop.
 *
 * Thread:  the loop's.
 */
void rota_work_init(struct rota_work *work, struct rota_loop *loop);

/**
 * Have @fn called by a thread of @lane, and then @done by the loop. What a
 * callback queues is handed to the threads when it and its ticks have ended.
 * Jobs of a lane are begun in the order in which they were handed over, unless
 * a thread is held up: then others take over what it was to do next.
 *
 * &work->request can be cancelled and can have a deadline: what has not begun
 * ends at once; a thread that is at it sees rota_work_canceled(), and goes on.
 * With a deadline the status is then ROTA_ETIMEDOUT, whatever @fn returns.
 *
 * Phase:   @done runs in the poll phase; in the pending phase if it was
 *          cancelled, if more had ended than one turn calls back
 *          (ROTA_POOL_COMPLETIONS_PER_TURN), or if the lane has no threads:
 *          then @fn runs there too.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn or @done is NULL, or @lane is none
 *          ROTA_EBUSY      @work is queued or runs
 *          ROTA_ENOMEM     can only be with the loop's first work
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_work_queue(struct rota_work *work, enum rota_lane lane,
		    rota_work_fn *fn, rota_work_done_fn *done);

/**
 * The same with work that a cancel or a deadline ends at once, even while a
 * thread is at it: the thread then goes on alone, and the loop can be closed.
 *
 * The status that @done is told says whose the context is from then on. If that
 * is ROTA_ECANCELED, ROTA_ETIMEDOUT or ROTA_EAGAIN, be it by @how->run itself,
 * the library calls @how->discard: once, on any thread, before @done or after
 * it, when no thread is at the work any more. With any other status the context
 * is the caller's again, and @how->discard is not called.
 *
 * In a forked child it is not called for what a thread had taken when the
 * process forked: that is half done, and nobody is there to finish it.
 *
 * Phase:   as rota_work_queue()
 * Thread:  the loop's.
 * Owner:   @how is copied. The library owns its context until @done.
 * Errors:  as rota_work_queue(); ROTA_EINVAL if a function of @how is NULL;
 *          ROTA_ENOMEM at any time. @how->discard is then not called: the
 *          context is still the caller's.
 */
int rota_work_queue_detachable(struct rota_work *work, enum rota_lane lane,
			       const struct rota_detachable *how,
			       rota_work_done_fn *done);

/**
 * Tell whether the work that this thread is at was cancelled, or its deadline
 * has passed: 1 or 0. In other threads: 0.
 *
 * Thread:  any.
 */
int rota_work_canceled(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
