/* The database file under the ledger: opening it safely, checking it, and the words for what SQLite says. */
#include "ledger/ledger_db.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        SCHEMA_VERSION = 2,
        APPLICATION_ID = 0x76666164, /* "vfad": tells our database from any other's */
        BUSY_TIMEOUT_MS = 5000,
};

#define DEFAULT_DIR "/var/lib/vfadm"
#define DB_NAME "ledger.db"

static const char schema_1[] =
#include "schema.inc"
        ;
static const char schema_2[] =
#include "schema-2.inc"
        ;
/* From each version to the next. */
static const char *const schemas[SCHEMA_VERSION] = {schema_1, schema_2};

static bool fail_damaged(Ledger *ledger, const char *detail, GError **error) {
        ledger->damaged = true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER,
                    "%s is damaged (%s): nothing was changed; keep a copy, then run 'vfadm recover --new-ledger'",
                    ledger->path, detail);
        return false;
}

bool ledger_fail(Ledger *ledger, int code, const char *what, GError **error) {
        const char *detail = sqlite3_errmsg(ledger->db);
        int kind = VFADM_ERROR_LEDGER;
        const char *why;

        switch (code & 0xff) {
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
                return fail_damaged(ledger, detail, error);
        case SQLITE_FULL:
                why = "the disk is full; make room and try again";
                break;
        case SQLITE_IOERR:
                why = "the disk is full or failing; make room, look at dmesg, and try again";
                break;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                kind = VFADM_ERROR_BUSY;
                why = "another process holds it; try again, and if it stays so see who with 'fuser'";
                break;
        case SQLITE_READONLY:
                why = "it may not be written; is its file system mounted read-only?";
                break;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
                kind = VFADM_ERROR_PERMISSION;
                why = "it cannot be opened; run as root, and look at the folder's owner and mode";
                break;
        default:
                why = NULL;
        }
        if (why)
                g_set_error(error, VFADM_ERROR, kind, "%s: %s: %s (%s)", ledger->path, what, why, detail);
        else
                g_set_error(error, VFADM_ERROR, kind, "%s: %s: %s", ledger->path, what, detail);
        return false;
}

Stmt *ledger_prepare(Ledger *ledger, const char *sql, const char *what, GError **error) {
        g_autoptr(Stmt) stmt = NULL;

        if (ledger->damaged) {
                fail_damaged(ledger, "found before", error);
                return NULL;
        }
        int code = sqlite3_prepare_v2(ledger->db, sql, -1, &stmt, NULL);
        if (code != SQLITE_OK) {
                ledger_fail(ledger, code, what, error);
                return NULL;
        }
        return g_steal_pointer(&stmt);
}

bool ledger_step(Ledger *ledger, Stmt *stmt, const char *what, GError **error) {
        int code = sqlite3_step(stmt);

        if (code != SQLITE_DONE && code != SQLITE_ROW)
                return ledger_fail(ledger, code, what, error);
        return true;
}

bool ledger_exec(Ledger *ledger, const char *sql, const char *what, GError **error) {
        int code = sqlite3_exec(ledger->db, sql, NULL, NULL, NULL);

        return code == SQLITE_OK || ledger_fail(ledger, code, what, error);
}

bool ledger_sync(Ledger *ledger, bool full, GError **error) {
        if (ledger->full_sync == full)
                return true;
        if (!ledger_exec(ledger, full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", "cannot set it up", error))
                return false;
        ledger->full_sync = full;
        return true;
}

/* One number from a PRAGMA or a SELECT. */
static bool get_number(Ledger *ledger, const char *sql, int64_t *ret, GError **error) {
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, sql, "cannot read it", error);

        if (!stmt)
                return false;
        int code = sqlite3_step(stmt);
        if (code != SQLITE_ROW)
                return ledger_fail(ledger, code, "cannot read it", error);
        *ret = sqlite3_column_int64(stmt, 0);
        return true;
}

/* quick_check reads every page once: the ledger is small (its history is bounded), and a lease that is read wrong
 * would hand a guest's device to somebody else. */
static bool check_pages(Ledger *ledger, GError **error) {
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, "PRAGMA quick_check(1)", "cannot read it", error);

        if (!stmt)
                return false;
        int code = sqlite3_step(stmt);
        if (code != SQLITE_ROW)
                return ledger_fail(ledger, code, "cannot read it", error);
        const char *verdict = (const char *) sqlite3_column_text(stmt, 0);
        if (g_strcmp0(verdict, "ok") != 0) {
                g_autofree char *line = g_strdelimit(g_strdup(verdict ? verdict : "no verdict"), "\n", ' ');
                return fail_damaged(ledger, line, error);
        }
        return true;
}

