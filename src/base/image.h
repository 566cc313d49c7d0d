/*
 * base/image.h - keeps the code of the library mapped while one of its threads
 * may run it, even if the program unloads the library or plugin meanwhile.
 *
 *     error = rotai_image_enter();            before the thread is made
 *     error = rotai_thread_start(run, ...);
 *     if (error < 0)
 *             rotai_image_leave();            it was not made
 *
 *     in run(), before anything else:  rotai_image_arrive();
 */
#ifndef ROTAI_BASE_IMAGE_H
#define ROTAI_BASE_IMAGE_H

#include <stdint.h>

/* Count a thread that is about to be made. The first call also pins the image:
 * it stays mapped as long as the process lives, or until rotai_image_release().
 * Returns 0 or an error. */
int rotai_image_enter(void);

/* Undo rotai_image_enter(): the thread could not be made. */
void rotai_image_leave(void);

/* Called in the new thread: subtract it from the count when it has left all
 * code of the image. */
void rotai_image_arrive(void);

/* Called in a forked child, by the thread that forked: it is not in the child's
 * count, so do not subtract it there. */
void rotai_image_stay(void);

/* Wait until all threads that were counted have left, at most until
 * @deadline_ns of the monotonic clock. Then remove the pin, so that the program
 * can unload the image. Returns 0; ROTA_ETIMEDOUT if a thread is left; or
 * ROTA_ENOMEM if a thread had no memory to have its end reported. In the last
 * case nobody can ever know whether all have left, so the image stays
 * pinned. */
int rotai_image_release(uint64_t deadline_ns);

/* Keep the image mapped as long as the process lives, whatever is released: for
 * code that may be entered at any moment, as a signal handler is. */
void rotai_image_keep(void);

#endif
