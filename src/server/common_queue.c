/*
 * server/common_queue.c - see common_queue.h.
 *
 *  1. With an exclusive poller, a connection wakes one of the loops that wait.
 *     If that member then pauses, because its server is full, or closes, it may
 *     be the only one that knows of the connection. So it has another member
 *     look at the queue. If that one has paused or closed meanwhile, it has the
 *     next one look. If all have paused, the first that resumes looks, because
 *     the poller reports what is there when it is asked again.
 *  2. The kernel wakes the first of the instances whose threads wait. A quiet
 *     server would always use the same loop. So after TURN_SIZE connections a
 *     member goes to the end of the line.
 *  3. If another thread pauses or closes a member while its loop waits without
 *     the loop's lock, the kernel still has its registration: a connection may
 *     wake that loop, which ignores it. So the member passes the look on once
 *     more, after the wait.
 */
#include "server/common_queue.h"

#include "io/listen.h"
#include "loop/loop.h"

enum { TURN_SIZE = 16 };

static void on_common_look(struct rota_task *task);

static int may_accept(const struct rotai_member *member)
{
	return rotai_member_state(member) == ROTAI_MEMBER_LISTENING &&
	       !__atomic_load_n(&member->is_paused, __ATOMIC_SEQ_CST);
}

/* Have another member look at the queue. (1) */
static void pass_look_on(struct rotai_member *member)
{
	struct rota_listen_group *group = member->group;

	for (int i = 1; i < group->count; i++) {
		struct rotai_member *next =
			&group->members[(member->index + i) % group->count];
		int error;

		if (!may_accept(next))
			continue;
		error = rotai_group_post(group, &next->looking, on_common_look);
		if (error == 0 || error == ROTA_EALREADY)
			return;
	}
}

static void on_common_look(struct rota_task *task)
{
	struct rotai_member *member =
		rota_container_of(task, struct rotai_member, looking);

	if (may_accept(member) && rotai_member_serves(member))
		rotai_listener_look(&member->by.stream);
	else
		pass_look_on(member);
	rotai_group_release(member->group);
}

/* @member accepts no more. */
static void leave_line(struct rotai_member *member)
{
	pass_look_on(member);
	if (member->loop->is_unlocked) /* (3) */
		(void)rotai_group_post(member->group, &member->looking,
				       on_common_look);
}

void rotai_common_queue_accepted(struct rota_stream *stream, int status, int fd)
{
	struct rotai_member *member = rotai_member_of(stream);

	rotai_member_tell(member, status, fd);
	if (status == 0 && ++member->accepted % TURN_SIZE == 0 &&
	    rotai_member_serves(member))
		rotai_listener_look(stream); /* (2) */
}

void rotai_common_queue_opened(struct rotai_member *member)
{
	(void)member;
}

static void pause_common(struct rota_listener *listener, int is_paused)
{
	struct rotai_member *member = rotai_member_of_listener(listener);

	__atomic_store_n(&member->is_paused, (uint32_t)is_paused,
			 __ATOMIC_SEQ_CST);
	/* In a forked child, too. */
	(void)rotai_listener_set_paused(&member->by.stream, is_paused);
	if (is_paused)
		leave_line(member);
}

static void leave_common(struct rota_listener *listener)
{
	struct rotai_member *member = rotai_member_of_listener(listener);

	rotai_member_set_state(member, ROTAI_MEMBER_CLOSED);
	leave_line(member);
}

const struct rotai_listener_class rotai_common_queue_class = {
	.set_paused = pause_common,
	.removed = leave_common,
};
