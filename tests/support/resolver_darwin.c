/*
 * tests/support/resolver_darwin.c - catches the calls of resolver.h on macOS.
 * See fault_darwin.c.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_calls.h"
#include "resolver.h"

static int (*real_getaddrinfo)(const char *host, const char *service,
			       const struct addrinfo *hints,
			       struct addrinfo **found);
static void (*real_freeaddrinfo)(struct addrinfo *found);
static int (*real_getnameinfo)(const struct sockaddr *address, socklen_t size,
			       char *host, socklen_t host_size, char *service,
			       socklen_t service_size, int flags);

/* As in fault_darwin.c. */
static void find(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (symbol == NULL) {
		fprintf(stderr, "resolver_darwin.c: there is no %s\n", name);
		abort();
	}
	memcpy(function, &symbol, sizeof(symbol));
}

__attribute__((constructor)) static void find_all(void)
{
	find("getaddrinfo", &real_getaddrinfo);
	find("freeaddrinfo", &real_freeaddrinfo);
	find("getnameinfo", &real_getnameinfo);
}

int getaddrinfo(const char *host, const char *service,
		const struct addrinfo *hints, struct addrinfo **found)
{
	int error = fault_strike(FAULT_GETADDRINFO);
	int result;

	if (error != 0) {
		errno = error;
		return EAI_SYSTEM;
	}
	result = resolver_find(host, service, hints, found);
	return result == RESOLVER_NOT_MINE
		       ? real_getaddrinfo(host, service, hints, found)
		       : result;
}

void freeaddrinfo(struct addrinfo *found)
{
	if (resolver_free(found) == RESOLVER_NOT_MINE)
		real_freeaddrinfo(found);
}

int getnameinfo(const struct sockaddr *address, socklen_t size, char *host,
		socklen_t host_size, char *service, socklen_t service_size,
		int flags)
{
	int error = fault_strike(FAULT_GETNAMEINFO);
	int result;

	if (error != 0) {
		errno = error;
		return EAI_SYSTEM;
	}
	result = resolver_name(address, host, host_size, service, service_size,
			       flags);
	return result == RESOLVER_NOT_MINE
		       ? real_getnameinfo(address, size, host, host_size,
					  service, service_size, flags)
		       : result;
}
