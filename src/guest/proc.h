/* What /proc tells of a process's locked memory. Pure: bytes and length in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The soft "Max locked memory" of /proc/PID/limits in bytes, UINT64_MAX for "unlimited". False: not there. */
bool proc_limits_memlock(const char *bytes, size_t length, uint64_t *ret);

typedef struct {
        uint64_t locked; /* bytes: VmLck, where VFIO's container accounts, plus VmPin, where iommufd does */
        bool ipc_lock;   /* CAP_IPC_LOCK is in the effective set */
} ProcStatus;

/* From /proc/PID/status; a line that is not there counts as nothing. */
void proc_status_parse(const char *bytes, size_t length, ProcStatus *ret);
