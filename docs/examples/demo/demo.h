/*
 * demo.h - what the parts of the demo know of each other.
 *
 * Two threads, a loop on each. What is in struct server is the server's
 * thread's, what is in struct clients the main thread's, while they run; each
 * reads the other's only after the join, but for what says so. Both read the
 * corpus, which nobody changes.
 */
#ifndef DEMO_H
#define DEMO_H

#include <pthread.h>
#include <rota.h>
#include <sys/types.h>

#include "../echo/server.h"

/* corpus.c: the bytes that are sent. */

struct corpus_file {
	char *name;
	char *bytes;
	size_t size; /* never 0 */
};

struct corpus {
	struct corpus_file *files;
	size_t count;
	size_t size; /* of all files */
};

/* Read all regular files of the project below @root: 0, or an error. */
int corpus_load(struct corpus *corpus, const char *root);
void corpus_free(struct corpus *corpus);

/* A place in the endless stream of file after file, round and round. */
struct cursor {
	size_t file;
	size_t offset;
};

/* What comes next: the rest of the file at the cursor. */
const char *cursor_peek(const struct corpus *corpus,
			const struct cursor *cursor, size_t *size);

/* Go @size bytes on, not beyond the end of the file. Returns 1 if that is
 * reached: the cursor is at the beginning of the next one then. */
int cursor_advance(const struct corpus *corpus, struct cursor *cursor,
		   size_t size);

/* Compare @bytes with what is at the cursor and move that past all that are
 * equal. Returns how many are; adds the files that ended to *@files. */
size_t cursor_compare(const struct corpus *corpus, struct cursor *cursor,
		      const char *bytes, size_t size, uint64_t *files);

/* verdict.c: the first thing that went wrong. */

struct verdict {
	char text[240]; /* "": all is well so far */
};

void verdict_fail(struct verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* meter.c: timers, ticks, microtasks and immediates at work. */

/*
 * Adds up what a loop moves. A tick after each callback that moved something
 * takes its share, a microtask after that compares it with the largest so far,
 * and an immediate, once in a turn, closes the turn's account.
 */
struct meter {
	uint64_t bytes, files; /* in all, of turns that are closed */
	uint64_t turns;        /* that moved something */
	uint64_t most_in_call, most_in_turn;
	uint64_t ticks, microtasks;
	void (*on_turn)(struct meter *meter, uint64_t bytes, uint64_t files);

	uint64_t call_bytes, call_files, last_call, turn_bytes, turn_files;
	struct rota_task tick, microtask, immediate;
};

void meter_init(struct meter *meter, struct rota_loop *loop);
void meter_add(struct meter *meter, uint64_t bytes, uint64_t files);

/* A timer every 10 ms, which measures how late it is. */
struct pulse {
	struct rota_timer timer;
	struct rota_loop *loop;
	struct verdict *verdict; /* told if a beat is early */
	uint64_t due_ns;         /* of the next beat */
	uint64_t beats, missed;
	uint64_t late_ns, latest_ns; /* in all, and at most */
};

int pulse_start(struct pulse *pulse, struct rota_loop *loop,
		struct verdict *verdict);

/* server.c: the first loop. */

struct server {
	struct verdict verdict;
	struct echo_server echo;
	struct meter meter;
	struct pulse pulse;
	struct rota_stats stats; /* as the loop ended */
	uint64_t receipts, receipt_bytes, receipt_files;
	uint64_t corrupt_at; /* flip a bit of this byte; 0: of none */

	/* Set when server_start() returns, for both threads. */
	struct rota_loop *loop; /* a reference: server_free() drops it */
	uint16_t port;

	struct rota_task end;
	pthread_t thread;
	pthread_mutex_t mutex; /* for started */
	pthread_cond_t change;
	int started;
};

/* Run the server on a thread of its own, and wait until it listens. */
int server_start(struct server *server);

/* Have it end: any thread. Then wait for the thread. */
void server_end(struct server *server);
void server_join(struct server *server);
void server_free(struct server *server);

/* Receipts: messages between the loops, by posts. */

/* What the clients have verified in one turn. The client loop posts it to the
 * server's, which adds it up and posts it back. */
struct receipt {
	struct rota_task there, back;
	struct server *server;
	struct clients *clients;
	uint64_t bytes, files;
	struct receipt *next_free;
	struct receipt *next_made;
};

void server_on_receipt(struct rota_task *there);
void clients_on_receipt(struct rota_task *back);

/* socat.c: a client that nobody here wrote. */

struct socat {
	struct clients *clients;
	struct rota_watch input, output; /* pipes, as socat sees them */
	struct rota_timer stalled, reap;
	struct cursor sent, received;
	uint64_t to_send, to_receive; /* bytes */
	int input_fd, output_fd;      /* -1: closed */
	pid_t pid;                    /* 0: it has gone */
};

/* Start the program: 0, or an error. It is not on a loop yet. */
int socat_spawn(struct socat *socat, uint16_t port);

/* Feed it, and compare what it says. */
int socat_start(struct socat *socat, struct clients *clients);

/* End it, if it runs, and close its pipes. */
void socat_abandon(struct socat *socat);

/* client.c, clients.c: the second loop. */

enum {
	CLIENTS = 100,
	CLIENT_BUFFER_SIZE = 64 * 1024,
};

enum client_kind {
	CLIENT_STEADY, /* sends a little ahead of what comes back */
	CLIENT_GREEDY, /* sends all it can, and reads slowly */
	CLIENT_BRIEF,  /* sends a few files, ends, and connects again */
};

struct client {
	struct clients *clients;
	struct rota_watch watch;
	struct rota_timer pause;
	struct rota_timer stalled;
	struct cursor sent, received;
	uint64_t ahead;      /* bytes sent that have not come back */
	uint64_t files_left; /* to send on this connection */
	enum client_kind kind;
	unsigned number;
	int connecting;
	int resting;  /* not reading, for a moment */
	int sent_all; /* and told the server so */
};

struct clients {
	struct verdict verdict;
	const struct corpus *corpus;
	struct server *server;
	struct rota_loop *loop;
	struct meter meter;
	struct pulse pulse;
	struct socat socat;
	struct rota_stats stats; /* as the loop ended */

	uint64_t connections, bytes, files;
	uint64_t receipts, receipts_back, back_bytes;
	uint64_t duration_ns, began_ns, ended_ns;

	struct rota_timer finish;
	struct receipt *free_receipts;
	struct receipt *made_receipts;
	unsigned open; /* clients that have not finished */
	int finishing; /* no client begins another file */
	int ended;     /* well or not; the loop stops */
	struct client client[CLIENTS];
	char buffer[CLIENT_BUFFER_SIZE]; /* what is read is compared at once */
};

void client_init(struct client *client, struct clients *clients,
		 unsigned number);
int client_start(struct client *client);

/* Send what may be sent now, and wait for what is to be waited for. */
void client_go_on(struct client *client);
void client_abandon(struct client *client);

/* Run all clients, to their end, on the calling thread. */
void clients_run(struct clients *clients);

/* Once the server's thread has gone too. */
void clients_free(struct clients *clients);

/* Something has ended: see whether that was the last. */
void clients_check_end(struct clients *clients);

/* Give up: @format says why. */
void clients_fail(struct clients *clients, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* report.c: what is printed. */

void report_loop(const char *title, const struct rota_stats *stats,
		 const struct pulse *pulse);
void report_totals(const struct server *server, const struct clients *clients);

#endif
