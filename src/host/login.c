/* By which of our addresses the person at the keyboard came in: SSH_CONNECTION, and, since sudo drops that, the
 * connections that our ancestors hold open. */
#include "host/reader.h"
#include "host/text_parsers.h"

#include <errno.h>

#define ENVIRON_MAX (4u << 20)
#define STAT_MAX 4096
#define TCP_MAX (256u << 20)
/* Deeper than any shell in a shell in a shell. */
#define ANCESTORS_MAX 64

static void add_address(GArray *addresses, const IpAddr *ip) {
        if (ip_is_loopback(ip))
                return;
        for (unsigned i = 0; i < addresses->len; i++)
                if (ip_equal(&g_array_index(addresses, IpAddr, i), ip))
                        return;
        g_array_append_vals(addresses, ip, 1);
}

static bool read_environ(Reader *reader, GArray *addresses) {
        g_autoptr(GBytes) data = NULL;
        size_t size;
        IpAddr ip;

        if (io_read(reader->io, "proc/self/environ", ENVIRON_MAX, &data) < 0)
                return false;
        const char *text = g_bytes_get_data(data, &size);
        if (!environ_login_address(text, size, &ip))
                return false;
        add_address(addresses, &ip);
        return true;
}

static bool read_pids(Reader *reader, const char *process, int *pid, int *parent) {
        g_autofree char *path = g_strconcat("proc/", process, "/stat", NULL);
        g_autoptr(GBytes) data = NULL;
        size_t size;

        if (io_read(reader->io, path, STAT_MAX, &data) < 0)
                return false;
        const char *text = g_bytes_get_data(data, &size);
        return stat_parse_pids(text, size, pid, parent);
}

/* False when its open files may not be seen. */
static bool collect_sockets(Reader *reader, int pid, GHashTable *inodes) {
        g_autofree char *folder = g_strdup_printf("proc/%d/fd", pid);
        g_auto(GStrv) names = NULL;

        int r = io_list(reader->io, folder, &names);
        if (r < 0)
                return r != -EACCES && r != -EPERM;
        for (char **name = names; *name; name++) {
                g_autofree char *path = g_strconcat(folder, "/", *name, NULL);
                g_autofree char *target = NULL;
                uint64_t inode;
                if (io_readlink(reader->io, path, &target) >= 0 && socket_link_parse(target, &inode))
                        g_hash_table_add(inodes, g_memdup2(&inode, sizeof inode));
        }
        return true;
}

static bool collect_ancestors_sockets(Reader *reader, GHashTable *inodes) {
        g_autofree char *process = g_strdup("self");
        bool all = true;
        int pid, parent;

        for (int i = 0; i < ANCESTORS_MAX && read_pids(reader, process, &pid, &parent); i++) {
                /* Process 1 is everybody's ancestor, and its connections nobody's login. */
                if (pid <= 1)
                        break;
                all &= collect_sockets(reader, pid, inodes);
                if (parent <= 1)
                        break;
                g_free(process);
                process = g_strdup_printf("%d", parent);
        }
        return all;
}

static void match_sockets(Reader *reader, GHashTable *inodes, GArray *addresses) {
        static const char *const tables[] = {"proc/net/tcp", "proc/net/tcp6"};
        g_autoptr(GArray) found = g_array_new(FALSE, TRUE, sizeof(IpAddr));

        for (size_t v6 = 0; v6 < G_N_ELEMENTS(tables); v6++) {
                g_autoptr(GBytes) data = NULL;
                size_t size;
                if (io_read(reader->io, tables[v6], TCP_MAX, &data) < 0)
                        continue;
                const char *text = g_bytes_get_data(data, &size);
                tcp_parse(text, size, v6 == 1, inodes, found);
        }
        for (unsigned i = 0; i < found->len; i++)
                add_address(addresses, &g_array_index(found, IpAddr, i));
}

void read_login_addresses(Reader *reader, GArray *ret) {
        g_autoptr(GHashTable) inodes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

        bool told = read_environ(reader, ret);
        bool all = collect_ancestors_sockets(reader, inodes);
        if (g_hash_table_size(inodes))
                match_sockets(reader, inodes, ret);
        if (!told && !all && ret->len == 0)
                reader_note(reader, "whether a network device carries your login cannot be seen without root");
}
