/*
 * io/host_connect.c - connecting to a host by its name.
 *
 *  1. There are two stages: the lookup, while waiter.job is not NULL, and the
 *     race, while there is a race. In both the stream is connecting, and has no
 *     descriptor. The winner's becomes its descriptor.
 *  2. A socket that the stream has before is the model for the options of all
 *     attempts. It is kept here meanwhile, so that nobody sets options that
 *     would be lost.
 *  3. The request can end at any moment but one: when the lookup is done, and
 *     on its way back to the loop. The stream is free again at once. The
 *     request is kept until then, and its status.
 */
#include "rota/host_connect.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/sized.h"
#include "io/connect.h"
#include "io/race.h"
#include "io/tcp.h"
#include "names/question.h"

/* The first version of the struct ended with attempt_delay_ns. */
enum {
	LEAST_HOST_OPTIONS = ROTAI_SIZE_UP_TO(struct rota_host_connect_options,
					      attempt_delay_ns),
};

ROTAI_SIZED(struct rota_host_connect_options, attempt_delay_ns);

/* RFC 8305, section 8. */
static const uint64_t ATTEMPT_DELAY_NS = ROTA_MSEC(250);
static const uint64_t LEAST_DELAY_NS = ROTA_MSEC(10);

void rota_host_connect_options_init_size(
	struct rota_host_connect_options *options, size_t size)
{
	const struct rota_host_connect_options defaults = {
		.family = AF_UNSPEC, .attempt_delay_ns = ATTEMPT_DELAY_NS
	};

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

static struct rota_host_connect *host_connect_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_host_connect, request);
}

static struct rota_stream *stream_of_host(struct rota_host_connect *connect)
{
	return rotai_stream_of(connect->request.internal.handle);
}

/* Free what the request has, except for the lookup. */
static void release(struct rota_host_connect *connect)
{
	rotai_race_free(connect->internal.race);
	connect->internal.race = NULL;
	if (connect->internal.model >= 0)
		rotai_fd_close(connect->internal.model);
	connect->internal.model = -1;
}

/* The stream does not need the request any more: finish it with @status, now or
 * when the lookup is back. (3) */
static void stop_host(struct rota_host_connect *connect, int status)
{
	release(connect);
	if (connect->internal.waiter.job != NULL &&
	    rotai_shared_leave(&connect->internal.waiter) < 0)
		connect->internal.status = status;
	else
		rotai_request_finish(&connect->request, status);
}

static void stop_host_connect(struct rota_connect *connect, int status)
{
	stop_host(rota_container_of(connect, struct rota_host_connect, connect),
		  status);
}

/* End the request with @status, and let the stream go on without it. */
static void give_up_host(struct rota_host_connect *connect, int status)
{
	struct rota_stream *stream = stream_of_host(connect);

	stop_host(connect, status);
	rotai_connect_give_up(stream, status);
	rotai_stream_proceed(stream);
}

static int cancel_host_connect(struct rota_request *request, int status)
{
	struct rota_host_connect *connect = host_connect_of(request);

	if (connect->internal.status != 0)
		return ROTA_EALREADY; /* (3) */
	give_up_host(connect, status);
	return 0;
}

static void host_connect_forked(struct rota_request *request)
{
	struct rota_host_connect *connect = host_connect_of(request);

	if (connect->internal.waiter.job == NULL)
		return; /* the attempts go on */
	rotai_shared_forked(&connect->internal.waiter);
	if (connect->internal.status != 0)
		rotai_request_finish(request, connect->internal.status);
	else
		give_up_host(connect, ROTA_ECANCELED);
}

static const struct rotai_connect_class host_connect_class = {
	.request = {
		.type = "connect",
		.call = rotai_connect_call,
		.cancel = cancel_host_connect,
		.forked = host_connect_forked,
	},
	.stop = stop_host_connect,
};

/* The connect is over: 0, and the race has a winner, with which @events have
 * come; or an error. */
static void host_over(struct rota_host_connect *connect, int status,
		      unsigned events, int in_poll)
{
	struct rota_stream *stream = stream_of_host(connect);

	if (status == 0)
		rotai_race_give(connect->internal.race,
				&stream->internal.by.watch);
	release(connect);
	rotai_connect_ended(stream, status, events);
	if (in_poll && !rotai_stream_has(stream, ROTAI_ENDING)) {
		rotai_request_complete(&connect->request, status);
		return;
	}
	rotai_request_finish(&connect->request, status);
	rotai_stream_proceed(stream);
}

