#!/usr/bin/python3
"""The helper's two engines, perl and shell, on made-up tables of processes and trees of files: their results must be
equal.

The made-up /proc is in a folder; its path replaces the real one in the helper. `--tables N --seed S` for more than the
unit test does; differences are printed with their seed and table.
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
TABLES, SEED = 60, 77
NAMES = ["eddy", "eddy-1.0", "eddy-2.0", "a-name-of-more-than-15", "two words", "x*y", "[ab]", "-n"]
ARGUMENTS = ["-D", "/dirtables/root", "-D/dirtables/root", "two words", "x" * 20000, "*", "\n", "$(id)", "-D\n/dirtables/root", ""]

# No process of the made-up tables holds its arguments back.
STARVED = re.compile(r"^unknown .* (?:does not let its arguments be read|was not asked for its arguments|was not looked at)")


class Engine:
    """A helper that stays and is asked repeatedly, as by the exporter."""

    def __init__(self, shell, world, spec):
        text = pathlib.Path(HELPER).read_text(encoding="utf-8")
        # Other sections' names are written into the real /proc, and asked for there.
        text = text.replace("/proc/", f"{world.proc}/").replace('"/proc"', f'"{world.proc}"')
        if shell != "perl":
            text = text.replace("perl -M5.014", "false")
        script = world.folder / f"helper.{shell.replace(' ', '_')}"
        script.write_text(text, encoding="utf-8")
        words = [*("bash" if shell == "perl" else shell).split(" "), str(script)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdin.write(spec.encode())
        self.count = 0
        self.starved = False

    def look(self):
        self.count += 1
        self.starved = False
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
            self.starved = self.starved or bool(STARVED.search(lines[-1]))

    def meaning(self, lines):
        """The result that the collectors would get, sorted."""
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
        self.process.stdout.close()


class World:
    """A folder with a /proc, programs and files, all changed at random."""

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
        (self.folder / "held").mkdir()
        self.start = 0
        self.live = {}  # processes that run a file: its name as the kernel has it, its inode, who shows it

    def spec(self, trees=True):
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
        return "\n".join([*lines, *(f"path {p}" for p in self.paths if trees), "details 1", "end", ""])

    def put(self, path, text=b""):
        path.unlink(missing_ok=True)
        path.write_bytes(text)

    def link(self, path, target):
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def stir(self):
        """Programs: present, gone, new, links, other names. Returns the renamed ones, from and to."""
        chance = self.chance
        renamed = {}
        for name in chance.sample(NAMES, chance.choice([0, 1, 3])):
            path = self.bin / name
            what = chance.randrange(7)
            if what == 0:
                path.unlink(missing_ok=True)
            elif what < 4:
                self.put(path, b"program")
            elif what == 4:
                self.link(path, self.bin / chance.choice(NAMES))
            elif what == 5 and path.exists() and not path.is_symlink():
                other = self.bin / chance.choice([*NAMES, ".nfs000000000012f2340000007a"])
                if other != path:
                    path.rename(other)
                    renamed[str(path)] = str(other)
            elif path.exists():
                other = self.bin / chance.choice(NAMES)
                if os.path.realpath(other) != os.path.realpath(path):
                    other.unlink(missing_ok=True)
                    os.link(os.path.realpath(path), other)
        if chance.random() < 0.3:
            self.link(self.folder / "link", self.folder / chance.choice(["bin", "else", "nowhere"]))
        for name in ("eddy", "else"):
            if chance.random() < 0.2:
                self.put(self.folder / "else" / name, b"program")
        return renamed

    def table(self):
        chance = self.chance
        kept = {pid for pid in self.live if chance.random() < 0.7}
        self.last = dict(self.live)
        self.lifeless = {int(entry.name) for entry in self.proc.iterdir() if entry.name.isdigit()} - set(self.live)
        for entry in self.proc.iterdir():
            if entry.name.isdigit() and int(entry.name) not in kept:
                self.exit(int(entry.name))
        for pid in kept:
            held = self.folder / "held" / str(self.live[pid]["inode"])
            if not held.exists():
                os.link(self.live[pid]["name"], held)
        renamed = self.stir()
        for pid in kept:
            self.follow(pid, renamed)
        for pid in list(self.live):
            if chance.random() < 0.1:  # it executes something else
                start = self.live[pid]["start"]
                self.exit(pid)
                self.process(pid, start)
                self.leave_unless_seen(pid)
        for pid in chance.sample(range(2, 40), chance.randrange(5)):
            if not (self.proc / str(pid)).exists():
                self.process(pid)
                self.leave_unless_seen(pid)
        for pid in list(self.live):
            self.leave_unless_possible(pid)
        while not (self.proc / "1").exists():
            self.process(1)
            self.leave_unless_seen(1)
            self.leave_unless_possible(1)
        self.tree()
        for held in (self.folder / "held").iterdir():
            held.unlink()

    def leave_unless_seen(self, pid):
        """That a process executes the same file once more, or another process of its number does, is seen by neither engine until
        it looks at all anew; nor by a shell if another file has got its path."""
        now, before = self.live.get(pid), self.last.get(pid)
        path = [one and one["name"].removesuffix(" (deleted)") for one in (now, before)]
        if now and before and (now["inode"] == before["inode"] or path[0] == path[1]):
            self.exit(pid)

    def leave_unless_possible(self, pid):
        """A file that runs is always there for the kernel, and is no link."""
        one = self.live.get(pid)
        if one and (not one["links"][0].exists() or os.path.islink(one["name"])):
            self.exit(pid)

    def exit(self, pid):
        shutil.rmtree(self.proc / str(pid))
        self.live.pop(pid, None)

    def follow(self, pid, renamed):
        """The kernel's name for a process's file, after names have changed."""
        one = self.live[pid]
        name = renamed.get(one["name"], one["name"])
        if not (os.path.lexists(name) and os.lstat(name).st_ino == one["inode"]):
            name = one["name"].removesuffix(" (deleted)") + " (deleted)"
            if any(other["name"] == name and other["inode"] != one["inode"] for other in self.live.values()):
                self.exit(pid)  # a folder has one file of a name
                return
            pathlib.Path(name).unlink(missing_ok=True)
            os.link(self.folder / "held" / str(one["inode"]), name)
        one["name"] = name
        for link in one["links"]:
            self.link(link, name)

    def program(self):
        """A file to run, by the kernel's name for it; or none."""
        chance = self.chance
        name = chance.choice(NAMES)
        exe = chance.choice([self.bin / name, self.bin / name, self.bin / (name + " (deleted)"), self.folder / "else" / name,
                             self.bin / ".nfs000000000012f2340000007a", self.folder / "link" / "eddy", None])
        if exe is None:
            return name, None
        exe = pathlib.Path(os.path.realpath(exe))
        if not exe.parent.is_dir():
            exe = self.bin / name
        if not exe.exists():
            if not exe.name.endswith(" (deleted)") and not exe.name.startswith(".nfs"):
                exe = exe.with_name(exe.name + " (deleted)")
            if not exe.exists():
                exe.write_bytes(b"program")
        return name, exe

    def process(self, pid, start=None):
        chance = self.chance
        folder = self.proc / str(pid)
        self.start += 1
        start = start or self.start
        name, exe = self.program()
        while pid == 1 and exe is None:
            name, exe = self.program()
        # In one folder, it does not use the name of another program there, because network storage could show it as
        # that one.
        called = exe.name.removesuffix(" (deleted)") if exe is not None and exe.parent == self.bin else chance.choice(NAMES)
        comm = chance.choice([called[:15], called[:15], "w", "a) R 1 (b"])
        arguments = [chance.choice([str(self.bin / name)] * 3 + [name]), *chance.choices(ARGUMENTS, k=chance.randrange(4))]
        cmdline = chance.choice([b"", *[b"\0".join(a.encode() for a in arguments) + b"\0"] * 6])
        root = self.folder / "ctr" if chance.random() < 0.2 else "/"
        tasks = [pid, *range(1000 + pid * 10, 1000 + pid * 10 + chance.choice([0, 0, 0, 1, 3]))]
        # A number is not reused so soon that no look comes between a dead process and the new one.
        ended = exe is not None and len(tasks) > 1 and pid not in self.lifeless and chance.random() < 0.3
        # The program's address, which an exec changes; some kernels hide it.
        image = chance.choice([f"{self.start}000 {self.start}500 7000"] * 5 + ["1 1 0"])
        shown = [folder, *(folder / "task" / str(task) for task in tasks)]
        for one in shown:
            gone = exe is None or (ended and one.name == str(pid))
            text = comm if one == folder else chance.choice([comm, "w", "two words"])
            self.thread(one, text, None if gone else exe, b"" if gone else cmdline, root, start, "0 0 0" if gone else image)
        links = [one / "exe" for one in shown if (one / "exe").is_symlink()]
        if links:
            self.live[pid] = {"name": str(exe), "inode": os.lstat(exe).st_ino, "start": start, "links": links}

    def thread(self, folder, comm, exe, cmdline, root, start, image):
        folder.mkdir(parents=True)
        (folder / "comm").write_text(comm + "\n")
        if exe is not None:
            (folder / "exe").symlink_to(exe)
        (folder / "root").symlink_to(root)
        (folder / "cmdline").write_bytes(cmdline)
        (folder / "statm").write_text(f"100 {int(folder.name) + 5} 1 1 0 1 0\n")
        rest = " ".join(["1"] * 18)
        (folder / "stat").write_text(f"{folder.name} ({comm}) S {rest} {start} 1 1 1 {image}\n")

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
    """Looks at that many tables with perl and each of the shells; returns the number of looks. Of five worlds one has
    trees of files, which take the shells more time than processes do."""
    looks = 0
    for number in range(0, tables, per_world):
        chance = random.Random(seed + number)
        world = World(chance)
        engines = {}
        try:
            spec = world.spec(trees=number // per_world % 5 == 0)
            engines = {shell: Engine(shell, world, spec) for shell in ["perl", *shells]}
            for table in range(min(per_world, tables - number)):
                world.table()
                # An engine that waits in vain for a busy machine says so, and is asked again.
                for _ in range(5):
                    said = {shell: engine.look() for shell, engine in engines.items()}
                    if not any(engine.starved for engine in engines.values()):
                        break
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
