/*
 * loop/annex.h - what the rooms above keep with a loop, and when the loop
 * turns to it. A loop has one annex for each of these rooms, made by the room
 * when it first needs it.
 */
#ifndef ROTAI_LOOP_ANNEX_H
#define ROTAI_LOOP_ANNEX_H

#include <stdint.h>

struct rota_loop;

/* Whose. The order is that in which they are called. */
enum rotai_annex_kind {
	ROTAI_ANNEX_POOL,
	ROTAI_ANNEX_IO,
	ROTAI_ANNEX_COUNT,
};

/* The start of every annex. free is always there, take and pending both or
 * neither, and after for who asks for it; forked may be NULL. */
struct rotai_annex {
	/* Free it: as the loop's memory goes, on any thread. */
	void (*free)(struct rotai_annex *annex, struct rota_loop *loop);

	/* Called once after rotai_annex_call_after(): at the end of the
	 * current callback and of its ticks; outside callbacks, when the loop
	 * next runs or is made ready for a host to sleep. Must not call the
	 * user. */
	void (*after)(struct rotai_annex *annex, struct rota_loop *loop);

	/* Called once after rotai_annex_call_pending(), in the next pending
	 * phase: with what was there when the phase began, which take() sets
	 * apart (T8). */
	void (*take)(struct rotai_annex *annex);
	void (*pending)(struct rotai_annex *annex, struct rota_loop *loop);

	/* The loop has been rebuilt in a forked child. Must not call the
	 * user. */
	void (*forked)(struct rotai_annex *annex, struct rota_loop *loop);

	uint8_t after_due;
	uint8_t pending_due;
};

/* The annex of that kind, or NULL. */
struct rotai_annex *rotai_annex_get(const struct rota_loop *loop,
				    enum rotai_annex_kind kind);

/* Keep @annex with the loop from now on, which frees it. */
void rotai_annex_set(struct rota_loop *loop, enum rotai_annex_kind kind,
		     struct rotai_annex *annex);

void rotai_annex_call_after(struct rota_loop *loop, struct rotai_annex *annex);
void rotai_annex_call_pending(struct rota_loop *loop,
			      struct rotai_annex *annex);

/* For the files beside annex.c: call those that asked for it, which for the
 * pending phase the take tells; all; free all. */
void rotai_annexes_after(struct rota_loop *loop);
unsigned rotai_annexes_take(struct rota_loop *loop);
void rotai_annexes_pending(struct rota_loop *loop, unsigned taken);
void rotai_annexes_forked(struct rota_loop *loop);
void rotai_annexes_free(struct rota_loop *loop);

/* Whether the caller is inside a callback, so that the end of one will come. */
int rotai_loop_is_calling(const struct rota_loop *loop);

#endif
