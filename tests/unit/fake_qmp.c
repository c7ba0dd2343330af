/* The QEMU that is none. */
#include "fake_qmp.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOW_MS = 300 };

typedef struct {
        char *type, *id, *host, *bus;
        bool leaving;
        int64_t leaves_at; /* monotonic µs; 0: it stays */
} FakeDevice;

typedef struct {
        char *bus;
        bool hotplug;
} FakeSlot;

struct FakeQmp {
        GMutex lock; /* over all that follows */
        char *name, *uuid, *status, *refusal;
        uint64_t base, plugged;
        bool pretty, viommu, i440fx, ended;
        char *machine, *chardev;
        bool frontend_open;
        FakeQmpManner manner;
        FakeQmpDelete delete;
        unsigned deletes;
        GPtrArray *slots, *devices, *commands;
        GPtrArray *threads, *connections;
};

typedef struct {
        FakeQmp *fake;
        int fd;
        GString *in;
        bool over;
} Connection;

static void device_free(void *data) {
        FakeDevice *device = data;
        g_free(device->type);
        g_free(device->id);
        g_free(device->host);
        g_free(device->bus);
        g_free(device);
}

static void slot_free(void *data) {
        g_free(((FakeSlot *)data)->bus);
        g_free(data);
}

FakeQmp *fake_qmp_new(const char *name) {
        FakeQmp *fake = g_new0(FakeQmp, 1);
        g_mutex_init(&fake->lock);
        fake->name = g_strdup(name);
        fake->uuid = g_strdup("00000000-0000-0000-0000-000000000000");
        fake->status = g_strdup("running");
        fake->base = 256 << 20;
        fake->slots = g_ptr_array_new_with_free_func(slot_free);
        fake->devices = g_ptr_array_new_with_free_func(device_free);
        fake->commands = g_ptr_array_new_with_free_func(g_free);
        fake->threads = g_ptr_array_new();
        fake->connections = g_ptr_array_new_with_free_func(g_free);
        return fake;
}

void fake_qmp_free(FakeQmp *fake) {
        if (!fake)
                return;
        for (unsigned i = 0; i < fake->connections->len; i++)
                shutdown(((Connection *)fake->connections->pdata[i])->fd, SHUT_RDWR);
        for (unsigned i = 0; i < fake->threads->len; i++)
                g_thread_join(fake->threads->pdata[i]);
        for (unsigned i = 0; i < fake->connections->len; i++)
                close(((Connection *)fake->connections->pdata[i])->fd);
        g_ptr_array_unref(fake->threads);
        g_ptr_array_unref(fake->connections);
        g_ptr_array_unref(fake->slots);
        g_ptr_array_unref(fake->devices);
        g_ptr_array_unref(fake->commands);
        g_free(fake->name);
        g_free(fake->uuid);
        g_free(fake->status);
        g_free(fake->refusal);
        g_free(fake->machine);
        g_free(fake->chardev);
        g_mutex_clear(&fake->lock);
        g_free(fake);
}

static void set_text(FakeQmp *fake, char **field, const char *text) {
        g_mutex_lock(&fake->lock);
        g_free(*field);
        *field = g_strdup(text);
        g_mutex_unlock(&fake->lock);
}

void fake_qmp_set_refusal(FakeQmp *fake, const char *desc) {
        set_text(fake, &fake->refusal, desc);
}

void fake_qmp_set_uuid(FakeQmp *fake, const char *uuid) {
        set_text(fake, &fake->uuid, uuid);
}

void fake_qmp_set_status(FakeQmp *fake, const char *status) {
        set_text(fake, &fake->status, status);
}

void fake_qmp_set_machine(FakeQmp *fake, const char *machine) {
        set_text(fake, &fake->machine, machine);
}

void fake_qmp_set_chardev(FakeQmp *fake, const char *label, bool frontend_open) {
        set_text(fake, &fake->chardev, label);
        fake->frontend_open = frontend_open;
}

