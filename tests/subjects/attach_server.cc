/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server of several threads, to which tests attach and detach. It runs until SIGTERM, and checks all the time that nothing
 * happens to it which would not happen without a tracer:
 *
 *	- system calls that wait return what they wait for, and never EINTR where no signal with a handler has come: epoll_wait,
 *	  poll, select, nanosleep, read, recv with a timeout, sigtimedwait, semtimedop, futex (condition variable, join)
 *	- errno, general and floating point registers keep their values across everything
 *	- each queued signal is handled once; a system call that waits for a signal with a handler does return EINTR
 *	- each request over a socket gets its answer
 *
 * At the end it prints "good" and how often each thing was done, or a line for each fault, and ends with 1.
 */
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static std::atomic<bool> ends{false}, sends{true}, is_kicked{true};
static std::atomic<long> faults{0}, requests{0}, answers{0}, waits{0}, allocations{0}, sums{0}, ticks{0};
static std::atomic<long> sent{0}, handled{0}, kicks{0}, kicked{0};

static void fault(const char *what, long value)
{
	if (faults++ < 20)
		printf("fault: %s: %ld (errno %d)\n", what, value, errno);
	fflush(stdout);
}

static double seconds()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- Signals ---- */

static void count(int, siginfo_t *, void *)
{
	int kept = errno;

	handled++;
	errno = kept;
}

static void kick(int)
{
}

