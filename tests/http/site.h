/*
 * site.h - a server, and guests that are connected to it by pairs in memory,
 * for the tests of servers. Time is virtual. This is a header because only
 * these test programs use it.
 */
#ifndef TESTS_HTTP_SITE_H
#define TESTS_HTTP_SITE_H

#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rota_http.h"
#include "support/probe.h"

enum { SITE_GOT = 1 << 16, SITE_TURNS = 12 };

#define SITE_DATE "Date: Sun, 09 Sep 2001 01:46:40 GMT\r\n"

/* What a server answers with, up to the length. */
#define OK_HEAD(length)                                                        \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" SITE_DATE            \
	"Content-Length: " length "\r\n"

struct site;

/* Exchanges, in the order of their handlers, and what became of them. */
struct visit {
	struct rota_http_exchange *exchange; /* NULL: it is done */
	char target[64];
	unsigned done;
	int status; /* of the end */
	char body[256];
	size_t size;
	unsigned body_ends;
	int body_status;
	unsigned writable;
	unsigned released;
	int release_status;
	size_t lent; /* bytes, or one file */
	struct site *site;
};

enum { SITE_VISITS = 64 };

struct site {
	struct fixture *f;
	struct rota_http_server *server;
	struct rota_http_server_options options;
	struct counting_allocator memory;
	struct visit visits[SITE_VISITS];
	unsigned visit_count;
	unsigned stopped;
	/* what the handler does with a visit; NULL: hello */
	void (*act)(struct visit *v);
	/* what the function of on_done does besides counting */
	void (*act_done)(struct visit *v);
	/* what body functions do besides counting */
	void (*act_body)(struct visit *v, int status);
	int no_done; /* do not register a function of on_done */
};

struct guest {
	struct site *site;
	struct rota_memory_stream client;
	struct rota_memory_stream served;
	char *got;
	size_t size;
	size_t capacity;
	unsigned ended; /* the end of what the server sends */
	int status;
	unsigned closed; /* the server's end */
	unsigned left;   /* the client's end is closed */
	int is_open;
};

static inline struct rota_const_buf bytes_of(const char *text)
{
	return rota_bytes(text, strlen(text));
}

static inline void visit_hello(struct visit *v)
{
	assert_int_equal(rota_http_respond(v->exchange, 200, "text/plain",
					   bytes_of("hello\n")),
			 0);
}

static inline void visit_done(struct rota_http_exchange *exchange, int status,
			      void *arg)
{
	struct visit *v = arg;

	assert_ptr_equal(v->exchange, exchange);
	v->done++;
	v->status = status;
	if (v->site->act_done != NULL)
		v->site->act_done(v);
	v->exchange = NULL;
}

static inline void site_handle(struct rota_http_exchange *exchange, void *arg)
{
	struct site *s = arg;
	const struct rota_http_head *head = rota_http_request_head(exchange);
	struct rota_const_buf target = rota_http_head_target(head);
	struct visit *v = &s->visits[s->visit_count % SITE_VISITS];

	assert_non_null(head);
	if (v->exchange != NULL) { /* the test has enough of them */
		(void)rota_http_respond_status(exchange, 503);
		return;
	}
	*v = (struct visit){ .exchange = exchange, .site = s };
	s->visit_count++;
	memcpy(v->target, target.data,
	       target.size < sizeof(v->target) ? target.size
					       : sizeof(v->target) - 1);
	if (!s->no_done)
		assert_true(rota_http_exchange_on_done(exchange, visit_done,
						       v) == 0 ||
			    s->memory.failed > 0);
	if (s->act != NULL)
		s->act(v);
	else
		visit_hello(v);
}

/* A function for pieces of a body. */
static inline void visit_piece(struct rota_http_exchange *exchange, int status,
			       struct rota_const_buf piece, void *arg)
{
	struct visit *v = arg;

	assert_ptr_equal(v->exchange, exchange);
	assert_int_equal(v->body_ends, 0);
	if (status < 0) {
		v->body_ends++;
		v->body_status = status;
		assert_int_equal(piece.size, 0);
	} else {
		assert_true(piece.size > 0);
		for (size_t i = 0; i < piece.size; i++, v->size++)
			if (v->size < sizeof(v->body))
				v->body[v->size] = piece.data[i];
	}
	if (v->site->act_body != NULL)
		v->site->act_body(v, status);
}

/* The same for whole bodies. */
static inline void visit_whole(struct rota_http_exchange *exchange, int status,
			       struct rota_const_buf body, void *arg)
{
	struct visit *v = arg;

	assert_ptr_equal(v->exchange, exchange);
	v->body_ends++;
	v->body_status = status;
	v->size = body.size;
	if (body.size > 0)
		memcpy(v->body, body.data,
		       body.size < sizeof(v->body) ? body.size
						   : sizeof(v->body));
	if (v->site->act_body != NULL)
		v->site->act_body(v, status);
}

