/*
 * Failures (F3): two sockets that talk. The first system call of a kind fails,
 * then the second, and so on, until all succeeds; and the same with
 * allocations. Every error is returned or passed to a callback; nothing hangs,
 * nothing leaks, and the next try succeeds.
 */
#include "support/fixture.h"

#include <errno.h>
#include <string.h>

#include "support/datagrams.h"
#include "support/fault.h"

struct scene {
	struct fixture *f;
	struct rota_udp a, b;
	struct letter letter;
	int open_a, open_b;
	int flights;
	int error; /* the first one */
	unsigned got;
};

static void note(struct scene *s, int status)
{
	if (status < 0 && s->error == 0)
		s->error = status;
}

static void on_letter(struct rota_send *send, int status)
{
	struct scene *s = rota_container_of(send, struct scene, letter.send);

	s->flights--;
	note(s, status);
}

static void on_got(struct rota_datagram *datagram, int status,
		   const struct rota_received *received, size_t count)
{
	struct scene *s = datagram->handle.data;

	(void)received;
	note(s, status);
	s->got += (unsigned)count;
}

static void no_error(struct rota_datagram *datagram,
		     const struct rota_datagram_error *error)
{
	(void)datagram;
	(void)error;
}

/* Returns whether everything has succeeded. */
static int play(struct scene *s)
{
	struct rota_address address;
	struct rota_outgoing out;
	int sent = 0;

	assert_int_equal(rota_address_ip(&address, "127.0.0.1", 0), 0);
	note(s, rota_udp_init(&s->a, s->f->loop));
	s->open_a = s->error == 0;
	if (s->error == 0)
		note(s, rota_udp_init(&s->b, s->f->loop));
	s->open_b = s->error == 0;
	if (!s->open_b)
		return 0;
	s->b.handle.data = s;
	note(s, rota_udp_bind(&s->b, &address, ROTA_UDP_REUSE_ADDRESS));
	note(s, rota_udp_own_address(&s->b, &address));
	note(s, rota_udp_report(&s->b, ROTA_UDP_REPORT_ADDRESS));
	note(s, rota_datagram_receive_start(&s->b.datagram, on_got));
	if (s->error < 0)
		return 0;
	out = to_post(&address, "x");
	sent = rota_datagram_send(&s->letter.send, &s->a.datagram, &out,
				  on_letter);
	s->flights += sent == 0;
	note(s, sent);
	if (s->error == 0)
		(void)rota_datagram_on_error(&s->a.datagram, no_error);
	while (s->error == 0 && s->flights > 0)
		turn(s->f);
	while (s->error == 0 && s->got < 1)
		turn(s->f);
	if (s->error == 0) {
		note(s, rota_udp_connect(&s->a, &address));
		out.to = NULL;
		sent = rota_datagram_try_send(&s->a.datagram, &out, 1);
		note(s, sent);
		note(s, rota_udp_disconnect(&s->a));
	}
	while (s->error == 0 && s->got < 2)
		turn(s->f);
	return s->error == 0;
}

static void end(struct scene *s)
{
	if (s->open_a)
		assert_int_equal(rota_handle_close(&s->a.handle, NULL), 0);
	if (s->open_b)
		assert_int_equal(rota_handle_close(&s->b.handle, NULL), 0);
	for (int i = 0; i < 3 || s->flights > 0; i++)
		turn(s->f);
	assert_int_equal(s->flights, 0);
}

static void every_system_call_may_fail(void **state)
{
	static const char *const calls[] = {
		"socket",     "bind",        "getsockname", "setsockopt",
		"getsockopt", "connect",     "epoll_ctl",   "recvmmsg",
		"sendmmsg",   "recvmsg",     "sendmsg",     "mmap",
		"fcntl",      "getpeername",
	};
	struct fixture *f = *state;
	unsigned failures = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (unsigned n = 1;; n++) {
			struct scene s = { .f = f };
			int descriptors = count_descriptors();
			int succeeded, failed;

			fault_fail(calls[i], n, ENOMEM);
			succeeded = play(&s);
			failed = (int)fault_clear();
			end(&s);
			assert_int_equal(count_descriptors(), descriptors);
			failures += (unsigned)failed;
			if (!failed) {
				assert_int_equal(succeeded, 1);
				break;
			}
			assert_in_range(n, 1, 100);
		}
	assert_in_range(failures, 5, 500);
}

static void every_allocation_may_fail(void **state)
{
	struct fixture *f = *state;

	for (size_t n = 1;; n++) {
		struct rota_loop_options options;
		struct fixture own = { .loop = NULL };
		struct scene s = { .f = &own };
		int succeeded;

		counting_allocator_init(&own.memory);
		fixture_options(&own, ROTA_CLOCK_MONOTONIC, &options);
		assert_int_equal(rota_loop_new(&own.loop, &options), 0);
		own.memory.fail_at = own.memory.calls + n;
		succeeded = play(&s);
		own.memory.fail_at = 0;
		end(&s);
		assert_int_equal(rota_loop_close(own.loop), 0);
		assert_int_equal(own.memory.bytes, 0);
		if (own.memory.failed == 0) {
			assert_int_equal(succeeded, 1);
			break;
		}
		assert_int_equal(s.error, ROTA_ENOMEM);
		assert_in_range(n, 1, 50);
	}
	(void)f;
}

static const struct CMUnitTest tests[] = {
	REAL(every_system_call_may_fail),
	REAL(every_allocation_may_fail),
};
FIXTURE_MAIN(tests)
