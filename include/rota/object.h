/*
 * rota/object.h - what all of the caller's structs have in common.
 *
 * Timers, tasks, handles and requests are structs that the caller embeds in
 * structs of their own. The library strings them on lists through the links
 * defined here, and rota_container_of() leads back to the caller's struct.
 *
 * Each of them may be all zero: then it was never begun, and asking it,
 * stopping it, cancelling it and closing it is safe.
 */
#ifndef ROTA_OBJECT_H
#define ROTA_OBJECT_H

#include <stddef.h>
#include <stdint.h>

/**
 * From a pointer to a member back to the struct around it:
 *
 *     struct session *s = rota_container_of(timer, struct session, idle);
 *
 * In C++ this is for structs of standard layout: no virtual functions, members
 * of one access, and in one class only. For any other class offsetof need not
 * work: set the object's data to the class instead, and cast that back.
 */
#ifdef __cplusplus
#define rota_container_of(pointer, type, member)                               \
	(reinterpret_cast<type *>(reinterpret_cast<uintptr_t>(pointer) -       \
				  offsetof(type, member)))
#else
#define rota_container_of(pointer, type, member)                               \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#endif

/** A place in one of the library's doubly linked lists. The library's. */
struct rota_link {
	struct rota_link *next; /* NULL: in no list */
	struct rota_link *prev;
};

/** A place in a queue that other threads may add to. The library's. */
struct rota_entry {
	struct rota_entry *next;
	uintptr_t owner; /* the loop, and flags in its low bits */
};

#endif
