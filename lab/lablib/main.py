# The command line of vflab.
import argparse
import re
import signal
import sys

from . import commands, topology
from .cache import LabError


def parser():
    top = argparse.ArgumentParser(prog="vflab", description="An emulated host with SR-IOV cards.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def verb(name, action, text, named=True):
        new = verbs.add_parser(name, help=text, description=text)
        new.set_defaults(action=action)
        if named:
            new.add_argument("--name", default="lab", help="which lab (default: lab)")
        return new

    new = verb("up", commands.up, "start a lab and wait until it answers")
    new.add_argument("--topology", default="plain", choices=topology.TOPOLOGIES, metavar="NAME",
                     help="which cards behind what (default: plain; see 'vflab topologies')")
    new.add_argument("--wire", metavar="NAME", help="share the first card's wire with another lab")
    new.add_argument("--words", metavar="'WORD...'", type=words,
                     help="more words for its kernel's command line")
    new.add_argument("--cold", action="store_true", help="boot, even where a saved machine would do")
    new = verb("run", commands.run, "run a command in a lab")
    new.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND...")
    new = verb("push", commands.push, "copy files into a lab")
    new.add_argument("files", nargs="+", metavar="FILE")
    new.add_argument("--to", default="/root", metavar="FOLDER", help="where (default: /root)")
    verb("ssh", commands.ssh, "a shell in a lab")
    new = verb("down", commands.down, "end a lab; all it holds is gone")
    new.add_argument("--all", action="store_true", help="every lab")
    verb("reset", commands.reset, "press a lab's reset button and wait until it answers again")
    verb("status", commands.status, "which labs there are", named=False)
    verb("topologies", commands.topologies, "which emulated hosts there are", named=False)
    verb("console", commands.console, "print what a lab wrote on its serial console")
    verb("guest-files", commands.guest_files,
         "where a lab has the guest's kernel, initramfs and start script", named=False)
    verb("image", commands.build_image, "build the image and print its folder", named=False)
    verb("clean", commands.clean, "remove all that is cached", named=False)
    return top


def words(text):
    if not re.fullmatch(r"[A-Za-z0-9_.,:=@/ -]*", text):
        raise argparse.ArgumentTypeError("letters, digits, blanks and _.,:=@/- only")
    return text or None


def interrupted(number, _frame):
    # An ordinary way out, so that everything under way is undone.
    raise SystemExit(128 + number)


def main():
    options = parser().parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        return options.action(options)
    except LabError as error:
        print(f"vflab: {error}", file=sys.stderr)
        # 255 is what ssh users know as "could not be done"; a lab's command may use 1.
        return 255 if options.verb in ("run", "ssh") else 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
