/*
 * spawn_rota.c - children by rota_process_spawn().
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers/spawn.h"
#include "rota.h"
#include "support/bench.h"
#include "support/trace.h"

struct row {
	struct rota_process process;
	const struct rota_spawn_options *options;
	size_t left;
};

static void start(struct row *row);

static void on_end(struct rota_process *process, const struct rota_exit *exit)
{
	struct row *row = rota_container_of(process, struct row, process);

	if (exit->error || exit->code || exit->signal)
		bench_fail("rota: the program has failed");
	if (--row->left)
		start(row);
	else if (rota_handle_close_now(&process->handle))
		bench_fail("rota_handle_close_now");
}

static void start(struct row *row)
{
	if (rota_process_spawn(&row->process, row->options, on_end))
		bench_fail("rota_process_spawn");
}

static void run(const char *program, size_t rows, size_t each)
{
	const struct rota_spawn_options options = { .size = sizeof(options),
						    .file = program };
	struct row *row = calloc(rows, sizeof(*row));
	struct rota_loop *loop;

	if (!row || rota_loop_new(&loop, NULL))
		bench_fail("rota_loop_new");
	for (size_t i = 0; i < rows; i++) {
		row[i].options = &options;
		row[i].left = each;
		if (rota_process_init(&row[i].process, loop))
			bench_fail("rota_process_init");
		start(&row[i]);
	}
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	if (rota_loop_close(loop))
		bench_fail("rota_loop_close");
	free(row);
}

static void one_by_one(const char *program, size_t count)
{
	run(program, 1, count);
}

static void at_once(const char *program, size_t count)
{
	run(program, count, 1);
}

/* With marks. */

/* Start all, each with @input, at whose end it ends. */
static void start_all(struct row *row, size_t count, int input)
{
	const struct rota_spawn_stdio stdio = {
		.kind = ROTA_SPAWN_STDIO_DESCRIPTOR, .fd = input
	};
	const struct rota_spawn_options options = { .size = sizeof(options),
						    .file = "/bin/cat",
						    .stdio = &stdio,
						    .stdio_count = 1 };

	for (size_t i = 0; i < count; i++) {
		if (rota_process_spawn(&row[i].process, &options, NULL))
			bench_fail("rota_process_spawn");
	}
}

/* Wait until all have ended, and leave them to the library. */
static void await_all(const struct row *row, size_t count)
{
	siginfo_t info;

	for (size_t i = 0; i < count; i++)
		if (waitid(P_PID, (id_t)rota_process_pid(&row[i].process),
			   &info, WEXITED | WNOWAIT))
			bench_fail("waitid");
}

static void make_round(struct rota_loop *loop, struct row *row, size_t count,
		       int marks)
{
	int fds[2];

	if (pipe(fds))
		bench_fail("pipe");
	if (marks)
		trace_on();
	start_all(row, count, fds[0]);
	if (marks)
		trace_off();
	close(fds[0]);
	close(fds[1]);
	await_all(row, count);
	if (marks)
		trace_on();
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	if (marks)
		trace_off();
}

void spawn_rota_marked(void *arg)
{
	const struct spawn_marked *marked = arg;
	struct row *row = calloc(marked->together, sizeof(*row));
	struct rota_loop *loop;

	if (!row || rota_loop_new(&loop, NULL))
		bench_fail("rota_loop_new");
	for (size_t i = 0; i < marked->together; i++)
		if (rota_process_init(&row[i].process, loop))
			bench_fail("rota_process_init");
	make_round(loop, row, 1, 0);
	for (size_t i = 0; i < marked->rounds; i++)
		make_round(loop, row, marked->together, 1);
	rota_loop_shutdown(loop, UINT64_MAX);
	free(row);
}

const struct spawn_peer spawn_rota = { "rota", one_by_one, at_once };
