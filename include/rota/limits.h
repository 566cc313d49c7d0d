/*
 * rota/limits.h - how much one turn does before it moves on.
 *
 * What is left over is never dropped: it waits for the next turn, and the
 * wait of that turn is zero.
 */
#ifndef ROTA_LIMITS_H
#define ROTA_LIMITS_H

/** Bounds on the work of one turn. */
enum {
	/** Events that one wait takes from the kernel. */
	ROTA_EVENTS_PER_WAIT = 256,

	/** Waits in one turn. A second one, which does not sleep, is made only
	 * if the one before it came back full. */
	ROTA_WAITS_PER_TURN = 4,

	/** Posted tasks and async sends called in one turn. */
	ROTA_POSTS_PER_TURN = 4096,

	/** Jobs of a pool called back in one turn. */
	ROTA_POOL_COMPLETIONS_PER_TURN = 4096,

	/** Reads made for one event of a stream. */
	ROTA_READS_PER_EVENT = 32,

	/** Bytes read for one event of a stream, or one buffer more. */
	ROTA_BYTES_PER_EVENT = 1 << 20,

	/** Connections accepted for one event of a listener. */
	ROTA_ACCEPTS_PER_EVENT = 64,

	/** Bytes of the buffer that a loop lends to read callbacks: the default
	 * of its buffer_size, and the least that this may be. */
	ROTA_BUFFER_SIZE = 65536,
	ROTA_LEAST_BUFFER_SIZE = 256,

	/** Bytes that wait to be written, above which rota_stream_send() says
	 * so, and below which on_drain is called: the defaults. */
	ROTA_HIGH_WATERMARK = 65536,
	ROTA_LOW_WATERMARK = 16384,

	/** Turns in a row that a virtual clock stands still for nothing but
	 * idle hooks, immediates and rota_loop_skip_sleep(). */
	ROTA_VIRTUAL_TURNS = 1024,

	/** Ticks and microtasks run in a row before the rest is put off to the
	 * next pending phase: the default of the loop's tick_budget. */
	ROTA_TICK_BUDGET = 65536,
};

#endif
