/* The plans that give a device to a guest. The order is what the field learned the hard way (field-facts 15, rules 2 and 8 of
 * the design): save, take from the host driver, MAC and VLAN before any driver binds, then VFIO, then the guest. libvirt does
 * these by itself for its guests (managed='yes'), and then only what it cannot do is done around it. */
#include "plan/give.h"

#include "base/error.h"

/* ---- the steps ---- */

static Lease *new_lease(const Give *give) {
        const VfState *now = snapshot_vf_state(give->input->host, give->dev);
        Lease *lease = lease_new();

        lease_identify(lease, give->input->host, give->dev);
        lease->guest = g_strdup(give->guest);
        lease->nic = give->nic;
        lease->pool = g_strdup(give->pool ? give->pool->name : NULL);
        lease->managed = give->managed;
        if (now)
                lease->saved = *now;
        lease->saved_driver = g_strdup(give->dev->driver);
        lease->saved_override = g_strdup(give->dev->driver_override);
        return lease;
}

static void add_lease(const Give *give) {
        Step *step = plan_add(give->plan, step_new(STEP_LEASE, give->dev->addr, give->own ? "what the guest has of it" : "nobody else may take it from here on"));
        Lease *lease = give->own ? lease_copy(give->own) : new_lease(give);

        if (give->scope && !lease->guest_device)
                lease->guest_device = plan_device_id(give->dev->addr);
        if (!(give->scope & SCOPE_CONFIG) || (give->scope & SCOPE_LIVE)) {
                lease->pid = (int) give->input->guest->pid;
                lease->pid_start = give->input->guest->pid_start;
        }
        g_free(lease->boot_id);
        lease->boot_id = g_strdup(give->input->host->boot_id);
        lease->config = lease->config || ((give->scope & SCOPE_CONFIG) && !give->by_network);
        if (!give->own || give->xen) {
                g_free(lease->guest_uuid);
                lease->guest_uuid = plan_lease_uuid(give->input->guest, lease->config);
        }
        lease->given = give->state;
        step->from.lease = give->own ? lease_copy(give->own) : NULL;
        step->to.lease = lease;
}

/* What it is now, so that undoing finds the way back to it: libvirt binds no driver with autoprobe off (field-facts 4), makes the MAC
 * that a bound driver used the administrator's, and knows no priority of a VLAN (field-facts 15). Doing these steps does nothing. */
static void add_way_back(const Give *give) {
        const Dev *dev = give->dev;
        const VfState *now = give->interface ? snapshot_vf_state(give->input->host, dev) : NULL;
        bool given_back = !driver_is_vfio(dev->driver);
        unsigned mask = (given_back ? VF_MAC : 0) | (now && plan_vlan_is_special(now) ? VF_VLAN : 0);
        const char *why_state = "what it has, should libvirt not give it back just so";

        /* One without a driver gets the host's from libvirt, which may set a MAC for itself: it goes before the MAC is put back. */
        if (now && !dev->driver)
                plan_vf_state_anyway(give->plan, give->input, dev, now, mask, why_state);
        if (given_back)
                plan_driver(give->plan, dev, dev->driver, dev->driver_override, dev->driver, dev->driver_override, dev->driver ? "its driver, should libvirt not give it back" : "it has no driver, should libvirt give it one");
        if (now && dev->driver)
                plan_vf_state_anyway(give->plan, give->input, dev, now, mask, why_state);
}

/* What libvirt leaves to others, before it takes the device. */
static void add_around(const Give *give) {
        unsigned mask = give->state.known & ~(unsigned) (give->interface ? VF_OF_SERVICE : 0);

        if (give->scope & SCOPE_LIVE)
                add_way_back(give);
        plan_vf_state(give->plan, give->input, give->dev, &give->state, mask, "what the guest shall have");
}

/* The other part of what the guest has already is of the same kind. */
static char *element(const Give *give, const Dev *dev, const char *bus) {
        Want words = *give->want;
        words.unmanaged = give->service && !give->managed;
        return plan_element(&words, give->input, dev, &give->state, bus);
}

static void add_defined(const Give *give) {
        const Pool *pool = give->by_network ? give->pool : NULL; /* its first PF stands for whichever VF it gives */
        const Dev *named = pool ? pool_pf(pool, 0, give->input->host) : give->dev;
        Step *step = plan_add(give->plan, step_new(STEP_DEFINED, named ? named->addr : (PciAddr) {0}, "the guest has it from each start on"));

        if (named && named->is_vf)
                step->pf = named->pf;
        if (pool)
                step->network = g_strdup_printf("libvirt:%s", pool->name);
        step->guest = g_strdup(give->guest);
        step->to.text = element(give, pool ? NULL : give->dev, NULL);
}

