/*
 * frame/splitter.c - splits bytes into records.
 *
 * The bytes of the current record are those in own, which came with earlier
 * calls, and then those at input. While own is empty, a record is returned
 * where it lies.
 *
 *  1. own has the raw bytes of one record: with its length, and with its
 *     delimiter. When rotai_splitter_next() returns 0, all bytes that were
 *     given are in own, and no delimiter ends there: so they are never searched
 *     again.
 *  2. memchr(3) looks for the last byte of the delimiter. Only where it is
 *     found, the bytes before it are compared, of which the first may be in
 *     own.
 *  3. own grows by half, but with the bytes that have arrived, not with a
 *     length that somebody claims. It is freed when it is empty and all bytes
 *     are used. It is also freed once it has become far larger than the
 *     records that need it.
 *  4. own has room for one more byte than it holds, so that the caller may
 *     store a 0 behind the last line.
 *  5. A step that fails for lack of memory has changed nothing.
 */
#include "frame/splitter.h"

#include <string.h>

#include "base/memory.h"
#include "base/sized.h"
#include "rota/error.h"

enum {
	FIRST_CAPACITY = 256,
	KEPT_CAPACITY = 4096, /* (3): more than this may be too large */
	FAR_LARGER = 8,       /* times */
	VARINT_SIZE = 10,
	ALL_FLAGS = ROTA_FRAME_LITTLE_ENDIAN | ROTA_FRAME_INCLUDES_PREFIX |
		    ROTA_FRAME_CRLF,
};

/* The first version of the struct ended with flags. */
enum {
	LEAST_FRAME_OPTIONS = ROTAI_SIZE_UP_TO(struct rota_frame_options, flags)
};

ROTAI_SIZED(struct rota_frame_options, flags);

static const char LF = '\n';

