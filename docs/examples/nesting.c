/*
 * nesting.c - commands that wait, although callbacks cannot run their loop.
 *
 * A run inside a callback returns ROTA_EBUSY. This program shows three ways to
 * do without it:
 *
 *  1. Callbacks only queue commands. The program executes them after the run
 *     has returned. There a command may run the loop until it has its reply.
 *  2. A command that must wait returns, and continues in a later callback. A
 *     struct keeps its state.
 *  3. A function that has to return an answer runs a second loop. The first
 *     loop does nothing meanwhile.
 *
 *     cc nesting.c $(pkg-config --cflags --libs rota) -o nesting && ./nesting
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>

static struct rota_loop *loop;

static void must(int status, const char *what)
{
	if (status >= 0)
		return;
	fprintf(stderr, "nesting: %s: %s\n", what, rota_error_text(status));
	exit(EXIT_FAILURE);
}

static void start(struct rota_timer *timer, struct rota_loop *on,
		  rota_timer_fn *fn, uint64_t delay_ns)
{
	rota_timer_init(timer, on);
	must(rota_timer_start(timer, fn, delay_ns), "rota_timer_start");
}

/* 1: queued by callbacks, executed after the run */

struct command {
	struct rota_timer arrival; /* when it is sent */
	const char *name;
	struct command *next;
};

static struct command *first, **last = &first;

static void on_arrival(struct rota_timer *timer)
{
	struct command *c = rota_container_of(timer, struct command, arrival);

	c->next = NULL;
	*last = c;
	last = &c->next;
}

static struct command *take(void)
{
	struct command *c = first;

	if (c != NULL && (first = c->next) == NULL)
		last = &first;
	return c;
}

static void on_reply(struct rota_timer *timer)
{
	*(int *)timer->data = 1;
}

/* No callback is on the stack, so this may run the loop. Commands that arrive
 * meanwhile are queued, and executed when this one has ended. */
static void execute(struct command *c)
{
	struct rota_timer reply;
	int replied = 0;

	printf("queue    %s asks\n", c->name);
	start(&reply, loop, on_reply, ROTA_MSEC(20));
	reply.data = &replied;
	while (!replied)
		must(rota_loop_run(loop, ROTA_RUN_ONCE), "rota_loop_run");
	printf("queue    %s has its reply\n", c->name);
}

static void run_queue(void)
{
	struct command commands[2] = { { .name = "A" }, { .name = "B" } };
	struct command *c;
	int alive;

	start(&commands[0].arrival, loop, on_arrival, ROTA_MSEC(1));
	start(&commands[1].arrival, loop, on_arrival, ROTA_MSEC(5));
	do {
		alive = rota_loop_run(loop, ROTA_RUN_ONCE);
		must(alive, "rota_loop_run");
		while ((c = take()) != NULL)
			execute(c);
	} while (alive || rota_loop_alive(loop));
}

/* 2: a script that waits keeps its state in a struct */

/* A step returns 1, or 0 if the script has to wait. */
struct script;
typedef int step_fn(struct script *script, const char *argument);

struct step {
	step_fn *fn;
	const char *argument;
};

struct script {
	const char *name;
	const struct step *at;
	struct rota_timer timer; /* for nap() */
	struct script *next;     /* in one of the two queues */
};

struct scripts {
	struct script *first, **last;
};

static struct scripts waiting = { NULL, &waiting.first }; /* for an item */
static struct scripts ready = { NULL, &ready.first };
static struct rota_task serve; /* continues the scripts in ready */

static void append(struct scripts *queue, struct script *script)
{
	script->next = NULL;
	*queue->last = script;
	queue->last = &script->next;
}

static struct script *remove_first(struct scripts *queue)
{
	struct script *script = queue->first;

	if (script != NULL && (queue->first = script->next) == NULL)
		queue->last = &queue->first;
	return script;
}

static void go_on(struct script *script)
{
	while (script->at->fn != NULL) {
		const struct step *step = script->at++;

		if (!step->fn(script, step->argument))
			return;
	}
	printf("script   %s has ended\n", script->name);
}

