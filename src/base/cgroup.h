/*
 * base/cgroup.h - the limits of the control groups of this process: cgroups(7),
 * versions 1 and 2. Only on Linux.
 */
#ifndef ROTAI_BASE_CGROUP_H
#define ROTAI_BASE_CGROUP_H

#include <stdint.h>

struct rotai_cgroup {
	/* How many processors it may use at the same time, rounded up; 0:
	 * there is no limit. */
	unsigned processors;

	/* The least limit of memory, in bytes; 0: there is none. */
	uint64_t memory;

	/* How much memory is left until a limit is reached; UINT64_MAX: there
	 * is none. */
	uint64_t left;
};

/* What to look for. */
enum { ROTAI_CGROUP_PROCESSORS = 1, ROTAI_CGROUP_MEMORY = 2 };

/* Find the limits that @wanted names, of the group of this process and of all
 * those above it. @root is the directory that has proc and what is mounted: ""
 * for that of the system. What cannot be read, or is not understood, is no
 * limit. */
void rotai_cgroup_find(const char *root, int wanted,
		       struct rotai_cgroup *limits);

#endif
