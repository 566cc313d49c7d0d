/*
 * base/image.c - see image.h.
 *
 *  1. The image is the shared object that holds this very function: ours, or a
 *     plugin that the archive was linked into. The dynamic loader counts its
 *     users, and the pin is one more of these. The main program is never
 *     unloaded and cannot be opened: then there is no pin.
 *  2. The loader's functions are weak: a program that is linked statically has
 *     none that work, and the C library of an old system has them in a library
 *     of its own, which whatever loads a plugin has with it. dlopen(3) is found
 *     by name: glibc's linker warns of any reference in a static program.
 *  3. A thread has left the code of this image only when it has returned from
 *     its first function, and cannot say so itself. The C library says so for
 *     it: after the return it calls the destructors of the thread's own data,
 *     and the destructor of ours is sem_post(3), which is not in the image.
 *     To join the threads would need somebody who waits for each, as long as
 *     the program runs; nobody could be found for the last.
 *  4. The semaphore counts threads that have left and are yet to be counted
 *     out. That is done as others are made, so it never overflows.
 *  5. In a forked child none of the threads is there. The pin is.
 *  6. Darwin never unloads an image that has thread-local variables, as this
 *     has, and has no semaphores without a name: there is no pin, and the
 *     destructor is a function of ours.
 */
#include "base/image.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/thread.h"
#include "rota/error.h"

/* (2) */
#pragma weak dladdr
#pragma weak dlclose
#pragma weak dlerror
#pragma weak dlsym

static struct rotai_lock image_lock; /* of all that follows, but as noted */
static uint32_t generation;          /* of the process that the counts are of */
static uint32_t threads;             /* that may be in the image */
static uint32_t unnoted;  /* of these, who cannot be counted out; atomic */
static int is_set_up;     /* atomic */
static pthread_key_t key; /* constant while there are threads */
static void *pin;         /* or NULL */

typedef void destructor_fn(void *value);

/* Where there is no flag for it, the image is found by its name as well. */
#ifdef RTLD_NOLOAD
enum { ONLY_WHAT_IS_THERE = RTLD_NOLOAD };
#else
enum { ONLY_WHAT_IS_THERE = 0 };
#endif

#ifdef __APPLE__

static uint32_t left; /* (6); atomic */

static void count_one(void *value)
{
	(void)value;
	__atomic_fetch_add(&left, 1, __ATOMIC_RELEASE);
}

static destructor_fn *get_destructor(void)
{
	return count_one;
}

static void *get_value(void)
{
	return &left;
}

static void begin_count(void)
{
	__atomic_store_n(&left, 0, __ATOMIC_RELAXED);
}

static uint32_t take_count(void)
{
	return __atomic_exchange_n(&left, 0, __ATOMIC_ACQUIRE);
}

static void *pin_image(void)
{
	return NULL;
}

#else

static sem_t left; /* (4) */

/* It is called with a pointer and its result is not looked at, as that of a
 * destructor: the same call on every system that has shared objects. */
static destructor_fn *get_destructor(void)
{
	return (destructor_fn *)(void (*)(void))sem_post;
}

static void *get_value(void)
{
	return &left;
}

static void begin_count(void)
{
	(void)sem_init(&left, 0, 0); /* fails for a larger value only */
}

static uint32_t take_count(void)
{
	uint32_t count = 0;

	while (sem_trywait(&left) == 0)
		count++;
	return count;
}

/* (2) */
static void *open_image(const char *path)
{
	void *(*open)(const char *path, int flags);
	void *found = dlsym(RTLD_DEFAULT, "dlopen");

	if (found == NULL)
		return NULL;
	memcpy(&open, &found, sizeof(open)); /* as POSIX has it */
	return open(path, RTLD_LAZY | ONLY_WHAT_IS_THERE);
}

static void *pin_image(void)
{
	Dl_info image;
	void *opened;

	if (dladdr == NULL || dlclose == NULL || dlsym == NULL)
		return NULL; /* (2) */
	/* The address of what is surely in this image. */
	if (dladdr(&image_lock, &image) == 0 || image.dli_fname == NULL)
		return NULL;
	opened = open_image(image.dli_fname);
	if (opened == NULL && dlerror != NULL)
		(void)dlerror(); /* not for the program to find: (1) */
	return opened;
}

#endif

/* With the lock held: see that the counts are this process's. (5) */
static void count_out(void)
{
	if (generation != rotai_fork_generation) {
		generation = rotai_fork_generation;
		threads = 0;
		__atomic_store_n(&unnoted, 0, __ATOMIC_RELAXED);
		if (is_set_up)
			begin_count();
	}
	if (is_set_up)
		threads -= take_count();
}

/* With the lock held: keep *@opened, and set it to NULL. */
static int set_up_image(void **opened)
{
	int error = pthread_key_create(&key, get_destructor());

	if (error != 0)
		return -error;
	begin_count();
	pin = *opened;
	*opened = NULL;
	__atomic_store_n(&is_set_up, 1, __ATOMIC_RELAXED);
	return 0;
}

int rotai_image_enter(void)
{
	void *opened = NULL;
	int error = 0;

	/* Without the lock: the loader has a lock of its own, which is held
	 * while a constructor runs that may come to be here. If somebody is
	 * quicker, it is opened once too often. */
	if (!__atomic_load_n(&is_set_up, __ATOMIC_RELAXED))
		opened = pin_image();
	rotai_lock_take(&image_lock);
	count_out(); /* (4) */
	if (!is_set_up)
		error = set_up_image(&opened);
	if (error == 0)
		threads++;
	rotai_lock_release(&image_lock);
	if (opened != NULL)
		(void)dlclose(opened);
	return error;
}

void rotai_image_leave(void)
{
	rotai_lock_take(&image_lock);
	threads--;
	rotai_lock_release(&image_lock);
}

void rotai_image_arrive(void)
{
	if (pthread_setspecific(key, get_value()) != 0)
		__atomic_fetch_add(&unnoted, 1, __ATOMIC_RELAXED);
}

void rotai_image_stay(void)
{
	(void)pthread_setspecific(key, NULL);
}

/* With the lock held, and no thread left: undo the setting up. What is still to
 * be closed. */
static void *take_down(void)
{
	void *opened = pin;

	if (!is_set_up)
		return NULL;
	__atomic_store_n(&is_set_up, 0, __ATOMIC_RELAXED);
	pin = NULL;
	(void)pthread_key_delete(key);
	return opened;
}

/* Whether all have left: 0; ROTA_EAGAIN if not, or ROTA_ENOMEM. */
static int try_release(void)
{
	uint32_t unknown;
	void *opened = NULL;
	int error = 0;

	rotai_lock_take(&image_lock);
	count_out();
	unknown = __atomic_load_n(&unnoted, __ATOMIC_RELAXED);
	if (threads == 0)
		opened = take_down();
	else
		error = threads == unknown ? ROTA_ENOMEM : ROTA_EAGAIN;
	rotai_lock_release(&image_lock);
	/* The caller is in this image, and so has it open by itself. */
	if (opened != NULL)
		(void)dlclose(opened);
	return error;
}

int rotai_image_release(uint64_t deadline_ns)
{
	unsigned tries = 0;
	int error;

	while ((error = try_release()) == ROTA_EAGAIN) {
		if (rotai_clock_monotonic() >= deadline_ns)
			return ROTA_ETIMEDOUT;
		rotai_thread_pause(tries++);
	}
	return error;
}
