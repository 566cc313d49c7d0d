/*
 * peers/libevent.h - check that libevent is used and not libev.
 *
 * libev exports functions with libevent's names. The library that comes first
 * on the linker's command line wins, and that must be libevent.
 */
#ifndef BENCH_PEERS_LIBEVENT_H
#define BENCH_PEERS_LIBEVENT_H

/* End the program if libev's functions have replaced libevent's. */
void libevent_check(void);

#endif
