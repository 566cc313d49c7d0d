/*
 * names/question.c - see question.h.
 *
 *  1. A question is a shared job of the blocking lane. What it asks is copied
 *     into it, so the thread uses no memory of the caller's.
 *  2. Without a socket type, getaddrinfo(3) returns each address several times.
 *     So there always is one.
 *  3. If the host is an IP address and the service a number, the answer follows
 *     from the arguments.
 */
#include "names/question.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/eai.h"
#include "base/sized.h"
#include "names/address_list.h"
#include "names/numeric.h"
#include "rota/error.h"

/* The first version of the struct ended with flags. */
enum {
	LEAST_LOOKUP_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_lookup_options, flags),
};

ROTAI_SIZED(struct rota_lookup_options, flags);

static const struct {
	uint64_t flag;
	int of_system;
} lookup_flags[] = {
	{ ROTA_LOOKUP_PASSIVE, AI_PASSIVE },
	{ ROTA_LOOKUP_CANONICAL_NAME, AI_CANONNAME },
	{ ROTA_LOOKUP_NUMERIC_HOST, AI_NUMERICHOST },
	{ ROTA_LOOKUP_NUMERIC_SERVICE, AI_NUMERICSERV },
	{ ROTA_LOOKUP_V4_MAPPED, AI_V4MAPPED },
	{ ROTA_LOOKUP_ALL, AI_ALL },
	{ ROTA_LOOKUP_CONFIGURED, AI_ADDRCONFIG },
};

enum { LOOKUP_FLAGS = sizeof(lookup_flags) / sizeof(lookup_flags[0]) };

struct rotai_question {
	struct rotai_shared_job job; /* must be first */
	struct addrinfo hints;
	const char *host; /* in text, or NULL */
	const char *service;

	/* The answer. */
	int status;
	const struct rota_address_list *list;

	size_t size;
	char text[]; /* host and service, each with its 0 */
};

static struct rotai_question *question_of(const struct rotai_shared_job *job)
{
	return rota_container_of((struct rotai_shared_job *)(uintptr_t)job,
				 struct rotai_question, job);
}

/* A thread of the lane. */
static void ask_system(struct rotai_shared_job *job)
{
	struct rotai_question *question = question_of(job);
	struct addrinfo *found = NULL;
	int error;

	do {
		errno = 0;
		error = rotai_eai_error(getaddrinfo(question->host,
						    question->service,
						    &question->hints, &found));
	} while (error == ROTA_EINTR);
	if (error == 0) {
		error = rotai_address_list_from(&question->list, found);
		freeaddrinfo(found);
	}
	question->status = error;
}

static int asks_the_same(const struct rotai_shared_job *job,
			 const struct rotai_shared_job *other)
{
	const struct rotai_question *a = question_of(job);
	const struct rotai_question *b = question_of(other);

	return a->hints.ai_family == b->hints.ai_family &&
	       a->hints.ai_socktype == b->hints.ai_socktype &&
	       a->hints.ai_flags == b->hints.ai_flags &&
	       (a->host == NULL) == (b->host == NULL) && a->size == b->size &&
	       memcmp(a->text, b->text, a->size) == 0;
}

static void free_question(struct rotai_shared_job *job)
{
	struct rotai_question *question = question_of(job);

	if (question->list != NULL)
		rota_address_list_unref(question->list);
	free(question);
}

static const struct rotai_shared_class question_class = {
	.run = ask_system,
	.equals = asks_the_same,
	.free = free_question,
};

/* FNV-1a. */
static uint32_t hash_text(const char *text, size_t size)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619;
	return hash;
}

static const char *copy_name(struct rotai_question *question, const char *name)
{
	char *to = question->text + question->size;

	if (name == NULL)
		return NULL;
	question->size += strlen(name) + 1;
	return memcpy(to, name, strlen(name) + 1);
}

static struct rotai_question *
new_question(const char *host, const char *service,
	     const struct rota_lookup_options *options)
{
	size_t room = (host != NULL ? strlen(host) + 1 : 0) +
		      (service != NULL ? strlen(service) + 1 : 0);
	struct rotai_question *question = malloc(sizeof(*question) + room);

	if (question == NULL)
		return NULL;
	memset(question, 0, sizeof(*question));
	question->hints.ai_family = options->family;
	question->hints.ai_socktype = options->socket_type; /* (2) */
	for (int i = 0; i < LOOKUP_FLAGS; i++)
		if (options->flags & lookup_flags[i].flag)
			question->hints.ai_flags |= lookup_flags[i].of_system;
	question->host = copy_name(question, host);
	question->service = copy_name(question, service);
	rotai_shared_init(&question->job, &question_class,
			  hash_text(question->text, question->size));
	return question;
}

