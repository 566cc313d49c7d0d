/*
 * proxy.c - passes connections on to another host.
 *
 * Shows a proxy of two pumps: backpressure and half-close in both directions,
 * resets that are passed on, and a time-out for connections that are idle. A
 * connection costs two watermarks and no buffer of its own, however slow its
 * peers are.
 *
 *     cc proxy.c $(pkg-config --cflags --libs rota) -o proxy
 *     ./proxy 8080 127.0.0.1:80 &   # port 0: any that is free
 *     curl http://127.0.0.1:8080/
 *     ./proxy ./socket 127.0.0.1:80 &   # a path: a Unix socket, on either side
 *     curl --unix-socket ./socket http://localhost/
 *     ./proxy 8080 localhost:80 &   # a name: all its addresses are tried
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECT_SECONDS = 10, IDLE_SECONDS = 300 };

/* A host and port of TCP, or the path of a Unix socket. */
struct endpoint {
	const char *host;
	unsigned port;
	const char *path; /* or NULL */
};

/* One end of a connection, or a listener. */
union side {
	struct rota_stream stream;
	struct rota_tcp tcp;
	struct rota_pipe pipe;
};

struct pair {
	union side client, server;
	struct rota_proxy proxy;
	struct rota_host_connect connect;
	struct rota_deadline deadline;
	struct rota_timer idle;
	uint64_t passed; /* bytes, when the timer looked last */
	int open;        /* sides that are not closed yet */
};

static struct rota_loop *loop;
static struct endpoint here, there;

static int init_side(union side *side, const struct endpoint *at)
{
	return at->path != NULL ? rota_pipe_init(&side->pipe, loop)
				: rota_tcp_init(&side->tcp, loop);
}

/* Open a connection that was accepted. */
static int open_side(union side *side, int fd)
{
	return here.path != NULL ? rota_pipe_open(&side->pipe, loop, fd)
				 : rota_tcp_open(&side->tcp, loop, fd);
}

static int connect_side(union side *side, struct rota_host_connect *connect,
			rota_connect_fn *fn)
{
	if (there.path != NULL)
		return rota_pipe_connect(&connect->connect, &side->pipe,
					 there.path, strlen(there.path), fn);
	return rota_tcp_connect_host(connect, &side->tcp, there.host,
				     there.port, NULL, fn);
}

static void on_close(struct rota_handle *handle)
{
	struct pair *pair = handle->data;

	if (--pair->open > 0)
		return;
	rota_timer_stop(&pair->idle);
	free(pair);
}

/* Give up: the proxy, if it runs, closes the other side. */
static void drop(struct pair *pair)
{
	rota_stream_close_reset(&pair->client.stream, on_close);
	rota_stream_close_reset(&pair->server.stream, on_close);
}

static void on_idle(struct rota_timer *timer)
{
	struct pair *pair = rota_container_of(timer, struct pair, idle);
	uint64_t passed = pair->proxy.there.bytes + pair->proxy.back.bytes;

	if (passed == pair->passed)
		drop(pair);
	pair->passed = passed;
}

static void on_connect(struct rota_connect *connect, int status)
{
	struct pair *pair =
		rota_container_of(connect, struct pair, connect.connect);

	if (status == 0)
		status = rota_proxy_start(&pair->proxy, &pair->client.stream,
					  &pair->server.stream, on_close);
	if (status < 0)
		drop(pair);
	else
		rota_timer_every(&pair->idle, on_idle, ROTA_SEC(IDLE_SECONDS),
				 ROTA_REPEAT_DELAY);
}

/* Both sides are open handles. */
static void begin(struct pair *pair)
{
	pair->client.stream.handle.data = pair;
	pair->server.stream.handle.data = pair;
	pair->open = 2;
	rota_handle_on_shutdown(&pair->client.stream.handle, on_close);
	rota_handle_on_shutdown(&pair->server.stream.handle, on_close);
	rota_timer_init(&pair->idle, loop);
	rota_timer_unref(&pair->idle);
	if (connect_side(&pair->server, &pair->connect, on_connect) < 0)
		drop(pair);
	else
		rota_request_set_deadline(
			&pair->connect.request, &pair->deadline,
			rota_loop_update_now(loop) + ROTA_SEC(CONNECT_SECONDS));
}

static void on_connection(struct rota_stream *listener, int status, int fd)
{
	struct pair *pair = status < 0 ? NULL : calloc(1, sizeof(*pair));

	(void)listener;
	if (pair != NULL && init_side(&pair->server, &there) == 0) {
		if (open_side(&pair->client, fd) == 0) {
			begin(pair);
			return;
		}
		rota_handle_close_now(&pair->server.stream.handle);
	}
	free(pair);
	if (fd >= 0)
		close(fd);
}

static void on_signal(struct rota_stop *stop, int number, unsigned times)
{
	(void)number;
	(void)times;
	rota_stop_close(stop); /* a second one ends the process */
	rota_loop_stop(loop);
}

static int bind_side(union side *side, struct endpoint *at)
{
	struct rota_address address;
	int error;

	if (at->path != NULL)
		return rota_pipe_bind(&side->pipe, at->path, strlen(at->path),
				      NULL);
	error = rota_address_ip(&address, at->host, at->port);
	return error < 0 ? error : rota_tcp_bind(&side->tcp, &address, 0);
}

/* Print where the proxy listens: the system may have chosen the port. */
static void announce(union side *side)
{
	struct rota_address address;
	char text[ROTA_ADDRESS_TEXT_SIZE];

	if (here.path == NULL) {
		rota_tcp_own_address(&side->tcp, &address);
		rota_address_text(&address, text, sizeof(text));
	}
	printf("proxy: listens at %s\n", here.path != NULL ? here.path : text);
	fflush(stdout);
}

static int listen_at(union side *side)
{
	int error = init_side(side, &here);

	if (error == 0)
		error = bind_side(side, &here);
	if (error == 0)
		error = rota_stream_listen(&side->stream, 128, on_connection);
	if (error == 0)
		announce(side);
	return error;
}

/* "./path", "localhost:80", "127.0.0.1:80", "::1:80", or "80" of this
 * machine. */
static int read_endpoint(struct endpoint *at, char *text)
{
	char *colon = strrchr(text, ':');
	const char *port = colon != NULL ? colon + 1 : text;

	if (strchr(text, '/') != NULL) {
		at->path = text;
		return 0;
	}
	if (*port < '0' || *port > '9')
		return ROTA_EINVAL;
	if (colon != NULL)
		*colon = '\0';
	at->host = colon != NULL ? text : "127.0.0.1";
	at->port = (unsigned)atoi(port);
	return *at->host == '\0' || at->port > 65535 ? ROTA_EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct rota_stop stop;
	union side listener;
	int error;

	if (argc != 3 || read_endpoint(&here, argv[1]) < 0 ||
	    read_endpoint(&there, argv[2]) < 0) {
		fprintf(stderr, "usage: proxy port|path host:port|path\n");
		return 2;
	}
	error = rota_loop_new(&loop, NULL);
	if (error == 0)
		error = listen_at(&listener);
	if (error == 0)
		error = rota_stop_start(&stop, loop, on_signal, NULL);
	if (error < 0) {
		fprintf(stderr, "proxy: %s\n", rota_error_text(error));
		return 1;
	}
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	return rota_loop_shutdown(loop, UINT64_MAX) < 0;
}
