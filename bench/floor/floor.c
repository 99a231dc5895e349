/*
 * The floor of a user-space RTP relay on this machine: epoll, one recvfrom and
 * one sendto a packet, nothing looked at and nothing changed.
 *
 *   floor CALLS PORT_A PORT_B
 *
 * prints one line "port port" a call and then forwards: what arrives at the first
 * port leaves the second towards 127.0.0.1:PORT_B, and the other way to PORT_A.
 * Ends when its standard input closes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct leg {
	int fd;
	struct leg *peer;
	struct sockaddr_in far;
};

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int open_leg(struct leg *l, int ep, int far)
{
	struct sockaddr_in a = loopback(0);
	socklen_t n = sizeof a;
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = l};

	l->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	l->far = loopback(far);
	if (l->fd < 0 || bind(l->fd, (void *)&a, n) || getsockname(l->fd, (void *)&a, &n) || epoll_ctl(ep, EPOLL_CTL_ADD, l->fd, &ev)) {
		perror("floor");
		exit(1);
	}
	return ntohs(a.sin_port);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int calls = atoi(argv[1]), ep = epoll_create1(0);
	struct leg *legs = calloc(2 * calls, sizeof *legs);
	struct epoll_event events[256], end = {.events = EPOLLIN, .data.ptr = NULL};
	char b[1500];

	for (int i = 0; i < calls; i++) {
		struct leg *x = &legs[2 * i], *y = x + 1;
		x->peer = y;
		y->peer = x;
		int px = open_leg(x, ep, atoi(argv[2])), py = open_leg(y, ep, atoi(argv[3]));
		printf("%d %d\n", px, py);
	}
	fflush(stdout);
	epoll_ctl(ep, EPOLL_CTL_ADD, 0, &end);
	for (;;) {
		int n = epoll_wait(ep, events, 256, -1);
		for (int i = 0; i < n; i++) {
			struct leg *l = events[i].data.ptr;
			struct sockaddr_in from;
			socklen_t len = sizeof from;
			if (!l)
				return 0;
			ssize_t k = recvfrom(l->fd, b, sizeof b, 0, (void *)&from, &len);
			if (k > 0)
				sendto(l->peer->fd, b, k, 0, (void *)&l->peer->far, sizeof l->peer->far);
		}
	}
}