static bool check_tables(Ledger *ledger, bool *ret_empty, GError **error) {
        static const struct {
                int64_t since; /* version of the schema */
                const char *sql;
        } probes[] = {
                {1, "SELECT count(id) + count(dev) + count(guest) + count(state) + count(body) FROM lease"},
                {1, "SELECT count(id) + count(verb) + count(boot_id) + count(outcome) FROM plan"},
                {1, "SELECT count(plan) + count(number) + count(mark) + count(body) FROM step"},
                {2, "SELECT count(kind) + count(le) + count(steps) + count(usec) FROM step_time"},
                {2, "SELECT count(verb) + count(outcome) + count(plans) FROM plan_count"},
        };
        int64_t version = 0, application = 0, objects = 0;

        if (!get_number(ledger, "PRAGMA user_version", &version, error) ||
            !get_number(ledger, "PRAGMA application_id", &application, error) ||
            !get_number(ledger, "SELECT count(*) FROM sqlite_schema", &objects, error))
                return false;
        if (version == 0 && application == 0 && objects == 0) {
                *ret_empty = true;
                return true;
        }
        *ret_empty = false;
        ledger->version = version;
        if (application != APPLICATION_ID)
                return fail_damaged(ledger, "it is no ledger of vfadm", error);
        if (version > SCHEMA_VERSION) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER,
                            "%s was made by a newer vfadm (schema %" G_GINT64_FORMAT ", this one knows %d): nothing was "
                            "changed; use that vfadm", ledger->path, version, SCHEMA_VERSION);
                return false;
        }
        if (!check_pages(ledger, error))
                return false;
        for (size_t i = 0; i < G_N_ELEMENTS(probes) && probes[i].since <= version; i++) {
                g_autoptr(Stmt) stmt = NULL;
                int code = sqlite3_prepare_v2(ledger->db, probes[i].sql, -1, &stmt, NULL);
                if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
                        continue;
                if (code == SQLITE_ERROR) /* "no such table", "no such column" */
                        return fail_damaged(ledger, sqlite3_errmsg(ledger->db), error);
                return ledger_fail(ledger, code, "cannot read it", error);
        }
        return true;
}

/* Only reads, and all at one moment, since another process may be making the schema just now. *ret_empty: a database without
 * any content, which gets our schema. */
static bool check_content(Ledger *ledger, bool *ret_empty, GError **error) {
        bool ok = ledger_exec(ledger, "BEGIN", "cannot read it", error) && check_tables(ledger, ret_empty, error);

        if (!sqlite3_get_autocommit(ledger->db))
                sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
        return ok;
}

/* In one transaction, so that a crash leaves either the old schema (or none) or the whole new one; of two processes that come at
 * once the second finds it made. */
static bool make_schema(Ledger *ledger, GError **error) {
        g_autofree char *versions = g_strdup_printf("PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION_ID,
                                                    SCHEMA_VERSION);
        int64_t version = 0;

        if (!ledger_exec(ledger, "BEGIN IMMEDIATE", "cannot make it", error))
                return false;
        bool ok = get_number(ledger, "PRAGMA user_version", &version, error);
        for (int64_t next = version; ok && next < SCHEMA_VERSION; next++)
                ok = ledger_exec(ledger, schemas[next], "cannot make it", error);
        ok = ok && (version >= SCHEMA_VERSION || ledger_exec(ledger, versions, "cannot make it", error)) &&
             ledger_exec(ledger, "COMMIT", "cannot make it", error);
        if (!ok && !sqlite3_get_autocommit(ledger->db))
                sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
        if (ok)
                ledger->version = MAX(version, SCHEMA_VERSION);
        return ok;
}

