/*
 * loop/renew.h - pollers that have to start over.
 */
#ifndef ROTAI_LOOP_RENEW_H
#define ROTAI_LOOP_RENEW_H

#include <stdint.h>

struct rota_loop;
struct rotai_ready;

/* Stale events have arrived. Have the poller start over, if that is necessary
 * and possible. Returns 1 if it has: then nothing is registered. */
int rotai_poller_renew(struct rota_loop *loop);

/* The loop has a new poller, which is not stuck. */
void rotai_poller_replaced(struct rota_loop *loop);

/* Ask the poller, or rest before that: renew.c (2). */
int rotai_poller_wait(struct rota_loop *loop, int64_t timeout_ns,
		      struct rotai_ready *ready, int max);

/* After a wait of a poller that could not start over: drop the stale events.
 * Returns how many of @n are left, or @n if that is an error. */
int rotai_stale_drop(struct rota_loop *loop, struct rotai_ready *ready, int n);

#endif
