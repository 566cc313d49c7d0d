/*
 * base/siginfo.h - which members of a siginfo_t the system has set. That
 * depends on the signal and its code: sigaction(2).
 */
#ifndef ROTAI_BASE_SIGINFO_H
#define ROTAI_BASE_SIGINFO_H

#include <signal.h>

/* Whether a process has sent the signal: si_pid and si_uid are the sender's. */
static inline int rotai_siginfo_has_sender(const siginfo_t *info)
{
#ifdef SI_TKILL /* Linux, of raise(3) and pthread_kill(3) */
	if (info->si_code == SI_TKILL)
		return 1;
#endif
	return info->si_code == SI_USER || info->si_code == SI_QUEUE;
}

#endif
