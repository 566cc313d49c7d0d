/*
 * udpecho.c - send datagrams back, from the address that they were sent to.
 *
 *     cc udpecho.c $(pkg-config --cflags --libs rota) -o udpecho
 *     ./udpecho 127.0.0.1 7000       port 0: any that is free; ^C ends it
 *
 *  1. One callback gets all datagrams that have arrived, and answers them with
 *     one system call. What the system has no room for is dropped, as the
 *     network may drop it; so is an answer that it refuses.
 *  2. A host may have several addresses. A client accepts an answer only from
 *     the one that it asked.
 */
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned long answered, dropped;

static void on_datagrams(struct rota_datagram *datagram, int status,
			 const struct rota_received *received, size_t count)
{
	struct rota_outgoing out[ROTA_DATAGRAMS_PER_CALL];
	size_t done = 0;
	int sent;

	if (status < 0) {
		fprintf(stderr, "udpecho: %s\n", rota_error_text(status));
		return;
	}
	for (size_t i = 0; i < count; i++)
		out[i] = (struct rota_outgoing){
			.data = received[i].data,
			.size = received[i].size,
			.to = &received[i].from,
			.from = &received[i].own, /* (2) */
		};
	while (done < count) { /* (1) */
		sent = rota_datagram_try_send(datagram, out + done,
					      count - done);
		if (sent == ROTA_EAGAIN)
			break;
		if (sent > 0)
			answered += (unsigned)sent;
		else
			dropped++; /* this one is refused: skip it */
		done += sent > 0 ? (size_t)sent : 1;
	}
	dropped += count - done;
}

static void on_interrupt(struct rota_signal *watcher, uint32_t count)
{
	struct rota_udp *udp = watcher->handle.data;

	(void)count;
	rota_handle_close(&udp->handle, NULL);
	rota_handle_close(&watcher->handle, NULL);
}

static void must(const char *what, int error)
{
	if (error >= 0)
		return;
	fprintf(stderr, "udpecho: %s: %s\n", what, rota_error_text(error));
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	char text[ROTA_ADDRESS_TEXT_SIZE];
	struct rota_address address;
	struct rota_signal interrupt;
	struct rota_loop *loop;
	struct rota_udp udp;

	if (argc != 3) {
		fprintf(stderr, "usage: udpecho ADDRESS PORT\n");
		return EXIT_FAILURE;
	}
	must(argv[1],
	     rota_address_ip(&address, argv[1], (unsigned)atoi(argv[2])));
	must("loop", rota_loop_new(&loop, NULL));
	must("udp", rota_udp_init(&udp, loop));
	must("bind", rota_udp_bind(&udp, &address, 0));
	must("report", rota_udp_report(&udp, ROTA_UDP_REPORT_ADDRESS));
	must("receive",
	     rota_datagram_receive_start(&udp.datagram, on_datagrams));
	must("signal", rota_signal_init(&interrupt, loop));
	interrupt.handle.data = &udp;
	must("signal", rota_signal_start(&interrupt, on_interrupt, SIGINT));

	must("address", rota_udp_own_address(&udp, &address));
	must("address", rota_address_text(&address, text, sizeof(text)));
	printf("udpecho: at %s\n", text);
	fflush(stdout);
	must("run", rota_loop_run(loop, ROTA_RUN_DEFAULT));
	must("close", rota_loop_close(loop));
	printf("udpecho: answered %lu, dropped %lu\n", answered, dropped);
	return EXIT_SUCCESS;
}
