/* The config space walker: facts of three typical functions, held against lspci's reading of the same bytes; and lists
 * that loop, point nowhere or are cut off. */
#include "host/config.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
        uint8_t b[4096];
        size_t length;
} Space;

static void put8(Space *s, size_t at, unsigned v) {
        s->b[at] = (uint8_t) v;
}

static void put16(Space *s, size_t at, unsigned v) {
        put8(s, at, v & 0xff);
        put8(s, at + 1, v >> 8 & 0xff);
}

static void put32(Space *s, size_t at, uint32_t v) {
        put16(s, at, v & 0xffff);
        put16(s, at + 2, v >> 16);
}

static void put_ids(Space *s, unsigned vendor, unsigned device, uint32_t class_code, unsigned header_type) {
        put16(s, 0, vendor);
        put16(s, 2, device);
        put16(s, 6, 0x10); /* capability list */
        put32(s, 8, class_code << 8);
        put8(s, 0x0e, header_type);
}

static void put_cap(Space *s, size_t at, unsigned id, size_t next) {
        put8(s, at, id);
        put8(s, at + 1, (unsigned) next);
}

static void put_ext(Space *s, size_t at, unsigned id, size_t next) {
        put32(s, at, id | 1u << 16 | (uint32_t) next << 20);
}

static void put_express(Space *s, size_t at, size_t next, unsigned type, uint32_t devcap) {
        put_cap(s, at, 0x10, next);
        put16(s, at + 2, 2 | type << 4);
        put32(s, at + 4, devcap);
        put32(s, at + 0x0c, 0x1 | 4 << 4); /* 2.5 GT/s x4 */
        put16(s, at + 0x12, 0x1 | 4 << 4);
}

static void put_sriov(Space *s, size_t at, size_t next) {
        put_ext(s, at, 0x10, next);
        put16(s, at + 0x08, 0x19); /* VF enable, memory, ARI hierarchy */
        put16(s, at + 0x0c, 8);
        put16(s, at + 0x0e, 8);
        put16(s, at + 0x10, 7);
        put16(s, at + 0x14, 0x80);
        put16(s, at + 0x16, 2);
        put16(s, at + 0x1a, 0x10ca);
        put32(s, at + 0x1c, 0x553);
        put32(s, at + 0x20, 1);
        put32(s, at + 0x24, 0xfe40000c);
        put32(s, at + 0x28, 0xf0);
        put32(s, at + 0x38, 0x80000000);
}

/* As an 82576 port lays itself out. */
static Space *endpoint(void) {
        Space *s = g_new0(Space, 1);
        s->length = 4096;
        put_ids(s, 0x8086, 0x10c9, 0x020000, 0x80);
        put8(s, 0x34, 0x40);
        put_cap(s, 0x40, 0x01, 0x50);
        put16(s, 0x42, 3);
        put_cap(s, 0x50, 0x05, 0x70);
        put16(s, 0x52, 0x0184); /* 4 vectors, 64 bit, maskable */
        put_cap(s, 0x70, 0x11, 0x98);
        put16(s, 0x72, 9);
        put_cap(s, 0x98, 0x13, 0xa0);
        put8(s, 0x9a, 6);
        put8(s, 0x9b, 3);
        put_express(s, 0xa0, 0, 0, 0x10008cc1);
        put_ext(s, 0x100, 0x01, 0x140);
        put_ext(s, 0x140, 0x03, 0x150);
        put32(s, 0x144, 0xff123456);
        put32(s, 0x148, 0x001b21ff);
        put_ext(s, 0x150, 0x0e, 0x160);
        put_sriov(s, 0x160, 0);
        return s;
}

