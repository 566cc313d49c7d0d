/*
 * Limits of what a stream reads and writes in a second. Virtual time shows to
 * the nanosecond how long it takes. Each test runs over every class of streams.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/link.h"
#include "support/part.h"
#include "support/rate.h"

enum { PIECE = 1 << 16, RATE = 100 * KIB, BURST = 10 * KIB, SIZE = 200 * KIB };

static struct rota_bucket bucket;

/* b reads, and what a writes is limited. */
static void limit_writing(struct link *link)
{
	bucket_begin(&bucket, link->f, RATE, BURST);
	assert_int_equal(rota_stream_set_rate(link->a.stream, NULL, &bucket),
			 0);
	assert_int_equal(rota_bucket_users(&bucket), 1);
	end_start(&link->b);
}

static void limit_reading(struct link *link)
{
	bucket_begin(&bucket, link->f, RATE, BURST);
	assert_int_equal(rota_stream_set_rate(link->b.stream, &bucket, NULL),
			 0);
}

static void expect_got(struct link *link, uint64_t begun, size_t size)
{
	PASS(link->f, link->b.got == size);
	assert_int_equal(time_passed(link->f) - begun,
			 time_for(size, RATE, BURST));
	assert_int_equal(link->b.wrong, 0);
}

static void close_both(struct link *link)
{
	if (!rota_handle_is_closing(&link->a.stream->handle))
		assert_int_equal(rota_handle_close_now(&link->a.stream->handle),
				 0);
	if (!rota_handle_is_closing(&link->b.stream->handle))
		assert_int_equal(rota_handle_close_now(&link->b.stream->handle),
				 0);
	bucket_end(&bucket);
}

static void send_all(struct end *end, size_t size)
{
	while (end->sent < size)
		assert_true(end_send(end, size - end->sent < PIECE
						  ? size - end->sent
						  : PIECE) >= 0);
}

/* Writing, in each of the ways. */

static void send_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);

	limit_writing(link);
	send_all(&link->a, MIB);
	assert_int_equal(rota_stream_queued(link->a.stream), MIB - BURST);
	expect_got(link, begun, MIB);
	assert_int_equal(rota_bucket_tokens(&bucket), 0);
	close_both(link);
}

static void sent_bytes_take_the_time_of_the_rate(void **state)
{
	for_each_link(*state, send_test);
}

/* The queue shrinks as fast as the rate, so on_drain is called on time. */
static void drain_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);

	limit_writing(link);
	rota_stream_set_watermarks(link->a.stream, KIB, 20 * KIB);
	send_all(&link->a, 50 * KIB);
	PASS(link->f, link->a.drains > 0);
	assert_int_equal(rota_stream_queued(link->a.stream), KIB);
	assert_int_equal(time_passed(link->f) - begun,
			 time_for(49 * KIB, RATE, BURST));
	expect_got(link, begun, 50 * KIB);
	close_both(link);
}

static void on_drain_comes_when_the_rate_has_let_the_queue_shrink(void **state)
{
	for_each_link(*state, drain_test);
}

static void write_test(struct link *link)
{
	static char data[SIZE];
	struct rota_const_buf bufs[3] = {
		{ data, 5000 },
		{ data + 5000, 70000 },
		{ data + 75000, SIZE - 75000 },
	};
	uint64_t begun = time_passed(link->f);
	struct rota_write write;

	pattern_fill(data, SIZE, 0);
	limit_writing(link);
	write.request.data = "write";
	assert_int_equal(
		rota_stream_write(&write, link->a.stream, bufs, 3, note_write),
		0);
	PASS(link->f, !rota_request_is_active(&write.request));
	assert_string_equal(journal_take(), "pending: write=0");
	assert_true(time_passed(link->f) - begun ==
		    time_for(SIZE, RATE, BURST));
	expect_got(link, begun, SIZE);
	close_both(link);
}

static void a_write_takes_the_time_of_the_rate(void **state)
{
	for_each_link(*state, write_test);
}

