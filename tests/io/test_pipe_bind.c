/*
 * rota_pipe_bind(): names of Unix sockets, and the files that they are.
 */
#include "support/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/pipes.h"

enum { PATH_SPACE = sizeof(((struct sockaddr_un *)0)->sun_path) };

struct bound {
	struct pipe_place place;
	struct rota_pipe pipe;
	struct rota_pipe_bind_options options;
};

static void bound_begin(struct bound *b, struct fixture *f)
{
	*b = (struct bound){ .options = { .size = sizeof(b->options) } };
	pipe_place_begin(&b->place);
	assert_int_equal(rota_pipe_init(&b->pipe, f->loop), 0);
}

static int bound_bind(struct bound *b)
{
	return rota_pipe_bind(&b->pipe, b->place.path, strlen(b->place.path),
			      &b->options);
}

static void bound_end(struct bound *b)
{
	if (!rota_handle_is_closing(&b->pipe.handle))
		assert_int_equal(rota_handle_close_now(&b->pipe.handle), 0);
	pipe_place_end(&b->place);
}

static int exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

static void drop_connection(struct rota_stream *stream, int status, int fd)
{
	(void)stream;
	assert_int_equal(status, 0);
	raw_close(fd);
}

static void a_file_is_made_and_removed(void **state)
{
	struct rota_pipe_name name;
	struct bound b;

	bound_begin(&b, *state);
	assert_int_equal(bound_bind(&b), 0);
	assert_true(exists(b.place.path));
	assert_int_equal(rota_pipe_own_name(&b.pipe, &name), 0);
	assert_int_equal(name.size, strlen(b.place.path));
	assert_string_equal(name.bytes, b.place.path);
	assert_int_equal(raw_unix_connect(b.place.path), -1);
	assert_int_equal(errno, ECONNREFUSED); /* not before it listens */
	assert_int_equal(rota_stream_listen(&b.pipe.stream, 5, drop_connection),
			 0);
	raw_close(raw_unix_connect(b.place.path));
	assert_int_equal(rota_handle_close_now(&b.pipe.handle), 0);
	assert_false(exists(b.place.path));
	bound_end(&b);
}

/* Also where the close takes its time. */
static void a_shutdown_of_the_loop_removes_it(void **state)
{
	struct fixture *f = *state;
	struct bound b;

	bound_begin(&b, f);
	assert_int_equal(bound_bind(&b), 0);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_false(exists(b.place.path));
	pipe_place_end(&b.place);
}

