/*
 * io/filter_step.h - how a filter calls the functions of its class.
 */
#ifndef ROTAI_IO_FILTER_STEP_H
#define ROTAI_IO_FILTER_STEP_H

#include "rota/filter.h"

/* The state of a filter: the bits of its flags. The numbers refer to
 * filter_step.c. */
enum {
	FILTER_IN_MORE = 1 << 0,    /* (1) */
	FILTER_IN_WAITS = 1 << 1,   /* input() has returned ROTA_EAGAIN */
	FILTER_OUT_DUE = 1 << 2,    /* (2) */
	FILTER_OUT_WAITS = 1 << 3,  /* output() has returned ROTA_EAGAIN */
	FILTER_OUT_LATER = 1 << 4,  /* (5) */
	FILTER_PRESSED = 1 << 5,    /* the stream below has enough output */
	FILTER_ENDING = 1 << 6,     /* the program has shut the filter down */
	FILTER_FINISHED = 1 << 7,   /* and output() has made everything */
	FILTER_SHUT_BELOW = 1 << 8, /* the stream below is told to shut down */
	FILTER_CALLING = 1 << 9,    /* a function of the class runs */
	FILTER_KEEP_BELOW = 1 << 10,
};

static inline int rotai_filter_has(const struct rota_filter *filter,
				   unsigned flags)
{
	return (filter->internal.flags & flags) != 0;
}

static inline void rotai_filter_set(struct rota_filter *filter, unsigned flags)
{
	filter->internal.flags |= (uint16_t)flags;
}

static inline void rotai_filter_clear(struct rota_filter *filter,
				      unsigned flags)
{
	filter->internal.flags &= (uint16_t)~flags;
}

/* input() may have something to give, or output(): call it when it can be. */
void rotai_filter_input_due(struct rota_filter *filter);
void rotai_filter_output_due(struct rota_filter *filter);

/* The output has failed, or the stream below does not take it. */
void rotai_filter_fail_output(struct rota_filter *filter, int error);

/* Whether output() may be called. */
int rotai_filter_may_write(const struct rota_filter *filter);

/* Store input at @buf. Returns how many bytes; 0: there are none now. */
size_t rotai_filter_read(struct rota_filter *filter, struct rota_buf buf);

/* Take bytes from the buffers, and send below what output() makes of them.
 * Returns how many bytes were taken. */
size_t rotai_filter_write(struct rota_filter *filter,
			  const struct rota_const_buf *bufs, size_t count);

/* Call output() with @end, and without bytes of the program's, until it has no
 * more. */
void rotai_filter_write_due(struct rota_filter *filter, int end);

/* Read the stream below while somebody wants input and none is here. */
void rotai_filter_update_reading(struct rota_filter *filter);

/* Do what can be done without the program. */
void rotai_filter_serve(struct rota_filter *filter);

/* The function of the filter's task. */
void rotai_filter_go_on_later(struct rota_task *task);

/* Free all input that is here. */
void rotai_filter_drop_input(struct rota_filter *filter);

#endif
