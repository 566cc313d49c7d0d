/*
 * system/title_place_posix.c - for all systems except Linux: a title is the
 * arguments alone.
 */
#include "system/title_place.h"

#include "base/sysctl.h"

int rotai_title_is_shown(const char *first)
{
	return rotai_sysctl_shows_arguments(first);
}

void rotai_title_get_name(char name[ROTAI_TITLE_NAME_SIZE])
{
	name[0] = '\0';
}

void rotai_title_set_name(const char *name)
{
	(void)name;
}

void rotai_title_move_name(const char *place, size_t size, char *copy)
{
	(void)place;
	(void)size;
	(void)copy;
}
