/*
 * base/error.c - names and texts of the error codes.
 *
 * The table is searched linearly: errors are rare, and the numbers differ from
 * system to system.
 *
 *  1. Some systems give two names the same number. Then the first entry in the
 *     table is used.
 *  2. Names that only some systems have, and that no program needs to test for,
 *     have no constant in error.h.
 *  3. Signal handlers may look errors up, so this file calls no function
 *     (tests/lint/symbols checks it).
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
	{ ROTA_EBADMSG, "EBADMSG", "bad message" },
	{ ROTA_EBUSY, "EBUSY", "resource busy" },
	{ ROTA_ECANCELED, "ECANCELED", "operation canceled" },
	{ ROTA_ECHILD, "ECHILD",
	  "not in this process: the loop was inherited by fork" },
	{ ROTA_ECONNABORTED, "ECONNABORTED", "connection aborted" },
	{ ROTA_ECONNREFUSED, "ECONNREFUSED", "connection refused" },
	{ ROTA_ECONNRESET, "ECONNRESET", "connection reset by peer" },
	{ ROTA_EDEADLK, "EDEADLK", "would be a deadlock" },
	{ ROTA_EDESTADDRREQ, "EDESTADDRREQ", "destination address required" },
	{ ROTA_EDOM, "EDOM", "argument out of domain" },
	{ ROTA_EDQUOT, "EDQUOT", "disk quota exceeded" },
	{ ROTA_EEXIST, "EEXIST", "file exists" },
	{ ROTA_EFAULT, "EFAULT", "bad address" },
	{ ROTA_EFBIG, "EFBIG", "file too large" },
	{ ROTA_EFTYPE, "EFTYPE", "wrong type of file" },
	{ ROTA_EHOSTDOWN, "EHOSTDOWN", "host is down" },
	{ ROTA_EHOSTUNREACH, "EHOSTUNREACH", "host is unreachable" },
	{ ROTA_EIDRM, "EIDRM", "identifier removed" },
	{ ROTA_EILSEQ, "EILSEQ", "illegal byte sequence" },
	{ ROTA_EINPROGRESS, "EINPROGRESS", "operation in progress" },
	{ ROTA_EINTR, "EINTR", "interrupted by a signal" },
	{ ROTA_EINVAL, "EINVAL", "invalid argument" },
	{ ROTA_EIO, "EIO", "input or output error" },
	{ ROTA_EISCONN, "EISCONN", "already connected" },
	{ ROTA_EISDIR, "EISDIR", "is a directory" },
	{ ROTA_ELOOP, "ELOOP", "too many symbolic links" },
	{ ROTA_EMEDIUMTYPE, "EMEDIUMTYPE", "wrong medium type" },
	{ ROTA_EMFILE, "EMFILE", "too many open files in the process" },
	{ ROTA_EMLINK, "EMLINK", "too many links" },
	{ ROTA_EMSGSIZE, "EMSGSIZE", "message too long" },
	{ ROTA_EMULTIHOP, "EMULTIHOP", "needs more than one hop" },
	{ ROTA_ENAMETOOLONG, "ENAMETOOLONG", "name too long" },
	{ ROTA_ENETDOWN, "ENETDOWN", "network is down" },
	{ ROTA_ENETRESET, "ENETRESET", "connection aborted by the network" },
	{ ROTA_ENETUNREACH, "ENETUNREACH", "network is unreachable" },
	{ ROTA_ENFILE, "ENFILE", "too many open files in the system" },
	{ ROTA_ENOATTR, "ENOATTR", "no such attribute" },
	{ ROTA_ENOBUFS, "ENOBUFS", "no buffer space" },
	{ ROTA_ENODATA, "ENODATA", "no data or attribute" },
	{ ROTA_ENODEV, "ENODEV", "no such device" },
	{ ROTA_ENOENT, "ENOENT", "no such thing" },
	{ ROTA_ENOEXEC, "ENOEXEC", "not an executable" },
	{ ROTA_ENOLCK, "ENOLCK", "no locks available" },
	{ ROTA_ENOLINK, "ENOLINK", "link has been severed" },
	{ ROTA_ENOMEDIUM, "ENOMEDIUM", "no medium" },
	{ ROTA_ENOMEM, "ENOMEM", "out of memory" },
	{ ROTA_ENOMSG, "ENOMSG", "no message of that type" },
	{ ROTA_ENONET, "ENONET", "machine is not on the network" },
	{ ROTA_ENOPROTOOPT, "ENOPROTOOPT", "protocol option not available" },
	{ ROTA_ENOSPC, "ENOSPC", "no space left" },
	{ ROTA_ENOSYS, "ENOSYS", "not implemented by the system" },
	{ ROTA_ENOTBLK, "ENOTBLK", "not a block device" },
	{ ROTA_ENOTCONN, "ENOTCONN", "not connected" },
	{ ROTA_ENOTDIR, "ENOTDIR", "not a directory" },
	{ ROTA_ENOTEMPTY, "ENOTEMPTY", "directory not empty" },
	{ ROTA_ENOTNUMERIC, "ENOTNUMERIC",
	  "not a numeric address: look the name up with rota_lookup()" },
	{ ROTA_ENOTRECOVERABLE, "ENOTRECOVERABLE", "state is not recoverable" },
	{ ROTA_ENOTSOCK, "ENOTSOCK", "not a socket" },
	{ ROTA_ENOTSUP, "ENOTSUP", "not supported" },
	{ ROTA_ENOTTY, "ENOTTY", "not a terminal" },
	{ ROTA_ENXIO, "ENXIO", "no such device or address" },
	{ ROTA_EOVERFLOW, "EOVERFLOW", "value too large" },
	{ ROTA_EOWNERDEAD, "EOWNERDEAD", "owner has died" },
	{ ROTA_EPERM, "EPERM", "operation not permitted" },
	{ ROTA_EPFNOSUPPORT, "EPFNOSUPPORT", "protocol family not supported" },
	{ ROTA_EPIPE, "EPIPE", "broken pipe" },
	{ ROTA_EPROTO, "EPROTO", "protocol error" },
	{ ROTA_EPROTONOSUPPORT, "EPROTONOSUPPORT", "protocol not supported" },
	{ ROTA_EPROTOTYPE, "EPROTOTYPE", "wrong protocol for the socket" },
	{ ROTA_ERANGE, "ERANGE", "result out of range" },
	{ ROTA_EREMOTE, "EREMOTE", "object is remote" },
	{ ROTA_EREMOTEIO, "EREMOTEIO", "remote input or output error" },
	{ ROTA_EROFS, "EROFS", "read-only file system" },
	{ ROTA_ESHUTDOWN, "ESHUTDOWN", "shutting down" },
	{ ROTA_ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT",
	  "socket type not supported" },
	{ ROTA_ESPIPE, "ESPIPE", "not seekable" },
	{ ROTA_ESRCH, "ESRCH", "no such process" },
	{ ROTA_ESTALE, "ESTALE", "stale file handle" },
	{ ROTA_ETIME, "ETIME", "timer expired" },
	{ ROTA_ETIMEDOUT, "ETIMEDOUT", "timed out" },
	{ ROTA_ETOOMANYREFS, "ETOOMANYREFS", "too many references" },
	{ ROTA_ETXTBSY, "ETXTBSY", "text file busy" },
	{ ROTA_EUCLEAN, "EUCLEAN", "file system needs cleaning" },
	{ ROTA_EUSERS, "EUSERS", "too many users" },
	{ ROTA_EXDEV, "EXDEV", "crosses devices" },
	{ ROTA_EOF, "EOF", "end of input" },

	/* Name lookups. */
	{ ROTA_EAI_ADDRFAMILY, "EAI_ADDRFAMILY",
	  "the name has no address of that family" },
	{ ROTA_EAI_AGAIN, "EAI_AGAIN",
	  "temporary failure of the name service" },
	{ ROTA_EAI_BADFLAGS, "EAI_BADFLAGS", "invalid flags for a lookup" },
	{ ROTA_EAI_BADHINTS, "EAI_BADHINTS", "invalid hints for a lookup" },
	{ ROTA_EAI_FAIL, "EAI_FAIL", "permanent failure of the name service" },
	{ ROTA_EAI_FAMILY, "EAI_FAMILY",
	  "address family not supported by the lookup" },
	{ ROTA_EAI_NODATA, "EAI_NODATA", "the name has no address" },
	{ ROTA_EAI_NONAME, "EAI_NONAME", "name or service not known" },
	{ ROTA_EAI_OVERFLOW, "EAI_OVERFLOW",
	  "a name is longer than the system accepts" },
	{ ROTA_EAI_PROTOCOL, "EAI_PROTOCOL",
	  "protocol of the lookup not known" },
	{ ROTA_EAI_SERVICE, "EAI_SERVICE",
	  "service not known for the socket type" },
	{ ROTA_EAI_SOCKTYPE, "EAI_SOCKTYPE",
	  "socket type not supported by the lookup" },

	/* Second names, for systems that give them numbers of their own. (1) */
	{ ROTA_EOPNOTSUPP, "EOPNOTSUPP",
	  "operation not supported on the socket" },
