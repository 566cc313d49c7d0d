/*
 * rota_http/head.h - the head of a message: its first line and its fields.
 *
 * A head has no copy of its text. Fields are offsets into the bytes that were
 * received, so a head is moved elsewhere by copying these bytes: see
 * rota_http_head_copy().
 */
#ifndef ROTA_HTTP_HEAD_H
#define ROTA_HTTP_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota_http/method.h"
#include "rota_http/name.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Flags of struct rota_http_head. */
enum rota_http_head_flags {
	/** The connection may be used for another message after this one. */
	ROTA_HTTP_KEEP_ALIVE = 1 << 0,

	/** The client waits for 100 (Continue) before it sends the body. */
	ROTA_HTTP_EXPECTS_CONTINUE = 1 << 1,

	/** The fields Connection and Upgrade both ask for another protocol, or
	 * say that it is used from now on. */
	ROTA_HTTP_UPGRADES = 1 << 2,

	/** Another message may follow on the same connection without a wait:
	 * the head is an interim response, 1xx. */
	ROTA_HTTP_INTERIM = 1 << 3,
};

/** How the body of a message is delimited: RFC 9112, 6.3. */
enum rota_http_body {
	ROTA_HTTP_BODY_NONE,    /* there is none, whatever the fields say */
	ROTA_HTTP_BODY_LENGTH,  /* by Content-Length */
	ROTA_HTTP_BODY_CHUNKED, /* by the transfer coding */
	ROTA_HTTP_BODY_CLOSE,   /* by the end of the connection: responses */
};

/** A header field: offsets into the bytes of its head, or of the trailers. */
struct rota_http_field {
	uint32_t name_at;
	uint32_t value_at;
	uint32_t value_size; /* without white space around it */
	uint16_t name_size;
	uint16_t name; /* of enum rota_http_name */
};

/**
 * The head of a request or a response. The caller sets fields and capacity; the
 * parser sets the rest, member by member as lines arrive, and all of it before
 * it reports the head.
 *
 * Owner:   the caller, who also keeps the bytes: see rota_http_parser_next().
 */
struct rota_http_head {
	/** Memory for fields and trailers, of the caller's. */
	struct rota_http_field *fields;
	uint32_t capacity; /* of @fields: this is the limit of their number */

	uint32_t count;            /* fields of the head */
	uint32_t trailer_count;    /* fields behind a chunked body, which are
				 * stored after those of the head */
	uint32_t size;             /* bytes of the head */
	const char *bytes;         /* the head, as it was received */
	const char *trailer_bytes; /* what the trailers' offsets refer to */

	uint64_t content_length; /* for ROTA_HTTP_BODY_LENGTH, else 0 */
	uint64_t known;          /* a bit for each name before 64 that occurs */

	uint32_t target_at;   /* of a request; or of the reason phrase */
	uint32_t target_size; /* of a request; or of the reason phrase */
	uint16_t method_size; /* of a request: the method is at offset 0 */
	uint16_t status;      /* of a response, else 0 */
	uint8_t method;       /* of enum rota_http_method */
	uint8_t minor;        /* of the version 1.x */
	uint8_t body;         /* of enum rota_http_body */
	uint8_t flags;        /* of enum rota_http_head_flags */
};

/**
 * Return the method of a request as text.
 *
 * Thread:  any.
 */
static inline struct rota_const_buf
rota_http_head_method(const struct rota_http_head *head)
{
	return rota_bytes(head->bytes, head->method_size);
}

/**
 * Return the target of a request, or the reason phrase of a response.
 *
 * Thread:  any.
 */
static inline struct rota_const_buf
rota_http_head_target(const struct rota_http_head *head)
{
	return rota_bytes(head->bytes + head->target_at, head->target_size);
}

/**
 * Return the name of the field number @index, from 0 to @head->count - 1, as it
 * was received.
 *
 * Thread:  any.
 */
static inline struct rota_const_buf
rota_http_head_name(const struct rota_http_head *head, uint32_t index)
{
	return rota_bytes(head->bytes + head->fields[index].name_at,
			  head->fields[index].name_size);
}

/**
 * Return the value of the field number @index, from 0 to @head->count - 1,
 * without white space around it.
 *
 * Thread:  any.
 */
static inline struct rota_const_buf
rota_http_head_value(const struct rota_http_head *head, uint32_t index)
{
	return rota_bytes(head->bytes + head->fields[index].value_at,
			  head->fields[index].value_size);
}

/**
 * Return the name of the trailer number @index, from 0 to
 * @head->trailer_count - 1.
 *
 * Thread:  any.
 */
static inline struct rota_const_buf
rota_http_head_trailer_name(const struct rota_http_head *head, uint32_t index)
{
	const struct rota_http_field *field =
		&head->fields[head->count + index];

	return rota_bytes(head->trailer_bytes + field->name_at,
			  field->name_size);
}

/**
 * Return the value of the trailer number @index.
 *
 * Thread:  any.
 */
static inline struct rota_const_buf
rota_http_head_trailer_value(const struct rota_http_head *head, uint32_t index)
{
	const struct rota_http_field *field =
		&head->fields[head->count + index];

	return rota_bytes(head->trailer_bytes + field->value_at,
			  field->value_size);
}

/**
 * Return the index of the first field called @name, from index @from on; or -1
 * if there is none. ROTA_HTTP_NAME_UNKNOWN finds fields whose names are not
 * known.
 *
 * Thread:  any.
 */
int rota_http_head_find(const struct rota_http_head *head,
			enum rota_http_name name, uint32_t from);

/**
 * Return the index of the first field, from index @from on, whose name is the
 * @size bytes at @text, in upper or lower case; or -1.
 *
 * Thread:  any.
 */
int rota_http_head_find_text(const struct rota_http_head *head,
			     const char *text, size_t size, uint32_t from);

/**
 * Return the value of the first field called @name. If there is none, the
 * result has no data and no size.
 *
 * Thread:  any.
 */
struct rota_const_buf rota_http_head_get(const struct rota_http_head *head,
					 enum rota_http_name name);

/**
 * Copy the bytes of @head to @memory, which has space for @head->size bytes,
 * and its fields and trailers to @fields, of which there are @capacity; and let
 * @head refer to them. So a head outlives the bytes that the parser was given.
 * The trailers still refer to the parser's bytes. @fields may be NULL: then
 * they stay where they are, and @capacity is not used. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller keeps @memory and @fields as long as @head is used.
 * Errors:  ROTA_EINVAL  @capacity is too small: nothing has changed
 */
int rota_http_head_copy(struct rota_http_head *head, char *memory,
			struct rota_http_field *fields, uint32_t capacity);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
