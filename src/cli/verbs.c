/* The table of verbs. What stands here is what `vfadm help VERB` prints, so it must be plain and exact. */
#include "cli/verb.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

#define WORDS 64 /* key=value words and device names: more than anyone types */

/* Parts of descriptions that several verbs share. */
#define ABOUT_WORDS                                                                                                  \
        "  mac=02:00:00:00:00:01        the MAC; no multicast, and none that another VF of the PF has\n"              \
        "  vlan=42, vlan=42.3           VLAN 1 to 4094 that the card puts on the VF's frames, with QoS 0 to 7;\n"     \
        "                               vlan=0 takes it away\n"                                                       \
        "  vlan=42/802.1ad              the same as a service tag (few drivers take it)\n"                            \
        "  trust=on|off                 whether the VF may change its MAC and receive everything\n"                   \
        "  spoofchk=on|off              whether frames from another MAC are dropped\n"                                \
        "  link=auto|on|off             the link that the VF sees: the PF's, always up, always down\n"                \
        "  min-rate=N, max-rate=N       Mbit/s it is sure of, and at most gets; 0: no limit\n"

#define ABOUT_GUEST_WORDS                                                                                            \
        "  nic=N                        number of the guest's NIC, from 0; the next free one if left out\n"

/* Of the guests that libvirt runs or has the definition of. */
#define ABOUT_LIBVIRT_WORDS                                                                                          \
        "  managed=yes|no               libvirt binds the driver and gives it back (yes), or vfadm does\n"            \
        "  profile=NAME                 the port profile of an 802.1Qbh switch; never together with vlan=\n"          \
        "  teaming=ALIAS                the alias (ua-…) of the virtio NIC that carries on while the guest moves\n"

/* Of the domains of Xen. */
#define ABOUT_XEN_WORDS                                                                                              \
        "  permissive=on|off            unsafe: the guest may write all of the device's configuration space (off)\n" \
        "  msitranslate=on|off          the device interrupts by MSI though the guest uses its line interrupt (off)\n" \
        "  power-mgmt=on|off            HVM: the guest may switch the device between D0 and D3hot (off)\n"           \
        "  rdm=strict|relaxed           HVM: where the guest's memory overlaps what is reserved for the device: refused, or\n" \
        "                               given all the same (strict)\n"                                               \
        "  slot=HEX                     HVM: its slot on the guest's bus 0, as in slot=8\n"

#define ABOUT_DISRUPT                                                                                                \
        "A device that carries this host (a mounted file system, swap, the default route, the address you are logged\n" \
        "in by), one that a guest or another process holds, and a leased one are refused, always. A network device\n"   \
        "that is up or has addresses, and a disk that LVM or md holds, are refused too, unless you say --disrupt.\n"

