/*
 * io/bucket.h - the part that one direction of a stream has in a bucket
 * (rota/rate.h).
 *
 * A share asks how much the bucket allows, and then says how much of that was
 * used. If it was less than it wanted, it may wait: the bucket calls it when it
 * has tokens for it, which are then reserved for this share.
 */
#ifndef ROTAI_IO_BUCKET_H
#define ROTAI_IO_BUCKET_H

#include <sys/types.h>

#include "rota/rate.h"

struct rotai_share {
	struct rota_link link;      /* in the bucket, while it waits */
	struct rota_bucket *bucket; /* NULL: there is no limit */
	uint64_t need;              /* while it waits: it can use so many */
	uint64_t grant;             /* tokens that are reserved for it */
	void (*served)(struct rotai_share *share); /* has a grant now */
	uint8_t is_short;  /* the bucket allowed less than was wanted */
	uint8_t is_served; /* since then it has not asked */
};

/* Use @bucket, which may be NULL, from now on. The share waits no more. */
void rotai_share_attach(struct rotai_share *share, struct rota_bucket *bucket);

/* Return how many of @wanted bytes may be moved now. */
size_t rotai_share_allows(struct rotai_share *share, size_t wanted);

/* Of the @allowed bytes, @n were moved; a negative number is an error. */
void rotai_share_took(struct rotai_share *share, size_t allowed, ssize_t n);

/* Wait for tokens: it can use @need of them, as far as is known. */
void rotai_share_wait(struct rotai_share *share, uint64_t need);

/* It wants bytes, and is not short of tokens, but perhaps waits for something
 * else: give back what was granted, unless it is just about to ask. */
void rotai_share_rest(struct rotai_share *share);

/* Wait no more, and give back what was granted. */
void rotai_share_leave(struct rotai_share *share);

#endif
