/*
 * Logs of requests: the lines, and the file that threads of the pool append
 * them to.
 */
/* poller: none */
#include "support/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rota_http.h"
#include "support/fault.h"

enum { TEXT_SIZE = 2 * ROTA_HTTP_LOG_LINE_SIZE, FILE_SIZE = 1 << 20 };

static struct rota_const_buf text_of(const char *text)
{
	return rota_bytes(text, strlen(text));
}

static struct rota_address client;

static struct rota_http_log_entry entry_of(const char *target)
{
	struct rota_http_log_entry entry;

	rota_http_log_entry_init(&entry, NULL);
	assert_int_equal(rota_address_ip(&client, "192.0.2.1", 80), 0);
	entry.client = &client;
	entry.method = text_of("GET");
	entry.target = text_of(target);
	entry.minor = 1;
	entry.status = 200;
	entry.body_size = 512;
	entry.seconds = 784111777;
	return entry;
}

static void check_line(const struct rota_http_log_entry *entry,
		       rota_http_log_format_fn *format, const char *expected)
{
	char *line = test_malloc(ROTA_HTTP_LOG_LINE_SIZE);
	size_t size = format(line, entry);

	assert_int_equal(size, strlen(expected));
	assert_memory_equal(line, expected, size);
	test_free(line);
}

static void a_line_has_the_common_or_the_combined_format(void **state)
{
	struct rota_http_log_entry entry = entry_of("/a?b=\"c\"");

	(void)state;
	check_line(&entry, rota_http_log_common,
		   "192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] "
		   "\"GET /a?b=\\\"c\\\" HTTP/1.1\" 200 512\n");
	entry.user = text_of("a b");
	entry.referer = text_of("http://a/ b");
	entry.agent = text_of("x\\y\t\x7f\xff\n\1");
	entry.minor = 0;
	assert_int_equal(rota_address_ip(&client, "2001:db8::1", 80), 0);
	check_line(&entry, rota_http_log_combined,
		   "2001:db8::1 - a\\x20b [06/Nov/1994:08:49:37 +0000] "
		   "\"GET /a?b=\\\"c\\\" HTTP/1.0\" 200 512 \"http://a/ b\" "
		   "\"x\\\\y\\x09\\x7f\\xff\\x0a\\x01\"\n");
}

static void what_is_not_known_is_a_dash(void **state)
{
	struct rota_http_log_entry entry;

	(void)state;
	rota_http_log_entry_init(&entry, NULL);
	check_line(&entry, rota_http_log_combined,
		   "- - - [01/Jan/1970:00:00:00 +0000] \"-\" - 0 \"-\" "
		   "\"-\"\n");
	client.size = 0;
	entry.client = &client;
	entry.status = 1000;
	check_line(&entry, rota_http_log_common,
		   "- - - [01/Jan/1970:00:00:00 +0000] \"-\" - 0\n");
	assert_int_equal(rota_address_unix(&client, "/a b", 4), 0);
	check_line(&entry, rota_http_log_common,
		   "unix:/a\\x20b - - [01/Jan/1970:00:00:00 +0000] \"-\" - "
		   "0\n");
}

static void an_entry_has_what_the_head_says(void **state)
{
	static const char wire[] = "POST /x HTTP/1.1\r\nHost: a\r\n"
				   "Referer: r\r\nUser-Agent: u\r\n\r\n";
	struct rota_http_field fields[4];
	struct rota_http_head head = { .fields = fields, .capacity = 4 };
	struct rota_http_log_entry entry;
	struct rota_http_parser parser;
	struct rota_const_buf body;

	(void)state;
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       &head, NULL, NULL),
			 0);
	rota_http_parser_feed(&parser, rota_bytes(wire, sizeof(wire) - 1));
	assert_int_equal(rota_http_parser_next(&parser, &body),
			 ROTA_HTTP_EVENT_HEAD);
	rota_http_log_entry_init(&entry, &head);
	check_line(&entry, rota_http_log_combined,
		   "- - - [01/Jan/1970:00:00:00 +0000] \"POST /x HTTP/1.1\" "
		   "- 0 \"r\" \"u\"\n");
	rota_http_parser_free(&parser);
}

/* No text makes a line longer than its memory, or breaks it up. */
static void long_texts_are_cut(void **state)
{
	static char longest[TEXT_SIZE + 1];
	struct rota_http_log_entry entry = entry_of(longest);
	char *line;
	size_t size;

	(void)state;
	for (int byte = 'a'; byte >= 0; byte -= 'a') {
		memset(longest, byte, TEXT_SIZE);
		entry.method = entry.target = entry.user = entry.referer =
			entry.agent = rota_bytes(longest, TEXT_SIZE);
		entry.body_size = UINT64_MAX;
		entry.seconds = INT64_MAX;
		line = test_malloc(ROTA_HTTP_LOG_LINE_SIZE);
		size = rota_http_log_combined(line, &entry);
		assert_true(size <= ROTA_HTTP_LOG_LINE_SIZE);
		assert_memory_equal(line + size - 5, "...\"\n", 5);
		test_free(line);
	}
}

