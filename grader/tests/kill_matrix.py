"""What became of a mutant, and the table of all of them: no sockgrade is run here.

    exact        killed as labelled: each scenario of must-fail fails (or is non-strict, where the demand is a SHOULD), one of
                 them names the class, each of must-pass passes, and nothing else fails
    cascade      the same, but others fail as well
    wrong class  killed by the scenarios of its label, and none of them names the class
    elsewhere    killed, but a scenario of must-fail does not fail, or one of must-pass does
    survived     nothing failed
    error        there is no verdict: the patch, the build or the grader failed
"""
import statistics

OUTCOMES = ("exact", "cascade", "wrong class", "elsewhere", "survived", "error")
KILLED_AS_LABELLED = ("exact", "cascade")
PASSING = ("ok", "non-strict", "info")
FAILING = ("failed", "non-strict")
BEGIN = "<!-- kill matrix: made by `make mutants ARGS=--write-summary`, not by hand -->"
END = "<!-- end of the kill matrix -->"


def name_of(patch):
    return f"{patch.parent.name}/{patch.stem}"


def is_as_labelled(result):
    return result["outcome"] in KILLED_AS_LABELLED


def broken(problem):
    return {"outcome": "error", "problems": [problem], "failed": [], "cost": 0}


def observed(scenario):
    return f"{scenario['verdict']}, {scenario['class']}: {scenario['observed']}" if scenario else "there is no such scenario"


def outcome_of(header, failed, off, classes):
    if not failed:
        return "survived"
    if off:
        return "elsewhere"
    if header["class"] not in ("-", *classes):
        return "wrong class"
    return "exact" if set(failed) == set(header["must-fail"]) else "cascade"


def off_sanitizer(header, graded):
    """What is not as labelled of a mistake that no scenario can see, and a sanitizer does: `# column: sanitizer`."""
    if graded["findings"] is None:
        return ["the second build, with sanitizers, was not tested"]
    found = {name: f["class"] for f in graded["findings"] for name in f["scenarios"] if f["class"] == header["class"]}
    return [f"{n}: the sanitizer does not say {header['class']} there" for n in header["must-fail"] if n not in found]


def decided(header, failed):
    """The label with each "a|b" of must-fail replaced by the one that failed; by the first where none did."""
    chosen = [next((n for n in entry.split("|") if n in failed), entry.split("|")[0]) for entry in header["must-fail"]]
    return {**header, "must-fail": chosen}


def judge(header, graded):
    """{"outcome", "problems", "failed", "cost"} of a mutant, from its label and what grading it has shown."""
    seen = graded["scenarios"]
    errors = [f"{n}: {observed(s)}" for n, s in seen.items() if s["verdict"] == "error"]
    if graded["build"] != "ok":
        errors.append(f"make: {graded['build']}")
    failed = [name for name, s in seen.items() if s["verdict"] in FAILING]
    header = decided(header, failed)
    if header.get("column") == "sanitizer":
        off = off_sanitizer(header, graded)
        label = [] if off else [header["class"]]
        failed += [] if off else [n for n in header["must-fail"] if n not in failed]
        return verdict_on(header, failed, off, errors, label, graded)
    off = [f"{n} should fail: {observed(seen.get(n))}" for n in header["must-fail"] if n not in failed]
    off += [f"{n} should pass: {observed(seen.get(n))}" for n in header["must-pass"]
            if seen.get(n, {}).get("verdict") not in PASSING]
    classes = sorted({str(seen[n]["class"]) for n in header["must-fail"] if n in failed})
    return verdict_on(header, failed, off, errors, classes, graded)


def verdict_on(header, failed, off, errors, classes, graded):
    outcome = "error" if errors else outcome_of(header, failed, off, classes)
    problems = errors + off or (["nothing failed"] if outcome == "survived" else [])
    if outcome == "wrong class":
        problems.append(f"class {header['class']} is not named by the scenarios of the label, but {', '.join(classes)}")
    return {"outcome": outcome, "problems": problems, "failed": failed, "cost": graded["cost"]}


def row(title, results, width):
    counts = [sum(r["outcome"] == outcome for r in results) for outcome in OUTCOMES]
    spread = statistics.median(len(r["failed"]) for r in results)
    cells = [f"{n:>{len(name)}}" for n, name in zip([*counts, len(results)], [*OUTCOMES, "all"])]
    return f"| {title:<{width}} | {' | '.join(cells)} | {spread:>12g} | {100 * max(r['cost'] for r in results):>9.0f} % |"


def table(named):
    """The kill matrix of {"assignment/mutant": result}, in lines; also fit for a README."""
    groups = {}
    for name, result in named.items():
        groups.setdefault(name.split("/")[0], []).append(result)
    width = max(map(len, [*groups, "**all**"]))
    heads = [*OUTCOMES, "all", "median fails", "most costs"]
    lines = [f"| {'':<{width}} | {' | '.join(heads)} |", f"|{'-' * (width + 2)}|" + "".join(f"{'-' * (len(h) + 1)}:|" for h in heads)]
    lines += [row(group, results, width) for group, results in groups.items()]
    lines.append(row("**all**", list(named.values()), width))
    return lines


def remarks(named):
    """Sentences below the table: the total, how far a mistake spreads, and all that is not as it should be."""
    results = list(named.values())
    killed = sum(map(is_as_labelled, results))
    most = max(named, key=lambda name: len(named[name]["failed"]))
    yield (f"{killed} of {len(results)} ({100 * killed / len(results):.1f} %) are killed as labelled, with the right class. "
           f"The median mutant fails {statistics.median(len(r['failed']) for r in results):g} scenarios, "
           f"{most} fails {len(named[most]['failed'])}.")
    for name, result in named.items():
        if not is_as_labelled(result):
            yield f"- {name}: {result['outcome']}. {'; '.join(result['problems'])}"
        elif result.get("unsteady"):
            yield f"- {name}: as labelled at the second look only"


def write_summary(readme, named):
    """Puts table and remarks between the two marks of the README; the rest of it is written by hand."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme}: the marks of the kill matrix are missing")
    body = "\n".join([*table(named), "", *remarks(named)])
    readme.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
