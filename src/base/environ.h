/*
 * base/environ.h - the environment, as the C library has it.
 */
#ifndef ROTAI_BASE_ENVIRON_H
#define ROTAI_BASE_ENVIRON_H

/* The C library's. Not all systems have a header that declares it. */
extern char **environ;

/* The strings "name=value", with NULL at the end; or NULL, if there are none.
 * The pointers may be replaced. */
char **rotai_environ(void);

#endif
