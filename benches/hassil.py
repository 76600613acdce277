#!/usr/bin/env python3
"""Tier 1 beside hassil, which Home Assistant matches sentences with: the same grammar, homes, sentences and run.

    make bench-intents            needs HEARTHD_EVAL_DATA, the folder with the evaluation data

Makes a virtual environment under target/, installs hassil and home-assistant-intents from the package index, and lets both
read Home Assistant's English and German sentences. Hits are labelled English sentences, misses are questions to a chat
model. Both programs take turns for some rounds; a figure is the median over the rounds. hassil is called as Home
Assistant calls it: recognize_best, the names filtered by its trie first. Its time is taken around that call; hearthd's
is what `hearthd eval --json` takes around its own match.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# This file is called like the package it imports.
sys.path = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
ROOT = HERE.parent
WORK = ROOT / "target" / "bench-intents"
MANY = 1000
PERCENTILES = (50, 95, 99)
PACKAGES = ("hassil==3.12.1", "home-assistant-intents==2026.10.27")
# How many times faster hearthd should be; below that it is said, and nothing fails.
BARS = {"hits": 60, "misses": 100}
# Microseconds that hearthd may take, by language and kind.
MOST = {
    ("en", "hits"): {"p50": 40, "p99": 150},
    ("en", "misses"): {"p99": 100},
    ("de", "misses"): {"p99": 300},
}
MOST_LOAD_MS, MOST_LOAD_MIB = 200, 30
LANGUAGES = ("en", "de")


def stop(message):
    print(f"bench-intents: {message}", file=sys.stderr)
    sys.exit(1)


def enter_environment():
    """Goes on in the virtual environment, which is made where it is missing."""
    environment = WORK / "venv"
    python = environment / "bin" / "python"
    if Path(sys.prefix) == environment:
        return
    installed = environment / "installed"
    if not installed.exists() or installed.read_text() != "\n".join(PACKAGES):
        print(f"bench-intents: installing {' and '.join(PACKAGES)} into {environment.relative_to(ROOT)}", flush=True)
        WORK.mkdir(parents=True, exist_ok=True)
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(environment)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                stop(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        installed.write_text("\n".join(PACKAGES))
    os.execv(python, [str(python), *sys.argv])


def grammar_file(language):
    import home_assistant_intents

    return Path(home_assistant_intents.__file__).parent / "data" / f"{language}.json"


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def padded(home):
    """The same home with more things in it, called unlike what is there."""
    kinds = [("lantern", "light"), ("outlet", "switch"), ("awning", "cover"), ("ventilator", "fan")]
    colours = ["amber", "beige", "copper", "denim", "ebony", "fuchsia", "golden", "hazel", "indigo", "jade"]
    entities = list(home["entities"])
    for number in range(MANY - len(entities)):
        kind, domain = kinds[number % len(kinds)]
        entities.append({"name": f"{colours[number % 10]} {kind} {number}", "domain": domain})
    return {**home, "entities": entities}


class Hassil:
    """hassil with one grammar and one home, called as Home Assistant calls it."""

    def __init__(self, language, home):
        from hassil import Intents
        from hassil.intents import TextSlotList
        from hassil.trie import Trie

        self.language = language
        with open(grammar_file(language), encoding="utf-8") as file:
            self.intents = Intents.from_dict(json.load(file))
        names = []
        for entity in home["entities"]:
            context = {"domain": entity["domain"]}
            if "device_class" in entity.get("attributes", {}):
                context["device_class"] = entity["attributes"]["device_class"]
            names.append((entity["name"], entity["name"], context))
        names = TextSlotList.from_tuples(names, allow_template=False, name="name")
        self.names = Trie()
        for value in names.values:
            self.names.insert(value.text_in.text.strip().lower(), value)
        self.lists = {
            "area": TextSlotList.from_strings(home.get("areas", []), allow_template=False, name="area"),
            "floor": TextSlotList.from_strings(home.get("floors", []), allow_template=False, name="floor"),
        }

    def recognize(self, text, context):
        from hassil import recognize_best
        from hassil.intents import TextSlotList

        named = [found[2] for found in self.names.find(text.strip().lower())]
        return recognize_best(
            text,
            self.intents,
            slot_lists={**self.lists, "name": TextSlotList(name="name", values=named)},
            intent_context=context,
            language=self.language,
            best_metadata_key="hass_custom_sentence",
            best_slot_name="name",
        )

    def times(self, lines):
        """Percentiles in microseconds, and how many matched."""
        taken, matched = [], 0
        for line in lines:
            context = line.get("context") or {}
            began = time.perf_counter_ns()
            result = self.recognize(line["sentence"], context)
            taken.append((time.perf_counter_ns() - began) / 1000)
            matched += result is not None
        taken.sort()
        return {f"p{p}": taken[min(len(taken) - 1, len(taken) * p // 100)] for p in PERCENTILES}, matched


def peak_mib(process):
    """The most memory that a running process ever had. Not getrusage: there a child begins with its parent's peak."""
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


