/*
 * rota/frame.h - records in a stream of bytes: lines, records with a delimiter
 * of your own, and records with their length before them.
 *
 * A framer reads a stream and calls back for each record. A splitter does the
 * same for bytes from anywhere, without a stream and without callbacks.
 *
 *     static void on_line(struct rota_framer *framer, int status,
 *                         const struct rota_record *line)
 *     {
 *             if (status < 0)
 *                     rota_stream_end(rota_frame_stream(framer), on_close);
 *             else
 *                     answer(framer, line->data, line->size);
 *     }
 */
#ifndef ROTA_FRAME_H
#define ROTA_FRAME_H

#include "rota/buf.h"
#include "rota/stream.h"
#include "rota/task.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_allocator;
struct rota_framer;

/** How records are told apart. */
enum rota_frame_kind {
	/** Each record ends with LF. A CR before the LF is removed as well. */
	ROTA_FRAME_LINE,

	/** Each record ends with a delimiter of 1 to ROTA_DELIMITER_SIZE
	 * bytes. */
	ROTA_FRAME_DELIMITER,

	/** Before each record stands its length, in 1, 2, 4 or 8 bytes. */
	ROTA_FRAME_LENGTH,

	/** Before each record stands its length as an unsigned LEB128: 7 bits
	 * in a byte, the lowest first, and the high bit set in all bytes but
	 * the last. It has at most 10 bytes and need not be the shortest. */
	ROTA_FRAME_VARINT,
};

/** Flags of struct rota_frame_options. */
enum rota_frame_flags {
	ROTA_FRAME_LITTLE_ENDIAN = 1 << 0,   /* the length; else big endian */
	ROTA_FRAME_INCLUDES_PREFIX = 1 << 1, /* the length counts itself */
	ROTA_FRAME_CRLF = 1 << 2, /* lines are sent with CR LF, not LF */
};

/** Limits of framing. */
enum {
	ROTA_FRAME_LIMIT = 65536,  /* the default limit of a record */
	ROTA_DELIMITER_SIZE = 255, /* bytes of a delimiter, at most */
};

/** What the records look like. Call rota_frame_options_init(), then change
 * members. */
struct rota_frame_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** The most bytes that a record may have, without its delimiter or
	 * length: from 1 to PTRDIFF_MAX / 2. */
	size_t limit;

	/** For ROTA_FRAME_DELIMITER. Its bytes are not copied. */
	struct rota_const_buf delimiter;

	/** Bytes of the length, for ROTA_FRAME_LENGTH: 1, 2, 4 or 8. */
	size_t prefix_size;

	enum rota_frame_kind kind;
	unsigned flags; /* of enum rota_frame_flags */
};

/** Flags of struct rota_record. */
enum rota_record_flags {
	ROTA_RECORD_CR = 1 << 0,      /* the line has ended with CR LF */
	ROTA_RECORD_UNENDED = 1 << 1, /* the input has ended instead */
};

/** A record: @size bytes at @data, without its delimiter or length. The bytes
 * may be changed in place. So may the byte behind a line or a record with a
 * delimiter, for example to 0. */
struct rota_record {
	char *data;
	size_t size;
	unsigned flags; /* of enum rota_record_flags */
};

/**
 * Splits bytes into records. All zero, it has nothing to free.
 *
 * Owner:   the caller, who keeps it alive and in place until
 *          rota_splitter_free().
 */
struct rota_splitter {
	struct {
		const struct rota_allocator *allocator;
		const char *delimiter;
		size_t limit;
		char *input; /* fed, and not used yet */
		size_t left;
		char *own; /* the begin of a record that crosses buffers */
		size_t own_size;
		size_t capacity;
		uint8_t kind;
		uint8_t flags;
		uint8_t prefix_size;
		uint8_t delimiter_size;
		uint8_t is_told; /* own holds the last record */
		int error;       /* of the input: there is no way on */
	} internal; /* private to the library: do not read or write */
};

/**
 * Called for each record: @status is 0, and @record is valid until the callback
 * returns.
 *
 * Or called with an error, and an empty @record, as the last call. The framer
 * is stopped by then and may be freed:
 *
 *     ROTA_EOF      the input has ended behind a record
 *     ROTA_EPROTO   the input has ended inside a record that has its length
 *                   before it, or a length is impossible: it includes the
 *                   prefix and is less than that, or it has more than 64 bits
 *     ROTA_EMSGSIZE a record is longer than the limit
 *     Others        the stream has failed; a record that had begun is lost
 *
 * ROTA_ENOMEM is not the last call: the framer is paused, nothing is lost, and
 * rota_frame_resume() tries again.
 *
 * A last line without LF, or a last record without its delimiter, is a record
 * with ROTA_RECORD_UNENDED. ROTA_EOF follows it.
 *
 * Phase:   that in which the stream calls its rota_read_fn, mostly poll; check
 *          after rota_frame_resume(). Ticks and microtasks run between two
 *          calls. The callback may stop, pause or free the framer, and close
 *          the stream or anything else. Once the stream is closing or ending,
 *          no more records are reported.
 * Thread:  the loop's.
 */