void fake_qmp_set_manner(FakeQmp *fake, FakeQmpManner manner) {
        g_mutex_lock(&fake->lock);
        fake->manner = manner;
        g_mutex_unlock(&fake->lock);
}

void fake_qmp_set_delete(FakeQmp *fake, FakeQmpDelete delete) {
        g_mutex_lock(&fake->lock);
        fake->delete = delete;
        fake->deletes = 0;
        g_mutex_unlock(&fake->lock);
}

void fake_qmp_set_ram(FakeQmp *fake, uint64_t base, uint64_t plugged) {
        g_mutex_lock(&fake->lock);
        fake->base = base;
        fake->plugged = plugged;
        g_mutex_unlock(&fake->lock);
}

static void set_bool(FakeQmp *fake, bool *field, bool value) {
        g_mutex_lock(&fake->lock);
        *field = value;
        g_mutex_unlock(&fake->lock);
}

void fake_qmp_set_pretty(FakeQmp *fake, bool pretty) {
        set_bool(fake, &fake->pretty, pretty);
}

void fake_qmp_set_viommu(FakeQmp *fake, bool viommu) {
        set_bool(fake, &fake->viommu, viommu);
}

void fake_qmp_set_i440fx(FakeQmp *fake, bool i440fx) {
        set_bool(fake, &fake->i440fx, i440fx);
}

void fake_qmp_add_slot(FakeQmp *fake, const char *bus, bool hotplug) {
        g_mutex_lock(&fake->lock);
        FakeSlot *slot = g_new0(FakeSlot, 1);
        slot->bus = g_strdup(bus);
        slot->hotplug = hotplug;
        g_ptr_array_add(fake->slots, slot);
        g_mutex_unlock(&fake->lock);
}

static void add_device(FakeQmp *fake, const char *type, const char *id, const char *host, const char *bus) {
        FakeDevice *device = g_new0(FakeDevice, 1);
        device->type = g_strdup(type);
        device->id = g_strdup(id);
        device->host = g_strdup(host);
        device->bus = g_strdup(bus);
        g_ptr_array_add(fake->devices, device);
}

void fake_qmp_add_device(FakeQmp *fake, const char *type, const char *id, const char *host, const char *bus) {
        g_mutex_lock(&fake->lock);
        add_device(fake, type, id, host, bus);
        g_mutex_unlock(&fake->lock);
}

static FakeDevice *find(FakeQmp *fake, const char *id) {
        for (unsigned i = 0; i < fake->devices->len; i++) {
                FakeDevice *device = fake->devices->pdata[i];
                g_autofree char *path = g_strdup_printf("/machine/peripheral-anon/device[%u]", i);
                if (device->id ? g_strcmp0(device->id, id) == 0 : g_str_equal(path, id))
                        return device;
        }
        return NULL;
}

bool fake_qmp_has_device(FakeQmp *fake, const char *id) {
        g_mutex_lock(&fake->lock);
        bool ret = find(fake, id) != NULL;
        g_mutex_unlock(&fake->lock);
        return ret;
}

bool fake_qmp_has_host(FakeQmp *fake, const char *host) {
        g_mutex_lock(&fake->lock);
        bool ret = false;
        for (unsigned i = 0; i < fake->devices->len && !fake->ended; i++)
                ret = ret || g_strcmp0(((FakeDevice *)fake->devices->pdata[i])->host, host) == 0;
        g_mutex_unlock(&fake->lock);
        return ret;
}

bool fake_qmp_ended(FakeQmp *fake) {
        g_mutex_lock(&fake->lock);
        bool ret = fake->ended;
        g_mutex_unlock(&fake->lock);
        return ret;
}

unsigned fake_qmp_count(FakeQmp *fake, const char *command) {
        g_mutex_lock(&fake->lock);
        unsigned ret = 0;
        for (unsigned i = 0; i < fake->commands->len; i++)
                ret += g_str_equal(fake->commands->pdata[i], command);
        g_mutex_unlock(&fake->lock);
        return ret;
}

/* Sending */

