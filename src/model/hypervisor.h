/* What a hypervisor below this host says of itself: Xen, of which this host is dom0. Plain data. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
        char *version;   /* "4.20.3" */
        char *cmdline;   /* what Xen itself was started with; dom0's kernel has another */
        bool pv, hvm, hap;
        bool directio;   /* an IOMMU is in use, and guests may get devices (physinfo's "directio"; xl info says pv_directio, hvm_directio) */
        uint64_t memory, free_memory; /* bytes: the machine's, and what is left for guests */
        uint64_t dom0_memory;         /* bytes that dom0 has now */
} Hypervisor;

void hypervisor_free(Hypervisor *hypervisor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hypervisor, hypervisor_free)
