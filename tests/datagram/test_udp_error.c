/*
 * Errors that the network reports about datagrams which were sent before: once
 * for each, and never as the status of another one.
 */
#include "support/datagrams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"

/* Begin to receive errors, if the system has a queue of them. */
static void need_errors(struct post *post)
{
#ifndef __linux__
	skip_elsewhere("the system has no queue of errors");
#endif
	assert_int_equal(
		rota_datagram_on_error(&post->udp.datagram, post_on_error), 0);
}

/* The error of a datagram to @to, of that text. */
static void assert_refused(const struct post *post, unsigned i,
			   const struct rota_address *to, const char *text)
{
	const struct rota_datagram_error *note = &post->note[i];

	assert_int_equal(note->status, ROTA_ECONNREFUSED);
	assert_int_equal(note->to.size, to->size);
	assert_memory_equal(&note->to.is, &to->is, to->size);
	assert_int_equal(note->from.is.any.sa_family, to->is.any.sa_family);
	assert_int_equal(note->size, strlen(text));
	assert_string_equal(post->noted[i], text);
}

static void a_port_of_nobody_is_reported_with_the_datagram(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		struct rota_address nobody = raw_udp_unused(families[i]);
		struct post post;

		post_open(&post, f, families[i]);
		need_errors(&post);
		post_receive(&post);
		assert_int_equal(letter_try(&post, &nobody, "knock"), 1);
		RUN_UNTIL(f, post.notes == 1);
		assert_refused(&post, 0, &nobody, "knock");
		assert_int_equal(post.note[0].type, i == 0 ? 3 : 1);
		assert_int_equal(post.note[0].code, i == 0 ? 3 : 4);

		assert_in_range(waits_within(f, 10), 1, 4); /* no spin */
		assert_int_equal(post.notes, 1);
		assert_int_equal(post.errors, 0);
		assert_int_equal(post.count, 0);
		post_close(&post);
	}
}

static void an_error_is_not_the_status_of_another_datagram(void **state)
{
	struct fixture *f = *state;
	struct rota_address nobody = raw_udp_unused(AF_INET);
	struct letter letters[6];
	struct post a, b;

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	need_errors(&a);
	post_receive(&b);
	for (int i = 0; i < 6; i++)
		letter_send(&letters[i], &a, i % 2 ? &nobody : &b.address, "x");
	RUN_UNTIL(f, letters[5].calls == 1 && b.count == 3);
	for (int i = 0; i < 6; i++)
		assert_int_equal(letters[i].status, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(letter_try(&a, &nobody, "to nobody"), 1);
		assert_int_equal(letter_try(&a, &b.address, "to b"), 1);
	}
	RUN_UNTIL(f, b.count == 6);
	if (!poller_is(f, "kqueue")) {
		RUN_UNTIL(f, a.notes == 6);
		assert_refused(&a, 0, &nobody, "x");
		assert_refused(&a, 5, &nobody, "to nobody");
	}
	assert_string_equal(b.text, "x x x to b to b to b ");
	assert_in_range(waits_within(f, 10), 1, 4);
	post_close(&a);
	post_close(&b);
}

static void a_batch_to_a_refused_port_is_taken_completely(void **state)
{
	enum { COUNT = 10 };
	struct fixture *f = *state;
	struct rota_address nobody = raw_udp_unused(AF_INET);
	struct rota_outgoing out[COUNT];
	struct post post;

	for (int i = 0; i < COUNT; i++)
		out[i] = to_post(NULL, "x");
	post_open(&post, f, AF_INET);
	assert_int_equal(rota_udp_connect(&post.udp, &nobody), 0);
	need_errors(&post);
	post_receive(&post);
	assert_int_equal(rota_datagram_try_send(&post.udp.datagram, out, COUNT),
			 COUNT);
	RUN_UNTIL(f, post.notes == COUNT);

	assert_refused(&post, COUNT - 1, &nobody, "x");
	assert_int_equal(post.errors, 0);
	assert_in_range(waits_within(f, 10), 1, 4);
	post_close(&post);
}

/* Without on_error, the receiver of a connected socket gets the error. */
static void the_receiver_of_a_connection_gets_the_error(void **state)
{
	struct fixture *f = *state;
	struct rota_address nobody = raw_udp_unused(AF_INET);
	struct post post;

	post_open(&post, f, AF_INET);
	assert_int_equal(rota_udp_connect(&post.udp, &nobody), 0);
	post_receive(&post);
	assert_int_equal(letter_try(&post, NULL, "x"), 1);
	RUN_UNTIL(f, post.errors == 1);
	assert_int_equal(post.error, ROTA_ECONNREFUSED);
	assert_int_equal(rota_handle_is_active(&post.udp.handle), 1);

	/* A send in between does not get it, and does not lose it. */
	assert_int_equal(letter_try(&post, NULL, "x"), 1);
	assert_int_equal(letter_try(&post, NULL, "y"), 1);
	RUN_UNTIL(f, post.errors == 3);
	assert_int_equal(post.error, ROTA_ECONNREFUSED);
	assert_in_range(waits_within(f, 10), 1, 4);
	post_close(&post);
}

