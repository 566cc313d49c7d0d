/*
 * Splitters: the same records, however the bytes arrive.
 *
 * Every case is fed whole, cut in two at every byte, cut in three at every two
 * bytes, and byte by byte. The bytes of each call are in memory of their own,
 * which is overwritten and freed as soon as they have been used.
 */
/* poller: none */
#include "support/fixture.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 4096 };

/* Counts the bytes that the library has searched. */
static size_t searched;

void *memchr(const void *bytes, int byte, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++) {
		searched++;
		if (at[i] == (unsigned char)byte)
			return (void *)(uintptr_t)(at + i);
	}
	return NULL;
}

/* What a splitter has returned, as text: each record in brackets, CR or ~ for
 * its flags, and the name of an error. */
struct result {
	char text[TEXT_SIZE];
	size_t size;
};

static void add(struct result *result, const char *bytes, size_t size)
{
	assert_true(result->size + size < sizeof(result->text));
	if (size > 0)
		memcpy(result->text + result->size, bytes, size);
	result->size += size;
	result->text[result->size] = '\0';
}

static void add_text(struct result *result, const char *text)
{
	add(result, text, strlen(text));
}

static void add_record(struct result *result, struct rota_splitter *splitter,
		       const struct rota_record *record)
{
	(void)splitter;
	add_text(result, "[");
	add(result, record->data, record->size);
	add_text(result, "]");
	if (record->flags & ROTA_RECORD_CR)
		add_text(result, "CR");
	if (record->flags & ROTA_RECORD_UNENDED)
		add_text(result, "~");
	memset(record->data, '#', record->size); /* it may be changed */
}

static int take(struct result *result, struct rota_splitter *splitter,
		int (*next)(struct rota_splitter *, struct rota_record *))
{
	struct rota_record record;
	int found;

	while ((found = next(splitter, &record)) == 1)
		add_record(result, splitter, &record);
	if (found < 0) {
		add_text(result, rota_error_name(found));
		assert_int_equal(next(splitter, &record), found);
		assert_int_equal(rota_splitter_rest(splitter).size, 0);
	}
	return found;
}

/* Returns 0, or the error. */
static int feed(struct result *result, struct rota_splitter *splitter,
		const char *bytes, size_t size)
{
	char *own = test_malloc(size + 1);
	int found;

	memcpy(own, bytes, size);
	assert_int_equal(
		rota_splitter_feed(splitter, (struct rota_buf){ own, size }),
		0);
	found = take(result, splitter, rota_splitter_next);
	memset(own, '@', size);
	test_free(own);
	return found;
}

/* Feed @bytes cut at @first and at @second. */
static void split(struct result *result,
		  const struct rota_frame_options *options, const char *bytes,
		  size_t size, size_t first, size_t second)
{
	struct rota_splitter splitter;
	const size_t cuts[] = { 0, first, second, size };
	int error = 0;

	*result = (struct result){ .size = 0 };
	assert_int_equal(rota_splitter_init(&splitter, options, NULL), 0);
	for (int i = 0; i < 3 && error == 0; i++)
		error = feed(result, &splitter, bytes + cuts[i],
			     cuts[i + 1] - cuts[i]);
	if (error == 0)
		take(result, &splitter, rota_splitter_finish);
	rota_splitter_free(&splitter);
}

static void split_bytewise(struct result *result,
			   const struct rota_frame_options *options,
			   const char *bytes, size_t size)
{
	struct rota_splitter splitter;
	int error = 0;

	*result = (struct result){ .size = 0 };
	assert_int_equal(rota_splitter_init(&splitter, options, NULL), 0);
	for (size_t i = 0; i < size && error == 0; i++)
		error = feed(result, &splitter, bytes + i, 1);
	if (error == 0)
		take(result, &splitter, rota_splitter_finish);
	rota_splitter_free(&splitter);
}

static void same(const struct result *result, const char *expected, size_t size,
		 size_t first, size_t second)
{
	if (result->size != size || memcmp(result->text, expected, size) != 0)
		fail_msg("cut at %zu and %zu: \"%s\", not \"%s\"", first,
			 second, result->text, expected);
}

