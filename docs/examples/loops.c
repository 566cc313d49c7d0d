/*
 * loops.c - an echo server with a loop for each processor. The connections are
 * spread evenly over the loops.
 *
 *     cc loops.c $(pkg-config --cflags --libs rota) -o loops
 *     ./loops 7000 4 &             # port, and how many loops; 0: processors
 *     socat - TCP:127.0.0.1:7000
 *
 * docs/loops.md explains it:
 *
 *  1. Each loop has a worker: a server with its connections, which no other
 *     thread uses. So nothing here needs a lock.
 *  2. The group accepts, and hands each connection to the worker that has the
 *     fewest.
 *  3. SIGINT and SIGTERM stop all loops. Each worker then ends its connections
 *     gracefully. A second signal closes those that are left; or, when the
 *     first loop has ended already, it ends the process.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { GRACE_SECONDS = 10, MOST_OF_A_WORKER = 10000 };

struct worker {
	struct rota_server server;
	uint64_t accepted; /* for the report */
};

struct client {
	struct rota_connection connection;
	struct rota_tcp tcp;
};

static struct worker *workers;

/* In the first loop. */
static struct rota_loops *loops;
static struct rota_stop stopper;

static void on_close(struct rota_handle *handle)
{
	struct client *c = rota_container_of(handle, struct client, tcp.handle);

	rota_connection_stop(&c->connection);
	free(c);
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct client *c = rota_container_of(stream, struct client, tcp.stream);

	if (status == 0)
		status = rota_stream_send(stream, buf->data, buf->size);
	if (status < 0) /* the end of the input, too: what is queued is sent */
		rota_connection_end(&c->connection);
	else if (status > 0)
		rota_stream_read_stop(stream);
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct client *c = rota_container_of(stream, struct client, tcp.stream);

	if (status == 0)
		status = rota_stream_read_start(stream, on_read);
	if (status < 0)
		rota_connection_reset(&c->connection);
}

/* On the loop of @server. (2) */
static void on_connection(struct rota_listen_group *group,
			  struct rota_server *server, int status, int fd)
{
	struct client *c = status < 0 ? NULL : calloc(1, sizeof(*c));

	(void)group;
	if (c == NULL ||
	    rota_tcp_open(&c->tcp, rota_server_loop(server), fd) < 0) {
		free(c);
		if (fd >= 0)
			close(fd);
		return;
	}
	if (rota_connection_start(&c->connection, server, &c->tcp.stream,
				  on_close) < 0 ||
	    rota_stream_read_start(&c->tcp.stream, on_read) < 0) {
		rota_handle_close(&c->tcp.handle, on_close);
		return;
	}
	rota_stream_on_drain(&c->tcp.stream, on_drain);
}

/* The functions of the loops: each runs in the thread of its loop. (1) */

static int set_up(struct rota_loops *all, unsigned index)
{
	struct rota_loop *loop = rota_loops_get(all, index);
	struct rota_server_options options;
	int error;

	rota_server_options_init(&options);
	options.limit = MOST_OF_A_WORKER;
	error = rota_server_init(&workers[index].server, loop, &options);
	if (error == 0 && index == 0)
		error = rota_stop_loops(&stopper, loop, all, NULL); /* (3) */
	return error;
}

static void stop(struct rota_loops *all, unsigned index)
{
	struct rota_server *server = &workers[index].server;
	struct rota_server_stats stats = { .size = sizeof(stats) };

	(void)all;
	rota_server_get_stats(server, &stats);
	workers[index].accepted = stats.accepted;
	rota_server_stop(server, ROTA_SEC(GRACE_SECONDS), NULL);
}

/* Listen, on all loops. Returns 0 or an error. */
static int listen_at(unsigned port, struct rota_listen_group **group)
{
	unsigned count = rota_loops_count(loops);
	struct rota_server **servers =
		calloc(count, sizeof(struct rota_server *));
	struct rota_listen_group_options options;
	char text[ROTA_ADDRESS_TEXT_SIZE];
	struct rota_address address;
	int error = servers != NULL ? 0 : ROTA_ENOMEM;

	for (unsigned i = 0; error == 0 && i < count; i++)
		servers[i] = &workers[i].server;
	rota_listen_group_options_init(&options);
	options.servers = servers;
	options.count = count;
	options.fn = on_connection;
	if (error == 0)
		error = rota_address_ip(&address, "127.0.0.1", port);
	if (error == 0)
		error = rota_listen_group_tcp(group, &options, &address, 0);
	if (error == 0)
		error = rota_listen_group_address(*group, &address);
	if (error == 0)
		error = rota_address_text(&address, text, sizeof(text));
	free(servers);
	if (error < 0)
		return error;
	printf("loops: %u loops: %s\n", count, text);
	fflush(stdout);
	return 0;
}

static int serve(unsigned port, unsigned count)
{
	struct rota_loops_options options;
	struct rota_listen_group *group = NULL;
	int error, status;

	rota_loops_options_init(&options);
	options.count = count;
	options.set_up = set_up;
	options.stop = stop;
	error = rota_loops_start(&loops, &options);
	if (error < 0)
		return error;
	error = listen_at(port, &group);
	if (error < 0)
		rota_loops_stop(loops);
	status = rota_loops_join(loops, NULL); /* until a signal stops them */
	if (group != NULL)
		rota_listen_group_close(group);
	return error < 0 ? error : status;
}

int main(int argc, char **argv)
{
	unsigned port = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	int error;

	if (count == 0)
		count = rota_loops_processors();
	workers = calloc(count, sizeof(*workers));
	if (workers == NULL)
		return 1;
	error = serve(port, count);
	if (error < 0)
		fprintf(stderr, "loops: %s\n", rota_error_text(error));
	for (unsigned i = 0; error == 0 && i < count; i++)
		printf("loop %u: %" PRIu64 " connections\n", i,
		       workers[i].accepted);
	free(workers);
	return error < 0;
}
