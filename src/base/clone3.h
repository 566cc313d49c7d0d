/*
 * base/clone3.h - clone3(2), for a child that shares our memory and has a stack
 * of its own. The C library has no function for it, and syscall(2) cannot be
 * used: it would return on the new stack. Linux only.
 */
#ifndef ROTAI_BASE_CLONE3_H
#define ROTAI_BASE_CLONE3_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* The same number on every processor but Alpha. */
enum { ROTAI_CALL_CLONE3 = 435 };

/* Flags that clone(2) does not have. */
#define ROTAI_CLONE_CLEAR_SIGHAND (UINT64_C(1) << 32) /* since Linux 5.5 */
#define ROTAI_CLONE_INTO_CGROUP   (UINT64_C(1) << 33) /* since Linux 5.7 */

/* The kernel's struct clone_args. */
struct rotai_clone_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack;
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};

/* Make the child, which calls @run(@arg) and must end there. Returns its
 * number, or an error. */
static inline long rotai_clone3(const struct rotai_clone_args *args,
				int (*run)(void *arg), void *arg)
{
#if defined(__x86_64__) && defined(__LP64__)
	register long result __asm__("rax") = ROTAI_CALL_CLONE3;
	register int (*the_run)(void *arg) __asm__("r8") = run;
	register void *the_arg __asm__("r9") = arg;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r9, %%rdi\n\t"
			 "call *%%r8\n\t"
			 "hlt\n"
			 "1:"
			 : "+a"(result)
			 : "D"(args), "S"(sizeof(*args)), "r"(the_run),
			   "r"(the_arg)
			 : "rcx", "r11", "memory", "cc");
	return result;
#elif defined(__aarch64__)
	register long result __asm__("x0") = (long)args;
	register size_t size __asm__("x1") = sizeof(*args);
	register long number __asm__("x8") = ROTAI_CALL_CLONE3;
	register int (*the_run)(void *arg) __asm__("x9") = run;
	register void *the_arg __asm__("x10") = arg;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, 0\n\t"
			 "mov x0, x10\n\t"
			 "blr x9\n\t"
			 "brk 1\n"
			 "1:"
			 : "+r"(result)
			 : "r"(size), "r"(number), "r"(the_run), "r"(the_arg)
			 : "memory", "cc");
	return result;
#else
	(void)args;
	(void)run;
	(void)arg;
	return -ENOSYS;
#endif
}

#endif