static void check_size(const struct rota_frame_options *options,
		       const char *bytes, size_t size, const char *expected,
		       size_t expected_size)
{
	struct result result;

	for (size_t i = 0; i <= size; i++)
		for (size_t k = i; k <= size; k++) {
			split(&result, options, bytes, size, i, k);
			same(&result, expected, expected_size, i, k);
		}
	split_bytewise(&result, options, bytes, size);
	same(&result, expected, expected_size, 1, 1);
}

static void check(const struct rota_frame_options *options, const char *bytes,
		  const char *expected)
{
	check_size(options, bytes, strlen(bytes), expected, strlen(expected));
}

#define CHECK_BYTES(options, bytes, expected)                                  \
	check_size(options, bytes, sizeof(bytes) - 1, expected,                \
		   sizeof(expected) - 1)

static struct rota_frame_options lines_of(size_t limit)
{
	struct rota_frame_options options;

	rota_frame_options_init(&options, ROTA_FRAME_LINE);
	options.limit = limit;
	return options;
}

static struct rota_frame_options delimited_by(const char *text, size_t limit)
{
	struct rota_frame_options options;

	rota_frame_options_init(&options, ROTA_FRAME_DELIMITER);
	options.delimiter = rota_bytes(text, strlen(text));
	options.limit = limit;
	return options;
}

static struct rota_frame_options counted_by(size_t size, unsigned flags)
{
	struct rota_frame_options options;

	rota_frame_options_init(&options, ROTA_FRAME_LENGTH);
	options.prefix_size = size;
	options.flags = flags;
	return options;
}

static void lines_end_with_lf_or_cr_lf(void **state)
{
	struct rota_frame_options lines = lines_of(1000);

	(void)state;
	check(&lines, "", "");
	check(&lines, "one\ntwo\n", "[one][two]");
	check(&lines, "one\r\ntwo\n", "[one]CR[two]");
	check(&lines, "\n\r\n\n", "[][]CR[]");
	check(&lines, "a\rb\n", "[a\rb]");
	check(&lines, "a\r\r\n", "[a\r]CR");
	check(&lines, "\r\r\n", "[\r]CR");
}

static void a_last_line_without_lf_is_a_line(void **state)
{
	struct rota_frame_options lines = lines_of(1000);

	(void)state;
	check(&lines, "one\ntwo", "[one][two]~");
	check(&lines, "one\r", "[one\r]~");
	check(&lines, "\r", "[\r]~");
	check(&lines, "x", "[x]~");
}

static void a_line_may_be_as_long_as_the_limit(void **state)
{
	struct rota_frame_options lines = lines_of(4);

	(void)state;
	check(&lines, "1234\n1234\r\n1234", "[1234][1234]CR[1234]~");
	check(&lines, "1\n12345\n1\n", "[1]EMSGSIZE");
	check(&lines, "1\n12345\r\n1\n", "[1]EMSGSIZE");
	check(&lines, "1\n12345", "[1]EMSGSIZE");
	check(&lines, "1\n1234\r", "[1]EMSGSIZE");
	check(&lines, "1\n1234\rx\n", "[1]EMSGSIZE");
	check(&lines, "123456789abcdef", "EMSGSIZE");
}

static void delimiters_have_any_bytes(void **state)
{
	struct rota_frame_options options = delimited_by("\r\n\r\n", 1000);

	(void)state;
	check(&options, "a\r\nb\r\n\r\nc\r\n\r\n", "[a\r\nb][c]");
	check(&options, "\r\n\r\n\r\n\r\n", "[][]");
	check(&options, "a\r\n\r", "[a\r\n\r]~");
	options = delimited_by("x", 1000);
	check(&options, "axbxx", "[a][b][]");
	options.delimiter = rota_bytes("\0\xff", 2);
	CHECK_BYTES(&options, "a\0\xff\0\0\xff\xff", "[a][\0][\xff]~");
}

static void a_delimiter_may_repeat_its_begin(void **state)
{
	struct rota_frame_options options = delimited_by("aab", 1000);

	(void)state;
	check(&options, "aaab", "[a]");
	check(&options, "aaaaabaab", "[aaa][]");
	check(&options, "abaabab", "[ab][ab]~");
	check(&options, "aabaaabaabb", "[][a][][b]~");
	options = delimited_by("aa", 1000);
	check(&options, "aaaaab", "[][][ab]~");
	options = delimited_by("abab", 1000);
	check(&options, "ababab", "[][ab]~");
	check(&options, "aababab", "[a][ab]~");
}

