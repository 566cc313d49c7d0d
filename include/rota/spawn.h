/*
 * rota/spawn.h - how a child process is started: what rota_process_spawn() in
 * rota/process.h takes.
 *
 * A struct of options that is zero, except for its size, the file and the
 * arguments, starts a program as a careful program would do it by hand: its
 * standard streams are /dev/null, it gets no other descriptor, no signal is
 * blocked or ignored, and it has our environment, directory and user.
 */
#ifndef ROTA_SPAWN_H
#define ROTA_SPAWN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_pipe;
struct rota_tty;

/** What one descriptor of the child is. */
enum rota_spawn_stdio_kind {
	ROTA_SPAWN_STDIO_NULL,       /* /dev/null, open to read and write */
	ROTA_SPAWN_STDIO_INHERIT,    /* our descriptor of the same number */
	ROTA_SPAWN_STDIO_DESCRIPTOR, /* our descriptor @fd */
	ROTA_SPAWN_STDIO_CLOSED,     /* not open */
	ROTA_SPAWN_STDIO_PIPE,       /* the other end of @pipe */
	ROTA_SPAWN_STDIO_TERMINAL,   /* the slave whose master is @tty */
};

/** The direction of a ROTA_SPAWN_STDIO_PIPE, seen from the child. */
enum {
	/** The child reads what we write: a pipe, see pipe(7). */
	ROTA_SPAWN_STDIO_READS = 1 << 0,

	/** The child writes, and we read: a pipe. With both flags: a pair of
	 * Unix stream sockets, see socketpair(2). */
	ROTA_SPAWN_STDIO_WRITES = 1 << 1,
};

/**
 * One descriptor of the child.
 *
 * With ROTA_SPAWN_STDIO_PIPE, @pipe is memory of the caller, which
 * rota_process_spawn() initializes as rota_pipe_open() does, on the loop of the
 * process, with our end. The child's end is blocking.
 *
 * With ROTA_SPAWN_STDIO_TERMINAL a pseudo-terminal is made: see pty(7). The
 * child gets the slave, and @tty becomes the master, on the loop of the
 * process. Several descriptors of the child may have the same @tty, and usually
 * 0, 1 and 2 do; the size of the first one counts. The child leads a new
 * session, whose controlling terminal this is, so ROTA_SPAWN_NEW_SESSION and
 * ROTA_SPAWN_SET_TERMINAL need not be set. What is written to @tty is input
 * of the child, as if it was typed; a byte 4 (^D) at the begin of a line is its
 * end. rota_tty_set_size() changes the size of the window. @tty reads all
 * output of the child, and then ROTA_EOF, when the last process that has the
 * slave open has ended. A close of @tty hangs up the terminal: the processes of
 * its session get SIGHUP.
 *
 * Owner:   @fd stays the caller's: it is not closed, and none of its flags
 *          changes, not even for a moment. @pipe and @tty are handles like any
 *          other, and the caller closes them, before or after the child has
 *          ended.
 */
struct rota_spawn_stdio {
	enum rota_spawn_stdio_kind kind;
	unsigned flags; /* ROTA_SPAWN_STDIO_READS and so on */
	int fd;
	uint16_t columns; /* of a terminal; 0: not known */
	uint16_t rows;
	union {
		struct rota_pipe *pipe;
		struct rota_tty *tty;
	};
};

/** Flags for struct rota_spawn_options. */
enum {
	/** The child leads a new session, and a new process group in it. It has
	 * no controlling terminal, so signals of ours do not reach it:
	 * setsid(2). */
	ROTA_SPAWN_NEW_SESSION = 1 << 0,

	/** The child leads a new process group of our session: setpgid(2). */
	ROTA_SPAWN_NEW_GROUP = 1 << 1,

	/** The child's descriptor @terminal becomes the controlling terminal.
	 * Needs ROTA_SPAWN_NEW_SESSION. */
	ROTA_SPAWN_SET_TERMINAL = 1 << 2,

	/** @user becomes the real, effective and saved user. */
	ROTA_SPAWN_SET_USER = 1 << 3,

	/** @group becomes the real, effective and saved group. */
	ROTA_SPAWN_SET_GROUP = 1 << 4,

	/** @groups become the supplementary groups. ROTA_SPAWN_SET_USER and
	 * ROTA_SPAWN_SET_GROUP do the same, because a program that gives up its
	 * user should not keep the groups of that user. */
	ROTA_SPAWN_SET_GROUPS = 1 << 5,

	/** The supplementary groups stay, whatever else is set. */
	ROTA_SPAWN_KEEP_GROUPS = 1 << 6,

	/** @umask becomes the file mode creation mask. */
	ROTA_SPAWN_SET_UMASK = 1 << 7,

	/** The child begins in the cgroup whose directory is open as @cgroup:
	 * see cgroups(7). Linux. */
	ROTA_SPAWN_SET_CGROUP = 1 << 8,

	/** The child and its children never get more privileges by executing a
	 * file: PR_SET_NO_NEW_PRIVS of prctl(2). Linux. */
	ROTA_SPAWN_NO_NEW_PRIVILEGES = 1 << 9,

	/** @file is a path, even if it has no slash. */
	ROTA_SPAWN_NO_SEARCH = 1 << 10,

