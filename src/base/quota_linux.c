/*
 * base/quota_linux.c - the quota of the control groups of this process.
 */
#include "base/cgroup.h"
#include "base/quota.h"

unsigned rotai_quota_processors(void)
{
	struct rotai_cgroup limits;

	rotai_cgroup_find("", ROTAI_CGROUP_PROCESSORS, &limits);
	return limits.processors;
}
