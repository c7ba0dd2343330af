/* QEMU as it is seen through its monitor: QMP over a socket pair, a thread a connection, and its misbehaving kin. */
#include "base/error.h"
#include "sim_priv.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOW_MS = 60, TICK_MS = 10 };

typedef struct {
        Sim *sim;
        Guest *guest;
        int fd;
        GString *in;
} Session;

static void guest_dev_free(void *data) {
        GuestDev *dev = data;
        g_free(dev->id);
        g_free(dev->bus);
        g_free(dev);
}

void guest_free(Guest *guest) {
        g_free(guest->name);
        g_ptr_array_unref(guest->devices);
        g_free(guest);
}

Guest *mon_find(Sim *sim, const char *name) {
        for (unsigned i = 0; i < sim->guests->len; i++)
                if (g_str_equal(((Guest *) sim->guests->pdata[i])->name, name))
                        return sim->guests->pdata[i];
        return NULL;
}

static GuestDev *find_dev(const Guest *guest, const char *id) {
        for (unsigned i = 0; i < guest->devices->len; i++)
                if (g_str_equal(((GuestDev *) guest->devices->pdata[i])->id, id))
                        return guest->devices->pdata[i];
        return NULL;
}

static const GuestDev *find_on_bus(const Guest *guest, const char *bus) {
        for (unsigned i = 0; i < guest->devices->len; i++)
                if (g_str_equal(((GuestDev *) guest->devices->pdata[i])->bus, bus))
                        return guest->devices->pdata[i];
        return NULL;
}

/* --- the guest's devices -------------------------------------------------------------------------------------- */

int mon_plug(Sim *sim, Guest *guest, const char *id, const char *bus, Fn *host) {
        if (!host)
                return -ENODEV;
        int r = drv_open(sim, host, guest->pid);
        if (r < 0)
                return r;
        GuestDev *dev = g_new0(GuestDev, 1);
        *dev = (GuestDev) {.id = g_strdup(id), .bus = g_strdup(bus), .host = host};
        g_ptr_array_add(guest->devices, dev);
        g_autofree char *words = g_strjoin("\n", guest->name, id, bus, host->name, NULL);
        sim_log(sim, guest->pid, "P", words, strlen(words), NULL, 0);
        return 0;
}

void mon_unplug(Sim *sim, Guest *guest, const char *id) {
        GuestDev *dev = find_dev(guest, id);
        if (!dev)
                return;
        sim_log(sim, guest->pid, "U", guest->name, strlen(guest->name), id, strlen(id));
        drv_close(sim, dev->host);
        g_ptr_array_remove(guest->devices, dev);
}

void mon_asked(Sim *sim, Guest *guest, const char *id) {
        GuestDev *dev = find_dev(guest, id);
        if (!dev)
                return;
        sim_log(sim, guest->pid, "D", guest->name, strlen(guest->name), id, strlen(id));
        dev->leaving = true;
        dev->leaves_at = guest->manners == GUEST_SLOW ? sim_now(sim) + SLOW_MS * 1000 : 0;
}

/* vfio's request notifier: QEMU unplugs what the host wants back (hw/vfio/pci.c). */
void mon_pulled(Sim *sim, Fn *host) {
        for (unsigned i = 0; i < sim->guests->len; i++) {
                Guest *guest = sim->guests->pdata[i];
                for (unsigned d = guest->devices->len; d-- > 0;)
                        if (((GuestDev *) guest->devices->pdata[d])->host == host)
                                g_ptr_array_remove_index(guest->devices, d);
        }
}

void sim_add_guest(Sim *sim, const char *name, unsigned ports, GuestManners manners) {
        Guest *guest = g_new0(Guest, 1);
        g_autofree char *monitor = g_strdup_printf("unix:/run/%s.sock,server=on,wait=off", name);
        g_autofree char *socket = g_strdup_printf("run/%s.sock", name);
        char *argv[] = {(char *) "/usr/bin/qemu-system-x86_64", (char *) "-name", (char *) name, (char *) "-m",
                        (char *) "256", (char *) "-qmp", monitor, NULL};
        g_rec_mutex_lock(&sim->mutex);
        *guest = (Guest) {.name = g_strdup(name), .ports = ports, .manners = manners};
        guest->devices = g_ptr_array_new_with_free_func(guest_dev_free);
        guest->pid = proc_add(sim, "qemu-system-x86", 1, argv)->pid;
        io_tree_put_text(sim->tree, socket, "");
        g_ptr_array_add(sim->guests, guest);
        g_rec_mutex_unlock(&sim->mutex);
}

void sim_guest_manners(Sim *sim, const char *name, GuestManners manners) {
        mon_find(sim, name)->manners = manners;
}

