/*
 * tests/support/resolver.h - a test double of getaddrinfo(3) and
 * getnameinfo(3): the test says which hosts exist, and which lookups hang until
 * the test releases them.
 *
 *     resolver_begin();
 *     resolver_add("host.test", "192.0.2.1");
 *     resolver_hang("stuck.test");
 *     ...
 *     resolver_end();
 *
 * Without resolver_begin() the system's own functions are called. Each call is
 * counted by support/fault.h, which can make it fail with EAI_SYSTEM.
 */
#ifndef TESTS_SUPPORT_RESOLVER_H
#define TESTS_SUPPORT_RESOLVER_H

#include <netdb.h>
#include <sys/socket.h>

/* From now on there are no hosts. */
void resolver_begin(void);

/* Release all lookups, wait until no thread is in the double, and have the
 * system look names up again. */
void resolver_end(void);

/* Let @host have the address @ip, behind those that it has. */
void resolver_add(const char *host, const char *ip);

/* Let lookups of @host return @result, an EAI_ constant. */
void resolver_fail(const char *host, int result);

/* Let lookups of @host hang, until resolver_release(@host). */
void resolver_hang(const char *host);
void resolver_release(const char *host);

/* Wait until @count lookups hang, of all hosts together. */
void resolver_await(unsigned count);

/* How many lookups of @host were made, of its addresses or of its name; NULL:
 * of all hosts. */
unsigned resolver_count(const char *host);

/* For the files that catch the calls. Return RESOLVER_NOT_MINE if
 * the double is not in use, or the list not its own; else what the call
 * returns. */
enum { RESOLVER_NOT_MINE = 1 << 20 };

int resolver_find(const char *host, const char *service,
		  const struct addrinfo *hints, struct addrinfo **found);
int resolver_free(struct addrinfo *found);
int resolver_name(const struct sockaddr *address, char *host, size_t host_size,
		  char *service, size_t service_size, int flags);

#endif