static void send_text(Connection *connection, const char *text, size_t length) {
        while (length > 0 && !connection->over) {
                ssize_t n = send(connection->fd, text, length, MSG_NOSIGNAL);
                if (n > 0) {
                        text += n;
                        length -= (size_t)n;
                } else if (errno != EINTR) {
                        connection->over = true;
                }
        }
}

static void send_json(Connection *connection, json_t *json) {
        char *text = json_dumps(json, connection->fake->pretty ? JSON_INDENT(4) : 0);
        g_assert_nonnull(text);
        g_autofree char *line = g_strconcat(text, "\r\n", NULL);
        send_text(connection, line, strlen(line));
        free(text);
        json_decref(json);
}

static void send_event(Connection *connection, const char *event, const FakeDevice *device) {
        guint index = 0;
        g_ptr_array_find(connection->fake->devices, device, &index);
        g_autofree char *path = device->id ? g_strdup_printf("/machine/peripheral/%s", device->id)
                                           : g_strdup_printf("/machine/peripheral-anon/device[%u]", index);
        send_json(connection, json_pack("{s:{s:i,s:i}, s:s, s:{s:s, s:s*}}", "timestamp", "seconds", 1, "microseconds",
                                        2, "event", event, "data", "path", path, "device", device->id));
}

static json_t *ok(json_t *value) {
        return json_pack("{s:o}", "return", value);
}

static json_t *refuse(const char *class, const char *format, ...) __attribute__((format(printf, 2, 3)));
static json_t *refuse(const char *class, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *desc = g_strdup_vprintf(format, args);
        va_end(args);
        return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", desc);
}

/* The QOM tree */

static void add_item(json_t *list, const char *name, const char *type) {
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "type", type));
}

static void list_bus(FakeQmp *fake, json_t *list, const char *bus) {
        unsigned index = 0;
        for (unsigned i = 0; i < fake->devices->len; i++) {
                const FakeDevice *device = fake->devices->pdata[i];
                if (g_strcmp0(device->bus, bus) != 0)
                        continue;
                g_autofree char *name = g_strdup_printf("child[%u]", index++);
                g_autofree char *type = g_strdup_printf("link<%s>", device->type);
                add_item(list, name, type);
        }
}

static void list_peripherals(FakeQmp *fake, json_t *list, bool anonymous) {
        for (unsigned i = 0; i < fake->slots->len && !anonymous; i++)
                add_item(list, ((FakeSlot *)fake->slots->pdata[i])->bus, "child<pcie-root-port>");
        for (unsigned i = 0; i < fake->devices->len; i++) {
                const FakeDevice *device = fake->devices->pdata[i];
                if (anonymous != (device->id == NULL))
                        continue;
                g_autofree char *name = device->id ? g_strdup(device->id) : g_strdup_printf("device[%u]", i);
                g_autofree char *type = g_strdup_printf("child<%s>", device->type);
                add_item(list, name, type);
        }
        if (anonymous && fake->viommu)
                add_item(list, "device[99]", "child<intel-iommu>");
}

static bool list_slot(FakeQmp *fake, json_t *list, const char *path) {
        for (unsigned i = 0; i < fake->slots->len; i++) {
                const FakeSlot *slot = fake->slots->pdata[i];
                g_autofree char *device = g_strdup_printf("/machine/peripheral/%s", slot->bus);
                g_autofree char *bus = g_strdup_printf("%s/%s", device, slot->bus);
                if (g_str_equal(path, device))
                        add_item(list, slot->bus, "child<PCIE>");
                else if (g_str_equal(path, bus))
                        list_bus(fake, list, slot->bus);
                else
                        continue;
                return true;
        }
        return false;
}

