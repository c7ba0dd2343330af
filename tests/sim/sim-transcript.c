/* What keeps the simulated kernel from lying: one list of operations, run on it or on a real 82576, and a transcript of
 * what each did. Both must be the same text (transcript-igb.txt). What differs from machine to machine is shown by a
 * word: addresses of the functions as PF, VF0 …, a MAC that a driver invented as "own".
 *
 *     sim-transcript                  on the simulated kernel
 *     sim-transcript --check FILE     the same, compared with FILE; exit status 1 and a diff when it differs
 *     sim-transcript --real BDF       on this machine's card, as root; its VFs must be nobody's
 */
#include "base/text.h"
#include "host/config.h"
#include "host/rtnl.h"
#include "sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

enum { WRITE_MS = 60 * 1000, AWAIT_MS = 20 * 1000 };

typedef struct {
        Io *io;
        const char *bdf;
        GString *out;
} Transcript;

typedef struct {
        const char *verb, *what, *value;
} Operation;

static const Operation operations[] = {
        {"link-up", NULL, NULL},
        {"module", "igbvf", NULL},
        {"module", "vfio-pci", NULL},
        {"module", "no_such_module_here", NULL},

        {"note", "limits and bad counts", NULL},
        {"read", "{pf}/sriov_totalvfs", NULL},
        {"read", "{pf}/sriov_numvfs", NULL},
        {"read", "{pf}/sriov_drivers_autoprobe", NULL},
        {"read", "{pf}/sriov_vf_device", NULL},
        {"write", "{pf}/sriov_numvfs", "8"},
        {"write", "{pf}/sriov_numvfs", "65536"},
        {"write", "{pf}/sriov_numvfs", "-1"},
        {"write", "{pf}/sriov_numvfs", "seven"},
        {"write", "{pf}/sriov_numvfs", "1 2"},
        {"write", "{pf}/sriov_numvfs", "0"},
        {"write", "{pf}/sriov_drivers_autoprobe", "2"},
        {"write", "{pf}/sriov_drivers_autoprobe", "0"},
        {"read", "{pf}/sriov_drivers_autoprobe", NULL},
        {"config", "{pf}/config", NULL},

        {"note", "VFs on, no driver may take them", NULL},
        {"write", "{pf}/sriov_numvfs", "3\n"},
        {"read", "{pf}/sriov_numvfs", NULL},
        {"link", "{pf}/virtfn0", NULL},
        {"link", "{pf}/virtfn1", NULL},
        {"link", "{pf}/virtfn2", NULL},
        {"link", "{pf}/virtfn3", NULL},
        {"link", "{vf0}/physfn", NULL},
        {"read", "{vf0}/vendor", NULL},
        {"read", "{vf0}/device", NULL},
        {"read", "{vf0}/class", NULL},
        {"read", "{vf0}/reset_method", NULL},
        {"read", "{vf0}/reset", NULL},
        {"read", "{drivers}/igbvf/bind", NULL},
        {"group", "{vf0}", NULL},
        {"config", "{pf}/config", NULL},
        {"config", "{vf0}/config", NULL},
        {"write", "{pf}/sriov_numvfs", "3"},
        {"write", "{pf}/sriov_numvfs", "4"},
        {"link", "{vf0}/driver", NULL},
        {"read", "{vf0}/driver_override", NULL},
        {"write", "{probe}", "{VF0}"},
        {"link", "{vf0}/driver", NULL},
        {"write", "{drivers}/igbvf/bind", "{VF0}"},
        {"link", "{vf0}/driver", NULL},
        {"state", NULL, NULL},

        {"note", "override and probe", NULL},
        {"write", "{vf0}/driver_override", "igbvf"},
        {"read", "{vf0}/driver_override", NULL},
        {"write", "{probe}", "{VF0}"},
        {"link", "{vf0}/driver", NULL},
        {"await-net", "{vf0}", NULL},
        {"state", NULL, NULL},
        {"write", "{vf0}/driver_override", "\n"},
        {"read", "{vf0}/driver_override", NULL},
        {"link", "{vf0}/driver", NULL},
        {"write", "{drivers}/igbvf/bind", "{VF0}"},
        {"write", "{drivers}/vfio-pci/unbind", "{VF0}"},
        {"write", "{vf0}/driver/unbind", "{VF1}"},
        {"write", "{vf0}/driver/unbind", "{VF0}"},
        {"link", "{vf0}/driver", NULL},
        {"write", "{vf0}/driver/unbind", "{VF0}"},
        {"state", NULL, NULL},
        {"write", "{vf0}/driver_override", "vfio-pci"},
        {"write", "{drivers}/igbvf/bind", "{VF0}"},
        {"write", "{probe}", "{VF0}"},
        {"link", "{vf0}/driver", NULL},
        {"write", "{probe}", "{VF0}"},
        {"write", "{vf0}/driver_override", "igbvf"},
        {"link", "{vf0}/driver", NULL},
        {"write", "{vf0}/driver/unbind", "{VF0}\n"},
        {"write", "{vf0}/driver_override", "no-such-driver"},
        {"write", "{probe}", "{VF0}"},
        {"link", "{vf0}/driver", NULL},
        {"write", "{vf0}/driver_override", "\n"},
        {"write", "{probe}", "0000:ff:1f.7"},
        {"write", "{probe}", "nonsense"},
        {"write", "{drivers}/vfio-pci/bind", "{VF1}"},
        {"write", "{drivers}/no-such-driver/bind", "{VF1}"},
        {"link", "{vf1}/driver", NULL},

        {"note", "VF state through the PF", NULL},
        {"set", "0", "mac=02:00:00:00:ee:01"},
        {"set", "1", "vlan=42"},
        {"set", "2", "vlan=7.3"},
        {"set", "2", "trust=on"},
        {"set", "2", "spoofchk=off"},
        {"set", "2", "max-rate=100"},
        {"state", NULL, NULL},
        {"raw-mac", "1", "01:00:5e:00:00:01"},
        {"raw-mac", "1", "ff:ff:ff:ff:ff:ff"},
        {"raw-mac", "7", "02:00:00:00:ee:07"},
        {"raw-vlan", "1", "4095"},
        {"raw-vlan", "1", "4096"},
        {"raw-qos", "1", "8"},
        {"set", "1", "vlan=42/802.1ad"},
        {"set", "1", "link=on"},
        {"set", "1", "min-rate=10 max-rate=100"},
        {"set", "1", "max-rate=2000"},
        {"set", "1", "mac=02:00:00:00:ee:02 vlan=43 link=on trust=on"},
        {"raw-empty", "1", NULL},
        {"raw-no-device", "1", NULL},
        {"state", NULL, NULL},
        {"set", "1", "vlan=0"},
        {"raw-mac", "1", "00:00:00:00:00:00"},
        {"set", "2", "trust=off"},
        {"set", "2", "spoofchk=on"},
        {"set", "2", "max-rate=0"},
        {"state", NULL, NULL},

        {"note", "who keeps a MAC over a reset", NULL},
        {"write", "{vf2}/driver_override", "igbvf"},
        {"write", "{probe}", "{VF2}"},
        {"await-net", "{vf2}", NULL},
        {"state", NULL, NULL},
        {"write", "{vf2}/driver/unbind", "{VF2}"},
        {"write", "{vf2}/driver_override", "\n"},
        {"write", "{vf2}/reset", "2"},
        {"write", "{vf2}/reset", "1"},
        {"write", "{vf0}/reset", "1"},
        {"pause", "500", NULL},
        {"state", NULL, NULL},

        {"note", "VFs made anew remember nothing", NULL},
        {"write", "{pf}/sriov_numvfs", "0"},
        {"link", "{pf}/virtfn0", NULL},
        {"state", NULL, NULL},
        {"write", "{pf}/sriov_drivers_autoprobe", "1"},
        {"write", "{pf}/sriov_numvfs", "2"},
        {"await-net", "{vf0}", NULL},
        {"await-net", "{vf1}", NULL},
        {"link", "{vf0}/driver", NULL},
        {"state", NULL, NULL},
        {"set", "0", "mac=02:00:00:00:ee:05"},
        {"write", "{vf0}/driver/unbind", "{VF0}"},
        {"write", "{probe}", "{VF0}"},
        {"await-net", "{vf0}", NULL},
        {"net-mac", "{vf0}", NULL},
        {"state", NULL, NULL},

        {"note", "with the PF down", NULL},
        {"link-down", NULL, NULL},
        {"set", "1", "mac=02:00:00:00:ee:09"},
        {"set", "1", "vlan=9"},
        {"set", "1", "trust=on"},
        {"set", "1", "max-rate=10"},
        {"state", NULL, NULL},
        {"write", "{pf}/sriov_numvfs", "0"},
        {"write", "{pf}/sriov_numvfs", "2"},
        {"await-net", "{vf0}", NULL},
        {"state", NULL, NULL},
        {"link-up", NULL, NULL},
        {"state", NULL, NULL},

        {"note", "the PF's driver goes, and its VFs with it", NULL},
        {"write", "{pf}/driver/unbind", "{PF}"},
        {"link", "{pf}/driver", NULL},
        {"link", "{pf}/virtfn0", NULL},
        {"read", "{pf}/sriov_numvfs", NULL},
        {"read", "{pf}/sriov_drivers_autoprobe", NULL},
        {"write", "{pf}/sriov_numvfs", "1"},
        {"write", "{pf}/sriov_numvfs", "0"},
        {"state", NULL, NULL},
        {"write", "{pf}/driver_override", "vfio-pci"},
        {"write", "{probe}", "{PF}"},
        {"link", "{pf}/driver", NULL},
        {"write", "{pf}/sriov_numvfs", "1"},
        {"write", "{pf}/driver/unbind", "{PF}"},
        {"write", "{pf}/driver_override", "\n"},
        {"write", "{probe}", "{PF}"},
        {"link", "{pf}/driver", NULL},
        {"await-net", "{pf}", NULL},
        {"link-up", NULL, NULL},
        {"read", "{pf}/sriov_numvfs", NULL},
        {"read", "{pf}/sriov_drivers_autoprobe", NULL},
};

