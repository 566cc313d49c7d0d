/*
 * Memory that is all zero is an object that was never begun. It is safe to
 * query, stop, cancel and close it.
 */
#include "support/fixture.h"

#include <string.h>

static void a_task_of_zeroes_is_in_no_queue(void **state)
{
	struct rota_task task;

	(void)state;
	memset(&task, 0, sizeof(task));

	assert_int_equal(rota_task_is_queued(&task), 0);
	assert_int_equal(rota_task_has_ref(&task), 1);
	assert_int_equal(rota_task_cancel(&task), ROTA_ENOENT);
	rota_task_unref(&task);
	assert_int_equal(rota_task_has_ref(&task), 0);
	rota_task_ref(&task);
	assert_int_equal(rota_task_has_ref(&task), 1);
}

static void a_timer_of_zeroes_is_stopped(void **state)
{
	struct rota_timer timer;

	(void)state;
	memset(&timer, 0, sizeof(timer));

	assert_int_equal(rota_timer_is_active(&timer), 0);
	assert_int_equal(rota_timer_has_ref(&timer), 1);
	assert_int_equal(rota_timer_missed(&timer), 0);
	assert_true(rota_timer_due_in(&timer) == UINT64_MAX);
	assert_int_equal(rota_timer_again(&timer), ROTA_EINVAL);
	rota_timer_stop(&timer);
	rota_timer_unref(&timer);
	assert_int_equal(rota_timer_has_ref(&timer), 0);
	rota_timer_ref(&timer);
	assert_int_equal(rota_timer_has_ref(&timer), 1);
}

static void a_hook_of_zeroes_is_stopped(void **state)
{
	struct rota_hook hook;

	(void)state;
	memset(&hook, 0, sizeof(hook));

	assert_int_equal(rota_hook_is_active(&hook), 0);
	assert_int_equal(rota_hook_has_ref(&hook), 1);
	rota_hook_stop(&hook);
	rota_hook_unref(&hook);
	assert_int_equal(rota_hook_has_ref(&hook), 0);
	rota_hook_ref(&hook);
	assert_int_equal(rota_hook_has_ref(&hook), 1);
}

static void an_async_of_zeroes_is_stopped(void **state)
{
	struct rota_async async;

	(void)state;
	memset(&async, 0, sizeof(async));

	assert_int_equal(rota_async_is_active(&async), 0);
	assert_int_equal(rota_async_has_ref(&async), 1);
	assert_int_equal(rota_async_send(&async), ROTA_EINVAL);
	rota_async_stop(&async);
	rota_async_unref(&async);
	assert_int_equal(rota_async_has_ref(&async), 0);
	rota_async_ref(&async);
	assert_int_equal(rota_async_has_ref(&async), 1);
}

static void a_watch_of_zeroes_is_stopped(void **state)
{
	struct rota_watch watch;

	(void)state;
	memset(&watch, 0, sizeof(watch));

	assert_int_equal(rota_watch_is_active(&watch), 0);
	assert_int_equal(rota_watch_has_ref(&watch), 1);
	rota_watch_stop(&watch);
	rota_watch_unref(&watch);
	assert_int_equal(rota_watch_has_ref(&watch), 0);
	rota_watch_ref(&watch);
	assert_int_equal(rota_watch_has_ref(&watch), 1);
}

static void expect_never_begun(struct rota_request *request)
{
	struct rota_deadline deadline;

	memset(&deadline, 0, sizeof(deadline));
	assert_int_equal(rota_request_is_active(request), 0);
	assert_int_equal(rota_request_cancel(request), ROTA_EALREADY);
	assert_int_equal(rota_request_set_deadline(request, &deadline, 0),
			 ROTA_EINVAL);
	rota_request_clear_deadline(request);
}

static void requests_of_zeroes_have_ended(void **state)
{
	union {
		struct rota_request request;
		struct rota_connect connect;
		struct rota_read read;
		struct rota_write write;
		struct rota_shutdown shutdown;
		struct rota_work work;
		struct rota_lookup lookup;
		struct rota_name_lookup name_lookup;
		struct rota_host_connect host_connect;
		struct rota_fs fs;
		struct rota_tree_walk walk;
		struct rota_user_lookup user_lookup;
		struct rota_group_lookup group_lookup;
		struct rota_random random;
	} any;

	(void)state;
	memset(&any, 0, sizeof(any));

	expect_never_begun(&any.connect.request);
	expect_never_begun(&any.read.request);
	expect_never_begun(&any.write.request);
	expect_never_begun(&any.shutdown.request);
	expect_never_begun(&any.work.request);
	expect_never_begun(&any.lookup.request);
	expect_never_begun(&any.name_lookup.request);
	expect_never_begun(&any.host_connect.request);
	expect_never_begun(&any.fs.request);
	rota_fs_free(&any.fs);
	expect_never_begun(&any.user_lookup.request);
	expect_never_begun(&any.group_lookup.request);
	expect_never_begun(&any.random.request);
	expect_never_begun(&any.walk.request);
	rota_tree_walk_resume(&any.walk);
	assert_int_equal(rota_tree_walk_pause(&any.walk), ROTA_EINVAL);
	assert_int_equal(rota_tree_walk_prune(&any.walk), ROTA_EINVAL);
}