static json_t *qom_list(FakeQmp *fake, const json_t *arguments) {
        const char *path = json_string_value(json_object_get(arguments, "path"));
        g_assert_nonnull(path);
        json_t *list = json_array();
        add_item(list, "type", "string");
        if (g_str_equal(path, "/machine")) {
                add_item(list, "peripheral", "child<container>");
                add_item(list, fake->i440fx ? "i440fx" : "q35",
                         fake->i440fx ? "child<i440FX-pcihost>" : "child<q35-pcihost>");
        } else if (g_str_equal(path, "/machine/peripheral")) {
                list_peripherals(fake, list, false);
        } else if (g_str_equal(path, "/machine/peripheral-anon")) {
                list_peripherals(fake, list, true);
        } else if (g_str_equal(path, "/machine/i440fx") && fake->i440fx) {
                add_item(list, "pci.0", "child<PCI>");
        } else if (g_str_equal(path, "/machine/i440fx/pci.0") && fake->i440fx) {
                list_bus(fake, list, "pci.0");
        } else if (!g_str_equal(path, "/machine/unattached") && !list_slot(fake, list, path)) {
                json_decref(list);
                return refuse("DeviceNotFound", "Device '%s' not found", path);
        }
        return ok(list);
}

static json_t *qom_get(FakeQmp *fake, const json_t *arguments) {
        const char *path = json_string_value(json_object_get(arguments, "path"));
        const char *property = json_string_value(json_object_get(arguments, "property"));
        g_assert_true(path && property);
        if (g_str_equal(path, "/machine") && g_str_equal(property, "type") && fake->machine)
                return ok(json_sprintf("%s-machine", fake->machine));
        const char *id = g_str_has_prefix(path, "/machine/peripheral/") ? path + strlen("/machine/peripheral/") : path;
        const FakeDevice *device = find(fake, id);
        if (device && g_str_equal(property, "host"))
                return ok(json_string(device->host ? device->host : "ffff:ff:ff.f"));
        for (unsigned i = 0; i < fake->slots->len; i++) {
                const FakeSlot *slot = fake->slots->pdata[i];
                if (g_str_equal(slot->bus, id) && g_str_equal(property, "hotplug"))
                        return ok(json_boolean(slot->hotplug));
        }
        return refuse("GenericError", "Property '%s' not found", property);
}

/* Plugging */

static json_t *device_add(FakeQmp *fake, const json_t *arguments) {
        const char *id = json_string_value(json_object_get(arguments, "id"));
        const char *driver = json_string_value(json_object_get(arguments, "driver"));
        const char *host = json_string_value(json_object_get(arguments, "host"));
        const char *bus = json_string_value(json_object_get(arguments, "bus"));
        g_assert_true(id && driver);
        if (fake->refusal)
                return refuse("GenericError", "%s", fake->refusal);
        if (find(fake, id))
                return refuse("GenericError", "Duplicate device ID '%s'", id);
        bool known = !bus || (fake->i440fx && g_str_equal(bus, "pci.0"));
        for (unsigned i = 0; i < fake->slots->len && !known; i++)
                known = g_str_equal(((FakeSlot *)fake->slots->pdata[i])->bus, bus);
        if (!known)
                return refuse("GenericError", "Bus '%s' not found", bus);
        add_device(fake, driver, id, host, bus);
        return ok(json_object());
}

/* Answers device_del; what happens to the device later is set down in it. */
static json_t *device_del(Connection *connection, const json_t *arguments) {
        FakeQmp *fake = connection->fake;
        const char *id = json_string_value(json_object_get(arguments, "id"));
        g_assert_nonnull(id);
        FakeDevice *device = find(fake, id);
        int64_t now = g_get_monotonic_time();
        if (!device)
                return refuse("DeviceNotFound", "Device '%s' not found", id);
        switch (fake->delete) {
        case FAKE_DELETE_REFUSED:
                return refuse("GenericError", "Bus '%s' does not support hotplugging",
                              device->bus ? device->bus : "none");
        case FAKE_DELETE_BUSY:
        case FAKE_DELETE_BUSY_ONCE:
                if (fake->delete == FAKE_DELETE_BUSY || fake->deletes++ == 0)
                        return refuse("GenericError", "Hot-unplug failed: guest is busy (power indicator blinking)");
                device->leaves_at = now;
                break;
        case FAKE_DELETE_UNDER_WAY:
                device->leaves_at = now + SLOW_MS * 1000;
                return refuse("GenericError", "Device %s is already in the process of unplug", id);
        case FAKE_DELETE_ENDS:
                fake->ended = true;
                connection->over = true;
                break;
        case FAKE_DELETE_EARLY:
                send_event(connection, "DEVICE_DELETED", device);
                g_ptr_array_remove(fake->devices, device);
                break;
        case FAKE_DELETE_SLOW:
                device->leaves_at = now + SLOW_MS * 1000;
                break;
        case FAKE_DELETE_SOON:
        case FAKE_DELETE_SILENT:
        case FAKE_DELETE_GUEST_ERROR:
                device->leaves_at = now;
                break;
        case FAKE_DELETE_NEVER:
                break;
        }
        return ok(json_object());
}

