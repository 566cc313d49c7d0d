/*
 * dns.c - forward DNS queries (RFC 1035) to another server.
 *
 *     cc dns.c $(pkg-config --cflags --libs rota) -o dns
 *     ./dns 127.0.0.1 5353 9.9.9.9 53      ^C ends it; then:
 *     dig @127.0.0.1 -p 5353 example.org
 *
 *  1. Each query gets a new id of 16 bits, by which its answer is found. Ids
 *     that are in use are not given again. Half of the bits are random, so that
 *     somebody who does not see the query can hardly answer it.
 *  2. The socket to the other server is connected: what comes from elsewhere is
 *     dropped by the kernel.
 *  3. If the other server does not answer in time, or the network reports that
 *     nobody is there, the client is told that the server failed: SERVFAIL. The
 *     report has the first bytes of the datagram, and so its id.
 *  4. An answer goes to the client from the address that the client has asked.
 *  5. All answers of a callback leave by one system call at its end.
 */
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUERIES = 256, /* at a time */
	HEADER = 12,   /* bytes, before the question */
	LARGEST = 4096,
	SERVFAIL = 2,
};

/* A query that waits for its answer, or whose answer is being sent. */
struct query {
	int is_used;
	uint16_t id;        /* for the other server */
	uint16_t client_id; /* as the client has chosen it */
	struct rota_address client, own;
	struct rota_timer timer;
	struct rota_send send;
	size_t size; /* of data: the question, and then the answer */
	unsigned char data[LARGEST];
};

static struct rota_loop *loop;
static struct rota_udp clients, server;
static struct query queries[QUERIES];
static unsigned long forwarded, failed;
static unsigned next;

static void must(const char *what, int error)
{
	if (error >= 0)
		return;
	fprintf(stderr, "dns: %s: %s\n", what, rota_error_text(error));
	exit(EXIT_FAILURE);
}

