/*
 * base/group_list.h - the ids of the groups of a user: getgrouplist(3).
 */
#ifndef ROTAI_BASE_GROUP_LIST_H
#define ROTAI_BASE_GROUP_LIST_H

#include <stddef.h>

/* Store in *@groups the ids of the groups of the user @name, with @primary, and
 * in *@count how many there are. The caller frees *@groups. Returns 0 or an
 * error. */
int rotai_group_list_find(const char *name, unsigned primary, unsigned **groups,
			  size_t *count);

#endif
