/*
 * tests/support/pipe_reader.c - see pipe_reader.h.
 */
#include "pipe_reader.h"

void pipe_reader_open(struct pipe_reader *p, struct fixture *f,
		      const char *name)
{
	make_pipe(p->fds);
	assert_int_equal(reader_open(&p->reader, f->loop, p->fds[0]), 0);
	rota_handle_set_name(&p->reader.handle, name);
}

void pipe_reader_read(struct pipe_reader *p, struct byte_request *request,
		      const char *name)
{
	request->request.data = (void *)(uintptr_t)name;
	assert_int_equal(reader_read(&p->reader, request, note_status), 0);
}

void note_closed(struct rota_handle *handle)
{
	journal_note(rota_handle_loop(handle), rota_handle_name(handle));
}

void note_status(struct byte_request *request, int status)
{
	journal_note_status(request->request.internal.loop,
			    request->request.data, status);
}
