/*
 * io/tty_mode.c - the modes of terminals, for the whole process.
 *
 *  1. The table has an entry for each terminal whose mode was changed. An entry
 *     has a descriptor of its own, so it does not depend on which of the
 *     handles of that terminal closes first. The entry ends, and the terminal
 *     is restored, when the last of them closes or sets the mode back.
 *  2. rota_tty_reset() runs in signal handlers. It takes no lock. It finds the
 *     entries of this process by their owner, which is stored last. Resets that
 *     have begun are counted, and an entry that ends is first hidden, and then
 *     waits for them, before its descriptor is closed. A reset that interrupts
 *     the waiting thread returns before that thread goes on.
 *  3. An entry belongs to the process that has changed the mode, by the
 *     generation of its forks. A forked child does not restore the terminal of
 *     its parent, whether it exits or closes its handles. If it sets a mode
 *     itself, it takes the entry over, with what was saved.
 *  4. tcsetattr(3) raises SIGTTOU in a process of the background, which stops
 *     it. If the signal is blocked, the call succeeds, and changes the terminal
 *     under the job in the foreground. Neither is wanted. So the group is
 *     compared first, and the signal is blocked in case that it has changed
 *     since then.
 *  5. TCSANOW: to wait until all output has left may take forever (^S).
 */
#include "io/tty_mode.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/shared.h"
#include "base/thread.h"
#include "base/tty.h"
#include "rota/error.h"

enum { TERMINALS = 64 };

struct terminal {
	int fd; /* (1) */
	int is_controlling;
	int has_number;
	int is_suspended; /* restored for a stop, and not set again yet */
	uint64_t number;  /* if has_number: tty.h */
	struct termios original;
	struct termios current;
};

struct entry {
	uint32_t owner; /* atomic: 0: free; else 1 + a generation: (3) */
	unsigned users; /* handles that have this entry */
	struct terminal terminal;
};

static struct rotai_lock table_lock; /* for changes of the table */
static struct entry table[TERMINALS];
static uint32_t resets; /* atomic: those that have begun, and (3): a generation
			 * in the upper half */

static uint32_t our_resets(void)
{
	return rotai_fork_generation << 16;
}

