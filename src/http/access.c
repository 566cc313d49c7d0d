/*
 * http/access.c - see rota_http/access.h.
 */
#include "rota_http/access.h"

#include <string.h>

#include "rota/error.h"
#include "rota/loop.h"
#include "rota/wall_timer.h"
#include "rota_http/request.h"
#include "rota_http/response.h"

/* Enough for all metrics with the largest numbers. */
enum { METRICS_SIZE = 8192 };

#define NS_PER_SECOND UINT64_C(1000000000)

int rota_http_exchange_client(const struct rota_http_exchange *exchange,
			      const struct rota_http_trust *trust,
			      struct rota_http_client *client)
{
	const struct rota_http_head *head = rota_http_request_head(exchange);
	struct rota_address peer;
	int error = rota_http_exchange_peer(exchange, &peer);

	memset(client, 0, sizeof(*client));
	if (error < 0)
		return error;
	if (head != NULL)
		return rota_http_client_find(client, head, &peer, trust);
	client->address = peer;
	return 0;
}

static void write_line(const struct rota_http_exchange *exchange,
		       struct rota_http_log *log,
		       const struct rota_http_trust *trust)
{
	struct rota_http_log_entry entry;
	struct rota_http_client client;

	rota_http_log_entry_init(&entry, rota_http_request_head(exchange));
	(void)rota_http_exchange_client(exchange, trust, &client);
	entry.client = &client.address;
	entry.seconds =
		(int64_t)(rota_wall_now(rota_http_exchange_loop(exchange)) /
			  NS_PER_SECOND);
	entry.status = rota_http_response_status(exchange);
	entry.body_size = rota_http_response_sent(exchange);
	rota_http_log_write(log, &entry);
}

void rota_http_access_done(struct rota_http_exchange *exchange, int status,
			   void *arg)
{
	const struct rota_http_access *access = arg;
	size_t shard = rota_http_exchange_shard(exchange);
	uint64_t now_ns = rota_loop_now(rota_http_exchange_loop(exchange));

	(void)status;
	if (access->logs != NULL && access->logs[shard] != NULL)
		write_line(exchange, access->logs[shard], &access->trust);
	if (access->durations != NULL &&
	    rota_http_request_head(exchange) != NULL)
		rota_http_histogram_record(
			&access->durations[shard],
			now_ns - rota_http_exchange_begun_ns(exchange));
}

static void add_responses(struct rota_http_metrics *metrics,
			  const struct rota_http_server_stats *stats)
{
	static const char name[] = "rota_http_responses_total";
	static const char *const labels[] = {
		NULL,           "code=\"1xx\"", "code=\"2xx\"",
		"code=\"3xx\"", "code=\"4xx\"", "code=\"5xx\"",
	};

	(void)rota_http_metrics_begin(metrics, ROTA_HTTP_COUNTER, name,
				      "Responses, by the class of the status.");
	for (size_t i = 1; i < sizeof(labels) / sizeof(labels[0]); i++)
		(void)rota_http_metrics_sample(metrics, name, labels[i],
					       stats->responses[i]);
}

/* A member of the statistics, as a metric. */
struct shown_member {
	const char *name;
	const char *help;
	size_t offset;
	enum rota_http_metric_type type;
};

#define COUNTER(member, help)                                                  \
	{                                                                      \
		"rota_http_" #member "_total", help,                           \
			offsetof(struct rota_http_server_stats, member),       \
			ROTA_HTTP_COUNTER                                      \
	}
#define GAUGE(member, name, help)                                              \
	{                                                                      \
		"rota_http_" name, help,                                       \
			offsetof(struct rota_http_server_stats, member),       \
			ROTA_HTTP_GAUGE                                        \
	}

static const struct shown_member members[] = {
	GAUGE(connections, "connections", "Connections now."),
	GAUGE(idle, "idle_connections", "Connections between requests now."),
	GAUGE(exchanges, "exchanges", "Requests that are not done now."),
	GAUGE(memory, "memory_bytes", "Bytes that the server has now."),
	COUNTER(accepted, "Connections."),
	COUNTER(accept_errors, "Errors of accept."),
	COUNTER(over_connections, "Answers 503: too many connections."),
	COUNTER(over_address, "Answers 503: too many from one address."),
	COUNTER(over_memory, "Answers 503: too much memory."),
	COUNTER(requests, "Requests for which the handler was called."),
	COUNTER(refused, "Requests refused by the parser or a limit."),
	COUNTER(slow_heads, "Answers 408: the head was too slow."),
	COUNTER(slow_bodies, "Answers 408: the body was too slow."),
	COUNTER(idle_ended, "Connections ended because they were idle."),
	COUNTER(stalled, "Connections ended because the peer did not read."),
	COUNTER(slow_handlers, "Answers 503: the handler was too slow."),
	COUNTER(request_limit,
		"Connections ended by their number of requests."),
	COUNTER(gone, "Requests whose peer went before the end."),
	COUNTER(aborted, "Requests that the handler has aborted."),
	COUNTER(taken_over, "Connections that were taken over."),
	COUNTER(received, "Bytes received."),
	COUNTER(sent, "Bytes of heads and bodies sent."),
};

int rota_http_metrics_server(struct rota_http_metrics *metrics,
			     const struct rota_http_server_stats *stats)
{
	int error = 0;

	add_responses(metrics, stats);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const struct shown_member *member = &members[i];
		uint64_t value;

		memcpy(&value, (const char *)stats + member->offset,
		       sizeof(value));
		error = rota_http_metrics_number(metrics, member->type,
						 member->name, member->help,
						 value);
	}
	return error;
}

static void add_durations(struct rota_http_metrics *metrics,
			  const struct rota_http_access *access, size_t count)
{
	struct rota_http_histogram all = { { 0 }, 0 };

	for (size_t i = 0; i < count; i++)
		rota_http_histogram_add(&all, &access->durations[i]);
	(void)rota_http_metrics_histogram(
		metrics, "rota_http_request_duration_seconds",
		"From the head of a request to the end of its response.", &all);
}

void rota_http_metrics_handler(struct rota_http_exchange *exchange, void *arg)
{
	const struct rota_http_server *server =
		rota_http_exchange_server(exchange);
	const struct rota_http_access *access = arg;
	struct rota_http_server_stats stats = { .size = sizeof(stats) };
	struct rota_http_metrics metrics;
	char text[METRICS_SIZE];
	ptrdiff_t size;

	rota_http_metrics_init(&metrics, text, sizeof(text));
	if (rota_http_server_get_stats(server, &stats) == 0)
		(void)rota_http_metrics_server(&metrics, &stats);
	if (access != NULL && access->durations != NULL)
		add_durations(&metrics, access, rota_http_server_count(server));
	size = rota_http_metrics_end(&metrics);
	if (size < 0)
		(void)rota_http_respond_status(exchange, 500);
	else
		(void)rota_http_respond(exchange, 200, ROTA_HTTP_METRICS_TYPE,
					rota_bytes(text, (size_t)size));
}
