/*
 * http_parse.c - what does it cost to parse an HTTP request?
 *
 * Load: one request again and again, on one connection: the one that wrk sends,
 * of three lines, and one that a browser sends, of 16 fields and 700 bytes.
 *
 * Metrics, per request:
 *
 *     cpu           ns of this thread
 *     instructions  in user space    exact
 *
 * Subjects: rota, with each request in one piece and in two; and http_parser,
 * which was node's parser. rota checks more: it refuses repeated lengths and
 * hosts, bare LF, malformed hosts and targets; and it looks up the names.
 *
 * Bad news: anything above the targets. With --run LOAD SUBJECT COUNT a single
 * subject runs, for other tools:
 *
 *     valgrind --tool=callgrind build/bench/http_parse --run wrk rota 100000
 */
#include <stdlib.h>
#include <string.h>

#include "peers/parse.h"
#include "support/bench.h"
#include "support/trace.h"

static const struct load {
	const char *name;
	const char *bytes;
	size_t fields;
	double instructions; /* target */
	double ratio;        /* of the time, to http_parser's */
} loads[] = {
	{ "wrk",
	  "GET /index.html HTTP/1.1\r\n"
	  "Host: 127.0.0.1:8080\r\n"
	  "\r\n",
	  1, 1100, 0.8 },
	{ "browser",
	  "GET /articles/2024/an-article-about-something?page=2 HTTP/1.1\r\n"
	  "Host: www.example.org\r\n"
	  "Connection: keep-alive\r\n"
	  "Cache-Control: max-age=0\r\n"
	  "sec-ch-ua: \"Chromium\";v=\"120\", \"Not?A_Brand\";v=\"8\"\r\n"
	  "sec-ch-ua-mobile: ?0\r\n"
	  "sec-ch-ua-platform: \"Linux\"\r\n"
	  "Upgrade-Insecure-Requests: 1\r\n"
	  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
	  "(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r\n"
	  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,"
	  "image/avif,image/webp,*/*;q=0.8\r\n"
	  "Sec-Fetch-Site: same-origin\r\n"
	  "Sec-Fetch-Mode: navigate\r\n"
	  "Sec-Fetch-User: ?1\r\n"
	  "Sec-Fetch-Dest: document\r\n"
	  "Accept-Encoding: gzip, deflate, br\r\n"
	  "Accept-Language: en-GB,en;q=0.9\r\n"
	  "Cookie: session=0123456789abcdef\r\n"
	  "\r\n",
	  16, 6500, 0.5 },
};

static const struct parse_peer *const subjects[] = {
	&parse_rota,
	&parse_rota_pieces,
	&parse_http_parser,
};

enum {
	LOADS = sizeof(loads) / sizeof(*loads),
	SUBJECTS = sizeof(subjects) / sizeof(*subjects),
	STEPPED = 10, /* one instruction at a time */
};

static void run_load(const struct load *load, const struct parse_peer *subject,
		     size_t count)
{
	if (subject->run(load->bytes, strlen(load->bytes), count) !=
	    count * load->fields)
		bench_fail("%s has not found all fields", subject->name);
}

static void name_series(struct bench_series *series, const struct load *load,
			const char *metric, const char *unit)
{
	bench_series_init(series, metric, unit, "%s, %zu bytes", load->name,
			  strlen(load->bytes));
	for (size_t i = 0; i < SUBJECTS; i++)
		bench_series_name(series, subjects[i]->name);
}

/* Processor time. */

struct timing {
	struct bench *bench;
	const struct load *load;
	size_t count;
	struct bench_series cpu;
};

static void time_one(void *arg, size_t index)
{
	struct timing *timing = arg;
	uint64_t begin_ns;

	run_load(timing->load, subjects[index], timing->count / 10);
	begin_ns = bench_thread_ns();
	run_load(timing->load, subjects[index], timing->count);
	bench_add(timing->bench, &timing->cpu, index,
		  (double)(bench_thread_ns() - begin_ns) /
			  (double)timing->count);
}

static void time_all(struct bench *bench, const struct load *load)
{
	static struct timing timing;

	timing.bench = bench;
	timing.load = load;
	timing.count = bench->quick ? 10000 : 50000;
	name_series(&timing.cpu, load, "cpu", "ns/request");
	bench_interleave(bench, SUBJECTS, bench->quick ? 9 : 41, time_one,
			 &timing);
	bench_print(bench, &timing.cpu);
	bench_target_ratio(bench, BENCH_NOISY, &timing.cpu, "http_parser",
			   load->ratio);
}

/* Exact counts. */

struct traced {
	const struct load *load;
	const struct parse_peer *subject;
	size_t count;
};

static void run_traced(void *arg)
{
	const struct traced *traced = arg;

	run_load(traced->load, traced->subject, 1);
	trace_on();
	run_load(traced->load, traced->subject, traced->count);
	trace_off();
}

static struct trace trace_requests(const struct load *load,
				   const struct parse_peer *subject,
				   size_t count)
{
	struct traced traced = { load, subject, count };
	struct trace trace;

	if (trace_run(&trace, TRACE_INSTRUCTIONS, run_traced, &traced))
		bench_fail("cannot trace: ptrace(2) is not allowed here");
	return trace;
}

/* The difference between two runs, so that begin and end do not count. */
static void count_all(struct bench *bench, const struct load *load)
{
	static struct bench_series instructions;

	name_series(&instructions, load, "instructions", "/request");
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct trace few, many;

		if (!bench_counts(bench, subjects[i]->name))
			continue;
		few = trace_requests(load, subjects[i], 1);
		many = trace_requests(load, subjects[i], 1 + STEPPED);
		bench_add_exact(bench, &instructions, i, many.total - few.total,
				many.most - few.total, STEPPED);
	}
	bench_print(bench, &instructions);
	bench_target_figure(bench, BENCH_EXACT, &instructions,
			    load->instructions);
}

static int run_only(const char *name, const char *subject, size_t count)
{
	for (size_t i = 0; i < LOADS; i++)
		for (size_t j = 0; j < SUBJECTS; j++)
			if (!strcmp(loads[i].name, name) &&
			    !strcmp(subjects[j]->name, subject)) {
				run_load(&loads[i], subjects[j], count);
				return 0;
			}
	bench_fail("no %s with %s", subject, name);
}

int main(int argc, char **argv)
{
	struct bench bench;

	argc = bench_begin(&bench, "http_parse", argc, argv);
	if (argc == 5 && !strcmp(argv[1], "--run"))
		return run_only(argv[2], argv[3], (size_t)atol(argv[4]));
	if (argc > 1)
		bench_fail("http_parse [--quick] [--check] "
			   "[--run LOAD SUBJECT COUNT]");
	for (size_t i = 0; i < LOADS; i++)
		count_all(&bench, &loads[i]);
	if (!bench.check)
		for (size_t i = 0; i < LOADS; i++)
			time_all(&bench, &loads[i]);
	return bench_end(&bench);
}
