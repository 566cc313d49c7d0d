/*
 * Parts of files among the output of a stream, of every class: whatever the
 * page cache has, they arrive in order and exactly.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/part.h"

enum { HEAD = 100, TAIL = 50, LARGE = 700001, FILE_SIZE = LARGE + 4096 };

static enum part_way way;
static int file;

static void each_way(struct fixture *f, void (*test)(struct link *link))
{
	file = make_file(FILE_SIZE);
	for (int i = 0; i < PART_WAYS; i++) {
		way = (enum part_way)i;
		part_go(way);
		for_each_link(f, test);
		fault_clear();
	}
	close(file);
}

static void until_got(struct link *link, size_t size)
{
	RUN_UNTIL(link->f, link->b.got >= size);
	assert_int_equal(link->b.got, size);
	assert_int_equal(link->b.wrong, 0);
}

static void between(struct link *link, size_t size)
{
	size_t before = link->a.sent;
	struct part part;

	assert_in_range(end_send(&link->a, HEAD), 0, 1);
	end_send_part(&link->a, &part, file, size);
	assert_in_range(end_send(&link->a, TAIL), 0, 1);
	until_got(link, before + HEAD + size + TAIL);
	assert_int_equal(part_end(link->f, &part), 0);
	assert_int_equal(part.phase, ROTA_PHASE_PENDING);
	assert_true(part.sendfile.sent == size);
	assert_int_equal(rota_stream_queued(link->a.stream), 0);
	/* The next one begins at the same place in the file. */
	link->a.sent = link->b.got = 0;
}

static void check_between(struct link *link)
{
	static const size_t sizes[] = { 0,     1,      4096,   16384, 16385,
					65536, 131072, 262145, LARGE };

	end_start(&link->b);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		between(link, sizes[i]);
}

static void a_part_arrives_between_sends(void **state)
{
	each_way(*state, check_between);
}

static void check_slow(struct link *link)
{
	struct part part[3];

	end_fill(&link->a, 1); /* nothing goes at once */
	for (int i = 0; i < 3; i++) {
		end_send_part(&link->a, &part[i], file, 100000);
		assert_true(end_send(&link->a, TAIL) >= 0);
	}
	turn(link->f);
	assert_int_equal(part[0].calls + part[1].calls + part[2].calls, 0);
	end_start(&link->b);
	until_got(link, link->a.sent);
	for (int i = 0; i < 3; i++)
		assert_int_equal(part_end(link->f, &part[i]), 0);
}

static void parts_wait_for_a_slow_reader(void **state)
{
	each_way(*state, check_slow);
}

static void check_end(struct link *link)
{
	struct part part;

	end_start(&link->b);
	assert_int_equal(
		part_send(&part, link->a.stream, file, 0, ROTA_TO_THE_END), 0);
	assert_int_equal(part_end(link->f, &part), 0);
	assert_true(part.sendfile.sent == FILE_SIZE);
	until_got(link, FILE_SIZE);
	assert_int_equal(part_send(&part, link->a.stream, file, FILE_SIZE,
				   ROTA_TO_THE_END),
			 0);
	assert_int_equal(part_end(link->f, &part), 0);
	assert_true(part.sendfile.sent == 0);
}

static void a_part_may_end_with_the_file(void **state)
{
	each_way(*state, check_end);
}

/* The peer was promised more. */
static void check_shrunk(struct link *link)
{
	static const size_t beyond[] = { 1, 10000, 100000, 1000000 };
	struct part part, behind;

	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		struct link own;

		link_open(&own, link->f, link->kind);
		end_start(&own.b);
		assert_int_equal(part_send(&part, own.a.stream, file, 10,
					   FILE_SIZE - 10 + beyond[i]),
				 0);
		assert_int_equal(part_send(&behind, own.a.stream, file, 0, 1),
				 0);
		own.b.got = 10; /* of the pattern */
		assert_int_equal(part_end(link->f, &part), ROTA_EOF);
		assert_true(part.sendfile.sent == FILE_SIZE - 10);
		assert_int_equal(part_end(link->f, &behind), ROTA_ECANCELED);
		assert_int_equal(end_send(&own.a, 1), ROTA_EPIPE);
		until_got(&own, FILE_SIZE);
		link_end(&own);
	}
}

static void a_file_that_has_shrunk_fails_the_writing_side(void **state)
{
	each_way(*state, check_shrunk);
}

/* A file that grows makes no difference. */
static void check_grown(struct link *link)
{
	struct part part;

	end_fill(&link->a, 1);
	end_send_part(&link->a, &part, file, 50000);
	assert_true(end_send(&link->a, TAIL) >= 0);
	assert_int_equal(ftruncate(file, FILE_SIZE + 100000), 0);
	end_start(&link->b);
	until_got(link, link->a.sent);
	assert_int_equal(part_end(link->f, &part), 0);
	assert_int_equal(ftruncate(file, FILE_SIZE), 0);
}