/* Any memory that was initialised is an object that was never begun, too. */
static void an_init_makes_of_any_memory_what_was_never_begun(void **state)
{
	struct fixture *f = *state;
	struct rota_work work;
	struct rota_fs fs;
	struct rota_timer timer;
	struct rota_task task;

	memset(&work, 0xff, sizeof(work));
	memset(&fs, 0xff, sizeof(fs));
	memset(&timer, 0xff, sizeof(timer));
	memset(&task, 0xff, sizeof(task));
	rota_work_init(&work, f->loop);
	rota_fs_init(&fs, f->loop);
	rota_timer_init(&timer, f->loop);
	rota_task_init(&task, f->loop);

	expect_never_begun(&work.request);
	expect_never_begun(&fs.request);
	rota_fs_free(&fs);
	assert_int_equal(rota_timer_again(&timer), ROTA_EINVAL);
	assert_int_equal(rota_task_cancel(&task), ROTA_ENOENT);
}

static void never_closed(struct rota_handle *handle)
{
	(void)handle;
	fail();
}

static void expect_never_open(struct rota_handle *handle)
{
	assert_int_equal(rota_handle_is_active(handle), 0);
	assert_int_equal(rota_handle_is_closing(handle), 0);
	assert_int_equal(rota_handle_has_ref(handle), 1);
	assert_null(rota_handle_name(handle));
	assert_null(rota_handle_type(handle));
	assert_null(rota_handle_loop(handle));
	rota_handle_on_shutdown(handle, never_closed);
	rota_handle_unref(handle);
	assert_int_equal(rota_handle_has_ref(handle), 0);
	rota_handle_ref(handle);
	assert_int_equal(rota_handle_has_ref(handle), 1);
	assert_int_equal(rota_handle_close(handle, never_closed), ROTA_EINVAL);
	assert_int_equal(rota_handle_close_now(handle), ROTA_EINVAL);
}

static void handles_of_zeroes_were_never_open(void **state)
{
	struct rota_tcp tcp;
	struct rota_signal signal;

	(void)state;
	memset(&tcp, 0, sizeof(tcp));
	memset(&signal, 0, sizeof(signal));

	expect_never_open(&tcp.handle);
	expect_never_open(&signal.handle);
}

static void never_read(struct rota_stream *stream, int status,
		       const struct rota_buf *buf)
{
	(void)stream;
	(void)status;
	(void)buf;
	fail();
}

static void a_stream_of_zeroes_refuses_everything(void **state)
{
	struct rota_address own;
	struct rota_tcp tcp;
	struct rota_stream *stream = &tcp.stream;

	(void)state;
	memset(&tcp, 0, sizeof(tcp));

	assert_int_equal(rota_stream_read_start(stream, never_read),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_send(stream, "x", 1), ROTA_EINVAL);
	assert_int_equal(rota_stream_close_reset(stream, never_closed),
			 ROTA_EINVAL);
	assert_int_equal(rota_stream_detach(stream), ROTA_EINVAL);
	assert_int_equal(rota_stream_fd(stream), ROTA_EBADF);
	assert_int_equal(rota_tcp_own_address(&tcp, &own), ROTA_EBADF);
	assert_int_equal(rota_tcp_set_nodelay(&tcp, 1), ROTA_EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_task_of_zeroes_is_in_no_queue),
	cmocka_unit_test(a_timer_of_zeroes_is_stopped),
	cmocka_unit_test(a_hook_of_zeroes_is_stopped),
	cmocka_unit_test(an_async_of_zeroes_is_stopped),
	cmocka_unit_test(a_watch_of_zeroes_is_stopped),
	cmocka_unit_test(requests_of_zeroes_have_ended),
	VIRTUAL(an_init_makes_of_any_memory_what_was_never_begun),
	cmocka_unit_test(handles_of_zeroes_were_never_open),
	cmocka_unit_test(a_stream_of_zeroes_refuses_everything),
};
FIXTURE_MAIN(tests)
