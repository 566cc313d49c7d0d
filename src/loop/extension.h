/*
 * loop/extension.h - extensions of a loop: what the modules above, such as io
 * and pool, keep with it, and when the loop calls them. A loop has at most one
 * extension of each of these modules. The module makes it when it first needs
 * it.
 */
#ifndef ROTAI_LOOP_EXTENSION_H
#define ROTAI_LOOP_EXTENSION_H

#include <stdint.h>

struct rota_loop;

/* The module that an extension belongs to. Extensions are called in this
 * order. */
enum rotai_extension_kind {
	ROTAI_EXTENSION_WALL, /* timers of the wall clock */
	ROTAI_EXTENSION_SIGNAL,
	ROTAI_EXTENSION_POOL,
	ROTAI_EXTENSION_IO,
	ROTAI_EXTENSION_DATAGRAM,
	ROTAI_EXTENSION_FS,
	ROTAI_EXTENSION_FSWATCH,
	ROTAI_EXTENSION_PROCESS,
	ROTAI_EXTENSION_REAPER,
	ROTAI_EXTENSION_COUNT,
};

/* The first member of every extension. free is always set. take and pending are
 * set both or neither. after is set if the module calls
 * rotai_extension_call_after(). forked may be NULL. */
struct rotai_extension {
	/* Free the extension, when the loop's memory is freed. Any thread. */
	void (*free)(struct rotai_extension *extension, struct rota_loop *loop);

	/* Called once after rotai_extension_call_after(): at the end of the
	 * current callback, after its ticks; or, outside callbacks, when the
	 * loop next runs or is prepared for the sleep of a host. Must not call
	 * the user. */
	void (*after)(struct rotai_extension *extension,
		      struct rota_loop *loop);

	/* Called once after rotai_extension_call_pending(), in the next pending
	 * phase. take() sets apart what there is when the phase begins, and
	 * pending() then handles that (T8). */
	void (*take)(struct rotai_extension *extension);
	void (*pending)(struct rotai_extension *extension,
			struct rota_loop *loop);

	/* Called when the loop was rebuilt in a forked child. Must not call the
	 * user. */
	void (*forked)(struct rotai_extension *extension,
		       struct rota_loop *loop);

	uint8_t kind; /* enum rotai_extension_kind */
	uint8_t pending_due;
};

/* Returns the loop's extension of that kind, or NULL. */
struct rotai_extension *rotai_extension_get(const struct rota_loop *loop,
					    enum rotai_extension_kind kind);

/* Attach @extension to the loop, which will free it. */
void rotai_extension_set(struct rota_loop *loop, enum rotai_extension_kind kind,
			 struct rotai_extension *extension);

void rotai_extension_call_after(struct rota_loop *loop,
				struct rotai_extension *extension);
void rotai_extension_call_pending(struct rota_loop *loop,
				  struct rotai_extension *extension);

/* For the other files of this module. rotai_extensions_after() calls those that
 * asked for it. rotai_extensions_take() does so for the pending phase, and
 * returns which rotai_extensions_pending() has to call. The last two call all
 * and free all. */
void rotai_extensions_after(struct rota_loop *loop);
unsigned rotai_extensions_take(struct rota_loop *loop);
void rotai_extensions_pending(struct rota_loop *loop, unsigned taken);
void rotai_extensions_forked(struct rota_loop *loop);
void rotai_extensions_free(struct rota_loop *loop);

#endif
