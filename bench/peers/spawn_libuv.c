/*
 * spawn_libuv.c - children by uv_spawn().
 */
#include <stdlib.h>
#include <uv.h>

#include "peers/spawn.h"
#include "support/bench.h"

struct row {
	uv_process_t process;
	uv_process_options_t *options;
	size_t left;
};

static void start(struct row *row);

static void on_close(uv_handle_t *handle)
{
	struct row *row = (struct row *)handle->data;

	if (--row->left)
		start(row);
}

static void on_end(uv_process_t *process, int64_t status, int signal)
{
	if (status || signal)
		bench_fail("libuv: the program has failed");
	uv_close((uv_handle_t *)process, on_close);
}

static void start(struct row *row)
{
	uv_loop_t *loop = row->process.loop;

	if (uv_spawn(loop, &row->process, row->options))
		bench_fail("uv_spawn");
	row->process.data = row;
}

static void run(const char *program, size_t rows, size_t each)
{
	char *argv[] = { (char *)(uintptr_t)program, NULL };
	uv_process_options_t options = { .file = program,
					 .args = argv,
					 .exit_cb = on_end };
	struct row *row = calloc(rows, sizeof(*row));
	uv_loop_t loop;

	if (!row || uv_loop_init(&loop))
		bench_fail("uv_loop_init");
	for (size_t i = 0; i < rows; i++) {
		row[i].options = &options;
		row[i].left = each;
		row[i].process.loop = &loop;
		start(&row[i]);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop))
		bench_fail("uv_loop_close");
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

const struct spawn_peer spawn_libuv = { "libuv", one_by_one, at_once };
