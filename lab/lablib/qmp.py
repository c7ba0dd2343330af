# QEMU's machine protocol (QMP): one connection, commands in turn, with deadlines.
import json
import os
import socket

from .cache import LabError


class Qmp:
    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        # Through the folder's descriptor: a socket's path may have no more than 107 bytes.
        parent = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self.socket.connect(f"/proc/self/fd/{parent}/{path.name}")
        except OSError as error:
            raise LabError(f"QEMU does not answer on its QMP socket: {error.strerror}") from None
        finally:
            os.close(parent)
        self.file = self.socket.makefile("rw", encoding="utf-8")
        self.receive()
        self.run("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def receive(self):
        try:
            line = self.file.readline()
        except OSError as error:
            raise LabError(f"no answer from QEMU: {error}") from None
        if not line:
            raise LabError("QEMU closed its QMP socket")
        return json.loads(line)

    def run(self, command, **arguments):
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self.file.write(json.dumps(request) + "\n")
        self.file.flush()
        while True:
            answer = self.receive()
            if "error" in answer:
                raise LabError(f"QEMU refused {command}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]
