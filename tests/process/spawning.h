/*
 * tests/process/spawning.h - a child with pipes, in a test: what it has written
 * and how it has ended.
 */
#ifndef TESTS_PROCESS_SPAWNING_H
#define TESTS_PROCESS_SPAWNING_H

#include "support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "process/ways.h"

enum { SPAWNING_SIZE = 8192, SPAWNING_FDS = 8 };

struct spawning {
	struct fixture *f;
	struct rota_process process;
	struct rota_pipe out; /* the child's standard output and error */
	struct rota_exit exit;
	int exits;        /* calls of the exit callback */
	int input_ended;  /* the end of the output came */
	int closes_early; /* the exit callback closes the process */
	size_t size;
	char text[SPAWNING_SIZE]; /* the output, and a 0 */

	struct rota_spawn_stdio stdio[SPAWNING_FDS];
	struct rota_spawn_options options;
	enum rota_spawn_step step;
	const char *argv[4];
};

static void spawning_on_exit(struct rota_process *process,
			     const struct rota_exit *exit)
{
	struct spawning *s =
		rota_container_of(process, struct spawning, process);

	s->exits++;
	s->exit = *exit;
	if (s->closes_early)
		assert_int_equal(rota_handle_close_now(&process->handle), 0);
}

static void spawning_on_read(struct rota_stream *stream, int status,
			     const struct rota_buf *buf)
{
	struct rota_pipe *pipe =
		rota_container_of(stream, struct rota_pipe, stream);
	struct spawning *s = rota_container_of(pipe, struct spawning, out);

	if (status < 0) {
		assert_int_equal(status, ROTA_EOF);
		s->input_ended = 1;
		return;
	}
	assert_true(s->size + buf->size < SPAWNING_SIZE);
	memcpy(s->text + s->size, buf->data, buf->size);
	s->size += buf->size;
	s->text[s->size] = '\0';
}

/* A shell that runs @script, with its output in a pipe. */
static inline void spawning_begin(struct spawning *s, struct fixture *f,
				  const char *script)
{
	memset(s, 0, sizeof(*s));
	s->f = f;
	s->argv[0] = "sh";
	s->argv[1] = "-c";
	s->argv[2] = script;
	s->stdio[1] = (struct rota_spawn_stdio){
		.kind = ROTA_SPAWN_STDIO_PIPE,
		.flags = ROTA_SPAWN_STDIO_WRITES,
		.pipe = &s->out,
	};
	s->stdio[2].kind = ROTA_SPAWN_STDIO_INHERIT;
	s->options = (struct rota_spawn_options){
		.size = sizeof(s->options),
		.file = "/bin/sh",
		.argv = (char *const *)s->argv,
		.stdio = s->stdio,
		.stdio_count = 3,
		.failed = &s->step,
	};
	assert_int_equal(rota_process_init(&s->process, f->loop), 0);
}

static inline int spawning_start(struct spawning *s)
{
	int error =
		rota_process_spawn(&s->process, &s->options, spawning_on_exit);

	if (error == 0 && s->stdio[1].kind == ROTA_SPAWN_STDIO_PIPE)
		assert_int_equal(rota_stream_read_start(&s->out.stream,
							spawning_on_read),
				 0);
	return error;
}

/* Close what is open. */
static inline void spawning_end(struct spawning *s)
{
	(void)rota_handle_close_now(&s->out.handle);
	(void)rota_handle_close_now(&s->process.handle);
}

/* Run until the child has ended and its output as well. */
static inline void spawning_run(struct spawning *s)
{
	assert_int_equal(spawning_start(s), 0);
	assert_int_equal(s->step, ROTA_SPAWN_STEP_NONE);
	rota_loop_run(s->f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(s->exits, 1);
	spawning_end(s);
}

/* The script prints @text. */
static inline void expect_output(struct spawning *s, const char *text)
{
	spawning_run(s);
	assert_string_equal(s->text, text);
	assert_int_equal(s->exit.error, 0);
	assert_int_equal(s->exit.code, 0);
	assert_int_equal(s->exit.signal, 0);
}

/* The start fails in @step with @error, and leaves nothing. */
static inline void expect_failure(struct spawning *s, enum rota_spawn_step step,
				  int error)
{
	int descriptors = count_descriptors();

	assert_int_equal(spawning_start(s), error);
	assert_string_equal(rota_spawn_step_name(s->step),
			    rota_spawn_step_name(step));
	assert_int_equal(count_descriptors(), descriptors);
	assert_int_equal(rota_process_pid(&s->process), 0);
	assert_false(rota_handle_is_active(&s->process.handle));
	spawning_end(s);
}

/* Run @test in each way in which this system can start and watch. */
static inline void in_all_ways(struct fixture *f,
			       void (*test)(struct fixture *f))
{
	static const struct {
		enum rotai_spawn_way spawn;
		enum rotai_exit_way exit;
	} ways[] = {
		{ ROTAI_SPAWN_USUAL, ROTAI_EXIT_USUAL },
		{ ROTAI_SPAWN_CLONE, ROTAI_EXIT_THREAD },
		{ ROTAI_SPAWN_FORK, ROTAI_EXIT_USUAL },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		rotai_spawn_way = ways[i].spawn;
		rotai_exit_way = ways[i].exit;
		test(f);
	}
	rotai_spawn_way = ROTAI_SPAWN_USUAL;
	rotai_exit_way = ROTAI_EXIT_USUAL;
}

static inline void no_child_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

#endif