static void add_guest(const Give *give) {
        const Dev *dev = give->dev;
        Step *step = plan_add(give->plan, step_new(STEP_GUEST, dev->addr, "as asked"));

        step->guest = g_strdup(give->guest);
        step->guest_bus = g_strdup(give->slot ? give->slot->bus : NULL);
        step->to.text = plan_device_id(dev->addr);
        if (!give->service)
                return;
        step->xml = element(give, dev, step->guest_bus);
        if (give->managed && dev_use(dev))
                step->disturbs = g_strdup(dev_use(dev)->what);
        /* From then on its process is found to have the device, and that is as it shall be. One of Xen's has no process that would tell
         * it from any other guest; then nobody looks after this any more. */
        const KnownUse known = {dev->addr, USE_PROCESS, (int) give->input->guest->pid};
        if (!give->xen)
                g_array_append_val(give->plan->known, known);
        if (!give->interface || !plan_vlan_is_special(&give->state))
                return;
        Step *vlan = plan_vf_state_anyway(give->plan, give->input, dev, &give->state, VF_VLAN, "libvirt sets a VLAN as 802.1Q without priority");
        /* What libvirt has set by then: undoing must not put the guest into the VLAN of before. */
        if (vlan)
                vlan->from.vf = (VfState) {.known = VF_VLAN, .vlan = give->state.vlan, .proto = VLAN_PROTO_8021Q};
}

static void note_left(const Give *give) {
        unsigned all;
        const unsigned left = pool_left(give->pool, give->input, &all);

        plan_note(give->plan, "pool %s: %u of %u VFs left", give->pool->name, left - (left > 0), all);
}

static void add_notes(const Give *give) {
        if (give->pool && give->dev && !give->own)
                note_left(give);
        if (give->xen)
                give_note_xen(give);
        if (!(give->scope & SCOPE_CONFIG))
                return;
        if (give->input->guest->running && !(give->scope & SCOPE_LIVE))
                plan_note(give->plan, "it takes effect when %s is started the next time: shut it down and start it (a reboot inside is not enough)", give->guest);
        if (plan_vlan_is_special(&give->state) && (give->interface || give->by_network))
                plan_note(give->plan, "libvirt sets the VLAN as 802.1Q without priority when the guest starts%s", give->by_network ? "" : "; 'vfadm recover' then sets the rest");
        unsigned rest = give->state.known & ~(unsigned) VF_OF_SERVICE;
        g_autofree char *words = vf_state_format(&give->state, rest);
        if (give->by_network && *words)
                plan_note(give->plan, "libvirt chooses a VF of %s at each start and sets its MAC and VLAN only, not %s", give->pool->name, words);
}

/* Those that come along, in few words. */
static char *format_along(const Give *gives, unsigned n) {
        enum { NAMED = 4 };
        GString *text = g_string_new(NULL);

        for (unsigned i = 1; i < n && n <= 1 + NAMED; i++)
                g_string_append_printf(text, "%s%s", i > 1 ? ", " : " with ", gives[i].dev->name);
        if (n > 1 + NAMED)
                g_string_append_printf(text, " with the %u others of its IOMMU group", n - 1);
        return g_string_free(text, FALSE);
}

static void summarize(const Give *give, unsigned n) {
        g_autofree char *along = format_along(give, n);
        g_autofree char *text = vf_state_format(&give->state, give->state.known);
        g_autofree char *nick = give->dev ? snapshot_nick(give->input->host, give->dev) : NULL;
        g_autofree char *what = nick ? g_strdup_printf("%s (%s)%s", nick, give->dev->name, along) : g_strdup_printf("a VF of %s", give->pool->name);
        const char *where = !(give->scope & SCOPE_CONFIG) ? "" : give->scope & SCOPE_LIVE ? " and its definition" : ", in its definition";

        give->plan->result = g_strdup(give->dev ? give->dev->name : give->pool->name);
        give->plan->summary = g_strdup_printf("%s to %s%s%s%s", what, give->guest, where, *text ? ": " : "", text);
}

/* libvirt takes a device from its driver right before it is plugged. A group whose other members still have theirs then is no
 * use to VFIO (field-facts 20), so these are taken from their drivers before, all of them. */
static bool is_handed_over(const Give *give) {
        return !give->managed || (give->together && (give->scope & SCOPE_LIVE));
}

/* Side by side: no device is plugged before all are free, and none is taken from its driver before all are leased. */
static void add_steps(const Give *gives, unsigned n) {
        const unsigned scope = gives->scope;

        for (unsigned i = 0; i < n; i++) {
                add_lease(&gives[i]);
                if (gives[i].own)
                        continue;
                plan_hold(gives[i].plan, gives[i].input, gives[i].dev, true);
                plan_remembered(gives[i].plan, gives[i].input, gives[i].dev);
        }
        for (unsigned i = 0; i < n; i++)
                if (is_handed_over(&gives[i]))
                        plan_hand_over(gives[i].plan, gives[i].input, gives[i].dev, &gives[i].state, gives[i].xen);
                else
                        add_around(&gives[i]);
        for (unsigned i = 0; i < n && (scope & SCOPE_CONFIG); i++)
                add_defined(&gives[i]);
        for (unsigned i = 0; i < n && (scope & SCOPE_LIVE); i++)
                add_guest(&gives[i]);
}

