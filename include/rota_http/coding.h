/*
 * rota_http/coding.h - which content coding to send.
 */
#ifndef ROTA_HTTP_CODING_H
#define ROTA_HTTP_CODING_H

#include <stddef.h>

#include "rota_http/head.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * Store in @order the indexes of those of the @count content codings at
 * @codings, at most 8, that the client of the request @head accepts, the best
 * first; return how many these are. Those that it wants less than identity are
 * left out, if it names that. Among those that it wants equally, the first one
 * in @codings is the best. Without the field Accept-Encoding there are none:
 * identity is what every client understands. Several such fields are one list.
 *
 * The response has "Vary: Accept-Encoding", also if the result is 0, whenever
 * another request could have got a coding.
 *
 * Thread:  any.
 */
size_t rota_http_codings_wanted(int order[8], const struct rota_http_head *head,
				const char *const *codings, size_t count);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
