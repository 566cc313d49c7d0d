/*
 * loop/wall_timer.c - timers of the wall clock.
 *
 *  1. A loop has a second wheel, of the wall clock's time, for all its wall
 *     timers. It is made with the first of them. One timer of the loop, which
 *     belongs to the library, calls those that are due.
 *  2. On Linux that timer is started when a timerfd reports that the next wall
 *     timer is due or that the clock was set. Where there is none, or none can
 *     be made for a forked child, the timer looks at the wall clock once a
 *     second. With a virtual clock it is started for the exact time.
 *  3. The clock was set if its distance from a clock that is never set has
 *     changed. All started timers are taken out then, and put into the wheel
 *     again at the new time, each before its on_step is called. So any callback
 *     may stop or free any timer.
 *  4. A timer that is started while others are called, and is due, waits in
 *     `next` for the next turn (T8).
 *  5. In a forked child, until the loop is rebuilt, nothing changes (F2). A
 *     timerfd is shared with the parent: the rebuilt loop gets another, and
 *     looks whether the clock was set before that. The close of a shared one
 *     does not remove it from a poller. If a callback has forked and rebuilt
 *     the loop, the calls go on when it returns; if it has only forked, the
 *     rebuilt loop puts back what was not called.
 */
#include "rota/wall_timer.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/wall.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/extension.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/wall_timer.h"
#include "loop/watch.h"

enum { WALL_STARTED = 1 << 1 }; /* beside ROTAI_UNREFERENCED */

static const uint64_t LOOK_AGAIN_NS = ROTA_SEC(1);
static const uint64_t LEAST_STEP_NS = ROTA_MSEC(10);

static const char wall_type[] = "wall timer";

/* What a loop keeps for its wall timers. */
struct rotai_walls {
	struct rotai_extension extension;
	struct rota_loop *loop;
	size_t count;            /* started */
	struct rota_timer timer; /* (1) */
	struct rota_watch watch; /* of the timerfd */
	int fd;                  /* or -1 (2) */
	uint64_t armed_ns;       /* what it was armed with */
	uint64_t distance_ns;    /* of the two clocks; may wrap */
	uint64_t order;
	uint64_t calling_ns;      /* the time of the calls (4) */
	struct rota_link due;     /* being called */
	struct rota_link next;    /* (4) */
	struct rota_link stepped; /* (3) */
	uint8_t is_calling;       /* nothing is awaited (4) */
	struct rotai_wheel wheel;
};

static struct rotai_walls *walls_of(struct rotai_extension *extension)
{
	return rota_container_of(extension, struct rotai_walls, extension);
}

static struct rotai_walls *walls_of_loop(const struct rota_loop *loop)
{
	return walls_of(rotai_extension_get(loop, ROTAI_EXTENSION_WALL));
}

static struct rota_link *link_of(const struct rota_wall_timer *timer)
{
	return (struct rota_link *)(uintptr_t)&timer->internal.timer.internal
		.by_due;
}

static struct rota_wall_timer *wall_timer_of(struct rota_link *link)
{
	return rota_container_of(link, struct rota_wall_timer,
				 internal.timer.internal.by_due);
}

static struct rota_loop *loop_of_wall(const struct rota_wall_timer *timer)
{
	return timer->internal.timer.internal.loop;
}

static int wall_is_started(const struct rota_wall_timer *timer)
{
	return (timer->internal.timer.internal.flags & WALL_STARTED) != 0;
}

static int has_virtual_clock(const struct rota_loop *loop)
{
	return loop->clock == rotai_loop_virtual_clock;
}

/* Wall time of @loop. */
static uint64_t wall_of(const struct rota_loop *loop)
{
	if (has_virtual_clock(loop))
		return loop->virtual_ns + loop->virtual_wall_ns;
	return rotai_wall_clock();
}

static uint64_t measure_distance(const struct rota_loop *loop)
{
	uint64_t before_ns, wall_ns;

	if (has_virtual_clock(loop))
		return loop->virtual_wall_ns;
	/* Another thread may run between the readings. */
	for (int i = 0; i < 10; i++) {
		before_ns = rotai_wall_reference();
		wall_ns = rotai_wall_clock();
		if (rotai_wall_reference() - before_ns < LEAST_STEP_NS / 2)
			break;
	}
	return wall_ns - before_ns;
}

