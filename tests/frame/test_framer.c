/*
 * Framers: records of a stream; pauses, ends, and callbacks that end things.
 */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rota/pump.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/link.h"

enum { TEXT_SIZE = 8192 };

/* A connection whose framer writes down what it is called with: each record in
 * brackets, with ~ if it is unended, and the names of errors. */
struct framed {
	struct connection c;
	struct rota_framer framer;
	char text[TEXT_SIZE];
	size_t size;
	unsigned calls;

	/* What to do in the callback, or NULL. */
	void (*act)(struct framed *r, int status,
		    const struct rota_record *record);
};

static void add(struct framed *r, const char *bytes, size_t size)
{
	if (size > 0 && r->size + size < sizeof(r->text))
		memcpy(r->text + r->size, bytes, size);
	r->size += size;
}

static void on_record(struct rota_framer *framer, int status,
		      const struct rota_record *record)
{
	struct framed *r = rota_container_of(framer, struct framed, framer);

	r->calls++;
	if (status < 0) {
		add(r, rota_error_name(status),
		    strlen(rota_error_name(status)));
		assert_int_equal(record->size, 0);
	} else {
		add(r, "[", 1);
		add(r, record->data, record->size);
		add(r, "]~", record->flags & ROTA_RECORD_UNENDED ? 2 : 1);
	}
	if (r->act != NULL)
		r->act(r, status, record);
}

static void expect(struct framed *r, const char *text)
{
	r->text[r->size < TEXT_SIZE ? r->size : TEXT_SIZE - 1] = '\0';
	assert_string_equal(r->text, text);
	r->size = 0;
}

static struct rota_frame_options lines_of(size_t limit)
{
	struct rota_frame_options options;

	rota_frame_options_init(&options, ROTA_FRAME_LINE);
	options.limit = limit;
	return options;
}

static void open_reader(struct framed *r, struct fixture *f)
{
	struct rota_frame_options lines = lines_of(10000);

	*r = (struct framed){ 0 };
	connection_open(&r->c, f, NULL);
	assert_int_equal(rota_frame_start(&r->framer, &r->c.tcp.stream, &lines,
					  on_record),
			 0);
}

static void end_reader(struct framed *r)
{
	rota_frame_stop(&r->framer);
	connection_end(&r->c);
}

/* Send @text, and run until the stream has read all of it. */
static void say(struct fixture *f, struct framed *r, const char *text)
{
	peer_says(&r->c, text);
	turn(f);
}

static void records_are_reported_as_they_arrive(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	say(f, &r, "one\ntwo\nth");
	expect(&r, "[one][two]");
	say(f, &r, "ree\n");
	expect(&r, "[three]");
	say(f, &r, "last");
	expect(&r, "");
	peer_close(&r.c);
	RUN_UNTIL(f, r.calls == 5);
	expect(&r, "[last]~EOF");
	assert_false(rota_frame_is_started(&r.framer));
	assert_ptr_equal(rota_frame_stream(&r.framer), &r.c.tcp.stream);
	end_reader(&r);
}

static void an_error_of_the_stream_comes_after_whole_records(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	say(f, &r, "one\ntwo\nhalf");
	peer_reset(&r.c);
	RUN_UNTIL(f, r.calls == 3);
	expect(&r, "[one][two]ECONNRESET");
	run_to_the_end(f);
	assert_int_equal(r.calls, 3);
	end_reader(&r);
}

static void the_end_inside_a_counted_record_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct rota_frame_options options;
	struct framed r;

	open_reader(&r, f);
	rota_frame_stop(&r.framer);
	rota_frame_options_init(&options, ROTA_FRAME_LENGTH);
	options.prefix_size = 1;
	assert_int_equal(rota_frame_start(&r.framer, &r.c.tcp.stream, &options,
					  on_record),
			 0);
	say(f, &r, "\3abc\3de");
	peer_close(&r.c);
	RUN_UNTIL(f, r.calls == 2);
	run_to_the_end(f);
	expect(&r, "[abc]EPROTO");
	end_reader(&r);
}