def hearthd_eval(program, language, lines_file, grammar, home_file, memory=False):
    """What `hearthd eval --json` says, the most memory that it was seen with in MiB, and its seconds from start to end."""
    command = [program, "eval", str(lines_file), "--intents", str(grammar), "--home", str(home_file)]
    command += ["--lang", language, "--json"]
    peak = None
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=errors)
        while memory and child.poll() is None:
            peak = peak_mib(child.pid) or peak
            time.sleep(0.0005)
        child.wait()
        taken = time.perf_counter() - began
        out.seek(0)
        errors.seek(0)
        try:
            said = json.loads(out.read())
        except ValueError:
            # It exits 1 for misses, too: what counts is whether it gave figures.
            stop(f"{' '.join(command)}\nended with {child.returncode} and no JSON:\n{errors.read().decode(errors='replace')}")
    return said, peak or 0.0, taken


def compare(program, language, home, home_file, kind, lines, lines_file, rounds):
    """One row: both programs in turn, the medians over the rounds."""
    theirs, ours, matched, said = [], [], 0, {}
    hassil = Hassil(language, home)
    hassil.times(lines[:50])
    for turn in range(rounds):
        for who in ("hassil", "hearthd") if turn % 2 == 0 else ("hearthd", "hassil"):
            if who == "hassil":
                figures, matched = hassil.times(lines)
                theirs.append(figures)
            else:
                said, _, _ = hearthd_eval(program, language, lines_file, grammar_file(language), home_file)
                ours.append(said["latency_us"])
    middle = lambda figures, key: statistics.median(float(figure[key]) for figure in figures)
    keys = [f"p{p}" for p in PERCENTILES]
    row = {"what": f"{language} {kind}, {len(home['entities'])} names", "kind": kind, "language": language, "matched": f"{matched}/{len(lines)}"}
    row.update({f"hassil_{key}": middle(theirs, key) for key in keys})
    row.update({f"hearthd_{key}": middle(ours, key) for key in keys})
    row.update({f"ratio_{key}": row[f"hassil_{key}"] / row[f"hearthd_{key}"] for key in ("p50", "p99") if row[f"hearthd_{key}"] > 0})
    row["accuracy"] = said.get("exact_accuracy") if kind == "hits" else said.get("wrong_fires")
    return row


def below(row):
    """What of a row is worse than its bar."""
    said = [f"{key} ratio" for key in ("p50", "p99") if row.get(f"ratio_{key}", 0) < BARS[row["kind"]]]
    most = MOST[row["language"], row["kind"]]
    return said + [f"{key} over {bar} µs" for key, bar in most.items() if row[f"hearthd_{key}"] > bar]


def verdict(faults):
    return f"  below the bar: {', '.join(faults)}" if faults else "  ok"


def print_times(rows):
    print("\ntime for a sentence, in µs (median over the rounds)")
    print(f"{'':24}{'hassil':>27}{'hearthd':>27}{'ratio':>15}")
    heads = "".join(f"{key:>9}" for key in ("p50", "p95", "p99"))
    print(f"{'':24}{heads}{heads}{'p50':>8}{'p99':>7}{'bar':>6}")
    for row in rows:
        theirs = "".join(f"{row[f'hassil_p{p}']:9.0f}" for p in PERCENTILES)
        ours = "".join(f"{row[f'hearthd_p{p}']:9.1f}" for p in PERCENTILES)
        ratios = f"{row.get('ratio_p50', 0):8.0f}{row.get('ratio_p99', 0):7.0f}{BARS[row['kind']]:6}"
        print(f"{row['what']:24}{theirs}{ours}{ratios}{verdict(below(row))}")
    for row in rows:
        word = "exact accuracy" if row["kind"] == "hits" else "wrong fires"
        print(f"{row['what']}: hassil matched {row['matched']}, hearthd's {word} {row['accuracy']}")


