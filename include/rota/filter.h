/*
 * rota/filter.h - a stream over another stream: TLS, compression, a recorder.
 *
 * A filter is two functions: one changes the input on its way up, one changes
 * the output on its way down. Everything else is here: backpressure in both
 * directions, half-close, errors, and the stream below. A filter that changes
 * each byte by exclusive or reads like this:
 *
 *     static int change(struct rota_filter *filter,
 *                       struct rota_filter_step *step)
 *     {
 *             while (step->made < step->to.size &&
 *                    step->taken < step->from.size)
 *                     step->to.data[step->made++] =
 *                             step->from.data[step->taken++] ^ 0x5a;
 *             return 0;
 *     }
 *
 *     static const struct rota_filter_class xor_class = {
 *             .size = sizeof(xor_class),
 *             .input = change,
 *             .output = change,
 *     };
 */
#ifndef ROTA_FILTER_H
#define ROTA_FILTER_H

#include "rota/stream_class.h"
#include "rota/task.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_filter;

/**
 * What a function of a filter works on. A later version may add members at the
 * end.
 *
 * Owner:   the buffers are lent until the function returns.
 */
struct rota_filter_step {
	struct rota_const_buf from; /* bytes to change; may be empty */
	struct rota_buf to;         /* where the results go; never empty */
	size_t taken;               /* to be set: bytes of @from used, */
	size_t made; /* and bytes stored at @to. Both begin as 0 */

	/** 0: more may come. Else nothing comes after @from, which is empty.
	 * ROTA_EOF: the stream below has ended its input, or the program has
	 * shut the filter down. Another error: the input below has failed with
	 * it; or, for output, the filter has failed with it, and may say a last
	 * word. */
	int end;
};

/**
 * A function of a filter: take bytes from step->from, store bytes at step->to.
 * It may take a part, or nothing, and make more, fewer or no bytes. It is
 * called again, with an empty step->from too, until it takes nothing and makes
 * nothing. So it may make its results in pieces, and when step->from is empty,
 * it gives away everything that it can. It must not call the user, and must not
 * close the filter or the stream below.
 *
 * It returns
 *
 *     0            go on. Without a byte taken or made, and with bytes at
 *                  step->from, that is a mistake, and the filter fails with
 *                  ROTA_EINVAL. At an end, without a byte made, it means that
 *                  the direction has ended as step->end says
 *     ROTA_EAGAIN  this direction waits: for the other function to take or make
 *                  a byte or to end, or for rota_filter_again(). While output()
 *                  waits, the stream below is read even if nobody reads the
 *                  filter
 *     ROTA_EOF     this direction has ended. input(): the reader gets the end.
 *                  output(): after step->end only; all is made
 *     an error     the filter has failed: after what was made, its reader gets
 *                  the error, and so does its writer. Nothing more is read. If
 *                  input() has failed, output() is called once more, with the
 *                  error in step->end
 *
 * Phase:   any: also inside calls of rota/stream.h for the filter.
 * Thread:  the loop's.
 */
typedef int rota_filter_fn(struct rota_filter *filter,
			   struct rota_filter_step *step);

/**
 * The functions of a kind of filters. A later version may add members at the
 * end.
 *
 * Owner:   the program's; it stays in place and unchanged while a filter of the
 *          class is open.
 */
struct rota_filter_class {
	size_t size;      /* of this struct */
	const char *type; /* the name of its handles in dumps, or NULL */

	/** From the stream below to the reader of the filter. */
	rota_filter_fn *input;

	/** From the writer of the filter to the stream below. When the filter
	 * is shut down, it is called with step->end until it returns ROTA_EOF,
	 * or 0 without a byte made: it may make a trailer. It is called with an
	 * empty step->from at the end of each send of the program's, and each
	 * flush of a corked filter, because what is not made then does not
	 * leave. */
	rota_filter_fn *output;

	/** The filter closes: free what belongs to it. No function is called
	 * after this. NULL: nothing. */
	void (*close)(struct rota_filter *filter);

	/** step->to has room for at least so many bytes. 0 means 1. */
	size_t room;
};

/** Flags of rota_filter_open(). */
enum rota_filter_flag {
	/** The stream below is the program's: the filter neither shuts it down
	 * nor closes it, and it can be used when the filter is closed. */
	ROTA_FILTER_KEEP_BELOW = 1 << 0,
};

