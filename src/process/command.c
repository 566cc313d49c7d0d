/*
 * process/command.c - a command with its input and output, as a request.
 *
 *  1. What runs is a record of its own: the process, a pipe for the input, and
 *     one for each output that is collected. The record is freed when all of
 *     these have closed; the request ends then, and not before.
 *  2. A command is over when the process has ended and all outputs have. If an
 *     output has not, because another process has it open, it is closed when
 *     linger_ns has passed.
 *  3. To end a command early is to send signals to its process group, first
 *     SIGTERM, later SIGKILL, and to wait until it is over as always. What
 *     comes meanwhile is still collected, as far as the limits allow. When it
 *     is over, the rest of the group is killed: it was to be ended as a whole.
 *     The process is held: it stays a zombie until then, so that the number of
 *     its group is not used again.
 *  4. The timers are the library's own. The first one is for the time-out. The
 *     second one is for the next step: SIGKILL, or the close of the outputs.
 *  5. A loop that shuts down closes the handles by itself. The process is
 *     killed by its close, and the record waits for nothing more.
 *  6. In a forked child the process is a child of another, and the pipes are
 *     shared with the parent. They are closed there at once, before a byte is
 *     read that the parent should have.
 */
#include "rota/command.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/sized.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "loop/request.h"
#include "loop/timer.h"
#include "process/collect.h"
#include "process/command.h"
#include "process/hold.h"
#include "rota/pipe.h"

enum {
	LEAST_COMMAND_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_command_options, reserved),
};

ROTAI_SIZED(struct rota_command_options, reserved);

/* One output of the command. */
struct outlet {
	struct rota_pipe pipe;
	struct rotai_collector collector;
	unsigned cut; /* the flag of the command if something is dropped */
	int is_open;  /* its end has not come */
};

struct rotai_command {
	struct rota_command *command;
	struct rota_loop *loop;
	struct rota_process process;
	struct rota_pipe input;
	struct outlet outlets[2];
	struct rota_write write;
	struct rota_const_buf bytes;
	struct rota_timer limit; /* (4) */
	struct rota_timer step;
	uint64_t grace_ns;
	uint64_t linger_ns;
	int status;        /* 0, or why it is ended early */
	unsigned handles;  /* those that have not closed */
	uint32_t flags;    /* of the options */
	uint8_t has_ended; /* the process */
	uint8_t is_killed; /* SIGKILL was sent */
	uint8_t is_given_up;
	uint8_t is_closing;
	uint8_t is_inherited; /* this is a forked child */
};

static struct rota_command *command_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_command, request);
}

static void start_timer(struct rota_timer *timer, rota_timer_fn *fn,
			uint64_t delay_ns)
{
	struct rota_loop *loop = timer->internal.loop;

	rotai_timer_start_own(timer, fn,
			      rotai_add_saturated(loop->clock(loop), delay_ns));
}

/* (1) */
static void on_part_closed(struct rota_handle *handle)
{
	struct rotai_command *run = handle->data;
	struct rota_command *command = run->command;
	struct rota_loop *loop = run->loop;
	int status = run->is_closing ? run->status : ROTA_ECANCELED; /* (5) */

	if (--run->handles > 0)
		return;
	rota_timer_stop(&run->limit);
	rota_timer_stop(&run->step);
	if (!run->has_ended)
		command->exit.error = ROTA_ECHILD;
	command->internal.run = NULL;
	rotai_memory_free(&loop->allocator, run, sizeof(*run));
	rotai_request_finish(&command->request, status);
}

/* @handle is open. */
static void add_handle(struct rotai_command *run, struct rota_handle *handle)
{
	handle->data = run;
	rota_handle_set_name(handle, "of a command");
	rota_handle_on_shutdown(handle, on_part_closed);
	run->handles++;
}

/* Close a handle that may have closed, or may never have been open. */
static void close_handle(struct rota_handle *handle)
{
	if (rotai_handle_has(handle, ROTAI_HANDLE_OPEN))
		(void)rota_handle_close(handle, on_part_closed);
}

/* The process may have been closed by a shutdown, or be the parent's. (5),
 * (6) */
static void signal_all(struct rotai_command *run, int signal)
{
	if (!run->is_inherited &&
	    rotai_handle_has(&run->process.handle, ROTAI_HANDLE_OPEN))
		(void)rota_process_kill_group(&run->process, signal);
}

