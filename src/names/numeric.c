/*
 * names/numeric.c - see numeric.h.
 *
 *  1. A host whose last label is a number, decimal or with 0x, is no name: no
 *     top-level domain is one (RFC 3696, section 2), and getaddrinfo(3) takes
 *     it for an IPv4 address if inet_aton(3) does. Then "0x7f.1" is 127.0.0.1,
 *     and a program that compares names with a list of those it refuses does
 *     not see it. So what rota_address_ip() does not take is refused.
 *  2. A host with a colon is no name either. Its interface may be missing, or
 *     descriptors to ask for it.
 *  3. strtoul(3) takes a sign, and getaddrinfo(3) then cuts the number to 16
 *     bits: "+65616" would be port 80.
 */
#include "names/numeric.h"

#include <stdint.h>
#include <string.h>

#include "base/address_text.h"
#include "rota/dns.h"
#include "rota/error.h"

int rotai_name_check(const char *name)
{
	size_t length = strnlen(name, ROTA_HOST_NAME_LENGTH + 1);

	if (length == 0)
		return ROTA_EINVAL;
	if (length > ROTA_HOST_NAME_LENGTH)
		return ROTA_ENAMETOOLONG;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
			return ROTA_EINVAL;
	return 0;
}

/* Whether the last label of @host is a number. (1) */
static int ends_in_number(const char *host)
{
	const char *end = host + strlen(host);
	const char *label;

	if (end > host && end[-1] == '.') /* the root */
		end--;
	label = end;
	while (label > host && label[-1] != '.')
		label--;
	return label < end &&
	       rotai_label_is_number(label, (size_t)(end - label));
}

int rotai_numeric_host(struct rota_address *address, const char *host)
{
	int error = rota_address_ip(address, host, 0);

	if (error == 0)
		return ROTAI_IS_NUMBER;
	if (ends_in_number(host))
		return ROTA_EINVAL; /* (1) */
	if (strchr(host, ':') == NULL)
		return ROTAI_IS_NAME;
	return error == ROTA_ENOTNUMERIC ? ROTA_EINVAL : error; /* (2) */
}

int rotai_numeric_service(unsigned *port, const char *service)
{
	unsigned number = 0;

	if (service == NULL)
		service = "";
	if (*service == '+' || *service == '-')
		return ROTA_EINVAL; /* (3): and no service is named like that */
	if (service[strspn(service, "0123456789")] != 0)
		return ROTAI_IS_NAME;
	for (; *service != 0 && number <= UINT16_MAX; service++)
		number = number * 10 + (unsigned)(*service - '0');
	if (number > UINT16_MAX)
		return ROTA_EINVAL;
	*port = number;
	return ROTAI_IS_NUMBER;
}