static Space *root_port(void) {
        Space *s = g_new0(Space, 1);
        s->length = 4096;
        put_ids(s, 0x1b36, 0x000c, 0x060400, 0x01);
        put8(s, 0x19, 1);
        put8(s, 0x1a, 1);
        put8(s, 0x34, 0x54);
        put_express(s, 0x54, 0x48, 4, 0x8000);
        put32(s, 0x54 + 0x24, 0x20); /* ARI forwarding: can, and does */
        put16(s, 0x54 + 0x28, 0x20);
        put_cap(s, 0x48, 0x11, 0x60 + 0x38);
        put16(s, 0x4a, 0);
        put_cap(s, 0x98, 0x01, 0);
        put16(s, 0x9a, 3);
        put16(s, 0x9c, 0x8); /* keeps its state from D3hot to D0 */
        put_ext(s, 0x100, 0x01, 0x148);
        put_ext(s, 0x148, 0x0d, 0);
        put16(s, 0x14c, 0x1f);
        put16(s, 0x14e, 0x1d);
        return s;
}

static Space *conventional_bridge(void) {
        Space *s = g_new0(Space, 1);
        s->length = 256;
        put_ids(s, 0x8086, 0x244e, 0x060401, 0x01);
        put8(s, 0x34, 0x50);
        put_cap(s, 0x50, 0x0d, 0); /* subsystem ids: none of ours */
        return s;
}

static void test_endpoint(void) {
        g_autofree Space *s = endpoint();
        PciCaps c;
        config_parse(s->b, s->length, &c);
        g_assert_cmpuint(c.length, ==, 4096);
        g_assert_cmpuint(c.header_type, ==, 0);
        g_assert_true(c.multifunction);
        g_assert_cmpint(c.pcie_type, ==, PCIE_ENDPOINT);
        g_assert_true(c.flr && c.af_flr && c.pm_reset);
        g_assert_cmpuint(c.msi_vectors, ==, 4);
        g_assert_cmpuint(c.msix_vectors, ==, 10);
        g_assert_cmpuint(c.link_width, ==, 4);
        g_assert_cmpuint(c.link_speed_max, ==, 1);
        g_assert_true(c.has_ari);
        g_assert_false(c.has_acs);
        g_assert_true(c.has_sriov && c.sriov_enabled && c.sriov_memory && c.sriov_ari);
        g_assert_cmpuint(c.sriov_initial, ==, 8);
        g_assert_cmpuint(c.sriov_total, ==, 8);
        g_assert_cmpuint(c.sriov_num, ==, 7);
        g_assert_cmpuint(c.sriov_offset, ==, 0x80);
        g_assert_cmpuint(c.sriov_stride, ==, 2);
        g_assert_cmpuint(c.sriov_vf_device, ==, 0x10ca);
        g_assert_cmphex(c.sriov_page_sizes, ==, 0x553);
        g_assert_cmphex(c.sriov_page_size, ==, 1);
        g_assert_true(c.has_serial);
        g_assert_cmphex(c.serial, ==, 0x001b21ffff123456);
        g_assert_cmphex(c.sriov_bars[0], ==, 0xfe40000c);
        g_assert_cmphex(c.sriov_bars[1], ==, 0xf0);
        g_assert_cmphex(c.sriov_bars[5], ==, 0x80000000);
        const uint16_t found[] = {c.pm_at, c.msi_at, c.msix_at, c.af_at, c.express_at, c.ari_at, c.sriov_at, c.acs_at};
        const uint16_t expected[] = {0x40, 0x50, 0x70, 0x98, 0xa0, 0x150, 0x160, 0};
        g_assert_cmpmem(found, sizeof found, expected, sizeof expected);
        g_assert_cmphex(c.command, ==, 0);
        g_assert_cmpuint(c.subordinate, ==, 0); /* of bridges only */
}

static void test_ports(void) {
        g_autofree Space *port = root_port(), *bridge = conventional_bridge();
        PciCaps c;
        config_parse(port->b, port->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_ROOT_PORT);
        g_assert_cmpuint(c.header_type, ==, 1);
        g_assert_true(c.ari_forwarding_capable && c.ari_forwarding);
        g_assert_false(c.flr || c.pm_reset);
        g_assert_true(c.has_acs);
        g_assert_cmphex(c.acs_cap, ==, ACS_SV | ACS_TB | ACS_RR | ACS_CR | ACS_UF);
        g_assert_cmphex(c.acs_ctrl, ==, ACS_SV | ACS_RR | ACS_CR | ACS_UF);
        g_assert_cmpuint(c.msix_vectors, ==, 1);
        g_assert_cmphex(c.acs_at, ==, 0x148);
        g_assert_cmpuint(acs_lacks(&c), ==, 0);

        config_parse(bridge->b, bridge->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_NONE);
        g_assert_cmpuint(c.header_type, ==, 1);
        g_assert_cmpuint(c.length, ==, 256);
        g_assert_false(c.has_acs || c.has_sriov || c.pm_reset || c.multifunction);
}

