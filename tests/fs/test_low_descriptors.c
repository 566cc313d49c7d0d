/*
 * A process that was started without descriptors 0 to 2. The library's internal
 * descriptors get higher numbers, so that the program does not write into one
 * by accident, and 0 to 2 stay free for the program's own descriptors.
 */
#include "fs/scratch.h"

#include "loop/loop.h"
#include "support/child.h"
#include "support/probe.h"
#include "support/streams.h"
#include "support/streams_more.h"

enum { STANDARD = 3 };

/* A failing child must be able to report the line. */
static int kept_stderr;

static void close_standard(void)
{
	kept_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	for (int fd = 0; fd < STANDARD; fd++)
		close(fd);
}

static void restore_stderr(void)
{
	dup2(kept_stderr, STDERR_FILENO);
}

/* Which of the descriptors 0 to 2 are open, one bit each. */
static unsigned low_numbers(void)
{
	unsigned low = 0;

	for (int fd = 0; fd < STANDARD; fd++)
		low |= (unsigned)(fcntl(fd, F_GETFD) != -1) << fd;
	return low;
}

/* A real kqueue can be duplicated to a higher number. The test double cannot,
 * and it has further descriptors. */
static void needs_real_descriptors(struct fixture *f)
{
	if (poller_is(f, "kqueue"))
		skip_test("the double of kqueue(2) keeps its numbers");
}

static int new_loop(struct fixture *own)
{
	struct rota_loop_options options;

	*own = (struct fixture){ 0 };
	counting_allocator_init(&own->memory);
	fixture_options(own, ROTA_CLOCK_MONOTONIC, &options);
	return rota_loop_new(&own->loop, &options);
}

static void make_a_loop(void *arg)
{
	struct fixture own;

	(void)arg;
	close_standard();
	EXPECT(new_loop(&own) == 0);
	EXPECT(low_numbers() == 0);
	EXPECT(rota_loop_close(own.loop) == 0);
	restore_stderr();
}

static void a_loop_leaves_the_low_numbers_free(void **state)
{
	needs_real_descriptors(*state);
	in_a_child(make_a_loop, NULL);
}

static void rebuild_a_loop(void *arg)
{
	struct fixture *f = arg;

	close_standard();
	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(low_numbers() == 0);
	restore_stderr();
}

/* F2 */
static void a_rebuilt_loop_leaves_them_free(void **state)
{
	needs_real_descriptors(*state);
	in_a_child(rebuild_a_loop, *state);
}

static void listen_without_them(void *arg)
{
	struct fixture *f = arg;
	struct rota_address address = { 0 };
	struct rota_tcp tcp;
	unsigned low;
	int socket;

	close_standard();
	EXPECT(rota_loop_fork(f->loop) == 0);
	low = low_numbers();
	address.is.ip4.sin_family = AF_INET;
	address.is.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.size = sizeof(address.is.ip4);
	EXPECT(rota_tcp_init(&tcp, f->loop) == 0);
	EXPECT(rota_tcp_bind(&tcp, &address, 0) == 0);
	EXPECT(rota_stream_listen(&tcp.stream, 16, server_called) == 0);

	/* The socket may have such a number; the library's reserve may not. */
	socket = rota_watch_fd(&tcp.stream.internal.by.watch);
	EXPECT(socket >= 0);
	low = low_numbers() & ~low;
	EXPECT(low == 0 || (socket < STANDARD && low == 1u << socket));
	EXPECT(rota_handle_close_now(&tcp.handle) == 0);
	restore_stderr();
}

static void a_listener_s_reserve_leaves_them_free(void **state)
{
	needs_real_descriptors(*state);
	in_a_child(listen_without_them, *state);
}

static void connect_without_them(void *arg)
{
	struct server *server = arg;
	struct fixture *f = server->f;
	struct attempt attempt;
	struct rota_tcp tcp;

	close_standard();
	EXPECT(rota_loop_fork(f->loop) == 0);
	EXPECT(rota_tcp_init(&tcp, f->loop) == 0);
	attempt = (struct attempt){ .tcp = &tcp };
	EXPECT(rota_tcp_connect(&attempt.connect, &tcp, &server->address,
				attempt_called) == 0);
	while (attempt.calls == 0 && rota_loop_run(f->loop, ROTA_RUN_ONCE) > 0)
		;
	EXPECT(attempt.calls == 1 && attempt.status == 0);
	EXPECT(rota_handle_close_now(&tcp.handle) == 0);
	restore_stderr();
}

/* Its socket may be descriptor 0, which is as valid as any other. */
static void a_connection_may_be_number_0(void **state)
{
	struct fixture *f = *state;
	struct server server;

	needs_real_descriptors(*state);
	server_open(&server, f, 16);
	in_a_child(connect_without_them, &server);
	server_end(&server);
}

static void open_without_them(void *arg)
{
	struct scratch *s = arg;
	struct fixture own;
	struct operation op;
	struct lane lane;
	int fd;

	close_standard();
	counting_allocator_init(&own.memory);
	lane_begin(&lane, &own, ROTA_CLOCK_MONOTONIC, 1);
	operation_init(&op, lane.loop);
	fd = (int)do_open(&op, s->path, O_RDWR | O_CREAT, 0600);
	EXPECT(fd >= 0);
	EXPECT(do_write(&op, fd, "text", 0) == 4);
	EXPECT(do_close(&op, fd) == 0);

	/* A FIFO is opened in another way, and is as the flags say after. */
	EXPECT(unlink(s->path) == 0 && mkfifo(s->path, 0600) == 0);
	fd = (int)do_open(&op, s->path, O_RDWR, 0);
	EXPECT(fd >= 0);
	EXPECT((fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
	EXPECT(do_close(&op, fd) == 0);
	lane_end(&lane);
	restore_stderr();
}

static void a_file_may_be_number_0(void **state)
{
	struct scratch s;

	needs_real_descriptors(*state);
	(void)state;
	scratch_begin(&s);
	in_a_child(open_without_them, &s);
	scratch_end(&s);
}

static void watch_number_0(void *arg)
{
	struct fixture own;
	struct probe probe;
	int fds[2];

	(void)arg;
	close_standard();
	EXPECT(pipe(fds) == 0 && fds[0] == 0 && fds[1] == 1);
	EXPECT(new_loop(&own) == 0);
	probe_init(&probe, &own, 0);
	EXPECT(probe_try_start(&probe, ROTA_READABLE) == 0);
	EXPECT(rota_loop_run(own.loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(probe.calls == 0);
	EXPECT(write(1, "x", 1) == 1);
	EXPECT(rota_loop_run(own.loop, ROTA_RUN_ONCE) == 1);
	EXPECT(probe.calls == 1 && probe.events == ROTA_READABLE);
	probe_stop(&probe);
	EXPECT(rota_loop_close(own.loop) == 0);
	restore_stderr();
}

static void a_pipe_at_number_0_can_be_watched(void **state)
{
	needs_real_descriptors(*state);
	in_a_child(watch_number_0, NULL);
}

static const struct CMUnitTest tests[] = {
	REAL(a_loop_leaves_the_low_numbers_free),
	REAL(a_rebuilt_loop_leaves_them_free),
	REAL(a_listener_s_reserve_leaves_them_free),
	REAL(a_connection_may_be_number_0),
	REAL(a_file_may_be_number_0),
	REAL(a_pipe_at_number_0_can_be_watched),
};
FIXTURE_MAIN(tests)
