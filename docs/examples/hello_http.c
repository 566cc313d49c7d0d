/*
 * hello_http.c - an HTTP server that answers every request with a line, on as
 * many loops as you like.
 *
 *     cc hello_http.c $(pkg-config --cflags --libs rota-http) -o hello_http
 *     ./hello_http 8080 2
 *
 * It prints its URL. After SIGINT or SIGTERM it answers what has begun, and
 * ends.
 */
#include <rota.h>
#include <rota_http.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_LOOPS = 64, GRACE_SECONDS = 10 };

static struct rota_http_server *server;

static void hello(struct rota_http_exchange *exchange, void *arg)
{
	(void)arg;
	rota_http_respond(exchange, 200, "text/plain",
			  rota_bytes("Hello, world!\n", 14));
}

static void on_signal(struct rota_stop *stop, int number, unsigned times)
{
	(void)number;
	if (times == 1) {
		rota_http_server_stop(server, ROTA_SEC(GRACE_SECONDS), NULL,
				      NULL);
		return;
	}
	rota_http_server_reset(server);
	rota_stop_close(stop);
}

/* Serve on @loops. Returns 0 or an error. */
static int serve(struct rota_loop **loops, size_t count, unsigned port)
{
	struct rota_http_server_options options;
	struct rota_address address;
	struct rota_stop stop;
	int error;

	rota_http_server_options_init(&options);
	options.handler = hello;
	error = rota_http_server_new(&server, loops, count, &options);
	if (error < 0)
		return error;
	error = rota_address_ip(&address, "127.0.0.1", port);
	if (error == 0)
		error = rota_http_server_listen(server, &address, 0);
	if (error == 0)
		error = rota_http_server_address(server, 0, &address);
	if (error == 0)
		error = rota_stop_start(&stop, loops[0], on_signal, NULL);
	if (error == 0) {
		printf("http://127.0.0.1:%u/\n", rota_address_port(&address));
		fflush(stdout);
		error = rota_http_server_run(server);
		rota_stop_close(&stop);
	}
	return error;
}

int main(int argc, char **argv)
{
	unsigned port = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	struct rota_loop *loops[MOST_LOOPS];
	size_t made = 0;
	int error = 0;

	if (count < 1 || count > MOST_LOOPS)
		return 2;
	while (error == 0 && made < count) {
		error = rota_loop_new(&loops[made], NULL);
		made += error == 0;
	}
	if (error == 0)
		error = serve(loops, count, port);
	for (size_t i = 0; i < made; i++)
		rota_loop_shutdown(loops[i], UINT64_MAX);
	rota_http_server_free(server);
	if (error < 0)
		fprintf(stderr, "hello_http: %s\n", rota_error_text(error));
	return error < 0;
}
