/*
 * system/found_processors.h - the processors of the machine while they are
 * looked for: what becomes a struct rota_processors.
 */
#ifndef ROTAI_SYSTEM_FOUND_PROCESSORS_H
#define ROTAI_SYSTEM_FOUND_PROCESSORS_H

#include <stddef.h>

#include "rota/system.h"

struct rotai_found_processor {
	struct rota_processor is; /* without the model */
	size_t model;             /* where it is in the texts; 0: unknown */
};

/* Zeroes are a list without processors. */
struct rotai_found_processors {
	struct rotai_found_processor *all; /* by number */
	size_t count, capacity;
	char *texts; /* models, each once, from the second byte on */
	size_t texts_size, texts_capacity;
};

/* Add the processor @number and set *@added to it, with all else 0. It is valid
 * until the next one is added. Returns 0 or ROTA_ENOMEM; ROTA_EEXIST if there
 * is one already. */
int rotai_found_add(struct rotai_found_processors *found, unsigned number,
		    struct rota_processor **added);

/* Return the processor @number, or NULL. */
struct rota_processor *rotai_found_get(struct rotai_found_processors *found,
				       unsigned number);

/* Set the model of the processor @number, which is there. Returns 0 or
 * ROTA_ENOMEM. */
int rotai_found_set_model(struct rotai_found_processors *found, unsigned number,
			  const char *model);

/* Set the model of all that have none. Returns 0 or ROTA_ENOMEM. */
int rotai_found_set_other_models(struct rotai_found_processors *found,
				 const char *model);

/* Make the list, in one block; or NULL. */
const struct rota_processors *
rotai_found_list(const struct rotai_found_processors *found);

/* Free what @found has. */
void rotai_found_free(struct rotai_found_processors *found);

#endif
