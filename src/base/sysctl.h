/*
 * base/sysctl.h - what macOS and the BSDs report about the machine and this
 * process. Not on Linux, which has files for it.
 *
 * Each function returns 0 or an error: ROTA_ENOTSUP if this system does not
 * report it, or if the library does not know how it does.
 */
#ifndef ROTAI_BASE_SYSCTL_H
#define ROTAI_BASE_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

#include "rota/self.h"
#include "rota/system.h"

int rotai_sysctl_uptime(uint64_t *uptime_ns);

/* Fill *@memory, except its size and what is of control groups. */
int rotai_sysctl_memory(struct rota_memory *memory);

/* Write what all processors are called to @model, and their speed to
 * *@speed_hz; 0 if it is not known. */
int rotai_sysctl_model(char *model, size_t size, uint64_t *speed_hz);

/* Fill in the times of the processors, of which there are *@count with numbers
 * from 0. With *@count of 0, and @processors of NULL, store how many there
 * are. */
int rotai_sysctl_processors(struct rota_processor *processors, size_t *count);

int rotai_sysctl_resident(uint64_t *resident);

/* Write the path of the program to @path, of @size bytes. */
int rotai_sysctl_executable(char *path, size_t size);

/* Fill *@usage, except its size, with what the calling thread has used. */
int rotai_sysctl_thread_usage(struct rota_usage *usage);

/* What struct rusage has in ru_maxrss, in bytes. */
uint64_t rotai_sysctl_most_resident(long reported);

/* Whether @first, argv[0] of main(), is the string that the system shows. */
int rotai_sysctl_shows_arguments(const char *first);

#endif
