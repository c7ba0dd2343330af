/* Runs the checks: what is in scope, and in which order. */
#include "doctor/report.h"

static const Check *const tables[] = {checks_cpu, checks_firmware, checks_kernel, checks_isolation, checks_sriov,
                                      checks_vf, checks_persistence, checks_xen, checks_guest, checks_tools};

const Check *doctor_checks(unsigned i) {
        static const Check end = {.id = NULL};
        for (size_t table = 0; table < G_N_ELEMENTS(tables); table++)
                for (const Check *check = tables[table]; check->id; check++)
                        if (i-- == 0)
                                return check;
        return &end;
}

const Check *doctor_check_find(const char *id) {
        for (size_t table = 0; table < G_N_ELEMENTS(tables); table++)
                for (const Check *check = tables[table]; check->id; check++)
                        if (g_str_equal(check->id, id))
                                return check;
        return NULL;
}

static void index_groups(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->host->devs->len; i++) {
                Dev *dev = doctor->host->devs->pdata[i];
                if (dev->iommu_group < 0)
                        continue;
                GPtrArray *group = g_hash_table_lookup(doctor->groups, GINT_TO_POINTER(dev->iommu_group));
                if (!group) {
                        group = g_ptr_array_new();
                        g_hash_table_insert(doctor->groups, GINT_TO_POINTER(dev->iommu_group), group);
                }
                g_ptr_array_add(group, dev);
        }
}

static void index_leases(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->leases->len; i++) {
                Lease *lease = doctor->leases->pdata[i];
                char name[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(lease->dev, name);
                g_hash_table_insert(doctor->leased, g_strdup(name), lease);
        }
}

static void begin(Doctor *doctor, const DoctorInput *input, unsigned scope) {
        *doctor = (Doctor) {.host = input->host, .scope = scope};
        if (!input->host->setup)
                doctor->no_setup = setup_new();
        doctor->setup = doctor->no_setup ? doctor->no_setup : input->host->setup;
        doctor->leases_known = input->leases != NULL;
        doctor->leases = input->leases ? g_ptr_array_ref((GPtrArray *) input->leases) : g_ptr_array_new();
        doctor->guests = g_ptr_array_new();
        doctor->domains = g_ptr_array_new();
        doctor->books = input->books;
        doctor->xen_log = input->xen_log;
        doctor->xen_module = input->xen_module;
        doctor->pfs = g_ptr_array_new();
        doctor->vfs = g_ptr_array_new();
        doctor->candidates = g_ptr_array_new();
        doctor->in_scope = g_hash_table_new(NULL, NULL);
        doctor->groups = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
        doctor->leased = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        doctor->findings = g_ptr_array_new_with_free_func((GDestroyNotify) finding_free);
        index_groups(doctor);
        index_leases(doctor);
}

static void run_checks(Doctor *doctor) {
        for (size_t table = 0; table < G_N_ELEMENTS(tables); table++)
                for (doctor->check = tables[table]; doctor->check->id; doctor->check++)
                        if (doctor->check->scopes & doctor->scope)
                                doctor->check->run(doctor);
}

static int by_topic(const void *a, const void *b, void *user) {
        const Finding *const *x = a, *const *y = b;
        return (int) (*x)->topic - (int) (*y)->topic;
}

void doctor_clear(Doctor *doctor) {
        g_ptr_array_unref((GPtrArray *) doctor->leases);
        g_ptr_array_unref(doctor->guests);
        g_ptr_array_unref(doctor->domains);
        g_ptr_array_unref(doctor->pfs);
        g_ptr_array_unref(doctor->vfs);
        g_ptr_array_unref(doctor->candidates);
        g_hash_table_unref(doctor->in_scope);
        g_hash_table_unref(doctor->groups);
        g_hash_table_unref(doctor->leased);
        setup_free(doctor->no_setup);
        g_clear_pointer(&doctor->findings, g_ptr_array_unref);
}

static GPtrArray *examine(Doctor *doctor) {
        run_checks(doctor);
        GPtrArray *findings = g_steal_pointer(&doctor->findings);
        doctor_clear(doctor);
        /* Stable, unlike g_ptr_array_sort(): findings of a topic stay in the order of its checks. */
        if (findings->len)
                g_qsort_with_data(findings->pdata, (int) findings->len, sizeof(void *), by_topic, NULL);
        return findings;
}

const GPtrArray *group_of(const Doctor *doctor, const Dev *dev) {
        static const GPtrArray none = {0};
        const GPtrArray *group = dev->iommu_group >= 0 ? g_hash_table_lookup(doctor->groups, GINT_TO_POINTER(dev->iommu_group)) : NULL;
        return group ? group : &none;
}

const Lease *lease_of(const Doctor *doctor, const Dev *dev) {
        return g_hash_table_lookup(doctor->leased, dev->name);
}

bool vf_in_scope(const Doctor *doctor, const Dev *pf, unsigned number) {
        if (doctor->scope == SCOPE_HOST || (doctor->scope == SCOPE_DEVICE && g_hash_table_contains(doctor->in_scope, pf)))
                return true;
        const Dev *vf = snapshot_vf(doctor->host, pf, number);
        return vf && g_hash_table_contains(doctor->in_scope, vf);
}

GPtrArray *vfs_of(const Doctor *doctor, const Dev *pf) {
        GPtrArray *vfs = g_ptr_array_new();
        for (unsigned n = 0; pf->vfs && n < pf->vfs->len; n++) {
                const Dev *vf = snapshot_vf(doctor->host, pf, n);
                if (vf && vf_in_scope(doctor, pf, n))
                        g_ptr_array_add(vfs, (void *) vf);
        }
        return vfs;
}