static void another_file_at_the_path_stays(void **state)
{
	struct bound b;
	int fd;

	bound_begin(&b, *state);
	assert_int_equal(bound_bind(&b), 0);
	assert_int_equal(unlink(b.place.path), 0);
	fd = open(b.place.path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(rota_handle_close_now(&b.pipe.handle), 0);
	assert_true(exists(b.place.path));
	unlink(b.place.path);
	bound_end(&b);
}

static void the_file_can_be_kept(void **state)
{
	struct bound b;

	bound_begin(&b, *state);
	b.options.flags = ROTA_PIPE_KEEP_FILE;
	assert_int_equal(bound_bind(&b), 0);
	assert_int_equal(rota_handle_close_now(&b.pipe.handle), 0);
	assert_int_equal(unlink(b.place.path), 0);
	bound_end(&b);
}

static void a_detached_socket_keeps_its_file(void **state)
{
	struct bound b;
	int fd;

	bound_begin(&b, *state);
	assert_int_equal(bound_bind(&b), 0);
	fd = rota_stream_detach(&b.pipe.stream);
	assert_true(fd >= 0);
	raw_close(fd);
	assert_int_equal(unlink(b.place.path), 0);
	bound_end(&b);
}

static void close_in_child(void *arg)
{
	struct bound *b = arg;

	EXPECT(rota_loop_fork(rota_handle_loop(&b->pipe.handle)) == 0);
	EXPECT(rota_handle_close_now(&b->pipe.handle) == 0);
}

/* The child's copy of the handle does not own the parent's file. */
static void a_forked_child_does_not_remove_it(void **state)
{
	struct bound b;

	bound_begin(&b, *state);
	assert_int_equal(bound_bind(&b), 0);
	in_a_child(close_in_child, &b);
	assert_true(exists(b.place.path));
	bound_end(&b);
}

static unsigned mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

static void the_mode_is_exact_and_the_umask_untouched(void **state)
{
	static const uint32_t modes[] = { 0600, 0660, 0666, 0777, 0222 };
	struct fixture *f = *state;
	mode_t mask = umask(0027);

	for (unsigned i = 0; i < 5; i++) {
		struct bound b;

		bound_begin(&b, f);
		b.options.mode = modes[i];
		assert_int_equal(bound_bind(&b), 0);
		assert_int_equal(mode_of(b.place.path), modes[i]);
		bound_end(&b);
	}
	assert_int_equal(umask(mask), 0027);
}

static void without_a_mode_the_umask_decides(void **state)
{
	mode_t mask = umask(0077);
	struct bound b;

	bound_begin(&b, *state);
	assert_int_equal(bound_bind(&b), 0);
	assert_int_equal(mode_of(b.place.path) & 077, 0);
	bound_end(&b);
	umask(mask);
}

static void bad_arguments_are_refused(void **state)
{
	struct bound b;
	char far[PATH_SPACE + 10];

	bound_begin(&b, *state);
	memset(far, 'x', sizeof(far));
	assert_int_equal(rota_pipe_bind(&b.pipe, NULL, 3, NULL), ROTA_EINVAL);
	assert_int_equal(rota_pipe_bind(&b.pipe, "", 0, NULL), ROTA_EINVAL);
	assert_int_equal(rota_pipe_bind(&b.pipe, "a\0b", 3, NULL), ROTA_EINVAL);
	assert_int_equal(rota_pipe_bind(&b.pipe, far, PATH_SPACE, NULL),
			 ROTA_ENAMETOOLONG);
	assert_int_equal(rota_pipe_bind(&b.pipe, far, SIZE_MAX, NULL),
			 ROTA_ENAMETOOLONG);
	b.options.mode = 01777;
	assert_int_equal(bound_bind(&b), ROTA_EINVAL);
	b.options.mode = 0;
	b.options.flags = 4;
	assert_int_equal(bound_bind(&b), ROTA_EINVAL);
	b.options.flags = 0;
	b.options.size = 8;
	assert_int_equal(bound_bind(&b), ROTA_EINVAL);
	b.options.size = sizeof(b.options);
	assert_int_equal(rota_stream_fd(&b.pipe.stream), ROTA_EBADF);

	assert_int_equal(bound_bind(&b), 0);
	assert_int_equal(bound_bind(&b), ROTA_EINVAL); /* it is bound */
	assert_int_equal(rota_handle_close_now(&b.pipe.handle), 0);
	assert_int_equal(bound_bind(&b), ROTA_EINVAL); /* it is closed */
	bound_end(&b);
}

/* The longest path that fits is used whole, and one byte more is refused. */
static void no_path_is_cut(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe_name name;
	char path[PATH_SPACE + 1];
	struct bound b;
	size_t at;

	bound_begin(&b, f);
	at = (size_t)snprintf(path, sizeof(path), "%s/", b.place.directory);
	memset(path + at, 'n', PATH_SPACE - 1 - at);
	path[PATH_SPACE - 1] = 0;
	assert_int_equal(rota_pipe_bind(&b.pipe, path, PATH_SPACE - 1, NULL),
			 0);
	assert_true(exists(path));
	assert_int_equal(rota_pipe_own_name(&b.pipe, &name), 0);
	assert_int_equal(name.size, PATH_SPACE - 1);
	assert_string_equal(name.bytes, path);
	bound_end(&b);
}

static int has_abstract(struct fixture *f)
{
	struct rota_pipe pipe;
	int status;

	assert_int_equal(rota_pipe_init(&pipe, f->loop), 0);
	status = rota_pipe_bind(&pipe, NULL, 0, NULL);
	assert_int_equal(rota_handle_close_now(&pipe.handle), 0);
	return status != ROTA_ENOTSUP;
}

static void an_abstract_name_may_have_any_bytes(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe_bind_options options = { .size = sizeof(options),
						  .mode = 0600 };
	struct rota_pipe_name name;
	char wanted[PATH_SPACE + 1];
	struct rota_pipe a, b;

	if (!has_abstract(f))
		skip_elsewhere("no abstract names");
	memset(wanted, 0, sizeof(wanted));
	snprintf(wanted + 1, 60, "rota-%d", (int)getpid());
	wanted[70] = 'x';
	assert_int_equal(rota_pipe_init(&a, f->loop), 0);
	assert_int_equal(rota_pipe_init(&b, f->loop), 0);
	assert_int_equal(rota_pipe_bind(&a, wanted, PATH_SPACE + 1, NULL),
			 ROTA_ENAMETOOLONG);
	assert_int_equal(rota_pipe_bind(&a, wanted, 71, &options), ROTA_EINVAL);
	assert_int_equal(rota_pipe_bind(&a, wanted, 71, NULL), 0);
	assert_int_equal(rota_pipe_own_name(&a, &name), 0);
	assert_int_equal(name.size, 71);
	assert_memory_equal(name.bytes, wanted, 71);

	/* A byte more is another name. */
	assert_int_equal(rota_pipe_bind(&b, wanted, 71, NULL), ROTA_EADDRINUSE);
	assert_int_equal(rota_pipe_bind(&b, wanted, PATH_SPACE, NULL), 0);
	assert_int_equal(rota_pipe_own_name(&b, &name), 0);
	assert_int_equal(name.size, PATH_SPACE);
	assert_int_equal(rota_handle_close_now(&a.handle), 0);
	assert_int_equal(rota_handle_close_now(&b.handle), 0);
}

static void the_system_chooses_an_abstract_name(void **state)
{
	struct fixture *f = *state;
	struct rota_pipe_name one, other;
	struct rota_pipe a, b;

	if (!has_abstract(f))
		skip_elsewhere("no abstract names");
	assert_int_equal(rota_pipe_init(&a, f->loop), 0);
	assert_int_equal(rota_pipe_init(&b, f->loop), 0);
	assert_int_equal(rota_pipe_bind(&a, NULL, 0, NULL), 0);
	assert_int_equal(rota_pipe_bind(&b, NULL, 0, NULL), 0);
	assert_int_equal(rota_pipe_own_name(&a, &one), 0);
	assert_int_equal(rota_pipe_own_name(&b, &other), 0);
	assert_int_equal(one.size, 6); /* unix(7): a 0 and 5 digits */
	assert_int_equal(one.bytes[0], 0);
	assert_memory_not_equal(one.bytes, other.bytes, 6);
	assert_int_equal(rota_handle_close_now(&a.handle), 0);
	assert_int_equal(rota_handle_close_now(&b.handle), 0);
}

/* Stale files. */

static void make_stale(struct bound *b)
{
	raw_close(raw_unix_listen(b->place.path, 5));
	assert_true(exists(b->place.path));
}

static void a_stale_file_is_replaced_on_request_alone(void **state)
{
	struct bound b;

	bound_begin(&b, *state);
	make_stale(&b);
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	assert_int_equal(rota_stream_fd(&b.pipe.stream), ROTA_EBADF);
	b.options.flags = ROTA_PIPE_REPLACE_STALE;
	b.options.mode = 0600;
	assert_int_equal(bound_bind(&b), 0);
	assert_int_equal(mode_of(b.place.path), 0600);
	assert_int_equal(rota_stream_listen(&b.pipe.stream, 5, drop_connection),
			 0);
	raw_close(raw_unix_connect(b.place.path));
	bound_end(&b);
}

static void a_listener_is_never_replaced(void **state)
{
	struct bound b;
	int live, client;

	bound_begin(&b, *state);
	live = raw_unix_listen(b.place.path, 0);
	b.options.flags = ROTA_PIPE_REPLACE_STALE;
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE); /* its queue is full
							      */
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	while ((client = raw_try_accept(live)) != -1)
		raw_close(client);
	raw_close(raw_unix_connect(b.place.path));
	raw_close(live);
	unlink(b.place.path);
	bound_end(&b);
}

