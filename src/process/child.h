/*
 * process/child.h - what the library keeps of a process until its exit is
 * reported, and how it learns of that exit.
 */
#ifndef ROTAI_PROCESS_CHILD_H
#define ROTAI_PROCESS_CHILD_H

#include <sys/types.h>

#include "loop/extension.h"
#include "rota/process.h"
#include "rota/watch.h"

struct rotai_children;
struct rotai_waiter;

enum rotai_child_kind {
	ROTAI_CHILD_OWN,     /* is waited for */
	ROTAI_CHILD_FOREIGN, /* is not */
	ROTAI_CHILD_LOST,    /* of the process that has forked this one */
};

struct rotai_child {
	struct rota_link link;  /* in one of the lists of its loop, or in that
				   of the children without one */
	struct rota_link ended; /* in a list of those to be reported */
	struct rotai_children *children; /* or NULL: it has no loop any more */
	struct rota_process *process;    /* or NULL: nobody is told */
	void (*report)(struct rotai_child *child); /* calls the user */

	struct rota_watch watch;
	struct rotai_waiter
		*waiter; /* a thread, instead of the watch; or NULL */
	int fd;          /* of the watch, or -1 */
	int pidfd;       /* for signals, or -1; may be @fd */
	pid_t pid;
	uint8_t kind;
	uint8_t leads;     /* a process group */
	uint8_t is_killed; /* by a close */
	uint8_t is_over;
	uint8_t is_held;      /* not waited for with its exit: hold.h */
	uint8_t is_abandoned; /* its watch does not count */

	/* In the table of all own children, with its lock held. */
	struct rotai_child *next;
	uint32_t generation; /* of the process whose table has it */
	uint8_t is_listed;
	uint8_t is_taken; /* somebody else has waited for it: */
	struct rota_exit exit;
};

/* Whether its number, and that of its group, may be in use by others. */
static inline int rotai_child_is_gone(const struct rotai_child *child)
{
	return child->is_over && (!child->is_held || child->is_taken);
}

/* The extension of @loop, which is made if it is not there; or NULL. */
struct rotai_children *rotai_children_of(struct rota_loop *loop);

/* Make a record. Returns NULL if there is no memory. */
struct rotai_child *rotai_child_new(void (*report)(struct rotai_child *child));

/* The record of a process that was not started. */
void rotai_child_free(struct rotai_child *child);

/* Begin to wait for the exit of the process, whose number, kind and pidfd are
 * set. Returns 0, or an error, and then the record is as before. */
int rotai_child_watch(struct rotai_child *child,
		      struct rotai_children *children);

/* The program has closed the handle: nobody is told any more, but an own child
 * is waited for. The record is freed, now or later. */
void rotai_child_abandon(struct rotai_child *child);

/* Wait for some of the children whose loop has gone. */
void rotai_children_sweep(void);

#endif
