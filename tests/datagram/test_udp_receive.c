/*
 * Receiving: batches, the memory that is lent, and how receiving stops.
 */
#include "support/datagrams.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fault.h"

static void datagrams_arrive_in_order_with_their_sender(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		struct rota_address from;
		struct post post;
		int fd = raw_udp(families[i], &from);

		post_open(&post, f, families[i]);
		post_receive(&post);
		raw_udp_send(fd, &post.address, "one");
		raw_udp_send(fd, &post.address, "");
		raw_udp_send(fd, &post.address, "three");
		RUN_UNTIL(f, post.count == 3);

		assert_string_equal(post.text, "one  three ");
		assert_int_equal(post.last.from.size, from.size);
		assert_memory_equal(&post.last.from.is, &from.is, from.size);
		assert_int_equal(post.last.hop_limit, -1);
		assert_int_equal(post.last.to.size, 0);
		assert_int_equal(post.last.is_truncated, 0);
		assert_int_equal(post.errors, 0);
		post_close(&post);
		close(fd);
	}
}

static void what_waits_is_received_in_one_call(void **state)
{
	enum { COUNT = 40 };
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);
	unsigned calls;

	post_open(&post, f, AF_INET);
	for (int i = 0; i < COUNT; i++)
		raw_udp_send(fd, &post.address, "x");
	post_receive(&post);
	fault_count_reset();
	RUN_UNTIL(f, post.count >= COUNT);
	calls = fault_count("recvmmsg");
	turn(f);

	assert_int_equal(post.count, COUNT);
	assert_int_equal(post.calls, 1);
	assert_in_range(calls, 0, 1); /* 0: one by one */
	assert_int_equal(fault_count("recvmmsg") - calls, 0); /* no more */
	post_close(&post);
	close(fd);
}

static void an_event_receives_only_so_many(void **state)
{
	enum { COUNT = ROTA_DATAGRAMS_PER_EVENT + 10 };
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	assert_int_equal(
		rota_datagram_set_receive_buffer(&post.udp.datagram, 1 << 20),
		0);
	for (int i = 0; i < COUNT; i++)
		raw_udp_send(fd, &post.address, "");
	post_receive(&post);
	turn(f);
	assert_int_equal(post.count, ROTA_DATAGRAMS_PER_EVENT);
	turn(f);

	assert_int_equal(post.count, COUNT);
	post_close(&post);
	close(fd);
}

static void no_datagram_is_cut(void **state)
{
	enum { LARGEST = 65507 };
	static char data[LARGEST];
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	memset(data, 'a', sizeof(data));
	post_open(&post, f, AF_INET);
	post_receive(&post);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sendto(fd, data, sizeof(data), 0,
					&post.address.is.any,
					(socklen_t)post.address.size),
				 LARGEST);
		RUN_UNTIL(f, post.count == (unsigned)i + 1);
		assert_int_equal(post.last.size, LARGEST);
		assert_int_equal(post.last.is_truncated, 0);
	}

	assert_int_equal(post.bytes, 3 * LARGEST);
	post_close(&post);
	close(fd);
}

/* A text that each datagram of a row has, and where the last one was. */
struct row {
	char text[16];
	unsigned wrong;
	char *data;
};

static void compare_with_the_row(struct post *post,
				 const struct rota_received *received,
				 size_t count)
{
	struct row *row = post->arg;

	row->data = received[0].data;
	for (size_t i = 0; i < count; i++)
		if (received[i].size != strlen(row->text) ||
		    memcmp(received[i].data, row->text, received[i].size) != 0)
			row->wrong++;
}

/* Whether the page at @at takes memory. */
static int page_is_used(char *at)
{
#ifdef __linux__
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char used = 0;

	at -= (uintptr_t)at % page;
	assert_int_equal(mincore(at, page, &used), 0);
	return used & 1;
#else
	(void)at;
	return -1;
#endif
}

/* The pages of a large datagram are given back, with no loss of those that
 * arrive then. */
