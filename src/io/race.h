/*
 * io/race.h - attempts to connect to the addresses of one host: the first that
 * succeeds wins (RFC 8305).
 */
#ifndef ROTAI_IO_RACE_H
#define ROTAI_IO_RACE_H

#include <stdint.h>

struct rota_address_list;
struct rota_loop;
struct rota_watch;
struct rotai_race;

/* The race is over, later than in rotai_race_begin(): 0, and there is a winner,
 * with which @events have come; or an error, and there is none. @in_poll: this
 * is the poll phase. Frees the race. */
typedef void rotai_race_fn(void *arg, int status, unsigned events, int in_poll);

struct rotai_race_terms {
	uint64_t delay_ns; /* between two attempts */
	int model;         /* a socket whose options all have, or -1 */
	rotai_race_fn *over;
	void *arg;
};

/* Begin with the addresses of @list, and store the race in *@race. Returns
 * ROTA_EINPROGRESS; or 0 if there is a winner already; or an error, and *@race
 * may be NULL. */
int rotai_race_begin(struct rotai_race **race, struct rota_loop *loop,
		     const struct rota_address_list *list,
		     const struct rotai_race_terms *terms);

/* Move the winner's watch and descriptor to @to, which has neither. */
void rotai_race_give(struct rotai_race *race, struct rota_watch *to);

/* Close all attempts that were not given away, and free the race, which may be
 * NULL. */
void rotai_race_free(struct rotai_race *race);

#endif
