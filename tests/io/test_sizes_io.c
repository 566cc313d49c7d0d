/* poller: none */
/*
 * Size budgets of streams and their requests, of which a program may have a
 * hundred thousand.
 */
#include "support/fixture.h"

#include "rota/filter.h"
#include "rota/host_connect.h"
#include "rota/pipe.h"
#include "rota/pump.h"
#include "rota/rate.h"
#include "rota/sendfile.h"
#include "rota/stdio.h"
#include "rota/tcp.h"

static void streams_keep_to_their_budgets(void **state)
{
	(void)state;
	if (sizeof(void *) != 8) {
		print_message("skip: the budgets are for 64 bits\n");
		skip();
	}

	assert_in_range(sizeof(struct rota_handle), 1, 64);
	assert_in_range(sizeof(struct rota_tcp), 1, 192);
	assert_in_range(sizeof(struct rota_pipe), 1, 216);
	assert_in_range(sizeof(struct rota_write), 1, 128);
	assert_in_range(sizeof(struct rota_tty), 1, 656);
	assert_in_range(sizeof(struct rota_stdio), 1, 672);
	assert_in_range(sizeof(struct rota_host_connect), 1, 160);
	assert_in_range(sizeof(struct rota_pass), 1, 144);
	assert_in_range(sizeof(struct rota_sendfile), 1, 232);
	assert_in_range(sizeof(struct rota_pump), 1, 256);
	assert_in_range(sizeof(struct rota_filter), 1, 384);
	assert_in_range(sizeof(struct rota_bucket), 1, 160);
}

/* Both bases of a stream are at its address. */
static void a_stream_begins_with_its_bases(void **state)
{
	struct rota_pipe pipe;
	struct rota_tcp tcp;

	(void)state;
	assert_ptr_equal(&pipe.stream, &pipe);
	assert_ptr_equal(&pipe.stream.handle, &pipe);
	assert_ptr_equal(&tcp.stream, &tcp);
	assert_ptr_equal(&tcp.handle, &tcp);
	assert_ptr_equal(&tcp.stream.handle, &tcp.handle);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(streams_keep_to_their_budgets),
	cmocka_unit_test(a_stream_begins_with_its_bases),
};
FIXTURE_MAIN(tests)
