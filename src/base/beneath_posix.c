/*
 * base/beneath_posix.c - POSIX has no call for it.
 */
#include "base/beneath.h"

int rotai_beneath_open(int directory, const char *path, int no_symlinks)
{
	return rotai_beneath_walk(directory, path, no_symlinks);
}
