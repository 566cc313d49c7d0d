/*
 * tests/support/poller.c - see poller.h.
 */
#include "poller.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int poller_begin(void **state)
{
	struct poller_test *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -1;
	alarm(120);
	t->descriptors = count_descriptors();
	counting_allocator_init(&t->memory);
	t->ops = rotai_poller_pick(NULL);
	if (t->ops == NULL || t->ops->open(&t->poller, &t->memory.allocator)) {
		print_error("no poller\n");
		free(t);
		return -1;
	}
	*state = t;
	return 0;
}

int poller_end(void **state)
{
	struct poller_test *t = *state;
	int failed;

	alarm(0);
	t->ops->close(t->poller);
	failed = t->memory.bytes != 0 || count_descriptors() != t->descriptors;
	if (failed)
		print_error("%zu bytes not freed, %d descriptors left\n",
			    t->memory.bytes,
			    count_descriptors() - t->descriptors);
	free(t);
	return failed ? -1 : 0;
}

void poller_reopen(struct poller_test *t)
{
	t->ops->close(t->poller);
	assert_int_equal(t->ops->open(&t->poller, &t->memory.allocator), 0);
}

int poller_add(struct poller_test *t, int fd, uint32_t generation,
	       unsigned wanted)
{
	int error = t->ops->add(t->poller, fd, generation, wanted);

	if (error == 0)
		t->wanted[fd] = wanted;
	return error;
}

int poller_change(struct poller_test *t, int fd, uint32_t generation,
		  unsigned was, unsigned wanted)
{
	int error = t->ops->change(t->poller, fd, generation, was, wanted);

	if (error == ROTA_EAGAIN) {
		assert_int_equal(t->ops->submit(t->poller), 0);
		error = t->ops->change(t->poller, fd, generation, was, wanted);
	}
	if (error == 0)
		t->wanted[fd] = wanted;
	return error;
}

void poller_remove(struct poller_test *t, int fd)
{
	t->ops->remove(t->poller, fd);
}

int poller_wait(struct poller_test *t, int64_t timeout_ns,
		struct rotai_ready *ready, int max)
{
	return t->ops->wait(t->poller, timeout_ns, ready, max);
}

unsigned poller_ready(struct poller_test *t, int fd)
{
	struct rotai_ready ready[ROTA_EVENTS_PER_WAIT];
	int n = poller_wait(t, 0, ready, ROTA_EVENTS_PER_WAIT);
	unsigned events = 0;

	assert_true(n >= 0);
	for (int i = 0; i < n; i++)
		if (ready[i].fd == fd) {
			events |= ready[i].events & t->wanted[fd];
			t->generation = ready[i].generation;
		}
	return events;
}

int poller_test_is(const struct poller_test *t, const char *name)
{
	return strcmp(t->ops->name, name) == 0;
}

const char *poller_wait_call(const struct poller_test *t)
{
	if (poller_test_is(t, "epoll"))
		return "epoll_wait";
	return poller_test_is(t, "kqueue") ? "kevent" : "ppoll";
}
