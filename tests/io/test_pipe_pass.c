/*
 * Passing descriptors over a Unix socket: rota_pipe_write(),
 * rota_pipe_accept_descriptors() and rota_pipe_take_descriptors().
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/pipes.h"
#include "support/streams_more.h"

/* Descriptors to pass, which can be told apart. */
enum { POOL = 8 };

struct pool {
	int fds[POOL];
	int others[POOL];
};

static void pool_open(struct pool *pool)
{
	for (unsigned i = 0; i < POOL; i++) {
		int fds[2];

		make_pipe(fds);
		pool->fds[i] = fds[0];
		pool->others[i] = fds[1];
	}
}

static void pool_close(struct pool *pool)
{
	for (unsigned i = 0; i < POOL; i++) {
		raw_close(pool->fds[i]);
		raw_close(pool->others[i]);
	}
}

/* The peer passes the @count descriptors from @first with @text. */
static void peer_passes(struct pipe_end *e, struct pool *pool, unsigned first,
			unsigned count, const char *text)
{
	assert_int_equal(
		raw_pass(e->peer, text, strlen(text), pool->fds + first, count),
		strlen(text));
}

/* Take one, which must be @expected of the pool. */
static void take_expected(struct pipe_end *e, struct pool *pool,
			  unsigned expected)
{
	int fd = -1;

	assert_int_equal(rota_pipe_take_descriptors(&e->pipe, &fd, 1), 1);
	assert_true(is_same_file(fd, pool->fds[expected]));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	raw_close(fd);
}

static void take_nothing(struct pipe_end *e)
{
	int fd = -1;

	assert_int_equal(rota_pipe_take_descriptors(&e->pipe, &fd, 1), 0);
	assert_int_equal(rota_pipe_descriptors(&e->pipe), 0);
}

static void an_array_arrives_before_its_bytes(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct pool pool;
	int fds[4];

	pool_open(&pool);
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 8), 0);
	take_nothing(&e);
	pipe_read(&e);
	peer_passes(&e, &pool, 0, 3, "three");
	RUN_UNTIL(f, e.size == 5);

	assert_int_equal(rota_pipe_descriptors(&e.pipe), 3);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, 2), 2);
	assert_true(is_same_file(fds[0], pool.fds[0]));
	assert_true(is_same_file(fds[1], pool.fds[1]));
	raw_close(fds[0]);
	raw_close(fds[1]);
	take_expected(&e, &pool, 2);
	take_nothing(&e);
	pipe_end_close(&e);
	pool_close(&pool);
}

/* In each callback there is what belongs to its bytes, and no more. */
struct steps {
	struct pool *pool;
	unsigned step;
};

static void take_step(struct pipe_end *e, int status,
		      const struct rota_buf *buf)
{
	struct steps *steps = e->arg;

	(void)buf;
	assert_int_equal(status, 0);
	if (steps->step == 0)
		take_expected(e, steps->pool, 0);
	else if (steps->step == 1)
		take_expected(e, steps->pool, 1);
	take_nothing(e);
	steps->step++;
}

static void a_read_does_not_go_beyond_a_message(void **state)
{
	struct fixture *f = *state;
	struct steps steps = { .step = 0 };
	struct pipe_end e;
	struct pool pool;

	pool_open(&pool);
	steps.pool = &pool;
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 8), 0);
	e.act = take_step;
	e.arg = &steps;
	raw_put(e.peer, "plain ");
	peer_passes(&e, &pool, 0, 1, "first ");
	raw_put(e.peer, "plain ");
	peer_passes(&e, &pool, 1, 1, "second ");
	raw_put(e.peer, "rest");
	pipe_read(&e);
	RUN_UNTIL(f, e.size == 29);
	assert_string_equal(e.text, "plain first plain second rest");
	assert_true(steps.step >= 3);
	pipe_end_close(&e);
	pool_close(&pool);
}

