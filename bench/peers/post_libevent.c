/*
 * post_libevent.c - event_active(), which other threads may call after
 * evthread_use_pthreads() has given each base a lock: with one event and a
 * queue, with an event for each post, and with one event alone; and
 * event_base_once(), which allocates.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <stdlib.h>

#include "peers/libevent.h"
#include "peers/post.h"
#include "peers/post_queue.h"
#include "support/bench.h"

struct set {
	struct post_load load;
	struct event_base *base;
	size_t count;
	struct event *events; /* the first producer's come first */
	struct post_queue queue;
	struct post_job *jobs;
};

static struct set *set_new(const struct post_load *load, size_t events,
			   event_callback_fn fn)
{
	struct set *set = calloc(1, sizeof(*set));

	libevent_check();
	if (evthread_use_pthreads())
		bench_fail("evthread_use_pthreads");
	set->load = *load;
	set->base = event_base_new();
	if (!set->base)
		bench_fail("event_base_new");
	set->count = events;
	set->events = calloc(events + 1, sizeof(*set->events));
	for (size_t i = 0; i < events; i++)
		event_assign(&set->events[i], set->base, -1, 0, fn, set);
	return set;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct set *set = arg;

	(void)fd;
	(void)what;
	set->load.arrived(set->load.arg);
}

static void *make_events(const struct post_load *load)
{
	return set_new(load, load->producers * load->tasks, on_event);
}

static void post_events(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;
	struct event *events = set->events + producer * set->load.tasks;

	for (size_t i = 0; i < count; i++)
		event_active(&events[i], EV_READ, 1);
}

static void *make_once(const struct post_load *load)
{
	return set_new(load, 0, on_event);
}

static void post_once(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;

	(void)producer;
	for (size_t i = 0; i < count; i++) {
		if (event_base_once(set->base, -1, EV_TIMEOUT, on_event, set,
				    NULL))
			bench_fail("event_base_once");
	}
}

static void on_job(struct post_job *job)
{
	struct set *set = job->data;

	set->load.arrived(set->load.arg);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct set *set = arg;

	(void)fd;
	(void)what;
	post_queue_run(&set->queue);
}

static void *make_jobs(const struct post_load *load)
{
	struct set *set = set_new(load, 1, on_wake);

	set->jobs = post_queue_init(&set->queue, load->producers * load->tasks,
				    set);
	return set;
}

static void post_jobs(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;
	struct post_job *jobs = set->jobs + producer * set->load.tasks;

	for (size_t i = 0; i < count; i++) {
		if (post_queue_put(&set->queue, &jobs[i], on_job))
			event_active(&set->events[0], EV_READ, 1);
	}
}

static void *make_asyncs(const struct post_load *load)
{
	return set_new(load, load->producers, on_event);
}

static void send_asyncs(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;

	for (size_t i = 0; i < count; i++)
		event_active(&set->events[producer], EV_READ, 1);
}

static void set_run(void *arg)
{
	struct set *set = arg;

	if (event_base_loop(set->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
		bench_fail("event_base_loop");
}

static void set_stop(void *arg)
{
	struct set *set = arg;

	event_base_loopbreak(set->base);
}

static void set_free(void *arg)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->count; i++)
		event_del(&set->events[i]);
	event_base_free(set->base);
	if (set->jobs)
		post_queue_free(&set->queue, set->jobs);
	free(set->events);
	free(set);
}

const struct post_peer post_libevent_queue = {
	"libevent, queue, event_active",
	make_jobs,
	post_jobs,
	set_run,
	set_stop,
	set_free,
};

const struct post_peer post_libevent_event = {
	"libevent, event_active of one each",
	make_events,
	post_events,
	set_run,
	set_stop,
	set_free,
};

const struct post_peer post_libevent_once = {
	"libevent, event_base_once",
	make_once,
	post_once,
	set_run,
	set_stop,
	set_free,
};

const struct post_peer post_libevent_async = {
	"libevent, event_active",
	make_asyncs,
	send_asyncs,
	set_run,
	set_stop,
	set_free,
};