static void a_delimited_record_may_be_as_long_as_the_limit(void **state)
{
	struct rota_frame_options options = delimited_by("--", 4);

	(void)state;
	check(&options, "1234--1234", "[1234][1234]~");
	check(&options, "1--12345--1--", "[1]EMSGSIZE");
	check(&options, "1--12345", "[1]EMSGSIZE");
	check(&options, "1--1234-", "[1]EMSGSIZE");
	check(&options, "1--123---", "[1][123][-]~");
}

static void the_longest_delimiter_works(void **state)
{
	char delimiter[ROTA_DELIMITER_SIZE + 1];
	char text[2 * ROTA_DELIMITER_SIZE + 16];
	struct rota_frame_options options;

	(void)state;
	memset(delimiter, 'a', ROTA_DELIMITER_SIZE);
	delimiter[ROTA_DELIMITER_SIZE - 1] = 'b';
	delimiter[ROTA_DELIMITER_SIZE] = '\0';
	options = delimited_by(delimiter, 10);
	snprintf(text, sizeof(text), "aa%sx", delimiter);
	check(&options, text, "[aa][x]~");
}

static void lengths_come_first(void **state)
{
	struct rota_frame_options options = counted_by(1, 0);

	(void)state;
	CHECK_BYTES(&options, "\3abc\0\1x", "[abc][][x]");
	options = counted_by(2, 0);
	CHECK_BYTES(&options, "\0\3abc\0\0\0\1x", "[abc][][x]");
	options = counted_by(4, 0);
	CHECK_BYTES(&options, "\0\0\0\3abc\0\0\0\0", "[abc][]");
	options = counted_by(8, 0);
	CHECK_BYTES(&options, "\0\0\0\0\0\0\0\3abc\0\0\0\0\0\0\0\0", "[abc][]");
	options = counted_by(2, ROTA_FRAME_LITTLE_ENDIAN);
	CHECK_BYTES(&options, "\3\0abc\0\0\1\0x", "[abc][][x]");
	options = counted_by(8, ROTA_FRAME_LITTLE_ENDIAN);
	CHECK_BYTES(&options, "\3\0\0\0\0\0\0\0abc", "[abc]");
}

static void a_length_may_include_itself(void **state)
{
	unsigned flags = ROTA_FRAME_INCLUDES_PREFIX;
	struct rota_frame_options options = counted_by(2, flags);

	(void)state;
	CHECK_BYTES(&options, "\0\5abc\0\2\0\3x", "[abc][][x]");
	CHECK_BYTES(&options, "\0\2\0\1\0\2", "[]EPROTO");
	CHECK_BYTES(&options, "\0\0", "EPROTO");
	options = counted_by(4, flags | ROTA_FRAME_LITTLE_ENDIAN);
	CHECK_BYTES(&options, "\7\0\0\0abc\3\0\0\0", "[abc]EPROTO");
}

static void a_cut_record_is_an_error(void **state)
{
	struct rota_frame_options options = counted_by(2, 0);

	(void)state;
	CHECK_BYTES(&options, "\0\1x\0\2y", "[x]EPROTO");
	CHECK_BYTES(&options, "\0\1x\0\2", "[x]EPROTO");
	CHECK_BYTES(&options, "\0\1x\0", "[x]EPROTO");
	rota_frame_options_init(&options, ROTA_FRAME_VARINT);
	CHECK_BYTES(&options, "\1x\x80", "[x]EPROTO");
	CHECK_BYTES(&options, "\1x\2y", "[x]EPROTO");
}

static void a_length_above_the_limit_is_refused(void **state)
{
	struct rota_frame_options options = counted_by(8, 0);

	(void)state;
	options.limit = 4;
	CHECK_BYTES(&options, "\0\0\0\0\0\0\0\4abcd", "[abcd]");
	CHECK_BYTES(&options, "\0\0\0\0\0\0\0\5abcde", "EMSGSIZE");
	CHECK_BYTES(&options, "\xff\xff\xff\xff\xff\xff\xff\xff", "EMSGSIZE");
	CHECK_BYTES(&options, "\x80\0\0\0\0\0\0\0", "EMSGSIZE");
	options.limit = PTRDIFF_MAX / 2;
	CHECK_BYTES(&options, "\xff\xff\xff\xff\xff\xff\xff\xff", "EMSGSIZE");
	options.flags = ROTA_FRAME_INCLUDES_PREFIX;
	CHECK_BYTES(&options, "\xff\xff\xff\xff\xff\xff\xff\xff", "EMSGSIZE");
}

