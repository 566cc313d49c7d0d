/*
 * base/kevent.h - <sys/event.h>, and the differences between the systems that
 * have it.
 */
#ifndef ROTAI_BASE_KEVENT_H
#define ROTAI_BASE_KEVENT_H

#include <sys/types.h>

#include <sys/event.h>

/* Out-of-band data. Darwin, OpenBSD and DragonFly have a filter for it. */
#ifdef EVFILT_EXCEPT
enum {
	ROTAI_HAS_EXCEPT = 1,
	ROTAI_EVFILT_EXCEPT = EVFILT_EXCEPT,
	ROTAI_NOTE_OOB = NOTE_OOB,
};
#else
enum { ROTAI_HAS_EXCEPT, ROTAI_EVFILT_EXCEPT = 0, ROTAI_NOTE_OOB = 0 };
#endif

#endif
