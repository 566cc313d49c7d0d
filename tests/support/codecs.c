/*
 * tests/support/codecs.c - see codecs.h.
 */
#include "codecs.h"

#include <string.h>

#include "fixture.h"

enum { EXPANSION = 1000 };

static struct codec *codec_of(struct rota_filter *filter)
{
	return rota_container_of(filter, struct codec, filter);
}

static int may_take(const struct rota_filter_step *step)
{
	return step->taken < step->from.size;
}

static int may_make(const struct rota_filter_step *step)
{
	return step->made < step->to.size;
}

static char take(struct rota_filter_step *step)
{
	return step->from.data[step->taken++];
}

static void make(struct rota_filter_step *step, char byte)
{
	step->to.data[step->made++] = byte;
}

static void on_close(struct rota_filter *filter)
{
	codec_of(filter)->closes++;
	(void)rota_task_cancel(&codec_of(filter)->task);
}

/* Runs. */

static int rle_input(struct rota_filter *filter, struct rota_filter_step *step)
{
	struct codec *codec = codec_of(filter);

	while (may_take(step) && step->to.size - step->made >= 255) {
		if (codec->held == 0) {
			codec->hold[0] = (unsigned char)take(step);
			codec->held = 1;
			if (codec->hold[0] == 0)
				return ROTA_EOF;
			continue;
		}
		memset(step->to.data + step->made, take(step), codec->hold[0]);
		step->made += codec->hold[0];
		codec->held = 0;
	}
	return step->end == ROTA_EOF ? ROTA_EPROTO : 0;
}

static int rle_output(struct rota_filter *filter, struct rota_filter_step *step)
{
	codec_of(filter)->end = step->end;
	while (may_take(step) && step->to.size - step->made >= 2) {
		char byte = take(step);
		unsigned char count = 1;

		while (may_take(step) && count < 255 &&
		       step->from.data[step->taken] == byte) {
			step->taken++;
			count++;
		}
		make(step, (char)count);
		make(step, byte);
	}
	if (step->end != ROTA_EOF)
		return 0;
	make(step, 0);
	return ROTA_EOF;
}

const struct rota_filter_class rle_class = {
	.size = sizeof(rle_class),
	.type = "rle",
	.input = rle_input,
	.output = rle_output,
	.close = on_close,
	.room = 255,
};

/* A thousand for one. */

static int thousand_input(struct rota_filter *filter,
			  struct rota_filter_step *step)
{
	struct codec *codec = codec_of(filter);

	while (may_take(step) && may_make(step)) {
		char byte = take(step);

		if (++codec->held == EXPANSION) {
			make(step, byte);
			codec->held = 0;
		}
	}
	return 0;
}

static int thousand_output(struct rota_filter *filter,
			   struct rota_filter_step *step)
{
	struct codec *codec = codec_of(filter);

	codec->outputs++;
	if (step->from.size > codec->most)
		codec->most = step->from.size;
	while (may_make(step)) {
		if (codec->said == 0) {
			if (!may_take(step))
				break;
			codec->hold[0] = (unsigned char)take(step);
			codec->said = EXPANSION;
		}
		make(step, (char)codec->hold[0]);
		codec->said--;
	}
	return 0;
}

const struct rota_filter_class thousand_class = {
	.size = sizeof(thousand_class),
	.type = "thousand",
	.input = thousand_input,
	.output = thousand_output,
	.close = on_close,
};

/* A handshake. */

enum { HELLO = 1, ANSWER = 2, LAST = 4 };

static int shake_input(struct rota_filter *filter,
		       struct rota_filter_step *step)
{
	struct codec *codec = codec_of(filter);

	codec->inputs++;
	while (may_take(step) && may_make(step)) {
		char byte = take(step);

		if (byte == 'X')
			return ROTA_EPROTO;
		if (byte == 'Z')
			return ROTA_EOF;
		if (byte == 'H')
			codec->heard |= HELLO;
		else if (byte == 'R')
			codec->heard |= ANSWER;
		else if (byte != 'r')
			make(step, byte);
		if (byte == 'H' || byte == 'R')
			rota_filter_again(filter, ROTA_WRITABLE);
	}
	return step->end == ROTA_EOF ? ROTA_EILSEQ : 0;
}

