/* A domain as its configuration file defines it (xl.cfg(5)). */
#include "base/error.h"
#include "xl/syntax.h"
#include "xl/xl.h"

#include <string.h>

enum { MIB = 1024 * 1024 };

/* Where xl says so: an abbreviation is as good, and the empty text is the first (parse_config_data). */
static bool begins(const char *whole, const char *text) {
        return text && g_str_has_prefix(whole, text);
}

/* "type" or its forerunner "builder"; without either a domain is a PV one. */
static const char *machine_of(const XlFile *file, GError **error) {
        g_autofree char *type = xl_file_string(file, "type");
        g_autofree char *builder = xl_file_string(file, "builder");
        const char *by_type = begins("hvm", type) ? "xenfv" : begins("pv", type) ? "xenpv" : begins("pvh", type) ? "xenpvh" : NULL;
        const char *by_builder = begins("hvm", builder) ? "xenfv" : begins("generic", builder) ? "xenpv" : NULL;

        if ((type && !by_type) || (builder && !by_builder) || (type && builder && !g_str_equal(by_type, by_builder))) {
                g_autofree char *shown = g_strescape(type && !by_type ? type : builder ? builder : type, NULL);
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "its type or builder, '%.40s', is none that xl takes, or they differ", shown);
                return NULL;
        }
        return by_type ? by_type : by_builder ? by_builder : "xenpv";
}

static bool is_on(const XlFile *file, const char *name) {
        gint64 number;
        return xl_file_number(file, name, &number) && number;
}

static GuestInfo *read_domain(const XlFile *file, GError **error) {
        g_autofree char *name = xl_file_string(file, "name");
        g_autofree char *uuid = xl_file_string(file, "uuid");
        g_autofree char *ref = g_strdup_printf("xen:%s", name ? name : "");
        g_autofree char *backend = NULL, *plain = NULL;
        const char *machine = machine_of(file, error);
        gint64 memory;

        if (!machine)
                return NULL;
        if (!guest_ref_parse(ref, &backend, &plain)) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                                    name ? "its name is none that a domain can be called by" : "it gives the domain no name");
                return NULL;
        }
        if (uuid && !g_uuid_string_is_valid(uuid)) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED, "its uuid is no UUID");
                return NULL;
        }
        GuestInfo *info = guest_info_new("xen", name);
        info->uuid = uuid ? g_ascii_strdown(uuid, -1) : NULL;
        info->machine = g_strdup(machine);
        info->running = false;
        info->has_definition = true;
        if (xl_file_number(file, "memory", &memory) && memory > 0 && memory < G_MAXINT64 / MIB)
                info->ram = (uint64_t) memory * MIB;
        info->all_permissive = is_on(file, "pci_permissive");
        info->all_seize = is_on(file, "pci_seize");
        return info;
}

static void add_note(GuestInfo *info, const XlValue *value, const char *what) {
        g_ptr_array_add(info->notes, g_strdup_printf("line %u: %s", value->line, what));
}

/* xl reads the list up to the first list in it, and no further (xlu_cfg_get_listitem). */
static bool read_entry(GuestInfo *info, const XlValue *item) {
        g_autoptr(GError) error = NULL;
        XenDevice device;

        if (item->list) {
                add_note(info, item, "a list stands in pci = [ … ], and xl reads no further there");
                return false;
        }
        if (!xl_device_parse(item->text, strlen(item->text), &device, &error)) {
                add_note(info, item, error->message);
                return true;
        }
        char addr[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(device.host, addr);
        for (char *at = addr; (at = strchr(at, ':')); at++)
                *at = '-';
        g_autofree char *id = g_strdup_printf("vfadm-%s", addr);
        GuestDevice *defined = guest_info_add_defined(info, id);
        defined->host = device.host;
        defined->has_host = true;
        defined->xml = g_strdup(item->text);
        return true;
}

static void read_list(GuestInfo *info, const XlSetting *pci) {
        for (unsigned i = 0; pci && i < pci->values->len; i++) {
                const XlValue *list = pci->values->pdata[i];
                if (!list->list) {
                        add_note(info, list, "pci is a text and no list, which xl passes over");
                        return;
                }
                for (unsigned at = 0; at < list->items->len; at++)
                        if (!read_entry(info, list->items->pdata[at]))
                                return;
        }
}

GuestInfo *xl_config_parse(const char *text, size_t length, GError **error) {
        g_autoptr(XlFile) file = xl_file_parse(text, length, error);
        GuestInfo *info = file ? read_domain(file, error) : NULL;

        if (info)
                read_list(info, xl_file_find(file, "pci"));
        return info;
}

bool xl_config_permissive(const char *text, size_t length) {
        g_autoptr(XlFile) file = xl_file_parse(text, length, NULL);
        return file && is_on(file, "pci_permissive");
}