static void a_read_request_gets_them_with_its_bytes(void **state)
{
	struct fixture *f = *state;
	struct rota_read read = { .request.data = "read" };
	struct pipe_end e;
	struct pool pool;
	char text[16];

	pool_open(&pool);
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 8), 0);
	peer_passes(&e, &pool, 0, 2, "header and body");
	assert_int_equal(rota_stream_read(&read, &e.pipe.stream,
					  (struct rota_buf){ text, 6 }, 6,
					  note_read_done),
			 0);
	RUN_UNTIL(f, !rota_request_is_active(&read.request));
	assert_string_equal(journal_take(), "poll: read=6");
	assert_int_equal(rota_pipe_descriptors(&e.pipe), 2);
	assert_int_equal(rota_stream_read(&read, &e.pipe.stream,
					  (struct rota_buf){ text + 6, 9 }, 9,
					  note_read_done),
			 0);
	RUN_UNTIL(f, !rota_request_is_active(&read.request));
	assert_string_equal(journal_take(), "poll: read=9");
	assert_memory_equal(text, "header and body", 15);
	take_expected(&e, &pool, 0);
	take_expected(&e, &pool, 1);
	pipe_end_close(&e);
	pool_close(&pool);
}

/* Off by default. */
static void what_nobody_asked_for_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct pool pool;
	int before;

	pool_open(&pool);
	pipe_end_open(&e, f);
	pipe_read(&e);
	turn(f);
	before = count_descriptors();
	fault_count_reset();
	for (unsigned i = 0; i < 100; i++) {
		peer_passes(&e, &pool, i % 4, 4, "x");
		raw_put(e.peer, "y");
	}
	RUN_UNTIL(f, e.size == 200);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(fault_count("recvmsg"), 0);
	take_nothing(&e);
	pipe_end_close(&e);
	pool_close(&pool);
}

static void what_is_not_taken_is_closed(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct pool pool;
	int before;

	pool_open(&pool);
	before = count_descriptors();
	for (unsigned i = 0; i < 3; i++) {
		pipe_end_open(&e, f);
		assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 8), 0);
		pipe_read(&e);
		peer_passes(&e, &pool, 0, 4, "x");
		RUN_UNTIL(f, e.size == 1);
		assert_int_equal(rota_pipe_descriptors(&e.pipe), 4);
		if (i == 0)
			pipe_end_close(&e);
		if (i == 1)
			assert_int_equal(
				rota_handle_close(&e.pipe.handle, NULL), 0);
		if (i == 2)
			assert_int_equal(
				rota_pipe_accept_descriptors(&e.pipe, 0), 0);
		assert_int_equal(rota_pipe_descriptors(&e.pipe), 0);
		pipe_end_close(&e);
		run_to_the_end(f);
		assert_int_equal(count_descriptors(), before);
	}
	pool_close(&pool);
}

/* The peer sends 10,000, and the program takes none. */
static void too_many_are_closed_and_told_once(void **state)
{
	enum { EACH = 250, MESSAGES = 40, KEPT = 16 };
	struct fixture *f = *state;
	struct pipe_end e;
	struct pool pool;
	int many[EACH], fds[KEPT + 4];
	int before;

	pool_open(&pool);
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, KEPT), 0);
	pipe_read(&e);
	for (unsigned i = 0; i < EACH; i++)
		many[i] = pool.fds[i % POOL];
	turn(f);
	before = count_descriptors();
	for (unsigned i = 0; i < MESSAGES; i++) {
		assert_int_equal(raw_pass(e.peer, "x", 1, many, EACH), 1);
		RUN_UNTIL(f, e.size == i + 1);
		assert_int_equal(count_descriptors(), before + KEPT);
	}
	assert_int_equal(rota_pipe_descriptors(&e.pipe), KEPT);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, KEPT + 4),
			 KEPT);
	for (unsigned i = 0; i < KEPT; i++) {
		assert_true(is_same_file(fds[i], pool.fds[i % POOL]));
		raw_close(fds[i]);
	}
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, 1),
			 ROTA_ENOBUFS);
	take_nothing(&e);
	/* And then there is room again. */
	peer_passes(&e, &pool, 5, 1, "x");
	RUN_UNTIL(f, e.size == MESSAGES + 1);
	take_expected(&e, &pool, 5);
	assert_int_equal(e.ends, 0);
	pipe_end_close(&e);
	pool_close(&pool);
}

