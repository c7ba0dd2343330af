/* A host whose /proc is a tree in memory and whose sockets lead to fakes. */
#pragma once

#include "fake_qmp.h"
#include "io/io.h"

#include <stddef.h>

typedef struct {
        Io io;
        Io *tree;
        GHashTable *sockets; /* path → whom to connect to */
        GHashTable *pids;    /* path → pid that listens */
        pid_t last_peer;
        int peer_result;
        int64_t paused; /* µs that pauses would have taken */
        FakeQmp *dies;  /* /proc of pid 812 goes when this one ended */
} Host;

Host *host_new(void);
void put_proc(Host *host, int pid, const char *file, const void *data, size_t length);
/* Arguments parted by '\n' here, by NUL there. */
void put_process(Host *host, int pid, const char *command);
void put_socket(Host *host, int pid, const char *path, FakeQmp *fake);
/* A socket to something else: `connect` gives the fd or a negative errno. */
void put_other_socket(Host *host, int pid, const char *path, int (*connect)(void *data), void *data);
