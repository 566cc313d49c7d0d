/*
 * system/clock.c - the clocks of the system, for programs.
 */
#include "base/clock.h"
#include "base/wall.h"
#include "rota/clock.h"

uint64_t rota_clock_monotonic(void)
{
	return rotai_clock_monotonic();
}

uint64_t rota_clock_wall(void)
{
	return rotai_wall_clock();
}
