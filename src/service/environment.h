/*
 * service/environment.h - the variables that a service manager sets.
 */
#ifndef ROTAI_SERVICE_ENVIRONMENT_H
#define ROTAI_SERVICE_ENVIRONMENT_H

#include <stdint.h>

/* Read the variable @name, a decimal number of digits only, up to @most.
 * Returns 1 and stores it in *@value; 0 if the variable is not set; or
 * ROTA_EINVAL. */
int rotai_environment_number(const char *name, uint64_t most, uint64_t *value);

/* The same for the number of a process. Returns 1 if it is this process; 0 if
 * it is another one; @otherwise if the variable is not set; or ROTA_EINVAL. */
int rotai_environment_is_here(const char *name, int otherwise);

#endif
