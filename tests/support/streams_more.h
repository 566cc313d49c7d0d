/*
 * tests/support/streams_more.h - addresses, listeners and connects over
 * loopback, for the tests of TCP. See streams.h for streams and raw sockets.
 */
#ifndef TESTS_SUPPORT_STREAMS_MORE_H
#define TESTS_SUPPORT_STREAMS_MORE_H

#include "streams.h"

/* Skip the test if there is no ::1. */
void need_ip6(void);

/* 127.0.0.1 or ::1, for AF_INET or AF_INET6. */
void loopback(struct rota_address *address, int family, unsigned port);

/* Make a raw socket that connects to @address, which may be of version 6;
 * raw_client() also waits until it has connected. */
int raw_begin_connect(const struct rota_address *address);
int raw_client(const struct rota_address *address);

/* Make many of them, and close them. */
void raw_clients(int *fds, unsigned count, const struct rota_address *address);
void raw_close_all(const int *fds, unsigned count);

/* Wait for the end, or a reset, of the raw socket @fd: 0, or -errno. */
int raw_end(int fd);

/* Make a raw socket that owns a port at which nobody listens, and store its
 * address. */
int raw_unheard(struct rota_address *address);

/* Return the value of an option of @fd, which is an int. */
int raw_option(int fd, int level, int option);

/* A listener whose queue is full: a socket that connects to it waits. */
struct jam {
	struct rota_address address;
	int listener;
	int filler;
};

void jam_open(struct jam *jam, int family);
void jam_close(struct jam *jam);

/* A listener of the loop. */
enum { SERVER_KEEPS = 512 };

struct server {
	struct rota_tcp tcp;
	struct rota_address address; /* its own address */
	struct fixture *f;

	/* What server_called() was called with. */
	unsigned accepted; /* calls with a descriptor */
	unsigned failures; /* calls with an error */
	int status;        /* the last error */
	int fds[SERVER_KEEPS];
	unsigned kept; /* how many of fds are used */

	/* What to do in a call; NULL: keep the descriptor. */
	void (*act)(struct server *s, int status, int fd);
	void *arg;
};

/* Bind only, to a port of loopback that the system chooses; or listen as
 * well. */
void server_bind(struct server *s, struct fixture *f, int family);
void server_open(struct server *s, struct fixture *f, int backlog);
void server_open_as(struct server *s, struct fixture *f, int family,
		    int backlog);

/* The listener's callback; and what it does with a descriptor by default. */
void server_called(struct rota_stream *stream, int status, int fd);
void server_keep(struct server *s, int fd);

/* Close the descriptors that were kept; server_end() also closes the listener,
 * unless it is closing already. */
void server_drop(struct server *s);
void server_end(struct server *s);

/* Make a handle without a socket; close it at once. */
void tcp_init(struct rota_tcp *tcp, struct fixture *f);
void tcp_end(struct rota_tcp *tcp);

/* Check that the handle is as if it had just been made. */
void tcp_expect_fresh(struct rota_tcp *tcp);

/* Check that the handle is connected to @s: what it sends arrives at the
 * descriptor that @s has kept. */
void tcp_expect_talk(struct fixture *f, struct rota_tcp *tcp, struct server *s);

/* A connect that counts how often it calls back. */
struct attempt {
	struct rota_connect connect;
	struct rota_tcp *tcp;
	unsigned calls;
	int status;
	enum rota_phase phase;
	void (*act)(struct attempt *a, int status);
	void *arg;
};

/* Begin to connect, and return the result of the call, which must not call
 * back. */
int attempt_begin(struct attempt *a, struct rota_tcp *tcp,
		  const struct rota_address *address);
void attempt_called(struct rota_connect *connect, int status);

/* Run until it has called back, and return its status. */
int attempt_end(struct fixture *f, struct attempt *a);

/* A value for act: records the status, as "connect". */
void attempt_note(struct attempt *a, int status);

/* A handle, named "tcp", that connects to a full listener, and records what
 * happens. */
struct waiting {
	struct fixture *f;
	struct connection c; /* its tcp */
	struct attempt a;
	struct jam jam;
};

void waiting_begin(struct waiting *w, struct fixture *f);
void waiting_end(struct waiting *w);
struct rota_request *waiting_request(struct waiting *w);

/* Check that the connection can read, from the start of the pattern, and
 * write. */
void connection_expect_talk(struct fixture *f, struct connection *c);

/* Return the descriptor of @handle as a dump of its loop shows it, or -1. */
int handle_fd(struct rota_handle *handle);

void expect_same_address(const struct rota_address *a,
			 const struct rota_address *b);

/*
 * A shortage of descriptors, made with RLIMIT_NOFILE and copies of a
 * descriptor. Tests that are made with IN_SHORTAGE() or IN_REAL_SHORTAGE() end
 * it in any case.
 */
#define IN_SHORTAGE(test)                                                      \
	cmocka_unit_test_setup_teardown(test, shortage_begin_virtual,          \
					shortage_end)
#define IN_REAL_SHORTAGE(test)                                                 \
	cmocka_unit_test_setup_teardown(test, shortage_begin_real, shortage_end)

int shortage_begin_virtual(void **state);
int shortage_begin_real(void **state);
int shortage_end(void **state);

/* Skip the test if so many descriptors are open that it cannot work. */
void need_few_open(void);

/* From now on no descriptor can be opened; then @count can; then all can. */
void starve(void);
void starve_less(unsigned count);
void starve_no_more(void);

/* The same, and numbers from @limit on cannot be opened again after they were
 * closed. */
void starve_at(unsigned limit);

/* Sockets that are made before descriptors run out, to be connected later. */
enum { CROWD = 40 };

struct crowd {
	int fds[CROWD];
	unsigned connected;
	unsigned ended; /* how many of these, from the first */
};

void crowd_open(struct crowd *crowd);
void crowd_connect(struct crowd *crowd, unsigned count,
		   const struct rota_address *address);
void crowd_close(struct crowd *crowd);

/* Check that the next @count of those that have connected see their end. */
void crowd_expect_ends(struct crowd *crowd, unsigned count);

/* rota_stream_shed(). */
uint64_t shed_by(const struct server *s);

/* Make turns, and let virtual time pass, until @condition holds. */
#define PASS_UNTIL(f, condition)                                               \
	for (unsigned turns_ = 0; !(condition); turns_++)                      \
	pass_a_moment(f, turns_)

void pass_a_moment(struct fixture *f, unsigned turns);
void pass_seconds(struct fixture *f, unsigned seconds);

/* Return whether ROTA_TEST_FULL is 1. Then the test may take ten minutes. */
int test_is_full(void);

/* Return whether a sanitizer slows the tests down. */
int test_is_sanitized(void);

#endif
