/*
 * Poll hooks, which run between the wait and the first callback of the poll
 * phase.
 */
#include "support/fixture.h"

#include <string.h>
#include <unistd.h>

#include "support/probe.h"

enum { READABLE = ROTA_READABLE };

struct order {
	struct rota_loop *loop;
	char text[64];
	struct rota_hook prepare, poll, poll_too, check;
	struct rota_task post;
	struct probe probe;
	int fds[2];
};

static void note(struct order *o, char letter)
{
	size_t at = strlen(o->text);

	assert_true(at + 1 < sizeof(o->text));
	o->text[at] = letter;
	o->text[at + 1] = '\0';
}

static void on_hook(struct rota_hook *hook)
{
	struct order *o = hook->data;

	if (hook == &o->prepare)
		note(o, 'p');
	else if (hook == &o->check)
		note(o, 'c');
	else
		note(o, hook == &o->poll ? 'h' : 'H');
	if (hook != &o->prepare)
		return;
	assert_int_equal(rota_loop_phase(o->loop), ROTA_PHASE_PREPARE);
}

static void on_post(struct rota_task *task)
{
	note(task->data, 't');
}

static void on_event(struct probe *probe)
{
	note(probe->arg, 'w');
}

static void order_begin(struct order *o, struct fixture *f)
{
	struct rota_hook *hooks[] = { &o->prepare, &o->poll, &o->poll_too,
				      &o->check };

	*o = (struct order){ .loop = f->loop };
	for (int i = 0; i < 4; i++) {
		rota_hook_init(hooks[i], f->loop);
		hooks[i]->data = o;
	}
	rota_task_init(&o->post, f->loop);
	o->post.data = o;
	make_pipe(o->fds);
	put_byte(o->fds[1]);
	probe_init(&o->probe, f, o->fds[0]);
	o->probe.act = on_event;
	o->probe.arg = o;
	probe_start(&o->probe, READABLE);
}

static void order_end(struct order *o)
{
	rota_hook_stop(&o->prepare);
	rota_hook_stop(&o->poll);
	rota_hook_stop(&o->poll_too);
	rota_hook_stop(&o->check);
	probe_stop(&o->probe);
	close(o->fds[0]);
	close(o->fds[1]);
}

/* T1, T7 */
static void it_runs_after_the_wait_before_any_callback(void **state)
{
	struct order o;

	order_begin(&o, *state);
	rota_hook_start(&o.check, on_hook, ROTA_HOOK_CHECK);
	rota_hook_start(&o.poll, on_hook, ROTA_HOOK_POLL);
	rota_hook_start(&o.poll_too, on_hook, ROTA_HOOK_POLL);
	rota_hook_start(&o.prepare, on_hook, ROTA_HOOK_PREPARE);
	rota_task_post(&o.post, on_post);

	turn(*state);
	turn(*state);

	assert_string_equal(o.text, "phHwtcphHwc");
	order_end(&o);
}

static void start_another(struct rota_hook *hook)
{
	struct order *o = hook->data;

	assert_int_equal(rota_loop_phase(o->loop), ROTA_PHASE_POLL);
	note(o, 'h');
	rota_hook_start(&o->poll_too, on_hook, ROTA_HOOK_POLL);
	rota_hook_stop(&o->poll);
	/* The wait has found an event of this watch. As it is stopped, the
	 * event is dropped. */
	probe_stop(&o->probe);
}

/* T8 */
static void one_that_it_starts_runs_in_the_next_turn(void **state)
{
	struct order o;

	order_begin(&o, *state);
	rota_hook_start(&o.poll, start_another, ROTA_HOOK_POLL);

	turn(*state);
	assert_string_equal(o.text, "h");
	turn(*state);

	assert_string_equal(o.text, "hH");
	order_end(&o);
}

static void count_dump(void *arg, const struct rota_dump_entry *entry)
{
	unsigned *found = arg;

	if (strcmp(entry->type, "hook") == 0 &&
	    strcmp(entry->name, "poll") == 0)
		++*found;
}

/* L4: a poll hook neither keeps the loop from sleeping nor ends
 * ROTA_RUN_ONCE. */
static void it_makes_no_turns(void **state)
{
	struct fixture *f = *state;
	unsigned found = 0;
	struct order o;

	order_begin(&o, f);
	probe_stop(&o.probe);
	rota_hook_start(&o.poll, on_hook, ROTA_HOOK_POLL);
	rota_loop_dump(f->loop, count_dump, &found);

	assert_in_range(waits_within(f, 5), 1, 8);
	assert_int_equal(found, 1);
	order_end(&o);
}

static const struct CMUnitTest tests[] = {
	REAL(it_runs_after_the_wait_before_any_callback),
	REAL(one_that_it_starts_runs_in_the_next_turn),
	REAL(it_makes_no_turns),
};

FIXTURE_MAIN(tests)
