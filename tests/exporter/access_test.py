#!/usr/bin/python3
"""Access to the exporter: TLS, client certificates and passwords, judged by curl and by a scraping Prometheus.

The web configuration may change on disk at any time and counts from then on, without a restart.
"""

import ctypes
import json
import shutil
import sys
import unittest

sys.dont_write_bytecode = True

from harness import Exporter, Prometheus, Site, run, until  # noqa: E402

CURL_UNTRUSTED = 60  # curl's exit status for a server certificate without a trusted signer


def bcrypt(password):
    """Cheap on purpose: no attacker here."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password.encode(), b"$2y$04$abcdefghijklmnopqrstuu").decode()


class Access(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.site = self.enterContext(Site())
        self.site.add("here", files={"passwd": {"path": "/etc/passwd"}})
        self.site.write()
        self.folder = self.site.folder
        for authority in ("ca", "other_ca"):
            self.certificate(authority)
        for name, authority in (("server", "ca"), ("client", "ca"), ("other_server", "other_ca"), ("stranger", "other_ca")):
            self.certificate(name, authority)
        for kind in ("crt", "key"):
            shutil.copy(self.folder / f"server.{kind}", self.folder / f"web.{kind}")
        shutil.copy(self.folder / "ca.crt", self.folder / "web_ca.crt")
        self.configure("right")
        self.exporter = self.enterContext(Exporter(self.site, "--web.config.file", self.folder / "web.yml", scheme="https"))

    def certificate(self, name, authority=None):
        signer = self.folder / str(authority)
        more = [] if authority is None else ["-CA", f"{signer}.crt", "-CAkey", f"{signer}.key"]
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / f"{name}.key",
            "-out", self.folder / f"{name}.crt", *more)

    def configure(self, password, more=""):
        """Replaces the file as an editor does."""
        new = self.folder / "web.new"
        new.write_text(json.dumps({
            "tls_server_config": {"cert_file": "web.crt", "key_file": "web.key", "client_ca_file": "web_ca.crt",
                                  "client_auth_type": "RequireAndVerifyClientCert"},
            "basic_auth_users": {"prometheus": bcrypt(password)}}) + more, encoding="utf-8")
        new.rename(self.folder / "web.yml")

    def put(self, name, place):
        for kind in ("crt", "key"):
            shutil.copy(self.folder / f"{name}.{kind}", self.folder / f"new.{kind}")
            (self.folder / f"new.{kind}").rename(self.folder / f"{place}.{kind}")

    def curl(self, authority="ca", client="client", password="right", scheme="https", path="/probe?target=here"):
        """(curl's exit status, HTTP status, page)."""
        words = ["curl", "-s", "--max-time", "20", "-w", "\n%{http_code}", f"{scheme}://{self.exporter.address}{path}"]
        if authority:
            words += ["--cacert", self.folder / f"{authority}.crt"]
        if client:
            words += ["--cert", self.folder / f"{client}.crt", "--key", self.folder / f"{client}.key"]
        if password:
            words += ["--user", f"prometheus:{password}"]
        done = run(*words, check=False)
        page, _, status = done.stdout.rpartition("\n")
        return done.returncode, int(status), page

    def accepted(self, **how):
        code, status, page = self.curl(**how)
        self.assertEqual((code, status), (0, 200), how)
        self.assertIn("\nprobe_success 1\n", page)

    def unauthorized(self, **how):
        code, status, page = self.curl(**how)
        self.assertEqual((code, status), (0, 401), how)
        self.assertNotIn("mailhub", page)

    def shut_out(self, code=None, **how):
        got, status, page = self.curl(**how)
        self.assertEqual((status, page), (0, ""), how)
        self.assertEqual(got, code) if code else self.assertNotEqual(got, 0)

    def test_each_proof_is_asked_for(self):
        self.accepted()
        self.unauthorized(password=None)
        self.unauthorized(password="wrong")
        for path in ("/", "/metrics", "/sd", "/config", "/-/healthy", "/nowhere"):
            self.unauthorized(password=None, path=path)
        self.shut_out(client=None)
        self.shut_out(client="stranger")
        self.shut_out(code=CURL_UNTRUSTED, authority="other_ca")
        self.shut_out(scheme="http")

    def test_changes_on_disk_count_at_once(self):
        self.accepted()
        self.configure("new")
        self.unauthorized(password="right")
        self.accepted(password="new")
        self.put("other_server", "web")
        self.shut_out(code=CURL_UNTRUSTED, password="new")
        self.accepted(authority="other_ca", password="new")
        shutil.copy(self.folder / "other_ca.crt", self.folder / "web_ca.crt")
        self.shut_out(authority="other_ca", password="new")
        self.accepted(authority="other_ca", client="stranger", password="new")
        self.configure("newer", more="nonsense: true")
        self.unauthorized(authority="other_ca", client="stranger", password="newer")
        self.accepted(authority="other_ca", client="stranger", password="new")

    def test_a_prometheus_finds_and_scrapes_hosts_through_all_of_it(self):
        (self.folder / "password").write_text("right", encoding="utf-8")
        way = {"scheme": "https", "basic_auth": {"username": "prometheus", "password_file": str(self.folder / "password")},
               "tls_config": {"ca_file": str(self.folder / "ca.crt"), "cert_file": str(self.folder / "client.crt"),
                              "key_file": str(self.folder / "client.key")}}
        discovery = {"url": f"{self.exporter.url}/sd", **{k: v for k, v in way.items() if k != "scheme"}}
        prometheus = self.enterContext(Prometheus(self.folder, [
            {"job_name": "mailhub", "metrics_path": "/probe", "http_sd_configs": [discovery], **way,
             "relabel_configs": [{"source_labels": ["__address__"], "target_label": "__param_target"},
                                 {"source_labels": ["__param_target"], "target_label": "instance"},
                                 {"target_label": "__address__", "replacement": self.exporter.address}]},
            {"job_name": "self", "static_configs": [{"targets": [self.exporter.address]}], **way},
            {"job_name": "stranger", "static_configs": [{"targets": [self.exporter.address]}], **way,
             "tls_config": {"ca_file": str(self.folder / "ca.crt")}},
        ], interval="1s", timeout="1s"))
        until("the host to be seen", lambda: prometheus.value('probe_success{instance="here"}') == 1)
        until("the exporter to be seen", lambda: prometheus.value('up{job="self"}') == 1)
        until("the stranger to be refused", lambda: prometheus.value('up{job="stranger"}') == 0)
        self.configure("new")
        until("the old password to be refused", lambda: prometheus.value('up{job="mailhub"}') == 0)
        (self.folder / "password").write_text("new", encoding="utf-8")
        until("the new password to be taken", lambda: prometheus.value('up{job="mailhub"}') == 1)


if __name__ == "__main__":
    unittest.main()
