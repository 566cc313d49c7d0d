/*
 * names/numeric.h - hosts and services that are numbers, so that nothing has to
 * be looked up; and names that need not be looked up because they are none.
 */
#ifndef ROTAI_NAMES_NUMERIC_H
#define ROTAI_NAMES_NUMERIC_H

#include "rota/address.h"

enum rotai_numeric {
	ROTAI_IS_NAME,
	ROTAI_IS_NUMBER,
};

/* Return 0 if @name, the name of a host or of a service, can be looked up; or
 * the error. */
int rotai_name_check(const char *name);

/* Return whether @host, which has passed that check, is a name or an IP
 * address. In the second case *@address is set to it, with port 0. Returns
 * ROTA_EINVAL if it is neither, or the error of its interface. */
int rotai_numeric_host(struct rota_address *address, const char *host);

/* Return whether @service is a name or a port number. In the second case *@port
 * is set. Returns ROTA_EINVAL if the number is too large or has a sign. NULL is
 * port 0. */
int rotai_numeric_service(unsigned *port, const char *service);

#endif
