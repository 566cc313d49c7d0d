/*
 * base/quota_posix.c - for all systems except Linux: there are no control
 * groups.
 */
#include "base/quota.h"

unsigned rotai_quota_processors(void)
{
	return 0;
}
