/*
 * frame/splitter.h - what the other files of this module use of a splitter.
 */
#ifndef ROTAI_FRAME_SPLITTER_H
#define ROTAI_FRAME_SPLITTER_H

#include "rota/frame.h"

/* 0, or ROTA_EINVAL if @options are invalid. */
int rotai_frame_check(const struct rota_frame_options *options);

/* As rota_splitter_init(), for options that were checked. */
void rotai_splitter_begin(struct rota_splitter *splitter,
			  const struct rota_frame_options *options,
			  const struct rota_allocator *allocator);

/* Look for records as @options say, which were checked, behind the last one:
 * 0; or ROTA_EBUSY if a part of the next record is in own. */
int rotai_splitter_change(struct rota_splitter *splitter,
			  const struct rota_frame_options *options);

/* Whether a delimiter ends in the input. */
int rotai_splitter_finds_end(const struct rota_splitter *splitter);

#endif
