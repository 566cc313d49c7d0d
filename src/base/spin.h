/*
 * base/spin.h - whether it pays to look again and again before sleeping: an
 * account that each who does so keeps, and that makes it rare where it fails.
 *
 *     if (rotai_spinner_tries(spinner)) {
 *             (look for spinner->how->pauses)
 *             rotai_spinner_note(spinner, found);
 *     }
 */
#ifndef ROTAI_BASE_SPIN_H
#define ROTAI_BASE_SPIN_H

#include "base/thread.h"

enum {
	ROTAI_SPIN_ROUND = 16,  /* tries of a round, while it pays, */
	ROTAI_SPIN_PROBE = 4,   /* and while it does not */
	ROTAI_SPIN_LEAST = 16,  /* waits between two rounds, at first, */
	ROTAI_SPIN_MOST = 1024, /* and in the end */
};

struct rotai_spinner {
	const struct rotai_spin *how;
	uint16_t pause; /* waits between two rounds; 0: it pays */
	uint16_t skip;  /* of these, still to come */
	uint8_t tries;  /* of this round, */
	uint8_t found;  /* and how many of them found something */
};

static inline void rotai_spinner_init(struct rotai_spinner *spinner,
				      const struct rotai_spin *how)
{
	*spinner = (struct rotai_spinner){ .how = how };
}

/* Whether to look before this wait. */
static inline int rotai_spinner_tries(struct rotai_spinner *spinner)
{
	if (spinner->skip == 0)
		return 1;
	spinner->skip--;
	return 0;
}

/* It has looked, and @found something. */
void rotai_spinner_note(struct rotai_spinner *spinner, int found);

#endif