/* Bus numbers and windows, open, closed and not there. */
static void test_windows(void) {
        g_autofree Space *s = root_port();
        PciCaps c;
        put16(s, 4, 0x107);
        put8(s, 0x18, 0x40);
        put8(s, 0x19, 0x41);
        put8(s, 0x1a, 0x43);
        put16(s, 0x20, 0xfe80);
        put16(s, 0x22, 0xfe90);
        put16(s, 0x24, 0x0001);
        put16(s, 0x26, 0x1ff1);
        put32(s, 0x28, 0xc0);
        put32(s, 0x2c, 0xc0);
        config_parse(s->b, s->length, &c);
        g_assert_cmphex(c.command, ==, 0x107);
        g_assert_cmphex(c.primary << 16 | c.secondary << 8 | c.subordinate, ==, 0x404143);
        g_assert_cmphex(c.mem_base, ==, 0xfe800000);
        g_assert_cmphex(c.mem_limit, ==, 0xfe9fffff);
        g_assert_true(c.pref_64);
        g_assert_cmphex(c.pref_base, ==, 0xc000000000);
        g_assert_cmphex(c.pref_limit, ==, 0xc01fffffff);
        put16(s, 0x22, 0xfe70);
        config_parse(s->b, s->length, &c);
        g_assert_cmphex(c.mem_base, >, c.mem_limit);
        put32(s, 0x24, 0);
        config_parse(s->b, s->length, &c);
        g_assert_false(c.pref_64);
        g_assert_cmphex(c.pref_base, >, c.pref_limit);
}

/* What is off of what isolates, and what is not there counts as wired on. */
static void test_acs(void) {
        PciCaps c = {.has_acs = true, .acs_cap = ACS_SV | ACS_TB | ACS_RR | ACS_CR | ACS_UF, .acs_ctrl = ACS_SV | ACS_UF | ACS_TB};
        g_assert_cmphex(acs_lacks(&c), ==, ACS_RR | ACS_CR);
        g_autofree char *text = acs_text(acs_lacks(&c));
        g_assert_cmpstr(text, ==, "RR CR");
        c.acs_cap = ACS_SV | ACS_UF;
        g_assert_cmphex(acs_lacks(&c), ==, 0);
        c.pcie_type = PCIE_ROOT_PORT;
        g_assert_true(port_needs_acs(&c));
        c.pcie_type = PCIE_UPSTREAM_PORT;
        g_assert_false(port_needs_acs(&c));
}

/* Header types of which the kernel takes no function in, and CardBus with its list in another place. */
static void test_headers(void) {
        g_autofree Space *s = endpoint();
        PciCaps c;
        put8(s, 0x0e, 3);
        config_parse(s->b, s->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_NONE);
        put8(s, 0x0e, 2);
        put8(s, 0x14, 0x40);
        put8(s, 0x34, 0x50);
        config_parse(s->b, s->length, &c);
        g_assert_cmphex(c.pm_at, ==, 0x40);
        config_parse(s->b, 124, &c); /* a header of 128 bytes that was not read */
        g_assert_cmphex(c.pm_at, ==, 0);
        put8(s, 0x0e, 0); /* types without a link have noise in its registers */
        put8(s, 0x34, 0x40);
        put16(s, 0xa2, 2 | 9 << 4);
        config_parse(s->b, s->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_RC_ENDPOINT);
        g_assert_cmpuint(c.link_width_max, ==, 0);
}

