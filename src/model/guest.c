/* A guest as it was read: its slots, its devices, and the words that name it. */
#include "model/guest.h"

#include <string.h>

/* libvirt and QEMU set no bound of their own; a file name's is enough for a name that people type. */
enum { NAME_MAX_BYTES = 255 };

static void slot_free(void *data) {
        GuestSlot *slot = data;
        g_free(slot->bus);
        g_free(slot);
}

void guest_device_free(GuestDevice *device) {
        if (!device)
                return;
        g_free(device->id);
        g_free(device->network);
        g_free(device->xml);
        g_free(device);
}

GuestInfo *guest_info_new(const char *backend, const char *name) {
        GuestInfo *info = g_new0(GuestInfo, 1);
        info->backend = g_strdup(backend);
        info->name = g_strdup(name);
        info->memlock_limit = UINT64_MAX;
        info->running = true;
        info->numa_node = -1;
        info->slots = g_ptr_array_new_with_free_func(slot_free);
        info->devices = g_ptr_array_new_with_free_func((GDestroyNotify) guest_device_free);
        info->defined = g_ptr_array_new_with_free_func((GDestroyNotify) guest_device_free);
        info->agent_macs = g_ptr_array_new_with_free_func(g_free);
        info->notes = g_ptr_array_new_with_free_func(g_free);
        return info;
}

void guest_info_free(GuestInfo *info) {
        if (!info)
                return;
        g_free(info->backend);
        g_free(info->name);
        g_free(info->uuid);
        g_free(info->socket);
        g_free(info->status);
        g_free(info->viommu);
        g_free(info->machine);
        g_free(info->file);
        g_ptr_array_unref(info->agent_macs);
        g_ptr_array_unref(info->notes);
        g_ptr_array_unref(info->slots);
        g_ptr_array_unref(info->devices);
        g_ptr_array_unref(info->defined);
        g_free(info);
}

static GuestDevice *add_device(GPtrArray *devices, const char *id) {
        GuestDevice *device = g_new0(GuestDevice, 1);
        device->id = g_strdup(id);
        g_ptr_array_add(devices, device);
        return device;
}

GuestDevice *guest_info_add_device(GuestInfo *info, const char *id) {
        return add_device(info->devices, id);
}

GuestDevice *guest_info_add_defined(GuestInfo *info, const char *id) {
        return add_device(info->defined, id);
}

GuestSlot *guest_info_add_slot(GuestInfo *info, const char *bus, bool free, bool hotplug) {
        GuestSlot *slot = g_new0(GuestSlot, 1);
        slot->bus = g_strdup(bus);
        slot->free = free;
        slot->hotplug = hotplug;
        g_ptr_array_add(info->slots, slot);
        return slot;
}

static const GuestDevice *find_device(const GPtrArray *devices, PciAddr host) {
        for (unsigned i = 0; i < devices->len; i++) {
                const GuestDevice *device = devices->pdata[i];
                if (device->has_host && pci_addr_equal(device->host, host))
                        return device;
        }
        return NULL;
}

const GuestDevice *guest_info_find(const GuestInfo *info, PciAddr host) {
        return find_device(info->devices, host);
}

const GuestDevice *guest_info_find_defined(const GuestInfo *info, PciAddr host) {
        return find_device(info->defined, host);
}

char *guest_info_ref(const GuestInfo *info) {
        return g_strdup_printf("%s:%s", info->backend, info->name);
}

static bool name_ok(const char *name) {
        size_t length = strlen(name);
        if (length == 0 || length > NAME_MAX_BYTES || !g_utf8_validate(name, (gssize)length, NULL))
                return false;
        for (const char *p = name; *p; p = g_utf8_next_char(p))
                if (*p == '/' || g_unichar_iscntrl(g_utf8_get_char(p)))
                        return false;
        return true;
}

bool guest_ref_parse(const char *text, char **backend, char **name) {
        if (!text)
                return false;
        /* Only lower-case letters before a ':' are a backend, so that a guest called "Web:1" can be named as it is. */
        size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz");
        bool has_backend = word > 0 && text[word] == ':';
        const char *rest = has_backend ? text + word + 1 : text;

        if (!name_ok(rest))
                return false;
        *backend = has_backend ? g_strndup(text, word) : NULL;
        *name = g_strdup(rest);
        return true;
}
