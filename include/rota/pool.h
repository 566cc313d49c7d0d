/*
 * rota/pool.h - threads for work that would block the loop: file operations,
 * name lookups, and the program's own jobs.
 *
 * A pool has three lanes. A lane is a queue of jobs with its own threads, so a
 * job that is stuck in one lane delays no job in the others. Threads are
 * started when there is work, and end when there has been none for a while.
 * Several loops may share a pool.
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
struct rotai_shared_job;
struct rotai_pool_client;

/** The lanes of a pool. */
enum rota_lane {
	ROTA_LANE_IO,       /* file operations: short waits for a disk */
	ROTA_LANE_BLOCKING, /* long waits: name lookups, FIFOs, devices */
	ROTA_LANE_CPU,      /* computation */
};

/** The number of lanes. */
enum { ROTA_LANE_COUNT = ROTA_LANE_CPU + 1 };

/** The size of arrays that are indexed by enum rota_lane. It leaves room for
 * lanes that later versions may add. */
enum { ROTA_LANE_ROOM = 8 };

/** How many threads a lane may have. */
struct rota_lane_options {
	unsigned min_threads; /* how many stay once they are started */
	unsigned max_threads; /* 0: none; the loop itself does the work, in its
			       * pending phase */
	unsigned reserved[6]; /* 0 */
};

/** Which of the jobs that wait in a lane begin first. */
enum rota_priority {
	ROTA_PRIORITY_LOW = -1,
	ROTA_PRIORITY_NORMAL = 0,
	ROTA_PRIORITY_HIGH = 1,
};

/** How many jobs of higher priority begin, at most, while one waits that is the
 * next of its own priority. */
enum { ROTA_PRIORITY_PATIENCE = 16 };

/** The number of elements of rota_lane_stats.waits. */
enum { ROTA_WAIT_BUCKETS = 32 };

/** The options of a pool. Call rota_pool_options_init(), then change
 * members. */
struct rota_pool_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** Indexed by enum rota_lane. Those from ROTA_LANE_COUNT on are 0. */
	struct rota_lane_options lanes[ROTA_LANE_ROOM];

	/** How many nanoseconds a thread waits for work before it ends;
	 * UINT64_MAX: forever. */
	uint64_t idle_ns;

	/** The stack size of each thread, in bytes; 0: the system's default. */
	size_t stack_size;

	/** How many nanoseconds an idle thread, or a loop that waits for jobs,
	 * busy-waits before it sleeps: at most 1 ms. 0, the default: not at
	 * all. In each lane one idle thread at a time busy-waits for jobs. A
	 * loop with jobs in the pool busy-waits for their completion and for
	 * posts.
	 *
	 * If these come soon, this is faster than to sleep and be woken; if
	 * not, it wastes processor time. A loop that busy-waits does not look
	 * at descriptors, so their events may be late by this time. Timers are
	 * not late. The time is approximate, because it is counted in pause
	 * instructions.
	 *
	 * A thread or loop that finds nothing in more than half of its tries,
	 * as on a busy machine, busy-waits less often, down to about 4 of 1000
	 * waits, until it succeeds again. Nothing busy-waits if the process may
	 * use only one processor when the pool is made, nor does a loop with a
	 * virtual clock. */
	uint64_t spin_ns;

	/** 1: record how long jobs wait, for rota_lane_stats.waits and
	 * oldest_ns. 0, the default: do not. It costs a reading of the
	 * monotonic clock (clock_gettime(2)) when a job begins, and one when
	 * jobs are submitted, for all jobs of a callback together. */
	uint64_t record_waits;

	/** What the names of the threads begin with: see pthread_setname_np(3).
	 * "" means "rota": rota-io-0, rota-block-0, rota-cpu-0. The number is
	 * that of the thread in its lane. A name has at most 15 bytes; a prefix
	 * that is too long for this is cut. */
	char thread_prefix[16];
};

/** The statistics of a lane. A later version may add members at the end. */
struct rota_lane_stats {
	size_t size; /* of this struct, set by the caller */

