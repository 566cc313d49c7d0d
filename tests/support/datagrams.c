/*
 * tests/support/datagrams.c - see datagrams.h.
 */
#include "datagrams.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *loopback(int family)
{
	return family == AF_INET ? "127.0.0.1" : "::1";
}

static struct post *post_of(struct rota_datagram *datagram)
{
	return rota_container_of(datagram, struct post, udp.datagram);
}

void post_on_receive(struct rota_datagram *datagram, int status,
		     const struct rota_received *received, size_t count)
{
	struct post *post = post_of(datagram);
	size_t used = strlen(post->text);

	if (status < 0) {
		assert_int_equal(count, 0);
		post->errors++;
		post->error = status;
		return;
	}
	assert_in_range(count, 1, ROTA_DATAGRAMS_PER_CALL);
	post->calls++;
	post->count += (unsigned)count;
	for (size_t i = 0; i < count; i++) {
		post->bytes += received[i].size;
		if (received[i].size <= 32 && used < POST_TEXT - 64)
			used += (size_t)snprintf(post->text + used, 64, "%.*s ",
						 (int)received[i].size,
						 received[i].data);
	}
	post->last = received[count - 1];
	if (post->act != NULL)
		post->act(post, received, count);
}

void post_on_error(struct rota_datagram *datagram,
		   const struct rota_datagram_error *error)
{
	struct post *post = post_of(datagram);
	unsigned i = post->notes++;

	if (i >= POST_NOTES)
		return;
	post->note[i] = *error;
	memset(post->noted[i], 0, sizeof(post->noted[i]));
	if (error->size > 0)
		memcpy(post->noted[i], error->data,
		       error->size < 63 ? error->size : 63);
}

void post_open(struct post *post, struct fixture *f, int family)
{
	memset(post, 0, sizeof(*post));
	post->f = f;
	assert_int_equal(rota_udp_init(&post->udp, f->loop), 0);
	assert_int_equal(rota_address_ip(&post->address, loopback(family), 0),
			 0);
	assert_int_equal(rota_udp_bind(&post->udp, &post->address, 0), 0);
	assert_int_equal(rota_udp_own_address(&post->udp, &post->address), 0);
}

void post_receive(struct post *post)
{
	assert_int_equal(rota_datagram_receive_start(&post->udp.datagram,
						     post_on_receive),
			 0);
}

static void on_post_close(struct rota_handle *handle)
{
	rota_container_of(handle, struct post, udp.handle)->closes++;
}

void post_close(struct post *post)
{
	assert_int_equal(rota_handle_close(&post->udp.handle, on_post_close),
			 0);
	RUN_UNTIL(post->f, post->closes > 0);
	assert_int_equal(post->closes, 1);
}

struct rota_outgoing to_post(const struct rota_address *to, const char *text)
{
	return (struct rota_outgoing){ .data = text,
				       .size = strlen(text),
				       .to = to };
}

void letter_called(struct rota_send *send, int status)
{
	struct letter *letter = rota_container_of(send, struct letter, send);

	letter->calls++;
	letter->status = status;
	letter->phase = rota_loop_phase(send->request.data);
}

void letter_send(struct letter *letter, struct post *from,
		 const struct rota_address *to, const char *text)
{
	struct rota_outgoing out = to_post(to, text);

	memset(letter, 0, sizeof(*letter));
	letter->send.request.data = from->f->loop;
	assert_int_equal(rota_datagram_send(&letter->send, &from->udp.datagram,
					    &out, letter_called),
			 0);
	assert_int_equal(letter->calls, 0);
}

int letter_try(struct post *from, const struct rota_address *to,
	       const char *text)
{
	struct rota_outgoing out = to_post(to, text);

	return rota_datagram_try_send(&from->udp.datagram, &out, 1);
}

int raw_udp(int family, struct rota_address *address)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	int fd = socket(family, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(rota_address_ip(address, loopback(family), 0), 0);
	assert_int_equal(bind(fd, &address->is.any, (socklen_t)address->size),
			 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	assert_int_equal(
		rota_address_from(address, (struct sockaddr *)&name, size), 0);
	return fd;
}

struct rota_address raw_udp_unused(int family)
{
	struct rota_address address;

	close(raw_udp(family, &address));
	return address;
}

void raw_udp_send(int fd, const struct rota_address *to, const char *text)
{
	assert_int_equal(sendto(fd, text, strlen(text), 0, &to->is.any,
				(socklen_t)to->size),
			 strlen(text));
}

size_t raw_udp_take(int fd, char *data, size_t size, struct rota_address *from)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct sockaddr_storage name;
	socklen_t name_size = sizeof(name);
	ssize_t n;

	assert_int_equal(poll(&ready, 1, 20000), 1);
	n = recvfrom(fd, data, size, 0, (struct sockaddr *)&name, &name_size);
	assert_true(n >= 0);
	if (from != NULL)
		assert_int_equal(rota_address_from(from,
						   (struct sockaddr *)&name,
						   name_size),
				 0);
	return (size_t)n;
}
