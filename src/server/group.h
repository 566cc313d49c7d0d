/*
 * server/group.h - a listen group and its members, one for each loop.
 *
 *  1. A group is counted: one reference for the program, until it closes the
 *     group; one for each member, until its stream is closed; and one for each
 *     task that is posted. The last reference frees it, in any thread.
 *  2. A member is used by the thread of its loop. What other threads read is
 *     atomic, and on cache lines of its own.
 *  3. Every member has a listening stream, which is in its server. So the
 *     server's stop and the loop's shutdown end the member.
 */
#ifndef ROTAI_SERVER_GROUP_H
#define ROTAI_SERVER_GROUP_H

#include "rota/listen_group.h"
#include "rota/pipe.h"
#include "rota/tcp.h"

enum rotai_member_state {
	ROTAI_MEMBER_CLOSED,
	ROTAI_MEMBER_OPENING, /* its loop has to make a turn */
	ROTAI_MEMBER_LISTENING,
};

struct rotai_member {
	struct rota_listen_group *group;
	struct rota_server *server; /* alive until the loop closes */
	struct rota_loop *loop;     /* referenced */
	union {
		struct rota_handle handle;
		struct rota_stream stream;
		struct rota_tcp tcp;
		struct rota_pipe pipe;
	} by;
	struct rota_listener listener;
	struct rota_task opening;
	struct rota_task closing;
	struct rota_task looking;
	size_t limit; /* of the server; 0: none */
	int index;
	int fd; /* until the stream has it */
	unsigned accepted;
	uint8_t has_stream;

	char before[64];
	/* Atomic. (2) */
	size_t open;   /* connections of the server */
	size_t coming; /* posted, and not delivered */
	uint32_t state;
	uint32_t is_paused;
	char after[64];
};

struct rota_listen_group {
	rota_listen_group_fn *fn;
	void *data;
	struct rota_address address; /* size 0: it is not IP */
	enum rota_listen_strategy strategy;
	int backlog;
	int is_unix;
	int count;

	/* Atomic. */
	size_t references;
	uint32_t is_closed;
	uint32_t is_waiting; /* for room: hand_over.c (3) */
	int acceptor;        /* the index of a member, or -1 */

	struct rotai_member members[];
};

static inline struct rotai_member *rotai_member_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct rotai_member, by.stream);
}

static inline struct rotai_member *
rotai_member_of_listener(struct rota_listener *listener)
{
	return rota_container_of(listener, struct rotai_member, listener);
}

static inline enum rotai_member_state
rotai_member_state(const struct rotai_member *member)
{
	return (enum rotai_member_state)__atomic_load_n(&member->state,
							__ATOMIC_SEQ_CST);
}

static inline void rotai_member_set_state(struct rotai_member *member,
					  enum rotai_member_state state)
{
	__atomic_store_n(&member->state, (uint32_t)state, __ATOMIC_SEQ_CST);
}

/* Whether it listens, and is not closing. Its loop's thread. */
static inline int rotai_member_serves(const struct rotai_member *member)
{
	return rotai_member_state(member) == ROTAI_MEMBER_LISTENING &&
	       !rota_handle_is_closing(&member->by.handle);
}

/* Make a group of @count members, with one reference, or return NULL. */
struct rota_listen_group *rotai_group_new(size_t count);

/* Take another reference: the caller has one. */
static inline void rotai_group_hold(struct rota_listen_group *group)
{
	__atomic_add_fetch(&group->references, 1, __ATOMIC_RELAXED);
}

void rotai_group_release(struct rota_listen_group *group);

/* Post @task of a member with a reference, which @fn releases. Returns 0 or the
 * error of rota_task_post(). */
int rotai_group_post(struct rota_listen_group *group, struct rota_task *task,
		     rota_task_fn *fn);

/* Call the program's function. */
void rotai_member_tell(struct rotai_member *member, int status, int fd);

#endif
