/*
 * system/record.h - finds records of users and groups: see rota/user.h. These
 * functions may block for long.
 */
#ifndef ROTAI_SYSTEM_RECORD_H
#define ROTAI_SYSTEM_RECORD_H

#include "rota/user.h"

enum { ROTAI_USER_FLAGS = ROTA_USER_GROUPS };

/* Set *@user to the record with that @name, or if @name is NULL with that @id,
 * with a reference. Returns 0 or an error. */
int rotai_record_find_user(const char *name, unsigned id, unsigned flags,
			   const struct rota_user **user);

int rotai_record_find_group(const char *name, unsigned id,
			    const struct rota_group **group);

#endif
