/*
 * process/check.c - whether the options of a start are valid.
 */
#include <signal.h>

#include "process/prepare.h"
#include "process/terminal.h"
#include "rota/error.h"

enum {
	SPAWN_FLAGS = (ROTA_SPAWN_KILL_ON_CLOSE << 1) - 1,
	ALL_DIRECTIONS = ROTA_SPAWN_STDIO_READS | ROTA_SPAWN_STDIO_WRITES,
	STDIO_MOST = 65536,
	PROCESSORS_MOST = 65536,
	NICE_MOST = 40,
	UMASK_MOST = 07777,
};

static int spawn_has(const struct rota_spawn_options *options, unsigned flags)
{
	return (options->flags & flags) != 0;
}

/* One pipe cannot be two descriptors. */
static int is_repeated(const struct rota_spawn_stdio *stdio, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (stdio[k].kind == ROTA_SPAWN_STDIO_PIPE &&
		    stdio[k].pipe == stdio[i].pipe)
			return 1;
	return 0;
}

static int check_stdio(const struct rota_spawn_options *options)
{
	const struct rota_spawn_stdio *stdio = options->stdio;

	if (options->stdio_count > STDIO_MOST ||
	    (options->stdio_count > 0 && stdio == NULL))
		return ROTA_EINVAL;
	for (uint32_t i = 0; i < options->stdio_count; i++) {
		int is_pipe = stdio[i].kind == ROTA_SPAWN_STDIO_PIPE;

		if ((unsigned)stdio[i].kind > ROTA_SPAWN_STDIO_TERMINAL ||
		    (stdio[i].flags & ~(unsigned)ALL_DIRECTIONS) != 0 ||
		    is_pipe != (stdio[i].flags != 0))
			return ROTA_EINVAL;
		if (is_pipe && (stdio[i].pipe == NULL || is_repeated(stdio, i)))
			return ROTA_EINVAL;
		if (stdio[i].kind == ROTA_SPAWN_STDIO_DESCRIPTOR &&
		    stdio[i].fd < 0)
			return ROTA_EBADF;
	}
	return rotai_terminal_check(options);
}

static int check_session(const struct rota_spawn_options *options)
{
	int leads = spawn_has(options, ROTA_SPAWN_NEW_SESSION) +
		    spawn_has(options, ROTA_SPAWN_NEW_GROUP);
	int64_t count = options->stdio_count < 3 ? 3 : options->stdio_count;

	if (options->process_group < 0 ||
	    leads + (options->process_group != 0) > 1)
		return ROTA_EINVAL;
	if (!spawn_has(options, ROTA_SPAWN_SET_TERMINAL))
		return 0;
	return spawn_has(options, ROTA_SPAWN_NEW_SESSION) &&
			       options->terminal >= 0 &&
			       options->terminal < count
		       ? 0
		       : ROTA_EINVAL;
}

/* An id with all bits set means "unchanged" to the kernel. */
static int check_credentials(const struct rota_spawn_options *options)
{
	if (spawn_has(options, ROTA_SPAWN_SET_USER) &&
	    options->user == UINT32_MAX)
		return ROTA_EINVAL;
	if (spawn_has(options, ROTA_SPAWN_SET_GROUP) &&
	    options->group == UINT32_MAX)
		return ROTA_EINVAL;
	if (options->group_count > 0 &&
	    (options->groups == NULL ||
	     spawn_has(options, ROTA_SPAWN_KEEP_GROUPS)))
		return ROTA_EINVAL;
	return spawn_has(options, ROTA_SPAWN_SET_GROUPS) &&
			       spawn_has(options, ROTA_SPAWN_KEEP_GROUPS)
		       ? ROTA_EINVAL
		       : 0;
}

static int check_resources(const struct rota_spawn_options *options)
{
	if (options->limit_count > 0 && options->limits == NULL)
		return ROTA_EINVAL;
	if (options->processor_count > 0 && options->processors == NULL)
		return ROTA_EINVAL;
	for (uint32_t i = 0; i < options->processor_count; i++)
		if (options->processors[i] >= PROCESSORS_MOST)
			return ROTA_EINVAL;
	return options->nice < -NICE_MOST || options->nice > NICE_MOST ||
			       options->umask > UMASK_MOST
		       ? ROTA_EINVAL
		       : 0;
}

int rotai_prepare_check(const struct rota_spawn_options *options)
{
	int error = check_stdio(options);

	if (options->file == NULL || options->reserved != 0 ||
	    (options->flags & ~(unsigned)SPAWN_FLAGS) != 0 ||
	    options->death_signal < 0)
		return ROTA_EINVAL;
	if (options->argv != NULL && options->argv[0] == NULL)
		return ROTA_EINVAL; /* some programs take that badly */
	if (spawn_has(options, ROTA_SPAWN_SET_CGROUP) && options->cgroup < 0)
		return ROTA_EBADF;
	if (error == 0)
		error = check_session(options);
	if (error == 0)
		error = check_credentials(options);
	return error == 0 ? check_resources(options) : error;
}
