/*
 * What a checked build reports if a caller breaks a rule that no error code can
 * report: (a) use by another thread, (b) use of a loop that is closed or gone,
 * (c) memory that is initialised or started again while the loop uses it, (d)
 * memory that is freed or overwritten while the loop uses it.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/death.h"

/* One object of each kind, used in a child. They are static, so they outlive
 * the thread. */
static struct {
	struct rota_loop *loop;
	struct rota_timer timer, other_timer, third_timer;
	struct rota_hook hook, other_hook;
	struct rota_async async, other_async;
	struct rota_watch watch, other_watch, third_watch;
	struct rota_task task, other_task;
	struct rota_tcp tcp;
	struct rota_pipe pipe;
	struct rota_tty tty;
	struct rota_stdio stdio;
	struct rota_signal signal;
	struct rota_connect connect;
	struct rota_host_connect host_connect;
	struct rota_lookup lookup;
	struct rota_name_lookup name_lookup;
	struct rota_user_lookup user_lookup;
	struct rota_group_lookup group_lookup;
	struct rota_random random;
	char bytes[16];
	struct rota_read read;
	struct rota_write write;
	struct rota_shutdown shutdown;
	struct rota_work work, other_work;
	struct rota_fs fs;
	struct rota_deadline deadline;
	struct rota_address address;
	struct rota_file_info info;
	int fds[2];
} all;

static void on_timer(struct rota_timer *timer)
{
	(void)timer;
}

static void on_hook(struct rota_hook *hook)
{
	(void)hook;
}

static void on_async(struct rota_async *async)
{
	(void)async;
}

static void on_watch(struct rota_watch *watch, unsigned events)
{
	(void)watch, (void)events;
}

static void on_task(struct rota_task *task)
{
	(void)task;
}

static void on_quick(void *arg)
{
	(void)arg;
}

static int do_work(struct rota_work *work)
{
	(void)work;
	return 0;
}

static void on_work(struct rota_work *work, int status)
{
	(void)work, (void)status;
}

static void on_fs(struct rota_fs *fs, int64_t result)
{
	(void)fs, (void)result;
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	(void)stream, (void)status, (void)buf;
}

static void on_read_done(struct rota_read *read, int status)
{
	(void)read, (void)status;
}

static void on_write(struct rota_write *write, int status)
{
	(void)write, (void)status;
}

static void on_shutdown(struct rota_shutdown *shutdown, int status)
{
	(void)shutdown, (void)status;
}

static void on_lookup(struct rota_lookup *lookup, int status,
		      const struct rota_address_list *list)
{
	(void)lookup;
	(void)status;
	(void)list;
}

static void on_name(struct rota_name_lookup *lookup, int status,
		    const char *host, const char *service)
{
	(void)lookup;
	(void)status;
	(void)host;
	(void)service;
}

static void on_user(struct rota_user_lookup *lookup, int status,
		    const struct rota_user *user)
{
	(void)lookup, (void)status, (void)user;
}

static void on_group(struct rota_group_lookup *lookup, int status,
		     const struct rota_group *group)
{
	(void)lookup, (void)status, (void)group;
}

static void on_random(struct rota_random *random, int status)
{
	(void)random, (void)status;
}

static void on_connect(struct rota_connect *connect, int status)
{
	(void)connect, (void)status;
}

static void on_connection(struct rota_stream *stream, int status, int fd)
{
	(void)stream, (void)status, (void)fd;
}

static void on_signal(struct rota_signal *signal, uint32_t count)
{
	(void)signal, (void)count;
}

static void init_all(struct rota_loop *loop)
{
	all.loop = loop;
	(void)!pipe(all.fds);
	rota_timer_init(&all.timer, loop);
	rota_timer_init(&all.other_timer, loop);
	rota_hook_init(&all.hook, loop);
	rota_hook_init(&all.other_hook, loop);
	rota_async_init(&all.async, loop);
	rota_async_init(&all.other_async, loop);
	rota_watch_init(&all.watch, loop, all.fds[0]);
	rota_watch_init(&all.other_watch, loop, all.fds[0]);
	rota_task_init(&all.task, loop);
	rota_task_init(&all.other_task, loop);
	rota_work_init(&all.work, loop);
	rota_work_init(&all.other_work, loop);
	rota_fs_init(&all.fs, loop);
	(void)rota_address_ip(&all.address, "127.0.0.1", 0);
	all.info.size = sizeof(all.info);
	(void)rota_signal_init(&all.signal, loop);
	rota_handle_set_name(&all.signal.handle, "Sue");
	(void)rota_pipe_init(&all.pipe, loop);
	rota_handle_set_name(&all.pipe.handle, "Pam");
	(void)rota_tcp_init(&all.tcp, loop);
	rota_handle_set_name(&all.tcp.handle, "Ann");
}

