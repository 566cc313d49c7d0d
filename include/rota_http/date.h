/*
 * rota_http/date.h - dates in fields: RFC 9110, 5.6.7.
 *
 * All functions are pure: they allocate nothing, and no locale or time zone
 * matters.
 */
#ifndef ROTA_HTTP_DATE_H
#define ROTA_HTTP_DATE_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Bytes of a date, without a 0 behind them. */
enum { ROTA_HTTP_DATE_SIZE = 29 };

/**
 * Store in *@seconds the time that @text says, in seconds since 1970-01-01 UTC.
 * All three forms are read:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT
 *     Sunday, 06-Nov-94 08:49:37 GMT
 *     Sun Nov  6 08:49:37 1994
 *
 * Two digits of a year are a year that is at most 50 years after that of
 * @now_seconds. The day of the week may be wrong. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  it has none of these forms, or is no date, such as the
 *                       30th of February: *@seconds is not changed
 */
int rota_http_date_parse(int64_t *seconds, struct rota_const_buf text,
			 int64_t now_seconds);

/**
 * Write the time @seconds after 1970-01-01 UTC to @to, in the first of these
 * forms: ROTA_HTTP_DATE_SIZE bytes, without a 0 behind them. Times before the
 * year 0 and after the year 9999 are written as the first and the last second
 * of these.
 *
 * Thread:  any.
 */
void rota_http_date_write(char to[ROTA_HTTP_DATE_SIZE], int64_t seconds);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