static void small_datagrams_after_a_large_one_are_whole(void **state)
{
	enum { LARGE = 40000, FIRST = 21, COUNT = 200 };
	static char data[LARGE];
	struct fixture *f = *state;
	struct rota_address from;
	struct row row = { .wrong = 0 };
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	post.act = compare_with_the_row;
	post.arg = &row;
	memset(data, 'a', sizeof(data));
	assert_int_equal(sendto(fd, data, sizeof(data), 0, &post.address.is.any,
				(socklen_t)post.address.size),
			 LARGE);
	for (unsigned i = 1; i < FIRST; i++) /* in one batch */
		raw_udp_send(fd, &post.address, "x");
	post_receive(&post);
	RUN_UNTIL(f, post.count == FIRST);
	assert_int_equal(post.calls, 1);
	assert_int_not_equal(page_is_used(row.data + LARGE - 1), 0);
	row.wrong = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(row.text, sizeof(row.text), "%u", i);
		raw_udp_send(fd, &post.address, row.text);
		RUN_UNTIL(f, post.count == FIRST + 1 + i);
		assert_int_equal(row.wrong, 0);
	}

	assert_int_not_equal(page_is_used(row.data + LARGE - 1), 1);
	post_close(&post);
	close(fd);
}

static void what_is_longer_than_asked_for_is_cut_and_marked(void **state)
{
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	assert_int_equal(rota_datagram_receive_up_to(&post.udp.datagram, 4,
						     post_on_receive),
			 0);
	raw_udp_send(fd, &post.address, "1234");
	raw_udp_send(fd, &post.address, "12345");
	RUN_UNTIL(f, post.count == 2);
	assert_string_equal(post.text, "1234 1234 ");
	assert_int_equal(post.last.is_truncated, 1);

	post_receive(&post); /* another size, while it receives */
	raw_udp_send(fd, &post.address, "12345");
	RUN_UNTIL(f, post.count == 3);
	assert_string_equal(post.text, "1234 1234 12345 ");
	assert_int_equal(post.last.is_truncated, 0);
	post_close(&post);
	close(fd);
}

static void stop_oneself(struct post *post,
			 const struct rota_received *received, size_t count)
{
	(void)received;
	(void)count;
	assert_int_equal(rota_datagram_receive_stop(&post->udp.datagram), 0);
	assert_int_equal(rota_datagram_receive_stop(&post->udp.datagram), 0);
}

static void a_receiver_that_stops_itself_is_not_called_again(void **state)
{
	enum { COUNT = ROTA_DATAGRAMS_PER_CALL + 1 };
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	post.act = stop_oneself;
	for (int i = 0; i < COUNT; i++)
		raw_udp_send(fd, &post.address, "");
	post_receive(&post);
	RUN_UNTIL(f, post.calls > 0);
	assert_int_equal(rota_loop_alive(f->loop), 0);
	turn(f);
	assert_int_equal(post.calls, 1);
	assert_int_equal(post.count, ROTA_DATAGRAMS_PER_CALL);

	post_receive(&post);
	assert_int_equal(rota_loop_alive(f->loop), 1);
	RUN_UNTIL(f, post.calls > 1);
	assert_int_equal(post.count, COUNT);
	post_close(&post);
	close(fd);
}

static void close_oneself(struct post *post,
			  const struct rota_received *received, size_t count)
{
	/* What is lent stays until the return. */
	assert_int_equal(rota_handle_close_now(&post->udp.handle), 0);
	memset(&post->udp, 0x5a, sizeof(post->udp));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(received[i].size, 5);
		assert_memory_equal(received[i].data, "hello", 5);
		received[i].data[0] = 'j';
	}
}

static void a_receiver_may_close_and_overwrite_its_handle(void **state)
{
	enum { COUNT = ROTA_DATAGRAMS_PER_CALL + 1 };
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	post.act = close_oneself;
	for (int i = 0; i < COUNT; i++)
		raw_udp_send(fd, &post.address, "hello");
	post_receive(&post);
	RUN_UNTIL(f, post.calls > 0);
	turn(f);

	assert_int_equal(post.calls, 1);
	close(fd);
}

