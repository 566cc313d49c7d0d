/* poller: none */
/*
 * The examples that write a configuration file and that compute checksums.
 */
#include "program.h"

static void shell(const char *form)
{
	char command[1024];

	snprintf(command, sizeof(command), "cd '%s' && { %s; }", directory,
		 form);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static int run_there(const char *program, const char *form)
{
	char arguments[1024];
	char before[128];

	snprintf(before, sizeof(before), "D='%s';", directory);
	snprintf(arguments, sizeof(arguments), "%s", form);
	return run_program(before, program, arguments);
}

static void the_config_is_written(void **state)
{
	(void)state;
	assert_ended_well(run_there("config", "$D/rc color blue"));
	assert_ended_well(run_there("config", "$D/rc size 3"));
	shell("chmod 640 rc && ln -s rc link");
	assert_ended_well(run_there("config", "$D/link color red"));
	shell("printf 'size=3\\ncolor=red\\n' | cmp - rc");
	shell("test -h link && test \"$(ls -l rc | cut -c1-10)\" = -rw-r-----");
	shell("test \"$(ls -A | wc -l)\" = 2");

	assert_int_equal(run_there("config", "$D color red"), 1);
	assert_printed("is a directory");
	assert_int_equal(run_there("config", "$D/rc"), 1);
	assert_printed("usage");
}

/* It is killed at random times. A reader gets the old file or the new one. */
static void a_killed_writer_leaves_a_whole_file(void **state)
{
	(void)state;
	shell("seq -f 'name%g=value' 1 5000 >rc && cp rc first");
	for (int i = 0; i < 12; i++) {
		char after[128];

		snprintf(after, sizeof(after),
			 "$D/rc last %d & sleep 0.00%d; kill -9 $!; wait", i,
			 i);
		(void)run_there("config", after);
		shell("grep -v ^last= rc | cmp - first");
	}
}

static void the_checksums_are_those_of_cksum(void **state)
{
	(void)state;
	need("cksum");
	shell("mkdir -p tree/a/b tree/c; cd tree; : >empty; echo x >a/one; "
	      "head -c 1000000 /dev/urandom >a/b/big; mkfifo pipe; "
	      "ln -s a/one link; for i in $(seq 1 300); do echo $i >c/$i; "
	      "done");
	assert_ended_well(run_there("cksum", "$D/tree >$D/ours"));
	assert_string_equal(output, "");
	shell("find $PWD/tree -type f | xargs cksum | sort >theirs; "
	      "sort ours | cmp - theirs");
	assert_ended_well(run_there("cksum", "$D/tree/a/one >$D/ours"));
	shell("cksum $PWD/tree/a/one | cmp - ours");
	assert_int_equal(run_there("cksum", "$D/none"), 1);
	assert_printed("no such thing");
}

/* script(1) gives it a terminal. */
static void on_a_terminal_there_is_a_bar(void **state)
{
	const char *programs = getenv("ROTA_EXAMPLES_DIR");
	char command[1024];
	FILE *stream;

	(void)state;
	need("script");
#ifndef __linux__
	puts("skip: script takes other arguments");
	skip();
#endif
	shell("mkdir tree; head -c 3000000 /dev/zero >tree/file");
	snprintf(command, sizeof(command),
		 "script -qec '%s/cksum %s/tree >%s/ours' /dev/null",
		 programs != NULL ? programs : "build/examples", directory,
		 directory);
	output[0] = '\0';
	stream = popen(command, "r");
	assert_non_null(stream);
	assert_ended_well(finish(stream));
	assert_printed(" %");
	assert_printed("[");
	shell("cksum $PWD/tree/file | cmp - ours");
}

#define IN_DIRECTORY(test)                                                     \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

static const struct CMUnitTest tests[] = {
	IN_DIRECTORY(the_config_is_written),
	IN_DIRECTORY(a_killed_writer_leaves_a_whole_file),
	IN_DIRECTORY(the_checksums_are_those_of_cksum),
	IN_DIRECTORY(on_a_terminal_there_is_a_bar),
};
FIXTURE_MAIN(tests)
