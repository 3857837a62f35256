#!/usr/bin/env python3
"""Rules of the folders: includes run downwards, every test is registered, every folder has its README."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = [p for top in ("lib", "exporter", "actuator", "bench", "tests") for p in (ROOT / top).rglob("*") if p.suffix in (".cc", ".h")]

# The modules that each module may include besides itself; the longest matching prefix counts.
MAY_INCLUDE = {
    "lib/base": [],
    "lib/config": ["lib/base"],
    "lib/ssh": ["lib/base"],
    "lib/daemon": ["lib/base"],
    "lib/http": ["lib/base", "lib/config"],
    "lib/metrics": ["lib/base"],
    "lib/version": [],
    "exporter/collector": ["lib"],
    "exporter/helper": ["lib"],
    "exporter/host": ["lib", "exporter/collector", "exporter/helper"],
    "exporter/web": ["lib", "exporter/host", "exporter/collector"],
    "exporter": ["lib", "exporter"],
    "actuator/engine": ["lib/base"],
    "actuator/calendar": ["lib/base", "lib/config"],
    "actuator/journal": ["lib/base", "actuator/engine"],
    "actuator/runbook": ["lib", "actuator/engine", "actuator/condition"],
    "actuator/condition": ["lib", "actuator/engine"],
    "actuator/remote": ["lib", "actuator/engine"],
    "actuator/notify": ["lib", "actuator/engine", "actuator/journal", "actuator/api"],
    "actuator": ["lib", "actuator"],
    "bench": ["lib", "exporter", "actuator"],
    "tests": ["lib", "exporter", "actuator", "tests"],
}

# Third-party headers, and the product's modules that may include each.
ADAPTERS = {
    "absl/": ["actuator/calendar"],
    "CLI/": ["lib/daemon", "exporter/", "actuator/"],
    "civetweb.h": ["lib/http"],
    "crypt.h": ["lib/http"],
    "curl/": ["lib/http"],
    "gmock/": ["lib", "exporter", "actuator"],
    "gtest/": ["lib", "exporter", "actuator"],
    "libical/": ["actuator/calendar"],
    "libssh/": ["lib/ssh"],
    "nlohmann/": ["actuator/api", "actuator/condition", "actuator/ctl", "actuator/journal", "actuator/notify",
                  "actuator/webhook"],
    "openssl/": ["lib/base", "lib/http"],
    "prometheus/": ["lib/metrics"],
    "re2/": ["actuator/engine"],
    "simdjson.h": ["actuator/webhook"],
    "spdlog/": ["lib/base"],
    "sqlite3.h": ["actuator/journal"],
    "systemd/": ["lib/daemon"],
    "tl/": ["lib/base"],
    "yaml-cpp/": ["lib/config"],
    "zlib.h": ["lib/http"],
}
SYSTEM = ("arpa/", "linux/", "net/", "netinet/", "sys/")


def module_of(path):
    relative = str(path.relative_to(ROOT))
    return max((m for m in MAY_INCLUDE if relative.startswith(m + "/")), key=len, default="")


def includes(path):
    return re.findall(r'^\s*#include\s+[<"]([^>"]+)[>"]', path.read_text(), re.M)


class Structure(unittest.TestCase):
    def test_includes_run_downwards(self):
        for path in SOURCES:
            module = module_of(path)
            self.assertTrue(module, f"{path.relative_to(ROOT)}: MAY_INCLUDE does not know its module")
            # A test may put its module beside any other of the same program.
            program = [module.split("/")[0]] if path.name.endswith("_test.cc") or "testing" in path.name else []
            allowed = MAY_INCLUDE[module] + [module] + program
            for name in includes(path):
                if not name.startswith(("lib/", "exporter/", "actuator/", "bench/", "tests/")):
                    continue
                ok = any(name.startswith(prefix + "/") for prefix in allowed)
                self.assertTrue(ok, f"{path.relative_to(ROOT)} includes {name}")

    def test_third_party_headers_stay_inside_their_adapters(self):
        for path in SOURCES:
            relative = str(path.relative_to(ROOT))
            if not relative.startswith(("lib/", "exporter/", "actuator/")):
                continue
            for name in includes(path):
                homes = next((homes for header, homes in ADAPTERS.items() if name.startswith(header)), None)
                if homes is not None:
                    self.assertTrue(relative.startswith(tuple(homes)), f"{relative} includes {name}")
                elif "/" in name and not name.startswith((*SYSTEM, "lib/", "exporter/", "actuator/")):
                    self.fail(f"{relative} includes {name}: ADAPTERS does not know it")

    def test_every_test_file_is_registered(self):
        lists = "".join(p.read_text() for p in ROOT.rglob("CMakeLists.txt") if "build" not in p.relative_to(ROOT).parts)
        for path in SOURCES:
            if path.name.endswith("_test.cc"):
                self.assertTrue(path.name in lists, f"{path.relative_to(ROOT)} is in no CMakeLists.txt")

    def test_every_folder_has_its_readme(self):
        folders = {p.parent for p in SOURCES if "standins" not in p.parts}
        for folder in folders:
            self.assertTrue((folder / "README.md").exists(), f"{folder.relative_to(ROOT)} has no README.md")


if __name__ == "__main__":
    unittest.main()
