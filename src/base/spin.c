/*
 * base/spin.c - see spin.h.
 *
 * Busy-waiting pays if at least half of the tries find something. If all
 * processors of a machine are busy, nearly none does: the awaited thread needs
 * the processor that the busy-waiting thread occupies. No clock is needed,
 * because a try takes its full time only if it fails.
 */
#include "base/spin.h"

static void begin_round(struct rotai_spinner *spinner, unsigned pause)
{
	spinner->pause = (uint16_t)pause;
	spinner->skip = (uint16_t)pause;
	spinner->tries = 0;
	spinner->found = 0;
}

void rotai_spinner_note(struct rotai_spinner *spinner, int found)
{
	unsigned round =
		spinner->pause > 0 ? ROTAI_SPIN_PROBE : ROTAI_SPIN_ROUND;
	unsigned pause = 2u * spinner->pause;

	spinner->tries++;
	spinner->found = (uint8_t)(spinner->found + (found != 0));
	if (spinner->tries - spinner->found > (int)round / 2) {
		if (pause < ROTAI_SPIN_LEAST)
			pause = ROTAI_SPIN_LEAST;
		begin_round(spinner,
			    pause < ROTAI_SPIN_MOST ? pause : ROTAI_SPIN_MOST);
	} else if (spinner->tries == round) {
		begin_round(spinner, 0);
	}
}
