/* libvirt's guests: read, and given devices while they run. */
#include "guest/libvirt.h"

#include "base/error.h"
#include "xml/domain.h"

#include <string.h>

enum { LOOK_MS = 50 };

VirDomain *libvirt_domain(VirConnect *connect, const char *name, GError **error) {
        VirDomain *domain = virDomainLookupByName(connect, name);
        if (!domain)
                libvirt_error(error, "libvirt:%s", name);
        return domain;
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
        case VIR_DOMAIN_SHUTOFF:
                return "shut off";
        case VIR_DOMAIN_CRASHED:
                return "crashed";
        case VIR_DOMAIN_PMSUSPENDED:
                return "suspended";
        default:
                return "unknown";
        }
}

/* The QEMU process behind it: run/libvirt/qemu/NAME.pid (src/qemu/qemu_process.c); libvirt writes the file's name as
 * XML would have it. libvirt raises the memory limit by itself, so that it is left at "no limit". */
static void read_pid(Io *io, GuestInfo *info) {
        g_autofree char *name = g_markup_escape_text(info->name, -1);
        g_autofree char *path = g_strdup_printf("run/libvirt/qemu/%s.pid", name);
        uint64_t pid;

        if (strchr(info->name, '/') || io_read_uint(io, path, 10, G_MAXINT, &pid) < 0)
                return;
        info->pid = (pid_t)pid;
        if (io_process_start(io, (int)pid, &info->pid_start) < 0)
                info->pid = 0;
}

/* The id is written for domains that run, and only for them (virDomainDefFormatInternal): what the text is, whatever
 * has become of the domain since. */
static bool is_live(const char *text) {
        g_autofree char *tag = g_strndup(text, strcspn(text, ">"));
        return strstr(tag, " id='") != NULL;
}

static GuestInfo *parse_domain(VirDomain *domain, unsigned flags, GError **error) {
        char *text = virDomainGetXMLDesc(domain, flags);
        if (!text) {
                libvirt_error(error, "libvirt:%s: its description cannot be read", virDomainGetName(domain));
                return NULL;
        }
        GuestInfo *info =
                xml_domain_parse(text, strlen(text), !(flags & VIR_DOMAIN_XML_INACTIVE) && is_live(text), error);
        free(text);
        if (!info)
                g_prefix_error(error, "libvirt:%s: ", virDomainGetName(domain));
        return info;
}

/* The definition beside what runs. */
static bool read_definition(VirDomain *domain, GuestInfo *info, GError **error) {
        int persistent = virDomainIsPersistent(domain);
        if (persistent < 0)
                libvirt_error(error, "libvirt:%s", info->name);
        if (persistent <= 0)
                return persistent == 0;
        g_autoptr(GuestInfo) definition = parse_domain(domain, VIR_DOMAIN_XML_INACTIVE, error);
        if (!definition)
                return false;
        info->has_definition = true;
        g_ptr_array_unref(info->defined);
        info->defined = g_ptr_array_ref(definition->defined);
        return true;
}

GuestInfo *libvirt_read_domain(Io *io, VirDomain *domain, GError **error) {
        g_autoptr(GuestInfo) info = parse_domain(domain, 0, error);

        if (!info)
                return NULL;
        info->asked = true;
        if (!info->running)
                return g_steal_pointer(&info);
        if (!read_definition(domain, info, error))
                return NULL;
        read_pid(io, info);
        return g_steal_pointer(&info);
}

/* Whether a network hands out VFs; one that cannot be looked at does not. */
static bool gives_vfs(VirConnect *connect, const char *name) {
        g_autoptr(VirNetwork) network = virNetworkLookupByName(connect, name);
        g_autoptr(HostdevNetwork) read = network ? libvirt_read_network(network, NULL) : NULL;
        return read != NULL;
}

/* Leaves only what this program is about in `defined`: most guests have a NIC of a virtual network. */
static void drop_virtual(Io *io, VirConnect *connect, GuestInfo *info) {
        g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        bool networks = libvirt_has_networks(io);

        for (unsigned i = info->defined->len; i-- > 0;) {
                const GuestDevice *device = info->defined->pdata[i];
                void *gives;
                if (!device->network)
                        continue;
                if (!g_hash_table_lookup_extended(known, device->network, NULL, &gives)) {
                        gives = GINT_TO_POINTER(networks && gives_vfs(connect, device->network));
                        g_hash_table_insert(known, g_strdup(device->network), gives);
                }
                if (!gives)
                        g_ptr_array_remove_index(info->defined, i);
        }
}

GuestInfo *libvirt_read_any(Io *io, const char *name, GError **error) {
        VirConnect *connect = libvirt_connect(io, error);
        g_autoptr(VirDomain) domain = connect ? libvirt_domain(connect, name, error) : NULL;
        GuestInfo *info = domain ? libvirt_read_domain(io, domain, error) : NULL;

        if (!info)
                return NULL;
        info->status = g_strdup(info->running ? state_word(domain) : "shut off");
        drop_virtual(io, connect, info);
        return info;
}

static void set_not_running(GError **error, const char *name) {
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "libvirt:%s does not run; start it: 'virsh start %s'",
                    name, name);
}

static VirDomain *find_running(VirConnect *connect, const char *name, GError **error) {
        g_autoptr(VirDomain) domain = libvirt_domain(connect, name, error);
        int active = domain ? virDomainIsActive(domain) : 1;
        if (active < 0)
                libvirt_error(error, "libvirt:%s", name);
        else if (active == 0)
                set_not_running(error, name);
        return active == 1 ? g_steal_pointer(&domain) : NULL;
}

