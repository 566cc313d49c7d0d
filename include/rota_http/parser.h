/*
 * rota_http/parser.h - reads HTTP/1.x messages out of bytes: RFC 9110 and 9112.
 *
 * A parser needs no stream and no loop. It is given bytes as they arrive, in
 * pieces of any size, and returns what is in them: a head, pieces of a body,
 * the end of a message. How the bytes are cut never changes what is returned,
 * except for the sizes of the pieces.
 *
 *     rota_http_parser_feed(&parser, rota_bytes(data, size));
 *     while ((event = rota_http_parser_next(&parser, &body)) > 0)
 *             switch (event) {
 *             case ROTA_HTTP_EVENT_HEAD:
 *                     answer(&head);
 *                     break;
 *             case ROTA_HTTP_EVENT_BODY:
 *                     store(body.data, body.size);
 *                     break;
 *             }
 *     if (event == ROTA_EPROTO)
 *             refuse(rota_http_parser_refusal(&parser));
 *
 * It is strict: what two programs might read in two ways is refused.
 */
#ifndef ROTA_HTTP_PARSER_H
#define ROTA_HTTP_PARSER_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota_http/head.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_allocator;

/** What a parser reads. */
enum rota_http_kind {
	ROTA_HTTP_REQUESTS,
	ROTA_HTTP_RESPONSES,
};

/** What rota_http_parser_next() has found. */
enum rota_http_event {
	ROTA_HTTP_EVENT_HEAD = 1, /* the head is complete */
	ROTA_HTTP_EVENT_BODY,     /* a piece of the body */
	ROTA_HTTP_EVENT_END,      /* of the message; trailers are in the head */
};

/** Limits of a parser. Call rota_http_limits_init(), then change members. The
 * number of fields is limited by the capacity of struct rota_http_head. */
struct rota_http_limits {
	size_t size; /* of this struct, as the caller was compiled */

	/** Bytes of a body. By default there is no limit: UINT64_MAX. Beyond
	 * it: 413. */
	uint64_t body_size;

	/** Bytes of a head, with the empty line at its end: 32768; from 64 to
	 * 2^30. Beyond it: 431, or 414 if the first line is that long. */
	uint32_t head_size;

	/** Bytes of the target of a request: 8192. Beyond it: 414. */
	uint32_t target_size;

	/** Bytes of the trailers, with the empty line at their end: 8192; from
	 * 2 to 2^30. Beyond it: 431. */
	uint32_t trailer_size;

	/** Bytes of all chunk extensions of a message together: 4096. Beyond
	 * it: 413. */
	uint32_t extension_size;
};

/** Why a message was refused. */
struct rota_http_refusal {
	/** The status with which a server answers: 400, 413, 414, 417, 431, 501
	 * or 505. For a response it is 502: what a gateway answers its own
	 * client. 0: nothing was refused. */
	int status;

	/** One sentence in English, without a period. */
	const char *text;
};

/**
 * Reads messages. All zero, it has nothing to free.
 *
 * Owner:   the caller, who keeps it alive and in place until
 *          rota_http_parser_free().
 */
struct rota_http_parser {
	struct {
		const struct rota_http_limits *limits;
		const struct rota_allocator *allocator;
		struct rota_http_head *head;
		const char *input; /* fed, and not used yet */
		size_t left;
		char *own;          /* lines that have come in pieces */
		uint64_t remaining; /* of the body or the chunk */
		uint64_t may_come;  /* bytes of the body, by its limit */
		uint32_t own_size;
		uint32_t own_capacity;
		uint32_t base;       /* of the section's lines in own */
		uint32_t at;         /* of the line, from the base on */
		uint32_t scanned;    /* without an end of a line */
		uint32_t extensions; /* bytes so far */
		uint8_t kind;
		uint8_t state;
		uint8_t answers; /* method of the request, for a response */
		uint8_t digits;  /* of a chunk size */
		uint8_t refusal;
	} internal; /* private to the library: do not read or write */
};

/**
 * Set *@limits to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_http_limits_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_http_limits_init_size(struct rota_http_limits *limits, size_t size);

/**
 * Set *@limits to the defaults.
 *
 * Thread:  any.
 */
static inline void rota_http_limits_init(struct rota_http_limits *limits)
{
	rota_http_limits_init_size(limits, sizeof(*limits));
}

/**
 * Initialize @parser for messages of a @kind. @head is where it stores heads;
 * it may be NULL until the first byte of a message is parsed. @limits may be
 * NULL: the defaults. @allocator may be NULL: malloc. Returns 0.
 *
 * A head that arrives in one piece is not copied, and no memory is allocated.
 * One that arrives in pieces is gathered in memory of @allocator, which grows
 * with the bytes that have arrived, and is freed after the end of the message.
 *
 * Thread:  any. A parser is for one thread at a time.
 * Owner:   @head, its fields, @limits and @allocator stay in place until
 *          rota_http_parser_free().
 * Errors:  ROTA_EINVAL  @kind or @limits are invalid: @parser needs no free
 */
