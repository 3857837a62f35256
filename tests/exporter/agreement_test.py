#!/usr/bin/python3
"""The helper's two engines, perl and shell, on made-up tables of processes and trees of files: they must say the same.

The made-up /proc lies in a folder; its path stands in the helper for the real one. `--tables N --seed S` for more than the unit
test does; what differs is printed with its seed and table.
"""

import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True

from harness import HELPER  # noqa: E402

SHELLS = ["bash", "dash", "busybox sh", "mksh", "ksh93"]
TABLES, SEED = 60, 20240601
NAMES = ["eddy", "eddy-1.0", "eddy-2.0", "a-name-of-more-than-15", "two words", "x*y", "[ab]", "-n"]
ARGUMENTS = ["-D", "/dirtables/root", "-D/dirtables/root", "two words", "x" * 20000, "*", "\n", "$(id)", "-D\n/dirtables/root", ""]


class Engine:
    """A helper that stays; asked again and again as the exporter would."""

    def __init__(self, shell, world, spec):
        text = pathlib.Path(HELPER).read_text(encoding="utf-8")
        # What a section is called to others is written into the real /proc, and asked for there.
        text = text.replace("/proc/", f"{world.proc}/").replace('"/proc"', f'"{world.proc}"')
        if shell != "perl":
            text = text.replace("perl -M5.014", "false")
        script = world.folder / f"helper.{shell.replace(' ', '_')}"
        script.write_text(text, encoding="utf-8")
        words = [*("bash" if shell == "perl" else shell).split(" "), str(script)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdin.write(spec.encode())
        self.count = 0

    def look(self):
        self.count += 1
        nonce = f"nonce{self.count}"
        self.process.stdin.write(f"go {nonce} 5000\n".encode())
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline().decode(errors="surrogateescape")
            if not line:
                raise AssertionError(f"the helper ended after {self.count} looks")
            if line == f"{nonce} end\n":
                return self.meaning(lines)
            lines.append(line.rstrip("\n"))

    def meaning(self, lines):
        """What the collectors would make of it, in an order of its own."""
        said, sums, closed = set(), {}, set()
        for line in lines:
            word, _, rest = line.partition(" ")
            if word in ("process", "thread"):
                said.add(re.sub(r"^(process \d+ \d+ .*\) \S(?: \S+){19}|thread \d+ .*\) \S(?: \S+){19}).*", r"\1", line.strip()))
            elif word == "unknown" and " - - /" not in line:
                said.add(" ".join(line.split(" ")[:2]))
            elif word == "failed":
                said.add(line.split(" ")[1] + " failed")
            elif word == "unknown":
                said.add("unknown " + line.split(" - - ", 1)[1])
            elif word == "closed":
                closed.add(line.split(" - - ", 1)[1])
            elif word == "sum":
                count, size, oldest, path = rest.split(" ", 3)
                sums[path] = [int(count), int(size), int(float(oldest))]
            elif re.match(r"^[dfoplsbc] [01] ", line):
                depth, size, mtime, path = rest.split(" ", 3)
                if path.endswith("/self/stat"):
                    continue
                if depth == "0":
                    said.add(f"there {path} {word == 'd'} " + ("" if word == "d" else f"{size} {int(float(mtime))}"))
                elif word == "f":
                    one = sums.setdefault(path, [0, 0, 1 << 62])
                    one[0], one[1], one[2] = one[0] + 1, one[1] + int(size), min(one[2], int(float(mtime)))
        said |= {f"closed {path}" for path in closed}
        said |= {f"in {path} {total}" for path, total in sums.items() if path not in closed}
        return sorted(said)

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)


