# The parts of vflab, the emulated SR-IOV host.
