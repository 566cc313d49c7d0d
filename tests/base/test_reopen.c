/* poller: none */
/*
 * rotai_fd_reopen(): an open file of one's own, for a descriptor whose file
 * other processes use as well.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "support/fault.h"

static void its_flags_are_its_own(void **state)
{
	char text[4];
	int fds[2], again;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	again = rotai_fd_reopen(fds[0], O_RDONLY);
	if (again == ROTA_ENOTSUP)
		skip_test("the system cannot do this");
	assert_true(again > 2);
	assert_true(fcntl(again, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(again, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(read(again, text, 4), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(read(again, text, 4), 3);
	close(again);
	close(fds[0]);
	close(fds[1]);
}

static void what_cannot_be_opened_is_an_error(void **state)
{
	int fds[2], status;

	(void)state;
	assert_true(rotai_fd_reopen(-1, O_RDONLY) < 0);
	assert_true(rotai_fd_reopen(1 << 20, O_RDONLY) < 0);
	assert_int_equal(pipe(fds), 0);
	fault_fail("open", 1, EINTR);
	status = rotai_fd_reopen(fds[0], O_RDONLY);
	fault_clear();
	if (status >= 0)
		close(status);
	else
		assert_int_equal(status, ROTA_ENOTSUP);
	fault_fail("open", 1, EMFILE);
	status = rotai_fd_reopen(fds[0], O_RDONLY);
	if (fault_clear() > 0)
		assert_int_equal(status, ROTA_EMFILE);
	close(fds[0]);
	close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(its_flags_are_its_own),
	cmocka_unit_test(what_cannot_be_opened_is_an_error),
};
FIXTURE_MAIN(tests)
