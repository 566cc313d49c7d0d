/*
 * server/listener.c - the listeners of a server.
 *
 *  1. All of them are paused while the server is full. A listener that is
 *     added then is paused as well.
 *  2. A listener with a class belongs to a group: listen_group.c.
 *  3. While a listener is drained, the program may stop it, close its stream,
 *     or free it.
 */
#include "server/listener.h"

#include "base/list.h"
#include "io/io.h"
#include "loop/enter.h"
#include "rota/error.h"

static struct rota_listener *listener_of(struct rota_link *link)
{
	return rota_container_of(link, struct rota_listener, internal.link);
}

static int pause_or_resume(struct rota_stream *stream, int is_paused)
{
	return is_paused ? rota_stream_listen_pause(stream)
			 : rota_stream_listen_resume(stream);
}

/* (2) */
static int has_own_pause(const struct rota_listener *listener)
{
	return listener->internal.class_ != NULL &&
	       listener->internal.class_->set_paused != NULL;
}

static void pause_listener(struct rota_listener *listener, int is_paused)
{
	if (has_own_pause(listener))
		listener->internal.class_->set_paused(listener, is_paused);
	else
		(void)rotai_listener_set_paused(listener->internal.stream,
						is_paused);
}

void rotai_listeners_set_paused(struct rota_server *server, int is_paused)
{
	struct rota_link *list = &server->internal.listeners;

	for (struct rota_link *at = list->next; at != list; at = at->next)
		pause_listener(listener_of(at), is_paused);
}

static int wants_count(const struct rota_listener *listener)
{
	return listener->internal.class_ != NULL &&
	       listener->internal.class_->count != NULL;
}

void rotai_listeners_count(struct rota_server *server)
{
	struct rota_link *list = &server->internal.listeners;

	for (struct rota_link *at = list->next; at != list; at = at->next) {
		struct rota_listener *listener = listener_of(at);

		if (wants_count(listener))
			listener->internal.class_->count(
				listener, server->internal.stats.open);
	}
}

static void remove_listener(struct rota_listener *listener)
{
	struct rota_server *server = listener->internal.server;

	server->internal.stats.shed +=
		rota_stream_shed(listener->internal.stream);
	rotai_list_remove(&listener->internal.link);
	listener->internal.server = NULL;
	if (listener->internal.class_ != NULL)
		listener->internal.class_->removed(listener);
}

static struct rota_listener *first_listener(struct rota_server *server)
{
	struct rota_link *list = &server->internal.listeners;

	return list->next != list ? listener_of(list->next) : NULL;
}

static void close_listener(struct rota_listener *listener)
{
	struct rota_stream *stream = listener->internal.stream;

	remove_listener(listener);
	(void)rota_handle_close(&stream->handle, listener->internal.fn);
}

void rotai_listeners_close(struct rota_server *server)
{
	struct rota_listener *listener;

	while ((listener = first_listener(server)) != NULL)
		close_listener(listener);
}

void rotai_listeners_drain(struct rota_server *server, uint64_t most)
{
	struct rota_listener *listener;

	while ((listener = first_listener(server)) != NULL) {
		if (listener->internal.class_ == NULL)
			rotai_listener_drain(listener->internal.stream, most);
		if (rotai_loop_inherited(server->internal.loop) < 0)
			return;
		if (first_listener(server) == listener) /* (3) */
			close_listener(listener);
	}
}

uint64_t rotai_listeners_shed(const struct rota_server *server)
{
	const struct rota_link *list = &server->internal.listeners;
	uint64_t shed = 0;

	for (struct rota_link *at = list->next; at != list; at = at->next)
		shed += rota_stream_shed(listener_of(at)->internal.stream);
	return shed;
}

int rotai_listener_add(struct rota_listener *listener,
		       struct rota_server *server, struct rota_stream *stream,
		       rota_close_fn *fn,
		       const struct rotai_listener_class *class_)
{
	int error;

	if (listener->internal.server != NULL)
		return ROTA_EALREADY;
	if (server->internal.is_stopping)
		return ROTA_ESHUTDOWN;
	error = pause_or_resume(stream, server->internal.is_full);
	if (error < 0)
		return error;
	listener->internal.server = server;
	listener->internal.stream = stream;
	listener->internal.fn = fn;
	listener->internal.class_ = class_;
	rota_handle_on_shutdown(&stream->handle, fn);
	rotai_list_append(&server->internal.listeners,
			  &listener->internal.link);
	return 0;
}

int rota_listener_start(struct rota_listener *listener,
			struct rota_server *server, struct rota_stream *stream,
			rota_close_fn *fn)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	return rotai_listener_add(listener, server, stream, fn, NULL);
}

void rota_listener_stop(struct rota_listener *listener)
{
	ROTAI_ENTER("listener", listener,
		    listener->internal.server != NULL
			    ? listener->internal.server->internal.loop
			    : NULL);
	if (listener->internal.server != NULL)
		remove_listener(listener);
}