static void start_all(void)
{
	(void)rota_tty_open(&all.tty, all.loop,
			    posix_openpt(O_RDWR | O_NOCTTY));
	rota_handle_set_name(&all.tty.handle, "Tom");
	(void)rota_stdio_open(&all.stdio, all.loop, all.fds[1]);
	rota_handle_set_name(&all.stdio.handle, "Pam");
	(void)rota_timer_start(&all.timer, on_timer, ROTA_SEC(9));
	(void)rota_timer_start(&all.other_timer, on_timer, ROTA_SEC(9));
	(void)rota_hook_start(&all.hook, on_hook, ROTA_HOOK_CHECK);
	(void)rota_hook_start(&all.other_hook, on_hook, ROTA_HOOK_CHECK);
	(void)rota_async_start(&all.async, on_async);
	(void)rota_async_start(&all.other_async, on_async);
	(void)rota_watch_start(&all.watch, on_watch, ROTA_READABLE);
	(void)rota_watch_start(&all.other_watch, on_watch, ROTA_READABLE);
	(void)rota_task_immediate(&all.task, on_task);
	(void)rota_task_immediate(&all.other_task, on_task);
	(void)rota_work_queue(&all.work, ROTA_LANE_IO, do_work, on_work);
	(void)rota_work_queue(&all.other_work, ROTA_LANE_IO, do_work, on_work);
}

/* (a) Calls that another thread makes while the loop runs. */

struct call {
	const char *name;
	const char *object;
	void (*make)(void);
};

#define CALL(function, object, ...)                                            \
	static void call_##function(void)                                      \
	{                                                                      \
		(void)function(__VA_ARGS__);                                   \
	}
#define NO_RESULT(function, object, ...)                                       \
	static void call_##function(void)                                      \
	{                                                                      \
		function(__VA_ARGS__);                                         \
	}
#define ROW(function, object, ...) { #function, object, call_##function },