static char directory[64], path[128], other[128];

static void make_directory(void)
{
	strcpy(directory, "/tmp/rota-log-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/log", directory);
	snprintf(other, sizeof(other), "%s/old", directory);
}

static void remove_directory(void)
{
	(void)unlink(path);
	(void)unlink(other);
	assert_int_equal(rmdir(directory), 0);
}

static const char *content_of(const char *name)
{
	static char content[FILE_SIZE];
	FILE *file = fopen(name, "r");
	size_t size;

	assert_non_null(file);
	size = fread(content, 1, sizeof(content) - 1, file);
	content[size] = '\0';
	(void)fclose(file);
	return content;
}

/* "target\n": a line that is easy to check. */
static size_t short_format(char to[ROTA_HTTP_LOG_LINE_SIZE],
			   const struct rota_http_log_entry *entry)
{
	memcpy(to, entry->target.data, entry->target.size);
	to[entry->target.size] = '\n';
	return entry->target.size + 1;
}

static struct rota_http_log *new_log(struct fixture *f)
{
	struct rota_http_log_options options;
	struct rota_http_log *log;

	rota_http_log_options_init(&options);
	options.format = short_format;
	options.memory_size = 4 * ROTA_HTTP_LOG_LINE_SIZE;
	options.allocator = &f->memory.allocator;
	assert_int_equal(rota_http_log_new(&log, f->loop, path, &options), 0);
	return log;
}

static void write_line(struct rota_http_log *log, const char *text)
{
	struct rota_http_log_entry entry = entry_of(text);

	rota_http_log_write(log, &entry);
}

static void run(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

static struct rota_http_log_stats stats_of(struct rota_http_log *log)
{
	struct rota_http_log_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_http_log_get_stats(log, &stats), 0);
	return stats;
}

static struct rota_http_log_stats last;
static int closings;

static void on_closed(const struct rota_http_log_stats *stats, void *arg)
{
	assert_ptr_equal(arg, &closings);
	last = *stats;
	closings++;
}

static void close_log(struct fixture *f, struct rota_http_log *log)
{
	closings = 0;
	assert_int_equal(rota_http_log_close(log, on_closed, &closings), 0);
	assert_int_equal(closings, 0);
	run(f);
	assert_int_equal(closings, 1);
}

static void lines_are_written_after_a_while(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;
	struct stat status;

	make_directory();
	log = new_log(f);
	assert_false(rota_loop_alive(f->loop));
	write_line(log, "a");
	write_line(log, "b");
	assert_true(rota_loop_alive(f->loop));
	assert_string_equal(content_of(path), "");
	run(f);

	assert_true(rota_loop_now(f->loop) - f->start_ns >= 1000000000);
	assert_string_equal(content_of(path), "a\nb\n");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0137, 0);
	write_line(log, "c");
	close_log(f, log);
	assert_string_equal(content_of(path), "a\nb\nc\n");
	assert_int_equal(last.written, 3);
	assert_int_equal(last.dropped + last.errors, 0);
	assert_int_equal(last.opened, 1);
	remove_directory();
}

static void a_log_appends_to_the_file_that_is_there(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *first, *second;

	make_directory();
	first = new_log(f);
	second = new_log(f);
	write_line(first, "a");
	close_log(f, first);
	write_line(second, "b");
	close_log(f, second);
	assert_string_equal(content_of(path), "a\nb\n");
	first = new_log(f);
	write_line(first, "c");
	assert_int_equal(rota_http_log_close(first, NULL, NULL), 0);
	run(f);
	assert_string_equal(content_of(path), "a\nb\nc\n");
	remove_directory();
}

/* The loop does not run, so the first job stays in flight. */
static void lines_beyond_the_memory_are_dropped_and_counted(void **state)
{
	static char text[ROTA_HTTP_LOG_LINE_SIZE / 2];
	struct fixture *f = *state;
	struct rota_http_log *log;
	const char *content;
	uint64_t lines = 0;
	size_t bytes;

	make_directory();
	log = new_log(f);
	memset(text, 'x', sizeof(text) - 1);
	write_line(log, "first");
	run(f);
	bytes = f->memory.bytes;
	for (int i = 0; i < 100; i++)
		write_line(log, text);
	assert_true(stats_of(log).dropped > 0);
	assert_int_equal(f->memory.bytes, bytes);
	write_line(log, "short");
	run(f);
	write_line(log, "z");
	close_log(f, log);

	content = content_of(path);
	for (const char *at = content; *at != '\0'; at++)
		lines += *at == '\n';
	assert_int_equal(last.written, lines);
	assert_int_equal(last.written + last.dropped, 103);
	assert_true(last.written >= 6);
	assert_string_equal(content + strlen(content) - 2, "z\n");
	remove_directory();
}

