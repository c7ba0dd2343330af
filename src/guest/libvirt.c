/* The libvirt backend: KVM guests of qemu:///system, over libvirt's C API. A loadable module; the only file that knows libvirt's
 * calls. Devices go in unmanaged: their driver is vfadm's to bind, so that both directions are in one plan. */
#include "guest/module.h"

#include "base/error.h"
#include "base/parse.h"
#include "xml/domain.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

#define URI "qemu:///system"

enum { LOOK_MS = 100 };

typedef virConnect VirConnect;
typedef virDomain VirDomain;

static void close_connect(VirConnect *connect) {
        virConnectClose(connect);
}

static void free_domain(VirDomain *domain) {
        virDomainFree(domain);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirConnect, close_connect)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirDomain, free_domain)

/* libvirt prints every error to standard error unless told otherwise. */
static void be_silent(void *user, virErrorPtr error) {
}

static int last_code(void) {
        const virError *last = virGetLastError();
        return last ? last->code : VIR_ERR_OK;
}

static VfadmError kind_of(int code) {
        switch (code) {
        case VIR_ERR_NO_DOMAIN:
                return VFADM_ERROR_NOT_FOUND;
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_AUTH_UNAVAILABLE:
        case VIR_ERR_ACCESS_DENIED:
        case VIR_ERR_OPERATION_DENIED:
                return VFADM_ERROR_PERMISSION;
        case VIR_ERR_OPERATION_TIMEOUT:
        case VIR_ERR_RESOURCE_BUSY:
                return VFADM_ERROR_BUSY;
        default:
                return VFADM_ERROR_FAILED;
        }
}

static void set_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void set_error(GError **error, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        g_set_error(error, VFADM_ERROR, kind_of(last_code()), "%s: libvirt says: %s", what, virGetLastErrorMessage());
}

/* Asked through the seam first, so that a host without libvirt is told at once and a recorded one is left alone. */
static bool daemon_there(Io *io) {
        static const char *const sockets[] = {"libvirt-sock", "virtqemud-sock"};
        g_auto(GStrv) names = NULL;

        if (!io->writable || io_list(io, "run/libvirt", &names) < 0)
                return false;
        for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++)
                if (g_strv_contains((const char *const *) names, sockets[i]))
                        return true;
        return false;
}

static VirConnect *open_connect(Io *io, GError **error) {
        if (!daemon_there(io)) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                                    "libvirt does not run here (no socket in /run/libvirt); start it: 'systemctl start libvirtd.socket' or, where it is modular, 'systemctl start virtqemud.socket'");
                return NULL;
        }
        virSetErrorFunc(NULL, be_silent);
        VirConnect *connect = virConnectOpen(URI);
        if (!connect)
                set_error(error, "libvirt (" URI ") cannot be reached");
        return connect;
}

static VirDomain *find_running(VirConnect *connect, const char *name, GError **error) {
        g_autoptr(VirDomain) domain = virDomainLookupByName(connect, name);
        if (!domain) {
                set_error(error, "libvirt:%s", name);
                return NULL;
        }
        int active = virDomainIsActive(domain);
        if (active < 0)
                set_error(error, "libvirt:%s", name);
        else if (active == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "libvirt:%s does not run; start it: 'virsh start %s'", name, name);
        return active == 1 ? g_steal_pointer(&domain) : NULL;
}

static bool list_guests(Io *io, GPtrArray *names, GError **error) {
        virDomain **domains = NULL;

        if (!daemon_there(io))
                return true;
        g_autoptr(VirConnect) connect = open_connect(io, error);
        int n = connect ? virConnectListAllDomains(connect, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE) : -1;
        if (connect && n < 0)
                set_error(error, "the guests of libvirt cannot be listed");
        for (int i = 0; i < n; i++) {
                g_ptr_array_add(names, g_strdup(virDomainGetName(domains[i])));
                virDomainFree(domains[i]);
        }
        free(domains);
        return n >= 0;
}

static const char *state_word(VirDomain *domain) {
        int state, reason;
        if (virDomainGetState(domain, &state, &reason, 0) < 0)
                return "unknown";
        switch (state) {
        case VIR_DOMAIN_RUNNING:
        case VIR_DOMAIN_BLOCKED:
                return "running";
        case VIR_DOMAIN_PAUSED:
                return "paused";
        case VIR_DOMAIN_SHUTDOWN:
                return "shutdown";
        case VIR_DOMAIN_CRASHED:
                return "crashed";
        case VIR_DOMAIN_PMSUSPENDED:
                return "suspended";
        default:
                return "unknown";
        }
}

/* The QEMU process behind it: run/libvirt/qemu/NAME.pid (src/qemu/qemu_process.c); libvirt writes the file's name as XML would
 * have it. libvirt raises the memory limit by itself, so that it is left at "no limit". */
static void read_pid(Io *io, GuestInfo *info) {
        g_autofree char *name = g_markup_escape_text(info->name, -1);
        g_autofree char *path = g_strdup_printf("run/libvirt/qemu/%s.pid", name);
        uint64_t pid;

        if (strchr(info->name, '/') || io_read_uint(io, path, 10, G_MAXINT, &pid) < 0)
                return;
        info->pid = (pid_t) pid;
        if (io_process_start(io, (int) pid, &info->pid_start) < 0)
                info->pid = 0;
}

