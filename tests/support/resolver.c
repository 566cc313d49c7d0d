/*
 * tests/support/resolver.c - see resolver.h. resolver_wrap.c and
 * resolver_darwin.c catch the calls.
 */
#include "resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_calls.h"
#include "fixture.h"

enum { HOSTS = 64, ADDRESSES = 64, NAME_SIZE = 256 };

struct host {
	char name[NAME_SIZE];
	const char *ips[ADDRESSES];
	unsigned count;
	unsigned calls;
	int result;
	int hangs;
};

/* One address of a list, as getaddrinfo() returns it. */
struct entry {
	struct addrinfo info; /* must be first */
	struct sockaddr_storage address;
	char name[NAME_SIZE];
};

/* In ai_flags, which means nothing in a result. */
enum { MARK = 0x726f7461 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int in_use;
static unsigned inside;  /* threads in the double */
static unsigned hanging; /* of these, how many hang */
static unsigned all_calls;
static struct host hosts[HOSTS];
static unsigned host_count;

/* With the lock held: the host of that name, or NULL. */
static struct host *known(const char *name)
{
	for (unsigned i = 0; i < host_count; i++)
		if (strcmp(hosts[i].name, name) == 0)
			return &hosts[i];
	return NULL;
}

static struct host *known_or_new(const char *name)
{
	struct host *host = known(name);

	if (host != NULL)
		return host;
	if (host_count == HOSTS || strlen(name) >= NAME_SIZE)
		abort();
	host = &hosts[host_count++];
	memset(host, 0, sizeof(*host));
	memcpy(host->name, name, strlen(name) + 1);
	return host;
}

void resolver_begin(void)
{
	pthread_mutex_lock(&lock);
	in_use = 1;
	all_calls = 0;
	host_count = 0;
	pthread_mutex_unlock(&lock);
}

void resolver_end(void)
{
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < host_count; i++)
		hosts[i].hangs = 0;
	pthread_cond_broadcast(&changed);
	while (inside > 0)
		pthread_cond_wait(&changed, &lock);
	in_use = 0;
	pthread_mutex_unlock(&lock);
}

void resolver_add(const char *name, const char *ip)
{
	struct host *host;

	pthread_mutex_lock(&lock);
	host = known_or_new(name);
	if (host->count == ADDRESSES)
		abort();
	host->ips[host->count++] = ip;
	pthread_mutex_unlock(&lock);
}

void resolver_fail(const char *name, int result)
{
	pthread_mutex_lock(&lock);
	known_or_new(name)->result = result;
	pthread_mutex_unlock(&lock);
}

