/*
 * process/hold.h - a child that stays a zombie after its exit was reported.
 *
 * As long as it does, its number is not used again, and neither is that of the
 * group that it leads. So the group can be sent signals on every system.
 */
#ifndef ROTAI_PROCESS_HOLD_H
#define ROTAI_PROCESS_HOLD_H

#include "rota/process.h"

/* Hold the child that was just started. */
void rotai_process_hold(struct rota_process *process);

/* Wait for the child, which has ended, and store how, with its resources. A
 * close of the handle does the first as well. */
void rotai_process_release(struct rota_process *process,
			   struct rota_exit *exit);

#endif
