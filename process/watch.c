/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch.h. */
#include "watch.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434	/* the same on every machine */
#endif

/* The socket's address; 0 when it is none of ours. */
static socklen_t read_address(const char *text, struct sockaddr_un *to, const char **password)
{
	const char *dot = strchr(text, '.');
	size_t len = dot ? (size_t)(dot - text) : 0;

	if (!len || len > WATCH_NAME_MAX || strlen(dot + 1) != WATCH_PASSWORD_BYTES)
		return 0;
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path + 1, text, len);
	*password = dot + 1;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

static bool send_all(int fd, struct sockaddr_un *to, socklen_t to_bytes, struct watch_message *m,
		     const int fds[2])
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} control = { .bytes = { 0 } };
	struct iovec part = { m, sizeof(*m) };
	struct msghdr message = {
		.msg_name = to, .msg_namelen = to_bytes, .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	ssize_t sent;

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(&control.head), fds, 2 * sizeof(int));
	while ((sent = sendmsg(fd, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	return sent == (ssize_t)sizeof(*m);
}

bool watch_register(const char *address, int table_fd, uint32_t parent)
{
	struct watch_message m = { .pid = (uint32_t)getpid(), .parent = parent };
	struct timeval second = { .tv_sec = 1 };
	int saved = errno, fds[2] = { table_fd, -1 }, fd;
	struct sockaddr_un to;
	const char *password;
	socklen_t to_bytes = read_address(address, &to, &password);
	bool told = false;

	if (!to_bytes)
		return false;
	memcpy(m.password, password, WATCH_PASSWORD_BYTES);
	fds[1] = (int)syscall(SYS_pidfd_open, getpid(), 0);
	fd = fds[1] < 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
		told = send_all(fd, &to, to_bytes, &m, fds);
		close(fd);
	}
	if (fds[1] >= 0)
		close(fds[1]);
	errno = saved;
	return told;
}
