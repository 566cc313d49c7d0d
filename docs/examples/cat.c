/*
 * cat.c - print files, one after another. `-` or no name: the standard input.
 *
 * This program shows that the loop does not wait for files: it writes one
 * buffer while it reads the next.
 *
 *     cc cat.c $(pkg-config --cflags --libs rota) -o cat && ./cat /etc/passwd
 */
#include <fcntl.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_SIZE = 256 * 1024 };

struct cat {
	char **names; /* of the next files; NULL at the end */
	const char *name;
	int fd;
	struct rota_fs input, output;
	char buffers[2][BUFFER_SIZE];
	int filling;                  /* index of the buffer to read into */
	size_t filled;                /* bytes that wait in that buffer */
	struct rota_const_buf unsent; /* rest of the other buffer */
};

static int status; /* exit status of the program */
static void open_next(struct cat *c);
static void on_read(struct rota_fs *fs, int64_t result);
static void on_written(struct rota_fs *fs, int64_t result);

static void complain(const char *name, int64_t error)
{
	fprintf(stderr, "cat: %s: %s\n", name, rota_error_text((int)error));
	status = EXIT_FAILURE;
}

/* End the program if @error is negative: it cannot continue without @what. */
static void must(const char *what, int64_t error)
{
	if (error < 0) {
		complain(what, error);
		exit(status);
	}
}

static void read_more(struct cat *c)
{
	struct rota_buf buf = { c->buffers[c->filling], BUFFER_SIZE };

	must(c->name, rota_fs_read(&c->input, on_read, c->fd, buf, -1));
}

static void write_rest(struct cat *c)
{
	must("output", rota_fs_write(&c->output, on_written, STDOUT_FILENO,
				     c->unsent, -1));
}

/* Write the buffer that was filled, and read into the other. */
static void swap(struct cat *c)
{
	c->unsent =
		(struct rota_const_buf){ c->buffers[c->filling], c->filled };
	c->filling = !c->filling;
	c->filled = 0;
	write_rest(c);
	read_more(c);
}

static void on_written(struct rota_fs *fs, int64_t result)
{
	struct cat *c = rota_container_of(fs, struct cat, output);

	must("output", result);
	c->unsent.data += result;
	c->unsent.size -= (size_t)result;
	if (c->unsent.size > 0)
		write_rest(c); /* this call reports the error, if any */
	else if (c->filled > 0)
		swap(c);
}

static void on_closed(struct rota_fs *fs, int64_t result)
{
	(void)result; /* the file was only read */
	open_next(rota_container_of(fs, struct cat, input));
}

static void on_read(struct rota_fs *fs, int64_t result)
{
	struct cat *c = rota_container_of(fs, struct cat, input);

	if (result > 0) {
		c->filled = (size_t)result;
		if (!rota_request_is_active(&c->output.request))
			swap(c);
		return;
	}
	if (result < 0)
		complain(c->name, result);
	if (c->fd == STDIN_FILENO)
		open_next(c);
	else
		must(c->name, rota_fs_close(&c->input, on_closed, c->fd));
}

static void on_open(struct rota_fs *fs, int64_t result)
{
	struct cat *c = rota_container_of(fs, struct cat, input);

	if (result < 0) {
		complain(c->name, result);
		open_next(c);
		return;
	}
	c->fd = (int)result;
	read_more(c);
}

static void open_next(struct cat *c)
{
	if (*c->names == NULL)
		return; /* the loop ends after the last write */
	c->name = *c->names++;
	c->fd = STDIN_FILENO;
	if (strcmp(c->name, "-") == 0)
		read_more(c);
	else
		must(c->name,
		     rota_fs_open(&c->input, on_open, c->name, O_RDONLY, 0));
}

int main(int argc, char **argv)
{
	static char *standard_input[] = { "-", NULL };
	static struct cat c;
	struct rota_loop *loop;

	must("loop", rota_loop_new(&loop, NULL));
	rota_fs_init(&c.input, loop);
	rota_fs_init(&c.output, loop);
	c.names = argc > 1 ? argv + 1 : standard_input;
	open_next(&c);
	must("loop", rota_loop_run(loop, ROTA_RUN_DEFAULT));
	must("loop", rota_loop_close(loop));
	return status;
}
