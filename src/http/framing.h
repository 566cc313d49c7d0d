/*
 * http/framing.h - what the fields of a head say about the message: where its
 * body ends, and what becomes of the connection.
 */
#ifndef ROTAI_HTTP_FRAMING_H
#define ROTAI_HTTP_FRAMING_H

#include "http/refusal.h"

/* Call this for each field before it is counted. */
enum rotai_http_refusal
rotai_http_check_unique(const struct rota_http_head *head,
			const struct rota_http_field *field);

/* Set what a request or a response says as a whole. @answers is the method of
 * the request that the response answers. */
enum rotai_http_refusal rotai_http_frame_request(struct rota_http_head *head);
enum rotai_http_refusal
rotai_http_frame_response(struct rota_http_head *head,
			  enum rota_http_method answers);

#endif
