/* poller: none */
/*
 * rotai_shared_reopen(): an open file of one's own, for a descriptor whose file
 * other processes use as well. Systems other than Linux open terminals only.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/shared.h"
#include "support/fault.h"
#include "support/pty.h"

static void its_flags_are_its_own(void **state)
{
	char text[4];
	int fds[2], again;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	again = rotai_shared_reopen(fds[0]);
	if (again < 0)
		skip_elsewhere("the system opens no pipe anew");
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
	struct pty pty;
	int made;

	(void)state;
	assert_int_equal(rotai_shared_reopen(-1), ROTA_EBADF);
	assert_int_equal(rotai_shared_reopen(1 << 20), ROTA_EBADF);
	pty_open(&pty);
	fault_fail("open", 1, EMFILE);
	assert_int_equal(rotai_shared_reopen(pty.slave), ROTA_EMFILE);
	assert_int_equal(fault_clear(), 1);
	fault_fail("open", 1, EINTR);
	made = rotai_shared_reopen(pty.slave);
	assert_int_equal(fault_clear(), 1);
	assert_true(made > 2);
	close(made);
	pty_close(&pty);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(its_flags_are_its_own),
	cmocka_unit_test(what_cannot_be_opened_is_an_error),
};
FIXTURE_MAIN(tests)