static void a_full_half_is_written_at_once(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;
	char text[ROTA_HTTP_LOG_LINE_SIZE];

	make_directory();
	log = new_log(f);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	write_line(log, text);
	write_line(log, text);
	run(f);
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	assert_int_equal(stats_of(log).written, 2);
	assert_int_equal(strlen(content_of(path)), 2 * sizeof(text));
	close_log(f, log);
	remove_directory();
}

static void the_file_is_opened_again_on_demand(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;

	make_directory();
	log = new_log(f);
	write_line(log, "a");
	run(f);
	assert_int_equal(rename(path, other), 0);
	write_line(log, "b");
	run(f);
	rota_http_log_reopen(log);
	write_line(log, "c");
	run(f);

	assert_string_equal(content_of(other), "a\nb\n");
	assert_string_equal(content_of(path), "c\n");
	close_log(f, log);
	assert_int_equal(last.opened, 2);
	remove_directory();
}

static void the_old_file_serves_until_the_new_one_can_be_opened(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;

	make_directory();
	log = new_log(f);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	rota_http_log_reopen(log);
	write_line(log, "a");
	run(f);
	assert_string_equal(content_of(other), "a\n");
	assert_int_equal(stats_of(log).errors, 1);
	assert_int_equal(stats_of(log).error, ROTA_EISDIR);
	assert_int_equal(rmdir(path), 0);
	write_line(log, "b");
	close_log(f, log);

	assert_string_equal(content_of(path), "b\n");
	assert_int_equal(last.written, 2);
	remove_directory();
}

static void a_log_is_closed_behind_the_job_in_flight(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;
	char text[ROTA_HTTP_LOG_LINE_SIZE];

	make_directory();
	log = new_log(f);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	write_line(log, text);
	write_line(log, text);
	write_line(log, "b");
	close_log(f, log);
	assert_int_equal(last.written, 3);
	assert_string_equal(content_of(path) + 2 * sizeof(text), "b\n");
	remove_directory();
}

/* A part of a line is written: the next line does not continue it. */
static void a_line_that_was_cut_is_ended(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;
	struct rlimit before, low;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

	make_directory();
	log = new_log(f);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = 6;
	write_line(log, "abc");
	write_line(log, "defg");
	write_line(log, "h");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	run(f);
	write_line(log, "i"); /* not even the end of the line can be written */
	run(f);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(stats_of(log).written, 1);
	assert_int_equal(stats_of(log).dropped, 3);
	assert_int_equal(stats_of(log).error, ROTA_EFBIG);
	write_line(log, "j");
	close_log(f, log);

	assert_string_equal(content_of(path), "abc\nde\nj\n");
	(void)signal(SIGXFSZ, handler);
	remove_directory();
}

/* The callback of a handle that the shutdown closes. */
static void close_in_shutdown(struct rota_handle *handle)
{
	struct rota_http_log *log = handle->data;

	write_line(log, "b");
	closings = 0;
	assert_int_equal(rota_http_log_close(log, on_closed, &closings),
			 ROTA_ESHUTDOWN);
	assert_int_equal(closings, 0);
}

static void shut_down(struct fixture *f, struct rota_http_log *log)
{
	struct rota_tcp tcp;

	assert_int_equal(rota_tcp_init(&tcp, f->loop), 0);
	tcp.handle.data = log;
	if (log != NULL)
		rota_handle_on_shutdown(&tcp.handle, close_in_shutdown);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
}

static void a_log_that_ends_with_its_loop_writes_its_lines(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;

	make_directory();
	log = new_log(f);
	write_line(log, "a");
	shut_down(f, log);
	assert_string_equal(content_of(path), "a\nb\n");
	remove_directory();
}

/* Whether a thread has begun the job or not. */
static void a_job_that_ends_with_its_loop_writes_its_lines(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;
	char text[ROTA_HTTP_LOG_LINE_SIZE];

	make_directory();
	log = new_log(f);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	write_line(log, text);
	write_line(log, text);
	write_line(log, "b");
	closings = 0;
	assert_int_equal(rota_http_log_close(log, on_closed, &closings), 0);
	shut_down(f, NULL);
	assert_int_equal(closings, 1);
	assert_int_equal(last.written, 3);
	assert_string_equal(content_of(path) + 2 * sizeof(text), "b\n");
	remove_directory();
}

