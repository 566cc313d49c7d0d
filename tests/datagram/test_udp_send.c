/*
 * Sending: requests, batches that go at once, and what may be wrong.
 */
#include "support/datagrams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"

static void a_request_ends_in_the_pending_phase(void **state)
{
	struct fixture *f = *state;
	struct letter letter;
	struct post a, b;

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	post_receive(&b);
	letter_send(&letter, &a, &b.address, "hello");
	assert_int_equal(rota_datagram_queue_count(&a.udp.datagram), 1);
	assert_int_equal(rota_datagram_queue_size(&a.udp.datagram), 5);
	assert_int_equal(rota_loop_alive(f->loop), 1);
	RUN_UNTIL(f, b.count == 1 && letter.calls == 1);

	assert_string_equal(b.text, "hello ");
	assert_int_equal(letter.status, 0);
	assert_int_equal(letter.phase, ROTA_PHASE_PENDING);
	assert_int_equal(rota_datagram_queue_count(&a.udp.datagram), 0);
	assert_int_equal(rota_datagram_queue_size(&a.udp.datagram), 0);
	post_close(&a);
	post_close(&b);
}

struct answers {
	struct letter letters[8];
	unsigned sent;
	unsigned calls; /* sendmmsg(2), at the end of the callback */
};

static void answer_each(struct post *post, const struct rota_received *received,
			size_t count)
{
	struct answers *answers = post->arg;

	fault_count_reset();
	for (size_t i = 0; i < count && answers->sent < 8; i++)
		letter_send(&answers->letters[answers->sent++], post,
			    &received[i].from, "answer");
	answers->calls = fault_count("sendmmsg") + fault_count("sendmsg");
}

static void requests_of_one_callback_leave_in_one_call_at_its_end(void **state)
{
	struct fixture *f = *state;
	struct answers answers = { .sent = 0 };
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	post.act = answer_each;
	post.arg = &answers;
	for (int i = 0; i < 8; i++)
		raw_udp_send(fd, &post.address, "x");
	post_receive(&post);
	RUN_UNTIL(f, answers.sent == 8);
	assert_int_equal(answers.calls, 0); /* not yet */
	assert_in_range(fault_count("sendmmsg"), 0, 1);
	RUN_UNTIL(f, answers.letters[7].calls == 1);

	for (int i = 0; i < 8; i++) {
		char byte[8];

		assert_int_equal(raw_udp_take(fd, byte, sizeof(byte), NULL), 6);
		assert_int_equal(answers.letters[i].status, 0);
	}
	post_close(&post);
	close(fd);
}

static void each_request_gets_its_own_status(void **state)
{
	static char much[70000];
	struct fixture *f = *state;
	struct rota_outgoing out = { .data = much, .size = sizeof(much) };
	struct letter first, second, third;
	struct post a, b;

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	post_receive(&b);
	letter_send(&first, &a, &b.address, "1");
	letter_send(&second, &a, &b.address, "2");
	second.send.internal.out.data = much; /* as if the caller had */
	second.send.internal.out.size = sizeof(much);
	letter_send(&third, &a, &b.address, "3");
	RUN_UNTIL(f, third.calls == 1 && b.count == 2);

	assert_int_equal(first.status, 0);
	assert_int_equal(second.status, ROTA_EMSGSIZE);
	assert_int_equal(third.status, 0);
	assert_string_equal(b.text, "1 3 ");
	out.to = &b.address;
	assert_int_equal(rota_datagram_try_send(&a.udp.datagram, &out, 1),
			 ROTA_EMSGSIZE);
	post_close(&a);
	post_close(&b);
}

