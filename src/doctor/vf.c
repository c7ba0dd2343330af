/* Checks of what the PFs say of their VFs: MAC, VLAN, spoof check, trust, link, rate. Told once a PF, with the numbers
 * of its VFs. A VF that vfadm lent to a guest is as its lease says, and no trouble. The VFs' own side is in
 * vf_device.c. */
#include "doctor/vf_device.h"

#include "base/text.h"
#include "model/nic.h"

#include <string.h>

/* Whose a VF is now: what is odd with it hurts a guest at once, the host perhaps, and nobody while it is free. */
typedef enum { HOLDER_NOBODY, HOLDER_HOST, HOLDER_GUEST, HOLDERS } Holder;

/* One VF that is in scope and that its PF tells of. */
typedef struct {
        const Dev *pf, *dev;  /* dev NULL: its function could not be read */
        const NicDriver *nic; /* of the PF; may be NULL */
        unsigned index;
        const VfState *state;
        const Lease *lease;
        Holder holder;
        bool maybe_leased; /* a guest has it, and the ledger could not be read */
        bool on_purpose;   /* something on this host sets the state of this PF's VFs, or hands them out */
} Vf;

static Holder holder_of(const Dev *dev, const Lease *lease) {
        if (lease)
                return HOLDER_GUEST;
        for (unsigned i = 0; dev && i < dev->uses->len; i++)
                if (((const Use *) dev->uses->pdata[i])->kind == USE_PROCESS)
                        return HOLDER_GUEST;
        if (!dev || !dev->driver)
                return HOLDER_NOBODY;
        return driver_is_vfio(dev->driver) || g_str_equal(dev->driver, "pciback") ? HOLDER_GUEST : HOLDER_HOST;
}

/* The lease asked for this very attribute, or may have. */
static bool leased_so(const Vf *vf, unsigned bit) {
        return vf->lease ? vf->lease->given.known & bit : vf->maybe_leased;
}

/* ---- one complaint about many VFs ---- */

/* What is to be said of a VF, besides a Severity. */
enum { FINE = -1, UNSAID = -2 };

typedef struct {
        int (*judge)(const Vf *vf);
        const char *what[HOLDERS]; /* begins after "it has" or "they have" */
        void (*fill)(Finding *finding, const Vf *first);
} Complaint;

typedef struct {
        unsigned well, ill, unsaid, unsaid_pfs;
        const Dev *unsaid_pf;
        GArray *unsaid_numbers; /* unsigned: of unsaid_pf, the last one */
} Tally;

static void tally_clear(Tally *tally) {
        g_array_unref(tally->unsaid_numbers);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tally, tally_clear)

static const char *verb(const GArray *numbers) {
        return numbers->len == 1 ? "it has" : "they have";
}

/* The VFs of one PF that get one finding together. */
typedef struct {
        GArray *numbers;
        Severity severity;
        Vf first;
} Heap;

static void tell_heap(Doctor *doctor, const Complaint *complaint, Holder holder, const Heap *heap, const Dev *pf) {
        Finding *finding = report_vfs(doctor, heap->severity, pf, heap->numbers, "%s %s", verb(heap->numbers),
                                      complaint->what[holder]);
        const NetDev *net = dev_net(pf);
        if (net)
                seen_in(finding, "ip link show %s", net->name); /* rtnetlink has no file: the way to see the same */
        complaint->fill(finding, &heap->first);
}

