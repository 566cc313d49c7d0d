/*
 * tests/support/script_poller.c - see script_poller.h.
 */
#include "script_poller.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"
#include "loop/loop.h"

static struct script *current;

struct script_poller {
	struct rotai_poller poller;
	struct script *script;
};

static const struct rotai_poller_ops script_ops;

static struct script *of(const struct rotai_poller *poller)
{
	return rota_container_of(poller, struct script_poller, poller)->script;
}

static void note(struct script *s, const char *what, int fd, unsigned wanted)
{
	char mask[8];
	int size = 0;

	if (wanted & ROTAI_READABLE)
		mask[size++] = 'r';
	if (wanted & ROTAI_WRITABLE)
		mask[size++] = 'w';
	if (wanted & ROTAI_PRIORITY)
		mask[size++] = 'p';
	if (wanted & ROTAI_DISCONNECT)
		mask[size++] = 'd';
	if (size == 0)
		mask[size++] = '-';
	mask[size] = '\0';
	s->size += (size_t)snprintf(s->text + s->size,
				    sizeof(s->text) - s->size, "%s%s %d %s",
				    s->size > 0 ? ", " : "", what, fd, mask);
	assert_true(s->size < sizeof(s->text));
}

static void note_text(struct script *s, const char *text)
{
	s->size +=
		(size_t)snprintf(s->text + s->size, sizeof(s->text) - s->size,
				 "%s%s", s->size > 0 ? ", " : "", text);
	assert_true(s->size < sizeof(s->text));
}

static int take_error(int *error)
{
	int taken = *error;

	*error = 0;
	return taken;
}

static int open_poller(struct rotai_poller **poller,
		       const struct rota_allocator *allocator)
{
	struct script_poller *made =
		allocator->resize(allocator->context, NULL, 0, sizeof(*made));

	if (made == NULL)
		return ROTA_ENOMEM;
	made->poller.ops = &script_ops;
	made->poller.allocator = allocator;
	made->script = current;
	*poller = &made->poller;
	return 0;
}

static void close_poller(struct rotai_poller *poller)
{
	const struct rota_allocator *allocator = poller->allocator;

	for (unsigned fd = 0; fd < SCRIPT_FDS; fd++)
		assert_false(of(poller)->fds[fd].added);
	allocator->resize(
		allocator->context,
		rota_container_of(poller, struct script_poller, poller),
		sizeof(struct script_poller), 0);
}

static int add(struct rotai_poller *poller, int fd, uint32_t generation,
	       unsigned wanted)
{
	struct script *s = of(poller);
	int error = take_error(&s->add_error);

	assert_in_range(fd, 0, SCRIPT_FDS - 1);
	assert_false(s->fds[fd].added);
	note(s, "add", fd, wanted);
	if (error < 0)
		return error;
	s->fds[fd].added = 1;
	s->fds[fd].generation = generation;
	s->fds[fd].wanted = wanted;
	s->fds[fd].changed_at = 0;
	return 0;
}

static int change(struct rotai_poller *poller, int fd, uint32_t generation,
		  unsigned was, unsigned wanted)
{
	struct script *s = of(poller);
	int error = take_error(&s->change_error);

	if (s->refuse_changes < 0)
		error = s->refuse_changes;
	assert_true(s->fds[fd].added);
	assert_int_equal(s->fds[fd].wanted, was);
	assert_int_not_equal(was, wanted);
	assert_int_not_equal(s->fds[fd].changed_at, s->waits + 1);
	if (s->room != 0 && s->changes == s->room)
		return ROTA_EAGAIN;
	note(s, "change", fd, wanted);
	s->now_ns += s->change_ns;
	if (error < 0)
		return error;
	s->changes++;
	s->fds[fd].generation = generation;
	s->fds[fd].wanted = wanted;
	s->fds[fd].changed_at = s->waits + 1;
	return 0;
}

static int confirm(struct rotai_poller *poller, int fd, uint32_t generation,
		   unsigned was, unsigned wanted)
{
	struct script *s = of(poller);
	int error = take_error(&s->confirm_error);

	if (s->refuse_changes < 0)
		error = s->refuse_changes;
	assert_true(s->fds[fd].added);
	assert_int_equal(s->fds[fd].wanted, was);
	if (s->room != 0 && s->changes == s->room)
		return ROTA_EAGAIN;
	note(s, "confirm", fd, wanted);
	s->now_ns += s->change_ns;
	if (error < 0)
		return error;
	s->changes++;
	s->fds[fd].generation = generation + s->replaced;
	s->fds[fd].wanted = wanted;
	s->fds[fd].changed_at = s->waits + 1;
	return (int)s->replaced;
}

static void remove_fd(struct rotai_poller *poller, int fd)
{
	struct script *s = of(poller);
	char text[32];

	assert_in_range(fd, 0, SCRIPT_FDS - 1);
	assert_true(s->fds[fd].added);
	s->fds[fd].added = 0;
	snprintf(text, sizeof(text), "remove %d", fd);
	note_text(s, text);
}

static int submit(struct rotai_poller *poller)
{
	struct script *s = of(poller);

	s->changes = 0;
	note_text(s, "submit");
	return take_error(&s->submit_refuses);
}

