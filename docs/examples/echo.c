/*
 * echo.c - a TCP echo server on one thread.
 *
 * This program shows watches on plain sockets: accepting in batches,
 * backpressure, half-close, time-outs for idle connections, and what to do when
 * descriptors run out. All of that is in echo/server.c. This file has the
 * arguments and the graceful end.
 *
 *     cc echo.c echo/server.c $(pkg-config --cflags --libs rota) -o echo-server
 *     ./echo-server 7007 &         # port 0, the default: any that is free
 *     socat - TCP:127.0.0.1:7007
 *
 * The second argument is the time in seconds after which an idle connection is
 * closed; the default is 60. SIGINT and SIGTERM end the server.
 */
#include <inttypes.h>
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "echo/server.h"

static struct echo_server server;
static struct rota_async interrupted;

/* Sending an async is one of the few things that a signal handler may do. */
static void on_signal(int number)
{
	(void)number;
	rota_async_send(&interrupted);
}

/* Stop everything that was started. Then the loop ends by itself. */
static void on_interrupted(struct rota_async *async)
{
	signal(SIGINT, SIG_DFL); /* a handler must not send any more */
	signal(SIGTERM, SIG_DFL);
	rota_async_stop(async);
	echo_server_stop(&server);
}

static int serve(struct rota_loop *loop, uint16_t port)
{
	int error = echo_server_start(&server, loop, port);

	if (error < 0)
		return error;
	rota_async_init(&interrupted, loop);
	error = rota_async_start(&interrupted, on_interrupted);
	if (error < 0)
		return error;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);

	printf("echo: listening on 127.0.0.1:%u\n", echo_server_port(&server));
	fflush(stdout); /* a reader at a pipe waits for this line */
	return rota_loop_run(loop, ROTA_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
	int port = argc > 1 ? atoi(argv[1]) : 0;
	double idle = argc > 2 ? atof(argv[2]) : 60;
	struct rota_loop *loop;
	int error;

	if (port < 0 || port > UINT16_MAX || idle <= 0) {
		fprintf(stderr, "usage: echo [port [idle-seconds]]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	server.idle_ns = (uint64_t)(idle * 1e9);
	error = rota_loop_new(&loop, NULL);
	if (error == 0)
		error = serve(loop, (uint16_t)port);
	if (error < 0) {
		fprintf(stderr, "echo: %s\n", rota_error_text(error));
		return 1;
	}
	printf("echo: %" PRIu64 " connections, %" PRIu64 " bytes\n",
	       server.accepted, server.bytes);
	return rota_loop_close(loop) < 0;
}
