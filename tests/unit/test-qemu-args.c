/* Command lines of QEMU: typed, of libvirt, of Proxmox, and hostile ones. */
#include "model/guest.h"
#include "model/qemu_args.h"

#include <string.h>

#define PARSE(...) qemu_args_parse((const char *const[]){__VA_ARGS__, NULL})

static void monitors_are(const QemuArgs *args, const char *want) {
        g_autoptr(GPtrArray) copy = g_ptr_array_new();
        for (unsigned i = 0; i < args->monitors->len; i++)
                g_ptr_array_add(copy, args->monitors->pdata[i]);
        g_ptr_array_add(copy, NULL);
        g_autofree char *joined = g_strjoinv(" ", (char **)copy->pdata);
        g_assert_cmpstr(joined, ==, want);
}

static void test_name(void) {
        static const struct {
                const char *value, *name;
        } table[] = {
                {"web1", "web1"},
                {"guest=web1", "web1"},
                {"web1,debug-threads=on", "web1"},
                {"debug-threads=on,guest=web1", "web1"},
                {"guest=a,,b,process=x", "a,b"},
                {"a,,b,,,process=x", "a,b,"},
                {"guest=a=b", "a=b"},
                {"guest=one,guest=two", "two"},
                {"debug-threads=on", NULL},
                {"guest=", NULL},
                {"", NULL},
                {",", NULL},
                {"process=web2", NULL},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(QemuArgs) args = PARSE("qemu-system-x86_64", "-name", table[i].value);
                g_assert_cmpstr(args->name, ==, table[i].name);
                g_autoptr(QemuArgs) dashes = PARSE("--name", table[i].value);
                g_assert_cmpstr(dashes->name, ==, table[i].name);
        }
        g_autoptr(QemuArgs) twice = PARSE("-name", "one", "-name", "two");
        g_assert_cmpstr(twice->name, ==, "two");
        g_autoptr(QemuArgs) cut = PARSE("-S", "-name");
        g_assert_null(cut->name);
        g_autoptr(QemuArgs) appended = PARSE("-append", "-name", "evil", "-name", "good");
        g_assert_cmpstr(appended->name, ==, "good");
        g_autoptr(QemuArgs) value = PARSE("-append", "-name", "evil");
        g_assert_null(value->name);
        g_autoptr(QemuArgs) later = PARSE("-nographic", "-some-later-option", "-name", "web1");
        g_assert_cmpstr(later->name, ==, "web1");
}

static void test_uuid(void) {
        g_autoptr(QemuArgs) args = PARSE("-uuid", "6D1A8C5E-9c7d-4E0f-8b0e-3a4f6f2d1c11");
        g_assert_cmpstr(args->uuid, ==, "6d1a8c5e-9c7d-4e0f-8b0e-3a4f6f2d1c11");
        g_autoptr(QemuArgs) zero = PARSE("-uuid", "00000000-0000-0000-0000-000000000000");
        g_assert_null(zero->uuid);
        g_autoptr(QemuArgs) wrong = PARSE("-uuid", "6d1a8c5e-9c7d-4e0f-8b0e-3a4f6f2d1c1");
        g_assert_null(wrong->uuid);
}

static void test_qmp(void) {
        static const struct {
                const char *value, *monitors;
        } table[] = {
                {"unix:/run/a.sock,server=on,wait=off", "/run/a.sock"},
                {"unix:/run/a.sock,server,nowait", "/run/a.sock"},
                {"unix:path=/run/a.sock,server=yes", "/run/a.sock"},
                {"unix:rel.sock,server", "rel.sock"},
                {"unix:/run/a,,b,server", "/run/a,b"},
                {"unix:/run/a.sock", ""}, /* a client: QEMU connects to somebody */
                {"unix:/run/a.sock,server=off", ""},
                {"unix:/run/a.sock,noserver", ""},
                {"unix:a,server,abstract=on", ""},
                {"unix:,server", ""},
                {"tcp:localhost:4444,server", ""},
                {"stdio", ""},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(QemuArgs) args = PARSE("-qmp", table[i].value);
                monitors_are(args, table[i].monitors);
                g_autoptr(QemuArgs) pretty = PARSE("--qmp-pretty", table[i].value);
                monitors_are(pretty, table[i].monitors);
        }
        g_autoptr(QemuArgs) two =
                PARSE("-qmp", "unix:/a,server", "-monitor", "unix:/hmp,server", "-qmp", "unix:/b,server");
        monitors_are(two, "/a /b");
        g_autoptr(GPtrArray) many = g_ptr_array_new();
        for (int i = 0; i < 100; i++) {
                g_ptr_array_add(many, (char *)"-qmp");
                g_ptr_array_add(many, (char *)"unix:/a,server");
        }
        g_ptr_array_add(many, NULL);
        g_autoptr(QemuArgs) bounded = qemu_args_parse((const char *const *)many->pdata);
        g_assert_cmpuint(bounded->monitors->len, ==, 8);
}

