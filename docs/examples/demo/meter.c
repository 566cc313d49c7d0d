/*
 * meter.c - timers, ticks, microtasks and immediates at work.
 *
 * If one of those were lost, or ran twice, the sums at the end would differ
 * from what the sockets carried; the demo compares them.
 */
#include "demo.h"

#include <inttypes.h>

/* Check phase: all that this turn read and wrote is done. */
static void on_immediate(struct rota_task *task)
{
	struct meter *m = rota_container_of(task, struct meter, immediate);
	uint64_t bytes = m->turn_bytes, files = m->turn_files;

	m->turn_bytes = m->turn_files = 0;
	m->bytes += bytes;
	m->files += files;
	m->turns++;
	if (bytes > m->most_in_turn)
		m->most_in_turn = bytes;
	if (m->on_turn != NULL)
		m->on_turn(m, bytes, files);
}

static void on_microtask(struct rota_task *task)
{
	struct meter *m = rota_container_of(task, struct meter, microtask);

	m->microtasks++;
	if (m->last_call > m->most_in_call)
		m->most_in_call = m->last_call;
}

/* Right after the callback that called meter_add(), however often. */
static void on_tick(struct rota_task *task)
{
	struct meter *m = rota_container_of(task, struct meter, tick);

	m->ticks++;
	m->turn_bytes += m->call_bytes;
	m->turn_files += m->call_files;
	m->last_call = m->call_bytes;
	m->call_bytes = m->call_files = 0;
	rota_task_microtask(&m->microtask, on_microtask);
	if (!rota_task_is_queued(&m->immediate))
		rota_task_immediate(&m->immediate, on_immediate);
}

void meter_init(struct meter *meter, struct rota_loop *loop)
{
	*meter = (struct meter){ 0 };
	rota_task_init(&meter->tick, loop);
	rota_task_init(&meter->microtask, loop);
	rota_task_init(&meter->immediate, loop);
}

void meter_add(struct meter *meter, uint64_t bytes, uint64_t files)
{
	meter->call_bytes += bytes;
	meter->call_files += files;
	if (!rota_task_is_queued(&meter->tick))
		rota_task_next_tick(&meter->tick, on_tick);
}

static const uint64_t period_ns = ROTA_MSEC(10);

static void on_beat(struct rota_timer *timer)
{
	struct pulse *p = rota_container_of(timer, struct pulse, timer);
	uint64_t missed = rota_timer_missed(timer);
	uint64_t now_ns = rota_loop_update_now(p->loop);
	uint64_t late_ns;

	if (now_ns < p->due_ns + missed * period_ns) {
		verdict_fail(p->verdict, "a beat came %" PRIu64 " ns early",
			     p->due_ns + missed * period_ns - now_ns);
		return;
	}
	late_ns = now_ns - p->due_ns; /* of the first one that was missed */
	p->due_ns += (missed + 1) * period_ns;
	p->beats++;
	p->missed += missed;
	p->late_ns += late_ns;
	if (late_ns > p->latest_ns)
		p->latest_ns = late_ns;
}

int pulse_start(struct pulse *pulse, struct rota_loop *loop,
		struct verdict *verdict)
{
	*pulse = (struct pulse){ .loop = loop, .verdict = verdict };
	pulse->due_ns = rota_loop_update_now(loop) + period_ns;
	rota_timer_init(&pulse->timer, loop);
	return rota_timer_every_at(&pulse->timer, on_beat, pulse->due_ns,
				   period_ns, ROTA_REPEAT_RATE);
}
