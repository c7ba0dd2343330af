/* What a QEMU command line says of its guest. Pure, for command lines typed and read from /proc/PID/cmdline. */
#pragma once

#include "model/pci.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device of the host that QEMU was started with. */
typedef struct {
        char *id; /* NULL: it was given none */
        PciAddr host;
        bool has_host; /* false: given by an open file (fd=) */
        bool iommufd;
} QemuVfio;

/* A pcie-root-port that QEMU was started with. */
typedef struct {
        char *id;
        bool used;    /* another device of the command line names it as its bus */
        bool hotplug; /* false: hotplug=off */
} QemuPort;

typedef struct {
        char *name;          /* -name web1, -name guest=web1,… ; NULL */
        char *uuid;          /* -uuid; NULL when not given or all zero */
        GPtrArray *monitors; /* char*: paths of QMP unix sockets that QEMU listens on (-qmp unix:PATH,server…; -chardev
                                socket,path=… with -mon mode=control) */
        bool daemonize;      /* -daemonize: the process that is started ends at once, another goes on */
        bool by_libvirt;     /* started by libvirt, which owns its monitor */
        bool bare;           /* there is nothing but a name and uuid: a recorded host keeps no more of a command line */

        /* As it was at the start: what was plugged later is not here. */
        uint64_t ram;         /* bytes, memory modules too; 0: not told */
        char *machine;        /* -machine's type, "pc-q35-10.0", "q35"; NULL: QEMU's default */
        char *viommu;         /* "intel-iommu", "virtio-iommu-pci" …; NULL: none */
        bool viommu_caching;  /* intel-iommu's caching-mode */
        bool viommu_intremap; /* it remaps interrupts */
        GPtrArray *vfio;      /* QemuVfio* */
        GPtrArray *ports;     /* QemuPort* */
        char *agent_socket;   /* where the guest agent is reached; NULL: nowhere, or the socket is not by path */
        char *agent_chardev;  /* the id of its chardev */
} QemuArgs;

/* `args` as given to main(), the program included or not. */
QemuArgs *qemu_args_parse(const char *const *args);
/* The bytes of /proc/PID/cmdline. NULL when the program's name is no QEMU ("qemu-system-*", "qemu-kvm", "kvm"). */
QemuArgs *qemu_args_parse_cmdline(const char *bytes, size_t length);
void qemu_args_free(QemuArgs *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuArgs, qemu_args_free)