/* A try writes what there are tokens for. */
static void try_test(struct link *link)
{
	static char data[SIZE];
	struct rota_const_buf bufs[2] = {
		{ data, BURST - 10 },
		{ data + BURST - 10, SIZE - BURST + 10 },
	};
	struct rota_const_buf rest = { data + BURST, SIZE - BURST };

	pattern_fill(data, SIZE, 0);
	limit_writing(link);
	assert_int_equal(rota_stream_try_write(link->a.stream, bufs, 2), BURST);
	assert_int_equal(rota_stream_try_write(link->a.stream, &rest, 1),
			 ROTA_EAGAIN);
	assert_false(rota_timer_is_active(&bucket.internal.timer));
	pass_time(link->f, ROTA_MSEC(20));
	assert_int_equal(rota_stream_try_write(link->a.stream, &rest, 1),
			 2 * KIB);
	PASS(link->f, link->b.got == BURST + 2 * KIB);
	assert_int_equal(link->b.wrong, 0);
	close_both(link);
}

static void a_try_writes_what_the_bucket_has(void **state)
{
	for_each_link(*state, try_test);
}

static void sendfile_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);
	int file = make_file(SIZE);
	struct part part;

	limit_writing(link);
	assert_true(end_send(&link->a, 100) >= 0);
	end_send_part(&link->a, &part, file, SIZE - 200);
	assert_true(end_send(&link->a, 100) >= 0);
	PASS(link->f, link->b.got == SIZE);
	assert_int_equal(link->b.wrong, 0);
	/* The size of a file is not looked at: a wake-up may come late. */
	assert_in_range(time_passed(link->f) - begun,
			time_for(SIZE, RATE, BURST),
			time_for(SIZE, RATE, BURST) + ROTA_MSEC(10));
	assert_int_equal(part_end(link->f, &part), 0);
	close(file);
	close_both(link);
}

static void a_file_takes_the_time_of_the_rate(void **state)
{
	for_each_link(*state, sendfile_test);
}

static void cork_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);

	limit_writing(link);
	rota_stream_set_cork(link->a.stream, 1);
	for (unsigned i = 0; i < 10; i++)
		assert_true(end_send(&link->a, 3 * KIB) >= 0);
	assert_int_equal(rota_bucket_tokens(&bucket), BURST);
	expect_got(link, begun, 30 * KIB);
	rota_stream_set_cork(link->a.stream, 0);
	close_both(link);
}

static void corked_output_is_limited_when_it_leaves(void **state)
{
	for_each_link(*state, cork_test);
}

/* The end waits for limited output, and the peer sees its end behind it. */
static void end_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);
	struct rota_end end;

	limit_writing(link);
	send_all(&link->a, 50 * KIB);
	assert_int_equal(rota_stream_end_with(&end, link->a.stream, end_closed),
			 0);
	PASS(link->f, link->b.ends > 0);
	assert_int_equal(link->b.status, ROTA_EOF);
	assert_int_equal(link->b.got, 50 * KIB);
	assert_int_equal(time_passed(link->f) - begun,
			 time_for(50 * KIB, RATE, BURST));
	assert_int_equal(rota_stream_end(link->b.stream, end_closed), 0);
	PASS(link->f, link->a.closes > 0);
	assert_int_equal(end.status, 0);
	PASS(link->f, link->b.closes > 0);
	close_both(link);
}

static void an_end_waits_for_limited_output(void **state)
{
	for_each_link(*state, end_test);
}

static void deadline_test(struct link *link)
{
	static char data[SIZE];
	struct rota_const_buf buf = { data, SIZE };
	struct rota_deadline deadline;
	struct rota_write write;

	pattern_fill(data, SIZE, 0);
	limit_writing(link);
	write.request.data = "write";
	assert_int_equal(
		rota_stream_write(&write, link->a.stream, &buf, 1, note_write),
		0);
	assert_int_equal(rota_request_set_deadline(
				 &write.request, &deadline,
				 rota_loop_now(link->f->loop) + ROTA_MSEC(500)),
			 0);
	PASS(link->f, !rota_request_is_active(&write.request));
	assert_string_equal(journal_take(), "pending: write=ETIMEDOUT");
	assert_false(rota_timer_is_active(&bucket.internal.timer));
	assert_int_equal(end_send(&link->a, 1), ROTA_EPIPE);
	close_both(link);
}

