/* vfadm-libvirt-hook: libvirt's hook of QEMU guests (/etc/libvirt/hooks/qemu.d). libvirt calls it "NAME prepare begin -" with the
 * guest's XML on standard input before a guest starts, and starts it only when this succeeds. A guest is stopped here for one reason
 * only: a device of it is leased to another one. Whatever else goes wrong is told, and stops nobody. It never calls libvirt, which waits
 * for it and so would wait for ever. */
#include "base/error.h"
#include "io/io.h"
#include "ledger/ledger.h"
#include "show/value.h"
#include "xml/domain.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { XML_MAX = 16 << 20, EXIT_REFUSE = 1 };

static void say(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void say(const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        g_autofree char *safe = value_safe(text);
        fprintf(stderr, "vfadm: %s\n", safe);
}

/* NULL: not to be read, or more than any guest's XML. */
static GByteArray *read_input(void) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        uint8_t buffer[65536];

        for (;;) {
                ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 || bytes->len + (size_t) n > XML_MAX)
                        return NULL;
                if (n == 0)
                        return g_steal_pointer(&bytes);
                g_byte_array_append(bytes, buffer, (unsigned) n);
        }
}

static GuestInfo *read_guest(void) {
        g_autoptr(GByteArray) bytes = read_input();
        g_autoptr(GError) error = NULL;
        GuestInfo *guest = bytes ? xml_domain_parse((const char *) bytes->data, bytes->len, true, &error) : NULL;

        if (!guest)
                say("its devices are not compared with the ledger: %s", error ? error->message : "the guest's XML cannot be read from standard input");
        return guest;
}

static bool is_own(const Lease *lease, const GuestInfo *guest) {
        g_autofree char *ref = guest_info_ref(guest);
        if (lease->guest_uuid && guest->uuid)
                return g_ascii_strcasecmp(lease->guest_uuid, guest->uuid) == 0;
        return g_strcmp0(lease->guest, ref) == 0;
}

/* A lease that is for the running guest only ends with it, though nobody may have noticed yet. */
static bool stands(Io *io, const Lease *lease) {
        return lease->config || (io && io_process_lives(io, lease->pid, lease->pid_start, lease->boot_id));
}

/* 0, or EXIT_REFUSE when one of the guest's devices is another's. */
static int compare(const GuestInfo *guest, const GPtrArray *leases) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        int status = 0;

        for (unsigned i = 0; i < guest->devices->len; i++) {
                const GuestDevice *device = guest->devices->pdata[i];
                const Lease *lease = device->has_host ? leases_find(leases, device->host) : NULL;
                char name[PCI_ADDR_TEXT_SIZE];
                if (!lease || is_own(lease, guest) || !stands(io, lease))
                        continue;
                pci_addr_format(device->host, name);
                say("%s is leased to %s (lease %" G_GINT64_FORMAT "), so %s cannot start with it: run 'vfadm detach %s %s', or 'vfadm recover' if that guest has it no longer",
                    name, lease->guest, lease->id, guest->name, lease->guest, name);
                status = EXIT_REFUSE;
        }
        return status;
}

/* argv[5], which libvirt never gives: another ledger's folder. */
int main(int argc, char **argv) {
        g_autoptr(GError) error = NULL;

        signal(SIGPIPE, SIG_IGN); /* nobody need read what is said */
        if (argc < 3 || strcmp(argv[2], "prepare") != 0)
                return 0;
        g_autoptr(GuestInfo) guest = read_guest();
        if (!guest || guest->devices->len == 0)
                return 0;
        g_autoptr(Ledger) ledger = ledger_open(argc > 5 ? argv[5] : NULL, true, &error);
        g_autoptr(GPtrArray) leases = ledger ? ledger_leases(ledger, &error) : NULL;
        if (leases)
                return compare(guest, leases);
        say("the devices of %s are not compared with the ledger: %s", guest->name, error->message);
        return 0;
}