static void an_error_has_its_place(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct pool pool;
	int fds[4];

	pool_open(&pool);
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 2), 0);
	pipe_read(&e);
	peer_passes(&e, &pool, 0, 3, "x"); /* the third is lost */
	RUN_UNTIL(f, e.size == 1);
	take_expected(&e, &pool, 0);
	peer_passes(&e, &pool, 3, 1, "x"); /* behind it: no entry is left */
	RUN_UNTIL(f, e.size == 2);
	assert_int_equal(rota_pipe_descriptors(&e.pipe), 1);

	/* More may be kept now. What waits stays. */
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 8), 0);
	peer_passes(&e, &pool, 4, 2, "x");
	RUN_UNTIL(f, e.size == 3);
	assert_int_equal(rota_pipe_descriptors(&e.pipe), 3);
	/* Fewer than wait cannot be kept; as many can. */
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 2), ROTA_EINVAL);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 3), 0);
	take_expected(&e, &pool, 1);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, 4),
			 ROTA_ENOBUFS);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, 4), 2);
	assert_true(is_same_file(fds[0], pool.fds[4]));
	assert_true(is_same_file(fds[1], pool.fds[5]));
	raw_close(fds[0]);
	raw_close(fds[1]);
	take_nothing(&e);
	pipe_end_close(&e);
	pool_close(&pool);
}

/* The process has no number left: some arrive, then it is told, and the bytes
 * go on. */
static void a_shortage_is_told_at_its_place(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct pool pool;
	int fds[8];

	need_few_open();
	pool_open(&pool);
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 8), 0);
	pipe_read(&e);
	turn(f);
	peer_passes(&e, &pool, 0, 6, "x");
	raw_put(e.peer, "yz");
	starve();
	starve_less(2);
	RUN_UNTIL(f, e.size == 3);
	starve_no_more();
	assert_int_equal(e.ends, 0);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, 8), 2);
	assert_true(is_same_file(fds[0], pool.fds[0]));
	assert_true(is_same_file(fds[1], pool.fds[1]));
	raw_close(fds[0]);
	raw_close(fds[1]);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, 8),
			 ROTA_EMFILE);
	take_nothing(&e);
	peer_passes(&e, &pool, 7, 1, "x");
	RUN_UNTIL(f, e.size == 4);
	take_expected(&e, &pool, 7);
	pipe_end_close(&e);
	pool_close(&pool);
}

static void an_ending_pipe_discards_them(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct pool pool;
	int before;

	pool_open(&pool);
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 8), 0);
	assert_int_equal(rota_stream_end(&e.pipe.stream, NULL), 0);
	turn(f);
	before = count_descriptors();
	peer_passes(&e, &pool, 0, 4, "x");
	turn(f);
	turn(f);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(rota_pipe_descriptors(&e.pipe), 0);
	pipe_peer_close(&e);
	run_to_the_end(f);
	pool_close(&pool);
}

/* Writing. */

static void a_write_passes_an_array(void **state)
{
	struct fixture *f = *state;
	struct rota_pass pass = { .write.request.data = "pass" };
	struct rota_const_buf bufs[2] = { rota_bytes("", 0),
					  rota_bytes("text", 4) };
	struct pipe_end e;
	struct pool pool;
	size_t count = 8;
	char text[8];
	int fds[8];

	pool_open(&pool);
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_write(&pass, &e.pipe, bufs, 2, pool.fds, 5,
					 note_write),
			 0);
	assert_string_equal(journal_take(), ""); /* O7 */
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: pass=0");
	assert_int_equal(raw_take(e.peer, text, 8, fds, &count), 4);
	assert_int_equal(count, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(is_same_file(fds[i], pool.fds[i]));
		raw_close(fds[i]);
	}
	pipe_end_close(&e);
	pool_close(&pool);
}

static void bad_arguments_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_pass pass;
	struct rota_const_buf buf = rota_bytes("x", 1);
	struct rota_const_buf none = rota_bytes("", 0);
	struct rota_pipe fresh;
	struct pipe_end e;
	int fds[2] = { 0, -1 };
	static int many[ROTA_PIPE_PASSED + 1];

	memset(&pass, 0, sizeof(pass));
	pipe_end_open(&e, f);
#define PASS(bufs, n, fds, nfds, fn)                                           \
	rota_pipe_write(&pass, &e.pipe, bufs, n, fds, nfds, fn)
	assert_int_equal(PASS(&none, 1, fds, 1, note_write), ROTA_EINVAL);
	assert_int_equal(PASS(&buf, 0, fds, 1, note_write), ROTA_EINVAL);
	assert_int_equal(PASS(NULL, 1, fds, 1, note_write), ROTA_EINVAL);
	assert_int_equal(PASS(&buf, 1, fds, 1, NULL), ROTA_EINVAL);
	assert_int_equal(PASS(&buf, 1, NULL, 1, note_write), ROTA_EINVAL);
	assert_int_equal(PASS(&buf, 1, fds, 0, note_write), ROTA_EINVAL);
	assert_int_equal(PASS(&buf, 1, many, ROTA_PIPE_PASSED + 1, note_write),
			 ROTA_EINVAL);
	assert_int_equal(PASS(&buf, 1, fds, 2, note_write), ROTA_EBADF);
