/*
 * supervise.c - keep a list of commands running.
 *
 *     cc supervise.c $(pkg-config --cflags --libs rota) -o supervise
 *     ./supervise 'web: ./server 8080' 'worker: ./worker -v'
 *     ./supervise -f commands
 *
 * The file has lines as the arguments above; those that are empty or begin with
 * # do not count. The commands are run by /bin/sh.
 *
 *  1. Each line of output has the name of its command before it. What a command
 *     writes to its standard error goes to ours. The pipes for that stay while
 *     the command is started again and again.
 *  2. A command that fails, by its exit status or by a signal, is started
 *     again: after 100 ms, and each further time after twice as long, up to the
 *     limit of -b. One that has run for that long has recovered, and begins
 *     with 100 ms again. One that ends with 0 is done.
 *  3. SIGINT and SIGTERM end all, in the reverse order, each after the one
 *     before: SIGTERM, and after the grace of -g SIGKILL. That goes to the
 *     process group of the command. A second signal kills all at once.
 *  4. SIGUSR1 and SIGUSR2 are passed on. SIGHUP reads the file again: commands
 *     that are new are started, those that are gone are ended, and those that
 *     have changed are ended and started.
 *  5. The exit status is 0 if all commands are done, or were ended by a signal
 *     to this program; 1 if one was given up: it has failed more often in a row
 *     than -r allows.
 */
#include <errno.h>
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_DELAY_MS = 100, LAST_OUTPUT_MS = 500, SIGNALS = 5 };

/* Lines that a command writes. (1) */
struct output {
	struct rota_pipe pipe;
	struct rota_framer framer;
	struct command *command;
	FILE *to;
	int fd; /* for the command */
};

struct command {
	struct command *next, *previous;
	char *name;
	char *line;
	char *new_line; /* for the next start; or NULL */
	struct rota_process process;
	struct output outputs[2];
	struct rota_timer timer; /* the next start, or the end of the grace */
	uint64_t started_ns;
	unsigned failures; /* in a row */
	int is_done;       /* neither runs nor waits for its next start */
	int is_ending;     /* it was sent SIGTERM */
	int is_gone;       /* from the file */
	int is_listed;     /* in the file that is being read */
	int handles;       /* that are open */
};

static struct {
	struct rota_loop *loop;
	struct rota_signal signals[SIGNALS];
	struct rota_timer last_output;
	struct command *first, *last;
	const char *file;
	uint64_t grace_ns, longest_ns;
	unsigned failures_most; /* 0: no limit */
	int ends;               /* signals to end */
	int is_over;
	int status;
} all = { .grace_ns = ROTA_SEC(5), .longest_ns = ROTA_SEC(10) };

static void report(const char *name, const char *what)
{
	fprintf(stderr, "supervise: %s: %s\n", name, what);
}

static void must(const char *what, int error)
{
	if (error >= 0)
		return;
	report(what, rota_error_text(error));
	exit(1);
}

static char *copy_of(const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy == NULL)
		must("memory", ROTA_ENOMEM);
	memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

static int is_running(const struct command *command)
{
	return rota_handle_is_active(&command->process.handle);
}

/* The last handle of a command has closed. */
static void free_command(struct command *command)
{
	*(command->previous != NULL ? &command->previous->next : &all.first) =
		command->next;
	*(command->next != NULL ? &command->next->previous : &all.last) =
		command->previous;
	free(command->name);
	free(command->line);
	free(command->new_line);
	free(command);
}

static void on_closed(struct rota_handle *handle)
{
	struct command *command = handle->data;

	if (--command->handles == 0)
		free_command(command);
}

/* Let a command go that is done. Its output is read to the end, which comes
 * when nobody has the pipes any more. */
static void close_command(struct command *command)
{
	rota_handle_close(&command->process.handle, on_closed);
	for (int i = 0; i < 2; i++) {
		rota_handle_ref(&command->outputs[i].pipe.handle);
		close(command->outputs[i].fd);
	}
}