static void on_serve(struct rota_task *task)
{
	struct script *script;

	(void)task;
	while ((script = remove_first(&ready)) != NULL)
		go_on(script);
}

static int pop(struct script *script, const char *argument)
{
	(void)argument;
	printf("script   %s waits for an item\n", script->name);
	append(&waiting, script);
	return 0;
}

/* This does not continue the script that waited: that would run inside this
 * script, which is not done yet. It queues the other script. */
static int push(struct script *script, const char *item)
{
	struct script *served = remove_first(&waiting);

	printf("script   %s pushes %s\n", script->name, item);
	if (served == NULL)
		return 1;
	printf("script   %s will have %s\n", served->name, item);
	append(&ready, served);
	if (!rota_task_is_queued(&serve))
		must(rota_task_immediate(&serve, on_serve), "immediate");
	return 1;
}

static void on_slept(struct rota_timer *timer)
{
	go_on(rota_container_of(timer, struct script, timer));
}

static int nap(struct script *script, const char *argument)
{
	start(&script->timer, loop, on_slept, ROTA_MSEC(atoi(argument)));
	return 0;
}

static void run_scripts(void)
{
	static const struct step consume[] = { { pop, NULL }, { NULL, NULL } };
	static const struct step produce[] = { { nap, "10" },
					       { push, "an apple" },
					       { push, "a pear" },
					       { NULL, NULL } };
	struct script a = { .name = "A", .at = consume };
	struct script b = { .name = "B", .at = consume };
	struct script c = { .name = "C", .at = produce };

	rota_task_init(&serve, loop);
	go_on(&a);
	go_on(&b);
	go_on(&c);
	must(rota_loop_run(loop, ROTA_RUN_DEFAULT), "rota_loop_run");
}

/* 3: a function that has to return an answer */

static struct rota_timer heart, look;

static void on_beat(struct rota_timer *timer)
{
	(void)timer;
}

static void on_answer(struct rota_timer *timer)
{
	*(const char **)timer->data = "yes";
}

/* A modal dialog. A user would click the answer; here a timer gives it. */
static const char *ask(const char *question)
{
	const char *answer = NULL;
	struct rota_timer click;
	struct rota_loop *own;

	printf("dialog   %s\n", question);
	must(rota_loop_new(&own, NULL), "rota_loop_new");
	start(&click, own, on_answer, ROTA_MSEC(50));
	click.data = &answer;
	must(rota_loop_run(own, ROTA_RUN_DEFAULT), "rota_loop_run");
	must(rota_loop_close(own), "rota_loop_close");
	return answer;
}

static void on_look(struct rota_timer *timer)
{
	(void)timer;
	printf("dialog   the heart missed %s meanwhile\n",
	       rota_timer_missed(&heart) > 0 ? "beats" : "nothing");
	rota_timer_stop(&heart);
}

static void on_quit(struct rota_timer *timer)
{
	(void)timer;
	printf("dialog   a run inside a callback: %s\n",
	       rota_error_name(rota_loop_run(loop, ROTA_RUN_ONCE)));
	printf("dialog   %s\n", ask("Really quit?"));
	start(&look, loop, on_look, 0); /* runs after the late heartbeat */
}

static void run_dialog(void)
{
	struct rota_timer quit;

	rota_timer_init(&heart, loop);
	must(rota_timer_every(&heart, on_beat, ROTA_MSEC(10), ROTA_REPEAT_RATE),
	     "rota_timer_every");
	start(&quit, loop, on_quit, ROTA_MSEC(15));
	must(rota_loop_run(loop, ROTA_RUN_DEFAULT), "rota_loop_run");
}

int main(void)
{
	must(rota_loop_new(&loop, NULL), "rota_loop_new");
	run_queue();
	run_scripts();
	run_dialog();
	must(rota_loop_close(loop), "rota_loop_close");
	return EXIT_SUCCESS;
}
