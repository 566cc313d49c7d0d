/*
 * tests/support/recorder.h - a record of who was called, and in which order.
 *
 * An actor has a name and a node of each kind. When one of its nodes calls
 * back, the name is recorded, and then the actor runs the function that the
 * test has set:
 *
 *     actor_init(&a, &r, "a");
 *     a.then = stop_other_timer;
 *     actor_timer(&a, ROTA_MSEC(5));
 *     ...
 *     assert_string_equal(recorder_take(&r), "a b c");
 */
#ifndef TESTS_SUPPORT_RECORDER_H
#define TESTS_SUPPORT_RECORDER_H

#include "fixture.h"

struct recorder {
	struct rota_loop *loop;
	struct rota_tracer tracer;
	uint64_t start_ns; /* the loop's time when the recorder began */
	int times;         /* record "a@10": at 10 ms after start_ns */
	size_t size;
	char text[4096];
};

struct actor {
	struct recorder *recorder;
	const char *name;
	void (*then)(struct actor *actor); /* NULL: only record */
	struct actor *other;               /* for use by @then */
	uint64_t number;                   /* for use by @then */
	unsigned calls;
	struct rota_timer timer;
	struct rota_task task;
	struct rota_hook hook;
	struct rota_async async;
	struct rota_watch watch;
};

void recorder_init(struct recorder *r, struct rota_loop *loop);
void record(struct recorder *r, const char *name);

/* Return what was recorded since the last time: names with a space between.
 * Valid until the next record. */
const char *recorder_take(struct recorder *r);

/* From now on record the phases too: "timers: a b pending: prepare: c ...". */
void recorder_trace(struct recorder *r);

void actor_init(struct actor *a, struct recorder *r, const char *name);

/* Start or queue a node of the actor. They fail the test if that fails. */
void actor_timer(struct actor *a, uint64_t delay_ns);
void actor_timer_at(struct actor *a, uint64_t due_ns);
void actor_every(struct actor *a, uint64_t period_ns, enum rota_repeat repeat);
void actor_tick(struct actor *a);
void actor_microtask(struct actor *a);
void actor_immediate(struct actor *a);
void actor_post(struct actor *a);
void actor_hook(struct actor *a, enum rota_hook_kind kind);
void actor_async(struct actor *a);
void actor_watch(struct actor *a, int fd, unsigned events);

/* The callbacks of these nodes, for tests that start a node by hand. */
void actor_on_timer(struct rota_timer *timer);
void actor_on_task(struct rota_task *task);
void actor_on_hook(struct rota_hook *hook);
void actor_on_async(struct rota_async *async);
void actor_on_watch(struct rota_watch *watch, unsigned events);

#endif
