/* A host in memory: folders as hash tables, files, links and refusals, and answers to netlink questions. */
#include "io/tree.h"

#include "io/internal.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <string.h>

/* Real sysfs stays below 40 levels; the bound keeps a hostile archive from deep recursion. */
#define DEPTH_MAX 200
/* As the kernel's MAXSYMLINKS (fs/namei.c). */
#define LINKS_MAX 40

typedef struct Node Node;
struct Node {
        Node *parent; /* NULL: the root */
        IoNodeKind kind;
        int error; /* negative: what reading or listing gives; a folder may have one and children too */
        unsigned depth;
        GHashTable *children; /* IO_NODE_DIR: Node's name → Node, made with the first child */
        union {
                GBytes *data; /* IO_NODE_FILE */
                char *target; /* IO_NODE_LINK */
        };
        char name[];
};

typedef struct {
        int result;
        GBytes *reply;
} Answer;

struct IoTree {
        Node *root;
        size_t entries;
        GHashTable *answers; /* GBytes → Answer */
        IoAsked *asked;
};

typedef struct {
        Io io;
        IoTree *tree;
        int64_t clock;
} TreeIo;

/* What a path led to: the folder it ends in, the last name, and the entry, NULL when there is none. */
typedef struct {
        Node *parent;
        Node *node;
        char name[NAME_MAX + 1];
} Place;

typedef enum { WALK_FOLLOW_LAST = 1 << 0, WALK_MAKE = 1 << 1, WALK_NO_LINKS = 1 << 2 } WalkFlags;

static void node_empty(Node *node) {
        if (node->kind == IO_NODE_FILE)
                g_bytes_unref(node->data);
        else if (node->kind == IO_NODE_LINK)
                g_free(node->target);
        node->data = NULL; /* and with it the target, in the same place */
        if (node->children)
                g_hash_table_unref(node->children);
        node->children = NULL;
        node->error = 0;
        node->kind = IO_NODE_DIR;
}

static void node_free(void *p) {
        Node *node = p;
        node_empty(node);
        g_free(node);
}

static Node *node_new(Node *parent, const char *name, IoNodeKind kind) {
        size_t size = strlen(name) + 1;
        Node *node = g_malloc0(sizeof(Node) + size);
        memcpy(node->name, name, size);
        node->parent = parent;
        node->depth = parent ? parent->depth + 1 : 0;
        node->kind = kind;
        return node;
}

static int node_add(IoTree *tree, Node *parent, const char *name, IoNodeKind kind, Node **ret) {
        if (parent->depth >= DEPTH_MAX)
                return -ENAMETOOLONG;
        /* A folder that may not be listed, but of which a child is known: it keeps its errno. */
        if (parent->kind == IO_NODE_ERRNO)
                parent->kind = IO_NODE_DIR;
        if (!parent->children)
                parent->children = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, node_free);
        Node *node = node_new(parent, name, kind);
        g_hash_table_insert(parent->children, node->name, node);
        tree->entries++;
        *ret = node;
        return 0;
}

static Node *node_child(const Node *node, const char *name) {
        return node->children ? g_hash_table_lookup(node->children, name) : NULL;
}

/* Cuts the next name off *path. Returns 1, 0 at the end of the path, or -ENAMETOOLONG. */
static int next_name(const char **path, char name[NAME_MAX + 1]) {
        while (**path == '/')
                (*path)++;
        size_t length = strcspn(*path, "/");
        if (length > NAME_MAX)
                return -ENAMETOOLONG;
        memcpy(name, *path, length);
        name[length] = 0;
        *path += length;
        while (**path == '/')
                (*path)++;
        return length > 0;
}

/* What stands in the way of going below `node`; 0 when it is a folder. */
static int node_enter(const Node *node, WalkFlags flags) {
        switch (node->kind) {
        case IO_NODE_DIR:
                return 0;
        case IO_NODE_ERRNO:
                return flags & WALK_MAKE ? 0 : node->error;
        default:
                return -ENOTDIR;
        }
}

