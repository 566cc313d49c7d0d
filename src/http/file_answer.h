/*
 * http/file_answer.h - a file as a response: its fields, the preconditions and
 * ranges of the request, and the body.
 */
#ifndef ROTAI_HTTP_FILE_ANSWER_H
#define ROTAI_HTTP_FILE_ANSWER_H

#include "http/files.h"

/* Answer with @file, which has the content @coding, or NULL; and end its use.
 * The media type is that of the path without what was added to it, or of the
 * index. */
void rotai_http_file_answer(struct rotai_http_file_request *request,
			    struct rotai_http_file *file, const char *coding);

#endif
