/*
 * io/tty.c - terminals, as streams.
 *
 * The watchers of signals are handles of their own, which the user does not
 * see. They are opened when they are first needed, and closed with the
 * terminal, which is in the loop's list before them: so a loop that shuts down
 * closes it first.
 *
 *  1. No signal says that a process which runs comes to the foreground. So
 *     while modes wait for that, a timer looks. It ends with the wait.
 */
#include "rota/tty.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "base/fork.h"
#include "base/lock.h"
#include "base/shared.h"
#include "base/tty.h"
#include "io/shared.h"
#include "io/tty.h"
#include "io/tty_mode.h"

enum { WATCH_RESIZE, WATCH_STOP, WATCH_CONTINUE, WATCHES };

/* How often a process in the background looks whether it still is. (1) */
#define FOREGROUND_NS ROTA_MSEC(250)

_Static_assert(sizeof(((struct rota_tty *)0)->internal.watch) ==
		       WATCHES * sizeof(struct rota_signal),
	       "the header has as many");

/* The terminal that takes care of stops, or NULL. In a process of another
 * generation there is none. */
static struct {
	struct rotai_lock lock;
	struct rota_tty *tty;
	uint32_t generation;
} stop_owner;

static struct rota_tty *tty_of(struct rota_handle *handle)
{
	return rota_container_of(handle, struct rota_tty, handle);
}

/* With the lock held. */
static struct rota_tty *stop_owner_here(void)
{
	return stop_owner.generation == rotai_fork_generation ? stop_owner.tty
							      : NULL;
}

static void disown_stops(const struct rota_tty *tty)
{
	rotai_lock_take(&stop_owner.lock);
	if (stop_owner_here() == tty)
		stop_owner.tty = NULL;
	rotai_lock_release(&stop_owner.lock);
}

/* Return whether @tty now takes care of stops, or has done so before. */
static int own_stops(struct rota_tty *tty)
{
	const struct rota_tty *owner;

	rotai_lock_take(&stop_owner.lock);
	owner = stop_owner_here();
	if (owner == NULL) {
		stop_owner.tty = tty;
		stop_owner.generation = rotai_fork_generation;
	}
	rotai_lock_release(&stop_owner.lock);
	return owner == NULL || owner == tty;
}

static void stop_tty(struct rota_handle *handle)
{
	struct rota_tty *tty = tty_of(handle);

	rota_timer_stop(&tty->internal.foreground);
	rotai_mode_leave(&tty->internal.entry);
	disown_stops(tty);
	for (unsigned i = 0; i < WATCHES; i++)
		if (tty->internal.watchers & (1u << i))
			(void)rota_handle_close_now(
				&tty->internal.watch[i].handle);
	tty->internal.watchers = 0;
	rotai_shared_stop(handle);
}

#define TTY_CLASS(way)                                                         \
	{                                                                      \
		.handle = { .type = "tty",                                     \
			    .stop = stop_tty,                                  \
			    .fd = rotai_stream_fd,                             \
			    .is_ending = rotai_stream_is_ending },             \
		.ready = rotai_stream_ready, .transport = &(way),              \
		.is_level = 1, .go_on_ending = rotai_shared_go_on_ending,      \
	}

static const struct rotai_stream_class own_class =
	TTY_CLASS(rotai_shared_transport_own);
static const struct rotai_stream_class duplicate_class =
	TTY_CLASS(rotai_shared_transport_duplicate);
static const struct rotai_stream_class master_class =
	TTY_CLASS(rotai_shared_transport_master);

/* Return a descriptor for the terminal @fd and store its class, or return an
 * error. To open the name of a master makes another pseudo-terminal. */
static int open_terminal(int fd, const struct rotai_stream_class **class_)
{
	int made = ROTA_ENXIO;

	if (!rotai_tty_is_master(fd))
		made = rotai_shared_reopen(fd);
	*class_ = &own_class;
	if (made >= 0)
		return made;
	*class_ = &duplicate_class;
	return rotai_shared_duplicate(fd);
}

