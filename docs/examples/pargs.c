/*
 * pargs.c - run a command for the items of the standard input, several at a
 * time: xargs(1) whose output lines never mix.
 *
 *     cc pargs.c $(pkg-config --cflags --libs rota) -o pargs
 *     find . -name '*.png' -print0 | ./pargs -0 -P 4 -n 1 optipng
 *     seq 100 | ./pargs -P 8 -n 10 echo
 *
 *  1. Items end with blanks and newlines, quotes and backslashes protect them;
 *     with -0 they end with a byte 0, and nothing is special.
 *  2. The output of a command is collected, and printed as a whole when it has
 *     ended. So is what it writes to its standard error.
 *  3. Input is not read while enough commands wait.
 *  4. The exit status is that of xargs:
 *         123  a command has ended with a status of 1 to 125
 *         124  a command has ended with 255: no more are started
 *         125  a command was ended by a signal: no more are started
 *         126  the command cannot be run
 *         127  there is no such command
 *         1    another error
 *  5. SIGINT and SIGTERM end what runs, and then the program.
 */
#include <errno.h>
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BYTES_OF_ARGUMENTS = 128 * 1024, /* of one command, as a rule */
	OUTPUT_LIMIT = 1 << 30,
	WAITING = 4, /* batches; more are not read ahead */
};

/* A command with its items, from its first item to its end. */
struct batch {
	struct rota_command command;
	struct batch *next; /* of those that wait */
	char **argv;        /* the command's own arguments, then the items */
	size_t count;
	size_t capacity;
	size_t bytes; /* of the items */
};

struct pargs {
	struct rota_loop *loop;
	struct rota_stdio input;
	struct rota_signal ends[2];
	char **argv; /* of the command */
	size_t argc;
	size_t items_most; /* of one command; 0: no limit */
	size_t running_most;
	int is_zero; /* -0 */
	int skips_empty;

	char *item; /* the one that is being read */
	size_t item_size;
	size_t item_capacity;
	int in_item;
	char quote; /* the open quote, or a backslash, or 0 */

	struct batch *open;         /* gets the next item, or NULL */
	struct batch *first, *last; /* those that wait */
	struct batch **running;     /* running_most of them, or NULL */
	size_t waiting, running_count;
	int had_any;
	int input_ended;
	int stops; /* no more are started */
	int status;
};

static struct pargs pargs = { .items_most = 0, .running_most = 1 };

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "pargs: %s: %s\n", what, why);
}

static void must(const char *what, int error)
{
	if (error >= 0)
		return;
	fail(what, rota_error_text(error));
	exit(1);
}

static void *grow(void *memory, size_t size)
{
	memory = realloc(memory, size);
	if (memory == NULL)
		must("memory", ROTA_ENOMEM);
	return memory;
}

static void free_batch(struct batch *batch)
{
	for (size_t i = pargs.argc; i < batch->count; i++)
		free(batch->argv[i]);
	free(batch->argv);
	free(batch);
}

static void append_argument(struct batch *batch, char *argument)
{
	if (batch->count + 1 >= batch->capacity) {
		batch->capacity = 2 * batch->capacity + pargs.argc + 8;
		batch->argv = grow(batch->argv,
				   batch->capacity * sizeof(*batch->argv));
	}
	batch->argv[batch->count++] = argument;
	batch->argv[batch->count] = NULL;
}

static void open_batch(void)
{
	struct batch *batch = grow(NULL, sizeof(*batch));

	memset(batch, 0, sizeof(*batch));
	for (size_t i = 0; i < pargs.argc; i++)
		append_argument(batch, pargs.argv[i]);
	pargs.open = batch;
	pargs.had_any = 1;
}

/* The open batch is complete: let it wait for its turn. */
static void close_batch(void)
{
	struct batch *batch = pargs.open;

	pargs.open = NULL;
	if (batch == NULL)
		return;
	if (pargs.first == NULL)
		pargs.first = batch;
	else
		pargs.last->next = batch;
	pargs.last = batch;
	pargs.waiting++;
}