/* It is over, or nothing is left to wait for: close what is open. (3) */
static void finish_command(struct rotai_command *run)
{
	if (run->is_closing)
		return;
	run->is_closing = 1;
	rota_timer_stop(&run->limit);
	rota_timer_stop(&run->step);
	if (run->status < 0)
		signal_all(run, SIGKILL);
	if (run->has_ended && !run->is_inherited &&
	    rotai_handle_has(&run->process.handle, ROTAI_HANDLE_OPEN))
		rotai_process_release(&run->process, &run->command->exit);
	close_handle(&run->input.handle);
	close_handle(&run->outlets[0].pipe.handle);
	close_handle(&run->outlets[1].pipe.handle);
	close_handle(&run->process.handle);
}

/* (2) */
static void finish_if_over(struct rotai_command *run)
{
	if (run->has_ended && !run->outlets[0].is_open &&
	    !run->outlets[1].is_open)
		finish_command(run);
}

static void close_outlet(struct rotai_command *run, struct outlet *outlet)
{
	if (!outlet->is_open)
		return;
	outlet->is_open = 0;
	if (!run->is_closing)
		close_handle(&outlet->pipe.handle);
}

static void on_step(struct rota_timer *timer);

static void kill_all(struct rotai_command *run)
{
	run->is_killed = 1;
	signal_all(run, SIGKILL);
	start_timer(&run->step, on_step, run->linger_ns);
}

/* Nothing has ended the outputs. */
static void give_up_outlets(struct rotai_command *run)
{
	if (run->outlets[0].is_open || run->outlets[1].is_open)
		run->command->flags |= ROTA_COMMAND_OUTPUT_HELD;
	close_outlet(run, &run->outlets[0]);
	close_outlet(run, &run->outlets[1]);
	finish_if_over(run);
}

static void on_step(struct rota_timer *timer)
{
	struct rotai_command *run =
		rota_container_of(timer, struct rotai_command, step);

	if (run->status < 0 && !run->is_killed)
		kill_all(run);
	else if (run->has_ended)
		give_up_outlets(run);
	else
		run->is_given_up = 1; /* with the exit */
}

/* End the command early. (3) */
static void end_command_early(struct rotai_command *run, int status)
{
	if (run->status < 0 || run->is_closing)
		return;
	run->status = status;
	rota_timer_stop(&run->limit);
	if (rotai_loop_admits(run->loop) < 0) {
		finish_command(run); /* (5) */
	} else if (run->flags & ROTA_COMMAND_KILL) {
		kill_all(run);
	} else {
		signal_all(run, SIGTERM);
		/* A process that is stopped has to go on, to end. */
		signal_all(run, SIGCONT);
		start_timer(&run->step, on_step, run->grace_ns);
	}
}

static void on_limit(struct rota_timer *timer)
{
	end_command_early(rota_container_of(timer, struct rotai_command, limit),
			  ROTA_ETIMEDOUT);
}

static void on_exit(struct rota_process *process, const struct rota_exit *exit)
{
	struct rotai_command *run = process->handle.data;

	run->command->exit = *exit;
	run->has_ended = 1;
	if (run->is_given_up)
		give_up_outlets(run);
	else if (run->status == 0)
		start_timer(&run->step, on_step, run->linger_ns);
	finish_if_over(run);
}

static void collect_output(struct rotai_command *run, struct outlet *outlet,
			   const struct rota_buf *buf)
{
	int status = rotai_collect(&outlet->collector, buf);

	if (status == 0)
		return;
	run->command->flags |= outlet->cut;
	if (status < 0)
		end_command_early(run, status);
	else if (!(run->flags & ROTA_COMMAND_DROP))
		end_command_early(run, ROTA_E2BIG);
}

static void on_output(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	struct rotai_command *run = stream->handle.data;
	struct outlet *outlet =
		&run->outlets[stream == &run->outlets[1].pipe.stream];

	if (status == 0) {
		collect_output(run, outlet, buf);
		return;
	}
	close_outlet(run, outlet);
	if (status != ROTA_EOF)
		end_command_early(run, status);
	finish_if_over(run);
}

/* A command may end without reading its input. */
static void on_input_written(struct rota_write *write, int status)
{
	struct rotai_command *run =
		rota_container_of(write, struct rotai_command, write);

	if (run->is_closing)
		return;
	if (status < 0 && status != ROTA_EPIPE && status != ROTA_ECANCELED)
		end_command_early(run, status);
	if (!run->is_closing)
		close_handle(&run->input.handle);
}

