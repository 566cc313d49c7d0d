/*
 * base/exit.h - the end of a process: a descriptor that becomes readable with
 * it, the wait for it, and signals that reach no other process.
 */
#ifndef ROTAI_BASE_EXIT_H
#define ROTAI_BASE_EXIT_H

#include <sys/types.h>

#include "rota/process.h"

/* Open a descriptor that becomes readable when the process ends: a pidfd, or a
 * kqueue. Returns it; ROTA_ESRCH if there is no such process, or if the system
 * does not find one that has ended; ROTA_ENOTSUP if there is no such
 * descriptor; or another error. The kqueue is used if @with_kqueue, or if there
 * is nothing else. */
int rotai_exit_open(pid_t pid, int with_kqueue);

/* The same by kqueue(2) alone. */
int rotai_exit_open_queue(pid_t pid);

/* Wait for our child @pid without blocking. @pidfd is its pidfd, or -1. Returns
 * 1 with *@exit filled; or 0 if it has not ended. If it is no child, or
 * somebody else has waited for it, the member error of *@exit is ROTA_ECHILD.
 * With a pidfd that is so, too, if another child has its number by now. */
int rotai_exit_take(pid_t pid, int pidfd, struct rota_exit *exit);

/* The same without taking it, and without the resources. */
int rotai_exit_look(pid_t pid, int pidfd, struct rota_exit *exit);

/* Block until our child @pid has ended, and leave it. */
void rotai_exit_await(pid_t pid);

/* Send a signal by @pidfd if that is not -1, else by @pid, which the caller
 * knows not to be in use again. Returns 0 or an error. */
int rotai_exit_kill(int pidfd, pid_t pid, int signal);

/* The same for the process group @pid. If the leader may have been waited for,
 * @is_gone is not 0, and only a pidfd serves: without, ROTA_ESRCH. */
int rotai_exit_kill_group(int pidfd, pid_t pid, int signal, int is_gone);

/* Fill *@exit, except its size, from a status of wait(2). */
void rotai_exit_describe(struct rota_exit *exit, int status);

#endif