static void begin_tty(struct rota_tty *tty, struct rota_loop *loop,
		      const struct rotai_stream_class *class_, int fd,
		      int access)
{
	tty->internal.resize = NULL;
	tty->internal.on_continue = NULL;
	tty->internal.entry = ROTAI_NO_MODE;
	tty->internal.mode = ROTA_TTY_COOKED;
	tty->internal.watchers = 0;
	rota_timer_init(&tty->internal.foreground, loop);
	rota_timer_unref(&tty->internal.foreground);
	rotai_shared_begin(&tty->stream, loop, class_, fd, access);
}

int rota_tty_open(struct rota_tty *tty, struct rota_loop *loop, int fd)
{
	ROTAI_ENTER("tty", tty, loop);
	ROTAI_LIVE_CHECK_INIT(&tty->handle.internal.open);
	const struct rotai_stream_class *class_;
	int error = rotai_loop_admits(loop);
	int access = 0;
	int made;

	if (error == 0)
		error = rotai_tty_check(fd);
	if (error == 0)
		error = access = rotai_shared_access(fd);
	if (error >= 0)
		error = rotai_io_prepare(loop);
	if (error == 0)
		error = rotai_fork_observe();
	if (error < 0)
		return error;
	made = open_terminal(fd, &class_);
	if (made < 0)
		return made;
	begin_tty(tty, loop, class_, made, access);
	return 0;
}

int rotai_tty_open_master(struct rota_tty *tty, struct rota_loop *loop, int fd)
{
	ROTAI_LIVE_CHECK_INIT(&tty->handle.internal.open);
	int error = rotai_io_admits(loop);

	if (error == 0)
		error = rotai_fork_observe();
	if (error == 0)
		begin_tty(tty, loop, &master_class, fd, O_RDWR);
	return error;
}

int rota_tty_set_mode(struct rota_tty *tty, enum rota_tty_mode mode)
{
	ROTAI_ENTER_HANDLE(&tty->handle);
	int error = rotai_handle_usable(&tty->handle);

	if (error < 0)
		return error;
	if (mode != ROTA_TTY_COOKED && mode != ROTA_TTY_CBREAK &&
	    mode != ROTA_TTY_RAW)
		return ROTA_EINVAL;
	error = rotai_mode_set(&tty->internal.entry,
			       rotai_stream_fd(&tty->handle), mode);
	if (error == 0)
		tty->internal.mode = mode;
	return error;
}

enum rota_tty_mode rota_tty_mode(const struct rota_tty *tty)
{
	ROTAI_ENTER_HANDLE(&tty->handle);
	return tty->internal.mode;
}

int rota_tty_get_size(const struct rota_tty *tty, unsigned *columns,
		      unsigned *rows)
{
	ROTAI_ENTER_HANDLE(&tty->handle);
	int fd = rota_stream_fd(&tty->stream);

	return fd < 0 || columns == NULL || rows == NULL
		       ? ROTA_EINVAL
		       : rotai_tty_window(fd, columns, rows);
}

int rota_tty_set_size(struct rota_tty *tty, unsigned columns, unsigned rows)
{
	ROTAI_ENTER_HANDLE(&tty->handle);
	int error = rotai_handle_usable(&tty->handle);

	if (error < 0)
		return error;
	if (columns > UINT16_MAX || rows > UINT16_MAX)
		return ROTA_EINVAL;
	return rotai_tty_set_window(rotai_stream_fd(&tty->handle), columns,
				    rows);
}

/* Start one of the watchers: 0 or an error. */
static int begin_watcher(struct rota_tty *tty, unsigned which,
			 rota_signal_fn *fn, int number)
{
	struct rota_signal *watch = &tty->internal.watch[which];
	int error;

	if (!(tty->internal.watchers & (1u << which))) {
		error = rota_signal_init(watch, tty->handle.internal.loop);
		if (error < 0)
			return error;
		rota_handle_unref(&watch->handle);
		rota_handle_set_name(&watch->handle, "of a terminal");
		watch->handle.data = tty;
		tty->internal.watchers |= 1u << which;
	}
	return rota_signal_start(watch, fn, number);
}

