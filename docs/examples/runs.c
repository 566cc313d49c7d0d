/*
 * runs.c - packs standard input by run lengths; -d unpacks it.
 *
 *     cc runs.c $(pkg-config --cflags --libs rota) -o runs
 *     ./runs <picture >packed; ./runs -d <packed | cmp - picture
 *
 * A run is its length, 1 to 255, and the byte. A length of 0 is the end.
 */
#include <rota.h>
#include <stdio.h>
#include <string.h>

static struct coder {
	struct rota_filter filter;
	unsigned char length; /* was read, and its byte was not; or 0 */
} coder;

static struct rota_stdio in, out;
static int failed;

static int pack(struct rota_filter *filter, struct rota_filter_step *step)
{
	(void)filter;
	while (step->taken < step->from.size &&
	       step->to.size - step->made >= 2) {
		const char *run = step->from.data + step->taken;
		size_t left = step->from.size - step->taken, length = 1;

		while (length < 255 && length < left && run[length] == *run)
			length++;
		step->to.data[step->made++] = (char)length;
		step->to.data[step->made++] = *run;
		step->taken += length;
	}
	if (step->end != ROTA_EOF)
		return 0;
	step->to.data[step->made++] = 0; /* the trailer */
	return ROTA_EOF;
}

static int unpack(struct rota_filter *filter, struct rota_filter_step *step)
{
	struct coder *c = rota_container_of(filter, struct coder, filter);

	while (step->taken < step->from.size &&
	       step->to.size - step->made >= 255) {
		char byte = step->from.data[step->taken++];

		if (c->length == 0 && byte == 0)
			return ROTA_EOF;
		memset(step->to.data + step->made, byte, c->length);
		step->made += c->length;
		c->length = c->length == 0 ? (unsigned char)byte : 0;
	}
	return step->end == ROTA_EOF ? ROTA_EPROTO : 0; /* no trailer */
}

static const struct rota_filter_class coder_class = {
	.size = sizeof(coder_class),
	.input = unpack,
	.output = pack,
	.room = 255,
};

static void must(int status)
{
	if (status < 0)
		fprintf(stderr, "runs: %s\n", rota_error_text(status));
	failed |= status < 0;
}

static void on_pumped(struct rota_pump *pump, int status)
{
	(void)pump;
	must(status);
}

int main(int argc, char **argv)
{
	int packs = argc < 2 || strcmp(argv[1], "-d") != 0;
	struct rota_stream *over = packs ? &out.stream : &in.stream;
	struct rota_stream *coded = &coder.filter.stream;
	struct rota_loop *loop;
	struct rota_pump pump;

	if (rota_loop_new(&loop, NULL) < 0)
		return 1;
	must(rota_stdio_open(&in, loop, 0));
	must(rota_stdio_open(&out, loop, 1));
	if (!failed)
		must(rota_filter_open(&coder.filter, over, &coder_class, 0));
	if (!failed)
		must(rota_pump_start(&pump, packs ? &in.stream : coded,
				     packs ? coded : &out.stream, 0,
				     on_pumped));
	rota_loop_run(loop, ROTA_RUN_DEFAULT);
	must(rota_loop_shutdown(loop, UINT64_MAX));
	return failed;
}