static void test_chardev(void) {
        g_autoptr(QemuArgs) args =
                PARSE("-mon", "chardev=qmp,mode=control", "-chardev",
                      "socket,id=qmp,path=/var/run/qemu-server/100.qmp,server=on,wait=off", "-chardev",
                      "socket,id=qmp-event,path=/var/run/qmeventd.sock,reconnect=5", "-mon",
                      "chardev=qmp-event,mode=control", "-chardev", "socket,id=ser,path=/ser,server=on");
        monitors_are(args, "/var/run/qemu-server/100.qmp");
        g_assert_false(args->by_libvirt);
        g_autoptr(QemuArgs) implied = PARSE("-chardev", "socket,path=/q,server,id=m", "-mon", "m,mode=control");
        monitors_are(implied, "/q");
        g_autoptr(QemuArgs) human = PARSE("-chardev", "socket,path=/q,server,id=m", "-mon", "m");
        monitors_are(human, "");
        g_autoptr(QemuArgs) reference = PARSE("-chardev", "socket,path=/q,server,id=m", "-qmp", "chardev:m");
        monitors_are(reference, "/q");
        g_autoptr(QemuArgs) pipe = PARSE("-chardev", "pipe,path=/q,id=m", "-mon", "m,mode=control");
        monitors_are(pipe, "");
}

static void test_libvirt(void) {
        g_autoptr(QemuArgs) fd = PARSE("-name", "guest=web1,debug-threads=on", "-chardev",
                                       "socket,id=charmonitor,fd=23,server=on,wait=off", "-mon",
                                       "chardev=charmonitor,id=monitor,mode=control");
        g_assert_true(fd->by_libvirt);
        g_assert_cmpstr(fd->name, ==, "web1");
        monitors_are(fd, "");
        g_autoptr(QemuArgs) path = PARSE(
                "-chardev", "socket,id=charmonitor,path=/var/lib/libvirt/qemu/domain-1-web1/monitor.sock,server,nowait",
                "-mon", "chardev=charmonitor,id=monitor,mode=control");
        g_assert_true(path->by_libvirt);
        g_autoptr(QemuArgs) object = PARSE("-name", "guest=web1,debug-threads=on", "-object",
                                           "{\"qom-type\":\"secret\",\"id\":\"masterKey0\",\"format\":\"raw\","
                                           "\"file\":\"/var/lib/libvirt/qemu/domain-1-web1/master-key.aes\"}");
        g_assert_true(object->by_libvirt);
        g_autoptr(QemuArgs) disk =
                PARSE("-name", "guest=web1,debug-threads=on", "-drive", "file=/var/lib/libvirt/images/a.img");
        g_assert_false(disk->by_libvirt);
        g_autoptr(QemuArgs) own =
                PARSE("-chardev", "socket,id=charmonitor,path=/run/q,server", "-mon", "charmonitor,mode=control");
        g_assert_false(own->by_libvirt);
}

static void test_daemonize(void) {
        static const char *const yes[] = {"-daemonize", "--daemonize"};
        for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
                g_autoptr(QemuArgs) args = PARSE("-name", "web1", yes[i], "-m", "1G");
                g_assert_true(args->daemonize);
        }
        g_autoptr(QemuArgs) text = PARSE("-append", "-daemonize", "-name", "web1");
        g_assert_false(text->daemonize);
}

