"""Prints "case answer" for every case of bad input: of the README's table, or of the tests that prove it.

usage: told.py README | told.py tests/e2e/tests/it/bad_input.rs
"""

import re
import sys


def of_readme(text):
    """Rows like: | in words <!-- case case --> | `answer` |"""
    for cases, answer in re.findall(r"^\| .*<!-- ([a-z -]+) --> \|[^`\n]*`([^`\n]+)` \|$", text, re.M):
        for case in cases.split():
            yield case, answer


def of_tests(text):
    """Tuples like: ("case", message, AppRec("E31")); constants stand for conditions."""
    constants = dict(re.findall(r'^const ([A-Z_]+): &str = "([^"]+)"', text, re.M))
    case = r'\(\s*"([a-z-]+)",\s.*?\b(?:AppRec|Error|Nothing)\(("[^"]+"|[A-Z_]+)'
    for name, answer in re.findall(case, text[: text.index("async fn check")], re.S):
        yield name, answer.strip('"') if answer.startswith('"') else constants[answer]


text = open(sys.argv[1], encoding="utf-8").read()
found = of_tests(text) if sys.argv[1].endswith(".rs") else of_readme(text)
print("\n".join(sorted(f"{case} {answer}" for case, answer in found)))