#ifdef EDEADLOCK
	{ -EDEADLOCK, "EDEADLOCK", "would be a deadlock" },
#endif
#ifdef EWOULDBLOCK
	{ -EWOULDBLOCK, "EWOULDBLOCK", "resource temporarily unavailable" },
#endif

/* Linux. */
#ifdef EADV
	{ -EADV, "EADV", "advertise error" },
#endif
#ifdef EBADE
	{ -EBADE, "EBADE", "invalid exchange" },
#endif
#ifdef EBADFD
	{ -EBADFD, "EBADFD", "file descriptor in a bad state" },
#endif
#ifdef EBADR
	{ -EBADR, "EBADR", "invalid request descriptor" },
#endif
#ifdef EBADRQC
	{ -EBADRQC, "EBADRQC", "invalid request code" },
#endif
#ifdef EBADSLT
	{ -EBADSLT, "EBADSLT", "invalid slot" },
#endif
#ifdef EBFONT
	{ -EBFONT, "EBFONT", "bad font file format" },
#endif
#ifdef ECHRNG
	{ -ECHRNG, "ECHRNG", "channel number out of range" },
#endif
#ifdef ECOMM
	{ -ECOMM, "ECOMM", "communication error on send" },
#endif
#ifdef EDOTDOT
	{ -EDOTDOT, "EDOTDOT", "RFS error" },