static void test_cmdline(void) {
        static const char bytes[] = "/usr/bin/qemu-system-x86_64\0-name\0web1\0-qmp\0unix:/q,server\0";
        g_autoptr(QemuArgs) args = qemu_args_parse_cmdline(bytes, sizeof bytes - 1);
        g_assert_nonnull(args);
        g_assert_cmpstr(args->name, ==, "web1");
        monitors_are(args, "/q");
        static const char *const programs[] = {"/usr/libexec/qemu-kvm", "kvm", "qemu-system-aarch64"};
        for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
                /* Without the last NUL, too: an archive may have cut it off. */
                g_autoptr(QemuArgs) other = qemu_args_parse_cmdline(programs[i], strlen(programs[i]));
                g_assert_nonnull(other);
                g_assert_null(other->name);
        }
        static const char *const no_programs[] = {"", "bash", "qemu-system-", "/usr/bin/kvm/x", "qemu-img", "mykvm"};
        for (size_t i = 0; i < G_N_ELEMENTS(no_programs); i++)
                g_assert_null(qemu_args_parse_cmdline(no_programs[i], strlen(no_programs[i])));
        static const char option[] = "bash\0qemu-system-x86_64\0-name\0web1";
        g_assert_null(qemu_args_parse_cmdline(option, sizeof option));
}

static void test_memory(void) {
        static const uint64_t mib = 1 << 20;
        static const struct {
                const char *value;
                uint64_t ram;
        } table[] = {
                {"512", 512 * mib},
                {"4G", 4096 * mib},
                {"size=4194304k,slots=16,maxmem=8G", 4096 * mib},
                {"1g,slots=2", 1024 * mib},
                {"0x100", 256 * mib},
                {"1T", UINT64_C(1) << 40},
                {"8192b", 8192},
                {"1.5G", 0}, /* a fraction: not told */
                {"", 0},
                {"-1", 0},
                {"4GG", 0},
                {"99999999999999999999", 0},
                {"16E", 0},
                {"4097T", 0}, /* beyond what a processor can address */
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(QemuArgs) args = PARSE("-m", table[i].value);
                g_assert_cmpuint(args->ram, ==, table[i].ram);
        }
        g_autoptr(QemuArgs) none = PARSE("-name", "web1");
        g_assert_cmpuint(none->ram, ==, 0);
        g_autoptr(QemuArgs) backend =
                PARSE("-object", "memory-backend-memfd,id=pc.ram,size=1G", "-machine", "q35,memory-backend=pc.ram");
        g_assert_cmpuint(backend->ram, ==, 1024 * mib);
        g_autoptr(QemuArgs) json = PARSE("-machine", "memory-backend=r", "-object",
                                         "{\"qom-type\":\"memory-backend-ram\",\"id\":\"r\",\"size\":1073741824}");
        g_assert_cmpuint(json->ram, ==, 1024 * mib);
        g_autoptr(QemuArgs) dimms =
                PARSE("-m", "1G", "-object", "memory-backend-ram,id=d0,size=512M", "-device", "pc-dimm,id=x,memdev=d0",
                      "-device", "pc-dimm,memdev=unknown", "-object", "memory-backend-ram,id=unused,size=4G");
        g_assert_cmpuint(dimms->ram, ==, 1536 * mib);
}

static void test_machine(void) {
        g_autoptr(QemuArgs) none = PARSE("-name", "web1");
        g_assert_null(none->machine);
        g_assert_null(none->viommu);
        g_autoptr(QemuArgs) plain = PARSE("-M", "q35,accel=kvm");
        g_assert_cmpstr(plain->machine, ==, "q35");
        g_autoptr(QemuArgs) more = PARSE("-machine", "pc-i440fx-9.2,usb=off", "-machine", "accel=kvm");
        g_assert_cmpstr(more->machine, ==, "pc-i440fx-9.2");
        g_autoptr(QemuArgs) arm = PARSE("-machine", "virt,iommu=smmuv3");
        g_assert_cmpstr(arm->viommu, ==, "arm-smmuv3");
        g_autoptr(QemuArgs) old = PARSE("-machine", "q35,iommu=none");
        g_assert_null(old->viommu);
        g_autoptr(QemuArgs) text = PARSE("-append", "-machine", "-drive", "-device", "-name", "x");
        g_assert_null(text->machine);
}

