/*
 * order.c - a puzzle: in which order do these callbacks run?
 *
 * This program shows the phases of a turn and the rules for their order. It
 * queues everything before the loop runs, in an order that gives nothing away.
 * It prints the question, then what the loop does and why, and ends with status
 * 0 if the order is the expected one.
 *
 *     cc order.c $(pkg-config --cflags --libs rota) -o order && ./order
 */
#include <rota.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The answer. Try to write it down before you read it. */
static const struct {
	const char *call;
	const char *why;
} answer[] = {
	{ "tick", "a run begins with waiting ticks" },
	{ "microtask", "... then microtasks" },
	{ "tick of a microtask", "... and ticks, till both are empty" },
	{ "timer of 0 ms", "the first phase: what is due" },
	{ "tick of a timer", "after every single callback: ticks" },
	{ "microtask of a timer", "... and microtasks" },
	{ "timer of 0 ms, the second", "due no later, but started later" },
	{ "idle hook", "before the wait: idle hooks" },
	{ "prepare hook", "... and after them the others" },
	{ "watch of a pipe", "the wait, then the kernel's events" },
	{ "post", "... and after them the posts" },
	{ "check hook", "after the wait: hooks" },
	{ "immediate", "... then immediates" },
	{ "timer of a timer", "each phase takes its queue whole, so" },
	{ "immediate of an immediate",
	  "... what it adds is for the next turn" },
	{ "timer of 1 ms", "nothing else is left: the loop slept" },
};

enum { ANSWERS = sizeof(answer) / sizeof(answer[0]) };

static const char *const phases[ROTA_PHASE_COUNT] = {
	"-", "timers", "pending", "prepare", "poll", "check", "closing",
};

static struct rota_loop *loop;
static struct rota_task tick, tick_of_microtask, tick_of_timer;
static struct rota_task microtask, microtask_of_timer;
static struct rota_task immediate, immediate_of_immediate, post;
static struct rota_timer zero, zero_too, one, timer_of_timer;
static struct rota_hook idle, prepare, check;
static struct rota_watch watch;
static unsigned calls, surprises;

static void called(const char *call)
{
	const char *why = "UNEXPECTED";

	if (calls < ANSWERS && strcmp(call, answer[calls].call) == 0)
		why = answer[calls].why;
	else
		surprises++;
	printf("%4u  %-8s %-26s %s\n", ++calls, phases[rota_loop_phase(loop)],
	       call, why);
}

static void on_task(struct rota_task *task)
{
	called(task->data);
}

static void on_microtask(struct rota_task *task)
{
	called(task->data);
	rota_task_next_tick(&tick_of_microtask, on_task);
}

static void on_immediate(struct rota_task *task)
{
	called(task->data);
	rota_task_immediate(&immediate_of_immediate, on_task);
}

static void on_timer(struct rota_timer *timer)
{
	called(timer->data);
}

static void on_zero(struct rota_timer *timer)
{
	called(timer->data);
	rota_timer_start(&timer_of_timer, on_timer, 0);
	rota_task_microtask(&microtask_of_timer, on_task);
	rota_task_next_tick(&tick_of_timer, on_task);
}

static void on_hook(struct rota_hook *hook)
{
	called(hook->data);
	rota_hook_stop(hook); /* or it would run in every turn */
}

static void on_readable(struct rota_watch *readable, unsigned events)
{
	(void)events;
	called(readable->data);
	rota_watch_stop(readable); /* or it runs again: nobody reads */
}

static void init_task(struct rota_task *task, char *name)
{
	rota_task_init(task, loop);
	task->data = name;
}

static void init_timer(struct rota_timer *timer, char *name)
{
	rota_timer_init(timer, loop);
	timer->data = name;
}

static void init_hook(struct rota_hook *hook, char *name)
{
	rota_hook_init(hook, loop);
	hook->data = name;
}