static void what_is_no_socket_is_never_replaced(void **state)
{
	struct bound b;
	char target[100];
	int fd;

	bound_begin(&b, *state);
	b.options.flags = ROTA_PIPE_REPLACE_STALE;
	fd = open(b.place.path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	assert_int_equal(unlink(b.place.path), 0);
	assert_int_equal(mkdir(b.place.path, 0700), 0);
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	assert_int_equal(rmdir(b.place.path), 0);
	/* A link to a stale socket is no socket either. */
	snprintf(target, sizeof(target), "%s/other", b.place.directory);
	raw_close(raw_unix_listen(target, 5));
	assert_int_equal(symlink(target, b.place.path), 0);
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	assert_int_equal(unlink(b.place.path), 0);
	assert_int_equal(unlink(target), 0);
	bound_end(&b);
}

static void replace_it(void *arg)
{
	struct bound *b = arg;

	unlink(b->place.path);
	b->pipe.handle.data =
		(void *)(intptr_t)raw_unix_listen(b->place.path, 5);
}

/* Another process replaces the stale file at the same time: its new socket is
 * put back. */
static void a_race_for_a_stale_file_has_one_winner(void **state)
{
	struct bound b;
	int winner;

	bound_begin(&b, *state);
	make_stale(&b);
	b.options.flags = ROTA_PIPE_REPLACE_STALE;
	fault_call_before("rename", 1, replace_it, &b);
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	assert_int_equal(fault_clear(), 1);
	winner = (int)(intptr_t)b.pipe.handle.data;
	raw_close(raw_unix_connect(b.place.path));
	raw_close(winner);
	assert_int_equal(unlink(b.place.path), 0);
	bound_end(&b);
}

static void replace_it_without_links(void *arg)
{
	replace_it(arg);
	fault_fail("link", 1, EPERM);
}

/* Where the system lets this user make no hard link to a file of another one,
 * the winner's socket is put back all the same. */
static void the_winner_needs_no_hard_link(void **state)
{
	struct bound b;
	int winner;

	bound_begin(&b, *state);
	make_stale(&b);
	b.options.flags = ROTA_PIPE_REPLACE_STALE;
	fault_call_before("rename", 1, replace_it_without_links, &b);
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	assert_int_equal(fault_clear(), 1);
	winner = (int)(intptr_t)b.pipe.handle.data;
	raw_close(raw_unix_connect(b.place.path));
	raw_close(winner);
	assert_int_equal(unlink(b.place.path), 0);
	bound_end(&b);
}

static void forbid_renames(void *arg)
{
	(void)arg;
	fault_fail("rename", 1, EACCES);
}

static void forbid_both(void *arg)
{
	replace_it(arg);
	fault_fail_after("link", 1, EPERM, forbid_renames, NULL);
}

/* What cannot be put back is not removed either: the error says why. */
static void a_live_socket_is_never_removed(void **state)
{
	struct bound b;
	char aside[100];
	int winner;

	bound_begin(&b, *state);
	make_stale(&b);
	b.options.flags = ROTA_PIPE_REPLACE_STALE;
	fault_call_before("rename", 1, forbid_both, &b);
	assert_int_equal(bound_bind(&b), ROTA_EACCES);
	assert_int_equal(fault_clear(), 1);
	winner = (int)(intptr_t)b.pipe.handle.data;
	snprintf(aside, sizeof(aside), "%s.%d", b.place.path, (int)getpid());
	raw_close(raw_unix_connect(aside));
	raw_close(winner);
	assert_int_equal(unlink(aside), 0);
	bound_end(&b);
}

/* The name to which a stale file is moved may be that of somebody's file. */
static void no_other_file_is_replaced(void **state)
{
	struct bound b;
	char aside[100];
	struct stat status;
	int fd;

	bound_begin(&b, *state);
	make_stale(&b);
	b.options.flags = ROTA_PIPE_REPLACE_STALE;
	snprintf(aside, sizeof(aside), "%s.%d", b.place.path, (int)getpid());
	fd = open(aside, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "data", 4), 4);
	close(fd);
	assert_int_equal(bound_bind(&b), ROTA_EADDRINUSE);
	assert_int_equal(lstat(aside, &status), 0);
	assert_int_equal(status.st_size, 4);
	assert_true(exists(b.place.path));
	assert_int_equal(unlink(aside), 0);
	assert_int_equal(bound_bind(&b), 0);
	bound_end(&b);
}

