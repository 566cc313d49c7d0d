/*
 * io/bucket.c - token buckets: rota/rate.h, except for what streams do.
 *
 *  1. Tokens are counted when somebody asks, from the loop's clock. What the
 *     time since then is worth is computed without rounding: `part` is what is
 *     left of a token. Sums saturate.
 *  2. A bucket has one timer, which runs while shares wait: until there are
 *     tokens for PER_SECOND-th of a second, or as many as the first share can
 *     use, if those are fewer; and at least one. So a bucket causes at most
 *     PER_SECOND wake-ups in a second, and output ends on time.
 *  3. Shares that wait are in a queue. As long as it is not empty, nobody else
 *     gets tokens. When the timer calls, the tokens are divided by the number
 *     of shares that wait, but nobody gets less than LEAST_GRANT while there
 *     are so many. What a share gets is its grant. If it uses all and wants
 *     more, it waits again, at the end of the queue.
 *  4. A grant that is not used up goes back. Until then it counts as if it was
 *     in the bucket, so no more than the burst is ever there.
 */
#include "io/bucket.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/sized.h"
#include "loop/enter.h"
#include "loop/timer.h"

enum {
	LEAST_RATE = ROTAI_SIZE_UP_TO(struct rota_rate, burst),
	PER_SECOND = 100,
	LEAST_GRANT = 512,
};

static const uint64_t NS_PER_S = 1000000000;

ROTAI_SIZED(struct rota_rate, burst);

static struct rota_loop *bucket_loop(const struct rota_bucket *bucket)
{
	return bucket->internal.timer.internal.loop;
}

