/*
 * Failures (F3): any system call, or allocation, that a part of a file needs.
 * The request calls back once, and nothing is left.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/part.h"
#include "support/streams_more.h"

enum { SIZE = 300000, TIMES = 6 };

static const char *call;
static int error;
static int file;

/* Returns whether the fault has struck. */
static int send_with_fault(struct link *link, unsigned nth, size_t size)
{
	struct link own;
	struct part part, behind;
	unsigned struck;
	int refused;

	link_open(&own, link->f, link->kind);
	end_start(&own.b);
	fault_fail(call, nth, error);
	assert_int_equal(part_send(&part, own.a.stream, file, 0, size), 0);
	refused = part_send(&behind, own.a.stream, file, 0, 10);
	(void)part_end(link->f, &part);
	if (refused == 0)
		(void)part_end(link->f, &behind);
	else
		assert_int_equal(refused, ROTA_EPIPE);
	struck = fault_clear();
	assert_in_range(part.sendfile.sent, 0, size);
	if (part.status == 0 && refused == 0 && behind.status < 0) {
		assert_int_equal(behind.status, -error);
	} else if (part.status == 0) {
		/* A filter accepts bytes that it may lose. */
		if (struck == 0 || link->kind == LINK_TCP)
			RUN_UNTIL(link->f, own.b.got == size + 10);
	} else {
		assert_int_equal(part.status, -error);
		assert_true(refused < 0 || behind.status == ROTA_ECANCELED);
		assert_int_equal(end_send(&own.a, 1), ROTA_EPIPE);
	}
	link_end(&own);
	return struck > 0;
}

static void sweep(struct link *link)
{
	static const size_t sizes[] = { 5000, SIZE };

	for (int i = 0; i < 2; i++)
		for (unsigned nth = 1; nth < TIMES; nth++)
			if (!send_with_fault(link, nth, sizes[i]))
				break;
}

static void each_call_with(struct fixture *f, int with)
{
	static const char *const calls[] = { "sendfile", "preadv2", "preadv",
					     "pread", "sendmsg" };

	file = make_file(SIZE);
	error = with;
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		call = calls[i];
		for_each_link(f, sweep);
	}
	close(file);
}

static void any_call_may_fail(void **state)
{
	each_call_with(*state, EIO);
}

static void any_call_may_be_interrupted(void **state)
{
	each_call_with(*state, EINTR);
}

/* The buffer of a stream to which bytes are copied. */
static void the_allocation_may_fail(void **state)
{
	struct fixture *f = *state;
	struct link link;
	struct part part;

	file = make_file(SIZE);
	link_open(&link, f, LINK_MEMORY);
	part_go(PART_COLD);
	f->memory.fail_at = f->memory.calls + 1;
	/* The loop's first part: it needs a client of the pool. */
	assert_int_equal(part_send(&part, link.a.stream, file, 0, SIZE),
			 ROTA_ENOMEM);
	f->memory.fail_at = f->memory.calls + 2;
	assert_int_equal(part_send(&part, link.a.stream, file, 0, SIZE), 0);
	assert_int_equal(part_end(f, &part), ROTA_ENOMEM);
	assert_int_equal(end_send(&link.a, 1), ROTA_EPIPE);
	f->memory.fail_at = 0;
	fault_clear();
	link_end(&link);
	close(file);
}

static const struct CMUnitTest tests[] = {
	REAL(any_call_may_fail),
	REAL(any_call_may_be_interrupted),
	REAL(the_allocation_may_fail),
};

FIXTURE_MAIN(tests)
