/*
 * tests/support/world.h - nodes of every kind that do random things in their
 * callbacks, and a model of which of them may be called and which must be.
 *
 * For each node, the model stores whether it is started, since when, and when
 * it is due. world.c checks every callback against it; world_nodes.c starts and
 * stops nodes in both.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "fixture.h"

enum kind { TIMER, TASK, HOOK, ASYNC, WATCH, QUICK, KINDS };
enum queue { NONE, TICK, MICRO, IMMEDIATE, POSTED };
enum { EACH = 6, NODES = KINDS * EACH, SLOTS = 3 };

struct world;
struct node;

/* The argument of a quick timer. */
struct quick {
	struct node *node;
};

struct slot {
	int fds[2];       /* the watched one, and its peer */
	unsigned bytes;   /* unread at the watched one */
	int hung_up;      /* the peer is closed */
	uint64_t emptied; /* the last turn in which it was readable */
	uint64_t changed; /* the turn in which anything changed */
};

struct node {
	struct world *w;
	enum kind kind;
	union {
		void *memory;
		struct rota_timer *timer;
		struct rota_task *task;
		struct rota_hook *hook;
		struct rota_async *async;
		struct rota_watch *watch;
		struct quick *quick;
	};
	int active;
	int unreferenced;
	uint64_t order;  /* its position in its queue; 0: not known */
	uint64_t since;  /* the turn in which it was started */
	uint64_t called; /* the last turn that called it */

	uint64_t due_ns, period_ns; /* a timer's; period 0: once */
	enum rota_repeat repeat;
	enum queue queue; /* a task's, or an async's that was sent */
	enum rota_hook_kind hook_kind;
	struct slot *slot; /* a watch's */
	unsigned events;
	uint64_t id; /* a quick timer's */
};

struct world {
	struct fixture *f;
	struct rota_loop *loop;
	uint64_t seed;
	uint64_t order;
	uint64_t turn;         /* of the last callback, */
	enum rota_phase phase; /* and its phase */
	uint64_t boundary;     /* the order as that phase began */
	unsigned depth;        /* of callbacks */
	unsigned calls;
	unsigned left; /* operations */
	int stopped;   /* the next run must return at once */
	int spare;     /* a descriptor to keep a number in use */
	int in_microtasks;
	uint64_t micro_boundary;
	void (*operate)(struct world *w); /* do one thing, also in a callback */
	uint64_t last_due, last_order, last_timer_turn;
	struct node nodes[NODES];
	struct slot slots[SLOTS];
};

uint64_t below(struct world *w, uint64_t bound);

/* What the model expects of rota_loop_alive(), and whether ROTA_EBUSY is
 * due. */
int model_alive(const struct world *w);
int model_open(const struct world *w);
int is_readable(const struct slot *slot);

/* After a turn: check that everything that had to be called in it was
 * called. */
void expect_complete(const struct world *w);

/* The callbacks. */
void on_timer(struct rota_timer *timer);
void on_task(struct rota_task *task);
void on_async(struct rota_async *async);
void on_hook(struct rota_hook *hook);
void on_watch(struct rota_watch *watch, unsigned events);
void on_quick(void *arg);

/* Make a node of its kind, in memory of its own. */
void node_make(struct node *n);
void node_start(struct node *n);
void node_stop(struct node *n);
void node_flip_reference(struct node *n);

/* The number of the current turn, or of the last one. */
uint64_t turn_now(const struct world *w);

#endif
