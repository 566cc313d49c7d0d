/*
 * What a class of streams is asked for, and what happens with its answers: a
 * class whose functions do what a test has told them.
 */
#include "support/fixture.h"

#include <limits.h>
#include <string.h>

#include "support/streams.h"

struct script {
	struct rota_stream stream;

	/* The answers; each is given until it is changed. */
	ptrdiff_t received; /* how many bytes there are; or an error */
	int is_endless;     /* there are as many again for each call */
	ptrdiff_t room;     /* for bytes to be sent, or an error */
	int fails_next;     /* what the second send and later ones return */
	int shutdown;
	int reports; /* each receive reports that there is more */

	/* What was called. */
	unsigned receives;
	unsigned sends;
	unsigned shutdowns;
	unsigned closes;
	enum rota_close_kind kind;
	unsigned interests;
	unsigned events; /* of the last of them */
	size_t sent;
	size_t wrong;

	/* What the user was told. */
	size_t got;
	unsigned reads;
	unsigned ends;
	int status;
	enum rota_phase phase;
	unsigned drains;
	int drain_status;
};

static struct script *script_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct script, stream);
}

static ptrdiff_t script_receive(struct rota_stream *stream, struct rota_buf buf)
{
	struct script *s = script_of(stream);
	ptrdiff_t n = s->received;

	s->receives++;
	if (s->reports)
		rota_stream_ready(stream, ROTA_READABLE);
	if (n <= 0)
		return n;
	if ((size_t)n > buf.size)
		n = (ptrdiff_t)buf.size;
	pattern_fill(buf.data, (size_t)n, s->got);
	if (!s->is_endless) {
		s->received -= n;
		if (s->received == 0)
			s->received = ROTA_EAGAIN;
	}
	return n;
}

static ptrdiff_t script_send(struct rota_stream *stream,
			     const struct rota_const_buf *bufs, size_t count)
{
	struct script *s = script_of(stream);
	size_t before = s->sent;

	s->sends++;
	if (s->fails_next < 0 && s->sends > 1)
		return s->fails_next;
	if (s->room < 0)
		return s->room;
	for (size_t i = 0; i < count; i++) {
		size_t n = bufs[i].size < (size_t)s->room ? bufs[i].size
							  : (size_t)s->room;

		assert_true(bufs[i].size > 0);
		s->wrong += !pattern_is(bufs[i].data, n, s->sent);
		s->sent += n;
		s->room -= (ptrdiff_t)n;
		if (n < bufs[i].size) {
			s->room = ROTA_EAGAIN;
			break;
		}
	}
	return s->sent > before ? (ptrdiff_t)(s->sent - before) : ROTA_EAGAIN;
}

static int script_shutdown(struct rota_stream *stream)
{
	script_of(stream)->shutdowns++;
	return script_of(stream)->shutdown;
}

static void script_interest(struct rota_stream *stream, unsigned events)
{
	struct script *s = script_of(stream);

	assert_int_not_equal(s->events, events);
	s->interests++;
	s->events = events;
}

static void script_close(struct rota_stream *stream, enum rota_close_kind kind)
{
	script_of(stream)->closes++;
	script_of(stream)->kind = kind;
	rota_stream_ready(stream, ROTA_READABLE | ROTA_WRITABLE); /* harmless */
}

static const struct rota_stream_class script_class = {
	.size = sizeof(script_class),
	.type = "script",
	.receive = script_receive,
	.send = script_send,
	.shutdown = script_shutdown,
	.interest = script_interest,
	.close = script_close,
};

static void script_drained(struct rota_stream *stream, int status)
{
	script_of(stream)->drains++;
	script_of(stream)->drain_status = status;
}

static void script_read(struct rota_stream *stream, int status,
			const struct rota_buf *buf)
{
	struct script *s = script_of(stream);

	s->phase = rota_loop_phase(rota_handle_loop(&stream->handle));
	if (status < 0) {
		s->ends++;
		s->status = status;
		return;
	}
	s->reads++;
	s->wrong += !pattern_is(buf->data, buf->size, s->got);
	s->got += buf->size;
}

static void script_open(struct script *s, struct fixture *f)
{
	memset(s, 0, sizeof(*s));
	s->received = ROTA_EAGAIN;
	s->room = PTRDIFF_MAX;
	assert_int_equal(rota_stream_open(&s->stream, f->loop, &script_class),
			 0);
	rota_stream_on_drain(&s->stream, script_drained);
}

static void script_end(struct script *s)
{
	assert_int_equal(s->wrong, 0);
	assert_int_equal(rota_handle_close_now(&s->stream.handle), 0);
	assert_int_equal(s->closes, 1);
}