static void race_over(void *arg, int status, unsigned events, int in_poll)
{
	host_over(arg, status, events, in_poll);
}

/* Try the addresses of @list, and drop the reference to it. */
static void begin_race(struct rota_host_connect *connect,
		       const struct rota_address_list *list)
{
	const struct rotai_race_terms terms = {
		.delay_ns = connect->internal.delay_ns,
		.model = connect->internal.model,
		.over = race_over,
		.arg = connect,
	};
	int status =
		rotai_race_begin(&connect->internal.race,
				 connect->request.internal.loop, list, &terms);

	rota_address_list_unref(list);
	if (status != ROTA_EINPROGRESS)
		host_over(connect, status, 0, 0);
}

static void host_found(struct rotai_item *item, int error)
{
	struct rota_host_connect *connect = rota_container_of(
		item, struct rota_host_connect, internal.waiter.item);
	const struct rota_address_list *list = NULL;
	int status =
		rotai_question_answer(&connect->internal.waiter, error, &list);

	if (connect->internal.status != 0) { /* (3) */
		if (list != NULL)
			rota_address_list_unref(list);
		rotai_request_finish(&connect->request,
				     connect->internal.status);
	} else if (status < 0) {
		host_over(connect, status, 0, 0);
	} else {
		begin_race(connect, list);
	}
}

static int check_host_options(struct rota_host_connect_options *options,
			      const struct rota_host_connect_options *given)
{
	int error = 0;

	rota_host_connect_options_init(options);
	if (given != NULL)
		error = rotai_sized_take(options, sizeof(*options), given,
					 LEAST_HOST_OPTIONS);
	if (error == 0 && options->attempt_delay_ns < LEAST_DELAY_NS)
		error = ROTA_EINVAL;
	return error;
}

/* Find the addresses of @host, or what to ask: see rotai_question_make(). */
static int find_addresses(struct rotai_question **question,
			  const struct rota_address_list **list,
			  const char *host, unsigned port,
			  const struct rota_host_connect_options *options)
{
	struct rota_lookup_options lookup;
	char service[16];

	rota_lookup_options_init(&lookup);
	lookup.family = options->family;
	lookup.flags = options->lookup_flags;
	(void)snprintf(service, sizeof(service), "%u", port);
	return rotai_question_make(question, list, host, service, &lookup);
}

/* Nothing can fail any more: the stream connects. */
static void begin_host_connect(struct rota_host_connect *connect,
			       struct rota_stream *stream, uint64_t delay_ns,
			       rota_connect_fn *fn)
{
	rotai_request_begin(&connect->request, stream->handle.internal.loop,
			    &stream->handle, &host_connect_class.request);
	connect->connect.internal.fn = fn;
	connect->internal.race = NULL;
	connect->internal.delay_ns = delay_ns;
	connect->internal.model = stream->internal.by.watch.internal.fd;
	connect->internal.status = 0;
	stream->internal.by.watch.internal.fd = -1; /* (2) */
	stream->internal.front.connect = &connect->connect;
	rotai_stream_set(stream, ROTAI_CONNECTING);
}

static int may_connect_host(const struct rota_tcp *tcp)
{
	int error = rotai_handle_usable(&tcp->handle);

	if (error == 0)
		error = rotai_stream_may_connect(&tcp->stream);
	if (error == 0 && rotai_stream_has(&tcp->stream, ROTAI_BOUND))
		error = ROTA_EINVAL;
	return error;
}

int rota_tcp_connect_host(struct rota_host_connect *connect,
			  struct rota_tcp *tcp, const char *host, unsigned port,
			  const struct rota_host_connect_options *options,
			  rota_connect_fn *fn)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	struct rota_host_connect_options all;
	const struct rota_address_list *list;
	struct rotai_question *question;
	int error = may_connect_host(tcp);

	if (error == 0 && (connect == NULL || host == NULL || fn == NULL ||
			   port > UINT16_MAX))
		error = ROTA_EINVAL;
	if (error == 0)
		error = check_host_options(&all, options);
	if (error == 0)
		error = find_addresses(&question, &list, host, port, &all);
	if (error < 0)
		return error;
	if (error == 0) {
		begin_host_connect(connect, &tcp->stream, all.attempt_delay_ns,
				   fn);
		connect->internal.waiter.job = NULL;
		begin_race(connect, list);
		return 0;
	}
	error = rotai_question_ask(question, &connect->internal.waiter,
				   tcp->handle.internal.loop, host_found);
	if (error == 0)
		begin_host_connect(connect, &tcp->stream, all.attempt_delay_ns,
				   fn);
	return error;
}