static void the_length_decides_for_a_file_that_grows(void **state)
{
	each_way(*state, check_grown);
}

/* With rota_stream_end() and with a shutdown, the part leaves first. */
static void check_ended(struct link *link)
{
	struct part part;

	end_start(&link->b);
	end_send_part(&link->a, &part, file, LARGE);
	assert_int_equal(rota_stream_end(link->a.stream, end_closed), 0);
	until_got(link, LARGE);
	RUN_UNTIL(link->f, link->b.ends > 0);
	assert_int_equal(link->b.status, ROTA_EOF);
	assert_int_equal(rota_stream_end(link->b.stream, end_closed), 0);
	RUN_UNTIL(link->f, link->a.closes + link->b.closes == 2);
	assert_int_equal(part.calls, 1);
	assert_int_equal(part.status, 0);
}

static void an_end_sends_the_part_first(void **state)
{
	each_way(*state, check_ended);
}

/* Closed at any turn: one callback, and the rest is lost. */
static void check_closed(struct link *link)
{
	for (unsigned turns = 0; turns < 6; turns++) {
		struct part part, behind;
		struct link own;

		link_open(&own, link->f, link->kind);
		end_start(&own.b);
		assert_int_equal(part_send(&part, own.a.stream, file, 0, LARGE),
				 0);
		assert_int_equal(
			part_send(&behind, own.a.stream, file, 0, LARGE), 0);
		for (unsigned i = 0; i < turns; i++)
			turn(link->f);
		assert_int_equal(
			rota_handle_close(&own.a.stream->handle, end_closed),
			0);
		RUN_UNTIL(link->f, own.a.closes == 1);
		assert_int_equal(part.calls, 1);
		assert_int_equal(behind.calls, 1);
		if (behind.status < 0) {
			assert_int_equal(behind.status, ROTA_ECANCELED);
			assert_int_equal(behind.phase, ROTA_PHASE_CLOSING);
		}
		link_end(&own);
	}
}

static void a_close_cancels_the_part(void **state)
{
	each_way(*state, check_closed);
}

/* The other end closes, with a reset. */
static void check_reset(struct link *link)
{
	struct part part, behind;

	end_fill(&link->a, 1);
	assert_int_equal(part_send(&part, link->a.stream, file, 0, LARGE), 0);
	assert_int_equal(part_send(&behind, link->a.stream, file, 0, LARGE), 0);
	assert_int_equal(rota_stream_close_reset(link->b.stream, NULL), 0);
	assert_true(part_end(link->f, &part) < 0);
	assert_int_equal(part_end(link->f, &behind), ROTA_ECANCELED);
	assert_int_equal(end_send(&link->a, 1), ROTA_EPIPE);
}

static void a_reset_ends_the_part(void **state)
{
	each_way(*state, check_reset);
}

/* Reset while the part is being sent. */
static void check_reset_later(struct link *link)
{
	struct part part, behind;

	end_start(&link->b);
	assert_int_equal(part_send(&part, link->a.stream, file, 0, LARGE), 0);
	assert_int_equal(part_send(&behind, link->a.stream, file, 0, LARGE), 0);
	RUN_UNTIL(link->f, link->b.got > 0);
	assert_int_equal(rota_stream_close_reset(link->b.stream, NULL), 0);
	(void)part_end(link->f, &part);
	assert_true(part_end(link->f, &behind) < 0);
	assert_int_equal(end_send(&link->a, 1), ROTA_EPIPE);
}

static void a_reset_in_the_middle_ends_the_part(void **state)
{
	each_way(*state, check_reset_later);
}

/* The bytes use no memory: they do not count. */
static void check_queued(struct link *link)
{
	struct part part;
	size_t queued;

	end_fill(&link->a, 1);
	queued = rota_stream_queued(link->a.stream);
	end_send_part(&link->a, &part, file, 50000);
	assert_int_equal(rota_stream_queued(link->a.stream), queued);
	assert_int_equal(rota_handle_close_now(&link->a.stream->handle),
			 ROTA_EBUSY);
	end_start(&link->b);
	assert_int_equal(part_end(link->f, &part), 0);
	until_got(link, link->a.sent);
}

static void a_part_is_not_queued_memory(void **state)
{
	each_way(*state, check_queued);
}

static const struct CMUnitTest tests[] = {
	REAL(a_part_arrives_between_sends),
	REAL(parts_wait_for_a_slow_reader),
	REAL(a_part_may_end_with_the_file),
	REAL(a_file_that_has_shrunk_fails_the_writing_side),
	REAL(the_length_decides_for_a_file_that_grows),
	REAL(an_end_sends_the_part_first),
	REAL(a_close_cancels_the_part),
	REAL(a_reset_ends_the_part),
	REAL(a_reset_in_the_middle_ends_the_part),
	REAL(a_part_is_not_queued_memory),
};

FIXTURE_MAIN(tests)
