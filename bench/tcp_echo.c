/*
 * tcp_echo.c - what does one message cost a server?
 *
 * Load: 1, 100 or 1000 TCP connections over loopback. The client sends a
 * message of 64 bytes on each, and then reads all of them back. The server is a
 * process of its own, on the client's processor or on another one. On the same
 * processor they run in lock step: the client sends to all, and then the server
 * runs. That is the steadiest setting possible. On two processors a server may
 * find few messages or many.
 *
 * Metrics, per message:
 *
 *     cpu           ns that the server has run, including the kernel's share
 *     calls         system calls of the server        exact
 *     instructions  of the server in user space       exact
 *     allocations   of the server                     exact
 *
 * Subjects: the limit is epoll, edge-triggered, with one recv and one send per
 * message. rota: its streams, and its watches with recv and send by hand.
 * libuv: uv_tcp, with uv_try_write or with uv_write; and uv_poll, which its
 * documentation advises against for a program's own sockets. libevent: its
 * events, and its bufferevents. No connection has a timer. In a real server it
 * would have one, at about the same price everywhere. All have TCP_NODELAY, and
 * run until they are killed.
 *
 * Bad news: anything above the targets. With --serve NAME a single subject runs
 * in this process, with its client, for other tools:
 *
 *     strace -c build/bench/tcp_echo --serve 'rota tcp' --messages 100000
 */
#include "support/echo.h"
#include "support/sockets.h"

static const struct echo_peer *const peers[] = {
	&echo_rota_tcp,  &echo_epoll_edge, &echo_epoll,       &echo_rota,
	&echo_libev,     &echo_libevent,   &echo_bufferevent, &echo_libuv_try,
	&echo_libuv_tcp, &echo_libuv_poll,
};

static void expect_time(struct bench *bench, const struct bench_series *cpu,
			size_t connections)
{
	if (connections == 1)
		return;
	bench_target_ratio(bench, BENCH_NOISY, cpu, "libuv uv_tcp",
			   connections == 100 ? 0.95 : 0.92);
	bench_target_ratio(bench, BENCH_NOISY, cpu, "libev,",
			   connections == 100 ? 0.97 : 0.95);
	bench_target_ratio(bench, BENCH_NOISY, cpu, "limit", 1.05);
}

static void expect_calls(struct bench *bench, const struct bench_series *calls)
{
	bench_target_figure(bench, BENCH_EXACT, calls, 2.03);
	bench_target_ratio(bench, BENCH_EXACT, calls, "libuv uv_tcp", 1.0);
	bench_target_ratio(bench, BENCH_EXACT, calls, "libev,", 1.0);
}

static void expect_instructions(struct bench *bench,
				const struct bench_series *instructions)
{
	bench_target_ratio(bench, BENCH_EXACT, instructions, "libuv uv_tcp",
			   0.5);
	bench_target_ratio(bench, BENCH_EXACT, instructions, "libev,", 1.0);
}

int main(int argc, char **argv)
{
	static const struct echo_question question = {
		.name = "tcp_echo",
		.peers = peers,
		.peer_count = sizeof(peers) / sizeof(*peers),
		.pair = bench_tcp_pair,
		.expect_time = expect_time,
		.expect_calls = expect_calls,
		.expect_instructions = expect_instructions,
	};

	return echo_main(&question, argc, argv);
}
