/*
 * service/listen_descriptors.c - descriptors that a service manager has passed.
 *
 *  1. Nothing is changed before everything is checked: the variables, and then
 *     that all descriptors are open. So the memory is never larger than what
 *     the process has, whatever the variable says.
 *  2. The names are copied: the environment may change.
 *  3. A descriptor is marked as taken when an object has opened it, and not
 *     before: if the open fails, it is still here.
 */
#include "rota/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "loop/enter.h"
#include "rota/error.h"
#include "service/environment.h"

enum { FIRST_DESCRIPTOR = 3 };

static const char no_name[] = "unknown";

/* The names follow the items in the same memory. */
struct rotai_listen_descriptor {
	const char *name;
	int fd; /* -1: it was taken */
};

/* Return how many descriptors there are, or an error. */
static int read_count(void)
{
	uint64_t count;
	int is_here = rotai_environment_is_here("LISTEN_PID", 0);
	int found;

	if (is_here <= 0)
		return is_here;
	found = rotai_environment_number("LISTEN_FDS",
					 INT_MAX - FIRST_DESCRIPTOR, &count);
	return found <= 0 ? found : (int)count;
}

static size_t count_names(const char *names)
{
	size_t count = *names != '\0';

	for (; *names != '\0'; names++)
		count += *names == ':';
	return count;
}

/* Check that the first @count are open: 0 or an error. (1) */
static int check_open(int count)
{
	for (int i = 0; i < count; i++)
		if (fcntl(FIRST_DESCRIPTOR + i, F_GETFD) < 0)
			return -errno;
	return 0;
}

/* Make the first @count close-on-exec: 0, or an error and they are as they
 * were, as far as the system allows. */
static int close_on_exec(int count)
{
	for (int i = 0; i < count; i++) {
		int fd = FIRST_DESCRIPTOR + i;
		int flags = fcntl(fd, F_GETFD);
		int error;

		if (flags >= 0 && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0)
			continue;
		error = -errno;
		while (i-- > 0)
			(void)fcntl(FIRST_DESCRIPTOR + i, F_SETFD, 0);
		return error;
	}
	return 0;
}

/* Give each item its name, out of @names, which is split. */
static void give_names(struct rotai_listen_descriptor *items, size_t count,
		       char *names)
{
	char *at = names;

	for (size_t i = 0; i < count; i++) {
		items[i].fd = FIRST_DESCRIPTOR + (int)i;
		items[i].name =
			at == NULL || *at == '\0' || *at == ':' ? no_name : at;
		if (at == NULL)
			continue;
		at = strchr(at, ':');
		if (at != NULL)
			*at++ = '\0';
	}
}

static void unset_all(void)
{
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	(void)unsetenv("LISTEN_PIDFDID");
}

/* Allocate the items and their names: 0 or an error. */
static int make_items(struct rota_listen_descriptors *descriptors, size_t count,
		      const char *names)
{
	size_t length = strlen(names) + 1;
	size_t size = count * sizeof(struct rotai_listen_descriptor) + length;
	struct rotai_listen_descriptor *items =
		rotai_memory_new(&rotai_memory_default, size);

	if (items == NULL)
		return ROTA_ENOMEM;
	memcpy(items + count, names, length);
	give_names(items, count, (char *)(items + count)); /* (2) */
	descriptors->internal.items = items;
	descriptors->internal.count = count;
	descriptors->internal.size = size;
	return 0;
}

/* Take @count descriptors, more than 0, over: 0 or an error. */
static int take_descriptors(struct rota_listen_descriptors *descriptors,
			    int count)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int error;

	if (names == NULL)
		names = "";
	error = check_open(count);
	if (error < 0)
		return error;
	if (count_names(names) > (size_t)count)
		return ROTA_EINVAL;
	error = make_items(descriptors, (size_t)count, names);
	if (error < 0)
		return error;
	error = close_on_exec(count);
	if (error < 0) {
		rotai_memory_free(&rotai_memory_default,
				  descriptors->internal.items,
				  descriptors->internal.size);
		descriptors->internal.items = NULL;
		descriptors->internal.count = 0;
	}
	return error;
}

