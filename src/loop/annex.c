/*
 * loop/annex.c - what the rooms above keep with a loop.
 *
 * An annex that wants to be called is marked, and the loop with it, so that a
 * loop whose annexes want nothing looks at one word.
 */
#include "loop/annex.h"

#include "loop/loop.h"

struct rotai_annex *rotai_annex_get(const struct rota_loop *loop,
				    enum rotai_annex_kind kind)
{
	return loop->annexes[kind];
}

void rotai_annex_set(struct rota_loop *loop, enum rotai_annex_kind kind,
		     struct rotai_annex *annex)
{
	ROTA_ASSERT(loop->annexes[kind] == NULL);
	loop->annexes[kind] = annex;
}

void rotai_annex_call_after(struct rota_loop *loop, struct rotai_annex *annex)
{
	annex->after_due = 1;
	loop->after |= ROTAI_AFTER_ANNEXES;
}

void rotai_annex_call_pending(struct rota_loop *loop, struct rotai_annex *annex)
{
	annex->pending_due = 1;
	loop->annexes_pending = 1;
}

int rotai_loop_is_calling(const struct rota_loop *loop)
{
	return loop->running;
}

void rotai_annexes_after(struct rota_loop *loop)
{
	if (rotai_loop_inherited(loop) < 0)
		return; /* it is the parent's to do; here, once rebuilt (F2) */
	loop->after &= (uint8_t)~ROTAI_AFTER_ANNEXES;
	for (int kind = 0; kind < ROTAI_ANNEX_COUNT; kind++) {
		struct rotai_annex *annex = loop->annexes[kind];

		if (annex == NULL || !annex->after_due)
			continue;
		annex->after_due = 0;
		annex->after(annex, loop);
	}
}

unsigned rotai_annexes_take(struct rota_loop *loop)
{
	unsigned taken = 0;

	if (!loop->annexes_pending)
		return 0;
	loop->annexes_pending = 0;
	for (int kind = 0; kind < ROTAI_ANNEX_COUNT; kind++) {
		struct rotai_annex *annex = loop->annexes[kind];

		if (annex == NULL || !annex->pending_due)
			continue;
		annex->pending_due = 0;
		annex->take(annex);
		taken |= 1u << kind;
	}
	return taken;
}

void rotai_annexes_pending(struct rota_loop *loop, unsigned taken)
{
	for (int kind = 0; kind < ROTAI_ANNEX_COUNT; kind++)
		if (taken & 1u << kind)
			loop->annexes[kind]->pending(loop->annexes[kind], loop);
}

void rotai_annexes_forked(struct rota_loop *loop)
{
	for (int kind = 0; kind < ROTAI_ANNEX_COUNT; kind++)
		if (loop->annexes[kind] != NULL &&
		    loop->annexes[kind]->forked != NULL)
			loop->annexes[kind]->forked(loop->annexes[kind], loop);
}

void rotai_annexes_free(struct rota_loop *loop)
{
	for (int kind = ROTAI_ANNEX_COUNT; kind-- > 0;)
		if (loop->annexes[kind] != NULL)
			loop->annexes[kind]->free(loop->annexes[kind], loop);
}