static void on_wall_due(struct rota_timer *timer);

static void call_soon(struct rotai_walls *walls)
{
	rotai_timer_start_own(&walls->timer, on_wall_due, 0);
}

static void on_wall_fd(struct rota_watch *watch, unsigned events)
{
	struct rotai_walls *walls =
		rota_container_of(watch, struct rotai_walls, watch);

	(void)events;
	rotai_wall_take(walls->fd);
	walls->armed_ns = 0;
	call_soon(walls);
}

/* Make the timerfd: 0, or an error. */
static int open_wall_fd(struct rotai_walls *walls)
{
	int fd = rotai_wall_open();
	int error;

	if (fd < 0)
		return fd;
	rotai_watch_init_own(&walls->watch, walls->loop, fd, 0);
	rotai_watch_share(&walls->watch, 0); /* (5) */
	error = rota_watch_start(&walls->watch, on_wall_fd, ROTA_READABLE);
	if (error < 0) {
		rotai_fd_close(fd);
		return error;
	}
	walls->fd = fd;
	walls->armed_ns = 0;
	return 0;
}

static void close_wall_fd(struct rotai_walls *walls)
{
	if (walls->fd < 0)
		return;
	rotai_watch_close(&walls->watch);
	walls->fd = -1;
}

/* Begin to look at the clock, with the first timer: 0, or an error. (2) */
static int begin_walls(struct rotai_walls *walls)
{
	int error = has_virtual_clock(walls->loop) ? ROTA_ENOTSUP
						   : open_wall_fd(walls);

	if (error < 0 && error != ROTA_ENOTSUP)
		return error;
	walls->distance_ns = measure_distance(walls->loop);
	rotai_wheel_init(&walls->wheel, wall_of(walls->loop));
	return 0;
}

/* Have the timerfd report the time @due_ns. A step that it has not reported
 * would be lost: look for it soon. */
static void arm_wall_fd(struct rotai_walls *walls, uint64_t due_ns)
{
	if ((due_ns != walls->armed_ns || due_ns == 0) &&
	    rotai_wall_arm(walls->fd, due_ns))
		call_soon(walls);
	walls->armed_ns = due_ns;
}

/* Look at the clock when it may be @due_ns, or earlier if that was planned: the
 * clock may have been set. */
static void plan_look(struct rotai_walls *walls, uint64_t due_ns)
{
	struct rota_loop *loop = walls->loop;
	uint64_t wall_ns = wall_of(loop);
	uint64_t left_ns = due_ns > wall_ns ? due_ns - wall_ns : 0;
	uint64_t look_ns;

	if (due_ns == UINT64_MAX)
		left_ns = UINT64_MAX;
	if (!has_virtual_clock(loop) && left_ns > LOOK_AGAIN_NS)
		left_ns = LOOK_AGAIN_NS;
	look_ns = rotai_add_saturated(loop->clock(loop), left_ns);
	if (!rota_timer_is_active(&walls->timer) ||
	    look_ns < walls->timer.internal.due_ns)
		rotai_timer_start_own(&walls->timer, on_wall_due, look_ns);
}

/* Have the next timer called when it is due. (2) */
static void await_next(struct rotai_walls *walls)
{
	uint64_t due_ns = rotai_wheel_next_due(&walls->wheel);

	if (walls->is_calling)
		return; /* this is done after the calls */
	if (walls->fd >= 0)
		arm_wall_fd(walls, due_ns);
	else
		plan_look(walls, due_ns);
}

static void end_walls(struct rotai_walls *walls)
{
	rota_timer_stop(&walls->timer);
	close_wall_fd(walls);
}

/* (4) */
static void put_in_wall(struct rotai_walls *walls,
			struct rota_wall_timer *timer)
{
	if (walls->is_calling &&
	    timer->internal.timer.internal.due_ns <= walls->calling_ns)
		rotai_list_append(&walls->next, link_of(timer));
	else
		rotai_wheel_add(&walls->wheel, &timer->internal.timer);
}

static void take_out_wall(struct rota_wall_timer *timer)
{
	if (rotai_link_is_linked(link_of(timer)))
		rotai_list_remove(link_of(timer));
}

