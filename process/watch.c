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

/* Takes "NAME.PASSWORD" apart. Returns the bytes of the socket's address; 0: the text is no such address. */
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

/* Sends a message with count descriptors, at most 2. Returns 0 or an errno. */
static int send_with(int fd, struct sockaddr_un *to, socklen_t to_bytes, struct watch_message *m,
		     const int *fds, unsigned count)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} control = { .bytes = { 0 } };
	struct iovec part = { m, sizeof(*m) };
	struct msghdr message = {
		.msg_name = to, .msg_namelen = to_bytes, .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = count ? control.bytes : NULL,
		.msg_controllen = count ? CMSG_SPACE(count * sizeof(int)) : 0,
	};
	ssize_t sent;

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
	while ((sent = sendmsg(fd, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	return sent == (ssize_t)sizeof(*m) ? 0 : sent < 0 ? errno : EIO;
}

/* Sends a message by a socket that is opened for it, because no descriptor that the program could see is kept open.
 * Returns 0 or an errno. */
static int send_to(const char *address, struct watch_message *m, const int *fds, unsigned count)
{
	struct timeval second = { .tv_sec = 1 };
	struct sockaddr_un to;
	const char *password;
	socklen_t to_bytes = read_address(address, &to, &password);
	int fd, error;

	if (!to_bytes)
		return ECONNREFUSED;
	memcpy(m->password, password, WATCH_PASSWORD_BYTES);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	error = send_with(fd, &to, to_bytes, m, fds, count);
	close(fd);
	return error;
}

bool watch_register(const char *address, int table_fd, uint32_t parent)
{
	struct watch_message m = { .kind = WATCH_TABLE, .pid = (uint32_t)getpid(), .parent = parent };
	int saved = errno, fds[2] = { table_fd, (int)syscall(SYS_pidfd_open, getpid(), 0) };
	bool sent = false;

	if (fds[1] >= 0) {
		sent = !send_to(address, &m, fds, 2);
		close(fds[1]);
	}
	errno = saved;
	return sent;
}

int watch_request(const char *address, const struct dump_request *r, const int fds[2], const char *file)
{
	struct watch_message m = {
		.kind = WATCH_REPORT, .final = r->final, .reason = (uint8_t)r->reason,
		.signal = r->signal, .sort_count = (uint8_t)r->sort_count,
	};
	int saved = errno, error;

	memcpy(m.sort, r->sort, r->sort_count);
	memcpy(m.file, file, strnlen(file, NAME_MAX));
	error = send_to(address, &m, fds, (fds[0] >= 0) + (fds[1] >= 0));
	errno = saved;
	return error;
}
