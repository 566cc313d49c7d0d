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
	EXPECT(rota_udp_join(&all->post.udp, &group, 0) == ROTA_ECHILD);
	EXPECT(rota_udp_report(&all->post.udp, 0) == ROTA_ECHILD);
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

static const struct CMUnitTest tests[] = {
	REAL(a_child_that_only_calls_changes_nothing),
	REAL(a_child_that_rebuilds_the_loop_goes_on),
};
FIXTURE_MAIN(tests)
