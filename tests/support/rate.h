/*
 * tests/support/rate.h - buckets, and how long they let bytes take in virtual
 * time.
 */
#ifndef TESTS_SUPPORT_RATE_H
#define TESTS_SUPPORT_RATE_H

#include "fixture.h"
#include "rota/rate.h"

enum { KIB = 1024, MIB = 1024 * KIB };

/* Make a bucket that is full, of the fixture's loop. */
void bucket_begin(struct rota_bucket *bucket, struct fixture *f, uint64_t bytes,
		  uint64_t burst);

/* Nobody uses it any more. */
void bucket_end(const struct rota_bucket *bucket);

/* The time since the test began. */
uint64_t time_passed(struct fixture *f);

/* How long @size bytes take, if the first @burst are free. */
uint64_t time_for(uint64_t size, uint64_t rate, uint64_t burst);

/* Let the loop run, and virtual time pass, until @condition holds. */
#define PASS(f, condition)                                                     \
	for (unsigned turns_ = 0; !(condition); turns_++)                      \
	pass_once(f, turns_)

void pass_once(struct fixture *f, unsigned turns);

/* Let @ns pass in which only what the loop does happens. */
void pass_time(struct fixture *f, uint64_t ns);

#endif
