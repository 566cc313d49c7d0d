/*
 * process/ways.c - see ways.h.
 */
#include "process/ways.h"

enum rotai_spawn_way rotai_spawn_way;
enum rotai_exit_way rotai_exit_way;
