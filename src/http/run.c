/*
 * http/run.c - runs the loops of a server, each in a thread.
 */
#include <pthread.h>
#include <signal.h>

#include "http/serving.h"
#include "http/storage.h"
#include "rota/error.h"

/* Threads wait at a gate until all of them are there. */
struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int is_open;
	int is_cancelled; /* there are not enough threads */
};

struct runner {
	struct gate *gate;
	struct rota_loop *loop;
	pthread_t thread;
	int result;
};

static void *run_loop(void *arg)
{
	struct runner *runner = arg;

	runner->result = rota_loop_run(runner->loop, ROTA_RUN_DEFAULT);
	return NULL;
}

static void *wait_and_run(void *arg)
{
	struct runner *runner = arg;
	struct gate *gate = runner->gate;
	int is_cancelled;

	(void)pthread_mutex_lock(&gate->mutex);
	while (!gate->is_open)
		(void)pthread_cond_wait(&gate->changed, &gate->mutex);
	is_cancelled = gate->is_cancelled;
	(void)pthread_mutex_unlock(&gate->mutex);
	return is_cancelled ? NULL : run_loop(runner);
}

/* Start threads for all loops but the first. Returns how many of @runners are
 * ready, the first included. */
static size_t start_runners(struct runner *runners, size_t count)
{
	sigset_t all;
	sigset_t before;
	size_t made = 1;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	while (made < count &&
	       pthread_create(&runners[made].thread, NULL, wait_and_run,
			      &runners[made]) == 0)
		made++;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return made;
}

static int run_all(struct runner *runners, size_t count, struct gate *gate)
{
	size_t made = start_runners(runners, count);
	int error = made < count ? ROTA_EAGAIN : 0;

	(void)pthread_mutex_lock(&gate->mutex);
	gate->is_open = 1;
	gate->is_cancelled = error < 0;
	(void)pthread_cond_broadcast(&gate->changed);
	(void)pthread_mutex_unlock(&gate->mutex);
	if (error == 0)
		(void)run_loop(&runners[0]);
	for (size_t i = 1; i < made; i++)
		(void)pthread_join(runners[i].thread, NULL);
	for (size_t i = 0; error == 0 && i < made; i++)
		if (runners[i].result < 0)
			error = runners[i].result;
	return error;
}

int rota_http_server_run(struct rota_http_server *server)
{
	struct rotai_http_shard *first = &server->shards[0];
	size_t size = server->count * sizeof(struct runner);
	struct runner *runners;
	struct gate gate = { .is_open = 0 };
	int error;

	for (size_t i = 0; i < server->count; i++)
		if (server->shards[i].loop == NULL)
			return ROTA_EINVAL;
	runners = rotai_http_resize(first, NULL, 0, size);
	if (runners == NULL)
		return ROTA_ENOMEM;
	for (size_t i = 0; i < server->count; i++) {
		runners[i].gate = &gate;
		runners[i].loop = server->shards[i].loop;
		runners[i].result = 0;
	}
	(void)pthread_mutex_init(&gate.mutex, NULL);
	(void)pthread_cond_init(&gate.changed, NULL);
	error = run_all(runners, server->count, &gate);
	(void)pthread_cond_destroy(&gate.changed);
	(void)pthread_mutex_destroy(&gate.mutex);
	rotai_http_resize(first, runners, size, 0);
	return error;
}
