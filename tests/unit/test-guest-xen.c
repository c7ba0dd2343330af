/* Domains of Xen as files below etc/xen define them: which file is whose, and that only that one is ever changed. */
#include "guest/xen_file.h"

#include "base/error.h"
#include "io_helpers.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static const char web1[] = "# ours\nname = 'web1'\nuuid = '4a616804-d4fe-4c55-84fb-69bd4b7806a2'\ntype = 'pv'\n"
                           "pci = [ '01:10.0,permissive=1' ]\nmemory = 256\n";
static const PciAddr vf0 = {.bus = 1, .slot = 16}, vf1 = {.bus = 1, .slot = 16, .function = 2};

static void put(const Temp *temp, const char *name, const char *text) {
        g_autofree char *path = g_build_filename(temp->path, name, NULL), *folder = g_path_get_dirname(path);
        g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void link_to(const Temp *temp, const char *name, const char *target) {
        g_autofree char *path = g_build_filename(temp->path, name, NULL), *folder = g_path_get_dirname(path);
        g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
        g_assert_cmpint(symlink(target, path), ==, 0);
}

static void holds(const Temp *temp, const char *name, const char *text) {
        g_autofree char *path = g_build_filename(temp->path, name, NULL);
        assert_file(path, text);
}

static void error_is(const GError *error, int code, const char *part) {
        g_assert_nonnull(error);
        g_assert_true(error->domain == VFADM_ERROR);
        g_test_message("%s", error->message);
        g_assert_cmpint(error->code, ==, code);
        g_assert_nonnull(strstr(error->message, part));
        g_assert_null(strchr(error->message, '\n'));
}

static GuestInfo *take(const Temp *temp, const char *name) {
        g_autoptr(XenFiles) files = xen_files_read(temp->io);
        g_autoptr(GError) error = NULL;
        GuestInfo *info = xen_files_take(files, name, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(info->backend, ==, "xen");
        g_assert_cmpstr(info->name, ==, name);
        g_assert_cmpstr(info->status, ==, "shut off");
        g_assert_false(info->running);
        g_assert_true(info->has_definition);
        g_assert_cmpuint(info->domain, ==, 0);
        return info;
}

static void test_found(void) {
        g_auto(Temp) temp;
        temp_open(&temp);
        put(&temp, "etc/xen/web1.cfg", web1);
        put(&temp, "etc/xen/xl.conf", "name = 'conf'\n");
        put(&temp, "etc/xen/auto/own", "name = \"own\"\n");
        put(&temp, "srv/xen/db.cfg", "name = \"db\"\ntype='hvm'\npci=['01:10.2']\n");
        link_to(&temp, "etc/xen/auto/web1.cfg", "../web1.cfg");
        link_to(&temp, "etc/xen/auto/again", "/etc/xen/./web1.cfg");
        link_to(&temp, "etc/xen/auto/db", "/srv/xen/db.cfg");
        /* Neither a link to a link, nor one out of the root, nor one to nothing. */
        link_to(&temp, "etc/xen/auto/far", "db");
        link_to(&temp, "etc/xen/auto/out", "../../../../srv/xen/db.cfg");
        link_to(&temp, "etc/xen/gone.cfg", "nothing.cfg");

        g_autoptr(GuestInfo) info = take(&temp, "web1");
        g_assert_cmpstr(info->file, ==, "etc/xen/web1.cfg");
        g_assert_cmpstr(info->machine, ==, "xenpv");
        g_assert_cmpuint(info->defined->len, ==, 1);
        g_assert_nonnull(guest_info_find_defined(info, vf0));
        g_autoptr(GuestInfo) db = take(&temp, "db");
        g_assert_cmpstr(db->file, ==, "srv/xen/db.cfg");
        g_assert_nonnull(guest_info_find_defined(db, vf1));
        g_autoptr(GuestInfo) own = take(&temp, "own");
        g_assert_cmpstr(own->file, ==, "etc/xen/auto/own");
        g_autoptr(XenFiles) files = xen_files_read(temp.io);
        g_assert_cmpuint(g_hash_table_size(files->by_name), ==, 3);
        g_assert_cmpuint(files->unread->len, ==, 0);
        g_autoptr(GError) error = NULL;
        g_assert_null(xen_files_take(files, "conf", &error));
        error_is(error, VFADM_ERROR_NOT_FOUND, "xen:conf: no file below /etc/xen");
}

/* Without /etc/xen there are no definitions, and that is no error. */
static void test_none(void) {
        g_auto(Temp) temp;
        temp_open(&temp);
        g_autoptr(XenFiles) files = xen_files_read(temp.io);
        g_assert_cmpuint(g_hash_table_size(files->by_name), ==, 0);
        g_assert_cmpuint(files->unread->len, ==, 0);
}

static void test_twins(void) {
        g_auto(Temp) temp;
        temp_open(&temp);
        put(&temp, "etc/xen/a.cfg", web1);
        put(&temp, "etc/xen/b.cfg", web1);
        put(&temp, "etc/xen/c.cfg", web1);
        g_autoptr(XenFiles) files = xen_files_read(temp.io);
        g_autoptr(GError) error = NULL, defining = NULL, undefining = NULL;
        g_assert_null(xen_files_take(files, "web1", &error));
        error_is(error, VFADM_ERROR_REFUSED, "/etc/xen/a.cfg and /etc/xen/b.cfg and /etc/xen/c.cfg");
        g_autoptr(GuestInfo) info = guest_info_new("xen", "web1");
        xen_files_finish(files, info);
        g_assert_false(info->has_definition);
        g_assert_null(info->file);
        g_assert_cmpuint(info->notes->len, ==, 1);
        g_assert_nonnull(strstr(info->notes->pdata[0], "/etc/xen/b.cfg"));
        g_assert_false(xen_define(temp.io, "web1", "0000:01:10.2", &defining));
        error_is(defining, VFADM_ERROR_REFUSED, "leave one of them");
        g_assert_false(xen_undefine(temp.io, "web1", "0000:01:10.0", &undefining));
        error_is(undefining, VFADM_ERROR_REFUSED, "leave one of them");
        holds(&temp, "etc/xen/a.cfg", web1);
        holds(&temp, "etc/xen/b.cfg", web1);
}

/* What runs is told of by Xen; its file says what it is defined with, and whether its uuid is for good. */
static void test_finish(void) {
        static const struct {
                const char *uuid;
                bool of_run;
        } table[] = {{"4A616804-d4fe-4c55-84fb-69bd4b7806a2", false},
                     {"4a616804-d4fe-4c55-84fb-69bd4b7806a3", true},
                     {NULL, true}};
        g_auto(Temp) temp;
        temp_open(&temp);
        put(&temp, "etc/xen/web1.cfg", web1);
        g_autoptr(XenFiles) files = xen_files_read(temp.io);
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(GuestInfo) info = guest_info_new("xen", "web1");
                info->uuid = g_strdup(table[i].uuid);
                info->domain = 3;
                xen_files_finish(files, info);
                g_assert_cmpint(info->uuid_of_run, ==, table[i].of_run);
                g_assert_true(info->has_definition);
                g_assert_true(info->running);
                g_assert_cmpstr(info->file, ==, "etc/xen/web1.cfg");
                g_assert_nonnull(guest_info_find_defined(info, vf0));
        }
        g_autoptr(GuestInfo) other = guest_info_new("xen", "web2");
        xen_files_finish(files, other);
        g_assert_false(other->has_definition);
        g_assert_null(other->file);
}

static void test_define(void) {
        g_auto(Temp) temp;
        g_autoptr(GError) error = NULL;
        temp_open(&temp);
        put(&temp, "srv/web1.cfg", web1);
        put(&temp, "etc/xen/other.cfg", "name = 'other'\n");
        link_to(&temp, "etc/xen/web1.cfg", "../../srv/web1.cfg");
        g_assert_true(xen_define(temp.io, "web1", "0000:01:10.2", &error));
        g_assert_no_error(error);
        g_autoptr(GuestInfo) info = take(&temp, "web1");
        g_assert_cmpuint(info->defined->len, ==, 2);
        g_assert_nonnull(guest_info_find_defined(info, vf1));
        /* The link is still one, and the file beside it is as it was. */
        g_autofree char *path = g_build_filename(temp.path, "etc/xen/web1.cfg", NULL);
        g_assert_true(g_file_test(path, G_FILE_TEST_IS_SYMLINK));
        holds(&temp, "etc/xen/other.cfg", "name = 'other'\n");
        /* As it is already: whatever its options. */
        g_assert_true(xen_define(temp.io, "web1", "0000:01:10.0", &error));
        g_assert_no_error(error);
        g_assert_true(xen_undefine(temp.io, "web1", "0000:01:10.2", &error));
        g_assert_no_error(error);
        holds(&temp, "srv/web1.cfg", web1);
        g_assert_true(xen_undefine(temp.io, "web1", "0000:01:10.2", &error));
        g_assert_no_error(error);
        holds(&temp, "srv/web1.cfg", web1);
}

static void test_define_refused(void) {
        g_auto(Temp) temp;
        g_autoptr(GError) unknown = NULL, entry = NULL, gone = NULL, bad = NULL, maybe = NULL;
        temp_open(&temp);
        put(&temp, "etc/xen/web1.cfg", web1);
        g_assert_false(xen_define(temp.io, "web2", "0000:01:10.2", &unknown));
        error_is(unknown, VFADM_ERROR_REFUSED, "no file below /etc/xen");
        g_assert_false(xen_define(temp.io, "web1", "nonsense", &entry));
        g_assert_cmpint(entry->code, ==, VFADM_ERROR_FAILED);
        g_assert_true(xen_undefine(temp.io, "web2", "0000:01:10.2", &gone));
        g_assert_no_error(gone);
        /* With a file that cannot be read nobody knows whose it is. */
        put(&temp, "etc/xen/bad.cfg", "name = 'web2\npci = [");
        g_assert_false(xen_define(temp.io, "web2", "0000:01:10.2", &bad));
        error_is(bad, VFADM_ERROR_REFUSED, "/etc/xen/bad.cfg");
        g_assert_false(xen_undefine(temp.io, "web2", "0000:01:10.2", &maybe));
        error_is(maybe, VFADM_ERROR_REFUSED, "/etc/xen/bad.cfg");
        holds(&temp, "etc/xen/web1.cfg", web1);
        holds(&temp, "etc/xen/bad.cfg", "name = 'web2\npci = [");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/guest-xen/found", test_found);
        g_test_add_func("/guest-xen/none", test_none);
        g_test_add_func("/guest-xen/twins", test_twins);
        g_test_add_func("/guest-xen/finish", test_finish);
        g_test_add_func("/guest-xen/define", test_define);
        g_test_add_func("/guest-xen/define-refused", test_define_refused);
        return g_test_run();
}
