/* SPDX-License-Identifier: GPL-2.0-only */
/* See inbox.h. */
#include "inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RING_MESSAGES	512u	/* each of them may have two open descriptors */

static int listener = -1;
static const char *password;

/* The messages that the signal handler has read: ring[first], and the count - 1 that follow. The handler changes the
 * ring only between inbox_collect_begin() and inbox_collect_end(), and inbox_take() only outside of these two. */
static struct received ring[RING_MESSAGES];
static unsigned first, count;

/* Takes the sender's id and the descriptors out of a message's control data. */
static void take_control(struct received *r, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct ucred who;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&who, CMSG_DATA(c), sizeof(who));
			r->pid = who.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			size_t fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			for (size_t i = 0; i < fds; i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
				if (i < 2 && r->fds[i] < 0)
					r->fds[i] = fd;
				else
					close(fd);
			}
		}
	}
}

void inbox_close(const struct received *r)
{
	for (int i = 0; i < 2; i++) {
		if (r->fds[i] >= 0)
			close(r->fds[i]);
	}
}

/* Reads the next message with the right password from the socket, and drops others. False: there is none. */
static bool receive(struct received *r)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr head;
	} control;
	struct iovec part = { &r->message, sizeof(r->message) };
	struct msghdr m;
	ssize_t n;

	for (;;) {
		m = (struct msghdr){
			.msg_iov = &part, .msg_iovlen = 1,
			.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
		};
		*r = (struct received){ .fds = { -1, -1 } };
		n = recvmsg(listener, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		take_control(r, &m);
		if (n == sizeof(r->message) && !memcmp(r->message.password, password, WATCH_PASSWORD_BYTES))
			return true;
		inbox_close(r);
	}
}

/* The handler of SIGIO, which the kernel sends when a message comes. */
static void collect(int signal)
{
	int saved = errno;

	(void)signal;
	while (count < RING_MESSAGES && receive(&ring[(first + count) % RING_MESSAGES]))
		count++;
	errno = saved;
}

bool inbox_start(int socket, const char *secret)
{
	struct sigaction act = { .sa_handler = collect, .sa_flags = SA_RESTART };

	listener = socket;
	password = secret;
	inbox_collect_end();
	return !sigaction(SIGIO, &act, NULL) && !fcntl(listener, F_SETOWN, getpid()) &&
	       !fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_ASYNC);
}

bool inbox_take(struct received *r)
{
	if (!count)
		return receive(r);
	*r = ring[first];
	first = (first + 1) % RING_MESSAGES;
	count--;
	return true;
}

/* Blocks or unblocks SIGIO. */
static void change_mask(int how)
{
	sigset_t io;

	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	sigprocmask(how, &io, NULL);
}

/* Messages that have come before this call have raised the signal, too. It is pending, and is delivered now. */
void inbox_collect_begin(void)
{
	change_mask(SIG_UNBLOCK);
}

void inbox_collect_end(void)
{
	change_mask(SIG_BLOCK);
}
