/*
 * rota/command.h - run a command: give it input, collect its output, and get
 * its exit, in one call.
 *
 *     static const char *const argv[] = { "sort", "-u", NULL };
 *     struct rota_command_options options = {
 *             .size = sizeof(options),
 *             .argv = argv,
 *             .input = rota_bytes(lines, size),
 *             .timeout_ns = ROTA_SEC(10),
 *     };
 *     rota_command_run(&command, loop, &options, on_sorted);
 */
#ifndef ROTA_COMMAND_H
#define ROTA_COMMAND_H

#include "rota/buf.h"
#include "rota/process.h"
#include "rota/request.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_command;
struct rotai_command;

/**
 * Called when the command has ended, and the output as well. @status is 0 if
 * that was by itself, whatever its exit code is: see command->exit. Otherwise
 * it is the reason for which the command was ended before:
 *
 * ROTA_ETIMEDOUT  the time was over: timeout_ns, or a deadline of the request
 * ROTA_ECANCELED  the request was cancelled, or the loop is shutting down
 * ROTA_E2BIG      there was more output than the limit
 * ROTA_ENOMEM     there was no memory for the output
 * Others          what read(2) or write(2) reports
 *
 * In all these cases the output that came is there, and the exit, unless
 * exit.error says that it is not known.
 *
 * Phase:   pending. The callback may start the command again.
 * Thread:  the loop's.
 * Owner:   command->output and command->errors are the caller's, who gives them
 *          back by rota_command_free(), here or later, before @command is
 *          started again or freed.
 */
typedef void rota_command_fn(struct rota_command *command, int status);

/** Flags of struct rota_command. */
enum {
	/** The command has written more than the limit to its output, or to its
	 * errors, and the rest was dropped. */
	ROTA_COMMAND_OUTPUT_CUT = 1 << 0,
	ROTA_COMMAND_ERRORS_CUT = 1 << 1,

	/** When the command had ended, other processes still had its output
	 * open, and linger_ns has passed. What they write from then on is not
	 * read. */
	ROTA_COMMAND_OUTPUT_HELD = 1 << 2,
};

/**
 * A request to run a command. It needs no initialization.
 *
 * Owner:   as struct rota_request; and see rota_command_fn
 */
struct rota_command {
	struct rota_request request;

	/** How the command has ended. */
	struct rota_exit exit;

	/** What it has written to its descriptors 1 and 2. Behind it is a byte
	 * 0 that does not count, also if it is empty. */
	struct rota_buf output;
	struct rota_buf errors;

	uint32_t flags; /* ROTA_COMMAND_OUTPUT_CUT and so on */
	struct {
		rota_command_fn *fn;
		struct rotai_command *run; /* while it runs */
	} internal; /* private to the library: do not read or write */
};

/** Flags of struct rota_command_options. */
enum {
	/** What the command writes to descriptor 2 is collected in output, in
	 * the order in which it was written. errors stays empty. */
	ROTA_COMMAND_JOIN = 1 << 0,

	/** Drop the output beyond a limit. Otherwise the command is ended with
	 * ROTA_E2BIG. */
	ROTA_COMMAND_DROP = 1 << 1,

	/** End the command by SIGKILL at once, without SIGTERM before. */
	ROTA_COMMAND_KILL = 1 << 2,
};

/** Defaults. */
enum {
	ROTA_COMMAND_LIMIT = 1 << 20,  /* bytes of output */
	ROTA_COMMAND_GRACE_MS = 2000,  /* between SIGTERM and SIGKILL */
	ROTA_COMMAND_LINGER_MS = 1000, /* for output after the end */
};

/**
 * How to run a command. Everything that is 0 has its default. A later version
 * may add members at the end.
 *
 * Owner:   the caller. Nothing but the bytes of @input is used after
 *          rota_command_run() returns.
 */
struct rota_command_options {
	size_t size; /* of this struct */

	/** The program and its arguments, NULL at the end. The program is
	 * looked up in PATH: see struct rota_spawn_options. NULL: those of
	 * @spawn. */
	const char *const *argv;

	/** Everything else about the start, or NULL. The members process_group
	 * and the flag ROTA_SPAWN_NEW_GROUP need not be set: the command always
	 * leads a process group, or a session if that is asked for. Of stdio,
	 * an entry of 0 to 2 that is not ROTA_SPAWN_STDIO_NULL is used as it
	 * is, instead of the input, the output or the errors. */
	const struct rota_spawn_options *spawn;

	/** Set to the step of the start that has failed, or to
	 * ROTA_SPAWN_STEP_NONE: for a message, see rota_spawn_step_name().
	 * NULL: that of @spawn. */
	enum rota_spawn_step *failed;

	/** What the command reads from its descriptor 0. If it is empty, that
	 * is /dev/null. A command that does not read all of it is no error. */
	struct rota_const_buf input;

	size_t output_limit; /* bytes; 0: ROTA_COMMAND_LIMIT */
	size_t errors_limit;

	uint64_t timeout_ns; /* from the start; 0: none */

	/** How long the processes of the command have to end after SIGTERM,
	 * before they get SIGKILL. 0: ROTA_COMMAND_GRACE_MS. */
	uint64_t grace_ns;

	/** How long output is read after the end of the command, if other
	 * processes have it open. 0: ROTA_COMMAND_LINGER_MS. */
	uint64_t linger_ns;

	uint32_t flags;    /* ROTA_COMMAND_JOIN and so on */
	uint32_t reserved; /* 0 */
};

/**
 * Run a command, and call @fn when it has ended. The program is started in this
 * call, which is why a program that does not exist is an error of this call.
 * Input is written and output is read at the same time, so neither side waits
 * for the other. Returns 0.
 *
 * A command that is ended, by its time, by rota_request_cancel() or by too much
 * output, gets SIGTERM, and SIGKILL after grace_ns: not only the process itself
 * but its process group, that is, all that it has started, except for what has
 * left the group. When the process and its output have ended, what is left of
 * the group gets SIGKILL at once. @fn is called when the process has ended. If
 * the command ends by itself, nothing is done to processes that it leaves.
 *
 * If the loop shuts down, the group gets SIGKILL.
 *
 * Phase:   @fn runs in the pending phase.
 * Thread:  the loop's.
 * Owner:   the caller keeps @command and the bytes of the input alive and in
 *          place until @fn is called.
 * Errors:  ROTA_EINVAL    @command, @options, or @fn is NULL; there is no
 *                         program; an option is not valid
 *          Others         as rota_process_spawn()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_command_run(struct rota_command *command, struct rota_loop *loop,
		     const struct rota_command_options *options,
		     rota_command_fn *fn);

/**
 * Free the output and the errors of @command. Both are empty afterwards. If
 * they were freed already, or if @command is all zero, do nothing. The loop may
 * have been closed.
 *
 * Thread:  any, but not while @command runs.
 */
void rota_command_free(struct rota_command *command);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