/* Lets go of devices whose time has come; returns milliseconds to the next one, -1 when there is none. */
static int let_go(Connection *connection) {
        FakeQmp *fake = connection->fake;
        int64_t now = g_get_monotonic_time(), next = INT64_MAX;
        for (unsigned i = fake->devices->len; i-- > 0;) {
                FakeDevice *device = fake->devices->pdata[i];
                if (device->leaves_at == 0)
                        continue;
                if (device->leaves_at > now) {
                        next = MIN(next, device->leaves_at);
                        continue;
                }
                device->leaves_at = 0;
                if (fake->delete == FAKE_DELETE_GUEST_ERROR) {
                        send_event(connection, "DEVICE_UNPLUG_GUEST_ERROR", device);
                        continue;
                }
                if (fake->delete != FAKE_DELETE_SILENT)
                        send_event(connection, "DEVICE_DELETED", device);
                g_ptr_array_remove_index(fake->devices, i);
        }
        return next == INT64_MAX ? -1 : (int)((next - now) / 1000 + 1);
}

/* Answers */

static json_t *answer(Connection *connection, const char *command, const json_t *arguments) {
        FakeQmp *fake = connection->fake;
        if (g_str_equal(command, "qmp_capabilities"))
                return ok(json_object());
        if (g_str_equal(command, "query-status"))
                return ok(json_pack("{s:s, s:b}", "status", fake->status, "running", 1));
        if (g_str_equal(command, "query-name"))
                return ok(json_pack("{s:s*}", "name", fake->name));
        if (g_str_equal(command, "query-chardev") && fake->chardev)
                return ok(json_pack("[{s:s, s:b}, {s:s, s:b}]", "label", "other", "frontend-open", !fake->frontend_open, "label",
                                    fake->chardev, "frontend-open", fake->frontend_open));
        if (g_str_equal(command, "query-uuid"))
                return ok(json_pack("{s:s}", "UUID", fake->uuid));
        if (g_str_equal(command, "query-memory-size-summary"))
                return ok(json_pack("{s:I, s:I}", "base-memory", (json_int_t)fake->base, "plugged-memory",
                                    (json_int_t)fake->plugged));
        if (g_str_equal(command, "qom-list"))
                return qom_list(fake, arguments);
        if (g_str_equal(command, "qom-get"))
                return qom_get(fake, arguments);
        if (g_str_equal(command, "device_add"))
                return device_add(fake, arguments);
        if (g_str_equal(command, "device_del"))
                return device_del(connection, arguments);
        return refuse("CommandNotFound", "The command %s has not been found", command);
}

static void misbehave_endlessly(Connection *connection) {
        g_autofree char *chunk = g_strnfill(65536, 'x');
        send_text(connection, "{\"return\": \"", 12);
        while (!connection->over)
                send_text(connection, chunk, 65536);
}

static void flood(Connection *connection) {
        static const char event[] = "{\"event\": \"RTC_CHANGE\", \"data\": {\"offset\": 1}}\r\n";
        while (!connection->over)
                send_text(connection, event, sizeof event - 1);
}