/* Every length: never beyond the bytes, and nothing from a capability that is cut off. */
static void test_short(void) {
        g_autofree Space *s = endpoint();
        for (size_t length = 0; length <= s->length; length++) {
                g_autofree uint8_t *exact = length ? g_memdup2(s->b, length) : g_malloc(1);
                PciCaps c;
                config_parse(exact, length, &c);
                g_assert_cmpint(c.has_sriov, ==, length >= 0x160 + 0x40);
                g_assert_cmpint(c.has_serial, ==, length >= 0x140 + 12);
                g_assert_cmpint(c.multifunction, ==, length >= 64);
                g_assert_cmpint(c.msix_vectors, ==, length >= 0x70 + 12 ? 10 : 0);
        }
}

/* A VF's ids are ffff; the rest is as with any function. */
static void test_vf(void) {
        g_autofree Space *s = endpoint();
        PciCaps c;
        put32(s, 0, UINT32_MAX);
        config_parse(s->b, s->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_ENDPOINT);
        g_assert_true(c.flr);
        g_assert_cmpuint(c.msix_vectors, ==, 10);
}

static void test_loops(void) {
        g_autofree Space *s = endpoint();
        PciCaps c;
        put8(s, 0xa1, 0x40);           /* the standard list begins anew */
        put_ext(s, 0x160, 0x10, 0x100); /* and so does the extended one */
        config_parse(s->b, s->length, &c);
        g_assert_true(c.has_sriov && c.flr);
        g_assert_cmpuint(c.sriov_total, ==, 8);

        put_ext(s, 0x100, 0x01, 0x100); /* points at itself: what follows is not seen */
        put8(s, 0x41, 0x40);
        config_parse(s->b, s->length, &c);
        g_assert_false(c.has_sriov || c.has_serial || c.flr);
        g_assert_true(c.pm_reset);
}

static void test_wild(void) {
        g_autofree Space *s = endpoint();
        PciCaps c;
        put8(s, 0x34, 0x10); /* into the header */
        config_parse(s->b, s->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_NONE);
        g_assert_false(c.has_sriov);

        put8(s, 0x34, 0x40);
        put16(s, 6, 0); /* "no capability list" */
        config_parse(s->b, s->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_NONE);

        memset(s->b, 0xff, s->length); /* does not answer */
        config_parse(s->b, s->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_NONE);
        g_assert_false(c.multifunction || c.has_sriov || c.flr);
        g_assert_cmpuint(c.length, ==, 4096);

        g_autofree Space *twice = root_port(); /* the first Express capability counts */
        put_cap(twice, 0x98, 0x10, 0);
        put16(twice, 0x9a, 2 | PCIE_ENDPOINT << 4);
        config_parse(twice->b, twice->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_ROOT_PORT);
        g_assert_true(c.ari_forwarding);

        g_autofree Space *v1 = root_port(); /* version 1 of Express has no Device Capabilities 2 */
        put16(v1, 0x56, 1 | 4 << 4);
        config_parse(v1->b, v1->length, &c);
        g_assert_cmpint(c.pcie_type, ==, PCIE_ROOT_PORT);
        g_assert_false(c.ari_forwarding_capable || c.ari_forwarding);
}

/* ---- lspci as the judge ---- */

static char sign(bool b) {
        return b ? '+' : '-';
}