static uint16_t id_at(const unsigned char *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static void set_id(unsigned char *data, uint16_t id)
{
	data[0] = (unsigned char)(id >> 8);
	data[1] = (unsigned char)id;
}

static void on_answered(struct rota_send *send, int status)
{
	struct query *query = rota_container_of(send, struct query, send);

	(void)status; /* the client will ask again */
	query->is_used = 0;
}

/* Send the client what is in data. (4) (5) */
static void answer(struct query *query)
{
	struct rota_outgoing out = { .data = query->data,
				     .size = query->size,
				     .to = &query->client,
				     .from = &query->own };

	rota_timer_stop(&query->timer);
	set_id(query->data, query->client_id);
	if (rota_datagram_send(&query->send, &clients.datagram, &out,
			       on_answered) < 0)
		query->is_used = 0;
}

/* (3) */
static void fail(struct query *query)
{
	failed++;
	query->data[2] |= 0x80; /* a response */
	query->data[3] = (unsigned char)((query->data[3] & 0x70) | SERVFAIL);
	answer(query);
}

static void on_timeout(struct rota_timer *timer)
{
	fail(rota_container_of(timer, struct query, timer));
}

/* Find the query with that id, which waits for its answer. (1) */
static struct query *find(uint16_t id)
{
	struct query *query = &queries[id % QUERIES];

	return query->is_used && query->id == id &&
			       rota_timer_is_active(&query->timer)
		       ? query
		       : NULL;
}

static struct query *unused_query(void)
{
	for (unsigned i = 0; i < QUERIES; i++, next++)
		if (!queries[next % QUERIES].is_used)
			return &queries[next++ % QUERIES];
	return NULL; /* the client will ask again */
}

static void forward(const struct rota_received *received)
{
	struct rota_outgoing out = { .size = received->size };
	struct query *query = unused_query();

	if (query == NULL)
		return;
	query->is_used = 1;
	query->client = received->from;
	query->own = received->own;
	query->size = received->size;
	memcpy(query->data, received->data, received->size);
	query->client_id = id_at(query->data);
	query->id = (uint16_t)((unsigned)(query - queries) |
			       ((unsigned)rand() & 0xff) << 8); /* (1) */
	set_id(query->data, query->id);
	rota_timer_start(&query->timer, on_timeout, ROTA_SEC(2));
	out.data = query->data;
	if (rota_datagram_try_send(&server.datagram, &out, 1) < 0)
		fail(query);
	else
		forwarded++;
}

static void on_queries(struct rota_datagram *datagram, int status,
		       const struct rota_received *received, size_t count)
{
	(void)datagram;
	(void)status;
	for (size_t i = 0; i < count; i++) {
		const char *data = received[i].data;

		if (received[i].size >= HEADER && received[i].size <= LARGEST &&
		    (data[2] & 0x80) == 0)
			forward(&received[i]);
	}
}

static void on_answers(struct rota_datagram *datagram, int status,
		       const struct rota_received *received, size_t count)
{
	(void)datagram;
	(void)status;
	for (size_t i = 0; i < count; i++) {
		const unsigned char *data = (unsigned char *)received[i].data;
		struct query *query;

		if (received[i].size < HEADER || received[i].size > LARGEST)
			continue;
		query = find(id_at(data));
		if (query == NULL)
			continue;
		query->size = received[i].size;
		memcpy(query->data, data, received[i].size);
		answer(query);
	}
}

/* (3) */
static void on_error(struct rota_datagram *datagram,
		     const struct rota_datagram_error *error)
{
	struct query *query = NULL;

	(void)datagram;
	if (error->size >= 2)
		query = find(id_at((const unsigned char *)error->data));
	if (query != NULL)
		fail(query);
}

static void on_interrupt(struct rota_signal *watcher, uint32_t count)
{
	(void)count;
	for (int i = 0; i < QUERIES; i++)
		rota_timer_stop(&queries[i].timer);
	rota_handle_close(&clients.handle, NULL);
	rota_handle_close(&server.handle, NULL);
	rota_handle_close(&watcher->handle, NULL);
}

static void open_sockets(char **argv)
{
	char text[ROTA_ADDRESS_TEXT_SIZE];
	struct rota_address address;

	must(argv[3],
	     rota_address_ip(&address, argv[3], (unsigned)atoi(argv[4])));
	must("udp", rota_udp_init(&server, loop));
	must("connect", rota_udp_connect(&server, &address)); /* (2) */
	must("receive",
	     rota_datagram_receive_start(&server.datagram, on_answers));
	rota_datagram_on_error(&server.datagram, on_error);

	must(argv[1],
	     rota_address_ip(&address, argv[1], (unsigned)atoi(argv[2])));
	must("udp", rota_udp_init(&clients, loop));
	must("bind", rota_udp_bind(&clients, &address, 0));
	must("report", rota_udp_report(&clients, ROTA_UDP_REPORT_ADDRESS));
	must("receive",
	     rota_datagram_receive_start(&clients.datagram, on_queries));
	must("address", rota_udp_own_address(&clients, &address));
	must("address", rota_address_text(&address, text, sizeof(text)));
	printf("dns: at %s\n", text);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct rota_signal interrupt;

	if (argc != 5) {
		fprintf(stderr, "usage: dns ADDRESS PORT SERVER PORT\n");
		return EXIT_FAILURE;
	}
	must("loop", rota_loop_new(&loop, NULL));
	srand((unsigned)rota_loop_now(loop));
	for (int i = 0; i < QUERIES; i++)
		rota_timer_init(&queries[i].timer, loop);
	open_sockets(argv);
	must("signal", rota_signal_init(&interrupt, loop));
	must("signal", rota_signal_start(&interrupt, on_interrupt, SIGINT));
	must("run", rota_loop_run(loop, ROTA_RUN_DEFAULT));
	must("close", rota_loop_close(loop));
	printf("dns: forwarded %lu, failed %lu\n", forwarded, failed);
	return EXIT_SUCCESS;
}
