/*
 * base/eai.h - the results of getaddrinfo(3) and getnameinfo(3) as error codes.
 */
#ifndef ROTAI_BASE_EAI_H
#define ROTAI_BASE_EAI_H

/* Return the code for @result, an EAI_ constant or 0. errno is as the call has
 * left it. */
int rotai_eai_error(int result);

#endif