int sim_guest_pid(Sim *sim, const char *name) {
        return mon_find(sim, name)->pid;
}

void sim_guest_lets_go(Sim *sim, const char *name) {
        Guest *guest = mon_find(sim, name);
        g_rec_mutex_lock(&sim->mutex);
        for (unsigned i = guest->devices->len; i-- > 0;) {
                GuestDev *dev = guest->devices->pdata[i];
                if (dev->leaving)
                        mon_unplug(sim, guest, dev->id);
        }
        g_rec_mutex_unlock(&sim->mutex);
}

void sim_guest_ends(Sim *sim, const char *name) {
        Guest *guest = mon_find(sim, name);
        g_autofree char *socket = g_strdup_printf("run/%s.sock", name);
        g_rec_mutex_lock(&sim->mutex);
        sim_end_process(sim, guest->pid);
        io_tree_remove(sim->tree, socket);
        g_ptr_array_remove(sim->guests, guest);
        g_rec_mutex_unlock(&sim->mutex);
}

/* --- talking -------------------------------------------------------------------------------------------------- */

static void say_text(const Session *session, const char *text) {
        for (size_t sent = 0, length = strlen(text); sent < length;) {
                ssize_t now = send(session->fd, text + sent, length - sent, MSG_NOSIGNAL);
                if (now <= 0)
                        return;
                sent += (size_t) now;
        }
}

static void say(const Session *session, json_t *message) {
        char *text = json_dumps(message, JSON_COMPACT);
        g_autofree char *line = g_strconcat(text, "\r\n", NULL);
        json_decref(message);
        free(text);
        say_text(session, line);
}

static void say_event(const Session *session, const char *event, const char *id) {
        g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", id);
        say(session, json_pack("{s:s, s:{s:s, s:s}, s:{s:i, s:i}}", "event", event, "data", "device", id, "path", path,
                               "timestamp", "seconds", 1, "microseconds", 2));
}

static json_t *failure(const char *class, const char *format, ...) G_GNUC_PRINTF(2, 3);
static json_t *failure(const char *class, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *desc = g_strdup_vprintf(format, args);
        va_end(args);
        return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", desc);
}

static json_t *success(json_t *value) {
        return json_pack("{s:o}", "return", value);
}

static const char *text_of(const json_t *arguments, const char *key) {
        const char *text = json_string_value(json_object_get(arguments, key));
        return text ? text : "";
}

/* --- commands ------------------------------------------------------------------------------------------------- */

static json_t *query_status(Session *session, const json_t *arguments) {
        return success(json_pack("{s:s, s:b, s:b}", "status", "running", "singlestep", 0, "running", 1));
}

static json_t *query_name(Session *session, const json_t *arguments) {
        return success(json_pack("{s:s}", "name", session->guest->name));
}

static json_t *query_uuid(Session *session, const json_t *arguments) {
        return success(json_pack("{s:s}", "UUID", "00000000-0000-0000-0000-000000000000"));
}

static json_t *query_memory(Session *session, const json_t *arguments) {
        return success(json_pack("{s:I, s:I}", "base-memory", (json_int_t)256 << 20, "plugged-memory", (json_int_t)0));
}

static json_t *qom_entry(const char *name, const char *type) {
        return json_pack("{s:s, s:s}", "name", name, "type", type);
}

static void list_peripheral(const Guest *guest, json_t *list) {
        for (unsigned i = 0; i < guest->ports; i++) {
                g_autofree char *port = g_strdup_printf("rp%u", i);
                json_array_append_new(list, qom_entry(port, "child<pcie-root-port>"));
        }
        for (unsigned i = 0; i < guest->devices->len; i++)
                json_array_append_new(list, qom_entry(((GuestDev *) guest->devices->pdata[i])->id, "child<vfio-pci>"));
}

static json_t *qom_list(Session *session, const json_t *arguments) {
        static const char *const containers[] = {"peripheral", "peripheral-anon", "unattached"};
        const char *path = text_of(arguments, "path");
        g_auto(GStrv) words = g_strsplit(path, "/", -1);
        unsigned n = g_strv_length(words);
        json_t *list = json_array();

        json_array_append_new(list, qom_entry("type", "string"));
        if (g_str_equal(path, "/machine")) {
                for (unsigned i = 0; i < G_N_ELEMENTS(containers); i++)
                        json_array_append_new(list, qom_entry(containers[i], "child<container>"));
                json_array_append_new(list, qom_entry("q35", "child<q35-pcihost>"));
        } else if (g_str_equal(path, "/machine/peripheral")) {
                list_peripheral(session->guest, list);
        } else if (g_str_equal(path, "/machine/unattached") || g_str_equal(path, "/machine/peripheral-anon")) {
                json_array_append_new(list, qom_entry("device[0]", "child<qemu64-x86_64-cpu>"));
        } else if (n == 4 && g_str_has_prefix(words[3], "rp")) {
                json_array_append_new(list, qom_entry("hotplug", "bool"));
                json_array_append_new(list, qom_entry(words[3], "child<PCIE>"));
        } else if (n == 5 && g_str_equal(words[3], words[4])) {
                if (find_on_bus(session->guest, words[4]))
                        json_array_append_new(list, qom_entry("child[0]", "link<vfio-pci>"));
        } else {
                json_decref(list);
                return failure("DeviceNotFound", "Device '%s' not found", path);
        }
        return success(list);
}

