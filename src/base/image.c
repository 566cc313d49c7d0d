/*
 * base/image.c - see image.h.
 *
 *  1. The image is the shared object that contains this code: the library's
 *     own, or a plugin that the archive was linked into. The dynamic loader
 *     counts the users of an image, and the pin is one more user. The main
 *     program cannot be opened, and is never unloaded, so it has no pin.
 *  2. The loader's functions are weak references. In a statically linked
 *     program there are none that work. On an old system they are in a library
 *     of their own, which every program that loads plugins is linked with.
 *     dlopen(3) is looked up by name, because with glibc the linker warns of
 *     any reference to it in a static program.
 *  3. A thread has left the code of the image only when it has returned from
 *     its first function, so it cannot report that itself. The C library does
 *     it: after the return it calls the destructors of the thread-specific
 *     data. The destructor of our key is sem_post(3), which is not in the
 *     image. Joining the threads is no alternative: some thread would have to
 *     wait for each of them as long as the program runs, and no thread could
 *     join the last one.
 *  4. The semaphore counts the threads that have left and are not yet
 *     subtracted from the number of threads. rotai_image_enter() subtracts
 *     them, so the semaphore never overflows.
 *  5. A forked child has none of the threads. It has the pin.
 *  6. Darwin never unloads an image that has thread-local variables, as this
 *     one has, and has no unnamed semaphores. There is no pin there, and the
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

static struct rotai_lock image_lock; /* protects what follows, but as noted */
static uint32_t generation;          /* the process that the counts belong to */
static uint32_t threads;             /* that may run code of the image */
static uint32_t unnoted;  /* of these, without a destructor; atomic */
static int is_set_up;     /* atomic */
static pthread_key_t key; /* constant while there are threads */
static void *pin;         /* or NULL */

typedef void destructor_fn(void *value);

/* Without this flag, opening an image that is loaded already finds it by its
 * name as well. */
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

/* sem_post(3) is called as a destructor is: with a pointer, and the result is
 * ignored. That is the same call on every system that has shared objects. */
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
	(void)sem_init(&left, 0, 0); /* fails only for larger values */
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
	memcpy(&open, &found, sizeof(open)); /* POSIX allows this conversion */
	return open(path, RTLD_LAZY | ONLY_WHAT_IS_THERE);
}

static void *pin_image(void)
{
	Dl_info image;
	void *opened;

	if (dladdr == NULL || dlclose == NULL || dlsym == NULL)
		return NULL; /* (2) */
	/* The address of a variable that is certainly in this image. */
	if (dladdr(&image_lock, &image) == 0 || image.dli_fname == NULL)
		return NULL;
	opened = open_image(image.dli_fname);
	if (opened == NULL && dlerror != NULL)
		(void)dlerror(); /* clear the error: see (1) */
	return opened;
}

#endif

/* Subtract the threads that have left (4). In a forked child, begin again with
 * none (5). The lock is held. */
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

/* Make the key, and take over *@opened as the pin: *@opened becomes NULL.
 * Returns 0, or an error with *@opened unchanged. The lock is held. */
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

	/* Not under the lock: the loader holds a lock of its own while it runs
	 * a constructor, which may call this function. If another thread was
	 * faster, the image is opened once too often, and closed below. */
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

/* Undo set_up_image(), when no thread is left. Returns the pin, which the
 * caller has to close, or NULL. The lock is held. */
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

/* Undo set_up_image() if all threads have left. Returns 0, ROTA_EAGAIN if some
 * have not, or ROTA_ENOMEM as rotai_image_release() does. */
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
	/* The caller's code is in this image, so the program has it open as
	 * well, and this does not unload it. */
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

void rotai_image_keep(void)
{
	static uint32_t is_kept;

	/* Never closed. Where there is no image to pin, nothing can unload
	 * it. */
	if (!__atomic_exchange_n(&is_kept, 1, __ATOMIC_RELAXED))
		(void)pin_image();
}
