/* Xen's domains as files below etc/xen define them. Knows nothing of Xen's libraries. */
#pragma once

#include "guest/guest.h"

typedef struct {
        GHashTable *by_name; /* GuestInfo* of each name that one file has, owned */
        GHashTable *twins;   /* name → "etc/xen/a.cfg and etc/xen/b.cfg" */
        GPtrArray *unread;   /* char*: "etc/xen/b.cfg: line 3: …" */
} XenFiles;

XenFiles *xen_files_read(Io *io);
void xen_files_free(XenFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XenFiles, xen_files_free)
/* The domain that one file defines, taken out of them. NULL: NOT_FOUND, no file has this name; REFUSED, several have. */
GuestInfo *xen_files_take(XenFiles *files, const char *name, GError **error);
/* Adds to a running domain what its file says. */
void xen_files_finish(const XenFiles *files, GuestInfo *info);
bool xen_define(Io *io, const char *name, const char *entry, GError **error);
bool xen_undefine(Io *io, const char *name, const char *entry, GError **error);
