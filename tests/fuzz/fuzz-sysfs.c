/* Any bytes as the text files of sysfs and /proc that host/ reads. */
#include "host/text_parsers.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_uevent(const char *bytes, size_t size) {
        Uevent uevent;
        if (!uevent_parse(bytes, size, &uevent))
                return;
        g_assert_cmphex(uevent.class_code, <=, 0xffffff);
        g_assert_true(!uevent.driver || (*uevent.driver && !strchr(uevent.driver, '\n')));
        g_assert_true(!uevent.modalias || (*uevent.modalias && !strchr(uevent.modalias, '\n')));
        uevent_clear(&uevent);
}

static void check_mounts(const char *bytes, size_t size) {
        g_autoptr(GPtrArray) mounts = mountinfo_parse(bytes, size);
        g_autoptr(GPtrArray) swaps = swaps_parse(bytes, size);
        for (unsigned i = 0; i < mounts->len; i++) {
                const Mount *mount = mounts->pdata[i];
                g_assert_true(*mount->point && *mount->type && *mount->source);
        }
        for (unsigned i = 0; i < swaps->len; i++)
                g_assert_true(*(const char *) swaps->pdata[i] == '/');
}

static void check_login(const char *bytes, size_t size) {
        static const uint64_t inode = 4711;
        g_autoptr(GHashTable) inodes = g_hash_table_new(g_int64_hash, g_int64_equal);
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(IpAddr));
        int pid, parent;
        IpAddr ip;

        g_hash_table_add(inodes, (void *) &inode);
        tcp_parse(bytes, size, false, inodes, addresses);
        tcp_parse(bytes, size, true, inodes, addresses);
        if (environ_login_address(bytes, size, &ip))
                g_array_append_val(addresses, ip);
        for (unsigned i = 0; i < addresses->len; i++) {
                g_autofree char *text = ip_format(&g_array_index(addresses, IpAddr, i));
                g_assert_true(ip_parse(text, &ip) && ip_equal(&ip, &g_array_index(addresses, IpAddr, i)));
        }
        if (stat_parse_pids(bytes, size, &pid, &parent))
                g_assert_true(pid >= 0 && parent >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *bytes = (const char *) data;
        g_autofree char *text = g_strndup(bytes, size);
        uint64_t inode;

        check_uevent(bytes, size);
        check_mounts(bytes, size);
        check_login(bytes, size);
        g_assert_cmpint(interrupts_parse(bytes, size), <=, INTREMAP_OFF);
        lockdown_parse(text);
        socket_link_parse(text, &inode);
        g_autofree char *printable = text_printable(text);
        g_assert_true(g_utf8_validate(printable, -1, NULL) && !strchr(printable, '\n') && !strchr(printable, '\x1b'));
        return 0;
}
