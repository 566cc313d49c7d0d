/*
 * Random operations on a few sockets, also in their callbacks, against a model:
 * each request ends once, in the order of its socket; what was sent arrives
 * once, in order; and nothing is called after a close.
 */
#include "support/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/datagrams.h"
#include "support/fault.h"

enum { SOCKETS = 4, LETTERS = 64, OPERATIONS = 3000 };

struct world;

struct mail {
	struct rota_send send;
	struct world *w;
	int from;
	int busy;
	uint64_t order; /* in which it was sent */
	uint32_t text[2];
};

struct actor {
	struct world *w;
	struct rota_udp udp;
	struct rota_address address;
	int is_open;
	int receives;
	unsigned flights;
	uint64_t ended;         /* the order of the last request that ended */
	uint32_t next[SOCKETS]; /* the least number to come, by sender */
};

struct world {
	struct fixture *f;
	uint64_t seed;
	uint64_t order;
	uint32_t number;
	unsigned left;
	unsigned depth;
	unsigned received;
	unsigned ended;
	struct actor actors[SOCKETS];
	struct mail mails[LETTERS];
};

static void operate(struct world *w);

static void maybe_operate(struct world *w)
{
	if (w->depth > 0 || w->left == 0)
		return;
	w->depth++;
	if (random_below(&w->seed, 2) == 0)
		operate(w);
	w->depth--;
}

static void on_mail(struct rota_send *send, int status)
{
	struct mail *mail = rota_container_of(send, struct mail, send);
	struct world *w = mail->w;
	struct actor *from = &w->actors[mail->from];

	assert_int_equal(mail->busy, 1);
	assert_true(status == 0 || status == ROTA_ECANCELED);
	if (status == 0) {
		assert_true(mail->order > from->ended);
		from->ended = mail->order;
	}
	mail->busy = 0;
	from->flights--;
	w->ended++;
	maybe_operate(w);
}

static void on_arrival(struct rota_datagram *datagram, int status,
		       const struct rota_received *received, size_t count)
{
	struct actor *actor = datagram->handle.data;
	struct world *w = actor->w;

	assert_int_equal(status, 0);
	assert_int_equal(actor->is_open && actor->receives, 1);
	for (size_t i = 0; i < count; i++) {
		uint32_t text[2];

		assert_int_equal(received[i].size, sizeof(text));
		memcpy(text, received[i].data, sizeof(text));
		assert_in_range(text[0], 0, SOCKETS - 1);
		assert_true(text[1] >= actor->next[text[0]]);
		actor->next[text[0]] = text[1] + 1;
		w->received++;
	}
	maybe_operate(w);
}

static void on_actor_close(struct rota_handle *handle)
{
	struct actor *actor = handle->data;

	assert_int_equal(actor->flights, 0);
	actor->is_open = 0;
}

static void open_actor(struct world *w, int i)
{
	struct actor *actor = &w->actors[i];

	memset(&actor->udp, 0x5a, sizeof(actor->udp));
	assert_int_equal(rota_udp_init(&actor->udp, w->f->loop), 0);
	actor->udp.handle.data = actor;
	assert_int_equal(rota_address_ip(&actor->address, "127.0.0.1", 0), 0);
	assert_int_equal(rota_udp_bind(&actor->udp, &actor->address, 0), 0);
	assert_int_equal(rota_udp_own_address(&actor->udp, &actor->address), 0);
	memset(actor->next, 0, sizeof(actor->next));
	actor->is_open = 1;
	actor->receives = 0;
}

static void send_mail(struct world *w, int from, int to, int now)
{
	struct mail *mail = &w->mails[random_below(&w->seed, LETTERS)];
	struct actor *actor = &w->actors[from];
	struct rota_outgoing out = { .data = mail->text,
				     .size = sizeof(mail->text),
				     .to = &w->actors[to].address };
	uint32_t text[2] = { (uint32_t)from, w->number++ };

	if (now) {
		out.data = text;
		assert_int_equal(
			rota_datagram_try_send(&actor->udp.datagram, &out, 1),
			1);
		return;
	}
	if (mail->busy)
		return;
	memcpy(mail->text, text, sizeof(text));
	mail->w = w;
	mail->from = from;
	mail->busy = 1;
	mail->order = ++w->order;
	actor->flights++;
	assert_int_equal(rota_datagram_send(&mail->send, &actor->udp.datagram,
					    &out, on_mail),
			 0);
}

static void operate(struct world *w)
{
	int i = (int)random_below(&w->seed, SOCKETS);
	int k = (int)random_below(&w->seed, SOCKETS);
	struct actor *actor = &w->actors[i];
	struct mail *mail = &w->mails[random_below(&w->seed, LETTERS)];

	w->left--;
	if (!actor->is_open) {
		open_actor(w, i);
		return;
	}
	if (rota_handle_is_closing(&actor->udp.handle)) {
		assert_int_equal(
			rota_datagram_receive_stop(&actor->udp.datagram),
			ROTA_EINVAL);
		return;
	}
	switch (random_below(&w->seed, 12)) {
	case 0:
		assert_int_equal(
			rota_datagram_receive_stop(&actor->udp.datagram), 0);
		actor->receives = 0;
		break;
	case 1:
		assert_int_equal(
			rota_handle_close(&actor->udp.handle, on_actor_close),
			0);
		actor->receives = 0;
		break;
	case 2:
		if (mail->busy && random_below(&w->seed, 2) == 0)
			(void)rota_request_cancel(&mail->send.request);
		break;
	case 3:
		send_mail(w, i, k, 1);
		break;
	case 4:
	case 5:
		assert_int_equal(
			random_below(&w->seed, 2)
				? rota_datagram_receive_start(
					  &actor->udp.datagram, on_arrival)
				: rota_datagram_receive_up_to(
					  &actor->udp.datagram, 100,
					  on_arrival),
			0);
		actor->receives = 1;
		break;
	default:
		send_mail(w, i, k, 0);
	}
}

static void random_operations_keep_to_the_model(void **state)
{
	static struct world world;
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	w->f = *state;
	w->seed = random_seed();
	w->left = OPERATIONS;
	for (int i = 0; i < SOCKETS; i++) {
		w->actors[i].w = w;
		open_actor(w, i);
	}
	while (w->left > 0) {
		for (unsigned n = (unsigned)random_below(&w->seed, 12);
		     n > 0 && w->left > 0; n--)
			operate(w);
		turn(w->f);
	}
	for (int i = 0; i < SOCKETS; i++)
		if (w->actors[i].is_open &&
		    !rota_handle_is_closing(&w->actors[i].udp.handle))
			assert_int_equal(
				rota_handle_close(&w->actors[i].udp.handle,
						  on_actor_close),
				0);
	for (int i = 0; i < SOCKETS; i++)
		RUN_UNTIL(w->f, !w->actors[i].is_open);
	for (int i = 0; i < LETTERS; i++)
		assert_int_equal(w->mails[i].busy, 0);
	assert_in_range(w->received, 10, UINT32_MAX);
	assert_in_range(w->ended, 10, UINT32_MAX);
}

static const struct CMUnitTest tests[] = {
	REAL(random_operations_keep_to_the_model),
};
FIXTURE_MAIN(tests)
