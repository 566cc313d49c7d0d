/*
 * server/group.c - see group.h.
 */
#include "server/group.h"

#include "base/fd.h"
#include "base/memory.h"

static size_t size_of_group(size_t count)
{
	return sizeof(struct rota_listen_group) +
	       count * sizeof(struct rotai_member);
}

struct rota_listen_group *rotai_group_new(size_t count)
{
	struct rota_listen_group *group =
		rotai_memory_new(&rotai_memory_default, size_of_group(count));

	if (group == NULL)
		return NULL;
	*group = (struct rota_listen_group){ .references = 1,
					     .acceptor = -1,
					     .count = (int)count };
	for (int i = 0; i < group->count; i++)
		group->members[i] = (struct rotai_member){ .group = group,
							   .index = i,
							   .fd = -1 };
	return group;
}

static void free_group(struct rota_listen_group *group)
{
	for (int i = 0; i < group->count; i++) {
		if (group->members[i].fd >= 0)
			rotai_fd_close(group->members[i].fd);
		if (group->members[i].loop != NULL)
			rota_loop_unref(group->members[i].loop);
	}
	rotai_memory_free(&rotai_memory_default, group,
			  size_of_group((size_t)group->count));
}

void rotai_group_release(struct rota_listen_group *group)
{
	/* Releases what this thread has done with the group, and the last one
	 * acquires what all have done. */
	if (__atomic_sub_fetch(&group->references, 1, __ATOMIC_ACQ_REL) == 0)
		free_group(group);
}

int rotai_group_post(struct rota_listen_group *group, struct rota_task *task,
		     rota_task_fn *fn)
{
	int error;

	rotai_group_hold(group);
	error = rota_task_post(task, fn);
	if (error < 0)
		rotai_group_release(group);
	return error;
}

void rotai_member_tell(struct rotai_member *member, int status, int fd)
{
	member->group->fn(member->group, member->server, status, fd);
}
