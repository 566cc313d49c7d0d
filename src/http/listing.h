/*
 * http/listing.h - a directory as a page of HTML.
 */
#ifndef ROTAI_HTTP_LISTING_H
#define ROTAI_HTTP_LISTING_H

#include "http/files.h"

/* Answer with a list of the directory request->path. */
void rotai_http_list_directory(struct rotai_http_file_request *request);

#endif