static void map_to_ip6(struct rota_address *address)
{
	struct rota_address mapped = { .size = sizeof(mapped.is.ip6) };
	unsigned char *bytes = mapped.is.ip6.sin6_addr.s6_addr;

	mapped.is.ip6.sin6_family = AF_INET6;
	bytes[10] = bytes[11] = 0xff; /* RFC 4291, section 2.5.5.2 */
	memcpy(bytes + 12, &address->is.ip4.sin_addr, 4);
	*address = mapped;
}

/* The answer for the IP address @address. (3) */
static int answer_number(const struct rota_address_list **list,
			 struct rota_address *address, unsigned port,
			 const char *host,
			 const struct rota_lookup_options *options)
{
	if (options->family == AF_INET6 &&
	    address->is.any.sa_family == AF_INET &&
	    (options->flags & ROTA_LOOKUP_V4_MAPPED))
		map_to_ip6(address);
	if (options->family != AF_UNSPEC &&
	    options->family != address->is.any.sa_family)
		return ROTA_EAI_ADDRFAMILY;
	if (address->is.any.sa_family == AF_INET)
		address->is.ip4.sin_port = htons((uint16_t)port);
	else
		address->is.ip6.sin6_port = htons((uint16_t)port);
	return rotai_address_list_of_one(
		list, address,
		options->flags & ROTA_LOOKUP_CANONICAL_NAME ? host : NULL);
}

static int check_lookup_options(struct rota_lookup_options *options,
				const struct rota_lookup_options *given)
{
	const uint64_t known = (ROTA_LOOKUP_CONFIGURED << 1) - 1;
	int error = 0;

	rota_lookup_options_init(options);
	if (given != NULL)
		error = rotai_sized_take(options, sizeof(*options), given,
					 LEAST_LOOKUP_OPTIONS);
	if (error < 0)
		return error;
	if ((options->family != AF_UNSPEC && options->family != AF_INET &&
	     options->family != AF_INET6) ||
	    (options->socket_type != SOCK_STREAM &&
	     options->socket_type != SOCK_DGRAM) ||
	    (options->flags & ~known) != 0)
		return ROTA_EINVAL;
	return 0;
}

void rota_lookup_options_init_size(struct rota_lookup_options *options,
				   size_t size)
{
	const struct rota_lookup_options defaults = { .family = AF_UNSPEC,
						      .socket_type =
							      SOCK_STREAM };

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

/* Check both names: 0 or an error. */
static int check_names(const char *host, const char *service)
{
	int error = host == NULL && service == NULL ? ROTA_EINVAL : 0;

	if (error == 0 && host != NULL)
		error = rotai_name_check(host);
	if (error == 0 && service != NULL)
		error = rotai_name_check(service);
	return error;
}

int rotai_question_make(struct rotai_question **question,
			const struct rota_address_list **list, const char *host,
			const char *service,
			const struct rota_lookup_options *options)
{
	struct rota_lookup_options all;
	struct rota_address address;
	int is_number = ROTAI_IS_NAME, is_port = ROTAI_IS_NAME;
	unsigned port;
	int error = check_lookup_options(&all, options);

	if (error == 0)
		error = check_names(host, service);
	if (error == 0)
		error = is_port = rotai_numeric_service(&port, service);
	if (error >= 0 && host != NULL)
		error = is_number = rotai_numeric_host(&address, host);
	if (error < 0)
		return error;
	if ((is_port == ROTAI_IS_NAME &&
	     (all.flags & ROTA_LOOKUP_NUMERIC_SERVICE)) ||
	    (host != NULL && is_number == ROTAI_IS_NAME &&
	     (all.flags & ROTA_LOOKUP_NUMERIC_HOST)))
		return ROTA_EAI_NONAME;
	if (is_number == ROTAI_IS_NUMBER && is_port == ROTAI_IS_NUMBER)
		return answer_number(list, &address, port, host, &all);
	*question = new_question(host, service, &all);
	return *question == NULL ? ROTA_ENOMEM : 1;
}

int rotai_question_ask(struct rotai_question *question,
		       struct rotai_waiter *waiter, struct rota_loop *loop,
		       rotai_item_ended_fn *ended)
{
	int error = rotai_item_prepare(loop);

	if (error < 0)
		free_question(&question->job);
	else
		rotai_shared_wait(waiter, loop, ROTA_LANE_BLOCKING,
				  &question->job, ended);
	return error;
}

int rotai_question_answer(struct rotai_waiter *waiter, int error,
			  const struct rota_address_list **list)
{
	const struct rotai_question *question = question_of(waiter->job);

	if (error == 0)
		error = question->status;
	if (error == 0)
		*list = rota_address_list_ref(question->list);
	rotai_shared_drop(waiter);
	return error;
}
