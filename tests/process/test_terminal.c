/*
 * Children on pseudo-terminals.
 */
#include "spawning.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child whose descriptors 0 to 2 are a terminal. */
struct terminal {
	struct spawning s;
	struct rota_tty tty;
	int status; /* of the end */
};

static void terminal_on_read(struct rota_stream *stream, int status,
			     const struct rota_buf *buf)
{
	struct rota_tty *tty =
		rota_container_of(stream, struct rota_tty, stream);
	struct terminal *t = rota_container_of(tty, struct terminal, tty);

	if (status < 0) {
		t->status = status;
		return;
	}
	assert_true(t->s.size + buf->size < SPAWNING_SIZE);
	memcpy(t->s.text + t->s.size, buf->data, buf->size);
	t->s.size += buf->size;
	t->s.text[t->s.size] = '\0';
}

static void terminal_begin(struct terminal *t, struct fixture *f,
			   const char *script)
{
	spawning_begin(&t->s, f, script);
	t->status = 0;
	for (int i = 0; i < 3; i++)
		t->s.stdio[i] = (struct rota_spawn_stdio){
			.kind = ROTA_SPAWN_STDIO_TERMINAL,
			.tty = &t->tty,
			.columns = 100,
			.rows = 30,
		};
}

static void terminal_start(struct terminal *t)
{
	assert_int_equal(spawning_start(&t->s), 0);
	assert_int_equal(
		rota_stream_read_start(&t->tty.stream, terminal_on_read), 0);
}

static void terminal_end(struct terminal *t)
{
	assert_int_equal(rota_handle_close_now(&t->tty.handle), 0);
	assert_int_equal(rota_handle_close_now(&t->s.process.handle), 0);
}

static void terminal_run(struct terminal *t)
{
	terminal_start(t);
	rota_loop_run(t->s.f->loop, ROTA_RUN_DEFAULT);
	assert_int_equal(t->s.exits, 1);
	assert_int_equal(t->status, ROTA_EOF);
	terminal_end(t);
}

/* Run the loop until the child has printed @text. */
static void terminal_await(struct terminal *t, const char *text)
{
	while (strstr(t->s.text, text) == NULL && t->status == 0)
		rota_loop_run(t->s.f->loop, ROTA_RUN_ONCE);
	assert_non_null(strstr(t->s.text, text));
}

static void type(struct terminal *t, const char *text)
{
	assert_int_equal(rota_stream_send(&t->tty.stream, text, strlen(text)),
			 0);
}

static void run_basics(struct fixture *f)
{
	struct terminal t;

	terminal_begin(&t, f,
		       "test -t 0 && test -t 1 && test -t 2 && stty size && "
		       "echo controlling >/dev/tty; exit 5");
	terminal_run(&t);

	assert_string_equal(t.s.text, "30 100\r\ncontrolling\r\n");
	assert_int_equal(t.s.exit.code, 5);
}

static void a_child_has_a_controlling_terminal_of_a_size(void **state)
{
	in_all_ways(*state, run_basics);
}

