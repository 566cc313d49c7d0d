/*
 * support/descriptors.c - count the descriptors of this process in /proc.
 */
#include "support/descriptors.h"

#include <dirent.h>

#include "support/bench.h"

size_t descriptors_open(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	if (!directory)
		bench_fail("there is no /proc/self/fd");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}
