/* Effects that are one write to sysfs, and loading a module: module, autoprobe, numvfs, reset. */
#include "act/effect.h"

#include "base/error.h"
#include "model/nic.h"

#include <errno.h>

/* Making VFs takes tens of seconds on big cards (i40e: 22 s for 64, ixgbe over 60 s); other tools settled on 300 s. */
enum { NUMVFS_WRITE_MS = 300 * 1000 };

/* ---- module ---- */

static int make_module(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        int r = io_load_module(act->io, target->text);
        /* An alias asks for whatever driver the host has for a device: none is an answer, too. */
        if (r >= 0 || (r == -ENOENT && g_str_has_prefix(target->text, "pci:")))
                return 0;
        return effect_fail(error, r, r == -ENOENT ? "is it part of this kernel? (its package may be missing)" : "look at dmesg",
                           "the kernel module %s cannot be loaded", target->text);
}

/* Without read: it is not unloaded again, since it does no harm and others may use it by now. */
const Effect effect_module = {.make = make_module};

/* ---- autoprobe ---- */

static int read_autoprobe(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autofree char *path = effect_path(step->dev, "sriov_drivers_autoprobe");
        uint64_t value;

        int r = io_read_uint(act->io, path, 10, 1, &value);
        if (r < 0)
                return effect_fail(error, r, NULL, "%s cannot be read", path);
        ret->number = (int64_t) value;
        return 0;
}

static int make_autoprobe(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *path = effect_path(step->dev, "sriov_drivers_autoprobe");
        int r = io_write(act->io, path, target->number ? "1" : "0", 0); /* takes no lock (iov.c, sriov_drivers_autoprobe_store) */
        return r < 0 ? effect_fail(error, r, NULL, "%s cannot be written", path) : 0;
}

const Effect effect_autoprobe = {.read = read_autoprobe, .make = make_autoprobe};

/* ---- numvfs ---- */

static char *pf_driver(Io *io, PciAddr pf) {
        g_autofree char *path = effect_path(pf, "driver");
        char *name = NULL;
        return io_read_link_name(io, path, &name) < 0 ? NULL : name;
}

static int read_numvfs(ActContext *act, const Step *step, Fact *ret, GError **error) {
        char name[PCI_ADDR_TEXT_SIZE];
        int count = effect_count_vfs(act->io, step->dev);

        pci_addr_format(step->dev, name);
        if (count < 0)
                return effect_fail(error, count, NULL, "%s: its VFs cannot be counted", name);
        ret->number = count;
        return 0;
}

/* What the kernel's answers to a count mean: drivers/pci/iov.c, field-facts 2 and 3. Remedies are of one clause. */
static const struct {
        int errnum;
        const char *cause;
        const char *remedy;
} numvfs_answers[] = {
        {ENOMEM, "the BIOS left no memory window or bus numbers for that many VFs",
         "turn on SR-IOV and 'Above 4G decoding' in the BIOS, or boot with pci=realloc (dmesg says 'bus … out of range': pci=assign-busses)"},
        {ENOSPC, "the card's interrupts or queues are used up by others (irdma, many CPUs)", "ask for fewer VFs, or take from the others"},
        {ERANGE, "that is more than the card's driver or firmware allows", "'vfadm show' says how many it allows"},
        {ENOENT, "the PF has no driver that can make VFs", "bind its own driver (vfio-pci makes VFs only with enable_sriov=1)"},
        {EBUSY, "there are VFs already, or somebody uses them", "see who does with 'vfadm list'"},
        {EINVAL, "the driver does not take that number in the mode it is in", "look at dmesg"},
        {ETIMEDOUT, "the kernel is still at it after 300 s; it may wait for somebody to let go of a VF and finish later",
         "see 'vfadm list' and dmesg, then run 'vfadm recover'"},
        {ENODEV, "the device, or one that it depends on, went away", "look at dmesg"},
};

static int make_numvfs(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *path = effect_path(step->dev, "sriov_numvfs");
        g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, target->number);
        char name[PCI_ADDR_TEXT_SIZE];

        int r = io_write(act->io, path, text, NUMVFS_WRITE_MS);
        if (r >= 0)
                return 0;
        pci_addr_format(step->dev, name);
        VfadmError kind = vfadm_error_from_errno(r);
        const char *cause = g_strerror(-r), *remedy = "look at dmesg; 'vfadm release --no-reset' gives back one whose reset fails always";
        for (size_t i = 0; i < G_N_ELEMENTS(numvfs_answers); i++)
                if (numvfs_answers[i].errnum == -r) {
                        cause = numvfs_answers[i].cause;
                        remedy = numvfs_answers[i].remedy;
                }
        g_set_error(error, VFADM_ERROR, kind, "%s: the kernel did not make it %s VFs (%s): %s; %s", name, text, g_strerror(-r), cause, remedy);
        /* From N to M the kernel says EBUSY for ever (field-facts 2): no use in asking again. */
        return r == -EBUSY && now->number != 0 && target->number != 0 ? -EEXIST : r;
}

static void explain_numvfs(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *driver = pf_driver(act->io, step->dev);
        const NicDriver *nic = driver ? nic_driver(driver) : NULL;
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(step->dev, name);
        /* The write succeeds even when the driver gives fewer (field-facts 2). */
        g_autoptr(GString) text = g_string_new(NULL);
        g_string_append_printf(text, "%s: the kernel gave %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " VFs", name, now->number, target->number);
        if (nic && nic->enable_needs_up && now->number == 0)
                g_string_append_printf(text, ": %s makes VFs only while the PF is up and its firmware is ready; run 'ip link set … up' and try again", driver);
        else
                g_string_append_printf(text, " and called that a success; look at dmesg for what %s ran out of", driver ? driver : "the driver");
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED, text->str);
}

const Effect effect_numvfs = {.read = read_numvfs, .make = make_numvfs, .explain = explain_numvfs};

/* ---- reset ---- */

static int make_reset(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *path = effect_path(step->dev, "reset");
        char name[PCI_ADDR_TEXT_SIZE];

        int r = io_write(act->io, path, "1", SLOW_WRITE_MS);
        if (r >= 0)
                return 0;
        pci_addr_format(step->dev, name);
        const char *remedy = r == -ENOENT ? "the kernel knows no way to reset it alone" : "look at dmesg";
        return effect_fail(error, r, remedy, "%s cannot be reset", name);
}

const Effect effect_reset = {.make = make_reset};