static void a_record_above_the_limit_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct rota_frame_options lines = lines_of(4);
	struct framed r;

	open_reader(&r, f);
	rota_frame_stop(&r.framer);
	assert_int_equal(
		rota_frame_start(&r.framer, &r.c.tcp.stream, &lines, on_record),
		0);
	say(f, &r, "1234\n12345\n1\n");
	expect(&r, "[1234]EMSGSIZE");
	say(f, &r, "1\n2\n");
	peer_close(&r.c);
	turn(f);
	expect(&r, "");
	assert_false(rota_frame_is_started(&r.framer));
	end_reader(&r);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_frame_options lines = lines_of(10);
	struct rota_frame_options bad = lines_of(0);
	struct rota_framer framer = { 0 };
	struct rota_tcp tcp = { 0 };
	struct framed r;

	open_reader(&r, f);
	rota_frame_stop(&framer); /* it is all zero */
	rota_frame_pause(&framer);
	assert_int_equal(rota_frame_resume(&framer), ROTA_EINVAL);
	assert_int_equal(rota_frame_change(&framer, &lines, on_record),
			 ROTA_EINVAL);
	assert_int_equal(rota_frame_rest(&framer).size, 0);
	assert_null(rota_frame_stream(&framer));
	assert_int_equal(
		rota_frame_start(&framer, &r.c.tcp.stream, &bad, on_record),
		ROTA_EINVAL);
	assert_int_equal(
		rota_frame_start(&framer, &r.c.tcp.stream, &lines, NULL),
		ROTA_EINVAL);
	assert_int_equal(
		rota_frame_start(&r.framer, &r.c.tcp.stream, &lines, on_record),
		ROTA_EALREADY);
	assert_int_equal(rota_frame_change(&r.framer, &bad, on_record),
			 ROTA_EINVAL);
	assert_int_equal(rota_frame_change(&r.framer, &lines, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	assert_int_equal(
		rota_frame_start(&framer, &tcp.stream, &lines, on_record),
		ROTA_ENOTCONN);
	assert_false(rota_frame_is_started(&framer));
	assert_int_equal(rota_handle_close_now(&tcp.handle), 0);
	end_reader(&r);
}

static void other_reader(struct rota_stream *stream, int status,
			 const struct rota_buf *buf)
{
	(void)stream;
	(void)status;
	(void)buf;
}

static void other_read_done(struct rota_read *read, int status)
{
	(void)read;
	(void)status;
}

static void pump_done(struct rota_pump *pump, int status)
{
	(void)pump;
	(void)status;
}

static void expect_that_others_are_refused(struct framed *r)
{
	struct rota_frame_options lines = lines_of(100);
	struct rota_stream *stream = &r->c.tcp.stream;
	struct rota_framer second = { 0 };
	struct rota_pump pump = { 0 };
	struct rota_read read = { 0 };
	char byte;

	assert_int_equal(rota_stream_read_start(stream, other_reader),
			 ROTA_EBUSY);
	rota_stream_read_stop(stream); /* does nothing */
	assert_int_equal(rota_stream_read(&read, stream,
					  (struct rota_buf){ &byte, 1 }, 0,
					  other_read_done),
			 ROTA_EBUSY);
	assert_int_equal(rota_pump_start(&pump, stream, stream, 0, pump_done),
			 ROTA_EBUSY);
	assert_int_equal(rota_frame_start(&second, stream, &lines, on_record),
			 ROTA_EBUSY);
	assert_false(rota_frame_is_started(&second));
}

/* And what a program sets in its stream is the program's. */
static void the_framer_alone_reads_the_stream(void **state)
{
	struct fixture *f = *state;
	struct framed r;
	int mine = 0;

	open_reader(&r, f);
	expect_that_others_are_refused(&r);
	r.c.tcp.handle.data = &mine;
	say(f, &r, "one\n");
	expect(&r, "[one]");
	rota_frame_pause(&r.framer);
	expect_that_others_are_refused(&r);
	say(f, &r, "two\n");
	expect(&r, "");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	turn(f);
	expect(&r, "[two]");
	assert_ptr_equal(r.c.tcp.handle.data, &mine);
	rota_frame_stop(&r.framer);
	assert_false(rota_handle_is_active(&r.c.tcp.handle));
	assert_int_equal(rota_stream_read_start(&r.c.tcp.stream, other_reader),
			 0);
	rota_frame_stop(&r.framer); /* leaves the other reader */
	assert_true(rota_handle_is_active(&r.c.tcp.handle));
	end_reader(&r);
}

static unsigned ended;

static void on_ended(struct rota_handle *handle)
{
	(void)handle;
	ended++;
}

/* The end has the stream's input, and discards it. */
static void a_stream_that_ends_is_not_read_again(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	say(f, &r, "one\n");
	expect(&r, "[one]");
	rota_frame_pause(&r.framer);
	ended = 0;
	assert_int_equal(rota_stream_end(&r.c.tcp.stream, on_ended), 0);
	assert_int_equal(rota_frame_resume(&r.framer), ROTA_EINVAL);
	say(f, &r, "two\n");
	expect(&r, "");
	rota_frame_stop(&r.framer);
	peer_close(&r.c);
	RUN_UNTIL(f, ended == 1);
}

/* --- pauses --------------------------------------------------------------- */

static void pause_at_b(struct framed *r, int status,
		       const struct rota_record *record)
{
	if (status == 0 && record->size == 1 && record->data[0] == 'b')
		rota_frame_pause(&r->framer);
}

static void a_pause_keeps_what_is_left(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	r.act = pause_at_b;
	say(f, &r, "a\nb\nc\nb\nd\ne");
	expect(&r, "[a][b]");
	assert_int_equal(rota_frame_rest(&r.framer).size, 7);
	assert_memory_equal(rota_frame_rest(&r.framer).data, "c\nb\nd\ne", 7);
	peer_says(&r.c, "f\ng\n");
	turn(f);
	turn(f);
	expect(&r, "");

	assert_int_equal(rota_frame_resume(&r.framer), 0);
	expect(&r, ""); /* not inside the call */
	turn(f);
	expect(&r, "[c][b]");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	RUN_UNTIL(f, r.calls == 7);
	expect(&r, "[d][ef][g]");
	end_reader(&r);
}

/* What is kept stays as it is while others read. */
static void other_streams_read_during_a_pause(void **state)
{
	struct fixture *f = *state;
	struct framed r, other;

	open_reader(&r, f);
	open_reader(&other, f);
	r.act = pause_at_b;
	say(f, &r, "b\nrest one\nrest two\npart");
	for (int i = 0; i < 100; i++)
		say(f, &other, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
	expect(&r, "[b]");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	turn(f);
	expect(&r, "[rest one][rest two]");
	say(f, &r, "ed\n");
	expect(&r, "[parted]");
	end_reader(&r);
	end_reader(&other);
}

static void a_pause_may_be_taken_back(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	r.act = pause_at_b;
	say(f, &r, "b\nc\nd\n");
	expect(&r, "[b]");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	rota_frame_pause(&r.framer);
	turn(f);
	turn(f);
	expect(&r, "");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	rota_frame_pause(&r.framer);
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	turn(f);
	expect(&r, "[c][d]");

	/* Without anything left. */
	rota_frame_pause(&r.framer);
	peer_says(&r.c, "e\n");
	turn(f);
	expect(&r, "");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	RUN_UNTIL(f, r.size > 0);
	expect(&r, "[e]");
	end_reader(&r);
}

static void pause_and_resume(struct framed *r, int status,
			     const struct rota_record *record)
{
	(void)record;
	if (status < 0)
		return;
	rota_frame_pause(&r->framer);
	assert_int_equal(rota_frame_resume(&r->framer), 0);
}

static void a_pause_may_be_taken_back_in_the_callback(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	r.act = pause_and_resume;
	say(f, &r, "a\nb\nc\nd");
	expect(&r, "[a][b][c]");
	peer_close(&r.c);
	RUN_UNTIL(f, r.calls == 5);
	expect(&r, "[d]~EOF");
	end_reader(&r);
}

static void pause_always(struct framed *r, int status,
			 const struct rota_record *record)
{
	(void)status;
	(void)record;
	rota_frame_pause(&r->framer);
}

static void the_end_waits_for_the_resume(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	r.act = pause_always;
	peer_says(&r.c, "a\nb");
	peer_close(&r.c);
	RUN_UNTIL(f, r.calls == 1);
	expect(&r, "[a]");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	RUN_UNTIL(f, r.calls == 2);
	expect(&r, "[b]~");
	for (int i = 0; i < 3; i++)
		turn(f);
	expect(&r, "");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	RUN_UNTIL(f, r.calls == 3);
	expect(&r, "EOF");
	end_reader(&r);
}

/* A pause at each of many records, resumed each time by a later callback. */
static void resume_in_task(struct rota_task *task)
{
	struct rota_framer *framer = task->data;

	assert_int_equal(rota_frame_resume(framer), 0);
}

static struct rota_task resuming;

static void pause_for_a_while(struct framed *r, int status,
			      const struct rota_record *record)
{
	(void)record;
	if (status < 0)
		return;
	rota_frame_pause(&r->framer);
	resuming.data = &r->framer;
	assert_int_equal(rota_task_immediate(&resuming, resume_in_task), 0);
}

static void a_pause_at_each_record_keeps_the_order(void **state)
{
	struct fixture *f = *state;
	char text[200] = "", expected[300] = "";
	struct framed r;

	for (int i = 0; i < 20; i++) {
		snprintf(text + strlen(text), 13, "%d\n", i);
		snprintf(expected + strlen(expected), 14, "[%d]", i);
	}
	open_reader(&r, f);
	rota_task_init(&resuming, f->loop);
	r.act = pause_for_a_while;
	peer_says(&r.c, text);
	RUN_UNTIL(f, r.calls == 20);
	expect(&r, expected);
	RUN_UNTIL(f, !rota_task_is_queued(&resuming));
	end_reader(&r);
}

/* The same over several buffers, while another stream reads between them: what
 * is left of each buffer is kept, also after one that was used up. */
static void pauses_over_several_buffers_keep_each(void **state)
{
	struct fixture *f = *state;
	struct connection other;
	struct framed r;
	char text[40], expected[300] = "", expect_one[60];

	open_reader(&r, f);
	connection_open(&other, f, NULL);
	connection_read(&other);
	rota_task_init(&resuming, f->loop);
	r.act = pause_for_a_while;
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "a%d\nb%d\nc%d\n", i, i, i);
		snprintf(expect_one, sizeof(expect_one), "[a%d][b%d][c%d]", i,
			 i, i);
		strcat(expected, expect_one);
		peer_says(&r.c, text);
		while (r.calls < 3 * (unsigned)i + 3) {
			peer_has_sent(&other, 60000); /* over what is lent */
			turn(f);
		}
	}
	expect(&r, expected);
	RUN_UNTIL(f, !rota_task_is_queued(&resuming));
	RUN_UNTIL(f, other.size == other.sent);
	assert_int_equal(other.wrong, 0);
	end_reader(&r);
	connection_end(&other);
}

