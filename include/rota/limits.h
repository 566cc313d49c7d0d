/*
 * rota/limits.h - how much work one turn does, and other limits.
 *
 * Work beyond a limit is never dropped. It waits for the next turn, in which
 * the loop does not sleep.
 */
#ifndef ROTA_LIMITS_H
#define ROTA_LIMITS_H

/** Limits on the work of one turn, and default sizes. */
enum {
	/** Events that one wait takes from the kernel. */
	ROTA_EVENTS_PER_WAIT = 256,

	/** Waits in one turn. A wait after the first does not sleep, and is
	 * made only if the previous one returned all the events it may. */
	ROTA_WAITS_PER_TURN = 4,

	/** Posted tasks and sent asyncs that are called in one turn. */
	ROTA_POSTS_PER_TURN = 4096,

	/** Completed jobs of a pool that are called back in one turn. */
	ROTA_POOL_COMPLETIONS_PER_TURN = 4096,

	/** Reads for one event of a stream. */
	ROTA_READS_PER_EVENT = 32,

	/** Bytes after which a stream reads no more for one event. The last
	 * read may exceed this by up to a buffer. A stream sends no more of
	 * files for one event either. */
	ROTA_BYTES_PER_EVENT = 1 << 20,

	/** Datagrams that one callback gets, and about how many are received
	 * or sent for one event of a socket. */
	ROTA_DATAGRAMS_PER_CALL = 64,
	ROTA_DATAGRAMS_PER_EVENT = 256,

	/** Connections that a listener accepts for one event. */
	ROTA_ACCEPTS_PER_EVENT = 64,

	/** Events of watchers of files that a turn calls back. */
	ROTA_FSWATCH_EVENTS_PER_TURN = 256,

	/** Addresses of a host that rota_tcp_connect_host() tries. */
	ROTA_HOST_ADDRESSES = 32,

	/** Bytes of the buffer that a loop lends to read callbacks: the default
	 * and the least value of buffer_size in struct rota_loop_options. */
	ROTA_BUFFER_SIZE = 65536,
	ROTA_LEAST_BUFFER_SIZE = 256,

	/** Queued output of a stream, in bytes: the default watermarks. With
	 * more than the high one queued rota_stream_send() returns 1; with no
	 * more than the low one queued on_drain is called. */
	ROTA_HIGH_WATERMARK = 65536,
	ROTA_LOW_WATERMARK = 16384,

	/** Turns in a row for which idle hooks, immediates and
	 * rota_loop_skip_sleep() alone can keep a virtual clock from moving. */
	ROTA_VIRTUAL_TURNS = 1024,

	/** Ticks and microtasks that run in a row. The rest waits for the next
	 * pending phase. This is the default of tick_budget in struct
	 * rota_loop_options. */
	ROTA_TICK_BUDGET = 65536,
};

#endif
