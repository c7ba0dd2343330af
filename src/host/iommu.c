/* iommu.c: to be written. */
