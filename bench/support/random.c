/*
 * random.c - the same random numbers in every run: xorshift64*.
 */
#include "support/random.h"

#include <math.h>

uint64_t random_next(struct random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t random_uniform(struct random *random, uint64_t from, uint64_t to)
{
	return from + random_next(random) % (to - from + 1);
}

uint64_t random_log(struct random *random, uint64_t from, uint64_t to)
{
	double share = (double)(random_next(random) >> 11) * 0x1p-53;

	return (uint64_t)((double)from * pow((double)to / (double)from, share));
}

void random_order(struct random *random, uint32_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t other = random_next(random) % (i + 1);

		order[i] = order[other];
		order[other] = (uint32_t)i;
	}
}
