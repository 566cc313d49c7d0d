/*
 * base/subreaper_posix.c - systems without subreapers.
 */
#include "base/subreaper.h"

#include "rota/error.h"

int rotai_subreaper_set(int on)
{
	(void)on;
	return ROTA_ENOTSUP;
}
