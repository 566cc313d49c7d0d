/*
 * support/descriptors.c - how many descriptors this process has, as the
 * system's /proc shows them.
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
