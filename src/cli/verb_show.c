/* vfadm show DEVICE */
#include "cli/read.h"
#include "host/host.h"
#include "show/show.h"
#include "xml/xml.h"

bool verb_show(Cli *cli, GError **error) {
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, HOST_EVERYTHING, error) : NULL;
        const Dev *dev = host ? snapshot_find(host, cli->args[0], error) : NULL;
        if (!dev)
                return false;
        g_autoptr(GPtrArray) leases = cli_known_leases(cli, host);
        g_autoptr(ShowContext) context = show_context_new(host, leases);
        if (cli->xml)
                cli_print_text(xml_node_device(host, dev));
        else if (cli->json)
                cli_print_json(show_device_json(context, dev));
        else
                cli_print_text(show_device_text(context, dev));
        return true;
}
