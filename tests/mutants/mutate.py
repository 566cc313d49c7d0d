# tests/mutants/mutate.py - the mutants of a C file: small changes, each in one
# position, that a test should detect.
#
# The text is searched with comments, strings and preprocessor lines blanked
# out, so that offsets stay the same. Assertions are not changed: their
# conditions are never false, and `make coverage` leaves them out as well.
import re
from collections import namedtuple

# [start, end) of the file's text is replaced by new.
Mutant = namedtuple("Mutant", "path start end new kind")

BLANK = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.S | re.M)
ASSERTION = re.compile(
    r"\b(?:ROTA_ASSERT|ROTA_CHECK\w*|_Static_assert|static_assert)\s*\(")

# The bodies of functions are searched for these: (kind, pattern, replacements
# for what was found). The patterns rely on the layout that clang-format
# produces.
SWAPS = [
    ("relation", r"(?<=\s)(<=|>=|==|!=|<|>)(?=\s)",
     {"<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"],
      "==": ["!="], "!=": ["=="]}),
    ("logic", r"(?<=\s)(&&|\|\|)(?=\s)", {"&&": ["||"], "||": ["&&"]}),
    ("sign", r"(?<=\s)([+-]=?)(?=\s)",
     {"+": ["-"], "-": ["+"], "+=": ["-="], "-=": ["+="]}),
    ("step", r"(\+\+|--)", {"++": ["--"], "--": ["++"]}),
    ("order", r"(__ATOMIC_(?:ACQUIRE|RELEASE|ACQ_REL|SEQ_CST)"
     r"|\bmemory_order_(?:acquire|release|acq_rel|seq_cst))\b", None),
    ("not", r"(!)(?=[\w(*])", {"!": [""]}),
    ("number", r"(?<![\w.])(\d+)(?![\w.])", None),
    ("flag", r"(\s\|\s*~?[A-Z][A-Z_0-9]+)\b", None),
]

CONDITION = re.compile(r"\b(?:if|while)\s*\(")
RETURN = re.compile(r"\breturn\s+([^;{}]+);")

# A statement that is an expression: a name, possibly with members, and then a
# call, an assignment or a step. A declaration has a space and another name.
STATEMENT = re.compile(
    r"^\t+((?:\(void\))?\*?[A-Za-z_][\w.\[\]]*(?:->[\w.\[\]]+)*"
    r"(?:\(|\s[-+*/|&^%]?=\s|<<=|>>=|\+\+;|--;))", re.M)


def blanked(text):
    """The text with a space for each character that must not be changed."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group())

    text = BLANK.sub(spaces, text)
    for match in reversed(list(ASSERTION.finditer(text))):
        end = closing(text, match.end() - 1)
        text = (text[:match.start()] +
                re.sub(r"[^\n]", " ", text[match.start():end]) + text[end:])
    return text


def closing(text, at):
    """The offset after the parenthesis that closes the one at @at."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    return len(text)


def bodies(text):
    """[start, end) of each function's body: clang-format closes it in the first
    column. A brace after a = or an enum begins no function."""
    for match in re.finditer(r"^\{\n.*?^\}", text, re.S | re.M):
        yield match.start(), match.end()


def swapped(kind, found):
    if kind == "order":
        if found.startswith("__"):
            return ["__ATOMIC_RELAXED"]
        return ["memory_order_relaxed"]
    if kind == "number":
        return {"0": ["1"], "1": ["0", "2"]}.get(found, [str(int(found) + 1)])
    return [""]  # a flag


def in_body(path, text, start, end):
    for kind, pattern, table in SWAPS:
        for match in re.compile(pattern).finditer(text, start, end):
            found = match.group(1)
            news = table[found] if table else swapped(kind, found)
            for new in news:
                yield Mutant(path, match.start(1), match.end(1), new, kind)

    for match in CONDITION.finditer(text, start, end):
        after = closing(text, match.end() - 1)
        inside = text[match.end():after - 1]
        yield Mutant(path, match.end(), after - 1, "!(" + inside + ")",
                     "condition")

    for match in RETURN.finditer(text, start, end):
        if match.group(1).strip() not in ("0", "NULL"):
            lines = match.group(1).count("\n")
            yield Mutant(path, match.start(1), match.end(1),
                         "0" + "\n" * lines, "return")

    for match in STATEMENT.finditer(text, start, end):
        at = text.find(";", match.end() - 1)
        paren = text.find("(", match.start(1), at)
        while 0 <= paren < at:  # past a ; in parentheses
            after = closing(text, paren)
            at = text.find(";", after) if after > at else at
            paren = text.find("(", after, at)
        if 0 < at < end and "{" not in text[match.start(1):at]:
            lines = text.count("\n", match.start(1), at)
            yield Mutant(path, match.start(1), at, "(void)0" + "\n" * lines,
                         "statement")


def mutants_of(path, text):
    text = blanked(text)
    found = []
    for start, end in bodies(text):
        found += in_body(path, text, start, end)
    return found


def apply(mutant, text):
    """Return the mutated text; comments in the replaced part are removed."""
    return text[:mutant.start] + mutant.new + text[mutant.end:]


FUNCTION = re.compile(r"(\w+)\([^(){}]*(?:\([^()]*\)[^(){}]*)*\)\s*$")


def function(mutant, text):
    """The name of the function that the mutant is in."""
    text = blanked(text)
    opened = text.rfind("\n{\n", 0, mutant.start)
    found = FUNCTION.search(text, text.rfind("}", 0, opened) + 1, opened)
    return found.group(1) if found else ""


def words(text):
    return " ".join(text.split())


def change(mutant, text):
    """Return the changed lines as two strings, before and after. White space
    becomes one space, so neither layout nor line numbers matter."""
    first = text.rfind("\n", 0, mutant.start) + 1
    last = text.find("\n", mutant.end)
    tail = text[mutant.end:last]
    return (words(text[first:last]),
            words(text[first:mutant.start] + mutant.new + tail))
