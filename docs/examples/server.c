/*
 * server.c - an echo server on streams: as little of one as is still good.
 *
 * Shows backpressure: when a client stops reading, the server stops reading
 * from it, so a client costs at most a watermark and a buffer of memory. An
 * idle connection takes the memory of its struct and no more.
 *
 *     cc server.c $(pkg-config --cflags --libs rota) -o server
 *     ./server 7007 &              # port 0, the default: any that is free
 *     socat - TCP:127.0.0.1:7007
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct rota_loop *loop;

static void on_close(struct rota_handle *handle)
{
	free(rota_container_of(handle, struct rota_tcp, handle));
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	if (status == 0)
		status = rota_stream_send(stream, buf->data, buf->size);
	if (status < 0) /* the end of the input, too: what is queued is sent */
		rota_stream_end(stream, on_close);
	else if (status > 0)
		rota_stream_read_stop(stream);
}

static void on_drain(struct rota_stream *stream, int status)
{
	if (status == 0)
		status = rota_stream_read_start(stream, on_read);
	if (status < 0)
		rota_stream_end(stream, on_close);
}

static void on_connection(struct rota_stream *listener, int status, int fd)
{
	struct rota_tcp *tcp = status < 0 ? NULL : malloc(sizeof(*tcp));

	(void)listener;
	if (tcp != NULL && rota_tcp_open(tcp, loop, fd) == 0) {
		rota_stream_on_drain(&tcp->stream, on_drain);
		on_drain(&tcp->stream, 0); /* there is room: read */
		return;
	}
	free(tcp);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	unsigned port = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	static struct rota_tcp listener;
	struct rota_address address;
	char text[ROTA_ADDRESS_TEXT_SIZE];

	if (rota_loop_new(&loop, NULL) < 0 ||
	    rota_tcp_init(&listener, loop) < 0 ||
	    rota_address_ip(&address, "127.0.0.1", port) < 0 ||
	    rota_tcp_bind(&listener, &address, 0) < 0 ||
	    rota_stream_listen(&listener.stream, 128, on_connection) < 0 ||
	    rota_tcp_own_address(&listener, &address) < 0 ||
	    rota_address_text(&address, text, sizeof(text)) < 0)
		return 1;
	printf("server: %s\n", text);
	fflush(stdout);
	return rota_loop_run(loop, ROTA_RUN_DEFAULT);
}