/* More than a batch of the kernel, and one that is wrong in the middle. */
static void a_batch_of_any_size_is_sent_once_and_in_order(void **state)
{
	enum { COUNT = 1500 };
	struct fixture *f = *state;
	struct rota_outgoing *out = calloc(COUNT, sizeof(*out));
	uint32_t *numbers = calloc(COUNT, sizeof(*numbers));
	struct rota_address to;
	struct post post;
	int fd = raw_udp(AF_INET, &to);
	int size = 8 << 20;
	uint32_t next = 0, got;

	assert_non_null(out);
	assert_non_null(numbers);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	post_open(&post, f, AF_INET);
	for (uint32_t i = 0; i < COUNT; i++) {
		numbers[i] = i;
		out[i] = (struct rota_outgoing){ .data = &numbers[i],
						 .size = 4,
						 .to = &to };
	}
	for (size_t done = 0; done < COUNT;) {
		/* What a receiver's buffer holds by default. */
		size_t some = COUNT - done < 150 ? COUNT - done : 150;
		int n = rota_datagram_try_send(&post.udp.datagram, out + done,
					       some);

		assert_in_range(n, 1, some);
		done += (size_t)n;
		for (; n > 0; n--, next++) {
			assert_int_equal(
				raw_udp_take(fd, (char *)&got, 4, NULL), 4);
			assert_int_equal(got, next);
		}
	}
	assert_int_equal(next, COUNT);

	out[100].data = NULL; /* wrong: those before it go */
	assert_int_equal(rota_datagram_try_send(&post.udp.datagram, out, COUNT),
			 100);
	assert_int_equal(
		rota_datagram_try_send(&post.udp.datagram, out + 100, 1),
		ROTA_EINVAL);
	free(out);
	free(numbers);
	post_close(&post);
	close(fd);
}

static void a_datagram_may_consist_of_buffers(void **state)
{
	struct fixture *f = *state;
	struct rota_const_buf bufs[ROTA_DATAGRAM_BUFS + 1];
	struct rota_outgoing out[3];
	struct rota_address to;
	struct post post;
	int fd = raw_udp(AF_INET, &to);
	char got[256];

	for (size_t i = 0; i <= ROTA_DATAGRAM_BUFS; i++)
		bufs[i] = rota_bytes("ab", 2);
	for (size_t i = 0; i < 3; i++) /* more buffers than a batch has */
		out[i] = (struct rota_outgoing){ .bufs = bufs,
						 .count = ROTA_DATAGRAM_BUFS,
						 .to = &to };
	post_open(&post, f, AF_INET);
	assert_int_equal(rota_datagram_try_send(&post.udp.datagram, out, 3), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(raw_udp_take(fd, got, sizeof(got), NULL),
				 2 * ROTA_DATAGRAM_BUFS);

	out[0].count++;
	assert_int_equal(rota_datagram_try_send(&post.udp.datagram, out, 1),
			 ROTA_EINVAL);
	out[0].count = 0; /* empty */
	assert_int_equal(rota_datagram_try_send(&post.udp.datagram, out, 1), 1);
	assert_int_equal(raw_udp_take(fd, got, sizeof(got), NULL), 0);
	post_close(&post);
	close(fd);
}

static void the_first_datagram_makes_the_socket(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		struct rota_address to, from, own;
		struct rota_outgoing out;
		struct rota_udp udp;
		int fd = raw_udp(families[i], &to);
		char byte;

		assert_int_equal(rota_udp_init(&udp, f->loop), 0);
		assert_int_equal(rota_udp_own_address(&udp, &own), ROTA_EBADF);
		out = to_post(&to, "x");
		out.ecn = 4; /* wrong: nothing has changed */
		assert_int_equal(rota_datagram_try_send(&udp.datagram, &out, 1),
				 ROTA_EINVAL);
		assert_int_equal(rota_udp_own_address(&udp, &own), ROTA_EBADF);
		out.ecn = 0;
		assert_int_equal(rota_datagram_try_send(&udp.datagram, &out, 1),
				 1);
		assert_int_equal(raw_udp_take(fd, &byte, 1, &from), 1);
		assert_int_equal(rota_udp_own_address(&udp, &own), 0);
		assert_int_equal(rota_address_port(&own),
				 rota_address_port(&from));
		assert_int_equal(rota_handle_close_now(&udp.handle), 0);
		close(fd);
	}
}

