/* Which kind of machine a host is, for checks of processor, firmware and kernel. Inside doctor/. */
#pragma once

#include "doctor/report.h"

static inline bool is_x86(const Setup *setup) {
        static const char *const names[] = {"x86_64", "i686", "i586", "i486", "i386", NULL};
        return setup->arch && g_strv_contains(names, setup->arch);
}

static inline bool is_arm(const Setup *setup) {
        return setup->arch && (g_str_has_prefix(setup->arch, "aarch64") || g_str_has_prefix(setup->arch, "arm"));
}

static inline bool is_power(const Setup *setup) {
        return setup->arch && g_str_has_prefix(setup->arch, "ppc");
}

/* An IOMMU of the host itself works: VFIO's no-IOMMU groups and Xen's, which the first domain does not see, do not count. */
static inline bool iommu_active(const Doctor *doctor) {
        return doctor->host->has_iommu;
}

/* Tables, sysfs and groups tell of the same thing: what is active is told by which driver is there, not by the CPU's vendor (an
 * emulated Intel IOMMU serves an AMD processor well). */
static inline bool has_dmar(const Setup *setup) {
        return setup->dmar.present == KNOWN_YES;
}

static inline bool has_ivrs(const Setup *setup) {
        return setup->ivrs.present == KNOWN_YES;
}
