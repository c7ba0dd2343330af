/* What Xen's tools read: entries of pci = [ … ], and domains' configuration files, changed byte for byte. */
#include "xl/syntax.h"
#include "xl/xl.h"

#include "base/error.h"

#include <string.h>

static const PciAddr vf0 = {0, 1, 0x10, 0}, vf1 = {0, 1, 0x10, 2};

/* ---- entries ---- */

static void test_device_format(void) {
        XenDevice device = xen_device_plain(vf0);
        g_autofree char *plain = xl_device_format(&device);

        g_assert_cmpstr(plain, ==, "0000:01:10.0");
        device = (XenDevice) {.host = {0x1a, 0xff, 0x1f, 7}, .slot = 0x1b, .permissive = 1, .msitranslate = 0, .power_mgmt = 1, .seize = 0, .rdm = XEN_RDM_RELAXED};
        g_autofree char *all = xl_device_format(&device);
        g_assert_cmpstr(all, ==, "001a:ff:1f.7@1b,permissive=1,msitranslate=0,power_mgmt=1,seize=0,rdm_policy=relaxed");
}

static void test_device_parse(void) {
        static const struct {
                const char *text;
                const char *same; /* as it is formatted */
        } rows[] = {
                {"01:10.0", "0000:01:10.0"},
                {"0000:01:10.0", "0000:01:10.0"},
                {"1:0.3", "0000:01:00.3"},
                {"FFFF:Ab:1F.7", "ffff:ab:1f.7"},
                {"01:10.0@4", "0000:01:10.0@4"},
                {"01:10.0@1f,permissive=1", "0000:01:10.0@1f,permissive=1"},
                {"01:10.0,vslot=20,vslot=8", NULL},
                {"01:10.0,vslot=0A", "0000:01:10.0@a"},
                {"bdf=36:00.0,vslot=10,seize=1", "0000:36:00.0@10,seize=1"},
                {"vslot=2,bdf=36:00.0", "0000:36:00.0@2"},
                {"01:10.0,permissive=0,permissive=2,", "0000:01:10.0,permissive=1"},
                {"01:10.0,permissive=yes", "0000:01:10.0,permissive=0"},
                {"01:10.0,msitranslate=1,power_mgmt=0,rdm_policy=strict", "0000:01:10.0,msitranslate=1,power_mgmt=0,rdm_policy=strict"},
                {"01:10.0,", "0000:01:10.0"},
                {"", NULL},
                {"01", NULL},
                {"01:10", NULL},
                {" 01:10.0", NULL},
                {"01:10.0 ", NULL},
                {"01:10.8", NULL},
                {"01:20.0", NULL},
                {"100:10.0", NULL},
                {"10000:01:10.0", NULL},
                {"0:0:01:10.0", NULL},
                {"01:10.0@", NULL},
                {"01:10.0@20", NULL},
                {"01:10.0@4x", NULL},
                {"01:10.0,,permissive=1", NULL},
                {"01:10.0,permissive", NULL},
                {"01:10.0,premissive=1", NULL},
                {"01:10.0,rdm_policy=none", NULL},
                {"permissive=1", NULL},
                {"01:10.0,name=nic", NULL},
                {"01:10.0,permissive=1\n", NULL},
                {"01:10.0,permissive=\xc3\xa9", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GError) error = NULL;
                XenDevice device = xen_device_plain(vf1);
                bool ok = xl_device_parse(rows[i].text, strlen(rows[i].text), &device, &error);
                g_test_message("%s", rows[i].text);
                g_assert_cmpint(ok, ==, rows[i].same != NULL);
                g_autofree char *same = xl_device_format(&device);
                g_assert_cmpstr(same, ==, ok ? rows[i].same : "0000:01:10.2");
                if (!ok)
                        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        }
}