static bool fail_path(const char *path, int errnum, const char *what, GError **error) {
        VfadmError kind = errnum == EACCES || errnum == EPERM || errnum == EROFS ? VFADM_ERROR_PERMISSION : VFADM_ERROR_LEDGER;
        const char *next = kind == VFADM_ERROR_PERMISSION ? "; run as root" : "";

        g_set_error(error, VFADM_ERROR, kind, "%s: %s: %s%s", path, what, g_strerror(errnum), next);
        return false;
}

/* Whoever may write the folder or the file could make vfadm believe leases that never were. */
static bool check_owner(const char *path, const struct stat *st, mode_t type, GError **error) {
        const char *wrong = NULL;

        if ((st->st_mode & S_IFMT) == S_IFLNK)
                wrong = "is a symbolic link";
        else if ((st->st_mode & S_IFMT) != type)
                wrong = type == S_IFDIR ? "is no folder" : "is no regular file";
        else if (st->st_uid != geteuid() && st->st_uid != 0)
                wrong = "belongs to another user";
        else if (st->st_mode & 022)
                wrong = "may be written by others";
        else if (type == S_IFREG && st->st_nlink > 1)
                wrong = "has a second name (hard link)";
        if (!wrong)
                return true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER, "%s %s: it is not trusted and nothing was changed; see who made it",
                    path, wrong);
        return false;
}

/* The folder's path without trailing slashes (with them O_NOFOLLOW and lstat look through a link). */
static char *clean_dir(const char *dir) {
        char *clean = g_strdup(dir ? dir : DEFAULT_DIR);

        for (size_t n = strlen(clean); n > 1 && clean[n - 1] == '/'; n--)
                clean[n - 1] = '\0';
        return clean;
}

/* Finds, checks and (when it may) makes the folder and an empty database file. *ret_path NULL: there is none and none may
 * be made. SQLite gets the real path of the folder, since SQLITE_OPEN_NOFOLLOW refuses a link anywhere in a path, and
 * "/var" may rightly be one. */
