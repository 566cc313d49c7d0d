/* poller: none */
/*
 * A watched file system is unmounted. The test needs to be root, in a mount
 * namespace of its own.
 */
#include "watching.h"

#include <sched.h>
#include <sys/mount.h>

#include "support/child.h"

static void until_seen(struct watching *w, unsigned type)
{
	while ((w->seen & type) == 0)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
}

/* In a child, which has mounted something at "mount". */
static void unmount_in_child(void *arg)
{
	struct watching *w = arg;
	const char *at = below(w, "mount");

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", at, "tmpfs", 0, NULL) < 0)
		child_skips();
	EXPECT(rota_loop_fork(w->f->loop) == 0);
	EXPECT(watch_it(w, (w->options.flags & ROTA_FSWATCH_RECURSIVE)
				   ? w->root
				   : at) == 0);
	until_seen(w, ROTA_FSWATCH_READY);
	EXPECT(mkdir(below(w, "mount/x"), 0700) == 0);
	until_seen(w, ROTA_FSWATCH_CREATED);
	EXPECT(umount2(at, MNT_DETACH) == 0);
	if (w->options.flags & ROTA_FSWATCH_RECURSIVE) {
		/* What is under the mount is watched now. */
		while (strstr(w->log, "removed mount/x/\n") == NULL)
			rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
		w->seen = 0;
		EXPECT(mkdir(below(w, "mount/y"), 0700) == 0);
		while (strstr(w->log, "created mount/y/\n") == NULL)
			rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
		EXPECT(rmdir(below(w, "mount/y")) == 0);
	} else {
		until_seen(w, ROTA_FSWATCH_GONE);
	}
	EXPECT(rota_handle_close_now(&w->watcher.handle) == 0);
}

static void unmount(struct fixture *f, unsigned flags)
{
	struct watching w;
	int ran;

	watching_begin(&w, f);
	w.options.flags = flags;
	make_dir(&w, "mount");
	ran = in_a_child_or_skip(unmount_in_child, &w);
	watching_end(&w);
	if (!ran)
		skip_test("mounting is not allowed");
}

static void a_root_that_is_unmounted_is_gone(void **state)
{
	unmount(*state, 0);
}

static void what_is_under_a_mount_is_watched_next(void **state)
{
	unmount(*state, ROTA_FSWATCH_RECURSIVE);
}

static const struct CMUnitTest tests[] = {
	REAL(a_root_that_is_unmounted_is_gone),
	REAL(what_is_under_a_mount_is_watched_next),
};
FIXTURE_MAIN(tests)
