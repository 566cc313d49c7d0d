/*
 * rota/environment.h - the environment of this process, and two directories
 * that it may name.
 *
 * The C library has no lock for the environment that every user of it takes. So
 * none of these functions may run while another thread changes the environment,
 * by them, by setenv(3) or by putenv(3). A program with several threads sets
 * what it wants before it starts them, or before it uses what starts threads:
 * a pool, or rota_loops. Lookups of names, users and time zones read the
 * environment too, in their threads.
 */
#ifndef ROTA_ENVIRONMENT_H
#define ROTA_ENVIRONMENT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * Write the value of the variable @name to @value, which has space for @size
 * bytes, with a terminating 0. Returns 0.
 *
 * Thread:  any, while no other thread changes the environment.
 * Errors:  ROTA_EINVAL   @name or @value is NULL, @name is empty, or has a '='
 *          ROTA_ENOENT   there is no such variable
 *          ROTA_ENOBUFS  the value does not fit
 *          After any of them the memory at @value is unchanged.
 */
int rota_environment_get(const char *name, char *value, size_t size);

/**
 * Set the variable @name to a copy of @value. Returns 0.
 *
 * Thread:  any, while no other thread uses the environment.
 * Owner:   the C library has the copy. It may never free that of the old value,
 *          because somebody may have a pointer to it.
 * Errors:  ROTA_EINVAL  @name or @value is NULL, @name is empty, or has a '='
 *          ROTA_ENOMEM
 *          After any of them the environment is unchanged.
 */
int rota_environment_set(const char *name, const char *value);

/**
 * Remove the variable @name. It need not exist. Returns 0.
 *
 * Thread:  any, while no other thread uses the environment.
 * Errors:  ROTA_EINVAL  @name is NULL or empty, or has a '='
 *          ROTA_ENOMEM
 *          After any of them the environment is unchanged.
 */
int rota_environment_unset(const char *name);

/** A variable. */
struct rota_variable {
	const char *name;
	const char *value;
};

/** A copy of the environment. A later version may add members at the end. */
struct rota_environment {
	size_t count;
	const struct rota_variable *variables;
};

/**
 * Set *@list to a copy of the environment, in its order. Strings without a '='
 * after their first byte, which are no variables, are left out. A name may be
 * there twice: the first one counts. Returns 0.
 *
 * Thread:  any, while no other thread changes the environment.
 * Owner:   the caller, who frees the list by rota_environment_free(). It is one
 *          block of memory.
 * Errors:  ROTA_EINVAL  @list is NULL
 *          ROTA_ENOMEM
 *          After any of them *@list is unchanged.
 */
int rota_environment_list(const struct rota_environment **list);

/**
 * Free the @list that rota_environment_list() has made. It may be NULL.
 *
 * Thread:  any.
 */
void rota_environment_free(const struct rota_environment *list);

/**
 * Write the path of the home directory to @path, which has space for @size
 * bytes, with a terminating 0: the value of HOME, unless it is not set or is
 * empty; else the directory in the record of the real user. Whether the
 * directory exists is not checked. The record may come over a network: see
 * rota/user.h. Returns 0.
 *
 * Thread:  any, while no other thread changes the environment.
 * Errors:  ROTA_EINVAL   @path is NULL
 *          ROTA_ENOBUFS  the path does not fit
 *          Others        as rota_user_by_id(), such as ROTA_ENOENT
 *          After any of them the memory at @path is unchanged.
 */
int rota_home_directory(char *path, size_t size);

/**
 * Write the path of the directory for temporary files to @path, which has space
 * for @size bytes, with a terminating 0: the value of TMPDIR, unless it is not
 * set, is empty, or this process has more privileges than the user who started
 * it; else "/tmp". Slashes at its end are left out. Whether the directory
 * exists is not checked. Returns 0.
 *
 * Thread:  any, while no other thread changes the environment.
 * Errors:  ROTA_EINVAL   @path is NULL
 *          ROTA_ENOBUFS  the path does not fit
 *          After any of them the memory at @path is unchanged.
 */
int rota_temporary_directory(char *path, size_t size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
