/* The table of effects, and what is the same for all of them: already so? make, read back, ask again while busy. */
#include "act/effect.h"

#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "model/hostdev_network.h"

#include <errno.h>
#include <string.h>

/* How long a busy kernel is asked again. Drivers hold VF changes back for up to 800 ms each (field-facts 12), and a VF in
 * reset is left out of the list for as long (field-facts 8). */
enum { SETTLE_US = 10 * 1000 * 1000, FIRST_PAUSE_MS = 5, LONGEST_PAUSE_MS = 500 };

/* STEP_LEASE has no row: the ledger keeps that fact, and act.c changes it together with the step's mark. */
static const Effect *const effects[STEP_KINDS] = {
        [STEP_MODULE] = &effect_module, [STEP_LINK] = &effect_link,         [STEP_AUTOPROBE] = &effect_autoprobe,
        [STEP_NUMVFS] = &effect_numvfs, [STEP_DRIVER] = &effect_driver,     [STEP_VF_STATE] = &effect_vf_state,
        [STEP_RESET] = &effect_reset,   [STEP_GUEST] = &effect_guest,       [STEP_FILE] = &effect_file,
        [STEP_BOOT] = &effect_boot,     [STEP_DEFINED] = &effect_definition, [STEP_NETWORK] = &effect_network,
        [STEP_HOLD] = &effect_hold,     [STEP_ASSIGNABLE] = &effect_assignable,
};

/* Of boot parameters nobody may be able to tell what the next boot will have. */
static bool is_readable(const Step *step) {
        return effects[step->kind]->read && (step->kind != STEP_BOOT || step->path || step->ask);
}

