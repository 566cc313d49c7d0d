/*
 * Special files: FIFOs, pipes, sockets, terminals and devices. They may make an
 * operation wait forever, but no other operation waits for it. A cancel, a
 * deadline or a shutdown ends it.
 */
#include "fs/special.h"

#include <pthread.h>
#include <sys/ioctl.h>

#include "support/child.h"
#include "support/fault.h"

enum { MANY = 16 }; /* the threads of the blocking lane */

/* There are more FIFOs than the io lane has threads, and as many as the
 * blocking lane has. */
static void fifos_do_not_delay_files(void **state)
{
	struct operation stuck[MANY];
	struct special t;
	char other[300];
	FILE *file;
	int status;

	begin_with_fifo(&t, *state);
	snprintf(other, sizeof(other), "%s.file", t.s.path);
	file = fopen(other, "w");
	assert_non_null(file);
	assert_int_equal(fputs("0123456789", file) >= 0, 1);
	fclose(file);
	for (unsigned i = 0; i < MANY; i++) {
		operation_init(&stuck[i], t.lane.loop);
		if (i % 4 == 0)
			assert_int_equal(rota_fs_open(&stuck[i].fs, on_end,
						      t.s.path, O_RDONLY, 0),
					 0);
		else
			begin_read_file(&stuck[i], t.s.path);
	}
	for (unsigned i = 0; i < MANY; i++)
		run_until_waiting(&t, &stuck[i]);

	for (unsigned i = 0; i < 20; i++) {
		begin_read_file(&t.op, other);
		assert_int_equal(ended(&t.op), 10);
		rota_fs_free(&t.op.fs);
	}

	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(stuck[i].calls, 0);
		status = cancel(&stuck[i]);
		/* It looks for a writer again and again: in between it runs,
		 * and ends when it would wait. */
		assert_true(status == 0 || status == ROTA_EBUSY);
	}
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(ended(&stuck[i]), ROTA_ECANCELED);
	unlink(other);
	end(&t);
}

/* O6: it completes once, with the status that the first cancel announced. */
static void a_cancel_ends_a_read_of_a_fifo(void **state)
{
	struct special t;

	begin_with_fifo(&t, *state);
	begin_read_file(&t.op, t.s.path);
	set_deadline(&t, &t.op, 10);
	run_until_waiting(&t, &t.op);

	assert_int_equal(cancel(&t.op), 0);
	assert_int_equal(cancel(&t.op), ROTA_EALREADY);
	assert_int_equal(t.op.calls, 0);
	assert_int_equal(rota_loop_advance(t.lane.loop, ROTA_MSEC(10)), 0);

	assert_int_equal(ended(&t.op), ROTA_ECANCELED);
	assert_null(t.op.fs.data);
	assert_int_equal(cancel(&t.op), ROTA_EALREADY);
	end(&t);
}

/* O8 */
static void a_deadline_ends_a_read_of_a_fifo(void **state)
{
	struct special t;

	begin_with_fifo(&t, *state);
	begin_read_file(&t.op, t.s.path);
	set_deadline(&t, &t.op, 10);
	run_until_waiting(&t, &t.op);
	pass(&t, 9);
	assert_int_equal(t.op.calls, 0);

	pass(&t, 1);

	assert_int_equal(ended(&t.op), ROTA_ETIMEDOUT);
	end(&t);
}

/* O6, O8: bytes that were read before it waits are not reported. */
static void what_a_fifo_gave_before_the_end_is_freed(void **state)
{
	struct special t;
	int fd;

	begin_with_fifo(&t, *state);
	for (int late = 0; late <= 1; late++) {
		begin_read_file(&t.op, t.s.path);
		fd = -1;
		while (fd < 0) { /* until the reader has opened it */
			rota_loop_run(t.lane.loop, ROTA_RUN_NOWAIT);
			fd = open(t.s.path, O_WRONLY | O_NONBLOCK);
		}
		put_byte(fd);
		while (t.op.calls == 0) {
			int left;

			assert_int_equal(ioctl(fd, FIONREAD, &left), 0);
			if (left == 0)
				break;
			poll(NULL, 0, 1);
		}
		run_until_waiting(&t, &t.op);
		if (late) {
			set_deadline(&t, &t.op, 1);
			pass(&t, 1);
		} else {
			assert_int_equal(cancel(&t.op), 0);
		}

		assert_int_equal(ended(&t.op),
				 late ? ROTA_ETIMEDOUT : ROTA_ECANCELED);
		assert_null(t.op.fs.data);
		close(fd);
	}
	end(&t);
}

static void *write_slowly(void *arg)
{
	const struct special *t = arg;
	int fd = open(t->s.path, O_WRONLY);

	for (size_t i = 0; i < 200; i++) {
		char byte = byte_at(i);

		if (write(fd, &byte, 1) != 1)
			break;
		if (i % 20 == 0)
			poll(NULL, 0, 2);
	}
	close(fd);
	return NULL;
}

