/*
 * watch.c - print what happens to the files in a directory, and in all
 * directories in it.
 *
 *     cc watch.c $(pkg-config --cflags --libs rota) -o watch
 *     ./watch src
 *     ./watch -p 2 /mnt/share          # look every two seconds
 *
 * Directories with the names .git and node_modules are left out. Names are
 * printed as they are, except that bytes of control characters are a "?".
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rota_loop *loop;
static struct rota_fswatch watcher;
static struct rota_stop stop;

static const char *name_of(enum rota_fswatch_type type)
{
	switch (type) {
	case ROTA_FSWATCH_CREATED:
		return "created";
	case ROTA_FSWATCH_REMOVED:
		return "removed";
	case ROTA_FSWATCH_RENAMED:
		return "renamed";
	case ROTA_FSWATCH_CHANGED:
		return "changed";
	case ROTA_FSWATCH_ATTRIBUTES:
		return "attributes";
	case ROTA_FSWATCH_CLOSED:
		return "closed";
	case ROTA_FSWATCH_READY:
		return "ready";
	case ROTA_FSWATCH_OVERFLOW:
		return "overflow: events were lost";
	case ROTA_FSWATCH_RESCAN:
		return "rescan: contents may have changed";
	case ROTA_FSWATCH_UNREADABLE:
		return "unreadable";
	case ROTA_FSWATCH_GONE:
		return "gone";
	case ROTA_FSWATCH_FAILED:
		return "failed";
	}
	return "?";
}

static void print_path(const char *before, const char *path)
{
	fputs(before, stdout);
	for (; *path != '\0'; path++)
		putchar((unsigned char)*path < ' ' || *path == 127 ? '?'
								   : *path);
}

static void on_event(struct rota_fswatch *which,
		     const struct rota_fswatch_event *event)
{
	(void)which;
	fputs(name_of(event->type), stdout);
	if (event->old_path != NULL) {
		print_path(" ", event->old_path);
		fputs(" ->", stdout);
	}
	if (*event->path != '\0')
		print_path(" ", event->path);
	if (event->is_directory)
		putchar('/');
	if (event->status < 0)
		printf(": %s", rota_error_text(event->status));
	putchar('\n');
	fflush(stdout);
	if (event->type == ROTA_FSWATCH_GONE ||
	    event->type == ROTA_FSWATCH_FAILED)
		rota_loop_stop(loop);
}

static int leave_out(struct rota_fswatch *which, const char *path,
		     int is_directory)
{
	const char *name = strrchr(path, '/');

	(void)which;
	name = name != NULL ? name + 1 : path;
	return is_directory &&
	       (strcmp(name, ".git") == 0 || strcmp(name, "node_modules") == 0);
}

static void on_signal(struct rota_stop *the_stop, int number, unsigned times)
{
	(void)the_stop;
	(void)number;
	(void)times;
	rota_loop_stop(loop);
}

static int begin(const char *path, const char *seconds)
{
	struct rota_fswatch_options options = {
		.size = sizeof(options),
		.flags = ROTA_FSWATCH_RECURSIVE,
		.filter = leave_out,
	};
	int error = rota_loop_new(&loop, NULL);

	if (seconds != NULL) {
		options.flags |= ROTA_FSWATCH_POLL;
		options.interval_ns = (uint64_t)(atof(seconds) * 1e9);
	}
	if (error == 0)
		error = rota_stop_start(&stop, loop, on_signal, NULL);
	if (error == 0)
		error = rota_fswatch_init(&watcher, loop);
	if (error == 0)
		error = rota_fswatch_start(&watcher, on_event, path, &options);
	return error;
}

int main(int count, char **arguments)
{
	int looks = count == 4 && strcmp(arguments[1], "-p") == 0;
	int error;

	if (count != 2 && !looks) {
		fputs("usage: watch [-p seconds] directory\n", stderr);
		return 2;
	}
	error = begin(arguments[count - 1], looks ? arguments[2] : NULL);
	if (error < 0) {
		fprintf(stderr, "watch: %s: %s\n", arguments[count - 1],
			rota_error_text(error));
		return 1;
	}
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	return rota_loop_shutdown(loop, UINT64_MAX) < 0;
}
