/*
 * http/serving.h - the structs of a server.
 *
 *     server          options, what is shared by all loops
 *       shard         what it has on one loop
 *         connection  a stream
 *           session   what a connection needs while it is not idle
 *             exchange    a request and its response
 *
 *  1. An idle connection has no session. It gets one from the shard when bytes
 *     arrive.
 *  2. A session has one current exchange: the one that is read or answered.
 *     Those that were answered, and whose output has not left, or that wait for
 *     lent memory, are in its list `unsent`.
 *  3. Functions that a program calls change exchanges and write output. They
 *     call nothing of the program. What follows from them is done by
 *     rotai_http_advance(), which is called for events, or by the session's
 *     task as soon as the callback ends in which they were called.
 *  4. An exchange whose functions of on_done were called, and whose handler has
 *     not ended it, is in the shard's list of orphans.
 *  5. Counters are written by the thread of the shard alone, and read by all.
 */
#ifndef ROTAI_HTTP_SERVING_H
#define ROTAI_HTTP_SERVING_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "rota/listen_group.h"
#include "rota/object.h"
#include "rota/pipe.h"
#include "rota/sendfile.h"
#include "rota/server.h"
#include "rota/task.h"
#include "rota/tcp.h"
#include "rota_http/parser.h"
#include "rota_http/request.h"
#include "rota_http/response.h"
#include "rota_http/server.h"
#include "rota_http/writer.h"

struct rotai_http_shard;
struct rotai_http_connection;
struct rotai_http_session;
struct rota_http_proxy_header;

enum {
	ROTAI_HTTP_GATHER_SIZE = 16384, /* bytes of output in one write */
	ROTAI_HTTP_ARENA_SIZE = 1280,   /* bytes of an exchange's own arena */
	ROTAI_HTTP_UNSENT = 16,         /* exchanges of a connection */
	ROTAI_HTTP_FREE_SESSIONS = 64,  /* in the lists of a shard */
	ROTAI_HTTP_FREE_EXCHANGES = 32,
	ROTAI_HTTP_FREE_LENT = 64,
};

/* The members of rota_http_server_stats that a shard counts, in that order. */
enum rotai_http_counter {
	ROTAI_HTTP_ACCEPTED,
	ROTAI_HTTP_ACCEPT_ERRORS,
	ROTAI_HTTP_OVER_CONNECTIONS,
	ROTAI_HTTP_OVER_ADDRESS,
	ROTAI_HTTP_OVER_MEMORY,
	ROTAI_HTTP_REQUEST_COUNT,
	ROTAI_HTTP_RESPONSES, /* six of them */
	ROTAI_HTTP_REFUSED_COUNT = ROTAI_HTTP_RESPONSES + 6,
	ROTAI_HTTP_SLOW_HEADS,
	ROTAI_HTTP_SLOW_BODIES,
	ROTAI_HTTP_IDLE_ENDED,
	ROTAI_HTTP_STALLED,
	ROTAI_HTTP_SLOW_HANDLERS,
	ROTAI_HTTP_REQUEST_LIMIT,
	ROTAI_HTTP_GONE,
	ROTAI_HTTP_ABORTED,
	ROTAI_HTTP_TAKEN_OVER,
	ROTAI_HTTP_RECEIVED,
	ROTAI_HTTP_SENT,
	/* numbers of now */
	ROTAI_HTTP_CONNECTIONS,
	ROTAI_HTTP_SESSIONS,
	ROTAI_HTTP_EXCHANGES,
	ROTAI_HTTP_COUNTERS,
};

/* A function that is called once with an argument, in a list. */
struct rotai_http_hook {
	struct rotai_http_hook *next;
	union {
		rota_http_done_fn *done;
		rota_http_writable_fn *begin;
	} fn;
	void *arg;
};

/* A field of a response, or a trailer. The value follows the name. */
struct rotai_http_set {
	struct rotai_http_set *next;
	uint32_t name_size;
	uint32_t value_size;
	uint16_t name; /* of enum rota_http_name */
	char text[];
};

/* A block of an arena, behind the one in the exchange. */
struct rotai_http_block {
	struct rotai_http_block *next;
	size_t size;
	max_align_t bytes[];
};

/* Memory or a file that was given to a response. */
struct rotai_http_lent {
	struct rotai_http_lent *next;
	struct rota_http_exchange *exchange;
	rota_http_release_fn *release;
	void *arg;
	uint64_t length; /* of a file */
	int status;
	uint8_t is_file;
	uint8_t is_ready; /* to be released */
	union {
		struct rota_write write;
		struct rota_sendfile file;
	} by;
};