static void what_arguments_show_is_returned(void **state)
{
	struct fixture *f = *state;
	struct rota_address ip6;
	struct rota_outgoing out;
	struct letter letter = { .calls = 0 };
	struct post post;
	struct rota_datagram *datagram = &post.udp.datagram;

	assert_int_equal(rota_address_ip(&ip6, "::1", 9), 0);
	post_open(&post, f, AF_INET);
	out = to_post(NULL, "x");
	assert_int_equal(rota_datagram_try_send(datagram, &out, 1),
			 ROTA_EDESTADDRREQ);
	assert_int_equal(
		rota_datagram_send(&letter.send, datagram, &out, letter_called),
		ROTA_EDESTADDRREQ);
	out.to = &ip6;
	assert_int_equal(rota_datagram_try_send(datagram, &out, 1),
			 ROTA_EAFNOSUPPORT);
	assert_int_equal(
		rota_datagram_send(&letter.send, datagram, &out, letter_called),
		ROTA_EAFNOSUPPORT);
	out.to = &post.address;
	out.from = &ip6;
	assert_int_equal(rota_datagram_try_send(datagram, &out, 1),
			 ROTA_EAFNOSUPPORT);
	out.from = NULL;
	assert_int_equal(rota_datagram_try_send(datagram, &out, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_datagram_try_send(datagram, NULL, 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_datagram_send(&letter.send, datagram, &out, NULL),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_datagram_send(&letter.send, datagram, NULL, letter_called),
		ROTA_EINVAL);
	out.segment_size = 1;
	out.size = ROTA_DATAGRAM_SEGMENTS + 1;
	assert_int_equal(rota_datagram_try_send(datagram, &out, 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_udp_connect(&post.udp, &post.address), 0);
	out = to_post(&post.address, "x");
	assert_int_equal(rota_datagram_try_send(datagram, &out, 1),
			 ROTA_EISCONN);
	assert_int_equal(
		rota_datagram_send(&letter.send, datagram, &out, letter_called),
		ROTA_EISCONN);
	assert_int_equal(rota_loop_alive(f->loop), 0);
	post_close(&post);
	assert_int_equal(rota_datagram_try_send(datagram, &out, 1),
			 ROTA_EINVAL);
	assert_int_equal(letter.calls, 0);
}

/* The name of the call that sends on this system. */
static const char *send_call(struct post *post)
{
	fault_count_reset();
	assert_int_equal(letter_try(post, &post->address, ""), 1);
	return fault_count("sendmmsg") > 0 ? "sendmmsg" : "sendmsg";
}

static void without_room_requests_wait_until_there_is(void **state)
{
	struct fixture *f = *state;
	struct letter letters[3];
	struct post a, b;
	const char *call;

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	call = send_call(&a);
	post_receive(&b);
	fault_fail_from(call, 1, EAGAIN);
	assert_int_equal(letter_try(&a, &b.address, "0"), ROTA_EAGAIN);
	for (int i = 0; i < 3; i++)
		letter_send(&letters[i], &a, &b.address, "x");
	turn(f);
	turn(f);
	assert_int_equal(rota_datagram_queue_count(&a.udp.datagram), 3);
	assert_int_equal(letter_try(&a, &b.address, "0"), ROTA_EAGAIN);
	assert_int_equal(letters[0].calls, 0);
	fault_clear();
	RUN_UNTIL(f, letters[2].calls == 1 && b.count == 3);

	assert_string_equal(b.text, "x x x ");
	assert_int_equal(letters[0].status, 0);
	assert_in_range(waits_within(f, 20), 1, 4); /* no longer writable */
	post_close(&a);
	post_close(&b);
}

static void now_goes_after_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct letter letter;
	struct post a, b;

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	post_receive(&b);
	letter_send(&letter, &a, &b.address, "1");
	assert_int_equal(letter_try(&a, &b.address, "2"), 1);
	assert_int_equal(letter.calls, 0); /* not inside a call */
	RUN_UNTIL(f, b.count == 2 && letter.calls == 1);

	assert_string_equal(b.text, "1 2 ");
	post_close(&a);
	post_close(&b);
}

static void an_interrupted_send_is_repeated(void **state)
{
	struct fixture *f = *state;
	struct post a, b;
	const char *call;

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	call = send_call(&a);
	post_receive(&b);
	fault_fail(call, 1, EINTR);
	assert_int_equal(letter_try(&a, &b.address, "1"), 1);
	assert_int_equal(fault_clear(), 1);
	fault_fail_from("sendmmsg", 1, ENOSYS);
	assert_int_equal(letter_try(&a, &b.address, "2"), 1);
	fault_clear();
	RUN_UNTIL(f, b.count == 2);

	assert_string_equal(b.text, "1 2 ");
	post_close(&a);
	post_close(&b);
}

/* An error that a send had itself is not about an earlier datagram. */
static void an_error_that_a_second_attempt_passes_is_not_reported(void **state)
{
	static const int errors[] = { ENOBUFS, ENOMEM, EPERM, EHOSTUNREACH,
				      EHOSTUNREACH };
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	const char *call;
	int fd = raw_udp(AF_INET, &from);
	char byte;

	post_open(&post, f, AF_INET);
	call = send_call(&post);
	post_receive(&post);
	RUN_UNTIL(f, post.count == 1);
	for (int i = 0; i < 5; i++) {
		if (i == 1)
			assert_int_equal(rota_udp_connect(&post.udp, &from), 0);
		if (i == 4)
			assert_int_equal(rota_udp_disconnect(&post.udp), 0);
		fault_fail(call, 1, errors[i]);
		assert_int_equal(
			letter_try(&post, i % 4 == 0 ? &from : NULL, "x"), 1);
		assert_int_equal(fault_clear(), 1);
		assert_int_equal(raw_udp_take(fd, &byte, 1, NULL), 1);
		turn(f);
		turn(f);
		/* A connection may have had an error of the network. */
		assert_int_equal(post.errors, i >= 3);
	}
	assert_int_equal(post.error, ROTA_EHOSTUNREACH);
	post_close(&post);
	close(fd);
}

static void requests_are_cancelled_and_time_out(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct letter letters[4];
	struct post a, b;
	const char *call;

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	call = send_call(&a);
	post_receive(&b);
	fault_fail_from(call, 1, EAGAIN);
	for (int i = 0; i < 4; i++)
		letter_send(&letters[i], &a, &b.address, "x");
	assert_int_equal(rota_request_cancel(&letters[1].send.request), 0);
	assert_int_equal(rota_request_cancel(&letters[1].send.request),
			 ROTA_EALREADY);
	assert_int_equal(rota_request_set_deadline(
				 &letters[2].send.request, &deadline,
				 rota_loop_now(f->loop) + ROTA_MSEC(1)),
			 0);
	RUN_UNTIL(f, letters[2].calls == 1);
	assert_int_equal(letters[1].status, ROTA_ECANCELED);
	assert_int_equal(letters[2].status, ROTA_ETIMEDOUT);
	assert_int_equal(rota_datagram_queue_count(&a.udp.datagram), 2);
	fault_clear();
	RUN_UNTIL(f, letters[3].calls == 1 && b.count == 2);

	assert_int_equal(letters[0].status, 0);
	assert_int_equal(letters[3].status, 0);
	post_close(&a);
	post_close(&b);
}

static void a_close_cancels_what_is_queued_in_order(void **state)
{
	struct fixture *f = *state;
	struct letter letters[3];
	struct post post;

	post_open(&post, f, AF_INET);
	for (int i = 0; i < 3; i++)
		letter_send(&letters[i], &post, &post.address, "x");
	assert_int_equal(rota_handle_close_now(&post.udp.handle), ROTA_EBUSY);
	post_close(&post);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(letters[i].calls, 1);
		assert_int_equal(letters[i].status, ROTA_ECANCELED);
		assert_int_equal(letters[i].phase, ROTA_PHASE_CLOSING);
	}
}

struct again {
	struct letter letter;
	struct post *post;
	unsigned left;
};

static void send_again(struct rota_send *send, int status)
{
	struct again *again =
		rota_container_of(send, struct again, letter.send);
	struct rota_outgoing out = to_post(&again->post->address, "again");

	assert_int_equal(status, 0);
	if (again->left-- > 0)
		assert_int_equal(rota_datagram_send(send,
						    &again->post->udp.datagram,
						    &out, send_again),
				 0);
}

static void a_request_that_ends_may_begin_again(void **state)
{
	struct fixture *f = *state;
	struct again again = { .left = 3 };
	struct rota_outgoing out;
	struct post post;

	post_open(&post, f, AF_INET);
	post_receive(&post);
	again.post = &post;
	out = to_post(&post.address, "again");
	assert_int_equal(rota_datagram_send(&again.letter.send,
					    &post.udp.datagram, &out,
					    send_again),
			 0);
	RUN_UNTIL(f, post.count == 4);

	assert_string_equal(post.text, "again again again again ");
	turn(f);
	post_close(&post);
}

static void a_socket_that_cannot_be_made_or_registered_is_reported(void **state)
{
	struct fixture *f = *state;
	struct rota_address to = raw_udp_unused(AF_INET);
	struct rota_outgoing out = to_post(&to, "x");
	struct letter letter = { .calls = 0 };
	struct rota_udp udp;
	unsigned n;

	letter.send.request.data = f->loop;
	assert_int_equal(rota_udp_init(&udp, f->loop), 0);
	fault_fail("socket", 1, EMFILE);
	assert_int_equal(rota_datagram_send(&letter.send, &udp.datagram, &out,
					    letter_called),
			 ROTA_EMFILE);
	fault_clear();
	fault_fail("epoll_ctl", 1, ENOSPC);
	n = rota_datagram_send(&letter.send, &udp.datagram, &out,
			       letter_called) == ROTA_ENOSPC;
	assert_int_equal(fault_clear(), n);
	if (n > 0)
		assert_int_equal(rota_datagram_fd(&udp.datagram), ROTA_EBADF);
	assert_int_equal(rota_handle_close(&udp.handle, NULL), 0);
	turn(f);
}

/* Before there is a socket, too. */
static void a_wrong_first_datagram_makes_no_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_address to = raw_udp_unused(AF_INET);
	struct rota_outgoing wrong = { .size = 5, .to = &to };
	struct letter letter;
	struct rota_udp udp;

	assert_int_equal(rota_udp_init(&udp, f->loop), 0);
	assert_int_equal(rota_datagram_send(&letter.send, &udp.datagram, &wrong,
					    letter_called),
			 ROTA_EINVAL);
	assert_int_equal(rota_datagram_try_send(&udp.datagram, &wrong, 1),
			 ROTA_EINVAL);
	assert_int_equal(rota_datagram_fd(&udp.datagram), ROTA_EBADF);
	assert_int_equal(rota_handle_close_now(&udp.handle), 0);
}

