/* What the tests of the seam share: a folder on disk, readings compared, an rtnetlink question. */
#pragma once

#include "io/internal.h"

#include <linux/rtnetlink.h>

/* A folder on disk that goes away with its contents. */
typedef struct {
        char *path;
        Io *io; /* writable, below it */
} Temp;

void temp_open(Temp *temp);
void temp_close(Temp *temp);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Temp, temp_close)
/* A path in it; with a text the file is written too. */
char *temp_file(const Temp *temp, const char *name, const char *text);
void temp_write(const Temp *temp, const char *name, const char *text);

void assert_file(const char *path, const char *text);
void assert_reads(Io *io, const char *path, const char *text);
void assert_read_fails(Io *io, const char *path, int expected);
void assert_lists(Io *io, const char *path, const char *joined);
void assert_links(Io *io, const char *path, const char *target);

typedef struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
        struct nlattr attr;
        uint32_t value;
} LinkRequest;

LinkRequest link_request(uint16_t type, uint16_t flags, int ifindex, uint16_t attr);

/* A modules.alias as depmod writes it. */
extern const char aliases[];