#define CALLS(CALL, NO_RESULT)                                                 \
	CALL(rota_loop_close, "loop", all.loop)                                \
	CALL(rota_loop_shutdown, "loop", all.loop, 0)                          \
	CALL(rota_loop_run, "loop", all.loop, ROTA_RUN_NOWAIT)                 \
	NO_RESULT(rota_loop_stop, "loop", all.loop)                            \
	CALL(rota_loop_alive, "loop", all.loop)                                \
	CALL(rota_loop_now, "loop", all.loop)                                  \
	CALL(rota_loop_update_now, "loop", all.loop)                           \
	CALL(rota_loop_dump, "loop", all.loop, NULL, NULL)                     \
	CALL(rota_loop_trace, "loop", all.loop, NULL)                          \
	NO_RESULT(rota_loop_set_data, "loop", all.loop, NULL)                  \
	CALL(rota_loop_get_data, "loop", all.loop)                             \
	CALL(rota_loop_phase, "loop", all.loop)                                \
	CALL(rota_loop_backend_fd, "loop", all.loop)                           \
	CALL(rota_loop_stats, "loop", all.loop, NULL)                          \
	CALL(rota_loop_advance, "loop", all.loop, 1)                           \
	CALL(rota_loop_may_advance, "loop", all.loop)                          \
	CALL(rota_loop_set_lock, "loop", all.loop, NULL, NULL, NULL)           \
	CALL(rota_loop_run_with, "loop", all.loop, NULL)                       \
	NO_RESULT(rota_loop_skip_sleep, "loop", all.loop)                      \
	CALL(rota_loop_next_timeout, "loop", all.loop, NULL)                   \
	CALL(rota_timer_start, "timer", &all.timer, on_timer, 0)               \
	CALL(rota_timer_start_at, "timer", &all.timer, on_timer, 0)            \
	CALL(rota_timer_every, "timer", &all.timer, on_timer, 1,               \
	     ROTA_REPEAT_RATE)                                                 \
	CALL(rota_timer_again, "timer", &all.timer)                            \
	NO_RESULT(rota_timer_stop, "timer", &all.timer)                        \
	CALL(rota_timer_is_active, "timer", &all.timer)                        \
	NO_RESULT(rota_timer_unref, "timer", &all.timer)                       \
	NO_RESULT(rota_timer_ref, "timer", &all.timer)                         \
	CALL(rota_timer_has_ref, "timer", &all.timer)                          \
	CALL(rota_timer_due_in, "timer", &all.timer)                           \
	CALL(rota_timer_missed, "timer", &all.timer)                           \
	NO_RESULT(rota_timer_move, "timer", &all.third_timer, &all.timer)      \
	CALL(rota_set_timeout, "loop", all.loop, on_quick, NULL, 0)            \
	CALL(rota_set_immediate, "loop", all.loop, on_quick, NULL)             \
	NO_RESULT(rota_clear, "loop", all.loop, 1)                             \
	CALL(rota_set_interval, "loop", all.loop, on_quick, NULL, 1)           \
	CALL(rota_refresh, "loop", all.loop, 1)                                \
	CALL(rota_ref, "loop", all.loop, 1)                                    \
	CALL(rota_unref, "loop", all.loop, 1)                                  \
	CALL(rota_hook_start, "hook", &all.hook, on_hook, ROTA_HOOK_IDLE)      \
	NO_RESULT(rota_hook_stop, "hook", &all.hook)                           \
	CALL(rota_hook_is_active, "hook", &all.hook)                           \
	NO_RESULT(rota_hook_ref, "hook", &all.hook)                            \
	NO_RESULT(rota_hook_unref, "hook", &all.hook)                          \
	CALL(rota_hook_has_ref, "hook", &all.hook)                             \
	CALL(rota_async_start, "async", &all.async, on_async)                  \
	NO_RESULT(rota_async_stop, "async", &all.async)                        \
	CALL(rota_async_is_active, "async", &all.async)                        \
	NO_RESULT(rota_async_ref, "async", &all.async)                         \
	NO_RESULT(rota_async_unref, "async", &all.async)                       \
	CALL(rota_async_has_ref, "async", &all.async)                          \
	CALL(rota_watch_start, "watch", &all.watch, on_watch, ROTA_READABLE)   \
	NO_RESULT(rota_watch_stop, "watch", &all.watch)                        \
	CALL(rota_watch_is_active, "watch", &all.watch)                        \
	NO_RESULT(rota_watch_ref, "watch", &all.watch)                         \
	NO_RESULT(rota_watch_unref, "watch", &all.watch)                       \
	CALL(rota_watch_has_ref, "watch", &all.watch)                          \
	NO_RESULT(rota_watch_move, "watch", &all.third_watch, &all.watch)      \
	CALL(rota_task_next_tick, "task", &all.task, on_task)                  \
	CALL(rota_task_microtask, "task", &all.task, on_task)                  \
	CALL(rota_task_immediate, "task", &all.task, on_task)                  \
	CALL(rota_task_cancel, "task", &all.task)                              \
	NO_RESULT(rota_task_unref, "task", &all.task)                          \
	CALL(rota_task_is_queued, "task", &all.task)                           \
	NO_RESULT(rota_task_ref, "task", &all.task)                            \
	CALL(rota_task_has_ref, "task", &all.task)                             \
	CALL(rota_tcp_init, "tcp \"Ann\"", &all.tcp, all.loop)                 \
	CALL(rota_tcp_open, "tcp \"Ann\"", &all.tcp, all.loop, 0)              \
	CALL(rota_tcp_bind, "tcp \"Ann\"", &all.tcp, &all.address, 0)          \
	CALL(rota_tcp_connect_host, "tcp \"Ann\"", &all.host_connect,          \
	     &all.tcp, "localhost", 80, NULL, on_connect)                      \
	CALL(rota_lookup_begin, "lookup", &all.lookup, all.loop, "localhost",  \
	     NULL, NULL, on_lookup)                                            \
	CALL(rota_name_lookup_begin, "name lookup", &all.name_lookup,          \
	     all.loop, &all.address, 0, on_name)                               \
	CALL(rota_user_lookup_begin, "user lookup", &all.user_lookup,          \
	     all.loop, NULL, 0, 0, on_user)                                    \
	CALL(rota_group_lookup_begin, "group lookup", &all.group_lookup,       \
	     all.loop, NULL, 0, on_group)                                      \
	CALL(rota_random_begin, "random bytes", &all.random, all.loop,         \
	     all.bytes, sizeof(all.bytes), on_random)                          \
	CALL(rota_tcp_connect, "tcp \"Ann\"", &all.connect, &all.tcp,          \
	     &all.address, on_connect)                                         \
	CALL(rota_tcp_set_nodelay, "tcp \"Ann\"", &all.tcp, 1)                 \
	CALL(rota_tcp_set_keepalive, "tcp \"Ann\"", &all.tcp, 1)               \
	CALL(rota_tcp_own_address, "tcp \"Ann\"", &all.tcp, &all.address)      \
	CALL(rota_tcp_peer_address, "tcp \"Ann\"", &all.tcp, &all.address)     \
	CALL(rota_tcp_create, "tcp \"Ann\"", &all.tcp, 0)                      \
	CALL(rota_tcp_set_user_timeout, "tcp \"Ann\"", &all.tcp, 0)            \
	CALL(rota_tcp_set_keepalive_with, "tcp \"Ann\"", &all.tcp, 1, 1, 1)    \
	CALL(rota_tcp_set_fast_open, "tcp \"Ann\"", &all.tcp, 1)               \
	CALL(rota_tcp_set_device, "tcp \"Ann\"", &all.tcp, "")                 \
	CALL(rota_tcp_set_mark, "tcp \"Ann\"", &all.tcp, 1)                    \
	CALL(rota_tcp_set_priority, "tcp \"Ann\"", &all.tcp, 1)                \
	CALL(rota_tcp_set_urgent_inline, "tcp \"Ann\"", &all.tcp, 1)           \
	CALL(rota_tcp_on_urgent, "tcp \"Ann\"", &all.tcp, NULL)                \
	CALL(rota_tcp_connect_fast, "tcp \"Ann\"", &all.connect, &all.tcp,     \
	     &all.address, rota_bytes("x", 1), on_connect)                     \
	CALL(rota_tcp_send_urgent, "tcp \"Ann\"", &all.tcp, '!')               \
	CALL(rota_pipe_init, "pipe \"Pam\"", &all.pipe, all.loop)              \
	CALL(rota_pipe_open, "pipe \"Pam\"", &all.pipe, all.loop, 0)           \
	CALL(rota_pipe_bind, "pipe \"Pam\"", &all.pipe, "x", 1, NULL)          \
	CALL(rota_pipe_connect, "pipe \"Pam\"", &all.connect, &all.pipe, "x",  \
	     1, on_connect)                                                    \
	CALL(rota_pipe_take_descriptors, "pipe \"Pam\"", &all.pipe, all.fds,   \
	     1)                                                                \
	CALL(rota_stream_listen, "tcp \"Ann\"", &all.tcp.stream, 1,            \
	     on_connection)                                                    \
	CALL(rota_stream_read_start, "tcp \"Ann\"", &all.tcp.stream, on_read)  \
	NO_RESULT(rota_stream_read_stop, "tcp \"Ann\"", &all.tcp.stream)       \
	CALL(rota_stream_read, "tcp \"Ann\"", &all.read, &all.tcp.stream,      \
	     (struct rota_buf){ (char *)all.fds, 1 }, 1, on_read_done)         \
	CALL(rota_stream_send, "tcp \"Ann\"", &all.tcp.stream, "a", 1)         \
	CALL(rota_stream_write, "tcp \"Ann\"", &all.write, &all.tcp.stream,    \
	     NULL, 0, on_write)                                                \
	CALL(rota_stream_try_write, "tcp \"Ann\"", &all.tcp.stream, NULL, 0)   \
	CALL(rota_stream_shutdown, "tcp \"Ann\"", &all.shutdown,               \
	     &all.tcp.stream, on_shutdown)                                     \
	CALL(rota_stream_detach, "tcp \"Ann\"", &all.tcp.stream)               \
	CALL(rota_stream_queued, "tcp \"Ann\"", &all.tcp.stream)               \
	CALL(rota_stream_fd, "tcp \"Ann\"", &all.tcp.stream)                   \
	CALL(rota_stream_listen_pause, "tcp \"Ann\"", &all.tcp.stream)         \
	CALL(rota_stream_listen_resume, "tcp \"Ann\"", &all.tcp.stream)        \
	CALL(rota_stream_shed, "tcp \"Ann\"", &all.tcp.stream)                 \
	NO_RESULT(rota_stream_set_cork, "tcp \"Ann\"", &all.tcp.stream, 1)     \
	CALL(rota_stream_set_watermarks, "tcp \"Ann\"", &all.tcp.stream, 0, 1) \
	NO_RESULT(rota_stream_on_drain, "tcp \"Ann\"", &all.tcp.stream, NULL)  \
	CALL(rota_stream_end, "tcp \"Ann\"", &all.tcp.stream, NULL)            \
	CALL(rota_stream_end_with, "tcp \"Ann\"", NULL, &all.tcp.stream, NULL) \
	CALL(rota_stream_is_ending, "tcp \"Ann\"", &all.tcp.stream)            \
	CALL(rota_stream_close_reset, "tcp \"Ann\"", &all.tcp.stream, NULL)    \
	CALL(rota_buf_keep, "tcp \"Ann\"", &all.tcp.stream)                    \
	CALL(rota_handle_close, "tcp \"Ann\"", &all.tcp.handle, NULL)          \
	CALL(rota_handle_close_now, "tcp \"Ann\"", &all.tcp.handle)            \
	NO_RESULT(rota_handle_unref, "tcp \"Ann\"", &all.tcp.handle)           \
	NO_RESULT(rota_handle_ref, "tcp \"Ann\"", &all.tcp.handle)             \
	CALL(rota_handle_has_ref, "tcp \"Ann\"", &all.tcp.handle)              \
	CALL(rota_handle_is_active, "tcp \"Ann\"", &all.tcp.handle)            \
	CALL(rota_handle_is_closing, "tcp \"Ann\"", &all.tcp.handle)           \
	CALL(rota_handle_name, "tcp \"Ann\"", &all.tcp.handle)                 \
	NO_RESULT(rota_handle_set_name, "tcp \"Ann\"", &all.tcp.handle, NULL)  \
	NO_RESULT(rota_handle_on_shutdown, "tcp \"Ann\"", &all.tcp.handle,     \
		  NULL)                                                        \
	CALL(rota_signal_init, "signal \"Sue\"", &all.signal, all.loop)        \
	CALL(rota_signal_start, "signal \"Sue\"", &all.signal, on_signal,      \
	     SIGUSR1)                                                          \
	CALL(rota_signal_start_once, "signal \"Sue\"", &all.signal, on_signal, \
	     SIGUSR1)                                                          \
	NO_RESULT(rota_signal_stop, "signal \"Sue\"", &all.signal)             \
	CALL(rota_signal_number, "signal \"Sue\"", &all.signal)                \
	CALL(rota_signal_get_info, "signal \"Sue\"", &all.signal, NULL)        \
	CALL(rota_tty_open, "tty \"Tom\"", &all.tty, all.loop, 0)              \
	CALL(rota_tty_set_mode, "tty \"Tom\"", &all.tty, ROTA_TTY_RAW)         \
	CALL(rota_tty_mode, "tty \"Tom\"", &all.tty)                           \
	CALL(rota_tty_get_size, "tty \"Tom\"", &all.tty, NULL, NULL)           \
	CALL(rota_tty_on_resize, "tty \"Tom\"", &all.tty, NULL)                \
	CALL(rota_tty_on_continue, "tty \"Tom\"", &all.tty, NULL)              \
	CALL(rota_stdio_open, "pipe \"Pam\"", &all.stdio, all.loop, 0)         \
	CALL(rota_stdio_tty, "pipe \"Pam\"", &all.stdio)                       \
	CALL(rota_request_cancel, "work", &all.work.request)                   \
	CALL(rota_request_is_active, "work", &all.work.request)                \
	NO_RESULT(rota_request_clear_deadline, "work", &all.work.request)      \
	CALL(rota_request_set_deadline, "work", &all.work.request,             \
	     &all.deadline, 0)                                                 \
	CALL(rota_work_queue, "work", &all.work, ROTA_LANE_CPU, do_work,       \
	     on_work)                                                          \
	CALL(rota_fs_open, "fs", &all.fs, on_fs, "/", 0, 0)                    \
	CALL(rota_fs_close, "fs", &all.fs, on_fs, 0)                           \
	CALL(rota_fs_stat, "fs", &all.fs, on_fs, "/", &all.info)               \
	CALL(rota_fs_lstat, "fs", &all.fs, on_fs, "/", &all.info)              \
	CALL(rota_fs_fstat, "fs", &all.fs, on_fs, 0, &all.info)                \
	CALL(rota_fs_read, "fs", &all.fs, on_fs, 0,                            \
	     (struct rota_buf){ NULL, 0 }, 0)                                  \
	CALL(rota_fs_write, "fs", &all.fs, on_fs, 0,                           \
	     (struct rota_const_buf){ NULL, 0 }, 0)                            \
	NO_RESULT(rota_fs_set_files_only, "fs", &all.fs, 1)                    \
	CALL(rota_work_queue_detachable, "work", &all.work, ROTA_LANE_CPU,     \
	     NULL, on_work)                                                    \
	CALL(rota_fs_read_file, "fs", &all.fs, on_fs, "/", 1)