#undef PASS
	assert_false(rota_request_is_active(&pass.write.request));
	assert_int_equal(
		rota_pipe_accept_descriptors(&e.pipe, ROTA_PIPE_WAITING + 1),
		ROTA_EINVAL);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, NULL, 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, 0),
			 ROTA_EINVAL);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 4), ROTA_ENOMEM);
	f->memory.fail_at = 0;
	assert_int_equal(
		rota_pipe_accept_descriptors(&e.pipe, ROTA_PIPE_WAITING), 0);
	pipe_end_close(&e);
	assert_int_equal(rota_pipe_take_descriptors(&e.pipe, fds, 1),
			 ROTA_EINVAL);

	pipe_end_writer(&e, f);
	assert_int_equal(
		rota_pipe_write(&pass, &e.pipe, &buf, 1, fds, 1, note_write),
		ROTA_ENOTSUP);
	pipe_end_close(&e);
	assert_int_equal(rota_pipe_init(&fresh, f->loop), 0);
	assert_int_equal(
		rota_pipe_write(&pass, &fresh, &buf, 1, fds, 1, note_write),
		ROTA_ENOTCONN);
	assert_int_equal(rota_handle_close_now(&fresh.handle), 0);
}

/* The most that one message can pass. */
static void a_full_array_is_passed(void **state)
{
	struct fixture *f = *state;
	struct rota_pass pass = { .write.request.data = "pass" };
	struct rota_const_buf buf = rota_bytes("x", 1);
	struct pipe_end a = { .peer = -1 }, b = { .peer = -1 };
	static int many[ROTA_PIPE_PASSED], got[ROTA_PIPE_PASSED];
	struct pool pool;

	pool_open(&pool);
	for (unsigned i = 0; i < ROTA_PIPE_PASSED; i++)
		many[i] = pool.fds[i % POOL];
	assert_int_equal(rota_pipe_pair(&a.pipe, &b.pipe, f->loop), 0);
	assert_int_equal(rota_pipe_accept_descriptors(&b.pipe, 300), 0);
	pipe_read(&b);
	assert_int_equal(rota_pipe_write(&pass, &a.pipe, &buf, 1, many,
					 ROTA_PIPE_PASSED, note_write),
			 0);
	RUN_UNTIL(f, b.size == 1);
	assert_int_equal(rota_pipe_take_descriptors(&b.pipe, got, 300),
			 ROTA_PIPE_PASSED);
	for (unsigned i = 0; i < ROTA_PIPE_PASSED; i++) {
		assert_true(is_same_file(got[i], pool.fds[i % POOL]));
		raw_close(got[i]);
	}
	journal_take();
	pipe_end_close(&a);
	pipe_end_close(&b);
	pool_close(&pool);
}

/* Behind queued output, and in order with it. */
static void descriptors_wait_their_turn(void **state)
{
	enum { MUCH = 1 << 20 };
	static char much[MUCH];
	struct fixture *f = *state;
	struct rota_pass first = { .write.request.data = "first" };
	struct rota_pass second = { .write.request.data = "second" };
	struct rota_const_buf one = rota_bytes("1", 1);
	struct rota_const_buf big = rota_bytes(much, MUCH);
	struct pipe_end e;
	struct pool pool;
	size_t total = 0, seen = 0, count;
	int fds[8];

	pool_open(&pool);
	pipe_end_open(&e, f);
	memset(much, '.', MUCH);
	assert_true(rota_stream_send(&e.pipe.stream, much, MUCH) >= 0);
	assert_int_equal(rota_pipe_write(&first, &e.pipe, &one, 1, pool.fds, 1,
					 note_write),
			 0);
	assert_true(rota_stream_send(&e.pipe.stream, "2", 1) >= 0);
	assert_int_equal(rota_pipe_write(&second, &e.pipe, &big, 1,
					 pool.fds + 1, 2, note_write),
			 0);
	while (total < 2 * MUCH + 2) {
		static char data[65536];
		ptrdiff_t n;

		turn(f);
		count = 8;
		n = raw_take(e.peer, data, 1000, fds, &count);
		if (n <= 0)
			continue;
		if (count > 0) {
			assert_int_equal(count, seen == 0 ? 1 : 2);
			assert_true(is_same_file(fds[0],
						 pool.fds[seen == 0 ? 0 : 1]));
			if (seen == 0)
				assert_true(total <= MUCH &&
					    total + (size_t)n > MUCH);
			else
				assert_true(total <= MUCH + 2 &&
					    total + (size_t)n > MUCH + 2);
			for (size_t i = 0; i < count; i++)
				raw_close(fds[i]);
			seen++;
		}
		total += (size_t)n;
	}
	assert_int_equal(seen, 2);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: first=0 second=0");
	pipe_end_close(&e);
	pool_close(&pool);
}

