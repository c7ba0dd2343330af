/* A PF's configuration as people write it. */
#include "want/conf_text.h"

#include "base/text.h"

void conf_append_vf(GString *text, const VfState *vf) {
        static const char *const link_words[] = {[VF_LINK_AUTO] = "auto", [VF_LINK_ON] = "on", [VF_LINK_OFF] = "off"};

        if (vf->known & VF_VLAN)
                g_string_append_printf(text, "VLAN=%u\n", vf->vlan);
        if ((vf->known & VF_VLAN) && vf->qos)
                g_string_append_printf(text, "QoS=%u\n", vf->qos);
        if ((vf->known & VF_VLAN) && (vf->vlan || vf->qos) && vf->proto == VLAN_PROTO_8021AD)
                g_string_append(text, "Protocol=802.1ad\n");
        if (vf->known & VF_TRUST)
                g_string_append_printf(text, "Trust=%s\n", vf->trust ? "on" : "off");
        if (vf->known & VF_SPOOFCHK)
                g_string_append_printf(text, "SpoofCheck=%s\n", vf->spoofchk ? "on" : "off");
        if (vf->known & VF_LINK)
                g_string_append_printf(text, "LinkState=%s\n", link_words[vf->link]);
        if (vf->known & VF_MIN_RATE)
                g_string_append_printf(text, "MinRate=%u\n", vf->min_rate);
        if (vf->known & VF_MAX_RATE)
                g_string_append_printf(text, "MaxRate=%u\n", vf->max_rate);
}

/* Names change and addresses move; what the card was called helps whoever reads the file later. */
static void append_names(GString *text, const ConfPf *pf, const Snapshot *host) {
        for (unsigned i = 0; host && i < host->devs->len; i++) {
                const Dev *dev = host->devs->pdata[i];
                if (!conf_matches(pf, dev))
                        continue;
                g_autofree char *nick = snapshot_nick(host, dev);
                g_autofree char *address = g_str_equal(nick, dev->name) ? g_strdup("") : g_strdup_printf(" at %s", dev->name);
                g_string_append_printf(text, "# %s%s, driver %s, when this was written\n", nick, address, dev->driver ? dev->driver : "none");
        }
}

static void append_match(GString *text, const ConfPf *pf) {
        g_string_append(text, "[Match]\n");
        for (unsigned kind = 0; kind < MATCH_KINDS; kind++) {
                if (!pf->match[kind] || pf->match[kind]->len == 0)
                        continue;
                for (unsigned i = 0; i < pf->match[kind]->len; i++)
                        g_string_append_printf(text, "%s=%s\n", conf_match_key(kind), (const char *) pf->match[kind]->pdata[i]);
        }
}

static void append_pf(GString *text, const ConfPf *pf) {
        if (pf->num_vfs < 0 && pf->autoprobe < 0 && pf->up < 0 && !pf->report_only)
                return;
        g_string_append(text, "\n[PF]\n");
        if (pf->num_vfs == CONF_ALL_VFS)
                g_string_append(text, "VFs=all\n");
        else if (pf->num_vfs >= 0)
                g_string_append_printf(text, "VFs=%" G_GINT64_FORMAT "\n", pf->num_vfs);
        if (pf->autoprobe >= 0)
                g_string_append_printf(text, "Autoprobe=%s\n", pf->autoprobe ? "yes" : "no");
        if (pf->up > 0)
                g_string_append(text, "Up=yes\n");
        if (pf->report_only)
                g_string_append(text, "Drift=report\n");
}

static void append_section(GString *text, const ConfVf *vf) {
        char mac[MAC_TEXT_SIZE];

        if (vf->last == CONF_VF_LAST && vf->first == 0)
                g_string_append(text, "\n[VF *]\n");
        else if (vf->last == CONF_VF_LAST)
                g_string_append_printf(text, "\n[VF %u-*]\n", vf->first);
        else if (vf->first == vf->last)
                g_string_append_printf(text, "\n[VF %u]\n", vf->first);
        else
                g_string_append_printf(text, "\n[VF %u-%u]\n", vf->first, vf->last);
        if (vf->driver)
                g_string_append_printf(text, "Driver=%s\n", vf->driver);
        if (vf->vf.known & VF_MAC) {
                mac_format(vf->vf.mac, mac);
                g_string_append_printf(text, "MACAddress=%s%s\n", mac, vf->mac_grows ? "+" : "");
        }
        conf_append_vf(text, &vf->vf);
}

char *conf_format(const ConfPf *pf, const Snapshot *host) {
        GString *text = g_string_new(NULL);

        append_names(text, pf, host);
        append_match(text, pf);
        append_pf(text, pf);
        for (unsigned i = 0; i < pf->vfs->len; i++)
                append_section(text, pf->vfs->pdata[i]);
        return g_string_free(text, FALSE);
}