enum rotai_http_reading {
	ROTAI_HTTP_UNASKED, /* nobody has asked for the body */
	ROTAI_HTTP_PIECES,
	ROTAI_HTTP_WHOLE,
	ROTAI_HTTP_REPORTED, /* its end or an error was */
};

struct rota_http_exchange {
	struct rota_http_exchange *next; /* in unsent, orphans, or free */
	struct rota_http_exchange *previous;
	struct rotai_http_session *session; /* NULL: it has failed or is over */
	struct rotai_http_shard *shard;
	struct rota_http_head head;
	const struct rota_address *peer; /* as far as used; NULL: ask */
	void *data;
	struct rotai_http_hook *done_hooks;
	struct rotai_http_hook *begin_hooks;
	uint64_t begun_ns;

	/* the request */
	union {
		rota_http_body_fn *piece;
		rota_http_whole_body_fn *whole;
	} body_fn;
	void *body_arg;
	char *whole; /* for read_all */
	size_t whole_size;
	size_t whole_capacity;
	size_t whole_limit;
	uint64_t received;
	uint64_t handler_due;
	uint64_t pause_due;
	uint64_t body_due;

	/* the response */
	struct rotai_http_set *fields;
	struct rotai_http_set *trailers;
	struct rotai_http_lent *lent; /* the first of them */
	rota_http_writable_fn *writable_fn;
	void *writable_arg;
	rota_http_take_over_fn *take_over_fn;
	void *take_over_arg;
	uint64_t left; /* bytes of the body, by its length */
	uint64_t sent;
	struct rota_write marker; /* behind the output */

	/* the arena */
	struct rotai_http_block *blocks;
	size_t used; /* of the bytes at the end of this struct */

	int status; /* of the response; 0: it has not begun */
	int error;  /* how it has failed */
	uint8_t reading;
	uint8_t is_open : 1;      /* the handler was called */
	uint8_t has_head : 1;     /* whose bytes are there */
	uint8_t head_is_ours : 1; /* its bytes are in the arena */
	uint8_t is_complete : 1;  /* the request */
	uint8_t is_paused : 1;
	uint8_t was_continued : 1; /* 100 was sent */
	uint8_t keeps : 1;         /* the connection, after this */
	uint8_t client_ends : 1;   /* the client wants no other one */
	uint8_t is_chunked : 1;
	uint8_t has_no_body : 1; /* the response */
	uint8_t is_ended : 1;    /* the response */
	uint8_t has_failed : 1;
	uint8_t was_told : 1;     /* functions of on_done were called */
	uint8_t handler_done : 1; /* the handler does not use it any more */
	uint8_t is_pressed : 1;   /* a write has returned 1 */
	uint8_t is_marking : 1;   /* the marker is on its way */
	uint8_t is_marked : 1;    /* it has left */
	uint8_t whole_failed : 1; /* the end of read_all is to be reported */
	uint8_t must_abort : 1;

	struct rota_http_field field[]; /* then the arena */
};

struct rotai_http_session {
	struct rotai_http_session *next; /* in the free list */
	struct rotai_http_connection *connection;
	struct rotai_http_shard *shard;
	struct rota_http_exchange *current;
	struct rota_http_exchange *first_unsent;
	struct rota_http_exchange *last_unsent;
	size_t unsent_count;
	struct rota_http_parser parser;
	struct rota_task task;
	char *rest; /* input that waits, which the parser refers to */
	size_t rest_size;
	uint64_t head_due;   /* UINT64_MAX: none */
	uint64_t linger_due; /* the same */
	uint64_t stall_due;  /* the next look */
	uint64_t moved_ns;   /* when output has moved last */
	uint64_t armed_due;  /* of the connection's timer */
	uint64_t given;      /* bytes that the stream was given */
	uint64_t taken;      /* of them, by the system, at the last look */
	uint64_t file_left;  /* bytes of files that were given */
	size_t dropped;      /* bytes */
	int error;           /* of the stream, or why it has failed */
	uint8_t is_advancing : 1;
	uint8_t is_blocked : 1; /* on_drain will be called */
	uint8_t is_final : 1;   /* no request is read any more */
	uint8_t lingers : 1;
	uint8_t has_ended : 1; /* the input */
	uint8_t is_reading : 1;
	uint8_t is_closing : 1;
	uint8_t client_ends : 1; /* it wants no further response */
};

/* Connections from an IP address. */
struct rotai_http_address {
	struct rotai_http_address *next;
	size_t count;
	unsigned char key[16];
};

