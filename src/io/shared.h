/*
 * io/shared.h - streams over descriptors that other processes may have as well:
 * terminals, and the pipes and sockets of the standard streams. Such a stream
 * reads and writes, and changes nothing that the others could notice.
 *
 *  1. It has a descriptor of its own: the file opened anew, or a duplicate. See
 *     base/shared.h.
 *  2. Nothing is shut down. The other end sees the end of the output when the
 *     last copy of the descriptor is closed.
 *  3. A stream that is ending closes as soon as its output is written. Input is
 *     left to the others.
 *  4. The watch is level-triggered, because somebody else may read or write in
 *     between, and then it would wait for an event that was reported already.
 *     For the same reason a short read is never the last.
 *  5. The file of a duplicate remains open when the stream closes its
 *     descriptor. So the poller has to forget it first: the kernel would not.
 */
#ifndef ROTAI_IO_SHARED_H
#define ROTAI_IO_SHARED_H

#include "io/io.h"

/* Terminals and pipes: opened anew, and duplicated. */
extern const struct rotai_transport rotai_shared_transport_own;
extern const struct rotai_transport rotai_shared_transport_duplicate;

/* The master of a pseudo-terminal that nobody else has, non-blocking. */
extern const struct rotai_transport rotai_shared_transport_master;

/* Sockets, which are duplicated. */
extern const struct rotai_transport rotai_shared_transport_socket;

/* The stop function of the class. (5) */
void rotai_shared_stop(struct rota_handle *handle);

/* The go_on_ending function of the class. (3) */
void rotai_shared_go_on_ending(struct rota_stream *stream);

/* Make @stream an open, connected stream with the descriptor @fd, for what that
 * is open for: @access. The class has is_level set. (4) */
void rotai_shared_begin(struct rota_stream *stream, struct rota_loop *loop,
			const struct rotai_stream_class *class_, int fd,
			int access);

#endif
