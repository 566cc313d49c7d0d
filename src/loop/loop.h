/*
 * loop/loop.h - struct rota_loop, which the files of this module share.
 */
#ifndef ROTAI_LOOP_LOOP_H
#define ROTAI_LOOP_LOOP_H

#include <pthread.h>

#include "backend/poller.h"
#include "base/assert.h"
#include "base/counted.h"
#include "base/fork.h"
#include "base/list.h"
#include "base/registry.h"
#include "base/spin.h"
#include "base/thread.h"
#include "loop/extension.h"
#include "loop/inbox.h"
#include "loop/queue.h"
#include "loop/quick.h"
#include "loop/watch.h"
#include "loop/wheel.h"
#include "rota/error.h"
#include "rota/hook.h"
#include "rota/loop.h"
#include "rota/object.h"
#include "rota/observe.h"
#include "rota/timer.h"

/* How far a turn goes, and whether it may sleep. */
enum rotai_turn_kind {
	ROTAI_TURN_SLEEPS,
	ROTAI_TURN_NOWAIT,
	ROTAI_TURN_ONCE,      /* sleeps, unless a callback has run */
	ROTAI_TURN_ONCE_MORE, /* and ends after its timers, if any ran */
};

/* In run_flags, next to the user's flags: ROTA_RUN_NO_TIMERS, ... */
enum { ROTAI_RUN_NOWAIT = 1 << 7 };

/* What is unusual about waits. */
enum {
	ROTAI_WAIT_UNLOCKED = 1 << 0, /* the program's lock is released */
	ROTAI_WAIT_STUCK = 1 << 1,    /* see renew.c */
	ROTAI_WAIT_HURRIES = 1 << 2,  /* extensions_pending: wait.c (7) */
};

/* What the end of a callback has to do: see rotai_callback_end(). */
enum {
	ROTAI_AFTER_TICKS = 1 << 0, /* run ticks and microtasks */
	ROTAI_AFTER_EXTENSIONS = 1 << 1,
};

/*
 * Every file may rely on this:
 *  1. alive counts what keeps the loop alive (L1): nodes that are started and
 *     referenced, queued tasks that are referenced, requests in flight or not
 *     yet called back, handles that are active and referenced, and handles that
 *     are closing. It does not count the inbox: what other threads post counts
 *     once the loop has taken it over.
 *  2. open counts what keeps the loop from being closed (O5): the same,
 *     referenced or not, and every handle that is not closed.
 *  3. calls is incremented by every callback that returns.
 */
struct rota_loop {
	/* What every callback uses. */
	struct rotai_poller *poller;
	struct rotai_watches watches;
	uint64_t now_ns;
	uint64_t calls;
	uint64_t hook_calls; /* of hooks; they do not end ROTA_RUN_ONCE */
	struct rota_tracer *tracer;
	enum rota_phase phase;
	uint8_t after;          /* what the end of a callback has to do */
	uint8_t drain_deferred; /* ticks wait for the next pending phase */
	uint8_t stopping;       /* rota_loop_stop() was called */
	uint8_t running;        /* inside run or shutdown, by thread */
	uint8_t more_ready;     /* the last turn left events behind */
	uint8_t measure;
	uint8_t observed; /* measured or traced: report phases */
	uint8_t shutting_down;
	uint8_t extensions_pending; /* one is due in the pending phase */
	uint8_t extensions_after;   /* those due after a callback, by kind */
	uint8_t is_unlocked;        /* other threads may call: wait.c (5) */
	uint8_t cut;        /* the last turn ended with its timers phase (T3) */
	uint8_t skip_sleep; /* the next wait does not sleep */
	uint8_t run_flags;  /* of the current run */
	uint8_t wait_flags; /* ROTAI_WAIT_* */
	uint64_t alive;
	uint64_t open;

	/* The queues. Those named taken are being walked. */
	struct rotai_queue ticks;
	struct rotai_queue microtasks;
	struct rotai_queue immediates;
	struct rotai_queue posts;
	struct rotai_queue taken;
	struct rota_link hooks[ROTA_HOOK_KIND_COUNT]; /* by kind */
	struct rota_link *hook_next; /* next in the walk over one of these */
	struct rota_link asyncs;
	struct rota_link due; /* timers, in the order of their calls */
	struct rota_link due_next_turn;
	struct rota_timer *timer_called;
	struct rota_link requests; /* in flight */
	struct rota_link ended;    /* requests, for the next pending phase */
	struct rota_link ended_taken;
	struct rota_link handles; /* open */
	struct rota_link
		closing_held; /* handles whose requests have not ended */
	struct rota_link closing_taken;
	struct rota_link closing_ended_taken;
	struct rota_link closing; /* handles whose requests have all ended */
	struct rota_link closing_ended; /* requests of closing handles */
	uint64_t tick_budget;