static void varints_have_any_length(void **state)
{
	struct rota_frame_options options;

	(void)state;
	rota_frame_options_init(&options, ROTA_FRAME_VARINT);
	options.limit = 200;
	CHECK_BYTES(&options, "\3abc\0\1x", "[abc][][x]");
	CHECK_BYTES(&options, "\x83\0abc", "[abc]");
	CHECK_BYTES(&options, "\x83\x80\x80\x80\x80\x80\x80\x80\x80\0abc",
		    "[abc]");
	CHECK_BYTES(&options, "\x83\x80\x80\x80\x80\x80\x80\x80\x80\2abc",
		    "EPROTO");
	CHECK_BYTES(&options, "\x83\x80\x80\x80\x80\x80\x80\x80\x80\x80\0",
		    "EPROTO");
	CHECK_BYTES(&options, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1",
		    "EMSGSIZE");
	CHECK_BYTES(&options, "\xc9\1", "EMSGSIZE"); /* 201 */
	CHECK_BYTES(&options,
		    "\xc8\1" /* 200 */
		    "1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890",
		    "[1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890]");
}

static void refused(const struct rota_frame_options *options)
{
	struct rota_splitter splitter;

	memset(&splitter, 'x', sizeof(splitter));
	assert_int_equal(rota_splitter_init(&splitter, options, NULL),
			 ROTA_EINVAL);
}

static void invalid_options_are_refused(void **state)
{
	struct rota_frame_options options;
	char longest[ROTA_DELIMITER_SIZE + 2];

	(void)state;
	refused(NULL);
	options = lines_of(0);
	refused(&options);
	options = lines_of((size_t)PTRDIFF_MAX / 2 + 1);
	refused(&options);
	options = lines_of(1);
	options.flags = 1u << 7;
	refused(&options);
	options = lines_of(1);
	options.size = 8;
	refused(&options);
	options = lines_of(1);
	options.kind = (enum rota_frame_kind)4;
	refused(&options);
	options = delimited_by("", 1);
	refused(&options);
	options.delimiter = rota_bytes(NULL, 1);
	refused(&options);
	memset(longest, 'x', sizeof(longest));
	options.delimiter = rota_bytes(longest, ROTA_DELIMITER_SIZE + 1);
	refused(&options);
	for (size_t size = 0; size < 20; size++) {
		options = counted_by(size, 0);
		if (size != 1 && size != 2 && size != 4 && size != 8)
			refused(&options);
	}
	rota_frame_options_init(&options, ROTA_FRAME_VARINT);
	options.flags = ROTA_FRAME_INCLUDES_PREFIX;
	refused(&options);
}

/* What a later version appends must be 0. */
static void options_may_grow(void **state)
{
	struct {
		struct rota_frame_options options;
		char more[8];
	} grown = { .options = lines_of(10) };
	struct rota_splitter splitter;

	(void)state;
	grown.options.size = sizeof(grown);
	assert_int_equal(rota_splitter_init(&splitter, &grown.options, NULL),
			 0);
	rota_splitter_free(&splitter);
	grown.more[7] = 1;
	refused(&grown.options);
	memset(&grown, 'x', sizeof(grown));
	rota_frame_options_init_size(&grown.options, ROTA_FRAME_LINE,
				     sizeof(grown));
	assert_int_equal(grown.more[7], 0);
	assert_int_equal(grown.options.limit, ROTA_FRAME_LIMIT);
}