/* @timer is in no list any more. */
static void note_wall_stopped(struct rotai_walls *walls,
			      struct rota_wall_timer *timer)
{
	uint8_t *flags = &timer->internal.timer.internal.flags;

	ROTAI_LIVE_END(timer);
	*flags &= (uint8_t)~WALL_STARTED;
	walls->count--;
	rotai_loop_release(walls->loop, rotai_flags_referenced(*flags));
}

static void call_wall(struct rotai_walls *walls, struct rota_wall_timer *timer)
{
	struct rota_loop *loop = walls->loop;

	note_wall_stopped(walls, timer);
	rotai_callback_begin(loop, wall_type, NULL, timer);
	timer->internal.fn(timer);
	rotai_callback_end(loop, wall_type, timer);
}

static void call_step(struct rotai_walls *walls, struct rota_wall_timer *timer,
		      int64_t step_ns)
{
	rotai_callback_begin(walls->loop, wall_type, "step", timer);
	timer->internal.step_fn(timer, step_ns);
	rotai_callback_end(walls->loop, wall_type, timer);
}

static void take_out_for_step(void *arg, struct rota_timer *timer)
{
	struct rotai_walls *walls = arg;

	rotai_list_remove(&timer->internal.by_due);
	rotai_list_append(&walls->stepped, &timer->internal.by_due);
}

/* Return by how much the clock was set since the last call, or 0. */
static int64_t find_step(struct rotai_walls *walls)
{
	uint64_t distance_ns = measure_distance(walls->loop);
	int64_t step_ns = (int64_t)(distance_ns - walls->distance_ns);
	uint64_t size_ns = step_ns < 0 ? -(uint64_t)step_ns : (uint64_t)step_ns;

	walls->distance_ns = distance_ns;
	return size_ns < LEAST_STEP_NS && !has_virtual_clock(walls->loop)
		       ? 0
		       : step_ns;
}

/* If the clock was set, start again with all timers, and tell them. A wheel
 * does not turn back, so do the first part also if the clock was set back by
 * very little. (3) */
static void look_for_step(struct rotai_walls *walls)
{
	int64_t step_ns = find_step(walls);
	uint64_t now_ns = wall_of(walls->loop);
	struct rota_link *link;

	if (step_ns == 0 && walls->wheel.tick <= now_ns >> ROTAI_WHEEL_SHIFT)
		return;
	rotai_wheel_each(&walls->wheel, take_out_for_step, walls);
	rotai_wheel_init(&walls->wheel, now_ns);
	while ((link = rotai_list_take_first(&walls->stepped)) != NULL) {
		struct rota_wall_timer *timer = wall_timer_of(link);

		rotai_wheel_add(&walls->wheel, &timer->internal.timer);
		if (step_ns != 0 && timer->internal.step_fn != NULL)
			call_step(walls, timer, step_ns);
		if (rotai_loop_inherited(walls->loop) < 0)
			return;
	}
}

static void call_due_walls(struct rotai_walls *walls)
{
	struct rota_link *link;

	walls->calling_ns = wall_of(walls->loop);
	while (rotai_wheel_collect(&walls->wheel, walls->calling_ns,
				   &walls->due))
		while ((link = rotai_list_take_first(&walls->due)) != NULL) {
			call_wall(walls, wall_timer_of(link));
			if (rotai_loop_inherited(walls->loop) < 0)
				return; /* (5) */
		}
}

static void put_back_walls(struct rotai_walls *walls, struct rota_link *list)
{
	struct rota_link *link;

	while ((link = rotai_list_take_first(list)) != NULL)
		rotai_wheel_add(&walls->wheel,
				&wall_timer_of(link)->internal.timer);
}

/* The callbacks have run. */
static void end_calls(struct rotai_walls *walls)
{
	walls->is_calling = 0;
	if (walls->count == 0) {
		end_walls(walls);
		return;
	}
	put_back_walls(walls, &walls->next);
	await_next(walls);
	/* A callback has set a virtual wall clock. */
	if (has_virtual_clock(walls->loop) &&
	    walls->loop->virtual_wall_ns != walls->distance_ns)
		call_soon(walls);
}