/* Its definition is left alone: whoever asks for a guest that runs asks often, and for what it has now. */
GuestInfo *libvirt_read(Io *io, const char *name, GError **error) {
        VirConnect *connect = libvirt_connect(io, error);
        g_autoptr(VirDomain) domain = connect ? libvirt_domain(connect, name, error) : NULL;
        g_autoptr(GuestInfo) info = domain ? parse_domain(domain, 0, error) : NULL;

        if (info && !info->running) {
                set_not_running(error, name);
                return NULL;
        }
        if (!info)
                return NULL;
        info->asked = true;
        info->status = g_strdup(state_word(domain));
        read_pid(io, info);
        return g_steal_pointer(&info);
}

/* Of a journal that knows no element: the function as it is, bound by the caller. */
static char *plain_element(const GuestPlugged *device) {
        const XmlDevice described = {.host = device->host, .id = device->id, .bus = device->bus};
        return xml_device(&described);
}

bool libvirt_plug(Io *io, const char *name, const GuestPlugged *device, GError **error) {
        g_autofree char *xml = device->xml ? g_strdup(device->xml) : plain_element(device);
        char host[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(device->host, host);
        VirConnect *connect = libvirt_connect(io, error);
        g_autoptr(VirDomain) domain = connect ? find_running(connect, name, error) : NULL;
        if (!domain)
                return false;
        if (virDomainAttachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE) == 0)
                return true;
        g_autoptr(GError) problem = NULL;
        libvirt_error(&problem, "giving %s to libvirt:%s", host, name);
        /* An earlier run may have come to this point and crashed, or the daemon after it had done it. */
        g_autoptr(GuestInfo) info = libvirt_read(io, name, NULL);
        if (info && guest_info_find(info, device->host))
                return true;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

/* 1: it has the device, 0: not, or it has ended; -1: cannot be told now. Asked by name each time, as the daemon may be
 * restarted while a guest takes its time. */
static int still_has(Io *io, const char *name, const char *id, char **ret_alias) {
        VirConnect *connect = libvirt_connect(io, NULL);
        if (!connect)
                return -1;
        g_autoptr(VirDomain) domain = virDomainLookupByName(connect, name);
        if (!domain)
                return libvirt_code() == VIR_ERR_NO_DOMAIN ? 0 : -1;
        g_autoptr(GuestInfo) info = parse_domain(domain, 0, NULL);
        if (!info)
                return virDomainIsActive(domain) == 0 ? 0 : -1;
        /* Of one that does not run `devices` is empty. */
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

/* Asks the guest to let go. That it was asked already is no refusal. */
static bool ask(VirDomain *domain, const char *name, const char *id, const char *alias, GError **error) {
        g_autoptr(GError) problem = NULL;

        if (virDomainDetachDeviceAlias(domain, alias, VIR_DOMAIN_AFFECT_LIVE) == 0)
                return true;
        libvirt_error(&problem, "taking '%s' back from libvirt:%s", id, name);
        if (strstr(problem->message, "in the process of unplug"))
                return true;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

/* One look, and a request where this daemon has not had it: one that was killed may have taken it along. libvirt's
 * daemon takes the device out of its list when QEMU has said DEVICE_DELETED (qemuDomainRemoveHostDevice) and, with the
 * same lock held, gives a managed one back to the host, so that its list is what we watch. */
static GuestPlug unplug_round(Io *io, const char *name, const char *id, int64_t *asked, GError **error) {
        g_autofree char *alias = NULL;
        g_autoptr(GError) problem = NULL;
        int has = still_has(io, name, id, &alias);
        int64_t since = libvirt_connected_since(io);

        if (has <= 0 || since < 0 || since == *asked)
                return has == 0 ? GUEST_PLUG_DONE : GUEST_PLUG_PENDING;
        VirConnect *connect = libvirt_connect(io, NULL);
        g_autoptr(VirDomain) domain = connect ? find_running(connect, name, &problem) : NULL;
        if (domain && ask(domain, name, id, alias, &problem)) {
                *asked = since;
                return GUEST_PLUG_PENDING;
        }
        /* It may have ended, or let go, or the daemon died, in this very moment. */
        if (still_has(io, name, id, NULL) == 0)
                return GUEST_PLUG_DONE;
        if (!problem || libvirt_connected_since(io) != since)
                return GUEST_PLUG_PENDING;
        g_propagate_error(error, g_steal_pointer(&problem));
        return GUEST_PLUG_FAILED;
}

GuestPlug libvirt_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        int64_t until = io_now(io) + (int64_t)timeout_ms * 1000, asked = -1;

        if (!libvirt_connect(io, error))
                return GUEST_PLUG_FAILED;
        while (io_now(io) < until) {
                int64_t before = asked;
                GuestPlug now = unplug_round(io, name, id, &asked, error);
                if (now != GUEST_PLUG_PENDING)
                        return now;
                /* The guest's time begins when it was asked, not while a daemon starts. */
                if (asked != before)
                        until = io_now(io) + (int64_t)timeout_ms * 1000;
                io_pause(io, LOOK_MS);
        }
        g_set_error(
                error, VFADM_ERROR, VFADM_ERROR_PENDING,
                "libvirt:%s was asked to let go of '%s' and has not yet; detach it again later, or shut the guest down",
                name, id);
        return GUEST_PLUG_PENDING;
}