static void call_command(struct rota_request *request)
{
	struct rota_command *command = command_of(request);

	command->internal.fn(command, request->internal.status);
}

static int cancel_command(struct rota_request *request, int status)
{
	struct rotai_command *run = command_of(request)->internal.run;

	if (run->is_closing || run->status < 0) {
		if (run->loop->shutting_down)
			finish_command(run);
		return ROTA_EALREADY;
	}
	end_command_early(run, status);
	return 0;
}

/* (6) */
static void command_forked(struct rota_request *request)
{
	struct rotai_command *run = command_of(request)->internal.run;

	run->is_inherited = 1;
	if (run->is_closing)
		return;
	run->status = ROTA_ECANCELED;
	finish_command(run);
}

static const struct rotai_request_class command_class = {
	.type = "command",
	.call = call_command,
	.cancel = cancel_command,
	.forked = command_forked,
};

/* The program runs. What fails from now on ends the command. */
static void begin_streams(struct rotai_command *run)
{
	int error = 0;

	if (run->bytes.size > 0) {
		add_handle(run, &run->input.handle);
		error = rota_stream_write(&run->write, &run->input.stream,
					  &run->bytes, 1, on_input_written);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct outlet *outlet = &run->outlets[i];

		if (!outlet->is_open)
			continue;
		add_handle(run, &outlet->pipe.handle);
		if (error == 0)
			error = rota_stream_read_start(&outlet->pipe.stream,
						       on_output);
	}
	if (error < 0) {
		run->flags |= ROTA_COMMAND_KILL;
		end_command_early(run, error);
		close_outlet(run, &run->outlets[0]);
		close_outlet(run, &run->outlets[1]);
	}
}

static void begin_command(struct rotai_command *run,
			  const struct rota_command_options *options,
			  rota_command_fn *fn)
{
	struct rota_command *command = run->command;

	command->exit = (struct rota_exit){ .size = sizeof(command->exit) };
	command->flags = 0;
	rotai_collect_begin(&run->outlets[0].collector, &command->output,
			    options->output_limit);
	rotai_collect_begin(&run->outlets[1].collector, &command->errors,
			    options->errors_limit);
	command->internal.fn = fn;
	command->internal.run = run;
	rotai_request_begin(&command->request, run->loop, NULL, &command_class);
	add_handle(run, &run->process.handle);
	rotai_process_hold(&run->process); /* (3) */
	if (options->timeout_ns > 0)
		start_timer(&run->limit, on_limit, options->timeout_ns);
	begin_streams(run);
}

/* Make the entries of descriptors 0 to 2, unless the caller has. */
static void make_stdio(struct rotai_command *run,
		       struct rota_spawn_stdio *stdio)
{
	if (stdio[0].kind == ROTA_SPAWN_STDIO_NULL && run->bytes.size > 0)
		stdio[0] = (struct rota_spawn_stdio){
			.kind = ROTA_SPAWN_STDIO_PIPE,
			.flags = ROTA_SPAWN_STDIO_READS,
			.pipe = &run->input,
		};
	else
		run->bytes.size = 0;
	for (unsigned i = 0; i < 2; i++) {
		if (stdio[i + 1].kind != ROTA_SPAWN_STDIO_NULL)
			continue;
		stdio[i + 1] = (struct rota_spawn_stdio){
			.kind = ROTA_SPAWN_STDIO_PIPE,
			.flags = ROTA_SPAWN_STDIO_WRITES,
			.pipe = &run->outlets[i].pipe,
		};
		run->outlets[i].is_open = 1;
	}
}

/* The start has come to this step. */
static void note_step(const struct rota_spawn_options *spawn,
		      enum rota_spawn_step step)
{
	if (spawn->failed != NULL)
		*spawn->failed = step;
}

/* Start the process, with descriptors 1 and 2 in one pipe. */
static int spawn_joined(struct rotai_command *run,
			struct rota_spawn_options *spawn,
			struct rota_spawn_stdio *stdio)
{
	int fds[2];
	int error = rota_pipe_anonymous(fds, 0);

