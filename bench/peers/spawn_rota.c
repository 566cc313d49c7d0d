/*
 * spawn_rota.c - children by rota_process_spawn().
 */
#include <stdlib.h>

#include "peers/spawn.h"
#include "rota.h"
#include "support/bench.h"

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

const struct spawn_peer spawn_rota = { "rota", one_by_one, at_once };
