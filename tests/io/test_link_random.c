/*
 * Random programs over streams of each class, with pumps between them: sends,
 * writes, files, reads, shutdowns, ends, cancels, deadlines, closes, corks and
 * moves to other handles, in callbacks too, with allocations that fail.
 *
 * A direction carries segments. The content of each is known, and the model
 * knows which of them were cancelled. So the reader checks every byte. At the
 * end each request has ended once, nothing is lost that should have arrived,
 * and no memory or descriptor is left.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/link.h"
#include "support/streams_more.h"

enum {
	LINKS = 3,
	SEGMENTS = 4096,
	WRITES = 6,
	READS = 3,
	CONTENT = 1 << 17, /* bytes of the content, which repeats */
	LONGEST = 1 << 16,
	MOST_BUFS = 4,
};

struct segment {
	size_t from; /* in the content */
	size_t size;
	int is_gone; /* cancelled, or not accepted */
};

struct actor;

struct job {
	struct rota_write write;
	struct rota_sendfile file;
	struct rota_deadline deadline;
	struct rota_const_buf bufs[MOST_BUFS];
	struct actor *actor;
	size_t segment;
	int is_active, is_file;
};

struct fetch {
	struct rota_read read;
	struct rota_deadline deadline;
	struct actor *actor;
	char bytes[512];
	int is_active;
};

struct actor {
	struct end *end;
	struct actor *peer;
	struct world *world;
	struct segment segments[SEGMENTS]; /* that it sends */
	size_t count;
	size_t at, offset; /* of what the peer has read */
	struct job jobs[WRITES];
	struct fetch fetches[READS];
	struct rota_shutdown shutdown;
	struct rota_end ending;
	struct rota_pump pump; /* that has this as its source */
	int pump_active, shutdown_active;
	int is_tainted; /* a pump has written to it */
	int is_closed, saw_end;
};

struct world {
	struct fixture *f;
	struct link links[LINKS];
	struct actor actors[2 * LINKS];
	uint64_t seed;
	char content[CONTENT + LONGEST];
	int file;
	unsigned depth;
	int is_final, has_faults;
};

static void do_random(struct world *w);

static uint64_t pick(struct world *w, uint64_t bound)
{
	return random_below(&w->seed, bound);
}

static void maybe_act(struct world *w)
{
	if (w->is_final || w->depth > 2)
		return;
	w->depth++;
	while (pick(w, 3) == 0)
		do_random(w);
	w->depth--;
}

static void check_bytes(struct actor *from, const char *data, size_t size)
{
	struct world *w = from->world;

	if (from->is_tainted)
		return;
	while (size > 0) {
		struct segment *s = &from->segments[from->at];
		size_t n;

		if (from->at >= from->count)
			fail_msg("bytes that nobody has sent");
		if (s->is_gone || from->offset == s->size) {
			assert_true(from->offset == 0 ||
				    from->offset == s->size);
			from->at++;
			from->offset = 0;
			continue;
		}
		n = s->size - from->offset;
		if (n > size)
			n = size;
		if (memcmp(w->content + s->from + from->offset, data, n) != 0)
			fail_msg("other bytes");
		from->offset += n;
		data += n;
		size -= n;
	}
}

static struct world *the_world;

static struct actor *actor_of(struct rota_stream *stream)
{
	struct actor *a = the_world->actors;

	while (a->end != stream->handle.data)
		a++;
	return a;
}

static void got_input(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	struct actor *a = actor_of(stream);

	assert_false(a->saw_end);
	if (status == 0) {
		assert_true(buf->size > 0);
		check_bytes(a->peer, buf->data, buf->size);
	} else if (status != ROTA_ENOMEM) {
		a->saw_end = 1;
	}
	maybe_act(a->world);
}

static void got_read(struct rota_read *read, int status)
{
	struct fetch *x = rota_container_of(read, struct fetch, read);

	assert_true(x->is_active);
	x->is_active = 0;
	if (status == 0)
		assert_true(read->size > 0);
	check_bytes(x->actor->peer, x->bytes, read->size);
	maybe_act(x->actor->world);
}

static void drained(struct rota_stream *stream, int status)
{
	(void)status;
	maybe_act(actor_of(stream)->world);
}

