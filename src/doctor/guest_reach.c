/* Checks of how a guest can be reached: its monitor, its agent, and whether it runs; and what all checks of guests
 * share. */
#include "doctor/guest_checks.h"

unsigned guest_devices(const GuestInfo *guest) {
        return MAX(guest->devices->len, guest->vfio_files);
}

bool guest_concerned(const Doctor *doctor, const GuestInfo *guest) {
        return doctor->scope != SCOPE_HOST || guest_devices(guest) > 0 || guest_has_lease(doctor, guest);
}

Finding *report_guest(Doctor *doctor, Severity severity, const GuestInfo *guest, const char *what, ...) {
        g_autofree char *ref = guest_info_ref(guest);
        va_list args;
        va_start(args, what);
        g_autofree char *text = g_strdup_vprintf(what, args);
        va_end(args);
        return report(doctor, severity, ref, "%s", text);
}

void each_guest(Doctor *doctor, Verdict (*look)(Doctor *, const GuestInfo *), const char *fine) {
        unsigned well = 0, ill = 0;
        for (unsigned i = 0; i < doctor->guests->len; i++) {
                const GuestInfo *guest = doctor->guests->pdata[i];
                Verdict verdict = guest_concerned(doctor, guest) ? look(doctor, guest) : GUEST_SKIPPED;
                well += verdict == GUEST_FINE;
                ill += verdict == GUEST_ILL;
        }
        if (fine && well && !ill)
                report(doctor, SEVERITY_OK, NULL, "%s", fine);
}

/* Only of a guest that was asked about, and whom libvirt was not asked about: reaching its daemon may start it. */
void check_guest_libvirt(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->guests->len; i++) {
                const GuestInfo *guest = doctor->guests->pdata[i];
                if (!guest->by_libvirt || guest->asked)
                        continue;
                Finding *finding = report_guest(doctor, SEVERITY_NOTE, guest, "libvirt runs it, and was not asked: its free slots and what was plugged since its start are not known");
                seen_in(finding, "/proc/%d/cmdline", (int) guest->pid);
                remedy(finding, "the package vfadm-libvirt installed and libvirt's daemon running, doctor asks it, and 'vfadm attach libvirt:%s' and detach reach it", guest->name);
        }
}

static Verdict look_socket(Doctor *doctor, const GuestInfo *guest) {
        if (guest->by_libvirt || guest->asked || guest->socket || guest->cut)
                return GUEST_SKIPPED;
        Finding *finding =
                report_guest(doctor, doctor->scope == SCOPE_GUEST ? SEVERITY_BLOCKS : SEVERITY_NOTE, guest,
                             "it has no QMP socket, so nothing can be given to it or taken from it while it runs");
        seen(finding, "no -qmp unix:… and no -mon …,mode=control on a socket");
        seen_in(finding, "/proc/%d/cmdline", (int) guest->pid);
        remedy(finding,
               "start it with -qmp unix:/run/%s.qmp,server=on,wait=off; or give it its devices at the start: vfadm run "
               "-- QEMU…",
               guest->name);
        return GUEST_ILL;
}

void check_guest_socket(Doctor *doctor) {
        each_guest(doctor, look_socket, NULL);
}

static Verdict look_monitor(Doctor *doctor, const GuestInfo *guest) {
        const char *note = guest->notes->len ? guest->notes->pdata[0] : NULL;
        if (guest->asked || !guest->socket)
                return guest->asked ? GUEST_FINE : GUEST_SKIPPED;
        Severity severity = doctor->scope == SCOPE_GUEST && !guest->denied ? SEVERITY_BLOCKS : SEVERITY_NOTE;
        Finding *finding = report_guest(doctor, severity, guest,
                                        guest->denied ? "its monitor may not be asked" : "its monitor does not answer");
        seen(finding, "%s", note ? note : "no answer");
        seen_in(finding, "/%s", guest->socket);
        if (guest->denied)
                remedy(finding, "run vfadm doctor as root");
        else
                remedy(finding,
                       "end who holds the socket (ss -xp names both ends of /%s), or start QEMU with a second -qmp "
                       "socket "
                       "for vfadm",
                       guest->socket);
        return GUEST_ILL;
}

void check_guest_monitor(Doctor *doctor) {
        each_guest(doctor, look_monitor, NULL);
}

/* The first note of a guest that could not be asked is its monitor's. */
static Verdict look_agent(Doctor *doctor, const GuestInfo *guest) {
        unsigned first = guest->asked || !guest->socket ? 0 : 1;
        for (unsigned i = first; i < guest->notes->len; i++) {
                Finding *finding = report_guest(doctor, SEVERITY_NOTE, guest, "what is inside could not be asked");
                seen(finding, "%s", (const char *) guest->notes->pdata[i]);
                remedy(finding,
                       "in the guest: systemctl status qemu-guest-agent (or the service of that name in Windows)");
        }
        return guest->notes->len > first ? GUEST_ILL : guest->agent ? GUEST_FINE : GUEST_SKIPPED;
}

void check_guest_agent(Doctor *doctor) {
        each_guest(doctor, look_agent, "guest agent answers");
}

static Verdict look_paused(Doctor *doctor, const GuestInfo *guest) {
        /* QEMU's RunState, qapi/run-state.json. */
        static const char *const stuck[] = {"io-error", "internal-error", "guest-panicked", "watchdog"};
        if (!guest->status)
                return GUEST_SKIPPED;
        if (g_str_equal(guest->status, "running"))
                return GUEST_FINE;
        bool broken = false;
        for (size_t i = 0; i < G_N_ELEMENTS(stuck); i++)
                broken = broken || g_str_equal(guest->status, stuck[i]);
        Finding *finding =
                report_guest(doctor, broken || doctor->scope == SCOPE_GUEST ? SEVERITY_WARNING : SEVERITY_NOTE, guest,
                             "it does not run (%s), so it takes no new device and lets none go", guest->status);
        seen(finding, "status %s", guest->status);
        if (guest->socket)
                seen_in(finding, "/%s", guest->socket);
        remedy(finding, "%s",
               broken ? "see QEMU's log for what stopped it, then reset or end it"
                      : "let it run on: 'cont' on its monitor");
        return GUEST_ILL;
}

void check_guest_paused(Doctor *doctor) {
        each_guest(doctor, look_paused, doctor->scope == SCOPE_GUEST ? "it runs" : NULL);
}
