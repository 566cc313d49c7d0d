/*
 * io/race.c - see race.h.
 *
 *  1. An attempt is a socket and its watch. It is one of three: to come, in
 *     progress, or over, and then its descriptor is -1, unless it has won.
 *  2. The timer runs while an attempt is in progress and another is to come.
 *     The next one begins when the timer is due or when an attempt fails,
 *     whichever comes first.
 *  3. The watches are like those of streams, so that of the winner can become
 *     the watch of its stream, without a system call.
 *  4. The terms' function frees the race. So it is called last.
 */
#include "io/race.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/socket.h"
#include "base/socket_option.h"
#include "io/connect.h"
#include "loop/timer.h"
#include "loop/watch.h"
#include "rota/dns.h"

struct race_attempt {
	struct rota_watch watch;
	struct rotai_race *race;
	struct rota_address address;
};

struct rotai_race {
	struct rota_loop *loop;
	struct rotai_race_terms terms;
	struct rota_timer timer;
	struct race_attempt *winner;
	int error;       /* what is told if all fail */
	size_t count;    /* attempts */
	size_t next;     /* the first that is to come */
	size_t progress; /* how many are in progress */
	struct race_attempt attempts[];
};

static size_t size_of_race(size_t count)
{
	return sizeof(struct rotai_race) + count * sizeof(struct race_attempt);
}

/* How much @error says about why there is no connection. */
static int weight_of(int error)
{
	switch (error) {
	case 0:
		return -1;
	case ROTA_ENETUNREACH: /* this host cannot use the address */
	case ROTA_EADDRNOTAVAIL:
	case ROTA_EAFNOSUPPORT:
		return 0;
	case ROTA_ECONNREFUSED: /* the peer has answered */
	case ROTA_ECONNRESET:
		return 2;
	case ROTA_EMFILE: /* the program can do something */
	case ROTA_ENFILE:
	case ROTA_ENOMEM:
	case ROTA_ENOBUFS:
	case ROTA_ENOSPC:
		return 3;
	default:
		return 1;
	}
}

static void note_failure(struct rotai_race *race, int error)
{
	if (weight_of(error) > weight_of(race->error))
		race->error = error;
}

/* Return the index of the first address from @from on whose family is, or if
 * @other is not, that of the first; or the count. */
static size_t find_family(const struct rota_address_list *list, size_t from,
			  int other)
{
	int first = list->addresses[0].is.any.sa_family;

	while (from < list->count &&
	       (list->addresses[from].is.any.sa_family != first) != other)
		from++;
	return from;
}

/* Take the addresses of @list with the families in turn, the first family
 * first. */
static void interleave(struct rotai_race *race,
		       const struct rota_address_list *list)
{
	size_t at[2] = { find_family(list, 0, 0), find_family(list, 0, 1) };

	for (size_t i = 0; i < race->count; i++) {
		int other = (int)(i % 2);

		if (at[other] == list->count)
			other = !other; /* the rest is of one family */
		race->attempts[i].address = list->addresses[at[other]];
		at[other] = find_family(list, at[other] + 1, other);
	}
}

static struct rotai_race *new_race(struct rota_loop *loop,
				   const struct rota_address_list *list,
				   const struct rotai_race_terms *terms)
{
	size_t count = list->count < ROTA_HOST_ADDRESSES ? list->count
							 : ROTA_HOST_ADDRESSES;
	struct rotai_race *race =
		rotai_memory_new(&loop->allocator, size_of_race(count));

	if (race == NULL)
		return NULL;
	*race = (struct rotai_race){ .loop = loop,
				     .terms = *terms,
				     .count = count };
	rota_timer_init(&race->timer, loop);
	for (size_t i = 0; i < count; i++) {
		rotai_watch_init_own(&race->attempts[i].watch, loop, -1,
				     1); /* (3) */
		race->attempts[i].race = race;
	}
	interleave(race, list);
	return race;
}

static void attempt_ready(struct rota_watch *watch, unsigned events);

