/*
 * process/children.h - the table of the children of this process that the
 * library waits for, of all loops.
 *
 * All functions but rotai_children_lock() need the lock, which is held for
 * short. In a forked child the table is empty.
 */
#ifndef ROTAI_PROCESS_CHILDREN_H
#define ROTAI_PROCESS_CHILDREN_H

#include <stdint.h>
#include <sys/types.h>

struct rotai_child;

void rotai_children_lock(void);
void rotai_children_unlock(void);

void rotai_children_add(struct rotai_child *child);
void rotai_children_remove(struct rotai_child *child);
struct rotai_child *rotai_children_find(pid_t pid);

/* Between these two a child may have ended that is not in the table yet. They
 * do not need the lock. */
void rotai_children_start_begin(void);
void rotai_children_start_end(void);
int rotai_children_are_starting(void);

/* Children without a loop: add one to the end, and take the first one, or NULL.
 * The count does not need the lock. */
void rotai_children_orphan(struct rotai_child *child);
struct rotai_child *rotai_children_take_orphan(void);
uint32_t rotai_children_orphan_count(void);

#endif
