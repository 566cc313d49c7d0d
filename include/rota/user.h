/*
 * rota/user.h - the records of users and groups: passwd(5) and group(5).
 *
 * A record may come from a file, or from a service such as LDAP over the
 * network, as nsswitch.conf(5) says. Then it can take long, and nothing can
 * interrupt it. The functions that return a record are for the start of a
 * program. A lookup is a request: a thread of the pool's blocking lane makes
 * the call, and the lookup ends at its deadline, when it is cancelled or when
 * its loop shuts down, however long the thread is stuck. Lookups that are in
 * flight at one time and ask the same share one call.
 */
#ifndef ROTA_USER_H
#define ROTA_USER_H

#include <stddef.h>

#include "rota/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_user_lookup;
struct rota_group_lookup;

/** Flags for users. */
enum {
	/** Also find the groups of the user: see getgrouplist(3). */
	ROTA_USER_GROUPS = 1 << 0,
};

/** The record of a user. Nobody changes it. A later version may add members at
 * the end. */
struct rota_user {
	const char *name;
	const char *full_name; /* the field for comments, as it is */
	const char *directory; /* the home directory */
	const char *shell;
	unsigned id;
	unsigned group; /* the id of the primary group */

	/** The ids of all groups of the user, the primary one included. 0 and
	 * NULL without ROTA_USER_GROUPS. */
	size_t group_count;
	const unsigned *groups;
};

/** The record of a group. Nobody changes it. A later version may add members at
 * the end. */
struct rota_group {
	const char *name;
	unsigned id;

	/** The names of the users that the record lists. Those whose primary
	 * group it is need not be among them. */
	size_t member_count;
	const char *const *members;
};

/**
 * Set *@user to the record of the user with that @id. @flags are
 * ROTA_USER_GROUPS, or 0. This may block for long: see above. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller, who drops the reference by rota_user_unref(). The record
 *          is one block of memory.
 * Errors:  ROTA_EINVAL  @user is NULL, or @flags have undefined bits
 *          ROTA_ENOENT  there is no such user
 *          ROTA_ERANGE  the record is longer than 16 MiB
 *          ROTA_ENOMEM
 *          Others       what getpwuid_r(3) reports, such as ROTA_EMFILE
 *          After any of them *@user is unchanged.
 */
int rota_user_by_id(unsigned id, unsigned flags, const struct rota_user **user);

/**
 * Set *@user to the record of the user with that @name, as rota_user_by_id()
 * does.
 *
 * Thread, Owner: as rota_user_by_id()
 * Errors:  ROTA_EINVAL  also if @name is NULL or empty
 *          Others       as rota_user_by_id()
 *          After any of them *@user is unchanged.
 */
int rota_user_by_name(const char *name, unsigned flags,
		      const struct rota_user **user);

/**
 * Keep @user for one more user of it. Returns @user.
 *
 * Thread:  any that may use @user: in the callback, or with a reference.
 * Owner:   the caller, who drops the reference by rota_user_unref().
 */
const struct rota_user *rota_user_ref(const struct rota_user *user);

/**
 * Drop a reference to @user. The last one frees it. @user may be NULL.
 *
 * Thread:  any.
 */
void rota_user_unref(const struct rota_user *user);

/**
 * Set *@group to the record of the group with that @id. This may block for
 * long: see above. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller, who drops the reference by rota_group_unref(). The
 *          record is one block of memory.
 * Errors:  ROTA_EINVAL  @group is NULL
 *          ROTA_ENOENT  there is no such group
 *          Others       as rota_user_by_id()
 *          After any of them *@group is unchanged.
 */
int rota_group_by_id(unsigned id, const struct rota_group **group);

/**
 * Set *@group to the record of the group with that @name, as rota_group_by_id()
 * does.
 *
 * Thread, Owner: as rota_group_by_id()
 * Errors:  ROTA_EINVAL  also if @name is NULL or empty
 *          Others       as rota_group_by_id()
 *          After any of them *@group is unchanged.
 */
int rota_group_by_name(const char *name, const struct rota_group **group);

/**
 * Keep @group for one more user of it. Returns @group.
 *
 * Thread:  any that may use @group: in the callback, or with a reference.
 * Owner:   the caller, who drops the reference by rota_group_unref().
 */
const struct rota_group *rota_group_ref(const struct rota_group *group);

/**
 * Drop a reference to @group. The last one frees it. @group may be NULL.
 *
 * Thread:  any.
 */
void rota_group_unref(const struct rota_group *group);

/**
 * Called when @lookup has completed: @status is 0, and @user is the record; or
 * @user is NULL and @status is an error: one of rota_user_by_id(),
 * ROTA_ECANCELED or ROTA_ETIMEDOUT, or ROTA_EAGAIN if the lane has no thread
 * and none could be started. The callback may free @lookup, or begin another
 * one in it.
 *
 * Phase:   poll, or pending: as for rota_lookup_begin().
 * Thread:  the loop's.
 * Owner:   @user is valid until the callback returns. rota_user_ref() keeps it.
 */
typedef void rota_user_lookup_fn(struct rota_user_lookup *lookup, int status,
				 const struct rota_user *user);

/**
 * A lookup of a user, as a request. It needs no initialization. See struct
 * rota_request about what is all zero.
 *
 * Owner:   as struct rota_request
 */
struct rota_user_lookup {
	struct rota_request request;
	struct {
		struct rotai_waiter waiter;
		rota_user_lookup_fn *fn;
		int late;
	} internal; /* private to the library: do not read or write */
};

/**
 * Find the record of the user with that @name, or if @name is NULL with that
 * @id, and pass it to @fn. @flags are ROTA_USER_GROUPS, or 0. Returns 0.
 * Cancels, deadlines and phases are as for rota_lookup_begin().
 *
 * Phase:   @fn: as for rota_lookup_begin()
 * Thread:  the loop's.
 * Owner:   the caller keeps @lookup alive and in place until @fn is called. The
 *          library does not use @name after the call.
 * Errors:  ROTA_EINVAL     @lookup, @loop or @fn is NULL, @name is empty, or
 *                          @flags have undefined bits
 *          ROTA_ENOMEM
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_user_lookup_begin(struct rota_user_lookup *lookup,
			   struct rota_loop *loop, const char *name,
			   unsigned id, unsigned flags,
			   rota_user_lookup_fn *fn);

/**
 * Called when @lookup has completed: as rota_user_lookup_fn, with a group.
 *
 * Phase:   poll, or pending: as for rota_lookup_begin().
 * Thread:  the loop's.
 * Owner:   @group is valid until the callback returns. rota_group_ref() keeps
 *          it.
 */
typedef void rota_group_lookup_fn(struct rota_group_lookup *lookup, int status,
				  const struct rota_group *group);

/**
 * A lookup of a group, as a request. It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_group_lookup {
	struct rota_request request;
	struct {
		struct rotai_waiter waiter;
		rota_group_lookup_fn *fn;
		int late;
	} internal; /* private to the library: do not read or write */
};

/**
 * Find the record of the group with that @name, or if @name is NULL with that
 * @id, and pass it to @fn. Returns 0. Cancels, deadlines and phases are as for
 * rota_lookup_begin().
 *
 * Phase, Thread, Owner, Errors: as rota_user_lookup_begin()
 */
int rota_group_lookup_begin(struct rota_group_lookup *lookup,
			    struct rota_loop *loop, const char *name,
			    unsigned id, rota_group_lookup_fn *fn);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