/**
 * A stream over another one. Its bases are &filter.stream and &filter.handle,
 * and all functions of rota/stream.h work on it as on every stream of a class:
 * rota/stream_class.h.
 *
 * Owner:   as struct rota_handle
 */
struct rota_filter {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
	};
	struct {
		const struct rota_filter_class *class_;
		struct rota_stream *below; /* NULL: gone */
		struct rotai_tap tap;
		struct rota_task task;
		struct rota_hold *hold; /* of what was read below */
		struct rota_buf input;  /* the part of it that was not taken */
		char *made; /* memory for input made ahead, or NULL */
		size_t made_from;
		size_t made_size;
		int input_end;     /* how the input below has ended, or 0 */
		int input_status;  /* how that of the filter has, or 0 */
		int output_status; /* how the output has failed, or 0 */
		uint16_t flags;
		uint8_t asked; /* events that the stream waits for */
	} internal;            /* private to the library: do not use */
};

/**
 * Make @filter a stream over @below, which is connected and of any class, also
 * a filter. Returns 0.
 *
 * Until the filter closes, it reads @below and has its on_drain. A read of
 * @below returns ROTA_EBUSY, as does rota_stream_detach(), and
 * rota_stream_read_stop() does nothing. rota_stream_on_drain() of @below takes
 * effect when the filter has closed, with ROTA_FILTER_KEEP_BELOW. What the
 * program sends to @below itself leaves between what the filter sends.
 *
 * The watermarks of @below limit the output: above the high one, the filter
 * takes no more. Of the input it holds what one read of @below has brought, and
 * reads only when all of that was made and read. If @below is closed, or passed
 * to rota_stream_end(), in another way, the filter fails with ROTA_ECANCELED;
 * it is still to be closed.
 *
 * Phase:   the callbacks of @filter run in the pending phase.
 * Thread:  the loop's.
 * Owner:   the caller, who ends @filter by rota_handle_close() or
 *          rota_stream_end(). The filter then closes @below, without a
 *          callback, and the memory of both is the caller's in the close
 *          callback of @filter. If requests of the program are in flight on
 *          @below, their callbacks come first, except that of a
 *          rota_stream_sendfile(): @below stays alive until that, too.
 * Errors:  ROTA_EINVAL    @class_ is NULL, its size is too small, input or
 *                         output is NULL, @flags has an unknown bit, or @below
 *                         listens, is closing, or was passed to
 *                         rota_stream_end()
 *          ROTA_EBUSY     @below is being read, or a pump, a filter or a
 *                         framer uses it
 *          ROTA_ENOTCONN  @below is not connected
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_stream_listen()
 *          After any of them @filter is not open, and @below is as before. If
 *          memory runs out later, the filter fails with ROTA_ENOMEM.
 */
int rota_filter_open(struct rota_filter *filter, struct rota_stream *below,
		     const struct rota_filter_class *class_, unsigned flags);

/**
 * Have output() (ROTA_WRITABLE in @events) or input() (ROTA_READABLE) called
 * again, though there may be nothing new to take: because input() has made
 * something for the other side, because a thread has finished, or to begin a
 * handshake. The functions of the filter may call this as well. Nothing is
 * called from inside this function. For a filter that is closed it does
 * nothing. input() is called when the filter is read, or when output() waits. A
 * function that calls this for itself must have taken or made a byte.
 *
 * Phase:   output() is called right after the function that has called this;
 *          for a call from elsewhere, in the check phase.
 * Thread:  the loop's.
 */
void rota_filter_again(struct rota_filter *filter, unsigned events);

/**
 * Return the stream below, or NULL if it has closed or @filter has.
 *
 * Thread:  the loop's.
 * Owner:   the filter uses it: see rota_filter_open().
 */
struct rota_stream *rota_filter_below(const struct rota_filter *filter);

/**
 * Return the bytes that were read from the stream below and that input() has
 * not taken. With ROTA_FILTER_KEEP_BELOW, and when the input of @filter has
 * ended, they are what comes behind that end: the next to read. Without the
 * flag there are none after the end.
 *
 * Thread:  the loop's.
 * Owner:   the bytes are lent until @filter closes.
 */
struct rota_const_buf rota_filter_rest(const struct rota_filter *filter);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
