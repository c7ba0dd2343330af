/* What a QEMU command line says of its guest. Pure, for command lines typed and read from /proc/PID/cmdline. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
        char *name;          /* -name web1, -name guest=web1,… ; NULL */
        char *uuid;          /* -uuid; NULL when not given or all zero */
        GPtrArray *monitors; /* char*: paths of QMP unix sockets that QEMU listens on (-qmp unix:PATH,server…; -chardev
                                socket,path=… with -mon mode=control) */
        bool daemonize;      /* -daemonize: the process that is started ends at once, another goes on */
        bool by_libvirt;     /* started by libvirt, which owns its monitor */
} QemuArgs;

/* `args` as given to main(), the program included or not. */
QemuArgs *qemu_args_parse(const char *const *args);
/* The bytes of /proc/PID/cmdline. NULL when the program's name is no QEMU ("qemu-system-*", "qemu-kvm", "kvm"). */
QemuArgs *qemu_args_parse_cmdline(const char *bytes, size_t length);
void qemu_args_free(QemuArgs *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuArgs, qemu_args_free)