char *effect_path(PciAddr dev, const char *leaf) {
        char name[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(dev, name);
        return g_strconcat("sys/bus/pci/devices/", name, "/", leaf, NULL);
}

int effect_fail(GError **error, int negative_errno, const char *remedy, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        g_set_error(error, VFADM_ERROR, vfadm_error_from_errno(negative_errno), "%s: %s%s%s", what, g_strerror(-negative_errno),
                    remedy ? "; " : "", remedy ? remedy : "");
        return negative_errno;
}

bool effect_device_there(Io *io, PciAddr dev) {
        g_autofree char *path = effect_path(dev, "vendor");
        g_autofree char *text = NULL;
        return io_read_text(io, path, &text) != -ENOENT;
}

int effect_count_vfs(Io *io, PciAddr pf) {
        g_autofree char *path = effect_path(pf, "");
        g_auto(GStrv) names = NULL;
        uint32_t ignored;
        int count = 0;

        path[strlen(path) - 1] = '\0';
        int r = io_list(io, path, &names);
        if (r < 0)
                return r;
        for (char **name = names; *name; name++)
                if (g_str_has_prefix(*name, "virtfn") && parse_u32(*name + strlen("virtfn"), 0, UINT16_MAX, &ignored))
                        count++;
        return count;
}

bool effect_is_placeholder(const char *driver) {
        return driver && (driver_is_vfio(driver) || driver_is_xen(driver) || g_str_equal(driver, "pci-stub"));
}

bool effect_is_xen(const Step *step) {
        return step->guest && g_str_has_prefix(step->guest, "xen:");
}

const char *effect_guest_name(const Step *step) {
        const char *colon = strchr(step->guest, ':');
        return colon ? colon + 1 : step->guest;
}

bool effect_has_fact(const Step *step) {
        return step->kind == STEP_LEASE || is_readable(step);
}

/* Some drivers refuse to clear a MAC; then the MAC that libvirt uses for "none" is set (field-facts 13). */
static bool stands_for_no_mac(const VfState *now, const VfState *target) {
        static const uint8_t none[6] = {0x02};
        return mac_is_zero(target->mac) && memcmp(now->mac, none, sizeof none) == 0;
}

static bool same_vf_state(const VfState *now, const VfState *target, unsigned mask) {
        unsigned diff = vf_state_diff(now, target, mask);

        if ((diff & VF_MAC) && (now->known & VF_MAC) && stands_for_no_mac(now, target))
                diff &= ~(unsigned) VF_MAC;
        return diff == 0;
}

/* The list of a <pf> network is made anew at each start (field-facts 17): a former one is not to be had again. */
static bool differ_in_list(const char *a, const char *b) {
        g_autoptr(HostdevNetwork) first = a ? hostdev_network_parse("", a, NULL) : NULL, second = b ? hostdev_network_parse("", b, NULL) : NULL;

        if (!first || !second || !first->pf)
                return false;
        g_array_set_size(first->addresses, 0);
        g_array_set_size(second->addresses, 0);
        g_autofree char *text = hostdev_network_format(first), *other = hostdev_network_format(second);
        return g_str_equal(text, other);
}

bool effect_same(const Step *step, const Fact *now, const Fact *target, bool strict) {
        switch (step->kind) {
        case STEP_VF_STATE:
                return same_vf_state(&now->vf, &target->vf, step->mask & target->vf.known & (strict ? VF_ALL : now->vf.known));
        case STEP_DRIVER:
                /* "Whatever driver takes it": while there is none, nobody has been asked yet. */
                if (strict && g_strcmp0(target->driver, DRIVER_OWN) == 0 && (!now->driver || effect_is_placeholder(now->driver)))
                        return false;
                return fact_equal(step, now, target);
        case STEP_NETWORK:
                return fact_equal(step, now, target) || (target == &step->from && differ_in_list(now->text, target->text));
        case STEP_HOLD: /* a network that gives nothing away need not be kept from it */
                return g_strcmp0(now->text, HOLD_IDLE) == 0 || fact_equal(step, now, target);
        case STEP_ASSIGNABLE: /* nobody tells */
                return (now->number < 0 && !strict) || fact_equal(step, now, target);
        default:
                return fact_equal(step, now, target);
        }
}

static bool worth_another_try(int r) {
        return r == -EAGAIN || r == -EBUSY;
}

/* One pause of a growing series; false when the time is over. */
static bool wait_a_little(ActContext *act, int64_t begun, unsigned *pause_ms) {
        if (io_now(act->io) - begun >= SETTLE_US)
                return false;
        io_pause(act->io, *pause_ms);
        *pause_ms = MIN(*pause_ms * 2, (unsigned) LONGEST_PAUSE_MS);
        return true;
}

/* The VF of a step that was planned before there was one: under the number that it has from its PF's link now. `copy` borrows all else. */
static int find_fresh(Io *io, const Step **step, Step *copy, GError **error) {
        char pf[PCI_ADDR_TEXT_SIZE];

        if (!(*step)->fresh)
                return 0;
        *copy = **step;
        g_autofree char *leaf = g_strdup_printf("virtfn%u", copy->vf_index);
        g_autofree char *path = effect_path(copy->pf, leaf);
        g_autofree char *name = NULL;
        pci_addr_format(copy->pf, pf);
        int r = io_read_link_name(io, path, &name);
        if (r < 0)
                return effect_fail(error, r == -ENOENT ? -ENODEV : r, "were its VFs turned off meanwhile? see 'vfadm list'", "%s has no VF %u", pf, copy->vf_index);
        if (!pci_addr_parse(name, &copy->dev))
                return effect_fail(error, -EINVAL, NULL, "%s leads to no PCI function", path);
        *step = copy;
        return 0;
}

bool effect_read(ActContext *act, const Step *step, Fact *ret, GError **error) {
        int64_t begun = io_now(act->io);
        unsigned pause_ms = FIRST_PAUSE_MS;

        for (;;) {
                g_autoptr(GError) problem = NULL;
                const Step *found = step;
                Step copy;
                int r = find_fresh(act->io, &found, &copy, &problem);
                if (r >= 0)
                        r = effects[step->kind]->read(act, found, ret, &problem);
                if (r >= 0)
                        return true;
                fact_clear(ret);
                if (worth_another_try(r) && wait_a_little(act, begun, &pause_ms))
                        continue;
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
}

static void explain(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        char name[PCI_ADDR_TEXT_SIZE];

        if (effects[step->kind]->explain) {
                effects[step->kind]->explain(act, step, now, target, error);
                return;
        }
        pci_addr_format(step->dev, name);
        g_autofree char *is = fact_describe(step, now);
        g_autofree char *should = fact_describe(step, target);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: %s was set to '%s' and the kernel said yes, but it is '%s' now; look at dmesg",
                    name, step_kind_word(step->kind), should, is);
}

/* How far the tries have come. */
typedef struct {
        bool force;
        bool tried; /* to make it: something may have changed */
        bool already;
} Progress;

/* Once through: read, and make it unless it is so already. */
static int try_make(ActContext *act, const Step *step, const Fact *target, Progress *progress, GError **error) {
        const Effect *effect = effects[step->kind];
        bool readable = is_readable(step);
        Fact now = {0};
        Step copy;

        int r = find_fresh(act->io, &step, &copy, error);
        if (r >= 0 && readable)
                r = effect->read(act, step, &now, error);
        progress->already = r >= 0 && !progress->force && readable && effect_same(step, &now, target, true);
        if (r >= 0 && !progress->already) {
                progress->tried = true;
                r = effect->make(act, step, &now, target, error);
        }
        fact_clear(&now);
        return r;
}

EffectResult effect_begin(ActContext *act, const Step *step, const Fact *target, bool force, GError **error) {
        int64_t begun = io_now(act->io);
        unsigned pause_ms = FIRST_PAUSE_MS;
        Progress progress = {.force = force};

        for (;;) {
                g_autoptr(GError) problem = NULL;
                int r = try_make(act, step, target, &progress, &problem);
                if (r >= 0)
                        return progress.already || !is_readable(step) ? EFFECT_DONE : EFFECT_BEGUN;
                if (worth_another_try(r) && wait_a_little(act, begun, &pause_ms))
                        continue;
                g_propagate_error(error, g_steal_pointer(&problem));
                if (!progress.tried || r == -ESTALE)
                        return EFFECT_UNTOUCHED;
                return r == -EINPROGRESS ? EFFECT_PENDING : r == -ETIMEDOUT ? EFFECT_STUCK : EFFECT_FAILED;
        }
}

EffectResult effect_check(ActContext *act, const Step *step, const Fact *target, GError **error) {
        Fact now = {0};

        if (!effect_read(act, step, &now, error))
                return EFFECT_FAILED;
        bool same = effect_same(step, &now, target, false);
        if (!same) {
                const Step *found = step;
                Step copy;
                find_fresh(act->io, &found, &copy, NULL);
                explain(act, found, &now, target, error);
        }
        fact_clear(&now);
        return same ? EFFECT_DONE : EFFECT_FAILED;
}

EffectResult effect_make(ActContext *act, const Step *step, const Fact *target, bool force, GError **error) {
        EffectResult result = effect_begin(act, step, target, force, error);
        return result == EFFECT_BEGUN ? effect_check(act, step, target, error) : result;
}
