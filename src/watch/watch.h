/* What can happen on a host that vfadm's service must look at: sources of events for a main context, a file each. They only say
 * that something happened, and roughly where: what it means is read anew, by vfadm. None of them polls or has a timer. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Watch Watch;
/* `what`: see each kind. Valid during the call. The watch may be freed from within. */
typedef void (*WatchSaw)(Watch *watch, const char *what, void *user);

/* PCI functions and network devices that come, go, change their driver or name. what: the sysfs path of the device
 * ("/devices/pci0000:00/…"), or "" when events were lost: all must be looked at. */
Watch *watch_devices(WatchSaw saw, void *user, GError **error);
/* Links that change: `ip link set enp1s0 vf 3 vlan 42` tells of enp1s0 (rtnetlink(7), group RTNLGRP_LINK; net/core/rtnetlink.c
 * do_setlink DO_SETLINK_NOTIFY), but not while enp1s0 is down (net/core/dev.c netdev_state_change): then its going up tells. what: name of the link, or "" when events were lost. */
Watch *watch_links(WatchSaw saw, void *user, GError **error);
/* A process, named by its start time, too (/proc/PID/stat field 22). what: its pid. If it has ended already, `saw` is called from the
 * main loop. It is called once. */
Watch *watch_process(int pid, uint64_t start, WatchSaw saw, void *user, GError **error);
/* Files in folders (absolute paths) that are written, come, go or are renamed, hidden ones left out; folders that are not there yet are
 * waited for. Folders below are not looked into, but those named "*.conf.d" are. what: path of the file or folder, or "" when
 * events were lost. */
Watch *watch_folders(const char *const *folders, WatchSaw saw, void *user, GError **error);
/* What is written into the ledger in this folder; those who only read it are not told of. what: as above. */
Watch *watch_ledger(const char *folder, WatchSaw saw, void *user, GError **error);
void watch_free(Watch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watch, watch_free)
