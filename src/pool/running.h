/*
 * pool/running.h - an item while a thread is working on it.
 */
#ifndef ROTAI_POOL_RUNNING_H
#define ROTAI_POOL_RUNNING_H

#include "rota/pool.h"

/* Run @item. Meanwhile rota_work_canceled() reports whether it was
 * cancelled. */
void rotai_item_run(struct rotai_item *item);

/* End @item, which this thread has run. @last: the thread will look for more
 * jobs next. Returns 1 if the item must be given back; 0 if the loop had
 * abandoned it, and it is freed. */
int rotai_item_end(struct rotai_item *item, int last);

#endif