class World:
    """A folder with a /proc, programs and files, all of it changed by chance."""

    def __init__(self, chance):
        self.chance = chance
        base = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mailhub_agreement.", dir=base))
        self.proc, self.bin, self.files = self.folder / "proc", self.folder / "bin", self.folder / "files"
        for folder in (self.proc, self.bin, self.files, self.proc / "self" / "ns", self.folder / "else", self.folder / "ctr" / "bin"):
            folder.mkdir(parents=True)
        (self.proc / "uptime").write_text("1000.00 1.0\n")
        (self.proc / "stat").write_text("cpu  1 2 3 4 5 6 7 8\ncpu0 1 2 3 4\nbtime 1700000000\n")
        (self.proc / "meminfo").write_text("MemTotal: 1 kB\nMemFree: 1 kB\nMemAvailable: 1 kB\n")
        (self.proc / "self" / "stat").write_text("1 (x) S 1\n")
        boot = self.proc / "sys" / "kernel" / "random"
        boot.mkdir(parents=True)
        (boot / "boot_id").write_text("8a002b5d-4133\n")
        self.start = 0

    def spec(self):
        exes = [str(self.bin / name) for name in self.chance.sample(NAMES, 4)] + [str(self.folder / "link" / "eddy")]
        lines = ["spec"]
        for i, exe in enumerate(exes):
            lines += [f"exe {exe}", f"process {i}"]
            if self.chance.random() < 0.3:
                lines.append("contain " + self.chance.choice(["-D /dirtables/root", "two", "*", "$(id)"]))
            if self.chance.random() < 0.3:
                lines.append("lack " + self.chance.choice(["-D /dirtables/root", "zzz", "[ab]"]))
            if self.chance.random() < 0.5:
                lines += ["thread w", "thread two words"]
            if self.chance.random() < 0.3:
                lines += [f"process {i}", "contain -D"]
        self.paths = [str(self.files / name) for name in ("a", "b", "c d", "e/f", "dangling", "circle", "link")]
        return "\n".join([*lines, *(f"path {p}" for p in self.paths), "details 1", "end", ""])

    def put(self, path, text=b""):
        path.unlink(missing_ok=True)
        path.write_bytes(text)

    def link(self, path, target):
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def stir(self):
        """Programs: there, gone, anew, links."""
        chance = self.chance
        for name in chance.sample(NAMES, 3):
            path = self.bin / name
            what = chance.randrange(5)
            if what == 0:
                path.unlink(missing_ok=True)
            elif what < 4:
                self.put(path, b"program")
            else:
                self.link(path, self.bin / chance.choice(NAMES))
        if chance.random() < 0.3:
            self.link(self.folder / "link", self.folder / chance.choice(["bin", "else", "nowhere"]))
        for name in ("eddy", "else"):
            if chance.random() < 0.2:
                self.put(self.folder / "else" / name, b"program")
        # Files that the kernel still has though their names are gone.
        for name in chance.sample(NAMES, 2):
            self.put(self.bin / (name + " (deleted)"), b"program")
        self.put(self.bin / ".nfs000000000012f2340000007a", b"program")

    def table(self):
        for entry in self.proc.iterdir():
            if entry.name.isdigit():
                shutil.rmtree(entry)
        self.stir()
        self.process(1)
        for pid in self.chance.sample(range(2, 40), self.chance.randrange(12)):
            self.process(pid)
        self.tree()

    def process(self, pid):
        chance = self.chance
        folder = self.proc / str(pid)
        self.start += 1
        name = chance.choice(NAMES)
        exe = chance.choice([self.bin / name, self.bin / name, self.bin / (name + " (deleted)"), self.folder / "else" / name,
                             self.bin / ".nfs000000000012f2340000007a", self.folder / "link" / "eddy", None])
        if pid == 1 and exe is None:
            exe = self.bin / name
        if exe is not None and not str(exe).endswith(")") and os.path.exists(exe) and chance.random() < 0.9:
            exe = pathlib.Path(os.path.realpath(exe))  # as the kernel says it
        comm = chance.choice([name[:15], chance.choice(NAMES)[:15], "w", "a) R 1 (b"])
        arguments = [str(self.bin / name), *chance.choices(ARGUMENTS, k=chance.randrange(4))]
        cmdline = chance.choice([b"", *[b"\0".join(a.encode() for a in arguments) + b"\0"] * 6])
        root = self.folder / "ctr" if chance.random() < 0.2 else "/"
        tasks = [pid, *range(1000 + pid * 10, 1000 + pid * 10 + chance.choice([0, 0, 0, 1, 3]))]
        ended = exe is not None and chance.random() < 0.15
        self.thread(folder, pid, comm, None if ended else exe, b"" if ended else cmdline, root)
        for task in tasks:
            one = folder / "task" / str(task)
            gone = ended and task == pid
            self.thread(one, task, chance.choice([comm, "w", "two words"]), None if gone else exe, b"" if gone else cmdline, root)

    def thread(self, folder, pid, comm, exe, cmdline, root):
        folder.mkdir(parents=True)
        (folder / "comm").write_text(comm + "\n")
        if exe is not None:
            (folder / "exe").symlink_to(exe)
        (folder / "root").symlink_to(root)
        (folder / "cmdline").write_bytes(cmdline)
        (folder / "statm").write_text(f"100 {pid + 5} 1 1 0 1 0\n")
        rest = " ".join(["1"] * 18)
        (folder / "stat").write_text(f"{pid} ({comm}) S {rest} {self.start} 1 1 1\n")

    def tree(self):
        chance = self.chance
        for name in ("a", "b", "c d", "e"):
            path = self.files / name
            if chance.random() < 0.7:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            what = chance.randrange(5)
            if what == 0:
                continue
            if what == 1:
                path.write_bytes(b"x" * chance.randrange(50))
                continue
            path.mkdir()
            for i in range(chance.choice([0, 1, 3, 250])):
                entry = path / chance.choice([f"f{i}", f".h{i}", f"with blank {i}", f"-n{i}", f"*{i}"])
                entry.write_bytes(b"y" * (i % 7))
                os.utime(entry, (1_600_000_000 + i, 1_600_000_000 + chance.randrange(10**6)))
            if chance.random() < 0.5:
                (path / "sub").mkdir()
                (path / "to").symlink_to("sub")
                (path / "lost").symlink_to("nowhere")
        self.link(self.files / "dangling", "nowhere")
        self.link(self.files / "circle", "circle")
        self.link(self.files / "link", chance.choice(["a", "b", "nowhere", "circle"]))

    def end(self):
        shutil.rmtree(self.folder)


