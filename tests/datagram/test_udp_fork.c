/*
 * Sockets of datagrams in a forked child (F2): before rota_loop_fork() each
 * call is refused and does not affect the parent. After it they continue.
 */
#include "support/fixture.h"

#include <unistd.h>

#include "support/child.h"
#include "support/datagrams.h"

struct family {
	struct fixture *f;
	struct post post;
	struct letter letter; /* not sent yet */
};

static void in_the_child(void *arg)
{
	struct family *all = arg;
	struct rota_datagram *datagram = &all->post.udp.datagram;
	struct rota_outgoing out = to_post(&all->post.address, "child");
	struct rota_address group;
	struct letter letter;

	EXPECT(rota_address_ip(&group, "239.1.2.3", 0) == 0);
	EXPECT(rota_datagram_receive_start(datagram, post_on_receive) ==
	       ROTA_ECHILD);
	EXPECT(rota_datagram_receive_stop(datagram) == ROTA_ECHILD);
	EXPECT(rota_datagram_try_send(datagram, &out, 1) == ROTA_ECHILD);
	EXPECT(rota_datagram_send(&letter.send, datagram, &out,
				  letter_called) == ROTA_ECHILD);
	EXPECT(rota_datagram_on_error(datagram, post_on_error) == ROTA_ECHILD);
	EXPECT(rota_datagram_set_send_buffer(datagram, 1) == ROTA_ECHILD);
	EXPECT(rota_udp_connect(&all->post.udp, &all->post.address) ==
	       ROTA_ECHILD);
	EXPECT(rota_udp_set_hop_limit(&all->post.udp, 1) == ROTA_ECHILD);
	EXPECT(rota_udp_set_fragments(&all->post.udp, ROTA_UDP_FRAGMENT) ==
	       ROTA_ECHILD);
	EXPECT(rota_udp_join(&all->post.udp, &group, 0) == ROTA_ECHILD);
	EXPECT(rota_udp_report(&all->post.udp, 0) == ROTA_ECHILD);
	EXPECT(rota_udp_can(&all->post.udp, ROTA_UDP_COALESCING) >= 0);
	EXPECT(rota_request_cancel(&all->letter.send.request) == ROTA_ECHILD);
	EXPECT(rota_handle_close(&all->post.udp.handle, NULL) == ROTA_ECHILD);
	EXPECT(rota_loop_run(all->f->loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
	EXPECT(rota_datagram_queue_count(datagram) == 1);
}

static void a_child_that_only_calls_changes_nothing(void **state)
{
	struct fixture *f = *state;
	static struct family all;

	all.f = f;
	post_open(&all.post, f, AF_INET);
	post_receive(&all.post);
	turn(f);
	letter_send(&all.letter, &all.post, &all.post.address, "parent");
	in_a_child(in_the_child, &all);
	RUN_UNTIL(f, all.post.count == 1 && all.letter.calls == 1);

	assert_string_equal(all.post.text, "parent ");
	post_close(&all.post);
}

static void child_goes_on(void *arg)
{
	struct family *all = arg;
	struct rota_datagram *datagram = &all->post.udp.datagram;
	struct rota_outgoing out = to_post(&all->post.address, "child");

	EXPECT(rota_loop_fork(all->f->loop) == 0);
	EXPECT(rota_datagram_try_send(datagram, &out, 1) == 1);
	for (int i = 0; i < 100000 && all->post.count < 1; i++)
		rota_loop_run(all->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(all->post.count == 1);
	EXPECT(rota_handle_close(&all->post.udp.handle, NULL) == 0);
	EXPECT(rota_loop_run(all->f->loop, ROTA_RUN_DEFAULT) == 0);
}

static void a_child_that_rebuilds_the_loop_goes_on(void **state)
{
	struct fixture *f = *state;
	static struct family all;

	all.f = f;
	post_open(&all.post, f, AF_INET);
	post_receive(&all.post);
	turn(f);
	in_a_child(child_goes_on, &all);
	assert_int_equal(letter_try(&all.post, &all.post.address, "parent"), 1);
	RUN_UNTIL(f, all.post.count == 1);

	assert_string_equal(all.post.text, "parent ");
	post_close(&all.post);
}

/* -1 until the callback forks. */
static pid_t forked;

/* Fork once. The parent's callback waits for the child, which therefore finds
 * all that the parent has not taken. */
static void fork_once(void)
{
	if (forked != -1)
		return;
	forked = child_fork();
	if (forked != 0)
		expect_success(forked);
}

static void fork_at_input(struct post *post,
			  const struct rota_received *received, size_t count)
{
	(void)received;
	(void)count;
	(void)post;
	fork_once();
}

/* In the child, the event ends with the callback, after a batch that was full.
 * So the parent gets the rest. */
static void a_receiver_that_forks_leaves_the_rest_to_the_parent(void **state)
{
	enum { COUNT = ROTA_DATAGRAMS_PER_CALL + 3 };
	struct fixture *f = *state;
	struct rota_address from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	forked = -1;
	post_open(&post, f, AF_INET);
	post.act = fork_at_input;
	for (int i = 0; i < COUNT; i++)
		raw_udp_send(fd, &post.address, "");
	post_receive(&post);
	while (forked == -1)
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	if (forked == 0) {
		EXPECT(post.count == ROTA_DATAGRAMS_PER_CALL);
		EXPECT(post.calls == 1 && post.errors == 0);
		child_ends();
	}
	RUN_UNTIL(f, post.count == COUNT);

	post_close(&post);
	close(fd);
}

#ifdef __linux__
static void fork_at_error(struct rota_datagram *datagram,
			  const struct rota_datagram_error *error)
{
	post_on_error(datagram, error);
	fork_once();
}

static void an_error_function_that_forks_leaves_the_rest(void **state)
{
	struct fixture *f = *state;
	struct rota_address nobody = raw_udp_unused(AF_INET), from;
	struct post post;
	int fd = raw_udp(AF_INET, &from);

	forked = -1;
	post_open(&post, f, AF_INET);
	assert_int_equal(
		rota_datagram_on_error(&post.udp.datagram, fork_at_error), 0);
	post_receive(&post);
	turn(f);
	for (int i = 0; i < 3; i++)
		assert_int_equal(letter_try(&post, &nobody, "x"), 1);
	raw_udp_send(fd, &post.address, "y");
	while (forked == -1) {
		/* kqueue finds errors only when it looks for input. */
		if (poller_is(f, "kqueue"))
			raw_udp_send(fd, &post.address, "y");
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	}
	if (forked == 0) {
		EXPECT(post.notes == 1);
		child_ends();
	}
	RUN_UNTIL(f, post.notes == 3 && post.count >= 1);
	post_close(&post);
	close(fd);
}
#endif

static const struct CMUnitTest tests[] = {
	REAL(a_child_that_only_calls_changes_nothing),
	REAL(a_child_that_rebuilds_the_loop_goes_on),
	REAL(a_receiver_that_forks_leaves_the_rest_to_the_parent),
#ifdef __linux__
	REAL(an_error_function_that_forks_leaves_the_rest),
#endif
};
FIXTURE_MAIN(tests)
