/* PCI functions and network devices, by udev's monitor: after its rules, so that names are those that will stay. Where no udev runs
 * (its control socket is not there) the kernel's own events are taken. */
#include "watch/source.h"

#include "base/error.h"

#include <libudev.h>
#include <unistd.h>

/* Events that one change of numvfs makes on a card of 256 VFs, and their drivers' and network devices': some KiB each. */
#define BUFFER_BYTES (4 << 20)
#define UDEV_CONTROL "/run/udev/control"

typedef struct {
        Watch watch;
        struct udev *udev;
        struct udev_monitor *monitor;
} Devices;

static void devices_ready(Watch *watch) {
        Devices *devices = (Devices *) watch;
        struct udev_device *dev;

        /* NULL: all read, or a message that was none of udev's, after which there may be more: the fd stays readable then. */
        while (!watch->gone && (dev = udev_monitor_receive_device(devices->monitor))) {
                const char *path = udev_device_get_devpath(dev);
                if (path)
                        watch_tell(watch, path);
                udev_device_unref(dev);
        }
}

static void devices_done(Watch *watch) {
        Devices *devices = (Devices *) watch;
        udev_monitor_unref(devices->monitor);
        udev_unref(devices->udev);
}

static struct udev_monitor *listen(struct udev *udev) {
        struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, access(UDEV_CONTROL, F_OK) == 0 ? "udev" : "kernel");

        if (!monitor)
                return NULL;
        /* Best done as root; without, the default stays, and a lost event is made good by the next. */
        (void) udev_monitor_set_receive_buffer_size(monitor, BUFFER_BYTES);
        if (udev_monitor_filter_add_match_subsystem_devtype(monitor, "pci", NULL) < 0 ||
            udev_monitor_filter_add_match_subsystem_devtype(monitor, "net", NULL) < 0 || udev_monitor_enable_receiving(monitor) < 0) {
                udev_monitor_unref(monitor);
                return NULL;
        }
        return monitor;
}

Watch *watch_devices(WatchSaw saw, void *user, GError **error) {
        struct udev *udev = udev_new();
        struct udev_monitor *monitor = udev ? listen(udev) : NULL;
        int fd = monitor ? dup(udev_monitor_get_fd(monitor)) : -1;

        if (fd < 0) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED, "watching devices: udev's monitor cannot be opened; does the sandbox allow AF_NETLINK?");
                if (monitor)
                        udev_monitor_unref(monitor);
                if (udev)
                        udev_unref(udev);
                return NULL;
        }
        Devices *devices = g_new0(Devices, 1);
        devices->udev = udev;
        devices->monitor = monitor;
        watch_start(&devices->watch, fd, devices_ready, devices_done, saw, user);
        return &devices->watch;
}