const Verb verbs[] = {
        {.name = "apply",
         .usage = "[FILE…] [--pf PF] [--keep-going] [--wait SECONDS] [--boot] [--spare-vfio]",
         .summary = "make the host what its configuration says",
         .options = OPT_CHANGES | OPT_PF | OPT_KEEP_GOING | OPT_WAIT | OPT_BOOT | OPT_SPARE_VFIO,
         .max_args = WORDS,
         .run = verb_apply,
         .description =
                 "Reads the configuration, vfadm.conf(5), or only the files that are named, and makes VFs, sets their MAC, VLAN and\n"
                 "the rest, and binds their drivers, as it says, for each PF here that a [Match] fits. What is so already stays\n"
                 "untouched: a second time there is nothing to do. It is one plan, done as a whole or undone as a whole; with\n"
                 "--keep-going it is one a PF, so that one that fails (or a file that is wrong) stops no other. --pf: this PF alone.\n"
                 "\n"
                 "Nobody is disturbed. A VF that a guest, a process or the host itself has is left as it is, and told as left (exit\n"
                 "status 15); so is the number of VFs while one of them is in use. --disrupt lets network and storage uses of the\n"
                 "host's own give way. A leased VF has what its guest was given, and nothing is set there. Nor is it where libvirt is\n"
                 "about to give a VF to a guest of its own. With --spare-vfio, as the service says it, a VF that somebody has bound to\n"
                 "VFIO and that should have another driver is left, too: a guest may be about to open it.\n"
                 "\n"
                 "--wait waits so long for the PFs that are configured and not there yet, as at boot, then goes on with what is there.\n"
                 "\n"
                 "A VF of which no Driver= is said gets the host's own driver when it is made, unless drivers are kept off new VFs\n"
                 "(Autoprobe=no), as the kernel does it; one that is there keeps what it has.\n",
         .examples = "vfadm apply\n"
                     "vfadm apply --dry-run                       # as 'vfadm plan'\n"
                     "vfadm apply lan.conf                        # this file alone\n"
                     "vfadm apply --keep-going --pf enp1s0        # one PF; a wrong file about another is no obstacle\n"},
        {.name = "attach",
         .usage = "GUEST [--from POOL|PF|VF] [--with-group] [--live] [--config] [key=value…]",
         .summary = "give a guest a free VF",
         .options = OPT_CHANGES | OPT_FROM | OPT_WITH_GROUP | OPT_LIVE | OPT_CONFIG,
         .min_args = 1,
         .max_args = WORDS,
         .run = verb_attach,
         .description =
                 "Takes a free VF, sets its MAC and the rest, and plugs it into the guest. The ledger keeps who has it and\n"
                 "what it was before, so that 'vfadm detach' gives it back as it was. The VF's address is printed.\n"
                 "\n"
                 "GUEST is qemu:NAME, NAME being what its -name says, libvirt:NAME for a guest of libvirt (package\n"
                 "vfadm-libvirt), xen:NAME for a domain of Xen (package vfadm-xen, on dom0), or bare NAME where only one guest\n"
                 "has it. qemu:NAME must be running, with a free pcie-root-port and a QMP socket\n"
                 "(-qmp unix:PATH,server=on,wait=off).\n"
                 "\n"
                 "A guest of libvirt gets an <interface type='hostdev'> for a VF of a network card, or else a <hostdev>:\n"
                 "\n"
                 "  --live     the running guest, until it ends\n"
                 "  --config   its definition, from its next start on; libvirt adds the root port that it needs\n"
                 "  neither    as virsh: live when it runs, the definition when it does not\n"
                 "\n"
                 "libvirt then binds the driver and sets MAC and VLAN; vfadm sets around it what libvirt cannot (trust,\n"
                 "spoofchk, link, rates, VLAN QoS, 802.1ad).\n"
                 "\n"
                 "A domain of Xen, PV or HVM, gets the function through pciback; MAC, VLAN and the rest are set before. Its\n"
                 "definition is the file in /etc/xen whose name = is its name: --config puts an entry into its pci = [ … ] and\n"
                 "leaves all else in it as it is.\n"
                 "\n"
                 "--from names the pool or the PF to take a VF of, or the very VF (pool:NAME is surely a pool); without it,\n"
                 "any free VF of any PF will do. With --config and a pool that keeps a libvirt network, the definition names\n"
                 "the network, which gives the guest any free VF of the pool at each start.\n"
                 "\n"
                 "What shares the device's IOMMU group goes to a guest as a whole. With --with-group vfadm gives it all of them\n"
                 "(but bridges) at once, or none, each in a slot of its own; --from then names the device itself. The words,\n"
                 "which are for that device only:\n"
                 "\n" ABOUT_WORDS ABOUT_GUEST_WORDS
                 "\n"
                 "for guests of libvirt\n"
                 "\n" ABOUT_LIBVIRT_WORDS
                 "\n"
                 "and for domains of Xen\n"
                 "\n" ABOUT_XEN_WORDS
                 "\n"
                 "Without mac=, a MAC is derived from the guest and its NIC number: always the same one, so that the guest\n"
                 "never sees a new card. What is not asked for is left as it is.\n",
         .examples = "vfadm attach web1 --from enp1s0 vlan=42     # a free VF of enp1s0, on VLAN 42\n"
                     "vfadm attach qemu:web1 --from enp1s0/3      # this very VF\n"
                     "vfadm attach libvirt:db --from fast --live --config   # now, and from every start on\n"
                     "vfadm attach xen:web1 --from enp1s0 mac=02:00:00:00:00:01   # a domain of Xen\n"
                     "vfadm attach web1 --from 0000:03:00.0 --with-group   # a whole GPU, and its audio function\n"
                     "vfadm attach web1 --dry-run                 # what would be done\n"},
        {.name = "bind",
         .usage = "[--boot] DEVICE… DRIVER",
         .summary = "bind devices to a driver, VFIO or another",
         .options = OPT_CHANGES | OPT_WITH_GROUP | OPT_BOOT | OPT_YES,
         .min_args = 2,
         .max_args = WORDS,
         .run = verb_bind,
         .description =
                 "Binds any PCI function to a driver by driver_override, loads the driver's module first, and reads back\n"
                 "that it has bound. DRIVER vfio means VFIO by the variant driver that the kernel names for this device\n"
                 "(mlx5_vfio_pci …), or vfio-pci where it names none.\n"
                 "\n"
                 "For VFIO, all devices of an IOMMU group go together: when other members have drivers, vfadm names them and\n"
                 "stops, unless you say --with-group. Bridges are never unbound.\n"
                 "\n"
                 "DRIVER pciback, on Xen's dom0, makes a device assignable, as 'xl pci-assignable-add' does: 'vfadm attach xen:NAME'\n"
                 "and xl can give it to a domain, and its DMA no longer reaches dom0. 'vfadm unbind' is the way back. What an IOMMU\n"
                 "cannot tell from the device goes along with --with-group only.\n"
                 "\n"
                 "Several devices, and VFs as PF/FIRST-LAST, are done as one plan: all or none.\n"
                 "\n"
                 "--boot, for Xen's pciback alone, hides the devices from dom0's own drivers from the next boot on: by the kernel's\n"
                 "parameter xen-pciback.hide= where pciback is built in, else by /etc/modprobe.d/vfadm-xen-pciback.conf, which also\n"
                 "has pciback come before the devices' drivers, and by the initramfs, which is made anew (initramfs-tools, dracut,\n"
                 "mkinitcpio). The change is shown as a diff, and made when you agree (--yes: without asking). What vfadm hides\n"
                 "already stays hidden; 'vfadm unbind --boot' takes it back, and only that. A device that carries this host is\n"
                 "refused; one in use is not, since nothing happens to it before the next boot.\n"
                 "\n" ABOUT_DISRUPT,
         .examples = "vfadm bind 0000:03:00.0 vfio                # ready for any VFIO user\n"
                     "vfadm bind 03:00.0 vfio --with-group        # and all that shares its group\n"
                     "vfadm bind enp1s0/0-6 vfio                  # seven VFs in one go\n"
                     "vfadm bind enp1s0/2 igbvf                   # VF 2 to the host\n"
                     "vfadm bind enp1s0/2 pciback                 # Xen: assignable\n"
                     "vfadm bind --boot 0000:03:00.0 pciback      # Xen: hidden from the next boot on\n"
                     "vfadm bind --boot --dry-run 03:00.0 pciback # which files that would change, and how\n"},
        {.name = "check",
         .usage = "[FILE…]",
         .summary = "is the configuration right? needs no machine",
         .max_args = WORDS,
         .run = verb_check,
         .description =
                 "Reads the configuration as 'vfadm apply' does, and says what is wrong in it, with file and line, and what is right\n"
                 "but may not be what was meant. Nothing of the machine is looked at, so it can be said before the card is there,\n"
                 "and on another machine; whether a [Match] fits a card here is what 'vfadm plan' says.\n"
                 "\n"
                 "Without a FILE all of it is read: NAME.conf in /etc/vfadm, /run/vfadm and /usr/lib/vfadm (the first that has a\n"
                 "name), each with its drop-ins in NAME.conf.d. With --root that of another system's root folder. A FILE that is\n"
                 "named is this machine's, whatever --root says, and is read with the drop-ins in FILE.d. vfadm.conf(5) has all keys.\n"
                 "\n"
                 "Exit status 0: it is right; 1: something in it is wrong. All that is wrong is told, one error a file.\n",
         .examples = "vfadm check                                 # all of this host's\n"
                     "vfadm check lan.conf && mv lan.conf /etc/vfadm\n"
                     "vfadm check --root /mnt/new-host\n"},
        {.name = "detach",
         .usage = "GUEST VF [--with-group] [--live] [--config]",
         .summary = "take a device back from a guest",
         .options = OPT_DRY_RUN | OPT_TIMEOUT | OPT_WITH_GROUP | OPT_LIVE | OPT_CONFIG,
         .min_args = 2,
         .max_args = 2,
         .run = verb_detach,
         .description =
                 "Asks the guest to let go of the device, waits until it has, and restores MAC, VLAN, trust and driver as they\n"
                 "were before 'vfadm attach'; then the lease ends.\n"
                 "\n"
                 "Of a guest of libvirt or Xen, --live takes the device out of the running guest only, --config out of its\n"
                 "definition (a domain's file) only; with neither it is as with virsh: live when it runs, the definition when it\n"
                 "does not. The lease ends when neither has it any more.\n"
                 "\n"
                 "Of an IOMMU group that the guest has more of, no device goes back to the host's driver before the last has\n"
                 "left the guest: --with-group takes all that the guest was given of it, together.\n"
                 "\n"
                 "A guest that has not let go in time keeps the device and its lease, marked pending (exit status 7). Some\n"
                 "guests let go later, or at their next reboot: detach again then, or 'vfadm release' when it is gone.\n",
         .examples = "vfadm detach web1 enp1s0/3\n"
                     "vfadm detach qemu:web1 0000:01:10.6 --timeout 120\n"
                     "vfadm detach libvirt:db enp1s0/2 --live --config\n"
                     "vfadm detach xen:web1 enp1s0/2\n"
                     "vfadm detach web1 0000:03:00.0 --with-group # and all that came with it\n"},
        {.name = "disable",
         .usage = "PF…",
         .summary = "turn all VFs of a PF off",
         .options = OPT_CHANGES,
         .min_args = 1,
         .max_args = WORDS,
         .run = verb_disable,
         .description = "Removes every VF of the PF. The kernel itself would remove a VF that a guest has, without a word: vfadm looks\n"
                        "first, names who uses which VF, and refuses.\n"
                        "\n" ABOUT_DISRUPT,
         .examples = "vfadm disable enp1s0\n"},
        {.name = "doctor",
         .usage = "[DEVICE|GUEST]",
         .summary = "why does it not work, and what to do",
         .options = OPT_ALL | OPT_EXPLAIN | OPT_FIX | OPT_UNDO | OPT_YES | OPT_DRY_RUN,
         .max_args = 1,
         .run = verb_doctor,
         .description =
                 "Looks at firmware, kernel, isolation, SR-IOV, VF settings, what happens at boot, guests and tools, and says\n"
                 "what is wrong, where that was seen, why it matters, and what to do. Without a word, about the host; with\n"
                 "DEVICE, about one PF (and its VFs), VF or other function; with GUEST, about one guest and what it was given.\n"
                 "\n"
                 "Each finding has a name, and is\n"
                 "\n"
                 "  blocks     a device cannot be given to a guest like this (exit status 13)\n"
                 "  warning    it works now, and will hurt: after a reboot, under load, or whoever does not know (12)\n"
                 "  note       to know; nothing is wrong (0)\n"
                 "  ok         a line for each topic; --all tells them one by one\n"
                 "\n"
                 "Nothing is changed without --fix, which puts boot parameters that are missing where this distribution keeps\n"
                 "them: it shows the change first, and asks. --undo takes back what --fix has changed. Root is needed for these\n"
                 "two only; what cannot be read without it is told at the end.\n",
         .examples = "vfadm doctor                                # the host\n"
                     "vfadm doctor enp1s0                         # this card and its VFs\n"
                     "vfadm doctor qemu:web1                      # this guest\n"
                     "vfadm doctor --explain acs-missing          # all about one finding\n"
                     "vfadm doctor --fix --dry-run                # what would be put on the kernel's command line, and where\n"
                     "vfadm doctor --root host.tar.gz             # a host recorded elsewhere\n"},
        {.name = "enable",
         .usage = "PF… N|all",
         .summary = "turn VFs on",
         .options = OPT_CHANGES,
         .min_args = 2,
         .max_args = WORDS,
         .run = verb_enable,
         .description =
                 "Makes N VFs, or all that the card can have, and reads back that they are there. The new VFs have no driver,\n"
                 "which is quick, and leaves them free for guests; 'vfadm unbind VF' gives one to the host.\n"
                 "\n"
                 "The kernel changes a number only by way of 0: all VFs that are there go away and come back bare. So this is\n"
                 "refused while any of them is in use, with the name of who uses it. N that is there already changes nothing.\n"
                 "\n" ABOUT_DISRUPT,
         .examples = "vfadm enable enp1s0 7\n"
                     "vfadm enable 0000:01:00.0 all --dry-run\n"
                     "vfadm enable enp1s0 enp2s0 all              # both cards in one plan\n"},
        {.name = "export",
         .usage = "[PF…] [--output DIR]",
         .summary = "this host's VFs as they are now, as configuration",
         .options = OPT_OUTPUT,
         .max_args = WORDS,
         .run = verb_export,
         .description =
                 "Prints what a file in /etc/vfadm would have to say for everything to stay as it is: of each PF that has VFs, or of\n"
                 "those that are named, how many VFs it has, and of each VF what is not as in one that was just made: MAC, VLAN\n"
                 "and the rest, and its driver where that is not the host's own. A leased VF is written as it will be when its\n"
                 "lease ends. A PF is known by its permanent MAC, else by its place.\n"
                 "\n"
                 "Each PF is a file of its own; --output writes them into a folder and overwrites nothing. Without it the text of\n"
                 "several PFs is parted by lines that say which file begins.\n",
         .examples = "vfadm export                                # to read\n"
                     "vfadm export enp1s0 > enp1s0.conf\n"
                     "vfadm export --output /etc/vfadm            # a file a PF\n"},
        {.name = "help",
         .usage = "[VERB]",
         .summary = "help about vfadm or one of its verbs",
         .max_args = 1,
         .run = verb_help,
         .description = "With --json, verbs, their options and the exit statuses as data.\n",
         .examples = "vfadm help attach\n"},
        {.name = "import",
         .usage = "[GUEST|NETWORK…] [--adopt] | --config [--retire]",
         .summary = "what others gave out or set at boot, shown, adopted or taken over",
         .options = OPT_ADOPT | OPT_CONFIG | OPT_RETIRE | OPT_DRY_RUN | OPT_YES,
         .max_args = WORDS,
         .run = verb_import,
         .description =
                 "Lists what libvirt, or on dom0 Xen, has given out or defined: the devices of its guests (WHERE: live, config\n"
                 "or both), NICs that get a VF of a network at each start, and its networks of VFs. STATE is\n"
                 "\n"
                 "  adopted       the ledger has a lease of it, or a pool keeps the network that it is or comes from\n"
                 "  not adopted   vfadm leaves it alone, and knows no more of it than this\n"
                 "  in conflict   somebody else has it: by the ledger, by another guest's definition, or right now\n"
                 "\n"
                 "--adopt makes leases and pools (libvirt=yes) of what is not adopted: of all, or of what is named. Guests and\n"
                 "networks stay as they are. What was before a guest is not known then, so that when the device comes back only\n"
                 "what libvirt restores is restored. What is adopted already stays so; a conflict is told, and refused when it\n"
                 "was named.\n"
                 "\n"
                 "Without words it also lists what makes VFs at boot, sets them or binds drivers to them: udev rules, modprobe.d,\n"
                 "systemd's .link and .network files, NetworkManager, netplan, driverctl, tmpfiles, sysfsutils, units, scripts.\n"
                 "CONFIGURATION says whether /etc/vfadm says the same already, and why not where it cannot.\n"
                 "\n"
                 "--config writes what is not said yet to /etc/vfadm/imported-PF.conf: shows the change, and asks first. A PF of\n"
                 "which two files say different things, or that some configuration is about already, is left as it is.\n"
                 "--retire also makes comments (#vfadm-retired: …) of what is wholly taken over, and puts driverctl's files\n"
                 "aside as *.vfadm-retired; units, scripts, netplan and boot parameters are left to you.\n",
         .examples = "vfadm import\n"
                     "vfadm import --json\n"
                     "vfadm import --adopt --dry-run              # what --adopt would do\n"
                     "vfadm import libvirt:db --adopt\n"
                     "vfadm import --config --retire --dry-run    # the changes to files, as a diff\n"},
        {.name = "leases",
         .usage = "",
         .summary = "who has which device, by the ledger",
         .run = verb_leases,
         .description =
                 "Lists every lease: its number, device, guest, pool, and what the guest was given. SCOPE is live (until the\n"
                 "guest ends), config (it is in the definition of a guest that does not run), or live+config. STATE is active\n"
                 "or pending (the guest was asked to let go and has not yet), and says when the device or the process that held\n"
                 "it is gone: 'vfadm recover' gives back what a process left behind.\n",
         .examples = "vfadm leases\n"
                     "vfadm leases --json\n"},
        {.name = "list",
         .usage = "[DEVICE…]",
         .summary = "cards, their VFs, and who uses them",
         .options = OPT_ALL | OPT_TREE | OPT_COLUMNS,
         .max_args = WORDS,
         .run = verb_list,
         .description =
                 "Lists every PF and VF; with --all, every PCI function; with DEVICE words, only these (and a PF's VFs).\n"
                 "Without root all is shown that may be read, and a note says what is missing. With --json each device has\n"
                 "the values of every column, numbers as numbers, null where there is nothing to say.\n",
         .examples = "vfadm list\n"
                     "vfadm list --all --tree                     # all devices below their bridges\n"
                     "vfadm list enp1s0 -o DEVICE,STATE           # what its VFs were given\n"
                     "vfadm list -o +SLOT,NAME                    # the usual columns and two more\n"
                     "vfadm list --root host.tar.gz               # a host recorded elsewhere\n"},
        {.name = "metrics",
         .usage = "[--textfile FILE|--http]",
         .summary = "figures for monitoring, in Prometheus' format",
         .options = OPT_METRICS,
         .run = verb_metrics,
         .description =
                 "Prints how many VFs each PF has, could have, and has free and leased; pools and their free VFs; leases by pool;\n"
                 "plans that were done or had to be undone; and how long steps took, as a histogram. What could not be read is left\n"
                 "out, and vfadm_unread says that something was.\n"
                 "\n"
                 "  --textfile FILE   writes FILE (FILE.prom) as a whole, for the textfile collector of node_exporter\n"
                 "  --http            answers one request on standard input and output: what vfadm-metrics.socket starts\n"
                 "\n"
                 "'systemctl enable --now vfadm-metrics.socket' serves them on the unix socket /run/vfadm/metrics.sock. Nothing\n"
                 "listens on a network unless that unit is told to.\n",
         .examples = "vfadm metrics\n"
                     "vfadm metrics --textfile /var/lib/prometheus/node-exporter/vfadm.prom\n"
                     "curl --unix-socket /run/vfadm/metrics.sock http://localhost/metrics\n"},
        {.name = "monitor",
         .usage = "",
         .summary = "follow what happens, as the service tells it",
         .run = verb_monitor,
         .description =
                 "Prints a line for each thing that vfadmd, the service, tells: PFs, VFs, pools and leases that come, go and change;\n"
                 "PFs that are not as their configuration says, and that are mended; guests that died and what they gave back. It\n"
                 "goes on until it is interrupted, also while the service is started anew. With --json a line of JSON each.\n"
                 "\n"
                 "The service tells it on the system bus (org.vfadm1) to those whom polkit lets read (org.vfadm1.read).\n",
         .examples = "vfadm monitor\n"
                     "vfadm monitor --json | jq -r 'select(.event == \"pf-drift\") | .object'\n"},
        {.name = "plan",
         .usage = "[FILE…] [--pf PF]",
         .summary = "what 'vfadm apply' would do: the difference between configuration and host",
         .options = OPT_DISRUPT | OPT_PF,
         .max_args = WORDS,
         .run = verb_plan,
         .description =
                 "Shows the steps that 'vfadm apply' with the same words would take, in their order: what, why, and whom it disturbs;\n"
                 "what is left since it would disturb somebody; and how long it will take, where all such steps were done on this\n"
                 "host before. Nothing is changed. The exit status is\n"
                 "\n"
                 "   0   there is nothing to do\n"
                 "  14   there is something to do\n"
                 "  15   something is left, since it would disturb somebody\n"
                 "\n"
                 "or that of an error: the configuration is wrong, or cannot be had on this host.\n",
         .examples = "vfadm plan\n"
                     "vfadm plan lan.conf --pf enp1s0\n"
                     "vfadm plan --json\n"
                     "vfadm plan --root host.tar.gz               # on a host recorded elsewhere\n"},
        {.name = "pool",
         .usage = "define|start|stop|autostart|delete|list|show [NAME] …",
         .summary = "VFs of one or several PFs under one name",
         .options = OPT_DRY_RUN | OPT_PF | OPT_POOL | OPT_OFF,
         .min_args = 1,
         .max_args = WORDS,
         .run = verb_pool,
         .description =
                 "A pool is a name for the VFs of one or several PFs, of which each guest gets any free one: 'vfadm attach GUEST\n"
                 "--from NAME'. Which one: on a PF that is up, near the guest's memory, and by --order. It is kept as a section\n"
                 "[Pool NAME] of a file in /etc/vfadm, with PFs by their permanent MACs, so that it stays right when buses and\n"
                 "network devices are numbered anew.\n"
                 "\n"
                 "  define NAME --pf PF …    makes the pool, or changes it; guests keep what they have. It begins stopped\n"
                 "  start NAME, stop NAME    until the next boot: hand out VFs, or none; what guests have they keep\n"
                 "  autostart NAME [--off]   what the next boot finds\n"
                 "  delete NAME              takes the pool away, once no guest has a VF of it\n"
                 "  list                     all pools, and how many of their VFs are free\n"
                 "  show NAME                one pool, each of its VFs, and who has it\n"
                 "\n"
                 "With --libvirt, a libvirt network of the same name (<forward mode='hostdev' managed='yes'>) is kept in step:\n"
                 "guests whose XML names the network get VFs of the same pool, and neither side gives away what the other gave.\n"
                 "It follows 'vfadm enable' and 'vfadm disable', and 'vfadm recover' does it again. Where libvirt does not run,\n"
                 "it is done when it does.\n"
                 "\n"
                 "What 'vfadm attach' sets for each VF, unless it is told otherwise:\n"
                 "\n" ABOUT_WORDS
                 "\n"
                 "(mac= is each guest's own, and is said to 'vfadm attach'.)\n",
         .examples = "vfadm pool define web --pf enp1s0 --pf enp2s0 vlan=42 # VFs of two cards, on VLAN 42\n"
                     "vfadm pool define db --pf enp1s0 --vfs 0-3 --libvirt  # four VFs, for libvirt's own guests too\n"
                     "vfadm pool start web\n"
                     "vfadm pool autostart web\n"
                     "vfadm attach web1 --from web\n"
                     "vfadm pool show web                                   # who has what\n"},
        {.name = "record",
         .usage = "FILE",
         .summary = "write what vfadm reads of this host to a file",
         .min_args = 1,
         .max_args = 1,
         .run = verb_record,
         .description =
                 "Writes an archive (.tar.gz) with what vfadm reads of this host, for bug reports and tests: every verb that\n"
                 "reads shows it again with --root FILE. It holds PCI devices, drivers, groups, network devices with MAC and\n"
                 "IP addresses, VF settings, who uses a device, and what 'vfadm doctor' reads of processor, firmware, boot\n"
                 "parameters, configuration and tools. It holds no secrets: of command lines only the program\n"
                 "and QEMU's name, machine, memory, monitors and assigned devices, of configuration files only lines\n"
                 "that concern VFs, of open files only those of VFIO and KVM, nothing of environments. An existing\n"
                 "file is not overwritten. Run it as root, or much is missing.\n",
         .examples = "vfadm record host.tar.gz\n"
                     "vfadm list --root host.tar.gz\n"},
        {.name = "recover",
         .usage = "",
         .summary = "finish or undo what was interrupted",
         .options = OPT_NEW_LEDGER,
         .run = verb_recover,
         .description =
                 "Brings every change that a killed vfadm or a crash left half-done to its end, or back to what was; then gives\n"
                 "back each leased device whose guest is gone. Changes that are under way are left alone. Every changing verb\n"
                 "does this first, so that you seldom need it.\n"
                 "\n"
                 "A damaged ledger is never overwritten: with --new-ledger it is renamed (its new name is printed) and a new,\n"
                 "empty one begins. Leases that only the old one knew are forgotten then: look at 'vfadm list' for devices\n"
                 "that are bound to VFIO.\n",
         .examples = "vfadm recover\n"},
        {.name = "release",
         .usage = "VF|LEASE",
         .summary = "give a leased device back when its guest is gone",
         .options = OPT_DRY_RUN | OPT_NO_RESET,
         .min_args = 1,
         .max_args = 1,
         .run = verb_release,
         .description =
                 "Ends a lease, named by its device or by its number in 'vfadm leases': the device is reset and gets back its\n"
                 "former MAC, VLAN, trust and driver. Refused while the guest still has the device: 'vfadm detach' asks it to\n"
                 "let go.\n"
                 "\n"
                 "A device whose reset fails keeps its lease, so that no other guest finds what the first one left in it.\n"
                 "--no-reset gives it back all the same, without a reset: for the host's own use, or before a reboot.\n",
         .examples = "vfadm release enp1s0/3\n"
                     "vfadm release 12                            # lease number 12\n"},
        {.name = "run",
         .usage = "[--from POOL|PF|VF] [key=value…] -- COMMAND…",
         .summary = "start a guest with a VF, and take it back when it ends",
         .options = OPT_CHANGES | OPT_FROM | OPT_COMMAND,
         .max_args = WORDS,
         .run = verb_run,
         .description =
                 "Takes a free VF, sets it up as 'vfadm attach' does, starts the command, a QEMU, with it, and gives the VF back\n"
                 "when the command ends, however it ends. The command must stay in the foreground (no -daemonize). If vfadm\n"
                 "itself is killed, the guest goes on, and the next changing verb or 'vfadm recover' gives the VF back after the\n"
                 "guest's end. The exit status is the command's. With --json the plan is printed before the command starts.\n"
                 "\n"
                 "In the command the word {vf}, also inside a word, becomes the VF's address; without it,\n"
                 "'-device vfio-pci,host=ADDRESS' is added at the end. The words are:\n"
                 "\n" ABOUT_WORDS ABOUT_GUEST_WORDS
                 "\n"
                 "Without mac=, a MAC that stays the same is derived from the -uuid or -name in the command.\n",
         .examples = "vfadm run --from enp1s0 vlan=42 -- qemu-system-x86_64 -name web1 -machine q35,accel=kvm -m 2G disk.img\n"
                     "vfadm run -- qemu-system-x86_64 -name web1 -device vfio-pci,host={vf},bus=rp1 …\n"},
        {.name = "set",
         .usage = "VF… key=value…",
         .summary = "set MAC, VLAN and the rest of a VF",
         .options = OPT_CHANGES,
         .min_args = 2,
         .max_args = WORDS,
         .run = verb_set,
         .description =
                 "Sets what its PF keeps of a VF. Only what differs is written, and then read back. The words:\n"
                 "\n" ABOUT_WORDS
                 "\n"
                 "What the driver of the card does not take is refused before anything is written; 'vfadm show VF' says what it\n"
                 "takes. A change that whoever uses the VF would notice is refused, unless you say --disrupt.\n"
                 "\n"
                 "The words go to the VFs before them, and more VFs with their words may follow: all is one plan. VFs can be\n"
                 "given as PF/FIRST-LAST, and a MAC that ends in '+' counts up from VF to VF.\n",
         .examples = "vfadm set enp1s0/3 mac=02:00:00:00:00:01 vlan=42\n"
                     "vfadm set enp1s0/3 vlan=0 trust=on max-rate=1000\n"
                     "vfadm set enp1s0/0-6 mac=02:00:00:00:42:00+ vlan=42 trust=on\n"},
        {.name = "show",
         .usage = "DEVICE",
         .summary = "all about one device",
         .options = OPT_XML,
         .min_args = 1,
         .max_args = 1,
         .run = verb_show,
         .description =
                 "Says all that vfadm knows of one PCI function: identity, driver, who uses it, its lease, where it is and what\n"
                 "bridges are above it, its IOMMU group with every member, capabilities and ways to reset it; of a PF, how many\n"
                 "VFs it can have and what its driver takes; of a VF, its admin state.\n"
                 "\n"
                 "With --xml, what libvirt knows of it as a node device, element for element.\n",
         .examples = "vfadm show enp1s0\n"
                     "vfadm show enp1s0/3\n"
                     "vfadm show 0000:01:10.6 --json\n"
                     "vfadm show pci_0000_01_10_6 --xml\n"},
        {.name = "unbind",
         .usage = "[--boot] DEVICE…",
         .summary = "give a device back to the host's own driver",
         .options = OPT_CHANGES | OPT_BOOT | OPT_YES,
         .min_args = 1,
         .max_args = WORDS,
         .run = verb_unbind,
         .description =
                 "Takes the device from VFIO, pciback (or whatever driver_override named) and lets the host's own driver have it, also a\n"
                 "VF whose PF keeps drivers from new VFs (autoprobe off). A device that has its own driver is left as it is.\n"
                 "\n"
                 "--boot takes back what 'vfadm bind --boot' has written, and only that: from the next boot on the device is the\n"
                 "host's. A device that has gone can be named by its address. A list that somebody else wrote is left alone.\n"
                 "\n" ABOUT_DISRUPT,
         .examples = "vfadm unbind 0000:03:00.0\n"
                     "vfadm unbind enp1s0/2\n"
                     "vfadm unbind enp1s0/0-6\n"
                     "vfadm unbind --boot 0000:03:00.0            # Xen: the host's again from the next boot on\n"},
        {.name = "version", .usage = "", .summary = "the version of vfadm", .run = verb_version, .description = "", .examples = ""},
        {.name = "virt-install-args",
         .usage = "[--from POOL|PF|VF] [key=value…]",
         .summary = "print the options that give virt-install's guest a VF",
         .options = OPT_FROM,
         .max_args = WORDS,
         .run = verb_virt_install_args,
         .description =
                 "Prints '--network …' for a VF of a network card or for a pool that keeps a libvirt network, '--hostdev …' for\n"
                 "any other function, fit for a shell; virt-install makes of it what 'vfadm xml' prints. Nothing is changed and\n"
                 "nothing leased: 'vfadm import GUEST --adopt' does that when the guest is there. --from as for 'vfadm attach';\n"
                 "without mac=, virt-install makes a MAC up, unless the VF has one. The words:\n"
                 "\n" ABOUT_WORDS ABOUT_LIBVIRT_WORDS
                 "\n"
                 "libvirt's XML has MAC and VLAN; what it cannot say is told.\n",
         .examples = "virt-install --name db … $(vfadm virt-install-args --from fast)\n"
                     "vfadm virt-install-args --from enp1s0 mac=02:00:00:00:00:01 vlan=42\n"},
        {.name = "xml",
         .usage = "GUEST|POOL|DEVICE [--from POOL|PF|VF] [key=value…]",
         .summary = "print libvirt's XML, to be pasted",
         .options = OPT_FROM,
         .min_args = 1,
         .max_args = WORDS,
         .run = verb_xml,
         .description =
                 "Prints XML and changes nothing. For\n"
                 "\n"
                 "  GUEST    the element that 'vfadm attach GUEST --config' with the same words would put into its definition;\n"
                 "           for a domain of Xen, the entry of its pci = [ … ]\n"
                 "  POOL     the libvirt network that the pool keeps with --libvirt, as 'virsh net-define' takes it\n"
                 "  DEVICE   <interface type='hostdev'> for a VF of a network card, with the MAC and VLAN that it has now where\n"
                 "           the words say nothing, or else <hostdev>; as 'virsh attach-device' takes it, also where no libvirt\n"
                 "           runs\n"
                 "\n"
                 "A name that fits several is a pool, then a device, then a guest; pool:NAME, libvirt:NAME and xen:NAME say surely\n"
                 "what is meant. What libvirt's node device of a function is, 'vfadm show --xml' prints. The words:\n"
                 "\n" ABOUT_WORDS ABOUT_GUEST_WORDS ABOUT_LIBVIRT_WORDS ABOUT_XEN_WORDS,
         .examples = "vfadm xml libvirt:db --from enp1s0 vlan=42\n"
                     "vfadm xml fast > fast.xml                   # the pool's network\n"
                     "vfadm xml enp1s0/3 mac=02:00:00:00:00:01\n"},
        {NULL},
};