	uint64_t queued;  /* jobs that wait now */
	uint64_t running; /* jobs that threads are working on now */
	uint64_t done;    /* jobs that threads have finished so far */
	uint64_t started; /* threads started so far */
	unsigned threads; /* threads that exist now */
	unsigned idle;    /* of these, threads that sleep */

	/* Members of the second version. */
	unsigned min_threads; /* the limits of the lane as they are now */
	unsigned max_threads;
	uint64_t peak;   /* the most jobs that ever waited at one time, without
			  * those that threads had taken */
	uint64_t behind; /* jobs that wait behind another one of their
			  * rota_serial; not in `queued` */

	/** How long the first job of `queued` has waited, or that of another
	 * priority or thread, if it has waited longer; 0 if there is none, or
	 * if the pool does not record waits. A wait of more than 73 minutes is
	 * reported modulo that. */
	uint64_t oldest_ns;

	/** How many jobs waited how long, from the submission until a thread
	 * began them: waits[0] less than 1024 ns, and waits[i] at least
	 * 2^(9 + i) ns and less than twice that. Jobs of a rota_serial wait
	 * from when they are queued. All are 0 if the pool does not record
	 * waits. */
	uint64_t waits[ROTA_WAIT_BUCKETS];
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_pool_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_pool_options_init_size(struct rota_pool_options *options,
				 size_t size);

/**
 * Set *@options to the defaults: up to 4 threads in the io lane, up to 16 in
 * the blocking lane, and in the cpu lane one for each processor that the
 * process may use. min_threads is 0, idle_ns is 10 seconds, and nothing
 * busy-waits.
 *
 * Thread:  any.
 */
static inline void rota_pool_options_init(struct rota_pool_options *options)
{
	rota_pool_options_init_size(options, sizeof(*options));
}

/**
 * Make a pool and store it in *@pool. @options NULL means the defaults. The
 * pool starts its threads when there is work. A loop uses it if the pool is set
 * in the options of the loop. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller, who drops the reference by rota_pool_unref(). Every loop
 *          that uses the pool holds a reference as well.
 * Errors:  ROTA_EINVAL  @pool is NULL; the size of @options is smaller than in
 *                       the first version; something is set that this version
 *                       of the library does not know; min_threads is more than
 *                       max_threads; no thread can have a stack of stack_size;
 *                       spin_ns is more than 1 ms; record_waits is more than
 *                       1; or thread_prefix has no 0 at its end
 *          ROTA_ENOMEM
 *          After either *@pool is unchanged.
 */
int rota_pool_new(struct rota_pool **pool,
		  const struct rota_pool_options *options);

/**
 * Return the default pool of the process. It has the default options, and is
 * used by loops that were made without a pool. The first call makes it. It
 * lasts until rota_pool_end(), and its threads do not keep the process from
 * ending. Returns NULL if there is no memory; the next call tries again.
 *
 * Thread:  any.
 * Owner:   the library. The caller gets no reference.
 */
struct rota_pool *rota_pool_default(void);

/**
 * End the default pool of the process, and wait until its threads have ended,
 * also those that are working on a job. This is for a program that wants no
 * thread of the library to be left, or that wants to unload the library. If no
 * other pool is in use, this also waits for the threads of pools whose last
 * reference was dropped. Afterwards rota_pool_default(), or a loop that needs a
 * pool, makes a new one. A program need not call this before it ends. Returns
 * 0.
 *
 * The first thread of any pool keeps the code of the library mapped, so that
 * dlclose(3) is safe at any time: it does not unmap the library. When this call
 * has returned 0 and no pool has a thread, dlclose(3) unmaps it, unless the
 * process has watched a signal (rota/signal.h).
 *
 * Thread:  any except those of pools. No other thread may be using what
 *          rota_pool_default() has returned.
 * Errors:  ROTA_EBUSY      a loop that is not closed uses the pool, a reference
 *                          to it is held, or another thread is in this call:
 *                          nothing has changed
 *          ROTA_ETIMEDOUT  the monotonic clock has reached @deadline_ns
 *                          (UINT64_MAX: no deadline), and a thread has not
 *                          ended. It ends when its job is done. Call this again
 *                          to wait longer
 *          ROTA_ENOMEM     there was no memory to record when a thread ends, so
 *                          the code stays mapped
 */
int rota_pool_end(uint64_t deadline_ns);

/**
 * Take a reference to @pool. Returns @pool.
 *
 * Thread:  any that holds a reference already.
 * Owner:   the caller, who drops the reference by rota_pool_unref().
 */
struct rota_pool *rota_pool_ref(struct rota_pool *pool);

/**
 * Drop a reference to @pool. After the last one its threads end, those with a
 * job when it is done. This call does not wait for them.
 *
 * Thread:  any.
 */
void rota_pool_unref(struct rota_pool *pool);

/**
 * Store the statistics of @lane in *@stats, of which @stats->size bytes are
 * written. Members that this version of the library does not know are set to 0.
 * Returns 0.
 *
 * Thread:  any that holds a reference.
 * Errors:  ROTA_EINVAL  @lane is not a lane, @stats is NULL, or its size is
 *                       smaller than in the first version: *@stats is unchanged
 */
int rota_pool_stats(struct rota_pool *pool, enum rota_lane lane,
		    struct rota_lane_stats *stats);

/**
 * Change the limits of @lane to @min_threads and @max_threads. Threads above
 * @max_threads end: those that sleep at once, others as soon as they have done
 * the jobs that they have taken, which are at most 32.
 * Threads above @min_threads end when they have been idle for the pool's
 * idle_ns, counted from now for those that sleep. If jobs wait and @max_threads
 * is more than there are threads, others are started, as when a job is
 * submitted. Returns 0.
 *
 * Whether a lane has threads at all is decided when the pool is made, because
 * the jobs of a lane without threads are each loop's own.
 *
 * Thread:  any that holds a reference.
 * Errors:  ROTA_EINVAL   @lane is not a lane, or @min_threads is more than
 *                        @max_threads
 *          ROTA_ENOTSUP  @max_threads is 0, or the lane was made with 0
 *          After either nothing has changed.
 */
int rota_pool_set_lane(struct rota_pool *pool, enum rota_lane lane,
		       unsigned min_threads, unsigned max_threads);

/**
 * Does the job of @work. Returns 0 or an error, with which the
 * rota_work_done_fn is then called. It may use the struct around @work. Of the
 * library it may call only what any thread may call.
 *
 * Thread:  one of the lane. All signals are blocked in it, except for those
 *          that a fault of its own raises (SIGSEGV, SIGBUS, SIGFPE, SIGILL,
 *          SIGTRAP). The loop's, in the pending phase, if the lane has no
 *          threads.
 */
typedef int rota_work_fn(struct rota_work *work);

/**
 * Called when @work has completed. @status is what its rota_work_fn returned,
 * or ROTA_ECANCELED, or ROTA_ETIMEDOUT, or ROTA_EAGAIN if the lane has no
 * thread and none could be started. In a forked child it is ROTA_ECANCELED for
 * work that was queued before the fork. The callback may free @work, or queue
 * it again.
 *
 * Phase:   poll, or pending: see rota_work_queue().
 * Thread:  the loop's.
 */
typedef void rota_work_done_fn(struct rota_work *work, int status);

/** A job in a lane, as requests contain it. Private to the library. */
struct rotai_item {
	struct rota_link link;
	void (*run)(struct rotai_item *item);
	void (*ended)(struct rotai_item *item, int error);
	struct rotai_pool_client *client; /* of the loop */
	struct rotai_item **slot;         /* a thread has taken it there */
	uint8_t lane;
	uint8_t state;
	uint8_t canceled;
	uint8_t flags;
	uint32_t since; /* when it was submitted, in units of 1024 ns */
};

/** An item that waits for a job that others may wait for as well, such as a
 * name lookup. Private to the library. */
struct rotai_waiter {
	struct rotai_item item;
	struct rotai_shared_job *job;
};

/**
 * A job for a pool, as a request.
 *
 * Owner:   the caller, who keeps it alive and in place until the callback
 *          begins.
 */
struct rota_work {
	struct rota_request request;
	struct {
		struct rotai_item item;
		rota_work_fn *fn;
		rota_work_done_fn *done;
		struct rotai_detached *detached; /* or NULL */
		struct rota_serial *serial;      /* or NULL */
		int status;
		int late; /* its deadline passed while a thread worked on it */
	} internal;       /* private to the library: do not read or write */
};

/** A job that uses only memory of its own, so that neither the loop nor the
 * program has to wait for it. Set all members. */
struct rota_detachable {
	/** Does the job, as a rota_work_fn does. Returns 0 or an error. */
	int (*run)(void *context);

