/*
 * server.c - the first loop: the echo server, on a thread of its own.
 */
#include "demo.h"

static void on_data(struct echo_server *echo, char *bytes, size_t size)
{
	struct server *server = echo->data;

	/* For the test of the demo itself: does it notice? */
	if (server->corrupt_at > echo->bytes - size &&
	    server->corrupt_at <= echo->bytes)
		bytes[server->corrupt_at - (echo->bytes - size) - 1] ^= 1;
	meter_add(&server->meter, size, 0);
}

/* On this loop, though the other one posted it. */
void server_on_receipt(struct rota_task *there)
{
	struct receipt *r = rota_container_of(there, struct receipt, there);
	struct server *server = r->server;

	server->receipts++;
	server->receipt_bytes += r->bytes;
	server->receipt_files += r->files;
	rota_task_post(&r->back, clients_on_receipt); /* r is not ours now */
}

static void on_end(struct rota_task *task)
{
	struct server *server = rota_container_of(task, struct server, end);

	echo_server_stop(&server->echo);
	rota_loop_stop(server->loop);
}

/* Make the loop and all that is on it: 0, or an error. */
static int set_up(struct server *server)
{
	struct rota_loop_options options;
	struct rota_loop *loop;
	int error;

	rota_loop_options_init(&options);
	options.measure = 1;
	error = rota_loop_new(&loop, &options);
	if (error < 0)
		return error;
	server->echo.idle_ns = ROTA_SEC(30);
	server->echo.on_data = on_data;
	server->echo.data = server;
	error = echo_server_start(&server->echo, loop, 0);
	if (error < 0)
		goto close_loop;
	error = pulse_start(&server->pulse, loop, &server->verdict);
	if (error < 0)
		goto stop_echo;
	meter_init(&server->meter, loop);
	rota_task_init(&server->end, loop);
	server->port = echo_server_port(&server->echo);
	server->loop = rota_loop_ref(loop); /* for whoever posts to it */
	return 0;
stop_echo:
	echo_server_stop(&server->echo);
close_loop:
	rota_loop_close(loop);
	return error;
}

static void tell_started(struct server *server)
{
	pthread_mutex_lock(&server->mutex);
	server->started = 1;
	pthread_cond_signal(&server->change);
	pthread_mutex_unlock(&server->mutex);
}

static void *run(void *arg)
{
	struct server *server = arg;
	int error = set_up(server);

	if (error < 0)
		verdict_fail(&server->verdict, "the server did not start: %s",
			     rota_error_text(error));
	tell_started(server);
	if (error < 0)
		return NULL;

	error = rota_loop_run(server->loop, ROTA_RUN_DEFAULT);
	if (error < 0)
		verdict_fail(&server->verdict, "the server's loop: %s",
			     rota_error_text(error));
	server->stats.size = sizeof(server->stats);
	rota_loop_stats(server->loop, &server->stats);

	/* Stops the pulse, and closes the loop. */
	error = rota_loop_shutdown(
		server->loop, rota_loop_update_now(server->loop) + ROTA_SEC(5));
	if (error < 0)
		verdict_fail(&server->verdict, "the server's shutdown: %s",
			     rota_error_text(error));
	return NULL;
}

int server_start(struct server *server)
{
	int error;

	pthread_mutex_init(&server->mutex, NULL);
	pthread_cond_init(&server->change, NULL);
	error = pthread_create(&server->thread, NULL, run, server);
	if (error != 0) {
		verdict_fail(&server->verdict, "no thread for the server");
		return -error;
	}
	pthread_mutex_lock(&server->mutex);
	while (!server->started)
		pthread_cond_wait(&server->change, &server->mutex);
	pthread_mutex_unlock(&server->mutex);
	if (server->loop != NULL)
		return 0;
	pthread_join(server->thread, NULL);
	return ROTA_ECANCELED;
}

void server_end(struct server *server)
{
	rota_task_post(&server->end, on_end);
}

void server_join(struct server *server)
{
	pthread_join(server->thread, NULL);
}

void server_free(struct server *server)
{
	rota_loop_unref(server->loop);
	pthread_cond_destroy(&server->change);
	pthread_mutex_destroy(&server->mutex);
}
