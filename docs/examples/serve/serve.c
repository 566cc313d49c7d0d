/*
 * serve.c - the part of a server that does not depend on what it serves.
 *
 *  1. The end: the first SIGINT or SIGTERM stops the server. When the last peer
 *     has gone, nothing keeps the loop alive. A second signal finds the default
 *     disposition, and ends the program.
 *  2. After GRACE_SECONDS the peers that are left are dropped. The library
 *     could reset them, but a thread may be working for one of them.
 *  3. There are never more peers than descriptors for them. When the last
 *     descriptor is taken, the listener pauses, and new connections wait in the
 *     kernel's queue until a peer goes. It would be worse to accept them and
 *     have no descriptor left for them.
 */
#include "serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../demo/turns.h"

enum {
	BACKLOG = 1024,
	GRACE_SECONDS = 5,
	OWN_DESCRIPTORS = 16, /* for the loop, and briefly for threads */
	MOST_PEERS = 100000,
};

static struct server *server;
static struct rota_tcp tcp;
static struct rota_listener listener;
static struct rota_stop stop;
static struct rota_timer grace; /* (2) */

static struct peer *peer_of(struct rota_connection *connection)
{
	return rota_container_of(connection, struct peer, connection);
}

static void on_stop(struct rota_connection *connection)
{
	server->end(peer_of(connection));
}

static void on_timeout(struct rota_connection *connection)
{
	server->drop(peer_of(connection));
}

void peer_on_close(struct rota_handle *handle)
{
	struct peer *peer = rota_container_of(handle, struct peer, tcp.handle);

	rota_connection_stop(&peer->connection);
	if (server->forget != NULL)
		server->forget(peer);
	free(peer);
}

void peer_close(struct peer *peer)
{
	rota_handle_close(&peer->tcp.handle, peer_on_close);
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct peer *peer;

	(void)stream;
	if (status < 0)
		return; /* no descriptors: the listener tries again by itself */
	peer = calloc(1, server->peer_size);
	if (peer == NULL || rota_tcp_open(&peer->tcp, server->loop, fd) < 0) {
		free(peer);
		close(fd);
		return;
	}
	if (rota_connection_start(&peer->connection, &server->connections,
				  &peer->tcp.stream, peer_on_close) < 0) {
		rota_handle_close_now(&peer->tcp.handle);
		free(peer);
		return;
	}
	server->count++;
	server->begin(peer);
}

/* (2) */
static void on_grace_over(struct rota_timer *timer)
{
	struct rota_connection *at = NULL;

	(void)timer;
	while ((at = rota_server_next(&server->connections, at)) != NULL)
		server->drop(peer_of(at));
}

static void on_all_gone(struct rota_server *connections)
{
	(void)connections;
	rota_timer_stop(&grace);
}

/* (1) */
static void on_signal(struct rota_stop *the_stop, int number, unsigned times)
{
	(void)number;
	(void)times;
	rota_stop_close(the_stop);
	rota_timer_init(&grace, server->loop);
	rota_timer_start(&grace, on_grace_over, ROTA_SEC(GRACE_SECONDS));
	rota_server_stop(&server->connections, UINT64_MAX, on_all_gone);
}

/* The number of peers for which there are descriptors. (3) */
static size_t most_peers(void)
{
	struct rlimit limit;
	rlim_t count;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	if (limit.rlim_cur <= OWN_DESCRIPTORS)
		return 1;
	count = (limit.rlim_cur - OWN_DESCRIPTORS) / server->descriptors;
	if (count > MOST_PEERS)
		return MOST_PEERS;
	return count > 0 ? (size_t)count : 1;
}

static int start_server(void)
{
	struct rota_server_options options;

	rota_server_options_init(&options);
	options.limit = most_peers();
	options.idle_ns = server->patience_ns;
	options.on_stop = on_stop;
	options.on_timeout = on_timeout;
	return rota_server_init(&server->connections, server->loop, &options);
}

/* Start everything on the loop, and print the URL. Returns 0 or an error. */
static int start(void)
{
	struct rota_address address;
	char text[ROTA_ADDRESS_TEXT_SIZE];
	const char *ip = server->ip != NULL ? server->ip : "127.0.0.1";
	int error = rota_address_ip(&address, ip, server->port);

	if (error == 0)
		error = start_server();
	if (error == 0)
		error = rota_tcp_init(&tcp, server->loop);
	if (error == 0)
		error = rota_tcp_bind(&tcp, &address, 0);
	if (error == 0) /* all connections inherit this */
		error = rota_tcp_set_nodelay(&tcp, 1);
	if (error == 0)
		error = rota_stream_listen(&tcp.stream, BACKLOG, on_connection);
	if (error == 0)
		error = rota_listener_start(&listener, &server->connections,
					    &tcp.stream, NULL);
	if (error == 0)
		error = rota_tcp_own_address(&tcp, &address);
	if (error == 0)
		error = rota_address_text(&address, text, sizeof(text));
	if (error == 0)
		error = rota_stop_start(&stop, server->loop, on_signal, NULL);
	if (error < 0)
		return error;
	printf("%s://%s/\n", server->scheme, text);
	fflush(stdout); /* a reader at a pipe waits for this line */
	return 0;
}

int serve(struct server *the_server)
{
	struct rota_stats stats = { .size = sizeof(stats) };
	struct rota_loop_options options;
	int error;

	server = the_server;
	rota_loop_options_init(&options);
	options.measure = server->measure;
	error = rota_loop_new(&server->loop, &options);
	if (error == 0)
		error = start();
	if (error == 0)
		error = rota_loop_run(server->loop, ROTA_RUN_DEFAULT);
	if (error < 0) {
		fprintf(stderr, "%s: %s\n", server->name,
			rota_error_text(error));
		return 1;
	}
	rota_loop_stats(server->loop, &stats);
	if (server->measure)
		turns_print("its loop", &stats);
	if (!server->quiet)
		printf("%s: %" PRIu64 " connections, %" PRIu64
		       " requests, %" PRIu64 " bytes\n",
		       server->name, server->count, server->requests,
		       server->bytes);
	return rota_loop_close(server->loop) < 0;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: %s [-a address] [-p port] [-i idle-ms] [-qt] %s\n"
		"-a  the address to listen on: 127.0.0.1, ::1, 0.0.0.0...\n"
		"-p  the port; 0: any that is free\n"
		"-i  milliseconds after which who does nothing is dropped\n"
		"-q  print nothing but where the server is\n"
		"-t  print at the end what its loop did\n",
		server->name, server->usage);
	exit(2);
}

int serve_arguments(struct server *the_server, int argc, char **argv)
{
	int option;

	server = the_server;
	while ((option = getopt(argc, argv, "a:p:i:qt")) != -1) {
		switch (option) {
		case 'a':
			server->ip = optarg;
			break;
		case 'p':
			server->port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'i':
			server->patience_ns =
				ROTA_MSEC(strtoul(optarg, NULL, 10));
			break;
		case 'q':
			server->quiet = 1;
			break;
		case 't':
			server->measure = 1;
			break;
		default:
			usage();
		}
	}
	return optind;
}
