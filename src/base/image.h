/*
 * base/image.h - the code of the library stays mapped while a thread of its own
 * may run it, whatever a program unloads meanwhile.
 *
 *     error = rotai_image_enter();            a thread is about to be made
 *     error = rotai_thread_start(run, ...);
 *     if (error < 0)
 *             rotai_image_leave();            it was not
 *
 *     in run(), first of all:  rotai_image_arrive();
 */
#ifndef ROTAI_BASE_IMAGE_H
#define ROTAI_BASE_IMAGE_H

#include <stdint.h>

/* Count a thread that is about to be made. The first time, have the image
 * mapped for as long as the process lives, or until rotai_image_release(): 0,
 * or an error. */
int rotai_image_enter(void);

/* It was not made. */
void rotai_image_leave(void);

/* In the thread: have it counted out when it has left all code of ours. */
void rotai_image_arrive(void);

/* In a thread that has forked and is in the child: it is not one of those that
 * are counted there. */
void rotai_image_stay(void);

/* Wait until all threads that were counted have left, until @deadline_ns of the
 * monotonic clock; then give the image back, so that the program can unload it:
 * 0. ROTA_ETIMEDOUT: there still is one. ROTA_ENOMEM: nobody will ever know
 * whether all have left, as there was no memory to note it; so the image
 * stays. */
int rotai_image_release(uint64_t deadline_ns);

#endif
