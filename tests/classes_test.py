#!/usr/bin/env python3
"""No class of the product has more than 15 public methods, or any public data: that is for plain structs."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST_METHODS = 15
NO_MEMBER = re.compile(r"(using|friend|typedef|struct|class|enum|union|static_assert|static constexpr|template\s*<[^>]*>\s*(friend|struct|class))\b")


def without_texts(code):
    """Without comments, strings and preprocessor lines."""
    code = re.sub(r"//[^\n]*", "", code)
    code = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', code)
    code = re.sub(r"'(?:\\.|[^'\\\n])'", "' '", code)
    return re.sub(r"^\s*#.*$", "", code, flags=re.M)


def classes(code):
    """(name, what is between the braces) of each class."""
    for found in re.finditer(r"(?<!enum )\bclass\s+(?:\w+::)*(\w+)\s*(?:final\s*)?(?::[^;{]*)?\{", code):
        depth, end = 1, found.end()
        while depth > 0:
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        yield found.group(1), code[found.end():end - 1]


def public_members(body):
    """The public declarations, each without what is between its own parentheses and braces."""
    access, depth, text, members = "private", 0, "", []
    position = 0
    while position < len(body):
        label = re.match(r"(public|private|protected)\s*:(?!:)", body[position:]) if depth == 0 and not text.strip() else None
        if label:
            access, text, position = label.group(1), "", position + label.end()
            continue
        sign = body[position]
        if depth == 0 and sign in "({":
            text += sign
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(sign, 0)
        if depth == 0 and sign in ")};":
            text += sign
            # A definition ends with its brace; what is initialised with braces, or is a type, ends with a semicolon.
            is_body = sign == "}" and "(" in text and body[position + 1:].lstrip()[:1] not in (";", ",")
            if sign == ";" or is_body:
                if access == "public":
                    members.append(text.strip())
                text = ""
        elif depth == 0:
            text += sign
        position += 1
    return members


def methods_and_data(name, body):
    methods, data = [], []
    for member in public_members(body):
        if NO_MEMBER.match(member) or re.search(rf"~?\b{name}\(\)|operator=", member):
            continue
        (methods if "(" in member else data).append(member)
    return methods, data


class Classes(unittest.TestCase):
    def test_have_a_narrow_face(self):
        seen = 0
        for top in ("lib", "exporter", "actuator"):
            for path in (ROOT / top).rglob("*"):
                if path.suffix not in (".h", ".cc") or re.search(r"_test\.|testing|fakes", path.name):
                    continue
                for name, body in classes(without_texts(path.read_text())):
                    seen += 1
                    methods, data = methods_and_data(name, body)
                    self.assertLessEqual(len(methods), MOST_METHODS, f"{path.relative_to(ROOT)}: {name}: {methods}")
                    self.assertEqual(data, [], f"{path.relative_to(ROOT)}: {name}")
        self.assertGreater(seen, 80)

    def test_are_read_as_the_compiler_reads_them(self):
        code = """class A final : public B { public: explicit A(int n = 3) : n_{n} {} ~A(); A(const A&) = delete;
          A& operator=(const A&) = delete; int f() const { return g({1, 2}); } template <typename T> T h(T t); struct S { int i; };
          std::vector<int> data{1, 2}; using T = int; private: int n_; void hidden(); };"""
        (name, body), = classes(code)
        methods, data = methods_and_data(name, body)
        self.assertEqual(name, "A")
        self.assertEqual(methods, ["int f() const {}", "template <typename T> T h();"])
        self.assertEqual(data, ["std::vector<int> data{};"])


if __name__ == "__main__":
    unittest.main()