static void a_fifo_with_a_slow_writer_is_read_whole(void **state)
{
	struct special t;
	pthread_t writer;

	begin_with_fifo(&t, *state);
	assert_int_equal(pthread_create(&writer, NULL, write_slowly, &t), 0);
	begin_read_file(&t.op, t.s.path);

	assert_int_equal(ended(&t.op), 200);

	assert_bytes(t.op.fs.data, 200);
	rota_fs_free(&t.op.fs);
	pthread_join(writer, NULL);
	end(&t);
}

/* Another reader may be quicker, and a signal may come: it is waited again. */
static void a_fifo_that_has_nothing_after_all_is_waited_for(void **state)
{
	static const int errors[] = { EAGAIN, EINTR };
	struct special t;

	begin_with_fifo(&t, *state);
	for (unsigned i = 0; i < 8; i++) {
		pthread_t writer;

		fault_fail("read", 1 + i / 2, errors[i % 2]);
		assert_int_equal(
			pthread_create(&writer, NULL, write_slowly, &t), 0);
		begin_read_file(&t.op, t.s.path);

		assert_int_equal(ended(&t.op), 200);

		(void)fault_clear(); /* it may have come in fewer pieces */
		assert_bytes(t.op.fs.data, 200);
		rota_fs_free(&t.op.fs);
		pthread_join(writer, NULL);
	}
	end(&t);
}

static void *open_to_write(void *arg)
{
	const struct special *t = arg;
	int *fd = malloc(sizeof(*fd));

	*fd = open(t->s.path, O_WRONLY);
	return fd;
}

/* Like open(2), it waits for a writer, which need not have written. */
static void an_open_of_a_fifo_waits_for_a_writer(void **state)
{
	struct special t;
	pthread_t opener;
	void *writes;

	begin_with_fifo(&t, *state);
	assert_int_equal(rota_fs_open(&t.op.fs, on_end, t.s.path, O_RDONLY, 0),
			 0);
	run_until_waiting(&t, &t.op);
	assert_int_equal(t.op.calls, 0);
	assert_int_equal(pthread_create(&opener, NULL, open_to_write, &t), 0);

	assert_true(ended(&t.op) > 2);

	pthread_join(opener, &writes);
	assert_true(is_blocking((int)t.op.result));
	assert_int_not_equal(fcntl((int)t.op.result, F_GETFD) & FD_CLOEXEC, 0);
	put_byte(*(int *)writes);
	take_byte((int)t.op.result);
	close((int)t.op.result);
	close(*(int *)writes);
	free(writes);
	end(&t);
}

static void *open_to_read(void *arg)
{
	const struct special *t = arg;
	int *fd = malloc(sizeof(*fd));

	*fd = open(t->s.path, O_RDONLY);
	return fd;
}

static void an_open_of_a_fifo_waits_for_a_reader(void **state)
{
	struct special t;
	pthread_t opener;
	void *reads;

	begin_with_fifo(&t, *state);
	assert_int_equal(rota_fs_open(&t.op.fs, on_end, t.s.path, O_WRONLY, 0),
			 0);
	run_until_waiting(&t, &t.op);
	assert_int_equal(pthread_create(&opener, NULL, open_to_read, &t), 0);

	assert_true(ended(&t.op) > 2);

	pthread_join(opener, &reads);
	assert_true(is_blocking((int)t.op.result));
	put_byte((int)t.op.result);
	take_byte(*(int *)reads);
	close((int)t.op.result);
	close(*(int *)reads);
	free(reads);
	end(&t);
}

static void an_open_that_does_not_block_is_told_at_once(void **state)
{
	struct special t;
	int fd;

	begin_with_fifo(&t, *state);

	assert_int_equal(opened(&t, t.s.path, O_WRONLY | O_NONBLOCK, 0),
			 ROTA_ENXIO);
	fd = (int)opened(&t, t.s.path, O_RDONLY | O_NONBLOCK, 0);
	assert_true(fd > 2);
	assert_false(is_blocking(fd));
	close(fd);
	unlink(t.s.path);
	fd = (int)opened(&t, t.s.path, O_RDWR | O_CREAT | O_APPEND, 0600);
	assert_true(is_blocking(fd));
	assert_int_not_equal(fcntl(fd, F_GETFL) & O_APPEND, 0);
	close(fd);
	end(&t);
}