static bool prepare_files(const char *dir, bool read_only, char **ret_path, GError **error) {
        struct stat st;

        *ret_path = NULL;
        if (lstat(dir, &st) < 0) {
                if (errno != ENOENT)
                        return fail_path(dir, errno, "cannot look at the ledger's folder", error);
                if (read_only)
                        return true;
                if (g_mkdir_with_parents(dir, 0700) < 0)
                        return fail_path(dir, errno, "cannot make the ledger's folder", error);
                if (lstat(dir, &st) < 0)
                        return fail_path(dir, errno, "cannot look at the ledger's folder", error);
        }
        if (!check_owner(dir, &st, S_IFDIR, error))
                return false;
        g_autofree char *shown = g_build_filename(dir, DB_NAME, NULL);
        if (lstat(shown, &st) < 0) {
                if (errno != ENOENT)
                        return fail_path(shown, errno, "cannot look at the ledger", error);
                if (read_only)
                        return true;
                int fd = open(shown, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
                if (fd < 0 && errno != EEXIST)
                        return fail_path(shown, errno, "cannot make the ledger", error);
                if (fd >= 0)
                        close(fd);
                if (lstat(shown, &st) < 0)
                        return fail_path(shown, errno, "cannot look at the ledger", error);
        }
        if (!check_owner(shown, &st, S_IFREG, error))
                return false;
        g_autofree char *real = realpath(dir, NULL);
        if (!real)
                return fail_path(dir, errno, "cannot look at the ledger's folder", error);
        *ret_path = g_build_filename(real, DB_NAME, NULL);
        return true;
}

/* `path` NULL: a database in memory. Opening writes nothing. */
static bool open_db(Ledger *ledger, const char *path, GError **error) {
        int access = path && ledger->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;

        sqlite3_close(ledger->db);
        ledger->db = NULL;
        int code = sqlite3_open_v2(path ? path : ":memory:", &ledger->db, access | SQLITE_OPEN_NOFOLLOW, NULL);
        if (code != SQLITE_OK)
                return ledger_fail(ledger, code, "cannot open it", error);
        sqlite3_busy_timeout(ledger->db, BUSY_TIMEOUT_MS);
        sqlite3_extended_result_codes(ledger->db, 1);
        /* Until the content is known to be sound, not even closing it may write (a checkpoint would). */
        sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        return true;
}

static bool set_up_reader(Ledger *ledger, const char *path, GError **error) {
        bool empty = true;

        if (path && (!open_db(ledger, path, error) || !check_content(ledger, &empty, error)))
                return false;
        /* No ledger, or one that its maker has not filled yet: an empty one in memory. */
        return !empty || (open_db(ledger, NULL, error) && make_schema(ledger, error));
}

/* SQLite does not wait by itself (busy_timeout) for those who read the new, still empty file in the old mode. */
static bool set_wal(Ledger *ledger, GError **error) {
        int64_t end = g_get_monotonic_time() + BUSY_TIMEOUT_MS * (int64_t) 1000;

        for (;;) {
                int code = sqlite3_exec(ledger->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
                if (code == SQLITE_OK)
                        return true;
                if ((code & 0xff) != SQLITE_BUSY || g_get_monotonic_time() >= end)
                        return ledger_fail(ledger, code, "cannot set it up", error);
                g_usleep(5000);
        }
}

static bool set_up_writer(Ledger *ledger, const char *path, GError **error) {
        bool empty = true;

        if (!open_db(ledger, path, error) || !check_content(ledger, &empty, error) ||
            !set_wal(ledger, error) ||
            !ledger_exec(ledger, "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL", "cannot set it up", error))
                return false;
        ledger->full_sync = true;
        if ((empty || ledger->version < SCHEMA_VERSION) && !make_schema(ledger, error))
                return false;
        sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        return true;
}

Ledger *ledger_open(const char *dir, bool read_only, GError **error) {
        g_autofree char *clean = clean_dir(dir);
        g_autofree char *path = NULL;

        if (!prepare_files(clean, read_only, &path, error))
                return NULL;
        g_autoptr(Ledger) ledger = g_new0(Ledger, 1);
        ledger->path = g_build_filename(clean, DB_NAME, NULL);
        ledger->read_only = read_only;
        if (!(read_only ? set_up_reader : set_up_writer)(ledger, path, error))
                return NULL;
        return g_steal_pointer(&ledger);
}

void ledger_free(Ledger *ledger) {
        if (!ledger)
                return;
        if (ledger->db && ledger->damaged)
                sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_close(ledger->db);
        if (ledger->took)
                g_array_unref(ledger->took);
        g_free(ledger->path);
        g_free(ledger);
}

/* Renames one file without ever overwriting: 0, or a negative errno. A missing file is fine. */
static int move_aside(const char *from, const char *to) {
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0)
                return errno == ENOENT ? 0 : -errno;
        return 0;
}

bool ledger_set_aside(const char *dir, char **ret, GError **error) {
        g_autofree char *clean = clean_dir(dir);
        g_autofree char *path = g_build_filename(clean, DB_NAME, NULL);
        struct stat st;

        if (lstat(path, &st) < 0)
                return fail_path(path, errno, "cannot set the ledger aside", error);
        for (unsigned n = 1; n < 10000; n++) {
                g_autofree char *aside = g_strdup_printf("%s.damaged-%u", path, n);
                int r = move_aside(path, aside);
                if (r == -EEXIST)
                        continue;
                /* The WAL may hold the only copy of the last leases: it goes along under the matching name, which also
                 * lets sqlite3 open the set-aside copy. -shm is an index of it. */
                static const char *const suffixes[] = {"-wal", "-shm"};
                for (size_t i = 0; r == 0 && i < G_N_ELEMENTS(suffixes); i++) {
                        g_autofree char *from = g_strconcat(path, suffixes[i], NULL);
                        g_autofree char *to = g_strconcat(aside, suffixes[i], NULL);
                        r = move_aside(from, to);
                }
                if (r < 0)
                        return fail_path(path, -r, "cannot set the ledger aside", error);
                *ret = g_steal_pointer(&aside);
                return true;
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER, "%s: too many damaged ledgers lie beside it already", path);
        return false;
}
