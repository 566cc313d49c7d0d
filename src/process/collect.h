/*
 * process/collect.h - bytes that come in pieces, collected up to a limit.
 */
#ifndef ROTAI_PROCESS_COLLECT_H
#define ROTAI_PROCESS_COLLECT_H

#include "rota/buf.h"

struct rotai_collector {
	struct rota_buf *to;
	size_t limit;
	size_t capacity; /* of the memory at to->data */
};

/* Begin with no bytes. */
void rotai_collect_begin(struct rotai_collector *collector, struct rota_buf *to,
			 size_t limit);

/* Add bytes. Returns 0; 1 if not all are within the limit, and then those that
 * are were added; or ROTA_ENOMEM with nothing changed. */
int rotai_collect(struct rotai_collector *collector,
		  const struct rota_buf *bytes);

/* Free what was collected. */
void rotai_collected_free(struct rota_buf *buf);

#endif