static uint64_t fewer(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t times_saturated(uint64_t a, uint64_t b)
{
	return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* How many tokens it can have. (4) */
static uint64_t most_tokens(const struct rota_bucket *bucket)
{
	uint64_t burst = bucket->internal.burst;

	return burst - fewer(bucket->internal.reserved, burst);
}

/* Add what the time since the last count is worth. (1) */
static void count_tokens(struct rota_bucket *bucket)
{
	uint64_t now_ns = bucket_loop(bucket)->clock(bucket_loop(bucket));
	uint64_t rate = bucket->internal.rate;
	uint64_t most = most_tokens(bucket);
	uint64_t seconds = (now_ns - bucket->internal.at_ns) / NS_PER_S;
	uint64_t ns = (now_ns - bucket->internal.at_ns) % NS_PER_S;
	/* Neither sum nor product can wrap: both factors are below 10^9. */
	uint64_t parts = rate % NS_PER_S * ns + bucket->internal.part;
	uint64_t tokens = rate / NS_PER_S * ns + parts / NS_PER_S;

	tokens = rotai_add_saturated(tokens, times_saturated(rate, seconds));
	tokens = rotai_add_saturated(tokens, bucket->internal.tokens);
	bucket->internal.at_ns = now_ns;
	bucket->internal.part = tokens < most ? parts % NS_PER_S : 0;
	bucket->internal.tokens = fewer(tokens, most);
}

/* The time at which there will be @missing more tokens: at least 1, and at most
 * as many as in a second. */
static uint64_t time_of(const struct rota_bucket *bucket, uint64_t missing)
{
	uint64_t rate = bucket->internal.rate;
	uint64_t ns;

	if (missing > UINT64_MAX / NS_PER_S) /* so is the rate */
		ns = missing / (rate / NS_PER_S) + 1;
	else
		ns = (missing * NS_PER_S - bucket->internal.part + rate - 1) /
		     rate;
	return rotai_add_saturated(bucket->internal.at_ns, ns);
}

static struct rotai_share *first_of(const struct rota_bucket *bucket)
{
	return rota_container_of(bucket->internal.waiting.next,
				 struct rotai_share, link);
}

/* How many tokens the bucket waits for, if shares wait. (2) */
static uint64_t awaited(const struct rota_bucket *bucket)
{
	uint64_t n = fewer(bucket->internal.rate / PER_SECOND,
			   first_of(bucket)->need);

	n = fewer(n, most_tokens(bucket));
	return n == 0 ? 1 : n;
}

static void serve_shares(struct rota_timer *timer);

/* Set the timer for the share that waits first, if one does. */
static void set_timer(struct rota_bucket *bucket)
{
	struct rota_timer *timer = &bucket->internal.timer;
	uint64_t due_ns;
	uint64_t n;

	if (bucket->internal.waiting_count == 0) {
		rota_timer_stop(timer);
		return;
	}
	count_tokens(bucket);
	n = awaited(bucket);
	due_ns = bucket->internal.tokens >= n
			 ? bucket->internal.at_ns
			 : time_of(bucket, n - bucket->internal.tokens);
	if (!rota_timer_is_active(timer) || timer->internal.due_ns != due_ns)
		rotai_timer_start_own(timer, serve_shares, due_ns);
}

static void take_out(struct rotai_share *share)
{
	rotai_list_remove(&share->link);
	share->bucket->internal.waiting_count--;
}

/* Grant the first share its part. (3) */
static void grant_first(struct rota_bucket *bucket)
{
	struct rotai_share *share = first_of(bucket);
	uint64_t n = bucket->internal.tokens / bucket->internal.waiting_count;

	if (n < LEAST_GRANT)
		n = fewer(bucket->internal.tokens, LEAST_GRANT);
	take_out(share);
	bucket->internal.tokens -= n;
	bucket->internal.reserved += n;
	share->grant = n;
	share->is_short = 0;
	share->is_served = 1;
	share->served(share);
}

static void serve_shares(struct rota_timer *timer)
{
	struct rota_bucket *bucket =
		rota_container_of(timer, struct rota_bucket, internal.timer);

	count_tokens(bucket);
	if (bucket->internal.tokens >= awaited(bucket))
		while (bucket->internal.waiting_count > 0 &&
		       bucket->internal.tokens > 0)
			grant_first(bucket);
	set_timer(bucket);
}

static void return_grant(struct rotai_share *share)
{
	struct rota_bucket *bucket = share->bucket;

	bucket->internal.reserved -= share->grant;
	bucket->internal.tokens =
		rotai_add_saturated(bucket->internal.tokens, share->grant);
	share->grant = 0;
	set_timer(bucket);
}

size_t rotai_share_allows(struct rotai_share *share, size_t wanted)
{
	struct rota_bucket *bucket = share->bucket;
	uint64_t most = share->grant;

	if (bucket == NULL)
		return wanted;
	share->is_served = 0;
	if (most == 0 && bucket->internal.waiting_count == 0) { /* (3) */
		count_tokens(bucket);
		most = fewer(bucket->internal.tokens, wanted);
		bucket->internal.tokens -= most;
		bucket->internal.reserved += most;
		share->grant = most;
	}
	share->is_short = most < wanted;
	return share->is_short ? (size_t)most : wanted;
}

void rotai_share_took(struct rotai_share *share, size_t allowed, ssize_t n)
{
	struct rota_bucket *bucket = share->bucket;
	uint64_t taken = n > 0 ? (uint64_t)n : 0;

	if (bucket == NULL)
		return;
	if (taken < allowed)
		share->is_short = 0;
	share->grant -= taken;
	bucket->internal.reserved -= taken;
	if (taken < allowed && share->grant > 0)
		return_grant(share); /* (4) */
}

void rotai_share_wait(struct rotai_share *share, uint64_t need)
{
	struct rota_bucket *bucket = share->bucket;

	share->need = need;
	if (rotai_link_is_linked(&share->link))
		return;
	rotai_list_append(&bucket->internal.waiting, &share->link);
	if (++bucket->internal.waiting_count == 1)
		set_timer(bucket);
}

void rotai_share_rest(struct rotai_share *share)
{
	if (share->grant > 0 && !share->is_served)
		return_grant(share);
}

void rotai_share_leave(struct rotai_share *share)
{
	if (rotai_link_is_linked(&share->link)) {
		take_out(share);
		set_timer(share->bucket);
	}
	if (share->grant > 0)
		return_grant(share);
}

void rotai_share_attach(struct rotai_share *share, struct rota_bucket *bucket)
{
	if (share->bucket != NULL) {
		rotai_share_leave(share);
		share->bucket->internal.users--;
	}
	share->bucket = bucket;
	share->is_short = 0;
	if (bucket != NULL)
		bucket->internal.users++;
}

/* Store what @given says in *@rate, with the defaults filled in. */
static int take_rate(struct rota_rate *rate, const struct rota_rate *given)
{
	int error = ROTA_EINVAL;

	*rate = (struct rota_rate){ .size = sizeof(*rate) };
	if (given != NULL)
		error = rotai_sized_take(rate, sizeof(*rate), given,
					 LEAST_RATE);
	if (error == 0 && rate->bytes == 0)
		error = ROTA_EINVAL;
	if (rate->burst == 0)
		rate->burst = rate->bytes;
	return error;
}

int rota_bucket_init(struct rota_bucket *bucket, struct rota_loop *loop,
		     const struct rota_rate *rate)
{
	ROTAI_ENTER("bucket", bucket, loop);
	struct rota_rate taken;
	int error = take_rate(&taken, rate);

	if (error < 0)
		return error;
	*bucket = (struct rota_bucket){
		.internal = { .rate = taken.bytes,
			      .burst = taken.burst,
			      .tokens = taken.burst,
			      .at_ns = loop->clock(loop) },
	};
	rota_timer_init(&bucket->internal.timer, loop);
	rotai_list_init(&bucket->internal.waiting);
	return 0;
}

int rota_bucket_set_rate(struct rota_bucket *bucket,
			 const struct rota_rate *rate)
{
	ROTAI_ENTER("bucket", bucket, bucket_loop(bucket));
	struct rota_rate taken;
	int error = take_rate(&taken, rate);

	if (error < 0)
		return error;
	count_tokens(bucket);
	bucket->internal.rate = taken.bytes;
	bucket->internal.burst = taken.burst;
	count_tokens(bucket); /* cut to the burst */
	set_timer(bucket);
	return 0;
}

uint64_t rota_bucket_tokens(struct rota_bucket *bucket)
{
	ROTAI_ENTER("bucket", bucket, bucket_loop(bucket));
	count_tokens(bucket);
	return bucket->internal.tokens;
}

size_t rota_bucket_users(const struct rota_bucket *bucket)
{
	ROTAI_ENTER("bucket", bucket, bucket_loop(bucket));
	return bucket->internal.users;
}
