/*
 * base/identity_posix.c - see identity.h. In these systems ids belong to the
 * process. POSIX has no function that sets the saved id; for root, setuid(2)
 * and setgid(2) set all three.
 */
#include "base/identity.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "rota/error.h"

int rotai_identity_get(struct rotai_ids *ids)
{
	ids->users[0] = getuid();
	ids->users[1] = ids->users[2] = geteuid();
	ids->groups[0] = getgid();
	ids->groups[1] = ids->groups[2] = getegid();
	return 0;
}

int rotai_identity_set_groups(const gid_t groups[3])
{
	if (groups[0] == groups[1])
		return setgid(groups[1]) < 0 ? -errno : 0;
	return setregid(groups[0], groups[1]) < 0 ? -errno : 0;
}

int rotai_identity_set_users(const uid_t users[3])
{
	if (users[0] == users[1])
		return setuid(users[1]) < 0 ? -errno : 0;
	return setreuid(users[0], users[1]) < 0 ? -errno : 0;
}

int rotai_identity_set_supplementary(const gid_t *groups, size_t count)
{
	return setgroups((int)count, groups) < 0 ? -errno : 0;
}

int rotai_identity_is_everywhere(uid_t user, gid_t group)
{
	(void)user;
	(void)group;
	return 1;
}

int rotai_identity_threads(void)
{
	return ROTA_ENOTSUP;
}

int rotai_identity_no_new(void)
{
	return ROTA_ENOTSUP;
}

int rotai_identity_set_dumpable(void)
{
	return 0;
}
