/*
 * base/eai.c - see eai.h.
 *
 *  1. Not every system has all of the constants, and some systems give two of
 *     them the same number: then the first entry of the table is used.
 */
#include "base/eai.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>

#include "rota/error.h"

/* (1) */
static const struct {
	int result;
	int error;
} results[] = {
	{ EAI_AGAIN, ROTA_EAI_AGAIN },
	{ EAI_BADFLAGS, ROTA_EAI_BADFLAGS },
#ifdef EAI_BADHINTS
	{ EAI_BADHINTS, ROTA_EAI_BADHINTS },
#endif
	{ EAI_FAIL, ROTA_EAI_FAIL },
	{ EAI_FAMILY, ROTA_EAI_FAMILY },
	{ EAI_NONAME, ROTA_EAI_NONAME },
	{ EAI_OVERFLOW, ROTA_EAI_OVERFLOW },
#ifdef EAI_PROTOCOL
	{ EAI_PROTOCOL, ROTA_EAI_PROTOCOL },
#endif
	{ EAI_SERVICE, ROTA_EAI_SERVICE },
	{ EAI_SOCKTYPE, ROTA_EAI_SOCKTYPE },
#ifdef EAI_ADDRFAMILY
	{ EAI_ADDRFAMILY, ROTA_EAI_ADDRFAMILY },
#endif
#ifdef EAI_NODATA
	{ EAI_NODATA, ROTA_EAI_NODATA },
#endif
	{ EAI_MEMORY, ROTA_ENOMEM },
};

int rotai_eai_error(int result)
{
	if (result == 0)
		return 0;
	if (result == EAI_SYSTEM)
		return errno != 0 ? -errno : ROTA_EAI_FAIL;
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i].result == result)
			return results[i].error;
	return ROTA_EAI_FAIL;
}
