/*
 * serve.c - the part of a server that does not depend on what it serves.
 *
 *  1. The end: sending an async is one of the few things that a signal handler
 *     may do. The callback of the async closes the listener and ends all peers.
 *     When the last peer has gone, nothing keeps the loop alive.
 *  2. After GRACE_SECONDS the peers that are left are dropped.
 *  3. There are never more peers than descriptors for them. When the last
 *     descriptor is taken, the listener pauses, and new connections wait in the
 *     kernel's queue until a peer goes. It would be worse to accept them and
 *     have no descriptor left for them.
 */
#include "serve.h"

#include <inttypes.h>
#include <signal.h>
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
static struct rota_tcp listener;
static struct rota_async interrupted;
static struct rota_timer grace;
static unsigned most; /* the most peers at a time (3) */

static void on_patience_over(struct rota_timer *timer)
{
	server->drop(rota_container_of(timer, struct peer, patience));
}

void peer_expect(struct peer *peer, uint64_t patience_ns)
{
	rota_timer_start(&peer->patience, on_patience_over, patience_ns);
}

void peer_on_close(struct rota_handle *handle)
{
	struct peer *peer = rota_container_of(handle, struct peer, tcp.handle);

	rota_timer_stop(&peer->patience);
	*peer->link = peer->next;
	if (peer->next != NULL)
		peer->next->link = peer->link;
	if (server->forget != NULL)
		server->forget(peer);
	free(peer);
	server->count--;
	if (server->is_full && !server->ending) {
		server->is_full = 0;
		rota_stream_listen_resume(&listener.stream);
	}
}

void peer_end(struct peer *peer, uint64_t patience_ns)
{
	/* From now on only the deadline counts. */
	rota_timer_stop(&peer->patience);
	if (rota_stream_end_with(&peer->end, &peer->tcp.stream,
				 peer_on_close) == 0)
		(void)rota_request_set_deadline(
			&peer->end.request, &peer->deadline,
			rota_loop_update_now(server->loop) + patience_ns);
}

void peer_close(struct peer *peer)
{
	rota_handle_close(&peer->tcp.handle, peer_on_close);
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct peer *peer;

	if (status < 0)
		return; /* no descriptors: the listener tries again by itself */
	peer = calloc(1, server->peer_size);
	if (peer == NULL || rota_tcp_open(&peer->tcp, server->loop, fd) < 0) {
		free(peer);
		close(fd);
		return;
	}
	peer->link = &server->first;
	peer->next = server->first;
	if (peer->next != NULL)
		peer->next->link = &peer->next;
	server->first = peer;
	server->connections++;
	server->count++;
	if (server->count >= most) {
		server->is_full = 1;
		rota_stream_listen_pause(stream); /* (3) */
	}
	rota_timer_init(&peer->patience, server->loop);
	peer_expect(peer, server->patience_ns);
	server->begin(peer);
}

static void on_grace_over(struct rota_timer *timer)
{
	(void)timer;
	for (struct peer *peer = server->first; peer; peer = peer->next)
		server->drop(peer); /* (2) */
}

static void set_action(void (*handler)(int))
{
	struct sigaction action = { .sa_flags = SA_RESTART };

	action.sa_handler = handler;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void on_signal(int number)
{
	(void)number;
	rota_async_send(&interrupted); /* (1) */
}

static void on_interrupted(struct rota_async *async)
{
	set_action(SIG_DFL); /* a handler must not send any more */
	rota_async_stop(async);
	rota_handle_close(&listener.handle, NULL);
	server->ending = 1;
	for (struct peer *peer = server->first; peer; peer = peer->next)
		server->end(peer);
	rota_timer_start(&grace, on_grace_over, ROTA_SEC(GRACE_SECONDS));
	rota_timer_unref(&grace);
}

/* The number of peers for which there are descriptors. (3) */
static unsigned most_peers(void)
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
	return count > 0 ? (unsigned)count : 1;
}

/* Start everything on the loop, and print the URL. Returns 0 or an error. */
static int start(void)
{
	struct rota_address address;
	char text[ROTA_ADDRESS_TEXT_SIZE];
	const char *ip = server->ip != NULL ? server->ip : "127.0.0.1";
	int error = rota_address_ip(&address, ip, server->port);

	most = most_peers();
	rota_timer_init(&grace, server->loop);
	rota_async_init(&interrupted, server->loop);
	if (error == 0)
		error = rota_tcp_init(&listener, server->loop);
	if (error == 0)
		error = rota_tcp_bind(&listener, &address, 0);
	if (error == 0) /* all connections inherit this */
		error = rota_tcp_set_nodelay(&listener, 1);
	if (error == 0)
		error = rota_stream_listen(&listener.stream, BACKLOG,
					   on_connection);
	if (error == 0)
		error = rota_tcp_own_address(&listener, &address);
	if (error == 0)
		error = rota_address_text(&address, text, sizeof(text));
	if (error == 0)
		error = rota_async_start(&interrupted, on_interrupted);
	if (error < 0)
		return error;
	set_action(on_signal);
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
	rota_timer_stop(&grace);
	rota_loop_stats(server->loop, &stats);
	if (server->measure)
		turns_print("its loop", &stats);
	if (!server->quiet)
		printf("%s: %" PRIu64 " connections, %" PRIu64
		       " requests, %" PRIu64 " bytes\n",
		       server->name, server->connections, server->requests,
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
