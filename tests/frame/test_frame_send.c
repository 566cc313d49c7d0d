/*
 * Sending records: what arrives is what a splitter of the same options takes
 * apart again.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/fault.h"
#include "support/streams.h"

static struct rota_frame_options options_of(enum rota_frame_kind kind)
{
	struct rota_frame_options options;

	rota_frame_options_init(&options, kind);
	return options;
}

static void expect_bytes(struct connection *c, const char *bytes, size_t size)
{
	char taken[512];

	assert_in_range(size, 0, sizeof(taken));
	raw_read(c->peer, taken, size);
	assert_memory_equal(taken, bytes, size);
	assert_int_equal(raw_try_read(c->peer, taken, 1), -EAGAIN);
}

#define EXPECT(c, bytes) expect_bytes(c, bytes, sizeof(bytes) - 1)

static void send_text(struct connection *c,
		      const struct rota_frame_options *options,
		      const char *text)
{
	assert_int_equal(
		rota_frame_send(&c->tcp.stream, options, text, strlen(text)),
		0);
}

static void records_are_sent_in_one_call(void **state)
{
	struct fixture *f = *state;
	struct rota_frame_options options = options_of(ROTA_FRAME_LINE);
	struct connection c;

	connection_open(&c, f, NULL);
	fault_count_reset();
	send_text(&c, &options, "a line");
	assert_int_equal(count_writes(), 1);
	EXPECT(&c, "a line\n");
	options.flags = ROTA_FRAME_CRLF;
	send_text(&c, &options, "");
	send_text(&c, &options, "x\r");
	EXPECT(&c, "\r\nx\r\r\n");
	options = options_of(ROTA_FRAME_DELIMITER);
	options.delimiter = rota_bytes("aab", 3);
	send_text(&c, &options, "xa");
	EXPECT(&c, "xaaab");
	options = options_of(ROTA_FRAME_LENGTH);
	send_text(&c, &options, "abc");
	assert_int_equal(rota_frame_send(&c.tcp.stream, &options, NULL, 0), 0);
	EXPECT(&c, "\0\0\0\3abc\0\0\0\0");
	options.flags = ROTA_FRAME_LITTLE_ENDIAN | ROTA_FRAME_INCLUDES_PREFIX;
	options.prefix_size = 2;
	send_text(&c, &options, "abc");
	EXPECT(&c, "\5\0abc");
	options.prefix_size = 8;
	options.flags = 0;
	send_text(&c, &options, "abc");
	EXPECT(&c, "\0\0\0\0\0\0\0\3abc");
	options = options_of(ROTA_FRAME_VARINT);
	send_text(&c, &options, "abc");
	EXPECT(&c, "\3abc");
	connection_end(&c);
}

static int refusal(struct connection *c,
		   const struct rota_frame_options *options, const void *data,
		   size_t size)
{
	struct rota_framed_write write;
	int error = rota_frame_send(&c->tcp.stream, options, data, size);

	assert_int_equal(rota_frame_write(&write, &c->tcp.stream, options, data,
					  size, note_write),
			 error);
	return error;
}

static void what_would_be_read_otherwise_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_frame_options options = options_of(ROTA_FRAME_LINE);
	struct connection c;
	char byte;

	connection_open(&c, f, NULL);
	assert_int_equal(refusal(&c, &options, "a\nb", 3), ROTA_EINVAL);
	assert_int_equal(refusal(&c, &options, "a\n", 2), ROTA_EINVAL);
	assert_int_equal(refusal(&c, &options, "a\r", 2), ROTA_EINVAL);
	assert_int_equal(refusal(&c, &options, NULL, 2), ROTA_EINVAL);
	options.flags = ROTA_FRAME_CRLF;
	assert_int_equal(refusal(&c, &options, "a\nb", 3), ROTA_EINVAL);
	options = options_of(ROTA_FRAME_DELIMITER);
	assert_int_equal(refusal(&c, &options, "a", 1), ROTA_EINVAL);
	options.delimiter = rota_bytes("abab", 4);
	assert_int_equal(refusal(&c, &options, "xababx", 6), ROTA_EINVAL);
	assert_int_equal(refusal(&c, &options, "xab", 3), ROTA_EINVAL);
	options.delimiter = rota_bytes("aa", 2);
	assert_int_equal(refusal(&c, &options, "xa", 2), ROTA_EINVAL);
	assert_int_equal(refusal(&c, &options, "a", 1), ROTA_EINVAL);
	assert_int_equal(raw_try_read(c.peer, &byte, 1), -EAGAIN);
	connection_end(&c);
}

static void what_does_not_fit_is_refused(void **state)
{
	static char data[65536];
	struct fixture *f = *state;
	struct rota_frame_options options = options_of(ROTA_FRAME_LENGTH);
	struct connection c;
	char byte;

	connection_open(&c, f, NULL);
	options.limit = 100000;
	options.prefix_size = 1;
	assert_int_equal(refusal(&c, &options, data, 256), ROTA_EMSGSIZE);
	assert_int_equal(rota_frame_send(&c.tcp.stream, &options, data, 255),
			 0);
	options.flags = ROTA_FRAME_INCLUDES_PREFIX;
	assert_int_equal(refusal(&c, &options, data, 255), ROTA_EMSGSIZE);
	options.prefix_size = 2;
	assert_int_equal(refusal(&c, &options, data, 65534), ROTA_EMSGSIZE);
	options.flags = 0;
	assert_int_equal(refusal(&c, &options, data, 65536), ROTA_EMSGSIZE);
	options.prefix_size = 4;
	options.limit = 99;
	assert_int_equal(refusal(&c, &options, data, 100), ROTA_EMSGSIZE);
	raw_read(c.peer, data, 256);
	assert_int_equal(raw_try_read(c.peer, &byte, 1), -EAGAIN);
	connection_end(&c);
}

static void an_error_of_the_stream_is_returned(void **state)
{
	struct fixture *f = *state;
	struct rota_frame_options options = options_of(ROTA_FRAME_LINE);
	struct rota_tcp tcp = { 0 };
	struct rota_framed_write write;
	static char data[5000];
	struct connection c;

	assert_int_equal(rota_frame_send(&tcp.stream, &options, "a", 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(rota_frame_send(&tcp.stream, &options, "a", 1),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_frame_write(&write, &tcp.stream, &options, "a", 1,
					  note_write),
			 ROTA_ENOTCONN);
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);

	connection_open(&c, f, NULL);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_frame_send(&c.tcp.stream, &options, data, 5000),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	fault_fail("send", 1, ECONNRESET);
	assert_int_equal(rota_frame_send(&c.tcp.stream, &options, data, 5000),
			 ROTA_ECONNRESET);
	fault_clear();
	connection_end(&c);
}

/* Large records, sent and written, come back through a framer. */
enum { LARGE = 30000 };

