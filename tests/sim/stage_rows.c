/* What a story looks at: machine and ledger in rows of text. */
#include "stage.h"

#include "ledger/ledger.h"

#include <string.h>

GPtrArray *stage_leases(Stage *stage) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Ledger) ledger = ledger_open(stage->ledger, true, &error);
        g_assert_no_error(error);
        GPtrArray *leases = ledger_leases(ledger, &error);
        g_assert_no_error(error);
        return leases;
}

char *stage_dump(Stage *stage) {
        g_autofree char *host = sim_dump(stage->sim);
        g_autoptr(GPtrArray) leases = stage_leases(stage);
        GString *text = g_string_new(host);
        for (unsigned i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                char name[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(lease->dev, name);
                g_autofree char *given = vf_state_format(&lease->given, VF_ALL);
                g_string_append_printf(text, "lease %s of %s %s nic=%u %s before: driver=%s override=%s%s%s%s%s%s%s%s\n", name,
                                       lease->guest, lease->state == LEASE_PENDING ? "pending" : "active", lease->nic,
                                       given, lease->saved_driver ? lease->saved_driver : "-",
                                       lease->saved_override ? lease->saved_override : "-", lease->config ? " config" : "",
                                       lease->managed ? " managed" : "", lease->pid ? "" : " off", lease->pool ? " pool=" : "",
                                       lease->pool ? lease->pool : "", g_str_has_prefix(lease->guest, "xen:") ? " uuid=" : "",
                                       g_str_has_prefix(lease->guest, "xen:") && lease->guest_uuid ? lease->guest_uuid : "");
        }
        return g_string_free(text, FALSE);
}

char *stage_row(Stage *stage, const char *start) {
        g_autofree char *dump = stage_dump(stage);
        return sim_row(dump, start, NULL);
}

void stage_expect(Stage *stage, const char *start, const char *part) {
        g_autofree char *found = stage_row(stage, start);
        if (!found || !strstr(found, part)) {
                g_autofree char *dump = stage_dump(stage);
                g_error("expected \"%s\" in the row of %s, which is \"%s\", in\n%s", part, start, found ? found : "(none)", dump);
        }
}

void stage_expect_no_row(Stage *stage, const char *start) {
        g_autofree char *found = stage_row(stage, start);
        if (found)
                g_error("there is \"%s\"", found);
}

void stage_expect_leases(Stage *stage, unsigned n) {
        g_autoptr(GPtrArray) leases = stage_leases(stage);
        g_assert_cmpuint(leases->len, ==, n);
}
