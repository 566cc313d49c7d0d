/*
 * rota/rate.h - limits of how many bytes streams read and write in a second. A
 * bucket has the limit, and one bucket may serve many streams: those of a
 * tenant, for instance, which then share its rate.
 *
 *     struct rota_rate rate = { .size = sizeof(rate),
 *                               .bytes = 100 * 1024,
 *                               .burst = 10 * 1024 };
 *
 *     rota_bucket_init(&tenant->bucket, loop, &rate);
 *     rota_stream_set_rate(&c->tcp.stream, NULL, &tenant->bucket);
 */
#ifndef ROTA_RATE_H
#define ROTA_RATE_H

#include "rota/object.h"
#include "rota/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_stream;

/** A rate. A later version may add members at the end. */
struct rota_rate {
	size_t size;    /* of this struct, set by the caller */
	uint64_t bytes; /* in a second: at least 1 */
	uint64_t burst; /* at once, after a pause; 0: as many as in a second */
};

/**
 * A token bucket: it gets a token for each byte that its rate allows, and has
 * at most as many as its burst. It is full at first.
 *
 * Owner:   the caller, who keeps it alive and in place until no stream uses
 *          it: see rota_bucket_users(). It need not be closed.
 */
struct rota_bucket {
	void *data; /* for the caller */
	struct {
		struct rota_timer timer;
		struct rota_link waiting;
		size_t waiting_count;
		size_t users;
		uint64_t rate;
		uint64_t burst;
		uint64_t tokens;
		uint64_t reserved; /* of tokens that streams are to use now */
		uint64_t at_ns;    /* when the tokens were counted */
		uint64_t part;     /* of a token, in units of 1/10^9 */
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @bucket for streams of @loop. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @rate is NULL; its size is smaller than in the first
 *                       version; its bytes are 0; or a member is set that this
 *                       version of the library does not know
 */
int rota_bucket_init(struct rota_bucket *bucket, struct rota_loop *loop,
		     const struct rota_rate *rate);

/**
 * Change the rate of @bucket. Streams that wait go on by the new rate at once.
 * The bucket keeps its tokens, up to the new burst. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_bucket_init(): nothing has changed
 */
int rota_bucket_set_rate(struct rota_bucket *bucket,
			 const struct rota_rate *rate);

/**
 * Return how many bytes @bucket allows right now.
 *
 * Thread:  the loop's.
 */
uint64_t rota_bucket_tokens(struct rota_bucket *bucket);

/**
 * Return by how many streams @bucket is used; a stream that uses it for both
 * directions counts twice. At 0 the caller may free its memory.
 *
 * Thread:  the loop's.
 */
size_t rota_bucket_users(const struct rota_bucket *bucket);

/**
 * Let what @stream reads take its tokens from the bucket @read, and what it
 * writes from @write. Both may be the same. NULL: no limit, as at first. The
 * buckets that it used before are free of it. Returns 0.
 *
 * Without tokens, @stream reads nothing, so that the peer has to stop sending,
 * and output waits in its queue. Streams that wait for the same bucket are
 * served in turn. @stream leaves its buckets when it is closed or detached.
 *
 * Thread:  the loop's.
 * Owner:   the caller keeps the buckets alive and in place while they are used.
 * Errors:  ROTA_EINVAL  a bucket is of another loop; @stream listens, or is
 *                       closing
 *          ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          After any of them nothing has changed.
 */
int rota_stream_set_rate(struct rota_stream *stream, struct rota_bucket *read,
			 struct rota_bucket *write);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
