/*
 * io/pump.h - what proxy.c needs of a pump besides rota/pump.h.
 */
#ifndef ROTAI_IO_PUMP_H
#define ROTAI_IO_PUMP_H

#include "rota/pump.h"

/* Undo the start of @pump, which has passed nothing yet. */
void rotai_pump_drop(struct rota_pump *pump);

#endif