static void take_item(void)
{
	size_t size = pargs.item_size + 1;
	char *item = grow(NULL, size);

	if (pargs.item_size > 0)
		memcpy(item, pargs.item, pargs.item_size);
	item[pargs.item_size] = '\0';
	pargs.item_size = 0;
	pargs.in_item = 0;
	if (pargs.open != NULL && pargs.open->bytes + size > BYTES_OF_ARGUMENTS)
		close_batch();
	if (pargs.open == NULL)
		open_batch();
	append_argument(pargs.open, item);
	pargs.open->bytes += size;
	if (pargs.items_most > 0 &&
	    pargs.open->count - pargs.argc == pargs.items_most)
		close_batch();
}

static void add_byte(char byte)
{
	if (pargs.item_size == pargs.item_capacity) {
		pargs.item_capacity = 2 * pargs.item_capacity + 64;
		pargs.item = grow(pargs.item, pargs.item_capacity);
	}
	pargs.item[pargs.item_size++] = byte;
	pargs.in_item = 1;
}

static void end_with(int status)
{
	if (status > pargs.status)
		pargs.status = status;
}

/* Start no more commands: those that run may end. */
static void stop(int status)
{
	struct batch *batch;

	end_with(status);
	pargs.stops = 1;
	while ((batch = pargs.first) != NULL) {
		pargs.first = batch->next;
		free_batch(batch);
	}
	pargs.waiting = 0;
	if (!pargs.input_ended)
		rota_stream_read_stop(&pargs.input.stream);
	pargs.input_ended = 1;
}

/* (1) */
static void take_byte(char byte)
{
	if (pargs.is_zero) {
		if (byte == '\0')
			take_item();
		else
			add_byte(byte);
	} else if (pargs.quote == '\\') {
		pargs.quote = 0;
		add_byte(byte);
	} else if (pargs.quote != 0) {
		if (byte == '\n') {
			fail("input", "a quote is not closed in its line");
			stop(1);
		} else if (byte == pargs.quote) {
			pargs.quote = 0;
		} else {
			add_byte(byte);
		}
	} else if (byte == '\\' || byte == '\'' || byte == '"') {
		pargs.quote = byte;
		pargs.in_item = 1;
	} else if (byte == ' ' || byte == '\t' || byte == '\n') {
		if (pargs.in_item)
			take_item();
	} else {
		add_byte(byte);
	}
}

static void print(FILE *to, const struct rota_buf *bytes)
{
	if (fwrite(bytes->data, 1, bytes->size, to) == bytes->size &&
	    fflush(to) == 0)
		return;
	if (!pargs.stops && to == stdout)
		fail("output", strerror(errno));
	if (to == stdout)
		stop(1);
}

/* (4) */
static void note_exit(const struct batch *batch)
{
	const struct rota_exit *exit = &batch->command.exit;
	char text[ROTA_EXIT_TEXT_SIZE];

	rota_exit_text(exit, text, sizeof(text));
	if (exit->signal != 0) {
		fprintf(stderr, "pargs: %s: %s\n", batch->argv[0], text);
		stop(125);
	} else if (exit->code == 255) {
		fprintf(stderr, "pargs: %s: %s: it stops\n", batch->argv[0],
			text);
		stop(124);
	} else if (exit->code != 0) {
		end_with(123);
	}
}

static void go_on(void);

static void on_command(struct rota_command *command, int status)
{
	struct batch *batch = rota_container_of(command, struct batch, command);

	for (size_t i = 0; i < pargs.running_most; i++)
		if (pargs.running[i] == batch)
			pargs.running[i] = NULL;
	pargs.running_count--;
	print(stdout, &command->output); /* (2) */
	print(stderr, &command->errors);
	if (status == ROTA_ECANCELED) {
		end_with(1);
	} else if (status < 0) {
		fail(batch->argv[0], rota_error_text(status));
		stop(1);
	} else {
		note_exit(batch);
	}
	rota_command_free(command);
	free_batch(batch);
	go_on();
}

static void start(struct batch *batch)
{
	const struct rota_command_options options = {
		.size = sizeof(options),
		.argv = (const char *const *)batch->argv,
		.output_limit = OUTPUT_LIMIT,
		.errors_limit = OUTPUT_LIMIT,
	};
	int error = rota_command_run(&batch->command, pargs.loop, &options,
				     on_command);
	size_t i = 0;

	if (error < 0) {
		fail(batch->argv[0], rota_error_text(error));
		free_batch(batch);
		stop(error == ROTA_ENOENT ? 127 : 126);
		return;
	}
	while (pargs.running[i] != NULL)
		i++;
	pargs.running[i] = batch;
	pargs.running_count++;
}