	/** The child inherits all of our descriptors that are not
	 * close-on-exec. */
	ROTA_SPAWN_KEEP_DESCRIPTORS = 1 << 11,

	/** The signals that the calling thread blocks are blocked in the
	 * child. */
	ROTA_SPAWN_KEEP_MASK = 1 << 12,

	/** The signals that this process ignores are ignored in the child. */
	ROTA_SPAWN_KEEP_IGNORED = 1 << 13,

	/** A close of the process while the child runs kills the child:
	 * SIGKILL, to its process group if it leads one. */
	ROTA_SPAWN_KILL_ON_CLOSE = 1 << 14,
};

/** A limit of resources: see setrlimit(2). */
struct rota_spawn_limit {
	int resource;  /* RLIMIT_NOFILE and so on */
	uint64_t soft; /* UINT64_MAX: no limit */
	uint64_t hard;
};

/** The steps of a start, in their order. A step that the options do not ask
 * for is not made. */
enum rota_spawn_step {
	ROTA_SPAWN_STEP_NONE,        /* nothing has failed */
	ROTA_SPAWN_STEP_OPTIONS,     /* checks of the options */
	ROTA_SPAWN_STEP_PREPARE,     /* memory, and descriptors of ours */
	ROTA_SPAWN_STEP_PIPE,        /* pipes, pseudo-terminals */
	ROTA_SPAWN_STEP_START,       /* clone(2) or fork(2) */
	ROTA_SPAWN_STEP_CGROUP,      /* joining @cgroup */
	ROTA_SPAWN_STEP_SESSION,     /* setsid(2) */
	ROTA_SPAWN_STEP_JOB,         /* setpgid(2) */
	ROTA_SPAWN_STEP_STDIO,       /* the descriptors of @stdio */
	ROTA_SPAWN_STEP_TERMINAL,    /* TIOCSCTTY */
	ROTA_SPAWN_STEP_LIMITS,      /* setrlimit(2) */
	ROTA_SPAWN_STEP_NICE,        /* setpriority(2) */
	ROTA_SPAWN_STEP_AFFINITY,    /* sched_setaffinity(2) */
	ROTA_SPAWN_STEP_GROUPS,      /* setgroups(2) */
	ROTA_SPAWN_STEP_GROUP,       /* setgid(2) */
	ROTA_SPAWN_STEP_USER,        /* setuid(2) */
	ROTA_SPAWN_STEP_DIRECTORY,   /* chdir(2), as the new user */
	ROTA_SPAWN_STEP_PRIVILEGES,  /* PR_SET_NO_NEW_PRIVS */
	ROTA_SPAWN_STEP_DESCRIPTORS, /* closing all others */
	ROTA_SPAWN_STEP_DEATH,       /* PR_SET_PDEATHSIG */
	ROTA_SPAWN_STEP_SIGNALS,     /* dispositions and the mask */
	ROTA_SPAWN_STEP_EXEC,        /* execve(2) */
};

/**
 * How to start a child. Everything that is 0 has its default. A later version
 * may add members at the end.
 *
 * Owner:   the caller. Nothing is used after rota_process_spawn() returns.
 */
struct rota_spawn_options {
	size_t size; /* of this struct */

	/** The program. A name without a slash is looked up in the directories
	 * of the variable PATH of the child's environment; if it has none, in
	 * those of confstr(_CS_PATH). A script needs a first line "#!". */
	const char *file;

	/** The arguments, NULL at the end; the first one is the name of the
	 * program. NULL: @file alone. */
	char *const *argv;

	/** The environment, NULL at the end. NULL: ours. */
	char *const *environment;

	/** The working directory. A relative @file, and relative directories in
	 * PATH, are relative to it. NULL: ours. */
	const char *directory;

	/** The child's descriptors 0, 1 and so on. Of 0 to 2, those that are
	 * not there are /dev/null. */
	const struct rota_spawn_stdio *stdio;

	const unsigned *groups; /* supplementary groups */
	const struct rota_spawn_limit *limits;

	/** The processors that the child may run on, numbered from 0. Linux. */
	const unsigned *processors;

	/** Set to the step that has failed, or to ROTA_SPAWN_STEP_NONE. May be
	 * NULL. */
	enum rota_spawn_step *failed;

	uint32_t flags; /* ROTA_SPAWN_NEW_SESSION and so on */
	uint32_t stdio_count;
	uint32_t group_count;
	uint32_t limit_count;
	uint32_t processor_count; /* 0: those of the calling thread */
	uint32_t user;
	uint32_t group;
	uint32_t umask;
	int32_t nice; /* added to our nice value: see nice(2) */
	int32_t terminal;
	int32_t cgroup;

	/** The process group of our session that the child joins, if this is
	 * not 0. Not with ROTA_SPAWN_NEW_SESSION and ROTA_SPAWN_NEW_GROUP. */
	int32_t process_group;

	/** The signal that the child gets when the thread that has started it
	 * ends, if this is not 0: PR_SET_PDEATHSIG of prctl(2). A child whose
	 * parent is gone already does not execute the program. Linux. */
	int32_t death_signal;

	uint32_t reserved; /* 0 */
};

/**
 * Return the name of a step for messages, such as "setuid", or "unknown".
 *
 * Thread:  any.
 * Owner:   the string is static.
 */
const char *rota_spawn_step_name(enum rota_spawn_step step);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
