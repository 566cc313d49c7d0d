/*
 * What other threads may do: post tasks, send asyncs, and run jobs of a pool.
 */
#include "cross/plain.h"

#include <pthread.h>

enum { THREADS = 4, POSTS = 2000, WORKS = 200 };

struct poster {
	pthread_t thread;
	struct rota_loop *loop;
	struct rota_task tasks[POSTS];
	unsigned numbers[POSTS];
	unsigned seen; /* posts that came in order */
};

static struct poster posters[THREADS];
static unsigned posts_seen;

static void on_post(struct rota_task *task)
{
	struct poster *poster = task->data;
	size_t i = (size_t)(task - poster->tasks);

	/* The posts run in the thread's order, and what it wrote before each is
	 * visible. */
	EXPECT(i == poster->seen);
	EXPECT(poster->numbers[i] == i * 3 + 1);
	poster->seen++;
	posts_seen++;
}

static void *run_poster(void *arg)
{
	struct poster *poster = arg;

	for (unsigned i = 0; i < POSTS; i++) {
		poster->numbers[i] = i * 3 + 1;
		if (rota_task_post(&poster->tasks[i], on_post) < 0)
			abort();
	}
	return NULL;
}

static void posts_of_threads_keep_their_order(void)
{
	struct rota_loop *loop = plain_loop(ROTA_CLOCK_MONOTONIC);

	for (unsigned i = 0; i < THREADS; i++) {
		struct poster *poster = &posters[i];

		for (unsigned j = 0; j < POSTS; j++) {
			rota_task_init(&poster->tasks[j], loop);
			poster->tasks[j].data = poster;
		}
		EXPECT(pthread_create(&poster->thread, NULL, run_poster,
				      poster) == 0);
	}
	/* A run may end between two posts, when nothing is queued. */
	while (posts_seen < THREADS * POSTS)
		EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) >= 0);
	for (unsigned i = 0; i < THREADS; i++)
		EXPECT(pthread_join(posters[i].thread, NULL) == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

static int sent_value;

static void on_async(struct rota_async *async)
{
	EXPECT(sent_value == 7);
	rota_async_stop(async);
}

static void *run_sender(void *arg)
{
	sent_value = 7;
	if (rota_async_send(arg) < 0)
		abort();
	return NULL;
}

/* The loop is asleep, or about to sleep. */
static void a_send_wakes_the_loop(void)
{
	struct rota_loop *loop = plain_loop(ROTA_CLOCK_MONOTONIC);
	struct rota_async async;
	pthread_t thread;

	rota_async_init(&async, loop);
	EXPECT(rota_async_start(&async, on_async) == 0);
	EXPECT(pthread_create(&thread, NULL, run_sender, &async) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

struct job {
	struct rota_work work;
	uint64_t number;
	uint64_t square;
};

static struct job jobs[WORKS];
static unsigned works_done;

static int square(struct rota_work *work)
{
	struct job *job = rota_container_of(work, struct job, work);

	job->square = job->number * job->number;
	return (int)(job->number & 0xff);
}

static void on_done(struct rota_work *work, int status)
{
	struct job *job = rota_container_of(work, struct job, work);

	EXPECT(status == (int)(job->number & 0xff));
	EXPECT(job->square == job->number * job->number);
	works_done++;
}

static void a_pool_runs_work(void)
{
	struct rota_loop *loop = plain_loop(ROTA_CLOCK_MONOTONIC);

	for (unsigned i = 0; i < WORKS; i++) {
		rota_work_init(&jobs[i].work, loop);
		jobs[i].number = UINT64_C(5000000000) + i;
		EXPECT(rota_work_queue(&jobs[i].work, ROTA_LANE_CPU, square,
				       on_done) == 0);
	}
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);

	EXPECT(works_done == WORKS);
	EXPECT(rota_loop_close(loop) == 0);
}

static const struct plain_test tests[] = {
	{ "posts_of_threads_keep_their_order",
	  posts_of_threads_keep_their_order },
	{ "a_send_wakes_the_loop", a_send_wakes_the_loop },
	{ "a_pool_runs_work", a_pool_runs_work },
};
PLAIN_MAIN(tests)
