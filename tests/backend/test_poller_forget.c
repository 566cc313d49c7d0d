/*
 * The contract of backend/poller.h, tested on each poller alone: descriptors
 * that are closed just after the poller has forgotten them.
 */
#include "support/fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/poller.h"
#include "support/fault.h"
#include "support/poller.h"

enum { READABLE = ROTAI_READABLE, WRITABLE = ROTAI_WRITABLE };

static void forget_and_close(struct poller_test *t, int fd)
{
	t->ops->forget(t->poller, fd);
	close(fd);
}

/* Make a pipe with a byte in it, whose reading end is added. */
static void add_full_pipe(struct poller_test *t, int fds[2])
{
	make_pipe(fds);
	put_byte(fds[1]);
	assert_int_equal(poller_add(t, fds[0], 1, READABLE), 0);
}

static void what_was_forgotten_leaves_with_its_close(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2];

	add_full_pipe(t, fds);
	assert_int_equal(poller_ready(t, fds[0]), READABLE);
	fault_count_reset();
	forget_and_close(t, fds[0]);

	assert_int_equal(fault_count(NULL), 0);
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
	close(fds[1]);
}

/* D1 */
static void a_forgotten_number_may_be_added_again(void **state)
{
	struct poller_test *t = *state;
	int old[2], fresh[2], fd;

	add_full_pipe(t, old);
	fd = old[0];
	forget_and_close(t, fd);
	make_pipe(fresh);
	assert_int_equal(dup2(fresh[0], fd), fd);
	assert_int_equal(poller_add(t, fd, 3, READABLE), 0);

	assert_int_equal(poller_ready(t, fd), 0);
	put_byte(fresh[1]);
	assert_int_equal(poller_ready(t, fd), READABLE);
	assert_int_equal(t->generation, 3);
	poller_remove(t, fd);
	if (fresh[0] != fd)
		close(fresh[0]);
	close(fd);
	close(fresh[1]);
	close(old[1]);
}

/* D1: the file itself gets its number back. */
static void a_forgotten_file_may_be_added_again(void **state)
{
	struct poller_test *t = *state;
	int fds[2], copy;

	add_full_pipe(t, fds);
	copy = dup(fds[0]);
	forget_and_close(t, fds[0]);
	assert_int_equal(dup2(copy, fds[0]), fds[0]);
	assert_int_equal(poller_add(t, fds[0], 3, READABLE), 0);

	assert_int_equal(poller_ready(t, fds[0]), READABLE);
	assert_int_equal(t->generation, 3);
	poller_remove(t, fds[0]);
	assert_int_equal(poller_ready(t, fds[0]), 0);
	close(copy);
	close(fds[0]);
	close(fds[1]);
}

/* The next file with this number must not get it. */
static void a_change_that_waits_is_forgotten_too(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2], fd;

	make_socketpair(fds);
	assert_int_equal(poller_add(t, fds[0], 1, 0), 0);
	assert_int_equal(poller_ready(t, fds[0]), 0);
	assert_int_equal(poller_change(t, fds[0], 1, 0, WRITABLE), 0);
	fd = fds[0];
	forget_and_close(t, fd);
	assert_int_equal(dup2(fds[1], fd), fd);

	assert_int_equal(t->ops->submit(t->poller), 0);
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
	close(fd);
	close(fds[1]);
}

/* While a duplicate is open, events may come. A renewal ends that. */
static void a_renewal_ends_the_events_of_forgotten_files(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2], others[2], copy, n;

	add_full_pipe(t, fds);
	make_pipe(others);
	assert_int_equal(poller_add(t, others[0], 7, READABLE), 0);
	copy = dup(fds[0]);
	forget_and_close(t, fds[0]);
	n = poller_wait(t, 0, ready, 8);
	if (t->ops->renew == NULL) {
		assert_int_equal(n, 0);
		poller_remove(t, others[0]);
		goto end;
	}
	assert_int_equal(n, 1);
	assert_int_equal(ready[0].fd, fds[0]);
	assert_int_equal(ready[0].generation, 1);

	fault_fail("epoll_create1", 1, EMFILE);
	assert_int_equal(t->ops->renew(t->poller), ROTA_EMFILE);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(poller_wait(t, 0, ready, 8), 1);
	assert_int_equal(t->ops->renew(t->poller), 1);
	assert_int_equal(t->ops->renew(t->poller), 0);

	put_byte(others[1]);
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
	assert_int_equal(poller_add(t, others[0], 8, READABLE), 0);
	assert_int_equal(poller_wait(t, 0, ready, 8), 1);
	assert_int_equal(ready[0].generation, 8);
	poller_remove(t, others[0]);

end:
	close(copy);
	close(fds[1]);
	close(others[0]);
	close(others[1]);
}

/* A host's own epoll instance would lose a renewed one. So nothing may be left
 * that could make a renewal necessary. */
static void with_a_host_what_was_forgotten_has_left_the_kernel(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2], copy;

	(void)t->ops->fd(t->poller);
	add_full_pipe(t, fds);
	copy = dup(fds[0]);
	forget_and_close(t, fds[0]);

	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
	if (t->ops->renew != NULL)
		assert_int_equal(t->ops->renew(t->poller), 0);
	close(copy);
	close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	POLLER(what_was_forgotten_leaves_with_its_close),
	POLLER(a_forgotten_number_may_be_added_again),
	POLLER(a_forgotten_file_may_be_added_again),
	POLLER(a_change_that_waits_is_forgotten_too),
	POLLER(a_renewal_ends_the_events_of_forgotten_files),
	POLLER(with_a_host_what_was_forgotten_has_left_the_kernel),
};

FIXTURE_MAIN(tests)
