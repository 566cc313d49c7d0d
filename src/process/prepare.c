/*
 * process/prepare.c - see prepare.h.
 *
 *  1. The child may share our memory and must not allocate: all that it uses is
 *     in one piece of memory. Pointers come first, then longs, numbers, and the
 *     paths.
 *  2. A name without a slash becomes one path for each directory of PATH. An
 *     empty directory is the working directory.
 *  3. A pipe that only one side writes is a pipe, not a socket: a program can
 *     open /dev/stdin and /dev/stdout again if they are pipes, but not if they
 *     are sockets.
 */
#include "process/prepare.h"

#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "process/terminal.h"
#include "rota/error.h"
#include "rota/pipe.h"
#include "rota/tty.h"

enum { STANDARD = 3, LONG_BITS = 8 * sizeof(unsigned long), USUAL_SIZE = 256 };

/* How large the parts of the memory are. */
struct parts {
	char usual[USUAL_SIZE]; /* the search path of a child without PATH */
	const char *search;     /* or NULL: there is no search */
	size_t paths;           /* with the NULL at the end */
	size_t longs;
	unsigned sources;
	size_t bytes; /* of the paths */
};

/* The value of PATH in the child's environment, or NULL. */
static const char *path_in(char *const *environment)
{
	for (; environment != NULL && *environment != NULL; environment++)
		if (strncmp(*environment, "PATH=", 5) == 0)
			return *environment + 5;
	return NULL;
}

static char *const *environment_of(const struct rota_spawn_options *options)
{
	return options->environment != NULL ? options->environment
					    : rotai_spawn_environment();
}

static const char *search_of(const struct rota_spawn_options *options,
			     char usual[USUAL_SIZE])
{
	const char *path;

	if ((options->flags & ROTA_SPAWN_NO_SEARCH) ||
	    strchr(options->file, '/') != NULL || options->file[0] == '\0')
		return NULL;
	path = path_in(environment_of(options));
	if (path != NULL)
		return path;
	if (confstr(_CS_PATH, usual, USUAL_SIZE) - 1 >= USUAL_SIZE)
		return "/bin:/usr/bin";
	return usual;
}

static size_t count_directories(const char *search)
{
	size_t count = 1;

	for (; *search != '\0'; search++)
		count += *search == ':';
	return count;
}

static void measure_processors(const struct rota_spawn_options *options,
			       struct parts *parts)
{
	parts->longs = 0;
	for (uint32_t i = 0; i < options->processor_count; i++) {
		size_t longs = options->processors[i] / LONG_BITS + 1;

		if (longs > parts->longs)
			parts->longs = longs;
	}
}

static size_t measure(const struct rota_spawn_options *options,
		      struct parts *parts)
{
	size_t length = strlen(options->file);

	parts->sources = options->stdio_count < STANDARD ? STANDARD
							 : options->stdio_count;
	measure_processors(options, parts);
	parts->search = search_of(options, parts->usual);
	if (parts->search == NULL) {
		parts->paths = 2;
		parts->bytes = 0;
	} else {
		size_t count = count_directories(parts->search);

		/* Each has a slash and a 0. */
		parts->paths = count + 1;
		parts->bytes = strlen(parts->search) + count * (length + 2);
	}
	return (parts->paths + 2) * sizeof(char *) +
	       parts->longs * sizeof(unsigned long) +
	       2 * parts->sources * sizeof(int) + parts->bytes;
}

/* (2) */
static void fill_paths(const char **paths, char *names, const char *search,
		       const char *file)
{
	size_t length = strlen(file);

	for (;;) {
		size_t size = strcspn(search, ":");

		*paths++ = names;
		memcpy(names, search, size);
		names += size;
		if (size > 0)
			*names++ = '/';
		memcpy(names, file, length + 1);
		names += length + 1;
		search += size;
		if (*search++ == '\0')
			break;
	}
	*paths = NULL;
}

static int source_of_stdio(const struct rota_spawn_stdio *stdio, uint32_t i)
{
	switch (stdio->kind) {
	case ROTA_SPAWN_STDIO_INHERIT:
		return (int)i;
	case ROTA_SPAWN_STDIO_DESCRIPTOR:
		return stdio->fd;
	case ROTA_SPAWN_STDIO_CLOSED:
		return ROTAI_SPAWN_CLOSED;
	default:
		return ROTAI_SPAWN_NULL; /* a pipe is put in later */
	}
}

static void fill_sources(struct rotai_prepared *prepared)
{
	const struct rota_spawn_options *options = &prepared->options;

	for (uint32_t i = 0; i < prepared->spawn.source_count; i++) {
		prepared->ends[i] = -1;
		prepared->spawn.sources[i] =
			i < options->stdio_count
				? source_of_stdio(&options->stdio[i], i)
				: ROTAI_SPAWN_NULL;
	}
}