static void on_last_output(struct rota_timer *timer)
{
	(void)timer;
	for (struct command *at = all.first; at != NULL; at = at->next)
		for (int i = 0; i < 2; i++)
			rota_handle_close(&at->outputs[i].pipe.handle,
					  on_closed);
}

/* If all commands are done, close everything: the loop ends. */
static void finish_if_done(void)
{
	if (all.is_over)
		return;
	for (const struct command *at = all.first; at != NULL; at = at->next)
		if (!at->is_done)
			return;
	all.is_over = 1;
	for (int i = 0; i < SIGNALS; i++)
		rota_handle_close(&all.signals[i].handle, NULL);
	for (struct command *at = all.first; at != NULL; at = at->next)
		if (!at->is_gone)
			close_command(at);
	rota_timer_unref(&all.last_output);
	must("timer", rota_timer_start(&all.last_output, on_last_output,
				       ROTA_MSEC(LAST_OUTPUT_MS)));
}

/* (1) */
static void on_line(struct rota_framer *framer, int status,
		    const struct rota_record *line)
{
	struct output *output = framer->data;

	if (status == 0) {
		fprintf(output->to, "%s | %.*s\n", output->command->name,
			(int)line->size, line->data);
		fflush(output->to);
		return;
	}
	if (status != ROTA_EOF)
		report(output->command->name, rota_error_text(status));
	rota_handle_close(&output->pipe.handle, on_closed);
}

static void start(struct command *command);

static void on_start_timer(struct rota_timer *timer)
{
	start(rota_container_of(timer, struct command, timer));
}

/* (2) */
static void start_later(struct command *command)
{
	uint64_t delay_ns = ROTA_MSEC(FIRST_DELAY_MS);
	char text[64];

	if (rota_loop_now(all.loop) - command->started_ns >= all.longest_ns)
		command->failures = 0;
	command->failures++;
	if (all.failures_most > 0 && command->failures > all.failures_most) {
		report(command->name, "given up");
		command->is_done = 1;
		all.status = 1;
		return;
	}
	for (unsigned i = 1; i < command->failures && delay_ns < all.longest_ns;
	     i++)
		delay_ns *= 2;
	if (delay_ns > all.longest_ns)
		delay_ns = all.longest_ns;
	snprintf(text, sizeof(text), "starts again in %.1f s",
		 (double)delay_ns / 1e9);
	report(command->name, text);
	must("timer",
	     rota_timer_start(&command->timer, on_start_timer, delay_ns));
}

static void on_grace_timer(struct rota_timer *timer)
{
	struct command *command =
		rota_container_of(timer, struct command, timer);

	report(command->name, "is killed");
	rota_process_kill_group(&command->process, SIGKILL);
}

/* (3) */
static void end_command(struct command *command)
{
	command->is_ending = 1;
	rota_process_kill_group(&command->process, SIGTERM);
	must("timer",
	     rota_timer_start(&command->timer, on_grace_timer, all.grace_ns));
}

/* End the last command that is there. When it has ended, this goes on. (3) */
static void end_next(void)
{
	for (struct command *at = all.last; at != NULL; at = at->previous) {
		if (is_running(at)) {
			if (!at->is_ending)
				end_command(at);
			return;
		}
		rota_timer_stop(&at->timer);
		at->is_done = 1;
	}
	finish_if_done();
}

static void describe(const struct command *command,
		     const struct rota_exit *exit)
{
	char text[ROTA_EXIT_TEXT_SIZE];

	rota_exit_text(exit, text, sizeof(text));
	report(command->name, text);
}

/* What a command that has ended does next. */
static void go_on(struct command *command, int failed)
{
	if (all.ends > 0) {
		command->is_done = 1;
		end_next();
	} else if (command->is_gone) {
		command->is_done = 1;
		close_command(command);
	} else if (command->new_line != NULL) {
		free(command->line);
		command->line = command->new_line;
		command->new_line = NULL;
		command->failures = 0;
		start(command);
	} else if (failed) {
		start_later(command);
	} else {
		command->is_done = 1;
	}
	finish_if_done();
}

