/*
 * rota/privileges.h - give up the rights of root, after a program has opened
 * what only root may open.
 */
#ifndef ROTA_PRIVILEGES_H
#define ROTA_PRIVILEGES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Flags of struct rota_privileges_options. */
enum {
	/** No program that is executed later gets more rights, whatever its
	 * set-user-id bits are: PR_SET_NO_NEW_PRIVS of prctl(2). This holds for
	 * the calling thread, and for threads and processes that it makes
	 * later. So it is refused if there are other threads. */
	ROTA_PRIVILEGES_NO_NEW = 1 << 0,

	/** Let the process be dumped and traced by its new user. The kernel
	 * forbids that when the user changes, because memory may still contain
	 * secrets of root. */
	ROTA_PRIVILEGES_DUMPABLE = 1 << 1,
};

/** The steps of rota_privileges_drop(), in their order. A step that the options
 * do not ask for is not made. */
enum rota_privileges_step {
	ROTA_PRIVILEGES_STEP_NONE,     /* nothing has failed */
	ROTA_PRIVILEGES_STEP_OPTIONS,  /* checks of the options */
	ROTA_PRIVILEGES_STEP_THREADS,  /* a look at the other threads */
	ROTA_PRIVILEGES_STEP_LOOKUP,   /* the user, the group, their groups */
	ROTA_PRIVILEGES_STEP_PREPARE,  /* what can be taken back is noted */
	ROTA_PRIVILEGES_STEP_ROOT,     /* chroot(2) */
	ROTA_PRIVILEGES_STEP_GROUPS,   /* setgroups(2) */
	ROTA_PRIVILEGES_STEP_GROUP,    /* setresgid(2) */
	ROTA_PRIVILEGES_STEP_USER,     /* setresuid(2) */
	ROTA_PRIVILEGES_STEP_VERIFY,   /* the old rights must not come back */
	ROTA_PRIVILEGES_STEP_NO_NEW,   /* ROTA_PRIVILEGES_NO_NEW */
	ROTA_PRIVILEGES_STEP_DUMPABLE, /* ROTA_PRIVILEGES_DUMPABLE */
};

/** The new identity of the process. Call rota_privileges_options_init(), then
 * set user, or user_id and group_id. */
struct rota_privileges_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** The name of a user, or NULL. The group and the supplementary groups
	 * are those of that user, unless they are set here. */
	const char *user;

	/** The name of a group, or NULL: that of the user, or group_id. */
	const char *group;

	/** The ids, where there are no names; -1: none. */
	int64_t user_id;
	int64_t group_id;

	/** The supplementary groups. NULL: those of the user by name; without a
	 * name there are none. */
	const uint32_t *groups;
	size_t group_count;

	/** The directory that becomes the root directory and the working
	 * directory, or NULL: see chroot(2). The names are looked up before.
	 * Descriptors of directories outside of it that are still open lead out
	 * of it. */
	const char *root;

	/** Set to the step that has failed, or to ROTA_PRIVILEGES_STEP_NONE.
	 * May be NULL. */
	enum rota_privileges_step *failed;

	uint64_t flags; /* ROTA_PRIVILEGES_NO_NEW, and so on */
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_privileges_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_privileges_options_init_size(struct rota_privileges_options *options,
				       size_t size);

/**
 * Set *@options to the defaults: no ids, no names and no flags.
 *
 * Thread:  any.
 */
static inline void
rota_privileges_options_init(struct rota_privileges_options *options)
{
	rota_privileges_options_init_size(options, sizeof(*options));
}

/**
 * Give up the rights of root: change the root directory, the supplementary
 * groups, the group ids and the user ids, in that order. Real, effective and
 * saved ids change, in all threads that were made by pthread_create(3): those
 * of a pool and of rota_loops as well. After that this makes sure that no
 * thread has kept its ids, and that the process cannot get the old ids back.
 * Returns 0.
 *
 * Looking up names may block: it reads files, or asks the network, as the
 * system is configured.
 *
 * A program that only binds a port below 1024 needs no root at all: a service
 * manager can bind it (rota_listen_descriptors_init()). Linux also has
 * capabilities, which no option here keeps, because they belong to single
 * threads.
 *
 * Thread:  any, while no other thread changes ids or environment.
 * Errors:  ROTA_EINVAL  @options are NULL or have an invalid size or undefined
 *                       flags; there is no user or no group; a user is given
 *                       by name and by id, or a group is; an id is out of
 *                       range, or the user is root
 *          ROTA_ENOENT  there is no user or group with that name, or no
 *                       directory root
 *          ROTA_EBUSY   ROTA_PRIVILEGES_NO_NEW, and there are other threads
 *          ROTA_ENOTSUP the system does not have ROTA_PRIVILEGES_NO_NEW
 *          ROTA_EPERM   the process may not do this
 *          ROTA_EAGAIN, ROTA_ENOMEM, ROTA_ENOTDIR, ROTA_EACCES and others:
 *                       see setuid(2), setgroups(2) and chroot(2)
 *          After any of them nothing has changed. But after
 *          ROTA_ENOTRECOVERABLE the process has some of its old rights, or some
 *          of its threads do, and it cannot be said which: end it.
 */
int rota_privileges_drop(const struct rota_privileges_options *options);

/**
 * Return the name of a step for messages, such as "setuid", or "unknown".
 *
 * Thread:  any.
 * Owner:   the string is static.
 */
const char *rota_privileges_step_name(enum rota_privileges_step step);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