static void a_deadline_passes_while_output_waits_for_tokens(void **state)
{
	for_each_link(*state, deadline_test);
}

/* Reading. */

static void read_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);

	limit_reading(link);
	end_start(&link->b);
	send_all(&link->a, MIB);
	expect_got(link, begun, MIB);
	close_both(link);
}

static void read_bytes_take_the_time_of_the_rate(void **state)
{
	for_each_link(*state, read_test);
}

/* Without tokens nothing is read: the peer cannot send on. */
static void backpressure_test(struct link *link)
{
	size_t queued;

	limit_reading(link);
	end_start(&link->b);
	end_fill(&link->a, MIB);
	for (unsigned i = 0; i < 20; i++)
		turn(link->f);
	queued = rota_stream_queued(link->a.stream);
	assert_true(queued > 0);
	assert_int_equal(link->b.got, BURST);
	for (unsigned i = 0; i < 20; i++)
		turn(link->f);
	assert_int_equal(rota_stream_queued(link->a.stream), queued);
	PASS(link->f, link->b.got == link->a.sent);
	assert_int_equal(link->b.wrong, 0);
	close_both(link);
}

static void a_reader_without_tokens_presses_back(void **state)
{
	for_each_link(*state, backpressure_test);
}

static void request_test(struct link *link)
{
	static char data[SIZE];
	struct rota_buf buf = { data, SIZE };
	uint64_t begun = time_passed(link->f);
	struct rota_read read;

	limit_reading(link);
	read.request.data = "read";
	assert_int_equal(rota_stream_read(&read, link->b.stream, buf,
					  BURST + 1234, note_read_done),
			 0);
	send_all(&link->a, SIZE);
	PASS(link->f, !rota_request_is_active(&read.request));
	assert_non_null(strstr(journal_take(), "read="));
	assert_int_equal(read.size, BURST + 1234);
	assert_true(pattern_is(data, read.size, 0));
	assert_int_equal(time_passed(link->f) - begun,
			 time_for(BURST + 1234, RATE, BURST));
	/* Nobody reads now: no timer runs. */
	assert_false(rota_timer_is_active(&bucket.internal.timer));
	close_both(link);
}

static void a_read_request_takes_the_time_of_the_rate(void **state)
{
	for_each_link(*state, request_test);
}

/* The end is read behind all bytes. */
static void eof_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);

	limit_reading(link);
	end_start(&link->b);
	send_all(&link->a, 50 * KIB);
	assert_true(rota_stream_shutdown(NULL, link->a.stream, NULL) >= 0);
	PASS(link->f, link->b.ends > 0);
	assert_int_equal(link->b.got, 50 * KIB);
	assert_int_equal(link->b.status, ROTA_EOF);
	assert_in_range(time_passed(link->f) - begun,
			time_for(50 * KIB, RATE, BURST),
			time_for(50 * KIB, RATE, BURST) + ROTA_MSEC(10));
	close_both(link);
}

static void the_end_is_read_behind_limited_input(void **state)
{
	for_each_link(*state, eof_test);
}

/* A stop takes effect at once; a start goes on with what there is. */
static void stop_test(struct link *link)
{
	limit_reading(link);
	end_start(&link->b);
	send_all(&link->a, 50 * KIB);
	PASS(link->f, link->b.got == 20 * KIB);
	rota_stream_read_stop(link->b.stream);
	assert_false(rota_timer_is_active(&bucket.internal.timer));
	pass_time(link->f, ROTA_SEC(5));
	assert_int_equal(link->b.got, 20 * KIB);
	end_start(&link->b);
	turn(link->f);
	turn(link->f);
	assert_int_equal(link->b.got, 30 * KIB);
	PASS(link->f, link->b.got == 50 * KIB);
	assert_int_equal(link->b.wrong, 0);
	close_both(link);
}

