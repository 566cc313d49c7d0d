/*
 * database.c - an embedded database that does not block the loop.
 *
 *     ./database readings.db 1000        adds 1000 readings to the file
 *
 * Shows a serial queue. A connection of SQLite may be used by one thread at a
 * time (it is opened with SQLITE_OPEN_NOMUTEX), so all that uses it is a job of
 * one queue: the jobs run one after another, in order, on any thread of the io
 * lane. No lock is needed, and no thread waits for another. Meanwhile the loop
 * does other work; here a timer counts.
 *
 *     cc -DWITH_SQLITE database.c $(pkg-config --cflags --libs rota) -lsqlite3
 *
 * Without SQLite (Debian: libsqlite3-dev) the program only says so, and ends
 * with status 77.
 */
#include <rota.h>
#include <stdio.h>

#ifdef WITH_SQLITE

#include <sqlite3.h>
#include <stdlib.h>

static struct rota_serial queue;
static struct rota_timer clock_tick;
static unsigned ticks;
static int failed;

/* Only the jobs use these. */
static const char *path;
static sqlite3 *database;
static sqlite3_stmt *insert;
static long long rows;
static long long sum;

struct reading {
	struct rota_work work;
	int value;
};

static int run_open(struct rota_work *work)
{
	(void)work;
	if (sqlite3_open_v2(path, &database,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK ||
	    sqlite3_exec(database,
			 "PRAGMA synchronous = OFF;"
			 "CREATE TABLE IF NOT EXISTS readings (value INTEGER);",
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(database, "INSERT INTO readings VALUES (?)", -1,
			       &insert, NULL) != SQLITE_OK)
		return ROTA_EIO;
	return 0;
}

static int run_begin(struct rota_work *work)
{
	(void)work;
	return sqlite3_exec(database, "BEGIN", NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : ROTA_EIO;
}

static int run_insert(struct rota_work *work)
{
	struct reading *reading = rota_container_of(work, struct reading, work);
	int result;

	if (insert == NULL)
		return ROTA_EIO;
	sqlite3_bind_int(insert, 1, reading->value);
	result = sqlite3_step(insert);
	sqlite3_reset(insert);
	return result == SQLITE_DONE ? 0 : ROTA_EIO;
}

static int run_commit_and_sum(struct rota_work *work)
{
	sqlite3_stmt *query;

	(void)work;
	if (sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(database,
			       "SELECT count(*), sum(value) FROM readings", -1,
			       &query, NULL) != SQLITE_OK)
		return ROTA_EIO;
	if (sqlite3_step(query) == SQLITE_ROW) {
		rows = sqlite3_column_int64(query, 0);
		sum = sqlite3_column_int64(query, 1);
	}
	sqlite3_finalize(query);
	return 0;
}

static int run_close(struct rota_work *work)
{
	(void)work;
	sqlite3_finalize(insert);
	return sqlite3_close(database) == SQLITE_OK ? 0 : ROTA_EIO;
}

static void on_done(struct rota_work *work, int status)
{
	(void)work;
	if (status == 0 || status == ROTA_ECANCELED || failed)
		return;
	failed = 1;
	fprintf(stderr, "database: %s: %s\n", path, rota_error_text(status));
}

/* The last job has ended, so the memory of the queue may be freed, too. */
static void on_closed(struct rota_work *work, int status)
{
	on_done(work, status);
	rota_timer_stop(&clock_tick);
}

static void on_tick(struct rota_timer *timer)
{
	ticks++;
	rota_timer_start(timer, on_tick, ROTA_USEC(200));
}

static void queue_job(struct rota_loop *loop, struct rota_work *work,
		      rota_work_fn *run, rota_work_done_fn *done)
{
	int error;

	rota_work_init(work, loop);
	error = rota_serial_queue(&queue, work, run, done);
	if (error < 0) {
		fprintf(stderr, "database: %s\n", rota_error_text(error));
		exit(1);
	}
}

static void add_readings(struct rota_loop *loop, unsigned count)
{
	static struct rota_work open_it, begin, finish, close_it;
	struct reading *readings = calloc(count, sizeof(*readings));

	if (readings == NULL && count > 0)
		exit(1);
	queue_job(loop, &open_it, run_open, on_done);
	queue_job(loop, &begin, run_begin, on_done);
	for (unsigned i = 0; i < count; i++) {
		readings[i].value = (int)i;
		queue_job(loop, &readings[i].work, run_insert, on_done);
	}
	queue_job(loop, &finish, run_commit_and_sum, on_done);
	queue_job(loop, &close_it, run_close, on_closed);
	rota_serial_close(&queue); /* nothing comes after the last job */
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	free(readings);
}

int main(int argc, char **argv)
{
	struct rota_loop *loop;

	if (argc != 3) {
		fprintf(stderr, "usage: database FILE COUNT\n");
		return 2;
	}
	path = argv[1];
	if (rota_loop_new(&loop, NULL) < 0)
		return 1;
	rota_serial_init(&queue, loop, ROTA_LANE_IO);
	rota_timer_init(&clock_tick, loop);
	rota_timer_start(&clock_tick, on_tick, 0);

	add_readings(loop, (unsigned)atoi(argv[2]));

	if (!failed)
		printf("database: %lld rows, sum %lld; the loop ran %s\n", rows,
		       sum, ticks > 0 ? "meanwhile" : "afterwards");
	rota_loop_close(loop);
	return failed;
}

#else

int main(void)
{
	puts("database: built without SQLite (libsqlite3-dev)");
	return 77;
}

#endif
