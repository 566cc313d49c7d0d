/*
 * peers/libevent.h - make sure that libevent is libevent.
 *
 * libev exports functions under libevent's names. Whichever library comes
 * first on the linker's command line wins, and that has to be libevent.
 */
#ifndef BENCH_PEERS_LIBEVENT_H
#define BENCH_PEERS_LIBEVENT_H

/* End the program if libev's functions are in the place of libevent's. */
void libevent_check(void);

#endif