static void a_connection_without_a_receiver_does_not_spin(void **state)
{
	struct fixture *f = *state;
	struct rota_address nobody = raw_udp_unused(AF_INET);
	struct letter letter;
	struct post post;

	post_open(&post, f, AF_INET);
	assert_int_equal(rota_udp_connect(&post.udp, &nobody), 0);
	letter_send(&letter, &post, NULL, "x"); /* registers it */
	RUN_UNTIL(f, letter.calls == 1);
	assert_int_equal(letter.status, 0);
	letter_send(&letter, &post, NULL, "x");
	RUN_UNTIL(f, letter.calls == 1);

	assert_int_equal(letter.status, 0);
	assert_in_range(waits_within(f, 10), 1, 4);
	post_close(&post);
}

static void close_at_error(struct rota_datagram *datagram,
			   const struct rota_datagram_error *error)
{
	assert_int_equal(error->status, ROTA_ECONNREFUSED);
	(*(unsigned *)datagram->handle.data)++;
	assert_int_equal(rota_handle_close_now(&datagram->handle), 0);
	memset(datagram, 0x5a, sizeof(*datagram));
}

static void the_error_function_may_close_the_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_address nobody = raw_udp_unused(AF_INET);
	static unsigned calls;
	struct post post;

	calls = 0;

	post_open(&post, f, AF_INET);
	need_errors(&post);
	assert_int_equal(
		rota_datagram_on_error(&post.udp.datagram, close_at_error), 0);
	post.udp.handle.data = &calls;
	post_receive(&post);
	assert_int_equal(letter_try(&post, &nobody, "1"), 1);
	assert_int_equal(letter_try(&post, &nobody, "2"), 1);
	RUN_UNTIL(f, calls > 0);
	turn(f);
	assert_int_equal(calls, 1);
}

static void close_with_errors(struct post *post,
			      const struct rota_received *received,
			      size_t count)
{
	(void)received;
	(void)count;
	assert_int_equal(rota_handle_close_now(&post->udp.handle), 0);
}

/* An event that says input and error, of which the first callback closes. */
static void a_close_at_the_input_drops_the_error(void **state)
{
	struct fixture *f = *state;
	struct rota_address nobody = raw_udp_unused(AF_INET), from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	need_errors(&post);
	post.act = close_with_errors;
	raw_udp_send(fd, &post.address, "x");
	post_receive(&post);
	assert_int_equal(letter_try(&post, &nobody, "1"), 1);
	RUN_UNTIL(f, post.calls == 1);
	turn(f);
	assert_in_range(post.notes, 0, 1);
	close(fd);
}

static void do_nothing(struct rota_timer *timer)
{
	(void)timer;
}

/* Waiting for errors does not keep the loop alive, so something else does. */
static void errors_are_reported_without_receiving(void **state)
{
	struct fixture *f = *state;
	struct rota_timer timer;
	struct rota_address nobody = raw_udp_unused(AF_INET);
	struct post post;

	if (poller_is(f, "kqueue"))
		skip_test("kqueue has no event for this");
	post_open(&post, f, AF_INET);
	need_errors(&post);
	assert_int_equal(rota_loop_alive(f->loop), 0);
	rota_timer_init(&timer, f->loop);
	assert_int_equal(rota_timer_start(&timer, do_nothing, ROTA_SEC(3600)),
			 0);
	for (unsigned i = 1; i <= 3; i++) { /* more than once */
		assert_int_equal(letter_try(&post, &nobody, "x"), 1);
		RUN_UNTIL(f, post.notes == i);
	}
	assert_in_range(waits_within(f, 10), 1, 4);

	assert_int_equal(rota_datagram_on_error(&post.udp.datagram, NULL), 0);
	assert_int_equal(letter_try(&post, &nobody, "x"), 1);
	assert_in_range(waits_within(f, 10), 1, 4);
	assert_int_equal(post.notes, 3);
	rota_timer_stop(&timer);
	post_close(&post);
}

/* A program may have asked for a queue by itself. */
static void a_queue_of_errors_that_nobody_reads_does_not_spin(void **state)
{
#ifdef __linux__
	struct fixture *f = *state;
	struct rota_address nobody = raw_udp_unused(AF_INET), own;
	struct post post;
	int fd = raw_udp(AF_INET, &own);
	int on = 1;

	memset(&post, 0, sizeof(post));
	post.f = f;
	assert_int_equal(setsockopt(fd, IPPROTO_IP, 11 /* IP_RECVERR */, &on,
				    sizeof(on)),
			 0);
	assert_int_equal(rota_udp_open(&post.udp, f->loop, fd), 0);
	post_receive(&post);
	assert_int_equal(letter_try(&post, &nobody, "x"), 1);
	assert_int_equal(letter_try(&post, &nobody, "x"), 1);
	turn(f);

	assert_in_range(waits_within(f, 10), 1, 4);
	post_close(&post);
#else
	(void)state;
	skip_elsewhere("the system has no queue of errors");
#endif
}