/* A write that is cancelled before it has begun takes its descriptors along. */
static void a_cancelled_write_passes_nothing(void **state)
{
	enum { MUCH = 1 << 20 };
	static char much[MUCH];
	struct fixture *f = *state;
	struct rota_pass pass = { .write.request.data = "pass" };
	struct rota_const_buf one = rota_bytes("1", 1);
	struct pipe_end e;
	struct pool pool;
	int before;

	pool_open(&pool);
	before = count_descriptors();
	pipe_end_open(&e, f);
	assert_true(rota_stream_send(&e.pipe.stream, much, MUCH) >= 0);
	assert_int_equal(rota_pipe_write(&pass, &e.pipe, &one, 1, pool.fds, 1,
					 note_write),
			 0);
	assert_int_equal(rota_request_cancel(&pass.write.request), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: pass=ECANCELED");
	assert_int_equal(rota_pipe_write(&pass, &e.pipe, &one, 1, pool.fds, 1,
					 note_write),
			 0);
	assert_int_equal(rota_handle_close(&e.pipe.handle, NULL), 0);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "closing: pass=ECANCELED");
	pipe_end_close(&e);
	assert_int_equal(count_descriptors(), before);
	pool_close(&pool);
}

/* F3 */
static void errors_of_the_system_are_told(void **state)
{
	struct fixture *f = *state;
	struct rota_pass pass = { .write.request.data = "pass" };
	struct rota_const_buf one = rota_bytes("1", 1);
	struct pipe_end e;
	struct pool pool;
	size_t count = 8;
	char text[4];
	int fds[8];

	pool_open(&pool);
	pipe_end_open(&e, f);
	fault_fail("sendmsg", 1, EINTR);
	assert_int_equal(rota_pipe_write(&pass, &e.pipe, &one, 1, pool.fds, 1,
					 note_write),
			 0);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(raw_take(e.peer, text, 4, fds, &count), 1);
	assert_int_equal(count, 1);
	raw_close(fds[0]);
	turn(f);
	assert_string_equal(journal_take(), "pending: pass=0");

	/* Refused for now, and then as a whole. */
	fault_fail("sendmsg", 1, EAGAIN);
	assert_int_equal(rota_pipe_write(&pass, &e.pipe, &one, 1, pool.fds, 1,
					 note_write),
			 0);
	assert_int_equal(fault_clear(), 1);
	run_to_the_end(f);
	assert_string_equal(journal_take(), "pending: pass=0");
	count = 8;
	assert_int_equal(raw_take(e.peer, text, 4, fds, &count), 1);
	assert_int_equal(count, 1);
	raw_close(fds[0]);

	fault_fail("sendmsg", 1, ETOOMANYREFS);
	assert_int_equal(rota_pipe_write(&pass, &e.pipe, &one, 1, pool.fds, 1,
					 note_write),
			 0);
	assert_int_equal(fault_clear(), 1);
	turn(f);
	assert_string_equal(journal_take(), "pending: pass=ETOOMANYREFS");
	assert_int_equal(rota_stream_send(&e.pipe.stream, "x", 1), ROTA_EPIPE);
	pipe_end_close(&e);

	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 4), 0);
	pipe_read(&e);
	peer_passes(&e, &pool, 0, 1, "x");
	fault_fail("recvmsg", 1, EINTR);
	RUN_UNTIL(f, e.size == 1);
	assert_int_equal(fault_clear(), 1);
	take_expected(&e, &pool, 0);
	peer_passes(&e, &pool, 0, 1, "x");
	fault_fail("recvmsg", 1, ENOMEM);
	RUN_UNTIL(f, e.ends == 1);
	fault_clear();
	assert_int_equal(e.status, ROTA_ENOMEM);
	pipe_end_close(&e);
	pool_close(&pool);
}

