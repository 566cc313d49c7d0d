/*
 * base/spawn_call.h - the system calls of a child that has not executed its
 * program yet.
 *
 * Such a child may share the memory of its parent. So these functions use no
 * state of the C library: its setuid(3), for example, would change the user of
 * the parent's threads. They return 0 or a result, or an error.
 */
#ifndef ROTAI_BASE_SPAWN_CALL_H
#define ROTAI_BASE_SPAWN_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A sanitizer would take the memory of the parent for the child's own. */
#if defined(__clang__) && defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define ROTAI_IN_CHILD                                                         \
	__attribute__((disable_sanitizer_instrumentation,                      \
		       no_sanitize("address", "thread", "undefined")))
#endif
#endif
#ifndef ROTAI_IN_CHILD
#define ROTAI_IN_CHILD                                                         \
	__attribute__((no_sanitize("address", "thread", "undefined")))
#endif

struct rotai_spawn;

int rotai_child_open_null(void);
int rotai_child_dup_above(int fd, int least); /* close-on-exec */
int rotai_child_dup_to(int fd, int to);       /* not close-on-exec */
int rotai_child_keep(int fd);                 /* no longer close-on-exec */
void rotai_child_close(int fd);

int rotai_child_join_cgroup(int directory);
int rotai_child_session(void);
int rotai_child_job(pid_t group); /* 0: a new one */
int rotai_child_terminal(int fd);
int rotai_child_limit(int resource, uint64_t soft, uint64_t hard);
int rotai_child_nice(int increment);
int rotai_child_affinity(const unsigned long *mask, size_t size);
void rotai_child_umask(unsigned mask);
int rotai_child_groups(const unsigned *groups, unsigned count);
int rotai_child_group(unsigned group);
int rotai_child_user(unsigned user);
int rotai_child_directory(const char *path);
int rotai_child_no_new_privileges(void);
int rotai_child_signals(const struct rotai_spawn *spawn);
int rotai_child_no_others(int first, int limit); /* close-on-exec */
int rotai_child_death(int signal, pid_t parent);

/* Returns an error, or not at all. */
int rotai_child_execute(const char *path, char *const *argv,
			char *const *environment);
_Noreturn void rotai_child_end(void);

#endif
