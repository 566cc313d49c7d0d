/*
 * tests/support/rate.c - see rate.h.
 */
#include "rate.h"

void bucket_begin(struct rota_bucket *bucket, struct fixture *f, uint64_t bytes,
		  uint64_t burst)
{
	struct rota_rate rate = { sizeof(rate), bytes, burst };

	assert_int_equal(rota_bucket_init(bucket, f->loop, &rate), 0);
	assert_true(rota_bucket_tokens(bucket) == (burst > 0 ? burst : bytes));
}

void bucket_end(const struct rota_bucket *bucket)
{
	assert_int_equal(rota_bucket_users(bucket), 0);
	assert_false(rota_timer_is_active(&bucket->internal.timer));
}

uint64_t time_passed(struct fixture *f)
{
	return rota_loop_now(f->loop) - f->start_ns;
}

uint64_t time_for(uint64_t size, uint64_t rate, uint64_t burst)
{
	uint64_t ns = (size - burst) * UINT64_C(1000000000);

	return (ns + rate - 1) / rate;
}

void pass_once(struct fixture *f, unsigned turns)
{
	assert_true(turns < 1000000);
	assert_true(rota_loop_run(f->loop, ROTA_RUN_ONCE) >= 0);
}

static void note_time(struct rota_timer *timer)
{
	(void)timer; /* it wakes the loop up */
}

void pass_time(struct fixture *f, uint64_t ns)
{
	struct rota_timer timer;

	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start(&timer, note_time, ns), 0);
	PASS(f, !rota_timer_is_active(&timer));
}