/* Begin to connect the socket of @attempt: 0, ROTA_EINPROGRESS or an error. */
static int connect_attempt(struct race_attempt *attempt)
{
	struct rota_const_buf nothing = { NULL, 0 };
	const struct rotai_race *race = attempt->race;
	int fd = attempt->watch.internal.fd;
	int error = 0;

	if (race->terms.model >= 0)
		error = rotai_socket_options_copy(race->terms.model, fd);
	if (error == 0)
		error = rotai_connect_begin(fd, &attempt->address.is.any,
					    attempt->address.size, &nothing);
	if (error != ROTA_EINPROGRESS)
		return error;
	error = rota_watch_start(&attempt->watch, attempt_ready, ROTA_WRITABLE);
	return error < 0 ? error : ROTA_EINPROGRESS;
}

static int begin_next(struct rotai_race *race)
{
	struct race_attempt *attempt = &race->attempts[race->next++];
	int fd = rotai_socket_new(attempt->address.is.any.sa_family);
	int status;

	if (fd < 0)
		return fd;
	attempt->watch.internal.fd = fd;
	status = connect_attempt(attempt);
	if (status == 0)
		race->winner = attempt;
	else if (status != ROTA_EINPROGRESS)
		rotai_watch_close(&attempt->watch);
	return status;
}

static void delay_over(struct rota_timer *timer);

/* Begin attempts until one is in progress. Returns ROTA_EINPROGRESS if at least
 * one is; 0 if there is a winner; or the error to tell. */
static int go_on(struct rotai_race *race)
{
	int status;

	rota_timer_stop(&race->timer);
	while (race->next < race->count) {
		status = begin_next(race);
		if (status == 0)
			return 0;
		if (status == ROTA_EINPROGRESS) {
			race->progress++;
			break;
		}
		note_failure(race, status);
	}
	if (race->progress == 0)
		return race->error;
	if (race->next < race->count) /* (2) */
		rotai_timer_start_own(
			&race->timer, delay_over,
			rotai_add_saturated(race->loop->clock(race->loop),
					    race->terms.delay_ns));
	return ROTA_EINPROGRESS;
}

static void attempt_ready(struct rota_watch *watch, unsigned events)
{
	struct race_attempt *attempt =
		rota_container_of(watch, struct race_attempt, watch);
	struct rotai_race *race = attempt->race;
	int status;

	if (!(events & ROTA_WRITABLE))
		return;
	race->progress--;
	status = rotai_socket_error(watch->internal.fd);
	if (status == 0) {
		race->winner = attempt;
	} else {
		rotai_watch_close(watch);
		note_failure(race, status);
		status = go_on(race);
	}
	if (status == ROTA_EINPROGRESS)
		return;
	if (race->winner != attempt)
		events = 0;
	race->terms.over(race->terms.arg, status, events, 1); /* (4) */
}

static void delay_over(struct rota_timer *timer)
{
	struct rotai_race *race =
		rota_container_of(timer, struct rotai_race, timer);
	int status = go_on(race);

	if (status != ROTA_EINPROGRESS)
		race->terms.over(race->terms.arg, status, 0, 0); /* (4) */
}

int rotai_race_begin(struct rotai_race **race, struct rota_loop *loop,
		     const struct rota_address_list *list,
		     const struct rotai_race_terms *terms)
{
	*race = new_race(loop, list, terms);
	return *race == NULL ? ROTA_ENOMEM : go_on(*race);
}

void rotai_race_give(struct rotai_race *race, struct rota_watch *to)
{
	void *data = to->data; /* of its stream: limit.c */

	rota_watch_move(to, &race->winner->watch);
	to->data = data;
	race->winner->watch.internal.fd = -1; /* (1) */
}

void rotai_race_free(struct rotai_race *race)
{
	if (race == NULL)
		return;
	rota_timer_stop(&race->timer);
	for (size_t i = 0; i < race->next; i++)
		rotai_watch_close(&race->attempts[i].watch);
	rotai_memory_free(&race->loop->allocator, race,
			  size_of_race(race->count));
}