int rota_http_parser_init(struct rota_http_parser *parser,
			  enum rota_http_kind kind, struct rota_http_head *head,
			  const struct rota_http_limits *limits,
			  const struct rota_allocator *allocator);

/**
 * Store heads in @head from the next message on. NULL: there is none for now.
 * So many idle connections need no heads, and a head can live on with the
 * program after its message. Returns 0.
 *
 * Thread:  any.
 * Owner:   the head that was used before is the caller's again. Its bytes are
 *          valid as rota_http_parser_next() says.
 * Errors:  ROTA_EBUSY  a message has begun and not ended
 */
int rota_http_parser_set_head(struct rota_http_parser *parser,
			      struct rota_http_head *head);

/**
 * Say that the next response answers a request with that method: a response to
 * HEAD has no body, and one to CONNECT may begin a tunnel. Interim responses
 * and the final one count as one response. Call this before the first byte of
 * each response is parsed; without it, the request was none of these two.
 *
 * Thread:  any.
 */
void rota_http_parser_set_method(struct rota_http_parser *parser,
				 enum rota_http_method method);

/**
 * Give @parser the bytes of @buf, which follow those of the previous call. Then
 * call rota_http_parser_next() until it returns 0. Returns 0.
 *
 * Thread:  any.
 * Owner:   the bytes stay in place, unchanged, until rota_http_parser_next()
 *          has returned 0. The library does not change them.
 * Errors:  ROTA_EINVAL  @buf has no data and a size
 *          ROTA_EBUSY   bytes of the previous call are left
 *          After any of them nothing has changed.
 */
int rota_http_parser_feed(struct rota_http_parser *parser,
			  struct rota_const_buf buf);

/**
 * Return the next event in the bytes that were given, of enum rota_http_event;
 * or 0 if they are used up, and more are needed. For ROTA_HTTP_EVENT_BODY the
 * piece is stored in *@body; otherwise *@body is not changed.
 *
 * A message without a body has the events HEAD and END. What follows the END of
 * a request is parsed as the next request, so a caller that is not done with
 * the first one does not call this: after CONNECT or an upgrade, until it knows
 * whether the bytes are still HTTP; and after a request without
 * ROTA_HTTP_KEEP_ALIVE never. After a response that begins a tunnel, switches
 * the protocol or ends with the connection, this returns 0 and uses no more
 * bytes: see rota_http_parser_rest().
 *
 * Thread:  any.
 * Owner:   the head's bytes are valid as long as the bytes of
 *          rota_http_parser_feed() in which it ended, and not after the first
 *          call that follows the END: rota_http_head_copy() copies them. The
 *          piece of the body is a part of the bytes that were given.
 * Errors:  ROTA_EPROTO  the message is refused: see rota_http_parser_refusal().
 *                       There is no way on: the next call returns the same
 *          ROTA_EINVAL  a message begins and there is no head: call
 *                       rota_http_parser_set_head() and then this again
 *          ROTA_ENOMEM  nothing is lost: call again
 */
int rota_http_parser_next(struct rota_http_parser *parser,
			  struct rota_const_buf *body);

/**
 * Say that no more bytes will come, after rota_http_parser_next() has returned
 * 0. Returns ROTA_HTTP_EVENT_END if this ends a body that has no other end; or
 * 0 if no message has begun.
 *
 * Thread:  any.
 * Errors:  ROTA_EPROTO  a message is incomplete; or it was refused before
 *          ROTA_EBUSY   bytes are left: nothing has changed
 */
int rota_http_parser_finish(struct rota_http_parser *parser);

/**
 * Return why the message was refused. Its status is 0 if it was not.
 *
 * Thread:  any.
 */
struct rota_http_refusal
rota_http_parser_refusal(const struct rota_http_parser *parser);

/**
 * Set the limit of the current body to @most bytes, counted from here on, in
 * the place of the one in the limits: after the HEAD, when the target says what
 * the body is for. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    no message has a body at the moment
 *          ROTA_EMSGSIZE  the length of the body is known and more than @most:
 *                         nothing has changed; answer with 413
 */
int rota_http_parser_limit_body(struct rota_http_parser *parser, uint64_t most);

/**
 * Return the bytes that were given and belong to no event that was returned.
 * After an error there are none.
 *
 * Thread:  any.
 * Owner:   the bytes are those of the caller.
 */
struct rota_const_buf
rota_http_parser_rest(const struct rota_http_parser *parser);

/**
 * Return 1 if @parser is between two messages, and no byte of the next one has
 * been parsed; else 0.
 *
 * Thread:  any.
 */
int rota_http_parser_is_idle(const struct rota_http_parser *parser);

/**
 * Free the memory of @parser, which is then all zero.
 *
 * Thread:  any.
 */
void rota_http_parser_free(struct rota_http_parser *parser);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