static void job_ended(struct job *job, int status)
{
	assert_true(job->is_active);
	job->is_active = 0;
	(void)status;
	maybe_act(job->actor->world);
}

static void wrote(struct rota_write *write, int status)
{
	job_ended(rota_container_of(write, struct job, write), status);
}

static void sent_file(struct rota_sendfile *file, int status)
{
	job_ended(rota_container_of(file, struct job, file), status);
}

static void was_shut(struct rota_shutdown *shutdown, int status)
{
	struct actor *a = rota_container_of(shutdown, struct actor, shutdown);

	(void)status;
	assert_true(a->shutdown_active);
	a->shutdown_active = 0;
	maybe_act(a->world);
}

static void pumped(struct rota_pump *pump, int status)
{
	struct actor *a = rota_container_of(pump, struct actor, pump);

	(void)status;
	assert_true(a->pump_active);
	a->pump_active = 0;
	maybe_act(a->world);
}

static void was_closed(struct rota_handle *handle)
{
	struct actor *a =
		actor_of(rota_container_of(handle, struct rota_stream, handle));

	assert_false(a->is_closed);
	assert_false(a->shutdown_active);
	for (int i = 0; i < WRITES; i++)
		assert_false(a->jobs[i].is_active);
	for (int i = 0; i < READS; i++)
		assert_false(a->fetches[i].is_active);
	a->is_closed = 1;
	maybe_act(a->world);
}

/* A new segment of what @a sends, or NULL. */
static struct segment *new_segment(struct actor *a, size_t size)
{
	struct segment *s = &a->segments[a->count];

	if (a->count == SEGMENTS)
		return NULL;
	*s = (struct segment){ .from = pick(a->world, CONTENT), .size = size };
	a->count++;
	return s;
}

static size_t some_size(struct world *w)
{
	static const size_t sizes[] = { 0, 1, 10, 1000, 20000, LONGEST };
	size_t most = sizes[pick(w, 6)];

	return most == 0 ? 0 : (size_t)pick(w, most + 1);
}

static void do_send(struct world *w, struct actor *a)
{
	struct segment *s = new_segment(a, some_size(w));
	int status;

	if (s == NULL)
		return;
	status =
		rota_stream_send(a->end->stream, w->content + s->from, s->size);
	if (status < 0)
		s->is_gone = 1;
}

static void do_try(struct world *w, struct actor *a)
{
	struct segment *s = new_segment(a, some_size(w));
	struct rota_const_buf buf;
	ptrdiff_t n;

	if (s == NULL)
		return;
	buf = rota_bytes(w->content + s->from, s->size);
	n = rota_stream_try_write(a->end->stream, &buf, 1);
	assert_true(n <= (ptrdiff_t)s->size);
	s->size = n < 0 ? 0 : (size_t)n;
}

static struct job *idle_job(struct actor *a)
{
	for (int i = 0; i < WRITES; i++)
		if (!a->jobs[i].is_active)
			return &a->jobs[i];
	return NULL;
}

static void set_deadline(struct world *w, struct rota_request *request,
			 struct rota_deadline *deadline)
{
	static const uint64_t dues[] = { 0, 1, ROTA_MSEC(1), UINT64_MAX };

	if (pick(w, 6) == 0)
		(void)rota_request_set_deadline(request, deadline,
						dues[pick(w, 4)]);
}

static void do_write(struct world *w, struct actor *a)
{
	struct job *job = idle_job(a);
	struct segment *s;
	size_t left, count = 1 + (size_t)pick(w, MOST_BUFS);
	int status;

	if (job == NULL || (s = new_segment(a, some_size(w))) == NULL)
		return;
	left = s->size;
	for (size_t i = 0; i < count; i++) {
		size_t n = i == count - 1 ? left : (size_t)pick(w, left + 1);

		job->bufs[i] =
			rota_bytes(w->content + s->from + (s->size - left), n);
		left -= n;
	}
	job->actor = a;
	job->is_file = 0;
	job->segment = a->count - 1;
	status = rota_stream_write(&job->write, a->end->stream, job->bufs,
				   count, wrote);
	s->is_gone = status < 0;
	job->is_active = status == 0;
	if (status == 0)
		set_deadline(w, &job->write.request, &job->deadline);
}

