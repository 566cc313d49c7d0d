/*
 * pool/running.h - an item while a thread is at it.
 */
#ifndef ROTAI_POOL_RUNNING_H
#define ROTAI_POOL_RUNNING_H

#include "rota/pool.h"

/* Do the work of @item; rota_work_canceled() tells of it meanwhile. */
void rotai_item_run(struct rotai_item *item);

/* A thread is done with @item. 1: it is to be given back; 0: the loop had let
 * go of it, and it is gone. */
int rotai_item_end(struct rotai_item *item);

#endif
