/*
 * server/hand_over.c - see hand_over.h.
 *
 *  1. Every member listens to the same socket, but only the acceptor's listener
 *     is not paused. When the acceptor's member closes, it appoints another one
 *     that is open. A member that finds the appointed one closed as well
 *     appoints the next. A member that opens while there is no acceptor becomes
 *     it.
 *  2. The load of a member is the number of connections of its server, which
 *     the server's thread writes, and of those that are on their way: these are
 *     counted from the post until the program's function has returned. So there
 *     is no moment in which a connection is not counted.
 *  3. If no member has room, the acceptor pauses. It says that it waits, and
 *     then looks at the loads once more; a member changes its load, and then
 *     looks whether the acceptor waits. As all of this is sequentially
 *     consistent, one of them sees the other.
 *  4. A connection that reaches a member which has closed, or is full, is
 *     handed on; if there is no other, it is closed, or the member gets it.
 *     So a loop that stops gives its share to the others.
 *  5. A member gets its share from the start, also if its loop has not opened
 *     it yet: what is posted to it comes after the task that opens it. Else the
 *     first loop would get the connections of the first moments.
 */
#include "server/hand_over.h"

#include "base/fd.h"
#include "base/memory.h"
#include "io/listen.h"
#include "rota/error.h"

/* A connection on its way. It has a reference to the group. */
struct arrival {
	struct rota_task task;
	struct rotai_member *member; /* who gets it */
	int fd;
	int hops;
};

static size_t load_of(const struct rotai_member *member)
{
	return __atomic_load_n(&member->open, __ATOMIC_SEQ_CST) +
	       __atomic_load_n(&member->coming, __ATOMIC_SEQ_CST); /* (2) */
}

static int is_open(const struct rotai_member *member)
{
	return rotai_member_state(member) != ROTAI_MEMBER_CLOSED; /* (5) */
}

static int has_room(const struct rotai_member *member)
{
	return is_open(member) &&
	       (member->limit == 0 || load_of(member) < member->limit);
}

static int is_room_anywhere(const struct rota_listen_group *group)
{
	for (int i = 0; i < group->count; i++)
		if (has_room(&group->members[i]))
			return 1;
	return 0;
}

/* The open member with the least load; one that has room if there is any. NULL:
 * none is open. */
static struct rotai_member *least_loaded(struct rota_listen_group *group)
{
	struct rotai_member *least = NULL;
	size_t least_load = 0;
	int least_has_room = 0;

	for (int i = 0; i < group->count; i++) {
		struct rotai_member *member = &group->members[i];
		size_t load = load_of(member);
		int room = has_room(member);

		if (!is_open(member) || room < least_has_room)
			continue;
		if (least == NULL || room > least_has_room ||
		    load < least_load) {
			least = member;
			least_load = load;
			least_has_room = room;
		}
	}
	return least;
}

/* --- the acceptor --------------------------------------------------------- */

static void on_acceptor_look(struct rota_task *task);

static int is_acceptor(const struct rotai_member *member)
{
	return __atomic_load_n(&member->group->acceptor, __ATOMIC_SEQ_CST) ==
	       member->index;
}

/* Have @member look whether it accepts. Returns 0, or the error if it never
 * will. */
static int have_look(struct rotai_member *member)
{
	int error = rotai_group_post(member->group, &member->looking,
				     on_acceptor_look);

	return error == ROTA_EALREADY ? 0 : error;
}

/* Return the first that listens, else the first that will, or -1. */
static int first_open(const struct rota_listen_group *group)
{
	int first = -1;

	for (int i = 0; i < group->count; i++) {
		if (rotai_member_state(&group->members[i]) ==
		    ROTAI_MEMBER_LISTENING)
			return i;
		if (first < 0 && is_open(&group->members[i]))
			first = i;
	}
	return first;
}

