/*
 * fswatch/numbers.h - the numbers that inotify(7) gives to files, and what is
 * bound to each. The kernel gives a file one number, however often it is added.
 */
#ifndef ROTAI_FSWATCH_NUMBERS_H
#define ROTAI_FSWATCH_NUMBERS_H

#include <stddef.h>

#include "base/list.h"

struct rotai_numbered {
	struct rotai_numbered *next;
	struct rota_link bounds;
	int number;
	int busy; /* a notice is passed on to them */
};

struct rotai_numbers {
	struct rotai_numbered **places; /* a hash table */
	size_t place_count;             /* a power of 2 */
	size_t count;
};

/* Returns 0 or ROTA_ENOMEM. */
int rotai_numbers_init(struct rotai_numbers *numbers);

/* Free the table, in which no number is left. */
void rotai_numbers_free(struct rotai_numbers *numbers);

/* The entry of @number, or NULL. */
struct rotai_numbered *rotai_numbers_find(const struct rotai_numbers *numbers,
					  int number);

/* The same, which is made if there is none; NULL if there is no memory. */
struct rotai_numbered *rotai_numbers_get(struct rotai_numbers *numbers,
					 int number);

/* Forget an entry to which nothing is bound. */
void rotai_numbers_drop(struct rotai_numbers *numbers, int number);

/* Some entry, or NULL if there are none. */
struct rotai_numbered *rotai_numbers_any(const struct rotai_numbers *numbers);

#endif