typedef void rota_frame_fn(struct rota_framer *framer, int status,
			   const struct rota_record *record);

/**
 * Reads records from a stream. Embed it in a struct of your own, beside the
 * stream. All zero, it is stopped.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started, and
 *          stops it, at the latest, in the close callback of the stream; or
 *          before the memory of a stream that has none is freed, after
 *          rota_handle_close_now().
 */
struct rota_framer {
	void *data; /* for the caller */
	struct {
		struct rota_splitter splitter;
		struct rota_stream *stream;
		rota_frame_fn *fn;
		struct rotai_tap tap;
		struct rota_hold *hold; /* of the bytes that are left */
		struct rota_task task;  /* to go on after a pause */
		int *stopped;           /* for the loop over the records */
		int status;             /* how the input has ended, or 0 */
		uint8_t is_paused;
	} internal; /* private to the library: do not read or write */
};

/**
 * A write of a record: see rota_frame_write(). It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_framed_write {
	struct rota_write write;
	struct {
		struct rota_const_buf bufs[2];
		char prefix[16];
	} internal; /* private to the library: do not read or write */
};

/**
 * Set *@options to the defaults of a @kind, for a caller in which the struct
 * has @size bytes. Programs call rota_frame_options_init(), which passes the
 * size.
 *
 * Thread:  any.
 */
void rota_frame_options_init_size(struct rota_frame_options *options,
				  enum rota_frame_kind kind, size_t size);

/**
 * Set *@options to the defaults of a @kind: a limit of ROTA_FRAME_LIMIT, no
 * flags, no delimiter, and a length of 4 bytes.
 *
 * Thread:  any.
 */
static inline void rota_frame_options_init(struct rota_frame_options *options,
					   enum rota_frame_kind kind)
{
	rota_frame_options_init_size(options, kind, sizeof(*options));
}

/**
 * Read records from @stream, and call @fn for each. Returns 0.
 *
 * A record that lies in one buffer of the loop's is not copied. One that
 * crosses buffers is copied into a buffer of the framer's. It grows with the
 * bytes that have arrived, to at most the limit and a half, and is freed when
 * no record is incomplete. So a framer between two records has no memory
 * beyond its struct.
 *
 * Until the framer is stopped it alone reads @stream: other reads and pumps are
 * refused with ROTA_EBUSY, also while the framer is paused, and
 * rota_stream_read_stop() does nothing. If the stream read before, this takes
 * the place of its function.
 *
 * @fn may be called very often for one event: once for each record among up to
 * ROTA_BYTES_PER_EVENT bytes.
 *
 * Phase:   see rota_frame_fn.
 * Thread:  the loop's.
 * Owner:   @options may go after the call; the bytes of the delimiter must not
 *          change while the framer is started.
 * Errors:  ROTA_EINVAL    @fn is NULL, or @options are invalid: see struct
 *                         rota_frame_options; or @stream listens, is closing,
 *                         or is ending
 *          ROTA_EALREADY  @framer is started
 *          ROTA_EBUSY     a pump, a filter or another framer reads @stream
 *          else as rota_stream_read_start()
 *          After any of them nothing has changed.
 */
int rota_frame_start(struct rota_framer *framer, struct rota_stream *stream,
		     const struct rota_frame_options *options,
		     rota_frame_fn *fn);

/**
 * Stop @framer: it reads no more, and calls back no more. Bytes that it has
 * read and not reported are dropped, except by rota_frame_rest() before.
 * Stopping a stopped framer does nothing.
 *
 * Thread:  the loop's.
 * Owner:   the memory of @framer is the caller's again, in its own callback
 *          too. The record and the rest are not valid any more.
 */
void rota_frame_stop(struct rota_framer *framer);

/**
 * Report no more records until rota_frame_resume(), and read no more. In the
 * callback this takes effect when it returns. What is left of the loop's buffer
 * is kept with rota_buf_keep(). If @framer is paused or stopped, do nothing.
 *
 * Thread:  the loop's.
 */
void rota_frame_pause(struct rota_framer *framer);

/**
 * Go on after rota_frame_pause(), or after ROTA_ENOMEM. Records that have been
 * read already are reported in the check phase, then reading goes on; the
 * callback never runs inside this call. If @framer is not paused, do nothing.
 * Returns 0.
 *
 * Phase:   the callback runs in the check phase for what was read before, and
 *          then as before.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @framer is stopped
 *          else as rota_stream_read_start() and rota_task_immediate()
 *          After any of them @framer is paused.
 */
int rota_frame_resume(struct rota_framer *framer);

/**
 * From now on look for records as @options say, and call @fn: for protocols in
 * which a line of text announces binary records. Call this in the callback, or
 * while @framer is paused. The next record begins right behind the last one.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   as rota_frame_start()
 * Errors:  ROTA_EINVAL  @framer is stopped, @fn is NULL, or @options are
 *                       invalid
 *          ROTA_EBUSY   a part of the next record has been read
 *          After any of them nothing has changed.
 */
int rota_frame_change(struct rota_framer *framer,
		      const struct rota_frame_options *options,
		      rota_frame_fn *fn);