static void on_ended(struct rota_process *process, const struct rota_exit *exit)
{
	struct command *command = process->handle.data;

	describe(command, exit);
	rota_timer_stop(&command->timer);
	/* What it has started, and what has not ended with it. */
	if (command->is_ending)
		rota_process_kill_group(process, SIGKILL);
	command->is_ending = 0;
	go_on(command, exit->signal != 0 || exit->code != 0);
}

static void start(struct command *command)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, command->line,
			 NULL };
	const struct rota_spawn_stdio stdio[3] = {
		[1] = { .kind = ROTA_SPAWN_STDIO_DESCRIPTOR,
			.fd = command->outputs[0].fd },
		[2] = { .kind = ROTA_SPAWN_STDIO_DESCRIPTOR,
			.fd = command->outputs[1].fd },
	};
	enum rota_spawn_step step;
	const struct rota_spawn_options options = {
		.size = sizeof(options),
		.file = "/bin/sh",
		.argv = argv,
		.stdio = stdio,
		.stdio_count = 3,
		.flags = ROTA_SPAWN_NEW_GROUP,
		.failed = &step,
	};
	int error = rota_process_spawn(&command->process, &options, on_ended);

	command->is_done = 0;
	command->started_ns = rota_loop_now(all.loop);
	if (error == 0)
		return;
	fprintf(stderr, "supervise: %s: %s: %s\n", command->name,
		rota_spawn_step_name(step), rota_error_text(error));
	start_later(command);
}

static void open_output(struct output *output, struct command *command,
			FILE *to)
{
	struct rota_frame_options options;
	int fds[2];

	rota_frame_options_init(&options, ROTA_FRAME_LINE);
	must("pipe", rota_pipe_anonymous(fds, 0));
	must("pipe", rota_pipe_open(&output->pipe, all.loop, fds[0]));
	output->fd = fds[1];
	output->command = command;
	output->to = to;
	output->pipe.handle.data = command;
	output->framer.data = output;
	must("pipe", rota_frame_start(&output->framer, &output->pipe.stream,
				      &options, on_line));
	/* The commands keep the program alive, not what they may write. */
	rota_handle_unref(&output->pipe.handle);
}

static struct command *add_command(const char *name, size_t size,
				   const char *line)
{
	struct command *command = calloc(1, sizeof(*command));

	if (command == NULL)
		must("memory", ROTA_ENOMEM);
	command->name = copy_of(name, size);
	command->line = copy_of(line, strlen(line));
	command->is_done = 1;
	command->handles = 3;
	must("process", rota_process_init(&command->process, all.loop));
	command->process.handle.data = command;
	rota_timer_init(&command->timer, all.loop);
	open_output(&command->outputs[0], command, stdout);
	open_output(&command->outputs[1], command, stderr);
	command->previous = all.last;
	*(all.last != NULL ? &all.last->next : &all.first) = command;
	all.last = command;
	return command;
}

static struct command *find_command(const char *name, size_t size)
{
	for (struct command *at = all.first; at != NULL; at = at->next)
		if (!at->is_gone && strncmp(at->name, name, size) == 0 &&
		    at->name[size] == '\0')
			return at;
	return NULL;
}

/* Take "name: command". Returns whether it is one. */
static int take_line(const char *text)
{
	const char *colon = strchr(text, ':');
	size_t size = colon != NULL ? (size_t)(colon - text) : 0;
	struct command *command;

	if (size == 0 || strcspn(text, " \t") < size) {
		report(text, "is no \"name: command\"");
		return 0;
	}
	colon += 1 + strspn(colon + 1, " \t");
	command = find_command(text, size);
	if (command != NULL && command->is_listed) {
		report(command->name, "there are two of this name");
		return 0;
	}
	if (command == NULL) {
		command = add_command(text, size, colon);
	} else if (strcmp(command->line, colon) != 0) {
		free(command->new_line);
		command->new_line = copy_of(colon, strlen(colon));
	}
	command->is_listed = 1;
	return 1;
}