static int walk(IoTree *tree, const char *path, WalkFlags flags, Place *ret) {
        g_autofree char *owned = NULL;
        unsigned links = 0;

        int r = io_path_check(path);
        if (r < 0)
                return r;
        *ret = (Place){.node = tree->root};
        for (;;) {
                char name[NAME_MAX + 1];
                Node *at = ret->node;
                r = next_name(&path, name);
                if (r <= 0)
                        return r;
                r = node_enter(at, flags);
                if (r < 0)
                        return r;
                if (g_str_equal(name, "."))
                        continue;
                if (g_str_equal(name, "..")) { /* only a link's target may have it; the root's parent is the root */
                        ret->node = at->parent ? at->parent : at;
                        ret->parent = ret->node->parent;
                        g_strlcpy(ret->name, ret->node->name, sizeof ret->name);
                        continue;
                }
                Node *child = node_child(at, name);
                bool last = !*path;
                if (child && child->kind == IO_NODE_LINK && (!last || flags & WALK_FOLLOW_LAST)) {
                        if (++links > LINKS_MAX || flags & WALK_NO_LINKS)
                                return -ELOOP;
                        char *joined = last ? g_strdup(child->target) : g_strconcat(child->target, "/", path, NULL);
                        if (*joined == '/') {
                                ret->node = tree->root;
                                ret->parent = NULL;
                        }
                        g_free(owned);
                        path = owned = joined;
                        continue;
                }
                if (!child && !last) {
                        if (!(flags & WALK_MAKE))
                                return -ENOENT;
                        r = node_add(tree, at, name, IO_NODE_DIR, &child);
                        if (r < 0)
                                return r;
                }
                ret->parent = at;
                ret->node = child;
                g_strlcpy(ret->name, name, sizeof ret->name);
                if (last)
                        return 0;
        }
}

static int find(IoTree *tree, const char *path, WalkFlags flags, Node **ret) {
        Place place;
        int r = walk(tree, path, flags, &place);
        if (r < 0)
                return r;
        if (!place.node)
                return -ENOENT;
        *ret = place.node;
        return 0;
}

IoTree *io_tree_new(void) {
        IoTree *tree = g_new0(IoTree, 1);
        tree->root = node_new(NULL, "", IO_NODE_DIR);
        tree->asked = io_asked_new();
        return tree;
}

IoAsked *io_tree_asked(IoTree *tree) {
        return tree->asked;
}

void io_tree_free(IoTree *tree) {
        node_free(tree->root);
        g_clear_pointer(&tree->answers, g_hash_table_unref);
        io_asked_free(tree->asked);
        g_free(tree);
}

size_t io_tree_entries(const IoTree *tree) {
        return tree->entries;
}

static int put(IoTree *tree, const char *path, WalkFlags flags, IoNodeKind kind, Node **ret) {
        Place place;
        int r = walk(tree, path, flags | WALK_MAKE, &place);
        if (r < 0)
                return r;
        if (!place.node)
                return node_add(tree, place.parent, place.name, kind, ret);
        /* A folder put twice, or one that may not be listed, keeps what is in it. */
        bool keeps = place.node->kind == IO_NODE_DIR && (kind == IO_NODE_DIR || kind == IO_NODE_ERRNO);
        if (keeps) {
                place.node->error = 0;
        } else {
                if (!place.parent)
                        return -EISDIR; /* the root stays a folder */
                node_empty(place.node);
                place.node->kind = kind;
        }
        *ret = place.node;
        return 0;
}

static int put_entry(IoTree *tree, const char *path, WalkFlags flags, IoNodeKind kind, const void *data, size_t length,
                     int negative_errno) {
        Node *node;
        int r = put(tree, path, flags, kind, &node);
        if (r < 0)
                return r;
        if (kind == IO_NODE_FILE)
                node->data = g_bytes_new(data, length);
        else if (kind == IO_NODE_LINK)
                node->target = g_strndup(data, length);
        else if (kind == IO_NODE_ERRNO)
                node->error = negative_errno;
        return 0;
}

int io_tree_add(IoTree *tree, const char *path, IoNodeKind kind, const void *data, size_t length, int negative_errno) {
        return put_entry(tree, path, WALK_NO_LINKS, kind, data, length, negative_errno);
}

/* The callers of these build their paths themselves: a failure is a mistake in the program. */
static void must(int r, const char *path) {
        if (r < 0)
                g_critical("tree: cannot put '%s': %s", path, g_strerror(-r));
}

void io_tree_put_file(IoTree *tree, const char *path, const void *data, size_t length) {
        must(put_entry(tree, path, 0, IO_NODE_FILE, data, length, 0), path);
}

void io_tree_put_text(IoTree *tree, const char *path, const char *text) {
        io_tree_put_file(tree, path, text, strlen(text));
}

