/* What the configuration files say of PFs and their VFs. */
#include "model/conf.h"

#include "base/parse.h"
#include "base/text.h"

#include <fnmatch.h>
#include <string.h>

Conf *conf_new(void) {
        Conf *conf = g_new0(Conf, 1);

        conf->pfs = g_ptr_array_new_with_free_func((GDestroyNotify) conf_pf_free);
        conf->pools = g_ptr_array_new_with_free_func((GDestroyNotify) pool_free);
        conf->files = g_ptr_array_new_with_free_func(g_free);
        conf->warnings = g_ptr_array_new_with_free_func(g_free);
        return conf;
}

void conf_free(Conf *conf) {
        if (!conf)
                return;
        g_ptr_array_unref(conf->pfs);
        g_ptr_array_unref(conf->pools);
        g_ptr_array_unref(conf->files);
        g_ptr_array_unref(conf->warnings);
        g_free(conf);
}

ConfPf *conf_pf_new(const char *path, unsigned line) {
        ConfPf *pf = g_new0(ConfPf, 1);

        pf->place = (ConfPlace) {g_strdup(path), line};
        pf->num_vfs = pf->autoprobe = pf->up = -1;
        pf->vfs = g_ptr_array_new_with_free_func((GDestroyNotify) conf_vf_free);
        return pf;
}

void conf_pf_free(ConfPf *pf) {
        if (!pf)
                return;
        for (unsigned i = 0; i < MATCH_KINDS; i++)
                if (pf->match[i])
                        g_ptr_array_unref(pf->match[i]);
        g_ptr_array_unref(pf->vfs);
        g_free(pf->place.path);
        g_free(pf);
}

ConfVf *conf_vf_new(const char *path, unsigned line) {
        ConfVf *vf = g_new0(ConfVf, 1);

        vf->place = (ConfPlace) {g_strdup(path), line};
        return vf;
}

void conf_vf_free(ConfVf *vf) {
        if (!vf)
                return;
        g_free(vf->place.path);
        g_free(vf->driver);
        g_free(vf);
}

const char *conf_match_key(MatchKind kind) {
        static const char *const keys[MATCH_KINDS] = {
                [MATCH_PERMANENT_MAC] = "PermanentMACAddress", [MATCH_PATH] = "Path", [MATCH_SLOT] = "Slot",
                [MATCH_DRIVER] = "Driver", [MATCH_NAME] = "Name", [MATCH_ADDRESS] = "Address",
        };
        return keys[kind];
}

static bool word_fits(MatchKind kind, const char *word, const Dev *dev) {
        const NetDev *net = dev_net(dev);
        uint8_t mac[6];
        PciAddr addr;

        switch (kind) {
        case MATCH_PERMANENT_MAC:
                return net && parse_mac(word, mac) && memcmp(mac, net->permanent_mac, sizeof mac) == 0;
        case MATCH_PATH:
                return dev->path && fnmatch(word, dev->path, 0) == 0;
        case MATCH_SLOT:
                return g_strcmp0(word, dev->slot) == 0;
        case MATCH_DRIVER:
                return dev->driver && fnmatch(word, dev->driver, 0) == 0;
        case MATCH_NAME:
                return net && fnmatch(word, net->name, 0) == 0;
        case MATCH_ADDRESS:
                return pci_addr_parse(word, &addr) && pci_addr_equal(addr, dev->addr);
        default:
                g_return_val_if_reached(false);
        }
}

static bool any_fits(MatchKind kind, const GPtrArray *words, const Dev *dev) {
        for (unsigned i = 0; i < words->len; i++)
                if (word_fits(kind, words->pdata[i], dev))
                        return true;
        return false;
}

bool conf_matches(const ConfPf *conf, const Dev *dev) {
        if (dev->is_vf || (!dev->is_pf && !(dev->has_caps && dev->caps.has_sriov)))
                return false;
        for (unsigned i = 0; i < MATCH_KINDS; i++)
                if (conf->match[i] && !any_fits(i, conf->match[i], dev))
                        return false;
        return true;
}

const ConfVf *conf_vf(const ConfPf *conf, unsigned index, VfState *ret) {
        for (unsigned i = 0; i < conf->vfs->len; i++) {
                const ConfVf *vf = conf->vfs->pdata[i];
                if (index < vf->first || index > vf->last)
                        continue;
                if (ret) {
                        *ret = vf->vf;
                        if (vf->mac_grows)
                                mac_add(ret->mac, index - vf->first);
                }
                return vf;
        }
        return NULL;
}

int64_t conf_num_vfs(const ConfPf *conf, const Dev *pf) {
        return conf->num_vfs == CONF_ALL_VFS ? pf->total_vfs : conf->num_vfs;
}