/* --- callbacks that end things -------------------------------------------- */

static int stop_at;

static void stop_there(struct framed *r, int status,
		       const struct rota_record *record)
{
	(void)status;
	(void)record;
	if ((int)r->calls == stop_at)
		rota_frame_stop(&r->framer);
}

static void close_there(struct framed *r, int status,
			const struct rota_record *record)
{
	(void)status;
	(void)record;
	if ((int)r->calls == stop_at)
		assert_int_equal(rota_handle_close(&r->c.tcp.handle, NULL), 0);
}

static void end_there(struct framed *r, int status,
		      const struct rota_record *record)
{
	(void)status;
	(void)record;
	if ((int)r->calls == stop_at)
		assert_int_equal(rota_stream_end(&r->c.tcp.stream, NULL), 0);
}

static void run_acts(struct fixture *f,
		     void (*act)(struct framed *r, int status,
				 const struct rota_record *record))
{
	for (stop_at = 1; stop_at <= 5; stop_at++) {
		struct framed r;

		open_reader(&r, f);
		r.act = act;
		peer_says(&r.c, "a\nb\nc\nd");
		peer_close(&r.c);
		RUN_UNTIL(f, (int)r.calls == stop_at);
		for (int i = 0; i < 3; i++)
			turn(f);
		assert_int_equal(r.calls, stop_at);
		end_reader(&r);
		run_to_the_end(f);
	}
}