/* The other one of the pair, while it is connecting. */
static void it_can_be_set_before_the_connection(void **state)
{
	struct fixture *f = *state;
	struct rota_connect connect = { .request.data = "connect" };
	struct pipe_place place;
	struct pipe_end e = { .peer = -1 };
	struct pool pool;
	int listener, filler[4], fd;
	unsigned fillers = 0;

	pool_open(&pool);
	pipe_place_begin(&place);
	listener = raw_unix_listen(place.path, 0);
	while ((fd = raw_unix_connect(place.path)) != -1)
		filler[fillers++] = fd;
	assert_int_equal(rota_pipe_init(&e.pipe, f->loop), 0);
	assert_int_equal(rota_pipe_connect(&connect, &e.pipe, place.path,
					   strlen(place.path), note_connect),
			 0);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 4), 0);
	while (fillers > 0) {
		raw_close(raw_try_accept(listener));
		raw_close(filler[--fillers]);
	}
	RUN_UNTIL(f, (e.peer = raw_try_accept(listener)) != -1);
	RUN_UNTIL(f, !rota_request_is_active(&connect.request));
	assert_string_equal(journal_take(), "pending: connect=0");
	pipe_read(&e);
	peer_passes(&e, &pool, 3, 1, "x");
	RUN_UNTIL(f, e.size == 1);
	take_expected(&e, &pool, 3);
	pipe_end_close(&e);
	raw_close(listener);
	unlink(place.path);
	pipe_place_end(&place);
	pool_close(&pool);
}

/* F2: a callback forks. What has arrived is the parent's and the child's
 * alike, and each closes its own. */
static void fork_in_callback(struct pipe_end *e, int status,
			     const struct rota_buf *buf)
{
	struct rota_loop *loop = rota_handle_loop(&e->pipe.handle);
	pid_t child;
	int fd;

	(void)buf;
	assert_int_equal(status, 0);
	child = child_fork();
	if (child == 0) {
		EXPECT(rota_pipe_take_descriptors(&e->pipe, &fd, 1) ==
		       ROTA_ECHILD);
		EXPECT(rota_loop_fork(loop) == 0);
		EXPECT(rota_pipe_take_descriptors(&e->pipe, &fd, 1) == 1);
		EXPECT(fcntl(fd, F_GETFD) != -1);
		close(fd);
		EXPECT(rota_handle_close_now(&e->pipe.handle) == 0);
		child_ends();
	}
	expect_success(child);
}

static void a_callback_that_forks_keeps_them(void **state)
{
	struct fixture *f = *state;
	struct pipe_end e;
	struct pool pool;

	pool_open(&pool);
	pipe_end_open(&e, f);
	assert_int_equal(rota_pipe_accept_descriptors(&e.pipe, 8), 0);
	pipe_read(&e);
	e.act = fork_in_callback;
	peer_passes(&e, &pool, 0, 2, "x");
	RUN_UNTIL(f, e.size == 1);
	take_expected(&e, &pool, 0);
	take_expected(&e, &pool, 1);
	pipe_end_close(&e);
	pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
	REAL(an_array_arrives_before_its_bytes),
	REAL(a_read_does_not_go_beyond_a_message),
	REAL(a_read_request_gets_them_with_its_bytes),
	REAL(what_nobody_asked_for_is_dropped),
	REAL(what_is_not_taken_is_closed),
	REAL(too_many_are_closed_and_told_once),
	REAL(an_error_has_its_place),
	IN_REAL_SHORTAGE(a_shortage_is_told_at_its_place),
	REAL(an_ending_pipe_discards_them),
	REAL(a_write_passes_an_array),
	REAL(bad_arguments_are_refused),
	REAL(a_full_array_is_passed),
	REAL(descriptors_wait_their_turn),
	REAL(a_cancelled_write_passes_nothing),
	REAL(errors_of_the_system_are_told),
	REAL(it_can_be_set_before_the_connection),
	REAL(a_callback_that_forks_keeps_them),
};
FIXTURE_MAIN(tests)
