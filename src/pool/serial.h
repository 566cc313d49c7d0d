/*
 * pool/serial.h - serial queues: of the jobs of a struct rota_serial one at a
 * time is with the threads.
 */
#ifndef ROTAI_POOL_SERIAL_H
#define ROTAI_POOL_SERIAL_H

#include "pool/back.h"
#include "pool/pool.h"
#include "rota/pool.h"

/* The lane of @item, which is of @serial. */
static inline struct rotai_lane *
rotai_serial_lane(const struct rota_serial *serial,
		  const struct rotai_item *item)
{
	return &item->client->pool->lanes[serial->internal.lane];
}

/* With the lock held: publish the item behind the first one, if there is one.
 * Returns whether there was. */
int rotai_serial_publish_next(struct rota_serial *serial,
			      struct rotai_lane *lane);

/* Queue @item, which is set up: submit it if it is the first, else have it wait
 * behind the others. */
void rotai_serial_enter(struct rota_serial *serial, struct rotai_item *item);

/* @item, which a thread has run, ends. Submit the one behind it. The thread
 * that has run it; @last: it will look for more jobs next. */
void rotai_serial_go_on(struct rotai_item *item, int last);

/* @item was taken back. If it was the first, submit the one behind it. The
 * loop's thread. */
void rotai_serial_left(struct rota_serial *serial, struct rotai_item *item);

/* @item has come back, with @error if it could not be run. */
void rotai_serial_came_back(struct rota_serial *serial, struct rotai_item *item,
			    int error);

/* Return the item that is with the threads, or NULL. The loop's thread. */
struct rotai_item *rotai_serial_head(struct rota_serial *serial);

/* Return an item that waits behind another one, and stop it from doing so; or
 * NULL. The loop's thread. */
struct rotai_item *rotai_serial_withdraw(struct rota_serial *serial);

/* The callback of one of its items is about to run. */
static inline void rotai_serial_count_out(struct rota_serial *serial)
{
	serial->internal.in_flight--;
}

/* In a forked child: its items are with no thread any more. */
void rotai_serial_forked(struct rota_serial *serial);

#endif
