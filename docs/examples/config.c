/*
 * config.c - set a value in a configuration file, in one step.
 *
 *     config FILE NAME VALUE
 *
 * The file has lines of the form NAME=VALUE. This program replaces the line of
 * that name, or appends one. A program that reads the file meanwhile gets all
 * of the old file or all of the new one. That is also true after this program
 * was killed, the disk was full, or the power was lost.
 *
 *     cc config.c $(pkg-config --cflags --libs rota) -o config
 *     ./config ~/.toolrc color blue
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE = 1 << 20 };

struct config {
	const char *path, *name, *value;
	struct rota_fs fs;
	char *text; /* the new content */
	size_t size;
};

static int status = EXIT_FAILURE; /* exit status of the program */

static void complain(const struct config *c, int64_t error)
{
	fprintf(stderr, "config: %s: %s\n", c->path,
		rota_error_text((int)error));
}

static void on_written(struct rota_fs *fs, int64_t result)
{
	struct config *c = rota_container_of(fs, struct config, fs);

	if (result < 0)
		complain(c, result);
	else
		status = EXIT_SUCCESS;
	free(c->text);
}

/* Return whether the line at @line sets the value. */
static int is_ours(const struct config *c, const char *line)
{
	size_t size = strlen(c->name);

	return strncmp(line, c->name, size) == 0 && line[size] == '=';
}

static void append(struct config *c, const char *text, size_t size)
{
	memcpy(c->text + c->size, text, size);
	c->size += size;
}

/* Put the lines of @old into the new content, except ours, and ours last. */
static void make_text(struct config *c, const char *old)
{
	while (*old != '\0') {
		size_t size = strcspn(old, "\n");

		if (!is_ours(c, old)) {
			append(c, old, size);
			append(c, "\n", 1);
		}
		old += size + (old[size] == '\n');
	}
	append(c, c->name, strlen(c->name));
	append(c, "=", 1);
	append(c, c->value, strlen(c->value));
	append(c, "\n", 1);
}

static void on_read(struct rota_fs *fs, int64_t result)
{
	struct config *c = rota_container_of(fs, struct config, fs);
	const char *old = result < 0 ? "" : fs->data;
	int error;

	if (result < 0 && result != ROTA_ENOENT) {
		complain(c, result);
		return;
	}
	c->text = malloc(strlen(old) + strlen(c->name) + strlen(c->value) + 4);
	if (c->text == NULL) {
		complain(c, ROTA_ENOMEM);
		return;
	}
	make_text(c, old);
	rota_fs_free(fs);
	error = rota_fs_write_file(
		fs, on_written, c->path, rota_bytes(c->text, c->size),
		ROTA_WRITE_ATOMIC | ROTA_WRITE_DURABLE, 0666);
	if (error < 0)
		complain(c, error);
}

int main(int argc, char **argv)
{
	static struct config c;
	struct rota_loop *loop;
	int error;

	if (argc != 4) {
		fprintf(stderr, "usage: config FILE NAME VALUE\n");
		return status;
	}
	c.path = argv[1];
	c.name = argv[2];
	c.value = argv[3];
	error = rota_loop_new(&loop, NULL);
	if (error < 0) {
		complain(&c, error);
		return status;
	}
	rota_fs_init(&c.fs, loop);
	rota_fs_set_files_only(&c.fs, 1);
	error = rota_fs_read_file(&c.fs, on_read, c.path, LARGEST_FILE);
	if (error == 0)
		error = rota_loop_run(loop, ROTA_RUN_DEFAULT);
	if (error < 0)
		complain(&c, error);
	rota_loop_close(loop);
	return status;
}
