/*
 * system/machine_posix.c - for all systems except Linux: see machine.h. There
 * are no control groups.
 */
#include "system/machine.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/sysctl.h"
#include "rota/error.h"
#include "system/found_processors.h"

int rotai_machine_uptime(uint64_t *uptime_ns)
{
	return rotai_sysctl_uptime(uptime_ns);
}

int rotai_machine_memory(const char *root, struct rota_memory *memory)
{
	int error = rotai_sysctl_memory(memory);

	(void)root;
	memory->available_here = memory->available;
	return error;
}

/* Fill in what all processors have in common. */
static int add_processors(struct rotai_found_processors *found,
			  const struct rota_processor *from, size_t count)
{
	char model[256] = "";
	uint64_t speed_hz = 0;
	int error = 0;

	if (rotai_sysctl_model(model, sizeof(model), &speed_hz) < 0)
		model[0] = '\0';
	for (size_t i = 0; i < count && error == 0; i++) {
		struct rota_processor *to;

		error = rotai_found_add(found, (unsigned)i, &to);
		if (error < 0)
			break;
		*to = from[i];
		to->number = (unsigned)i;
		to->speed_hz = speed_hz;
		if (model[0] != '\0')
			error = rotai_found_set_model(found, (unsigned)i,
						      model);
	}
	return error;
}

int rotai_machine_processors(const char *root,
			     struct rotai_found_processors *found)
{
	struct rota_processor *all;
	size_t count = 0;
	int error = rotai_sysctl_processors(NULL, &count);

	(void)root;
	if (error < 0)
		return error;
	all = calloc(count, sizeof(*all));
	if (all == NULL)
		return ROTA_ENOMEM;
	error = rotai_sysctl_processors(all, &count);
	if (error == 0)
		error = add_processors(found, all, count);
	free(all);
	return error;
}

int rotai_machine_resident(const char *root, uint64_t *resident)
{
	(void)root;
	return rotai_sysctl_resident(resident);
}

int rotai_machine_executable(const char *root, char *path, size_t size)
{
	(void)root;
	return rotai_sysctl_executable(path, size);
}

uint64_t rotai_machine_most_resident(long reported)
{
	return rotai_sysctl_most_resident(reported);
}

int rotai_machine_thread_usage(struct rota_usage *usage)
{
	return rotai_sysctl_thread_usage(usage);
}

int rotai_machine_is_privileged(void)
{
	return issetugid();
}