void rota_frame_options_init_size(struct rota_frame_options *options,
				  enum rota_frame_kind kind, size_t size)
{
	const struct rota_frame_options defaults = {
		.limit = ROTA_FRAME_LIMIT,
		.prefix_size = 4,
		.kind = kind,
	};

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

static int check_kind(const struct rota_frame_options *options)
{
	switch (options->kind) {
	case ROTA_FRAME_LINE:
		return 0;
	case ROTA_FRAME_DELIMITER:
		return options->delimiter.data != NULL &&
				       options->delimiter.size > 0 &&
				       options->delimiter.size <=
					       ROTA_DELIMITER_SIZE
			       ? 0
			       : ROTA_EINVAL;
	case ROTA_FRAME_LENGTH:
		return options->prefix_size == 1 || options->prefix_size == 2 ||
				       options->prefix_size == 4 ||
				       options->prefix_size == 8
			       ? 0
			       : ROTA_EINVAL;
	case ROTA_FRAME_VARINT:
		return options->flags & ROTA_FRAME_INCLUDES_PREFIX ? ROTA_EINVAL
								   : 0;
	}
	return ROTA_EINVAL;
}

int rotai_frame_check(const struct rota_frame_options *options)
{
	if (options == NULL ||
	    rotai_sized_check(options, LEAST_FRAME_OPTIONS, sizeof(*options)) <
		    0 ||
	    options->limit == 0 || options->limit > PTRDIFF_MAX / 2 ||
	    (options->flags & ~(unsigned)ALL_FLAGS) != 0)
		return ROTA_EINVAL;
	return check_kind(options);
}

static void set_framing(struct rota_splitter *splitter,
			const struct rota_frame_options *options)
{
	int is_line = options->kind == ROTA_FRAME_LINE;

	splitter->internal.kind = (uint8_t)options->kind;
	splitter->internal.flags = (uint8_t)options->flags;
	splitter->internal.limit = options->limit;
	splitter->internal.prefix_size = (uint8_t)options->prefix_size;
	splitter->internal.delimiter = is_line ? &LF : options->delimiter.data;
	splitter->internal.delimiter_size =
		is_line ? 1 : (uint8_t)options->delimiter.size;
}

void rotai_splitter_begin(struct rota_splitter *splitter,
			  const struct rota_frame_options *options,
			  const struct rota_allocator *allocator)
{
	*splitter = (struct rota_splitter){ 0 };
	splitter->internal.allocator = allocator;
	set_framing(splitter, options);
}

static void free_own(struct rota_splitter *splitter)
{
	rotai_memory_free(splitter->internal.allocator, splitter->internal.own,
			  splitter->internal.capacity);
	splitter->internal.own = NULL;
	splitter->internal.own_size = 0;
	splitter->internal.capacity = 0;
}

/* The caller is done with the record that was returned last. */
static void drop_told(struct rota_splitter *splitter)
{
	size_t size = splitter->internal.own_size;
	size_t capacity = splitter->internal.capacity;

	if (!splitter->internal.is_told)
		return;
	splitter->internal.is_told = 0;
	splitter->internal.own_size = 0;
	if (capacity > KEPT_CAPACITY && size < capacity / FAR_LARGER)
		free_own(splitter); /* (3) */
}

/* Make room in own for @size bytes more, and one (4). The limit is such that
 * the sums do not overflow. */
static int reserve_own(struct rota_splitter *splitter, size_t size)
{
	size_t need = splitter->internal.own_size + size + 1;

	if (need < FIRST_CAPACITY)
		need = FIRST_CAPACITY;
	return rotai_memory_reserve(splitter->internal.allocator,
				    &splitter->internal.own,
				    &splitter->internal.capacity, need, 1);
}

/* Move @size bytes of the input to own. */
static int append_own(struct rota_splitter *splitter, size_t size)
{
	int error = reserve_own(splitter, size);

	if (error < 0)
		return error;
	if (size > 0)
		memcpy(splitter->internal.own + splitter->internal.own_size,
		       splitter->internal.input, size);
	splitter->internal.own_size += size;
	splitter->internal.input += size;
	splitter->internal.left -= size;
	return 0;
}

/* There is no whole record: keep its begin. Returns 0 or ROTA_ENOMEM. */
static int save_begin(struct rota_splitter *splitter)
{
	if (splitter->internal.left > 0)
		return append_own(splitter, splitter->internal.left);
	if (splitter->internal.own_size == 0 && splitter->internal.own != NULL)
		free_own(splitter); /* (3) */
	return 0;
}

static int fail_for_good(struct rota_splitter *splitter, int error)
{
	free_own(splitter);
	splitter->internal.input = NULL;
	splitter->internal.left = 0;
	splitter->internal.error = error;
	return error;
}

/* The record has @raw bytes, of which the first @before and the last @after are
 * not its content. Returns 1 or ROTA_ENOMEM. */
static int take_record(struct rota_splitter *splitter,
		       struct rota_record *record, size_t raw, size_t before,
		       size_t after)
{
	int error;

	if (splitter->internal.own_size == 0) {
		record->data = splitter->internal.input + before;
		splitter->internal.input += raw;
		splitter->internal.left -= raw;
	} else {
		error = append_own(splitter, raw - splitter->internal.own_size);
		if (error < 0)
			return error;
		record->data = splitter->internal.own + before;
		splitter->internal.is_told = 1;
	}
	record->size = raw - before - after;
	record->flags = 0;
	return 1;
}

/* --- delimiters ----------------------------------------------------------- */

/* Whether the delimiter ends at @last, a byte of the input. (2) */
static int delimiter_ends(const struct rota_splitter *splitter,
			  const char *last)
{
	const char *delimiter = splitter->internal.delimiter;
	size_t size = splitter->internal.delimiter_size;
	size_t here = (size_t)(last + 1 - splitter->internal.input);
	size_t before;

	if (here >= size)
		return memcmp(last + 1 - size, delimiter, size) == 0;
	before = size - here;
	if (splitter->internal.own_size < before)
		return 0;
	return memcmp(splitter->internal.own + splitter->internal.own_size -
			      before,
		      delimiter, before) == 0 &&
	       memcmp(splitter->internal.input, delimiter + before, here) == 0;
}

/* Return what follows the first delimiter in the input, or NULL. */
static const char *find_end(const struct rota_splitter *splitter)
{
	size_t size = splitter->internal.delimiter_size;
	int byte = (unsigned char)splitter->internal.delimiter[size - 1];
	const char *at = splitter->internal.input;
	const char *end = at + splitter->internal.left;

	while (at < end) {
		const char *last = memchr(at, byte, (size_t)(end - at));

		if (last == NULL)
			return NULL;
		at = last + 1;
		if (size == 1 || delimiter_ends(splitter, last))
			return at;
	}
	return NULL;
}

/* Remove the CR from the line that was found. */
static int strip_cr(struct rota_splitter *splitter, struct rota_record *record)
{
	if (record->size > 0 && record->data[record->size - 1] == '\r') {
		record->size--;
		record->flags |= ROTA_RECORD_CR;
	}
	if (record->size > splitter->internal.limit)
		return fail_for_good(splitter, ROTA_EMSGSIZE);
	return 1;
}

static int next_delimited(struct rota_splitter *splitter,
			  struct rota_record *record)
{
	int is_line = splitter->internal.kind == ROTA_FRAME_LINE;
	size_t delimiter = splitter->internal.delimiter_size;
	const char *end = find_end(splitter);
	size_t raw = splitter->internal.own_size +
		     (end != NULL ? (size_t)(end - splitter->internal.input)
				  : splitter->internal.left);
	/* A line may have a CR as well. Without an end, all of the last bytes
	 * but one may belong to the delimiter. */
	size_t extra = end != NULL ? delimiter : delimiter - 1;
	int found;

	if (raw > splitter->internal.limit + extra + (size_t)is_line)
		return fail_for_good(splitter, ROTA_EMSGSIZE);
	if (end == NULL)
		return save_begin(splitter);
	found = take_record(splitter, record, raw, 0, delimiter);
	return found == 1 && is_line ? strip_cr(splitter, record) : found;
}

/* --- lengths -------------------------------------------------------------- */

/* The byte at @index of the current record. */
static unsigned char byte_at(const struct rota_splitter *splitter, size_t index)
{
	size_t own_size = splitter->internal.own_size;

	return (unsigned char)(index < own_size
				       ? splitter->internal.own[index]
				       : splitter->internal
						 .input[index - own_size]);
}

/* These two store the length in *@length, and return the size of the prefix; 0
 * if it is incomplete; or ROTA_EPROTO. */
static int read_varint(const struct rota_splitter *splitter, size_t size,
		       uint64_t *length)
{
	unsigned char byte;

	*length = 0;
	for (size_t i = 0; i < size; i++) {
		byte = byte_at(splitter, i);
		if (i == VARINT_SIZE - 1 && byte > 1)
			return ROTA_EPROTO; /* more than 64 bits */
		*length |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte < 0x80)
			return (int)i + 1;
	}
	return 0;
}

