/*
 * server/stop.c - signals that stop a program.
 *
 *  1. The watchers are handles of the loop, and unreferenced. What they stop
 *     keeps the loop alive, and the loop ends when that has ended.
 *  2. The watchers are closed without close callbacks. So a close of all of
 *     them is complete when it returns, and the struct may be freed. After a
 *     shutdown of the loop there are none left. In a forked child, before the
 *     loop is rebuilt, they stay.
 *  3. Deliveries which one callback reports together count as one signal: a
 *     second one is a decision of somebody who has seen that the first one was
 *     not enough.
 *  4. The callback of the server's stop gets only the server. So the server has
 *     a pointer to the struct while it stops. A close of the struct takes it
 *     out, and leaves the program's callback there.
 */
#include "rota/stop.h"

#include <signal.h>

#include "base/sized.h"
#include "loop/enter.h"
#include "rota/error.h"
#include "server/connection.h"

/* The first version of the struct ended with this member. */
enum {
	LEAST_STOP_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_stop_options, on_stopped),
};

ROTAI_SIZED(struct rota_stop_options, on_stopped);

static const int usual_signals[] = { SIGINT, SIGTERM };

void rota_stop_options_init_size(struct rota_stop_options *options, size_t size)
{
	const struct rota_stop_options defaults = {
		.signals = usual_signals,
		.signal_count = sizeof(usual_signals) / sizeof(int),
		.grace_ns = ROTA_SEC(10),
	};

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

/* (2) */
static void close_watchers(struct rota_stop *stop)
{
	while (stop->internal.count > 0) {
		struct rota_signal *last =
			&stop->internal.signals[stop->internal.count - 1];

		if (rota_handle_close_now(&last->handle) == ROTA_ECHILD)
			return;
		stop->internal.count--;
	}
}

/* (2) */
static void on_watcher_shut_down(struct rota_handle *handle)
{
	struct rota_stop *stop = handle->data;

	stop->internal.count = 0;
}

static void on_server_stopped(struct rota_server *server)
{
	struct rota_stop *stop = server->internal.stop; /* (4) */
	rota_server_fn *fn = stop->internal.on_stopped;

	close_watchers(stop);
	stop->internal.server = NULL;
	if (fn != NULL)
		fn(server);
}

/* The last thing that is done with @stop: the program may free it. */
static void tell_signal(struct rota_stop *stop, int number, unsigned times)
{
	if (stop->internal.on_signal != NULL)
		stop->internal.on_signal(stop, number, times);
}

static void stop_server(struct rota_stop *stop, int number, unsigned times)
{
	struct rota_server *server = stop->internal.server;

	if (times > 1) {
		close_watchers(stop);
		rota_server_reset(server);
	} else if (rota_server_stop(server, stop->internal.grace_ns,
				    on_server_stopped) == 0) {
		server->internal.stop = stop; /* (4) */
	}
	tell_signal(stop, number, times);
}

static void stop_loops(struct rota_stop *stop, int number, unsigned times)
{
	struct rota_loops *loops = stop->internal.loops;

	if (times > 1) {
		close_watchers(stop);
		(void)rota_loops_stop_now(loops);
	} else {
		(void)rota_loops_stop(loops);
	}
	tell_signal(stop, number, times);
}

/* (3) */
static void on_signal_to_stop(struct rota_signal *signal, uint32_t count)
{
	struct rota_stop *stop = signal->handle.data;

	(void)count;
	stop->internal.number = rota_signal_number(signal);
	stop->internal.fn(stop, stop->internal.number, ++stop->internal.times);
}

/* Watch one more signal: 0, or an error and there are as many as before. */
static int add_watcher(struct rota_stop *stop, struct rota_loop *loop,
		       int number)
{
	struct rota_signal *signal =
		&stop->internal.signals[stop->internal.count];
	int error = rota_signal_init(signal, loop);

	if (error < 0)
		return error;
	signal->handle.data = stop;
	rota_handle_on_shutdown(&signal->handle, on_watcher_shut_down);
	rota_handle_unref(&signal->handle); /* (1) */
	error = rota_signal_start(signal, on_signal_to_stop, number);
	if (error < 0)
		(void)rota_handle_close_now(&signal->handle);
	else
		stop->internal.count++;
	return error;
}

/* A signal with two watchers would count twice. */
static int is_repeated_signal(const struct rota_stop_options *options)
{
	for (size_t i = 1; i < options->signal_count; i++)
		for (size_t k = 0; k < i; k++)
			if (options->signals[i] == options->signals[k])
				return 1;
	return 0;
}

static int take_stop_options(struct rota_stop_options *ours,
			     const struct rota_stop_options *given)
{
	int error = 0;

	rota_stop_options_init(ours);
	if (given != NULL)
		error = rotai_sized_take(ours, sizeof(*ours), given,
					 LEAST_STOP_OPTIONS);
	if (error == 0 && (ours->signals == NULL || ours->signal_count == 0 ||
			   ours->signal_count > ROTA_STOP_SIGNALS ||
			   is_repeated_signal(ours)))
		error = ROTA_EINVAL;
	return error;
}

/* Watch the signals, with what is in *@stop already. */
static int watch_signals(struct rota_stop *stop, struct rota_loop *loop,
			 rota_stop_fn *fn,
			 const struct rota_stop_options *options)
{
	struct rota_stop_options ours;
	int error = take_stop_options(&ours, options);

	stop->internal.count = 0;
	stop->internal.times = 0;
	stop->internal.number = 0;
	stop->internal.fn = fn;
	stop->internal.grace_ns = ours.grace_ns;
	stop->internal.on_signal = ours.on_signal;
	stop->internal.on_stopped = ours.on_stopped;
	if (fn == NULL)
		error = ROTA_EINVAL;
	for (size_t i = 0; error == 0 && i < ours.signal_count; i++)
		error = add_watcher(stop, loop, ours.signals[i]);
	if (error < 0)
		close_watchers(stop);
	return error;
}

int rota_stop_start(struct rota_stop *stop, struct rota_loop *loop,
		    rota_stop_fn *fn, const struct rota_stop_options *options)
{
	ROTAI_ENTER_LOOP(loop);
	stop->internal.server = NULL;
	stop->internal.loops = NULL;
	return watch_signals(stop, loop, fn, options);
}

int rota_stop_server(struct rota_stop *stop, struct rota_server *server,
		     const struct rota_stop_options *options)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	stop->internal.server = server;
	stop->internal.loops = NULL;
	return watch_signals(stop, server->internal.loop, stop_server, options);
}

int rota_stop_loops(struct rota_stop *stop, struct rota_loop *loop,
		    struct rota_loops *loops,
		    const struct rota_stop_options *options)
{
	ROTAI_ENTER_LOOP(loop);
	stop->internal.server = NULL;
	stop->internal.loops = loops;
	return watch_signals(stop, loop, stop_loops, options);
}

/* For the check of the caller. */
static inline __attribute__((unused)) struct rota_loop *
loop_of_stop(const struct rota_stop *stop)
{
	return stop->internal.count > 0
		       ? rota_handle_loop(&stop->internal.signals[0].handle)
		       : NULL;
}

void rota_stop_close(struct rota_stop *stop)
{
	ROTAI_ENTER("stop", stop, loop_of_stop(stop));
	struct rota_server *server = stop->internal.server;

	close_watchers(stop);
	if (server == NULL || stop->internal.times == 0)
		return;
	if (server->internal.fn == on_server_stopped)
		server->internal.fn = stop->internal.on_stopped; /* (4) */
	stop->internal.server = NULL;
}

int rota_stop_number(const struct rota_stop *stop)
{
	ROTAI_ENTER("stop", stop, loop_of_stop(stop));
	return stop->internal.number;
}