CALLS(CALL, NO_RESULT)

static const struct call calls[] = { CALLS(ROW, ROW) };

static const struct call *call_now;

static void *make_call(void *arg)
{
	(void)arg;
	call_now->make();
	return NULL;
}

static void call_from_another_thread(struct rota_timer *timer)
{
	pthread_t thread;

	(void)timer;
	(void)pthread_create(&thread, NULL, make_call, NULL);
	pthread_join(thread, NULL);
}

static void run_and_call_from_elsewhere(struct rota_loop *loop)
{
	struct rota_timer timer;

	init_all(loop);
	start_all();
	rota_timer_init(&timer, loop);
	(void)rota_timer_start(&timer, call_from_another_thread, 0);
	(void)rota_loop_run(loop, ROTA_RUN_NOWAIT);
}

static void another_thread_is_named(void **state)
{
	(void)state;
	if (!misuse_is_watched())
		skip();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char function[64];
		char object[32];

		call_now = &calls[i];
		snprintf(function, sizeof(function),
			 "rota: %s(): ", call_now->name);
		snprintf(object, sizeof(object), " %s 0x", call_now->object);
		expect_death(run_and_call_from_elsewhere,
			     (const char *const[]){
				     function, object,
				     "another thread than the one that runs "
				     "its loop",
				     "rota_task_post()", NULL });
	}
}