/* The acceptor, @from, has closed. (1) */
static void appoint(struct rota_listen_group *group, int from)
{
	for (;;) {
		int next = first_open(group);
		int error;

		if (from == next || !__atomic_compare_exchange_n(
					    &group->acceptor, &from, next, 0,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return; /* somebody else does it */
		from = next;
		if (next < 0)
			continue; /* one may have opened, and seen the old */
		error = have_look(&group->members[next]);
		if (error != ROTA_ESHUTDOWN)
			return;
		rotai_member_set_state(&group->members[next],
				       ROTAI_MEMBER_CLOSED);
	}
}

/* A connection has gone. The acceptor may have closed before it was appointed,
 * by a thread that found this post on its way, and relies on it. */
static void note_room(struct rota_listen_group *group)
{
	int acceptor;

	if (!__atomic_load_n(&group->is_waiting, __ATOMIC_SEQ_CST))
		return;
	acceptor = __atomic_load_n(&group->acceptor, __ATOMIC_SEQ_CST);
	if (acceptor < 0 ||
	    have_look(&group->members[acceptor]) != ROTA_ESHUTDOWN)
		return;
	rotai_member_set_state(&group->members[acceptor], ROTAI_MEMBER_CLOSED);
	appoint(group, acceptor);
}

/* Accept, or do not: as @member, which is open, has to. (3) */
static void update_acceptor(struct rotai_member *member)
{
	struct rota_listen_group *group = member->group;

	if (is_acceptor(member)) {
		__atomic_store_n(&group->is_waiting, 1, __ATOMIC_SEQ_CST);
		if (is_room_anywhere(group)) {
			__atomic_store_n(&group->is_waiting, 0,
					 __ATOMIC_SEQ_CST);
			(void)rota_stream_listen_resume(&member->by.stream);
			return;
		}
	}
	(void)rota_stream_listen_pause(&member->by.stream);
}

static void on_acceptor_look(struct rota_task *task)
{
	struct rotai_member *member =
		rota_container_of(task, struct rotai_member, looking);

	if (rotai_member_serves(member))
		update_acceptor(member);
	else if (is_acceptor(member) && !is_open(member))
		appoint(member->group, member->index);
	rotai_group_release(member->group);
}

void rotai_hand_over_opened(struct rotai_member *member)
{
	int none = -1;

	(void)__atomic_compare_exchange_n(&member->group->acceptor, &none,
					  member->index, 0, __ATOMIC_SEQ_CST,
					  __ATOMIC_SEQ_CST);
	update_acceptor(member);
}

/* --- connections ---------------------------------------------------------- */

static void on_arrival(struct rota_task *task);

/* Post @arrival to the member with the least load, unless that is @self.
 * Returns whether that was done. */
static int send_arrival(struct arrival *arrival, struct rotai_member *self)
{
	struct rota_listen_group *group = self->group;

	for (;;) {
		struct rotai_member *member = least_loaded(group);
		int error;

		if (member == NULL || member == self)
			return 0;
		arrival->member = member;
		rota_task_init(&arrival->task, member->loop);
		__atomic_add_fetch(&member->coming, 1, __ATOMIC_SEQ_CST);
		error = rota_task_post(&arrival->task, on_arrival);
		if (error == 0)
			return 1;
		__atomic_sub_fetch(&member->coming, 1, __ATOMIC_SEQ_CST);
		if (error != ROTA_ESHUTDOWN)
			return 0;
		rotai_member_set_state(member, ROTAI_MEMBER_CLOSED);
	}
}

static void free_arrival(struct arrival *arrival)
{
	rotai_memory_free(&rotai_memory_default, arrival, sizeof(*arrival));
}

/* Hand @fd to another member. Returns whether that was done: not if @self has
 * the least load, or no other can get it. */
static int hand_over(struct rotai_member *self, int fd)
{
	struct rota_listen_group *group = self->group;
	struct arrival *arrival;

	if (least_loaded(group) == self)
		return 0;
	arrival = rotai_memory_new(&rotai_memory_default, sizeof(*arrival));
	if (arrival == NULL)
		return 0;
	arrival->fd = fd;
	arrival->hops = 0;
	rotai_group_hold(group);
	if (send_arrival(arrival, self))
		return 1;
	rotai_group_release(group);
	free_arrival(arrival);
	return 0;
}

void rotai_hand_over_accepted(struct rota_stream *stream, int status, int fd)
{
	struct rotai_member *member = rotai_member_of(stream);

	if (status < 0 || !hand_over(member, fd))
		rotai_member_tell(member, status, fd);
	if (!is_room_anywhere(member->group) && rotai_member_serves(member))
		update_acceptor(member);
}

static void on_delivery(struct rota_stream *stream, int status, int fd)
{
	rotai_member_tell(rotai_member_of(stream), status, fd);
}

/* Whether the connection should go to another member. (4) */
static int must_go_on(const struct arrival *arrival)
{
	struct rotai_member *member = arrival->member;

	if (!rotai_member_serves(member)) {
		/* A loop that shuts down has closed the stream. */
		rotai_member_set_state(member, ROTAI_MEMBER_CLOSED);
		return 1;
	}
	return member->listener.internal.server->internal.is_full &&
	       arrival->hops < member->group->count &&
	       is_room_anywhere(member->group);
}

/* Give the program the connection, or close it if the member has closed. */
static void deliver_arrival(struct rotai_member *member, int fd)
{
	if (rotai_member_serves(member))
		rotai_listener_call(&member->by.stream, 0, fd, on_delivery);
	else
		rotai_fd_close(fd);
}

static void on_arrival(struct rota_task *task)
{
	struct arrival *arrival = rota_container_of(task, struct arrival, task);
	struct rotai_member *member = arrival->member;
	struct rota_listen_group *group = member->group;
	int is_sent = 0;

	if (must_go_on(arrival)) {
		arrival->hops++;
		/* If it is sent, it is another's, with its reference. */
		rotai_group_hold(group);
		is_sent = send_arrival(arrival, member);
		if (!is_sent)
			rotai_group_release(group);
	}
	if (!is_sent) {
		deliver_arrival(member, arrival->fd);
		free_arrival(arrival);
	}
	__atomic_sub_fetch(&member->coming, 1, __ATOMIC_SEQ_CST); /* (2) */
	note_room(group);
	rotai_group_release(group);
}

/* --- what the server tells ------------------------------------------------ */

/* A full server is one without room: that is all. */
static void ignore_pause(struct rota_listener *listener, int is_paused)
{
	(void)listener;
	(void)is_paused;
}

static void note_count(struct rota_listener *listener, uint64_t open)
{
	struct rotai_member *member = rotai_member_of_listener(listener);

	__atomic_store_n(&member->open, (size_t)open, __ATOMIC_SEQ_CST);
	note_room(member->group);
}

static void leave_hand_over(struct rota_listener *listener)
{
	struct rotai_member *member = rotai_member_of_listener(listener);

	rotai_member_set_state(member, ROTAI_MEMBER_CLOSED);
	if (is_acceptor(member))
		appoint(member->group, member->index);
}

const struct rotai_listener_class rotai_hand_over_class = {
	.set_paused = ignore_pause,
	.count = note_count,
	.removed = leave_hand_over,
};