	note_step(spawn, ROTA_SPAWN_STEP_PIPE);
	if (error < 0)
		return error;
	error = rota_pipe_open(&run->outlets[0].pipe, run->loop, fds[0]);
	if (error < 0) {
		rotai_fd_close(fds[0]);
		rotai_fd_close(fds[1]);
		return error;
	}
	for (unsigned i = 1; i <= 2; i++)
		stdio[i] = (struct rota_spawn_stdio){
			.kind = ROTA_SPAWN_STDIO_DESCRIPTOR,
			.fd = fds[1],
		};
	run->outlets[1].is_open = 0;
	error = rota_process_spawn(&run->process, spawn, on_exit);
	rotai_fd_close(fds[1]);
	if (error < 0)
		(void)rota_handle_close_now(&run->outlets[0].pipe.handle);
	return error;
}

static int spawn_command(struct rotai_command *run,
			 struct rota_spawn_options *spawn,
			 struct rota_spawn_stdio *stdio)
{
	int error = rota_process_init(&run->process, run->loop);

	if (error < 0)
		return error;
	make_stdio(run, stdio);
	if (run->flags & ROTA_COMMAND_JOIN && run->outlets[0].is_open &&
	    run->outlets[1].is_open)
		error = spawn_joined(run, spawn, stdio);
	else
		error = rota_process_spawn(&run->process, spawn, on_exit);
	if (error < 0)
		(void)rota_handle_close_now(&run->process.handle);
	return error;
}

static struct rotai_command *new_run(struct rota_command *command,
				     struct rota_loop *loop,
				     const struct rota_command_options *options)
{
	struct rotai_command *run =
		rotai_memory_new(&loop->allocator, sizeof(*run));

	if (run == NULL)
		return NULL;
	memset(run, 0, sizeof(*run));
	run->command = command;
	run->loop = loop;
	run->bytes = options->input;
	run->grace_ns = options->grace_ns;
	run->linger_ns = options->linger_ns;
	run->flags = options->flags;
	run->outlets[0].cut = ROTA_COMMAND_OUTPUT_CUT;
	run->outlets[1].cut = ROTA_COMMAND_ERRORS_CUT;
	rota_timer_init(&run->limit, loop);
	rota_timer_init(&run->step, loop);
	return run;
}

/* All options are complete and valid; @stdio is spawn->stdio. */
static int run_command(struct rota_command *command, struct rota_loop *loop,
		       const struct rota_command_options *options,
		       struct rota_spawn_options *spawn,
		       struct rota_spawn_stdio *stdio, rota_command_fn *fn)
{
	struct rotai_command *run = new_run(command, loop, options);
	int error;

	if (run == NULL)
		return ROTA_ENOMEM;
	error = spawn_command(run, spawn, stdio);
	if (error < 0)
		rotai_memory_free(&loop->allocator, run, sizeof(*run));
	else
		begin_command(run, options, fn);
	return error;
}

/* Make the array of descriptors, and run the command. */
static int run_complete(struct rota_command *command, struct rota_loop *loop,
			const struct rota_command_options *options,
			struct rota_spawn_options *spawn, rota_command_fn *fn)
{
	size_t size = spawn->stdio_count * sizeof(struct rota_spawn_stdio);
	struct rota_spawn_stdio *stdio =
		rotai_memory_new(&loop->allocator, size);
	int error;

	note_step(spawn, ROTA_SPAWN_STEP_PREPARE);
	if (stdio == NULL)
		return ROTA_ENOMEM;
	rotai_command_stdio(stdio, options, spawn->stdio_count);
	spawn->stdio = stdio;
	error = run_command(command, loop, options, spawn, stdio, fn);
	rotai_memory_free(&loop->allocator, stdio, size);
	return error;
}

int rota_command_run(struct rota_command *command, struct rota_loop *loop,
		     const struct rota_command_options *options,
		     rota_command_fn *fn)
{
	ROTAI_ENTER("command", command, loop);
	struct rota_command_options all = { .size = sizeof(all) };
	struct rota_spawn_options spawn = { .size = sizeof(spawn) };
	int error = rotai_loop_admits(loop);

	if (error == 0 && (command == NULL || options == NULL || fn == NULL))
		error = ROTA_EINVAL;
	if (error == 0)
		error = rotai_sized_take(&all, sizeof(all), options,
					 LEAST_COMMAND_OPTIONS);
	spawn.failed = all.failed;
	if (error == 0)
		error = rotai_command_complete(&all, &spawn);
	if (error == 0)
		return run_complete(command, loop, &all, &spawn, fn);
	note_step(&spawn, ROTA_SPAWN_STEP_OPTIONS);
	return error;
}

void rota_command_free(struct rota_command *command)
{
	rotai_collected_free(&command->output);
	rotai_collected_free(&command->errors);
}
