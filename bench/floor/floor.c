/* What a hit costs at least: a server that only reads a request and sends bytes, with epoll, and nothing of HTTP.
 *
 *   cc -O2 -pthread -o /tmp/floor bench/floor/floor.c && /tmp/floor BYTES send|sendfile
 *
 * 64 connections over the loopback, reno; the server's thread on core 0, the clients' on core 1, which asks again when it has BYTES.
 * `send`: head and body by one send(2) from memory. `sendfile`: a head of 400 bytes by MSG_MORE, the rest by sendfile(2) from a memory
 * file in a large page. Prints the CPU time of the server's thread per request.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
enum { CONNECTIONS = 64, HEAD = 400, ASK = 100, LARGE_PAGE = 2 << 20 };

static int clients[CONNECTIONS], servers[CONNECTIONS], file, by_file;
static size_t bytes;
static char *memory;

static void pin(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static int poll_all(const int *sockets) {
    int poll = epoll_create1(0);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i], &event);
    }
    return poll;
}

static void *ask(void *unused) {
    static char buffer[8192];
    size_t got[CONNECTIONS] = {0};
    struct epoll_event events[CONNECTIONS];
    int poll = poll_all(clients);
    pin(1);
    for (;;) {
        int count = epoll_wait(poll, events, CONNECTIONS, -1);
        for (int k = 0; k < count; k++) {
            unsigned i = events[k].data.u32;
            ssize_t more = read(clients[i], buffer, sizeof buffer);
            if (more <= 0)
                return unused;
            got[i] += (size_t)more;
            if (got[i] >= bytes) {
                got[i] = 0;
                if (write(clients[i], buffer, ASK) != ASK)
                    return unused;
            }
        }
    }
}

static int answer(int to) {
    if (!by_file)
        return send(to, memory, bytes, 0) == (ssize_t)bytes;
    off_t from = 0;
    size_t left = bytes - HEAD;
    if (send(to, memory, HEAD, MSG_MORE) != HEAD)
        return 0;
    while (left > 0) {
        ssize_t sent = sendfile(to, file, &from, left);
        if (sent <= 0)
            return 0;
        left -= (size_t)sent;
    }
    return 1;
}

int main(int count, char **words) {
    if (count != 3 || (bytes = (size_t)atol(words[1])) <= HEAD || bytes > LARGE_PAGE) {
        fprintf(stderr, "floor BYTES send|sendfile, BYTES above %d and at most %d\n", HEAD, LARGE_PAGE);
        return 2;
    }
    by_file = strcmp(words[2], "sendfile") == 0;
    memory = aligned_alloc(LARGE_PAGE, LARGE_PAGE);
    memset(memory, 'x', LARGE_PAGE);
    file = memfd_create("floor", 0);
    char *place = mmap(NULL, 2 * LARGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    place = (char *)(((size_t)place + LARGE_PAGE - 1) & ~(size_t)(LARGE_PAGE - 1));
    if (ftruncate(file, LARGE_PAGE) != 0 ||
        mmap(place, LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
        return perror("memory file"), 1;
    memset(place, 'x', LARGE_PAGE);
    if (by_file && madvise(place, LARGE_PAGE, MADV_COLLAPSE) != 0)
        perror("no large page");

    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
    if (bind(listener, (void *)&at, sizeof at) != 0 || listen(listener, CONNECTIONS) != 0)
        return perror("listen"), 1;
    getsockname(listener, (void *)&at, &size);
    for (int i = 0; i < CONNECTIONS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(clients[i], IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
        if (connect(clients[i], (void *)&at, sizeof at) != 0 || (servers[i] = accept(listener, NULL, NULL)) < 0)
            return perror("connect"), 1;
        setsockopt(clients[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(servers[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    pin(0);
    pthread_t thread;
    int poll = poll_all(servers);
    pthread_create(&thread, NULL, ask, NULL);
    for (int i = 0; i < CONNECTIONS; i++)
        answer(servers[i]);
    const long wanted = bytes > 100000 ? 40000 : 150000;
    long done = 0;
    struct timespec before, after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    while (done < wanted) {
        struct epoll_event events[CONNECTIONS];
        char request[2 * ASK];
        int ready = epoll_wait(poll, events, CONNECTIONS, -1);
        for (int k = 0; k < ready; k++, done++) {
            int to = servers[events[k].data.u32];
            if (read(to, request, sizeof request) <= 0 || !answer(to))
                return perror("answer"), 1;
        }
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    double micros = (double)(after.tv_sec - before.tv_sec) * 1e6 + (double)(after.tv_nsec - before.tv_nsec) / 1e3;
    printf("%zu bytes by %s: %.2f microseconds of CPU a request\n", bytes, words[2], micros / (double)done);
    return 0;
}
