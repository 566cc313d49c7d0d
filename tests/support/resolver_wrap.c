/*
 * tests/support/resolver_wrap.c - catches the calls of resolver.h by the
 * linker's --wrap, with the options in resolver.flags. See fault_wrap.c.
 */
#include <errno.h>

#include "fault_calls.h"
#include "resolver.h"

#define WEAK __attribute__((weak))

WEAK int __real_getaddrinfo(const char *host, const char *service,
			    const struct addrinfo *hints,
			    struct addrinfo **found);
WEAK void __real_freeaddrinfo(struct addrinfo *found);
WEAK int __real_getnameinfo(const struct sockaddr *address, socklen_t size,
			    char *host, socklen_t host_size, char *service,
			    socklen_t service_size, int flags);

int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **found);
void __wrap_freeaddrinfo(struct addrinfo *found);
int __wrap_getnameinfo(const struct sockaddr *address, socklen_t size,
		       char *host, socklen_t host_size, char *service,
		       socklen_t service_size, int flags);

int __wrap_getaddrinfo(const char *host, const char *service,
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
		       ? __real_getaddrinfo(host, service, hints, found)
		       : result;
}

void __wrap_freeaddrinfo(struct addrinfo *found)
{
	if (resolver_free(found) == RESOLVER_NOT_MINE)
		__real_freeaddrinfo(found);
}

int __wrap_getnameinfo(const struct sockaddr *address, socklen_t size,
		       char *host, socklen_t host_size, char *service,
		       socklen_t service_size, int flags)
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
		       ? __real_getnameinfo(address, size, host, host_size,
					    service, service_size, flags)
		       : result;
}
