/* vfadm doctor [DEVICE|GUEST] */
#include "base/error.h"
#include "cli/doctor_fix.h"
#include "cli/read.h"
#include "doctor/doctor.h"
#include "guest/guest.h"
#include "guest/module.h"
#include "host/host.h"
#include "show/show.h"

#include <stdio.h>
#include <unistd.h>

enum { STATUS_WARNING = 12, STATUS_BLOCKS = 13 }; /* beyond the errors' own; also in verb_help.c and vfadm(8) */

/* The host as far as it could be read, and what the words meant. */
typedef struct {
        Snapshot *host;
        GPtrArray *leases;
        GPtrArray *guests;
        Books *books;           /* Xen's, on its dom0; NULL: it is none, or they could not be read */
        char *xen_log;
        Known xen_module;
        const Dev *dev;         /* both NULL: the host */
        const GuestInfo *guest;
        GuestInfo *named;       /* owned: a guest that was examined by its name, and not among `guests` */
} Patient;

static void patient_clear(Patient *patient) {
        snapshot_free(patient->host);
        g_clear_pointer(&patient->leases, g_ptr_array_unref);
        g_clear_pointer(&patient->guests, g_ptr_array_unref);
        books_free(patient->books);
        g_free(patient->xen_log);
        guest_info_free(patient->named);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Patient, patient_clear)

/* Guests that do not answer can take seconds: then whoever waits at a terminal is told for what. */
static void tell_wait(const Cli *cli, Io *io, int64_t since, const char *what) {
        if (!cli->quiet && !cli->json && isatty(STDERR_FILENO) && io_now(io) - since > G_USEC_PER_SEC)
                fprintf(stderr, "vfadm: %s\n", what);
}

/* Who has a device only Xen's books tell: they are read before the host, as for a change. What could not be read goes to `notes`. */
static void read_xen(const Cli *cli, Io *io, Patient *patient, GPtrArray *notes) {
        g_autoptr(GError) no_books = NULL, no_log = NULL;

        if (cli->root || !host_is_xen_dom0(io))
                return;
        patient->xen_module = guest_module_installed("xen") ? KNOWN_YES : KNOWN_NO;
        if (patient->xen_module == KNOWN_NO)
                return;
        patient->books = guest_books(io, &no_books);
        if (patient->books && !patient->books->xen) /* libvirt's, where Xen's could not be had */
                g_clear_pointer(&patient->books, books_free);
        if (!patient->books)
                g_ptr_array_add(notes, g_strdup_printf("Xen's domains are not known: %s", no_books ? no_books->message : "Xen's tools do not answer"));
        patient->xen_log = guest_xen_log(io, &no_log);
        if (no_log)
                g_ptr_array_add(notes, g_strdup_printf("Xen's own log is not known: %s", no_log->message));
}

static bool read_patient(const Cli *cli, Io *io, Patient *patient, GError **error) {
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        int64_t since = io_now(io);

        read_xen(cli, io, patient, notes);
        patient->host = host_read(io, (HOST_DOCTOR & ~(unsigned) HOST_NAMES) | HOST_VF_BRIEF, error);
        if (!patient->host)
                return false;
        books_add_uses(patient->books, patient->host);
        for (unsigned i = 0; i < notes->len; i++)
                g_ptr_array_add(patient->host->notes, g_strdup(notes->pdata[i]));
        if (cli->root && !patient->host->setup->cmdline) { /* which every Linux has */
                g_clear_pointer(&patient->host->setup, setup_free);
                g_ptr_array_add(patient->host->notes, g_strdup("firmware, kernel and configuration are not in this record: an older "
                                                               "vfadm made it; record the host again"));
        }
        g_autoptr(GError) local = NULL;
        bool told = !cli->root || cli->ledger_dir; /* a recorded host has no ledger */
        patient->leases = told ? cli_read_leases(cli, &local) : NULL;
        if (local)
                g_ptr_array_add(patient->host->notes, g_strdup_printf("leases are not known: %s", local->message));
        tell_wait(cli, io, since, "the host is read; asking the guests …");
        patient->guests = guest_examine_all(io, patient->host->notes);
        return true;
}

/* The guests by this name. */
static unsigned guests_named(const Patient *patient, const char *name, const GuestInfo **ret) {
        const GPtrArray *lists[] = {patient->guests, patient->books ? patient->books->guests : NULL};
        unsigned count = 0;
        for (size_t k = 0; k < G_N_ELEMENTS(lists); k++)
                for (unsigned i = 0; lists[k] && i < lists[k]->len; i++) {
                        const GuestInfo *guest = lists[k]->pdata[i];
                        g_autofree char *ref = guest_info_ref(guest);
                        /* Xen's device model of an HVM domain is a QEMU of the same name. */
                        bool model = k == 0 && patient->books && guest->machine && g_str_has_prefix(guest->machine, "xen");
                        if (model || (!g_str_equal(name, guest->name) && !g_str_equal(name, ref)))
                                continue;
                        *ret = guest;
                        count++;
                }
        return count;
}

static bool names_backend(const char *word) {
        g_autofree char *backend = NULL, *name = NULL;
        return guest_ref_parse(word, &backend, &name) && backend && guest_backend_known(backend);
}