static void lines_for_a_reader_are_not_written_by_the_loop(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;
	char byte;
	int fd;

	make_directory();
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	log = new_log(f);
	write_line(log, "a");
	run(f);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(read(fd, &byte, 1), 1);
	write_line(log, "b");
	shut_down(f, log);
	assert_int_equal(read(fd, &byte, 1), 0);
	assert_int_equal(close(fd), 0);
	remove_directory();
}

static void a_log_that_cannot_be_opened_is_an_error(void **state)
{
	static const char *const calls[] = { "open", "fstat", "fcntl" };
	struct fixture *f = *state;
	struct rota_http_log_options options;
	struct rota_http_log *log = NULL;

	make_directory();
	rota_http_log_options_init(&options);
	options.allocator = &f->memory.allocator;
	assert_int_equal(rota_http_log_new(&log, f->loop, directory, NULL),
			 ROTA_EISDIR);
	assert_int_equal(rota_http_log_new(&log, f->loop, "", NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_log_new(&log, f->loop, NULL, NULL),
			 ROTA_EINVAL);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_int_equal(rota_http_log_new(&log, f->loop, other, NULL),
			 ROTA_ENXIO);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		fault_fail(calls[i], 1, EIO);
		assert_int_equal(
			rota_http_log_new(&log, f->loop, path, &options),
			ROTA_EIO);
		assert_int_equal(fault_clear(), 1);
	}
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_http_log_new(&log, f->loop, path, &options),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	assert_null(log);
	remove_directory();
}

static void options_are_checked(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log_options options[5];
	struct rota_http_log_stats stats = { .size = sizeof(size_t) };
	struct rota_http_log *log = NULL;

	make_directory();
	for (int i = 0; i < 5; i++)
		rota_http_log_options_init(&options[i]);
	assert_ptr_equal(options[0].format, rota_http_log_combined);
	options[0].format = NULL;
	options[1].memory_size = 4 * ROTA_HTTP_LOG_LINE_SIZE - 1;
	options[2].memory_size = UINT64_MAX;
	options[3].mode = 010000;
	options[4].size = sizeof(size_t);
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			rota_http_log_new(&log, f->loop, path, &options[i]),
			ROTA_EINVAL);
	assert_null(log);
	log = new_log(f);
	assert_int_equal(rota_http_log_get_stats(log, &stats), ROTA_EINVAL);
	assert_int_equal(rota_http_log_get_stats(log, NULL), ROTA_EINVAL);
	close_log(f, log);
	remove_directory();
}

static void *reopen_often(void *log)
{
	for (int i = 0; i < 100; i++)
		rota_http_log_reopen(log);
	return NULL;
}

static void a_log_is_reopened_from_any_thread(void **state)
{
	struct fixture *f = *state;
	struct rota_http_log *log;
	pthread_t thread;

	make_directory();
	log = new_log(f);
	assert_int_equal(pthread_create(&thread, NULL, reopen_often, log), 0);
	for (int i = 0; i < 10; i++) {
		write_line(log, "a");
		run(f);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	write_line(log, "b");
	close_log(f, log);
	assert_int_equal(last.written, 11);
	assert_int_equal(last.errors, 0);
	assert_true(last.opened >= 2);
	remove_directory();
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_line_has_the_common_or_the_combined_format),
	VIRTUAL(what_is_not_known_is_a_dash),
	VIRTUAL(an_entry_has_what_the_head_says),
	VIRTUAL(long_texts_are_cut),
	VIRTUAL(lines_are_written_after_a_while),
	VIRTUAL(a_log_appends_to_the_file_that_is_there),
	VIRTUAL(lines_beyond_the_memory_are_dropped_and_counted),
	VIRTUAL(a_full_half_is_written_at_once),
	VIRTUAL(the_file_is_opened_again_on_demand),
	VIRTUAL(the_old_file_serves_until_the_new_one_can_be_opened),
	VIRTUAL(a_log_is_closed_behind_the_job_in_flight),
	VIRTUAL(a_line_that_was_cut_is_ended),
	VIRTUAL(a_log_that_ends_with_its_loop_writes_its_lines),
	VIRTUAL(a_job_that_ends_with_its_loop_writes_its_lines),
	VIRTUAL(lines_for_a_reader_are_not_written_by_the_loop),
	VIRTUAL(a_log_that_cannot_be_opened_is_an_error),
	VIRTUAL(options_are_checked),
	VIRTUAL(a_log_is_reopened_from_any_thread),
};

FIXTURE_MAIN(tests)