static void an_open_of_a_fifo_is_cancelled(void **state)
{
	static const int flags[] = { O_RDONLY, O_WRONLY };
	struct special t;

	begin_with_fifo(&t, *state);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(rota_fs_open(&t.op.fs, on_end, t.s.path,
					      flags[i % 2], 0),
				 0);
		run_until_waiting(&t, &t.op);
		if (i < 2) {
			int error = cancel(&t.op);

			/* Between two looks at the FIFO the thread does not
			 * wait, and the next wait does not begin. */
			assert_true(error == 0 || error == ROTA_EBUSY);
			assert_int_equal(ended(&t.op), ROTA_ECANCELED);
			continue;
		}
		set_deadline(&t, &t.op, 1);
		pass(&t, 1);
		assert_int_equal(ended(&t.op), ROTA_ETIMEDOUT);
	}
	end(&t);
}

/* The operation has come back from the io lane, but has not completed. */
static void what_moves_to_the_other_lane_is_cancelled(void **state)
{
	struct special t;

	begin_with_fifo(&t, *state);
	begin_read_file(&t.op, t.s.path);
	until_done(&t.lane, 1);

	assert_int_equal(cancel(&t.op), 0);
	assert_int_equal(cancel(&t.op), ROTA_EALREADY);
	assert_int_equal(ended(&t.op), ROTA_ECANCELED);

	begin_read_file(&t.op, t.s.path);
	set_deadline(&t, &t.op, 1);
	until_done(&t.lane, 2);
	assert_int_equal(rota_loop_advance(t.lane.loop, ROTA_MSEC(1)), 0);
	assert_int_equal(ended(&t.op), ROTA_ETIMEDOUT);
	end(&t);
}

/* The same while a thread of the io lane is working on it. */
static void what_is_about_to_move_ends_where_it_is(void **state)
{
	struct holder holder;
	struct special t;

	begin_with_fifo(&t, *state);
	holder_begin(&holder);
	fault_call_before("stat", 1, holder_wait, &holder);
	begin_read_file(&t.op, t.s.path);
	until_running(&t.lane);

	assert_int_equal(cancel(&t.op), ROTA_EBUSY);
	holder_let_go(&holder);

	assert_int_equal(ended(&t.op), ROTA_ECANCELED);
	holder_end(&holder);
	end(&t);
}

static void what_is_no_file_can_be_refused(void **state)
{
	struct special t;
	int fd;

	begin_with_fifo(&t, *state);
	rota_fs_set_files_only(&t.op.fs, 1);
	begin_read_file(&t.op, t.s.path);
	assert_int_equal(ended(&t.op), ROTA_EPERM);
	begin_read_file(&t.op, "/dev/null");
	assert_int_equal(ended(&t.op), ROTA_EPERM);
	assert_int_equal(opened(&t, t.s.path, O_RDONLY, 0), ROTA_EPERM);
	assert_int_equal(opened(&t, t.s.path, O_RDONLY | O_NONBLOCK, 0),
			 ROTA_EPERM);
	assert_int_equal(opened(&t, "/dev/null", O_RDONLY, 0), ROTA_EPERM);
	fd = (int)opened(&t, "/", O_RDONLY, 0);
	assert_true(fd > 2);
	close(fd);
	assert_int_equal(unlink(t.s.path), 0);
	put_file(&t.s, 10);
	begin_read_file(&t.op, t.s.path);
	assert_int_equal(ended(&t.op), 10);
	rota_fs_free(&t.op.fs);

	rota_fs_set_files_only(&t.op.fs, 0);
	begin_read_file(&t.op, "/dev/null");
	assert_int_equal(ended(&t.op), 0);
	rota_fs_free(&t.op.fs);
	end(&t);
}

static void replace_by_a_fifo(void *arg)
{
	const struct special *t = arg;

	unlink(t->s.path);
	mkfifo(t->s.path, 0600);
}

/* The file is replaced between the stat and the open: still no thread of the io
 * lane is stuck. */
static void what_becomes_a_fifo_is_seen(void **state)
{
	struct special t;

	begin(&t, *state);
	put_file(&t.s, 10);
	fault_call_before("open", 1, replace_by_a_fifo, &t);
	begin_read_file(&t.op, t.s.path);
	assert_int_equal(ended(&t.op), 0);
	assert_int_equal(fault_clear(), 1);
	rota_fs_free(&t.op.fs);

	unlink(t.s.path);
	put_file(&t.s, 10);
	rota_fs_set_files_only(&t.op.fs, 1);
	fault_call_before("open", 1, replace_by_a_fifo, &t);
	begin_read_file(&t.op, t.s.path);
	assert_int_equal(ended(&t.op), ROTA_EPERM);
	assert_int_equal(fault_clear(), 1);

	unlink(t.s.path);
	put_file(&t.s, 10);
	fault_call_before("open", 1, replace_by_a_fifo, &t);
	assert_int_equal(opened(&t, t.s.path, O_RDONLY, 0), ROTA_EPERM);
	assert_int_equal(fault_clear(), 1);
	end(&t);
}

/* On Linux, an open with O_NONBLOCK fails so if another process has a lease on
 * the file. */