#endif
#ifdef EHWPOISON
	{ -EHWPOISON, "EHWPOISON", "memory page has a hardware error" },
#endif
#ifdef EISNAM
	{ -EISNAM, "EISNAM", "is a named type file" },
#endif
#ifdef EKEYEXPIRED
	{ -EKEYEXPIRED, "EKEYEXPIRED", "key has expired" },
#endif
#ifdef EKEYREJECTED
	{ -EKEYREJECTED, "EKEYREJECTED", "key was rejected by the service" },
#endif
#ifdef EKEYREVOKED
	{ -EKEYREVOKED, "EKEYREVOKED", "key has been revoked" },
#endif
#ifdef EL2HLT
	{ -EL2HLT, "EL2HLT", "level 2 halted" },
#endif
#ifdef EL2NSYNC
	{ -EL2NSYNC, "EL2NSYNC", "level 2 not synchronized" },
#endif
#ifdef EL3HLT
	{ -EL3HLT, "EL3HLT", "level 3 halted" },
#endif
#ifdef EL3RST
	{ -EL3RST, "EL3RST", "level 3 reset" },
#endif
#ifdef ELIBACC
	{ -ELIBACC, "ELIBACC", "cannot access a shared library" },
#endif
#ifdef ELIBBAD
	{ -ELIBBAD, "ELIBBAD", "corrupted shared library" },
#endif
#ifdef ELIBEXEC
	{ -ELIBEXEC, "ELIBEXEC", "cannot execute a shared library" },
#endif
#ifdef ELIBMAX
	{ -ELIBMAX, "ELIBMAX", "too many shared libraries" },
#endif
#ifdef ELIBSCN
	{ -ELIBSCN, "ELIBSCN", "corrupted .lib section" },
#endif
#ifdef ELNRNG
	{ -ELNRNG, "ELNRNG", "link number out of range" },
#endif
#ifdef ENAVAIL
	{ -ENAVAIL, "ENAVAIL", "no XENIX semaphores available" },
#endif
#ifdef ENOANO
	{ -ENOANO, "ENOANO", "no anode" },
#endif
#ifdef ENOCSI
	{ -ENOCSI, "ENOCSI", "no CSI structure available" },
