/* vfadm export [PF…] [--output DIR] */
#include "base/error.h"
#include "cli/read.h"
#include "host/host.h"
#include "plan/export.h"
#include "show/value.h"
#include "want/conf_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One PF's file. */
typedef struct {
        const Dev *pf;
        char *name; /* "enp1s0.conf" */
        char *text;
        char *path; /* where it was written; NULL: nowhere */
} File;

static void file_free(void *data) {
        File *file = data;
        g_free(file->name);
        g_free(file->text);
        g_free(file->path);
        g_free(file);
}

/* A PF about which something is to be said: one that is named, or has VFs, or keeps drivers from them. */
static GPtrArray *choose(const Cli *cli, const Snapshot *host, GError **error) {
        g_autoptr(GPtrArray) pfs = g_ptr_array_new();

        for (unsigned i = 0; i < cli->n_args; i++) {
                const Dev *dev = snapshot_find(host, cli->args[i], error);
                if (!dev)
                        return NULL;
                if (!dev->is_pf) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED, "%s is no PF; a file is about a PF and its VFs: 'vfadm list' shows the PFs", cli->args[i]);
                        return NULL;
                }
                if (!g_ptr_array_find(pfs, dev, NULL))
                        g_ptr_array_add(pfs, (gpointer) dev);
        }
        for (unsigned i = 0; !cli->n_args && i < host->devs->len; i++) {
                const Dev *dev = host->devs->pdata[i];
                if (dev->is_pf && (dev->num_vfs || !dev->autoprobe))
                        g_ptr_array_add(pfs, (gpointer) dev);
        }
        return g_steal_pointer(&pfs);
}

/* An interface may be called almost anything; a file is not. */
static char *file_name(const Snapshot *host, const Dev *pf) {
        g_autofree char *nick = snapshot_nick(host, pf);
        bool plain = pool_name_ok(nick);

        return g_strdup_printf("%s.conf", plain ? nick : pf->name);
}

static GPtrArray *make_files(const Snapshot *host, const GPtrArray *leases, const GPtrArray *pfs, GPtrArray *notes) {
        GPtrArray *files = g_ptr_array_new_with_free_func(file_free);

        for (unsigned i = 0; i < pfs->len; i++) {
                g_autoptr(ConfPf) conf = plan_export(host, leases, pfs->pdata[i], notes);
                File *file = g_new0(File, 1);
                *file = (File) {.pf = pfs->pdata[i], .name = file_name(host, pfs->pdata[i]), .text = conf_format(conf, host)};
                g_ptr_array_add(files, file);
        }
        return files;
}

/* ---- writing ---- */

static bool write_all(int fd, const char *text) {
        for (size_t left = strlen(text); left;) {
                ssize_t n = write(fd, text, left);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                text += n;
                left -= (size_t) n;
        }
        return fsync(fd) == 0;
}

/* O_EXCL: what is there already is somebody's. */
static bool write_file(const char *folder, File *file, GError **error) {
        g_autofree char *path = g_build_filename(folder, file->name, NULL);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);

        if (fd < 0 && errno == EEXIST) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED, "%s is there already, and is not overwritten; give --output another folder", path);
                return false;
        }
        if (fd < 0)
                return vfadm_error_set_errno(error, -errno, "writing %s", path);
        bool ok = write_all(fd, file->text);
        int problem = ok ? 0 : errno;
        ok = close(fd) == 0 && ok;
        if (!ok) {
                unlink(path);
                return vfadm_error_set_errno(error, problem ? -problem : -EIO, "writing %s", path);
        }
        file->path = g_steal_pointer(&path);
        return true;
}

/* All or none. */
static bool write_files(const Cli *cli, const GPtrArray *files, GError **error) {
        for (unsigned i = 0; i < files->len; i++) {
                if (write_file(cli->output, files->pdata[i], error))
                        continue;
                for (unsigned k = 0; k < i; k++)
                        unlink(((const File *) files->pdata[k])->path);
                return false;
        }
        return true;
}

/* ---- telling ---- */

static json_t *files_json(const GPtrArray *files) {
        json_t *array = json_array();

        for (unsigned i = 0; i < files->len; i++) {
                const File *file = files->pdata[i];
                json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:o}", "pf", file->pf->name, "name", value_string(file->name), "text",
                                                       value_string(file->text), "path", value_string(file->path)));
        }
        return array;
}

static void print(const Cli *cli, const GPtrArray *files) {
        for (unsigned i = 0; i < files->len; i++) {
                const File *file = files->pdata[i];
                g_autofree char *name = value_safe(file->path ? file->path : file->name);
                /* What is to become several files says where each begins, as 'systemctl cat' does. */
                if (!cli->output && files->len > 1)
                        printf("%s# ---- /etc/vfadm/%s\n", i ? "\n" : "", name);
                if (!cli->output)
                        fputs(file->text, stdout);
                else if (!cli->quiet)
                        printf("%s\n", name);
        }
}

bool verb_export(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, HOST_VF_STATE | HOST_USES, error) : NULL;
        /* Without the ledger a leased VF would be taken for what its guest has made of it. */
        g_autoptr(GPtrArray) leases = host ? cli_read_leases(cli, error) : NULL;
        g_autoptr(GPtrArray) pfs = leases ? choose(cli, host, error) : NULL;
        if (!pfs)
                return false;
        g_autoptr(GPtrArray) files = make_files(host, leases, pfs, notes);
        if (cli->output && !write_files(cli, files, error))
                return false;
        if (files->len == 0)
                g_ptr_array_add(notes, g_strdup("no PF of this host has VFs, so there is nothing to say; name a PF to have a file for it"));
        for (unsigned i = 0; i < notes->len; i++)
                cli_note(cli, "%s", (const char *) notes->pdata[i]);
        if (!cli->json) {
                print(cli, files);
                return true;
        }
        json_t *told = json_array();
        for (unsigned i = 0; i < notes->len; i++)
                json_array_append_new(told, value_string(notes->pdata[i]));
        cli_print_json(json_pack("{s:o, s:o}", "files", files_json(files), "notes", told));
        return true;
}