static inline void visit_released(void *arg, int status)
{
	struct visit *v = arg;

	v->released++;
	v->release_status = status;
	assert_int_equal(v->done, 0);
}

static inline void visit_writable(struct rota_http_exchange *exchange,
				  void *arg)
{
	struct visit *v = arg;

	assert_ptr_equal(v->exchange, exchange);
	v->writable++;
}

/* Set the options; change them before site_open(). */
static inline void site_init(struct site *s, struct fixture *f)
{
	memset(s, 0, sizeof(*s));
	s->f = f;
	counting_allocator_init(&s->memory);
	rota_http_server_options_init(&s->options);
	s->options.handler = site_handle;
	s->options.handler_arg = s;
	s->options.allocator = &s->memory.allocator;
}

static inline void site_start(struct site *s)
{
	assert_int_equal(
		rota_http_server_new(&s->server, &s->f->loop, 1, &s->options),
		0);
}

static inline void site_open(struct site *s, struct fixture *f)
{
	site_init(s, f);
	site_start(s);
}

static inline void site_turns(struct site *s)
{
	for (int i = 0; i < SITE_TURNS; i++)
		turn(s->f);
}

/* Let the time pass. */
static inline void site_pass(struct site *s, uint64_t delay_ns)
{
	assert_int_equal(rota_loop_advance(s->f->loop, delay_ns), 0);
	site_turns(s);
}

static inline void site_on_stopped(struct rota_http_server *server, void *arg)
{
	struct site *s = arg;

	assert_ptr_equal(s->server, server);
	s->stopped++;
}

static inline struct rota_http_server_stats site_stats(struct site *s)
{
	struct rota_http_server_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_http_server_get_stats(s->server, &stats), 0);
	return stats;
}

/* Nothing may be left. */
static inline void site_close(struct site *s)
{
	site_turns(s);
	assert_int_equal(site_stats(s).connections, 0);
	assert_int_equal(site_stats(s).exchanges, 0);
	assert_int_equal(rota_http_server_free(s->server), 0);
	assert_int_equal(s->memory.bytes, 0);
}

static inline void guest_read(struct rota_stream *stream, int status,
			      const struct rota_buf *buf)
{
	struct guest *g =
		rota_container_of(stream, struct guest, client.stream);

	if (status < 0) {
		g->ended++;
		g->status = status;
		return;
	}
	if (g->size + buf->size >= g->capacity) {
		g->capacity = (g->size + buf->size + 1) * 2;
		g->got = realloc(g->got, g->capacity);
	}
	memcpy(g->got + g->size, buf->data, buf->size);
	g->size += buf->size;
	g->got[g->size] = '\0';
}

static inline void guest_closed(struct rota_handle *handle)
{
	rota_container_of(handle, struct guest, served.handle)->closed++;
}

static inline void guest_left(struct rota_handle *handle)
{
	rota_container_of(handle, struct guest, client.handle)->left++;
}

static inline void guest_pair(struct guest *g, struct site *s, size_t capacity)
{
	*g = (struct guest){ .site = s };
	g->capacity = 1024;
	g->got = calloc(1, g->capacity);
	assert_int_equal(rota_memory_stream_pair(&g->client, &g->served,
						 s->f->loop, capacity),
			 0);
	assert_int_equal(rota_stream_read_start(&g->client.stream, guest_read),
			 0);
	g->is_open = 1;
}

static inline void guest_open(struct guest *g, struct site *s)
{
	guest_pair(g, s, 0);
	assert_int_equal(rota_http_server_serve(s->server, 0, &g->served.stream,
						guest_closed, NULL),
			 0);
}

static inline void guest_send_bytes(struct guest *g, const char *data,
				    size_t size)
{
	(void)rota_stream_send(&g->client.stream, data, size);
}

/* Send, and let it arrive. */
static inline void guest_send(struct guest *g, const char *text)
{
	guest_send_bytes(g, text, strlen(text));
	site_turns(g->site);
}

/* What has come, and forget it. */
static inline void guest_expect(struct guest *g, const char *text)
{
	assert_string_equal(g->got, text);
	g->size = 0;
	g->got[0] = '\0';
}

/* The client leaves: it resets the connection, or ends it. */
static inline void guest_leave(struct guest *g, int resets)
{
	if (g->is_open && resets)
		assert_int_equal(
			rota_stream_close_reset(&g->client.stream, guest_left),
			0);
	else if (g->is_open)
		assert_int_equal(
			rota_handle_close(&g->client.handle, guest_left), 0);
	g->is_open = 0;
	site_turns(g->site);
}

static inline void guest_close(struct guest *g)
{
	guest_leave(g, 0);
	assert_int_equal(g->closed, 1);
	free(g->got);
	g->got = NULL;
}

#endif