static json_t *qom_get(Session *session, const json_t *arguments) {
        const char *property = text_of(arguments, "property");
        g_autofree char *id = g_path_get_basename(text_of(arguments, "path"));
        const GuestDev *dev = find_dev(session->guest, id);

        if (dev && g_str_equal(property, "host"))
                return success(json_string(dev->host->name));
        if (!dev && g_str_equal(property, "hotplug"))
                return success(json_true());
        return failure("GenericError", "Property 'vfio-pci.%s' not found", property);
}

/* vfio_realize's words (QEMU 10.0, hw/vfio/{pci,container}.c). */
static json_t *open_failure(const char *host, const Fn *fn, int r) {
        if (!fn)
                return failure("GenericError", "vfio %s: no such host device: No such file or directory", host);
        if (r == -ENOENT)
                return failure("GenericError", "vfio %s: Could not open '/dev/vfio/%d': No such file or directory",
                               host, fn->group);
        if (r == -EPERM)
                return failure(
                        "GenericError",
                        "vfio %s: failed to setup container for group %d: Failed to set group container: Operation "
                        "not permitted",
                        host, fn->group);
        return failure("GenericError", "vfio %s: failed to open /dev/vfio/%d: %s", host, fn->group, g_strerror(-r));
}

static json_t *device_add(Session *session, const json_t *arguments) {
        Guest *guest = session->guest;
        const char *id = text_of(arguments, "id"), *bus = text_of(arguments, "bus"), *host = text_of(arguments, "host");

        if (guest->manners == GUEST_LIES)
                return success(json_object());
        if (guest->manners == GUEST_NO_PLUG || sim_point(session->sim, "device_add") < 0)
                return failure("GenericError", "vfio %s: failed to open the device: No space left on device", host);
        if (find_dev(guest, id))
                return failure("GenericError", "Duplicate device ID '%s'", id);
        if (!g_str_has_prefix(bus, "rp") || (unsigned) g_ascii_strtoull(bus + 2, NULL, 10) >= guest->ports)
                return failure("GenericError", "Bus '%s' not found", bus);
        if (find_on_bus(guest, bus))
                return failure("GenericError", "PCI: slot 0 function 0 already occupied by vfio-pci");
        Fn *fn = pci_find(session->sim, host);
        int r = mon_plug(session->sim, guest, id, bus, fn);
        return r < 0 ? open_failure(host, fn, r) : success(json_object());
}

static json_t *device_del(Session *session, const json_t *arguments) {
        Guest *guest = session->guest;
        const char *id = text_of(arguments, "id");
        GuestDev *dev = find_dev(guest, id);

        if (!dev)
                return failure("DeviceNotFound", "Device '%s' not found", id);
        if (dev->leaving)
                return failure("GenericError", "Device %s is already in the process of unplug", id);
        if (sim_point(session->sim, "device_del") < 0)
                return failure("GenericError", "Bus '%s' does not support hotplugging", dev->bus);
        if (guest->manners == GUEST_REFUSES) {
                say_event(session, "DEVICE_UNPLUG_GUEST_ERROR", id);
                return success(json_object());
        }
        mon_asked(session->sim, guest, id);
        return success(json_object());
}

static json_t *nothing(Session *session, const json_t *arguments) {
        return success(json_object());
}

static const struct {
        const char *name;
        json_t *(*run)(Session *session, const json_t *arguments);
} commands[] = {
        {"qmp_capabilities", nothing},  {"query-status", query_status}, {"query-name", query_name},
        {"query-uuid", query_uuid},     {"query-memory-size-summary", query_memory},
        {"qom-list", qom_list},         {"qom-get", qom_get},
        {"device_add", device_add},     {"device_del", device_del},
};

