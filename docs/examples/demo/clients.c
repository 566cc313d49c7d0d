/*
 * clients.c - the second loop: all the clients, from the first connection to
 * the last receipt.
 */
#include "demo.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { OVERDUE_SECONDS = 15 };

static struct receipt *take_receipt(struct clients *all)
{
	struct receipt *r = all->free_receipts;

	if (r != NULL) {
		all->free_receipts = r->next_free;
		return r;
	}
	r = malloc(sizeof(*r));
	if (r == NULL)
		return NULL;
	r->server = all->server;
	r->clients = all;
	rota_task_init(&r->there, all->server->loop);
	rota_task_init(&r->back, all->loop);
	r->next_made = all->made_receipts;
	all->made_receipts = r;
	return r;
}

/* An immediate, once a turn: tell the server's loop what came back well. */
static void on_turn(struct meter *meter, uint64_t bytes, uint64_t files)
{
	struct clients *all = rota_container_of(meter, struct clients, meter);
	struct receipt *r = take_receipt(all);
	int error = r != NULL ? 0 : ROTA_ENOMEM;

	if (error == 0) {
		r->bytes = bytes;
		r->files = files;
		error = rota_task_post(&r->there, server_on_receipt);
	}
	if (error < 0)
		clients_fail(all, "post: %s", rota_error_text(error));
	else
		all->receipts++;
}

void clients_on_receipt(struct rota_task *back)
{
	struct receipt *r = rota_container_of(back, struct receipt, back);
	struct clients *all = r->clients;

	all->receipts_back++;
	all->back_bytes += r->bytes;
	r->next_free = all->free_receipts;
	all->free_receipts = r;
	clients_check_end(all);
}

static void end(struct clients *all)
{
	if (all->ended)
		return;
	all->ended = 1;
	server_end(all->server);
	rota_loop_stop(all->loop);
}

void clients_check_end(struct clients *clients)
{
	if (clients->open == 0 && clients->socat.pid == 0 &&
	    clients->back_bytes == clients->bytes &&
	    clients->receipts_back == clients->receipts)
		end(clients);
}

void clients_fail(struct clients *clients, const char *format, ...)
{
	va_list arguments;
	char text[sizeof(clients->verdict.text)];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	verdict_fail(&clients->verdict, "%s", text);
	if (clients->ended)
		return;
	for (size_t i = 0; i < CLIENTS; i++)
		client_abandon(&clients->client[i]);
	socat_abandon(&clients->socat);
	end(clients);
}

/* All is sent, and there is still no end of it. */
static void on_overdue(struct rota_timer *timer)
{
	struct clients *all = rota_container_of(timer, struct clients, finish);

	clients_fail(all,
		     "time-out: %u connections are open, socat %s, and %" PRIu64
		     " posts of %" PRIu64 " are not back",
		     all->open, all->socat.pid != 0 ? "runs" : "has ended",
		     all->receipts - all->receipts_back, all->receipts);
}

/* The time is over: finish the files that are under way. */
static void on_finish(struct rota_timer *timer)
{
	struct clients *all = rota_container_of(timer, struct clients, finish);

	all->finishing = 1;
	rota_timer_start(timer, on_overdue, ROTA_SEC(OVERDUE_SECONDS));
	for (size_t i = 0; i < CLIENTS; i++)
		client_go_on(&all->client[i]);
}

/* Start all that is on the loop: 0, or an error. */
static int set_up(struct clients *all)
{
	int error;

	meter_init(&all->meter, all->loop);
	all->meter.on_turn = on_turn;
	for (unsigned i = 0; i < CLIENTS; i++)
		client_init(&all->client[i], all, i);
	error = socat_start(&all->socat, all);
	if (error == 0)
		error = pulse_start(&all->pulse, all->loop, &all->verdict);
	rota_timer_init(&all->finish, all->loop);
	if (error == 0)
		error = rota_timer_start(&all->finish, on_finish,
					 all->duration_ns);
	for (unsigned i = 0; error == 0 && i < CLIENTS; i++)
		error = client_start(&all->client[i]);
	return error;
}

static void run(struct clients *all)
{
	int error = set_up(all);

	if (error < 0)
		clients_fail(all, "the clients did not start: %s",
			     rota_error_text(error));
	all->began_ns = rota_loop_update_now(all->loop);
	error = rota_loop_run(all->loop, ROTA_RUN_DEFAULT);
	if (error < 0)
		clients_fail(all, "the clients' loop: %s",
			     rota_error_text(error));
	all->ended_ns = rota_loop_update_now(all->loop);
	all->stats.size = sizeof(all->stats);
	rota_loop_stats(all->loop, &all->stats);
}

void clients_run(struct clients *clients)
{
	struct rota_loop_options options;
	int error;

	/* First of all, while no other descriptors are there to be inherited
	 * between accept() and fcntl(). */
	error = socat_spawn(&clients->socat, clients->server->port);
	if (error < 0) {
		verdict_fail(&clients->verdict, "%s: %s",
			     error == ROTA_ENOENT ? "socat is missing"
						  : "socat did not start",
			     rota_error_text(error));
		server_end(clients->server);
		return;
	}
	rota_loop_options_init(&options);
	options.measure = 1;
	error = rota_loop_new(&clients->loop, &options);
	if (error < 0) {
		verdict_fail(&clients->verdict, "no loop for the clients: %s",
			     rota_error_text(error));
		socat_abandon(&clients->socat);
		server_end(clients->server);
		return;
	}
	rota_loop_ref(clients->loop); /* for the server, which posts to it */
	clients->open = CLIENTS;
	run(clients);

	/* Stops the pulse and what else is started, and closes the loop. */
	error = rota_loop_shutdown(clients->loop,
				   clients->ended_ns + ROTA_SEC(5));
	if (error < 0)
		verdict_fail(&clients->verdict, "the clients' shutdown: %s",
			     rota_error_text(error));
}

void clients_free(struct clients *clients)
{
	while (clients->made_receipts != NULL) {
		struct receipt *r = clients->made_receipts;

		clients->made_receipts = r->next_made;
		free(r);
	}
	if (clients->loop != NULL)
		rota_loop_unref(clients->loop);
}