static void remove_it(void *arg)
{
	struct bound *b = arg;

	unlink(b->place.path);
}

static void a_stale_file_may_go_by_itself(void **state)
{
	static const char *const calls[] = { "lstat", "rename" };
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct bound b;

		bound_begin(&b, f);
		make_stale(&b);
		b.options.flags = ROTA_PIPE_REPLACE_STALE;
		fault_call_before(calls[i], 1, remove_it, &b);
		assert_int_equal(bound_bind(&b), 0);
		fault_clear();
		bound_end(&b);
	}
}

/* Remove all files, and return how many there were beside the path. */
static unsigned sweep(struct bound *b)
{
	DIR *directory = opendir(b->place.directory);
	struct dirent *entry;
	unsigned others = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		others += strcmp(entry->d_name, "socket") != 0;
		assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0),
				 0);
	}
	closedir(directory);
	return others;
}

/* F3: every call and every allocation fails once. */
static void fail_a_bind(struct fixture *f, const char *call, unsigned nth)
{
	struct bound b;
	unsigned failed;
	int status;

	bound_begin(&b, f);
	make_stale(&b);
	b.options.flags = ROTA_PIPE_REPLACE_STALE;
	b.options.mode = 0600;
	fault_fail(call, nth, EPERM);
	status = bound_bind(&b);
	failed = fault_clear();
	if (status < 0) {
		assert_int_equal(failed, 1);
		assert_true(status == ROTA_EPERM || status == ROTA_EADDRINUSE);
		/* A socket of the library's own is gone with the failure. */
		assert_int_equal(rota_stream_fd(&b.pipe.stream), ROTA_EBADF);
	}
	assert_int_equal(rota_handle_close_now(&b.pipe.handle), 0);
	/* Only what cannot be removed is left. */
	assert_true(sweep(&b) == 0 || strcmp(call, "unlink") == 0);
	bound_end(&b);
}