static int fill(struct script *s, struct rotai_ready *ready, int max)
{
	for (int i = 0; i < max; i++) {
		int fd = s->full_from + i;

		ready[i].fd = fd;
		ready[i].generation = script_generation(s, fd);
		ready[i].events = s->fds[fd].wanted;
	}
	return max;
}

static int report(struct script *s, struct rotai_ready *ready, int max)
{
	int count = 0;

	if (s->waits <= s->full_to)
		return fill(s, ready, max);
	for (unsigned i = 0; i < SCRIPT_EVENTS && count < max; i++) {
		struct script_event *event = &s->events[i];

		if (event->wait == 0 || event->wait > s->waits)
			continue;
		ready[count++] = (struct rotai_ready){
			.fd = event->fd,
			.events = event->events,
			.generation = event->any_generation
					      ? script_generation(s, event->fd)
					      : event->generation,
		};
		event->wait = 0;
	}
	return count;
}

static int more_to_come(const struct script *s)
{
	for (unsigned i = 0; i < SCRIPT_EVENTS; i++)
		if (s->events[i].wait != 0)
			return 1;
	return 0;
}

static int wait_ready(struct rotai_poller *poller, int64_t timeout_ns,
		      struct rotai_ready *ready, int max)
{
	struct script *s = of(poller);
	unsigned wakes = s->wakes;
	char text[40] = "wait -";
	int count;

	if (timeout_ns >= 0)
		snprintf(text, sizeof(text), "wait %" PRId64, timeout_ns);
	note_text(s, text);
	assert_true(max > 0);
	s->waits++;
	s->changes = 0;
	if (s->wait_error < 0)
		return take_error(&s->wait_error);
	if (s->on_wait != NULL)
		s->on_wait(s, timeout_ns);
	count = report(s, ready, max);
	if (count > 0 || s->wakes != wakes)
		return count;
	if (timeout_ns > (int64_t)s->early_ns)
		s->now_ns += (uint64_t)timeout_ns - s->early_ns;
	s->early_ns = 0;
	return timeout_ns < 0 && !more_to_come(s) ? ROTA_EDOM : 0;
}

static void wake(struct rotai_poller *poller)
{
	of(poller)->wakes++;
}

static int backend_fd(struct rotai_poller *poller)
{
	(void)poller;
	return ROTA_ENOTSUP;
}

static const struct rotai_poller_ops script_ops = {
	.name = "script",
	.open = open_poller,
	.close = close_poller,
	.add = add,
	.change = change,
	.confirm = confirm,
	.remove = remove_fd,
	.forget = remove_fd,
	.submit = submit,
	.wait = wait_ready,
	.wake = wake,
	.fd = backend_fd,
};

static uint64_t read_clock(struct rota_loop *loop)
{
	(void)loop;
	return current->now_ns;
}

static void ignore(struct rota_watch *watch, unsigned events)
{
	(void)watch;
	(void)events;
}

/* Before the loop makes its table as large as a high number needs, it checks
 * that the descriptor is open. So use one real descriptor to make the table
 * large enough; the other numbers can then be invented. */
static void widen_table(struct script *s)
{
	struct rota_watch watch;
	int fds[2], fd;

	make_pipe(fds);
	fd = fcntl(fds[0], F_DUPFD_CLOEXEC, SCRIPT_FDS - 1);
	assert_int_equal(fd, SCRIPT_FDS - 1);
	close(fds[0]);
	close(fds[1]);
	rota_watch_init(&watch, s->loop, fd);
	assert_int_equal(rota_watch_start(&watch, ignore, ROTA_READABLE), 0);
	rota_watch_stop(&watch);
	close(fd);
	script_take(s);
}

void script_begin(struct script *s, struct fixture *f)
{
	struct rota_loop_options options;

	need_descriptors(SCRIPT_FDS);
	memset(s, 0, sizeof(*s));
	s->now_ns = ROTA_SEC(1);
	current = s;
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(
		rotai_loop_new_on(&s->loop, &options, &script_ops, read_clock),
		0);
	widen_table(s);
}

void script_end(struct script *s)
{
	assert_int_equal(rota_loop_close(s->loop), 0);
}

static void script(struct script *s, struct script_event added)
{
	unsigned i = 0;

	while (s->events[i].wait != 0)
		assert_true(++i < SCRIPT_EVENTS);
	s->events[i] = added;
}

void script_ready(struct script *s, unsigned nth, int fd, unsigned events)
{
	script(s, (struct script_event){ .wait = s->waits + nth,
					 .fd = fd,
					 .events = events,
					 .any_generation = 1 });
}

void script_ready_as(struct script *s, unsigned nth, int fd, unsigned events,
		     uint32_t generation)
{
	script(s, (struct script_event){ .wait = s->waits + nth,
					 .fd = fd,
					 .events = events,
					 .generation = generation });
}

uint32_t script_generation(const struct script *s, int fd)
{
	return s->fds[fd].generation;
}

const char *script_take(struct script *s)
{
	s->text[s->size] = '\0';
	s->size = 0;
	return s->text;
}