static void halt_watcher(struct rota_tty *tty, unsigned which)
{
	if (tty->internal.watchers & (1u << which))
		rota_signal_stop(&tty->internal.watch[which]);
}

static void on_window_signal(struct rota_signal *watch, uint32_t count)
{
	struct rota_tty *tty = watch->handle.data;
	unsigned columns, rows;

	(void)count;
	if (rotai_tty_window(rotai_stream_fd(&tty->handle), &columns, &rows) ==
	    0)
		tty->internal.resize(tty, columns, rows);
}

int rota_tty_on_resize(struct rota_tty *tty, rota_tty_resize_fn *fn)
{
	ROTAI_ENTER_HANDLE(&tty->handle);
	int error = rotai_handle_usable(&tty->handle);

	if (error < 0)
		return error;
	if (fn == NULL)
		halt_watcher(tty, WATCH_RESIZE);
	else
		error = begin_watcher(tty, WATCH_RESIZE, on_window_signal,
				      SIGWINCH);
	if (error == 0)
		tty->internal.resize = fn;
	return error;
}

/* Have SIGTSTP do what it does by default. It does nothing to a process group
 * that nobody could continue, where SIGSTOP would stop it forever. */
static void stop_by_default(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	struct sigaction action;
	sigset_t set, before;

	if (sigaction(SIGTSTP, &plain, &action) < 0)
		return;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTSTP);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, &before);
	(void)pthread_kill(pthread_self(), SIGTSTP); /* it stops here */
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)sigaction(SIGTSTP, &action, NULL);
}

/* A forked child has a copy of its parent's terminal, which takes care of its
 * stops unless another terminal does. */
static void on_stop_signal(struct rota_signal *watch, uint32_t count)
{
	(void)count;
	if (!own_stops(watch->handle.data))
		return;
	rotai_modes_suspend();
	stop_by_default();
	(void)rotai_modes_resume();
}

static void on_foreground_timer(struct rota_timer *timer);

/* Returns 0 if modes wait for the foreground. (1) */
static int resume_modes(struct rota_tty *tty)
{
	struct rota_timer *timer = &tty->internal.foreground;
	int all = rotai_modes_resume();

	if (all)
		rota_timer_stop(timer);
	else
		(void)rota_timer_start(timer, on_foreground_timer,
				       FOREGROUND_NS);
	return all;
}

static void on_foreground_timer(struct rota_timer *timer)
{
	struct rota_tty *tty =
		rota_container_of(timer, struct rota_tty, internal.foreground);

	if (resume_modes(tty))
		tty->internal.on_continue(tty);
}

static void on_continue_signal(struct rota_signal *watch, uint32_t count)
{
	struct rota_tty *tty = watch->handle.data;

	(void)count;
	(void)resume_modes(tty);
	tty->internal.on_continue(tty);
}

static int start_stops(struct rota_tty *tty)
{
	int error;

	if (!own_stops(tty))
		return ROTA_EALREADY;
	error = begin_watcher(tty, WATCH_STOP, on_stop_signal, SIGTSTP);
	if (error == 0)
		error = begin_watcher(tty, WATCH_CONTINUE, on_continue_signal,
				      SIGCONT);
	if (error < 0 && tty->internal.on_continue == NULL) {
		halt_watcher(tty, WATCH_STOP);
		disown_stops(tty);
	}
	return error;
}

int rota_tty_on_continue(struct rota_tty *tty, rota_tty_continue_fn *fn)
{
	ROTAI_ENTER_HANDLE(&tty->handle);
	int error = rotai_handle_usable(&tty->handle);

	if (error < 0)
		return error;
	if (fn != NULL) {
		error = start_stops(tty);
	} else {
		halt_watcher(tty, WATCH_STOP);
		halt_watcher(tty, WATCH_CONTINUE);
		rota_timer_stop(&tty->internal.foreground);
		disown_stops(tty);
	}
	if (error == 0)
		tty->internal.on_continue = fn;
	return error;
}
