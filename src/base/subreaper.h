/*
 * base/subreaper.h - whether orphaned descendants become children of this
 * process.
 */
#ifndef ROTAI_BASE_SUBREAPER_H
#define ROTAI_BASE_SUBREAPER_H

/* Returns what it was, 0 or 1; or ROTA_ENOTSUP. */
int rotai_subreaper_set(int on);

#endif
