/*
 * system/usage.h - what getrusage(2) reports.
 */
#ifndef ROTAI_SYSTEM_USAGE_H
#define ROTAI_SYSTEM_USAGE_H

#include "rota/self.h"

/* Fill *@usage, except its size and most_resident, with what getrusage(2) says
 * of @who. Store in *@most_resident what it says of that. Returns 0 or an
 * error. */
int rotai_usage_read(int who, struct rota_usage *usage, long *most_resident);

#endif