static void a_class_is_checked(void **state)
{
	struct fixture *f = *state;
	struct rota_stream_class class_;
	struct script s = { .closes = 0 };

	assert_int_equal(rota_stream_open(&s.stream, f->loop, NULL),
			 ROTA_EINVAL);
#define WITHOUT(member)                                                        \
	do {                                                                   \
		class_ = script_class;                                         \
		class_.member = 0;                                             \
		assert_int_equal(                                              \
			rota_stream_open(&s.stream, f->loop, &class_),         \
			ROTA_EINVAL);                                          \
	} while (0)
	WITHOUT(size);
	WITHOUT(receive);
	WITHOUT(send);
	WITHOUT(shutdown);
	WITHOUT(close);
#undef WITHOUT
	class_ = script_class;
	class_.interest = NULL;
	class_.type = NULL;
	class_.size += 100; /* of a later version */
	assert_int_equal(rota_stream_open(&s.stream, f->loop, &class_), 0);
	assert_int_equal(rota_stream_read_start(&s.stream, script_read), 0);
	assert_int_equal(s.interests, 0);
	script_end(&s);
}

/* Only what is waited for is asked for, and only changes are told. */
static void a_class_is_told_what_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct script s;

	script_open(&s, f);
	assert_int_equal(s.interests, 0);
	assert_int_equal(rota_stream_read_start(&s.stream, script_read), 0);
	assert_int_equal(s.events, ROTA_READABLE);
	assert_int_equal(rota_stream_read_start(&s.stream, script_read), 0);
	assert_int_equal(s.interests, 1);
	s.room = ROTA_EAGAIN;
	assert_int_equal(rota_stream_send(&s.stream, "x", 1), 0);
	assert_int_equal(s.events, ROTA_READABLE | ROTA_WRITABLE);
	rota_stream_read_stop(&s.stream);
	assert_int_equal(s.events, ROTA_WRITABLE);
	s.room = 1;
	s.wrong = SIZE_MAX; /* "x" is not of the pattern */
	rota_stream_ready(&s.stream, ROTA_WRITABLE);
	turn(f);
	assert_int_equal(s.events, 0);
	assert_int_equal(s.interests, 4);
	script_end(&s);
}

static void input_is_read_in_the_pending_phase(void **state)
{
	struct fixture *f = *state;
	struct script s;

	script_open(&s, f);
	assert_int_equal(rota_stream_read_start(&s.stream, script_read), 0);
	turn(f);
	assert_int_equal(s.receives, 0); /* nothing was reported */
	s.received = 100;
	rota_stream_ready(&s.stream, ROTA_READABLE);
	rota_stream_ready(&s.stream, ROTA_READABLE);
	assert_int_equal(s.receives, 0); /* O7 */
	turn(f);
	assert_int_equal(s.got, 100);
	assert_int_equal(s.reads, 1);
	assert_int_equal(s.receives, 2); /* until there is none */
	assert_int_equal(s.phase, ROTA_PHASE_PENDING);
	turn(f);
	assert_int_equal(s.receives, 2);
	script_end(&s);
}

/* What was reported while nobody read is found by the next reader. */
static void input_that_was_reported_waits_for_a_reader(void **state)
{
	struct fixture *f = *state;
	struct script s;

	script_open(&s, f);
	s.received = 100;
	rota_stream_ready(&s.stream, ROTA_READABLE);
	turn(f);
	assert_int_equal(s.receives, 0);
	assert_int_equal(rota_stream_read_start(&s.stream, script_read), 0);
	turn(f);
	assert_int_equal(s.got, 100);
	script_end(&s);
}

/* Limits: an endless source gets its share of a turn, and the loop goes on. */
static void an_endless_source_does_not_stop_the_loop(void **state)
{
	struct fixture *f = *state;
	struct script s;

	script_open(&s, f);
	s.received = 10;
	s.is_endless = 1;
	s.reports = 1;
	assert_int_equal(rota_stream_read_start(&s.stream, script_read), 0);
	rota_stream_ready(&s.stream, ROTA_READABLE);
	for (unsigned i = 1; i <= 5; i++) {
		turn(f);
		assert_int_equal(s.reads, i * ROTA_READS_PER_EVENT);
	}
	script_end(&s);
}

