/*
 * process/step.c - the names of the steps of a start.
 */
#include "rota/spawn.h"

static const char *const names[] = {
	[ROTA_SPAWN_STEP_NONE] = "none",
	[ROTA_SPAWN_STEP_OPTIONS] = "options",
	[ROTA_SPAWN_STEP_PREPARE] = "prepare",
	[ROTA_SPAWN_STEP_PIPE] = "pipe",
	[ROTA_SPAWN_STEP_START] = "start",
	[ROTA_SPAWN_STEP_CGROUP] = "cgroup",
	[ROTA_SPAWN_STEP_SESSION] = "setsid",
	[ROTA_SPAWN_STEP_JOB] = "setpgid",
	[ROTA_SPAWN_STEP_STDIO] = "stdio",
	[ROTA_SPAWN_STEP_TERMINAL] = "terminal",
	[ROTA_SPAWN_STEP_LIMITS] = "setrlimit",
	[ROTA_SPAWN_STEP_NICE] = "nice",
	[ROTA_SPAWN_STEP_AFFINITY] = "affinity",
	[ROTA_SPAWN_STEP_GROUPS] = "setgroups",
	[ROTA_SPAWN_STEP_GROUP] = "setgid",
	[ROTA_SPAWN_STEP_USER] = "setuid",
	[ROTA_SPAWN_STEP_DIRECTORY] = "chdir",
	[ROTA_SPAWN_STEP_PRIVILEGES] = "no-new-privileges",
	[ROTA_SPAWN_STEP_DESCRIPTORS] = "descriptors",
	[ROTA_SPAWN_STEP_DEATH] = "death-signal",
	[ROTA_SPAWN_STEP_SIGNALS] = "signals",
	[ROTA_SPAWN_STEP_EXEC] = "exec",
};

const char *rota_spawn_step_name(enum rota_spawn_step step)
{
	return (unsigned)step < sizeof(names) / sizeof(names[0]) ? names[step]
								 : "unknown";
}
