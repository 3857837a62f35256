"""A hub's treatment of a mail address: asked over SMTP, as mail does, of the running Exim, which reads its tables as
its own user.

`exim -bt` run by root tells less: root may read every table.
"""

from . import identity, layout

# Exim's own account on Debian.
ACCOUNT = "Debian-exim"
TABLES = "/home/exim/tables"

# One conversation up to the recipient; the answer to that is printed. Nothing is sent.
_RCPT = r"""
exec 3<>/dev/tcp/127.0.0.1/25 || exit 9
hear() {
  while IFS= read -r -t 15 line <&3; do
    line=${line%$'\r'}
    case $line in ???-*) ;; *) return ;; esac
  done
  echo "no answer after: $said"
  exit 9
}
say() { said=$1; printf '%s\r\n' "$1" >&3; hear; }
said="connecting"; hear
say "EHLO lab.test"
say "MAIL FROM:<>"
case $line in 250*) ;; *) echo "$line"; exit 8 ;; esac
say "RCPT TO:<$1>"
echo "$line"
printf 'QUIT\r\n' >&3
"""


def rcpt(host, address):
    """The running Exim's answer to RCPT TO, as "250 Accepted": 250 routes, 550 does not, 451 cannot tell."""
    done = identity.ssh(host, "bash -s -- " + address, input=_RCPT, timeout=40, check=False)
    if done.returncode != 0:
        raise layout.LabError(f"{host}: no conversation with Exim: {done.stdout.strip()} {done.stderr.strip()}")
    return done.stdout.strip()


def routes(host, address):
    """Whether mail to the address is accepted; a table that Exim cannot read is an error, not a "no"."""
    answer = rcpt(host, address)
    if answer[:3] not in ("250", "550"):
        raise layout.LabError(f"{host}: Exim says about {address}: {answer}")
    return answer.startswith("250")


def table(host, name="aliases"):
    """(mode, owner, number of lines that Exim's own account reads in it)."""
    path = f"{TABLES}/{name}"
    mode, owner = identity.ssh(host, f"stat -c '%a %U' {path}").stdout.split()
    read = identity.ssh(host, f"runuser -u {ACCOUNT} -- cat {path}", timeout=30, check=False)
    if read.returncode != 0:
        raise layout.LabError(f"{host}: {ACCOUNT} cannot read {path} ({mode} {owner}): {read.stderr.strip()}")
    return mode, owner, read.stdout.count("\n")
