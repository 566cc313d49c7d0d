/*
 * http/stats.c - what a server has counted.
 */
#include "http/serving.h"
#include "http/sized.h"

_Static_assert(offsetof(struct rota_http_server_stats, sent) -
			       offsetof(struct rota_http_server_stats,
					accepted) ==
		       ROTAI_HTTP_SENT * sizeof(uint64_t),
	       "the counters are in the order of the members");

static uint64_t sum(const struct rota_http_server *server,
		    enum rotai_http_counter counter)
{
	uint64_t total = 0;

	for (size_t i = 0; i < server->count; i++)
		total += __atomic_load_n(&server->shards[i].counters[counter],
					 __ATOMIC_RELAXED);
	return total;
}

int rota_http_server_get_stats(const struct rota_http_server *server,
			       struct rota_http_server_stats *stats)
{
	struct rota_http_server_stats ours = { 0 };
	uint64_t *counted = &ours.accepted;
	uint64_t sessions = sum(server, ROTAI_HTTP_SESSIONS);

	ours.connections = sum(server, ROTAI_HTTP_CONNECTIONS);
	ours.idle =
		ours.connections > sessions ? ours.connections - sessions : 0;
	ours.exchanges = sum(server, ROTAI_HTTP_EXCHANGES);
	ours.memory = __atomic_load_n(&server->memory, __ATOMIC_RELAXED);
	for (int i = 0; i <= ROTAI_HTTP_SENT; i++)
		counted[i] = sum(server, (enum rotai_http_counter)i);
	return rotai_http_sized_give(
		stats,
		ROTAI_HTTP_SIZE_UP_TO(struct rota_http_server_stats, sent),
		&ours, sizeof(ours));
}