/* --- names ---------------------------------------------------------------------------------------------------- */

static char *vf_bdf(const Transcript *t, unsigned index) {
        g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/virtfn%u", t->bdf, index);
        char *bdf;
        return io_read_link_name(t->io, path, &bdf) == 0 ? bdf : g_strdup("none");
}

/* "{vf0}/driver" to the path it stands for. */
static char *expand(const Transcript *t, const char *text) {
        g_autoptr(GString) out = g_string_new(text);
        g_autofree char *pf = g_strdup_printf("sys/bus/pci/devices/%s", t->bdf);

        for (unsigned i = 0; i < 3; i++) {
                g_autofree char *bdf = vf_bdf(t, i), *path = g_strdup_printf("sys/bus/pci/devices/%s", bdf);
                g_autofree char *small = g_strdup_printf("{vf%u}", i), *big = g_strdup_printf("{VF%u}", i);
                g_string_replace(out, small, path, 0);
                g_string_replace(out, big, bdf, 0);
        }
        g_string_replace(out, "{pf}", pf, 0);
        g_string_replace(out, "{PF}", t->bdf, 0);
        g_string_replace(out, "{drivers}", "sys/bus/pci/drivers", 0);
        g_string_replace(out, "{probe}", "sys/bus/pci/drivers_probe", 0);
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *mask(const Transcript *t, const char *text) {
        g_autoptr(GString) out = g_string_new(text);
        for (unsigned i = 0; i < 3; i++) {
                g_autofree char *bdf = vf_bdf(t, i), *word = g_strdup_printf("VF%u", i);
                g_string_replace(out, bdf, word, 0);
        }
        g_string_replace(out, t->bdf, "PF", 0);
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static int pf_ifindex(const Transcript *t) {
        g_autofree char *folder = g_strdup_printf("sys/bus/pci/devices/%s/net", t->bdf);
        g_auto(GStrv) names = NULL;
        uint64_t index = 0;
        if (io_list(t->io, folder, &names) < 0 || !names[0])
                return -ENODEV;
        g_autofree char *path = g_strdup_printf("%s/%s/ifindex", folder, names[0]);
        int r = io_read_uint(t->io, path, 10, INT32_MAX, &index);
        return r < 0 ? r : (int) index;
}

static const char *errno_word(int r) {
        return r == 0 ? "ok" : strerrorname_np(-r);
}

static void say(Transcript *t, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void say(Transcript *t, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_string_append_vprintf(t->out, format, args);
        va_end(args);
        g_string_append_c(t->out, '\n');
}

/* --- operations ----------------------------------------------------------------------------------------------- */

static void do_note(Transcript *t, const char *what, const char *value) {
        say(t, "\n# %s", what);
}

static void do_read(Transcript *t, const char *what, const char *value) {
        g_autofree char *path = expand(t, what), *text = NULL;
        int r = io_read_text(t->io, path, &text);
        say(t, "read %s: %s", what, r < 0 ? errno_word(r) : text);
}

static void do_link(Transcript *t, const char *what, const char *value) {
        g_autofree char *path = expand(t, what), *name = NULL;
        int r = io_read_link_name(t->io, path, &name);
        g_autofree char *shown = r < 0 ? NULL : mask(t, name);
        say(t, "link %s: %s", what, r < 0 ? errno_word(r) : shown);
}

static void do_write(Transcript *t, const char *what, const char *value) {
        g_autofree char *path = expand(t, what), *text = expand(t, value), *shown = g_strescape(value, NULL);
        int r = io_write(t->io, path, text, WRITE_MS);
        say(t, "write %s \"%s\": %s", what, shown, errno_word(r));
}

static void do_module(Transcript *t, const char *what, const char *value) {
        int r = io_load_module(t->io, what);
        say(t, "module %s: %s", what, r < 0 ? "error" : "ok");
}

static void do_group(Transcript *t, const char *what, const char *value) {
        g_autofree char *path = expand(t, what), *folder = g_strdup_printf("%s/iommu_group/devices", path);
        g_auto(GStrv) names = NULL;
        int r = io_list(t->io, folder, &names);
        g_autofree char *joined = r < 0 ? NULL : g_strjoinv(" ", names), *shown = r < 0 ? NULL : mask(t, joined);
        say(t, "group of %s: %s", what, r < 0 ? errno_word(r) : shown);
}

static void do_config(Transcript *t, const char *what, const char *value) {
        g_autofree char *path = expand(t, what);
        g_autoptr(GBytes) bytes = NULL;
        PciCaps c;
        int r = io_read(t->io, path, 4096, &bytes);
        if (r < 0) {
                say(t, "config %s: %s", what, errno_word(r));
                return;
        }
        config_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &c);
        say(t,
            "config %s: %u bytes, type %d, flr %d, msix %s, ari %d, sriov %d: total %u num %u offset %#x stride %u vf "
            "%04x "
            "enabled %d memory %d",
            what, c.length, (int) c.pcie_type, c.flr, c.msix_vectors ? "yes" : "no", c.has_ari, c.has_sriov,
            c.sriov_total, c.sriov_num, c.sriov_offset, c.sriov_stride, c.sriov_vf_device, c.sriov_enabled,
            c.sriov_memory);
}

static void format_mac(const uint8_t mac[6], char *ret) {
        static const uint8_t ours[5] = {0x02, 0x00, 0x00, 0x00, 0xee};
        if (mac_is_zero(mac))
                g_strlcpy(ret, "none", MAC_TEXT_SIZE);
        else if (memcmp(mac, ours, sizeof ours) != 0)
                g_strlcpy(ret, "own", MAC_TEXT_SIZE);
        else
                mac_format(mac, ret);
}

static void do_state(Transcript *t, const char *what, const char *value) {
        g_autoptr(GByteArray) request = rtnl_build_get_vfs(pf_ifindex(t)), reply = g_byte_array_new();
        g_autoptr(GArray) infos = NULL;
        g_autofree char *folder = g_strdup_printf("sys/bus/pci/devices/%s", t->bdf);
        unsigned n = 0;
        for (; n < 7; n++) {
                g_autofree char *bdf = vf_bdf(t, n);
                if (g_str_equal(bdf, "none"))
                        break;
        }
        int r = io_netlink(t->io, request->data, request->len, reply, NULL);
        if (r == 0)
                r = rtnl_parse_vfs(reply->data, reply->len, n, &infos);
        say(t, "state: %s, %u VFs", errno_word(r), infos ? infos->len : 0);
        for (unsigned i = 0; infos && i < infos->len; i++) {
                const VfInfo *info = &g_array_index(infos, VfInfo, i);
                char mac[MAC_TEXT_SIZE];
                format_mac(info->state.mac, mac);
                g_autofree char *rest = vf_state_format(&info->state, VF_ALL & ~VF_MAC);
                say(t, "  VF%u%s mac=%s %s", info->index, info->missing ? " missing" : "", mac, rest);
        }
}

static int send_request(Transcript *t, const GByteArray *request) {
        return io_netlink(t->io, request->data, request->len, NULL, NULL);
}

static void do_set(Transcript *t, const char *what, const char *value) {
        g_auto(GStrv) words = g_strsplit(value, " ", -1);
        VfState state = {0};
        for (unsigned i = 0; words[i]; i++) {
                char *equals = strchr(words[i], '=');
                g_autofree char *message = NULL;
                bool is_attribute;
                *equals = '\0';
                if (!vf_state_parse_word(words[i], equals + 1, &state, &is_attribute, &message))
                        g_error("%s: %s", value, message);
        }
        g_autoptr(GByteArray) request = rtnl_build_set_vf(pf_ifindex(t), (unsigned) atoi(what), &state, state.known);
        say(t, "set %s %s: %s", what, value, errno_word(send_request(t, request)));
}

/* What vfadm itself would never send: one attribute of any content, or none. */
static int send_raw(Transcript *t, int ifindex, uint16_t type, const void *data, size_t length) {
        uint8_t buffer[512] = {0};
        struct nlmsghdr *head = mnl_nlmsg_put_header(buffer);
        head->nlmsg_type = RTM_SETLINK;
        head->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        struct ifinfomsg *info = mnl_nlmsg_put_extra_header(head, sizeof *info);
        info->ifi_index = ifindex;
        struct nlattr *list = mnl_attr_nest_start(head, IFLA_VFINFO_LIST),
                      *vf = mnl_attr_nest_start(head, IFLA_VF_INFO);
        if (data)
                mnl_attr_put(head, type, length, data);
        mnl_attr_nest_end(head, vf);
        mnl_attr_nest_end(head, list);
        return io_netlink(t->io, head, head->nlmsg_len, NULL, NULL);
}

static void do_raw_mac(Transcript *t, const char *what, const char *value) {
        struct ifla_vf_mac mac = {.vf = (uint32_t) atoi(what)};
        unsigned bytes[6];
        sscanf(value, "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5]);
        for (unsigned i = 0; i < 6; i++)
                mac.mac[i] = (uint8_t) bytes[i];
        say(t, "raw mac %s %s: %s", what, value, errno_word(send_raw(t, pf_ifindex(t), IFLA_VF_MAC, &mac, sizeof mac)));
}

static void do_raw_vlan(Transcript *t, const char *what, const char *value) {
        struct ifla_vf_vlan vlan = {.vf = (uint32_t) atoi(what), .vlan = (uint32_t) atoi(value)};
        say(t, "raw vlan %s %s: %s", what, value,
            errno_word(send_raw(t, pf_ifindex(t), IFLA_VF_VLAN, &vlan, sizeof vlan)));
}

static void do_raw_qos(Transcript *t, const char *what, const char *value) {
        struct ifla_vf_vlan vlan = {.vf = (uint32_t) atoi(what), .vlan = 5, .qos = (uint32_t) atoi(value)};
        say(t, "raw qos %s %s: %s", what, value,
            errno_word(send_raw(t, pf_ifindex(t), IFLA_VF_VLAN, &vlan, sizeof vlan)));
}

static void do_raw_empty(Transcript *t, const char *what, const char *value) {
        say(t, "raw empty %s: %s", what, errno_word(send_raw(t, pf_ifindex(t), 0, NULL, 0)));
}

static void do_raw_no_device(Transcript *t, const char *what, const char *value) {
        say(t, "raw no device: %s", errno_word(send_raw(t, 987654, 0, NULL, 0)));
}

static void do_link_up(Transcript *t, const char *what, const char *value) {
        g_autoptr(GByteArray) request = rtnl_build_link_up(pf_ifindex(t), true);
        say(t, "link up: %s", errno_word(send_request(t, request)));
        io_pause(t->io, 3000); /* a real link takes its time, and rates are refused without one */
}

static void do_link_down(Transcript *t, const char *what, const char *value) {
        g_autoptr(GByteArray) request = rtnl_build_link_up(pf_ifindex(t), false);
        say(t, "link down: %s", errno_word(send_request(t, request)));
        io_pause(t->io, 1000);
}

static void do_pause(Transcript *t, const char *what, const char *value) {
        io_pause(t->io, (unsigned) atoi(what));
}

static char *first_net(const Transcript *t, const char *what) {
        g_autofree char *path = expand(t, what), *folder = g_strdup_printf("%s/net", path);
        g_auto(GStrv) names = NULL;
        return io_list(t->io, folder, &names) == 0 && names[0] ? g_strdup_printf("%s/%s", folder, names[0]) : NULL;
}

/* Drivers come by way of udev, and names change. */
static void do_await_net(Transcript *t, const char *what, const char *value) {
        int64_t deadline = io_now(t->io) + (int64_t) AWAIT_MS * 1000;
        g_autofree char *net = first_net(t, what);
        while (!net && io_now(t->io) < deadline) {
                io_pause(t->io, 100);
                net = first_net(t, what);
        }
        io_pause(t->io, 1000);
        say(t, "network device of %s: %s", what, net ? "yes" : "no");
}

static void do_net_mac(Transcript *t, const char *what, const char *value) {
        g_autofree char *net = first_net(t, what), *path = g_strdup_printf("%s/address", net ? net : "none"),
                        *text = NULL;
        int r = io_read_text(t->io, path, &text);
        say(t, "MAC of %s: %s", what, r < 0 ? errno_word(r) : text);
}

static const struct {
        const char *verb;
        void (*run)(Transcript *t, const char *what, const char *value);
} verbs[] = {
        {"note", do_note},
        {"read", do_read},
        {"link", do_link},
        {"write", do_write},
        {"module", do_module},
        {"group", do_group},
        {"config", do_config},
        {"state", do_state},
        {"set", do_set},
        {"raw-mac", do_raw_mac},
        {"raw-vlan", do_raw_vlan},
        {"raw-qos", do_raw_qos},
        {"raw-empty", do_raw_empty},
        {"raw-no-device", do_raw_no_device},
        {"link-up", do_link_up},
        {"link-down", do_link_down},
        {"pause", do_pause},
        {"await-net", do_await_net},
        {"net-mac", do_net_mac},
};

static char *transcribe(Io *io, const char *bdf) {
        Transcript t = {.io = io, .bdf = bdf, .out = g_string_new(NULL)};
        for (unsigned i = 0; i < G_N_ELEMENTS(operations); i++)
                for (unsigned v = 0; v < G_N_ELEMENTS(verbs); v++)
                        if (g_str_equal(verbs[v].verb, operations[i].verb))
                                verbs[v].run(&t, operations[i].what, operations[i].value);
        return g_string_free(t.out, FALSE);
}

static int compare(const char *found, const char *file) {
        g_autofree char *expected = NULL;
        if (!g_file_get_contents(file, &expected, NULL, NULL)) {
                fprintf(stderr, "%s cannot be read\n", file);
                return 1;
        }
        g_auto(GStrv) a = g_strsplit(expected, "\n", -1), b = g_strsplit(found, "\n", -1);
        int status = 0;
        for (unsigned i = 0; a[i] || b[i]; i++) {
                if (g_strcmp0(a[i], b[i]) == 0)
                        continue;
                fprintf(stderr, "line %u\n- %s\n+ %s\n", i + 1, a[i] ? a[i] : "", b[i] ? b[i] : "");
                status = 1;
                if (!a[i] || !b[i])
                        break;
        }
        return status;
}

int main(int argc, char **argv) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;

        if (argc == 3 && g_str_equal(argv[1], "--real")) {
                g_autoptr(Io) io = io_real_new("/", &error);
                if (!io) {
                        fprintf(stderr, "%s\n", error->message);
                        return 1;
                }
                text = transcribe(io, argv[2]);
        } else {
                g_autoptr(Sim) sim = sim_new(0);
                sim_add_card(sim, "igb");
                g_autoptr(Io) io = sim_process(sim, "sim-transcript");
                text = transcribe(io, "0000:01:00.0");
        }
        if (argc == 3 && g_str_equal(argv[1], "--check"))
                return compare(text, argv[2]);
        fputs(text, stdout);
        return 0;
}
