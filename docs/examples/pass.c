/*
 * pass.c - a Unix socket over which open files are passed.
 *
 *     pass /tmp/files.socket                 # prints each file that it gets
 *     pass /tmp/files.socket /etc/hostname   # opens the file and passes it
 *
 * The first one needs no permission to open the files. It ends when it has
 * printed one.
 */
#include <fcntl.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct receiver {
	struct rota_pipe listener;
	struct rota_pipe pipe;
};

struct passing {
	struct rota_pipe pipe;
	struct rota_connect connect;
	struct rota_deadline deadline;
	struct rota_pass pass;
	struct rota_const_buf buf;
	int fd;
};

static void print_file(int fd)
{
	char text[4096];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	close(fd);
}

static void print_sender(const struct rota_pipe *pipe)
{
	struct rota_pipe_credentials sender = { .size = sizeof(sender) };

	if (rota_pipe_get_credentials(pipe, &sender) == 0)
		printf("pass: from user %ld\n", (long)sender.uid);
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct receiver *r =
		rota_container_of(stream, struct receiver, pipe.stream);
	int fds[4];
	ptrdiff_t n;

	(void)buf;
	if (status < 0) {
		rota_handle_close(&r->pipe.handle, NULL);
		rota_handle_close(&r->listener.handle, NULL);
		return;
	}
	n = rota_pipe_take_descriptors(&r->pipe, fds, 4);
	for (ptrdiff_t i = 0; i < n; i++)
		print_file(fds[i]);
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	struct receiver *r =
		rota_container_of(stream, struct receiver, listener.stream);

	if (status < 0)
		return;
	if (rota_pipe_open(&r->pipe, rota_handle_loop(&stream->handle), fd) <
	    0) {
		close(fd);
		return;
	}
	rota_stream_listen_pause(stream); /* one is enough */
	print_sender(&r->pipe);
	rota_pipe_accept_descriptors(&r->pipe, 4);
	rota_stream_read_start(&r->pipe.stream, on_read);
}

static int receive(struct receiver *r, struct rota_loop *loop, const char *path)
{
	struct rota_pipe_bind_options options = {
		.size = sizeof(options),
		.mode = 0600,
		.flags = ROTA_PIPE_REPLACE_STALE,
	};
	int error = rota_pipe_init(&r->listener, loop);

	if (error < 0)
		return error;
	error = rota_pipe_bind(&r->listener, path, strlen(path), &options);
	if (error == 0)
		error = rota_stream_listen(&r->listener.stream, 8,
					   on_connection);
	if (error < 0)
		rota_handle_close(&r->listener.handle, NULL);
	else
		printf("pass: waiting at %s\n", path);
	fflush(stdout);
	return error;
}

static void on_passed(struct rota_write *write, int status)
{
	struct passing *p =
		rota_container_of(write, struct passing, pass.write);

	if (status < 0)
		fprintf(stderr, "pass: %s\n", rota_error_text(status));
	close(p->fd); /* the peer has its own, or the write has failed */
	rota_stream_end(&p->pipe.stream, NULL);
}

static void on_connect(struct rota_connect *connect, int status)
{
	struct passing *p = rota_container_of(connect, struct passing, connect);

	p->buf = rota_bytes("x", 1);
	if (status == 0)
		status = rota_pipe_write(&p->pass, &p->pipe, &p->buf, 1, &p->fd,
					 1, on_passed);
	if (status < 0) {
		fprintf(stderr, "pass: %s\n", rota_error_text(status));
		close(p->fd);
		rota_handle_close(&p->pipe.handle, NULL);
	}
}

static int pass(struct passing *p, struct rota_loop *loop, const char *path)
{
	int error = rota_pipe_init(&p->pipe, loop);

	if (error < 0)
		return error;
	error = rota_pipe_connect(&p->connect, &p->pipe, path, strlen(path),
				  on_connect);
	if (error < 0) {
		rota_handle_close(&p->pipe.handle, NULL);
		return error;
	}
	rota_request_set_deadline(&p->connect.request, &p->deadline,
				  rota_loop_now(loop) + ROTA_SEC(5));
	return 0;
}

int main(int argc, char **argv)
{
	static struct receiver receiver;
	static struct passing passing;
	struct rota_loop *loop;
	int error;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: pass SOCKET [FILE]\n");
		return 2;
	}
	passing.fd = argc == 3 ? open(argv[2], O_RDONLY) : -1;
	if (argc == 3 && passing.fd < 0) {
		perror(argv[2]);
		return 1;
	}
	if (rota_loop_new(&loop, NULL) < 0)
		return 1;
	error = argc == 3 ? pass(&passing, loop, argv[1])
			  : receive(&receiver, loop, argv[1]);
	if (error < 0)
		fprintf(stderr, "pass: %s: %s\n", argv[1],
			rota_error_text(error));
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	rota_loop_close(loop);
	return error < 0;
}