static void judge_pf(Doctor *doctor, const Complaint *complaint, const Dev *pf, Heap heaps[HOLDERS], Tally *tally) {
        Vf vf = {.pf = pf,
                 .nic = nic_driver(pf->driver),
                 .on_purpose = set_on_purpose(doctor, pf, SETS_VF_STATE | SETS_POOL)};
        unsigned unsaid = tally->unsaid;
        for (unsigned i = 0; i < pf->vf_infos->len; i++) {
                const VfInfo *info = &g_array_index(pf->vf_infos, VfInfo, i);
                if (info->missing || !vf_in_scope(doctor, pf, info->index))
                        continue;
                vf.index = info->index;
                vf.state = &info->state;
                vf.dev = snapshot_vf(doctor->host, pf, info->index);
                vf.lease = vf.dev ? lease_of(doctor, vf.dev) : NULL;
                vf.holder = holder_of(vf.dev, vf.lease);
                vf.maybe_leased = !doctor->leases_known && vf.holder == HOLDER_GUEST;
                int verdict = complaint->judge(&vf);
                if (verdict == FINE) {
                        tally->well++;
                } else if (verdict == UNSAID) {
                        if (unsaid == tally->unsaid++)
                                g_array_set_size(tally->unsaid_numbers, 0);
                        g_array_append_val(tally->unsaid_numbers, vf.index);
                } else {
                        Heap *heap = &heaps[vf.holder];
                        if (heap->numbers->len == 0)
                                *heap = (Heap){heap->numbers, (Severity) verdict, vf};
                        heap->severity = MAX(heap->severity, (Severity) verdict);
                        g_array_append_val(heap->numbers, vf.index);
                        tally->ill++;
                }
        }
        if (tally->unsaid > unsaid) {
                tally->unsaid_pfs++;
                tally->unsaid_pf = pf;
        }
}

static Tally complain(Doctor *doctor, const Complaint *complaint) {
        Tally tally = {.unsaid_numbers = g_array_new(FALSE, FALSE, sizeof(unsigned))};
        Heap heaps[HOLDERS] = {{.numbers = g_array_new(FALSE, FALSE, sizeof(unsigned))},
                               {.numbers = g_array_new(FALSE, FALSE, sizeof(unsigned))},
                               {.numbers = g_array_new(FALSE, FALSE, sizeof(unsigned))}};
        for (unsigned p = 0; p < doctor->pfs->len; p++) {
                const Dev *pf = doctor->pfs->pdata[p];
                if (pf->vf_infos)
                        judge_pf(doctor, complaint, pf, heaps, &tally);
                for (int holder = HOLDERS; holder-- > 0;) {
                        if (heaps[holder].numbers->len)
                                tell_heap(doctor, complaint, (Holder) holder, &heaps[holder], pf);
                        g_array_set_size(heaps[holder].numbers, 0);
                }
        }
        for (int holder = 0; holder < HOLDERS; holder++)
                g_array_unref(heaps[holder].numbers);
        return tally;
}

/* The VF's name as 'vfadm set' takes it (caller frees). */
static char *nick_of(const Vf *vf) {
        const NetDev *net = dev_net(vf->pf);
        return g_strdup_printf("%s/%u", net ? net->name : vf->pf->name, vf->index);
}

static void show_state(Finding *finding, const Vf *first, unsigned bits) {
        g_autofree char *text = vf_state_format(first->state, bits);
        g_autofree char *nick = nick_of(first);
        seen(finding, "%s: %s", nick, text);
}

/* ---- MAC ---- */

/* Where a driver refuses zero, libvirt writes 02:00:00:00:00:00 to clear a MAC (field-facts 13). */
static bool mac_is_cleared(const uint8_t mac[6]) {
        static const uint8_t cleared[6] = {0x02, 0, 0, 0, 0, 0};
        return mac_is_zero(mac) || memcmp(mac, cleared, 6) == 0;
}

static int judge_mac(const Vf *vf) {
        if (!(vf->state->known & VF_MAC) || !mac_is_cleared(vf->state->mac))
                return FINE;
        return vf->holder == HOLDER_GUEST ? (int) SEVERITY_WARNING : UNSAID;
}

static void fill_mac(Finding *finding, const Vf *first) {
        g_autofree char *nick = nick_of(first);
        show_state(finding, first, VF_MAC);
        remedy(finding,
               "while nothing runs on it: vfadm set %s mac=02:…; 'vfadm attach' and 'vfadm run' set one by themselves",
               nick);
}

