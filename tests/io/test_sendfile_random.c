/*
 * Parts of files at random, mixed with sends and writes, to a reader that
 * pauses; faults at any call; files that are cut short, and peers that go away,
 * at any time. All bytes arrive in order, and each request calls back once.
 *
 * ROTA_TEST_SEED repeats a run.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/part.h"
#include "support/streams_more.h"

enum { FILE_SIZE = 1 << 20, PARTS = 12, LARGEST = 200000 };

struct some_write {
	struct rota_write write;
	struct rota_const_buf buf;
	char *bytes;
	unsigned calls;
};

static uint64_t seed;
static int file;
static struct part parts[PARTS];
static struct some_write writes[PARTS];
static unsigned part_count, write_count;

static size_t below(size_t bound)
{
	return (size_t)random_below(&seed, bound);
}

static size_t some_size(void)
{
	switch (below(4)) {
	case 0:
		return below(100);
	case 1:
		return below(20000);
	default:
		return below(LARGEST);
	}
}

static void on_write(struct rota_write *write, int status)
{
	struct some_write *w =
		rota_container_of(write, struct some_write, write);

	(void)status;
	w->calls++;
	test_free(w->bytes);
}

/* Returns 0 if the stream does not take it. */
static int write_some(struct end *end)
{
	struct some_write *w = &writes[write_count];
	size_t size = some_size();
	int status;

	w->bytes = test_malloc(size + 1);
	w->calls = 0;
	pattern_fill(w->bytes, size, end->sent);
	w->buf = rota_bytes(w->bytes, size);
	status =
		rota_stream_write(&w->write, end->stream, &w->buf, 1, on_write);
	if (status < 0) {
		test_free(w->bytes);
		return 0;
	}
	write_count++;
	end->sent += size;
	return 1;
}

static int send_part_of_some_size(struct end *end)
{
	size_t size = some_size();

	if (part_send(&parts[part_count], end->stream, file, (int64_t)end->sent,
		      size) < 0)
		return 0;
	part_count++;
	end->sent += size;
	return 1;
}

static void do_something(struct link *link)
{
	struct end *a = &link->a;

	switch (below(8)) {
	case 0:
		if (a->sent + (1 << 14) < FILE_SIZE)
			(void)end_send(a, below(1 << 14));
		break;
	case 1:
		if (write_count < PARTS && a->sent + LARGEST < FILE_SIZE)
			(void)write_some(a);
		break;
	case 2:
	case 3:
		if (part_count < PARTS && a->sent + LARGEST < FILE_SIZE)
			(void)send_part_of_some_size(a);
		break;
	case 4:
		rota_stream_set_cork(a->stream, below(2) == 0);
		break;
	case 5:
		if (below(3) > 0)
			(void)rota_stream_read_start(link->b.stream, end_read);
		else
			rota_stream_read_stop(link->b.stream);
		break;
	default:
		turn(link->f);
	}
}

static unsigned calls(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < part_count; i++)
		n += parts[i].calls;
	for (unsigned i = 0; i < write_count; i++)
		n += writes[i].calls;
	return n;
}

static void some_way(void)
{
	static const struct {
		const char *call;
		int error;
	} faults[] = {
		{ "preadv2", EAGAIN },  { "preadv2", EINTR },
		{ "preadv2", ENOSYS },  { "preadv", EINTR },
		{ "pread", EINTR },     { "sendfile", EINTR },
		{ "sendfile", EINVAL }, { "sendmsg", EINTR },
	};
	size_t i = below(2 * sizeof(faults) / sizeof(faults[0]));

	if (i < sizeof(faults) / sizeof(faults[0]))
		fault_fail(faults[i].call, 1 + (unsigned)below(5),
			   faults[i].error);
}

static void check_random(struct link *link)
{
	for (int round = 0; round < (test_is_full() ? 400 : 12); round++) {
		struct link own;

		link_open(&own, link->f, link->kind);
		part_count = write_count = 0;
		end_start(&own.b);
		some_way();
		for (size_t i = 30 + below(100); i > 0; i--)
			do_something(&own);
		fault_clear();
		(void)rota_stream_read_start(own.b.stream, end_read);
		rota_stream_set_cork(own.a.stream, 0);
		RUN_UNTIL(link->f, own.b.got == own.a.sent);
		RUN_UNTIL(link->f, calls() == part_count + write_count);
		assert_int_equal(own.b.wrong, 0);
		for (unsigned i = 0; i < part_count; i++)
			assert_int_equal(parts[i].status, 0);
		link_end(&own);
	}
}

static void parts_arrive_exactly(void **state)
{
	seed = random_seed();
	file = make_file(FILE_SIZE);
	for_each_link(*state, check_random);
	close(file);
}

/* The file is cut short, or the reader resets, or the stream closes. What
 * arrives is right as far as it goes. */
static void disturb(struct link *link, size_t how)
{
	if (how == 0)
		assert_int_equal(ftruncate(file, (off_t)below(FILE_SIZE)), 0);
	else if (how == 1)
		(void)rota_stream_close_reset(link->b.stream, end_closed);
	else if (how == 2)
		(void)rota_handle_close(&link->a.stream->handle, end_closed);
	else if (part_count > 0)
		(void)rota_request_cancel(
			&parts[below(part_count)].sendfile.request);
}

static void check_disturbed(struct link *link)
{
	for (int round = 0; round < (test_is_full() ? 400 : 12); round++) {
		struct link own;
		size_t how = below(3);
		size_t when = below(60);

		file = make_file(FILE_SIZE);
		link_open(&own, link->f, link->kind);
		part_count = write_count = 0;
		end_start(&own.b);
		some_way();
		for (size_t i = 0; i < 100; i++) {
			if (i == when)
				disturb(&own, how);
			if (!rota_handle_is_closing(&own.a.stream->handle) &&
			    !rota_handle_is_closing(&own.b.stream->handle))
				do_something(&own);
			else
				turn(link->f);
		}
		fault_clear();
		if (!rota_handle_is_closing(&own.a.stream->handle))
			assert_int_equal(
				rota_handle_close(&own.a.stream->handle,
						  end_closed),
				0);
		RUN_UNTIL(link->f, own.a.closes == 1);
		assert_int_equal(calls(), part_count + write_count);
		if (how > 0)
			assert_int_equal(own.b.wrong, 0);
		link_end(&own);
		close(file);
	}
}

static void parts_end_once_whatever_happens(void **state)
{
	seed = random_seed();
	for_each_link(*state, check_disturbed);
}

static const struct CMUnitTest tests[] = {
	REAL(parts_arrive_exactly),
	REAL(parts_end_once_whatever_happens),
};

FIXTURE_MAIN(tests)
