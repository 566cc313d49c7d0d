/*
 * rota/loops.h - several loops, each on a thread of its own, that are started,
 * stopped and joined together.
 *
 *     static int set_up(struct rota_loops *loops, unsigned index);
 *
 *     rota_loops_options_init(&options);
 *     options.set_up = set_up;
 *     error = rota_loops_start(&loops, &options);
 *     if (error == 0)
 *             error = rota_loops_join(loops, NULL);
 */
#ifndef ROTA_LOOPS_H
#define ROTA_LOOPS_H

#include "rota/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** A set of loops with threads: its members. Opaque. */
struct rota_loops;

/**
 * Prepares the member @index: makes what its loop, rota_loops_get(), begins
 * with. Returns 0; or a negative error, and then rota_loops_start() returns
 * that.
 *
 * The members are prepared one after another, in the order of their indexes,
 * and none runs its loop before all are prepared.
 *
 * Phase:   none: before the loop runs.
 * Thread:  the loop's.
 */
typedef int rota_loops_set_up_fn(struct rota_loops *loops, unsigned index);

/**
 * Called for the member @index: see struct rota_loops_options.
 *
 * Phase:   none: outside a run of the loop.
 * Thread:  the loop's. Several members may be called at the same time.
 */
typedef void rota_loops_fn(struct rota_loops *loops, unsigned index);

/**
 * Called for rota_loops_post(), with its @arg.
 *
 * Phase:   poll.
 * Thread:  that of the loop with that index.
 */
typedef void rota_loops_post_fn(struct rota_loops *loops, unsigned index,
				void *arg);

/** The options of a set of loops. Call rota_loops_options_init(), then change
 * members. */
struct rota_loops_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** Not 0: each thread runs on one processor only: the first on the
	 * first one that the caller of rota_loops_start() may run on, the
	 * second on the next. Linux; elsewhere ROTA_ENOTSUP. */
	int is_pinned;

	/** Not 0: the threads have the signal mask of the thread that starts
	 * them. 0: all signals are blocked in them, except those that faults
	 * raise. Then other threads run the handlers; a rota_signal works on
	 * any loop in both cases. */
	int inherits_signals;

	/** How many loops; 0: rota_loops_processors(). */
	unsigned count;

	/** Bytes of the stack of each thread; 0: the system's default. */
	size_t stack_size;

	/** The options of the loops; NULL: the defaults. An allocator is called
	 * by all threads. */
	const struct rota_loop_options *loop;

	/** Prepares a member. NULL: nothing is prepared. */
	rota_loops_set_up_fn *set_up;

	/** Called for each member when the loops are stopped, to begin the end
	 * of what its loop has: for example rota_server_stop(). After that the
	 * loop runs until nothing keeps it alive, at most for grace_ns. NULL:
	 * the loop runs no more. */
	rota_loops_fn *stop;

	/** Called for each member that was prepared, when its loop has been
	 * shut down: to free memory. The loop is closed, and nothing of it can
	 * be called any more. Not called if the shutdown fails, and goes on to
	 * fail when it is repeated. NULL: nothing. */
	rota_loops_fn *tear_down;

	/** How long a loop may run after the stop, in nanoseconds. Then it is
	 * shut down, as if there were no function for the stop. */
	uint64_t grace_ns;

	void *data; /* for the caller: rota_loops_data() */
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_loops_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_loops_options_init_size(struct rota_loops_options *options,
				  size_t size);

/**
 * Set *@options to the defaults: a loop for each processor, not pinned, signals
 * blocked, no functions, and no limit for the time after a stop.
 *
 * Thread:  any.
 */
static inline void rota_loops_options_init(struct rota_loops_options *options)
{
	rota_loops_options_init_size(options, sizeof(*options));
}

/**
 * Return how many processors this process may use, at least 1: those that the
 * affinity of the calling thread allows, and not more than the limits of its
 * control groups let run at the same time: as rota_self_processors().
 *
 * Thread:  any.
 */
unsigned rota_loops_processors(void);