static int by_address(const void *a, const void *b) {
        const Dev *const *x = a, *const *y = b;
        return pci_addr_compare((*x)->addr, (*y)->addr);
}

static void add_pf(Doctor *doctor, const Dev *pf) {
        if (!g_ptr_array_find(doctor->pfs, pf, NULL)) /* of a device or a guest: a handful */
                g_ptr_array_add(doctor->pfs, (void *) pf);
}

/* Asked about by name, or held by the guest that was asked about: a candidate even when nobody would give it to a guest. */
static void take(Doctor *doctor, const Dev *dev) {
        g_hash_table_add(doctor->in_scope, (void *) dev);
        g_ptr_array_add(doctor->candidates, (void *) dev);
        if (dev->is_pf)
                add_pf(doctor, dev);
        if (!dev->is_vf)
                return;
        g_ptr_array_add(doctor->vfs, (void *) dev);
        const Dev *pf = snapshot_pf(doctor->host, dev);
        if (pf && pf != dev)
                add_pf(doctor, pf);
}

static bool is_candidate(const Doctor *doctor, const Dev *dev) {
        return dev->is_pf || dev->is_vf || driver_is_vfio(dev->driver) || driver_is_xen(dev->driver) ||
               lease_of(doctor, dev);
}

static bool is_domain(const GuestInfo *guest) {
        return g_str_equal(guest->backend, "xen");
}

/* The device model that Xen starts for an HVM domain is a QEMU too, and no guest of its own. */
static bool is_device_model(const GuestInfo *guest) {
        return !is_domain(guest) && guest->machine && g_str_has_prefix(guest->machine, "xen");
}

static void add_guest(Doctor *doctor, const GuestInfo *guest) {
        if (!is_device_model(guest))
                g_ptr_array_add(is_domain(guest) ? doctor->domains : doctor->guests, (void *) guest);
}

/* Of those that run as processes and, of Xen's domains, those in its books: what `has` says yes to. */
static void add_guests(Doctor *doctor, const DoctorInput *input, const Dev *holder, bool (*has)(const Doctor *, const GuestInfo *, const char *, const Dev *)) {
        const GPtrArray *lists[] = {input->guests, input->books ? input->books->guests : NULL};

        for (size_t k = 0; k < G_N_ELEMENTS(lists); k++)
                for (unsigned i = 0; lists[k] && i < lists[k]->len; i++) {
                        const GuestInfo *guest = lists[k]->pdata[i];
                        g_autofree char *ref = guest_info_ref(guest);
                        /* libvirt's books are not asked for here, and a guest of theirs is among the processes. */
                        if ((k == 0 || is_domain(guest)) && (!has || has(doctor, guest, ref, holder)))
                                add_guest(doctor, guest);
                }
}

void doctor_for_host(Doctor *doctor, const DoctorInput *input) {
        begin(doctor, input, SCOPE_HOST);
        for (unsigned i = 0; i < input->host->devs->len; i++) {
                Dev *dev = input->host->devs->pdata[i];
                if (is_candidate(doctor, dev))
                        g_ptr_array_add(doctor->candidates, dev);
                if (dev->is_pf)
                        g_ptr_array_add(doctor->pfs, dev);
                if (dev->is_vf)
                        g_ptr_array_add(doctor->vfs, dev);
        }
        add_guests(doctor, input, NULL, NULL);
}

/* What the guest holds by its monitor, by open files and by lease: a guest that cannot be asked is told by the others. */
static bool guest_has(const Doctor *doctor, const GuestInfo *guest, const char *ref, const Dev *dev) {
        const Lease *lease = lease_of(doctor, dev);

        if (guest_info_find(guest, dev->addr) || (is_domain(guest) && guest_info_find_defined(guest, dev->addr)) || (lease && g_strcmp0(lease->guest, ref) == 0))
                return true;
        for (unsigned i = 0; i < dev->uses->len; i++)
                if (guest->pid && ((const Use *) dev->uses->pdata[i])->pid == guest->pid)
                        return true;
        return false;
}

void doctor_for_device(Doctor *doctor, const DoctorInput *input, const Dev *dev) {
        begin(doctor, input, SCOPE_DEVICE);
        take(doctor, dev);
        for (unsigned n = 0; dev->is_pf && n < dev->vfs->len; n++) {
                const Dev *vf = snapshot_vf(input->host, dev, n);
                if (vf)
                        take(doctor, vf);
        }
        add_guests(doctor, input, dev, guest_has);
}

void doctor_for_guest(Doctor *doctor, const DoctorInput *input, const GuestInfo *guest) {
        g_autofree char *ref = guest_info_ref(guest);

        begin(doctor, input, SCOPE_GUEST);
        add_guest(doctor, guest);
        for (unsigned i = 0; i < input->host->devs->len; i++)
                if (guest_has(doctor, guest, ref, input->host->devs->pdata[i]))
                        take(doctor, input->host->devs->pdata[i]);
        g_ptr_array_sort(doctor->pfs, by_address);
}

GPtrArray *doctor_host(const DoctorInput *input) {
        Doctor doctor;
        doctor_for_host(&doctor, input);
        return examine(&doctor);
}

GPtrArray *doctor_device(const DoctorInput *input, const Dev *dev) {
        Doctor doctor;
        doctor_for_device(&doctor, input, dev);
        return examine(&doctor);
}

GPtrArray *doctor_guest(const DoctorInput *input, const GuestInfo *guest) {
        Doctor doctor;
        doctor_for_guest(&doctor, input, guest);
        return examine(&doctor);
}
