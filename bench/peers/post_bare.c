/*
 * post_bare.c - an eventfd by hand: the minimum of work.
 *
 * The loop announces that it is about to sleep, and only then a write wakes it.
 * A post is a push onto a stack, which the loop takes whole and reverses. Or it
 * is a flag for each producer, which the loop checks.
 *
 *   1. A sender reads its flag with an exchange, though a plain read would show
 *      that it is set. So the callback sees what the sender wrote before.
 *   2. The eventfd is edge-triggered and never read: each write is an edge.
 *   3. A task of the second kind of stack may be posted at any time by any
 *      thread, and the post fails if the task is already queued. That is the
 *      promise of rota_task_post(). It takes an exchange on both sides, and is
 *      a function call, as a library's function would be.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peers/post.h"
#include "support/bench.h"

struct set;

struct task {
	struct task *next;
	void (*fn)(struct task *task);
	struct set *set;
	atomic_int claimed; /* (3) */
};

struct flag {
	_Alignas(64) atomic_int is_set;
};

struct set {
	struct post_load load;
	int epoll;
	int wake;
	int stopped;
	struct task *tasks; /* the first producer's come first */
	_Alignas(64) _Atomic(struct task *) head;
	_Alignas(64) atomic_int asleep; /* only used with flags */
	struct flag flags[POST_PRODUCERS];
};

static struct task sleeping; /* the stack is empty, and the loop sleeps */

static struct set *set_new(const struct post_load *load)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct set *set = aligned_alloc(64, sizeof(*set));

	*set = (struct set){ .load = *load };
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	set->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll_ctl(set->epoll, EPOLL_CTL_ADD, set->wake, &event))
		bench_fail("epoll_ctl");
	return set;
}

static void wake(struct set *set)
{
	uint64_t one = 1;

	if (write(set->wake, &one, sizeof(one)) < 0)
		bench_fail("write");
}

static void sleep_until_woken(struct set *set)
{
	struct epoll_event event;

	epoll_wait(set->epoll, &event, 1, -1);
}

static void on_task(struct task *task)
{
	struct set *set = task->set;

	set->load.arrived(set->load.arg);
}

static void *make_tasks(const struct post_load *load)
{
	size_t count = load->producers * load->tasks;
	struct set *set = set_new(load);

	set->tasks = calloc(count, sizeof(*set->tasks));
	for (size_t i = 0; i < count; i++)
		set->tasks[i].set = set;
	return set;
}

static void push(struct set *set, struct task *task)
{
	struct task *head =
		atomic_load_explicit(&set->head, memory_order_relaxed);

	task->fn = on_task;
	do {
		task->next = head == &sleeping ? NULL : head;
	} while (!atomic_compare_exchange_weak_explicit(&set->head, &head, task,
							memory_order_release,
							memory_order_relaxed));
	if (head == &sleeping)
		wake(set);
}

static void post_tasks(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;
	struct task *tasks = set->tasks + producer * set->load.tasks;

	for (size_t i = 0; i < count; i++)
		push(set, &tasks[i]);
}

/* Take everything that was pushed, and return it oldest first. */
static struct task *take(struct set *set)
{
	struct task *at = atomic_exchange(&set->head, NULL);
	struct task *first = NULL;

	while (at && at != &sleeping) {
		struct task *below = at->next;

		at->next = first;
		first = at;
		at = below;
	}
	return first;
}

static void run_tasks(void *arg)
{
	struct set *set = arg;

	for (set->stopped = 0; !set->stopped;) {
		struct task *task = take(set);
		struct task *empty = NULL;

		if (!task && atomic_compare_exchange_strong(&set->head, &empty,
							    &sleeping))
			sleep_until_woken(set);
		while (task) {
			struct task *next = task->next;

			task->fn(task);
			task = next;
		}
	}
}

/* Returns whether @task was not queued. (3) */
static __attribute__((noinline)) bool
post_claimed(struct task *task, void (*fn)(struct task *task))
{
	struct set *set = task->set;
	struct task *head;

	if (atomic_exchange(&task->claimed, 1))
		return false;
	head = atomic_load_explicit(&set->head, memory_order_relaxed);
	task->fn = fn;
	do {
		task->next = head == &sleeping ? NULL : head;
	} while (!atomic_compare_exchange_weak_explicit(&set->head, &head, task,
							memory_order_release,
							memory_order_relaxed));
	if (head == &sleeping)
		wake(set);
	return true;
}

static void post_tasks_claimed(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;
	struct task *tasks = set->tasks + producer * set->load.tasks;

	for (size_t i = 0; i < count; i++) {
		if (!post_claimed(&tasks[i], on_task))
			bench_fail("a task is queued");
	}
}

static void run_tasks_claimed(void *arg)
{
	struct set *set = arg;

	for (set->stopped = 0; !set->stopped;) {
		struct task *task = take(set);
		struct task *empty = NULL;

		if (!task && atomic_compare_exchange_strong(&set->head, &empty,
							    &sleeping))
			sleep_until_woken(set);
		while (task) {
			struct task *next = task->next;
			void (*fn)(struct task * task) = task->fn;

			atomic_exchange(&task->claimed, 0);
			fn(task);
			task = next;
		}
	}
}

static void *make_flags(const struct post_load *load)
{
	return set_new(load);
}

static void send_flags(void *arg, size_t producer, size_t count)
{
	struct set *set = arg;

	for (size_t i = 0; i < count; i++) {
		if (!atomic_exchange(&set->flags[producer].is_set,
				     1) && /* (1) */
		    atomic_load(&set->asleep) &&
		    atomic_exchange(&set->asleep, 0))
			wake(set);
	}
}

/* Returns how many producers' flags were set. */
static size_t call_flags(struct set *set)
{
	size_t calls = 0;

	for (size_t i = 0; i < set->load.producers; i++) {
		atomic_int *flag = &set->flags[i].is_set;

		if (!atomic_load(flag))
			continue;
		atomic_exchange(flag, 0);
		set->load.arrived(set->load.arg);
		calls++;
	}
	return calls;
}

static void run_flags(void *arg)
{
	struct set *set = arg;

	for (set->stopped = 0; !set->stopped;) {
		if (call_flags(set))
			continue;
		atomic_store(&set->asleep, 1);
		if (!call_flags(set))
			sleep_until_woken(set);
		atomic_store(&set->asleep, 0);
	}
}

static void set_stop(void *arg)
{
	struct set *set = arg;

	set->stopped = 1;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	close(set->wake);
	close(set->epoll);
	free(set->tasks);
	free(set);
}

const struct post_peer post_stack = {
	"limit: stack, eventfd",
	make_tasks,
	post_tasks,
	run_tasks,
	set_stop,
	set_free,
};

const struct post_peer post_stack_claimed = {
	"limit: stack with a claim, eventfd",
	make_tasks,
	post_tasks_claimed,
	run_tasks_claimed,
	set_stop,
	set_free,
};

const struct post_peer post_flag = {
	"limit: flag, eventfd",
	make_flags,
	send_flags,
	run_flags,
	set_stop,
	set_free,
};