static void records_lie_in_the_bytes_that_were_fed(void **state)
{
	struct counting_allocator memory;
	struct rota_frame_options lines = lines_of(1000);
	struct rota_splitter splitter;
	struct rota_record record;
	char bytes[] = "one\ntwo\nthree\nfo";

	(void)state;
	counting_allocator_init(&memory);
	assert_int_equal(
		rota_splitter_init(&splitter, &lines, &memory.allocator), 0);
	assert_int_equal(rota_splitter_feed(
				 &splitter,
				 (struct rota_buf){ bytes, sizeof(bytes) - 1 }),
			 0);
	assert_int_equal(rota_splitter_next(&splitter, &record), 1);
	assert_ptr_equal(record.data, bytes);
	assert_int_equal(rota_splitter_next(&splitter, &record), 1);
	assert_ptr_equal(record.data, bytes + 4);
	assert_ptr_equal(rota_splitter_rest(&splitter).data, bytes + 8);
	assert_int_equal(rota_splitter_rest(&splitter).size, 8);
	assert_int_equal(
		rota_splitter_feed(&splitter, (struct rota_buf){ bytes, 1 }),
		ROTA_EBUSY);
	assert_int_equal(rota_splitter_next(&splitter, &record), 1);
	assert_ptr_equal(record.data, bytes + 8);
	assert_int_equal(memory.calls, 0);

	assert_int_equal(rota_splitter_next(&splitter, &record), 0);
	assert_int_equal(memory.calls, 1);
	assert_int_equal(rota_splitter_rest(&splitter).size, 2);
	assert_memory_equal(rota_splitter_rest(&splitter).data, "fo", 2);
	assert_int_equal(
		rota_splitter_feed(&splitter, (struct rota_buf){ NULL, 1 }),
		ROTA_EINVAL);
	rota_splitter_free(&splitter);
	assert_int_equal(memory.bytes, 0);
	rota_splitter_free(&splitter); /* it is all zero */
}

/* The byte behind a line may become a 0, wherever the line is. */
static void a_line_can_be_made_a_string(void **state)
{
	struct rota_frame_options lines = lines_of(1000);
	struct rota_splitter splitter;
	struct rota_record record;
	char first[] = "one\nt", second[] = "wo\nthree";
	int count = 0;

	(void)state;
	assert_int_equal(rota_splitter_init(&splitter, &lines, NULL), 0);
	(void)rota_splitter_feed(&splitter, (struct rota_buf){ first, 5 });
	while (rota_splitter_next(&splitter, &record) == 1) {
		record.data[record.size] = '\0';
		count++;
		assert_string_equal(record.data, "one");
	}
	(void)rota_splitter_feed(&splitter, (struct rota_buf){ second, 8 });
	while (rota_splitter_next(&splitter, &record) == 1) {
		record.data[record.size] = '\0';
		count++;
		assert_string_equal(record.data, "two");
	}
	while (rota_splitter_finish(&splitter, &record) == 1) {
		record.data[record.size] = '\0';
		count++;
		assert_string_equal(record.data, "three");
	}
	assert_int_equal(count, 3);
	rota_splitter_free(&splitter);
}

enum { LONG = 100000 };

/* Feed a record of LONG bytes in parts of @part bytes. Returns how many bytes
 * were searched. */
static size_t search_long(const struct rota_frame_options *options, size_t part,
			  struct counting_allocator *memory)
{
	static char bytes[LONG + 16];
	struct rota_splitter splitter;
	struct rota_record record;
	size_t total = LONG + options->delimiter.size;
	size_t end = total;
	int found = 0;

	memset(bytes, 'a', sizeof(bytes));
	if (options->kind == ROTA_FRAME_LINE)
		bytes[end = LONG] = '\n';
	else
		memcpy(bytes + LONG, options->delimiter.data,
		       options->delimiter.size);
	total = options->kind == ROTA_FRAME_LINE ? LONG + 1 : total;
	searched = 0;
	counting_allocator_init(memory);
	assert_int_equal(
		rota_splitter_init(&splitter, options, &memory->allocator), 0);
	for (size_t at = 0; at < total; at += part) {
		size_t size = total - at < part ? total - at : part;

		assert_int_equal(found, 0);
		(void)rota_splitter_feed(&splitter,
					 (struct rota_buf){ bytes + at, size });
		found = rota_splitter_next(&splitter, &record);
	}
	assert_int_equal(found, 1);
	assert_int_equal(record.size, LONG);
	assert_int_equal(rota_splitter_next(&splitter, &record), 0);
	assert_int_equal(memory->bytes, 0);
	rota_splitter_free(&splitter);
	return searched;
}

static void each_byte_is_searched_once(void **state)
{
	const size_t parts[] = { 1, 2, 7, 1000, LONG };
	struct rota_frame_options lines = lines_of(LONG);
	struct rota_frame_options delimited = delimited_by("--8<--", LONG);
	struct counting_allocator memory;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		assert_int_equal(search_long(&lines, parts[i], &memory),
				 LONG + 1);
		/* 256, half more each time, up to 100,001: 15 steps */
		assert_in_range(memory.calls, 0, 16);
		assert_int_equal(search_long(&delimited, parts[i], &memory),
				 LONG + 6);
		assert_in_range(memory.calls, 0, 16);
	}
}

