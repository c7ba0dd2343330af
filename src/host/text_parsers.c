/* Text of sysfs and /proc. Layouts: drivers/pci/pci-driver.c pci_uevent, fs/proc_namespace.c show_mountinfo,
 * mm/swapfile.c swap_show, net/ipv4/tcp_ipv4.c get_tcp4_sock, net/ipv6/tcp_ipv6.c get_tcp6_sock, fs/proc/array.c
 * do_task_stat (Linux 6.12). */
#include "host/text_parsers.h"

#include "base/parse.h"

#include <netinet/tcp.h>
#include <string.h>

/* A piece of the text, not NUL-terminated. */
typedef struct {
        const char *at;
        size_t length;
} Span;

/* Cuts the part before the first `separator` off *rest; false at the end. */
static bool cut(Span *rest, char separator, Span *ret) {
        if (rest->length == 0)
                return false;
        const char *end = memchr(rest->at, separator, rest->length);
        size_t length = end ? (size_t) (end - rest->at) : rest->length;
        size_t used = end ? length + 1 : length;
        *ret = (Span){rest->at, length};
        rest->at += used;
        rest->length -= used;
        return true;
}

/* The next word, words being parted by any number of blanks. */
static bool cut_word(Span *rest, Span *ret) {
        while (cut(rest, ' ', ret))
                if (ret->length)
                        return true;
        return false;
}