/* A program that sends again whenever it gets an error. */
struct stubborn {
	struct post post;
	struct rota_address nobody;
	unsigned left; /* how often */
	unsigned errors;
};

static void knock_again(struct stubborn *stubborn,
			const struct rota_address *to)
{
	stubborn->errors++;
	if (stubborn->left > 0) {
		stubborn->left--;
		assert_int_equal(letter_try(&stubborn->post, to, "again"), 1);
	}
}

static void knock_at_error(struct rota_datagram *datagram,
			   const struct rota_datagram_error *error)
{
	struct stubborn *stubborn = datagram->handle.data;

	assert_int_equal(error->status, ROTA_ECONNREFUSED);
	knock_again(stubborn, &stubborn->nobody);
}

static void knock_at_status(struct rota_datagram *datagram, int status,
			    const struct rota_received *received, size_t count)
{
	if (status == 0) {
		post_on_receive(datagram, status, received, count);
		return;
	}
	assert_int_equal(status, ROTA_ECONNREFUSED);
	knock_again(datagram->handle.data, NULL);
}

static void a_program_that_sends_at_each_error_keeps_receiving(void **state)
{
	enum { COUNT = 3000 };
	struct fixture *f = *state;
	struct rota_address from;
	static struct stubborn stubborn;
	struct post *post = &stubborn.post;
	int fd = raw_udp(AF_INET, &from);

	post_open(post, f, AF_INET);
	need_errors(post);
	stubborn.nobody = raw_udp_unused(AF_INET);
	stubborn.left = COUNT;
	stubborn.errors = 0;
	post->udp.handle.data = &stubborn;
	assert_int_equal(
		rota_datagram_on_error(&post->udp.datagram, knock_at_error), 0);
	post_receive(post);
	assert_int_equal(letter_try(post, &stubborn.nobody, "x"), 1);
	RUN_UNTIL(f, stubborn.errors == COUNT + 1);
	assert_int_equal(rota_handle_is_active(&post->udp.handle), 1);
	raw_udp_send(fd, &post->address, "y");
	RUN_UNTIL(f, post->count == 1);
	assert_int_equal(post->errors, 0);
	post_close(post);
	close(fd);
}

/* The same with the errors of a connection. */
static void a_connection_that_sends_at_each_error_keeps_receiving(void **state)
{
	enum { COUNT = 100 };
	struct fixture *f = *state;
	static struct stubborn stubborn;
	struct post *post = &stubborn.post;

	post_open(post, f, AF_INET);
	stubborn.nobody = raw_udp_unused(AF_INET);
	stubborn.left = COUNT;
	stubborn.errors = 0;
	post->udp.handle.data = &stubborn;
	assert_int_equal(rota_udp_connect(&post->udp, &stubborn.nobody), 0);
	assert_int_equal(rota_datagram_receive_start(&post->udp.datagram,
						     knock_at_status),
			 0);
	assert_int_equal(letter_try(post, NULL, "x"), 1);
	RUN_UNTIL(f, stubborn.errors > 0);
	assert_in_range(stubborn.errors, 1, 16); /* of one event */
	RUN_UNTIL(f, stubborn.errors == COUNT + 1);

	assert_int_equal(rota_handle_is_active(&post->udp.handle), 1);
	post_close(post);
}

static void on_error_may_fail(void **state)
{
	struct fixture *f = *state;
	struct rota_udp udp;
	struct post post;

	assert_int_equal(rota_udp_init(&udp, f->loop), 0);
	assert_int_equal(rota_datagram_on_error(&udp.datagram, post_on_error),
			 ROTA_EBADF);
	assert_int_equal(rota_handle_close_now(&udp.handle), 0);
	post_open(&post, f, AF_INET);
	fault_fail("setsockopt", 1, ENOMEM);
	if (rota_datagram_on_error(&post.udp.datagram, post_on_error) != 0)
		assert_int_equal(fault_clear(), 1);
	fault_clear();
	assert_int_equal(rota_handle_close(&post.udp.handle, NULL), 0);
	assert_int_equal(
		rota_datagram_on_error(&post.udp.datagram, post_on_error),
		ROTA_EINVAL);
	turn(f);
}

static const struct CMUnitTest tests[] = {
	REAL(a_port_of_nobody_is_reported_with_the_datagram),
	REAL(an_error_is_not_the_status_of_another_datagram),
	REAL(a_batch_to_a_refused_port_is_taken_completely),
	REAL(the_receiver_of_a_connection_gets_the_error),
	REAL(a_connection_without_a_receiver_does_not_spin),
	REAL(the_error_function_may_close_the_socket),
	REAL(a_close_at_the_input_drops_the_error),
	REAL(errors_are_reported_without_receiving),
	REAL(a_queue_of_errors_that_nobody_reads_does_not_spin),
	REAL(a_program_that_sends_at_each_error_keeps_receiving),
	REAL(a_connection_that_sends_at_each_error_keeps_receiving),
	REAL(on_error_may_fail),
};
FIXTURE_MAIN(tests)