static void the_callback_may_stop_the_framer(void **state)
{
	run_acts(*state, stop_there);
}

static void the_callback_may_close_the_stream(void **state)
{
	run_acts(*state, close_there);
}

static void the_callback_may_end_the_stream(void **state)
{
	run_acts(*state, end_there);
}

static int freed;

static void free_there(struct framed *r, int status,
		       const struct rota_record *record)
{
	(void)status;
	(void)record;
	if ((int)r->calls != stop_at)
		return;
	rota_frame_stop(&r->framer);
	connection_end(&r->c);
	memset(r, '?', sizeof(*r));
	test_free(r);
	freed = 1;
}

/* O4 */
static void the_callback_may_free_everything(void **state)
{
	struct fixture *f = *state;

	for (stop_at = 1; stop_at <= 4; stop_at++) {
		struct framed *r = test_malloc(sizeof(*r));

		freed = 0;
		open_reader(r, f);
		r->act = free_there;
		peer_says(&r->c, "a\nb\nc\nd");
		raw_shutdown(r->c.peer);
		RUN_UNTIL(f, freed);
		turn(f);
	}
}

/* The same, when the records are reported after a pause. */
static void the_callback_may_free_everything_after_a_pause(void **state)
{
	struct fixture *f = *state;

	for (stop_at = 3; stop_at <= 5; stop_at++) {
		struct framed *r = test_malloc(sizeof(*r));

		freed = 0;
		open_reader(r, f);
		r->act = pause_at_b;
		say(f, r, "a\nb\nc\nd\ne\nf");
		expect(r, "[a][b]");
		r->act = free_there;
		assert_int_equal(rota_frame_resume(&r->framer), 0);
		RUN_UNTIL(f, freed);
		turn(f);
	}
}

