/*
 * server/listen_group.c - opening and closing listen groups.
 *
 *  1. The sockets are made, bound and listening before the open returns, so it
 *     can return the errors. Each loop then opens its stream in a posted task.
 *     What can still fail there is memory and the poller: that member closes,
 *     and its socket with it, so no connection waits for it.
 *  2. A close posts a task to each loop. A loop that shuts down has closed its
 *     stream, or will.
 *  3. If the open fails half-way, the members that were posted find that the
 *     group is closed.
 */
#include "rota/listen_group.h"

#include <limits.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/sized.h"
#include "base/socket.h"
#include "io/listen.h"
#include "io/tcp.h"
#include "rota/error.h"
#include "server/common_queue.h"
#include "server/hand_over.h"

/* The first version of the struct ended with this member. */
enum {
	LEAST_GROUP_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_listen_group_options, backlog),
	DEFAULT_BACKLOG = 1024,
};

ROTAI_SIZED(struct rota_listen_group_options, backlog);

void rota_listen_group_options_init_size(
	struct rota_listen_group_options *options, size_t size)
{
	const struct rota_listen_group_options defaults = {
		.strategy = ROTA_LISTEN_HAND_OVER,
		.backlog = DEFAULT_BACKLOG,
	};

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

/* --- a queue for each member ---------------------------------------------- */

static void own_queue_accepted(struct rota_stream *stream, int status, int fd)
{
	rotai_member_tell(rotai_member_of(stream), status, fd);
}

static void own_queue_opened(struct rotai_member *member)
{
	(void)member;
}

static void leave_own_queue(struct rota_listener *listener)
{
	rotai_member_set_state(rotai_member_of_listener(listener),
			       ROTAI_MEMBER_CLOSED);
}

static const struct rotai_listener_class own_queue_class = {
	.removed = leave_own_queue,
};

/* --- members -------------------------------------------------------------- */

static const struct strategy {
	const struct rotai_listener_class *class_;
	rota_connection_fn *accepted;
	void (*opened)(struct rotai_member *member);
	enum rotai_listen how;
} strategies[] = {
	[ROTA_LISTEN_HAND_OVER] = { &rotai_hand_over_class,
				    rotai_hand_over_accepted,
				    rotai_hand_over_opened, ROTAI_LISTEN_ALL },
	[ROTA_LISTEN_SHARED] = { &rotai_common_queue_class,
				 rotai_common_queue_accepted,
				 rotai_common_queue_opened,
				 ROTAI_LISTEN_EXCLUSIVE },
	[ROTA_LISTEN_REUSE_PORT] = { &own_queue_class, own_queue_accepted,
				     own_queue_opened, ROTAI_LISTEN_ALL },
};

enum { STRATEGIES = sizeof(strategies) / sizeof(strategies[0]) };

static int is_closed(const struct rota_listen_group *group)
{
	return __atomic_load_n(&group->is_closed, __ATOMIC_SEQ_CST) != 0;
}

static void on_member_closed(struct rota_handle *handle)
{
	struct rotai_member *member =
		rota_container_of(handle, struct rotai_member, by.handle);

	rota_listener_stop(&member->listener);
	member->has_stream = 0;
	rotai_group_release(member->group);
}

static int open_stream(struct rotai_member *member)
{
	int error = member->group->is_unix
			    ? rota_pipe_open(&member->by.pipe, member->loop,
					     member->fd)
			    : rota_tcp_open(&member->by.tcp, member->loop,
					    member->fd);

	if (error == 0)
		member->fd = -1;
	return error;
}

static int open_member(struct rotai_member *member)
{
	const struct rota_listen_group *group = member->group;
	const struct strategy *strategy = &strategies[group->strategy];
	struct rota_server *server = member->server;
	int error = open_stream(member);

	if (error < 0)
		return error;
	error = rotai_stream_listen_shared(&member->by.stream, group->backlog,
					   strategy->accepted, strategy->how);
	if (error == 0)
		error = rotai_listener_add(&member->listener, server,
					   &member->by.stream, on_member_closed,
					   strategy->class_);
	if (error < 0) {
		(void)rota_handle_close_now(&member->by.handle);
		return error;
	}
	member->has_stream = 1;
	__atomic_store_n(&member->open, (size_t)server->internal.stats.open,
			 __ATOMIC_SEQ_CST);
	__atomic_store_n(&member->is_paused, server->internal.is_full,
			 __ATOMIC_SEQ_CST);
	rotai_member_set_state(member, ROTAI_MEMBER_LISTENING);
	strategy->opened(member);
	return 0;
}

static void on_open(struct rota_task *task)
{
	struct rotai_member *member =
		rota_container_of(task, struct rotai_member, opening);
	int error = 0;

	if (!is_closed(member->group))
		error = open_member(member);
	if (member->has_stream)
		return; /* with the reference */
	strategies[member->group->strategy].class_->removed(&member->listener);
	if (member->fd >= 0)
		rotai_fd_close(member->fd);
	member->fd = -1;
	/* A stop or a shutdown is no error. */
	if (error < 0 && error != ROTA_ESHUTDOWN)
		rotai_member_tell(member, error, -1);
	rotai_group_release(member->group);
}

static void on_group_close(struct rota_task *task)
{
	struct rotai_member *member =
		rota_container_of(task, struct rotai_member, closing);

	if (member->has_stream) {
		rota_listener_stop(&member->listener);
		(void)rota_handle_close(&member->by.handle, on_member_closed);
	}
	rotai_group_release(member->group);
}

/* --- the group ------------------------------------------------------------ */

/* Check the options, and copy them to *@ours: 0 or an error. */
static int take_group_options(struct rota_listen_group_options *ours,
			      struct rota_listen_group **group,
			      const struct rota_listen_group_options *given)
{
	rota_listen_group_options_init(ours);
	if (group == NULL || given == NULL ||
	    rotai_sized_take(ours, sizeof(*ours), given, LEAST_GROUP_OPTIONS) <
		    0 ||
	    ours->servers == NULL || ours->count == 0 ||
	    ours->count > INT_MAX / sizeof(struct rotai_member) ||
	    ours->fn == NULL || ours->backlog < 1 ||
	    (unsigned)ours->strategy >= STRATEGIES)
		return ROTA_EINVAL;
	for (size_t i = 0; i < ours->count; i++)
		if (ours->servers[i] == NULL)
			return ROTA_EINVAL;
	return 0;
}

static struct rota_listen_group *
make_group(const struct rota_listen_group_options *options)
{
	struct rota_listen_group *group = rotai_group_new(options->count);

	if (group == NULL)
		return NULL;
	group->fn = options->fn;
	group->data = options->data;
	group->strategy = options->strategy;
	group->backlog = options->backlog;
	for (int i = 0; i < group->count; i++) {
		struct rotai_member *member = &group->members[i];
		struct rota_server *server = options->servers[i];

		member->server = server;
		member->limit = server->internal.options.limit;
		member->loop = rota_loop_ref(server->internal.loop);
		member->state = ROTAI_MEMBER_OPENING;
		rota_task_init(&member->opening, member->loop);
		rota_task_init(&member->closing, member->loop);
		rota_task_init(&member->looking, member->loop);
	}
	return group;
}

void rota_listen_group_close(struct rota_listen_group *group)
{
	__atomic_store_n(&group->is_closed, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < group->count; i++)
		(void)rotai_group_post(group, &group->members[i].closing,
				       on_group_close); /* (2) */
	rotai_group_release(group);
}

/* Have each loop open its member: 0, or an error with @group closed. */
static int open_members(struct rota_listen_group *group)
{
	for (int i = 0; i < group->count; i++) {
		int error = rotai_group_post(group, &group->members[i].opening,
					     on_open);

		if (error == 0)
			continue;
		rota_listen_group_close(group); /* (3) */
		return error;
	}
	return 0;
}

/* Give the other members duplicates of the first one's descriptor. */
static int duplicate_for_all(struct rota_listen_group *group)
{
	for (int i = 1; i < group->count; i++) {
		int fd = rotai_fd_duplicate(group->members[0].fd);

		if (fd < 0)
			return fd;
		group->members[i].fd = fd;
	}
	return 0;
}

/* Bind the sockets of the other members to the address of the first. */
static int bind_all(struct rota_listen_group *group, unsigned flags)
{
	int error = 0;

	for (int i = 1; i < group->count && error == 0; i++) {
		int fd = rotai_tcp_socket_at(&group->address, flags);

		if (fd < 0)
			return fd;
		group->members[i].fd = fd;
		error = rotai_socket_listen(fd, group->backlog);
	}
	return error;
}

/* Store the address of @fd. Returns 0 or an error. */
static int read_address(struct rota_listen_group *group, int fd)
{
	struct sockaddr_storage found;
	socklen_t size = sizeof(found);

	if (getsockname(fd, (struct sockaddr *)(void *)&found, &size) < 0)
		return -errno;
	group->is_unix = found.ss_family == AF_UNIX;
	if (group->is_unix)
		return 0;
	if (rota_address_from(&group->address,
			      (struct sockaddr *)(void *)&found, size) < 0 ||
	    rota_address_port(&group->address) == 0)
		return ROTA_EINVAL;
	return 0;
}

/* Listen with the socket @fd, which belongs to the group from now on, and open
 * all members. On an error the group has been freed. */
static int finish_open(struct rota_listen_group *group, int fd, unsigned flags)
{
	int error;

	group->members[0].fd = fd;
	error = read_address(group, fd);
	if (error == 0)
		error = rotai_socket_listen(fd, group->backlog);
	if (error == 0)
		error = group->strategy == ROTA_LISTEN_REUSE_PORT
				? bind_all(group, flags)
				: duplicate_for_all(group);
	if (error == 0)
		return open_members(group);
	rotai_group_release(group);
	return error;
}

int rota_listen_group_tcp(struct rota_listen_group **group,
			  const struct rota_listen_group_options *options,
			  const struct rota_address *address, unsigned flags)
{
	struct rota_listen_group_options ours;
	struct rota_listen_group *made;
	int error = take_group_options(&ours, group, options);
	int fd;

	if (error < 0)
		return error;
	if (ours.strategy == ROTA_LISTEN_REUSE_PORT)
		flags |= ROTA_TCP_REUSE_PORT;
	fd = rotai_tcp_socket_at(address, flags);
	if (fd < 0)
		return fd;
	made = make_group(&ours);
	if (made == NULL) {
		rotai_fd_close(fd);
		return ROTA_ENOMEM;
	}
	error = finish_open(made, fd, flags);
	if (error == 0)
		*group = made;
	return error;
}

int rota_listen_group_open(struct rota_listen_group **group,
			   const struct rota_listen_group_options *options,
			   int fd)
{
	struct rota_listen_group_options ours;
	struct rota_listen_group *made;
	int error = take_group_options(&ours, group, options);
	int copy;

	if (error < 0)
		return error;
	if (ours.strategy == ROTA_LISTEN_REUSE_PORT)
		return ROTA_ENOTSUP;
	copy = rotai_fd_duplicate(fd);
	if (copy < 0)
		return copy;
	made = make_group(&ours);
	if (made == NULL) {
		rotai_fd_close(copy);
		return ROTA_ENOMEM;
	}
	error = finish_open(made, copy, 0);
	if (error == 0)
		*group = made;
	return error;
}

int rota_listen_group_address(const struct rota_listen_group *group,
			      struct rota_address *address)
{
	if (address == NULL)
		return ROTA_EINVAL;
	if (group->is_unix)
		return ROTA_ENOTSUP;
	*address = group->address;
	return 0;
}

void *rota_listen_group_data(const struct rota_listen_group *group)
{
	return group->data;
}