/* ---- the verbs ---- */

static Give give_new(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        bool service = want->kind == WANT_ATTACH && guest_is_of_service(input->guest);
        bool libvirt = service && guest_is_libvirt(input->guest);
        return (Give) {
                .plan = plan,
                .input = input,
                .want = want,
                .dev = dev,
                .guest = guest_info_ref(input->guest),
                .service = service,
                .xen = service && !libvirt,
                .managed = libvirt && !want->unmanaged,
                .interface = libvirt && (!dev || plan_is_interface(input->host, dev)),
                .pool = plan_find_pool(want->device, input),
        };
}

/* The guest's definition names the network of that name, not a VF: libvirt chooses one at each start. */
static bool wants_network(const Want *want, const PlanInput *input) {
        const Pool *pool = plan_find_pool(want->device, input);
        return want->kind == WANT_ATTACH && pool && pool->libvirt && guest_is_libvirt(input->guest) && (plan_scope(want, input->guest) & SCOPE_CONFIG);
}

bool plan_is_network_only(const Want *want, const PlanInput *input) {
        return wants_network(want, input) && plan_scope(want, input->guest) == SCOPE_CONFIG;
}

/* The device, and with --with-group what must come along. Its locks were taken by the device's name: a VF that was only chosen would
 * have others beside it. */
static GPtrArray *find_together(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autoptr(GPtrArray) members = snapshot_group(input->host, want->with_group ? dev->iommu_group : -1);
        GPtrArray *devs = g_ptr_array_new();

        g_ptr_array_add(devs, (gpointer) dev);
        rule_whole_group(plan, dev, members, devs);
        if (devs->len > 1 && (!want->device || snapshot_find(input->host, want->device, NULL) != dev))
                plan_refuse(plan, VFADM_ERROR_USAGE, "--with-group: it would take %s, and %s with it; name the device itself that is meant, as in --from %s", dev->name, ((const Dev *) devs->pdata[1])->name, dev->name);
        return devs;
}

static void give_all(Give *gives, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                Give *give = &gives[i];
                give->by_network = wants_network(give->want, give->input);
                give->before = gives;
                give->n_before = i;
                give->together = n > 1;
                give->own = give_own_lease(give);
                if (give->own)
                        give->managed = give->own->managed;
        }
        if (give_may_all_go(gives, n)) {
                add_steps(gives, n);
                add_notes(gives);
        }
        summarize(gives, n);
}

void plan_give(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autoptr(GPtrArray) devs = find_together(plan, input, dev, want);
        /* The words are for the device that was named, and a VFIO driver of its own make, too. */
        const Want along = {.kind = want->kind, .nic = -1, .disrupt = want->disrupt, .unmanaged = want->unmanaged, .scope = want->scope, .xen = xen_device_plain(dev->addr)};
        PlanInput plain = *input;
        g_autofree Give *gives = g_new0(Give, devs->len);
        unsigned scope = 0;

        plain.vfio_driver = NULL;
        if (plan->refusals->len || (want->kind != WANT_LEND && !rule_scope(plan, input, want, &scope)))
                return;
        for (unsigned i = 0; i < devs->len; i++) {
                gives[i] = give_new(plan, i ? &plain : input, devs->pdata[i], i ? &along : want);
                gives[i].scope = scope;
        }
        give_all(gives, devs->len);
        for (unsigned i = 0; i < devs->len; i++)
                g_free(gives[i].guest);
}

void plan_give_network(Plan *plan, const PlanInput *input, const Want *want) {
        Give give = give_new(plan, input, NULL, want);

        give.by_network = true;
        if (!give.pool->started)
                plan_refuse(plan, VFADM_ERROR_REFUSED, "the pool %s is not started, so its network gives out nothing; run 'vfadm pool start %s' first", give.pool->name, give.pool->name);
        if (want->with_group)
                plan_refuse(plan, VFADM_ERROR_USAGE, "--with-group: libvirt chooses a VF of %s at each start, so what shares its IOMMU group is not known now; name one device with --from", give.pool->name);
        if (plan->refusals->len == 0 && rule_scope(plan, input, want, &give.scope) && give_choose_nic(&give) && give_choose_state(&give)) {
                add_defined(&give);
                add_notes(&give);
                summarize(&give, 1);
        }
        g_free(give.guest);
}