/* After a large record the memory is given back: at once if nothing follows,
 * and with the next records if these are small. */
static void memory_is_given_back_after_a_burst(void **state)
{
	static char bytes[LONG + 1];
	struct rota_frame_options lines = lines_of(LONG);
	struct counting_allocator memory;
	struct rota_splitter splitter;
	struct rota_record record;
	char small[] = "x\ny";

	(void)state;
	counting_allocator_init(&memory);
	assert_int_equal(
		rota_splitter_init(&splitter, &lines, &memory.allocator), 0);
	memset(bytes, 'a', sizeof(bytes));
	for (int i = 0; i < 10; i++)
		(void)(rota_splitter_feed(
			       &splitter,
			       (struct rota_buf){ bytes + i * (LONG / 10),
						  LONG / 10 }),
		       rota_splitter_next(&splitter, &record));
	assert_in_range(memory.bytes, LONG, LONG + LONG / 2);

	(void)rota_splitter_feed(&splitter, (struct rota_buf){ "\nb", 2 });
	assert_int_equal(rota_splitter_next(&splitter, &record), 1);
	assert_int_equal(record.size, LONG);
	assert_int_equal(rota_splitter_next(&splitter, &record), 0);
	(void)rota_splitter_feed(&splitter, (struct rota_buf){ small, 3 });
	assert_int_equal(rota_splitter_next(&splitter, &record), 1);
	assert_int_equal(record.size, 2);
	assert_int_equal(rota_splitter_next(&splitter, &record), 0);
	assert_in_range(memory.bytes, 1, 256);

	(void)rota_splitter_feed(&splitter, (struct rota_buf){ "\n", 1 });
	assert_int_equal(rota_splitter_next(&splitter, &record), 1);
	assert_int_equal(rota_splitter_next(&splitter, &record), 0);
	assert_int_equal(memory.bytes, 0);
	rota_splitter_free(&splitter);
}

/* A length that is claimed costs no memory before its bytes arrive. */
static void a_claimed_length_costs_nothing(void **state)
{
	struct rota_frame_options options = counted_by(4, 0);
	struct counting_allocator memory;
	struct rota_splitter splitter;
	struct rota_record record;
	char bytes[] = "\x3f\xff\xff\xffxxxx";

	(void)state;
	options.limit = 0x3fffffff;
	counting_allocator_init(&memory);
	assert_int_equal(
		rota_splitter_init(&splitter, &options, &memory.allocator), 0);
	(void)rota_splitter_feed(&splitter, (struct rota_buf){ bytes, 8 });
	assert_int_equal(rota_splitter_next(&splitter, &record), 0);
	assert_in_range(memory.bytes, 8, 256);
	rota_splitter_free(&splitter);
}

/* Above the limit, nothing is kept. */
static void a_record_above_the_limit_keeps_no_memory(void **state)
{
	static char bytes[LONG];
	struct rota_frame_options lines = lines_of(1000);
	struct counting_allocator memory;
	struct rota_splitter splitter;
	struct rota_record record;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	counting_allocator_init(&memory);
	assert_int_equal(
		rota_splitter_init(&splitter, &lines, &memory.allocator), 0);
	(void)rota_splitter_feed(&splitter, (struct rota_buf){ bytes, 900 });
	assert_int_equal(rota_splitter_next(&splitter, &record), 0);
	(void)rota_splitter_feed(&splitter, (struct rota_buf){ bytes, LONG });
	assert_int_equal(rota_splitter_next(&splitter, &record), ROTA_EMSGSIZE);
	assert_int_equal(memory.bytes, 0);
	assert_int_equal(memory.calls, 1);
	assert_int_equal(
		rota_splitter_feed(&splitter, (struct rota_buf){ bytes, 1 }),
		0);
	assert_int_equal(rota_splitter_next(&splitter, &record), ROTA_EMSGSIZE);
	assert_int_equal(rota_splitter_finish(&splitter, &record),
			 ROTA_EMSGSIZE);
	rota_splitter_free(&splitter);
}

