/*
 * base/error.c - names and texts of the error codes.
 *
 * A table that is searched from end to end: errors are rare, the numbers differ
 * from system to system, and some systems give two names one number.
 */
#include "rota/error.h"

#include <stddef.h>

static const struct {
	int error;
	const char *name;
	const char *text;
} errors[] = {
	{ ROTA_E2BIG, "E2BIG", "argument list too long" },
	{ ROTA_EACCES, "EACCES", "permission denied" },
	{ ROTA_EADDRINUSE, "EADDRINUSE", "address already in use" },
	{ ROTA_EADDRNOTAVAIL, "EADDRNOTAVAIL", "address not available" },
	{ ROTA_EAFNOSUPPORT, "EAFNOSUPPORT", "address family not supported" },
	{ ROTA_EAGAIN, "EAGAIN", "resource temporarily unavailable" },
	{ ROTA_EALREADY, "EALREADY", "already done or under way" },
	{ ROTA_EBADF, "EBADF", "bad file descriptor" },
	{ ROTA_EBUSY, "EBUSY", "resource busy" },
	{ ROTA_ECANCELED, "ECANCELED", "operation canceled" },
	{ ROTA_ECHILD, "ECHILD",
	  "not in this process: the loop was inherited by fork" },
	{ ROTA_ECONNABORTED, "ECONNABORTED", "connection aborted" },
	{ ROTA_ECONNREFUSED, "ECONNREFUSED", "connection refused" },
	{ ROTA_ECONNRESET, "ECONNRESET", "connection reset by peer" },
	{ ROTA_EDESTADDRREQ, "EDESTADDRREQ", "destination address required" },
	{ ROTA_EDOM, "EDOM", "argument out of domain" },
	{ ROTA_EEXIST, "EEXIST", "file exists" },
	{ ROTA_EFAULT, "EFAULT", "bad address" },
	{ ROTA_EFBIG, "EFBIG", "file too large" },
	{ ROTA_EHOSTUNREACH, "EHOSTUNREACH", "host is unreachable" },
	{ ROTA_EILSEQ, "EILSEQ", "illegal byte sequence" },
	{ ROTA_EINPROGRESS, "EINPROGRESS", "operation in progress" },
	{ ROTA_EINTR, "EINTR", "interrupted by a signal" },
	{ ROTA_EINVAL, "EINVAL", "invalid argument" },
	{ ROTA_EIO, "EIO", "input or output error" },
	{ ROTA_EISCONN, "EISCONN", "already connected" },
	{ ROTA_EISDIR, "EISDIR", "is a directory" },
	{ ROTA_ELOOP, "ELOOP", "too many symbolic links" },
	{ ROTA_EMFILE, "EMFILE", "too many open files in the process" },
	{ ROTA_EMLINK, "EMLINK", "too many links" },
	{ ROTA_EMSGSIZE, "EMSGSIZE", "message too long" },
	{ ROTA_ENAMETOOLONG, "ENAMETOOLONG", "name too long" },
	{ ROTA_ENETDOWN, "ENETDOWN", "network is down" },
	{ ROTA_ENETUNREACH, "ENETUNREACH", "network is unreachable" },
	{ ROTA_ENFILE, "ENFILE", "too many open files in the system" },
	{ ROTA_ENOBUFS, "ENOBUFS", "no buffer space" },
	{ ROTA_ENODEV, "ENODEV", "no such device" },
	{ ROTA_ENOENT, "ENOENT", "no such thing" },
	{ ROTA_ENOEXEC, "ENOEXEC", "not an executable" },
	{ ROTA_ENOLCK, "ENOLCK", "no locks available" },
	{ ROTA_ENOMEM, "ENOMEM", "out of memory" },
	{ ROTA_ENOPROTOOPT, "ENOPROTOOPT", "protocol option not available" },
	{ ROTA_ENOSPC, "ENOSPC", "no space left" },
	{ ROTA_ENOSYS, "ENOSYS", "not implemented by the system" },
	{ ROTA_ENOTCONN, "ENOTCONN", "not connected" },
	{ ROTA_ENOTDIR, "ENOTDIR", "not a directory" },
	{ ROTA_ENOTEMPTY, "ENOTEMPTY", "directory not empty" },
	{ ROTA_ENOTSOCK, "ENOTSOCK", "not a socket" },
	{ ROTA_ENOTSUP, "ENOTSUP", "not supported" },
	{ ROTA_ENOTTY, "ENOTTY", "not a terminal" },
	{ ROTA_ENXIO, "ENXIO", "no such device or address" },
	{ ROTA_EOVERFLOW, "EOVERFLOW", "value too large" },
	{ ROTA_EPERM, "EPERM", "operation not permitted" },
	{ ROTA_EPIPE, "EPIPE", "broken pipe" },
	{ ROTA_EPROTO, "EPROTO", "protocol error" },
	{ ROTA_EPROTONOSUPPORT, "EPROTONOSUPPORT", "protocol not supported" },
	{ ROTA_EPROTOTYPE, "EPROTOTYPE", "wrong protocol for the socket" },
	{ ROTA_ERANGE, "ERANGE", "result out of range" },
	{ ROTA_EROFS, "EROFS", "read-only file system" },
	{ ROTA_ESHUTDOWN, "ESHUTDOWN", "shutting down" },
	{ ROTA_ESPIPE, "ESPIPE", "not seekable" },
	{ ROTA_ESRCH, "ESRCH", "no such process" },
	{ ROTA_ETIMEDOUT, "ETIMEDOUT", "timed out" },
	{ ROTA_ETXTBSY, "ETXTBSY", "text file busy" },
	{ ROTA_EXDEV, "EXDEV", "crosses devices" },
	{ ROTA_EOF, "EOF", "end of input" },
};

enum { ERROR_COUNT = sizeof(errors) / sizeof(errors[0]) };

const char *rota_error_name(int error)
{
	for (size_t i = 0; i < ERROR_COUNT; i++)
		if (errors[i].error == error)
			return errors[i].name;
	return error == 0 ? "OK" : "UNKNOWN";
}

const char *rota_error_text(int error)
{
	for (size_t i = 0; i < ERROR_COUNT; i++)
		if (errors[i].error == error)
			return errors[i].text;
	return error == 0 ? "success" : "unknown error";
}