/**
 * Return the bytes that were read behind the last record, so that another
 * protocol can go on with them after rota_frame_stop(). They come before what
 * the stream reads next.
 *
 * Thread:  the loop's.
 * Owner:   the bytes are valid until the callback returns or @framer is stopped
 *          or resumed: copy them.
 */
struct rota_buf rota_frame_rest(const struct rota_framer *framer);

/**
 * Return 1 if @framer is started, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_frame_is_started(const struct rota_framer *framer);

/**
 * Return the stream that @framer was last started for, or NULL.
 *
 * Thread:  the loop's.
 */
struct rota_stream *rota_frame_stream(const struct rota_framer *framer);

/**
 * Send the @size bytes at @data as one record: with its length before it, or
 * its delimiter behind it. It is sent whole or not at all, by one
 * rota_stream_send(), for which it is copied once. Use rota_frame_write() for a
 * large record. Returns 0, or 1 as rota_stream_send() does.
 *
 * Thread:  the loop's.
 * Owner:   the library does not use @data after the call.
 * Errors:  ROTA_EINVAL    @data is NULL and @size is not 0; @options are
 *                         invalid; or the record would be read as another one:
 *                         it contains the delimiter or LF, or is a line that
 *                         ends with CR and is sent without ROTA_FRAME_CRLF
 *          ROTA_EMSGSIZE  the record is longer than the limit, or than its
 *                         length can say
 *          else as rota_stream_send()
 */
int rota_frame_send(struct rota_stream *stream,
		    const struct rota_frame_options *options, const void *data,
		    size_t size);

/**
 * Write the @size bytes at @data as one record, without copying them, by one
 * rota_stream_write() with the request @write->write. Returns 0.
 *
 * Phase:   as rota_stream_write()
 * Thread:  the loop's.
 * Owner:   the caller keeps @write, the bytes, and those of a delimiter alive
 *          and in place until @fn is called.
 * Errors:  ROTA_EINVAL, ROTA_EMSGSIZE: as rota_frame_send()
 *          else as rota_stream_write()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_frame_write(struct rota_framed_write *write,
		     struct rota_stream *stream,
		     const struct rota_frame_options *options, const void *data,
		     size_t size, rota_write_fn *fn);

/**
 * Initialize @splitter for records as @options say. @allocator may be NULL:
 * malloc. Returns 0.
 *
 * Thread:  any. A splitter is for one thread at a time.
 * Owner:   @options may go after the call. @allocator, and the bytes of the
 *          delimiter, stay in place until rota_splitter_free().
 * Errors:  ROTA_EINVAL  @options are invalid: @splitter needs no free
 */
int rota_splitter_init(struct rota_splitter *splitter,
		       const struct rota_frame_options *options,
		       const struct rota_allocator *allocator);

/**
 * Give @splitter the bytes of @buf, which follow those of the previous call.
 * Then call rota_splitter_next() until it returns 0. Returns 0.
 *
 * Thread:  any.
 * Owner:   the bytes stay in place until rota_splitter_next() has returned 0.
 *          The library does not change them.
 * Errors:  ROTA_EINVAL  @buf has no data and a size
 *          ROTA_EBUSY   bytes of the previous call are left
 *          After any of them nothing has changed.
 */
int rota_splitter_feed(struct rota_splitter *splitter, struct rota_buf buf);

/**
 * Store the next record in *@record and return 1; or return 0 if the bytes that
 * were given contain no more whole records: they have been copied as far as
 * necessary.
 *
 * Each byte is searched once, however the bytes arrive. Only a delimiter of
 * several bytes costs more where its last byte occurs often: as many steps as
 * the delimiter has bytes.
 *
 * Thread:  any.
 * Owner:   @record points into the bytes that were given, or to memory of
 *          @splitter. It is valid until the next call for @splitter.
 * Errors:  ROTA_EMSGSIZE, ROTA_EPROTO: see rota_frame_fn. There is no way on:
 *                        the next call returns the same
 *          ROTA_ENOMEM   nothing has changed: call again
 */
int rota_splitter_next(struct rota_splitter *splitter,
		       struct rota_record *record);

/**
 * As rota_splitter_next(), when no more bytes will come: this also returns the
 * last line or record that has no end.
 *
 * Thread:  any.
 * Owner:   as rota_splitter_next()
 * Errors:  ROTA_EPROTO  a record that has its length before it is incomplete
 *          else as rota_splitter_next()
 */
int rota_splitter_finish(struct rota_splitter *splitter,
			 struct rota_record *record);

/**
 * Return the bytes that were given and belong to no record that was returned.
 * After ROTA_ENOMEM call rota_splitter_next() again first; after any other
 * error there are none.
 *
 * Thread:  any.
 * Owner:   the bytes are valid until the next call for @splitter.
 */
struct rota_buf rota_splitter_rest(const struct rota_splitter *splitter);

/**
 * Free the memory of @splitter, which is then all zero.
 *
 * Thread:  any.
 */
void rota_splitter_free(struct rota_splitter *splitter);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