/* VFs that were just made have no MAC, as a rule: one note of all of them, however many. */
static void check_no_mac(Doctor *doctor) {
        static const Complaint complaint = {
                judge_mac, {[HOLDER_GUEST] = "no MAC from the PF, though bound for a guest"}, fill_mac};
        g_auto(Tally) tally = complain(doctor, &complaint);
        Finding *finding = NULL;
        if (tally.unsaid_pfs == 1)
                finding =
                        report_vfs(doctor, SEVERITY_NOTE, tally.unsaid_pf, tally.unsaid_numbers,
                                   "%s no MAC yet, as new VFs do; attach and run give one", verb(tally.unsaid_numbers));
        else if (tally.unsaid)
                finding = report(doctor, SEVERITY_NOTE, NULL,
                                 "%u VFs of %u PFs have no MAC yet, as new VFs do; attach and run give one",
                                 tally.unsaid, tally.unsaid_pfs);
        if (finding)
                seen(finding, "mac=00:00:00:00:00:00");
        else if (tally.well && !tally.ill)
                report(doctor, SEVERITY_OK, NULL, "%u VF%s with MAC", tally.well, tally.well == 1 ? "" : "s");
}

static uint64_t mac_number(const uint8_t mac[6]) {
        uint64_t number = 0;
        for (int i = 0; i < 6; i++)
                number = number << 8 | mac[i];
        return number;
}

/* MAC → GArray of the numbers of all VFs of the PF that have it, in scope or not. */
static GHashTable *macs_of(const Dev *pf) {
        GHashTable *macs = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_array_unref);
        for (unsigned i = 0; i < pf->vf_infos->len; i++) {
                const VfInfo *info = &g_array_index(pf->vf_infos, VfInfo, i);
                if (info->missing || !(info->state.known & VF_MAC) || mac_is_cleared(info->state.mac))
                        continue;
                uint64_t number = mac_number(info->state.mac);
                GArray *numbers = g_hash_table_lookup(macs, &number);
                if (!numbers) {
                        numbers = g_array_new(FALSE, FALSE, sizeof(unsigned));
                        g_hash_table_insert(macs, g_memdup2(&number, sizeof number), numbers);
                }
                g_array_append_val(numbers, info->index);
        }
        return macs;
}

static bool any_in_scope(const Doctor *doctor, const Dev *pf, const GArray *numbers) {
        for (unsigned i = 0; i < numbers->len; i++)
                if (vf_in_scope(doctor, pf, g_array_index(numbers, unsigned, i)))
                        return true;
        return false;
}

static void tell_duplicate(Doctor *doctor, const Dev *pf, const VfInfo *first, const GArray *numbers) {
        const NetDev *net = dev_net(pf);
        bool pfs_own = net && memcmp(net->mac, first->state.mac, 6) == 0;
        char mac[MAC_TEXT_SIZE];
        if ((numbers->len < 2 && !pfs_own) || !any_in_scope(doctor, pf, numbers))
                return;
        mac_format(first->state.mac, mac);
        Finding *finding = report_vfs(doctor, SEVERITY_WARNING, pf, numbers,
                                      pfs_own ? "%s the MAC of the PF itself" : "%s the same MAC", verb(numbers));
        seen(finding, "mac=%s", mac);
        if (net)
                seen_in(finding, "ip link show %s", net->name);
        remedy(finding, "give each its own, while nothing runs on it: vfadm set %s/%u mac=02:…",
               net ? net->name : pf->name, g_array_index(numbers, unsigned, numbers->len - 1));
}

static void check_duplicate_mac(Doctor *doctor) {
        for (unsigned p = 0; p < doctor->pfs->len; p++) {
                const Dev *pf = doctor->pfs->pdata[p];
                if (!pf->vf_infos)
                        continue;
                g_autoptr(GHashTable) macs = macs_of(pf);
                for (unsigned i = 0; i < pf->vf_infos->len; i++) {
                        const VfInfo *info = &g_array_index(pf->vf_infos, VfInfo, i);
                        uint64_t number = mac_number(info->state.mac);
                        const GArray *numbers = info->state.known & VF_MAC ? g_hash_table_lookup(macs, &number) : NULL;
                        if (numbers && g_array_index(numbers, unsigned, 0) == info->index)
                                tell_duplicate(doctor, pf, info, numbers);
                }
        }
}

