/*
 * rota_handle_on_shutdown(): the function that is called when a shutdown closes
 * a handle.
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "loop/handle.h"

struct client {
	struct rota_tcp tcp;
	unsigned *freed;
	int peer;
};

static struct client *client_of(struct rota_handle *handle)
{
	return rota_container_of(handle, struct client, tcp.handle);
}

static void free_client(struct rota_handle *handle)
{
	struct client *client = client_of(handle);

	++*client->freed;
	close(client->peer);
	free(client);
}

static struct client *client_new(struct fixture *f, unsigned *freed)
{
	struct client *client = malloc(sizeof(*client));
	int fds[2];

	assert_non_null(client);
	assert_int_equal(rota_tcp_pair(fds), 0);
	client->freed = freed;
	client->peer = fds[1];
	assert_int_equal(rota_tcp_open(&client->tcp, f->loop, fds[0]), 0);
	rota_handle_on_shutdown(&client->tcp.handle, free_client);
	return client;
}

/* O5: the fixture checks for open descriptors, and ASan for leaked memory. */
static void handles_free_themselves_in_a_shutdown(void **state)
{
	struct fixture *f = *state;
	unsigned freed = 0;

	for (unsigned i = 0; i < 10; i++)
		(void)client_new(f, &freed);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(freed, 10);
}

static unsigned noted;

static void note(struct rota_handle *handle)
{
	noted++;
	free_client(handle);
}

/* If the program closes the handle, the function of that close is called, or
 * none. */
static void a_close_takes_the_place_of_it(void **state)
{
	struct fixture *f = *state;
	unsigned freed = 0;
	struct client *a = client_new(f, &freed);
	struct client *b = client_new(f, &freed);
	struct client *c = client_new(f, &freed);

	noted = 0;
	assert_int_equal(rota_handle_close(&a->tcp.handle, note), 0);
	assert_int_equal(rota_handle_close(&b->tcp.handle, NULL), 0);
	assert_int_equal(rota_handle_close_now(&c->tcp.handle), 0);
	/* Too late: these handles are closing or closed. */
	rota_handle_on_shutdown(&b->tcp.handle, note);
	rota_handle_on_shutdown(&c->tcp.handle, note);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(noted, 1);
	assert_int_equal(freed, 1);
	free_client(&b->tcp.handle);
	free_client(&c->tcp.handle);
}

/* NULL removes the function, and the last one set is called. */
static void the_last_function_counts(void **state)
{
	struct fixture *f = *state;
	unsigned freed = 0;
	struct client *a = client_new(f, &freed);
	struct client *b = client_new(f, &freed);

	noted = 0;
	rota_handle_on_shutdown(&a->tcp.handle, NULL);
	rota_handle_on_shutdown(&b->tcp.handle, note);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(noted, 1);
	assert_int_equal(freed, 1);
	free_client(&a->tcp.handle);
}

static void on_read(struct rota_read *read, int status)
{
	struct client *client = read->request.data;

	assert_int_equal(status, ROTA_ECANCELED);
	assert_int_equal(*client->freed, 0);
}

/* O2: it is called after the callbacks of the handle's requests. */
static void it_comes_after_the_requests(void **state)
{
	struct fixture *f = *state;
	unsigned freed = 0;
	struct client *client = client_new(f, &freed);
	struct rota_read read = { .request = { .data = client } };
	char byte;
	struct rota_buf buf = { &byte, 1 };

	assert_int_equal(
		rota_stream_read(&read, &client->tcp.stream, buf, 1, on_read),
		0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(freed, 1);
}

struct ending {
	struct rota_handle handle;
	unsigned noted, late;
};

static void ending_stop(struct rota_handle *handle)
{
	(void)handle;
}

static int ending_fd(const struct rota_handle *handle)
{
	(void)handle;
	return -1;
}

static int ending_is_ending(const struct rota_handle *handle)
{
	(void)handle;
	return 1;
}

static void note_end(struct rota_handle *handle)
{
	rota_container_of(handle, struct ending, handle)->noted++;
}

static void note_late(struct rota_handle *handle)
{
	rota_container_of(handle, struct ending, handle)->late++;
}

/* A stream that sends its queued output and then closes has a close callback
 * already. */
static void a_handle_that_is_ending_keeps_its_function(void **state)
{
	static const struct rotai_handle_class class_ = {
		.type = "ending",
		.stop = ending_stop,
		.fd = ending_fd,
		.is_ending = ending_is_ending,
	};
	struct fixture *f = *state;
	struct ending ending = { .noted = 0 };

	rotai_handle_open(&ending.handle, f->loop, &class_);
	ending.handle.internal.close_fn = note_end;
	rota_handle_on_shutdown(&ending.handle, note_late);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(ending.noted, 1);
	assert_int_equal(ending.late, 0);
}

static void free_one_and_open_another(struct rota_handle *handle)
{
	struct client *client = client_of(handle);
	struct rota_loop *loop = rota_handle_loop(handle);
	struct rota_tcp late;

	assert_int_equal(rota_tcp_init(&late, loop), ROTA_ESHUTDOWN);
	++*client->freed;
	close(client->peer);
	free(client);
}

static void it_may_not_open_another(void **state)
{
	struct fixture *f = *state;
	unsigned freed = 0;
	struct client *client = client_new(f, &freed);

	rota_handle_on_shutdown(&client->tcp.handle, free_one_and_open_another);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(freed, 1);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(handles_free_themselves_in_a_shutdown),
	VIRTUAL(a_close_takes_the_place_of_it),
	VIRTUAL(the_last_function_counts),
	VIRTUAL(it_comes_after_the_requests),
	VIRTUAL(a_handle_that_is_ending_keeps_its_function),
	VIRTUAL(it_may_not_open_another),
};
FIXTURE_MAIN(tests)
