/*
 * A proxy keeps to its watermarks. It sends the input from one side to the
 * other side, which stalls and resumes. At most the high watermark and one
 * buffer are ever queued, no further memory is used, and every byte arrives
 * once and in order, followed by the end.
 *
 * ROTA_TEST_SEED repeats a run; with ROTA_TEST_FULL=1 it is 1 GiB.
 */
#include "support/fixture.h"

#include <string.h>
#include <sys/socket.h>

#include "support/streams_more.h"

/* The period of the pattern; comparing with a table of it is faster. */
enum { PERIOD = 251 * 256, CHUNK = 65536 };

struct proxy {
	struct fixture *f;
	struct rota_tcp in, out;
	int source, sink; /* the raw ends */
	size_t high;
	uint64_t seed;
	char *table; /* PERIOD + CHUNK bytes of the pattern */

	size_t total;
	size_t sent;   /* by the source */
	size_t taken;  /* by the sink */
	size_t most;   /* at any time */
	size_t memory; /* at any time */
	int paused;
	unsigned pauses, drains, ends;
};

static const char *pattern(const struct proxy *p, size_t offset)
{
	return p->table + offset % PERIOD;
}

static void measure(struct proxy *p)
{
	size_t queued = rota_stream_queued(&p->out.stream);

	if (queued > p->most)
		p->most = queued;
	if (p->f->memory.bytes > p->memory)
		p->memory = p->f->memory.bytes;
}

static struct proxy *proxy_of(struct rota_stream *stream)
{
	return stream->handle.data;
}

static void on_closed(struct rota_handle *handle)
{
	struct proxy *p = handle->data;

	p->ends++;
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct proxy *p = proxy_of(stream);

	assert_false(p->paused);
	if (status < 0) {
		assert_int_equal(status, ROTA_EOF);
		assert_int_equal(rota_stream_end(&p->out.stream, on_closed), 0);
		assert_int_equal(rota_stream_end(&p->in.stream, on_closed), 0);
		return;
	}
	status = rota_stream_send(&p->out.stream, buf->data, buf->size);
	assert_in_range(status, 0, 1);
	measure(p);
	if (status == 1) {
		p->paused = 1;
		p->pauses++;
		rota_stream_read_stop(&p->in.stream);
	}
}

static void on_drain(struct rota_stream *stream, int status)
{
	struct proxy *p = proxy_of(stream);

	assert_int_equal(status, 0);
	assert_true(p->paused);
	p->paused = 0;
	p->drains++;
	assert_int_equal(rota_stream_read_start(&p->in.stream, on_read), 0);
}

static void proxy_begin(struct proxy *p, struct fixture *f, size_t low,
			size_t high)
{
	int in[2], out[2];

	memset(p, 0, sizeof(*p));
	p->f = f;
	p->high = high;
	p->seed = random_seed();
	p->table = test_malloc(PERIOD + CHUNK);
	pattern_fill(p->table, PERIOD + CHUNK, 0);
	raw_pair(in);
	raw_pair(out);
	p->source = in[1];
	p->sink = out[1];
	assert_int_equal(rota_tcp_open(&p->in, f->loop, in[0]), 0);
	assert_int_equal(rota_tcp_open(&p->out, f->loop, out[0]), 0);
	p->in.handle.data = p->out.handle.data = p;
	assert_int_equal(rota_stream_set_watermarks(&p->out.stream, low, high),
			 0);
	rota_stream_on_drain(&p->out.stream, on_drain);
	assert_int_equal(rota_stream_read_start(&p->in.stream, on_read), 0);
}

/* The source sends as much as fits. */
static size_t feed(struct proxy *p)
{
	size_t before = p->sent;

	while (p->sent < p->total) {
		size_t size = p->total - p->sent;
		ssize_t n;

		n = send(p->source, pattern(p, p->sent),
			 size < CHUNK ? size : CHUNK, 0);
		if (n < 0)
			break;
		p->sent += (size_t)n;
		if (p->sent == p->total)
			raw_shutdown(p->source);
	}
	return p->sent - before;
}

/* The sink reads up to @size bytes. Returns 0 at the end. */
static int take(struct proxy *p, size_t size)
{
	static char data[CHUNK];

	while (size > 0) {
		ptrdiff_t n = raw_try_read(p->sink, data,
					   size < CHUNK ? size : CHUNK);

		if (n == 0)
			return 0;
		if (n < 0)
			break;
		assert_memory_equal(data, pattern(p, p->taken), (size_t)n);
		p->taken += (size_t)n;
		size -= (size_t)n;
	}
	return 1;
}

/* The sink stalls until nothing moves any more: the source cannot send, and the
 * proxy does not read. */
static void stall(struct proxy *p)
{
	unsigned quiet = 0;

	while (p->sent < p->total && quiet < 3) {
		quiet = feed(p) > 0 ? 0 : quiet + 1;
		turn(p->f);
		measure(p);
	}
}

static void run_proxy(struct fixture *f, size_t low, size_t high, size_t total)
{
	uint64_t until = real_now() + ROTA_SEC(500);
	struct proxy p;
	size_t memory;

	proxy_begin(&p, f, low, high);
	memory = f->memory.bytes;
	p.total = total;
	stall(&p);
	while (take(&p, CHUNK + random_below(&p.seed, 8 * CHUNK))) {
		feed(&p);
		turn(f);
		measure(&p);
		if (random_below(&p.seed, 40) == 0)
			stall(&p);
		out_of_time(until, __FILE__, __LINE__);
	}

	assert_int_equal(p.taken, total);
	assert_true(p.pauses > 0);
	assert_int_equal(p.drains, p.pauses);
	/* Above the watermark, but by at most one buffer. */
	assert_in_range(p.most, high + 1, high + ROTA_BUFFER_SIZE);
	assert_true(p.memory <=
		    memory + 2 * (high + ROTA_BUFFER_SIZE) + 300000);
	raw_close(p.source);
	raw_close(p.sink);
	run_to_the_end(f);
	assert_int_equal(p.ends, 2);
	test_free(p.table);
}

static size_t total_of(size_t usual)
{
	return test_is_full() ? (size_t)1 << 30 : usual;
}

/* Bounded by the watermarks, and no byte is lost. */
static void a_proxy_to_a_peer_that_stalls_keeps_to_its_watermarks(void **state)
{
	run_proxy(*state, ROTA_LOW_WATERMARK, ROTA_HIGH_WATERMARK,
		  total_of((size_t)64 << 20));
}

static void a_proxy_with_the_least_watermarks_loses_nothing(void **state)
{
	run_proxy(*state, 0, 0, (size_t)8 << 20);
}

static void a_proxy_with_high_watermarks_loses_nothing(void **state)
{
	run_proxy(*state, 1, (size_t)1 << 20, (size_t)32 << 20);
}

static const struct CMUnitTest tests[] = {
	REAL(a_proxy_to_a_peer_that_stalls_keeps_to_its_watermarks),
	REAL(a_proxy_with_the_least_watermarks_loses_nothing),
	REAL(a_proxy_with_high_watermarks_loses_nothing),
};

FIXTURE_MAIN(tests)