def load_hassil(language, home_file, lines_file):
    """In a process of its own: seconds from reading the files to the first answer, and the MiB for that and all lines."""
    import hassil.recognize  # noqa: F401  what any program with hassil in it has in memory

    before = peak_mib("self")
    home = json.loads(Path(home_file).read_text(encoding="utf-8"))
    began = time.perf_counter()
    loaded = Hassil(language, home)
    loaded.recognize("turn on the light", {})
    seconds = time.perf_counter() - began
    loaded.times(lines_of(lines_file))
    print(json.dumps({"seconds": seconds, "mib": peak_mib("self") - before}))


def print_loads(program, homes, lines_file, rounds):
    """Load time and memory; what each program has with nothing loaded is taken off."""
    nothing, nothing_home = WORK / "nothing.json", WORK / "home_0.json"
    nothing_home.write_text(json.dumps({"entities": [], "areas": [], "floors": []}), encoding="utf-8")
    print("\nload (hassil: until its first answer, since it compiles then), and memory over all hits beyond the empty program's")
    print(f"{'':24}{'hassil':>21}{'hearthd':>21}")
    for language in LANGUAGES:
        nothing.write_text(json.dumps({"language": language, "intents": {}}), encoding="utf-8")
        for home, home_file in homes:
            theirs, ours, bare = [], [], []
            for _ in range(rounds):
                command = [sys.executable, __file__, "--load", language, str(home_file), str(lines_file)]
                theirs.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
                ours.append(hearthd_eval(program, language, lines_file, grammar_file(language), home_file, memory=True))
                bare.append(hearthd_eval(program, language, lines_file, nothing, nothing_home, memory=True))
            seconds, mib = (statistics.median(figures[key] for figures in theirs) for key in ("seconds", "mib"))
            # Where it does not tell its load time, the whole process's is an upper bound.
            note = "" if all("load_ms" in said for said, _, _ in ours) else "  (time of the whole process)"
            our_ms = statistics.median(said.get("load_ms", taken * 1000) for said, _, taken in ours)
            our_mib = statistics.median(mib for _, mib, _ in ours) - statistics.median(mib for _, mib, _ in bare)
            what = f"{language}, {len(home['entities'])} names"
            faults = [f"over {MOST_LOAD_MS} ms"] if our_ms > MOST_LOAD_MS else []
            faults += [f"over {MOST_LOAD_MIB} MiB"] if our_mib > MOST_LOAD_MIB else []
            figures = f"{seconds * 1000:8.0f} ms {mib:5.1f} MiB{our_ms:8.0f} ms {our_mib:5.1f} MiB"
            print(f"{what:24}{figures}{note}{verdict(faults)}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--hearthd", default=str(ROOT / "target" / "release" / "hearthd"), help="the program")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--json", metavar="FILE", help="writes the rows there, too")
    arguments.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.load:
        return load_hassil(*options.load)
    data = os.environ.get("HEARTHD_EVAL_DATA")
    if not data:
        stop("HEARTHD_EVAL_DATA is not set: name the folder with ha_en_dev.jsonl, home_en.json and routing_dev.jsonl. NOTHING WAS MEASURED.")
    if not Path(options.hearthd).exists():
        stop(f"{options.hearthd} is missing: make build")
    enter_environment()
    from importlib.metadata import version

    hits = lines_of(Path(data) / "ha_en_dev.jsonl")
    questions = [line["text"] for line in lines_of(Path(data) / "routing_dev.jsonl") if line["label"] in ("chat", "explain")]
    misses = [{"sentence": text, "intent": None} for text in questions]
    home = json.loads((Path(data) / "home_en.json").read_text(encoding="utf-8"))
    homes = []
    for some in (home, padded(home)):
        file = WORK / f"home_{len(some['entities'])}.json"
        file.write_text(json.dumps(some), encoding="utf-8")
        homes.append((some, file))
    files = {}
    for kind, lines in (("hits", hits), ("misses", misses)):
        files[kind] = WORK / f"{kind}.jsonl"
        files[kind].write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    print(f"hassil {version('hassil')}, home-assistant-intents {version('home-assistant-intents')}, {options.rounds} rounds,")
    print(f"{len(hits)} hits, {len(misses)} misses, Python {sys.version.split()[0]}", flush=True)
    rows = []
    for language in LANGUAGES:
        for some, file in homes:
            # There are labelled sentences in English only.
            for kind, lines in (("hits", hits), ("misses", misses)) if language == "en" else (("misses", misses),):
                rows.append(compare(options.hearthd, language, some, file, kind, lines, files[kind], options.rounds))
                print(f"  {rows[-1]['what']}: done", flush=True)
    print_times(rows)
    print_loads(options.hearthd, homes, files["hits"], options.rounds)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