static void a_framer_may_be_stopped_while_it_is_paused(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	r.act = pause_at_b;
	say(f, &r, "a\nb\nc\nd");
	rota_frame_stop(&r.framer);
	rota_frame_stop(&r.framer);
	assert_int_equal(rota_frame_resume(&r.framer), ROTA_EINVAL);
	turn(f);
	expect(&r, "[a][b]");
	end_reader(&r);

	open_reader(&r, f);
	r.act = pause_at_b;
	say(f, &r, "b\nc\nd");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	rota_frame_stop(&r.framer); /* before its task runs */
	turn(f);
	expect(&r, "[b]");
	end_reader(&r);

	open_reader(&r, f);
	r.act = pause_at_b;
	say(f, &r, "b\nc\nd");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	assert_int_equal(rota_handle_close(&r.c.tcp.handle, NULL), 0);
	turn(f);
	expect(&r, "[b]");
	end_reader(&r);
}

/* --- handing over --------------------------------------------------------- */

static char handed[32];
static size_t handed_size;

static void read_raw(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	(void)stream;
	assert_int_equal(status, 0);
	memcpy(handed + handed_size, buf->data, buf->size);
	handed_size += buf->size;
}

static void upgrade(struct framed *r, int status,
		    const struct rota_record *record)
{
	struct rota_buf rest = rota_frame_rest(&r->framer);

	assert_int_equal(status, 0);
	if (record->size != 7 || memcmp(record->data, "upgrade", 7) != 0)
		return;
	handed_size = rest.size;
	memcpy(handed, rest.data, rest.size);
	rota_frame_stop(&r->framer);
	assert_int_equal(rota_stream_read_start(&r->c.tcp.stream, read_raw), 0);
}

static void the_rest_can_be_handed_over(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	r.act = upgrade;
	say(f, &r, "up");
	say(f, &r, "grade\nraw\nby");
	say(f, &r, "tes\n");
	expect(&r, "[upgrade]");
	assert_int_equal(handed_size, 10);
	assert_memory_equal(handed, "raw\nbytes\n", 10);
	rota_stream_read_stop(&r.c.tcp.stream);
	end_reader(&r);
}

