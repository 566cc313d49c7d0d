/*
 * http/timing.h - when a connection has to be looked at.
 */
#ifndef ROTAI_HTTP_TIMING_H
#define ROTAI_HTTP_TIMING_H

#include "http/serving.h"

/* Which of the times of a session are over. */
enum rotai_http_late {
	ROTAI_HTTP_ON_TIME,
	ROTAI_HTTP_LATE_HEAD,
	ROTAI_HTTP_LATE_BODY,
	ROTAI_HTTP_LATE_HANDLER,
	ROTAI_HTTP_LATE_OUTPUT,
	ROTAI_HTTP_LATE_LINGER,
};

/* Start the connection's timer for the next due time of @session. */
void rotai_http_arm(struct rotai_http_session *session);

/* The session begins, or is over: the connection is idle. */
void rotai_http_disarm(struct rotai_http_session *session);

/* The timer of the connection has been called. */
enum rotai_http_late rotai_http_look(struct rotai_http_session *session);

#endif