static int shake_output(struct rota_filter *filter,
			struct rota_filter_step *step)
{
	struct codec *codec = codec_of(filter);

	codec->outputs++;
	codec->end = step->end;
	if (step->end < 0 && step->end != ROTA_EOF) {
		make(step, 'x');
		return step->end;
	}
	if (!(codec->said & HELLO))
		make(step, 'H');
	codec->said |= HELLO;
	if (!(codec->heard & HELLO))
		return ROTA_EAGAIN;
	if ((codec->heard & ANSWER) && may_make(step)) {
		codec->heard &= ~(unsigned)ANSWER;
		make(step, 'r');
	}
	while (may_take(step) && may_make(step))
		make(step, take(step));
	if (step->end != ROTA_EOF || !may_make(step))
		return 0;
	make(step, 'Z');
	return ROTA_EOF;
}

const struct rota_filter_class shake_class = {
	.size = sizeof(shake_class),
	.type = "shake",
	.input = shake_input,
	.output = shake_output,
	.close = on_close,
};

/* At random. */

static void call_again(struct rota_task *task)
{
	struct codec *codec = rota_container_of(task, struct codec, task);

	rota_filter_again(&codec->filter, ROTA_READABLE | ROTA_WRITABLE);
}

static int shake_bytes(struct rota_filter *filter,
		       struct rota_filter_step *step, unsigned side)
{
	struct codec *codec = codec_of(filter);
	size_t bound = 1 + (size_t)random_below(&codec->seed, 3000);

	/* A byte that is kept leaves first. */
	if ((codec->said & side) && may_make(step)) {
		make(step, (char)codec->hold[side]);
		codec->said &= ~side;
	}
	if (step->end == 0 && random_below(&codec->seed, 6) == 0) {
		(void)rota_task_immediate(&codec->task, call_again);
		return ROTA_EAGAIN;
	}
	while (may_take(step) && may_make(step) && step->made < bound)
		make(step, take(step));
	if (may_take(step) && !(codec->said & side)) {
		codec->hold[side] = (unsigned char)take(step);
		codec->said |= side;
	}
	return 0;
}

static int shaky_input(struct rota_filter *filter,
		       struct rota_filter_step *step)
{
	return shake_bytes(filter, step, 1);
}

static int shaky_output(struct rota_filter *filter,
			struct rota_filter_step *step)
{
	return shake_bytes(filter, step, 2);
}

const struct rota_filter_class shaky_class = {
	.size = sizeof(shaky_class),
	.type = "shaky",
	.input = shaky_input,
	.output = shaky_output,
	.close = on_close,
	.room = 3,
};

/* Bytes as they are. */

static int pass(struct codec *codec, struct rota_filter_step *step)
{
	if (codec->said)
		rota_filter_again(&codec->filter,
				  ROTA_READABLE | ROTA_WRITABLE);
	if (codec->result != 0)
		return codec->result;
	if (codec->waits)
		return 0; /* a mistake, if there are bytes */
	while (may_take(step) && may_make(step))
		make(step, take(step));
	return 0;
}

static int plain_input(struct rota_filter *filter,
		       struct rota_filter_step *step)
{
	codec_of(filter)->inputs++;
	return pass(codec_of(filter), step);
}

static int plain_output(struct rota_filter *filter,
			struct rota_filter_step *step)
{
	codec_of(filter)->outputs++;
	codec_of(filter)->end = step->end;
	return pass(codec_of(filter), step);
}

const struct rota_filter_class plain_class = {
	.size = sizeof(plain_class),
	.input = plain_input,
	.output = plain_output,
	.close = on_close,
};

void codec_open(struct codec *codec, struct rota_stream *below,
		const struct rota_filter_class *class_, unsigned flags)
{
	memset(codec, 0, sizeof(*codec));
	codec->seed = 1;
	rota_task_init(&codec->task, rota_handle_loop(&below->handle));
	assert_int_equal(rota_filter_open(&codec->filter, below, class_, flags),
			 0);
}