static GuestInfo *read_domain(VirDomain *domain, GError **error) {
        char *text = virDomainGetXMLDesc(domain, 0);
        if (!text) {
                set_error(error, "libvirt:%s: its description cannot be read", virDomainGetName(domain));
                return NULL;
        }
        GuestInfo *info = xml_domain_parse(text, strlen(text), error);
        free(text);
        if (!info)
                g_prefix_error(error, "libvirt:%s: ", virDomainGetName(domain));
        return info;
}

static GuestInfo *read_guest(Io *io, const char *name, GError **error) {
        g_autoptr(VirConnect) connect = open_connect(io, error);
        g_autoptr(VirDomain) domain = connect ? find_running(connect, name, error) : NULL;
        g_autoptr(GuestInfo) info = domain ? read_domain(domain, error) : NULL;

        if (!info)
                return NULL;
        info->status = g_strdup(state_word(domain));
        info->asked = true;
        read_pid(io, info);
        return g_steal_pointer(&info);
}

static bool plug_device(Io *io, const char *name, const GuestPlugged *device, GError **error) {
        const XmlDevice described = {device->host, device->id, device->bus, device->vf != NULL, device->vf};
        g_autofree char *xml = xml_device(&described);
        char host[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(device->host, host);
        g_autoptr(VirConnect) connect = open_connect(io, error);
        g_autoptr(VirDomain) domain = connect ? find_running(connect, name, error) : NULL;
        if (!domain)
                return false;
        if (virDomainAttachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE) == 0)
                return true;
        g_autoptr(GError) problem = NULL;
        set_error(&problem, "giving %s to libvirt:%s", host, name);
        /* An earlier run may have come to this point and crashed. */
        g_autoptr(GuestInfo) info = read_domain(domain, NULL);
        if (info && guest_info_find(info, device->host))
                return true;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

/* 1: it has the device, 0: not, or it has ended; -1: cannot be told. */
static int still_has(VirDomain *domain, const char *id, char **ret_alias) {
        if (virDomainIsActive(domain) == 0)
                return 0;
        g_autoptr(GuestInfo) info = read_domain(domain, NULL);
        if (!info)
                return virDomainIsActive(domain) == 0 ? 0 : -1;
        for (unsigned i = 0; i < info->devices->len; i++) {
                const GuestDevice *device = info->devices->pdata[i];
                if (!g_str_equal(device->id, id))
                        continue;
                g_autofree char *ours = xml_device_alias(id);
                if (ret_alias)
                        *ret_alias = g_str_has_prefix(id, "vfadm-") ? g_steal_pointer(&ours) : g_strdup(id);
                return 1;
        }
        return 0;
}

/* libvirt's daemon takes the device out of its list when QEMU has said DEVICE_DELETED (qemuDomainRemoveDevice), so that its
 * list is what we watch. */
static GuestPlug wait_gone(Io *io, VirDomain *domain, const char *id, int64_t until, GError **error) {
        int has;
        while ((has = still_has(domain, id, NULL)) != 0 && io_now(io) < until)
                io_pause(io, LOOK_MS);
        if (has == 0)
                return GUEST_PLUG_DONE;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_PENDING, "libvirt:%s was asked to let go of '%s' and has not yet; detach it again later, or shut the guest down", virDomainGetName(domain), id);
        return GUEST_PLUG_PENDING;
}

static GuestPlug unplug_device(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        int64_t until = io_now(io) + (int64_t) timeout_ms * 1000;
        g_autofree char *alias = NULL;
        g_autoptr(GError) problem = NULL;
        g_autoptr(VirConnect) connect = open_connect(io, &problem);
        g_autoptr(VirDomain) domain = connect ? find_running(connect, name, &problem) : NULL;

        if (!domain) {
                if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                        return GUEST_PLUG_DONE;
                g_propagate_error(error, g_steal_pointer(&problem));
                return GUEST_PLUG_FAILED;
        }
        int has = still_has(domain, id, &alias);
        if (has == 0)
                return GUEST_PLUG_DONE;
        if (has < 0 || virDomainDetachDeviceAlias(domain, alias, VIR_DOMAIN_AFFECT_LIVE) < 0) {
                /* It may have ended, or let go, in this very moment; and "already in the process of unplug" is no refusal. */
                set_error(&problem, "taking '%s' back from libvirt:%s", id, name);
                if (has > 0 && strstr(problem->message, "in the process of unplug"))
                        return wait_gone(io, domain, id, until, error);
                if (still_has(domain, id, NULL) == 0)
                        return GUEST_PLUG_DONE;
                g_propagate_error(error, g_steal_pointer(&problem));
                return GUEST_PLUG_FAILED;
        }
        return wait_gone(io, domain, id, until, error);
}

static const GuestBackend libvirt_backend = {.name = "libvirt", .list = list_guests, .read = read_guest, .examine = read_guest, .plug = plug_device, .unplug = unplug_device};

extern const GuestModule guest_module;
const GuestModule guest_module = {GUEST_MODULE_ABI, &libvirt_backend};