def compare(tables, seed, shells, per_world=200):
    """Looks at that many tables with perl and each of the shells; how often which engines were asked."""
    looks = 0
    for number in range(0, tables, per_world):
        chance = random.Random(seed + number)
        world = World(chance)
        engines = {}
        try:
            spec = world.spec()
            engines = {shell: Engine(shell, world, spec) for shell in ["perl", *shells]}
            for table in range(min(per_world, tables - number)):
                world.table()
                said = {shell: engine.look() for shell, engine in engines.items()}
                looks += 1
                for shell in shells:
                    if said[shell] != said["perl"]:
                        only = {"perl": sorted(set(said["perl"]) - set(said[shell])), shell: sorted(set(said[shell]) - set(said["perl"]))}
                        kept = tempfile.mkdtemp(prefix="mailhub_disagreement.")
                        shutil.copytree(world.folder, kept, symlinks=True, dirs_exist_ok=True)
                        raise AssertionError(f"--seed {seed + number}, table {table}: {only}\n{spec}\nkept in {kept}")
        finally:
            for engine in engines.values():
                engine.end()
            world.end()
    return looks


class Agreement(unittest.TestCase):
    def test_perl_and_every_shell_say_the_same(self):
        for shell in SHELLS:
            with self.subTest(shell=shell):
                self.assertEqual(compare(TABLES, SEED, [shell]), TABLES)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--shell", default="bash")
    options, rest = parser.parse_known_args()
    if options.tables:
        began = time.monotonic()
        print(compare(options.tables, options.seed, [options.shell]), "tables,", options.shell, f"{time.monotonic() - began:.0f} s")
    else:
        unittest.main(argv=[sys.argv[0], *rest])