/* The second attempt says that it is the error of this datagram. */
static void a_datagram_that_is_too_long_is_tried_twice(void **state)
{
	static const char bytes[70000];
	struct fixture *f = *state;
	struct rota_outgoing out = { .data = bytes, .size = sizeof(bytes) };
	struct post post;

	post_open(&post, f, AF_INET);
	out.to = &post.address;
	fault_count_reset();
	assert_int_equal(rota_datagram_try_send(&post.udp.datagram, &out, 1),
			 ROTA_EMSGSIZE);
	assert_int_equal(fault_count("sendmmsg") + fault_count("sendmsg"), 2);
	post_close(&post);
}

static const struct CMUnitTest tests[] = {
	REAL(a_request_ends_in_the_pending_phase),
	REAL(requests_of_one_callback_leave_in_one_call_at_its_end),
	REAL(each_request_gets_its_own_status),
	REAL(a_batch_of_any_size_is_sent_once_and_in_order),
	REAL(a_datagram_may_consist_of_buffers),
	REAL(the_first_datagram_makes_the_socket),
	REAL(what_arguments_show_is_returned),
	REAL(without_room_requests_wait_until_there_is),
	REAL(now_goes_after_what_is_queued),
	REAL(an_interrupted_send_is_repeated),
	REAL(an_error_that_a_second_attempt_passes_is_not_reported),
	REAL(requests_are_cancelled_and_time_out),
	REAL(a_close_cancels_what_is_queued_in_order),
	REAL(a_request_that_ends_may_begin_again),
	REAL(a_socket_that_cannot_be_made_or_registered_is_reported),
	REAL(a_wrong_first_datagram_makes_no_socket),
	REAL(a_datagram_that_is_too_long_is_tried_twice),
};
FIXTURE_MAIN(tests)
