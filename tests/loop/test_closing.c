/*
 * Handles that are closing: where they are listed, and which callbacks they
 * still get. The rest of a handle's life is tested in test_handle.c.
 */
#include "support/fixture.h"

#include <string.h>
#include <unistd.h>

#include "loop/handle.h"
#include "loop/request.h"
#include "support/pipe_reader.h"
#include "support/probe.h"

static void hold_one(struct pipe_reader *p, struct byte_request *request,
		     const char *name)
{
	request->request.data = (void *)(uintptr_t)name;
	assert_int_equal(reader_hold(&p->reader,
				     rota_handle_loop(&p->reader.handle),
				     request, note_status),
			 0);
}

/* What a dump lists, as text, by name or by type: "held byte". */
struct listing {
	char text[128];
	unsigned dead; /* entries that do not keep the loop alive */
};

static void list_entry(void *arg, const struct rota_dump_entry *entry)
{
	struct listing *listing = arg;
	const char *name = entry->name != NULL ? entry->name : entry->type;

	assert_true(strlen(listing->text) + strlen(name) + 2 <
		    sizeof(listing->text));
	if (listing->text[0] != '\0')
		strcat(listing->text, " ");
	strcat(listing->text, name);
	listing->dead += !entry->alive;
}

static void expect_listed(struct rota_loop *loop, const char *names)
{
	struct listing listing = { .dead = 0 };

	rota_loop_dump(loop, list_entry, &listing);
	assert_string_equal(listing.text, names);
	assert_int_equal(listing.dead, 0);
}

/* L6: the handle keeps the loop alive and prevents its close. */
static void a_dump_tells_of_a_handle_that_waits_for_its_request(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "held");
	hold_one(&p, &a, "a");
	rota_handle_close(&p.reader.handle, note_closed);

	expect_listed(f->loop, "byte held");
	turn(f);
	expect_listed(f->loop, "byte held");
	reader_let_go(&a, 0);
	expect_listed(f->loop, "byte held");

	turn(f);
	expect_listed(f->loop, "");
	assert_string_equal(journal_take(), "closing: a=0 held");
	close(p.fds[1]);
}

static void list_in_first(struct rota_handle *handle)
{
	note_closed(handle);
	expect_listed(rota_handle_loop(handle), "byte two three");
}

static void list_in_second(struct rota_handle *handle)
{
	note_closed(handle);
	expect_listed(rota_handle_loop(handle), "three");
}

static void list_in_third(struct rota_handle *handle)
{
	note_closed(handle);
	expect_listed(rota_handle_loop(handle), "");
}

/* L6: listed are the handles that are closed later in the phase, and their
 * requests. */
static void a_dump_in_the_closing_phase_tells_who_is_yet_to_come(void **state)
{
	struct fixture *f = *state;
	struct pipe_reader one, two, three;
	struct byte_request a;

	pipe_reader_open(&one, f, "one");
	pipe_reader_open(&two, f, "two");
	pipe_reader_open(&three, f, "three");
	pipe_reader_read(&two, &a, "a");
	rota_handle_close(&one.reader.handle, list_in_first);
	rota_handle_close(&two.reader.handle, list_in_second);
	rota_handle_close(&three.reader.handle, list_in_third);
	expect_listed(f->loop, "byte one two three");

	turn(f);

	assert_string_equal(journal_take(),
			    "closing: one a=ECANCELED two three");
	close(one.fds[1]);
	close(two.fds[1]);
	close(three.fds[1]);
}

static void complete(struct rota_task *task)
{
	struct byte_request *request = task->data;

	journal_note(request->request.internal.loop, "complete");
	rotai_request_complete(&request->request, 77);
	assert_true(rota_request_is_active(&request->request));
}

/* O2: this includes a request that completes in the poll phase, where requests
 * of an open handle call back. */
static void a_request_completed_while_closing_calls_back_then(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;
	struct rota_task task;

	pipe_reader_open(&p, f, "close");
	hold_one(&p, &a, "a");
	rota_task_init(&task, f->loop);
	task.data = &a;
	rota_handle_close(&p.reader.handle, note_closed);
	assert_int_equal(rota_task_post(&task, complete), 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(journal_take(),
			    "poll: complete closing: a=77 close");
	close(p.fds[1]);
}

/* The simplest handle. */
struct bare {
	struct rota_handle handle;
	struct rota_loop *loop;
	struct bare *next; /* its close opens this one */
};

static void stop_bare(struct rota_handle *handle)
{
	(void)handle;
}

static int no_descriptor(const struct rota_handle *handle)
{
	(void)handle;
	return -1;
}

static const struct rotai_handle_class bare_class = {
	.type = "bare",
	.stop = stop_bare,
	.fd = no_descriptor,
};

static void open_bare(struct bare *bare, struct rota_loop *loop,
		      struct bare *next, const char *name)
{
	rotai_handle_open(&bare->handle, loop, &bare_class);
	rota_handle_set_name(&bare->handle, name);
	bare->loop = loop;
	bare->next = next;
}

static void open_next(struct rota_handle *handle)
{
	struct bare *bare = rota_container_of(handle, struct bare, handle);

	note_closed(handle);
	open_bare(bare->next, bare->loop, NULL, "next");
}

/* O5: a shutdown closes handles that its own callbacks open. */
static void a_handle_opened_by_a_close_is_shut_down_as_well(void **state)
{
	struct fixture *f = *state;
	struct bare first, next;

	open_bare(&first, f->loop, &next, "first");
	assert_int_equal(rota_handle_close(&first.handle, open_next), 0);

	assert_int_equal(rota_loop_shutdown(f->loop, f->start_ns + ROTA_SEC(1)),
			 0);
	f->loop = NULL;

	assert_true(rota_handle_is_closing(&next.handle));
	assert_string_equal(journal_take(), "closing: first");
}

static const struct CMUnitTest tests[] = {
	REAL(a_dump_tells_of_a_handle_that_waits_for_its_request),
	REAL(a_dump_in_the_closing_phase_tells_who_is_yet_to_come),
	REAL(a_request_completed_while_closing_calls_back_then),
	REAL(a_handle_opened_by_a_close_is_shut_down_as_well),
};
FIXTURE_MAIN(tests)