static void a_reader_stops_and_starts_while_it_waits(void **state)
{
	for_each_link(*state, stop_test);
}

/* A pump from a limited source to a limited sink: the slower one counts. */
static void note_pump(struct rota_pump *pump, int status)
{
	*(int *)pump->request.data = status;
}

static void pump_test(struct link *link)
{
	static struct rota_bucket slow;
	uint64_t begun = time_passed(link->f);
	struct rota_pump pump;
	struct link out;
	int status = 1;

	link_open(&out, link->f, link->kind);
	limit_reading(link);
	bucket_begin(&slow, link->f, RATE / 2, BURST);
	assert_int_equal(rota_stream_set_rate(out.a.stream, NULL, &slow), 0);
	pump.request.data = &status;
	assert_int_equal(rota_pump_start(&pump, link->b.stream, out.a.stream, 0,
					 note_pump),
			 0);
	end_start(&out.b);
	send_all(&link->a, SIZE);
	assert_true(rota_stream_shutdown(NULL, link->a.stream, NULL) >= 0);
	PASS(link->f, out.b.ends > 0);
	assert_int_equal(out.b.got, SIZE);
	assert_int_equal(out.b.wrong, 0);
	assert_int_equal(time_passed(link->f) - begun,
			 time_for(SIZE, RATE / 2, BURST));
	PASS(link->f, !rota_request_is_active(&pump.request));
	assert_int_equal(status, 0);
	close_both(link);
	link_end(&out);
	bucket_end(&slow);
}

static void a_pump_is_as_slow_as_its_slower_side(void **state)
{
	for_each_link(*state, pump_test);
}

/* Changes while a stream waits. */

static void removal_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);

	limit_writing(link);
	assert_int_equal(rota_stream_set_rate(link->b.stream, &bucket, NULL),
			 0);
	send_all(&link->a, 50 * KIB);
	for (unsigned i = 0; i < 5; i++)
		turn(link->f);
	assert_true(rota_timer_is_active(&bucket.internal.timer));
	assert_int_equal(rota_stream_set_rate(link->a.stream, NULL, NULL), 0);
	assert_int_equal(rota_stream_set_rate(link->b.stream, NULL, NULL), 0);
	bucket_end(&bucket);
	RUN_UNTIL(link->f, link->b.got == 50 * KIB);
	assert_int_equal(link->b.wrong, 0);
	assert_int_equal(time_passed(link->f), begun);
	/* And it is a stream like others. */
	assert_int_equal(end_send(&link->a, 100), 0);
	RUN_UNTIL(link->f, link->b.got == 50 * KIB + 100);
	close_both(link);
}

static void a_stream_goes_on_at_once_when_its_limit_is_removed(void **state)
{
	for_each_link(*state, removal_test);
}

static void exchange_test(struct link *link)
{
	static struct rota_bucket full;
	uint64_t begun = time_passed(link->f);

	limit_writing(link);
	bucket_begin(&full, link->f, RATE, 2 * BURST);
	send_all(&link->a, BURST + KIB);
	turn(link->f);
	assert_int_equal(rota_stream_set_rate(link->a.stream, NULL, &full), 0);
	RUN_UNTIL(link->f, link->b.got == BURST + KIB);
	assert_int_equal(rota_bucket_tokens(&full), 2 * BURST - KIB);
	assert_int_equal(time_passed(link->f), begun);
	close_both(link);
	bucket_end(&full);
}

static void a_stream_goes_on_at_once_with_another_bucket(void **state)
{
	for_each_link(*state, exchange_test);
}

static void change_test(struct link *link)
{
	struct rota_rate rate = { sizeof(rate), RATE, BURST };
	uint64_t begun = time_passed(link->f);

	limit_writing(link);
	send_all(&link->a, BURST + 30 * KIB);
	rate.bytes = 1;
	assert_int_equal(rota_bucket_set_rate(&bucket, &rate), 0);
	pass_time(link->f, ROTA_SEC(3) + 1);
	assert_int_equal(link->b.got, BURST + 3);
	rate.bytes = RATE * 10;
	assert_int_equal(rota_bucket_set_rate(&bucket, &rate), 0);
	PASS(link->f, link->b.got == BURST + 30 * KIB);
	assert_int_equal(time_passed(link->f) - begun,
			 ROTA_SEC(3) + 1 +
				 time_for(30 * KIB - 3, 10 * RATE, 0));
	close_both(link);
}

