/* What a check of 'vfadm doctor' found. Plain data, made by doctor/, shown by show/. */
#pragma once

#include "model/pci.h"

#include <glib.h>
#include <stdbool.h>

typedef enum {
        SEVERITY_OK,
        SEVERITY_NOTE,    /* worth knowing; nothing is wrong */
        SEVERITY_WARNING, /* works now, and will hurt: after a reboot, under load, or whoever does not know */
        SEVERITY_BLOCKS,  /* giving a device to a guest (or what was asked about) cannot work like this */
} Severity;

/* In the order in which they are told. */
typedef enum {
        TOPIC_CPU,
        TOPIC_FIRMWARE,
        TOPIC_KERNEL,
        TOPIC_ISOLATION,
        TOPIC_SRIOV,
        TOPIC_VF,
        TOPIC_PERSISTENCE,
        TOPIC_XEN,
        TOPIC_GUEST,
        TOPIC_TOOLS,
        TOPICS,
} Topic;

typedef struct {
        const char *id;     /* the check's: stable, "acs-missing" */
        Topic topic;
        Severity severity;
        const char *why;    /* why it matters, one sentence; borrowed from the check */
        char *subject;      /* what it is about: "enp1s0", "enp1s0/0-6", "qemu:web1"; NULL: the host */
        GPtrArray *devices; /* char*: BDFs of what it is about, and of the culprit; for --json. May be empty */
        char *what;         /* what is so, one line; for OK a few words, since those of a topic share a line */
        char *seen;         /* the value that says so: "no ACS capability", "intel_iommu is not on the command line" */
        char *where;        /* the file or register it was seen in: "/proc/cmdline", "0000:00:10.0 config 148h" */
        char *remedy;       /* a command, or a BIOS setting by its usual names; NULL: nothing is to be done */
        GPtrArray *boot_add, *boot_remove; /* char*: boot parameters that 'doctor --fix' adds and removes; empty: none */
} Finding;

Finding *finding_new(const char *id, Topic topic, Severity severity, const char *why);
void finding_free(Finding *finding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Finding, finding_free)

const char *severity_word(Severity severity); /* "ok", "note", "warning", "blocks" */
const char *topic_word(Topic topic);          /* "cpu", "firmware" … */
/* The worst of Finding*; OK when there are none. */
Severity findings_worst(const GPtrArray *findings);