static void do_file(struct world *w, struct actor *a)
{
	struct job *job = idle_job(a);
	struct segment *s;
	int status;

	if (job == NULL || (s = new_segment(a, some_size(w))) == NULL)
		return;
	job->actor = a;
	job->is_file = 1;
	job->segment = a->count - 1;
	status = rota_stream_sendfile(&job->file, a->end->stream, w->file,
				      (int64_t)s->from, s->size, sent_file);
	s->is_gone = status < 0;
	job->is_active = status == 0;
	if (status == 0)
		set_deadline(w, &job->file.request, &job->deadline);
}

static void do_cancel(struct world *w, struct actor *a)
{
	struct job *job = &a->jobs[pick(w, WRITES)];
	struct fetch *x = &a->fetches[pick(w, READS)];
	struct rota_request *request =
		job->is_file ? &job->file.request : &job->write.request;

	if (pick(w, 2) && job->is_active) {
		if (rota_request_cancel(request) == 0)
			a->segments[job->segment].is_gone = 1;
	} else if (pick(w, 2)) {
		(void)rota_request_cancel(&x->read.request);
	} else if (pick(w, 4) == 0) {
		(void)rota_request_cancel(&a->shutdown.request);
	} else if (pick(w, 4) == 0) {
		(void)rota_pump_stop(&a->pump);
	}
}

static void do_fetch(struct world *w, struct actor *a)
{
	size_t size = 1 + (size_t)pick(w, sizeof(a->fetches[0].bytes));

	for (int i = 0; i < READS; i++) {
		struct fetch *x = &a->fetches[i];
		struct rota_buf buf = { x->bytes, size };

		if (x->is_active)
			continue;
		x->actor = a;
		x->is_active =
			rota_stream_read(&x->read, a->end->stream, buf,
					 pick(w, size + 1), got_read) == 0;
		if (x->is_active)
			set_deadline(w, &x->read.request, &x->deadline);
		return;
	}
}

static void do_pump(struct world *w, struct actor *a)
{
	struct actor *to = &w->actors[pick(w, 2 * LINKS)];

	if (a->pump_active || pick(w, 3) != 0)
		return;
	if (rota_pump_start(&a->pump, a->end->stream, to->end->stream,
			    (unsigned)pick(w, 2), pumped) == 0) {
		a->pump_active = 1;
		to->is_tainted = 1;
		a->peer->is_tainted = 1;
	}
}

static void do_shutdown(struct world *w, struct actor *a)
{
	if (pick(w, 4) != 0)
		return;
	if (pick(w, 2))
		(void)rota_stream_shutdown(NULL, a->end->stream, NULL);
	else if (!a->shutdown_active)
		a->shutdown_active =
			rota_stream_shutdown(&a->shutdown, a->end->stream,
					     was_shut) == 0;
}

static void do_end(struct world *w, struct actor *a)
{
	struct rota_end *end = pick(w, 2) ? &a->ending : NULL;

	if (pick(w, 8) != 0)
		return;
	switch (pick(w, 4)) {
	case 0:
		(void)rota_handle_close(&a->end->stream->handle, was_closed);
		break;
	case 1:
		(void)rota_stream_close_reset(a->end->stream, was_closed);
		break;
	default:
		if (!rota_stream_is_ending(a->end->stream))
			(void)rota_stream_end_with(end, a->end->stream,
						   was_closed);
		break;
	}
}

/* To another handle, which is the same memory. */
static void do_move(struct world *w, struct actor *a)
{
	struct rota_detached detached;
	struct rota_tcp *tcp = &a->end->tcp;

	if (a->end->link->kind != LINK_TCP ||
	    rota_stream_detach_with(&tcp->stream, &detached) < 0)
		return;
	w->f->memory.fail_at = 0;
	assert_int_equal(rota_tcp_attach(tcp, w->f->loop, &detached), 0);
	tcp->handle.data = a->end;
	rota_stream_on_drain(&tcp->stream, drained);
}

