/*
 * http/answer.h - heads of responses.
 */
#ifndef ROTAI_HTTP_ANSWER_H
#define ROTAI_HTTP_ANSWER_H

#include "http/serving.h"

/* Write the head of the response: @type is its Content-Type, or NULL. This sets
 * how the body is framed and whether the connection stays. */
void rotai_http_put_head(struct rota_http_exchange *exchange, int status,
			 const char *type, uint64_t length);

/* Write a whole answer that the server makes by itself, after which the
 * connection ends. @text is a sentence without a period. */
void rotai_http_put_answer(struct rota_http_exchange *exchange, int status,
			   const char *text);

/* Write the head that ends HTTP on the connection. */
void rotai_http_put_switch(struct rota_http_exchange *exchange, int status);

/* Write an answer with 503 to @to. Returns its size. */
size_t rotai_http_write_busy(char to[ROTA_HTTP_REFUSAL_SIZE],
			     unsigned retry_seconds, const char *text);

#endif
