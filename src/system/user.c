/*
 * system/user.c - records of users and groups, for callers that wait.
 */
#include "rota/error.h"
#include "rota/user.h"
#include "system/record.h"

int rota_user_by_id(unsigned id, unsigned flags, const struct rota_user **user)
{
	if (user == NULL || (flags & ~(unsigned)ROTAI_USER_FLAGS) != 0)
		return ROTA_EINVAL;
	return rotai_record_find_user(NULL, id, flags, user);
}

int rota_user_by_name(const char *name, unsigned flags,
		      const struct rota_user **user)
{
	if (name == NULL || *name == '\0' || user == NULL ||
	    (flags & ~(unsigned)ROTAI_USER_FLAGS) != 0)
		return ROTA_EINVAL;
	return rotai_record_find_user(name, 0, flags, user);
}

int rota_group_by_id(unsigned id, const struct rota_group **group)
{
	if (group == NULL)
		return ROTA_EINVAL;
	return rotai_record_find_group(NULL, id, group);
}

int rota_group_by_name(const char *name, const struct rota_group **group)
{
	if (name == NULL || *name == '\0' || group == NULL)
		return ROTA_EINVAL;
	return rotai_record_find_group(name, 0, group);
}