static void a_changed_rate_counts_at_once(void **state)
{
	for_each_link(*state, change_test);
}

static void close_test(struct link *link)
{
	limit_writing(link);
	send_all(&link->a, 50 * KIB);
	assert_int_equal(rota_handle_close(&link->a.stream->handle, end_closed),
			 0);
	bucket_end(&bucket);
	PASS(link->f, link->a.closes > 0);
	close_both(link);
}

static void a_stream_closes_while_it_waits(void **state)
{
	for_each_link(*state, close_test);
}

/* Extremes. */

static void slowest_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);

	bucket_begin(&bucket, link->f, 1, 1);
	assert_int_equal(rota_stream_set_rate(link->a.stream, NULL, &bucket),
			 0);
	assert_int_equal(rota_stream_set_rate(link->b.stream, &bucket, NULL),
			 0);
	end_start(&link->b);
	send_all(&link->a, 5);
	PASS(link->f, link->b.got == 5);
	/* The same bytes are counted by both streams. */
	assert_int_equal(time_passed(link->f) - begun, ROTA_SEC(9));
	assert_int_equal(link->b.reads, 5);
	close_both(link);
}

static void one_byte_in_a_second_is_possible(void **state)
{
	for_each_link(*state, slowest_test);
}

static void fastest_test(struct link *link)
{
	uint64_t begun = time_passed(link->f);

	bucket_begin(&bucket, link->f, UINT64_MAX, 0);
	assert_int_equal(rota_stream_set_rate(link->a.stream, &bucket, &bucket),
			 0);
	assert_int_equal(rota_stream_set_rate(link->b.stream, &bucket, &bucket),
			 0);
	assert_int_equal(rota_bucket_users(&bucket), 4);
	end_start(&link->b);
	send_all(&link->a, SIZE);
	RUN_UNTIL(link->f, link->b.got == SIZE);
	assert_int_equal(time_passed(link->f), begun);
	pass_time(link->f, UINT64_MAX / 8);
	assert_true(rota_bucket_tokens(&bucket) == UINT64_MAX);
	close_both(link);
}

static void the_largest_rate_is_no_limit(void **state)
{
	for_each_link(*state, fastest_test);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(sent_bytes_take_the_time_of_the_rate),
	VIRTUAL(on_drain_comes_when_the_rate_has_let_the_queue_shrink),
	VIRTUAL(a_write_takes_the_time_of_the_rate),
	VIRTUAL(a_try_writes_what_the_bucket_has),
	VIRTUAL(a_file_takes_the_time_of_the_rate),
	VIRTUAL(corked_output_is_limited_when_it_leaves),
	VIRTUAL(an_end_waits_for_limited_output),
	VIRTUAL(a_deadline_passes_while_output_waits_for_tokens),
	VIRTUAL(read_bytes_take_the_time_of_the_rate),
	VIRTUAL(a_reader_without_tokens_presses_back),
	VIRTUAL(a_read_request_takes_the_time_of_the_rate),
	VIRTUAL(the_end_is_read_behind_limited_input),
	VIRTUAL(a_reader_stops_and_starts_while_it_waits),
	VIRTUAL(a_pump_is_as_slow_as_its_slower_side),
	VIRTUAL(a_stream_goes_on_at_once_when_its_limit_is_removed),
	VIRTUAL(a_stream_goes_on_at_once_with_another_bucket),
	VIRTUAL(a_changed_rate_counts_at_once),
	VIRTUAL(a_stream_closes_while_it_waits),
	VIRTUAL(one_byte_in_a_second_is_possible),
	VIRTUAL(the_largest_rate_is_no_limit),
};

FIXTURE_MAIN(tests)