static void set_hangs(const char *name, int hangs)
{
	pthread_mutex_lock(&lock);
	known_or_new(name)->hangs = hangs;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void resolver_hang(const char *name)
{
	set_hangs(name, 1);
}

void resolver_release(const char *name)
{
	set_hangs(name, 0);
}

void resolver_await(unsigned count)
{
	pthread_mutex_lock(&lock);
	while (hanging != count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

unsigned resolver_count(const char *name)
{
	const struct host *host;
	unsigned calls;

	pthread_mutex_lock(&lock);
	host = name != NULL ? known(name) : NULL;
	calls = name == NULL ? all_calls : host != NULL ? host->calls : 0;
	pthread_mutex_unlock(&lock);
	return calls;
}

/* A thread enters the double; returns 0 if it is not in use. */
static int enter_double(void)
{
	int is_mine;

	pthread_mutex_lock(&lock);
	is_mine = in_use;
	inside += (unsigned)is_mine;
	all_calls += (unsigned)is_mine;
	pthread_mutex_unlock(&lock);
	return is_mine;
}

static void leave_double(void)
{
	pthread_mutex_lock(&lock);
	inside--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* With the lock held: count a call, and hang as long as the test wants. */
static void pass(struct host *host)
{
	host->calls++;
	hanging++;
	pthread_cond_broadcast(&changed);
	while (host->hangs)
		pthread_cond_wait(&changed, &lock);
	hanging--;
	pthread_cond_broadcast(&changed);
}

static struct addrinfo *new_entry(const char *ip, unsigned port,
				  const struct addrinfo *hints,
				  const char *name)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	struct rota_address address;

	if (entry == NULL || rota_address_ip(&address, ip, port) < 0)
		abort();
	memcpy(&entry->address, &address.is, address.size);
	entry->info.ai_flags = MARK;
	entry->info.ai_family = address.is.any.sa_family;
	entry->info.ai_socktype = hints->ai_socktype;
	entry->info.ai_addr = (struct sockaddr *)(void *)&entry->address;
	entry->info.ai_addrlen = (socklen_t)address.size;
	if (name != NULL)
		entry->info.ai_canonname =
			memcpy(entry->name, name, strlen(name) + 1);
	return &entry->info;
}

/* With the lock held. */
static int make_list(const struct host *host, unsigned port,
		     const struct addrinfo *hints, struct addrinfo **found)
{
	struct addrinfo **end = found;

	*found = NULL;
	for (unsigned i = 0; i < host->count; i++) {
		int family =
			strchr(host->ips[i], ':') != NULL ? AF_INET6 : AF_INET;

		if (hints->ai_family != AF_UNSPEC && hints->ai_family != family)
			continue;
		*end = new_entry(host->ips[i], port, hints,
				 *found == NULL &&
						 hints->ai_flags & AI_CANONNAME
					 ? host->name
					 : NULL);
		end = &(*end)->ai_next;
	}
	return *found != NULL ? 0 : EAI_NONAME;
}

static int find_host(const char *name, const char *service,
		     const struct addrinfo *hints, struct addrinfo **found)
{
	struct host *host;
	unsigned port = 0;
	char *rest = NULL;
	int result;

	if (service != NULL)
		port = (unsigned)strtoul(service, &rest, 10);
	if (rest != NULL && *rest != 0) {
		if (strcmp(service, "http") != 0)
			return EAI_SERVICE;
		port = 80;
	}
	pthread_mutex_lock(&lock);
	host = name != NULL ? known(name) : NULL;
	if (host != NULL)
		pass(host);
	result = host == NULL ? EAI_NONAME : host->result;
	if (result == 0)
		result = make_list(host, port, hints, found);
	pthread_mutex_unlock(&lock);
	return result;
}

int resolver_find(const char *host, const char *service,
		  const struct addrinfo *hints, struct addrinfo **found)
{
	int result;

	if (!enter_double())
		return RESOLVER_NOT_MINE;
	fault_pass_begin();
	result = find_host(host, service, hints, found);
	fault_pass_end();
	leave_double();
	return result;
}

int resolver_free(struct addrinfo *found)
{
	if (found->ai_flags != MARK)
		return RESOLVER_NOT_MINE;
	fault_pass_begin();
	while (found != NULL) {
		struct addrinfo *next = found->ai_next;

		free(found);
		found = next;
	}
	fault_pass_end();
	return 0;
}

/* With the lock held: the host with the address @ip, or NULL. */
static struct host *known_by_ip(const char *ip)
{
	for (unsigned i = 0; i < host_count; i++)
		for (unsigned j = 0; j < hosts[i].count; j++)
			if (strcmp(hosts[i].ips[j], ip) == 0)
				return &hosts[i];
	return NULL;
}

int resolver_name(const struct sockaddr *address, char *host, size_t host_size,
		  char *service, size_t service_size, int flags)
{
	char ip[INET6_ADDRSTRLEN] = "";
	struct host *there;
	int result = 0;

	if ((flags & NI_NUMERICHOST) || !enter_double())
		return RESOLVER_NOT_MINE;
	if (address->sa_family == AF_INET)
		(void)inet_ntop(
			AF_INET,
			&((const struct sockaddr_in *)(const void *)address)
				 ->sin_addr,
			ip, sizeof(ip));
	else
		(void)inet_ntop(
			AF_INET6,
			&((const struct sockaddr_in6 *)(const void *)address)
				 ->sin6_addr,
			ip, sizeof(ip));
	pthread_mutex_lock(&lock);
	there = known_by_ip(ip);
	if (there != NULL) {
		pass(there);
		result = there->result;
	} else if (flags & NI_NAMEREQD) {
		result = EAI_NONAME;
	}
	(void)snprintf(host, host_size, "%s", there != NULL ? there->name : ip);
	(void)snprintf(service, service_size, "service");
	pthread_mutex_unlock(&lock);
	leave_double();
	return result;
}
