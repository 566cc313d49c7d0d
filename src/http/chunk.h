/*
 * http/chunk.h - reads what is between the pieces of a chunked body: RFC 9112,
 * 7.1.
 */
#ifndef ROTAI_HTTP_CHUNK_H
#define ROTAI_HTTP_CHUNK_H

#include "http/refusal.h"

/* Use the input up to the next data, or up to the trailers, or all of it. The
 * state says which. */
enum rotai_http_refusal
rotai_http_read_chunk_line(struct rota_http_parser *parser);

#endif
