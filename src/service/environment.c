/*
 * service/environment.c - see environment.h.
 */
#include "service/environment.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "rota/error.h"

int rotai_environment_number(const char *name, uint64_t most, uint64_t *value)
{
	const char *at = getenv(name);
	uint64_t number = 0;

	if (at == NULL)
		return 0;
	if (*at == '\0')
		return ROTA_EINVAL;
	for (; *at != '\0'; at++) {
		uint64_t digit = (uint64_t)(unsigned char)*at - '0';

		if (digit > 9 || number > (most - digit) / 10)
			return ROTA_EINVAL;
		number = number * 10 + digit;
	}
	*value = number;
	return 1;
}

int rotai_environment_is_here(const char *name, int otherwise)
{
	uint64_t process;
	int found = rotai_environment_number(name, INT_MAX, &process);

	if (found <= 0)
		return found < 0 ? found : otherwise;
	if (process == 0)
		return ROTA_EINVAL;
	return process == (uint64_t)getpid();
}