/* ---- what is left over, or was never needed ---- */

static int judge_vlan(const Vf *vf) {
        bool set = (vf->state->known & VF_VLAN) && (vf->state->vlan || vf->state->qos);
        return set && vf->holder == HOLDER_NOBODY && !vf->on_purpose ? (int) SEVERITY_WARNING : FINE;
}

static void fill_vlan(Finding *finding, const Vf *first) {
        g_autofree char *nick = nick_of(first);
        show_state(finding, first, VF_VLAN);
        remedy(finding, "vfadm set %s vlan=0; unless you set it for a guest to come", nick);
}

static void check_vlan(Doctor *doctor) {
        static const Complaint complaint = {judge_vlan, {[HOLDER_NOBODY] = "a VLAN, and nobody has the VF"}, fill_vlan};
        g_auto(Tally) tally = complain(doctor, &complaint);
}

/* Which cards have the check on in a new VF is known (model/nic.c); elsewhere off says little. */
static int judge_spoofchk(const Vf *vf) {
        bool off = (vf->state->known & VF_SPOOFCHK) && !vf->state->spoofchk;
        if (!off || leased_so(vf, VF_SPOOFCHK))
                return FINE;
        if (!vf->nic || vf->nic->fresh_spoofchk <= 0 || vf->on_purpose)
                return vf->holder == HOLDER_GUEST ? (int) SEVERITY_NOTE : FINE;
        return vf->holder == HOLDER_HOST ? SEVERITY_NOTE : SEVERITY_WARNING;
}

static void fill_spoofchk(Finding *finding, const Vf *first) {
        g_autofree char *nick = nick_of(first);
        show_state(finding, first, VF_SPOOFCHK);
        remedy(finding, "vfadm set %s spoofchk=on; unless a bridge or router runs in the guest", nick);
}

static void check_spoofchk(Doctor *doctor) {
        static const Complaint complaint = {judge_spoofchk,
                                            {"the spoof check off, and the next guest would get it so",
                                             "the spoof check off",
                                             "the spoof check off: its guest may send with any MAC"},
                                            fill_spoofchk};
        g_auto(Tally) tally = complain(doctor, &complaint);
}

static int judge_trust(const Vf *vf) {
        if (!(vf->state->known & VF_TRUST) || !vf->state->trust || leased_so(vf, VF_TRUST))
                return FINE;
        if (vf->on_purpose)
                return vf->holder == HOLDER_GUEST ? (int) SEVERITY_NOTE : FINE;
        return vf->holder == HOLDER_HOST ? SEVERITY_NOTE : SEVERITY_WARNING;
}

static void fill_trust(Finding *finding, const Vf *first) {
        g_autofree char *nick = nick_of(first);
        show_state(finding, first, VF_TRUST);
        remedy(finding,
               "vfadm set %s trust=off; unless its user needs promiscuous mode, many multicast groups or a MAC of its "
               "own choice",
               nick);
}

static void check_trust(Doctor *doctor) {
        static const Complaint complaint = {judge_trust,
                                            {"trust on, and the next guest would get it so", "trust on",
                                             "trust on: its guest may change its MAC and see others' packets"},
                                            fill_trust};
        g_auto(Tally) tally = complain(doctor, &complaint);
}

static int judge_link(const Vf *vf) {
        if (!(vf->state->known & VF_LINK) || vf->state->link != VF_LINK_OFF || leased_so(vf, VF_LINK))
                return FINE;
        return vf->holder == HOLDER_NOBODY ? SEVERITY_NOTE : SEVERITY_WARNING;
}

static void fill_link(Finding *finding, const Vf *first) {
        g_autofree char *nick = nick_of(first);
        show_state(finding, first, VF_LINK);
        remedy(finding, "vfadm set %s link=auto", nick);
}