static void test_device_unsupported(void) {
        static const char *const texts[] = {"01:10.*", "bdf=01:10.*,permissive=1", "name=nic", "name=nic,permissive=1"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(GError) error = NULL;
                XenDevice device;
                g_assert_false(xl_device_parse(texts[i], strlen(texts[i]), &device, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED);
                g_assert_nonnull(strstr(error->message, texts[i]));
        }
}

/* ---- reading files ---- */

static GuestInfo *parse(const char *text, GError **error) {
        return xl_config_parse(text, strlen(text), error);
}

/* As an administrator writes them. */
static const char hvm[] = "# The web server\n"
                          "name = \"web1\"\n"
                          "type = 'hvm'   # was: builder\n"
                          "uuid = \"6E0EB2DA-9dd0-4441-ade0-8ebe17612a19\"\n"
                          "memory = 2048; vcpus = 2\n"
                          "\n"
                          "disk = [ 'phy:/dev/vg/web1,xvda,w',\n"
                          "         [ 'a', [ 1, 0x10, ], ],\n"
                          "       ]\n"
                          "vif = [\"bridge=xenbr0\"]\n"
                          "extra = 'say \"hi\" \\'there\\' [ # ; = ] \\\\'\n"
                          "pci = [ '00:1f.3', ]\n"
                          "pci = [ '01:10.0,permissive=1', # the VF\n"
                          "\t\"0000:01:10.2@4\"\n"
                          "]\n"
                          "on_crash = 'restart'";

static void test_config(void) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GuestInfo) info = parse(hvm, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(info->backend, ==, "xen");
        g_assert_cmpstr(info->name, ==, "web1");
        g_assert_cmpstr(info->uuid, ==, "6e0eb2da-9dd0-4441-ade0-8ebe17612a19");
        g_assert_cmpstr(info->machine, ==, "xenfv");
        g_assert_cmpuint(info->ram, ==, G_GUINT64_CONSTANT(2048) * 1024 * 1024);
        g_assert_true(!info->running && info->has_definition && info->domain == 0);
        g_assert_cmpuint(info->notes->len, ==, 0);
        g_assert_cmpuint(info->defined->len, ==, 2);
        const GuestDevice *first = info->defined->pdata[0];
        g_assert_cmpstr(first->id, ==, "vfadm-0000-01-10.0");
        g_assert_true(first->has_host && pci_addr_equal(first->host, vf0));
        g_assert_cmpstr(first->xml, ==, "01:10.0,permissive=1");
        g_assert_cmpstr(guest_info_find_defined(info, vf1)->xml, ==, "0000:01:10.2@4");
}

static void test_machine(void) {
        static const struct {
                const char *text, *machine;
        } rows[] = {
                {"name='a'", "xenpv"},
                {"name='a'\ntype='pv'", "xenpv"},
                {"name='a'\ntype='pvh'", "xenpvh"},
                {"name='a'\ntype='hvm'", "xenfv"},
                {"name='a'\nbuilder='hvm'", "xenfv"},
                {"name='a'\nbuilder='generic'", "xenpv"},
                {"name='a'\nbuilder='hvm'\ntype='hvm'", "xenfv"},
                {"name='a'\nbuilder='hvm'\ntype='pv'", NULL},
                {"name='a'\ntype='qemu'", NULL},
                {"name='a'\nbuilder='linux'", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GuestInfo) info = parse(rows[i].text, &error);
                g_assert_cmpstr(info ? info->machine : NULL, ==, rows[i].machine);
                g_assert_true(!info == !!error);
        }
}

/* "+=" adds to what stands; a later "=" begins anew. */
static void test_added(void) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GuestInfo) info = parse("pci=['02:00.0']\npci = ['01:10.0']\nname='we'; name += 'b1'\npci += [ '01:10.2' ]\n", &error);

        g_assert_no_error(error);
        g_assert_cmpstr(info->name, ==, "web1");
        g_assert_null(info->uuid);
        g_assert_cmpuint(info->defined->len, ==, 2);
        g_assert_true(guest_info_find_defined(info, vf0) && guest_info_find_defined(info, vf1));
        g_autoptr(GuestInfo) alone = parse("name='a'\npci += ['01:10.0']", &error);
        g_assert_no_error(error);
        g_assert_cmpuint(alone->defined->len, ==, 1);
}