/* Every allocation fails once, and then the call is made again. */
static void a_failed_allocation_loses_nothing(void **state)
{
	struct rota_frame_options lines = lines_of(10000);
	char first[400], second[400];

	(void)state;
	for (size_t fail_at = 1; fail_at < 4; fail_at++) {
		struct counting_allocator memory;
		struct rota_splitter splitter;
		struct rota_record record;
		int found, failures = 0;

		counting_allocator_init(&memory);
		memory.fail_at = fail_at;
		memset(first, 'a', sizeof(first));
		memset(second, 'b', sizeof(second));
		first[9] = second[349] = '\n';
		assert_int_equal(rota_splitter_init(&splitter, &lines,
						    &memory.allocator),
				 0);
		(void)rota_splitter_feed(&splitter,
					 (struct rota_buf){ first, 400 });
		assert_int_equal(rota_splitter_next(&splitter, &record), 1);
		assert_int_equal(record.size, 9);
		while ((found = rota_splitter_next(&splitter, &record)) ==
		       ROTA_ENOMEM)
			failures++;
		assert_int_equal(found, 0);
		(void)rota_splitter_feed(&splitter,
					 (struct rota_buf){ second, 400 });
		while ((found = rota_splitter_next(&splitter, &record)) ==
		       ROTA_ENOMEM)
			failures++;
		assert_int_equal(found, 1);
		assert_int_equal(record.size, 390 + 349);
		assert_int_equal(record.data[389], 'a');
		assert_int_equal(record.data[390], 'b');
		while ((found = rota_splitter_finish(&splitter, &record)) ==
		       ROTA_ENOMEM)
			failures++;
		assert_int_equal(found, 1);
		assert_int_equal(record.size, 50);
		assert_int_equal(failures, memory.failed);
		rota_splitter_free(&splitter);
		assert_int_equal(memory.bytes, 0);
	}
}

/* Random bytes of a small alphabet: in one piece and in many pieces. */
static void random_bytes_split_alike(void **state)
{
	uint64_t seed = random_seed();
	char bytes[64];
	struct result whole, parts;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		static const char *const delimiters[] = { "a", "ab", "aab",
							  "abab", "bb" };
		struct rota_frame_options options =
			delimited_by(delimiters[random_below(&seed, 5)],
				     1 + random_below(&seed, 20));
		size_t size = random_below(&seed, sizeof(bytes));
		size_t first = random_below(&seed, size + 1);
		size_t second = first + random_below(&seed, size - first + 1);

		for (size_t i = 0; i < size; i++)
			bytes[i] = "abc"[random_below(&seed, 3)];
		split(&whole, &options, bytes, size, 0, 0);
		split(&parts, &options, bytes, size, first, second);
		same(&parts, whole.text, whole.size, first, second);
		split_bytewise(&parts, &options, bytes, size);
		same(&parts, whole.text, whole.size, 1, 1);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(lines_end_with_lf_or_cr_lf),
	cmocka_unit_test(a_last_line_without_lf_is_a_line),
	cmocka_unit_test(a_line_may_be_as_long_as_the_limit),
	cmocka_unit_test(delimiters_have_any_bytes),
	cmocka_unit_test(a_delimiter_may_repeat_its_begin),
	cmocka_unit_test(a_delimited_record_may_be_as_long_as_the_limit),
	cmocka_unit_test(the_longest_delimiter_works),
	cmocka_unit_test(lengths_come_first),
	cmocka_unit_test(a_length_may_include_itself),
	cmocka_unit_test(a_cut_record_is_an_error),
	cmocka_unit_test(a_length_above_the_limit_is_refused),
	cmocka_unit_test(varints_have_any_length),
	cmocka_unit_test(invalid_options_are_refused),
	cmocka_unit_test(options_may_grow),
	cmocka_unit_test(records_lie_in_the_bytes_that_were_fed),
	cmocka_unit_test(a_line_can_be_made_a_string),
	cmocka_unit_test(each_byte_is_searched_once),
	cmocka_unit_test(memory_is_given_back_after_a_burst),
	cmocka_unit_test(a_claimed_length_costs_nothing),
	cmocka_unit_test(a_record_above_the_limit_keeps_no_memory),
	cmocka_unit_test(a_failed_allocation_loses_nothing),
	cmocka_unit_test(random_bytes_split_alike),
};

FIXTURE_MAIN(tests)