	/* Time. */
	uint64_t (*clock)(struct rota_loop *loop);
	uint64_t virtual_ns;      /* the time, if the clock is virtual */
	uint64_t virtual_wall_ns; /* to add for the wall clock; may wrap */
	uint64_t at_threads;      /* pool jobs that hold a virtual clock */
	unsigned busy_turns;      /* in a row: see wait.c (6) */
	uint64_t timers_now_ns;   /* the timers phase uses this time */
	uint64_t special_ns;      /* timer.c (5) */
	uint64_t timer_order;     /* of the next timer that is started */
	uint64_t calls_at_now;    /* calls when now_ns was read */
	uint64_t calls_at_phase;  /* calls when the phase began */
	uint64_t cut_turns;       /* turns that ended with their timers phase */
	uint64_t event_turns;     /* poll phases outside turns */
	uint64_t switched_ns;     /* when the phase began, if it is measured */
	uint64_t real_limit_ns;   /* a shutdown's end, on the system's clock */

	pthread_t thread;
	struct rotai_quick quick;
	struct rota_stats stats;
	void *data;
	struct rotai_extension *extensions[ROTAI_EXTENSION_COUNT]; /* or NULL */
	struct rotai_spinner *spin; /* before a sleep; or NULL */
	rota_lock_fn *release;      /* before a wait; or NULL */
	rota_lock_fn *acquire;      /* after it */
	void *lock_arg;             /* argument of both */

	/* What other threads use has its own cache lines, after what only this
	 * thread writes. */
	struct rotai_inbox inbox __attribute__((aligned(64)));
	struct rotai_wheel wheel __attribute__((aligned(64)));

	/* What rota_loop_new() was given. */
	const struct rotai_poller_ops *ops;
	struct rota_allocator allocator;
	struct rota_pool *pool; /* or NULL: the process's default pool */
	size_t buffer_size;
	void *memory; /* the block in which this struct is aligned */
};

/* Make a loop on the caller's poller, as tests do. @clock NULL: as the options
 * say. Returns 0 or an error. */
int rotai_loop_new_on(struct rota_loop **loop,
		      const struct rota_loop_options *options,
		      const struct rotai_poller_ops *ops,
		      uint64_t (*clock)(struct rota_loop *loop));

/* The clock of a loop with ROTA_CLOCK_VIRTUAL. */
uint64_t rotai_loop_virtual_clock(struct rota_loop *loop);

/* Whether anything is open (2), including what is in the inbox. */
int rotai_loop_is_open(struct rota_loop *loop);

/* 0, or ROTA_ECHILD in a forked child that has not rebuilt the loop. (F2) */
static inline int rotai_loop_inherited(const struct rota_loop *loop)
{
	return ROTAI_LIKELY(loop->inbox.fork_generation ==
			    rotai_fork_generation)
		       ? 0
		       : ROTA_ECHILD;
}

/* 0, or the error of any attempt to start something on the loop now. */
static inline int rotai_loop_admits(const struct rota_loop *loop)
{
	if (ROTAI_LIKELY(loop->inbox.fork_generation == rotai_fork_generation &&
			 !loop->shutting_down))
		return 0;
	return rotai_loop_inherited(loop) < 0 ? ROTA_ECHILD : ROTA_ESHUTDOWN;
}

/* F1: whether the calling thread may use the loop now, as far as the loop can
 * know: the loop is not running, or this thread runs it, or the loop has
 * released its lock for a wait. If another thread has forked, the child may
 * call too, and gets error codes (F2). */
static inline int rotai_loop_is_on_thread(const struct rota_loop *loop)
{
	return !loop->running || loop->is_unlocked ||
	       pthread_equal(loop->thread, pthread_self()) ||
	       rotai_loop_inherited(loop) < 0;
}

/* Count, or stop counting, an object that keeps the loop open (2), and alive if
 * it is referenced (1). */
static inline void rotai_loop_hold(struct rota_loop *loop, int referenced)
{
	ROTA_CHECK(rotai_loop_is_on_thread(loop));
	loop->open++;
	if (ROTAI_LIKELY(referenced))
		loop->alive++;
}

static inline void rotai_loop_release(struct rota_loop *loop, int referenced)
{
	ROTA_CHECK(rotai_loop_is_on_thread(loop));
	ROTA_ASSERT(loop->open > 0 && loop->alive >= (unsigned)referenced);
	loop->open--;
	if (ROTAI_LIKELY(referenced))
		loop->alive--;
}

/* In the flags of a timer, a hook or a watch: it does not keep the loop alive
 * (L2). */
enum { ROTAI_UNREFERENCED = 1 << 0 };

static inline int rotai_flags_referenced(uint8_t flags)
{
	return !(flags & ROTAI_UNREFERENCED);
}

/* The same for a started object that @was referenced or not, and now @is or is
 * not. */
static inline void rotai_loop_exchange(struct rota_loop *loop, int was, int is)
{
	rotai_loop_release(loop, was);
	rotai_loop_hold(loop, is);
}

/* Set or clear ROTAI_UNREFERENCED in *@flags, of an object of @loop. */
static inline void rotai_flags_refer(uint8_t *flags, struct rota_loop *loop,
				     int is_started, int referenced)
{
	if (is_started)
		rotai_loop_exchange(loop, rotai_flags_referenced(*flags),
				    referenced);
	*flags &= (uint8_t)~ROTAI_UNREFERENCED;
	if (!referenced)
		*flags |= ROTAI_UNREFERENCED;
}

/* Read the clock into now_ns. (C2) */
static inline void rotai_loop_read_now(struct rota_loop *loop)
{
	loop->now_ns = loop->clock(loop);
	loop->calls_at_now = loop->calls;
}

#endif
