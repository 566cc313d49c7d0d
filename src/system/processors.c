/*
 * system/processors.c - the list of processors.
 */
#include <stdint.h>
#include <stdlib.h>

#include "rota/error.h"
#include "rota/system.h"
#include "system/found_processors.h"
#include "system/machine.h"

int rota_system_processors(const struct rota_processors **list)
{
	struct rotai_found_processors found = { .count = 0 };
	const struct rota_processors *made;
	int error;

	if (list == NULL)
		return ROTA_EINVAL;
	error = rotai_machine_processors("", &found);
	if (error == 0) {
		made = rotai_found_list(&found);
		if (made != NULL)
			*list = made;
		else
			error = ROTA_ENOMEM;
	}
	rotai_found_free(&found);
	return error;
}

void rota_system_processors_free(const struct rota_processors *list)
{
	free((void *)(uintptr_t)list);
}