const Verb *verb_find(const char *name) {
        for (const Verb *verb = verbs; verb->name; verb++)
                if (g_str_equal(verb->name, name))
                        return verb;
        return NULL;
}

/* Words of other tools and near misses of their own. */
static const struct {
        const char *typed, *meant;
} synonyms[] = {
        {"ls", "list"},       {"lspci", "list"},  {"status", "list"},  {"info", "show"},   {"create", "enable"},
        {"plug", "attach"},   {"add", "attach"},  {"unplug", "detach"}, {"remove", "detach"}, {"free", "release"},
        {"start", "run"},     {"exec", "run"},    {"lease", "leases"}, {"dump", "record"}, {"save", "record"},
        {"reattach", "unbind"}, {"adopt", "import"}, {"dumpxml", "xml"}, {"network", "pool"},
};

static const Verb *suggest(const char *name) {
        const Verb *nearest = NULL;
        unsigned least = 3; /* two letters wrong is the most that still is a slip */

        for (size_t i = 0; i < G_N_ELEMENTS(synonyms); i++)
                if (g_str_equal(synonyms[i].typed, name))
                        return verb_find(synonyms[i].meant);
        for (const Verb *verb = verbs; verb->name; verb++) {
                unsigned d = word_distance(name, verb->name);
                if (d < least && d < strlen(verb->name)) {
                        least = d;
                        nearest = verb;
                }
        }
        return nearest;
}

void verb_set_unknown(const char *name, GError **error) {
        const Verb *meant = suggest(name);
        g_autofree char *hint = meant ? g_strdup_printf("did you mean '%s'? ", meant->name) : g_strdup("");
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "there is no verb '%s'; %s'vfadm help' names all", name, hint);
}
