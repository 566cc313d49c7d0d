/*
 * Many connections at once in one process, with an echo on each: fifteen
 * thousand in a full run. A child process has the other ends.
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/child.h"
#include "support/streams_more.h"

enum {
	MANY = 15000, /* in a full run */
	FEWER = 1500,
	ROUNDS = 3, /* echoes on each connection */
	SIZE = 100, /* bytes of each */
	MOST_IDLE_BYTES = 240,
};

/* What a connection of an echo server needs, and no more. */
struct served {
	struct rota_tcp tcp;
};

/* Sleep between the events: the child needs the processor, too. */
#define SLEEP_UNTIL(f, condition)                                              \
	while (!(condition))                                                   \
	assert_int_equal(rota_loop_run((f)->loop, ROTA_RUN_ONCE), 1)

static struct served *served;
static unsigned many; /* connections: MANY or FEWER */
static unsigned accepted, ended;
static size_t echoed;

static void echo(struct rota_stream *stream, int status,
		 const struct rota_buf *buf)
{
	if (status < 0) {
		ended++;
		assert_int_equal(rota_handle_close_now(&stream->handle), 0);
		return;
	}
	echoed += buf->size;
	assert_in_range(rota_stream_send(stream, buf->data, buf->size), 0, 1);
}

static void on_connection(struct rota_stream *listener, int status, int fd)
{
	struct rota_tcp *tcp = &served[accepted].tcp;

	assert_int_equal(status, 0);
	assert_true(accepted < many);
	accepted++;
	assert_int_equal(
		rota_tcp_open(tcp, rota_handle_loop(&listener->handle), fd), 0);
	assert_int_equal(rota_stream_read_start(&tcp->stream, echo), 0);
}

struct clients {
	struct rota_address address;
	int go[2]; /* from the server: the next step */
};

static void may_open(rlim_t count)
{
	struct rlimit limit;

	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Connect all, and when told to, send on all before any answer is read. */
static void be_clients(const struct clients *clients)
{
	static int fds[MANY];
	struct linger reset = { .l_onoff = 1 }; /* leaves no TIME_WAIT */
	char out[SIZE], in[SIZE];

	may_open(many + 200);
	pattern_fill(out, SIZE, 0);
	for (unsigned i = 0; i < many; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		EXPECT(fds[i] >= 0);
		EXPECT(connect(fds[i], &clients->address.is.any,
			       (socklen_t)clients->address.size) == 0);
		EXPECT(setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset,
				  sizeof(reset)) == 0);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		EXPECT(read(clients->go[0], in, 1) == 1);
		for (unsigned i = 0; i < many; i++)
			EXPECT(write(fds[i], out, SIZE) == SIZE);
		for (unsigned i = 0; i < many; i++) {
			EXPECT(recv(fds[i], in, SIZE, MSG_WAITALL) == SIZE);
			EXPECT(pattern_is(in, SIZE, 0));
		}
	}
	EXPECT(read(clients->go[0], in, 1) == 1);
}

static void many_connections_echo_at_once(void **state)
{
	struct fixture *f = *state;
	struct clients clients;
	struct server server;
	size_t before, idle;
	pid_t child;
	int first;

	many = test_is_full() ? MANY : FEWER;
	need_descriptors(many + 200);
	served = test_calloc(many, sizeof(*served));
	accepted = ended = 0;
	echoed = 0;
	server_bind(&server, f, AF_INET);
	assert_int_equal(
		rota_stream_listen(&server.tcp.stream, 1024, on_connection), 0);
	clients.address = server.address;
	assert_int_equal(pipe(clients.go), 0);

	/* What the loop has for all of them is not counted. */
	first = raw_client(&clients.address);
	raw_send(first, "first", 5);
	SLEEP_UNTIL(f, echoed == 5);
	raw_close(first);
	SLEEP_UNTIL(f, ended == 1);
	accepted = ended = 0;
	echoed = 0;
	before = f->memory.bytes;

	child = child_fork();
	if (child == 0) {
		be_clients(&clients);
		child_ends();
	}

	SLEEP_UNTIL(f, accepted == many);
	for (size_t round = 1; round <= ROUNDS; round++) {
		put_byte(clients.go[1]);
		SLEEP_UNTIL(f, echoed == round * many * SIZE);
		for (unsigned i = 0; i < 3; i++)
			turn(f);
		/* Nothing is in flight now: this is what they cost idle. */
		idle = f->memory.bytes - before;
		assert_in_range(sizeof(struct served) + idle / many, 1,
				MOST_IDLE_BYTES);
	}
	print_message("%zu bytes of each idle connection\n",
		      sizeof(struct served) + idle / many);
	put_byte(clients.go[1]);
	SLEEP_UNTIL(f, ended == many);
	expect_success(child);
	assert_int_equal(rota_handle_close_now(&server.tcp.handle), 0);
	raw_close(clients.go[0]);
	raw_close(clients.go[1]);
	test_free(served);
}

static const struct CMUnitTest tests[] = {
	REAL(many_connections_echo_at_once),
};
FIXTURE_MAIN(tests)