static void fill_processors(const struct rota_spawn_options *options,
			    unsigned long *mask, size_t longs)
{
	memset(mask, 0, longs * sizeof(*mask));
	for (uint32_t i = 0; i < options->processor_count; i++)
		mask[options->processors[i] / LONG_BITS] |=
			1UL << options->processors[i] % LONG_BITS;
}

/* (1) */
static void fill(struct rotai_prepared *prepared, const struct parts *parts)
{
	const struct rota_spawn_options *options = &prepared->options;
	const char **pointers = prepared->memory;
	const char **argv = pointers + parts->paths;
	unsigned long *longs = (unsigned long *)(argv + 2);
	int *numbers = (int *)(longs + parts->longs);
	char *names = (char *)(numbers + 2 * parts->sources);
	struct rotai_spawn *spawn = &prepared->spawn;

	pointers[0] = options->file;
	pointers[1] = NULL;
	if (parts->search != NULL)
		fill_paths(pointers, names, parts->search, options->file);
	argv[0] = options->file;
	argv[1] = NULL;
	fill_processors(options, longs, parts->longs);
	*spawn = (struct rotai_spawn){
		.options = options,
		.paths = pointers,
		.argv = options->argv != NULL ? options->argv
					      : (char *const *)argv,
		.environment = environment_of(options),
		.sources = numbers,
		.source_count = parts->sources,
		.processors = parts->longs > 0 ? longs : NULL,
		.processors_size = parts->longs * sizeof(*longs),
		.pidfd = -1,
	};
	prepared->ends = numbers + parts->sources;
	fill_sources(prepared);
}

int rotai_prepare_memory(struct rotai_prepared *prepared,
			 struct rota_loop *loop)
{
	struct parts parts;

	rotai_terminal_begin(&prepared->options);
	prepared->loop = loop;
	prepared->opened = 0;
	prepared->size = measure(&prepared->options, &parts);
	prepared->memory = rotai_memory_new(&loop->allocator, prepared->size);
	if (prepared->memory == NULL)
		return ROTA_ENOMEM;
	fill(prepared, &parts);
	return 0;
}

void rotai_prepare_free(struct rotai_prepared *prepared)
{
	rotai_memory_free(&prepared->loop->allocator, prepared->memory,
			  prepared->size);
}

/* Returns the child's end, or an error. (3) */
static int open_stdio_pipe(struct rota_loop *loop,
			   const struct rota_spawn_stdio *stdio)
{
	int reads = (stdio->flags & ROTA_SPAWN_STDIO_READS) != 0;
	int both = reads && (stdio->flags & ROTA_SPAWN_STDIO_WRITES);
	int fds[2];
	int error = both ? rota_pipe_socketpair(fds, 0)
			 : rota_pipe_anonymous(fds, 0);

	if (error < 0)
		return error;
	/* A child that reads gets the first end. */
	error = rota_pipe_open(stdio->pipe, loop, fds[reads]);
	if (error == 0)
		return fds[!reads];
	rotai_fd_close(fds[0]);
	rotai_fd_close(fds[1]);
	return error;
}

int rotai_prepare_pipes(struct rotai_prepared *prepared)
{
	const struct rota_spawn_options *options = &prepared->options;

	for (uint32_t i = 0; i < options->stdio_count; i++) {
		int end;

		if (options->stdio[i].kind == ROTA_SPAWN_STDIO_PIPE)
			end = prepared->ends[i] = open_stdio_pipe(
				prepared->loop, &options->stdio[i]);
		else if (options->stdio[i].kind == ROTA_SPAWN_STDIO_TERMINAL)
			end = rotai_terminal_open(options, prepared->loop, i,
						  prepared->ends);
		else
			continue;
		if (end < 0) {
			rotai_prepare_close(prepared, 1);
			return end;
		}
		prepared->spawn.sources[i] = end;
		prepared->opened = i + 1;
	}
	return 0;
}

void rotai_prepare_close(struct rotai_prepared *prepared, int with_ours)
{
	const struct rota_spawn_stdio *stdio = prepared->options.stdio;

	for (unsigned i = 0; i < prepared->opened; i++) {
		if (prepared->ends[i] < 0)
			continue;
		rotai_fd_close(prepared->ends[i]);
		if (!with_ours)
			continue;
		(void)rota_handle_close_now(
			stdio[i].kind == ROTA_SPAWN_STDIO_PIPE
				? &stdio[i].pipe->handle
				: &stdio[i].tty->handle);
	}
	prepared->opened = 0;
}
