/*
 * loop/extension.c - extensions: see extension.h.
 *
 * An extension that wants to be called is marked, and so is the loop. So a loop
 * whose extensions want nothing tests one word.
 */
#include "loop/extension.h"

#include "loop/loop.h"

struct rotai_extension *rotai_extension_get(const struct rota_loop *loop,
					    enum rotai_extension_kind kind)
{
	return loop->extensions[kind];
}

void rotai_extension_set(struct rota_loop *loop, enum rotai_extension_kind kind,
			 struct rotai_extension *extension)
{
	ROTA_ASSERT(loop->extensions[kind] == NULL);
	extension->kind = (uint8_t)kind;
	loop->extensions[kind] = extension;
}

void rotai_extension_call_after(struct rota_loop *loop,
				struct rotai_extension *extension)
{
	ROTA_ASSERT(extension->kind < 8); /* the bits that there are */
	loop->extensions_after |= (uint8_t)(1u << extension->kind);
	loop->after |= ROTAI_AFTER_EXTENSIONS;
}

void rotai_extension_call_pending(struct rota_loop *loop,
				  struct rotai_extension *extension)
{
	extension->pending_due = 1;
	loop->extensions_pending = 1;
	loop->wait_flags |= ROTAI_WAIT_HURRIES;
}

/* Call the extensions that are due and come after @kind. */
static void go_on_after(struct rota_loop *loop, int kind)
{
	unsigned due = loop->extensions_after;

	while ((due &= ~((2u << kind) - 1)) != 0) {
		kind = __builtin_ctz(due);
		loop->extensions_after &= (uint8_t) ~(1u << kind);
		loop->extensions[kind]->after(loop->extensions[kind], loop);
		due = loop->extensions_after;
	}
}

/* Mostly one extension wants to be called. One that wants it while others are
 * called is called in the same pass, if it comes after them. */
void rotai_extensions_after(struct rota_loop *loop)
{
	int kind;

	if (rotai_loop_inherited(loop) < 0)
		return; /* the parent does it; the child when rebuilt (F2) */
	loop->after &= (uint8_t)~ROTAI_AFTER_EXTENSIONS;
	if (loop->extensions_after == 0)
		return;
	kind = __builtin_ctz(loop->extensions_after);
	loop->extensions_after &= (uint8_t)(loop->extensions_after - 1);
	loop->extensions[kind]->after(loop->extensions[kind], loop);
	if (ROTAI_UNLIKELY(loop->extensions_after != 0))
		go_on_after(loop, kind);
}

unsigned rotai_extensions_take(struct rota_loop *loop)
{
	unsigned taken = 0;

	if (!loop->extensions_pending)
		return 0;
	loop->extensions_pending = 0;
	loop->wait_flags &= (uint8_t)~ROTAI_WAIT_HURRIES;
	for (int kind = 0; kind < ROTAI_EXTENSION_COUNT; kind++) {
		struct rotai_extension *extension = loop->extensions[kind];

		if (extension == NULL || !extension->pending_due)
			continue;
		extension->pending_due = 0;
		extension->take(extension);
		taken |= 1u << kind;
	}
	return taken;
}

void rotai_extensions_pending(struct rota_loop *loop, unsigned taken)
{
	for (int kind = 0; kind < ROTAI_EXTENSION_COUNT; kind++)
		if (taken & 1u << kind)
			loop->extensions[kind]->pending(loop->extensions[kind],
							loop);
}

void rotai_extensions_forked(struct rota_loop *loop)
{
	for (int kind = 0; kind < ROTAI_EXTENSION_COUNT; kind++)
		if (loop->extensions[kind] != NULL &&
		    loop->extensions[kind]->forked != NULL)
			loop->extensions[kind]->forked(loop->extensions[kind],
						       loop);
}

void rotai_extensions_free(struct rota_loop *loop)
{
	for (int kind = ROTAI_EXTENSION_COUNT; kind-- > 0;)
		if (loop->extensions[kind] != NULL)
			loop->extensions[kind]->free(loop->extensions[kind],
						     loop);
}
