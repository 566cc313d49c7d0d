/*
 * signal/number.h - the handlers that the process has installed, by the number
 * of the signal, and whom they reach.
 */
#ifndef ROTAI_SIGNAL_NUMBER_H
#define ROTAI_SIGNAL_NUMBER_H

#include "rota/signal.h"

/* 0, or ROTA_EINVAL: @number cannot be watched. */
int rotai_number_check(int number);

/* Count deliveries of the number @to in @target from now on, from 0, and send
 * its async; and no longer those of @from. 0 stands for no number. In a forked
 * child a target of the parent is attached to no number. Returns 0, or an error
 * of sigaction(2) with nothing changed. When it returns 0, no thread uses
 * @target or its async because of @from. Any thread, after
 * rotai_fork_observe(). */
int rotai_number_move(int from, int to, struct rotai_signal_target *target);

/* Describe the latest delivery: 0, or ROTA_ENODATA if there was none since
 * @target was attached. The size of @info is not touched. */
int rotai_number_describe(int number, const struct rotai_signal_target *target,
			  struct rota_signal_info *info);

#endif