static void on_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf);

/* Start what may start; read if little waits; or end. (3) */
static void go_on(void)
{
	while (pargs.first != NULL &&
	       pargs.running_count < pargs.running_most) {
		struct batch *batch = pargs.first;

		pargs.first = batch->next;
		batch->next = NULL;
		pargs.waiting--;
		start(batch);
	}
	if (!pargs.input_ended && pargs.waiting < WAITING)
		rota_stream_read_start(&pargs.input.stream, on_input);
	else if (!pargs.input_ended)
		rota_stream_read_stop(&pargs.input.stream);
	if (pargs.input_ended && pargs.running_count == 0)
		rota_loop_stop(pargs.loop);
}

static void end_input(int status)
{
	pargs.input_ended = 1;
	if (status != ROTA_EOF) {
		fail("input", rota_error_text(status));
		end_with(1);
	} else if (pargs.quote != 0 && pargs.quote != '\\') {
		fail("input", "a quote is not closed");
		stop(1);
		return;
	}
	if (pargs.in_item)
		take_item();
	if (!pargs.had_any && !pargs.skips_empty)
		open_batch();
	close_batch();
}

static void on_input(struct rota_stream *stream, int status,
		     const struct rota_buf *buf)
{
	(void)stream;
	if (status < 0)
		end_input(status);
	for (size_t i = 0; i < buf->size && !pargs.stops; i++)
		take_byte(buf->data[i]);
	go_on();
}

/* (5) */
static void on_end(struct rota_signal *signal, uint32_t count)
{
	(void)signal;
	(void)count;
	stop(1);
	for (size_t i = 0; i < pargs.running_most; i++)
		if (pargs.running[i] != NULL)
			rota_request_cancel(&pargs.running[i]->command.request);
	go_on();
}

static void usage(void)
{
	fputs("usage: pargs [-0r] [-n ITEMS] [-P COMMANDS] "
	      "[COMMAND [ARGUMENT...]]\n"
	      "  -0  items end with a byte 0\n"
	      "  -n  at most so many items for a command\n"
	      "  -P  run so many commands at a time\n"
	      "  -r  without items, run nothing\n",
	      stderr);
	exit(1);
}

static size_t number_of(const char *text, char option)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || number == 0 ||
	    number > 10000) {
		fprintf(stderr,
			"pargs: -%c takes a number from 1 to 10000, "
			"not \"%s\"\n",
			option, text);
		usage();
	}
	return number;
}

static void take_options(int argc, char **argv)
{
	static char name[] = "echo";
	static char *echo[] = { name, NULL };
	int option;

	/* The command has options of its own, which begin with it. */
	while ((option = getopt(argc, argv, "+0rn:P:")) != -1) {
		if (option == '0')
			pargs.is_zero = 1;
		else if (option == 'r')
			pargs.skips_empty = 1;
		else if (option == 'n')
			pargs.items_most = number_of(optarg, 'n');
		else if (option == 'P')
			pargs.running_most = number_of(optarg, 'P');
		else
			usage();
	}
	pargs.argv = optind < argc ? argv + optind : echo;
	while (pargs.argv[pargs.argc] != NULL)
		pargs.argc++;
}

static void watch(struct rota_signal *signal, int number)
{
	must("signal", rota_signal_init(signal, pargs.loop));
	rota_handle_unref(&signal->handle);
	must("signal", rota_signal_start_once(signal, on_end, number));
}

int main(int argc, char **argv)
{
	take_options(argc, argv);
	pargs.running = calloc(pargs.running_most, sizeof(*pargs.running));
	if (pargs.running == NULL)
		must("memory", ROTA_ENOMEM);
	signal(SIGPIPE, SIG_IGN);
	must("loop", rota_loop_new(&pargs.loop, NULL));
	must("input", rota_stdio_open(&pargs.input, pargs.loop, STDIN_FILENO));
	watch(&pargs.ends[0], SIGINT);
	watch(&pargs.ends[1], SIGTERM);
	must("input", rota_stream_read_start(&pargs.input.stream, on_input));
	must("loop", rota_loop_run(pargs.loop, ROTA_RUN_DEFAULT));
	must("loop", rota_loop_shutdown(pargs.loop, UINT64_MAX));
	if (pargs.open != NULL)
		free_batch(pargs.open);
	free(pargs.item);
	free(pargs.running);
	return pargs.status;
}