static void change_to_counted(struct framed *r, int status,
			      const struct rota_record *record)
{
	struct rota_frame_options options;

	if (status < 0 || record->size != 1 || record->data[0] != '2')
		return;
	rota_frame_options_init(&options, ROTA_FRAME_LENGTH);
	options.prefix_size = 1;
	assert_int_equal(rota_frame_change(&r->framer, &options, on_record), 0);
}

static void the_framing_can_change(void **state)
{
	struct fixture *f = *state;
	struct rota_frame_options lines = lines_of(10);
	struct framed r;

	open_reader(&r, f);
	r.act = change_to_counted;
	say(f, &r, "1\n2\n\3a\nb\3c");
	expect(&r, "[1][2][a\nb]");
	assert_int_equal(rota_frame_change(&r.framer, &lines, on_record),
			 ROTA_EBUSY);
	say(f, &r, "de");
	expect(&r, "[cde]");
	assert_int_equal(rota_frame_change(&r.framer, &lines, on_record), 0);
	say(f, &r, "x\n");
	expect(&r, "[x]");
	end_reader(&r);
}

/* --- memory --------------------------------------------------------------- */

static void resume_now(struct framed *r, int status,
		       const struct rota_record *record)
{
	(void)record;
	if (status == ROTA_ENOMEM)
		assert_int_equal(rota_frame_resume(&r->framer), 0);
}

/* Each allocation fails once, is told, and nothing is lost: that of the loop's
 * buffer in the first round, then those of the framer's own. */
static void without_memory_it_pauses_and_tries_again(void **state)
{
	struct fixture *f = *state;
	const size_t fails[] = { 1, 1, 2, 3 };
	unsigned told = 0;
	char text[512], expected[512];

	snprintf(text, sizeof(text), "%0300d\nfo", 3);
	snprintf(expected, sizeof(expected), "[one][two][th%0300d][fo]~EOF", 3);
	for (int round = 0; round < 4; round++) {
		struct framed r;
		char *at;

		open_reader(&r, f);
		r.act = resume_now;
		f->memory.fail_at = f->memory.calls + fails[round];
		say(f, &r, "one\ntwo\nth");
		say(f, &r, text);
		RUN_UNTIL(f, rota_frame_rest(&r.framer).size == 2);
		peer_close(&r.c);
		RUN_UNTIL(f, !rota_frame_is_started(&r.framer));
		f->memory.fail_at = 0;
		r.text[r.size] = '\0';
		at = strstr(r.text, "ENOMEM");
		if (at != NULL) {
			told++;
			memmove(at, at + 6, strlen(at + 6) + 1);
			r.size -= 6;
		}
		expect(&r, expected);
		end_reader(&r);
	}
	assert_int_equal(told, 3);
}

static void without_memory_it_may_be_stopped(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	say(f, &r, "a\n"); /* the loop's buffer is there */
	f->memory.fail_at = f->memory.calls + 1;
	say(f, &r, "b\nc");
	f->memory.fail_at = 0;
	expect(&r, "[a][b]ENOMEM");
	assert_true(rota_frame_is_started(&r.framer));
	end_reader(&r);
}

/* A record of 1 MiB: the memory is bounded, and given back. */
static void a_large_record_costs_what_it_has(void **state)
{
	struct fixture *f = *state;
	struct rota_frame_options lines = lines_of(1 << 20);
	size_t before, most = 0;
	struct framed r;
	static char part[1 << 16];

	open_reader(&r, f);
	say(f, &r, "a\n");
	rota_frame_stop(&r.framer);
	before = f->memory.bytes;
	assert_int_equal(
		rota_frame_start(&r.framer, &r.c.tcp.stream, &lines, on_record),
		0);
	memset(part, 'x', sizeof(part));
	for (int i = 0; i < 16; i++) {
		size_t sent = 0;

		while (sent < sizeof(part)) {
			ptrdiff_t n = raw_try_send(r.c.peer, part + sent,
						   sizeof(part) - sent);

			sent += n > 0 ? (size_t)n : 0;
			turn(f);
			if (f->memory.bytes > most)
				most = f->memory.bytes;
		}
	}
	RUN_UNTIL(f, rota_frame_rest(&r.framer).size == 1 << 20);
	if (f->memory.bytes > most)
		most = f->memory.bytes;
	assert_in_range(most - before, 1 << 20, 3 << 19);
	assert_int_equal(r.calls, 1);
	say(f, &r, "\n");
	RUN_UNTIL(f, r.calls == 2);
	assert_int_equal(f->memory.bytes, before);

	end_reader(&r);
}