static void test_viommu(void) {
        static const struct {
                const char *machine, *device, *viommu;
                bool caching, intremap;
        } table[] = {
                {"q35", "intel-iommu", "intel-iommu", false, false},
                {"q35,kernel_irqchip=split", "intel-iommu", "intel-iommu", false, true},
                {"q35,kernel-irqchip=split", "intel-iommu,intremap=auto,caching-mode=on", "intel-iommu", true, true},
                {"q35,kernel-irqchip=split", "intel-iommu,intremap=off", "intel-iommu", false, false},
                {"q35", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on", "intel-iommu", true, true},
                {"q35", "{\"driver\":\"intel-iommu\",\"id\":\"iommu0\",\"intremap\":\"on\",\"caching-mode\":true}",
                 "intel-iommu", true, true},
                {"q35", "virtio-iommu-pci", "virtio-iommu-pci", false, false},
                {"q35", "amd-iommu,intremap=on", "amd-iommu", false, true},
                {"q35", "virtio-net-pci,id=intel-iommu", NULL, false, false},
                {"q35", "{broken", NULL, false, false},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(QemuArgs) args = PARSE("-device", table[i].device, "-machine", table[i].machine);
                g_assert_cmpstr(args->viommu, ==, table[i].viommu);
                g_assert_cmpint(args->viommu_caching, ==, table[i].caching);
                g_assert_cmpint(args->viommu_intremap, ==, table[i].intremap);
        }
}

static void vfio_is(const QemuArgs *args, unsigned i, const char *id, const char *host, bool iommufd) {
        g_assert_cmpuint(i, <, args->vfio->len);
        const QemuVfio *vfio = args->vfio->pdata[i];
        char text[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(vfio->host, text);
        g_assert_cmpstr(vfio->id, ==, id);
        g_assert_cmpstr(vfio->has_host ? text : NULL, ==, host);
        g_assert_cmpint(vfio->iommufd, ==, iommufd);
}

static void test_devices(void) {
        g_autoptr(QemuArgs) args = PARSE(
                "-device", "vfio-pci,host=01:10.0,bus=rp1", "-device", "pcie-root-port,id=rp1,slot=1", "-device",
                "pcie-root-port,id=rp2,hotplug=off", "-device", "pcie-root-port,slot=3", "-device", "ioh3420,id=old",
                "-device", "vfio-pci,id=v1,sysfsdev=/sys/bus/pci/devices/0000:01:10.2,iommufd=iommufd0", "-device",
                "driver=vfio-pci-nohotplug,id=v2,fd=7", "-device",
                "{\"driver\":\"vfio-pci\",\"host\":\"0000:41:02.3\",\"id\":\"hostdev0\",\"bus\":\"old\",\"x\":[1]}",
                "-device", "vfio-pci,host=nonsense", "-device", "vfio-pci-x,host=01:10.6");
        g_assert_cmpuint(args->vfio->len, ==, 5);
        vfio_is(args, 0, NULL, "0000:01:10.0", false);
        vfio_is(args, 1, "v1", "0000:01:10.2", true);
        vfio_is(args, 2, "v2", NULL, false);
        vfio_is(args, 3, "hostdev0", "0000:41:02.3", false);
        vfio_is(args, 4, NULL, NULL, false);
        static const struct {
                const char *id;
                bool used, hotplug;
        } ports[] = {{"rp1", true, true}, {"rp2", false, false}, {"old", true, true}};
        g_assert_cmpuint(args->ports->len, ==, G_N_ELEMENTS(ports));
        for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
                const QemuPort *port = args->ports->pdata[i];
                g_assert_cmpstr(port->id, ==, ports[i].id);
                g_assert_cmpint(port->used, ==, ports[i].used);
                g_assert_cmpint(port->hotplug, ==, ports[i].hotplug);
        }
}

static void test_agent(void) {
        static const char port[] = "virtserialport,chardev=qga0,name=org.qemu.guest_agent.0";
        static const struct {
                const char *chardev, *device, *socket;
        } table[] = {
                {"socket,path=/run/qga,server=on,wait=off,id=qga0", port, "/run/qga"},
                {"socket,path=/run/qga,server,nowait,id=qga0",
                 "{\"driver\":\"virtserialport\",\"chardev\":\"qga0\",\"name\":\"org.qemu.guest_agent.0\"}",
                 "/run/qga"},
                {"socket,path=/run/qga,id=qga0", port, NULL},   /* QEMU is the client: somebody else's */
                {"socket,fd=23,server=on,id=qga0", port, NULL}, /* libvirt's way */
                {"socket,path=/run/qga,server=on,id=other", port, NULL},
                {"socket,path=/run/qga,server=on,id=qga0", "virtserialport,chardev=qga0,name=com.redhat.spice.0", NULL},
                {"socket,path=/run/qga,server=on,id=qga0", "virtconsole,chardev=qga0,name=org.qemu.guest_agent.0",
                 NULL},
                {"pty,path=/run/qga,id=qga0", port, NULL},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(QemuArgs) args = PARSE("-device", table[i].device, "-chardev", table[i].chardev);
                g_assert_cmpstr(args->agent_socket, ==, table[i].socket);
                g_assert_cmpstr(args->agent_chardev, ==, table[i].socket ? "qga0" : NULL);
                monitors_are(args, "");
        }
}

static void test_bare(void) {
        static const char recorded[] = "qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0-uuid\0x";
        g_autoptr(QemuArgs) bare = qemu_args_parse_cmdline(recorded, sizeof recorded);
        g_assert_true(bare->bare);
        g_autoptr(QemuArgs) memory = PARSE("-name", "web1", "-m", "1G");
        g_assert_false(memory->bare);
        g_autoptr(QemuArgs) other = PARSE("-name", "web1", "-enable-kvm");
        g_assert_false(other->bare);
}

static void test_many(void) {
        g_autoptr(GPtrArray) many = g_ptr_array_new();
        for (int i = 0; i < 5000; i++) {
                g_ptr_array_add(many, (char *)"-device");
                g_ptr_array_add(many, (char *)"vfio-pci,host=01:00.0");
                g_ptr_array_add(many, (char *)"-device");
                g_ptr_array_add(many, (char *)"pcie-root-port,id=a");
        }
        g_ptr_array_add(many, NULL);
        g_autoptr(QemuArgs) bounded = qemu_args_parse((const char *const *)many->pdata);
        g_assert_cmpuint(bounded->vfio->len, ==, 4096);
        g_assert_cmpuint(bounded->ports->len, ==, 4096);
}

static void test_ref(void) {
        static const struct {
                const char *text, *backend, *name;
        } good[] = {
                {"qemu:web1", "qemu", "web1"}, {"web1", NULL, "web1"},     {"qemu:a:b", "qemu", "a:b"},
                {"Web:1", NULL, "Web:1"},      {"vm 1:x", NULL, "vm 1:x"}, {"xen:ä", "xen", "ä"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
                g_autofree char *backend = NULL, *name = NULL;
                g_assert_true(guest_ref_parse(good[i].text, &backend, &name));
                g_assert_cmpstr(backend, ==, good[i].backend);
                g_assert_cmpstr(name, ==, good[i].name);
        }
        g_autofree char *too_long = g_strnfill(256, 'x');
        const char *const bad[] = {NULL,   "",      "qemu:", "a/b",       "qemu:../x",
                                   "a\nb", "a\x7f", "a\xff", "a\xc2\x85", too_long};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                char *backend = (char *)"kept", *name = (char *)"kept";
                g_assert_false(guest_ref_parse(bad[i], &backend, &name));
                g_assert_cmpstr(backend, ==, "kept");
                g_assert_cmpstr(name, ==, "kept");
        }
}

static void test_info(void) {
        g_autoptr(GuestInfo) info = guest_info_new("qemu", "web1");
        g_autofree char *ref = guest_info_ref(info);
        g_assert_cmpstr(ref, ==, "qemu:web1");
        guest_info_add_slot(info, "rp1", true, false);
        const GuestSlot *slot = info->slots->pdata[0];
        g_assert_cmpstr(slot->bus, ==, "rp1");
        g_assert_true(slot->free);
        g_assert_false(slot->hotplug);
        /* A device whose host function is not known must not be found as 0000:00:00.0. */
        guest_info_add_device(info, "unknown");
        PciAddr host = {.domain = 0, .bus = 1, .slot = 16, .function = 0};
        g_assert_null(guest_info_find(info, (PciAddr){0}));
        GuestDevice *device = guest_info_add_device(info, "vf0");
        device->host = host;
        device->has_host = true;
        g_assert_true(guest_info_find(info, host) == device);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/qemu-args/name", test_name);
        g_test_add_func("/qemu-args/uuid", test_uuid);
        g_test_add_func("/qemu-args/qmp", test_qmp);
        g_test_add_func("/qemu-args/chardev", test_chardev);
        g_test_add_func("/qemu-args/libvirt", test_libvirt);
        g_test_add_func("/qemu-args/daemonize", test_daemonize);
        g_test_add_func("/qemu-args/cmdline", test_cmdline);
        g_test_add_func("/qemu-args/memory", test_memory);
        g_test_add_func("/qemu-args/machine", test_machine);
        g_test_add_func("/qemu-args/viommu", test_viommu);
        g_test_add_func("/qemu-args/devices", test_devices);
        g_test_add_func("/qemu-args/agent", test_agent);
        g_test_add_func("/qemu-args/bare", test_bare);
        g_test_add_func("/qemu-args/many", test_many);
        g_test_add_func("/guest/ref", test_ref);
        g_test_add_func("/guest/info", test_info);
        return g_test_run();
}
