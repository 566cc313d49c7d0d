/*
 * base/subreaper_linux.c - PR_SET_CHILD_SUBREAPER of prctl(2), since Linux 3.4.
 */
#include "base/subreaper.h"

#include <sys/prctl.h>

#include "rota/error.h"

int rotai_subreaper_set(int on)
{
	int before = 0;

	if (prctl(PR_GET_CHILD_SUBREAPER, &before, 0L, 0L, 0L) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, (unsigned long)on, 0L, 0L, 0L) < 0)
		return ROTA_ENOTSUP;
	return before != 0;
}
