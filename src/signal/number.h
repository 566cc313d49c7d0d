/*
 * signal/number.h - the handlers that the process has installed, by the number
 * of the signal, and whom they reach.
 */
#ifndef ROTAI_SIGNAL_NUMBER_H
#define ROTAI_SIGNAL_NUMBER_H

#include "rota/signal.h"

/* 0, or ROTA_EINVAL: @number cannot be watched. */
int rotai_number_check(int number);

/* Count deliveries of @number in @target from now on, and send its async: 0, or
 * an error of sigaction(2). Any thread, after rotai_fork_observe(). */
int rotai_number_attach(int number, struct rotai_signal_target *target);

/* Do so no more. When this returns, no thread of the process uses @target or
 * its async because of @number. */
void rotai_number_detach(int number, struct rotai_signal_target *target);

/* Describe the latest delivery: 0, or ROTA_ENODATA if there was none. The size
 * of @info is not touched. */
int rotai_number_describe(int number, struct rota_signal_info *info);

/* In a forked child: attach @target again, which the parent had attached. The
 * handler is installed there already. */
void rotai_number_adopt(int number, struct rotai_signal_target *target);

#endif