static void a_bind_that_fails_leaves_nothing(void **state)
{
	static const char *const calls[] = { "socket",   "bind",   "lstat",
					     "fchmodat", "rename", "unlink",
					     "connect" };
	struct fixture *f = *state;
	struct bound b;

	for (unsigned i = 0; i < 7; i++)
		for (unsigned nth = 1; nth < 5; nth++)
			fail_a_bind(f, calls[i], nth);
	bound_begin(&b, f);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(bound_bind(&b), ROTA_ENOMEM);
	f->memory.fail_at = 0;
	assert_int_equal(sweep(&b), 0);
	assert_int_equal(bound_bind(&b), 0);
	bound_end(&b);
}

static void errors_of_bind_are_told(void **state)
{
	struct bound b;

	bound_begin(&b, *state);
	assert_int_equal(rota_pipe_bind(&b.pipe, "/nowhere/at/all", 15, NULL),
			 ROTA_ENOENT);
	assert_int_equal(rota_pipe_bind(&b.pipe, "/dev/null/x", 11, NULL),
			 ROTA_ENOTDIR);
	bound_end(&b);
}

static const struct CMUnitTest tests[] = {
	REAL(a_file_is_made_and_removed),
	REAL(a_shutdown_of_the_loop_removes_it),
	REAL(another_file_at_the_path_stays),
	REAL(the_file_can_be_kept),
	REAL(a_detached_socket_keeps_its_file),
	REAL(a_forked_child_does_not_remove_it),
	REAL(the_mode_is_exact_and_the_umask_untouched),
	REAL(without_a_mode_the_umask_decides),
	REAL(bad_arguments_are_refused),
	REAL(no_path_is_cut),
	REAL(an_abstract_name_may_have_any_bytes),
	REAL(the_system_chooses_an_abstract_name),
	REAL(a_stale_file_is_replaced_on_request_alone),
	REAL(a_listener_is_never_replaced),
	REAL(what_is_no_socket_is_never_replaced),
	REAL(a_race_for_a_stale_file_has_one_winner),
	REAL(the_winner_needs_no_hard_link),
	REAL(a_live_socket_is_never_removed),
	REAL(no_other_file_is_replaced),
	REAL(a_stale_file_may_go_by_itself),
	REAL(a_bind_that_fails_leaves_nothing),
	REAL(errors_of_bind_are_told),
};
FIXTURE_MAIN(tests)