/* What was asked to go and is ready to. */
static void let_go(Session *session) {
        Guest *guest = session->guest;
        for (unsigned i = guest->devices->len; i-- > 0;) {
                GuestDev *dev = guest->devices->pdata[i];
                bool slow = dev->leaves_at && dev->leaves_at > sim_now(session->sim);
                if (!dev->leaving || slow || guest->manners == GUEST_KEEPS)
                        continue;
                g_autofree char *id = g_strdup(dev->id);
                /* Dying while the guest lets go by itself is a place of its own. */
                sim_point(session->sim, "device leaves");
                mon_unplug(session->sim, guest, id);
                say_event(session, "DEVICE_DELETED", id);
        }
}

static void answer(Session *session, const char *line) {
        json_t *request = json_loads(line, 0, NULL), *reply = NULL;
        const char *name = text_of(request, "execute");
        json_t *id = json_object_get(request, "id");

        if (session->guest->manners == GUEST_MUTE && !g_str_equal(name, "qmp_capabilities")) {
                json_decref(request);
                return;
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++)
                if (g_str_equal(commands[i].name, name))
                        reply = commands[i].run(session, json_object_get(request, "arguments"));
        if (!reply)
                reply = failure("CommandNotFound", "The command %s has not been found", name);
        if (id)
                json_object_set(reply, "id", id);
        say(session, reply);
        json_decref(request);
}

static bool greet(const Session *session) {
        static const char hello[] =
                "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 0, \"major\": 10}, \"package\": \"\"}, "
                "\"capabilities\": [\"oob\"]}}\r\n";
        switch (session->guest->manners) {
        case GUEST_SILENT:
                return true;
        case GUEST_CLOSES:
                say_text(session, "{\"QMP\": {\"vers");
                return false;
        case GUEST_GARBAGE:
                say_text(session, "HTTP/1.1 200 OK\r\n\r\n<html>}{\r\n");
                return true;
        case GUEST_ENDLESS: {
                g_autofree char *much = g_strnfill(2 << 20, 'a');
                say_text(session, "{\"QMP\": \"");
                say_text(session, much);
                return true;
        }
        default:
                say_text(session, hello);
                return true;
        }
}

/* Until the other side closes. */
static void serve(Session *session) {
        bool talks = session->guest->manners != GUEST_SILENT && session->guest->manners != GUEST_GARBAGE;
        if (!greet(session))
                return;
        for (;;) {
                struct pollfd poller = {.fd = session->fd, .events = POLLIN};
                char buffer[4096];
                int ready = poll(&poller, 1, TICK_MS);
                ssize_t got = ready > 0 ? recv(session->fd, buffer, sizeof buffer, 0) : 1;
                if (got <= 0)
                        return;
                g_rec_mutex_lock(&session->sim->mutex);
                if (ready > 0 && talks) {
                        g_string_append_len(session->in, buffer, got);
                        for (char *end; (end = strchr(session->in->str, '\n'));) {
                                *end = '\0';
                                answer(session, session->in->str);
                                g_string_erase(session->in, 0, end - session->in->str + 1);
                        }
                }
                let_go(session);
                bool ended = session->sim->closing;
                g_rec_mutex_unlock(&session->sim->mutex);
                if (ended)
                        return;
        }
}

static void *session_run(void *data) {
        Session *session = data;
        serve(session);
        close(session->fd);
        g_string_free(session->in, TRUE);
        g_free(session);
        return NULL;
}

int mon_connect(Sim *sim, const char *path, unsigned timeout_ms) {
        g_autofree char *base = g_path_get_basename(path);
        Guest *guest = NULL;
        int fds[2];

        if (g_str_has_suffix(base, ".sock")) {
                base[strlen(base) - strlen(".sock")] = '\0';
                guest = mon_find(sim, base);
        }
        if (!guest)
                return -ENOENT;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        Session *session = g_new0(Session, 1);
        *session = (Session) {.sim = sim, .guest = guest, .fd = fds[1], .in = g_string_new(NULL)};
        g_rec_mutex_lock(&sim->mutex);
        g_hash_table_insert(sim->peers, GINT_TO_POINTER(fds[0]), GINT_TO_POINTER(guest->pid));
        g_ptr_array_add(sim->threads, g_thread_new("qemu", session_run, session));
        g_rec_mutex_unlock(&sim->mutex);
        return fds[0];
}

int mon_peer(Sim *sim, int fd, pid_t *ret) {
        *ret = GPOINTER_TO_INT(g_hash_table_lookup(sim->peers, GINT_TO_POINTER(fd)));
        return *ret ? 0 : -ENOTCONN;
}

void sim_quiesce(Sim *sim) {
        sim->closing = true;
        for (unsigned i = 0; i < sim->threads->len; i++)
                g_thread_join(sim->threads->pdata[i]);
        g_ptr_array_set_size(sim->threads, 0);
        sim->closing = false;
}
