/*
 * base/version.c - the version of this library, as it was compiled.
 */
#include "rota/version.h"

#define TEXT_OF(number) #number
#define DOTTED(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)

uint32_t rota_version(void)
{
	return ROTA_VERSION;
}

const char *rota_version_string(void)
{
	return DOTTED(ROTA_VERSION_MAJOR, ROTA_VERSION_MINOR,
		      ROTA_VERSION_PATCH);
}