static void a_file_that_would_block_is_opened_by_another_thread(void **state)
{
	struct special t;
	int fd;

	begin(&t, *state);
	put_file(&t.s, 10);
	fault_fail("open", 1, EAGAIN);
	fd = (int)opened(&t, t.s.path, O_RDONLY, 0);
	assert_int_equal(fault_clear(), 1);
	assert_true(fd > 2);
	close(fd);
	fault_fail("open", 1, EAGAIN);
	begin_read_file(&t.op, t.s.path);
	assert_int_equal(ended(&t.op), 10);
	assert_int_equal(fault_clear(), 1);
	rota_fs_free(&t.op.fs);
	end(&t);
}

/* O5 */
static void a_shutdown_ends_what_waits(void **state)
{
	struct operation stuck[3];
	struct special t;
	int fds[2];
	char byte;

	begin_with_fifo(&t, *state);
	make_blocking_pipe(fds);
	for (unsigned i = 0; i < 3; i++)
		operation_init(&stuck[i], t.lane.loop);
	begin_read_file(&stuck[0], t.s.path);
	assert_int_equal(rota_fs_read(&stuck[1].fs, on_end, fds[0],
				      buf_of(&byte, 1), -1),
			 0);
	run_until_waiting(&t, &stuck[0]);
	run_until_waiting(&t, &stuck[1]);
	begin_read_file(&stuck[2], t.s.path);
	until_done(&t.lane, 3); /* about to change lanes */

	assert_int_equal(rota_loop_shutdown(t.lane.loop, UINT64_MAX), 0);

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(stuck[i].calls, 1);
		assert_int_equal(stuck[i].result, ROTA_ECANCELED);
	}
	rota_pool_unref(t.lane.pool);
	close_both(fds);
	scratch_end(&t.s);
}

static void go_on_in_the_child(void *arg)
{
	struct special *t = arg;
	struct operation more;

	EXPECT(rota_loop_fork(t->lane.loop) == 0);
	EXPECT(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(t->op.calls == 1);
	EXPECT(t->op.result == ROTA_ECANCELED);
	EXPECT(t->op.fs.internal.wake[0] == -1);

	operation_init(&more, t->lane.loop);
	EXPECT(rota_fs_read_file(&more.fs, on_end, "/dev/null", 100) == 0);
	EXPECT(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(more.result == 0);
	rota_fs_free(&more.fs);
	EXPECT(rota_loop_close(t->lane.loop) == 0);
}

/* F2 */
static void what_waits_ends_in_a_child(void **state)
{
	struct special t;

	begin_with_fifo(&t, *state);
	begin_read_file(&t.op, t.s.path);
	until_done(&t.lane, 1);
	in_a_child(go_on_in_the_child, &t); /* between the lanes */
	run_until_waiting(&t, &t.op);
	in_a_child(go_on_in_the_child, &t);

	assert_int_equal(cancel(&t.op), 0);
	assert_int_equal(ended(&t.op), ROTA_ECANCELED);
	end(&t);
}

/* F3 */
static void an_open_may_fail_on_the_way(void **state)
{
	static const struct {
		const char *name;
		int error;
		int told;
	} calls[] = {
		{ "open", ENFILE, ROTA_ENFILE },
		{ "fcntl", EIO, ROTA_EIO },
	};
	struct special t;

	begin(&t, *state);
	put_file(&t.s, 10);
	for (unsigned i = 0; i < 2; i++) {
		fault_fail(calls[i].name, 1, calls[i].error);
		assert_int_equal(opened(&t, t.s.path, O_RDONLY, 0),
				 calls[i].told);
		assert_int_equal(fault_clear(), 1);
	}
	end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(fifos_do_not_delay_files),
	REAL(a_cancel_ends_a_read_of_a_fifo),
	REAL(a_deadline_ends_a_read_of_a_fifo),
	REAL(what_a_fifo_gave_before_the_end_is_freed),
	REAL(a_fifo_with_a_slow_writer_is_read_whole),
	REAL(a_fifo_that_has_nothing_after_all_is_waited_for),
	REAL(an_open_of_a_fifo_waits_for_a_writer),
	REAL(an_open_of_a_fifo_waits_for_a_reader),
	REAL(an_open_that_does_not_block_is_told_at_once),
	REAL(an_open_of_a_fifo_is_cancelled),
	REAL(what_moves_to_the_other_lane_is_cancelled),
	REAL(what_is_about_to_move_ends_where_it_is),
	REAL(what_is_no_file_can_be_refused),
	REAL(what_becomes_a_fifo_is_seen),
	REAL(a_file_that_would_block_is_opened_by_another_thread),
	REAL(a_shutdown_ends_what_waits),
	REAL(what_waits_ends_in_a_child),
	REAL(an_open_may_fail_on_the_way),
};

FIXTURE_MAIN(tests)
