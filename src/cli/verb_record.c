/* vfadm record FILE */
#include "change/pools.h"
#include "cli/read.h"
#include "guest/guest.h"
#include "host/host.h"
#include "io/recorder.h"
#include "show/value.h"

#include <glib/gstdio.h>
#include <stdio.h>

bool verb_record(Cli *cli, GError **error) {
        const char *file = cli->args[0];
        g_autoptr(Io) base = cli_open(cli, error);
        g_autoptr(Io) recorder = base ? io_recorder_new(base) : NULL;
        g_autoptr(Snapshot) host = recorder ? cli_read_host_alone(cli, recorder, HOST_DOCTOR, error) : NULL;
        GStatBuf written;

        g_autoptr(GPtrArray) pools = host ? pools_read(recorder, NULL) : NULL; /* for 'vfadm pool list' */
        if (host && !pools)
                cli_note(cli, "the pools in /etc/vfadm could not be read, and are not in the record");
        if (host) /* for what 'vfadm doctor' says of guests: by /proc, since what a monitor answers is not recorded */
                g_ptr_array_unref(guest_examine_all(recorder, host->notes));
        if (!host || !io_recorder_write(recorder, file, error))
                return false;
        int64_t bytes = g_stat(file, &written) == 0 ? (int64_t) written.st_size : 0;
        if (cli->json) {
                cli_print_json(json_pack("{s:o, s:I, s:i}", "file", value_string(file), "bytes", (json_int_t) bytes, "devices", (int) host->devs->len));
                return true;
        }
        printf("%s: %u PCI functions, %" G_GINT64_FORMAT " KiB\n", file, host->devs->len, (bytes + 1023) / 1024);
        if (!cli->quiet)
                printf("It holds what vfadm reads of this host: PCI devices, drivers, IOMMU groups, network devices with\n"
                       "their MAC and IP addresses, VF settings, who uses a device, and how the host was set up: processor, the\n"
                       "firmware's IOMMU table, boot parameters, what acts on VFs at boot, versions of tools. No secrets: of\n"
                       "command lines only the program and QEMU's name, machine, memory, monitors and assigned devices,\n"
                       "of configuration files only lines that concern VFs, of open files only those of VFIO and KVM, nothing of environments.\n"
                       "'vfadm list --root %s' shows it.\n", file);
        return true;
}
