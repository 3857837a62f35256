#!/usr/bin/python3
"""Makes a man page, or bash completion, of what a program says with --help, also of each of its commands.

    help_pages.py man PROGRAM >PROGRAM.1
    help_pages.py completion PROGRAM >PROGRAM.bash

Why not help2man: it reads one --help in the style of GNU, not commands of commands, and makes no completion. The texts stay in
the programs, in one place each.
"""

import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys

COLUMN = 30  # where CLI11 begins descriptions
SECTIONS = {"Positionals:": "positionals", "Options:": "options", "Subcommands:": "commands"}


@dataclasses.dataclass
class Entry:
    """One option, argument or command: the words before its description, and that."""

    head: str
    text: str

    @property
    def names(self):
        return [name for name in self.head.split()[0].split(",") if name]

    @property
    def takes_value(self):
        return len(self.head.split()) > 1 and self.head.split()[1][0].isupper()

    @property
    def choices(self):
        found = re.search(r":\{([^}]*)\}", self.head)
        return found[1].split(",") if found else []


@dataclasses.dataclass
class Help:
    path: list  # the words of the command, without the program
    text: str = ""
    usage: str = ""
    positionals: list = dataclasses.field(default_factory=list)
    options: list = dataclasses.field(default_factory=list)
    commands: list = dataclasses.field(default_factory=list)
    footer: list = dataclasses.field(default_factory=list)
    below: list = dataclasses.field(default_factory=list)  # the Help of each command


