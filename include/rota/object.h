/*
 * rota/object.h - what the structs that a program embeds have in common.
 *
 * There are three sorts. Nodes are memory only, so they are started and
 * stopped: tasks, timers, hooks, asyncs and watches. Handles own something of
 * the system's, so they are closed. A request is one operation in flight.
 *
 * The program embeds these structs in structs of its own. The library links
 * them into lists by the members defined here, and rota_container_of() leads
 * back to the program's struct.
 *
 * Any of them may be all zero: it then counts as never started, queued or open,
 * and functions that query, stop, cancel or close it are safe to call.
 */
#ifndef ROTA_OBJECT_H
#define ROTA_OBJECT_H

#include <stddef.h>
#include <stdint.h>

/**
 * Return a pointer to the struct of type @type whose member @member is at
 * @pointer:
 *
 *     struct session *s = rota_container_of(timer, struct session, idle);
 *
 * In C++ this is for classes of standard layout: no virtual functions, all
 * members in one class and of one access. For other classes offsetof() need not
 * work. Set the object's data member to the class instead, and cast it back.
 */
#ifdef __cplusplus
#define rota_container_of(pointer, type, member)                               \
	(reinterpret_cast<type *>(reinterpret_cast<uintptr_t>(pointer) -       \
				  offsetof(type, member)))
#else
#define rota_container_of(pointer, type, member)                               \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#endif

/** A link in a doubly linked list. Private to the library. */
struct rota_link {
	struct rota_link *next; /* NULL: not in a list */
	struct rota_link *prev;
};

/** A link in a queue that other threads may add to. Private to the library. */
struct rota_entry {
	struct rota_entry *next;
	uintptr_t owner; /* the loop, and flags in its low bits */
};

#endif