ptrdiff_t
rota_listen_descriptors_init(struct rota_listen_descriptors *descriptors,
			     unsigned flags)
{
	int count, error;

	if (descriptors == NULL)
		return ROTA_EINVAL;
	descriptors->internal.items = NULL;
	descriptors->internal.count = 0;
	descriptors->internal.size = 0;
	if (flags & ~(unsigned)ROTA_SYSTEMD_UNSET)
		return ROTA_EINVAL;
	count = read_count();
	if (count < 0)
		return count;
	error = count > 0 ? take_descriptors(descriptors, count) : 0;
	if (error < 0)
		return error;
	if (flags & ROTA_SYSTEMD_UNSET)
		unset_all();
	return count;
}

size_t
rota_listen_descriptors_count(const struct rota_listen_descriptors *descriptors)
{
	return descriptors->internal.count;
}

const char *
rota_listen_descriptors_name(const struct rota_listen_descriptors *descriptors,
			     size_t index)
{
	return index < descriptors->internal.count
		       ? descriptors->internal.items[index].name
		       : NULL;
}

int rota_listen_descriptors_fd(
	const struct rota_listen_descriptors *descriptors, size_t index)
{
	if (index >= descriptors->internal.count ||
	    descriptors->internal.items[index].fd < 0)
		return ROTA_ENOENT;
	return descriptors->internal.items[index].fd;
}

static struct rotai_listen_descriptor *
find_item(struct rota_listen_descriptors *descriptors, const char *name)
{
	for (size_t i = 0; i < descriptors->internal.count; i++) {
		struct rotai_listen_descriptor *item =
			&descriptors->internal.items[i];

		if (item->fd >= 0 &&
		    (name == NULL || strcmp(item->name, name) == 0))
			return item;
	}
	return NULL;
}

int rota_listen_descriptors_take(struct rota_listen_descriptors *descriptors,
				 const char *name)
{
	struct rotai_listen_descriptor *item = find_item(descriptors, name);
	int fd;

	if (item == NULL)
		return ROTA_ENOENT;
	fd = item->fd;
	item->fd = -1;
	return fd;
}

/* (3) */
static int mark(struct rotai_listen_descriptor *item, int error)
{
	if (error == 0)
		item->fd = -1;
	return error;
}

int rota_listen_descriptors_tcp(struct rota_listen_descriptors *descriptors,
				const char *name, struct rota_tcp *tcp,
				struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	struct rotai_listen_descriptor *item = find_item(descriptors, name);

	return item == NULL ? ROTA_ENOENT
			    : mark(item, rota_tcp_open(tcp, loop, item->fd));
}

int rota_listen_descriptors_pipe(struct rota_listen_descriptors *descriptors,
				 const char *name, struct rota_pipe *pipe,
				 struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	struct rotai_listen_descriptor *item = find_item(descriptors, name);

	return item == NULL ? ROTA_ENOENT
			    : mark(item, rota_pipe_open(pipe, loop, item->fd));
}

int rota_listen_descriptors_udp(struct rota_listen_descriptors *descriptors,
				const char *name, struct rota_udp *udp,
				struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	struct rotai_listen_descriptor *item = find_item(descriptors, name);

	return item == NULL ? ROTA_ENOENT
			    : mark(item, rota_udp_open(udp, loop, item->fd));
}

void rota_listen_descriptors_close(struct rota_listen_descriptors *descriptors)
{
	for (size_t i = 0; i < descriptors->internal.count; i++)
		if (descriptors->internal.items[i].fd >= 0)
			rotai_fd_close(descriptors->internal.items[i].fd);
	if (descriptors->internal.items != NULL)
		rotai_memory_free(&rotai_memory_default,
				  descriptors->internal.items,
				  descriptors->internal.size);
	descriptors->internal.items = NULL;
	descriptors->internal.count = 0;
	descriptors->internal.size = 0;
}
