/*
 * base/spawn_child.c - what a child does before it executes its program.
 *
 *  1. The order matters. What needs privileges comes before they are dropped:
 *     groups, group, user. The working directory is entered as the new user.
 *     The death signal comes after that, because a change of the user clears
 *     it. Limits come after the descriptors, which they might forbid.
 *  2. Descriptors: first each source that has a number below the child's
 *     count, and is not where it belongs, is duplicated to a number above.
 *     From then on no source is overwritten, and each is put to its place. So
 *     swaps and longer circles need no search.
 *  3. This may run in the memory of the parent: see spawn_call.h. It writes
 *     nothing but its stack and struct rotai_spawn.
 *  4. Of several paths, the error of the first that exists and may not be
 *     executed is reported, as execvp(3) does, and else that of the last one.
 */
#include "base/spawn.h"

#include "base/spawn_call.h"
#include "rota/error.h"

/* Whether all is well so far. */
ROTAI_IN_CHILD static int went(struct rotai_spawn *spawn,
			       enum rota_spawn_step step, int result)
{
	if (result >= 0)
		return 1;
	spawn->step = (int)step;
	spawn->error = result;
	return 0;
}

ROTAI_IN_CHILD static int has(const struct rotai_spawn *spawn, unsigned flags)
{
	return (spawn->options->flags & flags) != 0;
}

/* Put all sources out of the way. (2) */
ROTAI_IN_CHILD static int raise_sources(struct rotai_spawn *spawn)
{
	int count = (int)spawn->source_count;
	int null = -1;

	for (int i = 0; i < count; i++) {
		int source = spawn->sources[i];

		if (source >= 0 && source < count && source != i)
			source = rotai_child_dup_above(source, count);
		else if (source == ROTAI_SPAWN_NULL && null >= 0)
			source = null;
		if (source >= 0 || source == ROTAI_SPAWN_CLOSED) {
			spawn->sources[i] = source;
			continue;
		}
		if (source != ROTAI_SPAWN_NULL)
			return source;
		source = rotai_child_open_null();
		if (source >= 0 && source < count) {
			null = rotai_child_dup_above(source, count);
			rotai_child_close(source);
			source = null;
		}
		if (source < 0)
			return source;
		null = source;
		spawn->sources[i] = source;
	}
	return 0;
}

ROTAI_IN_CHILD static int place_sources(struct rotai_spawn *spawn)
{
	for (int i = 0; i < (int)spawn->source_count; i++) {
		int source = spawn->sources[i];
		int result = 0;

		if (source == ROTAI_SPAWN_CLOSED)
			rotai_child_close(i);
		else if (source == i)
			result = rotai_child_keep(i);
		else
			result = rotai_child_dup_to(source, i);
		if (result < 0)
			return result;
	}
	return 0;
}

ROTAI_IN_CHILD static int set_descriptors(struct rotai_spawn *spawn)
{
	int error = raise_sources(spawn);

	return error < 0 ? error : place_sources(spawn);
}

ROTAI_IN_CHILD static int set_job(const struct rotai_spawn *spawn)
{
	if (has(spawn, ROTA_SPAWN_NEW_GROUP))
		return rotai_child_job(0);
	if (spawn->options->process_group != 0)
		return rotai_child_job(spawn->options->process_group);
	return 0;
}

ROTAI_IN_CHILD static int set_limits(const struct rotai_spawn *spawn)
{
	const struct rota_spawn_options *options = spawn->options;
	int error = 0;

	for (unsigned i = 0; i < options->limit_count && error == 0; i++)
		error = rotai_child_limit(options->limits[i].resource,
					  options->limits[i].soft,
					  options->limits[i].hard);
	return error;
}

ROTAI_IN_CHILD static int begin_session(struct rotai_spawn *spawn)
{
	const struct rota_spawn_options *options = spawn->options;

	if (has(spawn, ROTA_SPAWN_SET_CGROUP) && !spawn->has_joined &&
	    !went(spawn, ROTA_SPAWN_STEP_CGROUP,
		  rotai_child_join_cgroup(options->cgroup)))
		return 0;
	if (has(spawn, ROTA_SPAWN_NEW_SESSION) &&
	    !went(spawn, ROTA_SPAWN_STEP_SESSION, rotai_child_session()))
		return 0;
	if (!went(spawn, ROTA_SPAWN_STEP_JOB, set_job(spawn)))
		return 0;
	if (!went(spawn, ROTA_SPAWN_STEP_STDIO, set_descriptors(spawn)))
		return 0;
	return !has(spawn, ROTA_SPAWN_SET_TERMINAL) ||
	       went(spawn, ROTA_SPAWN_STEP_TERMINAL,
		    rotai_child_terminal(options->terminal));
}

