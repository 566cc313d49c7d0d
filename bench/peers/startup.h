/*
 * peers/startup.h - loops that are made and freed, and that call back once.
 */
#ifndef BENCH_PEERS_STARTUP_H
#define BENCH_PEERS_STARTUP_H

typedef void startup_fn(void);

struct startup_peer {
	const char *name;
	void *(*make)(void);
	void (*free)(void *loop);

	/* Run the loop with a timer of 0, which calls @fn. */
	void (*run)(void *loop, startup_fn *fn);
};

extern const struct startup_peer startup_rota;
extern const struct startup_peer startup_limit;
extern const struct startup_peer startup_libuv;
extern const struct startup_peer startup_libev;
extern const struct startup_peer startup_libevent;

#endif
