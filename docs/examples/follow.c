/*
 * follow.c - print what is appended to a file, as `tail -F` does: also when the
 * file is truncated, or renamed and made anew, as log files are.
 *
 *     cc follow.c $(pkg-config --cflags --libs rota) -o follow
 *     ./follow /var/log/syslog         # what is appended from now on
 *     ./follow -a app.log              # from the beginning
 *
 * The watcher follows the path (ROTA_FSWATCH_FOLLOW), so an event CREATED
 * reports that another file is there. Then:
 *
 *  1. The old file is read to its end first: nothing that was written to it is
 *     lost.
 *  2. It stays open until the new one is open, so that they cannot have the
 *     same inode. If both are one file, which was opened just before its event
 *     came, reading goes on where it was.
 *
 * A file that is shorter than what was read of it was truncated, and is read
 * from its beginning.
 */
#include <fcntl.h>
#include <rota.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PART = 64 * 1024 };

static struct rota_loop *loop;
static struct rota_fswatch watcher;
static struct rota_stop stop;
static struct rota_fs fs, closing;
static struct rota_file_info info = { .size = sizeof(info) };
static struct rota_file_info new_info = { .size = sizeof(new_info) };
static const char *path;
static char part[PART];
static int fd = -1, new_fd = -1;
static int64_t offset;
static int from_the_end = 1;
static int is_busy; /* an operation is in flight */
static int is_due;  /* there may be more to read, */
static int is_new;  /* or another file at the path */

static void read_more(void);

static void rest(void)
{
	is_busy = 0;
	if (is_due)
		read_more();
}

static void on_closed(struct rota_fs *request, int64_t result)
{
	(void)request;
	(void)result;
	is_due = 1;
	rest();
}

/* Both files are open. (2) */
static void on_new_stat(struct rota_fs *request, int64_t result)
{
	int old = fd;

	if (result < 0 || (fd >= 0 && info.device == new_info.device &&
			   info.inode == new_info.inode)) {
		old = new_fd;
	} else {
		fd = new_fd;
		info = new_info;
		offset = from_the_end ? (int64_t)info.bytes : 0;
	}
	from_the_end = 0;
	if (old < 0)
		on_closed(request, 0);
	else
		rota_fs_close(&closing, on_closed, old);
}

static void on_opened(struct rota_fs *request, int64_t result)
{
	from_the_end = from_the_end && result >= 0;
	if (result < 0) {
		rest(); /* an event will report it */
		return;
	}
	new_fd = (int)result;
	rota_fs_fstat(request, on_new_stat, new_fd, &new_info);
}

static void open_new(void)
{
	is_new = 0;
	rota_fs_open(&fs, on_opened, path, O_RDONLY, 0);
}

static void on_read(struct rota_fs *request, int64_t result);

/* The end of the file, for now. (1) */
static void on_stat(struct rota_fs *request, int64_t result)
{
	(void)request;
	if (result == 0 && (int64_t)info.bytes < offset) {
		fprintf(stderr, "follow: %s: truncated\n", path);
		offset = 0;
		is_due = 1;
	}
	if (is_new && !is_due)
		open_new();
	else
		rest();
}

static void on_read(struct rota_fs *request, int64_t result)
{
	if (result > 0) {
		fwrite(part, 1, (size_t)result, stdout);
		fflush(stdout);
		offset += result;
		is_due = 1;
		rest();
		return;
	}
	rota_fs_fstat(request, on_stat, fd, &info);
}

static void read_more(void)
{
	struct rota_buf buf = { .data = part, .size = PART };

	if (is_busy)
		return;
	is_busy = 1;
	is_due = 0;
	if (fd < 0)
		open_new();
	else
		rota_fs_read(&fs, on_read, fd, buf, offset);
}

static void on_event(struct rota_fswatch *which,
		     const struct rota_fswatch_event *event)
{
	(void)which;
	if (event->type == ROTA_FSWATCH_GONE ||
	    event->type == ROTA_FSWATCH_FAILED) {
		fprintf(stderr, "follow: %s: cannot be watched any more\n",
			path);
		rota_loop_stop(loop);
		return;
	}
	if (event->type == ROTA_FSWATCH_REMOVED)
		fprintf(stderr, "follow: %s: removed\n", path);
	if (event->type == ROTA_FSWATCH_CREATED)
		is_new = 1;
	is_due = 1;
	read_more();
}

static void on_signal(struct rota_stop *the_stop, int number, unsigned times)
{
	(void)the_stop;
	(void)number;
	(void)times;
	rota_loop_stop(loop);
}

static int begin(void)
{
	struct rota_fswatch_options options = {
		.size = sizeof(options),
		.flags = ROTA_FSWATCH_FOLLOW,
		.events = ROTA_FSWATCH_CREATED | ROTA_FSWATCH_REMOVED |
			  ROTA_FSWATCH_CHANGED,
	};
	int error = rota_loop_new(&loop, NULL);

	if (error == 0)
		error = rota_stop_start(&stop, loop, on_signal, NULL);
	if (error == 0)
		error = rota_fswatch_init(&watcher, loop);
	if (error < 0)
		return error;
	rota_fs_init(&fs, loop);
	rota_fs_init(&closing, loop);
	return rota_fswatch_start(&watcher, on_event, path, &options);
}

int main(int count, char **arguments)
{
	int error;

	if (count == 3 && strcmp(arguments[1], "-a") == 0)
		from_the_end = 0;
	else if (count != 2) {
		fputs("usage: follow [-a] file\n", stderr);
		return 2;
	}
	path = arguments[count - 1];
	error = begin();
	if (error < 0) {
		fprintf(stderr, "follow: %s: %s\n", path,
			rota_error_text(error));
		return 1;
	}
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	return rota_loop_shutdown(loop, UINT64_MAX) < 0;
}