static void an_end_or_an_error_ends_the_input(void **state)
{
	static const int answers[] = { 0, ROTA_EPROTO, ROTA_ENOMEM };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct script s;

		script_open(&s, f);
		assert_int_equal(rota_stream_read_start(&s.stream, script_read),
				 0);
		s.received = answers[i];
		rota_stream_ready(&s.stream, ROTA_READABLE);
		turn(f);
		assert_int_equal(s.ends, 1);
		assert_int_equal(s.status,
				 answers[i] == 0 ? ROTA_EOF : answers[i]);
		assert_int_equal(s.events, 0);
		rota_stream_ready(&s.stream, ROTA_READABLE);
		turn(f);
		assert_int_equal(s.receives, 1);
		assert_int_equal(rota_stream_read_start(&s.stream, script_read),
				 ROTA_EOF);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
		script_end(&s);
	}
}

static void a_short_send_goes_on_when_there_is_room(void **state)
{
	static char data[1000];
	struct fixture *f = *state;
	struct script s;

	pattern_fill(data, sizeof(data), 0);
	script_open(&s, f);
	s.room = 300;
	assert_int_equal(rota_stream_send(&s.stream, data, sizeof(data)), 0);
	assert_int_equal(s.sent, 300);
	assert_int_equal(rota_stream_queued(&s.stream), 700);
	assert_true(rota_loop_alive(f->loop));
	turn(f);
	assert_int_equal(s.sends, 1); /* it waits */
	s.room = 10000;
	rota_stream_ready(&s.stream, ROTA_WRITABLE);
	turn(f);
	assert_int_equal(s.sent, 1000);
	assert_int_equal(rota_stream_queued(&s.stream), 0);
	assert_false(rota_loop_alive(f->loop));
	script_end(&s);
}

/* A gathered write may have more buffers than one call of a class. */
static void many_buffers_are_sent_in_order(void **state)
{
	enum { BUFS = 300 };
	static char data[BUFS * 3];
	struct rota_const_buf bufs[BUFS * 2];
	struct fixture *f = *state;
	struct rota_write write;
	struct script s;

	pattern_fill(data, sizeof(data), 0);
	for (size_t i = 0; i < BUFS; i++) {
		bufs[2 * i] = rota_bytes(data + 3 * i, 3);
		bufs[2 * i + 1] = rota_bytes(NULL, 0);
	}
	script_open(&s, f);
	s.room = 400;
	write.request.data = "write";
	assert_int_equal(rota_stream_write(&write, &s.stream, bufs, BUFS * 2,
					   note_write),
			 0);
	assert_int_equal(s.sent, 400);
	s.room = 10000;
	rota_stream_ready(&s.stream, ROTA_WRITABLE);
	turn(f);
	turn(f);
	assert_string_equal(journal_take(), "pending: write=0");
	assert_int_equal(s.sent, sizeof(data));
	script_end(&s);
}

/* The error comes with a later part of the buffers. */
static void an_error_behind_taken_bytes_is_told(void **state)
{
	enum { BUFS = 100 };
	static char data[BUFS];
	struct rota_const_buf bufs[BUFS];
	struct fixture *f = *state;
	struct rota_write write;
	struct script s;

	pattern_fill(data, sizeof(data), 0);
	for (size_t i = 0; i < BUFS; i++)
		bufs[i] = rota_bytes(data + i, 1);
	script_open(&s, f);
	s.fails_next = ROTA_EPROTO;
	write.request.data = "write";
	assert_int_equal(
		rota_stream_write(&write, &s.stream, bufs, BUFS, note_write),
		0);
	turn(f);
	assert_string_equal(journal_take(), "pending: write=EPROTO");
	assert_int_equal(s.sends, 2);
	script_end(&s);
}

