/*
 * http/framing.h - what the fields of a head say about the message: where its
 * body ends, and what becomes of the connection.
 */
#ifndef ROTAI_HTTP_FRAMING_H
#define ROTAI_HTTP_FRAMING_H

#include "http/refusal.h"

/* Call this for each field before it is counted. */
static inline enum rotai_http_refusal
rotai_http_check_unique(const struct rota_http_head *head,
			const struct rota_http_field *field)
{
	const uint64_t unique = UINT64_C(1) << ROTA_HTTP_NAME_HOST |
				UINT64_C(1) << ROTA_HTTP_NAME_CONTENT_LENGTH;

	if (field->name >= 64 ||
	    ((head->known & unique) >> field->name & 1) == 0)
		return ROTAI_HTTP_FINE;
	return field->name == ROTA_HTTP_NAME_HOST ? ROTAI_HTTP_TWO_HOSTS
						  : ROTAI_HTTP_TWO_LENGTHS;
}

/* Set what a request or a response says as a whole. @answers is the method of
 * the request that the response answers. */
enum rotai_http_refusal rotai_http_frame_request(struct rota_http_head *head);
enum rotai_http_refusal
rotai_http_frame_response(struct rota_http_head *head,
			  enum rota_http_method answers);

#endif