static void an_unreferenced_receiver_does_not_keep_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct post post;

	post_open(&post, f, AF_INET);
	assert_int_equal(rota_loop_alive(f->loop), 0);
	post_receive(&post);
	assert_int_equal(rota_loop_alive(f->loop), 1);
	assert_int_equal(rota_handle_is_active(&post.udp.handle), 1);
	rota_handle_unref(&post.udp.handle);
	assert_int_equal(rota_loop_alive(f->loop), 0);
	rota_handle_ref(&post.udp.handle);
	assert_int_equal(rota_datagram_receive_stop(&post.udp.datagram), 0);
	assert_int_equal(rota_loop_alive(f->loop), 0);
	post_close(&post);
}

static void receiving_needs_a_function_a_size_and_a_socket(void **state)
{
	struct fixture *f = *state;
	struct rota_datagram *datagram;
	struct post post;

	memset(&post, 0, sizeof(post));
	datagram = &post.udp.datagram;
	assert_int_equal(rota_datagram_receive_start(datagram, post_on_receive),
			 ROTA_EINVAL);
	assert_int_equal(rota_datagram_fd(datagram), ROTA_EBADF);
	assert_int_equal(rota_udp_init(&post.udp, f->loop), 0);
	assert_int_equal(rota_datagram_receive_start(datagram, post_on_receive),
			 ROTA_EBADF);
	assert_int_equal(rota_datagram_receive_stop(datagram), 0);
	assert_int_equal(rota_handle_close_now(&post.udp.handle), 0);

	post_open(&post, f, AF_INET);
	assert_int_equal(rota_datagram_receive_start(datagram, NULL),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_datagram_receive_up_to(datagram, 0, post_on_receive),
		ROTA_EINVAL);
	assert_int_equal(rota_handle_is_active(&post.udp.handle), 0);
	assert_int_equal(rota_handle_close(&post.udp.handle, NULL), 0);
	assert_int_equal(rota_datagram_receive_start(datagram, post_on_receive),
			 ROTA_EINVAL);
	assert_int_equal(rota_datagram_receive_stop(datagram), ROTA_EINVAL);
	turn(f);
}

/* A socket that is broken in a way that does not end. */
static void an_error_that_stays_stops_the_receiver(void **state)
{
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);
	const char *call;

	post_open(&post, f, AF_INET);
	post_receive(&post);
	raw_udp_send(fd, &post.address, "x");
	fault_count_reset();
	turn(f);
	call = fault_count("recvmmsg") > 0 ? "recvmmsg" : "recvmsg";
	raw_udp_send(fd, &post.address, "y");
	fault_fail_from(call, 1, EIO);
	RUN_UNTIL(f, !rota_handle_is_active(&post.udp.handle));
	fault_clear();
	assert_in_range(post.errors, 2, 32);
	assert_int_equal(post.error, ROTA_EIO);
	assert_int_equal(rota_loop_alive(f->loop), 0);

	post_receive(&post);
	RUN_UNTIL(f, post.count == 2);
	assert_string_equal(post.text, "x y ");
	post_close(&post);
	close(fd);
}

static void an_error_that_passes_does_not(void **state)
{
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	post_receive(&post);
	raw_udp_send(fd, &post.address, "x");
	fault_fail("recvmmsg", 1, ENOMEM);
	RUN_UNTIL(f, post.count == 1);
	if (fault_clear() > 0)
		assert_int_equal(post.error, ROTA_ENOMEM);
	fault_fail("recvmmsg", 1, EINTR);
	raw_udp_send(fd, &post.address, "y");
	RUN_UNTIL(f, post.count == 2);
	fault_clear();
	assert_int_equal(post.errors <= 1, 1);
	post_close(&post);
	close(fd);
}