	/** Frees @context, if the library owns it in the end: see
	 * rota_work_queue_detachable(). It must not call the library. */
	void (*discard)(void *context);

	void *context;
};

/**
 * A queue of jobs that run one after another, in the order in which they were
 * queued, each on any thread of a lane: for what only one thread may use at a
 * time, such as a connection to an embedded database. No thread waits for a
 * job's turn. A program may have many: on a system of 64 bits a queue takes 56
 * bytes, and owns nothing.
 *
 * A queue belongs to one loop. In its lane it competes with other jobs and
 * queues job by job: when one of its jobs is done, the next one goes to the end
 * of the lane. What a job has written, the next one sees.
 *
 * Owner:   the caller, who keeps it alive and in place until the callbacks of
 *          all its jobs have begun. It need not be closed.
 */
struct rota_serial {
	void *data; /* for the caller */
	struct {
		struct rota_loop *loop;
		struct rotai_item *head;  /* in the lane, or being run */
		struct rota_link waiting; /* those behind it */
		uint64_t in_flight;       /* jobs not called back yet */
		uint8_t lane;
		uint8_t closed;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @work for use on @loop.
 *
 * Thread:  the loop's.
 */
void rota_work_init(struct rota_work *work, struct rota_loop *loop);

/**
 * Call @fn in a thread of @lane, and then @done in the loop's thread. Jobs that
 * a callback queues are submitted to the threads when the callback and its
 * ticks have ended. The jobs of a lane are begun in the order in which they
 * were submitted. Only if a thread is held up, other threads may begin jobs
 * that waited behind it, in another order. Returns 0.
 *
 * &work->request can be cancelled and can have a deadline. If no thread has
 * begun the job, it completes at once. Otherwise rota_work_canceled() returns 1
 * in the thread, and the job goes on. If its deadline passes while the thread
 * is working on it, the status is ROTA_ETIMEDOUT, whatever @fn returns.
 *
 * Phase:   @done runs in the poll phase. It runs in the pending phase if the
 *          job was cancelled or timed out before a thread began it; if more
 *          jobs completed than one turn calls back
 *          (ROTA_POOL_COMPLETIONS_PER_TURN); or if the lane has no threads:
 *          then @fn runs there, too.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn or @done is NULL, or @lane is not a lane
 *          ROTA_EBUSY      @work is queued or running
 *          ROTA_ENOMEM     only with the loop's first job
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed, and neither function is
 *          called.
 */
int rota_work_queue(struct rota_work *work, enum rota_lane lane,
		    rota_work_fn *fn, rota_work_done_fn *done);

/**
 * As rota_work_queue(), with a job that a cancel or a deadline completes at
 * once, even while a thread is working on it. The thread then finishes the job
 * without the loop, which can be closed.
 *
 * The status that @done is called with says who owns the context from then on.
 * With ROTA_ECANCELED, ROTA_ETIMEDOUT or ROTA_EAGAIN the library owns it. It
 * calls @how->discard once, on any thread, before or after @done, when no
 * thread is working on the job any more. With any other status the caller owns
 * it, and @how->discard is not called. It is the same if @how->run returns one
 * of the three codes: a job that passes on the -EAGAIN of read(2), say, loses
 * its context.
 *
 * In a forked child @how->discard is not called for jobs that a thread had
 * taken when the process forked: they may be half done, and no thread there
 * finishes them.
 *
 * Phase:   as rota_work_queue()
 * Thread:  the loop's.
 * Owner:   *@how is copied. The library owns its context until @done is called.
 * Errors:  ROTA_EINVAL  also if @how or a function of it is NULL
 *          ROTA_ENOMEM  at any time
 *          else as rota_work_queue()
 *          After any of them the context is still the caller's, and
 *          @how->discard is not called.
 */
int rota_work_queue_detachable(struct rota_work *work, enum rota_lane lane,
			       const struct rota_detachable *how,
			       rota_work_done_fn *done);

/**
 * Set the priority of @request, which is that of a struct rota_work or of a
 * struct rota_fs at rest, for what it is used for from now on, until its struct
 * is initialized again. At first it is ROTA_PRIORITY_NORMAL. Returns 0.
 *
 * A job begins before all jobs of lower priority that wait in its lane. But
 * none waits forever: the next job of a priority begins at the latest when
 * ROTA_PRIORITY_PATIENCE jobs of higher priority have begun while it was the
 * next. If both lower priorities are due, ROTA_PRIORITY_LOW is first. A job of
 * high priority also goes before jobs that a thread has taken together and not
 * begun; these may then begin in another order than they were submitted in. A
 * job that has begun is not interrupted. In a lane without threads priorities
 * make no difference. The jobs of a rota_serial stay in their order, and the
 * first one competes with its own priority.
 *
 * Jobs of high and low priority are handed over one by one, under a lock. Those
 * of normal priority cost the same with and without priorities.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @priority is not a priority
 *          ROTA_EBUSY   @request is in flight
 *          After either nothing has changed.
 */
int rota_request_set_priority(struct rota_request *request,
			      enum rota_priority priority);

/**
 * Initialize @serial, for jobs that threads of @lane run and @loop calls back.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @serial or @loop is NULL, or @lane is not a lane
 */
int rota_serial_init(struct rota_serial *serial, struct rota_loop *loop,
		     enum rota_lane lane);

/**
 * Queue @work behind the jobs of @serial. Otherwise as rota_work_queue(). The
 * first job of a queue is submitted at the end of the callback; those behind it
 * are each submitted when the one before has ended, was cancelled or could not
 * be run.
 *
 * Phase:   as rota_work_queue()
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @serial, @fn or @done is NULL, or @work is not of
 *                          the loop of @serial
 *          ROTA_ESHUTDOWN  also if @serial is closed
 *          else as rota_work_queue()
 *          After any of them nothing has changed, and neither function is
 *          called.
 */
int rota_serial_queue(struct rota_serial *serial, struct rota_work *work,
		      rota_work_fn *fn, rota_work_done_fn *done);

/**
 * Cancel all jobs of @serial that no thread has begun: their callbacks run with
 * ROTA_ECANCELED. In the job that a thread is working on, if any,
 * rota_work_canceled() returns 1 from now on. The queue can still be used.
 * Returns how many jobs were cancelled.
 *
 * Phase:   the callbacks run in the pending phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @serial is NULL
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 */
int64_t rota_serial_cancel(struct rota_serial *serial);

/**
 * Close @serial: no more jobs can be queued. Those that are queued run, and are
 * called back. So a queue ends by a last job, which closes a database, say:
 *
 *     rota_serial_cancel(&serial);        only if the rest is not needed
 *     rota_serial_queue(&serial, &last, close_database, on_database_closed);
 *     rota_serial_close(&serial);
 *
 * To close a queue twice does nothing. rota_serial_init() opens it again.
 *
 * Thread:  the loop's.
 */
void rota_serial_close(struct rota_serial *serial);

/**
 * Return how many jobs of @serial were queued and have not been called back. If
 * there are none, its memory may be freed.
 *
 * Thread:  the loop's.
 */
uint64_t rota_serial_count(const struct rota_serial *serial);

/**
 * Return 1 if the job that this thread is working on was cancelled, or its
 * deadline has passed; 0 if not, and in threads that are working on none.
 *
 * Thread:  any.
 */
int rota_work_canceled(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