#endif
#ifdef ENOKEY
	{ -ENOKEY, "ENOKEY", "required key not available" },
#endif
#ifdef ENOPKG
	{ -ENOPKG, "ENOPKG", "package not installed" },
#endif
#ifdef ENOSR
	{ -ENOSR, "ENOSR", "out of streams resources" },
#endif
#ifdef ENOSTR
	{ -ENOSTR, "ENOSTR", "not a stream" },
#endif
#ifdef ENOTNAM
	{ -ENOTNAM, "ENOTNAM", "not a XENIX named type file" },
#endif
#ifdef ENOTUNIQ
	{ -ENOTUNIQ, "ENOTUNIQ", "name is not unique on the network" },
#endif
#ifdef EREMCHG
	{ -EREMCHG, "EREMCHG", "remote address changed" },
#endif
#ifdef ERESTART
	{ -ERESTART, "ERESTART",
	  "interrupted system call should be restarted" },
#endif
#ifdef ERFKILL
	{ -ERFKILL, "ERFKILL", "radio is switched off" },
#endif
#ifdef ESRMNT
	{ -ESRMNT, "ESRMNT", "srmount error" },
#endif
#ifdef ESTRPIPE
	{ -ESTRPIPE, "ESTRPIPE", "streams pipe error" },
#endif
#ifdef EUNATCH
	{ -EUNATCH, "EUNATCH", "protocol driver not attached" },
#endif
#ifdef EXFULL
	{ -EXFULL, "EXFULL", "exchange full" },
#endif

/* macOS and the BSDs. */
#ifdef EASYNC
	{ -EASYNC, "EASYNC", "will complete asynchronously" },
#endif
#ifdef EAUTH
	{ -EAUTH, "EAUTH", "authentication error" },
#endif
#ifdef EBADARCH
	{ -EBADARCH, "EBADARCH", "wrong processor type in executable" },
#endif
#ifdef EBADEXEC
	{ -EBADEXEC, "EBADEXEC", "bad executable" },
#endif
#ifdef EBADMACHO
	{ -EBADMACHO, "EBADMACHO", "malformed Mach-O file" },
#endif
#ifdef EBADRPC
	{ -EBADRPC, "EBADRPC", "bad RPC structure" },
#endif
#ifdef ECAPMODE
	{ -ECAPMODE, "ECAPMODE", "not permitted in capability mode" },
#endif
#ifdef EDEVERR
	{ -EDEVERR, "EDEVERR", "device error" },
#endif
#ifdef EDOOFUS
	{ -EDOOFUS, "EDOOFUS", "programming error" },
#endif
#ifdef EINTEGRITY
	{ -EINTEGRITY, "EINTEGRITY", "integrity check failed" },
#endif
#ifdef EIPSEC
	{ -EIPSEC, "EIPSEC", "IPsec processing failure" },
#endif
#ifdef ENEEDAUTH
	{ -ENEEDAUTH, "ENEEDAUTH", "needs an authenticator" },
#endif
#ifdef ENOPOLICY
	{ -ENOPOLICY, "ENOPOLICY", "no such policy" },
#endif
#ifdef ENOTCAPABLE
	{ -ENOTCAPABLE, "ENOTCAPABLE", "insufficient capabilities" },
#endif
#ifdef EPROCLIM
	{ -EPROCLIM, "EPROCLIM", "too many processes" },
#endif
#ifdef EPROCUNAVAIL
	{ -EPROCUNAVAIL, "EPROCUNAVAIL", "bad procedure for program" },
#endif
#ifdef EPROGMISMATCH
	{ -EPROGMISMATCH, "EPROGMISMATCH", "wrong version of the RPC program" },
#endif
#ifdef EPROGUNAVAIL
	{ -EPROGUNAVAIL, "EPROGUNAVAIL", "RPC program not available" },
#endif
#ifdef EPWROFF
	{ -EPWROFF, "EPWROFF", "device power is off" },
#endif
#ifdef EQFULL
	{ -EQFULL, "EQFULL", "output queue full" },
#endif
#ifdef ERPCMISMATCH
	{ -ERPCMISMATCH, "ERPCMISMATCH", "wrong RPC version" },
#endif
#ifdef ESHLIBVERS
	{ -ESHLIBVERS, "ESHLIBVERS", "wrong shared library version" },
#endif
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