static bool find_guest(Patient *patient, Io *io, const char *word, GError **error) {
        const GuestInfo *guest = NULL;
        if (guests_named(patient, word, &guest) == 1 && guest) {
                /* libvirt knows more of it than /proc, where it can be asked. */
                g_autofree char *ref = guest_info_ref(guest);
                patient->named = guest->by_libvirt && io->writable ? guest_examine(io, ref, NULL) : NULL;
                patient->guest = patient->named ? patient->named : guest;
                return true;
        }
        patient->guest = patient->named = guest_examine(io, word, error); /* says best what is wrong with the word */
        return patient->guest;
}

/* A word with a backend is a guest, an address is a device; any other word is the one of the two that knows it. */
static bool find_patient(Patient *patient, Io *io, const char *word, GError **error) {
        g_autoptr(GError) no_device = NULL, no_guest = NULL;
        const GuestInfo *guest = NULL;
        PciAddr addr;

        if (names_backend(word))
                return find_guest(patient, io, word, error);
        patient->dev = snapshot_find(patient->host, word, &no_device);
        bool is_guest = guests_named(patient, word, &guest) > 0;
        if (patient->dev && (!is_guest || pci_addr_parse(word, &addr)))
                return true;
        if (patient->dev) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                            "%s is a device and a guest: write 'vfadm doctor %s' for the device, 'vfadm doctor %s:%s' for the guest",
                            word, patient->dev->name, guest->backend, guest->name);
                return false;
        }
        if (find_guest(patient, io, word, &no_guest))
                return true;
        if (!g_error_matches(no_guest, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&no_guest));
                return false;
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s; nor does a guest of this name run", no_device->message);
        return false;
}

static GPtrArray *examine(const Patient *patient) {
        DoctorInput input = {.host = patient->host, .leases = patient->leases, .guests = patient->guests, .books = patient->books,
                             .xen_log = patient->xen_log, .xen_module = patient->xen_module};
        return patient->dev     ? doctor_device(&input, patient->dev)
               : patient->guest ? doctor_guest(&input, patient->guest)
                                : doctor_host(&input);
}

static int status_of(const GPtrArray *findings) {
        Severity worst = findings_worst(findings);
        return worst == SEVERITY_BLOCKS ? STATUS_BLOCKS : worst == SEVERITY_WARNING ? STATUS_WARNING : 0;
}

static void print(const Cli *cli, const Patient *patient, const GPtrArray *findings) {
        GPtrArray *notes = patient->host->notes;
        if (patient->named)
                for (unsigned i = 0; i < patient->named->notes->len; i++)
                        g_ptr_array_add(notes, g_strdup(patient->named->notes->pdata[i]));
        if (cli->json) {
                cli_print_json(show_findings_json(findings, notes));
                return;
        }
        ShowFindings how = {.all = cli->all, .color = cli_color(STDOUT_FILENO), .width = cli_width()};
        cli_print_text(show_findings_text(findings, &how, notes->len));
        fflush(stdout);
        for (unsigned i = 0; i < notes->len; i++)
                cli_note(cli, "%s", (const char *) notes->pdata[i]);
}

static json_t *check_json(const Check *check) {
        return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", check->id, "topic", topic_word(check->topic), "title", check->title, "why",
                         check->why, "explain", check->explain);
}

static bool list_checks(const Cli *cli) {
        json_t *array = json_array();
        for (unsigned i = 0; doctor_checks(i)->id; i++) {
                const Check *check = doctor_checks(i);
                json_array_append_new(array, check_json(check));
                if (!cli->json)
                        printf("%-28s %s\n", check->id, check->title);
        }
        if (cli->json)
                cli_print_json(json_pack("{s:O}", "checks", array));
        json_decref(array);
        return true;
}

static bool explain(const Cli *cli, GError **error) {
        if (cli->n_args == 0 || g_str_equal(cli->args[0], "all"))
                return list_checks(cli);
        const Check *check = doctor_check_find(cli->args[0]);
        if (!check) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "there is no finding '%s'; 'vfadm doctor --explain' names all",
                            cli->args[0]);
                return false;
        }
        if (cli->json)
                cli_print_json(check_json(check));
        else
                cli_print_text(show_explanation_text(check->id, check->title, check->why, check->explain, cli_width()));
        return true;
}

static bool check_words(const Cli *cli, GError **error) {
        bool changes = cli->fix || cli->undo;
        const char *wrong = cli->fix + cli->undo + cli->explain > 1    ? "--explain, --fix and --undo: one at a time"
                            : changes && cli->n_args                   ? "--fix and --undo are about this host: write them without a word"
                            : !changes && (cli->dry_run || cli->yes)   ? "--dry-run and --yes go with --fix or --undo: else nothing is changed"
                            : cli->all && (changes || cli->explain)    ? "--all goes with a plain 'vfadm doctor'"
                                                                       : NULL;
        if (wrong)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s; see 'vfadm help doctor'", wrong);
        return !wrong;
}

bool verb_doctor(Cli *cli, GError **error) {
        g_auto(Patient) patient = {0};

        if (!check_words(cli, error))
                return false;
        if (cli->explain)
                return explain(cli, error);
        if (cli->undo)
                return doctor_undo(cli, error);
        g_autoptr(Io) io = cli_open(cli, error);
        if (!io || !read_patient(cli, io, &patient, error))
                return false;
        if (cli->n_args && !find_patient(&patient, io, cli->args[0], error))
                return false;
        g_autoptr(GPtrArray) findings = examine(&patient);
        if (cli->fix)
                return doctor_fix(cli, io, patient.host, findings, error);
        print(cli, &patient, findings);
        cli->status = status_of(findings);
        return true;
}