static void init_all(int readable_fd)
{
	init_task(&tick, "tick");
	init_task(&tick_of_microtask, "tick of a microtask");
	init_task(&tick_of_timer, "tick of a timer");
	init_task(&microtask, "microtask");
	init_task(&microtask_of_timer, "microtask of a timer");
	init_task(&immediate, "immediate");
	init_task(&immediate_of_immediate, "immediate of an immediate");
	init_task(&post, "post");
	init_timer(&zero, "timer of 0 ms");
	init_timer(&zero_too, "timer of 0 ms, the second");
	init_timer(&one, "timer of 1 ms");
	init_timer(&timer_of_timer, "timer of a timer");
	init_hook(&idle, "idle hook");
	init_hook(&prepare, "prepare hook");
	init_hook(&check, "check hook");
	rota_watch_init(&watch, loop, readable_fd);
	watch.data = "watch of a pipe";
}

/* Print what was requested. Returns 1 if the library refused it. */
static int ask(const char *what, int status)
{
	printf("      %s%s%s\n", what, status < 0 ? ": " : "",
	       status < 0 ? rota_error_text(status) : "");
	return status < 0;
}

/* Returns how many requests were refused. */
static int ask_all(void)
{
	int refused = 0;

	refused += ask("a timer of 1 ms",
		       rota_timer_start(&one, on_timer, ROTA_MSEC(1)));
	refused += ask("an immediate, which queues an immediate",
		       rota_task_immediate(&immediate, on_immediate));
	refused += ask("a prepare hook",
		       rota_hook_start(&prepare, on_hook, ROTA_HOOK_PREPARE));
	refused += ask("a check hook",
		       rota_hook_start(&check, on_hook, ROTA_HOOK_CHECK));
	refused += ask("a post", rota_task_post(&post, on_task));
	refused += ask("a microtask, which queues a tick",
		       rota_task_microtask(&microtask, on_microtask));
	refused += ask("a watch of a pipe with a byte in it",
		       rota_watch_start(&watch, on_readable, ROTA_READABLE));
	refused += ask("a tick", rota_task_next_tick(&tick, on_task));
	refused += ask("a timer of 0 ms, which starts a timer of 0 ms and\n"
		       "      queues a microtask and a tick",
		       rota_timer_start(&zero, on_zero, 0));
	refused += ask("a second timer of 0 ms",
		       rota_timer_start(&zero_too, on_timer, 0));
	refused += ask("an idle hook",
		       rota_hook_start(&idle, on_hook, ROTA_HOOK_IDLE));
	return refused;
}

/* Returns a descriptor with one byte to read, or -1. */
static int open_readable(void)
{
	int fds[2];

	if (pipe(fds) < 0)
		return -1;
	if (write(fds[1], "!", 1) != 1)
		return -1;
	close(fds[1]);
	return fds[0];
}

int main(void)
{
	struct rota_loop_options options;
	int readable_fd = open_readable();
	int error;

	/* Virtual time: the answer must not depend on the speed of the machine.
	 * The timer of 1 ms is due when everything else is done. */
	rota_loop_options_init(&options);
	options.clock = ROTA_CLOCK_VIRTUAL;
	error = readable_fd < 0 ? ROTA_EMFILE : rota_loop_new(&loop, &options);
	if (error < 0) {
		fprintf(stderr, "order: %s\n", rota_error_name(error));
		return 1;
	}
	init_all(readable_fd);

	puts("Before a loop runs, it is asked for");
	if (ask_all() > 0)
		return 1;
	puts("\nIn which order do the calls come? In this one:");
	puts("\n      phase    call                       why");
	error = rota_loop_run(loop, ROTA_RUN_DEFAULT);

	if (error != 0 || surprises > 0 || calls != ANSWERS) {
		printf("\nNot as expected: %u calls of %d, %u out of place\n",
		       calls, ANSWERS, surprises);
		return 1;
	}
	puts("\nNot seen: pending (completions that were put off) and closing\n"
	     "(close callbacks), which belong to requests and handles.");
	close(readable_fd);
	return rota_loop_close(loop) < 0;
}