static void on_wall_due(struct rota_timer *timer)
{
	struct rotai_walls *walls =
		rota_container_of(timer, struct rotai_walls, timer);

	walls->is_calling = 1;
	walls->calling_ns = 0;
	look_for_step(walls);
	if (rotai_loop_inherited(walls->loop) == 0)
		call_due_walls(walls);
	if (rotai_loop_inherited(walls->loop) == 0)
		end_calls(walls);
	else
		walls->is_calling = 0; /* (5) */
}

/* (5) A timerfd that cannot be made is replaced by looking. */
static void walls_forked(struct rotai_extension *extension,
			 struct rota_loop *loop)
{
	struct rotai_walls *walls = walls_of(extension);

	int is_needed = walls->count > 0 || walls->is_calling;

	close_wall_fd(walls);
	if (is_needed && !has_virtual_clock(loop))
		(void)open_wall_fd(walls);
	if (!walls->is_calling) {
		put_back_walls(walls, &walls->due);
		put_back_walls(walls, &walls->stepped);
		end_calls(walls);
	}
	if (is_needed)
		call_soon(walls);
}

static void free_walls(struct rotai_extension *extension,
		       struct rota_loop *loop)
{
	rotai_memory_free(&loop->allocator, walls_of(extension),
			  sizeof(struct rotai_walls));
}

/* The extension of @loop, made if it is the first time: or NULL. */
static struct rotai_walls *prepare_walls(struct rota_loop *loop)
{
	struct rotai_walls *walls;

	if (rotai_extension_get(loop, ROTAI_EXTENSION_WALL) != NULL)
		return walls_of_loop(loop);
	walls = rotai_memory_new(&loop->allocator, sizeof(*walls));
	if (walls == NULL)
		return NULL;
	walls->extension = (struct rotai_extension){ .free = free_walls,
						     .forked = walls_forked };
	walls->loop = loop;
	walls->count = 0;
	walls->fd = -1;
	walls->order = 0;
	walls->calling_ns = 0;
	walls->is_calling = 0;
	rotai_list_init(&walls->due);
	rotai_list_init(&walls->next);
	rotai_list_init(&walls->stepped);
	rota_timer_init(&walls->timer, loop);
	rotai_extension_set(loop, ROTAI_EXTENSION_WALL, &walls->extension);
	return walls;
}

void rota_wall_timer_init(struct rota_wall_timer *timer, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(timer);
	rota_timer_init(&timer->internal.timer, loop);
	timer->internal.fn = NULL;
	timer->internal.step_fn = NULL;
}

static void put_in_started(struct rotai_walls *walls,
			   struct rota_wall_timer *timer)
{
	struct rota_loop *loop = walls->loop;

	if (wall_is_started(timer)) {
		take_out_wall(timer);
	} else {
		ROTAI_LIVE_BEGIN(ROTAI_LIVE_NODE, wall_type, timer, timer, loop,
				 &timer->internal.timer.internal.loop);
		timer->internal.timer.internal.flags |= WALL_STARTED;
		walls->count++;
		rotai_loop_hold(loop,
				rotai_flags_referenced(
					timer->internal.timer.internal.flags));
	}
	put_in_wall(walls, timer);
}

int rota_wall_timer_start_at(struct rota_wall_timer *timer,
			     rota_wall_timer_fn *fn, uint64_t due_ns)
{
	ROTAI_ENTER(wall_type, timer, loop_of_wall(timer));
	struct rota_loop *loop = loop_of_wall(timer);
	int error = rotai_loop_admits(loop);
	struct rotai_walls *walls;

	if (error < 0)
		return error;
	if (fn == NULL)
		return ROTA_EINVAL;
	walls = prepare_walls(loop);
	if (walls == NULL)
		return ROTA_ENOMEM;
	if (walls->count == 0 && !walls->is_calling)
		error = begin_walls(walls);
	if (error < 0)
		return error;
	timer->internal.fn = fn;
	timer->internal.timer.internal.due_ns = due_ns;
	timer->internal.timer.internal.order = walls->order++;
	put_in_started(walls, timer);
	await_next(walls);
	return 0;
}

void rota_wall_timer_on_step(struct rota_wall_timer *timer,
			     rota_wall_step_fn *fn)
{
	ROTAI_ENTER_LIVE(wall_type, timer, timer, loop_of_wall(timer));
	timer->internal.step_fn = fn;
}