void io_tree_put_link(IoTree *tree, const char *path, const char *target) {
        must(put_entry(tree, path, 0, IO_NODE_LINK, target, strlen(target), 0), path);
}

void io_tree_put_dir(IoTree *tree, const char *path) {
        must(put_entry(tree, path, 0, IO_NODE_DIR, NULL, 0, 0), path);
}

void io_tree_put_errno(IoTree *tree, const char *path, int negative_errno) {
        must(negative_errno < 0 ? put_entry(tree, path, 0, IO_NODE_ERRNO, NULL, 0, negative_errno) : -EINVAL, path);
}

static size_t node_count(const Node *node) {
        size_t count = 1;
        GHashTableIter iter;
        void *child;
        if (!node->children)
                return count;
        g_hash_table_iter_init(&iter, node->children);
        while (g_hash_table_iter_next(&iter, NULL, &child))
                count += node_count(child);
        return count;
}

bool io_tree_remove(IoTree *tree, const char *path) {
        Place place;
        if (walk(tree, path, 0, &place) < 0 || !place.node || !place.parent)
                return false;
        tree->entries -= node_count(place.node);
        g_hash_table_remove(place.parent->children, place.node->name);
        return true;
}

bool io_tree_has(IoTree *tree, const char *path) {
        Node *node;
        return find(tree, path, 0, &node) == 0;
}

int io_tree_read(IoTree *tree, const char *path, GBytes **ret) {
        Node *node;
        int r = find(tree, path, WALK_FOLLOW_LAST, &node);
        if (r < 0)
                return r;
        if (node->error)
                return node->error;
        if (node->kind != IO_NODE_FILE)
                return -EISDIR;
        *ret = g_bytes_ref(node->data);
        return 0;
}

int io_tree_readlink(IoTree *tree, const char *path, char **ret) {
        Node *node;
        int r = find(tree, path, 0, &node);
        if (r < 0)
                return r;
        if (node->kind == IO_NODE_ERRNO)
                return node->error;
        if (node->kind != IO_NODE_LINK)
                return -EINVAL;
        *ret = g_strdup(node->target);
        return 0;
}

static char **node_names(const Node *node) {
        GPtrArray *names = g_ptr_array_new();
        GHashTableIter iter;
        void *name;
        if (node->children) {
                g_hash_table_iter_init(&iter, node->children);
                while (g_hash_table_iter_next(&iter, &name, NULL))
                        g_ptr_array_add(names, g_strdup(name));
        }
        return io_names_sorted(names);
}

int io_tree_list(IoTree *tree, const char *path, char ***ret) {
        Node *node;
        int r = find(tree, path, WALK_FOLLOW_LAST, &node);
        if (r < 0)
                return r;
        if (node->error)
                return node->error;
        if (node->kind != IO_NODE_DIR)
                return -ENOTDIR;
        *ret = node_names(node);
        return 0;
}

static void node_walk(const Node *node, GString *path, IoTreeVisit visit, void *user) {
        size_t length = path->len;
        g_auto(GStrv) names = node_names(node);
        for (char **name = names; *name; name++) {
                const Node *child = node_child(node, *name);
                if (length)
                        g_string_append_c(path, '/');
                g_string_append(path, *name);
                visit(path->str, child->kind, child->kind == IO_NODE_FILE ? child->data : NULL,
                      child->kind == IO_NODE_LINK ? child->target : NULL, child->error, user);
                node_walk(child, path, visit, user);
                g_string_truncate(path, length);
        }
}

void io_tree_walk(IoTree *tree, IoTreeVisit visit, void *user) {
        GString *path = g_string_new(NULL);
        node_walk(tree->root, path, visit, user);
        g_string_free(path, TRUE);
}

static void answer_free(void *p) {
        Answer *answer = p;
        g_bytes_unref(answer->reply);
        g_free(answer);
}

void io_tree_put_netlink(IoTree *tree, const void *request, size_t length, int result, const void *reply,
                         size_t reply_length) {
        if (!tree->answers)
                tree->answers = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref,
                                                      answer_free);
        Answer *answer = g_new0(Answer, 1);
        answer->result = result;
        answer->reply = g_bytes_new(reply, reply_length);
        g_hash_table_replace(tree->answers, io_netlink_key(request, length), answer);
}

static int compare_bytes(const void *a, const void *b) {
        return g_bytes_compare(*(GBytes *const *) a, *(GBytes *const *) b);
}