static int read_fixed(const struct rota_splitter *splitter, size_t size,
		      uint64_t *length)
{
	int is_little = splitter->internal.flags & ROTA_FRAME_LITTLE_ENDIAN;
	size_t prefix = splitter->internal.prefix_size;

	*length = 0;
	if (size < prefix)
		return 0;
	for (size_t i = 0; i < prefix; i++)
		*length = *length << 8 |
			  byte_at(splitter, is_little ? prefix - 1 - i : i);
	if (!(splitter->internal.flags & ROTA_FRAME_INCLUDES_PREFIX))
		return (int)prefix;
	if (*length < prefix)
		return ROTA_EPROTO;
	*length -= prefix;
	return (int)prefix;
}

static int next_counted(struct rota_splitter *splitter,
			struct rota_record *record)
{
	size_t size = splitter->internal.own_size + splitter->internal.left;
	uint64_t length;
	int prefix = splitter->internal.kind == ROTA_FRAME_VARINT
			     ? read_varint(splitter, size, &length)
			     : read_fixed(splitter, size, &length);

	if (prefix < 0)
		return fail_for_good(splitter, prefix);
	if (prefix == 0)
		return save_begin(splitter);
	if (length > splitter->internal.limit)
		return fail_for_good(splitter, ROTA_EMSGSIZE);
	if (size - (size_t)prefix < length)
		return save_begin(splitter);
	return take_record(splitter, record, (size_t)prefix + (size_t)length,
			   (size_t)prefix, 0);
}

/* --- the whole ------------------------------------------------------------ */

static int has_delimiter(const struct rota_splitter *splitter)
{
	return splitter->internal.kind == ROTA_FRAME_LINE ||
	       splitter->internal.kind == ROTA_FRAME_DELIMITER;
}

int rotai_splitter_change(struct rota_splitter *splitter,
			  const struct rota_frame_options *options)
{
	if (!splitter->internal.is_told && splitter->internal.own_size > 0)
		return ROTA_EBUSY;
	set_framing(splitter, options);
	return 0;
}

int rotai_splitter_finds_end(const struct rota_splitter *splitter)
{
	return find_end(splitter) != NULL;
}

int rota_splitter_init(struct rota_splitter *splitter,
		       const struct rota_frame_options *options,
		       const struct rota_allocator *allocator)
{
	int error = rotai_frame_check(options);

	if (error < 0)
		return error;
	rotai_splitter_begin(splitter, options,
			     allocator != NULL ? allocator
					       : &rotai_memory_default);
	return 0;
}

int rota_splitter_feed(struct rota_splitter *splitter, struct rota_buf buf)
{
	if (buf.data == NULL && buf.size > 0)
		return ROTA_EINVAL;
	if (splitter->internal.left > 0)
		return ROTA_EBUSY;
	if (splitter->internal.error < 0)
		return 0; /* the next call returns it */
	splitter->internal.input = buf.data;
	splitter->internal.left = buf.size;
	return 0;
}

int rota_splitter_next(struct rota_splitter *splitter,
		       struct rota_record *record)
{
	drop_told(splitter);
	if (splitter->internal.error < 0)
		return splitter->internal.error;
	if (splitter->internal.left == 0)
		return save_begin(splitter);
	return has_delimiter(splitter) ? next_delimited(splitter, record)
				       : next_counted(splitter, record);
}

int rota_splitter_finish(struct rota_splitter *splitter,
			 struct rota_record *record)
{
	int found = rota_splitter_next(splitter, record);

	if (found != 0 || splitter->internal.own_size == 0)
		return found;
	if (!has_delimiter(splitter))
		return fail_for_good(splitter, ROTA_EPROTO);
	if (splitter->internal.own_size > splitter->internal.limit)
		return fail_for_good(splitter, ROTA_EMSGSIZE);
	found = take_record(splitter, record, splitter->internal.own_size, 0,
			    0);
	record->flags = ROTA_RECORD_UNENDED;
	return found;
}

struct rota_buf rota_splitter_rest(const struct rota_splitter *splitter)
{
	struct rota_buf rest = { splitter->internal.input,
				 splitter->internal.left };

	if (!splitter->internal.is_told && splitter->internal.own_size > 0) {
		rest.data = splitter->internal.own;
		rest.size = splitter->internal.own_size;
	}
	return rest;
}

void rota_splitter_free(struct rota_splitter *splitter)
{
	if (splitter->internal.own != NULL)
		free_own(splitter);
	*splitter = (struct rota_splitter){ 0 };
}