/* Returns whether all lines are right. */
static int read_file(void)
{
	FILE *file = fopen(all.file, "r");
	int all_right = 1;
	char line[4096];

	if (file == NULL) {
		report(all.file, strerror(errno));
		return 0;
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			all_right &= take_line(line);
	}
	if (ferror(file)) {
		report(all.file, strerror(errno));
		all_right = 0;
	}
	fclose(file);
	return all_right;
}

/* (4) */
static void reload(void)
{
	struct command *next;
	int all_right;

	if (all.file == NULL || all.ends > 0)
		return;
	for (struct command *at = all.first; at != NULL; at = at->next)
		at->is_listed = 0;
	all_right = read_file();
	for (struct command *at = all.first; at != NULL; at = next) {
		int is_new = at->is_done && at->started_ns == 0;

		next = at->next;
		if (at->is_gone)
			continue;
		/* A file that is wrong ends nothing. */
		at->is_gone = !at->is_listed && all_right;
		if (is_running(at)) {
			if (at->is_gone || at->new_line != NULL)
				end_command(at);
			continue;
		}
		rota_timer_stop(&at->timer);
		if (is_new)
			start(at);
		else if (at->is_gone || at->new_line != NULL || !at->is_done)
			go_on(at, 1);
	}
	finish_if_done();
}

static void pass_on(int number)
{
	for (struct command *at = all.first; at != NULL; at = at->next)
		if (is_running(at))
			rota_process_kill_group(&at->process, number);
}

static void on_signal(struct rota_signal *signal, uint32_t count)
{
	int number = rota_signal_number(signal);

	(void)count;
	if (number == SIGHUP) {
		reload();
	} else if (number == SIGUSR1 || number == SIGUSR2) {
		pass_on(number);
	} else if (all.ends++ == 0) {
		report("all", "end");
		end_next();
	} else {
		pass_on(SIGKILL);
	}
}

static void watch_signals(void)
{
	static const int numbers[SIGNALS] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1,
					      SIGUSR2 };

	for (int i = 0; i < SIGNALS; i++) {
		must("signal", rota_signal_init(&all.signals[i], all.loop));
		must("signal",
		     rota_signal_start(&all.signals[i], on_signal, numbers[i]));
	}
}

static void usage(void)
{
	fputs("usage: supervise [OPTION...] [-f FILE] ['NAME: COMMAND'...]\n"
	      "  -f  a file with such lines; SIGHUP reads it again\n"
	      "  -g  seconds from SIGTERM to SIGKILL: 5\n"
	      "  -b  the most seconds until a command starts again: 10\n"
	      "  -r  how often a command may fail in a row: no limit\n",
	      stderr);
	exit(2);
}

static double number_of(const char *text)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end != '\0' || !(number >= 0) || number > 1e6) {
		report(text, "is no number from 0 to 1000000");
		usage();
	}
	return number;
}

static void take_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "f:g:b:r:")) != -1) {
		if (option == 'f')
			all.file = optarg;
		else if (option == 'g')
			all.grace_ns = (uint64_t)(number_of(optarg) * 1e9);
		else if (option == 'b')
			all.longest_ns = (uint64_t)(number_of(optarg) * 1e9);
		else if (option == 'r')
			all.failures_most = (unsigned)number_of(optarg);
		else
			usage();
	}
	if (optind == argc && all.file == NULL)
		usage();
}

int main(int argc, char **argv)
{
	int all_right = 1;

	take_options(argc, argv);
	must("loop", rota_loop_new(&all.loop, NULL));
	rota_timer_init(&all.last_output, all.loop);
	for (int i = optind; i < argc; i++)
		all_right &= take_line(argv[i]);
	if (all.file != NULL)
		all_right &= read_file();
	if (!all_right)
		return 2;
	if (all.first == NULL) {
		report(all.file, "has no commands");
		return 2;
	}
	watch_signals();
	for (struct command *at = all.first; at != NULL; at = at->next)
		start(at);
	must("loop", rota_loop_run(all.loop, ROTA_RUN_DEFAULT));
	must("loop", rota_loop_shutdown(all.loop, UINT64_MAX));
	return all.status;
}