static void check_line(const char *text, bool there, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void check_line(const char *text, bool there, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *line = g_strdup_vprintf(format, args);
        va_end(args);
        if ((strstr(text, line) != NULL) != there)
                g_error("lspci %s '%s':\n%s", there ? "does not say" : "says", line, text);
}

static void check_acs(const char *text, const char *word, uint16_t bits) {
        check_line(text, true,
                   "%s: SrcValid%c TransBlk%c ReqRedir%c CmpltRedir%c UpstreamFwd%c EgressCtrl%c DirectTrans%c", word,
                   sign(bits & ACS_SV), sign(bits & ACS_TB), sign(bits & ACS_RR), sign(bits & ACS_CR),
                   sign(bits & ACS_UF), sign(bits & ACS_EC), sign(bits & ACS_DT));
}

static void check_sriov(const char *text, const PciCaps *c) {
        check_line(text, c->has_sriov, "Single Root I/O Virtualization");
        if (!c->has_sriov)
                return;
        check_line(text, true, "IOVCtl: Enable%c", sign(c->sriov_enabled));
        check_line(text, true, "MSE%c ARIHierarchy%c", sign(c->sriov_memory), sign(c->sriov_ari));
        check_line(text, true, "Initial VFs: %u, Total VFs: %u, Number of VFs: %u,", c->sriov_initial, c->sriov_total,
                   c->sriov_num);
        check_line(text, true, "VF offset: %u, stride: %u, Device ID: %04x", c->sriov_offset, c->sriov_stride,
                   c->sriov_vf_device);
        check_line(text, true, "Supported Page Size: %08x, System Page Size: %08x", c->sriov_page_sizes,
                   c->sriov_page_size);
}

static void check_express(const char *text, const PciCaps *c) {
        static const char *const types[16] = {"Endpoint", "Legacy Endpoint", [4] = "Root Port", "Upstream Port",
                                              "Downstream Port"};
        static const char *const speeds[16] = {"unknown", "2.5GT/s", "5GT/s", "8GT/s", "16GT/s", "32GT/s", "64GT/s"};
        check_line(text, c->pcie_type != PCIE_NONE, "] Express (v");
        if (c->pcie_type == PCIE_NONE || !types[c->pcie_type])
                return;
        check_line(text, true, ") %s", types[c->pcie_type]);
        if (c->pcie_type <= PCIE_LEGACY_ENDPOINT)
                check_line(text, true, "FLReset%c", sign(c->flr));
        check_line(text, true, "Speed %s, Width x%u", speeds[c->link_speed_max & 15], c->link_width_max);
        check_line(text, c->ari_forwarding_capable || c->ari_forwarding, "ARIFwd+");
}

static void check_against_lspci(const char *text, const PciCaps *c) {
        check_express(text, c);
        check_sriov(text, c);
        check_line(text, c->msix_vectors != 0, "] MSI-X:");
        if (c->msix_vectors)
                check_line(text, true, "Count=%u ", c->msix_vectors);
        check_line(text, c->msi_vectors != 0, "] MSI:");
        if (c->msi_vectors)
                check_line(text, true, "/%u Maskable", c->msi_vectors);
        check_line(text, c->has_acs, "ACSCap:");
        if (c->has_acs) {
                check_acs(text, "ACSCap", c->acs_cap);
                check_acs(text, "ACSCtl", c->acs_ctrl);
        }
        check_line(text, c->has_ari, "Alternative Routing-ID Interpretation");
        check_line(text, c->af_flr, "AFCap: TP+ FLR+");
        check_line(text, c->pm_reset, "NoSoftRst-");
        check_line(text, c->has_serial, "Device Serial Number");
        if (!c->has_serial)
                return;
        g_autoptr(GString) serial = g_string_new("Device Serial Number ");
        for (int shift = 56; shift >= 0; shift -= 8)
                g_string_append_printf(serial, "%02x%s", (unsigned) (c->serial >> shift & 0xff), shift ? "-" : "");
        check_line(text, true, "%s", serial->str);
}

/* As 'lspci -xxxx' prints: the shape that 'lspci -F' reads. */
static void dump(GString *out, const char *name, const uint8_t *bytes, size_t length) {
        g_string_append_printf(out, "%s Device", name);
        for (size_t at = 0; at < length; at++) {
                if (at % 16 == 0)
                        g_string_append_printf(out, "\n%02zx:", at);
                g_string_append_printf(out, " %02x", bytes[at]);
        }
        g_string_append(out, "\n\n");
}

/* One blank between words, whatever lspci indents and wraps with. */
static char *squeeze(const char *text) {
        g_auto(GStrv) words = g_strsplit_set(text, " \t\n", -1);
        GString *out = g_string_new(NULL);
        for (char **word = words; *word; word++)
                if (**word)
                        g_string_append_printf(out, "%s ", *word);
        return g_string_free(out, FALSE);
}

static char *run_lspci(const char *const *argv) {
        char *out = NULL;
        int status = -1;
        g_autoptr(GError) error = NULL;
        GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL;
        if (g_spawn_sync(NULL, (char **) argv, NULL, flags, NULL, NULL, &out, NULL, &status, &error) &&
            g_spawn_check_wait_status(status, NULL))
                return out;
        g_free(out);
        return NULL;
}

static char *have_lspci(void) {
        g_autofree char *path = g_find_program_in_path("lspci");
        if (!path && g_file_test("/usr/sbin/lspci", G_FILE_TEST_IS_EXECUTABLE))
                path = g_strdup("/usr/sbin/lspci");
        if (!path)
                g_test_skip("lspci is not installed (package pciutils)");
        return g_steal_pointer(&path);
}

/* lspci's blocks for the functions of a dump, in the dump's order, blanks squeezed. */
static char **lspci_reads(const char *lspci, const char *text) {
        g_autofree char *path = NULL;
        int fd = g_file_open_tmp("vfadm-lspci-XXXXXX", &path, NULL);
        g_assert_cmpint(fd, >=, 0);
        g_close(fd, NULL);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
        const char *const argv[] = {lspci, "-F", path, "-vvv", "-D", NULL};
        g_autofree char *out = run_lspci(argv);
        g_unlink(path);
        g_assert_nonnull(out);
        g_auto(GStrv) blocks = g_strsplit(g_strchomp(out), "\n\n", -1);
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        for (char **block = blocks; *block; block++) {
                g_autofree char *flat = squeeze(*block);
                g_strv_builder_add(builder, flat);
        }
        return g_strv_builder_end(builder);
}

static void test_lspci(void) {
        g_autofree char *lspci = have_lspci();
        g_autoptr(GString) text = g_string_new(NULL);
        static Space *(*const make[])(void) = {conventional_bridge, root_port, endpoint};

        if (!lspci)
                return;
        for (unsigned i = 0; i < G_N_ELEMENTS(make); i++) {
                g_autofree char *name = g_strdup_printf("%02x:00.0", i);
                g_autofree Space *s = make[i]();
                dump(text, name, s->b, s->length);
        }
        g_auto(GStrv) blocks = lspci_reads(lspci, text->str);
        g_assert_cmpuint(g_strv_length(blocks), ==, G_N_ELEMENTS(make));
        for (unsigned i = 0; i < G_N_ELEMENTS(make); i++) {
                g_autofree Space *s = make[i]();
                PciCaps caps;
                config_parse(s->b, s->length, &caps);
                check_against_lspci(blocks[i], &caps);
        }
}

/* The functions of the machine that runs the tests. */
static void test_lspci_here(void) {
        g_autofree char *lspci = have_lspci();
        g_autoptr(GDir) folder = g_dir_open("/sys/bus/pci/devices", 0, NULL);
        const char *name;
        unsigned compared = 0;

        while (lspci && folder && (name = g_dir_read_name(folder))) {
                g_autofree char *path = g_build_filename("/sys/bus/pci/devices", name, "config", NULL);
                g_autofree char *bytes = NULL;
                size_t length;
                if (!g_file_get_contents(path, &bytes, &length, NULL) || length < 256)
                        continue;
                g_autoptr(GString) text = g_string_new(NULL);
                dump(text, name, (uint8_t *) bytes, length);
                g_auto(GStrv) blocks = lspci_reads(lspci, text->str);
                PciCaps caps;
                config_parse((uint8_t *) bytes, length, &caps);
                g_assert_cmpuint(g_strv_length(blocks), ==, 1);
                check_against_lspci(blocks[0], &caps);
                compared++;
        }
        if (lspci && !compared)
                g_test_skip("no PCI device here whose config space may be read");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config/endpoint", test_endpoint);
        g_test_add_func("/config/ports", test_ports);
        g_test_add_func("/config/windows", test_windows);
        g_test_add_func("/config/acs", test_acs);
        g_test_add_func("/config/headers", test_headers);
        g_test_add_func("/config/short", test_short);
        g_test_add_func("/config/vf", test_vf);
        g_test_add_func("/config/loops", test_loops);
        g_test_add_func("/config/wild", test_wild);
        g_test_add_func("/config/lspci", test_lspci);
        g_test_add_func("/config/lspci-here", test_lspci_here);
        return g_test_run();
}