/* Many records in one buffer: all in one event, with ticks between them, and
 * no allocation. */
static unsigned ticks;
static struct rota_task tick;

static void count_tick(struct rota_task *task)
{
	(void)task;
	ticks++;
}

static void queue_tick(struct framed *r, int status,
		       const struct rota_record *record)
{
	(void)status;
	(void)record;
	assert_int_equal(ticks, r->calls - 1);
	assert_int_equal(rota_task_next_tick(&tick, count_tick), 0);
}

/* T10 */
static void ticks_run_between_records(void **state)
{
	struct fixture *f = *state;
	static char text[20001];
	size_t calls;
	struct framed r;

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? '\n' : 'x';
	open_reader(&r, f);
	say(f, &r, "a\n");
	calls = f->memory.calls;
	r.calls = 0;
	ticks = 0;
	rota_task_init(&tick, f->loop);
	r.act = queue_tick;
	peer_says(&r.c, text);
	RUN_UNTIL(f, r.calls == 10000);
	assert_int_equal(ticks, 10000);
	assert_int_equal(f->memory.calls, calls);
	end_reader(&r);
}

static void answer(struct framed *r, int status,
		   const struct rota_record *record)
{
	if (status == 0)
		assert_int_equal(rota_stream_send(&r->c.tcp.stream,
						  record->data, record->size),
				 0);
}

/* The answers to all records of a buffer leave with one system call. */
static void corked_answers_leave_together(void **state)
{
	struct fixture *f = *state;
	struct framed r;
	char answers[6];

	open_reader(&r, f);
	r.act = answer;
	rota_stream_set_cork(&r.c.tcp.stream, 1);
	peer_says(&r.c, "ab\ncd\nef\n");
	fault_count_reset();
	turn(f);
	assert_int_equal(count_writes(), 1);
	raw_read(r.c.peer, answers, 6);
	assert_memory_equal(answers, "abcdef", 6);
	end_reader(&r);
}

/* Every split of a stream's bytes gives the same records. */
static void any_split_gives_the_same_records(void **state)
{
	struct fixture *f = *state;
	const char *text = "one\n\ntwo\r\nthree\n";

	for (size_t cut = 1; cut < strlen(text); cut++) {
		struct framed r;

		open_reader(&r, f);
		raw_send(r.c.peer, text, cut);
		await_bytes(r.c.fd, cut);
		turn(f);
		say(f, &r, text + cut);
		RUN_UNTIL(f, r.calls == 4);
		expect(&r, "[one][][two][three]");
		end_reader(&r);
	}
}

static struct framed *shut;

static void shut_down(struct rota_handle *handle)
{
	(void)handle;
	rota_frame_stop(&shut->framer);
	shut->calls = 1000;
}

/* A shutdown with a framer that is paused, or about to go on. */
static void a_shutdown_closes_the_stream(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	shut = &r;
	rota_handle_on_shutdown(&r.c.tcp.handle, shut_down);
	r.act = pause_at_b;
	say(f, &r, "a\nb\nc\nd");
	assert_int_equal(rota_frame_resume(&r.framer), 0);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_int_equal(r.calls, 1000);
	expect(&r, "[a][b]");
	peer_close(&r.c);
}

/* F2: a callback forks, and in the child no more records are reported. The
 * parent goes on. */
static pid_t child;

static void fork_at_first(struct framed *r, int status,
			  const struct rota_record *record)
{
	(void)status;
	(void)record;
	if (r->calls == 1)
		child = child_fork();
	else if (child == 0)
		child_failed(__FILE__, __LINE__);
}

