/*
 * sys/event.h - the names of kqueue(2), for building src/backend/kqueue.c on
 * Linux against the test double in this directory. Values and layout are those
 * of FreeBSD 12. EVFILT_EXCEPT and NOTE_OOB, which FreeBSD lacks, are Darwin's.
 */
#ifndef KQD_SYS_EVENT_H
#define KQD_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ   (-1)
#define EVFILT_WRITE  (-2)
#define EVFILT_VNODE  (-4)
#define EVFILT_PROC   (-5)
#define EVFILT_SIGNAL (-6)
#define EVFILT_TIMER  (-7)
#define EVFILT_USER   (-11)
#define EVFILT_EXCEPT (-15)

/* Actions. */
#define EV_ADD      0x0001
#define EV_DELETE   0x0002
#define EV_ENABLE   0x0004
#define EV_DISABLE  0x0008
#define EV_ONESHOT  0x0010
#define EV_CLEAR    0x0020
#define EV_RECEIPT  0x0040
#define EV_DISPATCH 0x0080

/* Flags in returned events. */
#define EV_SYSFLAGS 0xF000
#define EV_ERROR    0x4000
#define EV_EOF      0x8000

/* EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT. */
#define NOTE_LOWAT     0x0001
#define NOTE_FILE_POLL 0x0002
#define NOTE_OOB       0x0002

/* EVFILT_VNODE. */
#define NOTE_DELETE      0x0001
#define NOTE_WRITE       0x0002
#define NOTE_EXTEND      0x0004
#define NOTE_ATTRIB      0x0008
#define NOTE_LINK        0x0010
#define NOTE_RENAME      0x0020
#define NOTE_REVOKE      0x0040
#define NOTE_OPEN        0x0080
#define NOTE_CLOSE       0x0100
#define NOTE_CLOSE_WRITE 0x0200
#define NOTE_READ        0x0400

/* EVFILT_PROC. */
#define NOTE_EXIT 0x80000000u
#define NOTE_FORK 0x40000000u
#define NOTE_EXEC 0x20000000u

/* EVFILT_TIMER. */
#define NOTE_SECONDS  0x0001
#define NOTE_MSECONDS 0x0002
#define NOTE_USECONDS 0x0004
#define NOTE_NSECONDS 0x0008
#define NOTE_ABSTIME  0x0010

/* EVFILT_USER. */
#define NOTE_FFNOP      0x00000000u
#define NOTE_FFAND      0x40000000u
#define NOTE_FFOR       0x80000000u
#define NOTE_FFCOPY     0xc0000000u
#define NOTE_FFCTRLMASK 0xc0000000u
#define NOTE_FFLAGSMASK 0x00ffffffu
#define NOTE_TRIGGER    0x01000000u

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};

#define EV_SET(kevp, ident_, filter_, flags_, fflags_, data_, udata_)          \
	do {                                                                   \
		struct kevent *kevp_ = (kevp);                                 \
		kevp_->ident = (uintptr_t)(ident_);                            \
		kevp_->filter = (short)(filter_);                              \
		kevp_->flags = (unsigned short)(flags_);                       \
		kevp_->fflags = (unsigned int)(fflags_);                       \
		kevp_->data = (int64_t)(data_);                                \
		kevp_->udata = (udata_);                                       \
		kevp_->ext[0] = kevp_->ext[1] = 0;                             \
		kevp_->ext[2] = kevp_->ext[3] = 0;                             \
	} while (0)

#ifdef __cplusplus
extern "C" {
#endif

int kqueue(void);
int kevent(int kq, const struct kevent *changelist, int nchanges,
	   struct kevent *eventlist, int nevents,
	   const struct timespec *timeout);

#ifdef __cplusplus
}
#endif

#endif
