/*
 * Filters and failures: one allocation after the other fails, and one system
 * call after the other. The error is returned by a call or passed to a
 * callback, nothing hangs, and nothing leaks.
 */
#include "support/fixture.h"

#include <errno.h>

#include "support/codecs.h"
#include "support/fault.h"
#include "support/link.h"

struct scene {
	struct link link;
	struct codec a, b;
	int error; /* the first one */
};

static struct scene scene;

static void note(int status)
{
	if (status < 0 && status != ROTA_EOF && scene.error == 0)
		scene.error = status;
}

static void scene_read(struct rota_stream *stream, int status,
		       const struct rota_buf *buf)
{
	note(status);
	end_read(stream, status, buf);
}

static void scene_drained(struct rota_stream *stream, int status)
{
	note(status);
	end_drained(stream, status);
}

/* Prepared before anything may fail, as the two links below are. */
static void scene_open(struct fixture *f, enum link_kind kind)
{
	scene = (struct scene){ .error = 0 };
	link_open(&scene.link, f, kind);
	codec_open(&scene.a, scene.link.a.stream, &rle_class, 0);
	codec_open(&scene.b, scene.link.b.stream, &rle_class, 0);
	scene.link.a.stream = &scene.a.stream;
	scene.link.b.stream = &scene.b.stream;
	scene.a.handle.data = &scene.link.a;
	scene.b.handle.data = &scene.link.b;
	rota_stream_on_drain(&scene.a.stream, scene_drained);
	rota_stream_on_drain(&scene.b.stream, scene_drained);
}

/* Send, read and end both ways, until all has arrived or an error came. */
static void scene_run(struct fixture *f)
{
	struct end *ends[] = { &scene.link.a, &scene.link.b };
	int before;

	for (int i = 0; i < 2; i++)
		note(rota_stream_read_start(ends[i]->stream, scene_read));
	for (int i = 0; i < 2; i++)
		note(end_send(ends[i], 60000));
	turn(f);
	for (int i = 0; i < 2; i++)
		note(rota_stream_shutdown(NULL, ends[i]->stream, NULL));
	before = scene.error;
	RUN_UNTIL(f, scene.error != before || scene.error < 0 ||
			     (ends[0]->ends > 0 && ends[1]->ends > 0));
	assert_int_equal(ends[0]->wrong + ends[1]->wrong, 0);
	if (scene.error == 0) {
		assert_int_equal(ends[0]->got, 60000);
		assert_int_equal(ends[1]->got, 60000);
	}
}

static void every_allocation_may_fail(void **state)
{
	struct fixture *f = *state;
	size_t failed = 1;
	unsigned errors = 0;

	for (size_t n = 1; failed > 0; n++) {
		scene_open(f, LINK_MEMORY);
		f->memory.failed = 0;
		f->memory.fail_at = f->memory.calls + n;
		scene_run(f);
		failed = f->memory.failed;
		f->memory.fail_at = 0;
		assert_true(scene.error == 0 || failed > 0);
		if (scene.error < 0)
			errors++;
		link_end(&scene.link);
		assert_int_equal(scene.a.closes + scene.b.closes, 2);
		assert_true(n < 200);
	}
	assert_true(errors > 0);
	assert_int_equal(scene.error, 0);
}

static void every_system_call_may_fail(void **state)
{
	static const char *const calls[] = { "send", "sendmsg", "recv",
					     "shutdown" };
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		unsigned failed = 1;

		for (unsigned n = 1; failed > 0 && n < 12; n++) {
			scene_open(f, LINK_TCP);
			fault_fail(calls[i], n, ECONNRESET);
			scene_run(f);
			failed = fault_clear();
			assert_true(scene.error == 0 || failed > 0);
			assert_true(failed == 0 || scene.error < 0);
			link_end(&scene.link);
		}
	}
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(every_allocation_may_fail),
	REAL(every_system_call_may_fail),
};
FIXTURE_MAIN(tests)
