/*
 * support/random.h - the same random numbers in every run.
 */
#ifndef BENCH_SUPPORT_RANDOM_H
#define BENCH_SUPPORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Any seed except 0. */
struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);

/* From @from to @to, with all values equally likely. */
uint64_t random_uniform(struct random *random, uint64_t from, uint64_t to);

/* From @from to @to, with all orders of magnitude equally likely. */
uint64_t random_log(struct random *random, uint64_t from, uint64_t to);

/* Set @order to 0 to @count - 1 in random order. */
void random_order(struct random *random, uint32_t *order, size_t count);

#endif
