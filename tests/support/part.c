/*
 * tests/support/part.c - see part.h.
 */
#include "part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

void part_go(enum part_way way)
{
	if (way == PART_COLD)
		fault_fail_from("preadv2", 1, EAGAIN);
	if (way == PART_UNSEEN)
		fault_fail_from("preadv2", 1, EOPNOTSUPP);
	if (way == PART_REFUSED)
		fault_fail_from("sendfile", 1, EINVAL);
}

int make_file(size_t size)
{
	char path[] = "/tmp/rota-test-XXXXXX";
	int fd = mkstemp(path);
	char *data = test_malloc(size + 1);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	pattern_fill(data, size, 0);
	assert_int_equal(pwrite(fd, data, size, 0), size);
	test_free(data);
	return fd;
}

static void part_called(struct rota_sendfile *sendfile, int status)
{
	struct part *part = rota_container_of(sendfile, struct part, sendfile);

	part->calls++;
	part->status = status;
	part->phase = rota_loop_phase(rota_handle_loop(&part->stream->handle));
}

int part_send(struct part *part, struct rota_stream *stream, int fd,
	      int64_t offset, uint64_t length)
{
	int status;

	part->calls = 0;
	part->stream = stream;
	status = rota_stream_sendfile(&part->sendfile, stream, fd, offset,
				      length, part_called);
	assert_int_equal(part->calls, 0);
	return status;
}

void end_send_part(struct end *end, struct part *part, int fd, size_t size)
{
	assert_int_equal(
		part_send(part, end->stream, fd, (int64_t)end->sent, size), 0);
	end->sent += size;
}

int part_end(struct fixture *f, struct part *part)
{
	RUN_UNTIL(f, part->calls > 0);
	assert_int_equal(part->calls, 1);
	return part->status;
}