static void check_link(Doctor *doctor) {
        static const Complaint complaint = {judge_link,
                                            {"the link switched off by the PF",
                                             "the link switched off by the PF, though the host uses it",
                                             "the link switched off by the PF: the guest has no carrier"},
                                            fill_link};
        g_auto(Tally) tally = complain(doctor, &complaint);
}

static int judge_rate(const Vf *vf) {
        bool limited = (vf->state->known & VF_MAX_RATE) && vf->state->max_rate;
        return limited && !leased_so(vf, VF_MAX_RATE) && !vf->on_purpose ? (int) SEVERITY_NOTE : FINE;
}

static void fill_rate(Finding *finding, const Vf *first) {
        g_autofree char *nick = nick_of(first);
        show_state(finding, first, VF_MIN_RATE | VF_MAX_RATE);
        remedy(finding, "vfadm set %s max-rate=0 (no limit); unless it is meant so", nick);
}

static void check_rate(Doctor *doctor) {
        static const Complaint complaint = {
                judge_rate,
                {"a rate limit, and nobody has the VF", "a rate limit", "a rate limit that no lease asked for"},
                fill_rate};
        g_auto(Tally) tally = complain(doctor, &complaint);
}

/* ---- the lease ---- */

/* Rates are left out: they change by themselves with the PF's link (igb_check_vf_rate_limit()). */
static void check_lease_state(Doctor *doctor) {
        unsigned same = 0, differ = 0;
        for (unsigned i = 0; i < doctor->vfs->len; i++) {
                const Dev *vf = doctor->vfs->pdata[i];
                const Lease *lease = lease_of(doctor, vf);
                const VfState *state = lease ? snapshot_vf_state(doctor->host, vf) : NULL;
                if (!state || lease->state != LEASE_ACTIVE)
                        continue;
                unsigned mask = lease->given.known & state->known & ~(unsigned) (VF_MIN_RATE | VF_MAX_RATE);
                unsigned diff = vf_state_diff(state, &lease->given, mask);
                if (diff == 0) {
                        same++;
                        continue;
                }
                const NetDev *net = dev_net(snapshot_pf(doctor->host, vf));
                g_autofree char *now = vf_state_format(state, diff), *then = vf_state_format(&lease->given, diff),
                                *nick = snapshot_nick(doctor->host, vf);
                differ++;
                Finding *finding = report_dev(doctor, SEVERITY_WARNING, vf,
                                              "it was given to %s with %s, and is not so now", lease->guest, then);
                seen(finding, "%s", now);
                if (net)
                        seen_in(finding, "ip link show %s", net->name);
                remedy(finding, "vfadm set %s %s --disrupt (the guest may notice); and find who changed it", nick,
                       then);
        }
        if (same && !differ)
                report(doctor, SEVERITY_OK, NULL, "%u as leased", same);
}

/* ---- the table ---- */

