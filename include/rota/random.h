/*
 * rota/random.h - random bytes from the kernel, good enough for keys.
 */
#ifndef ROTA_RANDOM_H
#define ROTA_RANDOM_H

#include <stddef.h>

#include "rota/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_random;

/**
 * Fill @size bytes at @bytes with random ones: see getrandom(2) and
 * getentropy(3). This blocks only in the first seconds after a machine has
 * started, while the kernel has no entropy. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @bytes is NULL, and @size is not 0
 *          Others       what open(2) and read(2) report of /dev/urandom, if the
 *                       system has no call
 *          After any of them the bytes are undefined.
 */
int rota_random_bytes(void *bytes, size_t size);

/**
 * Called when @random has completed: @status is 0, and the bytes are there. Or
 * it is an error: ROTA_ECANCELED or ROTA_ETIMEDOUT; ROTA_EAGAIN if the lane has
 * no thread and none could be started; or one of rota_random_bytes(). After an
 * error the bytes are undefined. The callback may free @random, or begin
 * another one in it.
 *
 * Phase:   poll, or pending: see rota_random_begin().
 * Thread:  the loop's.
 */
typedef void rota_random_fn(struct rota_random *random, int status);

/**
 * A request for random bytes. It needs no initialization. See struct
 * rota_request about what is all zero.
 *
 * Owner:   as struct rota_request
 */
struct rota_random {
	struct rota_request request;
	struct {
		struct rotai_waiter waiter;
		rota_random_fn *fn;
		void *bytes;
		size_t size;
		int late;
	} internal; /* private to the library: do not read or write */
};

/**
 * Fill @size bytes at @bytes with random ones, and call @fn. If the kernel can
 * give them at once, and they are not more than 4 KiB, the call itself fills
 * them in. Else a thread of the pool's blocking lane gets them. Returns 0.
 *
 * &random->request can be cancelled and can have a deadline. Either takes
 * effect at once, even if a thread waits for the kernel.
 *
 * Phase:   @fn runs in the pending phase if no thread was needed, or if it was
 *          cancelled or timed out; else in the poll phase, or as for
 *          rota_lookup_begin().
 * Thread:  the loop's.
 * Owner:   the caller keeps @random and the bytes alive and in place until @fn
 *          is called. The library has memory of its own for the thread, which
 *          it frees.
 * Errors:  ROTA_EINVAL     @random, @loop or @fn is NULL; or @bytes is NULL and
 *                          @size is not 0
 *          ROTA_ENOMEM
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @fn is not called, and the bytes are undefined.
 */
int rota_random_begin(struct rota_random *random, struct rota_loop *loop,
		      void *bytes, size_t size, rota_random_fn *fn);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