/* What cannot be told of the list is said, and the rest is read. */
static void test_notes(void) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GuestInfo) info = parse("name='a'\npci = [ '01:10.*',\n 'name=nic', 7,\n '01:10.0', ['x'],\n '01:10.2' ]\n", &error);

        g_assert_no_error(error);
        g_assert_cmpuint(info->defined->len, ==, 1);
        g_assert_cmpuint(info->notes->len, ==, 4);
        g_assert_true(g_str_has_prefix(info->notes->pdata[0], "line 2: '01:10.*' names all functions"));
        g_assert_true(g_str_has_prefix(info->notes->pdata[1], "line 3: 'name=nic' names a device by a name"));
        g_assert_true(g_str_has_prefix(info->notes->pdata[3], "line 4: a list stands in pci"));
        g_autoptr(GuestInfo) text = parse("name='a'\npci = '01:10.0'\n", &error);
        g_assert_cmpuint(text->defined->len, ==, 0);
        g_assert_cmpuint(text->notes->len, ==, 1);
}

static void test_permissive(void) {
        static const struct {
                const char *text;
                bool permissive;
        } rows[] = {
                {"pci_permissive = 1", true},         {"pci_permissive = '1'", true}, {"pci_permissive=0x1\n", true},
                {"pci_permissive = 0", false},        {"# pci_permissive = 1\n", false}, {"pci_permissive=1\npci_permissive=0", false},
                {"pci_permissive = 'yes'", false},    {"pci_permissive = [ 1 ]", false}, {"extra='pci_permissive = 1'", false},
                {"pci_permissive=1\npci_permissive+=1", false}, {"pci_permissive = 1\n]", false}, {"", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
                g_assert_cmpint(xl_config_permissive(rows[i].text, strlen(rows[i].text)), ==, rows[i].permissive);
        g_autoptr(GuestInfo) permissive = parse("name='a'\npci_permissive = 1\npci_seize='0'", NULL);
        g_assert_true(permissive->all_permissive && !permissive->all_seize);
        g_autoptr(GuestInfo) seize = parse("name='a'\npci_seize=1", NULL);
        g_assert_true(!seize->all_permissive && seize->all_seize);
}

/* Each is refused by xl too, and with the line. */
static void test_refused(void) {
        static const struct {
                const char *text, *said;
        } rows[] = {
                {"name = 'a'\nimport os\n", "line 2: expected '=' or '+=', found os"},
                {"name = 'a'\n\nvcpus = 2 # two\nmemory = -1\n", "line 4: '-' has no meaning"},
                {"name = web1\n", "line 1: expected a quoted text"},
                {"name = 'web1\n", "line 1: a quoted text does not end"},
                {"name = \"web1'\n", "line 1: a quoted text does not end"},
                {"name = 'a\\'\n", "line 1: a quoted text does not end"},
                {"name = 'a\\x41'\n", "line 1: a backslash"},
                {"name = 'a' 'b'\n", "line 1: expected the line's end or ';', found 'b'"},
                {"name = 'a' vcpus = 2\n", "line 1: expected the line's end or ';', found vcpus"},
                {"Name = 'a'\n", "line 1: 'N' has no meaning"},
                {"name = 'a'\r\n", "line 1: it ends in a carriage return"},
                {"name = 'a'\n# end", "line 2: xl takes no comment"},
                {"name =\n'a'", "line 1: expected a quoted text, a number or '[', found the line's end"},
                {"name = 'a'\ndisk = [ 'a'\n 'b' ]", "line 3: expected ',' or ']', found 'b'"},
                {"name = 'a'\ndisk = [ 'a',, ]", "line 2: expected a quoted text, a number or '[', found ,"},
                {"name = 'a'\ndisk = [ , ]", "line 2: expected a quoted text"},
                {"name = 'a'\ndisk = [ 'a'\n", "line 3: expected ',' or ']', found the file's end"},
                {"name = 'a'\ndisk = [ 'a' ; ]", "line 2: expected ',' or ']', found ;"},
                {"name = 'a'\n]\n", "line 2: expected an option"},
                {"name = 'a'\npci = 'x'\npci += ['y']", "line 3: pci += adds"},
                {"vcpus = 2\n", "it gives the domain no name"},
                {"name = ['a']\n", "it gives the domain no name"},
                {"name = ''\n", "its name is none"},
                {"name = 'a/b'\n", "its name is none"},
                {"name = 'a'\nuuid = '42'\n", "its uuid is no UUID"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GError) error = NULL;
                g_assert_null(parse(rows[i].text, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
                g_test_message("%s", error->message);
                g_assert_true(g_str_has_prefix(error->message, rows[i].said));
                if (!g_str_has_prefix(rows[i].said, "line"))
                        continue;
                g_assert_null(xl_config_take_out(rows[i].text, strlen(rows[i].text), vf0, NULL));
                g_assert_null(xl_config_put(rows[i].text, strlen(rows[i].text), "01:10.0", NULL));
        }
}

static void test_bounds(void) {
        g_autoptr(GError) error = NULL;
        g_autofree char *deep = g_strnfill(XL_DEPTH_MAX + 1, '[');
        g_autofree char *nested = g_strdup_printf("name='a'\nx = %s", deep);
        g_autofree char *large = g_strnfill(XL_BYTES_MAX + 1, '\n');

        g_assert_null(parse(nested, &error));
        g_assert_true(g_str_has_prefix(error->message, "line 2: lists are nested deeper"));
        g_clear_error(&error);
        g_assert_null(parse(large, &error));
        g_assert_true(g_str_has_prefix(error->message, "it has 1048577 bytes"));
        g_clear_error(&error);
        g_assert_null(xl_config_parse("name='a'\n\0\n", 11, &error));
        g_assert_true(g_str_has_prefix(error->message, "line 2: a NUL byte"));
}

/* ---- changing files ---- */

typedef struct {
        const char *before, *after; /* putting in makes the second of the first */
        const char *back;           /* what taking out then leaves; NULL: `before` */
} Row;

static const Row put_rows[] = {
        /* No list. */
        {"name = 'a'\n", "name = 'a'\npci = [ '01:10.0' ]\n", "name = 'a'\npci = [ ]\n"},
        {"name = 'a'", "name = 'a'\npci = [ '01:10.0' ]\n", "name = 'a'\npci = [ ]\n"},
        {"name = 'a';", "name = 'a';\npci = [ '01:10.0' ]\n", "name = 'a';\npci = [ ]\n"},
        {"", "pci = [ '01:10.0' ]\n", "pci = [ ]\n"},
        {"# pci = [ '02:00.0' ]\n", "# pci = [ '02:00.0' ]\npci = [ '01:10.0' ]\n", "# pci = [ '02:00.0' ]\npci = [ ]\n"},
        /* An empty one. */
        {"pci = [ ]\nname = 'a'\n", "pci = [ '01:10.0' ]\nname = 'a'\n", NULL},
        {"pci=[]", "pci=[ '01:10.0' ]", "pci=[ ]"},
        {"pci = [\n]\n", "pci = [\n    '01:10.0'\n]\n", "pci = [ ]\n"},
        {"pci = [ # none\n  ]\n", "pci = [ # none\n      '01:10.0'\n  ]\n", NULL},
        {"pci = [\n\t# '02:00.0',\n]\n", "pci = [\n\t# '02:00.0',\n\t'01:10.0'\n]\n", NULL},
        {"pci = [\n\n]\n", "pci = [\n\n    '01:10.0'\n]\n", "pci = [ ]\n"},
        /* In one line. */
        {"pci = [ '02:00.0' ] # mine\n", "pci = [ '02:00.0', '01:10.0' ] # mine\n", NULL},
        {"pci=['02:00.0']", "pci=['02:00.0', '01:10.0']", NULL},
        {"pci=[\"02:00.0\",\"02:00.1\"]", "pci=[\"02:00.0\",\"02:00.1\",\"01:10.0\"]", NULL},
        {"pci = [ '02:00.0', ]\n", "pci = [ '02:00.0', '01:10.0', ]\n", NULL},
        {"pci = [ '02:00.0',]\n", "pci = [ '02:00.0', '01:10.0',]\n", NULL},
        {"name='a'; pci=[ '02:00.0' ]; vcpus=2", "name='a'; pci=[ '02:00.0', '01:10.0' ]; vcpus=2", NULL},
        {"pci = [ '02:00.0' # c\n]", "pci = [ '02:00.0', '01:10.0' # c\n]", NULL},
        {"pci = [ '02:00.0', '02:00.1',\n 'name=x', '02:00.3' ]", "pci = [ '02:00.0', '02:00.1',\n 'name=x', '02:00.3', '01:10.0' ]", NULL},
        {"pci = [ '01:00.0' , '01:00.1'  ]\n", "pci = [ '01:00.0' , '01:00.1', '01:10.0'  ]\n", NULL},
        {"pci = [ '0000:03:00.0']\n#extra = \"xencons=tty1\"\nextra = \"1\"\n", "pci = [ '0000:03:00.0', '01:10.0']\n#extra = \"xencons=tty1\"\nextra = \"1\"\n", NULL},
        {"pci = [ '00:1b.0','00:14.0','00:02.0@02' ]\n", "pci = [ '00:1b.0','00:14.0','00:02.0@02','01:10.0' ]\n", NULL},
        {"#\n#  Kernel\n#\nkernel      = '/boot/vmlinuz'\nname        = 'web1'\n\n#\n#  Behaviour\n#\non_poweroff = 'destroy'\n\n",
         "#\n#  Kernel\n#\nkernel      = '/boot/vmlinuz'\nname        = 'web1'\n\n#\n#  Behaviour\n#\non_poweroff = 'destroy'\n\npci = [ '01:10.0' ]\n",
         "#\n#  Kernel\n#\nkernel      = '/boot/vmlinuz'\nname        = 'web1'\n\n#\n#  Behaviour\n#\non_poweroff = 'destroy'\n\npci = [ ]\n"},
        /* A line each. */
        {"pci = [\n    '02:00.0',\n    '02:00.1'\n]\n", "pci = [\n    '02:00.0',\n    '02:00.1',\n    '01:10.0'\n]\n", NULL},
        {"pci = [\n\t\"02:00.0\",\n\t\"02:00.1\",\n]\n", "pci = [\n\t\"02:00.0\",\n\t\"02:00.1\",\n\t\"01:10.0\",\n]\n", NULL},
        {"pci = [ '02:00.0',\n        '02:00.1' ]\n", "pci = [ '02:00.0',\n        '02:00.1',\n        '01:10.0' ]\n", NULL},
        {"pci = [ '02:00.0',\n        '02:00.1', ]\n", "pci = [ '02:00.0',\n        '02:00.1',\n        '01:10.0', ]\n",
         "pci = [ '02:00.0',\n        '02:00.1',\n        ]\n"},
        {"pci = [\n  '02:00.0', # one\n  '02:00.1'  # two\n  # last\n]\n", "pci = [\n  '02:00.0', # one\n  '02:00.1',  # two\n  '01:10.0'\n  # last\n]\n", NULL},
        {"pci = [\n  '02:00.0' # one\n  , # two\n]\n", "pci = [\n  '02:00.0' # one\n  , # two\n  '01:10.0',\n]\n", NULL},
        {"pci = [ '02:00.0'\n      , '02:00.1'\n      ]\n", "pci = [ '02:00.0'\n      , '02:00.1', '01:10.0'\n      ]\n", NULL},
        /* The last one counts, and what is added to it. */
        {"pci = [ '01:10.0' ]\npci = [ '02:00.0' ]\n", "pci = [ '01:10.0' ]\npci = [ '02:00.0', '01:10.0' ]\n", NULL},
        {"pci = [ '02:00.0' ]\nname='a'\npci += [ '03:00.0' ]\n", "pci = [ '02:00.0' ]\nname='a'\npci += [ '03:00.0', '01:10.0' ]\n", NULL},
        {"pci = [ '02:00.0' ]\npci += [ ]\n", "pci = [ '02:00.0' ]\npci += [ '01:10.0' ]\n", NULL},
        /* What looks like a list and is none. */
        {"extra = \"pci = [ '02:00.0' ]\"\n", "extra = \"pci = [ '02:00.0' ]\"\npci = [ '01:10.0' ]\n", "extra = \"pci = [ '02:00.0' ]\"\npci = [ ]\n"},
        {"pci = [ '02:00.0' ] # ] '\n", "pci = [ '02:00.0', '01:10.0' ] # ] '\n", NULL},
        {"\tpci\t=\t[\t'02:00.0'\t]\t", "\tpci\t=\t[\t'02:00.0', '01:10.0'\t]\t", NULL},
        {"pci_permissive = 1\npcis = [ 'x' ]\n", "pci_permissive = 1\npcis = [ 'x' ]\npci = [ '01:10.0' ]\n", "pci_permissive = 1\npcis = [ 'x' ]\npci = [ ]\n"},
        {"# caf\xe9\npci = [ '02:00.0' ]\n", "# caf\xe9\npci = [ '02:00.0', '01:10.0' ]\n", NULL},
};

static void test_put(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(put_rows); i++) {
                const Row *row = &put_rows[i];
                g_autoptr(GError) error = NULL;
                g_autofree char *after = xl_config_put(row->before, strlen(row->before), "01:10.0", &error);
                g_assert_no_error(error);
                g_assert_cmpstr(after, ==, row->after);
                g_autofree char *twice = xl_config_put(after, strlen(after), "0000:01:10.0", &error);
                g_assert_cmpstr(twice, ==, row->after);
                g_autofree char *back = xl_config_take_out(after, strlen(after), vf0, &error);
                g_assert_no_error(error);
                g_assert_cmpstr(back, ==, row->back ? row->back : row->before);
        }
}

static void test_take_out(void) {
        static const Row rows[] = {
                {"pci = [ '01:10.0', '02:00.0' ]", "pci = [ '02:00.0' ]", NULL},
                {"pci = ['01:10.0','02:00.0']", "pci = ['02:00.0']", NULL},
                {"pci = [ '02:00.0', '01:10.0', '03:00.0' ]", "pci = [ '02:00.0', '03:00.0' ]", NULL},
                {"pci = [ '02:00.0', '01:10.0',\n  '03:00.0' ]", "pci = [ '02:00.0',\n  '03:00.0' ]", NULL},
                {"pci = [\n  '01:10.0', # web\n  '02:00.0', # db\n]\n", "pci = [\n  # web\n  '02:00.0', # db\n]\n", NULL},
                {"pci = [\n  '02:00.0', # db\n  '01:10.0'  # web\n]\n", "pci = [\n  '02:00.0' # db\n  # web\n]\n", NULL},
                {"pci = [\n  '02:00.0',\n  '01:10.0'  # web\n]\n", "pci = [\n  '02:00.0'\n  # web\n]\n", NULL},
                {"pci = [\n  '01:10.0' # web\n]\n", "pci = [\n  # web\n]\n", NULL},
                {"pci = [\n  '01:10.0'\n  , # web\n  '02:00.0'\n]\n", "pci = [\n   # web\n  '02:00.0'\n]\n", NULL},
                {"pci = [\n  '01:10.0'\n]\nname='a'\n", "pci = [ ]\nname='a'\n", NULL},
                {"pci = [ '01:10.0', ]", "pci = [ ]", NULL},
                {"pci=['01:10.0']", "pci=[ ]", NULL},
                /* However it is written, and however often. */
                {"pci = [ '1:10.0@4', \"bdf=0000:01:10.0,permissive=1\", '02:00.0' ]", "pci = [ '02:00.0' ]", NULL},
                {"pci = [ '02:00.0', '01:10.0', '01:10.0' ]", "pci = [ '02:00.0' ]", NULL},
                {"pci = [ '01:10.0', '01:10.0' ]", "pci = [ ]", NULL},
                {"pci = [ '01:10.0' ]\npci += [ '02:00.0', '01:10.0' ]", "pci = [ ]\npci += [ '02:00.0' ]", NULL},
                {"pci = [ '\\0611:10.0' ]", NULL, NULL},
                /* An earlier list that no longer counts stays, as does what is not understood. */
                {"pci = [ '01:10.0' ]\npci = [ '01:10.0', 'junk', [ 1 ] ]\n", "pci = [ '01:10.0' ]\npci = [ 'junk', [ 1 ] ]\n", NULL},
                {"pci = [ '02:00.0' ]", "pci = [ '02:00.0' ]", NULL},
                {"name = 'a'", "name = 'a'", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *after = xl_config_take_out(rows[i].before, strlen(rows[i].before), vf0, NULL);
                g_assert_cmpstr(after, ==, rows[i].after);
        }
}

/* An entry as it was found goes back as it was. */
static void test_put_options(void) {
        g_autofree char *out = xl_config_put("pci = [ \"02:00.0\" ]", 19, "0000:01:10.0@1f,permissive=1,rdm_policy=relaxed", NULL);
        g_assert_cmpstr(out, ==, "pci = [ \"02:00.0\", \"0000:01:10.0@1f,permissive=1,rdm_policy=relaxed\" ]");
        g_autofree char *odd = xl_config_put("pci = [ '02:00.0' ]", 19, "1:10.0,permissive='1\\", NULL);
        g_assert_cmpstr(odd, ==, "pci = [ '02:00.0', '1:10.0,permissive=\\'1\\\\' ]");
        g_autofree char *none = xl_config_take_out(odd, strlen(odd), vf0, NULL);
        g_assert_cmpstr(none, ==, "pci = [ '02:00.0' ]");
}

static void test_not_changed(void) {
        static const struct {
                const char *text, *put, *take_out; /* what is said; NULL: it is done */
        } rows[] = {
                {"pci = '01:10.2'", "line 1: pci is a text and no list", "line 1: pci is a text"},
                {"\npci = [ '02:00.0', [ '03:00.0' ] ]", "line 2: a list stands in", NULL},
                {"\npci = [\n'02:00.0', 'junk' ]", "line 3: 'junk'", NULL},
                {"pci = [ 'name=nic' ]", NULL, NULL},
                {"pci = [ '02:00.*' ]", NULL, NULL},
                {"pci = [\n'01:10.*,permissive=1' ]", "line 2: the entry is for all functions", "line 2: the entry is for all functions"},
                {"pci = [\n'01:10.0' ]", "line 2: the list has this device already", NULL},
                {"\npassthrough = 'disabled'", "line 2: passthrough", NULL},
                {"passthrough = 'enabled'", NULL, NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GError) error = NULL, error2 = NULL;
                g_autofree char *with = xl_config_put(rows[i].text, strlen(rows[i].text), "01:10.0,permissive=1", &error);
                g_autofree char *without = xl_config_take_out(rows[i].text, strlen(rows[i].text), vf0, &error2);
                g_assert_true(!with == !!rows[i].put && !without == !!rows[i].take_out);
                if (error)
                        g_assert_true(g_str_has_prefix(error->message, rows[i].put));
                if (error2)
                        g_assert_true(g_str_has_prefix(error2->message, rows[i].take_out));
        }
        g_autoptr(GError) error = NULL;
        g_assert_null(xl_config_put("", 0, "name=nic", &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/xl/device/format", test_device_format);
        g_test_add_func("/xl/device/parse", test_device_parse);
        g_test_add_func("/xl/device/unsupported", test_device_unsupported);
        g_test_add_func("/xl/config/parse", test_config);
        g_test_add_func("/xl/config/machine", test_machine);
        g_test_add_func("/xl/config/added", test_added);
        g_test_add_func("/xl/config/notes", test_notes);
        g_test_add_func("/xl/config/permissive", test_permissive);
        g_test_add_func("/xl/config/refused", test_refused);
        g_test_add_func("/xl/config/bounds", test_bounds);
        g_test_add_func("/xl/edit/put", test_put);
        g_test_add_func("/xl/edit/take-out", test_take_out);
        g_test_add_func("/xl/edit/put-options", test_put_options);
        g_test_add_func("/xl/edit/not-changed", test_not_changed);
        return g_test_run();
}