const Check checks_vf[] = {
        {.id = "vf-missing",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "The PF does not tell of a VF",
         .why = "A VF that the PF leaves out is in reset or stuck, and cannot be set up.",
         .explain = "The kernel's list of a PF's VFs (rtnetlink, IFLA_VFINFO_LIST) leaves a VF out when the driver "
                    "cannot say how it is: ice does so while the VF is in reset, which takes up to a second. A VF that "
                    "is missing every time is stuck in its reset: see dmesg for the PF ('VF %d still in reset', "
                    "'failed to reset').\n\n"
                    "What helps: end the guest that has it; unbind and bind the VF's driver; at last 'vfadm disable "
                    "PF' and enable again, which removes all VFs of the PF. Guests that set MAC or VLAN in a loop keep "
                    "an Intel VF in reset for ever.\n\n"
                    "When the whole question fails, the PF's driver or its network device is in trouble.",
         .run = check_vf_missing},
        {.id = "vf-no-mac",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "A VF has no MAC from its PF",
         .why = "Without one the VF's driver invents a MAC at each start, so DHCP leases, firewall rules and interface "
                "names change.",
         .explain = "New VFs have no administrative MAC (all zero), and that is no fault: 'vfadm attach' and 'vfadm "
                    "run' derive one from the guest that stays the same. It matters when a guest gets the VF in "
                    "another way: a plain <hostdev> of libvirt, '-device vfio-pci' by hand, xl. The driver inside then "
                    "takes a random MAC at each boot.\n\n"
                    "Set one through the PF before a driver binds: vfadm set enp1s0/3 mac=02:00:00:00:00:03. It takes "
                    "effect at the next start of the VF's driver. MACs that begin with 02 are local and yours to "
                    "choose. 02:00:00:00:00:00 counts as none: libvirt writes it where a driver refuses zero.",
         .run = check_no_mac},
        {.id = "vf-duplicate-mac",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "Two functions of one port have the same MAC",
         .why = "The card's switch sends what is for both to one of them, so one loses its traffic, now and then or "
                "always.",
         .explain = "Two VFs of one PF, or a VF and the PF itself, have one MAC. It is left behind when a guest ended "
                    "uncleanly and its MAC was given to another VF, or comes from copied configuration.\n\n"
                    "Free the one that nobody uses: vfadm set enp1s0/5 mac=00:00:00:00:00:00, or give it another. VFs "
                    "of different PFs may share a MAC (members of a bond in a guest do); vfadm says nothing of those.",
         .run = check_duplicate_mac},
        {.id = "vf-vlan-leftover",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "A VF has a VLAN and no owner",
         .why = "The next user's packets go into that VLAN, unseen from inside.",
         .explain = "The PF tags the VF's packets with a VLAN, while nobody has the VF: no driver, no guest, no lease, "
                    "and nothing in this host's configuration that sets VLANs. Most often a guest ended uncleanly, or "
                    "a script set it and forgot it. The tag is not seen inside the guest: it looks as if the network "
                    "were dead or foreign.\n\n"
                    "vfadm set enp1s0/3 vlan=0 takes it off. A VLAN that you set for a guest to come may stay.",
         .run = check_vlan},
        {.id = "vf-spoofchk-off",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "A VF's spoof check is off",
         .why = "Whoever has the VF can send packets in the name of others.",
         .explain = "With the spoof check on the card drops what a VF sends with another source MAC than its own, and "
                    "with other VLANs. Intel's cards have it on in a new VF, so somebody switched it off; with other "
                    "cards off may be the default, and only a guest's VF is noted.\n\n"
                    "It must be off for a guest that bridges or routes other MACs (nested guests, VRRP with virtual "
                    "MACs, some bonds). Else: vfadm set enp1s0/3 spoofchk=on. By 'vfadm attach … spoofchk=off' it is "
                    "in the lease and goes back on when the guest is done.",
         .run = check_spoofchk},
        {.id = "vf-trust-on",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "A VF is trusted",
         .why = "A trusted VF may change its own MAC, join any multicast and, with some cards, see other VFs' packets.",
         .explain = "Trust lets the VF's driver do what only the host should decide: set its own MAC over the "
                    "administrative one, go promiscuous, ask for more filters than its share. It is needed for some "
                    "DPDK programs, for bonds inside the guest and for guests with more than a few dozen multicast "
                    "groups (IPv6 in containers).\n\n"
                    "When nobody needs it: vfadm set enp1s0/3 trust=off (an ice VF is reset by that). By 'vfadm attach "
                    "… trust=on' it is in the lease and goes off when the guest is done.",
         .run = check_trust},
        {.id = "vf-link-off",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "A VF's link is switched off by its PF",
         .why = "The VF has no carrier whatever its driver does.",
         .explain = "The PF keeps this VF's link down ('ip link set PF vf N state disable'). The guest sees an "
                    "unplugged cable. vfadm set enp1s0/3 link=auto makes it follow the port; link=on keeps it up even "
                    "without a cable, so that VFs of one port reach each other.",
         .run = check_link},
        {.id = "vf-rate-limit",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "A VF has a rate limit that no lease asked for",
         .why = "The VF sends no faster than that, and nothing inside says so.",
         .explain = "A limit on what the VF may send, in Mbit/s, that no lease and no configuration of this host asked "
                    "for. It limits sending only. vfadm set enp1s0/3 max-rate=0 min-rate=0 takes it off.",
         .run = check_rate},
        {.id = "vf-lease-drift",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "A leased VF is not as it was given",
         .why = "Somebody changed MAC, VLAN or trust behind the back of the guest that has the VF.",
         .explain = "The lease says with which MAC, VLAN, spoof check, trust and link the VF was given, and the PF "
                    "says something else now. Candidates: 'ip link set PF vf N', NetworkManager or systemd-networkd "
                    "that apply a profile again when the PF's link changes, a CNI or operator that counts the VF as "
                    "its own, a reload of the PF's driver.\n\n"
                    "Stop who does it, then 'vfadm set VF … --disrupt' puts it right: with i40e and ice that resets "
                    "the VF, and its guest notices. When the guest is done, vfadm restores what was before the lease "
                    "in any case.",
         .run = check_lease_state},
        {.id = "vf-managed",
         .topic = TOPIC_VF,
         .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "A VF's network device was taken by a network manager",
         .why = "The host answers and sends from several devices in one network, and the VF counts as in use.",
         .explain =
                 "A VF with a host driver is a network device like any other, and NetworkManager (by its default "
                 "profile 'Wired connection N'), systemd-networkd (by a .network file that matches "
                 "everything) or cloud-init's netplan asks for an address on it by DHCP. Each VF then takes one, "
                 "routes double, and replies leave by the wrong device.\n\n"
                 "vfadm takes it for unwanted when the address is in the same network as the PF's or another VF's. "
                 "A VF that the host uses on purpose, by a file that names it, is left alone.\n\n"
                 "For VFs that go to guests: give them no host driver ('vfadm enable' makes them so), or keep managers "
                 "off: in /etc/NetworkManager/conf.d/ a file with [keyfile] "
                 "unmanaged-devices=driver:igbvf (iavf, ixgbevf …), or a udev rule that sets ENV{NM_UNMANAGED}=\"1\" "
                 "for add, change and move; for networkd a .network file that sorts first with "
                 "[Match] Driver=igbvf and [Link] Unmanaged=yes.",
         .run = check_vf_managed},
        {.id = "vf-no-flr",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "A VF cannot be reset",
         .why = "What one guest left in the device, the next one finds.",
         .explain = "The SR-IOV specification wants a function level reset (FLR) of every VF, and VFIO resets a device "
                    "whenever it is opened and closed. This VF names no way to be reset: reset_method in sysfs is "
                    "empty, or neither the Express capability nor Advanced Features offers FLR. Resetting the bus is "
                    "no way for VFs, since it would hit the PF too.\n\n"
                    "Queues, filters and memory addresses of the former guest then stay in it. Card firmware that is "
                    "newer may help. Else remove and make the VFs between two guests ('vfadm disable PF', 'vfadm "
                    "enable PF N').",
         .run = check_vf_no_flr},
        {.id = "vf-pf-down",
         .topic = TOPIC_VF,
         .scopes = SCOPE_ALL,
         .title = "VFs wait for their PF to come up",
         .why = "With this driver a VF can neither be set up nor work before the PF's network device is up.",
         .explain = "igb and ixgbe accept MAC, VLAN and the rest for a VF while the PF is down, and let it take "
                    "effect, and the VF's driver start, only when the PF comes up. Nothing says so, therefore vfadm "
                    "(and libvirt) refuse to give such a VF away.\n\n"
                    "ip link set enp1s0 up. The PF needs no address; keep NetworkManager or networkd from giving it "
                    "one if it serves VFs only, and have it brought up at boot, before guests start.",
         .run = check_vf_pf_down},
        {.id = NULL},
};
