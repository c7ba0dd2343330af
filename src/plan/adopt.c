/* 'vfadm import --adopt': leases and pools for what the service has given out already. Nothing of guests and networks changes; what
 * was before them is not known, and so a lease that is given back restores nothing that the service does not restore itself. */
#include "plan/rules.h"

#include "base/error.h"
#include "model/given.h"
#include "want/pool_file.h"

#include <string.h>

/* The lowest number that no lease of the guest has, in the ledger or in this plan. */
static unsigned next_nic(const Plan *plan, const PlanInput *input, const char *guest) {
        for (unsigned nic = 0;; nic++) {
                bool taken = false;
                for (unsigned i = 0; i < input->leases->len; i++) {
                        const Lease *lease = input->leases->pdata[i];
                        taken = taken || (lease->nic == nic && g_str_equal(lease->guest, guest));
                }
                for (unsigned i = 0; i < plan->steps->len; i++) {
                        const Step *step = plan->steps->pdata[i];
                        const Lease *lease = step->kind == STEP_LEASE && !step->from.lease ? step->to.lease : NULL;
                        taken = taken || (lease && lease->nic == nic && g_str_equal(lease->guest, guest));
                }
                if (!taken)
                        return nic;
        }
}

/* The id by which the guest has it. One that is only defined has none before its start; ours says then which device is meant. */
static char *device_id(const Given *given) {
        const GuestDevice *device = given_device(given);
        PciAddr host = given->dev->addr;

        if (device->id && *device->id)
                return g_strdup(device->id);
        return g_strdup_printf("vfadm-%04x-%02x-%02x.%x", host.domain, host.bus, host.slot, host.function);
}

/* Of a managed device of a running guest the service knows the driver that it had, and we do not. */
static void save_driver(Lease *lease, const Given *given) {
        /* Of Xen's it is pciback, where xl leaves it: whether it was hidden there from the host's own driver is not to be seen. */
        bool unknown = given->live && given->live->managed;

        lease->saved_driver = g_strdup(unknown ? DRIVER_OWN : given->dev->driver);
        lease->saved_override = unknown ? NULL : g_strdup(given->dev->driver_override);
}

static void name_holder(Lease *lease, const PlanInput *input, const Given *given) {
        lease->config = given->defined != NULL;
        lease->boot_id = g_strdup(input->host->boot_id);
        if (!given->live)
                return;
        lease->pid = (int) given->guest->pid;
        lease->pid_start = given->guest->pid_start;
}

static void adopt_device(Plan *plan, const PlanInput *input, const Given *given) {
        const GuestDevice *device = given_device(given);
        g_autofree char *ref = guest_info_ref(given->guest);
        Step *step = plan_add(plan, step_new(STEP_LEASE, given->dev->addr, "the ledger knows who has it, and nobody else gets it"));
        Lease *lease = lease_new();

        lease_identify(lease, input->host, given->dev);
        lease->guest = g_strdup(ref);
        lease->guest_uuid = plan_lease_uuid(given->guest, given->defined != NULL);
        lease->guest_device = device_id(given);
        lease->nic = next_nic(plan, input, ref);
        lease->managed = device->managed;
        lease->given = device->vf;
        name_holder(lease, input, given);
        save_driver(lease, given);
        step->to.lease = lease;
        plan_hold(plan, input, given->dev, true);
}

/* A lease for the running guest only, of a device that stands in its definition by now. */
static void extend_lease(Plan *plan, const Given *given) {
        Step *step = plan_add(plan, step_new(STEP_LEASE, given->dev->addr, "it is in the guest's definition, too"));

        step->from.lease = lease_copy(given->lease);
        step->to.lease = lease_copy(given->lease);
        step->to.lease->config = true;
        g_free(step->to.lease->guest_uuid);
        step->to.lease->guest_uuid = plan_lease_uuid(given->guest, true);
}

static void add_file(Plan *plan, char *path, const char *text, const char *reason) {
        Step *step = plan_add(plan, step_new(STEP_FILE, (PciAddr) {0}, reason));
        step->path = path;
        step->to.text = g_strdup(text);
}

/* The network stays as it is: the pool is made such that it is the pool's. */
static void adopt_network(Plan *plan, const PlanInput *input, const Given *given) {
        g_autofree char *why = NULL;
        g_autoptr(Pool) pool = given_pool(given->network, input->host, &why);

        if (!pool) {
                plan_note(plan, "network %s is not adopted: %s", given->network->name, why);
                return;
        }
        g_autofree char *text = pool_file_format(pool, input->host);
        add_file(plan, pool_file_path(pool->name), text, "a pool keeps the network in step from here on");
        if (pool->started != pool->autostart)
                add_file(plan, pool_state_path(pool->name), pool->started ? POOL_STARTED : POOL_STOPPED, "as the network is now");
}

static void adopt(Plan *plan, const PlanInput *input, const Given *given) {
        if (!given->guest)
                adopt_network(plan, input, given);
        else if (given->dev && given->lease)
                extend_lease(plan, given);
        else if (given->dev)
                adopt_device(plan, input, given);
        else
                plan_note(plan, "libvirt's network %s gives %s a VF at each start; run 'vfadm import %s --adopt' to make a pool of it",
                          given_device(given)->network, given->guest->name, given_device(given)->network);
}

/* Named, it is what was asked for; else it stands in nobody's way. */
static void tell_conflict(Plan *plan, const Given *given, bool named) {
        char name[PCI_ADDR_TEXT_SIZE] = "";
        g_autofree char *ref = given->guest ? guest_info_ref(given->guest) : g_strdup_printf("network %s", given->network->name);

        if (given->guest)
                pci_addr_format(given_device(given)->host, name);
        if (named)
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s%s%s cannot be adopted: %s", name, *name ? " of " : "", ref, given->why);
        else
                plan_note(plan, "%s%s%s is not adopted: %s", name, *name ? " of " : "", ref, given->why);
}

static bool is_known(const Books *books, const char *ref) {
        const char *bare = g_str_has_prefix(ref, "libvirt:") ? ref + strlen("libvirt:") : ref;
        return books_guest(books, ref, NULL) || books_network(books, bare);
}

void plan_adopt(Plan *plan, const PlanInput *input, const Want *want) {
        const char *service = plan_service_name(input->books);

        if (!input->books && input->host->xen_dom0) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "what Xen has given out cannot be asked without vfadm's module for it: install the package vfadm-xen");
                return;
        }
        if (!input->books) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "libvirt does not run here, or the package vfadm-libvirt is not installed: there is nothing to adopt");
                return;
        }
        if (want->device && !is_known(input->books, want->device)) {
                plan_refuse(plan, VFADM_ERROR_NOT_FOUND, "%s has no guest%s named '%s'; 'vfadm import' shows what it has", service, input->books->xen ? "" : " and no network of VFs", want->device);
                return;
        }
        g_autoptr(GPtrArray) list = given_list(input->books, input->host, input->leases, input->pools);
        for (unsigned i = 0; i < list->len; i++) {
                const Given *given = list->pdata[i];
                if (want->device && !given_is_of(given, want->device))
                        continue;
                if (given->state == GIVEN_CONFLICT)
                        tell_conflict(plan, given, want->device != NULL);
                else if (given->state == GIVEN_NOT_ADOPTED)
                        adopt(plan, input, given);
        }
        plan->summary = want->device ? g_strdup_printf("%s adopted", want->device) : g_strdup_printf("what %s has given out is adopted", service);
}