ROTAI_IN_CHILD static int set_resources(struct rotai_spawn *spawn)
{
	const struct rota_spawn_options *options = spawn->options;

	if (has(spawn, ROTA_SPAWN_SET_UMASK))
		rotai_child_umask(options->umask);
	if (!went(spawn, ROTA_SPAWN_STEP_LIMITS, set_limits(spawn)))
		return 0;
	if (options->nice != 0 &&
	    !went(spawn, ROTA_SPAWN_STEP_NICE, rotai_child_nice(options->nice)))
		return 0;
	return spawn->processors == NULL ||
	       went(spawn, ROTA_SPAWN_STEP_AFFINITY,
		    rotai_child_affinity(spawn->processors,
					 spawn->processors_size));
}

ROTAI_IN_CHILD static int set_credentials(struct rotai_spawn *spawn)
{
	const struct rota_spawn_options *options = spawn->options;
	const unsigned any = ROTA_SPAWN_SET_USER | ROTA_SPAWN_SET_GROUP |
			     ROTA_SPAWN_SET_GROUPS;

	if (has(spawn, any) && !has(spawn, ROTA_SPAWN_KEEP_GROUPS) &&
	    !went(spawn, ROTA_SPAWN_STEP_GROUPS,
		  rotai_child_groups(options->groups, options->group_count)))
		return 0;
	if (has(spawn, ROTA_SPAWN_SET_GROUP) &&
	    !went(spawn, ROTA_SPAWN_STEP_GROUP,
		  rotai_child_group(options->group)))
		return 0;
	return !has(spawn, ROTA_SPAWN_SET_USER) ||
	       went(spawn, ROTA_SPAWN_STEP_USER,
		    rotai_child_user(options->user));
}

/* (1) */
ROTAI_IN_CHILD static int prepare_program(struct rotai_spawn *spawn)
{
	const struct rota_spawn_options *options = spawn->options;

	if (options->directory != NULL &&
	    !went(spawn, ROTA_SPAWN_STEP_DIRECTORY,
		  rotai_child_directory(options->directory)))
		return 0;
	if (has(spawn, ROTA_SPAWN_NO_NEW_PRIVILEGES) &&
	    !went(spawn, ROTA_SPAWN_STEP_PRIVILEGES,
		  rotai_child_no_new_privileges()))
		return 0;
	if (!has(spawn, ROTA_SPAWN_KEEP_DESCRIPTORS) &&
	    !went(spawn, ROTA_SPAWN_STEP_DESCRIPTORS,
		  rotai_child_no_others((int)spawn->source_count,
					spawn->limit)))
		return 0;
	if (options->death_signal != 0 &&
	    !went(spawn, ROTA_SPAWN_STEP_DEATH,
		  rotai_child_death(options->death_signal, spawn->parent)))
		return 0;
	return went(spawn, ROTA_SPAWN_STEP_SIGNALS, rotai_child_signals(spawn));
}

/* Whether a search goes on after this error. */
ROTAI_IN_CHILD static int is_absent(int error)
{
	return error == ROTA_ENOENT || error == ROTA_ENOTDIR ||
	       error == ROTA_EACCES || error == ROTA_ESTALE ||
	       error == ROTA_ENODEV || error == ROTA_ETIMEDOUT;
}

/* (4) */
ROTAI_IN_CHILD static int execute(const struct rotai_spawn *spawn)
{
	int error = ROTA_ENOENT;
	int refused = 0;

	for (const char *const *path = spawn->paths; *path != NULL; path++) {
		error = rotai_child_execute(*path, spawn->argv,
					    spawn->environment);
		if (!is_absent(error))
			return error;
		if (error == ROTA_EACCES)
			refused = 1;
	}
	return refused ? ROTA_EACCES : error;
}

ROTAI_IN_CHILD void rotai_spawn_child(struct rotai_spawn *spawn)
{
	if (begin_session(spawn) && set_resources(spawn) &&
	    set_credentials(spawn) && prepare_program(spawn))
		(void)went(spawn, ROTA_SPAWN_STEP_EXEC, execute(spawn));
}