void rota_wall_timer_stop(struct rota_wall_timer *timer)
{
	ROTAI_ENTER_LIVE(wall_type, timer, timer, loop_of_wall(timer));
	struct rotai_walls *walls;

	if (!wall_is_started(timer))
		return;
	walls = walls_of_loop(loop_of_wall(timer));
	take_out_wall(timer);
	note_wall_stopped(walls, timer);
	if (walls->count == 0 && !walls->is_calling &&
	    rotai_loop_inherited(walls->loop) == 0)
		end_walls(walls);
}

uint64_t rota_wall_timer_due(const struct rota_wall_timer *timer)
{
	ROTAI_ENTER_LIVE(wall_type, timer, timer, loop_of_wall(timer));
	return wall_is_started(timer) ? timer->internal.timer.internal.due_ns
				      : UINT64_MAX;
}

int rota_wall_timer_is_active(const struct rota_wall_timer *timer)
{
	ROTAI_ENTER_LIVE(wall_type, timer, timer, loop_of_wall(timer));
	return wall_is_started(timer);
}

static void refer_wall(struct rota_wall_timer *timer, int referenced)
{
	rotai_flags_refer(&timer->internal.timer.internal.flags,
			  loop_of_wall(timer), wall_is_started(timer),
			  referenced);
}

void rota_wall_timer_ref(struct rota_wall_timer *timer)
{
	ROTAI_ENTER_LIVE(wall_type, timer, timer, loop_of_wall(timer));
	refer_wall(timer, 1);
}

void rota_wall_timer_unref(struct rota_wall_timer *timer)
{
	ROTAI_ENTER_LIVE(wall_type, timer, timer, loop_of_wall(timer));
	refer_wall(timer, 0);
}

int rota_wall_timer_has_ref(const struct rota_wall_timer *timer)
{
	ROTAI_ENTER_LIVE(wall_type, timer, timer, loop_of_wall(timer));
	return rotai_flags_referenced(timer->internal.timer.internal.flags);
}

uint64_t rota_wall_now(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	return wall_of(loop);
}

int rota_wall_set(struct rota_loop *loop, uint64_t now_ns)
{
	ROTAI_ENTER_LOOP(loop);
	if (!has_virtual_clock(loop))
		return ROTA_ENOTSUP;
	if (now_ns > INT64_MAX)
		return ROTA_EINVAL;
	loop->virtual_wall_ns = now_ns - loop->virtual_ns;
	if (rotai_extension_get(loop, ROTAI_EXTENSION_WALL) != NULL &&
	    walls_of_loop(loop)->count > 0 && !walls_of_loop(loop)->is_calling)
		call_soon(walls_of_loop(loop));
	return 0;
}

struct wall_visit {
	void (*fn)(void *arg, struct rota_wall_timer *timer);
	void *arg;
};

static void visit_wall(void *arg, struct rota_timer *timer)
{
	struct wall_visit *visit = arg;

	visit->fn(visit->arg, wall_timer_of(&timer->internal.by_due));
}

void rotai_wall_timers_each(struct rota_loop *loop,
			    void (*fn)(void *arg,
				       struct rota_wall_timer *timer),
			    void *arg)
{
	struct wall_visit visit = { fn, arg };
	struct rotai_walls *walls;
	struct rota_link *lists[3];

	if (rotai_extension_get(loop, ROTAI_EXTENSION_WALL) == NULL ||
	    walls_of_loop(loop)->count == 0)
		return;
	walls = walls_of_loop(loop);
	lists[0] = &walls->due;
	lists[1] = &walls->next;
	lists[2] = &walls->stepped;
	for (int i = 0; i < 3; i++)
		for (struct rota_link *at = lists[i]->next, *after;
		     at != lists[i]; at = after) {
			after = at->next;
			fn(arg, wall_timer_of(at));
		}
	rotai_wheel_each(&walls->wheel, visit_wall, &visit);
}

static void stop_wall(void *arg, struct rota_wall_timer *timer)
{
	(void)arg;
	rota_wall_timer_stop(timer);
}

void rotai_wall_timers_stop(struct rota_loop *loop)
{
	rotai_wall_timers_each(loop, stop_wall, NULL);
}
