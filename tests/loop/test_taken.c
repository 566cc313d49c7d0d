/*
 * A phase takes its whole queue as it begins (T8). Whatever its own callbacks
 * add to it runs in the next turn.
 */
#include "support/fixture.h"

#include <unistd.h>

struct pair {
	struct fixture *f;
	struct rota_hook hook;
	struct rota_hook other;
	struct rota_task task;
	struct rota_watch watch;
	unsigned calls;
};

static void count_hook(struct rota_hook *hook)
{
	struct pair *p = hook->data;

	p->calls++;
}

static void count_task(struct rota_task *task)
{
	struct pair *p = task->data;

	p->calls++;
}

static void start_prepare(struct rota_hook *hook)
{
	struct pair *p = hook->data;

	assert_int_equal(
		rota_hook_start(&p->other, count_hook, ROTA_HOOK_PREPARE), 0);
}

static void queue_immediate(struct rota_hook *hook)
{
	struct pair *p = hook->data;

	(void)rota_task_immediate(&p->task, count_task);
}

static void post(struct rota_watch *watch, unsigned events)
{
	struct pair *p = watch->data;

	(void)events;
	assert_int_equal(rota_task_post(&p->task, count_task), 0);
	rota_watch_stop(watch);
}

static void begin(struct pair *p, struct fixture *f, int fd)
{
	*p = (struct pair){ .f = f };
	rota_hook_init(&p->hook, f->loop);
	rota_hook_init(&p->other, f->loop);
	rota_task_init(&p->task, f->loop);
	rota_watch_init(&p->watch, f->loop, fd);
	p->hook.data = p;
	p->other.data = p;
	p->task.data = p;
	p->watch.data = p;
}

static void turn(struct pair *p)
{
	assert_true(rota_loop_run(p->f->loop, ROTA_RUN_NOWAIT) >= 0);
}

/* T8: idle and prepare hooks share a phase. */
static void a_prepare_hook_started_by_an_idle_hook_waits(void **state)
{
	struct pair p;

	begin(&p, *state, -1);
	rota_hook_start(&p.hook, start_prepare, ROTA_HOOK_IDLE);

	turn(&p);
	assert_int_equal(p.calls, 0);
	turn(&p);
	assert_int_equal(p.calls, 1);
	turn(&p);
	assert_int_equal(p.calls, 2);

	rota_hook_stop(&p.hook);
	rota_hook_stop(&p.other);
}

/* T8: the same is true of check hooks and immediates. */
static void an_immediate_queued_by_a_check_hook_waits(void **state)
{
	struct pair p;

	begin(&p, *state, -1);
	rota_hook_start(&p.hook, queue_immediate, ROTA_HOOK_CHECK);

	turn(&p);
	assert_int_equal(p.calls, 0);
	turn(&p);
	assert_int_equal(p.calls, 1);

	rota_hook_stop(&p.hook);
}

/* T8: and of events of the kernel and posts. A post that was made before the
 * first event was called still runs in this turn. */
static void a_post_made_by_a_watch_waits(void **state)
{
	struct fixture *f = *state;
	struct pair p;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	begin(&p, f, fds[0]);
	rota_watch_start(&p.watch, post, ROTA_READABLE);

	turn(&p);
	assert_int_equal(p.calls, 0);
	turn(&p);
	assert_int_equal(p.calls, 1);

	close(fds[0]);
	close(fds[1]);
}

/* T8: a task that waits for the next turn can be cancelled. */
static void an_immediate_that_waits_can_be_cancelled(void **state)
{
	struct pair p;

	begin(&p, *state, -1);
	rota_hook_start(&p.hook, queue_immediate, ROTA_HOOK_CHECK);

	turn(&p);
	assert_int_equal(rota_task_cancel(&p.task), 0);
	rota_hook_stop(&p.hook);
	turn(&p);

	assert_int_equal(p.calls, 0);
	assert_int_equal(rota_task_cancel(&p.task), ROTA_ENOENT);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_prepare_hook_started_by_an_idle_hook_waits),
	VIRTUAL(an_immediate_queued_by_a_check_hook_waits),
	VIRTUAL(an_immediate_that_waits_can_be_cancelled),
	REAL(a_post_made_by_a_watch_waits),
};

FIXTURE_MAIN(tests)
