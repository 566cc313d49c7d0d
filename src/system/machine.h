/*
 * system/machine.h - what each system reports in its own way. @root is the
 * directory that has proc and sys: "" for that of the system. Each function
 * returns 0 or an error.
 */
#ifndef ROTAI_SYSTEM_MACHINE_H
#define ROTAI_SYSTEM_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "rota/self.h"
#include "rota/system.h"

struct rotai_found_processors;

int rotai_machine_uptime(uint64_t *uptime_ns);

/* Fill *@memory, except its size. */
int rotai_machine_memory(const char *root, struct rota_memory *memory);

/* Add the processors that are online to *@found. */
int rotai_machine_processors(const char *root,
			     struct rotai_found_processors *found);

int rotai_machine_resident(const char *root, uint64_t *resident);

int rotai_machine_executable(const char *root, char *path, size_t size);

/* Fill *@usage, except its size, with what the calling thread has used. */
int rotai_machine_thread_usage(struct rota_usage *usage);

/* Whether this process has more privileges than the user who started it, as
 * that of a file that is set-user-ID. */
int rotai_machine_is_privileged(void);

/* What struct rusage has in ru_maxrss, in bytes. */
uint64_t rotai_machine_most_resident(long reported);

#endif