static void do_small(struct world *w, struct actor *a)
{
	size_t low = (size_t)pick(w, 2) ? 0 : (size_t)pick(w, 30000);

	switch (pick(w, 5)) {
	case 0:
		rota_stream_set_cork(a->end->stream, 1);
		break;
	case 1:
	case 2:
		rota_stream_set_cork(a->end->stream, 0);
		break;
	case 3:
		(void)rota_stream_set_watermarks(a->end->stream, low,
						 low + pick(w, 30000));
		break;
	default:
		if (w->has_faults && pick(w, 3) == 0)
			w->f->memory.fail_at =
				w->f->memory.calls + 1 + pick(w, 5);
		break;
	}
}

static void do_start(struct world *w, struct actor *a)
{
	(void)w;
	(void)rota_stream_read_start(a->end->stream, got_input);
}

static void do_stop(struct world *w, struct actor *a)
{
	(void)w;
	rota_stream_read_stop(a->end->stream);
}

static void do_random(struct world *w)
{
	static void (*const deeds[])(struct world * w, struct actor * a) = {
		do_send,     do_send,  do_try,   do_write, do_write, do_file,
		do_cancel,   do_fetch, do_start, do_start, do_stop,  do_pump,
		do_shutdown, do_end,   do_move,  do_small,
	};
	struct actor *a = &w->actors[pick(w, 2 * LINKS)];

	if (!a->is_closed && !rota_handle_is_closing(&a->end->stream->handle))
		deeds[pick(w, sizeof(deeds) / sizeof(deeds[0]))](w, a);
}

static void world_open(struct world *w, struct fixture *f, uint64_t seed,
		       int file)
{
	memset(w, 0, sizeof(*w));
	the_world = w;
	w->f = f;
	w->seed = seed;
	w->file = file;
	for (size_t i = 0; i < sizeof(w->content); i++)
		w->content[i] = pattern_at(i);
	assert_int_equal(pwrite(file, w->content, sizeof(w->content), 0),
			 sizeof(w->content));
	w->has_faults = (int)pick(w, 2);
	for (int i = 0; i < LINKS; i++) {
		link_open(&w->links[i], f, (enum link_kind)pick(w, LINK_KINDS));
		for (int j = 0; j < 2; j++) {
			struct actor *a = &w->actors[2 * i + j];

			a->world = w;
			a->end = j == 0 ? &w->links[i].a : &w->links[i].b;
			a->peer = &w->actors[2 * i + 1 - j];
			rota_stream_on_drain(a->end->stream, drained);
		}
	}
}

static int all_closed(const struct world *w)
{
	for (int i = 0; i < 2 * LINKS; i++)
		if (!w->actors[i].is_closed)
			return 0;
	return 1;
}

/* End everything: whatever state it is in, it comes to its end. */
static void world_end(struct world *w)
{
	w->is_final = 1;
	w->f->memory.fail_at = 0;
	for (int i = 0; i < 2 * LINKS; i++) {
		struct actor *a = &w->actors[i];

		if (a->is_closed ||
		    rota_handle_is_closing(&a->end->stream->handle))
			continue;
		if (a->pump_active)
			(void)rota_pump_stop(&a->pump);
		rota_stream_set_cork(a->end->stream, 0);
		(void)rota_stream_end(a->end->stream, was_closed);
	}
	RUN_UNTIL(w->f, all_closed(w));
	run_to_the_end(w->f);
	for (int i = 0; i < 2 * LINKS; i++)
		assert_false(w->actors[i].pump_active);
}

static void random_programs_keep_the_rules(void **state)
{
	static struct world w;
	uint64_t seed = random_seed();
	char name[] = "/tmp/rota-random-XXXXXX";
	int file = mkstemp(name);

	assert_true(file >= 0);
	assert_int_equal(unlink(name), 0);
	for (int i = 0; i < (test_is_full() ? 400 : 12); i++) {
		world_open(&w, *state, seed + (uint64_t)i, file);
		for (int step = 0; step < 400; step++) {
			do_random(&w);
			if (pick(&w, 3) == 0)
				turn(w.f);
		}
		world_end(&w);
	}
	close(file);
}

static const struct CMUnitTest tests[] = {
	REAL(random_programs_keep_the_rules),
};

FIXTURE_MAIN(tests)