/* (2) */
static void enter_reset(void)
{
	uint32_t found = __atomic_load_n(&resets, __ATOMIC_RELAXED);
	uint32_t wanted;

	do {
		wanted = (found & ~UINT32_C(0xffff)) == our_resets()
				 ? found + 1
				 : our_resets() + 1;
	} while (!__atomic_compare_exchange_n(&resets, &found, wanted, 1,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
}

static void leave_reset(void)
{
	__atomic_fetch_sub(&resets, 1, __ATOMIC_RELEASE);
}

static void await_resets(void)
{
	unsigned tries = 0;
	uint32_t found;

	for (;;) {
		found = __atomic_load_n(&resets, __ATOMIC_SEQ_CST);
		if ((found & ~UINT32_C(0xffff)) != our_resets() ||
		    (found & 0xffff) == 0)
			return;
		rotai_thread_pause(tries++);
	}
}

static int entry_is_ours(const struct entry *entry)
{
	return __atomic_load_n(&entry->owner, __ATOMIC_SEQ_CST) ==
	       rotai_fork_generation + 1;
}

static void own_entry(struct entry *entry)
{
	/* Releases the entry to the resets. */
	__atomic_store_n(&entry->owner, rotai_fork_generation + 1,
			 __ATOMIC_SEQ_CST);
}

/* (4). A terminal that is not the controlling one has no job control. */
static int in_background(int fd, int is_controlling)
{
	pid_t foreground;

	if (!is_controlling)
		return 0;
	foreground = tcgetpgrp(fd);
	return foreground >= 0 && foreground != getpgrp();
}

/* Async-signal-safe. Returns 0 or an error. (4), (5) */
static int apply(int fd, const struct termios *wanted)
{
	sigset_t set, before;
	int result;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTTOU);
	(void)pthread_sigmask(SIG_BLOCK, &set, &before);
	do {
		result = tcsetattr(fd, TCSANOW, wanted);
	} while (result < 0 && errno == EINTR);
	result = result < 0 ? -errno : 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

static int restore(const struct terminal *terminal)
{
	return in_background(terminal->fd, terminal->is_controlling)
		       ? ROTA_EIO
		       : apply(terminal->fd, &terminal->original);
}

/* Each key is input at once, without echo. Signals and the translation of line
 * ends stay as they are. */
static void make_cbreak(struct termios *mode)
{
	mode->c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	mode->c_cc[VMIN] = 1;
	mode->c_cc[VTIME] = 0;
}

/* All bytes pass unchanged, in both directions. */
static void make_raw(struct termios *mode)
{
	mode->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR |
				     IGNCR | ICRNL | IXON | INPCK);
	mode->c_oflag &= ~(tcflag_t)OPOST;
	mode->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	mode->c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
	mode->c_cflag |= CS8;
	mode->c_cc[VMIN] = 1;
	mode->c_cc[VTIME] = 0;
}

/* With the lock held: the entry of that terminal, or NULL. */
static struct entry *find_entry(const struct terminal *terminal)
{
	for (struct entry *at = table; at < table + TERMINALS; at++)
		if (at->users > 0 && at->terminal.has_number &&
		    terminal->has_number &&
		    at->terminal.number == terminal->number)
			return at;
	return NULL;
}

static struct entry *find_free(void)
{
	for (struct entry *at = table; at < table + TERMINALS; at++)
		if (at->users == 0)
			return at;
	return NULL;
}

/* Save what the terminal @fd is like: 0 or an error. */
static int save(struct terminal *terminal, int fd)
{
	*terminal = (struct terminal){
		.is_controlling = rotai_tty_is_controlling(fd),
	};
	terminal->has_number = rotai_tty_identify(fd, &terminal->number) == 0;
	if (tcgetattr(fd, &terminal->original) < 0)
		return -errno;
	terminal->current = terminal->original;
	terminal->fd = rotai_shared_duplicate(fd);
	return terminal->fd < 0 ? terminal->fd : 0;
}

/* With the lock held: give the handle an entry. Returns 0 or an error. */
static int join_entry(int *index, int fd)
{
	struct terminal terminal;
	struct entry *entry;
	int error = save(&terminal, fd);

	if (error < 0)
		return error;
	entry = find_entry(&terminal);
	if (entry == NULL) {
		entry = find_free();
		if (entry != NULL)
			entry->terminal = terminal;
	} else {
		rotai_fd_close(terminal.fd); /* it has one already */
	}
	if (entry == NULL) {
		rotai_fd_close(terminal.fd);
		return ROTA_ENOMEM;
	}
	entry->users++;
	own_entry(entry);
	*index = (int)(entry - table);
	return 0;
}

/* With the lock held: the handle does without its entry. (2) */
static void leave_entry(int *index)
{
	struct entry *entry = &table[*index];

	*index = ROTAI_NO_MODE;
	if (--entry->users > 0)
		return;
	__atomic_store_n(&entry->owner, 0, __ATOMIC_SEQ_CST);
	await_resets();
	rotai_fd_close(entry->terminal.fd);
}

/* With the lock held. */
static int set_back(int *index)
{
	struct entry *entry = &table[*index];
	int error = apply(entry->terminal.fd, &entry->terminal.original);

	if (error < 0)
		return error;
	entry->terminal.current = entry->terminal.original;
	entry->terminal.is_suspended = 0;
	leave_entry(index);
	return 0;
}

/* With the lock held. */
static int change(int *index, int fd, enum rota_tty_mode mode)
{
	int joined = *index == ROTAI_NO_MODE;
	int error = joined ? join_entry(index, fd) : 0;
	struct entry *entry;
	struct termios wanted;

	if (error < 0)
		return error;
	entry = &table[*index];
	own_entry(entry); /* (3) */
	wanted = entry->terminal.original;
	if (mode == ROTA_TTY_RAW)
		make_raw(&wanted);
	else
		make_cbreak(&wanted);
	error = apply(fd, &wanted);
	if (error == 0) {
		entry->terminal.current = wanted;
		entry->terminal.is_suspended = 0;
	} else if (joined) {
		leave_entry(index);
	}
	return error;
}

int rotai_mode_set(int *index, int fd, enum rota_tty_mode mode)
{
	int error = 0;

	if (in_background(fd, rotai_tty_is_controlling(fd)))
		return ROTA_EIO;
	rotai_lock_take(&table_lock);
	if (mode != ROTA_TTY_COOKED)
		error = change(index, fd, mode);
	else if (*index != ROTAI_NO_MODE)
		error = set_back(index);
	rotai_lock_release(&table_lock);
	return error;
}

void rotai_mode_leave(int *index)
{
	struct entry *entry;

	if (*index == ROTAI_NO_MODE)
		return;
	rotai_lock_take(&table_lock);
	entry = &table[*index];
	if (entry->users == 1 && entry_is_ours(entry)) /* (3) */
		(void)restore(&entry->terminal);
	leave_entry(index);
	rotai_lock_release(&table_lock);
}

int rota_tty_reset(void)
{
	int before = errno;
	int result = 0;

	enter_reset();
	for (const struct entry *at = table; at < table + TERMINALS; at++) {
		int error = entry_is_ours(at) ? restore(&at->terminal) : 0;

		if (result == 0)
			result = error;
	}
	leave_reset();
	errno = before;
	return result;
}

void rotai_modes_suspend(void)
{
	rotai_lock_take(&table_lock);
	for (struct entry *at = table; at < table + TERMINALS; at++)
		if (entry_is_ours(at))
			at->terminal.is_suspended = restore(&at->terminal) == 0;
	rotai_lock_release(&table_lock);
}

/* What was restored before the stop may have been changed during it, by the
 * shell or by stty(1): that is now the mode to go back to. Returns 0 if the
 * process is in the background. */
static int resume_entry(struct entry *entry)
{
	struct termios now;

	if (in_background(entry->terminal.fd, entry->terminal.is_controlling))
		return 0;
	if (entry->terminal.is_suspended &&
	    tcgetattr(entry->terminal.fd, &now) == 0) {
		/* No reset may find half of it. */
		__atomic_store_n(&entry->owner, 0, __ATOMIC_SEQ_CST);
		await_resets();
		entry->terminal.original = now;
		own_entry(entry);
	}
	entry->terminal.is_suspended = 0;
	(void)apply(entry->terminal.fd, &entry->terminal.current);
	return 1;
}

int rotai_modes_resume(void)
{
	int all = 1;

	rotai_lock_take(&table_lock);
	for (struct entry *at = table; at < table + TERMINALS; at++)
		if (entry_is_ours(at))
			all &= resume_entry(at);
	rotai_lock_release(&table_lock);
	return all;
}
