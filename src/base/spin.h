/*
 * base/spin.h - decides whether a thread busy-waits before it sleeps. Each user
 * keeps a record of its tries, so that busy-waiting becomes rare where it
 * fails.
 *
 *     if (rotai_spinner_tries(spinner)) {
 *             (busy-wait for spinner->how->pauses)
 *             rotai_spinner_note(spinner, found);
 *     }
 */
#ifndef ROTAI_BASE_SPIN_H
#define ROTAI_BASE_SPIN_H

#include "base/thread.h"

enum {
	ROTAI_SPIN_ROUND = 16,  /* tries in a round, while it pays */
	ROTAI_SPIN_PROBE = 4,   /* tries in a round, while it does not */
	ROTAI_SPIN_LEAST = 16,  /* waits between two rounds, at first */
	ROTAI_SPIN_MOST = 1024, /* waits between two rounds, at most */
};

struct rotai_spinner {
	const struct rotai_spin *how;
	uint16_t pause; /* waits between two rounds; 0: it pays */
	uint16_t skip;  /* of these, how many are left */
	uint8_t tries;  /* in this round */
	uint8_t found;  /* of these, how many found something */
};

static inline void rotai_spinner_init(struct rotai_spinner *spinner,
				      const struct rotai_spin *how)
{
	*spinner = (struct rotai_spinner){ .how = how };
}

/* Whether to busy-wait before this sleep. */
static inline int rotai_spinner_tries(struct rotai_spinner *spinner)
{
	if (spinner->skip == 0)
		return 1;
	spinner->skip--;
	return 0;
}

/* Record a try, and whether it @found something. */
void rotai_spinner_note(struct rotai_spinner *spinner, int found);

#endif
