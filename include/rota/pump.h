/*
 * rota/pump.h - passing everything that one stream reads to another stream,
 * with backpressure and half-close; and a proxy, which does so in both
 * directions.
 */
#ifndef ROTA_PUMP_H
#define ROTA_PUMP_H

#include "rota/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_pump;
struct rota_proxy;

/** Which side has ended a pump. */
enum rota_pump_side {
	ROTA_PUMP_NEITHER, /* it is done, or was stopped */
	ROTA_PUMP_SOURCE,
	ROTA_PUMP_SINK,
};

/** Flags of rota_pump_start(). */
enum rota_pump_flag {
	/** Do not shut down the sink when the source has ended. */
	ROTA_PUMP_KEEP_OPEN = 1 << 0,
};

/**
 * Called when @pump has ended. @status is 0 if the input of the source has
 * ended, and all of it is sent and the sink is shut down; or the error of the
 * side that pump->side tells; or ROTA_ECANCELED if @pump was stopped, or if the
 * stream that pump->side tells was closed or passed to rota_stream_end(). The
 * callback may free @pump and close both streams.
 *
 * Phase:   pending, or closing if the sink was closed.
 * Thread:  the loop's.
 */
typedef void rota_pump_fn(struct rota_pump *pump, int status);

/**
 * A request to pass everything from one stream to another. It needs no
 * initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_pump {
	struct rota_request request;
	uint64_t bytes; /* that the sink has accepted so far */
	enum rota_pump_side side;
	struct {
		struct rotai_tap tap;
		struct rota_stream *source;
		struct rota_stream *sink;
		rota_pump_fn *fn;
		union {
			struct rota_write write;
			struct rota_shutdown shutdown;
		} last; /* what is queued behind all input */
		int late;
		uint8_t flags;
		uint8_t state;
		uint8_t is_paused;
	} internal; /* private to the library: do not read or write */
};

/**
 * Send everything that @source reads to @sink, until the input ends. Then shut
 * the writing side of @sink down, unless @flags has ROTA_PUMP_KEEP_OPEN, and
 * call @fn. The two streams may be of any classes, and may be the same stream.
 * Returns 0.
 *
 * When more than the high watermark is queued in @sink, @source is not read
 * until that has shrunk to the low watermark. So a pump costs at most the high
 * watermark and one buffer of the loop, however slow the sink is.
 *
 * While it runs, the pump has the input of @source and the on_drain of @sink
 * for itself. Starting a read of @source returns ROTA_EBUSY, and
 * rota_stream_read_stop() does nothing. rota_stream_on_drain() of @sink takes
 * effect when the pump has ended. The program may send to @sink: that leaves
 * between what the pump sends.
 *
 * Phase:   @fn runs in the pending phase; in the closing phase if @sink was
 *          closed.
 * Thread:  the loop's.
 * Owner:   the caller keeps @pump alive and in place until @fn is called. It
 *          need not keep a stream that was closed.
 * Errors:  ROTA_EINVAL  @fn is NULL, @flags has an unknown bit, the streams are
 *                       of different loops, or one of them listens, is closing,
 *                       or was passed to rota_stream_end()
 *          ROTA_EBUSY   @source is being read, also by a pump, a filter or a
 *                       framer; or a pump or a filter writes to @sink
 *          ROTA_EOF     the input has ended, or has failed
 *          ROTA_EPIPE   the output is shut down or has failed
 *          ROTA_ENOTCONN  @source is not connected, or @sink is neither
 *                         connected nor connecting
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_pump_start(struct rota_pump *pump, struct rota_stream *source,
		    struct rota_stream *sink, unsigned flags, rota_pump_fn *fn);

/**
 * Stop @pump: @fn is called with ROTA_ECANCELED. Nothing is lost: what was read
 * is queued in the sink, and the rest can be read from the source. This is
 * rota_request_cancel() of &pump->request. Returns 0.
 *
 * Phase:   as rota_pump_start()
 * Thread:  the loop's.
 * Errors:  ROTA_EALREADY  it has ended, or was never started
 *          ROTA_EBUSY     the input has ended, and the sink is being shut down:
 *                         it goes on
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_pump_stop(struct rota_pump *pump);

/**
 * Two pumps between two streams. It needs no initialization, and has no
 * callback of its own.
 *
 * Owner:   the caller, who keeps it and both streams alive and in place until
 *          the close callbacks of both streams have begun.
 */
struct rota_proxy {
	struct rota_pump there; /* from the first stream to the second */
	struct rota_pump back;

	/** How it has ended, for the close callbacks to read: 0 if both
	 * directions have ended and all bytes were sent; or the first error. */
	int status;

	struct {
		struct rota_stream *a;
		struct rota_stream *b;
		rota_close_fn *fn;
		uint8_t running; /* pumps */
	} internal; /* private to the library: do not read or write */
};

/**
 * Pass everything from @a to @b and from @b to @a. The end of the input of one
 * shuts down the other. When both directions have ended, both streams are
 * closed; when one fails, or is closed by the program, both are closed with a
 * reset. @fn is called for each of them, except for one that the program has
 * closed itself. Returns 0.
 *
 * It waits for its peers without a limit. To drop idle ones, a timer can
 * compare there.bytes and back.bytes, and close one of the streams.
 *
 * Phase:   @fn runs in the closing phase.
 * Thread:  the loop's.
 * Owner:   as struct rota_proxy
 * Errors:  as rota_pump_start(), for either direction, and ROTA_EINVAL if @a is
 *          @b. After any of them nothing has changed, and @fn is not called.
 */
int rota_proxy_start(struct rota_proxy *proxy, struct rota_stream *a,
		     struct rota_stream *b, rota_close_fn *fn);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