static unsigned taken;

static void take_large(struct rota_framer *framer, int status,
		       const struct rota_record *record)
{
	(void)framer;
	assert_int_equal(status, 0);
	assert_int_equal(record->size, LARGE);
	assert_true(pattern_is(record->data, LARGE, 0));
	taken++;
}

static void large_records_arrive_whole(void **state)
{
	static const enum rota_frame_kind kinds[] = { ROTA_FRAME_LENGTH,
						      ROTA_FRAME_VARINT,
						      ROTA_FRAME_DELIMITER };
	static char data[LARGE];
	struct fixture *f = *state;
	struct rota_framed_write write;
	struct connection c, peer;

	pattern_fill(data, LARGE, 0);
	for (int i = 0; i < 3; i++) {
		struct rota_frame_options options = options_of(kinds[i]);
		struct rota_framer framer = { 0 };
		int fds[2];

		options.delimiter = rota_bytes("\1\1\1\1", 4);
		raw_pair(fds);
		connection_adopt(&c, f, fds[0], -1, NULL);
		connection_adopt(&peer, f, fds[1], -1, NULL);
		taken = 0;
		assert_int_equal(rota_frame_start(&framer, &peer.tcp.stream,
						  &options, take_large),
				 0);
		assert_true(rota_frame_send(&c.tcp.stream, &options, data,
					    LARGE) >= 0);
		write.write.request.data = (void *)(uintptr_t) "write";
		assert_int_equal(rota_frame_write(&write, &c.tcp.stream,
						  &options, data, LARGE,
						  note_write),
				 0);
		RUN_UNTIL(f, taken == 2);
		RUN_UNTIL(f, !rota_request_is_active(&write.write.request));
		assert_string_equal(journal_take(), "pending: write=0");
		rota_frame_stop(&framer);
		connection_end(&c);
		connection_end(&peer);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(records_are_sent_in_one_call),
	REAL(what_would_be_read_otherwise_is_refused),
	REAL(what_does_not_fit_is_refused),
	REAL(an_error_of_the_stream_is_returned),
	REAL(large_records_arrive_whole),
};

FIXTURE_MAIN(tests)
