/* The real machine: a configuration file replaced as a whole, so that a crash leaves the old text or the new one. */
#include "io/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* SELinux labels are far shorter. */
#define LABEL_MAX 1024

static int write_all(int fd, const char *text, size_t length) {
        while (length > 0) {
                ssize_t n = write(fd, text, length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                length -= (size_t) n;
        }
        return 0;
}

/* Where labels are in use, a file that was restored by hand may have one that its folder would not give. */
static void keep_label(int dir, const char *name, int fd) {
        char label[LABEL_MAX];
        int old = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (old < 0)
                return;
        ssize_t length = fgetxattr(old, "security.selinux", label, sizeof label);
        close(old);
        if (length > 0 && fsetxattr(fd, "security.selinux", label, (size_t) length, 0) < 0)
                return; /* then the folder's own label is what it has */
}

/* Fills the new file: text, owner, mode, label, all on the disk. `old` NULL: there was none. */
static int fill(int dir, const char *name, int fd, const char *text, const struct stat *old) {
        int r = write_all(fd, text, strlen(text));
        if (r == 0 && old && (old->st_uid != geteuid() || old->st_gid != getegid()) && fchown(fd, old->st_uid, old->st_gid) < 0)
                r = -errno;
        if (r == 0 && fchmod(fd, old ? old->st_mode & 07777 : 0644) < 0) /* after fchown(2), which may clear bits */
                r = -errno;
        if (r == 0 && old)
                keep_label(dir, name, fd);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r;
}

static int put(int dir, const char *name, const char *text, const struct stat *old) {
        /* One name for ever: what a crash left is overwritten by the next, and no "*.cfg" takes it for a file of its own. */
        g_autofree char *fresh = g_strdup_printf(".%s.vfadm-new", name);

        if (strlen(fresh) > NAME_MAX)
                return -ENAMETOOLONG;
        if (unlinkat(dir, fresh, 0) < 0 && errno != ENOENT)
                return -errno;
        int fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        int r = fill(dir, name, fd, text, old);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && renameat(dir, fresh, dir, name) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(dir, fresh, 0);
        return r;
}

int io_real_replace(int dir, const char *name, const char *text) {
        struct stat st;
        bool there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

        if (!there && errno != ENOENT)
                return -errno;
        if (there && S_ISLNK(st.st_mode))
                return -ELOOP;
        if (there && !S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        if (!text && !there)
                return 0;
        int r = text ? put(dir, name, text, there ? &st : NULL) : unlinkat(dir, name, 0) < 0 ? -errno : 0;
        if (r == 0 && fsync(dir) < 0)
                r = -errno;
        return r;
}