void io_tree_walk_netlink(IoTree *tree, IoNetlinkVisit visit, void *user) {
        unsigned n = 0;
        if (!tree->answers)
                return;
        g_autofree void **keys = g_hash_table_get_keys_as_array(tree->answers, &n);
        qsort(keys, n, sizeof *keys, compare_bytes);
        for (unsigned i = 0; i < n; i++) {
                const Answer *answer = g_hash_table_lookup(tree->answers, keys[i]);
                visit(keys[i], answer->result, answer->reply, user);
        }
}

/* The calls of the read-only Io. */

static IoTree *tree_of(Io *io) {
        return ((TreeIo *) io)->tree;
}

static int tree_read(Io *io, const char *path, size_t max, GBytes **ret) {
        g_autoptr(GBytes) data = NULL;
        int r = io_tree_read(tree_of(io), path, &data);
        if (r < 0)
                return r;
        if (g_bytes_get_size(data) > max)
                return -EFBIG;
        *ret = g_steal_pointer(&data);
        return 0;
}

static int tree_write(Io *io, const char *path, const char *text, unsigned timeout_ms) {
        return -EROFS;
}

static int tree_readlink(Io *io, const char *path, char **ret) {
        return io_tree_readlink(tree_of(io), path, ret);
}

static int tree_list(Io *io, const char *path, char ***ret) {
        return io_tree_list(tree_of(io), path, ret);
}

static int tree_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack) {
        IoTree *tree = tree_of(io);
        g_autoptr(GBytes) key = io_netlink_key(request, length);
        const Answer *answer = tree->answers ? g_hash_table_lookup(tree->answers, key) : NULL;
        if (!answer)
                return io_netlink_asks(request, length) ? -EOPNOTSUPP : -EROFS;
        if (reply && answer->result >= 0) {
                size_t size;
                const void *data = g_bytes_get_data(answer->reply, &size);
                if (size)
                        g_byte_array_append(reply, data, size);
        }
        return answer->result;
}

static int tree_load_module(Io *io, const char *name) {
        return -EROFS;
}

static int tree_can_open(Io *io, const char *path) {
        return io_asked_open(tree_of(io)->asked, path);
}

static int tree_replace(Io *io, const char *path, const char *text) {
        return -EROFS;
}

static int tree_program(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status) {
        return changes ? -EROFS : io_asked_program(tree_of(io)->asked, argv, output, status);
}

static int tree_connect(Io *io, const char *path, unsigned timeout_ms) {
        return -ECONNREFUSED;
}

static int tree_peer(Io *io, int fd, pid_t *ret) {
        return -ENOTCONN;
}

static int tree_spawn(Io *io, char *const argv[], IoProcess *ret) {
        return -EROFS;
}

static int tree_process_go(Io *io, IoProcess *process) {
        return -EROFS;
}

static int tree_process_wait(Io *io, IoProcess *process, int *status) {
        return -ECHILD;
}

static int tree_lock(Io *io, const char *name, unsigned timeout_ms, int *ret) {
        return -EROFS;
}

static void tree_unlock(Io *io, int lock) {
}

static int64_t tree_now(Io *io) {
        return ++((TreeIo *) io)->clock;
}

static void tree_pause(Io *io, unsigned milliseconds) {
        ((TreeIo *) io)->clock += (int64_t) milliseconds * 1000;
}

static void tree_free(Io *io) {
        io_tree_free(tree_of(io));
        g_free(io);
}

Io *io_tree_io(IoTree *tree) {
        static const IoCalls calls = {
                .read = tree_read,
                .write = tree_write,
                .readlink = tree_readlink,
                .list = tree_list,
                .netlink = tree_netlink,
                .load_module = tree_load_module,
                .vfio_variant = io_variant_read,
                .can_open = tree_can_open,
                .replace = tree_replace,
                .program = tree_program,
                .connect = tree_connect,
                .peer = tree_peer,
                .spawn = tree_spawn,
                .process_go = tree_process_go,
                .process_wait = tree_process_wait,
                .lock = tree_lock,
                .unlock = tree_unlock,
                .now = tree_now,
                .pause = tree_pause,
                .free = tree_free,
        };
        TreeIo *io = g_new0(TreeIo, 1);
        io->io.calls = &calls;
        io->tree = tree;
        return &io->io;
}

IoTree *io_tree_of(Io *io) {
        return tree_of(io);
}