static void without_batches_it_receives_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	for (int i = 0; i < 3; i++)
		raw_udp_send(fd, &post.address, "x");
	fault_fail_from("recvmmsg", 1, ENOSYS);
	post_receive(&post);
	RUN_UNTIL(f, post.count == 3);
	turn(f);
	fault_clear();

	assert_string_equal(post.text, "x x x ");
	assert_int_equal(post.errors, 0);
	post_close(&post);
	close(fd);
}

static void without_memory_nothing_is_started(void **state)
{
	struct fixture *f = *state;
	struct post post;

	post_open(&post, f, AF_INET);
	fault_fail("mmap", 1, ENOMEM);
	assert_int_equal(rota_datagram_receive_start(&post.udp.datagram,
						     post_on_receive),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(rota_handle_is_active(&post.udp.handle), 0);
	post_receive(&post);
	post_close(&post);
}

static void two_sockets_of_one_loop_share_the_memory(void **state)
{
	struct fixture *f = *state;
	struct rota_address from;
	struct post a, b;
	int fd = raw_udp(AF_INET, &from);

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	post_receive(&a);
	assert_int_equal(rota_datagram_receive_up_to(&b.udp.datagram, 3,
						     post_on_receive),
			 0);
	for (int i = 0; i < 3; i++) {
		raw_udp_send(fd, &a.address, "aaaa");
		raw_udp_send(fd, &b.address, "bbbb");
		RUN_UNTIL(f, a.count + b.count == 2 * ((unsigned)i + 1));
	}

	assert_string_equal(a.text, "aaaa aaaa aaaa ");
	assert_string_equal(b.text, "bbb bbb bbb ");
	post_close(&a);
	raw_udp_send(fd, &b.address, "1");
	RUN_UNTIL(f, b.count == 4);
	post_close(&b);
	close(fd);
}

static void the_last_socket_gives_the_memory_back(void **state)
{
	struct fixture *f = *state;
	struct post a, b;

	post_open(&a, f, AF_INET);
	post_open(&b, f, AF_INET);
	fault_count_reset();
	for (unsigned i = 1; i <= 2; i++) {
		post_receive(&a);
		post_close(&b);
		post_open(&b, f, AF_INET);
		post_receive(&b);
		assert_int_equal(fault_count("mmap"), i);
		post_close(&a);
		post_close(&b);
		post_open(&a, f, AF_INET);
		post_open(&b, f, AF_INET);
	}
	post_close(&a);
	post_close(&b);
}

static void a_quiet_receiver_sleeps(void **state)
{
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	post_open(&post, f, AF_INET);
	post_receive(&post);
	raw_udp_send(fd, &post.address, "x");
	RUN_UNTIL(f, post.count == 1);

	assert_in_range(waits_within(f, 20), 1, 4);
	post_close(&post);
	close(fd);
}

static void a_shutdown_of_the_loop_closes_it(void **state)
{
	struct fixture *f = *state;
	struct post post;

	post_open(&post, f, AF_INET);
	post_receive(&post);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
}

static const struct CMUnitTest tests[] = {
	REAL(datagrams_arrive_in_order_with_their_sender),
	REAL(what_waits_is_received_in_one_call),
	REAL(an_event_receives_only_so_many),
	REAL(no_datagram_is_cut),
	REAL(small_datagrams_after_a_large_one_are_whole),
	REAL(what_is_longer_than_asked_for_is_cut_and_marked),
	REAL(a_receiver_that_stops_itself_is_not_called_again),
	REAL(a_receiver_may_close_and_overwrite_its_handle),
	REAL(an_unreferenced_receiver_does_not_keep_the_loop_alive),
	REAL(receiving_needs_a_function_a_size_and_a_socket),
	REAL(an_error_that_stays_stops_the_receiver),
	REAL(an_error_that_passes_does_not),
	REAL(without_batches_it_receives_one_by_one),
	REAL(without_memory_nothing_is_started),
	REAL(two_sockets_of_one_loop_share_the_memory),
	REAL(the_last_socket_gives_the_memory_back),
	REAL(a_quiet_receiver_sleeps),
	REAL(a_shutdown_of_the_loop_closes_it),
};
FIXTURE_MAIN(tests)
