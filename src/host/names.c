/* Vendor and device names from the hardware database, through libudev's lookup by modalias. */
#include "host/reader.h"

#include <libudev.h>

/* The 256 VFs of a card share one modalias: looked up once. */
typedef struct {
        char *vendor, *device;
} Names;

static void names_free(void *p) {
        Names *names = p;
        g_free(names->vendor);
        g_free(names->device);
        g_free(names);
}

/* "pci:v00008086d000010C9sv…": without the subsystem the name is the device's own, as lspci and libvirt give it, and not that
 * of the board it sits on. */
enum { DEVICE_PART = sizeof "pci:v00008086d000010C9" - 1 };

static Names *look_up(struct udev_hwdb *hwdb, const char *modalias) {
        Names *names = g_new0(Names, 1);
        g_autofree char *device = g_strndup(modalias, DEVICE_PART);
        struct udev_list_entry *entry;

        udev_list_entry_foreach(entry, udev_hwdb_get_properties_list_entry(hwdb, device, 0)) {
                const char *key = udev_list_entry_get_name(entry);
                char **value = g_str_equal(key, "ID_VENDOR_FROM_DATABASE")  ? &names->vendor
                               : g_str_equal(key, "ID_MODEL_FROM_DATABASE") ? &names->device
                                                                            : NULL;
                if (value && !*value)
                        *value = g_strdup(udev_list_entry_get_value(entry));
        }
        return names;
}

void read_names(Reader *reader) {
        g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, names_free);
        struct udev *udev = udev_new();
        struct udev_hwdb *hwdb = udev ? udev_hwdb_new(udev) : NULL;

        /* Without the database there are no names, which shows by itself and is nothing to be told. */
        for (unsigned i = 0; hwdb && i < reader->devices->len; i++) {
                Dev *dev = g_array_index(reader->devices, Device, i).dev;
                if (!dev->modalias)
                        continue;
                Names *names = g_hash_table_lookup(known, dev->modalias);
                if (!names) {
                        names = look_up(hwdb, dev->modalias);
                        g_hash_table_insert(known, dev->modalias, names);
                }
                dev->vendor_name = g_strdup(names->vendor);
                dev->device_name = g_strdup(names->device);
        }
        if (hwdb)
                udev_hwdb_unref(hwdb);
        if (udev)
                udev_unref(udev);
}
