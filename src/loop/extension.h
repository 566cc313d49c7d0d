/*
 * loop/extension.h - what the modules above keep with a loop, and when the loop
 * calls them. A loop has at most one extension of each of these modules, which
 * the module makes when it first needs it.
 */
#ifndef ROTAI_LOOP_EXTENSION_H
#define ROTAI_LOOP_EXTENSION_H

#include <stdint.h>

struct rota_loop;

/* Whose. The order is that in which they are called. */
enum rotai_extension_kind {
	ROTAI_EXTENSION_POOL,
	ROTAI_EXTENSION_IO,
	ROTAI_EXTENSION_COUNT,
};

/* The start of every extension. free is always there, take and pending both or
 * neither, and after for who asks for it; forked may be NULL. */
struct rotai_extension {
	/* Free it: as the loop's memory goes, on any thread. */
	void (*free)(struct rotai_extension *extension, struct rota_loop *loop);

	/* Called once after rotai_extension_call_after(): at the end of the
	 * current callback and of its ticks; outside callbacks, when the loop
	 * next runs or is made ready for a host to sleep. Must not call the
	 * user. */
	void (*after)(struct rotai_extension *extension,
		      struct rota_loop *loop);

	/* Called once after rotai_extension_call_pending(), in the next pending
	 * phase: with what was there when the phase began, which take() sets
	 * apart (T8). */
	void (*take)(struct rotai_extension *extension);
	void (*pending)(struct rotai_extension *extension,
			struct rota_loop *loop);

	/* The loop has been rebuilt in a forked child. Must not call the
	 * user. */
	void (*forked)(struct rotai_extension *extension,
		       struct rota_loop *loop);

	uint8_t after_due;
	uint8_t pending_due;
};

/* The extension of that kind, or NULL. */
struct rotai_extension *rotai_extension_get(const struct rota_loop *loop,
					    enum rotai_extension_kind kind);

/* Keep @extension with the loop from now on, which frees it. */
void rotai_extension_set(struct rota_loop *loop, enum rotai_extension_kind kind,
			 struct rotai_extension *extension);

void rotai_extension_call_after(struct rota_loop *loop,
				struct rotai_extension *extension);
void rotai_extension_call_pending(struct rota_loop *loop,
				  struct rotai_extension *extension);

/* For the files beside extension.c: call those that asked for it, which for the
 * pending phase the take tells; all; free all. */
void rotai_extensions_after(struct rota_loop *loop);
unsigned rotai_extensions_take(struct rota_loop *loop);
void rotai_extensions_pending(struct rota_loop *loop, unsigned taken);
void rotai_extensions_forked(struct rota_loop *loop);
void rotai_extensions_free(struct rota_loop *loop);

/* Whether the caller is inside a callback, so that the end of one will come. */
int rotai_loop_is_calling(const struct rota_loop *loop);

#endif
