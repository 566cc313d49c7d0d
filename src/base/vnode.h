/*
 * base/vnode.h - the calls of kqueue(2) that report changes of files. Where
 * there is none, opening it fails with ROTA_ENOTSUP. Functions that return an
 * error return it as a negative code.
 */
#ifndef ROTAI_BASE_VNODE_H
#define ROTAI_BASE_VNODE_H

/* Returns the descriptor of a kqueue, which is close-on-exec. */
int rotai_vnode_open(void);

/* Which files are not refused. */
enum {
	ROTAI_VNODE_LINK = 1 << 0, /* follow a symbolic link */
	ROTAI_VNODE_FILE = 1 << 1, /* else ROTA_ENOTDIR */
};

/* Watch the file at @path. Its events carry @object. Returns a descriptor; its
 * close ends the watch. */
int rotai_vnode_add(int queue, const char *path, unsigned allowed,
		    void *object);

/* Take the objects of at most @max events. Returns how many. */
int rotai_vnode_take(int queue, void **objects, int max);

#endif