static void a_child_gets_no_record_of_its_parent(void **state)
{
	struct fixture *f = *state;
	struct framed r;

	open_reader(&r, f);
	r.act = fork_at_first;
	peer_says(&r.c, "a\nb\nc\n");
	child = -1;
	while (r.calls == 0)
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	if (child == 0) {
		EXPECT(r.calls == 1);
		EXPECT(rota_frame_resume(&r.framer) == 0); /* not paused */
		rota_frame_pause(&r.framer);
		EXPECT(rota_frame_resume(&r.framer) == ROTA_ECHILD);
		rota_frame_stop(&r.framer);
		EXPECT(!rota_frame_is_started(&r.framer));
		child_ends();
	}
	expect_success(child);
	RUN_UNTIL(f, r.calls == 3);
	expect(&r, "[a][b][c]");
	end_reader(&r);
}

/* --- streams of every class ----------------------------------------------- */

static void pause_at_some(struct framed *r, int status,
			  const struct rota_record *record)
{
	if (status == 0 && record->size > 0 && record->data[0] == 'p') {
		rota_frame_pause(&r->framer);
		resuming.data = &r->framer;
		assert_int_equal(rota_task_immediate(&resuming, resume_in_task),
				 0);
	}
}

static void use_link(struct link *link)
{
	struct rota_frame_options lines = lines_of(1000);
	struct framed r = { .act = pause_at_some };
	struct fixture *f = link->f;

	rota_task_init(&resuming, f->loop);
	assert_int_equal(
		rota_frame_start(&r.framer, link->b.stream, &lines, on_record),
		0);
	assert_int_equal(rota_stream_send(link->a.stream, "one\npause\ntw", 12),
			 0);
	RUN_UNTIL(f, r.calls >= 2);
	assert_int_equal(rota_frame_send(link->a.stream, &lines, "o", 1), 0);
	RUN_UNTIL(f, r.calls == 3);
	assert_int_equal(rota_stream_send(link->a.stream, "p\np\nlast", 8), 0);
	assert_int_equal(rota_stream_end(link->a.stream, end_closed), 0);
	RUN_UNTIL(f, r.calls == 7);
	expect(&r, "[one][pause][two][p][p][last]~EOF");
	assert_int_equal(rota_stream_end(link->b.stream, end_closed), 0);
	RUN_UNTIL(f, link->a.closes + link->b.closes == 2);
}

static void streams_of_every_class_have_records(void **state)
{
	for_each_link(*state, use_link);
}

static const struct CMUnitTest tests[] = {
	REAL(records_are_reported_as_they_arrive),
	REAL(an_error_of_the_stream_comes_after_whole_records),
	REAL(the_end_inside_a_counted_record_is_an_error),
	REAL(a_record_above_the_limit_is_told_once),
	REAL(what_does_not_fit_is_refused),
	REAL(the_framer_alone_reads_the_stream),
	REAL(a_stream_that_ends_is_not_read_again),
	REAL(a_pause_keeps_what_is_left),
	REAL(other_streams_read_during_a_pause),
	REAL(a_pause_may_be_taken_back),
	REAL(a_pause_may_be_taken_back_in_the_callback),
	REAL(the_end_waits_for_the_resume),
	REAL(a_pause_at_each_record_keeps_the_order),
	REAL(pauses_over_several_buffers_keep_each),
	REAL(the_callback_may_stop_the_framer),
	REAL(the_callback_may_close_the_stream),
	REAL(the_callback_may_end_the_stream),
	REAL(the_callback_may_free_everything),
	REAL(the_callback_may_free_everything_after_a_pause),
	REAL(a_framer_may_be_stopped_while_it_is_paused),
	REAL(the_rest_can_be_handed_over),
	REAL(the_framing_can_change),
	REAL(without_memory_it_pauses_and_tries_again),
	REAL(without_memory_it_may_be_stopped),
	REAL(a_large_record_costs_what_it_has),
	REAL(ticks_run_between_records),
	REAL(corked_answers_leave_together),
	REAL(any_split_gives_the_same_records),
	REAL(a_shutdown_closes_the_stream),
	REAL(a_child_gets_no_record_of_its_parent),
	REAL(streams_of_every_class_have_records),
};

FIXTURE_MAIN(tests)
