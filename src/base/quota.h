/*
 * base/quota.h - how much processor time this process may use.
 */
#ifndef ROTAI_BASE_QUOTA_H
#define ROTAI_BASE_QUOTA_H

/* How many processors the limits of this process's control group let it use at
 * the same time, rounded up; 0: there is no limit, or it is not known. */
unsigned rotai_quota_processors(void);

#endif
