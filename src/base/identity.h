/*
 * base/identity.h - the ids of this process. A function returns 0 or an error.
 */
#ifndef ROTAI_BASE_IDENTITY_H
#define ROTAI_BASE_IDENTITY_H

#include <stddef.h>
#include <sys/types.h>

/* Real, effective and saved ids. Where the system does not show the saved one,
 * it is the effective one. */
struct rotai_ids {
	uid_t users[3];
	gid_t groups[3];
};

int rotai_identity_get(struct rotai_ids *ids);

/* Set all three, in all threads. */
int rotai_identity_set_groups(const gid_t groups[3]);
int rotai_identity_set_users(const uid_t users[3]);

/* Set the supplementary groups, in all threads. */
int rotai_identity_set_supplementary(const gid_t *groups, size_t count);

/* Return whether all threads have these user and group ids, as far as the
 * system shows them. */
int rotai_identity_is_everywhere(uid_t user, gid_t group);

/* Return how many threads this process has, or an error. */
int rotai_identity_threads(void);

/* Let nothing that this thread executes get more rights. */
int rotai_identity_no_new(void);

/* Let the process be dumped and traced by its user. */
int rotai_identity_set_dumpable(void);

#endif