/* A stream that the program has made. */
struct rotai_http_served {
	struct rota_stream *stream;
	rota_close_fn *fn;
	struct rota_address *peer; /* or NULL */
	uint8_t is_secure;
};

enum rotai_http_carrier {
	ROTAI_HTTP_TCP,
	ROTAI_HTTP_PIPE,
	ROTAI_HTTP_SERVED,
};

struct rotai_http_connection {
	union {
		struct rota_connection connection;
		/* of a connection that was taken over */
		struct rota_allocator allocator;
	} in;
	struct rotai_http_session *session; /* NULL: idle (1) */
	struct rotai_http_address *address; /* or NULL */
	uint32_t requests;
	uint8_t carrier;
	uint8_t is_counted : 1;    /* by the limit of connections */
	uint8_t is_last : 1;       /* the server stops: no further request */
	uint8_t is_shed : 1;       /* it was answered 503 at once */
	uint8_t has_served : 1;    /* an exchange */
	uint8_t has_origin : 1;    /* behind the struct: http/proxied.h */
	uint8_t awaits_header : 1; /* of a proxy */
	union {
		struct rota_tcp tcp;
		struct rota_pipe pipe;
		struct rotai_http_served served;
	} by; /* of this as much as the carrier needs */
};

struct rotai_http_shard {
	struct rota_server server;
	struct rota_http_server *owner;
	struct rota_loop *loop; /* NULL: not attached */
	size_t index;
	struct rota_allocator allocator; /* for parsers: counted */
	char *gather;                    /* output of one connection */
	size_t gathered;
	struct rotai_http_session *gatherer;
	struct rotai_http_session *free_sessions;
	struct rota_http_exchange *free_exchanges;
	struct rotai_http_lent *free_lent;
	size_t free_session_count;
	size_t free_exchange_count;
	size_t free_lent_count;
	size_t shed_count; /* connections that were answered 503 at once */
	struct rota_http_exchange *orphans;
	struct rota_http_date_cache date;
	uint64_t date_ns; /* when the wall clock was read */
	int64_t date_seconds;
	struct rota_task stop_task;
	struct rota_task reset_task;
	struct rota_task gone_task; /* of the first loop */
	uint8_t is_stopping;
	uint8_t has_no_connection; /* and no listener */
	uint8_t is_gone;
	uint64_t counters[ROTAI_HTTP_COUNTERS]; /* (5) */
};

struct rotai_http_door {
	struct rotai_http_door *next;
	struct rota_http_server *server;
	struct rota_listen_group *group;
	int is_unix;
};

struct rota_http_server {
	struct rota_http_server_options options;
	struct rota_allocator allocator;
	size_t exchange_size;
	size_t memory;                 /* atomic */
	size_t connections;            /* atomic */
	rota_task_fn *work;            /* of sessions (3) */
	rota_task_fn *gone;            /* of shards */
	struct rotai_http_door *doors; /* the last one first */
	size_t door_count;

	/* of the stop */
	uint32_t is_stopping; /* atomic */
	uint64_t grace_ns;
	rota_http_stopped_fn *stopped_fn;
	void *stopped_arg;
	size_t shards_left;      /* of the first loop's thread */
	struct rota_timer alive; /* keeps the first loop alive */

	/* connections by address */
	pthread_mutex_t addresses_lock;
	struct rotai_http_address **addresses;

	size_t count;
	struct rotai_http_shard shards[];
};

static inline void rotai_http_count(struct rotai_http_shard *shard,
				    enum rotai_http_counter counter,
				    uint64_t more)
{
	uint64_t *at = &shard->counters[counter];

	__atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + more,
			 __ATOMIC_RELAXED);
}

static inline struct rota_stream *
rotai_http_stream(struct rotai_http_connection *connection)
{
	return connection->carrier == ROTAI_HTTP_SERVED
		       ? connection->by.served.stream
		       : &connection->by.tcp.stream;
}

static inline struct rotai_http_shard *
rotai_http_shard_of(struct rota_server *server)
{
	return rota_container_of(server, struct rotai_http_shard, server);
}

static inline int rotai_http_is_stopping(const struct rota_http_server *server)
{
	return __atomic_load_n(&server->is_stopping, __ATOMIC_RELAXED) != 0;
}

/* A due time, @delay_ns after now; 0 means never. */
static inline uint64_t rotai_http_due(uint64_t now_ns, uint64_t delay_ns)
{
	return delay_ns == 0 || delay_ns > UINT64_MAX - now_ns
		       ? UINT64_MAX
		       : now_ns + delay_ns;
}

#endif
