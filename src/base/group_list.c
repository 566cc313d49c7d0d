/*
 * base/group_list.c - see group_list.h.
 *
 *  1. getgrouplist(3) stores how many groups there are if there was not enough
 *     space for them, but not on all systems. So the space doubles at least.
 *  2. The types differ: macOS has ids of groups with a sign there.
 */
#include "base/group_list.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#include "rota/error.h"

enum { FIRST_GROUPS = 32, MOST_GROUPS = 1 << 20 };

#ifdef __APPLE__
typedef int group_of_list; /* (2) */
#else
typedef gid_t group_of_list;
#endif

_Static_assert(sizeof(group_of_list) == sizeof(unsigned), "ids have 32 bits");

int rotai_group_list_find(const char *name, unsigned primary, unsigned **groups,
			  size_t *count)
{
	int space = FIRST_GROUPS;

	for (;;) {
		group_of_list *list = malloc((size_t)space * sizeof(*list));
		int n = space;

		if (list == NULL)
			return ROTA_ENOMEM;
		errno = 0;
		if (getgrouplist(name, (group_of_list)primary, list, &n) >= 0) {
			*groups = (unsigned *)list;
			*count = (size_t)n;
			return 0;
		}
		free(list);
		if (n <= space && errno == ENOMEM)
			return ROTA_ENOMEM;
		if (space >= MOST_GROUPS)
			return ROTA_ERANGE;
		space = n > 2 * space ? n : 2 * space; /* (1) */
		if (space > MOST_GROUPS)
			space = MOST_GROUPS;
	}
}