def run(program, *words):
    done = subprocess.run([program, *words], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    return done.stdout


def entries(lines):
    """CLI11 puts a description at COLUMN, or, behind a long head, alone into the next line."""
    found = []
    for line, following in zip(lines, [*lines[1:], ""]):
        if line.startswith(" " * COLUMN):
            found[-1].text = f"{found[-1].text} {line.strip()}".strip()
        elif following.startswith(" " * COLUMN) or line[COLUMN - 1:COLUMN] != " ":
            found.append(Entry(line.strip(), ""))
        else:
            found.append(Entry(line[:COLUMN].strip(), line[COLUMN:].strip()))
    return found


def parse(said, path):
    """The Help of one --help. What it does not understand it refuses: a page must not lose a part silently."""
    page = Help(path)
    lines = said.rstrip("\n").split("\n")
    start = next((i for i, line in enumerate(lines) if line.startswith("Usage: ")), None)
    if start is None:
        raise ValueError(f"{' '.join(path) or 'program'}: --help has no line that begins with \"Usage: \"")
    page.text = " ".join(line.strip() for line in lines[:start])
    page.usage = lines[start].removeprefix("Usage: ")
    block, name = [], None

    def close():
        if name == "footer":
            page.footer.extend(block)
        elif name:
            setattr(page, name, entries(block))
        elif block:
            raise ValueError(f"--help of {path}: not understood: {block[0]}")

    for line in lines[start + 1:]:
        if line in SECTIONS:
            close()
            block, name = [], SECTIONS[line]
        elif line.startswith("  ") and name != "footer":
            block.append(line)
        elif line:
            if name != "footer":
                close()
                block, name = [], "footer"
            block.append(line.strip())
    close()
    return page


def read(program, path=()):
    page = parse(run(program, *path, "--help"), list(path))
    page.below = [read(program, (*path, command.names[0])) for command in page.commands]
    return page


def escape(text):
    text = text.replace("\\", "\\(rs").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    return "\\&" + text if text.startswith(".") else text


def tagged(entry):
    """An entry as a list item; CLI11's `TEXT=default` in words that a reader of man pages knows."""
    head = entry.head.split(" ", 1)
    names = ", ".join(f"\\fB{escape(name)}\\fR" for name in head[0].split(","))
    rest = f" {escape(head[1])}" if len(head) > 1 else ""
    text = escape(entry.text) or "\\&"
    return f".TP\n{names}{rest}\n{text}\n"


def items(found):
    return "".join(tagged(entry) for entry in found if "--help" not in entry.names)


def leaves(page):
    if not page.below:
        yield page
    for below in page.below:
        yield from leaves(below)


def man(program, page):
    name = pathlib.Path(program).name
    version = run(program, "--version").split()[1]
    sentence = page.text.rstrip(".")
    out = [f'.\\" Made by packaging/help_pages.py.\n.TH {name.upper()} 1 "" "mailhub {version}" "mailhub"\n']
    out.append(f".SH NAME\n{escape(name)} \\- {escape(sentence[0].lower() + sentence[1:])}\n")
    out.append(f".SH SYNOPSIS\n\\fB{escape(name)}\\fR{escape(page.usage.removeprefix(name))}\n")
    if page.commands:
        out.append(".SH DESCRIPTION\nEach command has its options below; the options of the program may stand behind it, too.\n")
    out.append(".SH OPTIONS\n" + items(page.positionals + page.options))
    if page.commands:
        out.append(".SH COMMANDS\n")
    for leaf in leaves(page) if page.commands else []:
        out.append(f".SS {escape(leaf.usage)}\n{escape(leaf.text)}\n{items(leaf.positionals + leaf.options)}")
    for line in page.footer:
        title, colon, text = line.partition(": ")
        out.append(f".SH {title.upper()}\n{escape(text)}\n" if colon else f".PP\n{escape(line)}\n")
    return "".join(out)


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def pages(page):
    yield page
    for below in page.below:
        yield from pages(below)


def names_a_file(entry):
    return bool(re.search(r"\bfile\b|\bdirectory\b|\bFILE\b|\bCertificates\b", f"{entry.head} {entry.text}", re.I))


def values(options, path):
    """Lines of a case statement: what may follow an option."""
    lines = []
    for option in options:
        if not option.takes_value:
            continue
        pattern = "|".join(f"{path}{name}" for name in option.names)
        if option.choices:
            answer = f"COMPREPLY=($(compgen -W {quoted(' '.join(option.choices))} -- \"$word\"))"
        else:
            answer = 'COMPREPLY=($(compgen -f -- "$word"))' if names_a_file(option) else "COMPREPLY=()"
        lines.append(f"    {pattern}) {answer}; return ;;\n")
    return lines


def completion(program, page):
    name = pathlib.Path(program).name
    function = "_" + re.sub(r"\W", "_", name)
    paths = [" ".join(p.path) for p in pages(page) if p.path]
    valued = sorted({n for p in pages(page) for o in p.options if o.takes_value for n in o.names})
    words, follows = [], []
    own = [n for o in page.options for n in o.names]
    for one in pages(page):
        path = " ".join(one.path)
        offered = [c.names[0] for c in one.commands] + [c for p in one.positionals for c in p.choices]
        offered += [n for o in one.options for n in o.names] + (own if one.path else [])
        files = any(names_a_file(p) for p in one.positionals if not p.choices)
        more = ' COMPREPLY+=($(compgen -f -- "$word"))' if files else ""
        words.append(f"    {quoted(path)}) COMPREPLY=($(compgen -W {quoted(' '.join(dict.fromkeys(offered)))} -- \"$word\"));{more} ;;\n")
        if one.path:
            follows += values(one.options, quoted(path + ":"))
    follows += values(page.options, "*:")
    return f"""# Made by packaging/help_pages.py.
# shellcheck shell=bash disable=SC2207
{function}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} path='' next at skip=
  for ((at = 1; at < COMP_CWORD; ++at)); do
    if [[ $skip ]]; then
      skip=
      continue
    fi
    case ${{COMP_WORDS[at]}} in {'|'.join(valued)}) skip=yes; continue ;; esac
    next="${{path:+$path }}${{COMP_WORDS[at]}}"
    case $next in {'|'.join(quoted(p) for p in paths) or quoted('')}) path=$next ;; esac
  done
  case $path:$before in
{''.join(follows)}  esac
  case $path in
{''.join(words)}  esac
}}
complete -o filenames -F {function} {name}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("kind", choices=["man", "completion"])
    parser.add_argument("program")
    parser.add_argument("--out", type=pathlib.Path, help="a file; default: standard output")
    args = parser.parse_args()
    text = {"man": man, "completion": completion}[args.kind](args.program, read(args.program))
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