/* All signals are for other threads, but the given one. */
static void block_signals(int but)
{
	sigset_t all;

	sigfillset(&all);
	if (but)
		sigdelset(&all, but);
	pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

/* Handles queued signals, while it waits where they interrupt, and while it computes. */
static void take_signals()
{
	block_signals(SIGRTMIN);
	while (sends) {		/* it would not handle a signal that comes after that */
		struct pollfd nothing = { -1, 0, 0 };

		for (volatile int i = 0; i < 20000; i = i + 1)
			;
		if (poll(&nothing, 0, 2) < 0 && errno != EINTR)
			fault("poll of the thread with signals", errno);
	}
}

static void send_signals(pthread_t to)
{
	block_signals(0);
	while (!ends) {
		union sigval value = { .sival_int = 1 };
		struct timespec pause = { 0, 700000 };

		if (!pthread_sigqueue(to, SIGRTMIN, value))
			sent++;
		else if (errno != EAGAIN)
			fault("pthread_sigqueue", errno);
		nanosleep(&pause, nullptr);
	}
	sends = false;
}

/* A call that waits without end has to end with EINTR when a signal with a handler comes. */
static void be_kicked()
{
	int poller = epoll_create1(0);
	struct epoll_event event;

	block_signals(SIGUSR2);
	while (!ends) {
		errno = 0;
		if (epoll_wait(poller, &event, 1, 5000) != -1 || errno != EINTR)
			fault("a kick does not interrupt epoll_wait", errno);
		kicked++;
	}
	is_kicked = false;
}

static void kick_thread(pthread_t to)
{
	block_signals(0);
	while (!ends || kicked < kicks) {
		struct timespec pause = { 0, 3000000 };
		long before = kicked;

		kicks++;
		for (int i = 0; kicked == before && i < 100; i++) {	/* it may not be waiting again yet */
			pthread_kill(to, SIGUSR2);
			nanosleep(&pause, nullptr);
		}
		if (ends)
			break;
	}
	while (is_kicked) {	/* a kick that comes before it waits for the last time is none */
		struct timespec pause = { 0, 3000000 };

		pthread_kill(to, SIGUSR2);
		nanosleep(&pause, nullptr);
	}
}

/* ---- Waiting ---- */

static void expect(const char *what, long result, long expected, double begin, double least)
{
	double took = seconds() - begin;

	waits++;
	if (result != expected)
		fault(what, result);
	else if (took < least)
		fault(what, -(long)(took * 1e6));
}

static void wait_epoll()
{
	int poller = epoll_create1(0);
	struct epoll_event event;

	block_signals(0);
	while (!ends) {
		double begin = seconds();

		expect("epoll_wait", epoll_wait(poller, &event, 1, 30), 0, begin, 0.029);
	}
}

static void wait_calls()
{
	int pipes[2], sockets[2], semaphores = semget(IPC_PRIVATE, 1, 0600);
	struct timeval timeout = { 0, 20000 };
	char byte;

	block_signals(0);
	if (pipe(pipes) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) ||
	    setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		fault("setup", 0);
	while (!ends) {
		struct pollfd readable = { pipes[0], POLLIN, 0 };
		struct timespec pause = { 0, 20000000 };
		struct timeval left = { 0, 20000 };
		struct sembuf down = { 0, -1, 0 };
		sigset_t hup;
		double begin = seconds();

		expect("poll", poll(&readable, 1, 20), 0, begin, 0.012);
		begin = seconds();
		expect("nanosleep", nanosleep(&pause, nullptr), 0, begin, 0.02);
		begin = seconds();
		expect("select", select(0, nullptr, nullptr, nullptr, &left), 0, begin, 0.012);
		begin = seconds();
		expect("recv", recv(sockets[0], &byte, 1, 0), -1, begin, 0);
		if (errno != EAGAIN)
			fault("recv", errno);
		sigemptyset(&hup);
		sigaddset(&hup, SIGHUP);
		begin = seconds();
		expect("sigtimedwait", sigtimedwait(&hup, nullptr, &pause), -1, begin, 0.019);
		if (errno != EAGAIN)
			fault("sigtimedwait", errno);
		begin = seconds();
		expect("semtimedop", semtimedop(semaphores, &down, 1, &pause), -1, begin, 0.019);
		if (errno != EAGAIN)
			fault("semtimedop", errno);
	}
	semctl(semaphores, 0, IPC_RMID);
}

static void read_timer()
{
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec every = { { 0, 5000000 }, { 0, 5000000 } };
	uint64_t number;

	block_signals(0);
	timerfd_settime(timer, 0, &every, nullptr);
	while (!ends) {
		if (read(timer, &number, sizeof(number)) != sizeof(number))
			fault("read of a timer", errno);
		ticks += (long)number;
	}
}

/* ---- Computing ---- */

static void compute()
{
	block_signals(0);
	while (!ends) {
		double sum = 0, other = 1;
		long whole = 0;

		errno = 4711;
		for (int i = 1; i <= 200000; i++) {
			sum += 1.0 / i;
			other *= 1.0000001;
			whole = whole * 31 + i;
		}
		static double first_sum = sum, first_other = other;
		static long first_whole = whole;
		if (sum != first_sum || other != first_other || whole != first_whole)
			fault("registers", whole);
		if (errno != 4711)
			fault("errno", errno);
		sums++;
	}
}

static void allocate()
{
	std::map<int, std::string> kept;
	unsigned random = 1;

	block_signals(0);
	while (!ends) {
		random = random * 1103515245 + 12345;
		int key = (int)(random >> 16 & 1023);
		auto old = kept.find(key);

		if (old != kept.end() && old->second != std::string(old->second.size(), (char)('a' + key % 26)))
			fault("a block has changed", key);
		kept[key] = std::string(10 + (random >> 8 & 255), (char)('a' + key % 26));
		std::vector<char> temporary(random & 4095, 1);
		allocations += 2;
		if (!(random & 63 << 8))
			std::this_thread::sleep_for(std::chrono::microseconds(50));
	}
}

static void make_threads()
{
	std::mutex lock;
	std::condition_variable changed;

	block_signals(0);
	while (!ends) {
		bool ready = false;
		std::thread other([&] {
			char *p = strdup("a thread's block");

			std::this_thread::sleep_for(std::chrono::milliseconds(5));
			std::lock_guard<std::mutex> held(lock);
			ready = true;
			changed.notify_one();
			free(p);
		});
		std::unique_lock<std::mutex> held(lock);

		if (!changed.wait_for(held, std::chrono::seconds(60), [&] { return ready; }))
			fault("condition variable", 0);
		held.unlock();
		other.join();
	}
}

/* ---- Requests ---- */

static void serve(int fd)
{
	char text[64];
	ssize_t n;

	block_signals(0);
	while ((n = recv(fd, text, sizeof(text), 0)) > 0) {
		std::string answer(text, (size_t)n);

		answer += "!";
		if (send(fd, answer.data(), answer.size(), 0) != (ssize_t)answer.size())
			fault("send", errno);
	}
	if (n < 0)
		fault("recv of a server", errno);
}

static void ask(int fd)
{
	char text[64], answer[64];

	block_signals(0);
	while (!ends) {
		int bytes = snprintf(text, sizeof(text), "request %ld", (long)requests++);
		ssize_t n;

		if (send(fd, text, (size_t)bytes, 0) != bytes)
			fault("send of a client", errno);
		n = recv(fd, answer, sizeof(answer), 0);
		if (n != bytes + 1 || memcmp(answer, text, (size_t)bytes) || answer[bytes] != '!')
			fault("answer", n);
		answers++;
		if (!(requests & 15))
			std::this_thread::sleep_for(std::chrono::microseconds(300));
	}
	shutdown(fd, SHUT_RDWR);
}

int main()
{
	struct sigaction counts = {}, kicks_action = {};
	std::vector<std::thread> threads;
	int sockets[2], number;
	sigset_t term;

	setvbuf(stdout, nullptr, _IOLBF, 0);
	counts.sa_sigaction = count;
	counts.sa_flags = SA_SIGINFO | SA_RESTART;
	sigaction(SIGRTMIN, &counts, nullptr);
	kicks_action.sa_handler = kick;
	sigaction(SIGUSR2, &kicks_action, nullptr);
	block_signals(0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets))
		return 2;
	threads.emplace_back(take_signals);
	threads.emplace_back(send_signals, threads[0].native_handle());
	threads.emplace_back(be_kicked);
	threads.emplace_back(kick_thread, threads[2].native_handle());
	for (auto function : { wait_epoll, wait_calls, read_timer, compute, allocate, allocate, make_threads })
		threads.emplace_back(function);
	threads.emplace_back(serve, sockets[0]);
	threads.emplace_back(ask, sockets[1]);
	puts("ready");
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (sigwait(&term, &number))
		fault("sigwait", errno);
	ends = true;
	for (auto thread = threads.rbegin(); thread != threads.rend(); thread++)	/* who sends signals before who gets them */
		thread->join();
	if (handled != sent)
		fault("signals that were not handled", sent - handled);
	if (answers != requests)
		fault("requests without an answer", requests - answers);
	printf("%s: %ld requests, %ld signals, %ld kicks, %ld waits, %ld ticks, %ld sums, %ld allocations\n", faults ? "bad" : "good",
	       (long)answers, (long)handled, (long)kicked, (long)waits, (long)ticks, (long)sums, (long)allocations);
	return faults != 0;
}