/* Between runs another thread may use the loop. */
static void another_thread_may_take_turns(void **state)
{
	static const struct call start = { "", "", call_rota_timer_start };
	struct fixture *f = *state;
	pthread_t thread;

	rota_timer_init(&all.timer, f->loop);
	call_now = &start;
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	pthread_create(&thread, NULL, make_call, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

/* (b) Use of a loop that has been closed or is gone. */

static void (*after_close)(void);

static void close_and_go_on(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_handle_close_now(&all.tcp.handle);
	(void)rota_handle_close_now(&all.pipe.handle);
	(void)rota_handle_close_now(&all.signal.handle);
	rota_loop_ref(loop);
	if (rota_loop_close(loop) != 0)
		return;
	after_close();
}

static void a_closed_loop_is_named(void **state)
{
	static const struct call uses[] = {
		{ "rota_loop_run", "loop", call_rota_loop_run },
		{ "rota_loop_close", "loop", call_rota_loop_close },
		{ "rota_loop_now", "loop", call_rota_loop_now },
		{ "rota_timer_start", "timer", call_rota_timer_start },
		{ "rota_hook_start", "hook", call_rota_hook_start },
		{ "rota_async_start", "async", call_rota_async_start },
		{ "rota_watch_start", "watch", call_rota_watch_start },
		{ "rota_task_next_tick", "task", call_rota_task_next_tick },
		{ "rota_set_timeout", "loop", call_rota_set_timeout },
		{ "rota_tcp_init", "tcp", call_rota_tcp_init },
		{ "rota_pipe_init", "pipe", call_rota_pipe_init },
		{ "rota_signal_init", "signal", call_rota_signal_init },
		{ "rota_lookup_begin", "lookup", call_rota_lookup_begin },
		{ "rota_work_queue", "work", call_rota_work_queue },
		{ "rota_fs_open", "fs", call_rota_fs_open },
	};

	(void)state;
	if (!misuse_is_watched())
		skip();
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		after_close = uses[i].make;
		expect_death(
			close_and_go_on,
			(const char *const[]){ uses[i].name, uses[i].object,
					       "has been closed",
					       "rota_loop_unref()", NULL });
	}
}

static void a_closed_loop_still_refuses_posts_and_sends(void **state)
{
	struct fixture *f = *state;
	struct rota_loop *loop = rota_loop_ref(f->loop);

	rota_task_init(&all.task, loop);
	rota_async_init(&all.async, loop);
	rota_timer_init(&all.timer, loop);
	assert_int_equal(rota_loop_close(loop), 0);
	f->loop = NULL;

	assert_int_equal(rota_task_post(&all.task, on_task), ROTA_ESHUTDOWN);
	assert_int_equal(rota_async_send(&all.async), ROTA_ESHUTDOWN);
	rota_loop_unref(rota_loop_ref(loop));
	rota_timer_stop(&all.timer); /* a stopped node does not use the loop */
	assert_int_equal(rota_timer_is_active(&all.timer), 0);
	rota_loop_unref(loop);
}

static void start_on_a_loop_that_is_gone(struct rota_loop *loop)
{
	rota_timer_init(&all.timer, loop);
	(void)rota_loop_close(loop);
	call_rota_timer_start();
}

static void start_what_was_never_initialised(struct rota_loop *loop)
{
	(void)loop;
	memset(&all.hook, 0x5a, sizeof(all.hook));
	call_rota_hook_start();
}

static void a_loop_that_is_gone_is_named(void **state)
{
	(void)state;
	if (!misuse_is_watched())
		skip();
	expect_death(start_on_a_loop_that_is_gone,
		     (const char *const[]){ "rota_timer_start(): timer 0x",
					    "is gone", NULL });
	expect_death(start_what_was_never_initialised,
		     (const char *const[]){ "rota_hook_start(): hook 0x",
					    "never initialised", NULL });
}

/* (c) Objects that are initialised or started again while in use. */

static void init_timer_again(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	rota_timer_init(&all.timer, loop);
}

static void init_hook_again(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	rota_hook_init(&all.hook, loop);
}

static void init_async_again(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	rota_async_init(&all.async, loop);
}

static void init_watch_again(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	rota_watch_init(&all.watch, loop, all.fds[0]);
}

static void init_task_again(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	rota_task_init(&all.task, loop);
}

static void init_work_again(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	rota_work_init(&all.work, loop);
}

static void init_fs_again(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_fs_open(&all.fs, on_fs, "/", 0, 0);
	rota_fs_init(&all.fs, loop);
}

static void init_tcp_again(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_tcp_init(&all.tcp, loop);
}

static void init_signal_again(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_signal_init(&all.signal, loop);
}

static void look_up_again(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_lookup_begin(&all.lookup, loop, "::1", "80", NULL,
				on_lookup);
	(void)rota_lookup_begin(&all.lookup, loop, "::1", "80", NULL,
				on_lookup);
}

static void connect_again(struct rota_loop *loop)
{
	static struct rota_tcp other;

	init_all(loop);
	all.address.is.ip4.sin_port = 0x0900;
	(void)rota_tcp_init(&other, loop);
	(void)rota_tcp_connect(&all.connect, &all.tcp, &all.address,
			       on_connect);
	(void)rota_tcp_connect(&all.connect, &other, &all.address, on_connect);
}

static void open_a_stream(struct rota_loop *loop, struct rota_tcp *tcp)
{
	int fds[2];

	init_all(loop);
	(void)rota_tcp_pair(fds);
	(void)rota_tcp_open(tcp, loop, fds[0]);
}

static void read_again(struct rota_loop *loop)
{
	static struct rota_tcp tcp;
	static char bytes[2];
	struct rota_buf buf = { bytes, 1 };

	open_a_stream(loop, &tcp);
	(void)rota_stream_read(&all.read, &tcp.stream, buf, 1, on_read_done);
	(void)rota_stream_read(&all.read, &tcp.stream, buf, 1, on_read_done);
}

static void write_again(struct rota_loop *loop)
{
	static struct rota_tcp tcp;
	static char bytes[2];
	struct rota_const_buf buf = { bytes, 1 };

	open_a_stream(loop, &tcp);
	(void)rota_stream_write(&all.write, &tcp.stream, &buf, 1, on_write);
	(void)rota_stream_write(&all.write, &tcp.stream, &buf, 1, on_write);
}

static void share_a_deadline(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	(void)rota_request_set_deadline(&all.work.request, &all.deadline,
					UINT64_MAX - 1);
	(void)rota_request_set_deadline(&all.other_work.request, &all.deadline,
					UINT64_MAX - 1);
}

/* As a struct assignment would overwrite it. */
static void start_an_overwritten_timer(struct rota_loop *loop)
{
	struct rota_timer fresh;

	init_all(loop);
	fresh = all.timer;
	start_all();
	all.timer = fresh;
	(void)rota_timer_start(&all.timer, on_timer, 0);
}

struct death {
	void (*misuse)(struct rota_loop *loop);
	const char *says[3];
};

static void expect_deaths(const struct death *deaths, size_t count)
{
	if (!misuse_is_watched())
		skip();
	for (size_t i = 0; i < count; i++)
		expect_death(deaths[i].misuse,
			     (const char *const[]){ deaths[i].says[0],
						    deaths[i].says[1],
						    deaths[i].says[2], NULL });
}

static void what_is_initialised_again_is_named(void **state)
{
	static const struct death deaths[] = {
		{ init_timer_again,
		  { "rota_timer_init(): timer 0x", "is started", "Stop it" } },
		{ init_hook_again,
		  { "rota_hook_init(): hook 0x", "is started", "Stop it" } },
		{ init_async_again,
		  { "rota_async_init(): async 0x", "is started", "Stop it" } },
		{ init_watch_again,
		  { "rota_watch_init(): watch 0x", "is started", "Stop it" } },
		{ init_task_again,
		  { "rota_task_init(): task 0x", "is queued", "Cancel it" } },
		{ init_work_again,
		  { "rota_work_init(): work 0x", "in flight", "another" } },
		{ init_fs_again,
		  { "rota_fs_init(): fs_open 0x", "in flight", "another" } },
		{ init_tcp_again,
		  { "rota_tcp_init(): tcp \"Ann\" 0x", "is open", "Close" } },
		{ init_signal_again,
		  { "rota_signal_init(): signal \"Sue\" 0x", "is open",
		    "Close" } },
		{ look_up_again,
		  { "rota_lookup_begin(): lookup 0x", "in flight",
		    "another" } },
		{ connect_again,
		  { "rota_tcp_connect(): connect 0x", "in flight",
		    "another" } },
		{ read_again,
		  { "rota_stream_read(): read 0x", "in flight", "another" } },
		{ write_again,
		  { "rota_stream_write(): write 0x", "in flight", "another" } },
		{ share_a_deadline,
		  { "rota_request_set_deadline(): timer 0x", "is started",
		    "Stop it" } },
		{ start_an_overwritten_timer,
		  { "rota_timer_start(): timer 0x", "overwritten", "Stop" } },
	};

	(void)state;
	expect_deaths(deaths, sizeof(deaths) / sizeof(deaths[0]));
}

/* (d) Memory that is used for something else. */

static void reuse(void *memory, size_t size)
{
	memset(memory, 0x77, size);
}

static void reuse_a_timer_and_stop_another(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	reuse(&all.timer, sizeof(all.timer));
	rota_timer_stop(&all.other_timer);
}

static void reuse_a_timer_and_stop_it(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	reuse(&all.timer, sizeof(all.timer));
	rota_timer_stop(&all.timer);
}

/* Like free(3), which overwrites the start of the memory. */
static void free_a_timer_and_run(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_timer_start(&all.timer, on_timer, 0);
	reuse(&all.timer, 2 * sizeof(void *));
	(void)rota_loop_run(loop, ROTA_RUN_NOWAIT);
}

static void free_myself(struct rota_timer *timer)
{
	reuse(timer, sizeof(*timer));
}

static void free_a_repeating_timer_in_its_callback(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_timer_every_at(&all.timer, free_myself, 0, 5,
				  ROTA_REPEAT_RATE);
	(void)rota_loop_run(loop, ROTA_RUN_NOWAIT);
}

static void reuse_a_hook_and_run(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_hook_start(&all.hook, on_hook, ROTA_HOOK_IDLE);
	reuse(&all.hook, sizeof(all.hook));
	(void)rota_loop_run(loop, ROTA_RUN_NOWAIT);
}

static void reuse_an_async_and_stop_another(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	reuse(&all.other_async, sizeof(all.other_async));
	rota_async_stop(&all.async);
}

static void reuse_a_watch_and_run(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_watch_start(&all.watch, on_watch, ROTA_READABLE);
	(void)!write(all.fds[1], "a", 1);
	reuse(&all.watch, sizeof(all.watch));
	(void)rota_loop_run(loop, ROTA_RUN_NOWAIT);
}

static void reuse_a_watch_and_stop_another(struct rota_loop *loop)
{
	init_all(loop);
	start_all();
	reuse(&all.watch, sizeof(all.watch));
	rota_watch_stop(&all.other_watch);
}

static void reuse_a_task_and_run(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_task_next_tick(&all.task, on_task);
	reuse(&all.task, 2 * sizeof(void *));
	(void)rota_loop_run(loop, ROTA_RUN_NOWAIT);
}

static void reuse_a_posted_task_and_run(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_task_post(&all.other_task, on_task);
	(void)rota_task_post(&all.task, on_task);
	(void)rota_loop_alive(loop); /* empties the inbox */
	reuse(&all.task, sizeof(all.task));
	(void)rota_loop_run(loop, ROTA_RUN_NOWAIT);
}

static void init_a_posted_task_again_and_run(struct rota_loop *loop)
{
	init_all(loop);
	(void)rota_task_post(&all.task, on_task);
	(void)rota_task_post(&all.other_task, on_task);
	rota_task_init(&all.other_task, loop);
	(void)rota_loop_alive(loop);
}

static void reuse_a_request_and_end_another(struct rota_loop *loop)
{
	static struct rota_tcp tcp;
	static struct rota_read other;
	static char bytes[2];
	struct rota_buf buf = { bytes, 1 };

	open_a_stream(loop, &tcp);
	(void)rota_stream_read(&all.read, &tcp.stream, buf, 1, on_read_done);
	(void)rota_stream_read(&other, &tcp.stream, buf, 1, on_read_done);
	reuse(&all.read, sizeof(all.read.request));
	(void)rota_request_cancel(&other.request);
}

static void reuse_a_handle_and_close_another(struct rota_loop *loop)
{
	static struct rota_tcp other;

	init_all(loop);
	(void)rota_tcp_init(&other, loop);
	reuse(&all.tcp, sizeof(all.tcp));
	(void)rota_handle_close(&other.handle, NULL);
}

static void memory_that_is_used_again_is_named(void **state)
{
	static const struct death deaths[] = {
		{ reuse_a_timer_and_stop_another,
		  { "rota_timer_stop(): timer 0x", "changed while", "Stop" } },
		{ reuse_a_timer_and_stop_it,
		  { "rota_timer_stop(): timer 0x", "changed while", "Stop" } },
		{ free_a_timer_and_run,
		  { "rota_loop_run(): timer 0x", "changed while", "Stop" } },
		{ free_a_repeating_timer_in_its_callback,
		  { "timer 0x", "changed while it was started", "Stop" } },
		{ reuse_a_hook_and_run,
		  { "rota_loop_run(): hook 0x", "changed while", "Stop" } },
		{ reuse_an_async_and_stop_another,
		  { "rota_async_stop(): async 0x", "changed while", "Stop" } },
		{ reuse_a_watch_and_run,
		  { "rota_loop_run(): watch 0x", "changed while", "Stop" } },
		{ reuse_a_watch_and_stop_another,
		  { "rota_watch_stop(): watch 0x", "changed while", "Stop" } },
		{ reuse_a_task_and_run,
		  { "rota_loop_run(): task 0x", "changed while", "Cancel" } },
		{ reuse_a_posted_task_and_run,
		  { "rota_loop_run(): task 0x", "changed while", "Cancel" } },
		{ init_a_posted_task_again_and_run,
		  { "rota_loop_alive(): task 0x", "changed while", "Cancel" } },
		{ reuse_a_request_and_end_another,
		  { "rota_request_cancel(): read 0x", "changed while",
		    "callback" } },
		{ reuse_a_handle_and_close_another,
		  { "rota_handle_close(): tcp 0x", "changed while", "Close" } },
	};

	(void)state;
	expect_deaths(deaths, sizeof(deaths) / sizeof(deaths[0]));
}

static const struct CMUnitTest tests[] = {
	REAL(another_thread_is_named),
	VIRTUAL(another_thread_may_take_turns),
	REAL(a_closed_loop_is_named),
	REAL(a_closed_loop_still_refuses_posts_and_sends),
	REAL(a_loop_that_is_gone_is_named),
	REAL(what_is_initialised_again_is_named),
	REAL(memory_that_is_used_again_is_named),
};
FIXTURE_MAIN(tests)