static void input_is_typed_and_the_end_is_a_character(void **state)
{
	struct terminal t;

	terminal_begin(&t, *state, "stty -echo; echo ready; cat; echo over");
	terminal_start(&t);
	terminal_await(&t, "ready");
	type(&t, "hello\n\x04");
	rota_loop_run(t.s.f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(t.s.text, "ready\r\nhello\r\nover\r\n");
	assert_int_equal(t.status, ROTA_EOF);
	assert_int_equal(t.s.exit.code, 0);
	terminal_end(&t);
}

static void a_new_size_reaches_the_child_as_a_signal(void **state)
{
	struct terminal t;
	unsigned columns, rows;

	terminal_begin(&t, *state,
		       "trap 'stty size; exit 0' WINCH; echo ready;"
		       "while :; do sleep 0.01; done");
	terminal_start(&t);
	terminal_await(&t, "ready");
	assert_int_equal(rota_tty_set_size(&t.tty, 132, 43), 0);
	rota_loop_run(t.s.f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(t.s.text, "ready\r\n43 132\r\n");
	assert_int_equal(rota_tty_get_size(&t.tty, &columns, &rows), 0);
	assert_int_equal(columns, 132);
	assert_int_equal(rows, 43);
	assert_int_equal(rota_tty_set_size(&t.tty, 65536, 1), ROTA_EINVAL);
	assert_int_equal(rota_tty_set_size(&t.tty, 1, 65536), ROTA_EINVAL);
	terminal_end(&t);
}

static void keys_send_signals(void **state)
{
	struct terminal t;

	terminal_begin(&t, *state, "echo ready; exec sleep 1000");
	terminal_start(&t);
	terminal_await(&t, "ready");
	type(&t, "\x03");
	rota_loop_run(t.s.f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(t.s.exit.signal, SIGINT);
	terminal_end(&t);
}

/* More than the terminal holds, and the child ends right after it. */
static void no_output_is_lost_at_the_end(void **state)
{
	enum { LINES = 1500 };

	for (int turn = 0; turn < 5; turn++) {
		struct terminal t;
		size_t lines = 0;

		terminal_begin(&t, *state, "exec seq 0 1499");
		terminal_run(&t);
		for (const char *at = t.s.text; *at != '\0'; at++)
			lines += *at == '\n';
		assert_int_equal(lines, LINES);
		assert_string_equal(t.s.text + t.s.size - 6, "1499\r\n");
	}
}

/* The leader of the session has ended, and a child of it still writes. */
static void the_end_comes_with_the_last_process_of_the_terminal(void **state)
{
	struct terminal t;

	terminal_begin(&t, *state,
		       "trap '' HUP; (sleep 0.05; echo late) & exit 0");
	terminal_run(&t);

	assert_string_equal(t.s.text, "late\r\n");
}

static void a_close_hangs_up(void **state)
{
	struct terminal t;

	terminal_begin(&t, *state, "echo ready; exec sleep 1000");
	terminal_start(&t);
	terminal_await(&t, "ready");
	assert_int_equal(rota_handle_close_now(&t.tty.handle), 0);
	rota_loop_run(t.s.f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(t.s.exit.signal, SIGHUP);
	assert_int_equal(rota_handle_close_now(&t.s.process.handle), 0);
}

static void other_descriptors_may_be_pipes(void **state)
{
	struct terminal t;

	terminal_begin(&t, *state, "echo out; echo tty >&0; test ! -t 1");
	t.s.stdio[1] = (struct rota_spawn_stdio){
		.kind = ROTA_SPAWN_STDIO_PIPE,
		.flags = ROTA_SPAWN_STDIO_WRITES,
		.pipe = &t.s.out,
	};
	assert_int_equal(spawning_start(&t.s), 0);
	rota_loop_run(t.s.f->loop, ROTA_RUN_DEFAULT);
	assert_string_equal(t.s.text, "out\n");
	assert_int_equal(t.s.exit.code, 0);

	t.s.size = 0;
	assert_int_equal(
		rota_stream_read_start(&t.tty.stream, terminal_on_read), 0);
	rota_loop_run(t.s.f->loop, ROTA_RUN_DEFAULT);
	assert_string_equal(t.s.text, "tty\r\n");
	assert_int_equal(rota_handle_close_now(&t.tty.handle), 0);
	spawning_end(&t.s);
}

static void a_child_may_have_several_terminals(void **state)
{
	struct rota_tty other;
	struct terminal t;

	terminal_begin(&t, *state,
		       "stty size <&3; tty <&3 >/dev/null && "
		       "[ \"$(tty <&3)\" != \"$(tty)\" ] && echo two");
	t.s.stdio[3] = (struct rota_spawn_stdio){
		.kind = ROTA_SPAWN_STDIO_TERMINAL,
		.tty = &other,
		.columns = 40,
		.rows = 10,
	};
	t.s.options.stdio_count = 4;
	terminal_run(&t);

	assert_string_equal(t.s.text, "10 40\r\ntwo\r\n");
	assert_int_equal(rota_handle_close_now(&other.handle), 0);
}

static void bad_options_are_refused(void **state)
{
	struct terminal t;

	terminal_begin(&t, *state, "exit 0");
	t.s.stdio[1].tty = NULL;
	expect_failure(&t.s, ROTA_SPAWN_STEP_OPTIONS, ROTA_EINVAL);
	terminal_begin(&t, *state, "exit 0");
	t.s.stdio[1].flags = ROTA_SPAWN_STDIO_READS;
	expect_failure(&t.s, ROTA_SPAWN_STEP_OPTIONS, ROTA_EINVAL);
	terminal_begin(&t, *state, "exit 0");
	t.s.options.flags = ROTA_SPAWN_NEW_GROUP;
	expect_failure(&t.s, ROTA_SPAWN_STEP_OPTIONS, ROTA_EINVAL);
	terminal_begin(&t, *state, "exit 0");
	t.s.options.process_group = getpid();
	expect_failure(&t.s, ROTA_SPAWN_STEP_OPTIONS, ROTA_EINVAL);
}

static void a_start_that_fails_leaves_no_terminal(void **state)
{
	struct terminal t;

	terminal_begin(&t, *state, "exit 0");
	t.s.options.file = "/no/such/program";
	expect_failure(&t.s, ROTA_SPAWN_STEP_EXEC, ROTA_ENOENT);
	assert_true(rota_stream_fd(&t.tty.stream) < 0);
}

static const struct CMUnitTest tests[] = {
	REAL(a_child_has_a_controlling_terminal_of_a_size),
	REAL(input_is_typed_and_the_end_is_a_character),
	REAL(a_new_size_reaches_the_child_as_a_signal),
	REAL(keys_send_signals),
	REAL(no_output_is_lost_at_the_end),
	REAL(the_end_comes_with_the_last_process_of_the_terminal),
	REAL(a_close_hangs_up),
	REAL(other_descriptors_may_be_pipes),
	REAL(a_child_may_have_several_terminals),
	REAL(bad_options_are_refused),
	REAL(a_start_that_fails_leaves_no_terminal),
};

FIXTURE_MAIN(tests)