static void an_error_of_a_send_fails_the_writing_side(void **state)
{
	struct rota_const_buf buf = { "abc", 3 };
	struct fixture *f = *state;
	struct rota_write write;
	struct script s;

	script_open(&s, f);
	s.room = ROTA_EPROTO;
	assert_int_equal(rota_stream_send(&s.stream, "x", 1), ROTA_EPROTO);
	assert_int_equal(rota_stream_send(&s.stream, "x", 1), ROTA_EPIPE);
	assert_int_equal(s.sends, 1);
	script_end(&s);

	script_open(&s, f);
	s.room = ROTA_EPROTO;
	write.request.data = "write";
	assert_int_equal(
		rota_stream_write(&write, &s.stream, &buf, 1, note_write), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: write=EPROTO");
	script_end(&s);

	script_open(&s, f);
	s.room = ROTA_EAGAIN;
	assert_int_equal(rota_stream_send(&s.stream, "x", 1), 0);
	s.room = ROTA_EPROTO;
	rota_stream_ready(&s.stream, ROTA_WRITABLE);
	turn(f);
	assert_int_equal(s.drains, 1); /* what was accepted is lost */
	assert_int_equal(s.drain_status, ROTA_EPROTO);
	script_end(&s);
}

/* A shutdown that takes several calls. */
static void a_shutdown_may_take_its_time(void **state)
{
	struct fixture *f = *state;
	struct rota_shutdown shutdown;
	struct script s;

	script_open(&s, f);
	s.shutdown = ROTA_EAGAIN;
	shutdown.request.data = "shutdown";
	assert_int_equal(
		rota_stream_shutdown(&shutdown, &s.stream, note_shutdown), 0);
	assert_int_equal(s.events, ROTA_WRITABLE);
	assert_int_equal(rota_request_cancel(&shutdown.request), ROTA_EBUSY);
	assert_int_equal(rota_stream_send(&s.stream, "x", 1), ROTA_EPIPE);
	rota_stream_ready(&s.stream, ROTA_WRITABLE);
	turn(f);
	assert_int_equal(s.shutdowns, 2);
	assert_string_equal(journal_take(), "");
	s.shutdown = 0;
	rota_stream_ready(&s.stream, ROTA_WRITABLE);
	turn(f);
	turn(f);
	assert_int_equal(s.shutdowns, 3);
	assert_string_equal(journal_take(), "pending: shutdown=0");
	assert_int_equal(s.events, 0);
	script_end(&s);

	script_open(&s, f);
	s.shutdown = ROTA_EAGAIN;
	assert_int_equal(rota_stream_shutdown(NULL, &s.stream, NULL), 1);
	assert_true(rota_loop_alive(f->loop));
	s.shutdown = ROTA_EPROTO;
	rota_stream_ready(&s.stream, ROTA_WRITABLE);
	turn(f);
	assert_int_equal(s.drains, 1);
	assert_int_equal(s.drain_status, ROTA_EPROTO);
	assert_false(rota_loop_alive(f->loop));
	script_end(&s);

	script_open(&s, f);
	s.shutdown = ROTA_EPROTO;
	assert_int_equal(rota_stream_shutdown(NULL, &s.stream, NULL),
			 ROTA_EPROTO);
	turn(f);
	assert_int_equal(s.drains, 0);
	script_end(&s);
}

static unsigned closed;

static void count_closed(struct rota_handle *handle)
{
	(void)handle;
	closed++;
}

/* The peer has ended already, and the class must still end its output. */
static void an_end_waits_for_the_shutdown_of_a_class(void **state)
{
	struct fixture *f = *state;
	struct script s;

	script_open(&s, f);
	closed = 0;
	s.shutdown = ROTA_EAGAIN;
	s.received = 0;
	rota_stream_ready(&s.stream, ROTA_READABLE);
	assert_int_equal(rota_stream_end(&s.stream, count_closed), 0);
	assert_int_equal(s.shutdowns, 1);
	turn(f);
	assert_int_equal(s.receives, 1);
	assert_int_equal(s.shutdowns, 1); /* it is not writable yet */
	assert_int_equal(closed, 0);
	s.shutdown = 0;
	rota_stream_ready(&s.stream, ROTA_WRITABLE);
	turn(f);
	assert_int_equal(closed, 1);
	assert_int_equal(s.closes, 1);
	assert_int_equal(s.kind, ROTA_CLOSE_PLAIN);

	script_open(&s, f);
	closed = 0;
	s.shutdown = ROTA_EPROTO;
	assert_int_equal(rota_stream_end(&s.stream, count_closed), 0);
	turn(f);
	assert_int_equal(closed, 1);

	script_open(&s, f);
	assert_int_equal(rota_stream_close_reset(&s.stream, NULL), 0);
	assert_int_equal(s.kind, ROTA_CLOSE_RESET);
	turn(f);
	assert_int_equal(s.closes, 1);
}

static const struct CMUnitTest tests[] = {
	REAL(a_class_is_checked),
	REAL(a_class_is_told_what_is_waited_for),
	REAL(input_is_read_in_the_pending_phase),
	REAL(input_that_was_reported_waits_for_a_reader),
	REAL(an_endless_source_does_not_stop_the_loop),
	REAL(an_end_or_an_error_ends_the_input),
	REAL(a_short_send_goes_on_when_there_is_room),
	REAL(many_buffers_are_sent_in_order),
	REAL(an_error_of_a_send_fails_the_writing_side),
	REAL(an_error_behind_taken_bytes_is_told),
	REAL(a_shutdown_may_take_its_time),
	REAL(an_end_waits_for_the_shutdown_of_a_class),
};
FIXTURE_MAIN(tests)