static bool span_is(Span span, const char *text) {
        return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

static bool span_value(Span line, const char *key, Span *ret) {
        size_t n = strlen(key);
        if (line.length < n || memcmp(line.at, key, n) != 0)
                return false;
        *ret = (Span){line.at + n, line.length - n};
        return true;
}

static bool span_uint(Span span, unsigned base, uint64_t max, uint64_t *ret) {
        return parse_uint_n(span.at, span.length, base, 0, max, ret);
}

/* NULL for a text with a NUL in it: it would not mean what it seems to. */
static char *span_text(Span span) {
        return span.length && !memchr(span.at, 0, span.length) ? g_strndup(span.at, span.length) : NULL;
}

/* Two hexadecimal numbers with a ':' between: "8086:10C9", "0100007F:0016". */
static bool span_hex_pair(Span span, uint64_t max, uint64_t *first, uint64_t *second) {
        Span left;
        return cut(&span, ':', &left) && span_uint(left, 16, max, first) && span_uint(span, 16, max, second);
}

/* ---- uevent ---- */

void uevent_clear(Uevent *uevent) {
        g_clear_pointer(&uevent->driver, g_free);
        g_clear_pointer(&uevent->modalias, g_free);
}

bool uevent_parse(const char *bytes, size_t length, Uevent *ret) {
        Span rest = {bytes, length}, line, value;
        Uevent uevent = {0};
        bool has_id = false;
        uint64_t a, b;

        while (cut(&rest, '\n', &line)) {
                if (span_value(line, "PCI_ID=", &value) && span_hex_pair(value, UINT16_MAX, &a, &b)) {
                        uevent.vendor = (uint16_t) a;
                        uevent.device = (uint16_t) b;
                        has_id = true;
                } else if (span_value(line, "PCI_SUBSYS_ID=", &value) && span_hex_pair(value, UINT16_MAX, &a, &b)) {
                        uevent.subvendor = (uint16_t) a;
                        uevent.subdevice = (uint16_t) b;
                } else if (span_value(line, "PCI_CLASS=", &value) && span_uint(value, 16, 0xffffff, &a)) {
                        uevent.class_code = (uint32_t) a;
                } else if (span_value(line, "DRIVER=", &value) && !uevent.driver) {
                        uevent.driver = span_text(value);
                } else if (span_value(line, "MODALIAS=", &value) && !uevent.modalias) {
                        uevent.modalias = span_text(value);
                }
        }
        if (!has_id) {
                uevent_clear(&uevent);
                return false;
        }
        *ret = uevent;
        return true;
}

/* ---- mounts and swap ---- */

void mount_free(Mount *mount) {
        if (!mount)
                return;
        g_free(mount->point);
        g_free(mount->type);
        g_free(mount->source);
        g_free(mount);
}

static int octal(const char *at, size_t left) {
        int value = 0;
        if (left < 4 || at[0] != '\\')
                return -1;
        for (int i = 1; i < 4; i++) {
                if (at[i] < '0' || at[i] > '7')
                        return -1;
                value = value * 8 + (at[i] - '0');
        }
        return value > 0 && value < 256 ? value : -1;
}

/* Blanks, newlines and backslashes come as "\040" (fs/proc_namespace.c mangle). */
static char *unescape(Span span) {
        g_autofree char *text = g_malloc(span.length + 1);
        size_t n = 0;

        if (span.length == 0 || memchr(span.at, 0, span.length))
                return NULL;
        for (size_t i = 0; i < span.length;) {
                int value = octal(span.at + i, span.length - i);
                text[n++] = value < 0 ? span.at[i] : (char) value;
                i += value < 0 ? 1 : 4;
        }
        text[n] = 0;
        return g_steal_pointer(&text);
}

/* "36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw" */
static Mount *parse_mount(Span line) {
        Span word, left, device = {0}, point = {0}, type, source;
        uint64_t major, minor;
        unsigned field = 0;

        while (cut_word(&line, &word)) {
                field++;
                if (field == 3)
                        device = word;
                else if (field == 5)
                        point = word;
                else if (field > 6 && span_is(word, "-"))
                        break;
        }
        if (!cut_word(&line, &type) || !cut_word(&line, &source) || !cut(&device, ':', &left) ||
            !span_uint(left, 10, UINT32_MAX, &major) || !span_uint(device, 10, UINT32_MAX, &minor))
                return NULL;
        Mount *mount = g_new0(Mount, 1);
        *mount = (Mount){(unsigned) major, (unsigned) minor, unescape(point), unescape(type), unescape(source)};
        if (mount->point && mount->type && mount->source)
                return mount;
        mount_free(mount);
        return NULL;
}

GPtrArray *mountinfo_parse(const char *bytes, size_t length) {
        GPtrArray *mounts = g_ptr_array_new_with_free_func((GDestroyNotify) mount_free);
        Span rest = {bytes, length}, line;
        while (cut(&rest, '\n', &line)) {
                Mount *mount = parse_mount(line);
                if (mount)
                        g_ptr_array_add(mounts, mount);
        }
        return mounts;
}

GPtrArray *swaps_parse(const char *bytes, size_t length) {
        GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
        Span rest = {bytes, length}, line, word;
        while (cut(&rest, '\n', &line)) {
                char *path = cut_word(&line, &word) && *word.at == '/' ? unescape(word) : NULL;
                if (path)
                        g_ptr_array_add(paths, path);
        }
        return paths;
}

/* ---- interrupts, lockdown ---- */

static bool span_starts(Span span, const char *text) {
        Span ignored;
        return span_value(span, text, &ignored);
}

IntRemap interrupts_parse(const char *bytes, size_t length) {
        Span rest = {bytes, length}, line, word;
        IntRemap found = INTREMAP_UNKNOWN;

        while (cut(&rest, '\n', &line))
                while (cut_word(&line, &word)) {
                        /* "IR-PCI-MSI", "IR-IO-APIC" (x86 with remapping), "ITS-MSI" (Arm, always translated). */
                        if (span_starts(word, "IR-") || span_starts(word, "ITS-"))
                                return INTREMAP_ON;
                        if (span_starts(word, "PCI-MSI"))
                                found = INTREMAP_OFF;
                }
        return found;
}

bool lockdown_parse(const char *text) {
        return strstr(text, "[integrity]") || strstr(text, "[confidentiality]");
}

/* ---- the login ---- */

bool environ_login_address(const char *bytes, size_t length, IpAddr *ret) {
        Span rest = {bytes, length}, variable, value, word;
        while (cut(&rest, 0, &variable)) {
                if (!span_value(variable, "SSH_CONNECTION=", &value))
                        continue;
                /* "client port server port" (sshd's session.c) */
                for (int i = 0; i < 3; i++)
                        if (!cut_word(&value, &word))
                                return false;
                g_autofree char *text = span_text(word);
                return text && ip_parse(text, ret);
        }
        return false;
}

bool stat_parse_pids(const char *bytes, size_t length, int *pid, int *parent) {
        Span word, rest = {bytes, length};
        uint64_t own, above;

        if (!cut_word(&rest, &word) || !span_uint(word, 10, G_MAXINT32, &own))
                return false;
        /* The program's name in brackets may hold anything: the last ')' ends it. */
        const char *end = length ? g_strrstr_len(bytes, (gssize) length, ")") : NULL;
        if (!end)
                return false;
        rest = (Span){end + 1, length - (size_t) (end + 1 - bytes)};
        if (!cut_word(&rest, &word) || !cut_word(&rest, &word) || !span_uint(word, 10, G_MAXINT32, &above))
                return false;
        *pid = (int) own;
        *parent = (int) above;
        return true;
}

bool socket_link_parse(const char *target, uint64_t *ret) {
        Span span = {target, strlen(target)}, inside;
        if (!span_value(span, "socket:[", &inside) || inside.length < 2 || inside.at[inside.length - 1] != ']')
                return false;
        inside.length--;
        return span_uint(inside, 10, UINT64_MAX, ret);
}

/* "0100007F": 32-bit words as the machine holds them, each of which holds network order. */
static bool parse_hex_address(Span span, bool v6, IpAddr *ret) {
        uint8_t bytes[16];
        size_t words = v6 ? 4 : 1;

        if (span.length != words * 8)
                return false;
        for (size_t i = 0; i < words; i++) {
                uint64_t value;
                if (!parse_uint_n(span.at + i * 8, 8, 16, 0, UINT32_MAX, &value))
                        return false;
                uint32_t word = (uint32_t) value;
                memcpy(bytes + i * 4, &word, 4);
        }
        *ret = ip_from_bytes(bytes, v6);
        return true;
}

static void parse_tcp_line(Span line, bool v6, GHashTable *inodes, GArray *ret) {
        Span word[10], address;
        uint64_t state, inode;
        IpAddr ip;

        /* sl local remote st tx:rx tr:when retrnsmt uid timeout inode */
        for (size_t i = 0; i < G_N_ELEMENTS(word); i++)
                if (!cut_word(&line, &word[i]))
                        return;
        if (!span_uint(word[3], 16, 255, &state) || state != TCP_ESTABLISHED ||
            !span_uint(word[9], 10, UINT64_MAX, &inode) || !g_hash_table_contains(inodes, &inode))
                return;
        if (cut(&word[1], ':', &address) && parse_hex_address(address, v6, &ip))
                g_array_append_val(ret, ip);
}

void tcp_parse(const char *bytes, size_t length, bool v6, GHashTable *inodes, GArray *ret) {
        Span rest = {bytes, length}, line;
        while (cut(&rest, '\n', &line))
                parse_tcp_line(line, v6, inodes, ret);
}

char *text_printable(const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        GString *out = g_string_new(NULL);
        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                g_string_append_unichar(out, g_unichar_iscntrl(c) ? '?' : c); /* terminals also obey U+0080 to U+009F */
        }
        return g_string_free(out, FALSE);
}
