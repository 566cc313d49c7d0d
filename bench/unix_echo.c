/*
 * unix_echo.c - what does one message cost a server on Unix sockets?
 *
 * Load and metrics are those of tcp_echo, with pairs of Unix stream sockets in
 * place of TCP connections. These cost the kernel less, so a library's own
 * share is larger.
 *
 * Subjects: the limit is epoll, level-triggered, with one recv and one send per
 * message. rota: its pipes, which are level-triggered as well, since a message
 * with descriptors makes a read come up short; and its watches with recv and
 * send by hand. libuv: uv_pipe, with uv_try_write or with uv_write; and
 * uv_poll. libev and libevent: their events. Nobody passes descriptors.
 *
 * Bad news: anything above the targets. --serve NAME works as with tcp_echo.
 */
#include "support/echo.h"
#include "support/sockets.h"

static const struct echo_peer *const peers[] = {
	&echo_rota_pipe,      &echo_epoll,      &echo_epoll_edge,
	&echo_rota,           &echo_libev,      &echo_libevent,
	&echo_libuv_pipe_try, &echo_libuv_pipe, &echo_libuv_poll,
};

static void expect_time(struct bench *bench, const struct bench_series *cpu,
			size_t connections)
{
	if (connections == 1)
		return;
	bench_target_ratio(bench, BENCH_NOISY, cpu, "libuv uv_pipe", 1.0);
	bench_target_ratio(bench, BENCH_NOISY, cpu, "libev,", 1.0);
	bench_target_ratio(bench, BENCH_NOISY, cpu, "epoll, level", 1.03);
}

static void expect_calls(struct bench *bench, const struct bench_series *calls)
{
	bench_target_figure(bench, BENCH_EXACT, calls, 2.03);
	bench_target_ratio(bench, BENCH_EXACT, calls, "libuv uv_pipe", 1.0);
	bench_target_ratio(bench, BENCH_EXACT, calls, "libev,", 1.0);
}

static void expect_instructions(struct bench *bench,
				const struct bench_series *instructions)
{
	bench_target_ratio(bench, BENCH_EXACT, instructions, "libuv uv_pipe",
			   0.5);
	bench_target_ratio(bench, BENCH_EXACT, instructions, "libev,", 1.0);
}

int main(int argc, char **argv)
{
	static const struct echo_question question = {
		.name = "unix_echo",
		.peers = peers,
		.peer_count = sizeof(peers) / sizeof(*peers),
		.pair = bench_unix_pair,
		.expect_time = expect_time,
		.expect_calls = expect_calls,
		.expect_instructions = expect_instructions,
	};

	return echo_main(&question, argc, argv);
}