static void reply(Connection *connection, const json_t *request) {
        FakeQmp *fake = connection->fake;
        const char *command = json_string_value(json_object_get(request, "execute"));
        json_int_t id = json_integer_value(json_object_get(request, "id"));
        g_assert_nonnull(command);
        g_ptr_array_add(fake->commands, g_strdup(command));

        FakeQmpManner manner = g_str_equal(command, "qmp_capabilities") ? FAKE_QMP_GOOD : fake->manner;
        if (manner == FAKE_QMP_HANGS_LATER || (manner == FAKE_QMP_HANGS_DEL && g_str_equal(command, "device_del")))
                return;
        json_t *json = manner == FAKE_QMP_WRONG_SHAPE
                               ? json_pack("{s:{s:i}}", "return", "x", 1)
                               : answer(connection, command, json_object_get(request, "arguments"));
        json_object_set_new(json, "id", json_integer(manner == FAKE_QMP_WRONG_ID ? id + 7 : id));
        if (manner == FAKE_QMP_BROKEN_JSON)
                send_text(connection, "{nonsense}\r\n", 12);
        if (manner == FAKE_QMP_ENDLESS || manner == FAKE_QMP_FLOODS) {
                /* Others must be able to go on while this one is busy being a nuisance. */
                g_mutex_unlock(&fake->lock);
                (manner == FAKE_QMP_ENDLESS ? misbehave_endlessly : flood)(connection);
                g_mutex_lock(&fake->lock);
        }
        send_json(connection, json);
}

static void take_lines(Connection *connection) {
        char *end;
        while ((end = strchr(connection->in->str, '\n')) && !connection->over) {
                size_t length = (size_t)(end - connection->in->str) + 1;
                json_t *request = json_loadb(connection->in->str, length, 0, NULL);
                g_assert_nonnull(request);
                g_string_erase(connection->in, 0, (gssize)length);
                reply(connection, request);
                json_decref(request);
        }
}

static void greet(Connection *connection) {
        switch (connection->fake->manner) {
        case FAKE_QMP_HANGS:
                return;
        case FAKE_QMP_NO_JSON:
                send_text(connection, "220 mail ready\r\n", 16);
                return;
        default:
                send_json(connection,
                          json_pack("{s:{s:{s:{s:i, s:i, s:i}, s:s}, s:[s]}}", "QMP", "version", "qemu", "micro", 0,
                                    "minor", 0, "major", 10, "package", "fake", "capabilities", "oob"));
        }
        if (connection->fake->manner == FAKE_QMP_CLOSES)
                connection->over = true;
}

static void *serve(void *data) {
        Connection *connection = data;
        FakeQmp *fake = connection->fake;
        g_mutex_lock(&fake->lock);
        greet(connection);
        while (!connection->over) {
                int wait = let_go(connection);
                struct pollfd poller = {.fd = connection->fd, .events = POLLIN};
                char buffer[4096];
                g_mutex_unlock(&fake->lock);
                int ready = poll(&poller, 1, wait);
                ssize_t got = ready > 0 ? recv(connection->fd, buffer, sizeof buffer, 0) : 0;
                g_mutex_lock(&fake->lock);
                if (ready > 0 && got <= 0)
                        break;
                g_string_append_len(connection->in, buffer, got);
                take_lines(connection);
        }
        g_mutex_unlock(&fake->lock);
        shutdown(connection->fd, SHUT_RDWR);
        g_string_free(connection->in, TRUE);
        return NULL;
}

int fake_qmp_connect(FakeQmp *fake) {
        int fds[2];
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        Connection *connection = g_new0(Connection, 1);
        connection->fake = fake;
        connection->fd = fds[1];
        connection->in = g_string_new(NULL);
        g_mutex_lock(&fake->lock);
        g_ptr_array_add(fake->connections, connection);
        g_ptr_array_add(fake->threads, g_thread_new("fake-qmp", serve, connection));
        g_mutex_unlock(&fake->lock);
        return fds[0];
}