/**
 * Make the loops, start their threads, have them prepared, and store the set in
 * *@loops. When this returns 0, all of them are prepared and run. A loop runs
 * until the set is stopped, even if nothing keeps it alive.
 *
 * If a run ends in another way, by an error or by rota_loop_stop(), the set is
 * stopped: rota_loops_stop(). rota_loops_join() returns the error.
 *
 * *@loops is stored before the first member is prepared.
 *
 * Thread:  any.
 * Owner:   the caller, who ends the set by rota_loops_join(). *@options is not
 *          used after the call.
 * Errors:  ROTA_EINVAL   @loops is NULL; or an option is out of range, or is
 *                        set and not known to this version of the library
 *          ROTA_ENOTSUP  the threads cannot be pinned
 *          ROTA_EAGAIN   there cannot be so many threads: pthread_create(3)
 *          Others        as rota_loop_new(), or what set_up has returned
 *          After any of them no loop has run, what was prepared is torn down,
 *          all threads have ended, and *@loops is NULL.
 */
int rota_loops_start(struct rota_loops **loops,
		     const struct rota_loops_options *options);

/**
 * Stop all loops: on each, the run ends, and the function stop of the options
 * is called. Returns 0 at once; rota_loops_join() waits.
 *
 * Thread:  any, and signal handlers, until rota_loops_join() is called; the
 *          members also after that.
 * Errors:  ROTA_EALREADY  the set was stopped before
 *          ROTA_ECHILD    in a forked child, where the threads do not exist
 *          After either nothing has changed.
 */
int rota_loops_stop(struct rota_loops *loops);

/**
 * End all loops at once: as rota_loops_stop(), and what is left after the
 * function stop of the options is closed as if grace_ns were over. This may be
 * called during a stop that takes too long. Returns 0.
 *
 * Thread:  as rota_loops_stop()
 * Errors:  ROTA_EALREADY  this was called before
 *          ROTA_ECHILD    in a forked child, where the threads do not exist
 *          After either nothing has changed.
 */
int rota_loops_stop_now(struct rota_loops *loops);

/**
 * Wait until all loops have ended, and free @loops. Without rota_loops_stop(),
 * this waits until another thread or a member calls that. Returns 0; or the
 * first error of a member, and stores the member's index in *@failed, which may
 * be NULL.
 *
 * Thread:  any but a member's, one.
 * Owner:   @loops is the library's, and must not be used any more.
 * Errors:  ROTA_EDEADLK  a member has called this: nothing has changed
 *          ROTA_ECHILD   in a forked child: nothing has changed, and @loops
 *                        cannot be freed
 *          Others        as rota_loop_run() and rota_loop_shutdown(), of a
 *                        member: @loops has been freed
 */
int rota_loops_join(struct rota_loops *loops, unsigned *failed);

/**
 * Have @fn called on the loop of the member @index, with @arg. The calls for
 * the posts of one thread to one member are made in the order of the posts.
 * Returns 0. If a start fails, @fn is not called for a member that was not
 * prepared.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  any, until rota_loops_join() is called. A thread that is not a
 *          member has to make sure of that.
 * Owner:   the library does not use what @arg points to.
 * Errors:  ROTA_EINVAL     @fn is NULL, or there is no such member
 *          ROTA_ENOMEM
 *          ROTA_ESHUTDOWN  the loop is shutting down, or has ended
 *          ROTA_ECHILD     in a forked child
 *          After any of them @fn is not called.
 */
int rota_loops_post(struct rota_loops *loops, unsigned index,
		    rota_loops_post_fn *fn, void *arg);

/**
 * Return how many loops there are.
 *
 * Thread:  any.
 */
unsigned rota_loops_count(const struct rota_loops *loops);

/**
 * Return the loop of the member @index, or NULL if there is none. The set holds
 * a reference to it until it is joined.
 *
 * Thread:  any.
 */
struct rota_loop *rota_loops_get(const struct rota_loops *loops,
				 unsigned index);

/**
 * Return the data of the options.
 *
 * Thread:  any.
 */
void *rota_loops_data(const struct rota_loops *loops);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
