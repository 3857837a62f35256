#!/usr/bin/python3
"""Both images: built with buildah on Debian without a registry, and run as Compose would. Argument: the folder of the programs.

The programs come from this build; what the Dockerfile's first stage does (building them) is not tried here. The images run
read-only, as their own account, without a network, with nothing but their own files.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/lab"))

from labkit import base  # noqa: E402
from labkit.layout import wait_until  # noqa: E402

BIN = pathlib.Path(sys.argv.pop(1)).resolve()
MOST_MIB = 40
# ROOT ETC [STATE] -- PROGRAM...: what a container runtime does with a read-only root, in name spaces of its own.
START = """root=$1 etc=$2
shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$etc" "$root/etc/mailhub"
[ "$1" = -- ] || { mount --bind "$1" "$root/var/lib/mailhub-actuator"; shift; }
shift
mount -o remount,bind,ro "$root"
ip link set lo up
exec setpriv --no-new-privs chroot --userspec=65532:65532 --groups= "$root" "$@"
"""


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="mailhub-pkg-images-", dir="/var/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        programs = cls.folder / "programs"
        programs.mkdir()
        for name in ("mailhub_exporter", "mailhub_actuator", "mailhubctl"):
            subprocess.run(["strip", "-o", programs / name, BIN / name], check=True)
        cls.buildah("from", "--name", "base", "scratch")
        cls.buildah("copy", "--quiet", "base", base.ensure(), "/")
        cls.buildah("commit", "--quiet", "base", "localhost/mailhub-pkg-base")
        cls.buildah("from", "--name", "programs", "scratch")
        cls.buildah("copy", "--quiet", "programs", programs, "/build/bin")
        cls.buildah("commit", "--quiet", "programs", "localhost/mailhub-pkg-programs")
        for target in ("exporter", "actuator"):
            cls.buildah("build", "--quiet", "--format", "docker", "--isolation", "chroot", "-f", ROOT / "docker/Dockerfile", "--target", target,
                        "--build-arg", "BASE=localhost/mailhub-pkg-base", "--build-arg", "PROGRAMS=localhost/mailhub-pkg-programs",
                        "--build-arg", "REVISION=abc1234", "-t", f"localhost/mailhub-{target}", ROOT)
            cls.buildah("from", "--name", target, f"localhost/mailhub-{target}")

    @classmethod
    def buildah(cls, *words):
        store = ["--root", cls.folder / "store", "--runroot", cls.folder / "run", "--storage-driver", "vfs"]
        done = subprocess.run(["buildah", *map(str, store), *map(str, words)], check=False, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise AssertionError(f"buildah {' '.join(map(str, words))}: {done.stderr[-3000:]}")
        return done.stdout.strip()

    def root(self, target):
        return pathlib.Path(self.buildah("mount", target))

    def config(self, target):
        return json.loads(self.buildah("inspect", "--type", "image", f"localhost/mailhub-{target}"))["Docker"]["config"]

    def test_they_are_small_and_have_no_shell(self):
        for target in ("exporter", "actuator"):
            archive = self.folder / f"{target}.tar"
            self.buildah("push", "--quiet", f"localhost/mailhub-{target}", f"oci-archive:{archive}:latest")
            size = archive.stat().st_size / 2**20
            print(f"image {target}: {size:.1f} MiB compressed", file=sys.stderr)
            self.assertLess(size, MOST_MIB)
            names = {path.name for path in self.root(target).rglob("*")}
            self.assertEqual(names & {"sh", "bash", "dash", "apt", "dpkg", "busybox", "perl"}, set())

    def test_what_they_say_of_themselves(self):
        for target in ("exporter", "actuator"):
            config = self.config(target)
            self.assertEqual(config["User"], "65532:65532")
            labels = config["Labels"]
            self.assertEqual(labels["org.opencontainers.image.revision"], "abc1234")
            version = subprocess.run([BIN / f"mailhub_{target}", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
            self.assertEqual(labels["org.opencontainers.image.version"], version, "docker/Dockerfile has another version than CMakeLists.txt")
            self.assertEqual(labels["org.opencontainers.image.licenses"], "Apache-2.0")

    def test_they_run_read_only_and_answer_their_health_check(self):
        etc = self.folder / "etc"
        shutil.copytree(ROOT / "docker/config", etc)
        (etc / "keys").mkdir()
        (etc / "runbooks").mkdir()
        (etc / "runbooks/nothing.yml").write_text("runbook: nothing\nsummary: Asks\nsteps:\n  - confirm: Is it so?\n", encoding="utf-8")
        for name in ("exporter", "actuator"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", etc / "keys" / name], check=True)
        for name in ("api", "webhook"):
            (etc / f"{name}.token").write_text("a-token-of-some-length\n", encoding="utf-8")
            (etc / f"{name}.token").chmod(0o600)
        state = self.folder / "state"
        state.mkdir()
        for path in (state, *etc.rglob("*")):
            os.chown(path, 65532, 65532)
        for target, binds in (("exporter", []), ("actuator", [state])):
            with self.subTest(target):
                self.run_one(target, etc, binds)
        self.assertTrue((state / "journal.db").exists())

    def run_one(self, target, etc, binds):
        config = self.config(target)
        start = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-euc", START, "sh", self.root(target), etc, *binds, "--",
                 *config["Entrypoint"], *config["Cmd"]]
        log = self.folder / f"{target}.log"
        with open(log, "wb") as out:
            program = subprocess.Popen(list(map(str, start)), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            wait_until(f"the {target}: {log.read_text(errors='replace')}", lambda: b"Listening" in log.read_bytes() or program.poll() is not None, 30)
            self.assertIsNone(program.poll(), log.read_text(errors="replace"))
            found = [pid for pid in self.below([program.pid])
                     if pathlib.Path(f"/proc/{pid}/cmdline").read_text().startswith(config["Entrypoint"][0])]
            health = config["Healthcheck"]["Test"]
            self.assertEqual(health[0], "CMD")
            enter = ["nsenter", f"--target={found[-1]}", "--net", "--mount", "--root", "--setuid=65532", "--setgid=65532", "--"]
            done = subprocess.run([*enter, *health[1:]], check=False, capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 0, done.stderr + log.read_text(errors="replace"))
            status = pathlib.Path(f"/proc/{found[-1]}/status").read_text()
            self.assertIn("CapEff:\t0000000000000000", status)
        finally:
            program.kill()
            program.wait(30)

    @staticmethod
    def below(pids):
        todo, found = list(pids), []
        while todo:
            pid = todo.pop()
            found.append(pid)
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                todo += children.read_text().split()
        return found


if __name__ == "__main__":
    unittest.main()
