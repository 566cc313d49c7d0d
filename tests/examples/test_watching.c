/*
 * The examples that watch files: each line that they print is waited for, so
 * that nothing depends on time.
 */
#include "program.h"

#include <sys/stat.h>

static FILE *stream;

static void start_watching(const char *program, const char *options,
			   const char *name)
{
	char arguments[256];
	char line[64];

	need_signals();
	need_poller();
	snprintf(arguments, sizeof(arguments), "%s %s", options, path_of(name));
	stream = start("echo $$; exec", program, arguments);
	output[0] = '\0';
	assert_non_null(fgets(line, sizeof(line), stream));
	server_pid = (pid_t)atol(line);
	assert_true(server_pid > 1);
}

/* Read lines up to one that ends so. */
static void until_line(const char *text)
{
	size_t had, size;

	do {
		had = strlen(output);
		if (fgets(output + had, (int)(sizeof(output) - had), stream) ==
		    NULL)
			fail_msg("no \"%s\" in:\n%s", text, output);
		size = strlen(output);
	} while (size - had < strlen(text) ||
		 strcmp(output + size - strlen(text), text) != 0);
}

static void append(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "a");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void move_file(const char *from, const char *to)
{
	char old[128];

	snprintf(old, sizeof(old), "%s", path_of(from));
	assert_int_equal(rename(old, path_of(to)), 0);
}

static void follow_prints_what_is_appended(void **state)
{
	(void)state;
	append("log", "one\n");
	start_watching("follow", "-a", "log");
	until_line("one\n");
	append("log", "two\n");
	until_line("two\n");
	end_server(stream, SIGTERM);
	assert_string_equal(output, "one\ntwo\n");
}

static void follow_follows_rotation_and_truncation(void **state)
{
	(void)state;
	append("log", "one\n");
	start_watching("follow", "-a", "log");
	until_line("one\n");
	move_file("log", "log.1");
	append("log.1", "late\n"); /* by who had it open */
	append("log", "two\n");
	until_line("two\n");
	assert_printed("one\n");
	assert_printed("late\n");
	append("next", "three\n");
	move_file("next", "log");
	until_line("three\n");
	append("log", "four\n");
	until_line("four\n");
	assert_int_equal(truncate(path_of("log"), 0), 0);
	until_line("truncated\n");
	append("log", "five\n");
	until_line("five\n");
	end_server(stream, SIGINT);
}

static void follow_waits_for_its_file(void **state)
{
	(void)state;
	start_watching("follow", "-a", "log");
	append("log", "one\n");
	until_line("one\n");
	end_server(stream, SIGTERM);
}

static void watch_prints_events(void **state)
{
	(void)state;
	start_watching("watch", "", "");
	until_line("ready\n");
	assert_int_equal(mkdir(path_of("a"), 0700), 0);
	append("a/file", "x");
	until_line("created a/\n");
	until_line("created a/file\n");
	assert_int_equal(mkdir(path_of(".git"), 0700), 0);
	append(".git/x", "x");
	assert_int_equal(unlink(path_of("a/file")), 0);
	until_line("removed a/file\n");
	end_server(stream, SIGTERM);
	assert_null(strstr(output, ".git"));
}

static void watch_looks_at_an_interval(void **state)
{
	(void)state;
	start_watching("watch", "-p 0.01", "");
	until_line("ready\n");
	append("file", "x");
	until_line("created file\n");
	append("file", "y");
	until_line("changed file\n");
	end_server(stream, SIGTERM);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(run("", "watch", "/nothing/there"), 1);
	assert_printed("watch: /nothing/there: ");
	assert_int_equal(run("", "follow", ""), 2);
}

#define FILES(test)                                                            \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

static const struct CMUnitTest tests[] = {
	FILES(follow_prints_what_is_appended),
	FILES(follow_follows_rotation_and_truncation),
	FILES(follow_waits_for_its_file),
	FILES(watch_prints_events),
	FILES(watch_looks_at_an_interval),
	FILES(what_cannot_be_watched_is_an_error),
};
FIXTURE_MAIN(tests)
