# Whether KVM really runs kernels here: a device file alone does not say so.
import os
import pathlib
import subprocess

from . import cache, image

PATIENCE = 15


def usable(folder, progress):
    """Boots the guest's kernel with KVM under a short deadline; the verdict holds until reboot."""
    if os.environ.get("VFLAB_ACCEL") in ("kvm", "tcg"):
        return os.environ["VFLAB_ACCEL"] == "kvm"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK) or not nested():
        return False
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    remembered = cache.subfolder("kvm") / boot
    if not remembered.exists():
        progress.stage("trying whether KVM works here")
        verdict = boots(folder)
        for old in remembered.parent.iterdir():
            old.unlink(missing_ok=True)
        remembered.write_text("yes" if verdict else "no", encoding="ascii")
    return remembered.read_text(encoding="ascii") == "yes"


def nested():
    """The emulated host is there to run guests of its own."""
    for module in ("kvm_intel", "kvm_amd"):
        parameter = pathlib.Path(f"/sys/module/{module}/parameters/nested")
        if parameter.exists() and parameter.read_text(encoding="ascii").strip() in ("1", "Y"):
            return True
    return False


def boots(folder):
    command, environment = image.qemu(folder)
    command = ["setpriv", "--pdeathsig", "KILL"] + command + [
        "-accel", "kvm", "-cpu", "host", "-M", "q35", "-m", "256M", "-nodefaults", "-no-user-config",
        "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", str(folder / "vmlinuz"),
        "-initrd", str(folder / "guest.img"), "-append", "console=ttyS0 quiet panic=-1"]
    try:
        said = subprocess.run(command, env=dict(os.environ, **environment), timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False).stdout
    except subprocess.TimeoutExpired:
        return False
    return b"GUEST ready" in said
