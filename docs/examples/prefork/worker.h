/*
 * worker.h - what a worker of prefork.c does: it accepts connections from a
 * socket that it shares with other processes, and answers one request on each.
 */
#ifndef WORKER_H
#define WORKER_H

/* Serve connections of @listener, and write a byte to @control when that has
 * begun. Stop on SIGTERM, which is blocked when this is called, or when
 * @control ends because the master has gone: answer what was accepted and what
 * waits in the queue, and return the exit status. A second SIGTERM closes what
 * is left. */
int worker_run(int listener, int control);

#endif
