/*
 * http/exchange.c - what a handler does with an exchange besides reading the
 * request and writing the response: see rota_http/exchange.h.
 */
#include "rota_http/exchange.h"

#include <string.h>

#include "http/answer.h"
#include "http/life.h"
#include "http/out.h"
#include "http/proxied.h"
#include "http/storage.h"
#include "rota/error.h"

static int check_exchange(const struct rota_http_exchange *exchange)
{
	return exchange->has_failed || exchange->session == NULL ||
			       exchange->session->error < 0 ||
			       exchange->must_abort
		       ? ROTA_ECANCELED
		       : 0;
}

int rota_http_exchange_on_done(struct rota_http_exchange *exchange,
			       rota_http_done_fn *fn, void *arg)
{
	int error = check_exchange(exchange);

	if (error < 0)
		return error;
	if (fn == NULL)
		return ROTA_EINVAL;
	return rotai_http_add_hook(
		exchange, &exchange->done_hooks,
		(struct rotai_http_hook){ .fn.done = fn, .arg = arg });
}

void *rota_http_exchange_allocate(struct rota_http_exchange *exchange,
				  size_t size)
{
	return rotai_http_arena(exchange, size);
}

void rota_http_exchange_set_deadline(struct rota_http_exchange *exchange,
				     uint64_t delay_ns)
{
	if (check_exchange(exchange) < 0)
		return;
	exchange->handler_due =
		rotai_http_due(rota_loop_now(exchange->shard->loop), delay_ns);
	rotai_http_wake(exchange->session);
}

void rota_http_exchange_abort(struct rota_http_exchange *exchange)
{
	if (exchange->is_ended)
		return;
	if (exchange->session != NULL) {
		exchange->must_abort = 1;
		rotai_http_wake(exchange->session);
	}
	rotai_http_handler_ends(exchange); /* which may free it */
}

/* Whether @status may end HTTP after this request. */
static int is_switch(const struct rota_http_exchange *exchange, int status)
{
	const struct rota_http_head *head = &exchange->head;

	if (status == 101)
		return (head->flags & ROTA_HTTP_UPGRADES) != 0 &&
		       head->minor > 0;
	return head->method == ROTA_HTTP_CONNECT && status >= 200 &&
	       status <= 299;
}

int rota_http_exchange_take_over(struct rota_http_exchange *exchange,
				 int status, rota_http_take_over_fn *fn,
				 void *arg)
{
	int error = check_exchange(exchange);

	if (error == 0 && exchange->is_ended)
		error = ROTA_ECANCELED;
	if (error < 0)
		return error;
	if (exchange->status != 0)
		return ROTA_EALREADY;
	if (fn == NULL || !is_switch(exchange, status) ||
	    !exchange->is_complete)
		return ROTA_EINVAL;
	rotai_http_put_switch(exchange, status);
	exchange->take_over_fn = fn;
	exchange->take_over_arg = arg;
	exchange->is_ended = 1;
	exchange->handler_done = 1;
	rotai_http_wake(exchange->session);
	return 0;
}

void rota_http_exchange_set_data(struct rota_http_exchange *exchange,
				 void *data)
{
	exchange->data = data;
}

void *rota_http_exchange_data(const struct rota_http_exchange *exchange)
{
	return exchange->data;
}

struct rota_http_server *
rota_http_exchange_server(const struct rota_http_exchange *exchange)
{
	return exchange->shard->owner;
}

size_t rota_http_exchange_shard(const struct rota_http_exchange *exchange)
{
	return exchange->shard->index;
}

struct rota_loop *
rota_http_exchange_loop(const struct rota_http_exchange *exchange)
{
	return exchange->shard->loop;
}

int rota_http_exchange_peer(const struct rota_http_exchange *exchange,
			    struct rota_address *address)
{
	if (address == NULL)
		return ROTA_EINVAL;
	if (exchange->peer != NULL) {
		memset(address, 0, sizeof(*address));
		memcpy(address, exchange->peer,
		       offsetof(struct rota_address, is) +
			       exchange->peer->size);
		return 0;
	}
	if (exchange->session == NULL || exchange->session->is_closing)
		return ROTA_ENOTCONN;
	return rotai_http_read_peer(exchange->session->connection,
				    exchange->shard, address);
}

int rota_http_exchange_is_secure(const struct rota_http_exchange *exchange)
{
	const struct rotai_http_session *session = exchange->session;

	return session != NULL &&
	       session->connection->carrier == ROTAI_HTTP_SERVED &&
	       session->connection->by.served.is_secure;
}

int rota_http_exchange_has_failed(const struct rota_http_exchange *exchange)
{
	return check_exchange(exchange) < 0;
}

uint64_t rota_http_exchange_begun_ns(const struct rota_http_exchange *exchange)
{
	return exchange->begun_ns;
}
