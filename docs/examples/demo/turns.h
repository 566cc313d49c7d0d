/*
 * turns.h - what a loop did, as a table.
 */
#ifndef DEMO_TURNS_H
#define DEMO_TURNS_H

#include <rota.h>

/* Print the phases, their callbacks and their time, and how late timers were.
 * There is time to tell only if the loop was made with the option measure. */
void turns_print(const char *title, const struct rota_stats *stats);

#endif
